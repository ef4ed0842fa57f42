// SPDX-License-Identifier: MIT
// The tile matrix set that a new pyramid is made on.
#include "rok4_grid.h"

#include "pyr_alloc.h"
#include "rok4_dataset.h"
#include "rok4_path.h"
#include "rok4_tms.h"

#include "cpl_conv.h"
#include "ogr_spatialref.h"

#include <cmath>
#include <cstring>

namespace
{

// What counts as the same level of two sets: cell sizes, relative, and corners.
constexpr double CELL_TOLERANCE = 1e-9;
constexpr double ORIGIN_TOLERANCE_PX = 1e-3;

bool IsPath(const std::string &scheme)
{
    return scheme.find('/') != std::string::npos ||
           EQUAL(CPLGetExtension(scheme.c_str()), "json");
}

std::string NameOf(const std::string &scheme)
{
    return IsPath(scheme) ? std::string(CPLGetBasename(scheme.c_str()))
                          : scheme;
}

// The text of a set that is looked for by name, and where it was found.
enum pyr_result Find(const struct pyr_io &io, const std::string &name,
                     const std::string &directory, const std::string &path,
                     std::string *text, std::string *where,
                     struct pyr_error *err)
{
    struct rok4_open_options options = {};
    options.tms_directory = directory.empty() ? nullptr : directory.c_str();
    options.global_tms_directory =
        CPLGetConfigOption("ROK4_TMS_DIRECTORY", nullptr);
    char *found = nullptr;
    char *place = nullptr;
    size_t nbytes = 0;
    const enum pyr_result result =
        rok4_tms_find(&io, name.c_str(), path.c_str(), &options, &found,
                      &nbytes, &place, err);
    if (result != PYR_OK)
        return result;
    text->assign(found, nbytes);
    where->assign(place);
    pyr_free(found);
    pyr_free(place);
    return PYR_OK;
}

enum pyr_result LoadFile(const struct pyr_io &io, const std::string &file,
                         std::string *text, struct pyr_error *err)
{
    char *found = nullptr;
    size_t nbytes = 0;
    const enum pyr_result result = io.load(
        io.user, file.c_str(), PYR_MAX_JSON_BYTES, &found, &nbytes, err);
    if (result != PYR_OK)
        return result;
    text->assign(found, nbytes);
    pyr_free(found);
    return PYR_OK;
}

bool IsSameLevel(const struct pyr_grid_level &left,
                 const struct pyr_grid_level &right)
{
    const double cell = left.cell_size;
    return strcmp(left.id, right.id) == 0 &&
           left.tile_width_px == right.tile_width_px &&
           left.tile_height_px == right.tile_height_px &&
           left.matrix_width == right.matrix_width &&
           left.matrix_height == right.matrix_height &&
           std::fabs(cell - right.cell_size) <= CELL_TOLERANCE * cell &&
           std::fabs(left.origin_x - right.origin_x) <=
               ORIGIN_TOLERANCE_PX * cell &&
           std::fabs(left.origin_y - right.origin_y) <=
               ORIGIN_TOLERANCE_PX * cell;
}

bool IsSameCrs(const char *left, const char *right)
{
    OGRSpatialReference crs[2];
    if (strcmp(left, right) == 0)
        return true;
    CPLErrorHandlerPusher quiet(CPLQuietErrorHandler);
    CSLConstList const limits =
        OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get();
    const bool same = crs[0].SetFromUserInput(left, limits) == OGRERR_NONE &&
                      crs[1].SetFromUserInput(right, limits) == OGRERR_NONE &&
                      crs[0].IsSame(&crs[1]);
    CPLErrorReset();
    return same;
}

// Whether two texts describe one grid.
bool IsSameGrid(const std::string &left, const std::string &right)
{
    struct pyr_grid *one = nullptr;
    struct pyr_grid *other = nullptr;
    bool same = left == right;
    if (!same &&
        pyr_grid_parse(left.c_str(), left.size(), &one, nullptr) == PYR_OK &&
        pyr_grid_parse(right.c_str(), right.size(), &other, nullptr) == PYR_OK)
    {
        same =
            one->nlevels == other->nlevels && IsSameCrs(one->crs, other->crs);
        for (size_t i = 0; same && i < one->nlevels; i++)
            same = IsSameLevel(one->levels[i], other->levels[i]);
    }
    pyr_grid_free(one);
    pyr_grid_free(other);
    return same;
}

} // namespace

Rok4Grid::~Rok4Grid()
{
    pyr_grid_free(m_grid);
}

bool Rok4Grid::Load(const struct pyr_io &io, const std::string &scheme,
                    const std::string &directory, const std::string &path)
{
    struct pyr_error err = {""};
    const bool isPath = IsPath(scheme);
    m_name = NameOf(scheme);
    std::string where;
    enum pyr_result result = PYR_OK;
    if (!pyr_grid_name_safe(m_name.c_str()))
        result = pyr_fail(&err, PYR_USAGE, "no name of a tile matrix set");
    else
        result = isPath
                     ? LoadFile(io, scheme, &m_text, &err)
                     : Find(io, m_name, directory, path, &m_text, &where, &err);
    if (result == PYR_OK)
        result = pyr_grid_parse(m_text.c_str(), m_text.size(), &m_grid, &err);
    if (result != PYR_OK)
        Rok4Report(
            CE_Failure, result,
            CPLSPrintf("TILING_SCHEME=%s: %s", scheme.c_str(), err.text));
    return result == PYR_OK;
}

bool Rok4IsScheme(const struct pyr_io &io, const std::string &scheme,
                  const std::string &name, const std::string &text)
{
    struct pyr_error err = {""};
    std::string own;
    if (NameOf(scheme) != name)
        return false;
    return !IsPath(scheme) || (LoadFile(io, scheme, &own, &err) == PYR_OK &&
                               IsSameGrid(own, text));
}

Rok4GridFinding Rok4FindGrid(const struct pyr_io &io, const std::string &name,
                             const std::string &text, const std::string &path,
                             std::string *place)
{
    std::string found;
    if (Find(io, name, "", path, &found, place, nullptr) != PYR_OK)
        return Rok4GridFinding::Nothing;
    if (IsSameGrid(text, found))
        return Rok4GridFinding::Same;
    return place->empty() && !rok4_path_is_remote(path.c_str())
               ? Rok4GridFinding::Nothing
               : Rok4GridFinding::Other;
}
