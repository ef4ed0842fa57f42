/* SPDX-License-Identifier: MIT */
/* Validity of pixels, from data and mask slabs together. */
#include "rok4_mask.h"

#include <string.h>

/* Where the mask's pixels go. */
struct target
{
    uint8_t *bytes;
    size_t row_bytes;
};

static void store(void *user, const uint8_t *pixels, size_t row_bytes,
                  uint32_t px_x, uint32_t px_y, uint32_t width_px,
                  uint32_t height_px)
{
    const struct target *const target = user;
    for (uint32_t row = 0; row < height_px; row++)
    {
        uint8_t *const out =
            target->bytes + (px_y + row) * target->row_bytes + px_x;
        if (pixels == NULL)
        {
            memset(out, 0, width_px);
            continue;
        }
        const uint8_t *const in = pixels + row * row_bytes;
        for (uint32_t col = 0; col < width_px; col++)
            out[col] = in[col] != 0 ? 255 : 0;
    }
}

/* Sets the part of one tile that meets the window. */
static void fill_tile(const struct target *target,
                      const struct pyr_window *window,
                      const struct pyr_source_level *level, int64_t tile_col,
                      int64_t tile_row, uint8_t value)
{
    int64_t left = tile_col * level->shape.width_px - window->px_x;
    int64_t top = tile_row * level->shape.height_px - window->px_y;
    int64_t right = left + level->shape.width_px;
    int64_t bottom = top + level->shape.height_px;
    left = left < 0 ? 0 : left;
    top = top < 0 ? 0 : top;
    right = right > window->width_px ? window->width_px : right;
    bottom = bottom > window->height_px ? window->height_px : bottom;
    for (int64_t row = top; row < bottom && left < right; row++)
        memset(target->bytes + (size_t)row * target->row_bytes + (size_t)left,
               value, (size_t)(right - left));
}

/* Corrects one tile where data and mask slabs are not both there. */
static enum pyr_result settle_tile(struct pyr_reader *data,
                                   struct pyr_reader *mask,
                                   const struct pyr_source_level *level,
                                   const struct pyr_window *window,
                                   const struct target *target,
                                   uint32_t tile_col, uint32_t tile_row,
                                   size_t cache_bytes, struct pyr_error *err)
{
    enum pyr_presence presence = PYR_OUTSIDE;
    struct pyr_extent extent = {0, 0};
    enum pyr_result result =
        pyr_reader_locate(data, window->level, tile_col, tile_row, cache_bytes,
                          &presence, &extent, err);
    if (result != PYR_OK)
        return result;
    if (presence != PYR_PRESENT)
    {
        fill_tile(target, window, level, tile_col, tile_row, 0);
        return PYR_OK;
    }
    result = pyr_reader_locate(mask, window->level, tile_col, tile_row,
                               cache_bytes, &presence, &extent, err);
    if (result == PYR_OK && presence == PYR_NO_CONTAINER)
        fill_tile(target, window, level, tile_col, tile_row, 255);
    return result;
}

enum pyr_result rok4_mask_read(struct pyr_reader *data, struct pyr_reader *mask,
                               const struct pyr_source_level *level,
                               const struct pyr_window *window,
                               uint8_t *out_mask, size_t row_bytes,
                               size_t cache_bytes, struct pyr_error *err)
{
    struct target target = {out_mask, row_bytes};
    const struct pyr_window_sink sink = {&target, store, NULL};
    const int64_t tile_width = level->shape.width_px;
    const int64_t tile_height = level->shape.height_px;
    enum pyr_result result =
        pyr_reader_read(mask, window, &sink, cache_bytes, err);
    if (result != PYR_OK)
        return result;

    int64_t first_col = window->px_x > 0 ? window->px_x / tile_width : 0;
    int64_t first_row = window->px_y > 0 ? window->px_y / tile_height : 0;
    int64_t end_col = (window->px_x + window->width_px + tile_width - 1);
    int64_t end_row = (window->px_y + window->height_px + tile_height - 1);
    end_col = end_col > 0 ? end_col / tile_width : 0;
    end_row = end_row > 0 ? end_row / tile_height : 0;
    if (first_col < level->limits.min_col)
        first_col = level->limits.min_col;
    if (first_row < level->limits.min_row)
        first_row = level->limits.min_row;
    if (end_col > (int64_t)level->limits.max_col + 1)
        end_col = (int64_t)level->limits.max_col + 1;
    if (end_row > (int64_t)level->limits.max_row + 1)
        end_row = (int64_t)level->limits.max_row + 1;
    for (int64_t row = first_row; row < end_row; row++)
        for (int64_t col = first_col; col < end_col && result == PYR_OK; col++)
            result =
                settle_tile(data, mask, level, window, &target, (uint32_t)col,
                            (uint32_t)row, cache_bytes, err);
    return result;
}
