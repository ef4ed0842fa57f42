// SPDX-License-Identifier: MIT
// Create: a raster that becomes a Cloud Optimized GeoTIFF when it is closed.
#ifndef COGX_NEW_DATASET_H
#define COGX_NEW_DATASET_H

#include "cogx_canvas.h"
#include "cogx_options.h"
#include "gdal_compat.h"

#include <memory>
#include <string>
#include <vector>

class CogxNewMaskBand;

// Keeps in memory what is set, as a PAM dataset does.
class CogxNewDataset final : public GDALPamDataset
{
    friend class CogxNewBand;
    friend class CogxNewMaskBand;

  public:
    static GDALDataset *Create(const char *filename, int width, int height,
                               int bands, GDALDataType type,
                               GDALCompatOptions options);

    ~CogxNewDataset() override;

    // At closing, makes the file.
    GDALCompatFlush FlushCache(bool atClosing = false) override;
#if GDAL_COMPAT_HAS_CLOSE
    CPLErr GDAL_COMPAT_CLOSE(progress, progressData) override;
#endif
    char **GetFileList() override;
    CPLErr CreateMaskBand(int flags) override;

  protected:
    CPLErr TrySaveXML() override;

  private:
    CogxNewDataset(int width, int height, GDALDataType type);

    bool Prepare(const char *filename, int bands, CSLConstList options);
    std::vector<uint8_t> FillSamples() const;
    CPLErr Publish();

    const GDALDataType m_type;
    std::string m_path{};
    CogxOptions m_options{};
    int m_blockWidth = 0;
    int m_blockHeight = 0;
    CogxCanvas m_canvas{};
    std::unique_ptr<CogxNewMaskBand> m_mask;
    bool m_ended = false;
};

class CogxNewBand final : public GDALPamRasterBand
{
  public:
    CogxNewBand(CogxNewDataset *dataset, int band);

    GDALRasterBand *GetMaskBand() override;
    int GetMaskFlags() override;
    CPLErr CreateMaskBand(int flags) override;

  protected:
    CPLErr IReadBlock(int blockX, int blockY, void *data) override;
    CPLErr IWriteBlock(int blockX, int blockY, void *data) override;
    int IGetDataCoverageStatus(int x, int y, int width, int height, int stop,
                               double *percent) override;

  private:
    CogxNewDataset *Own() const;
};

// Which pixels count (GMF_PER_DATASET).
class CogxNewMaskBand final : public GDALRasterBand
{
  public:
    explicit CogxNewMaskBand(CogxNewDataset *dataset);
    bool Init();

    CogxCanvas &Canvas()
    {
        return m_canvas;
    }
    bool IsMaskBand() const override;

  protected:
    CPLErr IReadBlock(int blockX, int blockY, void *data) override;
    CPLErr IWriteBlock(int blockX, int blockY, void *data) override;

  private:
    CogxNewDataset *const m_dataset;
    CogxCanvas m_canvas{};
};

#endif
