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
class CogxNewNodataMask;

class CogxNewDataset final : public ClosingDataset, public CogxCanvasOwner
{
    friend class CogxNewBand;
    friend class CogxNewMaskBand;
    friend class CogxNewNodataMask;

  public:
    static GDALDataset *Create(const char *filename, int width, int height,
                               int bands, GDALDataType type,
                               GDALCompatOptions options);

    ~CogxNewDataset() override;

    CPLErr CreateMaskBand(int flags) override;

    bool FindFormat(CogxDraftFormat *format) override;
    CPLErr FlushPixels(int x, int y, int width, int height) override;
    std::vector<uint8_t> FillPixel() const override;

  protected:
    CPLErr TrySaveXML() override;
    GDALRasterBand *OwnMask() override;
    CPLErr Publish() override;
    void Drop() override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, int nBandCount, int *bandMap,
                     GSpacing pixelSpace, GSpacing lineSpace,
                     GSpacing bandSpace, GDALRasterIOExtraArg *extra) override;

  private:
    CogxNewDataset(int width, int height, GDALDataType type);

    bool Prepare(const char *filename, int bands, CSLConstList options);
    CogxCanvasOptions CanvasOptions(CogxCanvasOwner *owner, int bands,
                                    GDALDataType type) const;
    CPLErr ShowNodataMask();

    const GDALDataType m_type;
    std::string m_path{};
    CogxOptions m_options{};
    int m_blockWidth = 0;
    int m_blockHeight = 0;
    CogxCanvas m_canvas{};
    std::unique_ptr<CogxNewMaskBand> m_mask;
    bool m_closing = false; // nothing is in GDAL's cache any more
    // Of a file that has a mask instead of nodata values, while it is made of
    // tiles whose pixels do not tell them.
    CogxDraftFormat m_nodataFormat{};
    std::unique_ptr<CogxNewNodataMask> m_nodataMask;
};

class CogxNewBand final : public GDALPamRasterBand
{
  public:
    CogxNewBand(CogxNewDataset *dataset, int band);

    GDALRasterBand *GetMaskBand() override;
    int GetMaskFlags() override;
    CPLErr CreateMaskBand(int flags) override;
    double GetNoDataValue(int *success) override;

  protected:
    CPLErr IReadBlock(int blockX, int blockY, void *data) override;
    CPLErr IWriteBlock(int blockX, int blockY, void *data) override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, GSpacing pixelSpace,
                     GSpacing lineSpace, GDALRasterIOExtraArg *extra) override;
    int IGetDataCoverageStatus(int x, int y, int width, int height, int stop,
                               double *percent) override;

  private:
    CogxNewDataset *Own() const;
};

// Which pixels count (GMF_PER_DATASET).
class CogxNewMaskBand final : public GDALRasterBand, public CogxCanvasOwner
{
  public:
    explicit CogxNewMaskBand(CogxNewDataset *dataset);
    bool Init();

    CogxCanvas &Canvas()
    {
        return m_canvas;
    }
    bool IsMaskBand() const override;

    bool FindFormat(CogxDraftFormat *format) override;
    CPLErr FlushPixels(int x, int y, int width, int height) override;
    std::vector<uint8_t> FillPixel() const override;

  protected:
    CPLErr IReadBlock(int blockX, int blockY, void *data) override;
    CPLErr IWriteBlock(int blockX, int blockY, void *data) override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, GSpacing pixelSpace,
                     GSpacing lineSpace, GDALRasterIOExtraArg *extra) override;

  private:
    CogxNewDataset *const m_dataset;
    CogxCanvas m_canvas{};
};

// Which pixels had not the nodata values when they were encoded.
class CogxNewNodataMask final : public GDALRasterBand
{
  public:
    explicit CogxNewNodataMask(CogxNewDataset *dataset);

    bool IsMaskBand() const override;

  protected:
    CPLErr IReadBlock(int blockX, int blockY, void *data) override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, GSpacing pixelSpace,
                     GSpacing lineSpace, GDALRasterIOExtraArg *extra) override;

  private:
    CogxNewDataset *const m_dataset;
};

#endif
