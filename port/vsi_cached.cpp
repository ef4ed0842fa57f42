// SPDX-License-Identifier: MIT
// A file whose bytes are fetched many ranges at a time, and kept, for a driver
// of GDAL to read it through.
#include "vsi_cached.h"

#include "pyr_arith.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

namespace
{

// A longer range is fetched as several at once.
constexpr size_t MAX_RANGE_BYTES = 4 << 20;
// What is read at least where something small is: a directory, a table.
constexpr size_t SMALL_BYTES = 4096;
constexpr size_t MIN_READ_BYTES = 16384;
// Most that is read ahead.
constexpr size_t MAX_AHEAD_BYTES = 1 << 20;
// Shares of the cache.
constexpr size_t TABLE_SHARE = 4;
constexpr size_t PLAN_SHARE = 2;
constexpr size_t DIRECT_SHARE = 4;
constexpr size_t AHEAD_SHARE = 16;
// Of a remote file, to see whether it is still the same.
constexpr size_t COMPARED_BYTES = 4096;

bool Earlier(const struct pyr_extent &left, const struct pyr_extent &right)
{
    return left.offset_bytes < right.offset_bytes;
}

uint64_t EndOf(const struct pyr_extent &range)
{
    return range.offset_bytes + range.nbytes;
}

} // namespace

VsiCachedFile::VsiCachedFile(const VsiCachedOptions &options)
    : m_options(options), m_tables(std::max(options.cache_bytes / TABLE_SHARE,
                                            4 * options.first_bytes)),
      m_tiles(options.cache_bytes)
{
}

VsiCachedFile::~VsiCachedFile()
{
    if (!m_name.empty())
        VsiCachedFilesRemove(m_name);
}

enum pyr_result VsiCachedFile::Open(const char *path,
                                    const VsiCachedOptions &options,
                                    std::shared_ptr<VsiCachedFile> *out_file,
                                    struct pyr_error *err)
{
    std::shared_ptr<VsiCachedFile> file(new VsiCachedFile(options));
    const enum pyr_result result = VsiSource::Open(
        path, options.first_bytes, &file->m_source, &file->m_head, err);
    if (result != PYR_OK)
        return result;
    file->m_tables.Put(0, file->m_head);
    file->m_last_end = file->m_head.size();
    file->m_ahead = options.first_bytes / 2;
    file->m_head.resize(std::min(file->m_head.size(), COMPARED_BYTES));
    file->m_name = VsiCachedFilesAdd(file, path);
    *out_file = std::move(file);
    return PYR_OK;
}

bool VsiCachedFile::CopyCached(uint64_t offset, void *bytes, size_t nbytes)
{
    std::lock_guard<std::mutex> guard(m_lock);
    uint8_t *const out = static_cast<uint8_t *>(bytes);
    size_t done = 0;
    while (done < nbytes)
    {
        size_t got = m_tables.Copy(offset + done, out + done, nbytes - done);
        if (got == 0)
            got = m_tiles.Copy(offset + done, out + done, nbytes - done);
        if (got == 0)
            return false;
        done += got;
    }
    return true;
}

// Bytes of a range that are here from its start on.
size_t VsiCachedFile::Present(uint64_t offset, size_t nbytes)
{
    std::lock_guard<std::mutex> guard(m_lock);
    size_t done = 0;
    size_t got = 1;
    while (got != 0 && done < nbytes)
    {
        got = m_tables.Present(offset + done, nbytes - done);
        if (got == 0)
            got = m_tiles.Present(offset + done, nbytes - done);
        done += got;
    }
    return done;
}

bool VsiCachedFile::Holds(uint64_t offset, size_t nbytes)
{
    return Present(offset, nbytes) == nbytes;
}

// The planned ranges around offset and after it, as many as are fetched
// together; none where nothing is planned there.
std::vector<struct pyr_extent> VsiCachedFile::TakePlanned(uint64_t offset)
{
    std::vector<struct pyr_extent> ranges;
    std::lock_guard<std::mutex> guard(m_lock);
    auto it = m_plan.upper_bound(offset);
    if (it == m_plan.begin())
        return ranges;
    --it;
    if (offset >= it->second.end_bytes)
        return ranges;
    uint64_t left = MaxPlannedBytes();
    while (!m_plan.empty())
    {
        if (it == m_plan.end())
            it = m_plan.begin();
        const uint64_t nbytes = it->second.end_bytes - it->first;
        if (nbytes > left)
            break;
        left -= nbytes;
        ranges.push_back({it->first, nbytes});
        it = m_plan.erase(it);
    }
    return ranges;
}

// What is read for a range that nobody planned.
struct pyr_extent VsiCachedFile::Ahead(uint64_t offset, size_t nbytes)
{
    const uint64_t start = offset + Present(offset, nbytes);
    const bool follows =
        start >= m_last_end && start - m_last_end <= m_options.merge_gap_bytes;
    const size_t most =
        std::min(MAX_AHEAD_BYTES, m_options.cache_bytes / AHEAD_SHARE);
    if (follows)
        m_ahead = std::min(std::max(2 * m_ahead, MIN_READ_BYTES), most);
    else
        m_ahead = 0;
    uint64_t end = offset + nbytes + m_ahead;
    if (nbytes < SMALL_BYTES)
        end = std::max(end, start + MIN_READ_BYTES);
    m_last_end = std::min(end, Size());
    return {start, m_last_end - start};
}

// The parts of ranges that are not here, as they are asked for: neighbours
// together, long ones in pieces.
std::vector<struct pyr_extent>
VsiCachedFile::Requests(const std::vector<struct pyr_extent> &ranges)
{
    std::vector<struct pyr_extent> missing;
    {
        std::lock_guard<std::mutex> guard(m_lock);
        std::vector<struct pyr_extent> no_table;
        for (const struct pyr_extent &range : ranges)
            m_tables.AddMissing(range, &no_table);
        for (const struct pyr_extent &range : no_table)
            m_tiles.AddMissing(range, &missing);
    }
    std::sort(missing.begin(), missing.end(), Earlier);
    std::vector<struct pyr_extent> merged;
    for (const struct pyr_extent &range : missing)
    {
        if (!merged.empty() &&
            range.offset_bytes <=
                EndOf(merged.back()) + m_options.merge_gap_bytes)
            merged.back().nbytes =
                std::max(EndOf(merged.back()), EndOf(range)) -
                merged.back().offset_bytes;
        else
            merged.push_back(range);
    }
    std::vector<struct pyr_extent> requests;
    for (const struct pyr_extent &range : merged)
    {
        const uint64_t npieces =
            (range.nbytes + MAX_RANGE_BYTES - 1) / MAX_RANGE_BYTES;
        const uint64_t piece = (range.nbytes + npieces - 1) / npieces;
        for (uint64_t at = 0; at < range.nbytes; at += piece)
            requests.push_back(
                {range.offset_bytes + at, std::min(piece, range.nbytes - at)});
    }
    return requests;
}

enum pyr_result
VsiCachedFile::Load(const std::vector<struct pyr_extent> &ranges,
                    RangeCache *cache, struct pyr_error *err)
{
    const std::vector<struct pyr_extent> requests = Requests(ranges);
    std::vector<std::vector<uint8_t>> bytes(requests.size());
    std::vector<uint8_t *> buffers(requests.size());
    for (size_t i = 0; i < requests.size(); i++)
    {
        bytes[i].resize(static_cast<size_t>(requests[i].nbytes));
        buffers[i] = bytes[i].data();
    }
    const enum pyr_result result =
        m_source->Read(requests, buffers, m_options.max_requests, err);
    if (result != PYR_OK)
        return result;
    std::lock_guard<std::mutex> guard(m_lock);
    for (size_t i = 0; i < requests.size(); i++)
        cache->Put(requests[i].offset_bytes, std::move(bytes[i]));
    return PYR_OK;
}

enum pyr_result VsiCachedFile::LoadFor(uint64_t offset, size_t nbytes,
                                       struct pyr_error *err)
{
    std::vector<struct pyr_extent> ranges = TakePlanned(offset);
    if (!ranges.empty())
    {
        ranges.push_back({offset, nbytes});
        return Load(ranges, &m_tiles, err);
    }
    ranges.push_back(Ahead(offset, nbytes));
    return Load(ranges, nbytes < SMALL_BYTES ? &m_tables : &m_tiles, err);
}

// What would take too much of the cache.
enum pyr_result VsiCachedFile::ReadDirect(uint64_t offset, uint8_t *bytes,
                                          size_t nbytes, struct pyr_error *err)
{
    std::vector<struct pyr_extent> requests;
    std::vector<uint8_t *> buffers;
    for (size_t at = 0; at < nbytes; at += MAX_RANGE_BYTES)
    {
        requests.push_back(
            {offset + at, std::min(MAX_RANGE_BYTES, nbytes - at)});
        buffers.push_back(bytes + at);
    }
    return m_source->Read(requests, buffers, m_options.max_requests, err);
}

enum pyr_result VsiCachedFile::Read(uint64_t offset, void *bytes, size_t nbytes,
                                    struct pyr_error *err)
{
    if (!pyr_range_within(offset, nbytes, Size()))
        return pyr_fail(err, PYR_CORRUPT,
                        "ends at byte %llu, before byte %llu of what is read",
                        static_cast<unsigned long long>(Size()),
                        static_cast<unsigned long long>(offset + nbytes));
    if (CopyCached(offset, bytes, nbytes))
        return PYR_OK;
    if (!IsRemote() && nbytes >= SMALL_BYTES)
        return ReadDirect(offset, static_cast<uint8_t *>(bytes), nbytes, err);
    std::lock_guard<std::mutex> guard(m_fetching);
    // Another thread may have fetched it.
    if (CopyCached(offset, bytes, nbytes))
        return PYR_OK;
    if (nbytes <= m_options.cache_bytes / DIRECT_SHARE)
    {
        const enum pyr_result result = LoadFor(offset, nbytes, err);
        if (result != PYR_OK || CopyCached(offset, bytes, nbytes))
            return result;
    }
    return ReadDirect(offset, static_cast<uint8_t *>(bytes), nbytes, err);
}

enum pyr_result
VsiCachedFile::Fetch(const std::vector<struct pyr_extent> &ranges,
                     struct pyr_error *err)
{
    std::vector<struct pyr_extent> within;
    for (const struct pyr_extent &range : ranges)
        if (range.offset_bytes < Size())
            within.push_back(
                {range.offset_bytes,
                 std::min(range.nbytes, Size() - range.offset_bytes)});
    std::lock_guard<std::mutex> guard(m_fetching);
    return Load(within, &m_tables, err);
}

enum pyr_result VsiCachedFile::FetchPlanned(const struct pyr_extent &range,
                                            struct pyr_error *err)
{
    const size_t nbytes = static_cast<size_t>(range.nbytes);
    if (nbytes > MaxPlannedBytes() || Holds(range.offset_bytes, nbytes))
        return PYR_OK;
    std::lock_guard<std::mutex> guard(m_fetching);
    return LoadFor(range.offset_bytes, nbytes, err);
}

size_t VsiCachedFile::MaxPlannedBytes() const
{
    return m_options.cache_bytes / PLAN_SHARE;
}

void VsiCachedFile::Plan(const std::vector<struct pyr_extent> &ranges,
                         bool kept)
{
    const size_t most = MaxPlannedBytes();
    std::lock_guard<std::mutex> guard(m_lock);
    for (const struct pyr_extent &range : ranges)
    {
        const size_t nbytes = static_cast<size_t>(range.nbytes);
        if (range.nbytes > most ||
            !pyr_range_within(range.offset_bytes, range.nbytes, Size()) ||
            m_tiles.Present(range.offset_bytes, nbytes) == nbytes)
            continue;
        Planned &planned = m_plan[range.offset_bytes];
        planned.end_bytes = std::max(planned.end_bytes, EndOf(range));
        planned.kept = planned.kept || kept;
    }
}

void VsiCachedFile::ForgetPlan()
{
    std::lock_guard<std::mutex> guard(m_lock);
    for (auto it = m_plan.begin(); it != m_plan.end();)
        it = it->second.kept ? std::next(it) : m_plan.erase(it);
}

bool VsiCachedFile::Unchanged()
{
    return m_source->Unchanged(m_head.data(), m_head.size());
}

enum pyr_result VsiCachedFile::TakeFailure(struct pyr_error *err)
{
    std::lock_guard<std::mutex> guard(m_lock);
    *err = m_failed;
    return std::exchange(m_failure, PYR_OK);
}

void VsiCachedFile::KeepFailure(enum pyr_result result,
                                const struct pyr_error &err)
{
    std::lock_guard<std::mutex> guard(m_lock);
    if (m_failure != PYR_OK)
        return;
    m_failure = result;
    m_failed = err;
}
