// SPDX-License-Identifier: MIT
// A COG opened for batch reading: GTiff's dataset and bands, over a file whose
// bytes come many tiles at a time.
#ifndef COGX_DATASET_H
#define COGX_DATASET_H

#include "cogx_reader.h"
#include "gdal_compat.h"

#include "gdal_proxy.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

extern const char *const COGX_OPEN_OPTIONS;

// Raises that nothing can be written.
CPLErr CogxRefuseToWrite();

// What a band's pixels are made of.
enum class CogxContent
{
    Image,
    Mask // of its own in the file
};

// Whether AdviseRead may take a window; raises the error.
bool CogxCheckAdvised(int x, int y, int width, int height, int bufWidth,
                      int bufHeight, int rasterWidth, int rasterHeight);

// GTiff's band that decodes a level of one of its bands.
GDALRasterBand *CogxDecoded(GDALRasterBand *band, int overview);

// Part of a window: rows of pixels, and what to tell RasterIO of it.
struct CogxPart
{
    int row = 0; // the first one in the window
    int rows = 0;
    bool blockwise = false; // as CogxPlan::None asks
    GDALRasterIOExtraArg *extra = nullptr;
};

// Has GDAL read a window, in parts whose tiles are fetched at once where it is
// read as it is.
CPLErr CogxReadParts(CogxReader *reader, const CogxWindow &window, bool asItIs,
                     GDALRasterIOExtraArg *extra,
                     const std::function<CPLErr(const CogxPart &)> &read);

bool CogxIsAsItIs(int x, int y, int width, int height, int bufWidth,
                  int bufHeight, const GDALRasterIOExtraArg *extra);

class CogxDataset final : public GDALProxyDataset
{
  public:
    // Whether the name asks for this driver by its prefix.
    static int Identify(GDALOpenInfo *openInfo);
    static GDALDataset *Open(GDALOpenInfo *openInfo);

    ~CogxDataset() override;

    const std::shared_ptr<CogxReader> &Reader() const
    {
        return m_reader;
    }
    // Overviews of the first band that have datasets.
    CogxDataset *Overview(int index);

    GDALDriver *GDAL_COMPAT_GET_DRIVER() override;
    char **GetFileList() override;
    char **GetMetadataDomainList() override;
    GDALCompatMetadata GetMetadata(const char *domain = "") override;
    const char *GetMetadataItem(const char *name,
                                const char *domain = "") override;
    CPLErr AdviseRead(int x, int y, int width, int height, int bufWidth,
                      int bufHeight, GDALDataType type, int nBandCount,
                      int *bandMap, GDALCompatOptions options) override;
    CPLErr CreateMaskBand(int flags) override;
#if GDAL_COMPAT_HAS_COMPRESSED_DATA
    CPLErr ReadCompressedData(const char *format, int x, int y, int width,
                              int height, int nBandCount, const int *bandList,
                              void **buffer, size_t *bufferSize,
                              char **detailedFormat) override;
#endif

  protected:
    GDALDataset *RefUnderlyingDataset() const override;
    void UnrefUnderlyingDataset(GDALDataset *dataset) const override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, int nBandCount, int *bandMap,
                     GSpacing pixelSpace, GSpacing lineSpace,
                     GSpacing bandSpace, GDALRasterIOExtraArg *extra) override;
    CPLErr IBuildOverviews(const char *resampling, int count,
                           const int *factors, int nListBands,
                           const int *bandList, GDALProgressFunc progress,
                           void *progressData, CSLConstList options) override;

  private:
    CogxDataset(std::shared_ptr<CogxReader> reader, GDALDataset *dataset);

    bool MakeDomain(const char *domain, CPLStringList *list);
    CPLStringList MakeTms(const struct cogx_tiff *tiff);

    std::shared_ptr<CogxReader> m_reader;
    GDALDatasetUniquePtr m_owned{}; // of the full resolution
    GDALDataset *const m_dataset;   // GTiff's
    std::map<int, std::unique_ptr<CogxDataset>> m_overviews{};
    std::map<std::string, CPLStringList> m_domains{}; // that are told
};

// A band, mask or overview of GTiff's.
class CogxBand final : public GDALProxyRasterBand
{
  public:
    // band is borrowed; dataset may be nullptr. source: the band of the image
    // whose pixels it is made of, 0 for all.
    CogxBand(std::shared_ptr<CogxReader> reader, CogxDataset *dataset,
             int number, int source, GDALRasterBand *band, CogxContent content);

    // What RasterIO will read.
    CogxWindow Window(int x, int y, int width, int height, int bufWidth,
                      int bufHeight, const GDALRasterIOExtraArg *extra);

    int GetOverviewCount() override;
    GDALRasterBand *GetOverview(int index) override;
    GDALRasterBand *GetRasterSampleOverview(GUIntBig samples) override;
    GDALRasterBand *GetMaskBand() override;
    CPLErr AdviseRead(int x, int y, int width, int height, int bufWidth,
                      int bufHeight, GDALDataType type,
                      GDALCompatOptions options) override;
    CPLErr BuildOverviews(const char *resampling, int count, const int *factors,
                          GDALProgressFunc progress, void *progressData,
                          CSLConstList options) override;
    CPLErr CreateMaskBand(int flags) override;

  protected:
    // Versions of GDAL have one or the other.
    GDALRasterBand *RefUnderlyingRasterBand() const;
    GDALRasterBand *RefUnderlyingRasterBand(bool open) const;
    void UnrefUnderlyingRasterBand(GDALRasterBand *band) const override;
    CPLErr IReadBlock(int blockX, int blockY, void *data) override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, GSpacing pixelSpace,
                     GSpacing lineSpace, GDALRasterIOExtraArg *extra) override;

  private:
    std::shared_ptr<CogxReader> m_reader;
    GDALRasterBand *const m_band; // GTiff's
    const int m_source;
    const CogxContent m_content;
    std::unique_ptr<CogxBand> m_mask{};
    std::map<int, std::unique_ptr<CogxBand>> m_overviews{};
};

#endif
