// SPDX-License-Identifier: MIT
// Blocks of bands and masks, for programs that go block by block.
#include "rok4_dataset.h"

#include "rok4_update.h"

#include <algorithm>
#include <cstring>

namespace
{

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
int BlockPart(int block, int blockSize, int rasterSize)
{
    return std::min(blockSize, rasterSize - block * blockSize);
}

} // namespace

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
    // Other bands' blocks may be written from the cache while it makes room
    // for those that would be put into it.
    if (bands == 1 || dataset->m_update != nullptr)
        return dataset->ReadWindow(blockX * nBlockXSize, blockY * nBlockYSize,
                                   width, height,
                                   dataset->Buffer(data, eDataType, 1, &nBand,
                                                   sampleBytes, lineSpace, 0),
                                   nullptr);

    // The tile holds all bands: hand the others to the block cache too.
    const Bytes pixels(static_cast<GByte *>(
        VSI_CALLOC_VERBOSE(bands, static_cast<size_t>(bandSpace))));
    if (pixels == nullptr)
        return CE_Failure;
    int bandMap[PYR_MAX_BANDS];
    for (int i = 0; i < bands; i++)
        bandMap[i] = i + 1;
    const CPLErr result = dataset->ReadWindow(
        blockX * nBlockXSize, blockY * nBlockYSize, width, height,
        dataset->Buffer(pixels.get(), eDataType, bands, bandMap, sampleBytes,
                        lineSpace, bandSpace),
        nullptr);
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

// A block may have been read for a few pixels of it: with masks, the others are
// not made valid.
CPLErr Rok4RasterBand::IWriteBlock(int blockX, int blockY, void *data)
{
    Rok4Dataset *const dataset = Own();
    const int sampleBytes = GDALGetDataTypeSizeBytes(eDataType);
    const Rok4Buffer buffer =
        dataset->Buffer(data, eDataType, 1, &nBand, sampleBytes,
                        static_cast<GSpacing>(nBlockXSize) * sampleBytes, 0);
    return dataset->WriteWindow(blockX * nBlockXSize, blockY * nBlockYSize,
                                BlockPart(blockX, nBlockXSize, nRasterXSize),
                                BlockPart(blockY, nBlockYSize, nRasterYSize),
                                buffer, dataset->m_mask != nullptr);
}

CPLErr Rok4MaskBand::IReadBlock(int blockX, int blockY, void *data)
{
    const int width = BlockPart(blockX, nBlockXSize, nRasterXSize);
    const int height = BlockPart(blockY, nBlockYSize, nRasterYSize);
    const struct pyr_window window = m_dataset->Window(
        blockX * nBlockXSize, blockY * nBlockYSize, width, height);
    const Bytes mask(static_cast<GByte *>(VSI_MALLOC2_VERBOSE(width, height)));
    if (mask == nullptr)
        return CE_Failure;
    CPLErr result = m_dataset->m_pyramid->ReadMask(window, mask.get());
    if (m_dataset->m_update != nullptr && result == CE_None)
        result = m_dataset->m_update->Canvas().ReadMask(window, mask.get());
    memset(data, 0, static_cast<size_t>(nBlockXSize) * nBlockYSize);
    for (int row = 0; row < height && result == CE_None; row++)
        memcpy(static_cast<GByte *>(data) +
                   static_cast<size_t>(row) * nBlockXSize,
               mask.get() + static_cast<size_t>(row) * width, width);
    return result;
}

CPLErr Rok4MaskBand::WriteWindow(int x, int y, int width, int height,
                                 const GByte *mask, size_t lineSpace,
                                 bool onlyChanged)
{
    const struct pyr_window window = m_dataset->Window(x, y, width, height);
    if (m_dataset->m_update == nullptr || !m_dataset->m_update->Holds(window) ||
        !m_dataset->m_update->Claim())
        return CE_Failure;
    return m_dataset->m_update->Canvas().WriteMask(window, mask, lineSpace,
                                                   onlyChanged);
}

// As of the bands: what is as it was has not been written.
CPLErr Rok4MaskBand::IWriteBlock(int blockX, int blockY, void *data)
{
    return WriteWindow(blockX * nBlockXSize, blockY * nBlockYSize,
                       BlockPart(blockX, nBlockXSize, nRasterXSize),
                       BlockPart(blockY, nBlockYSize, nRasterYSize),
                       static_cast<const GByte *>(data),
                       static_cast<size_t>(nBlockXSize), true);
}

CPLErr Rok4MaskBand::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                               int height, void *data, int bufWidth,
                               int bufHeight, GDALDataType bufType,
                               GSpacing pixelSpace, GSpacing lineSpace,
                               GDALRasterIOExtraArg *extra)
{
    if (flag == GF_Read ||
        !Rok4IsPlain(x, y, width, height, bufWidth, bufHeight, extra))
        return GDALRasterBand::IRasterIO(flag, x, y, width, height, data,
                                         bufWidth, bufHeight, bufType,
                                         pixelSpace, lineSpace, extra);
    const Bytes row(static_cast<GByte *>(VSI_MALLOC_VERBOSE(width)));
    if (row == nullptr || !Rok4CheckSpacing(pixelSpace))
        return CE_Failure;
    CPLErr result = m_dataset->FlushBlocks(x, y, width, height);
    for (int i = 0; i < height && result == CE_None; i++)
    {
        GDALCopyWords64(static_cast<GByte *>(data) + i * lineSpace, bufType,
                        static_cast<int>(pixelSpace), row.get(), GDT_Byte, 1,
                        width);
        result = WriteWindow(x, y + i, width, 1, row.get(),
                             static_cast<size_t>(width), false);
    }
    return result;
}
