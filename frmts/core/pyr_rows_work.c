/* SPDX-License-Identifier: MIT */
/* The rows engine: encoding a tile, and resampling a column of tiles. */
#include "pyr_rows_priv.h"

#include "pyr_alloc.h"
#include "pyr_arith.h"

#include <string.h>

/* Rows that are made at a time of what had to be gathered. */
#define GATHERED_ROWS 32u

static enum pyr_result no_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

void pyr_rows_worker_clear(struct pyr_rows_worker *worker)
{
    for (unsigned i = 0; i < 2; i++)
    {
        pyr_tile_encoder_free(worker->encoders[i]);
        pyr_kernel_free(worker->kernels[i]);
    }
    pyr_tile_encoder_free(worker->masks);
    pyr_kernel_free(worker->teller);
    pyr_free(worker->gathered);
    pyr_free(worker->values);
    pyr_free(worker->weights);
}

/* ---- Encoding ---- */

static enum pyr_result put(const struct pyr_rows *rows,
                           struct pyr_tile_encoder **encoder,
                           const struct pyr_tile_format *format,
                           const struct pyr_rows_work *work,
                           enum pyr_plane plane, const uint8_t *pixels,
                           size_t row_bytes, struct pyr_error *err)
{
    const struct pyr_rows_options *const options = rows->options;
    const uint8_t *bytes = NULL;
    size_t nbytes = 0;
    enum pyr_result result = PYR_OK;
    if (*encoder == NULL)
        result = pyr_tile_encoder_new(format, encoder, err);
    if (result == PYR_OK)
        result =
            pyr_tile_encode(*encoder, pixels, row_bytes, &bytes, &nbytes, err);
    if (result == PYR_OK)
        result = options->sink->put(
            options->sink->user, plane, options->first_level + work->level,
            work->col, rows->levels[work->level].row, bytes, nbytes, err);
    return result;
}

static bool is_empty(const struct pyr_rows *rows, const uint8_t *pixels,
                     size_t row_bytes, uint32_t width_px, uint32_t height_px)
{
    for (uint32_t row = 0; row < height_px; row++)
        if (!pyr_rows_is_fill(rows, pixels + row * row_bytes, width_px))
            return false;
    return true;
}

static bool is_zero(const uint8_t *mask, size_t row_bytes, uint32_t width_px,
                    uint32_t height_px)
{
    for (uint32_t row = 0; row < height_px; row++)
    {
        const uint8_t *const from = mask + row * row_bytes;
        if (from[0] != 0 || memcmp(from, from + 1, width_px - 1) != 0)
            return false;
    }
    return true;
}

static bool is_wanted(const struct pyr_rows *rows,
                      const struct pyr_rows_work *work, enum pyr_plane plane)
{
    const struct pyr_rows_options *const options = rows->options;
    return options->wants == NULL ||
           options->wants(options->wants_user, plane,
                          options->first_level + work->level, work->col,
                          rows->levels[work->level].row);
}

static enum pyr_result encode(struct pyr_rows *rows,
                              struct pyr_rows_worker *worker,
                              const struct pyr_rows_work *work,
                              struct pyr_error *err)
{
    const struct pyr_rows_options *const options = rows->options;
    struct pyr_rows_level *const level = &rows->levels[work->level];
    struct pyr_rows_strip *const strip = pyr_rows_current(level);
    const uint32_t px_x = work->col * rows->tile_width_px;
    const uint32_t px_y = level->row * rows->tile_height_px;
    const uint32_t right = level->size.width_px - px_x;
    const uint32_t below = level->size.height_px - px_y;
    const uint32_t width =
        right < rows->tile_width_px ? right : rows->tile_width_px;
    const uint32_t height =
        below < rows->tile_height_px ? below : rows->tile_height_px;
    const size_t row_px =
        pyr_rows_block_row_px(rows, level, work->col / level->block_cols);
    const size_t row_bytes = row_px * rows->pixel_bytes;
    uint8_t *const pixels =
        pyr_rows_pixel(rows, level, strip, px_x, level->history);
    uint8_t *const mask =
        pyr_rows_mask(rows, level, strip, px_x, level->history);
    const bool image = work->level == 0;
    enum pyr_result result = PYR_OK;
    if (image && options->statistics != NULL)
        result = pyr_rows_sum(rows, worker, work->col);
    if (result != PYR_OK)
        return no_memory(err);
    if (!is_empty(rows, pixels, row_bytes, width, height) &&
        is_wanted(rows, work, PYR_PLANE_DATA))
    {
        pyr_tile_fill_up(&options->format, pixels, row_bytes, width, height);
        /* What libraries keep for an encoder can be many tiles. */
        const bool first =
            image ||
            pyr_tile_format_equal(&options->format, &options->overview_format);
        result = put(rows, &worker->encoders[first ? 0 : 1],
                     first ? &options->format : &options->overview_format, work,
                     PYR_PLANE_DATA, pixels, row_bytes, err);
    }
    if (result == PYR_OK && mask != NULL &&
        !is_zero(mask, row_px, width, height) &&
        is_wanted(rows, work, PYR_PLANE_MASK))
    {
        pyr_tile_fill_up(&options->mask_format, mask, row_px, width, height);
        result = put(rows, &worker->masks, &options->mask_format, work,
                     PYR_PLANE_MASK, mask, row_px, err);
    }
    return result;
}

/* ---- Resampling ---- */

/* What a window of the next level is made of. */
struct reach
{
    uint32_t x;
    uint32_t x_end;
    uint32_t y;
    uint32_t y_end;
};

static uint32_t out_width(const struct pyr_rows *rows, uint32_t level,
                          uint32_t col)
{
    const uint32_t left =
        rows->levels[level + 1].size.width_px - col * rows->tile_width_px;
    return left < rows->tile_width_px ? left : rows->tile_width_px;
}

static struct reach reach_of(const struct pyr_rows *rows, uint32_t level,
                             uint32_t col, uint32_t first, uint32_t end)
{
    const struct pyr_rows_size *const in = &rows->levels[level].size;
    const struct pyr_rows_size *const out = &rows->levels[level + 1].size;
    struct reach reach;
    pyr_kernel_reach(&rows->rules[0], in->width_px, out->width_px,
                     col * rows->tile_width_px, out_width(rows, level, col),
                     &reach.x, &reach.x_end);
    pyr_kernel_reach(&rows->rules[0], in->height_px, out->height_px, first,
                     end - first, &reach.y, &reach.y_end);
    return reach;
}

/* The first row of a level's strip: it may be above the image. */
static int64_t top_of(const struct pyr_rows *rows,
                      const struct pyr_rows_level *level)
{
    return (int64_t)level->row * rows->tile_height_px - level->history;
}

bool pyr_rows_source_holds(const struct pyr_rows *rows, uint32_t level,
                           uint32_t col, uint32_t first, uint32_t end,
                           bool *out_all)
{
    struct pyr_rows_level *const in = &rows->levels[level];
    const uint8_t *const holds = pyr_rows_current(in)->holds;
    const struct reach reach = reach_of(rows, level, col, first, end);
    const uint32_t body = in->row * rows->tile_height_px;
    const unsigned wanted = (reach.y_end > body ? PYR_HOLDS_BODY : 0) |
                            (reach.y < body ? PYR_HOLDS_HISTORY : 0);
    const uint32_t first_col = reach.x / rows->tile_width_px;
    const uint32_t last_col = (reach.x_end - 1) / rows->tile_width_px;
    bool any = false;
    *out_all = first_col / in->block_cols == last_col / in->block_cols;
    for (uint32_t i = first_col; i <= last_col; i++)
    {
        any |= (holds[i] & wanted) != 0;
        *out_all &= (holds[i] & wanted) == wanted;
    }
    return any;
}

/* Copies of a window, with the fill value where nothing is. */
static void gather(const struct pyr_rows *rows, uint32_t level,
                   const struct reach *reach, uint8_t *pixels, uint8_t *mask)
{
    struct pyr_rows_level *const in = &rows->levels[level];
    const struct pyr_rows_strip *const strip = pyr_rows_current(in);
    const uint32_t body = in->row * rows->tile_height_px;
    for (uint32_t row = reach->y; row < reach->y_end; row++)
    {
        const unsigned wanted =
            row >= body ? PYR_HOLDS_BODY : PYR_HOLDS_HISTORY;
        const uint32_t strip_row = (uint32_t)(row - top_of(rows, in));
        uint32_t n = 0;
        for (uint32_t px_x = reach->x; px_x < reach->x_end; px_x += n)
        {
            const uint32_t col = px_x / rows->tile_width_px;
            const uint32_t left =
                (uint32_t)((uint64_t)(col + 1) * rows->tile_width_px - px_x);
            n = reach->x_end - px_x < left ? reach->x_end - px_x : left;
            const bool holds = (strip->holds[col] & wanted) != 0;
            memcpy(pixels,
                   holds ? pyr_rows_pixel(rows, in, strip, px_x, strip_row)
                         : rows->fill_row,
                   n * rows->pixel_bytes);
            pixels += n * rows->pixel_bytes;
            if (mask == NULL)
                continue;
            if (holds)
                memcpy(mask, pyr_rows_mask(rows, in, strip, px_x, strip_row),
                       n);
            else
                memset(mask, 0, n);
            mask += n;
        }
    }
}

static enum pyr_result need_gathered(struct pyr_rows_worker *worker,
                                     size_t npixels, size_t pixel_bytes)
{
    size_t wanted = 0;
    if (!pyr_mul_size(npixels, pixel_bytes, &wanted))
        return PYR_NOMEM;
    if (worker->gathered_bytes >= wanted)
        return PYR_OK;
    pyr_free(worker->gathered);
    worker->gathered = pyr_malloc(wanted);
    worker->gathered_bytes = worker->gathered == NULL ? 0 : wanted;
    return worker->gathered == NULL ? PYR_NOMEM : PYR_OK;
}

/* Makes rows first .. end - 1 of a column, of a window that is gathered or, if
 * it is all there, lies in the strip. *out_holds: it was not empty. */
static enum pyr_result make(struct pyr_rows *rows,
                            struct pyr_rows_worker *worker,
                            const struct pyr_rows_work *work, bool direct,
                            struct pyr_kernel_out *out, bool *out_holds)
{
    struct pyr_rows_level *const in = &rows->levels[work->level];
    const struct pyr_rows_strip *const strip = pyr_rows_current(in);
    const struct pyr_rows_level *const next = in + 1;
    const struct pyr_kernel_scale scale = {
        in->size.width_px, in->size.height_px, next->size.width_px,
        next->size.height_px};
    const struct reach reach = reach_of(rows, work->level, work->col, out->px_y,
                                        out->px_y + out->height_px);
    const uint32_t width = reach.x_end - reach.x;
    const uint32_t height = reach.y_end - reach.y;
    const bool masks = rows->options->masks;
    const unsigned number = work->level == 0 ? 0 : 1;
    struct pyr_kernel_in from = {.px_x = reach.x, .px_y = reach.y};
    enum pyr_result result = PYR_OK;
    if (direct)
    {
        const uint32_t row = (uint32_t)(reach.y - top_of(rows, in));
        const uint32_t col = reach.x / rows->tile_width_px;
        const size_t row_px =
            pyr_rows_block_row_px(rows, in, col / in->block_cols);
        from.pixels = pyr_rows_pixel(rows, in, strip, reach.x, row);
        from.row_bytes = row_px * rows->pixel_bytes;
        from.mask = pyr_rows_mask(rows, in, strip, reach.x, row);
        from.mask_row_bytes = row_px;
    }
    else
    {
        const size_t npixels = (size_t)width * height;
        result = need_gathered(worker, npixels, rows->pixel_bytes + 1);
        if (result != PYR_OK)
            return result;
        uint8_t *const mask =
            masks ? worker->gathered + npixels * rows->pixel_bytes : NULL;
        gather(rows, work->level, &reach, worker->gathered, mask);
        from.pixels = worker->gathered;
        from.row_bytes = width * rows->pixel_bytes;
        from.mask = mask;
        from.mask_row_bytes = width;
    }
    *out_holds =
        !is_empty(rows, from.pixels, from.row_bytes, width, height) ||
        (masks && !is_zero(from.mask, from.mask_row_bytes, width, height));
    if (!*out_holds)
        return PYR_OK;
    if (worker->kernels[number] == NULL)
        result = pyr_kernel_new(&rows->rules[number], &worker->kernels[number]);
    if (result == PYR_OK)
        result = pyr_kernel_run(worker->kernels[number], &scale, &from, out);
    return result;
}

static enum pyr_result reduce(struct pyr_rows *rows,
                              struct pyr_rows_worker *worker,
                              const struct pyr_rows_work *work,
                              struct pyr_error *err)
{
    struct pyr_rows_level *const next = &rows->levels[work->level + 1];
    struct pyr_rows_strip *const strip = pyr_rows_current(next);
    const uint32_t top = next->row * rows->tile_height_px;
    const uint32_t px_x = work->col * rows->tile_width_px;
    const size_t row_px =
        pyr_rows_block_row_px(rows, next, work->col / next->block_cols);
    bool direct = false;
    const bool any = pyr_rows_source_holds(rows, work->level, work->col,
                                           work->first, work->end, &direct);
    const uint32_t step =
        direct || !any ? work->end - work->first : GATHERED_ROWS;
    for (uint32_t row = work->first; row < work->end; row += step)
    {
        const uint32_t strip_row = row - top + next->history;
        struct pyr_kernel_out out = {
            .px_x = px_x,
            .px_y = row,
            .width_px = out_width(rows, work->level, work->col),
            .height_px = work->end - row < step ? work->end - row : step,
            .pixels = pyr_rows_pixel(rows, next, strip, px_x, strip_row),
            .row_bytes = row_px * rows->pixel_bytes,
            .mask = pyr_rows_mask(rows, next, strip, px_x, strip_row),
            .mask_row_bytes = row_px};
        bool holds = false;
        if (any && make(rows, worker, work, direct, &out, &holds) != PYR_OK)
            return no_memory(err);
        if (holds && (strip->holds[work->col] & PYR_HOLDS_BODY) == 0)
        {
            pyr_rows_fill(rows, next, strip, work->col, next->history,
                          row - top);
            strip->holds[work->col] |= PYR_HOLDS_BODY;
        }
        else if (!holds && (strip->holds[work->col] & PYR_HOLDS_BODY) != 0)
            pyr_rows_fill(rows, next, strip, work->col, strip_row,
                          out.height_px);
    }
    return PYR_OK;
}

enum pyr_result pyr_rows_do(struct pyr_rows *rows,
                            struct pyr_rows_worker *worker,
                            const struct pyr_rows_work *work,
                            struct pyr_error *err)
{
    const enum pyr_result result = work->encode
                                       ? encode(rows, worker, work, err)
                                       : reduce(rows, worker, work, err);
    if (result != PYR_OK)
        pyr_error_prefix(
            err, "level %lu, tile (%lu, %lu)",
            (unsigned long)(rows->options->first_level + work->level +
                            (work->encode ? 0 : 1)),
            (unsigned long)work->col,
            (unsigned long)rows->levels[work->level + (work->encode ? 0 : 1)]
                .row);
    return result;
}
