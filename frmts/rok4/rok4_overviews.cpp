// SPDX-License-Identifier: MIT
// BuildOverviews: coarser levels are made of finer ones, or removed.
#include "rok4_dataset.h"

#include "pyr_alloc.h"
#include "rok4_compose.h"
#include "rok4_creation.h"
#include "rok4_level_raster.h"
#include "rok4_stage.h"
#include "rok4_update.h"
#include "vsi_io.h"
#include "vsi_objects.h"
#include "vsi_out.h"

#include "cpl_conv.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace
{

// Relative error of a ratio that an overview factor names.
constexpr double FACTOR_TOLERANCE = 1e-2;
// gdaladdo without factors sends those that lead to so many pixels a side.
constexpr int AUTOMATIC_SIDE_PX = 256;

CPLErr Fail(enum pyr_result result, const char *path, const std::string &why)
{
    Rok4Report(CE_Failure, result, CPLSPrintf("%s: %s", path, why.c_str()));
    return CE_Failure;
}

// The method in upper case; false for one that pyramids are not built with.
bool MethodOf(const char *resampling, std::string *method)
{
    if (STARTS_WITH_CI(resampling, "NEAR"))
        resampling = "NEAREST";
    for (const char *name :
         {"NONE", "NEAREST", "AVERAGE", "MODE", "RMS", "BILINEAR", "CUBIC",
          "CUBICSPLINE", "LANCZOS", "GAUSS"})
        if (EQUAL(resampling, name))
        {
            *method = name;
            return true;
        }
    return false;
}

// Whether the factors are those that gdaladdo sends when it is given none: it
// does not know the levels of the tile matrix set.
bool IsAutomatic(int width, int height, const std::vector<int> &factors)
{
    std::vector<int> automatic;
    for (GIntBig factor = 1;
         (width + factor - 1) / factor > AUTOMATIC_SIDE_PX ||
         (height + factor - 1) / factor > AUTOMATIC_SIDE_PX;)
    {
        factor *= 2;
        automatic.push_back(static_cast<int>(factor));
    }
    return factors == automatic;
}

double RatioOf(const struct pyr_grid &grid, size_t base, size_t level)
{
    return grid.levels[level].cell_size / grid.levels[base].cell_size;
}

// The level whose ratio a factor names: exactly, else rounded as GDAL tells the
// factors of overviews; 0 for none.
size_t LevelOfFactor(const struct pyr_grid &grid, size_t base, int factor)
{
    for (size_t i = base + 1; i < grid.nlevels; i++)
        if (std::fabs(RatioOf(grid, base, i) / factor - 1) <= FACTOR_TOLERANCE)
            return i;
    for (size_t i = base + 1; i < grid.nlevels; i++)
        if (factor > 1 && std::floor(RatioOf(grid, base, i) + 0.5) == factor)
            return i;
    return 0;
}

std::string Ratios(const struct pyr_grid &grid, size_t base)
{
    std::string text;
    for (size_t i = base + 1; i < grid.nlevels; i++)
        text += CPLSPrintf("%s%.6g", text.empty() ? "" : ", ",
                           RatioOf(grid, base, i));
    return text.empty() ? "none" : text;
}

// Share of a job's progress that one of its parts has.
struct Part
{
    GDALProgressFunc progress;
    void *data;
    double done;
    double share;

    static int CPL_STDCALL Tell(double fraction, const char *text, void *user)
    {
        const Part &part = *static_cast<const Part *>(user);
        return part.progress(std::min(1.0, part.done + part.share * fraction),
                             text, part.data);
    }
};

// Options of a write in place, with the companions that are there.
CPLStringList CreationOptions(const char *path, CSLConstList openOptions)
{
    CPLStringList list;
    list.SetNameValue("UPDATE_MODE", "INPLACE");
    for (const char *option : {"NUM_THREADS", "TMS_DIRECTORY"})
    {
        const char *const value = CSLFetchNameValue(openOptions, option);
        if (value != nullptr)
            list.SetNameValue(option, value);
    }
    list.SetNameValue(
        "LIST", vsi_io_exists(CPLResetExtension(path, "list")) ? "YES" : "NO");
    list.SetNameValue(
        "MD5", vsi_io_exists(CPLResetExtension(path, "md5")) ? "YES" : "NO");
    return list;
}

bool HasLevel(const struct rok4_descriptor &descriptor, size_t gridLevel)
{
    size_t found = 0;
    return rok4_plan_find(&descriptor, gridLevel, &found) == PYR_OK &&
           !descriptor.levels[found].empty;
}

// Coarser levels of a pyramid that are to be built. A run of them is made of
// the level before.
class Levels final
{
  public:
    Levels(const struct rok4_pyramid &pyramid, size_t base)
        : m_pyramid(pyramid), m_base(base), m_wanted(pyramid.grid->nlevels)
    {
    }

    // False, with an error, where no level has that factor.
    bool Add(int factor)
    {
        const size_t level = LevelOfFactor(*m_pyramid.grid, m_base, factor);
        if (level == 0)
            Fail(PYR_USAGE, m_pyramid.path,
                 CPLSPrintf("no level of the tile matrix set has ratio %d to "
                            "level %s; there are: %s",
                            factor, m_pyramid.grid->levels[m_base].id,
                            Ratios(*m_pyramid.grid, m_base).c_str()));
        else
            m_wanted[level] = true;
        return level != 0;
    }

    void AddAll()
    {
        std::fill(m_wanted.begin() + static_cast<ptrdiff_t>(m_base) + 1,
                  m_wanted.end(), true);
    }

    // Other ROK4 tools know pyramids without gaps only.
    void FillGaps()
    {
        for (size_t i = m_base + 1; i < Top(); i++)
            if (!HasLevel(*m_pyramid.descriptor, i))
                m_wanted[i] = true;
    }

    // The coarsest; the base where there are none.
    size_t Top() const
    {
        size_t top = m_base;
        for (size_t i = m_base + 1; i < m_wanted.size(); i++)
            if (m_wanted[i])
                top = i;
        return top;
    }

    // The next run from a level on; false when there is none.
    bool Run(size_t from, size_t *first, size_t *last) const
    {
        *first = from;
        while (*first < m_wanted.size() && !m_wanted[*first])
            (*first)++;
        *last = *first;
        while (*last + 1 < m_wanted.size() && m_wanted[*last + 1])
            (*last)++;
        return *first < m_wanted.size();
    }

    const char *Id(size_t level) const
    {
        return m_pyramid.grid->levels[level].id;
    }

    std::string Names() const
    {
        std::string text;
        for (size_t i = 0; i < m_wanted.size(); i++)
            if (m_wanted[i])
                text += std::string(" ") + m_pyramid.grid->levels[i].id;
        return text;
    }

  private:
    const struct rok4_pyramid &m_pyramid;
    size_t m_base;
    std::vector<bool> m_wanted; // by level of the grid
};

double PixelsOf(const struct pyr_source_level &level)
{
    return static_cast<double>(level.limits.max_col - level.limits.min_col +
                               1) *
           (level.limits.max_row - level.limits.min_row + 1.0) *
           level.shape.width_px * level.shape.height_px;
}

// Builds the levels into the slabs that are being collected. The finer ones are
// read from what is published.
CPLErr BuildRuns(Rok4Writing *writing, const Rok4Creation &creation,
                 const std::shared_ptr<Rok4Pyramid> &pyramid,
                 const Levels &levels, size_t base, Part *part)
{
    struct Source
    {
        size_t level; // of the pyramid
        size_t first; // built, of the grid
        size_t last;
        double pixels;
    };
    std::vector<Source> sources;
    double pixels = 0;
    for (size_t from = base + 1, first = 0, last = 0;
         levels.Run(from, &first, &last); from = last + 1)
    {
        Source source = {0, first, last, 0};
        if (rok4_plan_find(pyramid->Get()->descriptor, first - 1,
                           &source.level) != PYR_OK)
            return Fail(PYR_USAGE, pyramid->Get()->path,
                        "its levels have changed");
        source.pixels = PixelsOf(pyramid->Level(source.level));
        pixels += source.pixels;
        sources.push_back(source);
    }
    part->done = 0;
    for (const Source &source : sources)
    {
        // The target has every level from the base on.
        const size_t bottom = creation.TargetBottom() + source.first - 1 - base;
        const size_t top = creation.TargetBottom() + source.last - base;
        Rok4IdentityRaster raster(pyramid, source.level);
        part->share = source.pixels / pixels;
        if (writing->Build(raster.Raster(), bottom, top,
                           pyramid->Level(source.level).limits,
                           true) != CE_None)
            return CE_Failure;
        part->done += part->share;
    }
    part->done = 0;
    part->share = 1;
    return CE_None;
}

CPLErr BuildLevels(const char *path, CSLConstList openOptions, size_t base,
                   const Levels &levels, const std::string &method,
                   GDALProgressFunc progress, void *progressData)
{
    Part part = {progress, progressData, 0, 1};
    CPLStringList options = CreationOptions(path, openOptions);
    const bool build = method != "NONE"; // else levels without slabs
    if (build)
        options.SetNameValue("OVERVIEW_RESAMPLING", method.c_str());
    options.SetNameValue("BOTTOM_LEVEL", levels.Id(base));
    options.SetNameValue("TOP_LEVEL", levels.Id(levels.Top()));

    Rok4Creation creation;
    std::vector<double> nodata;
    if (!creation.Prepare(path, options.List()) || !creation.Nodata(&nodata))
        return CE_Failure;
    // Of what is locked by now.
    const std::shared_ptr<Rok4Pyramid> pyramid =
        Rok4OpenPyramid(path, options.FetchNameValueDef("TMS_DIRECTORY", ""),
                        Rok4ThreadCount(options.List()));
    if (pyramid == nullptr)
        return CE_Failure;
    const struct rok4_pyramid &own = *pyramid->Get();
    size_t level = 0;
    if (rok4_plan_find(own.descriptor, base, &level) != PYR_OK)
        return Fail(PYR_USAGE, path, "its levels have changed");
    if (!creation.Describe(rok4_format_sample(own.descriptor->format), nodata,
                           creation.WarpResampling(), false) ||
        !creation.Plan(base, pyramid->Level(level).limits))
        return CE_Failure;
    const std::unique_ptr<Rok4Writing> writing = creation.Start(
        "overviews by " + method + ":" + levels.Names(), Part::Tell, &part);
    bool finished = false;
    if (writing->Begin(&finished) != CE_None)
        return CE_Failure;
    if (finished)
        return CE_None;
    if (build && BuildRuns(writing.get(), creation, pyramid, levels, base,
                           &part) != CE_None)
        return CE_Failure;
    return writing->Publish();
}

// Text of the descriptor without the levels above one of its own.
enum pyr_result ComposeWithout(const struct rok4_pyramid &pyramid, size_t level,
                               char **text, struct pyr_error *err)
{
    char warp[ROK4_RECIPE_BYTES];
    char overview[ROK4_RECIPE_BYTES];
    rok4_recipe_read(pyramid.descriptor_text, strlen(pyramid.descriptor_text),
                     warp, overview);
    const struct rok4_recipe recipe = {warp, overview};
    struct rok4_descriptor kept = *pyramid.descriptor; // borrows
    kept.nlevels = level + 1;
    return rok4_compose(&kept, &recipe, pyramid.descriptor_text, text, err);
}

// Removes all levels above one of the grid.
CPLErr CleanLevels(const char *path, CSLConstList openOptions, size_t base)
{
    const CPLStringList creationOptions = CreationOptions(path, openOptions);
    Rok4Creation creation; // says whether the slabs are the pyramid's own
    size_t level = 0;
    if (!creation.Prepare(path, creationOptions.List()))
        return CE_Failure;
    const struct rok4_pyramid &pyramid = *creation.Old()->Get();
    if (rok4_plan_find(pyramid.descriptor, base, &level) != PYR_OK)
        return Fail(PYR_USAGE, path, "its levels have changed");
    if (level + 1 == pyramid.descriptor->nlevels)
        return CE_None;

    struct rok4_stage_options options = {};
    options.path = path;
    options.mode = ROK4_STAGE_UPDATE;
    options.identity = "";
    options.list = creation.Options().list;
    options.md5 = creation.Options().md5 == Rok4Choice::Yes;
    struct pyr_error err = {""};
    struct rok4_stage *stage = nullptr;
    char *text = nullptr;
    bool finished = false;
    const std::shared_ptr<Rok4Lock> lock = creation.Lock();
    enum pyr_result result =
        rok4_stage_start(lock->Give(), &options, &stage, &finished, &err);
    for (size_t i = level + 1;
         i < pyramid.descriptor->nlevels && result == PYR_OK; i++)
        result = rok4_stage_drop_level(stage, pyramid.descriptor->levels[i].id,
                                       &err);
    if (result == PYR_OK)
        result = ComposeWithout(pyramid, level, &text, &err);
    if (result == PYR_OK)
    {
        result = rok4_stage_publish(stage, text, &err);
        stage = nullptr;
    }
    rok4_stage_cancel(stage, false);
    pyr_free(text);
    return result == PYR_OK ? CE_None : Fail(result, path, err.text);
}

} // namespace

// Shows the levels that there are now. Overviews that somebody may still use
// stay until the end.
CPLErr Rok4Dataset::RenewOverviews()
{
    const size_t gridLevel =
        m_pyramid->Get()->descriptor->levels[m_view.level].grid_level;
    const std::shared_ptr<Rok4Pyramid> pyramid = Rok4OpenPyramid(
        m_pyramid->Get()->path,
        CSLFetchNameValueDef(papszOpenOptions, "TMS_DIRECTORY", ""),
        Rok4ThreadCount(papszOpenOptions), m_pyramid->Remote());
    if (pyramid == nullptr ||
        rok4_plan_find(pyramid->Get()->descriptor, gridLevel, &m_view.level) !=
            PYR_OK ||
        (m_update != nullptr && !m_update->Begin()))
        return CE_Failure;
    for (std::unique_ptr<Rok4Dataset> &overview : m_overviews)
        m_formerOverviews.push_back(std::move(overview));
    m_overviews.clear();
    UsePyramid(pyramid);
    auto layout = std::make_unique<struct rok4_layout>();
    rok4_layout_overviews(pyramid->Get(), &m_view, layout.get());
    AddOverviews(*layout);
    return CE_None;
}

CPLErr Rok4Dataset::IBuildOverviews(const char *resampling, int count,
                                    const int *factors, int nListBands,
                                    const int *, GDALProgressFunc progress,
                                    void *progressData, CSLConstList)
{
    const std::string path = m_pyramid->Get()->path;
    const size_t base =
        m_pyramid->Get()->descriptor->levels[m_view.level].grid_level;
    std::string method;
    if (GetDescription()[0] == '\0')
        return Fail(PYR_UNSUPPORTED, path.c_str(),
                    "an overview has no overviews of its own");
    if (nListBands != nBands)
        return Fail(PYR_UNSUPPORTED, path.c_str(),
                    "overviews are of all bands or none");
    if (CSLFetchNameValue(papszOpenOptions, "STORAGE_ROOT") != nullptr ||
        (!vsi_out_is_local(path.c_str()) &&
         !STARTS_WITH(path.c_str(), "/vsimem/") &&
         !vsi_objects_are_at(path.c_str())))
        return Fail(PYR_UNSUPPORTED, path.c_str(),
                    "levels are built only where the pyramid itself is, and "
                    "can be written");
    if (count > 0 && !MethodOf(resampling, &method))
        return Fail(
            PYR_UNSUPPORTED, path.c_str(),
            CPLSPrintf("levels are not built with the method %s", resampling));
    // What was written must be in what is read.
    if (m_update != nullptr)
        FlushCache(false);
    if (HasUnpublished())
        return CE_Failure;

    CPLErr result = CE_None;
    if (count == 0)
        result = CleanLevels(path.c_str(), papszOpenOptions, base);
    else
    {
        Levels levels(*m_pyramid->Get(), base);
        const std::vector<int> list(factors, factors + count);
        if (IsAutomatic(nRasterXSize, nRasterYSize, list))
            levels.AddAll();
        else
            for (const int factor : list)
                if (!levels.Add(factor))
                    return CE_Failure;
        levels.FillGaps();
        if (levels.Top() > base)
            result = BuildLevels(path.c_str(), papszOpenOptions, base, levels,
                                 method, progress, progressData);
    }
    return result == CE_None ? RenewOverviews() : result;
}

CPLErr Rok4RasterBand::BuildOverviews(const char *resampling, int count,
                                      const int *factors,
                                      GDALProgressFunc progress,
                                      void *progressData, CSLConstList options)
{
    return poDS->BuildOverviews(resampling, count, factors, 0, nullptr,
                                progress, progressData, options);
}
