// SPDX-License-Identifier: MIT
// Tiling schemes: tile matrix sets whose levels share corner and tile size.
#include "cogx_tiling.h"

#include "cogx_report.h"
#include "pyr_alloc.h"
#include "pyr_grid.h"
#include "rok4_tms_data.h"
#include "vsi_io.h"

#include "cpl_conv.h"
#include "cpl_json.h"
#include "cpl_string.h"
#include "ogr_spatialref.h"

#include <algorithm>
#include <cmath>

namespace
{

constexpr double HALF_CIRCUMFERENCE_M = 6378137 * M_PI;
// Of OGC: the side of a pixel that scale denominators are about.
constexpr double PIXEL_M = 0.28e-3;

bool Fail(const std::string &scheme, enum pyr_result result, const char *text)
{
    // A text of JSON is too long to be repeated.
    const std::string shown =
        scheme.find('{') == std::string::npos ? scheme : "{...}";
    CogxReport(CE_Failure, result,
               CPLSPrintf("TILING_SCHEME=%s: %s", shown.c_str(), text));
    return false;
}

// Sets of which each level halves the pixels of the one before.
void MakeQuadtree(CogxTiling *tiling, const char *crs, double left, double top,
                  double res, int nlevels, int width)
{
    tiling->crs = crs;
    tiling->originX = left;
    tiling->originY = top;
    tiling->tileSize = 256;
    for (int i = 0; i < nlevels; i++)
        tiling->levels.push_back({res / (1 << i), width << i, 1 << i});
    tiling->hasBounds = true;
    tiling->bounds = {left, -top, -left, top};
}

bool MakeKnown(const std::string &scheme, CogxTiling *tiling)
{
    if (EQUAL(scheme.c_str(), "GoogleMapsCompatible"))
        MakeQuadtree(tiling, "http://www.opengis.net/def/crs/EPSG/0/3857",
                     -HALF_CIRCUMFERENCE_M, HALF_CIRCUMFERENCE_M,
                     2 * HALF_CIRCUMFERENCE_M / 256, 25, 1);
    else if (EQUAL(scheme.c_str(), "InspireCRS84Quad"))
        MakeQuadtree(tiling, "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                     -180, 90, 180.0 / 256, 18, 2);
    return !tiling->levels.empty();
}

// Text of a file.
enum pyr_result LoadFile(const std::string &path, std::string *text,
                         struct pyr_error *err)
{
    const struct pyr_io io = vsi_io_make();
    char *bytes = nullptr;
    size_t nbytes = 0;
    const enum pyr_result result = io.load(
        io.user, path.c_str(), PYR_MAX_JSON_BYTES, &bytes, &nbytes, err);
    if (result == PYR_OK)
        text->assign(bytes, nbytes);
    pyr_free(bytes);
    return result;
}

enum pyr_result FindText(const std::string &scheme, std::string *text,
                         struct pyr_error *err)
{
    if (scheme.find('{') != std::string::npos)
    {
        *text = scheme;
        return PYR_OK;
    }
    if (STARTS_WITH_CI(scheme.c_str(), "http://") ||
        STARTS_WITH_CI(scheme.c_str(), "https://"))
        return LoadFile("/vsicurl/" + scheme, text, err);
    if (vsi_io_exists(scheme.c_str()))
        return LoadFile(scheme, text, err);
    const char *const shipped =
        CPLFindFile("gdal", ("tms_" + scheme + ".json").c_str());
    if (shipped != nullptr)
        return LoadFile(shipped, text, err);
    size_t nbytes = 0;
    const char *const builtin = rok4_tms_builtin(scheme.c_str(), &nbytes);
    if (builtin == nullptr)
        return pyr_fail(err, PYR_NOT_FOUND,
                        "no tile matrix set of that name, and no file");
    text->assign(builtin, nbytes);
    return PYR_OK;
}

// Whether coordinates of a CRS come as northing and easting.
bool IsNorthFirst(const OGRSpatialReference &crs)
{
    return crs.EPSGTreatsAsLatLong() || crs.EPSGTreatsAsNorthingEasting();
}

bool ReadPair(const CPLJSONObject &object, const char *name, bool swapped,
              double *x, double *y)
{
    const CPLJSONArray pair = object.GetArray(name);
    if (!pair.IsValid() || pair.Size() != 2)
        return false;
    *x = pair[swapped ? 1 : 0].ToDouble(std::nan(""));
    *y = pair[swapped ? 0 : 1].ToDouble(std::nan(""));
    return std::isfinite(*x) && std::isfinite(*y);
}

// What is wrong with a level as OGC 17-083r2 has it; "" for nothing.
const char *ReadLevel(const CPLJSONObject &object, bool swapped,
                      double metresPerUnit, CogxTiling *tiling)
{
    CogxTilingLevel level;
    double x = 0;
    double y = 0;
    level.res = object.GetDouble("scaleDenominator") * PIXEL_M / metresPerUnit;
    level.matrixWidth = object.GetInteger("matrixWidth");
    level.matrixHeight = object.GetInteger("matrixHeight");
    const int size = object.GetInteger("tileWidth");
    if (!ReadPair(object, "topLeftCorner", swapped, &x, &y))
        return "topLeftCorner of a level, expected two numbers";
    if (!(level.res > 0) || size < 1 ||
        static_cast<uint32_t>(size) > PYR_MAX_TILE_SIDE_PX ||
        level.matrixWidth < 1 || level.matrixHeight < 1)
        return "a level, expected scaleDenominator, tileWidth, matrixWidth "
               "and matrixHeight above 0";
    if (object.GetObj("variableMatrixWidth").IsValid() ||
        object.GetObj("variableMatrixWidths").IsValid())
        return "levels of variable width, expected one width for all rows";
    if (tiling->levels.empty())
    {
        tiling->originX = x;
        tiling->originY = y;
        tiling->tileSize = size;
    }
    else if (x != tiling->originX || y != tiling->originY)
        return "levels with different corners, expected one corner for all";
    else if (level.res >= tiling->levels.back().res)
        return "a level, expected them from the coarsest to the finest";
    if (size != tiling->tileSize || object.GetInteger("tileHeight") != size)
        return "levels with different tiles, expected one square tile size "
               "for all";
    tiling->levels.push_back(level);
    return "";
}

// The set as OGC 17-083r2 has it.
bool ParseOld(const CPLJSONObject &root, CogxTiling *tiling)
{
    tiling->crs = root.GetString("supportedCRS");
    OGRSpatialReference crs;
    if (crs.SetFromUserInput(
            tiling->crs.c_str(),
            OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get()) !=
        OGRERR_NONE)
        return Fail(tiling->name, PYR_CORRUPT,
                    "supportedCRS is no coordinate reference system");
    double metres = 1;
    if (crs.IsProjected())
        metres = crs.GetLinearUnits();
    else if (crs.IsGeographic())
        metres = crs.GetSemiMajor() * M_PI / 180;
    const bool swapped = IsNorthFirst(crs);
    const CPLJSONArray matrices = root.GetObj("tileMatrix").IsValid()
                                      ? root.GetArray("tileMatrix")
                                      : root.GetArray("tileMatrices");
    for (int i = 0; matrices.IsValid() && i < matrices.Size(); i++)
    {
        const char *const wrong =
            ReadLevel(matrices[i], swapped, metres, tiling);
        if (wrong[0] != '\0')
            return Fail(tiling->name, PYR_UNSUPPORTED, wrong);
    }
    if (tiling->levels.empty())
        return Fail(tiling->name, PYR_CORRUPT, "no tileMatrix");
    const CPLJSONObject box = root.GetObj("boundingBox");
    CogxBounds &bounds = tiling->bounds;
    tiling->hasBounds =
        box.IsValid() && box.GetString("crs") == tiling->crs &&
        ReadPair(box, "lowerCorner", swapped, &bounds.minX, &bounds.minY) &&
        ReadPair(box, "upperCorner", swapped, &bounds.maxX, &bounds.maxY);
    return true;
}

// The set as OGC 17-083r4 and ROK4 have it.
bool ParseGrid(const std::string &text, CogxTiling *tiling)
{
    struct pyr_error err = {""};
    struct pyr_grid *grid = nullptr;
    const enum pyr_result result =
        pyr_grid_parse(text.c_str(), text.size(), &grid, &err);
    if (result != PYR_OK)
        return Fail(tiling->name, result, err.text);
    const struct pyr_grid_level &coarsest = grid->levels[grid->nlevels - 1];
    bool corners = true;
    bool tiles = true;
    for (size_t i = grid->nlevels; i-- > 0;)
    {
        const struct pyr_grid_level &level = grid->levels[i];
        corners = corners && level.origin_x == coarsest.origin_x &&
                  level.origin_y == coarsest.origin_y;
        tiles = tiles && level.tile_width_px == coarsest.tile_width_px &&
                level.tile_height_px == coarsest.tile_width_px;
        tiling->levels.push_back({level.cell_size,
                                  static_cast<int>(level.matrix_width),
                                  static_cast<int>(level.matrix_height)});
    }
    tiling->crs = grid->crs;
    tiling->originX = coarsest.origin_x;
    tiling->originY = coarsest.origin_y;
    tiling->tileSize = static_cast<int>(coarsest.tile_width_px);
    pyr_grid_free(grid);
    if (!corners)
        return Fail(tiling->name, PYR_UNSUPPORTED,
                    "levels with different corners, expected one corner for "
                    "all");
    return tiles || Fail(tiling->name, PYR_UNSUPPORTED,
                         "levels with different tiles, expected one square "
                         "tile size for all");
}

} // namespace

bool CogxTiling::Load(const std::string &scheme)
{
    struct pyr_error err = {""};
    std::string text;
    name = scheme;
    if (MakeKnown(scheme, this))
        return true;
    const enum pyr_result result = FindText(scheme, &text, &err);
    if (result != PYR_OK)
        return Fail(scheme, result, err.text);
    CPLJSONDocument document;
    if (!document.LoadMemory(text))
        return Fail(scheme, PYR_CORRUPT, "no JSON");
    const CPLJSONObject root = document.GetRoot();
    return root.GetObj("supportedCRS").IsValid() ? ParseOld(root, this)
                                                 : ParseGrid(text, this);
}

std::vector<std::string> CogxTilingNames()
{
    std::vector<std::string> names = {"GoogleMapsCompatible",
                                      "InspireCRS84Quad"};
    for (size_t i = 0; i < rok4_tms_count; i++)
        names.push_back(rok4_tms_table[i].name);
    return names;
}
