// SPDX-License-Identifier: MIT
// What a pyramid's dataset and overviews share: readers, cache, threads.
#include "rok4_dataset.h"

#include "job_context.h"
#include "option_reader.h"
#include "pyr_report.h"
#include "redaction.h"
#include "rok4_mask.h"
#include "rok4_path.h"
#include "vsi_io.h"

#include "cpl_multiproc.h"

#include <algorithm>
#include <new>

// Windows that may wait for the next read; more than a program that advises in
// good faith queues.
constexpr size_t MAX_ADVISED = 1024;

void Rok4Report(CPLErr kind, enum pyr_result result, const char *text)
{
    CPLError(kind, PyrErrorCode(result), "ROK4: %s", Redacted(text).c_str());
}

// What we may keep even where GDAL's block cache is full: enough for the
// indexes and tiles of a window, little beside GDAL_CACHEMAX.
constexpr GIntBig CACHE_FLOOR_BYTES = 16 << 20;
constexpr GIntBig CACHE_FLOOR_SHARE = 8;

// Bytes that the cache of all pyramids may take, so that with GDAL's own block
// cache it stays within GDAL_CACHEMAX, but for that floor.
size_t Rok4CacheBytes()
{
    const GIntBig most = GDALGetCacheMax64();
    const GIntBig used = GDALGetCacheUsed64();
    const GIntBig floor = std::min(CACHE_FLOOR_BYTES, most / CACHE_FLOOR_SHARE);
    return static_cast<size_t>(std::max(floor, most - used));
}

unsigned Rok4ThreadCount(CSLConstList options)
{
    const OptionReader reader(options, [](const char *text) {
        Rok4Report(CE_Failure, PYR_USAGE, text);
    });
    unsigned count = 0;
    (void)reader.Threads("NUM_THREADS", PYR_POOL_MAX_THREADS, &count);
    return count;
}

// Whether slabs of some level take requests over a network.
static bool IsRemote(const struct rok4_pyramid &pyramid)
{
    const char *const *const places = pyramid.planes[ROK4_PLANE_DATA].places;
    return std::any_of(places, places + pyramid.descriptor->nlevels,
                       vsi_io_is_remote);
}

struct pyr_io Rok4Pyramid::NetworkIo(const Rok4Remote &remote)
{
    m_remote = remote;
    m_files = std::make_unique<RemoteFiles>(remote.requests, remote.keepSeconds,
                                            remote.headBytes);
    return vsi_io_make_keeping(m_files.get());
}

bool Rok4Pyramid::Init(struct rok4_pyramid *pyramid, const struct pyr_io &io,
                       unsigned nthreads)
{
    m_pyramid = pyramid;
    m_io = rok4_objects_io_for(pyramid, &io, &m_objects);
    if (m_guarded != 0)
    {
        m_guard.Init(pyramid, m_io, m_guarded);
        m_io = m_guard.Io();
    }
    m_threads = nthreads;
    m_data = rok4_pyramid_source(pyramid, ROK4_PLANE_DATA);
    m_masks = rok4_pyramid_source(pyramid, ROK4_PLANE_MASK);
    m_checked.resize(pyramid->descriptor->nlevels);
    m_runtime = PyrRuntime::Get();
    if (m_runtime == nullptr)
        return false;
    struct pyr_reader_options options = {};
    options.source = &m_data;
    options.io = &m_io;
    options.pool = m_runtime->pool;
    options.cache = m_runtime->cache;
    options.nthreads = nthreads;
    if (IsRemote(*pyramid))
    {
        // Threads that wait for answers.
        options.waits = true;
        options.nthreads = std::max(nthreads, m_remote.requests);
        options.keep_ms = std::max<uint64_t>(1, m_remote.keepSeconds * 1000);
    }
    options.thread_user = this;
    options.thread_enter = EnterThread;
    options.thread_leave = LeaveThread;
    if (pyr_reader_new(&options, &m_dataReader) != PYR_OK)
        return false;
    options.source = &m_masks;
    return pyr_reader_new(&options, &m_maskReader) == PYR_OK;
}

Rok4Pyramid::~Rok4Pyramid()
{
    pyr_reader_free(m_dataReader);
    pyr_reader_free(m_maskReader);
    rok4_pyramid_free(m_pyramid);
}

void Rok4Pyramid::EnterThread(void *user, unsigned)
{
    JobContext *const job = static_cast<Rok4Pyramid *>(user)->m_job;
    if (job != nullptr)
        job->Enter();
}

void Rok4Pyramid::LeaveThread(void *user, unsigned)
{
    JobContext *const job = static_cast<Rok4Pyramid *>(user)->m_job;
    if (job != nullptr)
        job->Leave();
}

CPLErr Rok4Pyramid::Report(enum pyr_result result, const struct pyr_error &err)
{
    SetJob(nullptr)->Relay(result == PYR_OK);
    if (result == PYR_OK)
        return CE_None;
    Rok4Report(CE_Failure, result, err.text);
    return CE_Failure;
}

void Rok4Pyramid::FetchAdvised(size_t cache_bytes)
{
    if (m_advised.empty())
        return;
    std::vector<struct pyr_window> windows;
    windows.swap(m_advised);
    struct pyr_error err = {""};
    // What cannot be fetched ahead fails when it is read itself.
    if (pyr_reader_prefetch(m_dataReader, windows.data(), windows.size(),
                            cache_bytes, &err) != PYR_OK)
        CPLDebug("ROK4", "fetching ahead: %s", Redacted(err.text).c_str());
}

// Absent slabs are nodata, but a level that has not even its directory is more
// likely to be somewhere else, or not mounted.
void Rok4Pyramid::CheckDirectory(size_t level)
{
    // While a pyramid is replaced, all its directories are missing.
    if (m_checked[level] ||
        (m_guarded != 0 && vsi_io_stamp(m_pyramid->path) == 0))
        return;
    m_checked[level] = true;
    const char *const directory =
        m_pyramid->planes[ROK4_PLANE_DATA].places[level];
    if (m_pyramid->descriptor->levels[level].storage == ROK4_STORAGE_FILE &&
        !rok4_path_is_remote(directory) && !vsi_io_is_directory(directory))
        CPLError(CE_Warning, CPLE_AppDefined,
                 "ROK4: directory %s of level %s does not exist: the level "
                 "reads as nodata",
                 directory, Level(level).id);
}

CPLErr Rok4Pyramid::Read(const struct pyr_window &window,
                         const struct pyr_window_sink &sink)
{
    JobContext job;
    m_job = &job;
    struct pyr_error err = {""};
    const size_t cache_bytes = Rok4CacheBytes();
    if (!m_advised.empty())
        m_advised.insert(m_advised.begin(), window);
    FetchAdvised(cache_bytes);
    const CPLErr result = Report(
        pyr_reader_read(m_dataReader, &window, &sink, cache_bytes, &err), err);
    if (result == CE_None)
        CheckDirectory(window.level);
    return result;
}

CPLErr Rok4Pyramid::ReadMask(const struct pyr_window &window, GByte *mask)
{
    JobContext job;
    m_job = &job;
    struct pyr_error err = {""};
    return Report(rok4_mask_read(m_dataReader, m_maskReader,
                                 &m_masks.levels[window.level], &window, mask,
                                 window.width_px, Rok4CacheBytes(), &err),
                  err);
}

void Rok4Pyramid::Advise(const struct pyr_window &window)
{
    if (m_advised.size() < MAX_ADVISED)
        m_advised.push_back(window);
}

void Rok4Pyramid::Prefetch(const struct pyr_window &window)
{
    JobContext job;
    m_job = &job;
    m_advised.push_back(window);
    FetchAdvised(Rok4CacheBytes());
    SetJob(nullptr)->Relay(true);
}

CPLErr Rok4Pyramid::Locate(uint32_t level, uint32_t tile_col, uint32_t tile_row,
                           enum pyr_presence *presence,
                           struct pyr_extent *extent)
{
    JobContext job;
    m_job = &job;
    struct pyr_error err = {""};
    return Report(pyr_reader_locate(m_dataReader, level, tile_col, tile_row,
                                    Rok4CacheBytes(), presence, extent, &err),
                  err);
}

enum pyr_result Rok4Pyramid::Encoded(uint32_t level, uint32_t tile_col,
                                     uint32_t tile_row, uint8_t **bytes,
                                     size_t *nbytes)
{
    JobContext job;
    m_job = &job;
    struct pyr_error err = {""};
    const enum pyr_result result =
        pyr_reader_encoded(m_dataReader, level, tile_col, tile_row,
                           Rok4CacheBytes(), bytes, nbytes, &err);
    if (result != PYR_NOT_FOUND)
        (void)Report(result, err);
    SetJob(nullptr);
    return result;
}
