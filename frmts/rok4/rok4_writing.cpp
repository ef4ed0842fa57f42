// SPDX-License-Identifier: MIT
// One write to a pyramid: levels built from rasters, staged and published.
#include "rok4_writing.h"

#include "job_context.h"
#include "pyr_alloc.h"
#include "rok4_background.h"
#include "rok4_compose.h"
#include "rok4_copy.h"
#include "rok4_level_raster.h"
#include "rok4_creation_options.h"
#include "rok4_link.h"
#include "rok4_plan.h"
#include "vsi_io.h"
#include "vsi_out.h"
#include "vsi_tree.h"

#include "cpl_conv.h"

#include <algorithm>
#include <cmath>

namespace
{

// Encoded tiles that wait in memory for their slabs; more go to files.
constexpr size_t WAITING_BYTES = 64 << 20;
// Share of the progress after which only publishing is left.
constexpr double BUILT = 0.95;
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

Rok4Lock::Rok4Lock() : m_tree(vsi_tree_make())
{
}

Rok4Lock::~Rok4Lock()
{
    rok4_stage_free(m_stage);
}

std::shared_ptr<Rok4Lock> Rok4Lock::Take(const std::string &path)
{
    struct pyr_error err = {""};
    std::shared_ptr<Rok4Lock> lock(new Rok4Lock);
    bool recovered = false;
    const enum pyr_result result = rok4_stage_lock(
        &lock->m_tree, path.c_str(), &lock->m_stage, &recovered, &err);
    if (result == PYR_OK)
        return lock;
    Rok4Report(CE_Failure, result, err.text);
    return nullptr;
}

struct rok4_stage *Rok4Lock::Give()
{
    struct rok4_stage *const stage = m_stage;
    m_stage = nullptr;
    return stage;
}

Rok4Writing::Rok4Writing(const Rok4WritingOptions &options,
                         struct rok4_descriptor *target,
                         const struct pyr_grid *grid)
    : m_options(options), m_target(target), m_grid(grid),
      m_published(std::string(CPLGetPath(options.path.c_str())).empty()
                      ? options.pyramid
                      : std::string(CPLGetPath(options.path.c_str())) + "/" +
                            options.pyramid),
      m_io(vsi_io_make()), m_out(vsi_out_make()), m_tree(vsi_tree_make())
{
}

Rok4Writing::~Rok4Writing()
{
    rok4_writer_free(m_output.writer);
    rok4_stage_cancel(m_stage, m_options.resume);
    rok4_descriptor_free(m_target);
}

CPLErr Rok4Writing::Report(enum pyr_result result,
                           const struct pyr_error &err) const
{
    if (result == PYR_OK)
        return CE_None;
    Rok4Report(CE_Failure, result,
               CPLSPrintf("%s: %s", m_options.path.c_str(), err.text));
    return CE_Failure;
}

CPLErr Rok4Writing::Begin(bool *finished)
{
    struct pyr_error err = {""};
    m_runtime = Rok4Runtime::Get();
    if (m_runtime == nullptr)
        return Report(pyr_fail(&err, PYR_NOMEM, "out of memory"), err);
    // What cannot be described is not begun.
    char *text = nullptr;
    const enum pyr_result composed = Compose(&text, &err);
    pyr_free(text);
    if (composed != PYR_OK)
        return Report(composed, err);
    if (!Progress(this, 0.0))
        return Report(pyr_fail(&err, PYR_CANCELLED, "interrupted"), err);
    struct rok4_stage_options options = {};
    options.path = m_options.path.c_str();
    options.mode = m_options.mode;
    options.identity = m_options.identity.c_str();
    options.resume = m_options.resume;
    options.list = m_options.list;
    options.md5 = m_options.md5;
    const enum pyr_result result =
        m_options.lock != nullptr
            ? rok4_stage_start(m_options.lock->Give(), &options, &m_stage,
                               finished, &err)
            : rok4_stage_open(&m_tree, &options, &m_stage, finished, &err);
    if (result != PYR_OK || *finished)
        return Report(result, err);

    m_oldLevels.assign(m_target->nlevels, -1);
    for (size_t i = 0; m_options.old != nullptr && i < m_target->nlevels; i++)
    {
        size_t found = 0;
        if (rok4_plan_find(m_options.old->Get()->descriptor,
                           m_target->levels[i].grid_level, &found) == PYR_OK)
            m_oldLevels[i] = static_cast<int>(found);
    }
    const char *const staged = rok4_stage_directory(m_stage);
    if (!m_options.link.empty())
    {
        const enum rok4_link_mode mode =
            m_options.link == "COPY"    ? ROK4_LINK_COPY
            : m_options.link == "HLINK" ? ROK4_LINK_HARD
                                        : ROK4_LINK_SYMBOLIC;
        const enum pyr_result linked = rok4_link_pyramid(
            &m_tree, m_options.old->Get(), mode, staged, &err);
        if (linked != PYR_OK)
            return Report(linked, err);
    }
    return MakeOutput(&m_output, m_target->format, staged, true);
}

// Writer of the slabs below a directory.
CPLErr Rok4Writing::MakeOutput(Output *output, enum rok4_format format,
                               const std::string &staged, bool withOld)
{
    struct pyr_error err = {""};
    const size_t nlevels = m_target->nlevels;
    output->format = format;
    output->encoding = Rok4EncodingOf(format, m_options.recipe.zlevel);
    output->staged = staged;
    output->directories.resize(2 * nlevels);
    output->levels.resize(nlevels);
    for (size_t i = 0; i < nlevels; i++)
    {
        const struct rok4_level &level = m_target->levels[i];
        output->directories[2 * i] = staged + "/DATA/" + level.id;
        output->directories[2 * i + 1] = staged + "/MASK/" + level.id;
        struct rok4_writer_level &to = output->levels[i];
        to.id = level.id;
        to.shape = rok4_descriptor_tile_shape(m_target, m_grid, i);
        to.tiles_per_width = level.tiles_per_width;
        to.tiles_per_height = level.tiles_per_height;
        to.path_depth = level.path_depth;
        to.image_directory = output->directories[2 * i].c_str();
        to.mask_directory =
            m_options.masks ? output->directories[2 * i + 1].c_str() : nullptr;
        to.background_level = withOld ? m_oldLevels[i] : -1;
    }
    struct rok4_writer_options options = {};
    options.out = &m_out;
    options.io = &m_io;
    options.levels = output->levels.data();
    options.nlevels = static_cast<uint32_t>(nlevels);
    options.format = format;
    options.encoding = output->encoding;
    options.mask_encoding =
        Rok4EncodingOf(ROK4_ZIP_UINT8, m_options.recipe.zlevel);
    for (uint32_t i = 0; i < m_target->channels; i++)
        options.nodata[i] = Rok4FillValue(*m_target, static_cast<int>(i) + 1);
    options.background =
        withOld && m_options.old != nullptr ? m_options.old->Get() : nullptr;
    options.sparse = m_options.sparse;
    options.resume = withOld && rok4_stage_resumed(m_stage);
    options.memory_bytes = WAITING_BYTES;
    return Report(rok4_writer_new(&options, &output->writer, &err), err);
}

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

bool Rok4Writing::Progress(void *user, double fraction)
{
    const Rok4Writing &self = *static_cast<const Rok4Writing *>(user);
    return self.m_options.progress == nullptr ||
           self.m_options.progress(self.m_done + self.m_share * fraction, "",
                                   self.m_options.progressData) != FALSE;
}

void Rok4Writing::EnterThread(void *user, unsigned)
{
    static_cast<Rok4Writing *>(user)->m_job->Enter();
}

void Rok4Writing::LeaveThread(void *user, unsigned)
{
    static_cast<Rok4Writing *>(user)->m_job->Leave();
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
        levels[i].limits = {limits.min_col >> i, limits.min_row >> i,
                            limits.max_col >> i, limits.max_row >> i};
    }
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
                OpenStaged(*output, &overlay);
            if (staged == nullptr)
                return CE_Failure;
            Rok4LevelRaster level(
                staged, SourceLevel(first, bottom),
                m_grid->levels[m_target->levels[first].grid_level],
                m_options.recipe.overview);
            const struct pyr_raster made = level.Raster();
            result = LevelLimits(bottom, first, limits, &own);
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
    const std::string staged =
        std::string(rok4_stage_directory(m_stage)) + "/" + WORK;
    m_share = BUILT / 2;
    CPLErr result = MakeOutput(&work, ROK4_ZIP_UINT8, staged, false);
    if (result == CE_None)
        result = BuildLevels(&work, raster, bottom, top, limits, false);
    m_share = BUILT / 2 / static_cast<double>(top - bottom + 1);
    if (result == CE_None)
        result = Transcode(&work, bottom, top, limits);
    rok4_writer_free(work.writer);
    if (result == CE_None)
        result = Report(pyr_tree_remove(&m_tree, staged.c_str(), &err), err);
    return result;
}

CPLErr Rok4Writing::CopySlabs(const std::shared_ptr<Rok4Pyramid> &source,
                              size_t from, size_t level)
{
    struct pyr_error err = {""};
    JobContext job;
    m_job = &job;
    struct rok4_copy_options options = {};
    options.tree = &m_tree;
    options.io = &m_io;
    options.source = source->Get();
    options.pool = m_runtime->pool;
    options.nthreads = m_options.nthreads;
    options.thread_user = this;
    options.thread_enter = EnterThread;
    options.thread_leave = LeaveThread;
    options.progress_user = this;
    options.progress = [](void *user, uint64_t nslabs) {
        const Rok4Writing &self = *static_cast<const Rok4Writing *>(user);
        return Progress(
            user, std::min(1.0, static_cast<double>(nslabs) / self.m_slabs));
    };
    const struct rok4_writer_level &to = m_output.levels[level];
    enum pyr_result result = rok4_copy_level(&options, ROK4_PLANE_DATA, from,
                                             to.image_directory, &err);
    if (result == PYR_OK && m_options.masks)
        result = rok4_copy_level(&options, ROK4_PLANE_MASK, from,
                                 to.mask_directory, &err);
    job.Relay(result == PYR_OK);
    m_job = nullptr;
    return Report(result, err);
}

// One slab of another shape or name, from encoded tiles.
static enum pyr_result CopySlab(const struct pyr_sink &sink,
                                struct pyr_reader *reader, enum pyr_plane plane,
                                uint32_t from, uint32_t level,
                                const struct pyr_grid_limits &tiles,
                                struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (uint32_t row = tiles.min_row; row <= tiles.max_row; row++)
        for (uint32_t col = tiles.min_col;
             col <= tiles.max_col && result == PYR_OK; col++)
        {
            uint8_t *bytes = nullptr;
            size_t nbytes = 0;
            result = pyr_reader_encoded(reader, from, col, row,
                                        Rok4CacheBytes(), &bytes, &nbytes, err);
            if (result == PYR_OK)
                result = sink.put(sink.user, plane, level, col, row, bytes,
                                  nbytes, err);
            else if (result == PYR_NOT_FOUND)
                result = PYR_OK;
            pyr_free(bytes);
        }
    return result;
}

CPLErr Rok4Writing::CopyTiles(const std::shared_ptr<Rok4Pyramid> &source,
                              size_t from, size_t level)
{
    const struct pyr_sink sink = rok4_writer_sink(m_output.writer);
    const struct rok4_level &to = m_target->levels[level];
    const struct pyr_grid_limits &limits = to.limits;
    const uint32_t width = to.tiles_per_width;
    const uint32_t height = to.tiles_per_height;
    struct pyr_error err = {""};
    enum pyr_result result = PYR_OK;
    double done = 0;
    JobContext job;
    source->SetJob(&job);
    for (uint32_t row = limits.min_row / height; row <= limits.max_row / height;
         row++)
        for (uint32_t col = limits.min_col / width;
             col <= limits.max_col / width && result == PYR_OK; col++)
        {
            const struct pyr_grid_limits tiles = {
                std::max(limits.min_col, col * width),
                std::max(limits.min_row, row * height),
                std::min(limits.max_col, col * width + width - 1),
                std::min(limits.max_row, row * height + height - 1)};
            result = CopySlab(sink, source->DataReader(), PYR_PLANE_DATA,
                              static_cast<uint32_t>(from),
                              static_cast<uint32_t>(level), tiles, &err);
            if (result == PYR_OK && m_options.masks)
                result = CopySlab(sink, source->MaskReader(), PYR_PLANE_MASK,
                                  static_cast<uint32_t>(from),
                                  static_cast<uint32_t>(level), tiles, &err);
            if (result == PYR_OK)
                result = sink.finish(sink.user, static_cast<uint32_t>(level),
                                     col, row, &err);
            if (result == PYR_OK && !Progress(this, ++done / m_slabs))
                result = pyr_fail(&err, PYR_CANCELLED, "interrupted");
        }
    source->SetJob(nullptr);
    job.Relay(result == PYR_OK);
    return Report(result, err);
}

CPLErr Rok4Writing::Copy(const std::shared_ptr<Rok4Pyramid> &source)
{
    const struct rok4_descriptor &from = *source->Get()->descriptor;
    CPLErr result = CE_None;
    m_done = 0;
    m_share = BUILT / static_cast<double>(m_target->nlevels);
    for (size_t i = 0; i < m_target->nlevels && result == CE_None; i++)
    {
        const struct rok4_level &to = m_target->levels[i];
        size_t found = 0;
        if (rok4_plan_find(&from, to.grid_level, &found) != PYR_OK ||
            from.levels[found].empty)
            continue;
        const struct rok4_level &own = from.levels[found];
        const struct pyr_grid_limits &limits = to.limits;
        m_slabs = static_cast<double>(limits.max_col / to.tiles_per_width -
                                      limits.min_col / to.tiles_per_width + 1) *
                  static_cast<double>(limits.max_row / to.tiles_per_height -
                                      limits.min_row / to.tiles_per_height + 1);
        const bool same = own.tiles_per_width == to.tiles_per_width &&
                          own.tiles_per_height == to.tiles_per_height &&
                          own.path_depth == to.path_depth;
        result =
            same ? CopySlabs(source, found, i) : CopyTiles(source, found, i);
        m_done += m_share;
    }
    return result;
}

// Text of the descriptor that is to be published; freed with pyr_free.
enum pyr_result Rok4Writing::Compose(char **text, struct pyr_error *err) const
{
    struct rok4_recipe recipe = {};
    recipe.warp_resampling = m_options.recipe.warp.c_str();
    recipe.overview_resampling = m_options.recipe.overview.c_str();
    const char *const base =
        !m_options.baseText.empty() ? m_options.baseText.c_str()
        : m_options.old != nullptr  ? m_options.old->Get()->descriptor_text
                                    : nullptr;
    return rok4_compose(m_target, &recipe, base, text, err);
}

CPLErr Rok4Writing::PutBeside(const std::string &name, const std::string &text)
{
    struct pyr_error err = {""};
    return Report(rok4_stage_put_beside(m_stage, name.c_str(), text.c_str(),
                                        text.size(), &err),
                  err);
}

CPLErr Rok4Writing::Publish()
{
    struct pyr_error err = {""};
    char *text = nullptr;
    rok4_writer_free(m_output.writer);
    m_output.writer = nullptr;
    enum pyr_result result = Compose(&text, &err);
    if (result == PYR_OK)
    {
        result = rok4_stage_publish(m_stage, text, &err);
        m_stage = nullptr;
    }
    pyr_free(text);
    if (result == PYR_OK && m_options.progress != nullptr)
        m_options.progress(1.0, "", m_options.progressData);
    return Report(result, err);
}

GUIntBig Rok4Writing::Count() const
{
    return rok4_writer_count(m_output.writer);
}
