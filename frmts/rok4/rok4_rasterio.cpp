// SPDX-License-Identifier: MIT
// RasterIO of datasets and bands: windows of pixels into GDAL's buffers.
#include "rok4_dataset.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>

namespace
{

// A buffer of GDAL's, as the sink of a window.
struct Target
{
    GByte *data;
    GDALDataType type;
    GSpacing pixelSpace;
    GSpacing lineSpace;
    GSpacing bandSpace;
    int nBands;
    const int *bandMap; // source bands from 1
    GDALDataType sourceType;
    int sourceBands;
    double fill[PYR_MAX_BANDS]; // by source band
    GDALProgressFunc progress;
    void *progressData;

    GByte *At(int band, uint32_t x, uint32_t y) const
    {
        return data + band * bandSpace + static_cast<GSpacing>(y) * lineSpace +
               static_cast<GSpacing>(x) * pixelSpace;
    }
};

// Whether a row of source pixels is a row of the buffer, byte for byte.
bool IsSameLayout(const Target &target, int sampleBytes)
{
    bool same = target.type == target.sourceType &&
                target.nBands == target.sourceBands &&
                target.pixelSpace ==
                    static_cast<GSpacing>(sampleBytes) * target.sourceBands &&
                (target.nBands == 1 || target.bandSpace == sampleBytes);
    for (int i = 0; same && i < target.nBands; i++)
        same = target.bandMap[i] == i + 1;
    return same;
}

// Whether all bands of a row can be taken apart in one go.
bool IsPlanar(const Target &target, int sampleBytes)
{
    bool planar = target.type == target.sourceType && target.nBands > 1 &&
                  target.nBands == target.sourceBands &&
                  target.pixelSpace == sampleBytes;
    for (int i = 0; planar && i < target.nBands; i++)
        planar = target.bandMap[i] == i + 1;
    return planar;
}

void FillRow(const Target &target, uint32_t x, uint32_t y, uint32_t width)
{
    for (int i = 0; i < target.nBands; i++)
        GDALCopyWords64(&target.fill[target.bandMap[i] - 1], GDT_Float64, 0,
                        target.At(i, x, y), target.type,
                        static_cast<int>(target.pixelSpace), width);
}

void CopyRow(const Target &target, const uint8_t *pixels, uint32_t x,
             uint32_t y, uint32_t width)
{
    const int sampleBytes = GDALGetDataTypeSizeBytes(target.sourceType);
    const int pixelBytes = sampleBytes * target.sourceBands;
    if (IsSameLayout(target, sampleBytes))
    {
        memcpy(target.At(0, x, y), pixels,
               static_cast<size_t>(width) * pixelBytes);
        return;
    }
    if (IsPlanar(target, sampleBytes))
    {
        void *rows[PYR_MAX_BANDS];
        for (int i = 0; i < target.nBands; i++)
            rows[i] = target.At(i, x, y);
        GDALDeinterleave(pixels, target.sourceType, target.nBands, rows,
                         target.type, width);
        return;
    }
    for (int i = 0; i < target.nBands; i++)
        GDALCopyWords64(pixels + (target.bandMap[i] - 1) * sampleBytes,
                        target.sourceType, pixelBytes, target.At(i, x, y),
                        target.type, static_cast<int>(target.pixelSpace),
                        width);
}

void Store(void *user, const uint8_t *pixels, size_t row_bytes, uint32_t px_x,
           uint32_t px_y, uint32_t width_px, uint32_t height_px)
{
    const Target &target = *static_cast<const Target *>(user);
    for (uint32_t row = 0; row < height_px; row++)
    {
        if (pixels == nullptr)
            FillRow(target, px_x, px_y + row, width_px);
        else
            CopyRow(target, pixels + row * row_bytes, px_x, px_y + row,
                    width_px);
    }
}

bool Progress(void *user, double fraction)
{
    const Target &target = *static_cast<const Target *>(user);
    return target.progress(fraction, "", target.progressData) != FALSE;
}

// Whether the request asks for pixels as they are.
bool IsPlain(int x, int y, int width, int height, int bufWidth, int bufHeight,
             const GDALRasterIOExtraArg *extra)
{
    if (width != bufWidth || height != bufHeight)
        return false;
    return !extra->bFloatingPointWindowValidity ||
           extra->eResampleAlg == GRIORA_NearestNeighbour ||
           (x == extra->dfXOff && y == extra->dfYOff &&
            width == extra->dfXSize && height == extra->dfYSize);
}

} // namespace

double Rok4FillValue(const struct rok4_descriptor &descriptor, int band)
{
    const double value = descriptor.nodata[band - 1];
    if (rok4_format_sample(descriptor.format) == PYR_SAMPLE_FLOAT32)
        return static_cast<float>(value);
    return std::clamp(value, 0.0, 255.0);
}

CPLErr Rok4Dataset::ReadWindow(int x, int y, int width, int height, void *data,
                               GDALDataType bufType, int nBandCount,
                               const int *bandMap, GSpacing pixelSpace,
                               GSpacing lineSpace, GSpacing bandSpace,
                               GDALRasterIOExtraArg *extra)
{
    const struct rok4_descriptor &descriptor = *m_pyramid->Get()->descriptor;
    if (pixelSpace > INT_MAX || pixelSpace < INT_MIN)
    {
        Rok4Report(CE_Failure, PYR_USAGE,
                   "pixels of the buffer are more than 2 GiB apart");
        return CE_Failure;
    }
    Target target = {};
    target.data = static_cast<GByte *>(data);
    target.type = bufType;
    target.pixelSpace = pixelSpace;
    target.lineSpace = lineSpace;
    target.bandSpace = bandSpace;
    target.nBands = nBandCount;
    target.bandMap = bandMap;
    target.sourceType = papoBands[0]->GetRasterDataType();
    target.sourceBands = nBands;
    for (int i = 0; i < nBands; i++)
        target.fill[i] = Rok4FillValue(descriptor, i + 1);
    struct pyr_window_sink sink = {};
    sink.user = &target;
    sink.store = Store;
    if (extra != nullptr && extra->pfnProgress != nullptr)
    {
        target.progress = extra->pfnProgress;
        target.progressData = extra->pProgressData;
        sink.progress = Progress;
    }
    return m_pyramid->Read(Window(x, y, width, height), sink);
}

CPLErr Rok4Dataset::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                              int height, void *data, int bufWidth,
                              int bufHeight, GDALDataType bufType,
                              int nBandCount, int *bandMap, GSpacing pixelSpace,
                              GSpacing lineSpace, GSpacing bandSpace,
                              GDALRasterIOExtraArg *extra)
{
    if (flag == GF_Read &&
        IsPlain(x, y, width, height, bufWidth, bufHeight, extra))
        return ReadWindow(x, y, width, height, data, bufType, nBandCount,
                          bandMap, pixelSpace, lineSpace, bandSpace, extra);
    if (flag == GF_Read && (bufWidth < width || bufHeight < height))
    {
        int tried = FALSE;
        const CPLErr result = TryOverviewRasterIO(
            flag, x, y, width, height, data, bufWidth, bufHeight, bufType,
            nBandCount, bandMap, pixelSpace, lineSpace, bandSpace, extra,
            &tried);
        if (tried)
            return result;
    }
    if (flag == GF_Read)
        m_pyramid->Prefetch(Window(x, y, width, height));
    return GDALPamDataset::IRasterIO(flag, x, y, width, height, data, bufWidth,
                                     bufHeight, bufType, nBandCount, bandMap,
                                     pixelSpace, lineSpace, bandSpace, extra);
}

CPLErr Rok4Dataset::AdviseRead(int x, int y, int width, int height,
                               int bufWidth, int bufHeight, GDALDataType, int,
                               int *, GDALCompatOptions)
{
    if (x < 0 || y < 0 || width < 1 || height < 1 || width > nRasterXSize - x ||
        height > nRasterYSize - y)
    {
        Rok4Report(CE_Failure, PYR_USAGE,
                   CPLSPrintf("AdviseRead of %d x %d pixels at %d, %d: beyond "
                              "the raster of %d x %d",
                              width, height, x, y, nRasterXSize, nRasterYSize));
        return CE_Failure;
    }
    // The level that RasterIO will read from.
    const Rok4Dataset *level = this;
    if (bufWidth < width || bufHeight < height)
    {
        GDALRasterIOExtraArg extra;
        INIT_RASTERIO_EXTRA_ARG(extra);
        const int index = GDALBandGetBestOverviewLevel2(
            papoBands[0], x, y, width, height, bufWidth, bufHeight, &extra);
        if (index >= 0)
            level = m_overviews[index].get();
    }
    m_pyramid->Advise(level->Window(x, y, width, height));
    return CE_None;
}

CPLErr Rok4RasterBand::AdviseRead(int x, int y, int width, int height,
                                  int bufWidth, int bufHeight,
                                  GDALDataType type, GDALCompatOptions options)
{
    return poDS->AdviseRead(x, y, width, height, bufWidth, bufHeight, type, 1,
                            &nBand, options);
}

CPLErr Rok4RasterBand::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                                 int height, void *data, int bufWidth,
                                 int bufHeight, GDALDataType bufType,
                                 GSpacing pixelSpace, GSpacing lineSpace,
                                 GDALRasterIOExtraArg *extra)
{
    if (flag == GF_Read &&
        IsPlain(x, y, width, height, bufWidth, bufHeight, extra))
        return Own()->ReadWindow(x, y, width, height, data, bufType, 1, &nBand,
                                 pixelSpace, lineSpace, 0, extra);
    if (flag == GF_Read && (bufWidth < width || bufHeight < height))
    {
        int tried = FALSE;
        const CPLErr result = TryOverviewRasterIO(
            flag, x, y, width, height, data, bufWidth, bufHeight, bufType,
            pixelSpace, lineSpace, extra, &tried);
        if (tried)
            return result;
    }
    return GDALPamRasterBand::IRasterIO(flag, x, y, width, height, data,
                                        bufWidth, bufHeight, bufType,
                                        pixelSpace, lineSpace, extra);
}

// Memory that may lack: GDAL catches no exceptions.
struct FreeBytes
{
    void operator()(GByte *bytes) const
    {
        VSIFree(bytes);
    }
};
using Bytes = std::unique_ptr<GByte, FreeBytes>;

// Part of a block that lies on a raster of this size along one axis.
static int BlockPart(int block, int blockSize, int rasterSize)
{
    return std::min(blockSize, rasterSize - block * blockSize);
}

CPLErr Rok4RasterBand::IReadBlock(int blockX, int blockY, void *data)
{
    Rok4Dataset *const dataset = Own();
    const int bands = dataset->GetRasterCount();
    const int width = BlockPart(blockX, nBlockXSize, nRasterXSize);
    const int height = BlockPart(blockY, nBlockYSize, nRasterYSize);
    const int sampleBytes = GDALGetDataTypeSizeBytes(eDataType);
    const GSpacing lineSpace = static_cast<GSpacing>(nBlockXSize) * sampleBytes;
    const GSpacing bandSpace = lineSpace * nBlockYSize;
    if (width < nBlockXSize || height < nBlockYSize)
        memset(data, 0, static_cast<size_t>(bandSpace));
    if (bands == 1)
        return dataset->ReadWindow(blockX * nBlockXSize, blockY * nBlockYSize,
                                   width, height, data, eDataType, 1, &nBand,
                                   sampleBytes, lineSpace, 0, nullptr);

    // The tile holds all bands: hand the others to the block cache too.
    const Bytes pixels(static_cast<GByte *>(
        VSI_CALLOC_VERBOSE(bands, static_cast<size_t>(bandSpace))));
    if (pixels == nullptr)
        return CE_Failure;
    int bandMap[PYR_MAX_BANDS];
    for (int i = 0; i < bands; i++)
        bandMap[i] = i + 1;
    const CPLErr result = dataset->ReadWindow(
        blockX * nBlockXSize, blockY * nBlockYSize, width, height, pixels.get(),
        eDataType, bands, bandMap, sampleBytes, lineSpace, bandSpace, nullptr);
    if (result != CE_None)
        return result;
    memcpy(data, pixels.get() + (nBand - 1) * bandSpace,
           static_cast<size_t>(bandSpace));
    FillOtherBands(blockX, blockY, pixels.get());
    return CE_None;
}

void Rok4RasterBand::FillOtherBands(int blockX, int blockY, const GByte *pixels)
{
    const size_t blockBytes = static_cast<size_t>(nBlockXSize) * nBlockYSize *
                              GDALGetDataTypeSizeBytes(eDataType);
    for (int i = 1; i <= poDS->GetRasterCount(); i++)
    {
        if (i == nBand)
            continue;
        auto *const other =
            static_cast<Rok4RasterBand *>(poDS->GetRasterBand(i));
        GDALRasterBlock *block = other->TryGetLockedBlockRef(blockX, blockY);
        if (block == nullptr)
        {
            block = other->GetLockedBlockRef(blockX, blockY, TRUE);
            if (block == nullptr)
                return;
            memcpy(block->GetDataRef(), pixels + (i - 1) * blockBytes,
                   blockBytes);
        }
        block->DropLock();
    }
}

CPLErr Rok4MaskBand::IReadBlock(int blockX, int blockY, void *data)
{
    const int width = BlockPart(blockX, nBlockXSize, nRasterXSize);
    const int height = BlockPart(blockY, nBlockYSize, nRasterYSize);
    const Bytes mask(static_cast<GByte *>(VSI_MALLOC2_VERBOSE(width, height)));
    if (mask == nullptr)
        return CE_Failure;
    const CPLErr result = m_dataset->m_pyramid->ReadMask(
        m_dataset->Window(blockX * nBlockXSize, blockY * nBlockYSize, width,
                          height),
        mask.get());
    memset(data, 0, static_cast<size_t>(nBlockXSize) * nBlockYSize);
    for (int row = 0; row < height && result == CE_None; row++)
        memcpy(static_cast<GByte *>(data) +
                   static_cast<size_t>(row) * nBlockXSize,
               mask.get() + static_cast<size_t>(row) * width, width);
    return result;
}
