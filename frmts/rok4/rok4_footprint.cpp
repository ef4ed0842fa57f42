// SPDX-License-Identifier: MIT
// A dataset as seen from a grid: extent and resolution in the grid's CRS.
#include "rok4_footprint.h"

#include "gdal_alg.h"
#include "gdal_priv.h"
#include "ogr_spatialref.h"
#include "rok4_dataset.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

namespace
{

// Skew by less than this, in pixels, is none.
constexpr double SKEW_TOLERANCE = 0.01;
// What counts as the same place in two CRS, in pixels.
constexpr double CRS_TOLERANCE = 1e-3;

bool Fail(GDALDataset *source, enum pyr_result result, const char *text)
{
    Rok4Report(CE_Failure, result,
               CPLSPrintf("%s: %s", source->GetDescription(), text));
    return false;
}

bool ReadTransform(GDALDataset *source, double transform[6])
{
    return GDALGetGeoTransform(GDALDataset::ToHandle(source), transform) ==
               CE_None &&
           !(transform[0] == 0 && transform[1] == 1 && transform[2] == 0 &&
             transform[3] == 0 && transform[4] == 0 &&
             std::fabs(transform[5]) == 1);
}

// Skew that moves no pixel by as much as the tolerance is none.
bool IsNorthUp(GDALDataset *source, const double transform[6])
{
    return transform[1] > 0 && transform[5] < 0 &&
           std::fabs(transform[2]) * source->GetRasterYSize() <
               SKEW_TOLERANCE * transform[1] &&
           std::fabs(transform[4]) * source->GetRasterXSize() <
               SKEW_TOLERANCE * -transform[5];
}

struct pyr_grid_bounds BoundsOf(GDALDataset *source, const double transform[6])
{
    struct pyr_grid_bounds bounds = {};
    bounds.min_x = transform[0];
    bounds.max_x = transform[0] + transform[1] * source->GetRasterXSize();
    bounds.max_y = transform[3];
    bounds.min_y = transform[3] + transform[5] * source->GetRasterYSize();
    return bounds;
}

// Whether coordinates within the bounds are the same in both, within tolerance:
// one CRS may have several names and definitions.
bool SameCoordinates(const OGRSpatialReference &source,
                     const OGRSpatialReference &grid,
                     const struct pyr_grid_bounds &bounds, double tolerance)
{
    constexpr int SIDE = 3;
    double crs_x[SIDE * SIDE];
    double crs_y[SIDE * SIDE];
    double moved_x[SIDE * SIDE];
    double moved_y[SIDE * SIDE];
    int reached[SIDE * SIDE] = {};
    for (int i = 0; i < SIDE * SIDE; i++)
    {
        const double right = (i % SIDE) / (SIDE - 1.0);
        const double down = (i / SIDE) / (SIDE - 1.0);
        crs_x[i] = bounds.min_x + right * (bounds.max_x - bounds.min_x);
        crs_y[i] = bounds.max_y + down * (bounds.min_y - bounds.max_y);
        moved_x[i] = crs_x[i];
        moved_y[i] = crs_y[i];
    }
    CPLErrorHandlerPusher quiet(CPLQuietErrorHandler);
    std::unique_ptr<OGRCoordinateTransformation> transformation(
        OGRCreateCoordinateTransformation(&source, &grid));
    const bool transformed =
        transformation != nullptr &&
        transformation->Transform(SIDE * SIDE, moved_x, moved_y, nullptr,
                                  reached) != FALSE;
    CPLErrorReset();
    bool same = transformed;
    for (int i = 0; same && i < SIDE * SIDE; i++)
        same = reached[i] && std::fabs(moved_x[i] - crs_x[i]) <= tolerance &&
               std::fabs(moved_y[i] - crs_y[i]) <= tolerance;
    return same;
}

bool IsSameCrs(GDALDataset *source, const OGRSpatialReference &sourceCrs,
               const OGRSpatialReference &gridCrs)
{
    static const char *const options[] = {
        "IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES", nullptr};
    double transform[6];
    if (sourceCrs.IsSame(&gridCrs, options))
        return true;
    if (!ReadTransform(source, transform) || !IsNorthUp(source, transform))
        return false;
    return SameCoordinates(sourceCrs, gridCrs, BoundsOf(source, transform),
                           CRS_TOLERANCE *
                               std::min(transform[1], -transform[5]));
}

// Sensor models and geolocation arrays bring a CRS of their own.
bool HasOwnCrs(GDALDataset *source)
{
    return source->GetMetadata("RPC") != nullptr ||
           source->GetMetadata("GEOLOCATION") != nullptr;
}

bool CompareCrs(GDALDataset *source, const struct pyr_grid &grid,
                Rok4Footprint *footprint)
{
    OGRSpatialReference gridCrs;
    gridCrs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
    if (gridCrs.SetFromUserInput(
            grid.crs,
            OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get()) !=
        OGRERR_NONE)
        return Fail(source, PYR_UNSUPPORTED,
                    CPLSPrintf("CRS %.80s of the tile matrix set is not known "
                               "here",
                               grid.crs));
    // As GDAL, control points count where there is no geotransform.
    double transform[6];
    const bool placed = ReadTransform(source, transform);
    const bool byPoints = !placed && source->GetGCPCount() > 0;
    const OGRSpatialReference *const sourceCrs =
        byPoints ? source->GetGCPSpatialRef() : source->GetSpatialRef();
    if (sourceCrs == nullptr && !HasOwnCrs(source))
        return Fail(source, PYR_USAGE,
                    "has no CRS; gdal_translate -a_srs gives it one");
    footprint->sameCrs = sourceCrs != nullptr && (placed || byPoints) &&
                         IsSameCrs(source, *sourceCrs, gridCrs);
    return true;
}

struct pyr_grid_bounds MatrixBounds(const struct pyr_grid_level &level)
{
    const struct pyr_grid_limits all = {0, 0, level.matrix_width - 1,
                                        level.matrix_height - 1};
    return pyr_grid_bounds_of(&level, &all);
}

// Beyond the grid, a projection may stretch without end, as Mercator's does at
// the poles: there, only what the grid holds of the source has a resolution.
void KeepToGrid(void *transformer, const struct pyr_grid &grid,
                Rok4Footprint *footprint)
{
    const struct pyr_grid_bounds matrix =
        MatrixBounds(grid.levels[grid.nlevels - 1]);
    const struct pyr_grid_bounds &whole = footprint->bounds;
    const struct pyr_grid_bounds kept = {std::max(whole.min_x, matrix.min_x),
                                         std::max(whole.min_y, matrix.min_y),
                                         std::min(whole.max_x, matrix.max_x),
                                         std::min(whole.max_y, matrix.max_y)};
    const double width = kept.max_x - kept.min_x;
    const double height = kept.max_y - kept.min_y;
    if (width <= 0 || height <= 0 ||
        (width == whole.max_x - whole.min_x &&
         height == whole.max_y - whole.min_y))
        return;
    // The diagonal, as gdalwarp has it; its ends may be just outside.
    constexpr double INSET = 1e-6;
    double x[] = {kept.min_x + INSET * width, kept.max_x - INSET * width};
    double y[] = {kept.max_y - INSET * height, kept.min_y + INSET * height};
    double z[] = {0, 0};
    int reached[] = {FALSE, FALSE};
    GDALGenImgProjTransform(transformer, TRUE, 2, x, y, z, reached);
    const double diagonal_px = std::hypot(x[1] - x[0], y[1] - y[0]);
    if (reached[0] && reached[1] && diagonal_px > 0)
        footprint->resolution = std::hypot(width, height) / diagonal_px;
}

// Whether the line between two points of the grid's CRS meets the source.
bool LineMeets(GDALDataset *source, void *transformer, double from_x,
               double from_y, double to_x, double to_y)
{
    constexpr int COUNT = 21;
    double x[COUNT];
    double y[COUNT];
    double z[COUNT] = {};
    int reached[COUNT] = {};
    for (int i = 0; i < COUNT; i++)
    {
        x[i] = from_x + (to_x - from_x) * (i + 0.5) / COUNT;
        y[i] = from_y + (to_y - from_y) * (i + 0.5) / COUNT;
    }
    GDALGenImgProjTransform(transformer, TRUE, COUNT, x, y, z, reached);
    bool meets = false;
    for (int i = 0; i < COUNT && !meets; i++)
        meets = reached[i] && x[i] > 0 && x[i] < source->GetRasterXSize() &&
                y[i] > 0 && y[i] < source->GetRasterYSize();
    return meets;
}

// What gdalwarp finds from a few points ends before the antimeridian in a
// source that reaches it. Each side moves as long as there is source beyond.
void Widen(GDALDataset *source, void *transformer, const struct pyr_grid &grid,
           Rok4Footprint *footprint)
{
    constexpr double STEP = 0.02;
    const struct pyr_grid_bounds most =
        MatrixBounds(grid.levels[grid.nlevels - 1]);
    struct pyr_grid_bounds &now = footprint->bounds;
    const double width = STEP * (now.max_x - now.min_x);
    const double height = STEP * (now.max_y - now.min_y);
    for (int side = 0; side < 4; side++)
    {
        for (double step = 0; step < 1; step += STEP)
        {
            struct pyr_grid_bounds next = now;
            if (side == 0)
                next.max_x = std::min(now.max_x + width, most.max_x);
            else if (side == 1)
                next.min_x = std::max(now.min_x - width, most.min_x);
            else if (side == 2)
                next.max_y = std::min(now.max_y + height, most.max_y);
            else
                next.min_y = std::max(now.min_y - height, most.min_y);
            // Just inside, for the border itself may be on the other side.
            const double in_x = width * 1e-3;
            const double in_y = height * 1e-3;
            const double left =
                side == 0 ? next.max_x - in_x : next.min_x + in_x;
            const double right =
                side == 1 ? next.min_x + in_x : next.max_x - in_x;
            const double top =
                side == 3 ? next.min_y + in_y : next.max_y - in_y;
            const double bottom =
                side == 2 ? next.max_y - in_y : next.min_y + in_y;
            const bool outside = left > now.max_x || right < now.min_x ||
                                 top < now.min_y || bottom > now.max_y;
            if (!outside ||
                !LineMeets(source, transformer, left, top, right, bottom))
                break;
            now = next;
        }
    }
}

// A source that the antimeridian cuts has its parts at both ends of the grid:
// a resolution that spreads its pixels over all between is none. The size of
// its own pixels is.
void MeasureParts(GDALDataset *source, void *transformer,
                  Rok4Footprint *footprint)
{
    constexpr int SIDE = 5;
    const double width_px = source->GetRasterXSize();
    const double height_px = source->GetRasterYSize();
    std::vector<double> sizes;
    for (int i = 0; i < SIDE * SIDE; i++)
    {
        const double px_x = (i % SIDE + 0.5) / SIDE * width_px;
        const double px_y = (i / SIDE + 0.5) / SIDE * height_px;
        double x[] = {px_x - 0.5, px_x + 0.5};
        double y[] = {px_y - 0.5, px_y + 0.5};
        double z[] = {0, 0};
        int reached[] = {FALSE, FALSE};
        GDALGenImgProjTransform(transformer, FALSE, 2, x, y, z, reached);
        if (reached[0] && reached[1])
            sizes.push_back(std::hypot(x[1] - x[0], y[1] - y[0]) /
                            std::sqrt(2.0));
    }
    if (sizes.empty())
        return;
    std::sort(sizes.begin(), sizes.end());
    const double size = sizes[sizes.size() / 2];
    const struct pyr_grid_bounds &bounds = footprint->bounds;
    const double diagonal =
        std::hypot(bounds.max_x - bounds.min_x, bounds.max_y - bounds.min_y);
    if (size > 0 && size * std::hypot(width_px, height_px) < diagonal / 2)
        footprint->resolution = size;
}

// Extent and resolution as gdalwarp finds them.
bool Suggest(GDALDataset *source, const struct pyr_grid &grid,
             Rok4Footprint *footprint)
{
    CPLStringList options(Rok4TransformOptions(grid, footprint->sameCrs));
    GDALDatasetH handle = GDALDataset::ToHandle(source);
    void *const transformer =
        GDALCreateGenImgProjTransformer2(handle, nullptr, options.List());
    if (transformer == nullptr)
        return false;
    double transform[6];
    double extent[4];
    int width = 0;
    int height = 0;
    const CPLErr result =
        GDALSuggestedWarpOutput2(handle, GDALGenImgProjTransform, transformer,
                                 transform, &width, &height, extent, 0);
    if (result == CE_None)
    {
        footprint->resolution = transform[1];
        footprint->bounds = {extent[0], extent[1], extent[2], extent[3]};
        Widen(source, transformer, grid, footprint);
        KeepToGrid(transformer, grid, footprint);
        MeasureParts(source, transformer, footprint);
    }
    GDALDestroyGenImgProjTransformer(transformer);
    return result == CE_None;
}

} // namespace

CPLStringList Rok4TransformOptions(const struct pyr_grid &grid, bool sameCrs)
{
    CPLStringList options;
    options.SetNameValue("DST_SRS", grid.crs);
    // One CRS by two names: nothing is to be transformed.
    if (sameCrs)
        options.SetNameValue("SRC_SRS", grid.crs);
    return options;
}

bool Rok4MeasureFootprint(GDALDataset *source, const struct pyr_grid &grid,
                          Rok4Footprint *footprint)
{
    if (!CompareCrs(source, grid, footprint))
        return false;
    footprint->northUp = footprint->sameCrs &&
                         ReadTransform(source, footprint->transform) &&
                         IsNorthUp(source, footprint->transform);
    if (!footprint->northUp)
        return Suggest(source, grid, footprint);
    footprint->resolution =
        std::sqrt(footprint->transform[1] * -footprint->transform[5]);
    footprint->bounds = BoundsOf(source, footprint->transform);
    return true;
}
