// SPDX-License-Identifier: MIT
// Create: a raster on the grid that becomes a pyramid when it is closed.
#ifndef ROK4_NEW_DATASET_H
#define ROK4_NEW_DATASET_H

#include "closing_dataset.h"
#include "rok4_canvas.h"
#include "rok4_creation.h"
#include "rok4_zoom.h"

#include <memory>
#include <vector>

class Rok4NewMaskBand;

class Rok4NewDataset final : public ClosingDataset
{
    friend class Rok4NewBand;
    friend class Rok4NewMaskBand;

  public:
    static GDALDataset *Create(const char *filename, int width, int height,
                               int bands, GDALDataType type,
                               GDALCompatOptions options);

    ~Rok4NewDataset() override;

    const OGRSpatialReference *GetSpatialRef() const override;
    CPLErr SetSpatialRef(const OGRSpatialReference *srs) override;
    CPLErr GDAL_COMPAT_GET_GEOTRANSFORM(transform) override;
    CPLErr GDAL_COMPAT_SET_GEOTRANSFORM(transform) override;
    CPLErr CreateMaskBand(int flags) override;

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
    Rok4NewDataset(int width, int height, enum pyr_sample sample);

    bool Prepare(const char *filename, int bands, CSLConstList options);
    bool ChooseNodata(int bands);
    bool FindPlace();
    bool BeginWriting();

    struct pyr_window Window(int x, int y, int width, int height) const;
    Rok4Buffer Buffer(void *data, GDALDataType type, int nBandCount,
                      const int *bandMap, GSpacing pixelSpace,
                      GSpacing lineSpace, GSpacing bandSpace) const;
    CPLErr ReadWindow(int x, int y, int width, int height,
                      const Rok4Buffer &buffer);
    CPLErr WriteWindow(int x, int y, int width, int height,
                       const Rok4Buffer &buffer, bool onlyChanged);
    CPLErr FlushBlocks(int x, int y, int width, int height);

    Rok4Creation m_creation{};
    enum pyr_sample m_sample;
    std::vector<double> m_nodata{}; // by band
    bool m_masks = false;
    std::unique_ptr<Rok4NewMaskBand> m_mask; // with masks
    OGRSpatialReference m_srs{};             // the grid's until one is set
    bool m_srsSet = false;
    bool m_transformSet = false;
    double m_transform[6] = {0, 1, 0, 0, 0, 1};
    bool m_placed = false; // m_place is known
    Rok4Place m_place{};
    // Pixels of the level, where the place was known at the first write, else
    // of the raster.
    Rok4Canvas m_canvas{};
    int64_t m_originX = 0; // of the raster in the canvas
    int64_t m_originY = 0;
};

class Rok4NewBand final : public GDALPamRasterBand
{
  public:
    Rok4NewBand(Rok4NewDataset *dataset, int band, int blockWidth,
                int blockHeight);

    GDALColorInterp GetColorInterpretation() override;
    CPLErr SetColorInterpretation(GDALColorInterp interpretation) override;
    double GetNoDataValue(int *success = nullptr) override;
    CPLErr SetNoDataValue(double value) override;
    GDALRasterBand *GetMaskBand() override;
    int GetMaskFlags() override;
    CPLErr CreateMaskBand(int flags) override;

  protected:
    CPLErr IReadBlock(int blockX, int blockY, void *data) override;
    CPLErr IWriteBlock(int blockX, int blockY, void *data) override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, GSpacing pixelSpace,
                     GSpacing lineSpace, GDALRasterIOExtraArg *extra) override;

  private:
    Rok4NewDataset *Own() const;
    CPLErr Block(GDALRWFlag flag, int blockX, int blockY, void *data);
};

// What is valid of it (GMF_PER_DATASET).
class Rok4NewMaskBand final : public GDALRasterBand
{
  public:
    Rok4NewMaskBand(Rok4NewDataset *dataset, int blockWidth, int blockHeight);

    bool IsMaskBand() const override;

  protected:
    CPLErr IReadBlock(int blockX, int blockY, void *data) override;
    CPLErr IWriteBlock(int blockX, int blockY, void *data) override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, GSpacing pixelSpace,
                     GSpacing lineSpace, GDALRasterIOExtraArg *extra) override;

  private:
    CPLErr WriteWindow(int x, int y, int width, int height, const GByte *mask,
                       size_t lineSpace, bool onlyChanged);

    Rok4NewDataset *const m_dataset;
};

#endif
