// SPDX-License-Identifier: MIT
// Where a raster comes to lie when it is reprojected for a file.
#include "cogx_warp.h"

#include "cogx_report.h"
#include "gdal_compat.h"

#include "cpl_conv.h"
#include "gdal_alg.h"
#include "gdal_utils.h"
#include "ogr_spatialref.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace
{

// As far north and south as spherical Mercator goes.
constexpr double MAX_LATITUDE = 85.0511287798066;
// What counts as the same resolution, relative, and as a whole number of
// pixels: as in gdalwarp.
constexpr double SAME_RES = 1e-8;
constexpr double SAME_PLACE = 1e-10; // relative
constexpr double TILE_SLACK = 1e-10; // of a tile
constexpr int MAX_ALIGNED = 10;

bool Fail(enum pyr_result result, const char *text)
{
    CogxReport(CE_Failure, result, text);
    return false;
}

struct TransformerDeleter
{
    void operator()(void *transformer) const
    {
        GDALDestroyGenImgProjTransformer(transformer);
    }
};
using TransformerPtr = std::unique_ptr<void, TransformerDeleter>;

// "AUTHORITY:CODE" of a CRS, "" when it has none.
std::string CodeOf(const OGRSpatialReference &crs)
{
    const char *const authority = crs.GetAuthorityName(nullptr);
    const char *const code = crs.GetAuthorityCode(nullptr);
    return authority != nullptr && code != nullptr
               ? std::string(authority) + ":" + code
               : std::string();
}

bool ReadCrs(const std::string &text, OGRSpatialReference *crs)
{
    return crs->SetFromUserInput(
               text.c_str(),
               OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get()) ==
           OGRERR_NONE;
}

GDALDatasetUniquePtr Translate(GDALDataset *source,
                               const CPLStringList &arguments)
{
    GDALTranslateOptions *const options =
        GDALTranslateOptionsNew(const_cast<char **>(arguments.List()), nullptr);
    const GDALDatasetH made =
        GDALTranslate("", GDALDataset::ToHandle(source), options, nullptr);
    GDALTranslateOptionsFree(options);
    return GDALDatasetUniquePtr(GDALDataset::FromHandle(made));
}

// The part of a geographic source that spherical Mercator can show; nullptr
// where that is all of it.
GDALDatasetUniquePtr CutForMercator(GDALDataset *source,
                                    const OGRSpatialReference &target)
{
    double transform[6] = {0, 1, 0, 0, 0, 1};
    const char *const code = target.GetAuthorityCode(nullptr);
    const OGRSpatialReference *const crs = source->GetSpatialRef();
    if (code == nullptr || !EQUAL(code, "3857") || crs == nullptr ||
        !crs->IsGeographic() ||
        GDALGetGeoTransform(GDALDataset::ToHandle(source), transform) !=
            CE_None ||
        transform[2] != 0 || transform[4] != 0 || transform[5] >= 0)
        return nullptr;
    const double top = transform[3];
    const double bottom =
        transform[3] + source->GetRasterYSize() * transform[5];
    if (top <= MAX_LATITUDE && bottom >= -MAX_LATITUDE)
        return nullptr;
    CPLStringList arguments;
    for (const char *word : {"-of", "VRT", "-projwin"})
        arguments.AddString(word);
    for (const double value :
         {transform[0], std::min(top, MAX_LATITUDE),
          transform[0] + source->GetRasterXSize() * transform[1],
          std::max(bottom, -MAX_LATITUDE)})
        arguments.AddString(CPLSPrintf("%.17g", value));
    return Translate(source, arguments);
}

// Extent and resolution that GDAL suggests for the source in another CRS.
bool Suggest(GDALDataset *source, const std::string &srs,
             const OGRSpatialReference &crs, CogxPlace *place)
{
    CPLStringList options;
    options.SetNameValue("DST_SRS", srs.c_str());
    const GDALDatasetUniquePtr cut = CutForMercator(source, crs);
    const GDALDatasetH shown =
        GDALDataset::ToHandle(cut != nullptr ? cut.get() : source);
    const TransformerPtr transformer(
        GDALCreateGenImgProjTransformer2(shown, nullptr, options.List()));
    if (transformer == nullptr)
        return false; // GDAL told why
    double transform[6];
    double extent[4];
    int width = 0;
    int height = 0;
    if (GDALSuggestedWarpOutput2(
            shown,
            static_cast<GDALTransformerInfo *>(transformer.get())->pfnTransform,
            transformer.get(), transform, &width, &height, extent,
            0) != CE_None)
        return false;
    place->bounds = {extent[0], extent[1], extent[2], extent[3]};
    place->res = transform[1];
    return true;
}

// Pixel size of a level with tiles of blockSize pixels.
double ResOf(const CogxTiling &tiling, int zoom, int blockSize)
{
    return tiling.levels[zoom].res * tiling.tileSize / blockSize;
}

bool ChooseZoom(const CogxOptions &options, const CogxTiling &tiling,
                int blockSize, CogxPlace *place)
{
    const int nlevels = static_cast<int>(tiling.levels.size());
    place->zoom = options.zoomLevel;
    if (options.zoomLevel >= nlevels)
        return Fail(PYR_USAGE, CPLSPrintf("ZOOM_LEVEL=%d, expected 0 to %d",
                                          options.zoomLevel, nlevels - 1));
    if (options.zoomLevel >= 0)
        return true;
    int zoom = 0;
    double coarser = 0;
    double res = 0;
    for (; zoom < nlevels; zoom++)
    {
        res = ResOf(tiling, zoom, blockSize);
        if (place->res > res || std::fabs(place->res - res) / res <= SAME_RES)
            break;
        coarser = res;
    }
    if (zoom == nlevels)
        return Fail(PYR_USAGE,
                    CPLSPrintf("the raster is finer than the finest level, "
                               "%d, of tiling scheme %s",
                               nlevels - 1, tiling.name.c_str()));
    const bool between =
        zoom > 0 && std::fabs(place->res - res) / res > SAME_RES;
    if (between && (options.strategy == CogxZoomStrategy::Lower ||
                    (options.strategy == CogxZoomStrategy::Auto &&
                     coarser / place->res < place->res / res)))
        zoom--;
    place->zoom = zoom;
    return true;
}

// Tiles that the extent must start and end on, so that tiles of coarser levels
// do as well; 0, with an error, for ratios that have none.
int AlignedTiles(const CogxTiling &tiling, const CogxPlace &place)
{
    // Has many divisors: with a ratio of 5/2, it is 24 times that.
    constexpr int MANY = 60;
    int tiles = 1;
    for (int i = 0; i < place.alignedLevels - 1; i++)
    {
        const double ratio = CogxTilingRatio(tiling, place.zoom - i);
        const double scaled = MANY / ratio;
        const int whole = static_cast<int>(std::round(scaled));
        int numerator = 0;
        if (scaled >= 1 && scaled <= MANY &&
            std::fabs(whole - scaled) <= SAME_PLACE)
            for (int divisor = whole; divisor >= 2 && numerator == 0; divisor--)
                if (MANY % divisor == 0 && whole % divisor == 0)
                    numerator = MANY / divisor;
        if (numerator == 0)
        {
            Fail(PYR_UNSUPPORTED,
                 CPLSPrintf("ALIGNED_LEVELS: levels %d and %d of tiling "
                            "scheme %s have a ratio of %.15g",
                            place.zoom - i - 1, place.zoom - i,
                            tiling.name.c_str(), ratio));
            return 0;
        }
        tiles *= numerator;
    }
    return tiles;
}

// Extent in whole tiles of the level.
bool AlignToTiles(const CogxOptions &options, const CogxTiling &tiling,
                  int blockSize, CogxPlace *place)
{
    CogxBounds &bounds = place->bounds;
    const CogxTilingLevel &level = tiling.levels[place->zoom];
    place->res = ResOf(tiling, place->zoom, blockSize);
    const double tile = place->res * blockSize;
    const double reach = GDAL_COMPAT_COG_TOLERANCE_PX > 0
                             ? GDAL_COMPAT_COG_TOLERANCE_PX / blockSize
                             : TILE_SLACK;
    int left = static_cast<int>(
        std::floor((bounds.minX - tiling.originX) / tile + reach));
    int top = static_cast<int>(
        std::floor((tiling.originY - bounds.maxY) / tile + reach));
    int right = static_cast<int>(
        std::ceil((bounds.maxX - tiling.originX) / tile - reach));
    int bottom = static_cast<int>(
        std::ceil((tiling.originY - bounds.minY) / tile - reach));
    place->alignedLevels =
        std::min({options.alignedLevels, MAX_ALIGNED, place->zoom});
    const int step = AlignedTiles(tiling, *place);
    if (step == 0)
        return false;
    if (step > 1)
    {
        left = left / step * step;
        top = top / step * step;
        right = (right + step - 1) / step * step;
        bottom = (bottom + step - 1) / step * step;
    }
    if (left < 0 || top < 0 || right > level.matrixWidth ||
        bottom > level.matrixHeight)
        CogxReport(CE_Warning, PYR_USAGE,
                   CPLSPrintf("the raster reaches beyond tiling scheme %s, "
                              "and is cut to it",
                              tiling.name.c_str()));
    left = std::max(left, 0);
    top = std::max(top, 0);
    right = std::min(right, level.matrixWidth);
    bottom = std::min(bottom, level.matrixHeight);
    bounds.minX = tiling.originX + left * tile;
    bounds.minY = tiling.originY - bottom * tile;
    bounds.maxX = tiling.originX + right * tile;
    bounds.maxY = tiling.originY - top * tile;
    return true;
}

void WarnIgnored(const char *name, bool given)
{
    if (given)
        CogxReport(CE_Warning, PYR_USAGE,
                   CPLSPrintf("%s is ignored with TILING_SCHEME", name));
}

bool PlaceOnTiling(const CogxOptions &options, const CogxTiling &tiling,
                   CogxPlace *place)
{
    const CogxBounds &found = place->bounds;
    const CogxBounds &bounds = tiling.bounds;
    const int blockSize =
        options.blockSize > 0 ? options.blockSize : tiling.tileSize;
    WarnIgnored("EXTENT", !options.extent.empty());
    WarnIgnored("RES", options.res > 0);
    if (tiling.hasBounds &&
        (found.maxX < bounds.minX || found.minX > bounds.maxX ||
         found.maxY < bounds.minY || found.minY > bounds.maxY))
        return Fail(PYR_USAGE,
                    CPLSPrintf("the raster is outside of tiling scheme %s",
                               tiling.name.c_str()));
    return ChooseZoom(options, tiling, blockSize, place) &&
           AlignToTiles(options, tiling, blockSize, place);
}

// Whether the extent is a whole number of pixels.
bool HasWholePixels(const CogxPlace &place)
{
    const CogxBounds &bounds = place.bounds;
    return std::fabs((bounds.maxX - bounds.minX) / place.res - place.width) <=
               SAME_RES &&
           std::fabs((bounds.maxY - bounds.minY) / place.res - place.height) <=
               SAME_RES;
}

bool IsClose(double found, double expected)
{
    return std::fabs(found - expected) < SAME_PLACE * std::fabs(found);
}

} // namespace

double CogxTilingRatio(const CogxTiling &tiling, int zoom)
{
    return zoom >= 1 ? tiling.levels[zoom - 1].res / tiling.levels[zoom].res
                     : 2;
}

bool CogxFindPlace(GDALDataset *source, const CogxOptions &options,
                   const CogxTiling *tiling, CogxPlace *place)
{
    OGRSpatialReference crs;
    place->srs = options.targetSrs;
    if (tiling != nullptr)
    {
        WarnIgnored("TARGET_SRS", !options.targetSrs.empty());
        place->srs = tiling->crs;
    }
    if (!ReadCrs(place->srs, &crs))
        return Fail(PYR_USAGE,
                    CPLSPrintf("%s is no coordinate reference system",
                               place->srs.c_str()));
    if (tiling != nullptr && !CodeOf(crs).empty())
        place->srs = CodeOf(crs);
    if (!Suggest(source, place->srs, crs, place))
        return false;
    if (tiling != nullptr)
    {
        if (!PlaceOnTiling(options, *tiling, place))
            return false;
    }
    else
    {
        const std::vector<double> &extent = options.extent;
        if (!extent.empty())
            place->bounds = {extent[0], extent[1], extent[2], extent[3]};
        if (options.res > 0)
            place->res = options.res;
    }
    const CogxBounds &bounds = place->bounds;
    const double width = std::round((bounds.maxX - bounds.minX) / place->res);
    const double height = std::round((bounds.maxY - bounds.minY) / place->res);
    if (!(width >= 1 && height >= 1 && width <= INT_MAX && height <= INT_MAX))
        return Fail(PYR_USAGE,
                    CPLSPrintf("the raster would have %.15g x %.15g pixels",
                               width, height));
    place->width = static_cast<int>(width);
    place->height = static_cast<int>(height);
    return true;
}

bool CogxIsInPlace(GDALDataset *source, const CogxPlace &place)
{
    double transform[6] = {0, 0, 0, 0, 0, 0};
    const OGRSpatialReference *const crs = source->GetSpatialRef();
    const int width = source->GetRasterXSize();
    const int height = source->GetRasterYSize();
    if (width != place.width || height != place.height || crs == nullptr ||
        CodeOf(*crs) != place.srs ||
        GDALGetGeoTransform(GDALDataset::ToHandle(source), transform) !=
            CE_None)
        return false;
    return IsClose(transform[0], place.bounds.minX) &&
           IsClose(transform[3] + height * transform[5], place.bounds.minY) &&
           IsClose(transform[0] + width * transform[1], place.bounds.maxX) &&
           IsClose(transform[3], place.bounds.maxY);
}

GDALDatasetUniquePtr CogxWarp(GDALDataset *source, const CogxOptions &options,
                              const CogxPlace &place)
{
    CPLStringList arguments;
    const auto add = [&arguments](std::initializer_list<const char *> words) {
        for (const char *word : words)
            arguments.AddString(word);
    };
    const auto number = [](double value) {
        return std::string(CPLSPrintf("%.17g", value));
    };
    const std::string res = number(place.res);
    add({"-of", "VRT", "-t_srs", place.srs.c_str(), "-te"});
    for (const double value : {place.bounds.minX, place.bounds.minY,
                               place.bounds.maxX, place.bounds.maxY})
        add({number(value).c_str()});
    add({"-ts", std::to_string(place.width).c_str(),
         std::to_string(place.height).c_str()});
    if (HasWholePixels(place))
        add({"-tr", res.c_str(), res.c_str()});
    int hasNodata = FALSE;
    source->GetRasterBand(1)->GetNoDataValue(&hasNodata);
    if (!hasNodata && options.addAlpha)
        add({"-dstalpha"});
    const bool palette = source->GetRasterBand(1)->GetColorTable() != nullptr;
    add({"-r", !options.warpResampling.empty() ? options.warpResampling.c_str()
               : palette                       ? "NEAREST"
                                               : "CUBIC"});
    add({"-wo", "SAMPLE_GRID=YES", "-wo",
         ("NUM_THREADS=" + std::to_string(options.nthreads)).c_str()});
    GDALWarpAppOptions *const parsed =
        GDALWarpAppOptionsNew(arguments.List(), nullptr);
    if (parsed == nullptr)
        return nullptr;
    GDALDatasetH handle = GDALDataset::ToHandle(source);
    const GDALDatasetH made =
        GDALWarp("", nullptr, 1, &handle, parsed, nullptr);
    GDALWarpAppOptionsFree(parsed);
    return GDALDatasetUniquePtr(GDALDataset::FromHandle(made));
}
