// SPDX-License-Identifier: MIT
// The bands of a raster that becomes a pyramid, and its mask.
#include "rok4_new_dataset.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>

namespace
{

struct FreeBytes
{
    void operator()(GByte *bytes) const
    {
        VSIFree(bytes);
    }
};
using Bytes = std::unique_ptr<GByte, FreeBytes>;

int BlockPart(int block, int blockSize, int rasterSize)
{
    return std::min(blockSize, rasterSize - block * blockSize);
}

} // namespace

Rok4NewBand::Rok4NewBand(Rok4NewDataset *dataset, int band, int blockWidth,
                         int blockHeight)
{
    poDS = dataset;
    nBand = band;
    eAccess = GA_Update;
    nRasterXSize = dataset->nRasterXSize;
    nRasterYSize = dataset->nRasterYSize;
    nBlockXSize = blockWidth;
    nBlockYSize = blockHeight;
    eDataType =
        dataset->m_sample == PYR_SAMPLE_FLOAT32 ? GDT_Float32 : GDT_Byte;
}

Rok4NewDataset *Rok4NewBand::Own() const
{
    return static_cast<Rok4NewDataset *>(poDS);
}

GDALColorInterp Rok4NewBand::GetColorInterpretation()
{
    return Rok4ColorOf(nBand, poDS->GetRasterCount());
}

// A pyramid has what its number of bands says.
CPLErr Rok4NewBand::SetColorInterpretation(GDALColorInterp interpretation)
{
    if (interpretation == GetColorInterpretation() ||
        interpretation == GCI_Undefined)
        return CE_None;
    return GDALPamRasterBand::SetColorInterpretation(interpretation);
}

double Rok4NewBand::GetNoDataValue(int *success)
{
    if (Own()->nBands > 1)
        return GDALPamRasterBand::GetNoDataValue(success);
    if (success != nullptr)
        *success = TRUE;
    return Own()->m_nodata[0];
}

CPLErr Rok4NewBand::SetNoDataValue(double value)
{
    Rok4NewDataset *const dataset = Own();
    double &nodata = dataset->m_nodata[static_cast<size_t>(nBand) - 1];
    const bool fits = std::floor(value) == value &&
                      (eDataType == GDT_Byte ? value >= 0 && value <= 255
                                             : std::fabs(value) < INT_MAX);
    if (value == nodata)
        return CE_None;
    if (std::isnan(value) && eDataType == GDT_Float32)
    {
        Rok4Report(CE_Warning, PYR_UNSUPPORTED,
                   CPLSPrintf("ROK4 has integer nodata values only: NaN is "
                              "written as %.15g",
                              nodata));
        return CE_None;
    }
    const char *const why =
        !fits ? "ROK4 has integer values of the band's type only"
        : !dataset->m_creation.Options().nodata.empty()
            ? "option NODATA says another"
        : dataset->m_canvas.IsReady() ? "pixels have been written already"
                                      : nullptr;
    if (why != nullptr)
    {
        Rok4Report(
            CE_Failure, PYR_USAGE,
            CPLSPrintf("nodata value %.15g cannot be set: %s", value, why));
        return CE_Failure;
    }
    nodata = value;
    return CE_None;
}

GDALRasterBand *Rok4NewBand::GetMaskBand()
{
    GDALRasterBand *const mask = Own()->m_mask.get();
    return mask != nullptr ? mask : GDALPamRasterBand::GetMaskBand();
}

int Rok4NewBand::GetMaskFlags()
{
    return Own()->m_masks ? GMF_PER_DATASET : GDALPamRasterBand::GetMaskFlags();
}

CPLErr Rok4NewBand::CreateMaskBand(int flags)
{
    return Own()->CreateMaskBand(flags);
}

CPLErr Rok4NewBand::Block(GDALRWFlag flag, int blockX, int blockY, void *data)
{
    Rok4NewDataset *const dataset = Own();
    const int sampleBytes = GDALGetDataTypeSizeBytes(eDataType);
    const Rok4Buffer buffer =
        dataset->Buffer(data, eDataType, 1, &nBand, sampleBytes,
                        static_cast<GSpacing>(nBlockXSize) * sampleBytes, 0);
    const int x = blockX * nBlockXSize;
    const int y = blockY * nBlockYSize;
    const int width = BlockPart(blockX, nBlockXSize, nRasterXSize);
    const int height = BlockPart(blockY, nBlockYSize, nRasterYSize);
    return flag == GF_Read ? dataset->ReadWindow(x, y, width, height, buffer)
                           : dataset->WriteWindow(x, y, width, height, buffer,
                                                  dataset->m_masks);
}

CPLErr Rok4NewBand::IReadBlock(int blockX, int blockY, void *data)
{
    memset(data, 0,
           static_cast<size_t>(nBlockXSize) * nBlockYSize *
               GDALGetDataTypeSizeBytes(eDataType));
    return Block(GF_Read, blockX, blockY, data);
}

CPLErr Rok4NewBand::IWriteBlock(int blockX, int blockY, void *data)
{
    return Block(GF_Write, blockX, blockY, data);
}

CPLErr Rok4NewBand::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                              int height, void *data, int bufWidth,
                              int bufHeight, GDALDataType bufType,
                              GSpacing pixelSpace, GSpacing lineSpace,
                              GDALRasterIOExtraArg *extra)
{
    if (!Rok4IsPlain(x, y, width, height, bufWidth, bufHeight, extra))
        return GDALPamRasterBand::IRasterIO(flag, x, y, width, height, data,
                                            bufWidth, bufHeight, bufType,
                                            pixelSpace, lineSpace, extra);
    return Own()->IRasterIO(flag, x, y, width, height, data, bufWidth,
                            bufHeight, bufType, 1, &nBand, pixelSpace,
                            lineSpace, 0, extra);
}

Rok4NewMaskBand::Rok4NewMaskBand(Rok4NewDataset *dataset, int blockWidth,
                                 int blockHeight)
    : m_dataset(dataset)
{
    poDS = dataset;
    nBand = 0;
    eAccess = GA_Update;
    nRasterXSize = dataset->nRasterXSize;
    nRasterYSize = dataset->nRasterYSize;
    nBlockXSize = blockWidth;
    nBlockYSize = blockHeight;
    eDataType = GDT_Byte;
}

bool Rok4NewMaskBand::IsMaskBand() const
{
    return true;
}

CPLErr Rok4NewMaskBand::IReadBlock(int blockX, int blockY, void *data)
{
    const int width = BlockPart(blockX, nBlockXSize, nRasterXSize);
    const int height = BlockPart(blockY, nBlockYSize, nRasterYSize);
    const Bytes mask(static_cast<GByte *>(VSI_CALLOC_VERBOSE(width, height)));
    if (mask == nullptr ||
        m_dataset->m_canvas.ReadMask(m_dataset->Window(blockX * nBlockXSize,
                                                       blockY * nBlockYSize,
                                                       width, height),
                                     mask.get()) != CE_None)
        return CE_Failure;
    memset(data, 0, static_cast<size_t>(nBlockXSize) * nBlockYSize);
    for (int row = 0; row < height; row++)
        memcpy(static_cast<GByte *>(data) +
                   static_cast<size_t>(row) * nBlockXSize,
               mask.get() + static_cast<size_t>(row) * width, width);
    return CE_None;
}

CPLErr Rok4NewMaskBand::WriteWindow(int x, int y, int width, int height,
                                    const GByte *mask, size_t lineSpace,
                                    bool onlyChanged)
{
    if (!m_dataset->BeginWriting())
        return CE_Failure;
    return m_dataset->m_canvas.WriteMask(m_dataset->Window(x, y, width, height),
                                         mask, lineSpace, onlyChanged);
}

CPLErr Rok4NewMaskBand::IWriteBlock(int blockX, int blockY, void *data)
{
    return WriteWindow(blockX * nBlockXSize, blockY * nBlockYSize,
                       BlockPart(blockX, nBlockXSize, nRasterXSize),
                       BlockPart(blockY, nBlockYSize, nRasterYSize),
                       static_cast<const GByte *>(data),
                       static_cast<size_t>(nBlockXSize), true);
}

CPLErr Rok4NewMaskBand::IRasterIO(GDALRWFlag flag, int x, int y, int width,
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
