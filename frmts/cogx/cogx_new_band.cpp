// SPDX-License-Identifier: MIT
// The bands of a raster that becomes a file, and its mask.
#include "cogx_new_dataset.h"

#include "rok4_buffer.h"

#include <algorithm>

namespace
{

struct cogx_rect RectOf(int x, int y, int width, int height)
{
    return {static_cast<uint32_t>(x), static_cast<uint32_t>(y),
            static_cast<uint32_t>(x + width),
            static_cast<uint32_t>(y + height)};
}

} // namespace

// ---- Bands ----

CogxNewBand::CogxNewBand(CogxNewDataset *dataset, int band)
{
    poDS = dataset;
    nBand = band;
    eAccess = GA_Update;
    nRasterXSize = dataset->nRasterXSize;
    nRasterYSize = dataset->nRasterYSize;
    nBlockXSize = dataset->m_blockWidth;
    nBlockYSize = dataset->m_blockHeight;
    eDataType = dataset->m_type;
    PamInitialize();
}

CogxNewDataset *CogxNewBand::Own() const
{
    return static_cast<CogxNewDataset *>(poDS);
}

CPLErr CogxNewBand::IReadBlock(int blockX, int blockY, void *data)
{
    return Own()->m_canvas.Read(nBand - 1, blockX, blockY, data);
}

CPLErr CogxNewBand::IWriteBlock(int blockX, int blockY, void *data)
{
    return Own()->m_canvas.Write(nBand - 1, blockX, blockY, data);
}

CPLErr CogxNewBand::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                              int height, void *data, int bufWidth,
                              int bufHeight, GDALDataType bufType,
                              GSpacing pixelSpace, GSpacing lineSpace,
                              GDALRasterIOExtraArg *extra)
{
    const struct cogx_rect rect = RectOf(x, y, width, height);
    if (flag == GF_Write)
        Own()->m_canvas.Begin(nBand - 1, rect);
    const CPLErr result = GDALPamRasterBand::IRasterIO(
        flag, x, y, width, height, data, bufWidth, bufHeight, bufType,
        pixelSpace, lineSpace, extra);
    if (flag == GF_Write)
        Own()->m_canvas.End(nBand - 1, rect, result);
    return result;
}

int CogxNewBand::IGetDataCoverageStatus(int x, int y, int width, int height,
                                        int, double *percent)
{
    // What waits in GDAL's cache counts.
    if (!Own()->m_closing)
        (void)FlushCache(false);
    double covered = 0;
    for (int row = y / nBlockYSize; row <= (y + height - 1) / nBlockYSize;
         row++)
        for (int col = x / nBlockXSize; col <= (x + width - 1) / nBlockXSize;
             col++)
        {
            if (!Own()->m_canvas.Has(col, row))
                continue;
            const double across = std::min(x + width, (col + 1) * nBlockXSize) -
                                  std::max(x, col * nBlockXSize);
            const double down = std::min(y + height, (row + 1) * nBlockYSize) -
                                std::max(y, row * nBlockYSize);
            covered += across * down;
        }
    const double all = static_cast<double>(width) * height;
    if (percent != nullptr)
        *percent = 100 * covered / all;
    return (covered > 0 ? GDAL_DATA_COVERAGE_STATUS_DATA : 0) |
           (covered < all ? GDAL_DATA_COVERAGE_STATUS_EMPTY : 0);
}

GDALRasterBand *CogxNewBand::GetMaskBand()
{
    if (Own()->m_nodataMask != nullptr)
        return Own()->m_nodataMask.get();
    GDALRasterBand *const mask = Own()->m_mask.get();
    return mask != nullptr ? mask : GDALPamRasterBand::GetMaskBand();
}

int CogxNewBand::GetMaskFlags()
{
    return Own()->m_mask != nullptr || Own()->m_nodataMask != nullptr
               ? GMF_PER_DATASET
               : GDALPamRasterBand::GetMaskFlags();
}

CPLErr CogxNewBand::CreateMaskBand(int flags)
{
    return Own()->CreateMaskBand(flags);
}

double CogxNewBand::GetNoDataValue(int *success)
{
    if (Own()->m_nodataMask == nullptr)
        return GDALPamRasterBand::GetNoDataValue(success);
    if (success != nullptr)
        *success = FALSE;
    return 0;
}

// ---- The mask ----

CogxNewMaskBand::CogxNewMaskBand(CogxNewDataset *dataset) : m_dataset(dataset)
{
    poDS = dataset;
    nBand = 0;
    eAccess = GA_Update;
    nRasterXSize = dataset->nRasterXSize;
    nRasterYSize = dataset->nRasterYSize;
    nBlockXSize = dataset->m_blockWidth;
    nBlockYSize = dataset->m_blockHeight;
    eDataType = GDT_Byte;
}

bool CogxNewMaskBand::Init()
{
    CogxCanvasOptions options = m_dataset->CanvasOptions(this, 1, GDT_Byte);
    options.path += ".mask";
    return m_canvas.Init(options);
}

bool CogxNewMaskBand::IsMaskBand() const
{
    return true;
}

bool CogxNewMaskBand::FindFormat(CogxDraftFormat *format)
{
    CogxDraftFormats formats;
    if (!CogxFindDraftFormats(m_dataset, m_dataset->m_options,
                              m_dataset->m_path, &formats))
        return false;
    *format = formats.mask;
    return true;
}

CPLErr CogxNewMaskBand::FlushPixels(int x, int y, int width, int height)
{
    return CogxCanvas::WriteBlocks(this, x, y, width, height);
}

std::vector<uint8_t> CogxNewMaskBand::FillPixel() const
{
    return {0};
}

CPLErr CogxNewMaskBand::IReadBlock(int blockX, int blockY, void *data)
{
    return m_canvas.Read(0, blockX, blockY, data);
}

CPLErr CogxNewMaskBand::IWriteBlock(int blockX, int blockY, void *data)
{
    return m_canvas.Write(0, blockX, blockY, data);
}

CPLErr CogxNewMaskBand::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                                  int height, void *data, int bufWidth,
                                  int bufHeight, GDALDataType bufType,
                                  GSpacing pixelSpace, GSpacing lineSpace,
                                  GDALRasterIOExtraArg *extra)
{
    const struct cogx_rect rect = RectOf(x, y, width, height);
    if (flag == GF_Write)
        m_canvas.Begin(0, rect);
    const CPLErr result = GDALRasterBand::IRasterIO(
        flag, x, y, width, height, data, bufWidth, bufHeight, bufType,
        pixelSpace, lineSpace, extra);
    if (flag == GF_Write)
        m_canvas.End(0, rect, result);
    return result;
}

// ---- What the nodata values say ----

CogxNewNodataMask::CogxNewNodataMask(CogxNewDataset *dataset)
    : m_dataset(dataset)
{
    poDS = dataset;
    nBand = 0;
    nRasterXSize = dataset->nRasterXSize;
    nRasterYSize = dataset->nRasterYSize;
    nBlockXSize = dataset->m_blockWidth;
    nBlockYSize = dataset->m_blockHeight;
    eDataType = GDT_Byte;
    // Overviews are masked as where nodata values are read.
    GDALRasterBand::SetMetadataItem("NBITS", "1", "IMAGE_STRUCTURE");
}

bool CogxNewNodataMask::IsMaskBand() const
{
    return true;
}

CPLErr CogxNewNodataMask::IReadBlock(int blockX, int blockY, void *data)
{
    const int x = blockX * nBlockXSize;
    const int y = blockY * nBlockYSize;
    return m_dataset->m_canvas.ReadMask(
        RectOf(x, y, std::min(nBlockXSize, nRasterXSize - x),
               std::min(nBlockYSize, nRasterYSize - y)),
        data, static_cast<size_t>(nBlockXSize));
}

CPLErr CogxNewNodataMask::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                                    int height, void *data, int bufWidth,
                                    int bufHeight, GDALDataType bufType,
                                    GSpacing pixelSpace, GSpacing lineSpace,
                                    GDALRasterIOExtraArg *extra)
{
    if (flag == GF_Read && bufType == GDT_Byte && pixelSpace == 1 &&
        lineSpace >= width &&
        Rok4IsPlain(x, y, width, height, bufWidth, bufHeight, extra))
        return m_dataset->m_canvas.ReadMask(RectOf(x, y, width, height), data,
                                            static_cast<size_t>(lineSpace));
    return GDALRasterBand::IRasterIO(flag, x, y, width, height, data, bufWidth,
                                     bufHeight, bufType, pixelSpace, lineSpace,
                                     extra);
}
