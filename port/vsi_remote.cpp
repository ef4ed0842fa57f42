// SPDX-License-Identifier: MIT
// Files that take a request over a network for each read.
#include "vsi_remote.h"

#include "pyr_alloc.h"
#include "storage_answer.h"

#include "cpl_conv.h"
#include "cpl_string.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <new>

namespace
{

// What descriptors and tile matrix sets are opened with.
constexpr size_t LOAD_BYTES = 256 << 10;
// Requests for one file at once: GDAL sends all ranges of a call together.
constexpr size_t MAX_REQUESTS = 16;
// File systems that count in seconds may not show a change within this time of
// another.
constexpr time_t TICK_S = 2;

uint64_t Mix(uint64_t hash, uint64_t value)
{
    hash ^= value;
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

uint64_t HashOf(const std::vector<uint8_t> &bytes)
{
    uint64_t hash = bytes.size();
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= bytes.size(); at += sizeof(uint64_t))
    {
        uint64_t word = 0;
        memcpy(&word, bytes.data() + at, sizeof(word));
        hash = Mix(hash, word);
    }
    for (; at < bytes.size(); at++)
        hash = Mix(hash, bytes[at]);
    return hash;
}

// Object storages do not say whether there is nothing, or nothing to see for
// this user.
bool IsMissing(enum pyr_result result)
{
    return result == PYR_NOT_FOUND ||
           (result == PYR_IO && StorageForbidsAbsent());
}

} // namespace

enum pyr_result VsiRemoteFile::Open(const char *path, size_t head_bytes,
                                    std::unique_ptr<VsiRemoteFile> *out_file,
                                    struct pyr_error *err)
{
    std::unique_ptr<VsiRemoteFile> file(new (std::nothrow) VsiRemoteFile);
    if (file == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    const enum pyr_result result =
        VsiSource::Open(path, head_bytes, &file->m_source, &file->m_head, err);
    if (IsMissing(result))
        return pyr_fail(err, PYR_NOT_FOUND, "does not exist");
    if (result != PYR_OK)
        return result;
    file->m_stamp = file->MakeStamp();
    *out_file = std::move(file);
    return PYR_OK;
}

// Of the first bytes, too: they hold the index, which hardly stays the same
// when tiles do not.
uint64_t VsiRemoteFile::MakeStamp() const
{
    static std::atomic<uint64_t> number{0};
    const time_t changed = m_source->Time();
    if (changed == 0 || time(nullptr) - changed < TICK_S)
        return Mix(5, ++number) | 1;
    return Mix(Mix(HashOf(m_head), Size()), static_cast<uint64_t>(changed)) | 1;
}

enum pyr_result VsiRemoteFile::Read(size_t nranges,
                                    const struct pyr_extent *ranges,
                                    uint8_t *const *buffers,
                                    RequestBudget *budget,
                                    struct pyr_error *err)
{
    std::vector<struct pyr_extent> missing;
    std::vector<uint8_t *> places;
    for (size_t i = 0; i < nranges; i++)
    {
        struct pyr_extent range = ranges[i];
        uint8_t *place = buffers[i];
        if (range.offset_bytes < m_head.size())
        {
            const uint64_t known = std::min<uint64_t>(
                range.nbytes, m_head.size() - range.offset_bytes);
            memcpy(place, m_head.data() + range.offset_bytes,
                   static_cast<size_t>(known));
            range.offset_bytes += known;
            range.nbytes -= known;
            place += known;
        }
        if (range.nbytes == 0)
            continue;
        missing.push_back(range);
        places.push_back(place);
    }
    enum pyr_result result = PYR_OK;
    for (size_t first = 0; first < missing.size() && result == PYR_OK;)
    {
        const size_t left = missing.size() - first;
        const size_t count = budget != nullptr
                                 ? std::min(budget->Take(left), left)
                                 : std::min(left, MAX_REQUESTS);
        const auto begin = static_cast<ptrdiff_t>(first);
        const auto end = static_cast<ptrdiff_t>(first + count);
        result = m_source->Read(
            {missing.begin() + begin, missing.begin() + end},
            {places.begin() + begin, places.begin() + end}, count, err);
        if (budget != nullptr)
            budget->Give(count);
        first += count;
    }
    if (result != PYR_OK)
        m_failed = true;
    return result;
}

bool vsi_remote_exists(const char *path)
{
    struct pyr_error err = {""};
    std::unique_ptr<VsiSource> source;
    std::vector<uint8_t> head;
    return VsiSource::Open(path, 1, &source, &head, &err) == PYR_OK;
}

std::string vsi_remote_version(const char *path)
{
    struct pyr_error err = {""};
    std::unique_ptr<VsiSource> source;
    std::vector<uint8_t> head;
    if (VsiSource::Open(path, LOAD_BYTES, &source, &head, &err) != PYR_OK)
        return "";
    return CPLSPrintf("%lld %llu %016llx",
                      static_cast<long long>(source->Time()),
                      static_cast<unsigned long long>(source->Size()),
                      static_cast<unsigned long long>(HashOf(head)));
}

// Most fit the first bytes, which are read with the opening.
enum pyr_result vsi_remote_load(const char *path, size_t max_bytes,
                                char **out_text, size_t *out_nbytes,
                                struct pyr_error *err)
{
    std::unique_ptr<VsiSource> source;
    std::vector<uint8_t> head;
    enum pyr_result result =
        VsiSource::Open(path, LOAD_BYTES, &source, &head, err);
    if (result != PYR_OK)
        return result;
    const uint64_t size = source->Size();
    if (size > max_bytes)
        return pyr_fail(err, PYR_LIMIT,
                        "has %llu bytes, the most that is read is %llu",
                        static_cast<unsigned long long>(size),
                        static_cast<unsigned long long>(max_bytes));
    char *const text =
        static_cast<char *>(pyr_malloc(static_cast<size_t>(size) + 1));
    if (text == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    if (!head.empty())
        memcpy(text, head.data(), head.size());
    if (head.size() < size)
        result = source->Read({{head.size(), size - head.size()}},
                              {reinterpret_cast<uint8_t *>(text) + head.size()},
                              1, err);
    if (result != PYR_OK)
    {
        pyr_free(text);
        return result;
    }
    text[size] = '\0';
    *out_text = text;
    *out_nbytes = static_cast<size_t>(size);
    return PYR_OK;
}
