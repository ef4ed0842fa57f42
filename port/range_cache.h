// SPDX-License-Identifier: MIT
// Ranges of a file's bytes in memory, the least recently used dropped first.
#ifndef RANGE_CACHE_H
#define RANGE_CACHE_H

#include "pyr_io.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <vector>

// One thread at a time.
class RangeCache final
{
  public:
    explicit RangeCache(size_t max_bytes) : m_max_bytes(max_bytes)
    {
    }

    // Copies from offset on what stands here without a gap, at most nbytes;
    // returns how many bytes that were.
    size_t Copy(uint64_t offset, void *bytes, size_t nbytes);

    // Bytes of [offset, offset + nbytes) that are here from its start on.
    size_t Present(uint64_t offset, size_t nbytes) const;

    // Adds the parts of range that are not here to *missing.
    void AddMissing(const struct pyr_extent &range,
                    std::vector<struct pyr_extent> *missing) const;

    // Keeps bytes from offset on, but for those that are here already, and
    // drops others for them. What is larger than the cache is not kept.
    void Put(uint64_t offset, std::vector<uint8_t> bytes);

    void Clear();

  private:
    struct Segment
    {
        std::vector<uint8_t> bytes{};
        std::list<uint64_t>::iterator use{}; // in m_uses
    };
    using Segments = std::map<uint64_t, Segment>;

    Segments::const_iterator Find(uint64_t offset) const;
    void DropOldest();
    void PutFree(uint64_t offset, std::vector<uint8_t> bytes);

    const size_t m_max_bytes;
    size_t m_nbytes = 0;
    Segments m_segments{};        // by offset; none overlaps another
    std::list<uint64_t> m_uses{}; // offsets, the oldest use first
};

#endif
