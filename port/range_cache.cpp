// SPDX-License-Identifier: MIT
// Ranges of a file's bytes in memory, the least recently used dropped first.
#include "range_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

// The segment that holds the byte at offset, or the end.
RangeCache::Segments::const_iterator RangeCache::Find(uint64_t offset) const
{
    auto it = m_segments.upper_bound(offset);
    if (it == m_segments.begin())
        return m_segments.end();
    --it;
    return offset - it->first < it->second.bytes.size() ? it : m_segments.end();
}

size_t RangeCache::Copy(uint64_t offset, void *bytes, size_t nbytes)
{
    size_t done = 0;
    while (done < nbytes)
    {
        const auto it = Find(offset + done);
        if (it == m_segments.end())
            break;
        const size_t start = static_cast<size_t>(offset + done - it->first);
        const size_t count =
            std::min(nbytes - done, it->second.bytes.size() - start);
        memcpy(static_cast<uint8_t *>(bytes) + done,
               it->second.bytes.data() + start, count);
        m_uses.splice(m_uses.end(), m_uses, it->second.use);
        done += count;
    }
    return done;
}

size_t RangeCache::Present(uint64_t offset, size_t nbytes) const
{
    size_t done = 0;
    while (done < nbytes)
    {
        const auto it = Find(offset + done);
        if (it == m_segments.end())
            break;
        done += it->second.bytes.size() -
                static_cast<size_t>(offset + done - it->first);
    }
    return std::min(done, nbytes);
}

void RangeCache::AddMissing(const struct pyr_extent &range,
                            std::vector<struct pyr_extent> *missing) const
{
    const uint64_t end = range.offset_bytes + range.nbytes;
    uint64_t at = range.offset_bytes;
    while (at < end)
    {
        const auto it = Find(at);
        if (it != m_segments.end())
        {
            at = it->first + it->second.bytes.size();
            continue;
        }
        const auto next = m_segments.upper_bound(at);
        const uint64_t stop =
            next == m_segments.end() ? end : std::min(end, next->first);
        missing->push_back({at, stop - at});
        at = stop;
    }
}

void RangeCache::DropOldest()
{
    const auto it = m_segments.find(m_uses.front());
    m_nbytes -= it->second.bytes.size();
    m_segments.erase(it);
    m_uses.pop_front();
}

// Like Put(), but none of the bytes is here.
void RangeCache::PutFree(uint64_t offset, std::vector<uint8_t> bytes)
{
    const size_t nbytes = bytes.size();
    if (nbytes == 0 || nbytes > m_max_bytes)
        return;
    while (m_nbytes > m_max_bytes - nbytes)
        DropOldest();
    Segment segment;
    segment.bytes = std::move(bytes);
    segment.use = m_uses.insert(m_uses.end(), offset);
    m_nbytes += nbytes;
    m_segments.emplace(offset, std::move(segment));
}

void RangeCache::Put(uint64_t offset, std::vector<uint8_t> bytes)
{
    std::vector<struct pyr_extent> missing;
    AddMissing({offset, bytes.size()}, &missing);
    if (missing.size() == 1 && missing[0].nbytes == bytes.size())
    {
        PutFree(offset, std::move(bytes));
        return;
    }
    for (const struct pyr_extent &part : missing)
    {
        const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(
                                               part.offset_bytes - offset);
        PutFree(part.offset_bytes,
                std::vector<uint8_t>(
                    first, first + static_cast<std::ptrdiff_t>(part.nbytes)));
    }
}

void RangeCache::Clear()
{
    m_segments.clear();
    m_uses.clear();
    m_nbytes = 0;
}
