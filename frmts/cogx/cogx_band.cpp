// SPDX-License-Identifier: MIT
// Bands of a COG that is read: what their windows need of the file.
#include "cogx_dataset.h"

#include "cogx_report.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace
{

// Pixels around a window that a resampling method looks at.
int KernelRadius(GDALRIOResampleAlg method)
{
    switch (method)
    {
        case GRIORA_Bilinear:
            return 1;
        case GRIORA_Cubic:
        case GRIORA_CubicSpline:
            return 2;
        case GRIORA_Lanczos:
            return 3;
        case GRIORA_Gauss:
            return 1;
        default:
            return 0;
    }
}

// Moves both ends of a range outwards, within [0, limit).
void Widen(int margin, int limit, int *start, int *size)
{
    const int first = std::max(0, *start - margin);
    const int end = static_cast<int>(
        std::min<GIntBig>(limit, static_cast<GIntBig>(*start) + *size +
                                     static_cast<GIntBig>(margin)));
    *start = first;
    *size = end - first;
}

} // namespace

GDALRasterBand *CogxDecoded(GDALRasterBand *band, int overview)
{
    return overview < 0 ? band : band->GetOverview(overview);
}

CogxBand::CogxBand(std::shared_ptr<CogxReader> reader, CogxDataset *dataset,
                   int number, int source, GDALRasterBand *band,
                   CogxContent content)
    : m_reader(std::move(reader)), m_band(band), m_source(source),
      m_content(content)
{
    poDS = dataset;
    nBand = number;
    eAccess = GA_ReadOnly;
    eDataType = band->GetRasterDataType();
    nRasterXSize = band->GetXSize();
    nRasterYSize = band->GetYSize();
    band->GetBlockSize(&nBlockXSize, &nBlockYSize);
    SetDescription(band->GetDescription());
}

GDALRasterBand *CogxBand::RefUnderlyingRasterBand() const
{
    return m_band;
}

GDALRasterBand *CogxBand::RefUnderlyingRasterBand(bool) const
{
    return m_band;
}

void CogxBand::UnrefUnderlyingRasterBand(GDALRasterBand *) const
{
}

CogxWindow CogxBand::Window(int x, int y, int width, int height, int bufWidth,
                            int bufHeight, const GDALRasterIOExtraArg *extra)
{
    GDALRasterIOExtraArg copy;
    INIT_RASTERIO_EXTRA_ARG(copy);
    if (extra != nullptr)
        copy = *extra;
    CogxWindow window;
    window.width = nRasterXSize;
    window.height = nRasterYSize;
    if ((bufWidth < width || bufHeight < height) && GetOverviewCount() > 0)
    {
        const int index = GDALBandGetBestOverviewLevel2(
            this, x, y, width, height, bufWidth, bufHeight, &copy);
        GDALRasterBand *const overview =
            index >= 0 ? GetOverview(index) : nullptr;
        if (overview != nullptr)
        {
            window.overview = index;
            window.width = overview->GetXSize();
            window.height = overview->GetYSize();
        }
    }
    window.x = x;
    window.y = y;
    window.xSize = width;
    window.ySize = height;
    window.bufWidth = bufWidth;
    window.bufHeight = bufHeight;
    window.sampled = copy.eResampleAlg == GRIORA_NearestNeighbour;
    window.image = m_content == CogxContent::Image;
    window.mask = m_content == CogxContent::Mask;
    if (!window.sampled && (bufWidth != width || bufHeight != height))
    {
        const int radius = KernelRadius(copy.eResampleAlg);
        const auto factor = [](int size, int bufSize) {
            const double ratio = static_cast<double>(size) / bufSize;
            return std::max(1, static_cast<int>(std::lround(ratio)));
        };
        // Chunks begin a pixel early.
        Widen(radius * factor(width, bufWidth) + 1, window.width, &window.x,
              &window.xSize);
        Widen(radius * factor(height, bufHeight) + 1, window.height, &window.y,
              &window.ySize);
        window.mask = window.mask || (m_band->GetMaskFlags() &
                                      (GMF_ALL_VALID | GMF_NODATA)) == 0;
    }
    if (m_source > 0)
        window.bands.push_back(m_source);
    window.cached.push_back(CogxDecoded(m_band, window.overview));
    return window;
}

int CogxBand::GetOverviewCount()
{
    // GDAL looks for them in all directories, which are read together here.
    enum pyr_result result = PYR_OK;
    struct pyr_error err = {""};
    (void)m_reader->Tiff(&result, &err);
    // GDAL would take what it cannot read for the end of the list.
    if (result == PYR_IO)
    {
        m_reader->Report(result, err);
        return 0;
    }
    CogxMessages messages(*m_reader);
    const int count = m_band->GetOverviewCount();
    (void)messages.Tell(CE_None);
    return count;
}

GDALRasterBand *CogxBand::GetOverview(int index)
{
    if (index < 0 || index >= GetOverviewCount())
        return nullptr;
    CogxDataset *const dataset = static_cast<CogxDataset *>(poDS);
    CogxDataset *const level =
        dataset != nullptr && nBand > 0 ? dataset->Overview(index) : nullptr;
    if (level != nullptr)
        return level->GetRasterBand(nBand);
    std::unique_ptr<CogxBand> &overview = m_overviews[index];
    GDALRasterBand *const band = m_band->GetOverview(index);
    if (overview == nullptr && band != nullptr)
        overview = std::make_unique<CogxBand>(m_reader, nullptr, nBand,
                                              m_source, band, m_content);
    return overview.get();
}

GDALRasterBand *CogxBand::GetRasterSampleOverview(GUIntBig samples)
{
    return GDALRasterBand::GetRasterSampleOverview(samples);
}

GDALRasterBand *CogxBand::GetMaskBand()
{
    if (m_mask == nullptr)
    {
        enum pyr_result result = PYR_OK;
        struct pyr_error err = {""};
        (void)m_reader->Tiff(&result, &err);
        GDALRasterBand *const mask = m_band->GetMaskBand();
        const int flags = m_band->GetMaskFlags();
        const bool own =
            (flags & GMF_PER_DATASET) != 0 && (flags & GMF_ALPHA) == 0;
        m_mask = std::make_unique<CogxBand>(
            m_reader, static_cast<CogxDataset *>(poDS), 0,
            (flags & GMF_NODATA) != 0 ? m_source : 0, mask,
            own ? CogxContent::Mask : CogxContent::Image);
    }
    return m_mask.get();
}

CPLErr CogxBand::BuildOverviews(const char *, int, const int *,
                                GDALProgressFunc, void *, CSLConstList)
{
    return CogxRefuseToWrite();
}

CPLErr CogxBand::CreateMaskBand(int)
{
    return CogxRefuseToWrite();
}

bool CogxCheckAdvised(int x, int y, int width, int height, int bufWidth,
                      int bufHeight, int rasterWidth, int rasterHeight)
{
    if (x >= 0 && y >= 0 && width > 0 && height > 0 && bufWidth > 0 &&
        bufHeight > 0 && width <= rasterWidth - x && height <= rasterHeight - y)
        return true;
    CogxReport(CE_Failure, PYR_USAGE,
               CPLSPrintf("AdviseRead of %d x %d pixels at %d, %d: beyond the "
                          "raster of %d x %d",
                          width, height, x, y, rasterWidth, rasterHeight));
    return false;
}

CPLErr CogxBand::AdviseRead(int x, int y, int width, int height, int bufWidth,
                            int bufHeight, GDALDataType, GDALCompatOptions)
{
    if (!CogxCheckAdvised(x, y, width, height, bufWidth, bufHeight,
                          nRasterXSize, nRasterYSize))
        return CE_Failure;
    CogxWindow window =
        Window(x, y, width, height, bufWidth, bufHeight, nullptr);
    window.mask = true;
    window.cached.clear();
    m_reader->Advise(window);
    return CE_None;
}

CPLErr CogxBand::IReadBlock(int blockX, int blockY, void *data)
{
    int width = 0;
    int height = 0;
    CogxWindow block;
    if (GetActualBlockSize(blockX, blockY, &width, &height) == CE_None)
        block = Window(blockX * nBlockXSize, blockY * nBlockYSize, width,
                       height, width, height, nullptr);
    if (m_reader->PlanBlock(block) == CogxPlan::Failed)
        return CE_Failure;
    CogxMessages messages(*m_reader);
    return messages.Tell(m_band->ReadBlock(blockX, blockY, data));
}

// After a failure: GDAL's threads leave blocks that hold no pixels.
static void DropBlocks(GDALRasterBand *band)
{
    if (band == nullptr)
        return;
    if (band->GetDataset() != nullptr)
        (void)band->GetDataset()->FlushCache(false);
    else
        (void)band->FlushCache(false);
}

// One part of a window of so many rows, with its share of the progress.
static CPLErr ReadPart(CogxReader *reader, int nrows, CogxPart part,
                       const std::function<CPLErr(const CogxPart &)> &read)
{
    GDALRasterIOExtraArg own = *part.extra;
    void *scaled = nullptr;
    if (part.rows < nrows)
    {
        own.bFloatingPointWindowValidity = FALSE;
        if (own.pfnProgress != nullptr)
            scaled = GDALCreateScaledProgress(
                static_cast<double>(part.row) / nrows,
                static_cast<double>(part.row + part.rows) / nrows,
                own.pfnProgress, own.pProgressData);
        own.pfnProgress = scaled != nullptr ? GDALScaledProgress : nullptr;
        own.pProgressData = scaled;
        part.extra = &own;
    }
    CogxMessages messages(*reader);
    const CPLErr result = read(part);
    const bool suspect = !reader->Finish();
    GDALDestroyScaledProgress(scaled);
    return messages.Tell(result, suspect);
}

CPLErr CogxReadParts(CogxReader *reader, const CogxWindow &window, bool asItIs,
                     GDALRasterIOExtraArg *extra,
                     const std::function<CPLErr(const CogxPart &)> &read)
{
    CPLErr result = CE_None;
    CogxWindow left = window;
    CogxPart part;
    while (part.row < window.ySize && result == CE_None)
    {
        left.y = window.y + part.row;
        left.ySize = window.ySize - part.row;
        part.rows = left.ySize;
        const CogxPlan plan = reader->Plan(left, asItIs ? &part.rows : nullptr);
        if (plan == CogxPlan::Failed)
            return CE_Failure;
        part.blockwise = plan == CogxPlan::None;
        part.extra = extra;
        result = ReadPart(reader, window.ySize, part, read);
        part.row += part.rows;
    }
    for (GDALRasterBand *band : window.cached)
        if (result != CE_None && band != nullptr)
        {
            DropBlocks(band);
            DropBlocks(band->GetMaskBand());
        }
    return result;
}

// Whether no pixel is resampled.
bool CogxIsAsItIs(int x, int y, int width, int height, int bufWidth,
                  int bufHeight, const GDALRasterIOExtraArg *extra)
{
    return width == bufWidth && height == bufHeight &&
           (!extra->bFloatingPointWindowValidity ||
            (x == extra->dfXOff && y == extra->dfYOff &&
             width == extra->dfXSize && height == extra->dfYSize));
}

CPLErr CogxBand::IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                           void *data, int bufWidth, int bufHeight,
                           GDALDataType bufType, GSpacing pixelSpace,
                           GSpacing lineSpace, GDALRasterIOExtraArg *extra)
{
    const bool asItIs =
        CogxIsAsItIs(x, y, width, height, bufWidth, bufHeight, extra);
    const auto read = [&](const CogxPart &part) {
        GByte *const start = static_cast<GByte *>(data) + part.row * lineSpace;
        const int rows = asItIs ? part.rows : height;
        const int bufRows = asItIs ? part.rows : bufHeight;
        return part.blockwise
                   ? GDALRasterBand::IRasterIO(
                         flag, x, y + part.row, width, rows, start, bufWidth,
                         bufRows, bufType, pixelSpace, lineSpace, part.extra)
                   : GDALProxyRasterBand::IRasterIO(
                         flag, x, y + part.row, width, rows, start, bufWidth,
                         bufRows, bufType, pixelSpace, lineSpace, part.extra);
    };
    return CogxReadParts(
        m_reader.get(), Window(x, y, width, height, bufWidth, bufHeight, extra),
        asItIs, extra, read);
}
