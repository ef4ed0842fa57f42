// SPDX-License-Identifier: MIT
// Levels of a pyramid that is written: copies of those of another.
#include "rok4_writing.h"

#include "job_context.h"
#include "pyr_alloc.h"
#include "rok4_plan.h"
#include "vsi_io.h"

#include <algorithm>

// What a remote slab that is copied is opened with, which takes one request for
// as much: GDAL keeps it once more for all threads, in 16 MB.
constexpr size_t COPIED_BYTES = 256 << 10;

// Slabs of a level, at most.
static double CountSlabs(const struct rok4_level &level)
{
    const struct pyr_grid_limits &limits = level.limits;
    return static_cast<double>(limits.max_col / level.tiles_per_width -
                               limits.min_col / level.tiles_per_width + 1) *
           static_cast<double>(limits.max_row / level.tiles_per_height -
                               limits.min_row / level.tiles_per_height + 1);
}

// Where the slabs of each level of the source belong, and how many there are.
std::vector<struct rok4_copy_target>
Rok4Writing::CopyTargets(const struct rok4_pyramid &source,
                         const std::vector<int> &from)
{
    std::vector<struct rok4_copy_target> targets(2 *
                                                 source.descriptor->nlevels);
    m_slabs = 0;
    for (size_t i = 0; i < from.size(); i++)
    {
        if (from[i] < 0)
            continue;
        const struct rok4_writer_level &to = m_output.levels[i];
        struct rok4_copy_target *const target =
            &targets[2 * static_cast<size_t>(from[i])];
        target[ROK4_PLANE_DATA] = {to.storage, to.image_place, to.path_depth};
        if (m_options.masks)
            target[ROK4_PLANE_MASK] = {to.storage, to.mask_place,
                                       to.path_depth};
        m_slabs += (m_options.masks ? 2 : 1) * CountSlabs(m_target->levels[i]);
    }
    return targets;
}

CPLErr Rok4Writing::CopySlabs(const std::shared_ptr<Rok4Pyramid> &source,
                              const std::vector<int> &from)
{
    struct pyr_error err = {""};
    JobContext job;
    m_job = &job;
    const std::vector<struct rok4_copy_target> targets =
        CopyTargets(*source->Get(), from);
    // Each slab is opened once, and read as a whole.
    RemoteFiles files(m_options.nthreads, 0, COPIED_BYTES);
    struct rok4_objects objects = {};
    const struct pyr_io base = vsi_io_make_keeping(&files);
    const struct pyr_io io =
        rok4_objects_io_for(source->Get(), &base, &objects);
    struct rok4_copy_options options = {};
    options.tree = &m_tree;
    options.io = &io;
    options.source = source->Get();
    options.resume = rok4_stage_resumed(m_stage);
    options.pool = m_runtime->pool;
    options.nthreads = m_options.nthreads;
    options.thread_user = this;
    options.thread_enter = EnterThread;
    options.thread_leave = LeaveThread;
    if (OnObjects())
    {
        options.copy_user = m_stage;
        options.copy = [](void *user, const char *copied, const char *to_path,
                          uint64_t nbytes, struct pyr_error *why) {
            return rok4_stage_copy(static_cast<struct rok4_stage *>(user),
                                   copied, to_path, nbytes, why);
        };
    }
    options.keep_user = m_stage;
    options.keep = Keep;
    options.skip_user = m_stage;
    if (OnObjects() && !m_options.link.empty())
        options.skip = HasPut;
    options.progress_user = this;
    options.progress = [](void *user, uint64_t nslabs) {
        const Rok4Writing &self = *static_cast<const Rok4Writing *>(user);
        return Progress(
            user, std::min(1.0, static_cast<double>(nslabs) / self.m_slabs));
    };
    const enum pyr_result result =
        rok4_copy_levels(&options, targets.data(), &err);
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
            if (!sink.wants(sink.user, static_cast<uint32_t>(level), col, row))
                continue;
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
    std::vector<int> slabs(m_target->nlevels, -1);
    std::vector<int> tiles(m_target->nlevels, -1);
    size_t nslabs = 0;
    for (size_t i = 0; i < m_target->nlevels; i++)
    {
        const struct rok4_level &to = m_target->levels[i];
        size_t found = 0;
        if (rok4_plan_find(&from, to.grid_level, &found) != PYR_OK ||
            from.levels[found].empty)
            continue;
        const struct rok4_level &own = from.levels[found];
        const bool same = own.tiles_per_width == to.tiles_per_width &&
                          own.tiles_per_height == to.tiles_per_height &&
                          (own.storage != ROK4_STORAGE_FILE ||
                           to.storage != ROK4_STORAGE_FILE ||
                           own.path_depth == to.path_depth);
        (same ? slabs : tiles)[i] = static_cast<int>(found);
        nslabs += same;
    }
    const double share = BUILT / static_cast<double>(m_target->nlevels);
    m_done = 0;
    m_share = share * static_cast<double>(nslabs);
    CPLErr result = nslabs > 0 ? CopySlabs(source, slabs) : CE_None;
    m_done = m_share;
    m_share = share;
    for (size_t i = 0; i < tiles.size() && result == CE_None; i++)
    {
        if (tiles[i] < 0)
            continue;
        m_slabs = CountSlabs(m_target->levels[i]);
        result = CopyTiles(source, static_cast<size_t>(tiles[i]), i);
        m_done += m_share;
    }
    return result;
}
