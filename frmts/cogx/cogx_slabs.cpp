// SPDX-License-Identifier: MIT
// Slabs of a pyramid whose encoded tiles are copied.
#include "cogx_slabs.h"

#include "pyr_alloc.h"
#include "vsi_io.h"

#include <utility>

namespace
{

// Slabs that are kept open.
constexpr size_t MOST_OPEN = 256;

} // namespace

CogxSlabs::CogxSlabs(const struct pyr_source &tiles, const struct pyr_io &io,
                     const std::string &name, unsigned nthreads)
    : m_tiles(tiles), m_io(io),
      m_fetcher(nthreads, vsi_io_is_remote(name.c_str()))
{
}

CogxSlabs::~CogxSlabs()
{
    Close();
}

void CogxSlabs::Close()
{
    for (const auto &slab : m_open)
        m_io.close(slab.second);
    m_open.clear();
}

// From any thread. *slab stays empty where there is none.
enum pyr_result CogxSlabs::OpenOne(const CogxSlabKey &key, CogxSlab *slab,
                                   struct pyr_error *err) const
{
    char *path = nullptr;
    enum pyr_result result =
        m_tiles.path(m_tiles.user, static_cast<uint32_t>(key.level), key.col,
                     key.row, &path, err);
    if (result == PYR_OK)
        result = m_io.open(m_io.user, path, &slab->file, err);
    if (result != PYR_OK && result != PYR_NOT_FOUND)
        pyr_error_prefix(err, "slab %s", path != nullptr ? path : "");
    pyr_free(path);
    return result == PYR_NOT_FOUND ? PYR_OK : result;
}

// From any thread.
enum pyr_result CogxSlabs::ReadIndex(const CogxSlabKey &key, CogxSlab *slab,
                                     struct pyr_error *err) const
{
    const struct pyr_source_level &level = m_tiles.levels[key.level];
    slab->index.resize(static_cast<size_t>(level.index.nbytes));
    uint8_t *const buffer = slab->index.data();
    const enum pyr_result result =
        m_io.read(slab->file, 1, &level.index, &buffer, err);
    if (result != PYR_OK)
        pyr_error_prefix(err, "level %s, slab %u, %u", level.id, key.col,
                         key.row);
    return result;
}

// Whether it is the one that was opened first; where that can be told.
bool CogxSlabs::IsSame(const CogxSlabKey &key, struct pyr_file *file)
{
    const uint64_t stamp = m_io.stamp(file);
    const uint64_t first = m_stamps.insert({key, stamp}).first->second;
    return first == stamp || first == 0 || stamp == 0;
}

enum pyr_result CogxSlabs::Open(const std::vector<CogxSlabKey> &keys,
                                bool withIndexes, std::vector<CogxSlab> *slabs,
                                struct pyr_error *err)
{
    if (m_open.size() + keys.size() > MOST_OPEN)
        Close();
    slabs->assign(keys.size(), CogxSlab());
    for (size_t i = 0; i < keys.size(); i++)
    {
        const auto found = m_open.find(keys[i]);
        if (found != m_open.end())
            (*slabs)[i].file = found->second;
    }
    enum pyr_result result = m_fetcher.Run(
        keys.size(),
        [&](size_t item, struct pyr_error *of_item) {
            CogxSlab *const slab = &(*slabs)[item];
            const enum pyr_result opened =
                slab->file != nullptr ? PYR_OK
                                      : OpenOne(keys[item], slab, of_item);
            return opened == PYR_OK && slab->file != nullptr && withIndexes
                       ? ReadIndex(keys[item], slab, of_item)
                       : opened;
        },
        err);
    for (size_t i = 0; i < keys.size(); i++)
    {
        CogxSlab &slab = (*slabs)[i];
        if (slab.file == nullptr)
            continue;
        m_open[keys[i]] = slab.file;
        slab.nbytes = m_io.size(slab.file);
        if (!IsSame(keys[i], slab.file) && result == PYR_OK)
            result = pyr_fail(
                err, PYR_IO, "level %s, slab %u, %u: was replaced meanwhile",
                m_tiles.levels[keys[i].level].id, keys[i].col, keys[i].row);
    }
    return result;
}

enum pyr_result CogxSlabs::Read(const std::vector<CogxSlabKey> &keys,
                                const std::vector<CogxSlab> &slabs,
                                std::vector<CogxPiece> pieces,
                                struct pyr_error *err)
{
    return m_fetcher.Fetch(
        std::move(pieces),
        [&](size_t number, const std::vector<struct pyr_extent> &ranges,
            const std::vector<uint8_t *> &buffers, struct pyr_error *of_read) {
            const CogxSlabKey &key = keys[number];
            struct pyr_file *const file = slabs[number].file;
            const enum pyr_result result =
                file == nullptr ? pyr_fail(of_read, PYR_IO, "is gone")
                                : m_io.read(file, ranges.size(), ranges.data(),
                                            buffers.data(), of_read);
            if (result != PYR_OK)
                pyr_error_prefix(of_read, "level %s, slab %u, %u",
                                 m_tiles.levels[key.level].id, key.col,
                                 key.row);
            return result;
        },
        err);
}
