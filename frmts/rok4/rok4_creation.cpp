// SPDX-License-Identifier: MIT
// What CreateCopy and Create share: a pyramid to be, from options to target.
#include "rok4_creation.h"

#include "pyr_alloc.h"
#include "rok4_compose.h"
#include "rok4_connection.h"
#include "rok4_path.h"
#include "rok4_place.h"
#include "vsi_io.h"
#include "vsi_tree.h"

#include "cpl_conv.h"

#include <algorithm>
#include <cinttypes>
#include <climits>
#include <cmath>
#include <cstring>

namespace
{

constexpr unsigned SLAB_SIDE_TILES = 16;
constexpr unsigned PATH_DEPTH = 2;

bool Fail(const char *text)
{
    Rok4Report(CE_Failure, PYR_USAGE, text);
    return false;
}

// Directory part of a path and a name in it.
std::string Beside(const std::string &path, const std::string &name)
{
    const std::string directory = CPLGetPath(path.c_str());
    return directory.empty() ? name : directory + "/" + name;
}

} // namespace

enum pyr_result Rok4PathOf(const char *name, std::string *path,
                           struct pyr_error *err)
{
    struct rok4_connection connection = {};
    const enum pyr_result result =
        rok4_connection_parse(name, &connection, err);
    if (result != PYR_OK)
        return result;
    const bool hasLevel = connection.level != nullptr;
    *path = connection.path;
    rok4_connection_clear(&connection);
    if (hasLevel)
        return pyr_fail(err, PYR_USAGE,
                        "names a level, expected a whole pyramid");
    return PYR_OK;
}

std::shared_ptr<Rok4Pyramid> Rok4OpenPyramid(const std::string &path,
                                             const std::string &tmsDirectory,
                                             unsigned nthreads,
                                             const Rok4Remote &remote)
{
    struct pyr_error err = {""};
    auto shared = std::make_shared<Rok4Pyramid>();
    const struct pyr_io io = shared->NetworkIo(remote);
    struct rok4_open_options options = {};
    options.tms_directory =
        tmsDirectory.empty() ? nullptr : tmsDirectory.c_str();
    options.global_tms_directory =
        CPLGetConfigOption("ROK4_TMS_DIRECTORY", nullptr);
    options.allow_outside =
        CPLTestBool(CPLGetConfigOption("ROK4_ALLOW_OUTSIDE_PATHS", "YES"));
    char *text = nullptr;
    size_t nbytes = 0;
    struct rok4_pyramid *pyramid = nullptr;
    const uint64_t stamp = vsi_io_stamp(path.c_str());
    enum pyr_result result = io.load(io.user, path.c_str(), PYR_MAX_JSON_BYTES,
                                     &text, &nbytes, &err);
    if (result == PYR_OK)
        result = rok4_pyramid_open(&io, path.c_str(), text, nbytes, &options,
                                   &pyramid, &err);
    pyr_free(text);
    shared->Guard(stamp);
    if (result == PYR_OK && !shared->Init(pyramid, io, nthreads))
        result = pyr_fail(&err, PYR_NOMEM, "out of memory");
    if (result == PYR_OK)
        return shared;
    Rok4Report(CE_Failure, result,
               CPLSPrintf("%s: %s", path.c_str(), err.text));
    return nullptr;
}

Rok4Recipe Rok4RecipeOf(const struct rok4_pyramid &pyramid)
{
    char warp[ROK4_RECIPE_BYTES];
    char overview[ROK4_RECIPE_BYTES];
    const struct rok4_descriptor &descriptor = *pyramid.descriptor;
    const char *const interpolation =
        descriptor.interpolation != nullptr ? descriptor.interpolation : "";
    rok4_recipe_read(pyramid.descriptor_text, strlen(pyramid.descriptor_text),
                     warp, overview);
    Rok4Recipe recipe;
    recipe.warp = warp;
    recipe.overview = overview;
    if (recipe.warp.empty())
        recipe.warp = EQUAL(interpolation, "nn")        ? "NEAREST"
                      : EQUAL(interpolation, "linear")  ? "BILINEAR"
                      : EQUAL(interpolation, "lanczos") ? "LANCZOS"
                                                        : "CUBIC";
    if (recipe.overview.empty())
        recipe.overview =
            EQUAL(interpolation, "nn") ||
                    pyr_grid_kind_of(pyramid.grid) == PYR_GRID_INTEGER_RATIO
                ? "NEAREST"
                : "AVERAGE";
    return recipe;
}

Rok4Creation::~Rok4Creation()
{
    rok4_descriptor_free(m_target);
}

bool Rok4Creation::PreparePath(const char *filename)
{
    struct rok4_connection connection = {};
    struct pyr_error err = {""};
    const enum pyr_result result =
        rok4_connection_parse(filename, &connection, &err);
    if (result != PYR_OK)
        return Fail(err.text);
    const bool hasLevel = connection.level != nullptr;
    m_path = connection.path;
    rok4_connection_clear(&connection);
    m_name = CPLGetBasename(m_path.c_str());
    m_key = m_name;
    if (hasLevel || !EQUAL(CPLGetExtension(m_path.c_str()), "json") ||
        !pyr_grid_name_safe(m_name.c_str()))
        return Fail(CPLSPrintf("%s: expected the path of a descriptor, "
                               "DIRECTORY/NAME.json",
                               filename));
    // Readers look for the slabs without these, virtual file systems do not.
    for (const char *part : {"/./", "/../"})
        if (STARTS_WITH(m_path.c_str(), "/vsi") &&
            m_path.find(part) != std::string::npos)
            return Fail(CPLSPrintf("%s: expected a path without %s",
                                   m_path.c_str(), part));
    return PrepareObject();
}

// ANCESTOR may be named as datasets are.
bool Rok4Creation::PrepareAncestor()
{
    const std::string name = m_options.ancestor;
    struct pyr_error err = {""};
    return !rok4_connection_has_prefix(name.c_str()) ||
           Rok4PathOf(name.c_str(), &m_options.ancestor, &err) == PYR_OK ||
           Fail(CPLSPrintf("ANCESTOR=%s: %s", name.c_str(), err.text));
}

// The tray of a pyramid on an object storage, and the name that its objects
// begin with.
bool Rok4Creation::PrepareObject()
{
    if (rok4_place_storage(m_path.c_str()) == ROK4_STORAGE_FILE)
        return !rok4_path_is_remote(m_path.c_str()) ||
               Fail(CPLSPrintf("%s: expected a path in files, or on S3 "
                               "(/vsis3/), Swift (/vsiswift/) or Ceph "
                               "(/vsirados/)",
                               m_path.c_str()));
    char *const object = rok4_place_object(m_path.c_str());
    const std::string text = object != nullptr ? object : "";
    pyr_free(object);
    const size_t slash = text.find('/');
    if (slash == std::string::npos || slash == 0)
        return Fail(CPLSPrintf("%s: expected a bucket, container or pool and "
                               "the name of an object in it",
                               m_path.c_str()));
    m_tray = text.substr(0, slash);
    m_key = text.substr(slash + 1);
    m_key.resize(m_key.size() - strlen(".json"));
    return true;
}

bool Rok4Creation::PrepareOptions(const char *filename, CSLConstList options)
{
    if (!PreparePath(filename) || !m_options.Parse(options) ||
        !PrepareAncestor() || !CheckOverwritten())
        return false;
    CPLStringList sorted(CSLDuplicate(options));
    sorted.Sort();
    for (int i = 0; i < sorted.size(); i++)
        if (!STARTS_WITH_CI(sorted[i], "RESUME=") &&
            !STARTS_WITH_CI(sorted[i], "NUM_THREADS="))
            m_optionText += std::string(sorted[i]) + "\n";
    return true;
}

// OVERWRITE replaces pyramids, not other files that are called like one.
bool Rok4Creation::CheckOverwritten() const
{
    const struct pyr_io io = vsi_io_make();
    struct pyr_error err = {""};
    char *text = nullptr;
    size_t nbytes = 0;
    if (!m_options.overwrite)
        return true;
    const enum pyr_result result = io.load(
        io.user, m_path.c_str(), PYR_MAX_JSON_BYTES, &text, &nbytes, &err);
    const bool pyramid =
        result == PYR_OK && rok4_descriptor_identify(text, nbytes);
    pyr_free(text);
    if (pyramid || result == PYR_NOT_FOUND)
        return true;
    return Fail(CPLSPrintf("%s is there, and is no descriptor of a pyramid: "
                           "OVERWRITE=YES does not replace it",
                           m_path.c_str()));
}

// The pyramid that is painted on, or that the new one is an update of.
bool Rok4Creation::PrepareOld()
{
    if (m_options.updateMode == Rok4UpdateMode::None)
        return true;
    const bool inPlace = m_options.updateMode == Rok4UpdateMode::InPlace;
    const std::string path = inPlace ? m_path : m_options.ancestor;
    // What it is tells whoever has the lock, not before.
    if (inPlace && m_lock == nullptr)
        m_lock = Rok4Lock::Take(m_path);
    if (inPlace && m_lock == nullptr)
        return false;
    // Nor does an ancestor that is being written.
    if (!inPlace && vsi_io_exists((path + ".building").c_str()) &&
        Rok4Lock::Take(path) == nullptr)
        return false;
    m_old = Rok4OpenPyramid(path, m_options.tmsDirectory, m_options.nthreads);
    return m_old != nullptr && CheckAncestor() && CheckOld();
}

// Objects have symbolic links only.
bool Rok4Creation::CheckObjectAncestor() const
{
    if (m_options.updateMode == Rok4UpdateMode::HardLinks)
        return Fail(CPLSPrintf("UPDATE_MODE=HLINK, but %s is on an object "
                               "storage, which has no such links",
                               m_path.c_str()));
    return m_options.ancestor != m_path ||
           Fail(CPLSPrintf("ANCESTOR=%s is what OVERWRITE=YES replaces "
                           "(UPDATE_MODE=INPLACE paints on it)",
                           m_options.ancestor.c_str()));
}

// An ancestor has slabs that can be listed; links to slabs that are replaced
// would lead to themselves.
bool Rok4Creation::CheckAncestor() const
{
    const struct pyr_tree tree = vsi_tree_make();
    struct pyr_error err = {""};
    char *ancestor = nullptr;
    char *own = nullptr;
    if (m_options.ancestor.empty())
        return true;
    const enum rok4_storage storage =
        rok4_place_storage(m_options.ancestor.c_str());
    if (storage != rok4_place_storage(m_path.c_str()))
        return Fail(CPLSPrintf("ANCESTOR=%s is not on the storage of %s",
                               m_options.ancestor.c_str(), m_path.c_str()));
    if (storage != ROK4_STORAGE_FILE)
        return CheckObjectAncestor();
    if (rok4_path_is_remote(m_options.ancestor.c_str()))
        return Fail(CPLSPrintf("ANCESTOR=%s, expected a pyramid in files: "
                               "slabs elsewhere cannot be listed or linked",
                               m_options.ancestor.c_str()));
    if (STARTS_WITH(m_options.ancestor.c_str(), "/vsi") &&
        m_options.updateMode != Rok4UpdateMode::Copy)
        return Fail(CPLSPrintf("ANCESTOR=%s, expected UPDATE_MODE=COPY: there "
                               "are no links to it",
                               m_options.ancestor.c_str()));
    const bool same =
        m_options.overwrite &&
        m_options.updateMode == Rok4UpdateMode::SymbolicLinks &&
        tree.realpath(tree.user, m_options.ancestor.c_str(), &ancestor, &err) ==
            PYR_OK &&
        tree.realpath(tree.user, m_path.c_str(), &own, &err) == PYR_OK &&
        strcmp(ancestor, own) == 0;
    pyr_free(ancestor);
    pyr_free(own);
    return !same || Fail(CPLSPrintf("ANCESTOR=%s is what OVERWRITE=YES "
                                    "replaces (UPDATE_MODE=INPLACE paints on "
                                    "it)",
                                    m_options.ancestor.c_str()));
}

// Whether the options agree with the pyramid that is there.
bool Rok4Creation::CheckOld() const
{
    const struct rok4_pyramid &pyramid = *m_old->Get();
    const struct rok4_descriptor &old = *pyramid.descriptor;
    if (!m_options.tilingScheme.empty() &&
        !Rok4IsScheme(vsi_io_make(), m_options.tilingScheme, old.tms_name,
                      pyramid.tms_text))
        return Fail(CPLSPrintf("TILING_SCHEME=%s is not that of %s, %s",
                               m_options.tilingScheme.c_str(), pyramid.path,
                               old.tms_name));
    if (m_options.mask != Rok4Choice::Auto &&
        (m_options.mask == Rok4Choice::Yes) != pyramid.has_masks)
        return Fail(CPLSPrintf("MASK=%s, but %s has %s masks",
                               pyramid.has_masks ? "NO" : "YES", pyramid.path,
                               pyramid.has_masks ? "" : "no"));
    for (size_t i = 0; i < old.nlevels; i++)
    {
        const struct rok4_level &level = old.levels[i];
        if ((m_options.tilesPerWidth != 0 &&
             m_options.tilesPerWidth != level.tiles_per_width) ||
            (m_options.tilesPerHeight != 0 &&
             m_options.tilesPerHeight != level.tiles_per_height))
            return Fail(CPLSPrintf(
                "TILES_PER_WIDTH and TILES_PER_HEIGHT, but %s has slabs of "
                "%u x %u tiles",
                pyramid.path, level.tiles_per_width, level.tiles_per_height));
        if (m_options.pathDepth >= 0 &&
            static_cast<unsigned>(m_options.pathDepth) != level.path_depth)
            return Fail(CPLSPrintf("PATH_DEPTH=%d, but %s has %u",
                                   m_options.pathDepth, pyramid.path,
                                   level.path_depth));
        if (level.mask_place == nullptr && pyramid.has_masks)
            return Fail(CPLSPrintf("%s: level %s has no masks, others have: "
                                   "such a pyramid is not updated",
                                   pyramid.path, level.id));
    }
    const std::string foreign = Rok4ForeignDirectory(pyramid.path, old);
    if (m_options.updateMode == Rok4UpdateMode::InPlace && !foreign.empty())
        return Fail(CPLSPrintf(
            "%s: slabs are in %s, expected below %s for an update in place",
            pyramid.path, foreign.c_str(),
            Rok4Beside(pyramid.path, CPLGetBasename(pyramid.path)).c_str()));
    return true;
}

// BOTTOM_LEVEL and TOP_LEVEL in the grid.
bool Rok4Creation::PrepareLevels()
{
    const struct pyr_grid *const grid = Grid();
    const struct rok4_descriptor *const old =
        m_old != nullptr ? m_old->Get()->descriptor : nullptr;
    size_t bottom = 0;
    m_top = old != nullptr ? old->levels[old->nlevels - 1].grid_level
                           : grid->nlevels - 1;
    if (!m_options.bottomLevel.empty())
    {
        if (pyr_grid_find(grid, m_options.bottomLevel.c_str(), &bottom) !=
            PYR_OK)
            return Fail(CPLSPrintf("BOTTOM_LEVEL=%s, which the tile matrix set "
                                   "has not",
                                   m_options.bottomLevel.c_str()));
        m_bottom = static_cast<int>(bottom);
    }
    else if (old != nullptr && !m_copies)
        m_bottom = static_cast<int>(old->levels[0].grid_level);
    if (!m_options.topLevel.empty() &&
        pyr_grid_find(grid, m_options.topLevel.c_str(), &m_top) != PYR_OK)
        return Fail(
            CPLSPrintf("TOP_LEVEL=%s, which the tile matrix set has not",
                       m_options.topLevel.c_str()));
    if (m_bottom >= 0 && m_top < static_cast<size_t>(m_bottom))
    {
        if (!m_options.topLevel.empty())
            return Fail(CPLSPrintf(
                "TOP_LEVEL=%s is finer than the bottom level %s",
                m_options.topLevel.c_str(), grid->levels[m_bottom].id));
        m_top = static_cast<size_t>(m_bottom);
    }
    return true;
}

bool Rok4Creation::PrepareCopy(const char *filename, CSLConstList options,
                               const std::shared_ptr<Rok4Pyramid> &source,
                               size_t level)
{
    const struct rok4_descriptor &from = *source->Get()->descriptor;
    m_old = source;
    m_copies = true;
    if (!PrepareOptions(filename, options))
        return false;
    m_bottom = static_cast<int>(from.levels[level].grid_level);
    if (!PrepareLevels())
        return false;
    m_recipe = Rok4RecipeOf(*source->Get());
    m_plan.as_old = true;
    m_plan.relocate = true;
    m_plan.path_depth = PATH_DEPTH;
    m_plan.masks = source->Get()->has_masks && m_options.mask != Rok4Choice::No;
    m_plan.format = from.format;
    m_plan.channels = from.channels;
    return Plan(static_cast<size_t>(m_bottom), from.levels[level].limits);
}

bool Rok4Creation::Prepare(const char *filename, CSLConstList options)
{
    if (!PrepareOptions(filename, options) || !PrepareOld())
        return false;
    if (m_old == nullptr &&
        !m_grid.Load(vsi_io_make(),
                     m_options.tilingScheme.empty() ? "PM"
                                                    : m_options.tilingScheme,
                     m_options.tmsDirectory, m_path))
        return false;
    return PrepareLevels();
}

bool Rok4Creation::Nodata(std::vector<double> *values) const
{
    const CPLStringList wishes(
        CSLTokenizeString2(m_options.nodata.c_str(), ",", 0));
    for (int i = 0; i < wishes.size(); i++)
    {
        const double value = CPLAtof(wishes[i]);
        if (CPLGetValueType(wishes[i]) == CPL_VALUE_STRING ||
            std::floor(value) != value || value < INT_MIN || value > INT_MAX)
            return Fail(CPLSPrintf("NODATA=%s, expected integers: ROK4 has no "
                                   "other values",
                                   m_options.nodata.c_str()));
        values->push_back(value);
    }
    if (m_old == nullptr)
        return true;
    const struct rok4_descriptor &old = *m_old->Get()->descriptor;
    for (size_t i = 0; i < values->size(); i++)
        if (i >= old.channels || (*values)[i] != old.nodata[i])
            return Fail(CPLSPrintf("NODATA=%s is not that of %s",
                                   m_options.nodata.c_str(),
                                   m_old->Get()->path));
    values->assign(old.nodata, old.nodata + old.channels);
    return true;
}

std::string Rok4Creation::WarpResampling() const
{
    if (!m_options.warpResampling.empty() || m_old == nullptr)
        return m_options.warpResampling;
    return Rok4RecipeOf(*m_old->Get()).warp;
}

void Rok4Creation::ChooseResampling(const std::string &resampling,
                                    bool categorical)
{
    if (m_old != nullptr)
        m_recipe = Rok4RecipeOf(*m_old->Get());
    else
    {
        const bool picks =
            categorical || pyr_grid_kind_of(Grid()) == PYR_GRID_INTEGER_RATIO;
        m_recipe.warp = resampling;
        m_recipe.overview = picks ? "NEAREST" : "AVERAGE";
    }
    if (!m_options.warpResampling.empty())
        m_recipe.warp = m_options.warpResampling;
    if (!m_options.overviewResampling.empty())
        m_recipe.overview = m_options.overviewResampling;
    m_recipe.zlevel = m_options.zlevel;
}

// Whether the source can be painted on the pyramid that is there.
bool Rok4Creation::AgreesWithOld(enum pyr_sample sample, unsigned bands)
{
    const struct rok4_pyramid &pyramid = *m_old->Get();
    const struct rok4_descriptor &old = *pyramid.descriptor;
    const auto name = [](enum pyr_sample type) {
        return type == PYR_SAMPLE_FLOAT32 ? "Float32" : "Byte";
    };
    if (old.channels != bands || rok4_format_sample(old.format) != sample)
        return Fail(
            CPLSPrintf("the source gives %u bands of %s, but %s has %u of %s",
                       bands, name(sample), pyramid.path, old.channels,
                       name(rok4_format_sample(old.format))));
    if (!m_options.compress.empty() && old.format != m_plan.format)
        return Fail(CPLSPrintf("COMPRESS=%s, but %s has %s",
                               m_options.compress.c_str(), pyramid.path,
                               rok4_format_name(old.format)));
    return true;
}

bool Rok4Creation::Describe(enum pyr_sample sample,
                            const std::vector<double> &nodata,
                            const std::string &resampling, bool categorical)
{
    const unsigned bands = static_cast<unsigned>(nodata.size());
    ChooseResampling(resampling, categorical);
    m_plan.channels = bands;
    m_plan.masks = m_options.mask == Rok4Choice::Yes;
    m_plan.tiles_per_width = m_options.tilesPerWidth != 0
                                 ? m_options.tilesPerWidth
                                 : SLAB_SIDE_TILES;
    m_plan.tiles_per_height = m_options.tilesPerHeight != 0
                                  ? m_options.tilesPerHeight
                                  : SLAB_SIDE_TILES;
    m_plan.path_depth = m_options.pathDepth >= 0
                            ? static_cast<unsigned>(m_options.pathDepth)
                            : PATH_DEPTH;
    const CPLStringList wishes(
        CSLTokenizeString2(m_options.nodata.c_str(), ",", 0));
    if (static_cast<unsigned>(wishes.size()) > bands)
        return Fail(CPLSPrintf("NODATA=%s, expected one value, or one for "
                               "each of %u bands",
                               m_options.nodata.c_str(), bands));
    for (unsigned i = 0; i < bands; i++)
    {
        if (sample == PYR_SAMPLE_UINT8 && (nodata[i] < 0 || nodata[i] > 255))
            return Fail(CPLSPrintf("NODATA=%s, expected 0 to 255 for Byte",
                                   m_options.nodata.c_str()));
        m_plan.nodata[i] = static_cast<int32_t>(nodata[i]);
    }
    if (!Rok4ChooseFormat(m_options, sample, bands, &m_plan.format))
        return false;
    if (m_old == nullptr)
        return true;
    if (!AgreesWithOld(sample, bands))
        return false;
    const struct rok4_descriptor &old = *m_old->Get()->descriptor;
    m_plan.format = old.format;
    m_plan.masks = m_old->Get()->has_masks;
    m_plan.tiles_per_width = old.levels[0].tiles_per_width;
    m_plan.tiles_per_height = old.levels[0].tiles_per_height;
    m_plan.path_depth = old.levels[0].path_depth;
    m_plan.relocate = m_options.updateMode != Rok4UpdateMode::InPlace;
    return true;
}

// Tiles of another pyramid may be put into slabs of another shape.
void Rok4Creation::UseOwnSlabs()
{
    for (size_t i = 0; i < m_target->nlevels; i++)
    {
        struct rok4_level &level = m_target->levels[i];
        if (m_options.tilesPerWidth != 0)
            level.tiles_per_width = m_options.tilesPerWidth;
        if (m_options.tilesPerHeight != 0)
            level.tiles_per_height = m_options.tilesPerHeight;
        if (m_options.pathDepth >= 0)
            level.path_depth = static_cast<uint32_t>(m_options.pathDepth);
    }
}

bool Rok4Creation::Plan(size_t bottom, const struct pyr_grid_limits &limits)
{
    struct pyr_error err = {""};
    m_tmsName =
        m_old != nullptr ? m_old->Get()->descriptor->tms_name : m_grid.Name();
    m_interpolation = Rok4InterpolationOf(m_recipe.warp);
    m_plan.tms_name = m_tmsName.c_str();
    m_plan.name = m_key.c_str();
    m_plan.storage = rok4_place_storage(m_path.c_str());
    m_plan.tray = m_tray.empty() ? nullptr : m_tray.c_str();
    m_plan.interpolation = m_interpolation.c_str();
    m_plan.bottom = bottom;
    m_plan.top = std::max(m_top, bottom);
    m_plan.limits = limits;
    if (!m_options.topLevel.empty() && m_top < bottom)
        return Fail(CPLSPrintf("TOP_LEVEL=%s is finer than the bottom level %s",
                               m_options.topLevel.c_str(),
                               Grid()->levels[bottom].id));
    const enum pyr_result result = rok4_plan_descriptor(
        &m_plan, Grid(), m_old != nullptr ? m_old->Get()->descriptor : nullptr,
        &m_target, &err);
    if (result == PYR_OK && m_copies)
        UseOwnSlabs();
    if (result != PYR_OK ||
        rok4_plan_find(m_target, m_plan.bottom, &m_targetBottom) != PYR_OK ||
        rok4_plan_find(m_target, m_plan.top, &m_targetTop) != PYR_OK)
    {
        Rok4Report(CE_Failure, result,
                   CPLSPrintf("%s: %s", m_path.c_str(), err.text));
        return false;
    }
    return true;
}

std::unique_ptr<Rok4Writing> Rok4Creation::Start(const std::string &identity,
                                                 GDALProgressFunc progress,
                                                 void *progressData)
{
    const bool inPlace = m_options.updateMode == Rok4UpdateMode::InPlace;
    Rok4WritingOptions options;
    options.path = m_path;
    options.pyramid = m_name;
    options.mode = inPlace               ? ROK4_STAGE_UPDATE
                   : m_options.overwrite ? ROK4_STAGE_OVERWRITE
                                         : ROK4_STAGE_NEW;
    options.identity = m_optionText + identity;
    // What slabs of an interrupted run were made on may have changed since.
    if (!m_options.ancestor.empty())
        options.identity +=
            CPLSPrintf("ancestor=%016" PRIx64 "\n",
                       vsi_io_stamp(m_options.ancestor.c_str()));
    options.resume = m_options.resume;
    options.list = m_options.list;
    options.md5 = m_options.md5 == Rok4Choice::Yes ||
                  (m_options.md5 == Rok4Choice::Auto && inPlace &&
                   vsi_io_exists(CPLResetExtension(m_path.c_str(), "md5")));
    options.sparse = m_options.sparse;
    options.masks = m_plan.masks;
    options.nthreads = m_options.nthreads;
    options.recipe = m_recipe;
    if (m_options.updateMode == Rok4UpdateMode::SymbolicLinks)
        options.link = "SLINK";
    else if (m_options.updateMode == Rok4UpdateMode::HardLinks)
        options.link = "HLINK";
    else if (m_options.updateMode == Rok4UpdateMode::Copy)
        options.link = "COPY";
    options.lock = std::move(m_lock);
    if (m_copies)
        options.baseText = m_old->Get()->descriptor_text;
    else
        options.old = m_old;
    options.tmsText = m_old != nullptr ? m_old->Get()->tms_text : m_grid.Text();
    options.progress = progress;
    options.progressData = progressData;
    struct rok4_descriptor *const target = m_target;
    m_target = nullptr;
    return std::make_unique<Rok4Writing>(options, target, Grid());
}

bool Rok4Creation::KeepGrid(Rok4Writing *writing) const
{
    const struct pyr_io io = vsi_io_make();
    const std::string name =
        m_old != nullptr ? m_old->Get()->descriptor->tms_name : m_grid.Name();
    const std::string text =
        m_old != nullptr ? m_old->Get()->tms_text : m_grid.Text();
    if (m_options.updateMode == Rok4UpdateMode::InPlace)
        return true;
    std::string found;
    const Rok4GridFinding finding =
        Rok4FindGrid(io, name, text, m_path, &found);
    if (finding == Rok4GridFinding::Same)
        return true;
    const std::string place = Beside(m_path, name + ".json");
    if (finding == Rok4GridFinding::Other)
        return Fail(
            CPLSPrintf("%s is there, and is not the tile matrix set "
                       "that the pyramid is made on: who opens it "
                       "would take it",
                       found.empty() ? "another built-in set" : found.c_str()));
    if (place == m_path)
        return Fail(CPLSPrintf("%s: the tile matrix set has to be put there, "
                               "or found by its name",
                               place.c_str()));
    if (vsi_io_exists(place.c_str()))
        return Fail(CPLSPrintf("%s is there, and is not the tile matrix set "
                               "that the pyramid is made on",
                               place.c_str()));
    return writing == nullptr ||
           writing->PutBeside(name + ".json", text) == CE_None;
}
