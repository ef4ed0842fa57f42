// SPDX-License-Identifier: MIT
// Where a dataset lies on a grid: its level, and the pixels that it covers.
#include "rok4_zoom.h"

#include "gdal_priv.h"
#include "rok4_dataset.h"
#include "rok4_footprint.h"

#include <algorithm>
#include <climits>
#include <cmath>

namespace
{

// What counts as the same pixel, in pixels.
constexpr double PIXEL_TOLERANCE = 0.01;
// What counts as the same resolution, relative.
constexpr double RESOLUTION_TOLERANCE = 1e-4;

// Ratios of resolutions that AUTO prefers, as the reference tools do.
constexpr double MIN_RATIO = 0.8;
constexpr double MAX_RATIO = 1.6;

bool Fail(GDALDataset *source, enum pyr_result result, const char *text)
{
    Rok4Report(CE_Failure, result,
               CPLSPrintf("%s: %s", source->GetDescription(), text));
    return false;
}

// Whether the raster's pixels are the level's, from pixel (x, y) of it.
bool FitsLevel(GDALDataset *source, const Rok4Footprint &footprint,
               const struct pyr_grid_level &level, Rok4Place *place)
{
    const double *const transform = footprint.transform;
    const double cell = level.cell_size;
    if (!footprint.northUp ||
        std::fabs(transform[1] / cell - 1) * source->GetRasterXSize() >=
            PIXEL_TOLERANCE ||
        std::fabs(-transform[5] / cell - 1) * source->GetRasterYSize() >=
            PIXEL_TOLERANCE)
        return false;
    const double px_x = (transform[0] - level.origin_x) / cell;
    const double px_y = (level.origin_y - transform[3]) / cell;
    if (std::fabs(px_x - std::round(px_x)) >= PIXEL_TOLERANCE ||
        std::fabs(px_y - std::round(px_y)) >= PIXEL_TOLERANCE ||
        std::fabs(px_x) > 1e15 || std::fabs(px_y) > 1e15)
        return false;
    place->px_x = std::llround(px_x);
    place->px_y = std::llround(px_y);
    place->width_px = source->GetRasterXSize();
    place->height_px = source->GetRasterYSize();
    return true;
}

// Pixels of a level's axis from `from` to `to`, given in pixels.
struct Range
{
    int64_t start;
    int64_t end;
};

Range PixelRange(double from, double to, bool centresOnly, int64_t matrix_px)
{
    const double margin = centresOnly ? 0.5 : PIXEL_TOLERANCE;
    const double most = static_cast<double>(matrix_px);
    double start =
        centresOnly ? std::ceil(from - margin) : std::floor(from + margin);
    double end = centresOnly ? std::floor(to + margin) : std::ceil(to - margin);
    start = std::clamp(start, 0.0, most);
    end = std::clamp(end, 0.0, most);
    return {static_cast<int64_t>(start), static_cast<int64_t>(end)};
}

int64_t MatrixWidth(const struct pyr_grid_level &level)
{
    return static_cast<int64_t>(level.matrix_width) * level.tile_width_px;
}

int64_t MatrixHeight(const struct pyr_grid_level &level)
{
    return static_cast<int64_t>(level.matrix_height) * level.tile_height_px;
}

bool CoverLevel(GDALDataset *source, const Rok4Footprint &footprint,
                const struct pyr_grid_level &level, bool centresOnly,
                Rok4Place *place)
{
    const double cell = level.cell_size;
    const struct pyr_grid_bounds &bounds = footprint.bounds;
    const Range columns = PixelRange((bounds.min_x - level.origin_x) / cell,
                                     (bounds.max_x - level.origin_x) / cell,
                                     centresOnly, MatrixWidth(level));
    const Range rows = PixelRange((level.origin_y - bounds.max_y) / cell,
                                  (level.origin_y - bounds.min_y) / cell,
                                  centresOnly, MatrixHeight(level));
    if (columns.end <= columns.start || rows.end <= rows.start)
        return Fail(source, PYR_USAGE,
                    CPLSPrintf("lies outside level %s of the tile matrix set",
                               level.id));
    if (columns.end - columns.start > INT_MAX ||
        rows.end - rows.start > INT_MAX)
        return Fail(source, PYR_LIMIT,
                    CPLSPrintf("covers more than %d pixels of level %s in a "
                               "row or column",
                               INT_MAX, level.id));
    place->px_x = columns.start;
    place->px_y = rows.start;
    place->width_px = static_cast<int>(columns.end - columns.start);
    place->height_px = static_cast<int>(rows.end - rows.start);
    return true;
}

bool MeetsMatrix(const struct pyr_grid_level &level, const Rok4Place &place)
{
    return place.px_x < MatrixWidth(level) &&
           place.px_y < MatrixHeight(level) &&
           place.px_x + place.width_px > 0 && place.px_y + place.height_px > 0;
}

} // namespace

size_t Rok4ZoomLevel(const struct pyr_grid &grid, double resolution,
                     Rok4Strategy strategy)
{
    size_t best = 0;
    double bestDistance = HUGE_VAL;
    for (size_t i = 0; i < grid.nlevels; i++)
    {
        const double cell = grid.levels[i].cell_size;
        const double ratio = resolution / cell;
        if (strategy == Rok4Strategy::Lower)
        {
            best = i;
            if (ratio <= 1 + RESOLUTION_TOLERANCE)
                break;
        }
        else if (strategy == Rok4Strategy::Upper)
        {
            if (ratio >= 1 - RESOLUTION_TOLERANCE)
                best = i;
        }
        else
        {
            // Ratios out of the range come after all those within it.
            const double distance = ratio >= MIN_RATIO && ratio <= MAX_RATIO
                                        ? std::fabs(ratio - 1)
                                        : 1 + std::fabs(std::log(ratio));
            if (distance < bestDistance)
            {
                best = i;
                bestDistance = distance;
            }
        }
    }
    return best;
}

bool Rok4FindPlace(GDALDataset *source, const Rok4PlaceOptions &options,
                   Rok4Place *place)
{
    const struct pyr_grid &grid = *options.grid;
    Rok4Footprint footprint;
    Rok4Place found;
    if (!Rok4MeasureFootprint(source, grid, &footprint))
        return false;
    found.sameCrs = footprint.sameCrs;
    found.level = options.level >= 0 ? static_cast<size_t>(options.level)
                                     : Rok4ZoomLevel(grid, footprint.resolution,
                                                     options.strategy);
    for (size_t i = 0; i < grid.nlevels && !found.onGrid; i++)
    {
        if ((options.level < 0 || i == found.level) &&
            FitsLevel(source, footprint, grid.levels[i], &found))
        {
            found.level = i;
            found.onGrid = true;
        }
    }
    const struct pyr_grid_level &level = grid.levels[found.level];
    if (!found.onGrid &&
        !CoverLevel(source, footprint, level, options.centresOnly, &found))
        return false;
    if (!MeetsMatrix(level, found))
        return Fail(source, PYR_USAGE,
                    CPLSPrintf("lies outside level %s of the tile matrix set",
                               level.id));
    *place = found;
    return true;
}

struct pyr_grid_limits Rok4PlaceLimits(const struct pyr_grid_level &level,
                                       const Rok4Place &place)
{
    const auto tile = [](int64_t px, uint32_t tile_px, uint32_t ntiles) {
        return static_cast<uint32_t>(
            std::clamp<int64_t>(px, 0, INT64_C(1) * tile_px * ntiles - 1) /
            tile_px);
    };
    struct pyr_grid_limits limits = {};
    limits.min_col = tile(place.px_x, level.tile_width_px, level.matrix_width);
    limits.min_row =
        tile(place.px_y, level.tile_height_px, level.matrix_height);
    limits.max_col = tile(place.px_x + place.width_px - 1, level.tile_width_px,
                          level.matrix_width);
    limits.max_row = tile(place.px_y + place.height_px - 1,
                          level.tile_height_px, level.matrix_height);
    return limits;
}

void Rok4PlaceTransform(const struct pyr_grid_level &level,
                        const Rok4Place &place, double transform[6])
{
    transform[0] =
        level.origin_x + static_cast<double>(place.px_x) * level.cell_size;
    transform[1] = level.cell_size;
    transform[2] = 0;
    transform[3] =
        level.origin_y - static_cast<double>(place.px_y) * level.cell_size;
    transform[4] = 0;
    transform[5] = -level.cell_size;
}
