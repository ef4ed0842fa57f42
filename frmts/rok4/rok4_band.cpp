// SPDX-License-Identifier: MIT
// The bands of a ROK4 dataset: description, overviews, masks, coverage.
#include "rok4_dataset.h"

#include <algorithm>
#include <cmath>

Rok4RasterBand::Rok4RasterBand(Rok4Dataset *dataset, int band)
{
    const struct pyr_tile_shape &shape =
        dataset->m_pyramid->Level(dataset->m_view.level).shape;
    poDS = dataset;
    nBand = band;
    eAccess = GA_ReadOnly;
    nRasterXSize = dataset->nRasterXSize;
    nRasterYSize = dataset->nRasterYSize;
    nBlockXSize = static_cast<int>(shape.width_px);
    nBlockYSize = static_cast<int>(shape.height_px);
    eDataType = shape.sample == PYR_SAMPLE_FLOAT32 ? GDT_Float32 : GDT_Byte;
}

Rok4Dataset *Rok4RasterBand::Own() const
{
    return static_cast<Rok4Dataset *>(poDS);
}

GDALColorInterp Rok4ColorOf(int band, int bands)
{
    if (bands % 2 == 0 && band == bands)
        return GCI_AlphaBand;
    if (bands < 3)
        return GCI_GrayIndex;
    return static_cast<GDALColorInterp>(GCI_RedBand + band - 1);
}

GDALColorInterp Rok4RasterBand::GetColorInterpretation()
{
    return Rok4ColorOf(nBand, poDS->GetRasterCount());
}

double Rok4RasterBand::GetNoDataValue(int *success)
{
    const Rok4Dataset *const dataset = Own();
    if (!dataset->m_validity.bandNodata)
        return GDALPamRasterBand::GetNoDataValue(success);
    if (success != nullptr)
        *success = TRUE;
    return Rok4FillValue(*dataset->m_pyramid->Get()->descriptor, nBand);
}

int Rok4RasterBand::GetOverviewCount()
{
    return static_cast<int>(Own()->m_overviews.size());
}

GDALRasterBand *Rok4RasterBand::GetOverview(int index)
{
    if (index < 0 || index >= GetOverviewCount())
        return nullptr;
    return Own()->m_overviews[index]->GetRasterBand(nBand);
}

GDALRasterBand *Rok4RasterBand::GetRasterSampleOverview(GUIntBig samples)
{
    if (Own()->m_validity.sampleFinest)
        return this;
    return GDALPamRasterBand::GetRasterSampleOverview(samples);
}

GDALRasterBand *Rok4RasterBand::GetMaskBand()
{
    GDALRasterBand *const mask = Own()->m_mask.get();
    return mask != nullptr ? mask : GDALPamRasterBand::GetMaskBand();
}

int Rok4RasterBand::GetMaskFlags()
{
    return Own()->m_mask != nullptr ? GMF_PER_DATASET
                                    : GDALPamRasterBand::GetMaskFlags();
}

// Tiles that are looked for before we say that we do not know.
constexpr double MAX_COVERAGE_TILES = 1 << 20;

int Rok4RasterBand::IGetDataCoverageStatus(int x, int y, int width, int height,
                                           int maskFlagStop, double *percent)
{
    const Rok4Dataset *const dataset = Own();
    const struct pyr_window window = dataset->Window(x, y, width, height);
    const struct pyr_source_level &level =
        dataset->m_pyramid->Level(window.level);
    const struct pyr_grid_limits &limits = level.limits;
    if (dataset->HasUnpublished())
        return GDAL_DATA_COVERAGE_STATUS_UNIMPLEMENTED |
               GDAL_DATA_COVERAGE_STATUS_DATA;
    const int64_t tileWidth = level.shape.width_px;
    const int64_t tileHeight = level.shape.height_px;
    const int64_t right = window.px_x + width;
    const int64_t bottom = window.px_y + height;
    const int64_t firstCol =
        std::max<int64_t>(limits.min_col, window.px_x / tileWidth);
    const int64_t firstRow =
        std::max<int64_t>(limits.min_row, window.px_y / tileHeight);
    // -1 for a window before the first tile, which views of other grids may be.
    const int64_t lastCol =
        right < 1 ? -1
                  : std::min<int64_t>(limits.max_col, (right - 1) / tileWidth);
    const int64_t lastRow =
        bottom < 1
            ? -1
            : std::min<int64_t>(limits.max_row, (bottom - 1) / tileHeight);
    if (lastCol >= firstCol && lastRow >= firstRow &&
        static_cast<double>(lastCol - firstCol + 1) *
                static_cast<double>(lastRow - firstRow + 1) >
            MAX_COVERAGE_TILES)
        return GDAL_DATA_COVERAGE_STATUS_UNIMPLEMENTED |
               GDAL_DATA_COVERAGE_STATUS_DATA;

    const double total = static_cast<double>(width) * height;
    double seen = 0;
    double data = 0;
    int status = 0;
    for (int64_t row = firstRow; row <= lastRow; row++)
        for (int64_t col = firstCol; col <= lastCol; col++)
        {
            enum pyr_presence presence = PYR_OUTSIDE;
            struct pyr_extent extent = {};
            if (dataset->m_pyramid->Locate(
                    window.level, static_cast<uint32_t>(col),
                    static_cast<uint32_t>(row), &presence, &extent) != CE_None)
                return GDAL_DATA_COVERAGE_STATUS_UNIMPLEMENTED |
                       GDAL_DATA_COVERAGE_STATUS_DATA;
            const double area =
                static_cast<double>(std::min(right, (col + 1) * tileWidth) -
                                    std::max(window.px_x, col * tileWidth)) *
                static_cast<double>(std::min(bottom, (row + 1) * tileHeight) -
                                    std::max(window.px_y, row * tileHeight));
            seen += area;
            if (presence == PYR_PRESENT)
                data += area;
            status |= presence == PYR_PRESENT ? GDAL_DATA_COVERAGE_STATUS_DATA
                                              : GDAL_DATA_COVERAGE_STATUS_EMPTY;
            if (maskFlagStop != 0 && (maskFlagStop & status) != 0)
                break;
        }
    if (seen < total && (maskFlagStop == 0 || (maskFlagStop & status) == 0))
        status |= GDAL_DATA_COVERAGE_STATUS_EMPTY;
    if (percent != nullptr)
        *percent = 100.0 * data / total;
    return status;
}

Rok4MaskBand::Rok4MaskBand(Rok4Dataset *dataset) : m_dataset(dataset)
{
    const struct pyr_tile_shape &shape =
        dataset->m_pyramid->Level(dataset->m_view.level).shape;
    poDS = dataset;
    nBand = 0;
    eAccess = GA_ReadOnly;
    nRasterXSize = dataset->nRasterXSize;
    nRasterYSize = dataset->nRasterYSize;
    nBlockXSize = static_cast<int>(shape.width_px);
    nBlockYSize = static_cast<int>(shape.height_px);
    eDataType = GDT_Byte;
}

int Rok4MaskBand::GetOverviewCount()
{
    return static_cast<int>(m_dataset->m_overviews.size());
}

GDALRasterBand *Rok4MaskBand::GetOverview(int index)
{
    if (index < 0 || index >= GetOverviewCount())
        return nullptr;
    return m_dataset->m_overviews[index]->m_mask.get();
}

bool Rok4MaskBand::IsMaskBand() const
{
    return true;
}
