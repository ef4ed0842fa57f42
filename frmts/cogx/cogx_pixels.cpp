// SPDX-License-Identifier: MIT
// Pixels of a dataset, or of one of its overviews, for the rows engine.
#include "cogx_pixels.h"

#include "rok4_failure_trap.h"
#include "rok4_feed.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace
{

// Pixels of local files that are read at once: for more, new memory is filled
// with blocks, when that of blocks that were dropped is in the processor's
// caches.
constexpr size_t STEP_BYTES = 4 << 20;

// Whether [from, from + count) of size pixels ends with blocks on both sides.
bool IsWholeBlocks(int from, int count, int block, int size)
{
    return from % block == 0 &&
           (from + count == size || (from + count) % block == 0);
}

// The dataset whose bands these are, and no others; nullptr for none.
GDALDataset *DatasetOf(const std::vector<GDALRasterBand *> &bands,
                       std::vector<int> *numbers)
{
    GDALDataset *const dataset = bands[0]->GetDataset();
    if (dataset == nullptr ||
        dataset->GetRasterXSize() != bands[0]->GetXSize() ||
        dataset->GetRasterYSize() != bands[0]->GetYSize())
        return nullptr;
    for (GDALRasterBand *const band : bands)
    {
        const int number = band->GetBand();
        if (number < 1 || number > dataset->GetRasterCount() ||
            dataset->GetRasterBand(number) != band)
            return nullptr;
        numbers->push_back(number);
    }
    return dataset;
}

} // namespace

std::vector<uint8_t> CogxPixelOf(const std::vector<double> &values,
                                 GDALDataType type)
{
    const size_t nbytes = static_cast<size_t>(GDALGetDataTypeSizeBytes(type));
    std::vector<uint8_t> pixel(values.size() * nbytes);
    for (size_t i = 0; i < values.size(); i++)
        GDALCopyWords(&values[i], GDT_Float64, 0, &pixel[i * nbytes], type, 0,
                      1);
    return pixel;
}

CogxPixels::CogxPixels(const CogxPixelsOptions &options)
    : m_options(options), m_sampleBytes(static_cast<size_t>(
                              GDALGetDataTypeSizeBytes(options.type))),
      m_pixelBytes(m_sampleBytes * options.bands.size()),
      m_masked(CogxPixelOf(options.maskedValues, options.type)),
      m_empty(CogxPixelOf(options.emptyValues, options.type)),
      m_pixel(m_pixelBytes)
{
    m_dataset = DatasetOf(options.bands, &m_numbers);
    m_empty.resize(m_pixelBytes);
    GDALDriver *const driver =
        m_dataset != nullptr ? m_dataset->GetDriver() : nullptr;
    m_dropsBlocks =
        m_dataset != nullptr && m_dataset->GetAccess() == GA_ReadOnly &&
        driver != nullptr && !EQUAL(driver->GetDescription(), "MEM");
    m_isLocal = m_dropsBlocks && EQUAL(driver->GetDescription(), "GTiff") &&
                VSIIsLocal(m_dataset->GetDescription());
}

CPLErr CogxPixels::ReadSamples(int x, int y, int width, int height,
                               void *pixels, size_t rowBytes)
{
    const GSpacing pixelSpace = static_cast<GSpacing>(m_pixelBytes);
    const GSpacing rowSpace = static_cast<GSpacing>(rowBytes);
    if (m_dataset != nullptr)
        return m_dataset->RasterIO(
            GF_Read, x, y, width, height, pixels, width, height, m_options.type,
            static_cast<int>(m_numbers.size()), m_numbers.data(), pixelSpace,
            rowSpace, static_cast<GSpacing>(m_sampleBytes), nullptr);
    CPLErr result = CE_None;
    for (size_t i = 0; i < m_options.bands.size() && result == CE_None; i++)
        result = m_options.bands[i]->RasterIO(
            GF_Read, x, y, width, height,
            static_cast<uint8_t *>(pixels) + i * m_sampleBytes, width, height,
            m_options.type, pixelSpace, rowSpace, nullptr);
    return result;
}

// A mask of another size, of overviews that have none, is resampled.
CPLErr CogxPixels::ReadMask(int x, int y, int width, int height, uint8_t *mask,
                            size_t rowBytes)
{
    GDALRasterBand *const band = m_options.mask;
    GDALRasterIOExtraArg extra;
    INIT_RASTERIO_EXTRA_ARG(extra);
    int from_x = x;
    int from_y = y;
    int from_width = width;
    int from_height = height;
    if (band->GetXSize() != Width() || band->GetYSize() != Height())
    {
        const double scale_x = static_cast<double>(band->GetXSize()) / Width();
        const double scale_y = static_cast<double>(band->GetYSize()) / Height();
        extra.bFloatingPointWindowValidity = TRUE;
        extra.dfXOff = x * scale_x;
        extra.dfYOff = y * scale_y;
        extra.dfXSize = width * scale_x;
        extra.dfYSize = height * scale_y;
        from_x = static_cast<int>(extra.dfXOff);
        from_y = static_cast<int>(extra.dfYOff);
        from_width = std::clamp(static_cast<int>(extra.dfXSize + 0.5), 1,
                                band->GetXSize() - from_x);
        from_height = std::clamp(static_cast<int>(extra.dfYSize + 0.5), 1,
                                 band->GetYSize() - from_y);
    }
    const CPLErr result = band->RasterIO(
        GF_Read, from_x, from_y, from_width, from_height, mask, width, height,
        GDT_Byte, 1, static_cast<GSpacing>(rowBytes), &extra);
    for (int row = 0; row < height && result == CE_None; row++)
    {
        uint8_t *const values = mask + row * rowBytes;
        for (int i = 0; i < width; i++)
            values[i] = values[i] != 0 ? 255 : 0;
    }
    return result;
}

void CogxPixels::MaskValues(int width, int height, const uint8_t *pixels,
                            size_t rowBytes, uint8_t *mask,
                            size_t maskRowBytes) const
{
    for (int row = 0; row < height; row++)
        for (int i = 0; i < width; i++)
            mask[row * maskRowBytes + i] =
                memcmp(pixels + row * rowBytes + i * m_pixelBytes,
                       m_masked.data(), m_pixelBytes) == 0
                    ? 0
                    : 255;
}

// Blocks that no other window needs leave GDAL's cache: to fill it takes longer
// than to use its memory again.
void CogxPixels::DropBlocks(int x, int y, int width, int height)
{
    int blockWidth = 0;
    int blockHeight = 0;
    m_options.bands[0]->GetBlockSize(&blockWidth, &blockHeight);
    const bool wholeRow = x + width == Width();
    if (!m_dropsBlocks ||
        !(wholeRow || IsWholeBlocks(x, width, blockWidth, Width())) ||
        !IsWholeBlocks(y, height, blockHeight, Height()))
        return;
    for (GDALRasterBand *const band : m_options.bands)
        GDALFlushRasterCache(GDALRasterBand::ToHandle(band));
    if (m_options.mask != nullptr)
        GDALFlushRasterCache(GDALRasterBand::ToHandle(m_options.mask));
}

// How much of a window is read at once.
int CogxPixels::StepOf(int width, int height) const
{
    int blockWidth = 0;
    int blockHeight = 0;
    m_options.bands[0]->GetBlockSize(&blockWidth, &blockHeight);
    if (!m_isLocal || blockWidth >= width)
        return width;
    const size_t blockBytes = static_cast<size_t>(blockWidth) *
                              static_cast<size_t>(height) * m_pixelBytes;
    const int nblocks = std::max(1, static_cast<int>(STEP_BYTES / blockBytes));
    return std::min(width, nblocks * blockWidth);
}

CPLErr CogxPixels::ReadWindow(int x, int y, int width, int height,
                              uint8_t *pixels, size_t rowBytes, uint8_t *mask,
                              size_t maskRowBytes)
{
    CPLErr result = ReadSamples(x, y, width, height, pixels, rowBytes);
    if (result == CE_None && mask != nullptr && m_options.mask != nullptr)
        result = ReadMask(x, y, width, height, mask, maskRowBytes);
    else if (result == CE_None && mask != nullptr)
        MaskValues(width, height, pixels, rowBytes, mask, maskRowBytes);
    DropBlocks(x, y, width, height);
    return result;
}

// Whether a pixel is what a tile that is never put stands for.
bool CogxPixels::IsEmpty(int x, int y)
{
    uint8_t mask = 0;
    return ReadSamples(x, y, 1, 1, m_pixel.data(), m_pixelBytes) == CE_None &&
           m_pixel == m_empty &&
           (m_options.mask == nullptr ||
            (ReadMask(x, y, 1, 1, &mask, 1) == CE_None && mask == 0));
}

bool CogxPixels::MayHold(void *user, uint32_t x, uint32_t y, uint32_t width,
                         uint32_t height)
{
    CogxPixels &self = *static_cast<CogxPixels *>(user);
    if (self.m_dataset == nullptr)
        return true;
    const int px_x = static_cast<int>(x);
    const int px_y = static_cast<int>(y);
    if (Rok4MayHoldData(self.m_dataset, self.m_numbers, px_x, px_y,
                        static_cast<int>(width), static_cast<int>(height)))
        return true;
    // What a dataset has in its gaps need not be what it says.
    Rok4FailureTrap trap;
    const bool empty = self.IsEmpty(px_x + static_cast<int>(width / 2),
                                    px_y + static_cast<int>(height / 2));
    trap.Close(empty);
    return !empty;
}

enum pyr_result CogxPixels::Read(void *user, uint32_t x, uint32_t y,
                                 uint32_t width, uint32_t height,
                                 uint8_t *pixels, size_t rowBytes,
                                 uint8_t *mask, size_t maskRowBytes,
                                 struct pyr_error *err)
{
    CogxPixels &self = *static_cast<CogxPixels *>(user);
    const int px_x = static_cast<int>(x);
    const int px_y = static_cast<int>(y);
    const int width_px = static_cast<int>(width);
    const int height_px = static_cast<int>(height);
    try
    {
        Rok4FailureTrap trap;
        const int step = self.StepOf(width_px, height_px);
        CPLErr result = CE_None;
        for (int at = 0; at < width_px && result == CE_None; at += step)
            result = self.ReadWindow(
                px_x + at, px_y, std::min(step, width_px - at), height_px,
                pixels + static_cast<size_t>(at) * self.m_pixelBytes, rowBytes,
                mask == nullptr ? nullptr : mask + at, maskRowBytes);
        if (!trap.Close(result == CE_None))
            return pyr_fail(err, trap.Result(), "%s: %s",
                            self.m_options.name.c_str(), trap.Text());
        return PYR_OK;
    }
    catch (const std::bad_alloc &)
    {
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
}

struct pyr_rows_source CogxPixels::Source()
{
    struct pyr_rows_source source = {};
    source.user = this;
    source.may_hold = MayHold;
    source.read = Read;
    return source;
}
