// SPDX-License-Identifier: MIT
// RasterIO of datasets and bands: windows of pixels into GDAL's buffers.
#include "rok4_dataset.h"

#include "rok4_update.h"

#include <algorithm>
#include <cmath>

namespace
{

// A buffer of GDAL's, as the sink of a window.
struct Target
{
    const Rok4Buffer &buffer;
    GDALProgressFunc progress;
    void *progressData;
};

void Store(void *user, const uint8_t *pixels, size_t row_bytes, uint32_t px_x,
           uint32_t px_y, uint32_t width_px, uint32_t height_px)
{
    const Rok4Buffer &buffer = static_cast<const Target *>(user)->buffer;
    for (uint32_t row = 0; row < height_px; row++)
    {
        if (pixels == nullptr)
            buffer.FillRow(px_x, px_y + row, width_px);
        else
            buffer.PutRow(pixels + row * row_bytes, px_x, px_y + row, width_px);
    }
}

bool Progress(void *user, double fraction)
{
    const Target &target = *static_cast<const Target *>(user);
    return target.progress(fraction, "", target.progressData) != FALSE;
}

} // namespace

double Rok4FillValue(const struct rok4_descriptor &descriptor, int band)
{
    const double value = descriptor.nodata[band - 1];
    if (rok4_format_sample(descriptor.format) == PYR_SAMPLE_FLOAT32)
        return static_cast<float>(value);
    return std::clamp(value, 0.0, 255.0);
}

Rok4Buffer Rok4Dataset::Buffer(void *data, GDALDataType type, int nBandCount,
                               const int *bandMap, GSpacing pixelSpace,
                               GSpacing lineSpace, GSpacing bandSpace) const
{
    Rok4Buffer buffer;
    buffer.data = static_cast<GByte *>(data);
    buffer.type = type;
    buffer.pixelSpace = pixelSpace;
    buffer.lineSpace = lineSpace;
    buffer.bandSpace = bandSpace;
    buffer.nBands = nBandCount;
    buffer.bandMap = bandMap;
    buffer.pixelType = papoBands[0]->GetRasterDataType();
    buffer.pixelBands = nBands;
    for (int i = 0; i < nBands; i++)
        buffer.fill[i] = Rok4FillValue(*m_pyramid->Get()->descriptor, i + 1);
    return buffer;
}

CPLErr Rok4Dataset::ReadWindow(int x, int y, int width, int height,
                               const Rok4Buffer &buffer,
                               GDALRasterIOExtraArg *extra)
{
    const struct pyr_window window = Window(x, y, width, height);
    if (!Rok4CheckSpacing(buffer.pixelSpace))
        return CE_Failure;
    Target target = {buffer, nullptr, nullptr};
    struct pyr_window_sink sink = {};
    sink.user = &target;
    sink.store = Store;
    if (extra != nullptr && extra->pfnProgress != nullptr)
    {
        target.progress = extra->pfnProgress;
        target.progressData = extra->pProgressData;
        sink.progress = Progress;
    }
    // What was written lies over what is published.
    CPLErr result = CE_None;
    if (m_update == nullptr || !m_update->Canvas().Covers(window))
        result = m_pyramid->Read(window, sink);
    if (m_update != nullptr && result == CE_None)
        result = m_update->Canvas().Read(window, buffer);
    return result;
}

CPLErr Rok4Dataset::WriteWindow(int x, int y, int width, int height,
                                const Rok4Buffer &buffer, bool onlyChanged)
{
    const struct pyr_window window = Window(x, y, width, height);
    if (m_update == nullptr || !Rok4CheckSpacing(buffer.pixelSpace) ||
        !m_update->Holds(window) || !m_update->Claim())
        return CE_Failure;
    return m_update->Canvas().Write(window, buffer, onlyChanged);
}

// Before pixels are read or written past the cache of blocks.
CPLErr Rok4Dataset::FlushBlocks(int x, int y, int width, int height)
{
    CPLErr result = CE_None;
    if (m_update == nullptr)
        return CE_None;
    if (m_mask != nullptr)
        result = Rok4FlushBlocks(m_mask.get(), x, y, width, height);
    for (int i = 0; i < nBands; i++)
        result = std::max(result,
                          Rok4FlushBlocks(papoBands[i], x, y, width, height));
    return result;
}

CPLErr Rok4Dataset::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                              int height, void *data, int bufWidth,
                              int bufHeight, GDALDataType bufType,
                              int nBandCount, int *bandMap, GSpacing pixelSpace,
                              GSpacing lineSpace, GSpacing bandSpace,
                              GDALRasterIOExtraArg *extra)
{
    if (Rok4IsPlain(x, y, width, height, bufWidth, bufHeight, extra))
    {
        const Rok4Buffer buffer = Buffer(data, bufType, nBandCount, bandMap,
                                         pixelSpace, lineSpace, bandSpace);
        if (FlushBlocks(x, y, width, height) != CE_None)
            return CE_Failure;
        return flag == GF_Read
                   ? ReadWindow(x, y, width, height, buffer, extra)
                   : WriteWindow(x, y, width, height, buffer, false);
    }
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
    if (Rok4IsPlain(x, y, width, height, bufWidth, bufHeight, extra))
    {
        Rok4Dataset *const dataset = Own();
        const Rok4Buffer buffer =
            dataset->Buffer(data, bufType, 1, &nBand, pixelSpace, lineSpace, 0);
        if (dataset->FlushBlocks(x, y, width, height) != CE_None)
            return CE_Failure;
        return flag == GF_Read
                   ? dataset->ReadWindow(x, y, width, height, buffer, extra)
                   : dataset->WriteWindow(x, y, width, height, buffer, false);
    }
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
