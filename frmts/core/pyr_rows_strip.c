/* SPDX-License-Identifier: MIT */
/* The rows engine: the memory of rows of tiles. */
#include "pyr_rows_priv.h"

#include "pyr_alloc.h"
#include "pyr_arith.h"
#include "pyr_kernel_priv.h"

#include <string.h>

struct pyr_rows_strip *pyr_rows_current(struct pyr_rows_level *level)
{
    return &level->strips[level->current];
}

static uint32_t block_cols(const struct pyr_rows_level *level, uint32_t block)
{
    const uint32_t left = level->ncols - block * level->block_cols;
    return left < level->block_cols ? left : level->block_cols;
}

size_t pyr_rows_block_row_px(const struct pyr_rows *rows,
                             const struct pyr_rows_level *level, uint32_t block)
{
    return (size_t)block_cols(level, block) * rows->tile_width_px;
}

/* Pixels of a block in front of one. */
static size_t offset_px(const struct pyr_rows *rows,
                        const struct pyr_rows_level *level, uint32_t px_x,
                        uint32_t strip_row, uint32_t *out_block)
{
    const uint32_t block_px = level->block_cols * rows->tile_width_px;
    *out_block = px_x / block_px;
    return strip_row * pyr_rows_block_row_px(rows, level, *out_block) +
           px_x % block_px;
}

uint8_t *pyr_rows_pixel(const struct pyr_rows *rows,
                        const struct pyr_rows_level *level,
                        const struct pyr_rows_strip *strip, uint32_t px_x,
                        uint32_t strip_row)
{
    uint32_t block = 0;
    const size_t offset = offset_px(rows, level, px_x, strip_row, &block);
    return strip->blocks[block].pixels + offset * rows->pixel_bytes;
}

uint8_t *pyr_rows_mask(const struct pyr_rows *rows,
                       const struct pyr_rows_level *level,
                       const struct pyr_rows_strip *strip, uint32_t px_x,
                       uint32_t strip_row)
{
    uint32_t block = 0;
    const size_t offset = offset_px(rows, level, px_x, strip_row, &block);
    return strip->blocks[block].mask == NULL
               ? NULL
               : strip->blocks[block].mask + offset;
}

bool pyr_rows_need_block(const struct pyr_rows *rows,
                         const struct pyr_rows_level *level,
                         struct pyr_rows_strip *strip, uint32_t col)
{
    const uint32_t number = col / level->block_cols;
    struct pyr_rows_block *const block = &strip->blocks[number];
    const size_t npixels = pyr_rows_block_row_px(rows, level, number) *
                           (level->history + rows->tile_height_px);
    if (block->pixels == NULL)
        block->pixels = pyr_malloc(npixels * rows->pixel_bytes);
    if (block->mask == NULL && rows->options->masks)
        block->mask = pyr_malloc(npixels);
    return block->pixels != NULL &&
           (block->mask != NULL || !rows->options->masks);
}

void pyr_rows_fill(const struct pyr_rows *rows,
                   const struct pyr_rows_level *level,
                   const struct pyr_rows_strip *strip, uint32_t col,
                   uint32_t strip_row, uint32_t nrows)
{
    const uint32_t px_x = col * rows->tile_width_px;
    for (uint32_t i = 0; i < nrows; i++)
    {
        uint8_t *const mask =
            pyr_rows_mask(rows, level, strip, px_x, strip_row + i);
        memcpy(pyr_rows_pixel(rows, level, strip, px_x, strip_row + i),
               rows->fill_row, rows->tile_width_px * rows->pixel_bytes);
        if (mask != NULL)
            memset(mask, 0, rows->tile_width_px);
    }
}

static bool all_nan(const struct pyr_rows *rows, const uint8_t *pixels,
                    size_t width_px)
{
    const enum pyr_type type = rows->options->format.type;
    const size_t nbytes = pyr_type_bytes(type);
    for (size_t i = 0; i < width_px * rows->options->format.bands; i++)
    {
        double value = 0.0;
        pyr_samples_load(type, pixels + i * nbytes, 1, 1, &value);
        if (value == value)
            return false;
    }
    return true;
}

bool pyr_rows_is_fill(const struct pyr_rows *rows, const uint8_t *pixels,
                      size_t width_px)
{
    for (size_t at = 0; at < width_px; at += rows->tile_width_px)
    {
        const size_t left = width_px - at;
        const size_t n =
            left < rows->tile_width_px ? left : rows->tile_width_px;
        const uint8_t *const from = pixels + at * rows->pixel_bytes;
        if (memcmp(from, rows->fill_row, n * rows->pixel_bytes) != 0 &&
            (!rows->fill_is_nan || !all_nan(rows, from, n)))
            return false;
    }
    return true;
}

/* ---- From strip to strip ---- */

/* The last rows of one strip become the first ones of the other. */
static void copy_history(const struct pyr_rows *rows,
                         const struct pyr_rows_level *level,
                         const struct pyr_rows_strip *from,
                         const struct pyr_rows_strip *to, uint32_t col)
{
    const uint32_t px_x = col * rows->tile_width_px;
    const size_t nbytes = rows->tile_width_px * rows->pixel_bytes;
    for (uint32_t i = 0; i < level->history; i++)
    {
        const uint32_t row = i + rows->tile_height_px;
        const uint8_t *const mask = pyr_rows_mask(rows, level, from, px_x, row);
        memcpy(pyr_rows_pixel(rows, level, to, px_x, i),
               pyr_rows_pixel(rows, level, from, px_x, row), nbytes);
        if (mask != NULL)
            memcpy(pyr_rows_mask(rows, level, to, px_x, i), mask,
                   rows->tile_width_px);
    }
}

static void free_block(struct pyr_rows_block *block)
{
    pyr_free(block->pixels);
    pyr_free(block->mask);
    *block = (struct pyr_rows_block){NULL, NULL};
}

/* Whether few columns of a block hold data: then it is renewed, for all that
 * was touched of it would add up. */
static bool is_sparse(const struct pyr_rows_level *level,
                      const struct pyr_rows_strip *strip, uint32_t block)
{
    const uint32_t ncols = block_cols(level, block);
    uint32_t held = 0;
    for (uint32_t i = 0; i < ncols; i++)
        held +=
            (strip->holds[block * level->block_cols + i] & PYR_HOLDS_BODY) != 0;
    return 2 * held < ncols;
}

/* The history of a column of tiles. */
static bool hand_on(const struct pyr_rows *rows, struct pyr_rows_level *level,
                    struct pyr_rows_strip *from, struct pyr_rows_strip *next,
                    uint32_t col)
{
    const uint32_t height = rows->tile_height_px;
    const bool longer = level->history > height;
    const bool body = (from->holds[col] & PYR_HOLDS_BODY) != 0;
    const bool history = (from->holds[col] & PYR_HOLDS_HISTORY) != 0 && longer;
    from->holds[col] = 0;
    if (level->history == 0 || (!body && !history))
        return true;
    if (!pyr_rows_need_block(rows, level, next, col))
        return false;
    if (!body)
        pyr_rows_fill(rows, level, from, col, level->history, height);
    if (longer && !history)
        pyr_rows_fill(rows, level, from, col, 0, level->history);
    copy_history(rows, level, from, next, col);
    next->holds[col] |= PYR_HOLDS_HISTORY;
    return true;
}

bool pyr_rows_advance(const struct pyr_rows *rows, struct pyr_rows_level *level)
{
    struct pyr_rows_strip *const from = pyr_rows_current(level);
    struct pyr_rows_strip *const next = &level->strips[1 - level->current];
    bool fine = true;
    for (uint32_t i = 0; i < level->nblocks && !level->doubled; i++)
        if (!is_sparse(level, from, i))
            next->blocks[i] = from->blocks[i];
    for (uint32_t col = 0; col < level->ncols && fine; col++)
        fine = hand_on(rows, level, from, next, col);
    for (uint32_t i = 0; i < level->nblocks && !level->doubled; i++)
    {
        if (next->blocks[i].pixels != from->blocks[i].pixels)
            free_block(&from->blocks[i]);
        from->blocks[i] = (struct pyr_rows_block){NULL, NULL};
    }
    level->current = 1 - level->current;
    level->row++;
    level->encoded = false;
    return fine;
}

/* ---- Reading ---- */

static bool may_hold(const struct pyr_rows *rows, uint32_t col, uint32_t row,
                     uint32_t height_px)
{
    const struct pyr_rows_source *const source = rows->options->source;
    const uint32_t px_x = col * rows->tile_width_px;
    const uint32_t left = rows->levels[0].size.width_px - px_x;
    return source->may_hold == NULL ||
           source->may_hold(source->user, px_x, row * rows->tile_height_px,
                            left < rows->tile_width_px ? left
                                                       : rows->tile_width_px,
                            height_px);
}

/* Columns col .. end - 1 of tiles, which share a block. */
static enum pyr_result read_run(const struct pyr_rows *rows,
                                struct pyr_rows_strip *strip, uint32_t col,
                                uint32_t end, uint32_t row, uint32_t height_px,
                                struct pyr_error *err)
{
    const struct pyr_rows_level *const level = &rows->levels[0];
    const struct pyr_rows_source *const source = rows->options->source;
    const uint32_t px_x = col * rows->tile_width_px;
    const uint64_t px_end = (uint64_t)end * rows->tile_width_px;
    const uint32_t width_px =
        (px_end < level->size.width_px ? (uint32_t)px_end
                                       : level->size.width_px) -
        px_x;
    if (!pyr_rows_need_block(rows, level, strip, col))
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    const size_t row_px =
        pyr_rows_block_row_px(rows, level, col / level->block_cols);
    const enum pyr_result result = source->read(
        source->user, px_x, row * rows->tile_height_px, width_px, height_px,
        pyr_rows_pixel(rows, level, strip, px_x, level->history),
        row_px * rows->pixel_bytes,
        pyr_rows_mask(rows, level, strip, px_x, level->history), row_px, err);
    for (uint32_t i = col; i < end && result == PYR_OK; i++)
        strip->holds[i] |= PYR_HOLDS_BODY;
    return result;
}

enum pyr_result pyr_rows_read(struct pyr_rows *rows,
                              struct pyr_rows_strip *strip, uint32_t tile_row,
                              struct pyr_error *err)
{
    const struct pyr_rows_level *const level = &rows->levels[0];
    const uint32_t left =
        level->size.height_px - tile_row * rows->tile_height_px;
    const uint32_t height_px =
        left < rows->tile_height_px ? left : rows->tile_height_px;
    enum pyr_result result = PYR_OK;
    uint32_t col = 0;
    while (col < level->ncols && result == PYR_OK)
    {
        const uint32_t first = col;
        while (col < level->ncols &&
               col / level->block_cols == first / level->block_cols &&
               may_hold(rows, col, tile_row, height_px))
            col++;
        if (col > first)
            result =
                read_run(rows, strip, first, col, tile_row, height_px, err);
        /* A block's end, or a tile that is known to be empty. */
        if (col == first ||
            (col < level->ncols && col % level->block_cols != 0))
            col++;
    }
    return result;
}

/* ---- All of them ---- */

/* How many rows above a row of tiles what follows needs. */
static uint32_t find_history(const struct pyr_rows *rows, uint32_t number)
{
    const struct pyr_rows_level *const level = &rows->levels[number];
    uint32_t history = 0;
    if (number + 1 == rows->options->nlevels)
        return 0;
    const uint32_t out_px = level[1].size.height_px;
    for (uint32_t row = 1; row < level->nrows; row++)
    {
        const uint32_t end = row * rows->tile_height_px;
        const uint32_t made = pyr_rows_possible(rows, number, end);
        uint32_t first = 0;
        uint32_t unused = 0;
        if (made == out_px)
            break;
        pyr_kernel_reach(&rows->rules[0], level->size.height_px, out_px, made,
                         1, &first, &unused);
        if (first < end && end - first > history)
            history = end - first;
    }
    return history;
}

static bool level_init(const struct pyr_rows *rows, uint32_t number)
{
    struct pyr_rows_level *const level = &rows->levels[number];
    const size_t pixel = rows->pixel_bytes + (rows->options->masks ? 1 : 0);
    const size_t col_bytes = (size_t)rows->tile_width_px *
                             (level->history + rows->tile_height_px) * pixel;
    const size_t most = PYR_ROWS_BLOCK_BYTES / col_bytes;
    level->block_cols = most < 1 ? 1 : (uint32_t)most;
    if (most > level->ncols)
        level->block_cols = level->ncols;
    level->nblocks = (level->ncols - 1) / level->block_cols + 1;
    for (unsigned i = 0; i < 2; i++)
    {
        level->strips[i].blocks =
            pyr_calloc(level->nblocks, sizeof(*level->strips[i].blocks));
        level->strips[i].holds = pyr_calloc(level->ncols, 1);
        if (level->strips[i].blocks == NULL || level->strips[i].holds == NULL)
            return false;
    }
    return true;
}

enum pyr_result pyr_rows_strips_init(struct pyr_rows *rows,
                                     struct pyr_error *err)
{
    const struct pyr_rows_options *const options = rows->options;
    const size_t pixel = rows->pixel_bytes + (options->masks ? 1 : 0);
    rows->levels = pyr_calloc(options->nlevels, sizeof(*rows->levels));
    if (rows->levels == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < options->nlevels; i++)
    {
        struct pyr_rows_level *const level = &rows->levels[i];
        level->size = options->sizes[i];
        level->ncols = (level->size.width_px - 1) / rows->tile_width_px + 1;
        level->nrows = (level->size.height_px - 1) / rows->tile_height_px + 1;
    }
    rows->levels[0].doubled = (uint64_t)rows->levels[0].ncols *
                                  rows->tile_width_px * rows->tile_height_px *
                                  pixel <=
                              PYR_ROWS_MAX_DOUBLE_BYTES;
    for (uint32_t i = 0; i < options->nlevels; i++)
    {
        rows->levels[i].history = find_history(rows, i);
        if (!level_init(rows, i))
            return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    return PYR_OK;
}

void pyr_rows_strips_clear(struct pyr_rows *rows)
{
    for (uint32_t i = 0; rows->levels != NULL && i < rows->options->nlevels;
         i++)
        for (unsigned j = 0; j < 2; j++)
        {
            struct pyr_rows_strip *const strip = &rows->levels[i].strips[j];
            for (uint32_t k = 0;
                 strip->blocks != NULL && k < rows->levels[i].nblocks; k++)
            {
                free_block(&strip->blocks[k]);
            }
            pyr_free(strip->blocks);
            pyr_free(strip->holds);
        }
    pyr_free(rows->levels);
}
