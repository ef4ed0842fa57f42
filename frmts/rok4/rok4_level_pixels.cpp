// SPDX-License-Identifier: MIT
// Pixels of a level of an open pyramid, and which of them count.
#include "rok4_level_pixels.h"

#include "job_context.h"
#include "rok4_mask.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace
{

// Side of the blocks in which a level is read, unless its tiles are larger: a
// mask of 16 MiB, and a list of a few hundred tiles.
constexpr int64_t BLOCK_SIDE_PX = 4096;

// Slabs that are looked for before we say that we do not know.
constexpr int64_t MAX_SLABS_LOOKED_FOR = 4096;

int64_t FloorDivide(int64_t value, int64_t divisor)
{
    return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor);
}

// Where the block ends that begins with positions[first]: at a tile's border.
size_t BlockEnd(const std::vector<int64_t> &positions, size_t first,
                int64_t tile_px)
{
    const bool dense = first + 1 < positions.size() &&
                       positions[first + 1] - positions[first] <= tile_px;
    const int64_t tiles =
        dense ? std::max<int64_t>(1, BLOCK_SIDE_PX / tile_px) : 1;
    const int64_t end =
        (FloorDivide(positions[first], tile_px) + tiles) * tile_px;
    return static_cast<size_t>(
        std::lower_bound(positions.begin() + first, positions.end(), end) -
        positions.begin());
}

template <size_t nbytes>
void CopyPixels(const GByte *from, const int64_t *columns, int64_t left,
                size_t count, GByte *to)
{
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * nbytes, from + (columns[i] - left) * nbytes, nbytes);
}

// Copies the pixels in these columns of a row whose first column is left.
void CopyColumns(const GByte *from, const int64_t *columns, int64_t left,
                 size_t count, size_t pixel_bytes, GByte *to)
{
    if (columns[count - 1] - columns[0] == static_cast<int64_t>(count) - 1)
    {
        memcpy(to, from + (columns[0] - left) * pixel_bytes,
               count * pixel_bytes);
        return;
    }
    switch (pixel_bytes)
    {
        case 1:
            CopyPixels<1>(from, columns, left, count, to);
            return;
        case 3:
            CopyPixels<3>(from, columns, left, count, to);
            return;
        case 4:
            CopyPixels<4>(from, columns, left, count, to);
            return;
    }
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * pixel_bytes, from + (columns[i] - left) * pixel_bytes,
               pixel_bytes);
}

// A sample as a number.
double Sample(const GByte *at, enum pyr_sample sample)
{
    if (sample == PYR_SAMPLE_UINT8)
        return *at;
    float value = 0;
    memcpy(&value, at, sizeof(value));
    return value;
}

} // namespace

// Columns and rows of a part of what Pick fills.
struct Rok4LevelPixels::Block
{
    const Rok4LevelPixels *level;
    const int64_t *columns;
    const int64_t *rows;
    size_t ncolumns; // >= 1
    size_t nrows;    // >= 1
    GByte *pixels;   // of its first column and row
    GByte *valid;
    size_t stride; // pixels from row to row
};

Rok4LevelPixels::Rok4LevelPixels(std::shared_ptr<Rok4Pyramid> pyramid,
                                 size_t level)
    : m_pyramid(std::move(pyramid)), m_level(level)
{
    const struct rok4_descriptor &descriptor = *m_pyramid->Get()->descriptor;
    const struct pyr_tile_shape &shape = Shape();
    if (m_pyramid->MaskReader() != nullptr)
        m_counting = Counting::Mask;
    else if (shape.bands == 2 || shape.bands == 4)
        m_counting = Counting::Alpha;
    else if (shape.bands == 1)
        m_counting = Counting::Nodata;
    for (uint32_t i = 0; i < shape.bands; i++)
    {
        double value = Rok4FillValue(descriptor, static_cast<int>(i) + 1);
        if (HasAlpha() && i + 1 == shape.bands)
            value = 0;
        const float real = static_cast<float>(value);
        if (shape.sample == PYR_SAMPLE_FLOAT32)
            memcpy(m_nodata + i * sizeof(real), &real, sizeof(real));
        else
            m_nodata[i] = static_cast<GByte>(value);
    }
}

bool Rok4LevelPixels::MayHold(int64_t left, int64_t top, int64_t right,
                              int64_t bottom) const
{
    const struct pyr_source_level &level = m_pyramid->Level(m_level);
    const struct pyr_grid_limits &limits = level.limits;
    const int64_t min_col =
        std::max<int64_t>(limits.min_col, FloorDivide(left, Shape().width_px));
    const int64_t min_row =
        std::max<int64_t>(limits.min_row, FloorDivide(top, Shape().height_px));
    const int64_t max_col = std::min<int64_t>(
        limits.max_col, FloorDivide(right - 1, Shape().width_px));
    const int64_t max_row = std::min<int64_t>(
        limits.max_row, FloorDivide(bottom - 1, Shape().height_px));
    if (min_col > max_col || min_row > max_row)
        return false;
    const int64_t slab_width = level.container_width_tiles;
    const int64_t slab_height = level.container_height_tiles;
    if ((max_col / slab_width - min_col / slab_width + 1) *
            (max_row / slab_height - min_row / slab_height + 1) >
        MAX_SLABS_LOOKED_FOR)
        return true;
    for (int64_t row = min_row; row <= max_row;
         row = (row / slab_height + 1) * slab_height)
        for (int64_t col = min_col; col <= max_col;
             col = (col / slab_width + 1) * slab_width)
        {
            enum pyr_presence presence = PYR_OUTSIDE;
            struct pyr_extent extent = {};
            struct pyr_error err = {""};
            if (pyr_reader_locate(
                    m_pyramid->DataReader(), static_cast<uint32_t>(m_level),
                    static_cast<uint32_t>(col), static_cast<uint32_t>(row),
                    Rok4CacheBytes(), &presence, &extent, &err) != PYR_OK ||
                presence == PYR_PRESENT || presence == PYR_EMPTY_TILE)
                return true; // a failure is for the reading to tell
        }
    return false;
}

void Rok4LevelPixels::Mark(GByte *pixels, GByte *valid, size_t count) const
{
    const struct pyr_tile_shape &shape = Shape();
    const size_t pixel_bytes = pyr_pixel_bytes(&shape);
    memset(valid, 255, count);
    if (m_counting == Counting::All || m_counting == Counting::Mask)
        return;
    if (m_counting == Counting::Nodata)
    {
        const double nodata = Sample(m_nodata, shape.sample);
        for (size_t i = 0; i < count; i++)
        {
            const double value = Sample(pixels + i * pixel_bytes, shape.sample);
            if (value == nodata || std::isnan(value))
                valid[i] = 0;
        }
    }
    else
    {
        const size_t alpha = (shape.bands - 1) * pyr_sample_bytes(shape.sample);
        for (size_t i = 0; i < count; i++)
            if (Sample(pixels + i * pixel_bytes + alpha, shape.sample) == 0)
                valid[i] = 0;
    }
    Clear(pixels, valid, count);
}

void Rok4LevelPixels::Clear(GByte *pixels, const GByte *valid,
                            size_t count) const
{
    const size_t pixel_bytes = pyr_pixel_bytes(&Shape());
    if (memchr(valid, 0, count) == nullptr)
        return;
    for (size_t i = 0; i < count; i++)
        if (valid[i] == 0)
            memcpy(pixels + i * pixel_bytes, m_nodata, pixel_bytes);
}

void Rok4LevelPixels::Store(void *user, const uint8_t *pixels, size_t row_bytes,
                            uint32_t px_x, uint32_t px_y, uint32_t width_px,
                            uint32_t height_px)
{
    const Block &block = *static_cast<const Block *>(user);
    const Rok4LevelPixels &level = *block.level;
    const size_t pixel_bytes = pyr_pixel_bytes(&level.Shape());
    const int64_t left = block.columns[0] + px_x;
    const int64_t top = block.rows[0] + px_y;
    const int64_t *const end = block.columns + block.ncolumns;
    const int64_t *const columns = std::lower_bound(block.columns, end, left);
    const size_t ncolumns = static_cast<size_t>(
        std::lower_bound(columns, end, left + width_px) - columns);
    const size_t col = static_cast<size_t>(columns - block.columns);
    if (ncolumns == 0)
        return;
    for (size_t row = 0; row < block.nrows; row++)
    {
        if (block.rows[row] < top || block.rows[row] >= top + height_px)
            continue;
        const size_t at = row * block.stride + col;
        GByte *const to = block.pixels + at * pixel_bytes;
        if (pixels == nullptr)
        {
            memset(block.valid + at, 0, ncolumns);
            level.Clear(to, block.valid + at, ncolumns);
            continue;
        }
        CopyColumns(pixels + (block.rows[row] - top) * row_bytes, columns, left,
                    ncolumns, pixel_bytes, to);
        level.Mark(to, block.valid + at, ncolumns);
    }
}

enum pyr_result Rok4LevelPixels::PickMask(const Block &block,
                                          const struct pyr_window &window,
                                          struct pyr_error *err) const
{
    const Rok4Bytes mask(static_cast<GByte *>(
        VSI_MALLOC2_VERBOSE(window.width_px, window.height_px)));
    if (mask == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory for a mask");
    const enum pyr_result result =
        rok4_mask_read(m_pyramid->DataReader(), m_pyramid->MaskReader(),
                       &m_pyramid->Level(m_level), &window, mask.get(),
                       window.width_px, Rok4CacheBytes(), err);
    if (result != PYR_OK)
        return result;
    const size_t pixel_bytes = pyr_pixel_bytes(&Shape());
    for (size_t row = 0; row < block.nrows; row++)
    {
        const GByte *const from =
            mask.get() + (block.rows[row] - window.px_y) * window.width_px;
        const size_t at = row * block.stride;
        CopyColumns(from, block.columns, window.px_x, block.ncolumns, 1,
                    block.valid + at);
        Clear(block.pixels + at * pixel_bytes, block.valid + at,
              block.ncolumns);
    }
    return PYR_OK;
}

enum pyr_result Rok4LevelPixels::PickBlock(const Block &block,
                                           struct pyr_error *err) const
{
    struct pyr_window window = {};
    window.level = static_cast<uint32_t>(m_level);
    window.px_x = block.columns[0];
    window.px_y = block.rows[0];
    window.width_px = static_cast<uint32_t>(block.columns[block.ncolumns - 1] -
                                            block.columns[0] + 1);
    window.height_px =
        static_cast<uint32_t>(block.rows[block.nrows - 1] - block.rows[0] + 1);
    struct pyr_window_sink sink = {};
    sink.user = const_cast<Block *>(&block);
    sink.store = Store;
    const enum pyr_result result = pyr_reader_read(
        m_pyramid->DataReader(), &window, &sink, Rok4CacheBytes(), err);
    if (result != PYR_OK || m_counting != Counting::Mask)
        return result;
    return PickMask(block, window, err);
}

enum pyr_result Rok4LevelPixels::Pick(const std::vector<int64_t> &columns,
                                      const std::vector<int64_t> &rows,
                                      GByte *pixels, GByte *valid,
                                      struct pyr_error *err) const
{
    const size_t pixel_bytes = pyr_pixel_bytes(&Shape());
    JobContext job;
    JobContext *const before = m_pyramid->SetJob(&job);
    enum pyr_result result = PYR_OK;
    for (size_t row = 0; row < rows.size() && result == PYR_OK;)
    {
        const size_t next_row = BlockEnd(rows, row, Shape().height_px);
        for (size_t col = 0; col < columns.size() && result == PYR_OK;)
        {
            const size_t next_col = BlockEnd(columns, col, Shape().width_px);
            const size_t at = row * columns.size() + col;
            const Block block = {
                this,           columns.data() + col, rows.data() + row,
                next_col - col, next_row - row,       pixels + at * pixel_bytes,
                valid + at,     columns.size()};
            result = PickBlock(block, err);
            col = next_col;
        }
        row = next_row;
    }
    m_pyramid->SetJob(before);
    job.Relay(result == PYR_OK);
    return result;
}

enum pyr_result Rok4LevelPixels::Read(int64_t left, int64_t top, uint32_t width,
                                      uint32_t height, GByte *pixels,
                                      GByte *valid, struct pyr_error *err) const
{
    std::vector<int64_t> columns(width);
    std::vector<int64_t> rows(height);
    for (uint32_t i = 0; i < width; i++)
        columns[i] = left + i;
    for (uint32_t i = 0; i < height; i++)
        rows[i] = top + i;
    return Pick(columns, rows, pixels, valid, err);
}

enum pyr_coverage Rok4CoverageOf(const GByte *valid, size_t count)
{
    if (memchr(valid, 255, count) == nullptr)
        return PYR_COVERS_NOTHING;
    return memchr(valid, 0, count) == nullptr ? PYR_COVERS_ALL
                                              : PYR_COVERS_PART;
}
