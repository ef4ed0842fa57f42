// SPDX-License-Identifier: MIT
// Slabs of a pyramid whose encoded tiles are copied.
#ifndef COGX_SLABS_H
#define COGX_SLABS_H

#include "cogx_fetcher.h"
#include "pyr_io.h"
#include "pyr_source.h"

#include <map>
#include <string>
#include <tuple>
#include <vector>

struct CogxSlabKey
{
    size_t level; // of the pyramid
    uint32_t row; // of slabs
    uint32_t col;
    bool operator<(const CogxSlabKey &other) const
    {
        return std::tie(level, row, col) <
               std::tie(other.level, other.row, other.col);
    }
};

struct CogxSlab
{
    struct pyr_file *file = nullptr; // nullptr: there is none
    uint64_t nbytes = 0;
    std::vector<uint8_t> index{};
};

// Opened and read by several threads; called by one at a time.
class CogxSlabs final
{
  public:
    // As many are opened at once, at most.
    static constexpr size_t MOST = 64;

    // tiles, and what their slabs are opened with, must outlive this. name: of
    // their pyramid.
    CogxSlabs(const struct pyr_source &tiles, const struct pyr_io &io,
              const std::string &name, unsigned nthreads);
    ~CogxSlabs();
    CogxSlabs(const CogxSlabs &) = delete;
    CogxSlabs &operator=(const CogxSlabs &) = delete;

    // Opens keys, at most MOST, as far as they are not open, and reads their
    // indexes if they are wanted. *slabs hold until the next call. One that was
    // replaced since it was opened first is PYR_IO: positions are no longer
    // its.
    enum pyr_result Open(const std::vector<CogxSlabKey> &keys, bool withIndexes,
                         std::vector<CogxSlab> *slabs, struct pyr_error *err);

    // Fills pieces of slabs, whose numbers are those of the keys that were
    // opened last.
    enum pyr_result Read(const std::vector<CogxSlabKey> &keys,
                         const std::vector<CogxSlab> &slabs,
                         std::vector<CogxPiece> pieces, struct pyr_error *err);

  private:
    enum pyr_result OpenOne(const CogxSlabKey &key, CogxSlab *slab,
                            struct pyr_error *err) const;
    enum pyr_result ReadIndex(const CogxSlabKey &key, CogxSlab *slab,
                              struct pyr_error *err) const;
    bool IsSame(const CogxSlabKey &key, struct pyr_file *file);
    void Close();

    const struct pyr_source &m_tiles;
    const struct pyr_io &m_io;
    CogxFetcher m_fetcher;
    std::map<CogxSlabKey, struct pyr_file *> m_open{};
    std::map<CogxSlabKey, uint64_t> m_stamps{}; // of all that ever were
};

#endif
