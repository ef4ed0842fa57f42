// SPDX-License-Identifier: MIT
// A buffer of GDAL's as rows of interleaved pixels, to fill and to take from.
#include "rok4_buffer.h"

#include "rok4_dataset.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>

bool Rok4Buffer::InOrder() const
{
    bool inOrder = type == pixelType && nBands == pixelBands;
    for (int i = 0; inOrder && i < nBands; i++)
        inOrder = bandMap[i] == i + 1;
    return inOrder;
}

// Whether a row of pixels is a row of the buffer, byte for byte.
bool Rok4Buffer::IsSameLayout() const
{
    const int sampleBytes = GDALGetDataTypeSizeBytes(pixelType);
    return pixelSpace == static_cast<GSpacing>(sampleBytes) * pixelBands &&
           (nBands == 1 || bandSpace == sampleBytes) && InOrder();
}

// Whether all bands of a row can be taken apart in one go.
bool Rok4Buffer::IsPlanar() const
{
    return nBands > 1 && pixelSpace == GDALGetDataTypeSizeBytes(pixelType) &&
           InOrder();
}

bool Rok4Buffer::HasAllBands() const
{
    unsigned seen = 0;
    for (int i = 0; i < nBands; i++)
        seen |= 1u << (bandMap[i] - 1);
    return seen == (1u << pixelBands) - 1;
}

void Rok4Buffer::FillRow(uint32_t x, uint32_t y, uint32_t width) const
{
    for (int i = 0; i < nBands; i++)
        GDALCopyWords64(&fill[bandMap[i] - 1], GDT_Float64, 0, At(i, x, y),
                        type, static_cast<int>(pixelSpace), width);
}

void Rok4Buffer::PutRow(const uint8_t *pixels, uint32_t x, uint32_t y,
                        uint32_t width) const
{
    const int sampleBytes = GDALGetDataTypeSizeBytes(pixelType);
    const int pixelBytes = sampleBytes * pixelBands;
    if (IsSameLayout())
    {
        memcpy(At(0, x, y), pixels, static_cast<size_t>(width) * pixelBytes);
        return;
    }
    if (IsPlanar())
    {
        void *rows[PYR_MAX_BANDS];
        for (int i = 0; i < nBands; i++)
            rows[i] = At(i, x, y);
        GDALDeinterleave(pixels, pixelType, nBands, rows, type, width);
        return;
    }
    for (int i = 0; i < nBands; i++)
        GDALCopyWords64(pixels + (bandMap[i] - 1) * sampleBytes, pixelType,
                        pixelBytes, At(i, x, y), type,
                        static_cast<int>(pixelSpace), width);
}

// NaN is nodata for every reader but those of ROK4.
static void ReplaceNaN(const Rok4Buffer &buffer, uint8_t *pixels,
                       uint32_t width)
{
    const size_t bands = static_cast<size_t>(buffer.pixelBands);
    for (int i = 0; i < buffer.nBands; i++)
    {
        const size_t band = static_cast<size_t>(buffer.bandMap[i] - 1);
        const float fill = static_cast<float>(buffer.fill[band]);
        for (size_t x = 0; x < width; x++)
        {
            float value = 0;
            uint8_t *const at = pixels + (x * bands + band) * sizeof(value);
            memcpy(&value, at, sizeof(value));
            if (std::isnan(value))
                memcpy(at, &fill, sizeof(fill));
        }
    }
}

void Rok4Buffer::TakeRow(uint8_t *pixels, uint32_t x, uint32_t y,
                         uint32_t width) const
{
    const int sampleBytes = GDALGetDataTypeSizeBytes(pixelType);
    const int pixelBytes = sampleBytes * pixelBands;
    if (IsSameLayout())
        memcpy(pixels, At(0, x, y), static_cast<size_t>(width) * pixelBytes);
    else
        for (int i = 0; i < nBands; i++)
            GDALCopyWords64(At(i, x, y), type, static_cast<int>(pixelSpace),
                            pixels + (bandMap[i] - 1) * sampleBytes, pixelType,
                            pixelBytes, width);
    if (pixelType == GDT_Float32)
        ReplaceNaN(*this, pixels, width);
}

bool Rok4CheckSpacing(GSpacing pixelSpace)
{
    if (pixelSpace <= INT_MAX && pixelSpace >= INT_MIN)
        return true;
    Rok4Report(CE_Failure, PYR_USAGE,
               "pixels of the buffer are more than 2 GiB apart");
    return false;
}

bool Rok4IsPlain(int x, int y, int width, int height, int bufWidth,
                 int bufHeight, const GDALRasterIOExtraArg *extra)
{
    if (width != bufWidth || height != bufHeight)
        return false;
    return !extra->bFloatingPointWindowValidity ||
           extra->eResampleAlg == GRIORA_NearestNeighbour ||
           (x == extra->dfXOff && y == extra->dfYOff &&
            width == extra->dfXSize && height == extra->dfYSize);
}

CPLErr Rok4FlushBlocks(GDALRasterBand *band, int x, int y, int width,
                       int height)
{
    int blockWidth = 0;
    int blockHeight = 0;
    CPLErr result = CE_None;
    band->GetBlockSize(&blockWidth, &blockHeight);
    const int lastX = (x + width - 1) / blockWidth;
    const int lastY = (y + height - 1) / blockHeight;
    for (int blockY = y / blockHeight; blockY <= lastY; blockY++)
        for (int blockX = x / blockWidth; blockX <= lastX; blockX++)
        {
            // FlushBlock fails where the band has no cache so far.
            GDALRasterBlock *const block =
                band->TryGetLockedBlockRef(blockX, blockY);
            if (block == nullptr)
                continue;
            block->DropLock();
            result = std::max(result, band->FlushBlock(blockX, blockY, TRUE));
        }
    return result;
}
