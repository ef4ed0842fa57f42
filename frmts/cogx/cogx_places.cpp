// SPDX-License-Identifier: MIT
// Which bytes of a file the tiles of a window take.
#include "cogx_places.h"

#include <algorithm>

namespace
{

// Before a tile its size, after it its last bytes, where the file has them.
constexpr uint64_t LEADER_BYTES = 4;
constexpr uint64_t TRAILER_BYTES = 4;
// libtiff reads tables in pages of so many bytes, where they begin in the file.
constexpr uint64_t PAGE_BYTES = 4096;
// Most tiles that one window makes known, and bytes of tables that are fetched
// for it at once: the rest is read in its order.
constexpr size_t MAX_TILES = 1 << 17;
constexpr uint64_t MAX_TABLE_BYTES = 4 << 20;

// The level of this size, else the smallest that is not smaller.
const struct cogx_level *FindLevel(const struct cogx_tiff &tiff,
                                   const CogxWindow &window)
{
    const struct cogx_level *found = &tiff.levels[0];
    for (uint32_t i = 0; i < tiff.nlevels; i++)
    {
        const struct cogx_raster &image = tiff.levels[i].image;
        if (image.width_px >= static_cast<uint32_t>(window.width) &&
            image.height_px >= static_cast<uint32_t>(window.height) &&
            image.width_px < found->image.width_px)
            found = &tiff.levels[i];
    }
    return found;
}

// Numbers of tiles, in one direction, of pixels start .. start + size - 1; of
// `wanted` of them, evenly spread, when sampled.
std::vector<uint32_t> TilesAlong(double start, double size, int wanted,
                                 bool sampled, uint32_t tile, uint32_t ntiles)
{
    std::vector<uint32_t> tiles;
    const auto numberAt = [&](double px) {
        const double number = px / tile;
        return static_cast<uint32_t>(
            std::clamp(number, 0.0, static_cast<double>(ntiles - 1)));
    };
    const uint32_t first = numberAt(start);
    const uint32_t last = numberAt(start + std::max(size - 1, 0.0));
    if (!sampled || wanted <= 0 || size / wanted < tile)
    {
        for (uint32_t i = first; i <= last; i++)
            tiles.push_back(i);
        return tiles;
    }
    for (int i = 0; i < wanted; i++)
    {
        const uint32_t number = numberAt(start + (i + 0.5) * size / wanted);
        if (tiles.empty() || tiles.back() != number)
            tiles.push_back(number);
    }
    return tiles;
}

CogxTiles TilesIn(const struct cogx_raster &raster, const CogxWindow &window)
{
    const double xScale = static_cast<double>(raster.width_px) / window.width;
    const double yScale = static_cast<double>(raster.height_px) / window.height;
    CogxTiles tiles;
    tiles.raster = &raster;
    tiles.cols =
        TilesAlong(window.x * xScale, window.xSize * xScale, window.bufWidth,
                   window.sampled, raster.tile_width_px, raster.ncols);
    tiles.rows =
        TilesAlong(window.y * yScale, window.ySize * yScale, window.bufHeight,
                   window.sampled, raster.tile_height_px, raster.nrows);
    if (raster.nplanes == 1)
        tiles.planes.push_back(0);
    else if (window.bands.empty())
        for (uint32_t i = 0; i < raster.nplanes; i++)
            tiles.planes.push_back(i);
    else
        for (const int band : window.bands)
            if (static_cast<uint32_t>(band) <= raster.nplanes)
                tiles.planes.push_back(static_cast<uint32_t>(band - 1));
    return tiles;
}

// Blocks are this image's tiles.
bool HasBlocksOf(const CogxWindow &window, const struct cogx_raster &raster)
{
    if (window.cached.empty() || window.cached[0] == nullptr ||
        raster.nplanes != 1 ||
        raster.width_px != static_cast<uint32_t>(window.width) ||
        raster.height_px != static_cast<uint32_t>(window.height))
        return false;
    int width = 0;
    int height = 0;
    window.cached[0]->GetBlockSize(&width, &height);
    return static_cast<uint32_t>(width) == raster.tile_width_px &&
           static_cast<uint32_t>(height) == raster.tile_height_px;
}

bool IsDecoded(const CogxTiles &tiles, uint32_t col, uint32_t row)
{
    for (GDALRasterBand *band : tiles.cached)
    {
        GDALRasterBlock *const block = band->TryGetLockedBlockRef(
            static_cast<int>(col), static_cast<int>(row));
        if (block == nullptr)
            return false;
        block->DropLock();
    }
    return !tiles.cached.empty();
}

// The bytes of values [first, first + count) of a table, in whole pages.
struct pyr_extent PagesOf(const struct pyr_tiff_tag &tag, uint64_t first,
                          uint64_t count)
{
    const uint64_t size = pyr_tiff_type_bytes(tag.type);
    const uint64_t from = tag.offset_bytes + std::min(first, tag.count) * size;
    const uint64_t to =
        tag.offset_bytes + std::min(first + count, tag.count) * size;
    const uint64_t start = from / PAGE_BYTES * PAGE_BYTES;
    return {start, (to + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES - start};
}

uint64_t IndexOf(const struct cogx_raster &raster, uint32_t plane, uint32_t row,
                 uint32_t col)
{
    return (static_cast<uint64_t>(plane) * raster.nrows + row) * raster.ncols +
           col;
}

// Values of a table; 0 where it is shorter.
enum pyr_result LoadRow(const struct cogx_tiff &tiff,
                        const struct pyr_tiff_tag &tag, uint64_t first,
                        std::vector<uint64_t> *values, struct pyr_error *err)
{
    std::fill(values->begin(), values->end(), 0);
    const uint64_t there = tag.count > first ? tag.count - first : 0;
    const size_t count =
        static_cast<size_t>(std::min<uint64_t>(there, values->size()));
    if (count == 0)
        return PYR_OK;
    return pyr_tiff_uints(&tiff.reader, tiff.tiff, &tag, first, count,
                          values->data(), err);
}

} // namespace

std::vector<CogxTiles> CogxTilesOf(const struct cogx_tiff &tiff,
                                   const CogxWindow &window)
{
    std::vector<CogxTiles> all;
    const struct cogx_level &level = *FindLevel(tiff, window);
    // Neighbours are read in one range.
    const bool together = tiff.structure.masks_interleaved && level.has_mask &&
                          !tiff.structure.edited;
    if (window.image || together)
    {
        all.push_back(TilesIn(level.image, window));
        if (window.image && HasBlocksOf(window, level.image))
            all.back().cached = window.cached;
    }
    if (level.has_mask && (window.mask || together))
    {
        const bool follows = !window.mask; // only as a neighbour of the image
        all.push_back(TilesIn(level.mask, window));
        if (follows)
            all.back().cached = all.front().cached;
        else if (!window.image && HasBlocksOf(window, level.mask))
            all.back().cached = window.cached;
    }
    return all;
}

void CogxAddTables(const CogxTiles &tiles,
                   std::vector<struct pyr_extent> *extents)
{
    const struct cogx_raster &raster = *tiles.raster;
    const uint64_t count = tiles.cols.back() - tiles.cols.front() + 1;
    uint64_t total = 0;
    for (const uint32_t plane : tiles.planes)
        for (const uint32_t row : tiles.rows)
            for (const struct pyr_tiff_tag *tag :
                 {raster.offsets, raster.byte_counts})
            {
                const struct pyr_extent pages = PagesOf(
                    *tag, IndexOf(raster, plane, row, tiles.cols.front()),
                    count);
                if (!extents->empty() &&
                    extents->back().offset_bytes == pages.offset_bytes &&
                    extents->back().nbytes == pages.nbytes)
                    continue;
                extents->push_back(pages);
                total += pages.nbytes;
                if (total > MAX_TABLE_BYTES)
                    return;
            }
}

enum pyr_result CogxRowsWithin(const struct cogx_tiff &tiff,
                               const CogxTiles &tiles, uint64_t max_bytes,
                               size_t *out_nrows, struct pyr_error *err)
{
    const struct cogx_raster &raster = *tiles.raster;
    const uint32_t first = tiles.cols.front();
    std::vector<uint64_t> sizes(tiles.cols.back() - first + 1);
    uint64_t total = 0;
    size_t nrows = 0;
    while (nrows < tiles.rows.size() && (nrows == 0 || total <= max_bytes))
    {
        for (const uint32_t plane : tiles.planes)
        {
            const enum pyr_result result = LoadRow(
                tiff, *raster.byte_counts,
                IndexOf(raster, plane, tiles.rows[nrows], first), &sizes, err);
            if (result != PYR_OK)
                return result;
            for (const uint64_t nbytes : sizes)
                total += std::min(nbytes, max_bytes);
        }
        nrows++;
    }
    *out_nrows = total <= max_bytes || nrows == 1 ? nrows : nrows - 1;
    return PYR_OK;
}

// The bytes of one tile with what stands around it; none: it is left out, or
// lies beyond the file, which GDAL tells of.
static struct pyr_extent PlaceOf(const struct cogx_tiff &tiff, uint64_t offset,
                                 uint64_t nbytes)
{
    const uint64_t size = tiff.reader.size_bytes;
    if (nbytes == 0 || offset < LEADER_BYTES || offset > size ||
        nbytes > size - offset)
        return {0, 0};
    const uint64_t start = offset - (tiff.structure.leader ? LEADER_BYTES : 0);
    const uint64_t end =
        offset + nbytes + (tiff.structure.trailer ? TRAILER_BYTES : 0);
    return {start, std::min(end, size) - start};
}

enum pyr_result CogxAddPlaces(const struct cogx_tiff &tiff,
                              const CogxTiles &tiles,
                              std::vector<struct pyr_extent> *extents,
                              struct pyr_error *err)
{
    const struct cogx_raster &raster = *tiles.raster;
    const uint32_t first = tiles.cols.front();
    std::vector<uint64_t> offsets(tiles.cols.back() - first + 1);
    std::vector<uint64_t> sizes(offsets.size());
    for (const uint32_t plane : tiles.planes)
        for (const uint32_t row : tiles.rows)
        {
            const uint64_t index = IndexOf(raster, plane, row, first);
            enum pyr_result result =
                LoadRow(tiff, *raster.offsets, index, &offsets, err);
            if (result == PYR_OK)
                result = LoadRow(tiff, *raster.byte_counts, index, &sizes, err);
            if (result != PYR_OK)
                return result;
            for (const uint32_t col : tiles.cols)
            {
                const struct pyr_extent place =
                    PlaceOf(tiff, offsets[col - first], sizes[col - first]);
                if (place.nbytes == 0 || IsDecoded(tiles, col, row))
                    continue;
                extents->push_back(place);
                if (extents->size() >= MAX_TILES)
                    return PYR_OK;
            }
        }
    return PYR_OK;
}
