// SPDX-License-Identifier: MIT
// Levels of a pyramid that is written: runs that halve, and others.
#include "rok4_writing.h"

#include "job_context.h"
#include "pyr_alloc.h"
#include "rok4_background.h"
#include "rok4_compose.h"
#include "rok4_creation_options.h"
#include "rok4_level_raster.h"
#include "rok4_plan.h"
#include "rok4_resample.h"

#include "cpl_conv.h"

#include <algorithm>
#include <cmath>

namespace
{

// Directory below the staging directory for lossless levels that others are
// made of.
constexpr const char *WORK = "WORK";

// Methods that the engine has: of 2 x 2 pixels.
bool ReductionOf(const std::string &method, enum pyr_reduction *reduction)
{
    if (method == "AVERAGE")
        *reduction = PYR_REDUCE_MEAN;
    else if (method == "NEAREST")
        *reduction = PYR_REDUCE_NEAREST;
    else if (method == "MODE")
        *reduction = PYR_REDUCE_MODE;
    else if (method == "RMS")
        *reduction = PYR_REDUCE_RMS;
    else
        return false;
    return true;
}

bool IsLossy(enum rok4_format format)
{
    return rok4_format_codec(format) == PYR_CODEC_JPEG;
}

} // namespace

struct pyr_reduce_rule Rok4Writing::Rule() const
{
    struct pyr_reduce_rule rule = {};
    rule.reduction = PYR_REDUCE_MEAN;
    (void)ReductionOf(m_options.recipe.overview, &rule.reduction);
    rule.bands = m_target->channels;
    rule.sample = rok4_format_sample(m_target->format);
    for (uint32_t i = 0; i < m_target->channels; i++)
        rule.nodata[i] = Rok4FillValue(*m_target, static_cast<int>(i) + 1);
    if (m_options.masks)
        rule.validity = PYR_VALID_MASK;
    else if (rule.bands == 2 || rule.bands == 4)
        rule.validity = PYR_VALID_ALPHA;
    else
        rule.validity = rule.bands == 1 ? PYR_VALID_NODATA : PYR_VALID_ALL;
    return rule;
}

// Whether the engine can make the level above this one.
bool Rok4Writing::CanCascade(size_t fine) const
{
    enum pyr_reduction reduction = PYR_REDUCE_MEAN;
    if (!ReductionOf(m_options.recipe.overview, &reduction))
        return false;
    struct pyr_source_level tiles[2] = {};
    for (size_t i = 0; i < 2; i++)
    {
        const struct rok4_level &level = m_target->levels[fine + i];
        tiles[i].container_width_tiles = level.tiles_per_width;
        tiles[i].container_height_tiles = level.tiles_per_height;
    }
    return pyr_build_can_cascade(
        &m_grid->levels[m_target->levels[fine].grid_level],
        &m_grid->levels[m_target->levels[fine + 1].grid_level], &tiles[0],
        &tiles[1]);
}

CPLErr Rok4Writing::LevelLimits(size_t bottom, size_t level,
                                const struct pyr_grid_limits &limits,
                                struct pyr_grid_limits *out) const
{
    struct pyr_error err = {""};
    if (rok4_plan_limits(&m_grid->levels[m_target->levels[level].grid_level],
                         &m_grid->levels[m_target->levels[bottom].grid_level],
                         &limits, out) == PYR_OK)
        return CE_None;
    return Report(pyr_fail(&err, PYR_USAGE,
                           "the data lies outside level %s of the tile matrix "
                           "set",
                           m_target->levels[level].id),
                  err);
}

// What is painted on the bottom level changes pixels around it too, as far as
// the method reaches from level to level.
void Rok4Writing::GrowLimits(size_t bottom, size_t level,
                             struct pyr_grid_limits *limits) const
{
    const struct rok4_level &target = m_target->levels[level];
    const struct pyr_grid_level &grid = m_grid->levels[target.grid_level];
    const int reach =
        std::max(0, Rok4Resampling::Reach(m_options.recipe.overview)) + 1;
    double reach_px = 0;
    for (size_t i = bottom + 1; i <= level; i++)
        reach_px += reach *
                    m_grid->levels[m_target->levels[i].grid_level].cell_size /
                    grid.cell_size;
    const auto grow = [](uint32_t *min, uint32_t *max, double ntiles,
                         uint32_t first, uint32_t last) {
        *min = static_cast<uint32_t>(
            std::max<double>(first, *min - std::ceil(ntiles)));
        *max = static_cast<uint32_t>(
            std::min<double>(last, *max + std::ceil(ntiles)));
    };
    grow(&limits->min_col, &limits->max_col, reach_px / grid.tile_width_px,
         target.limits.min_col, target.limits.max_col);
    grow(&limits->min_row, &limits->max_row, reach_px / grid.tile_height_px,
         target.limits.min_row, target.limits.max_row);
}

// Levels first .. first + count - 1, of which each halves the one before.
CPLErr Rok4Writing::BuildRun(Output *output, const struct pyr_raster &raster,
                             size_t first, size_t count,
                             const struct pyr_grid_limits &limits,
                             bool skipFirst, bool keepEqual)
{
    std::vector<struct pyr_source_level> levels(count);
    for (size_t i = 0; i < count; i++)
    {
        const struct rok4_level &level = m_target->levels[first + i];
        levels[i].id = level.id;
        levels[i].shape = output->levels[first + i].shape;
        levels[i].container_width_tiles = level.tiles_per_width;
        levels[i].container_height_tiles = level.tiles_per_height;
    }
    levels[0].limits = limits;
    const struct pyr_sink sink = rok4_writer_sink(output->writer);
    struct rok4_background background = {};
    struct pyr_background before = {};
    JobContext job;
    m_job = &job;

    struct pyr_build_options options = {};
    options.levels = levels.data();
    options.nlevels = static_cast<uint32_t>(count);
    options.first_level = static_cast<uint32_t>(first);
    options.raster = &raster;
    options.encoding = output->encoding;
    options.mask_encoding =
        Rok4EncodingOf(ROK4_ZIP_UINT8, m_options.recipe.zlevel);
    options.rule = Rule();
    options.masks = m_options.masks;
    options.sink = &sink;
    if (m_options.old != nullptr && output == &m_output)
    {
        background.source = m_options.old->Source();
        background.data = m_options.old->DataReader();
        background.masks = m_options.old->MaskReader();
        background.cache_bytes = Rok4CacheBytes();
        background.nlevels = static_cast<uint32_t>(m_oldLevels.size());
        background.levels = m_oldLevels.data();
        before = rok4_background_interface(&background);
        options.background = &before;
        m_options.old->SetJob(&job);
    }
    options.skip_first = skipFirst;
    options.keep_equal = keepEqual;
    options.pool = m_runtime->pool;
    options.nthreads = m_options.nthreads;
    options.thread_user = this;
    options.thread_enter = EnterThread;
    options.thread_leave = LeaveThread;
    options.progress = Progress;
    options.progress_user = this;
    struct pyr_error err = {""};
    const enum pyr_result result = pyr_build(&options, &err);
    if (m_options.old != nullptr)
        m_options.old->SetJob(nullptr);
    job.Relay(result == PYR_OK);
    m_job = nullptr;
    return Report(result, err);
}

// The level that another is made of: of the finer ones that are built, the
// coarsest of which its pixels are picks, where picks are wanted; else the
// coarsest of at least twice the resolution, or the finest.
size_t Rok4Writing::SourceLevel(size_t level, size_t bottom) const
{
    const struct pyr_grid_level &coarse =
        m_grid->levels[m_target->levels[level].grid_level];
    size_t suitable = bottom;
    for (size_t i = level; i-- > bottom;)
    {
        const struct pyr_grid_level &fine =
            m_grid->levels[m_target->levels[i].grid_level];
        if (m_options.recipe.overview == "NEAREST" &&
            pyr_grid_picks(&coarse, &fine))
            return i;
        if (suitable == bottom &&
            coarse.cell_size / fine.cell_size >= 2 * (1 - 1e-6))
            suitable = i;
    }
    return suitable;
}

// What is staged in an output, over what is published, as a pyramid to read.
std::shared_ptr<Rok4Pyramid>
Rok4Writing::OpenStaged(const Output &output, struct rok4_overlay *overlay)
{
    overlay->base = m_io;
    overlay->published = m_published.c_str();
    overlay->staged = output.staged.c_str();
    overlay->tms_text = m_options.tmsText.c_str();
    overlay->staged_only = m_options.mode != ROK4_STAGE_UPDATE;
    if (OnObjects() && &output == &m_output)
    {
        overlay->is_put_user = m_stage;
        overlay->is_put = HasPut;
    }
    struct pyr_error err = {""};
    char *text = nullptr;
    const enum rok4_format format = m_target->format;
    const struct rok4_recipe recipe = {};
    m_target->format = output.format;
    enum pyr_result result =
        rok4_compose(m_target, &recipe, nullptr, &text, &err);
    m_target->format = format;
    struct rok4_open_options options = {};
    options.tms_directory = "."; // asked first: the overlay has the text
    options.allow_outside = true;
    const struct pyr_io io = rok4_overlay_io(overlay);
    struct rok4_pyramid *pyramid = nullptr;
    if (result == PYR_OK)
        result = rok4_pyramid_open(&io, m_options.path.c_str(), text,
                                   strlen(text), &options, &pyramid, &err);
    pyr_free(text);
    auto shared = std::make_shared<Rok4Pyramid>();
    if (result == PYR_OK && !shared->Init(pyramid, io, m_options.nthreads))
        result = pyr_fail(&err, PYR_NOMEM, "out of memory");
    return Report(result, err) == CE_None ? shared : nullptr;
}

// Levels bottom .. top of an output: runs of levels that halve from the raster
// or, where a run ends, from a level that is staged by then.
CPLErr Rok4Writing::BuildLevels(Output *output, const struct pyr_raster &raster,
                                size_t bottom, size_t top,
                                const struct pyr_grid_limits &limits,
                                bool skipBottom)
{
    const double share = m_share;
    const double before = m_done;
    size_t first = bottom;
    CPLErr result = CE_None;
    while (first <= top && result == CE_None)
    {
        struct pyr_grid_limits own = limits;
        size_t count = 1;
        while (first + count <= top && CanCascade(first + count - 1))
            count++;
        // What takes work are the pixels read, and levels shrink quickly.
        m_share = first == bottom && first + count <= top ? share * 0.7
                  : first == bottom                       ? share
                                    : (before + share - m_done) * 0.7;
        if (first == bottom)
            result =
                BuildRun(output, raster, first, count, own, skipBottom, false);
        else
        {
            struct rok4_overlay overlay = {};
            const std::shared_ptr<Rok4Pyramid> staged =
                LinkOld() == CE_None ? OpenStaged(*output, &overlay) : nullptr;
            if (staged == nullptr)
                return CE_Failure;
            Rok4LevelRaster level(
                staged, SourceLevel(first, bottom),
                m_grid->levels[m_target->levels[first].grid_level],
                m_options.recipe.overview);
            const struct pyr_raster made = level.Raster();
            result = LevelLimits(bottom, first, limits, &own);
            // Lossy tiles beside those painted would only lose.
            if (result == CE_None && m_options.old != nullptr &&
                !IsLossy(m_target->format))
                GrowLimits(bottom, first, &own);
            if (result == CE_None)
                result = BuildRun(output, made, first, count, own, false,
                                  m_options.old != nullptr);
        }
        m_done += m_share;
        first += count;
    }
    m_done = before + share;
    m_share = share;
    return result;
}

// The levels of the pyramid from lossless ones.
CPLErr Rok4Writing::Transcode(Output *work, size_t bottom, size_t top,
                              const struct pyr_grid_limits &limits)
{
    struct rok4_overlay overlay = {};
    const std::shared_ptr<Rok4Pyramid> lossless = OpenStaged(*work, &overlay);
    CPLErr result = lossless != nullptr ? CE_None : CE_Failure;
    for (size_t i = bottom; i <= top && result == CE_None; i++)
    {
        struct pyr_grid_limits own = limits;
        result = LevelLimits(bottom, i, limits, &own);
        Rok4IdentityRaster level(lossless, i);
        if (result == CE_None)
            result =
                BuildRun(&m_output, level.Raster(), i, 1, own, false, false);
        m_done += m_share;
    }
    return result;
}

// Where lossless levels are kept. Not on an object storage: they would be sent
// there and back.
std::string Rok4Writing::WorkDirectory() const
{
    return OnObjects()
               ? std::string(CPLGenerateTempFilename("rok4"))
               : std::string(rok4_stage_directory(m_stage)) + "/" + WORK;
}

CPLErr Rok4Writing::Build(const struct pyr_raster &raster, size_t bottom,
                          size_t top, const struct pyr_grid_limits &limits,
                          bool skipBottom)
{
    bool cascades = true;
    for (size_t i = bottom; i < top; i++)
        cascades = cascades && CanCascade(i);
    m_done = 0;
    m_share = BUILT;
    // Coarser levels are made of unencoded pixels: where they cannot be made
    // while the raster is read, they are kept losslessly first.
    if (cascades || !IsLossy(m_target->format) || m_options.old != nullptr)
        return BuildLevels(&m_output, raster, bottom, top, limits, skipBottom);

    Output work;
    struct pyr_error err = {""};
    const std::string staged = WorkDirectory();
    m_share = BUILT / 2;
    CPLErr result = MakeOutput(&work, ROK4_ZIP_UINT8, staged, m_out, false);
    if (result == CE_None)
        result = BuildLevels(&work, raster, bottom, top, limits, false);
    m_share = BUILT / 2 / static_cast<double>(top - bottom + 1);
    if (result == CE_None)
        result = Transcode(&work, bottom, top, limits);
    rok4_writer_free(work.writer);
    // In the staging directory, it goes with that.
    if (result == CE_None || OnObjects())
    {
        const CPLErr removed =
            Report(pyr_tree_remove(&m_tree, staged.c_str(), &err), err);
        result = result == CE_None ? removed : result;
    }
    return result;
}
