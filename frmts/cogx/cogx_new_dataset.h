// SPDX-License-Identifier: MIT
// Create: a raster that becomes a Cloud Optimized GeoTIFF when it is closed.
#ifndef COGX_NEW_DATASET_H
#define COGX_NEW_DATASET_H

#include "closing_dataset.h"
#include "cogx_canvas.h"
#include "cogx_options.h"

#include <memory>
#include <string>
#include <vector>

class CogxNewMaskBand;

class CogxNewDataset final : public ClosingDataset
{
    friend class CogxNewBand;
    friend class CogxNewMaskBand;

  public:
    static GDALDataset *Create(const char *filename, int width, int height,
                               int bands, GDALDataType type,
                               GDALCompatOptions options);

    ~CogxNewDataset() override;

    CPLErr CreateMaskBand(int flags) override;

  protected:
    CPLErr TrySaveXML() override;
    GDALRasterBand *OwnMask() override;
    CPLErr Publish() override;
    void Drop() override;

  private:
    CogxNewDataset(int width, int height, GDALDataType type);

    bool Prepare(const char *filename, int bands, CSLConstList options);
    std::vector<uint8_t> FillSamples() const;

    const GDALDataType m_type;
    std::string m_path{};
    CogxOptions m_options{};
    int m_blockWidth = 0;
    int m_blockHeight = 0;
    CogxCanvas m_canvas{};
    std::unique_ptr<CogxNewMaskBand> m_mask;
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
