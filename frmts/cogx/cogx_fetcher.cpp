// SPDX-License-Identifier: MIT
// Encoded tiles read from their files, many at once.
#include "cogx_fetcher.h"

#include "job_context.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace
{

// Requests under way at once, at least: they wait more than they work.
constexpr unsigned REMOTE_THREADS = 16;
// What one thread reads at once; more where a single piece takes more.
constexpr uint64_t PART_BYTES = 512 << 10;
// Pieces that are less apart make one request.
constexpr uint64_t MERGE_GAP_BYTES = 4096;

uint64_t EndOf(const struct pyr_extent &range)
{
    return range.offset_bytes + range.nbytes;
}

} // namespace

// What the threads of a job share.
struct CogxFetcher::Job
{
    explicit Job(const Item &given) : item(given)
    {
    }

    const Item &item;
    JobContext context{};
    std::mutex lock{};
    size_t failed = SIZE_MAX; // the lowest number that has
    enum pyr_result result = PYR_OK;
    struct pyr_error err = {""};
};

CogxFetcher::CogxFetcher(unsigned nthreads, bool remote)
    : m_nthreads(remote ? std::max(nthreads, REMOTE_THREADS) : nthreads),
      m_remote(remote)
{
}

void CogxFetcher::RunItem(void *user, unsigned, size_t item)
{
    Job &job = *static_cast<Job *>(user);
    struct pyr_error err = {""};
    enum pyr_result result = PYR_OK;
    try
    {
        result = job.item(item, &err);
    }
    catch (const std::bad_alloc &)
    {
        result = pyr_fail(&err, PYR_NOMEM, "out of memory");
    }
    if (result == PYR_OK)
        return;
    const std::lock_guard<std::mutex> guard(job.lock);
    if (item >= job.failed)
        return;
    job.failed = item;
    job.result = result;
    job.err = err;
}

void CogxFetcher::EnterThread(void *user, unsigned)
{
    static_cast<Job *>(user)->context.Enter();
}

void CogxFetcher::LeaveThread(void *user, unsigned)
{
    static_cast<Job *>(user)->context.Leave();
}

enum pyr_result CogxFetcher::Run(size_t nitems, const Item &item,
                                 struct pyr_error *err)
{
    if (m_runtime == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    Job shared(item);
    struct pyr_job job = {};
    job.user = &shared;
    job.run = RunItem;
    job.enter = EnterThread;
    job.leave = LeaveThread;
    pyr_pool_run(m_runtime->pool, &job, nitems, m_nthreads);
    shared.context.Relay(shared.result == PYR_OK);
    if (shared.result != PYR_OK)
        *err = shared.err;
    return shared.result;
}

// Pieces are in the order of the files and of the bytes there.
std::vector<CogxFetcher::Part>
CogxFetcher::PartsOf(const std::vector<CogxPiece> &pieces) const
{
    std::vector<Part> parts;
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t nbytes = 0;
    for (size_t i = 0; i < pieces.size(); i++)
    {
        const struct pyr_extent &range = pieces[i].range;
        nbytes += range.nbytes;
        const bool close = range.offset_bytes <= end + MERGE_GAP_BYTES &&
                           EndOf(range) - begin <= PART_BYTES;
        if (i > 0 && pieces[i].file == pieces[i - 1].file &&
            (m_remote ? close : nbytes <= PART_BYTES))
        {
            parts.back().end = i + 1;
            end = std::max(end, EndOf(range));
            continue;
        }
        parts.push_back({i, i + 1});
        begin = range.offset_bytes;
        end = EndOf(range);
        nbytes = range.nbytes;
    }
    return parts;
}

enum pyr_result CogxFetcher::FetchPart(const CogxPiece *pieces, size_t npieces,
                                       const Reader &read,
                                       struct pyr_error *err) const
{
    if (npieces == 1 || !m_remote)
    {
        std::vector<struct pyr_extent> ranges;
        std::vector<uint8_t *> buffers;
        for (size_t i = 0; i < npieces; i++)
        {
            ranges.push_back(pieces[i].range);
            buffers.push_back(pieces[i].bytes);
        }
        return read(pieces[0].file, ranges, buffers, err);
    }
    const uint64_t begin = pieces[0].range.offset_bytes;
    uint64_t end = begin;
    for (size_t i = 0; i < npieces; i++)
        end = std::max(end, EndOf(pieces[i].range));
    std::vector<uint8_t> all(static_cast<size_t>(end - begin));
    const enum pyr_result result =
        read(pieces[0].file, {{begin, end - begin}}, {all.data()}, err);
    for (size_t i = 0; i < npieces && result == PYR_OK; i++)
        memcpy(pieces[i].bytes,
               all.data() + (pieces[i].range.offset_bytes - begin),
               static_cast<size_t>(pieces[i].range.nbytes));
    return result;
}

enum pyr_result CogxFetcher::Fetch(std::vector<CogxPiece> pieces,
                                   const Reader &read, struct pyr_error *err)
{
    std::sort(pieces.begin(), pieces.end(),
              [](const CogxPiece &left, const CogxPiece &right) {
                  return left.file != right.file ? left.file < right.file
                                                 : left.range.offset_bytes <
                                                       right.range.offset_bytes;
              });
    const std::vector<Part> parts = PartsOf(pieces);
    return Run(
        parts.size(),
        [&](size_t item, struct pyr_error *of_item) {
            const Part &part = parts[item];
            return FetchPart(&pieces[part.first], part.end - part.first, read,
                             of_item);
        },
        err);
}
