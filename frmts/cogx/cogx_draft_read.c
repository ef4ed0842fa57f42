/* SPDX-License-Identifier: MIT */
/* The draft, finished: windows of pixels, on all threads. */
#include "cogx_draft_priv.h"

#include "pyr_alloc.h"

#include <string.h>

/* A part of a window, in one tile. */
struct item
{
    uint64_t number;
    struct cogx_draft_hold hold; /* of what is not encoded */
    enum pyr_result result;
    struct pyr_error err;
};

struct batch
{
    struct cogx_draft *draft;
    struct item *items;
    struct cogx_rect window;
    enum pyr_plane plane;
    size_t pixel_bytes; /* of what is read */
    uint8_t *out;
    size_t row_bytes;
    const uint8_t *fill;
};

static void put_fill(const struct batch *batch, uint8_t *out, uint32_t width_px)
{
    if (batch->plane == PYR_PLANE_MASK)
        memset(out, 0, width_px);
    else
        for (uint32_t i = 0; i < width_px; i++)
            memcpy(out + i * batch->pixel_bytes, batch->fill,
                   batch->pixel_bytes);
}

/* Of a row of a tile, with the last band from the mask where it is there. */
static void put_row(const struct batch *batch,
                    const struct cogx_draft_pixels *pixels, size_t at,
                    uint8_t *out, uint32_t width_px)
{
    const struct cogx_draft *draft = batch->draft;
    const size_t image_bytes = draft->image_bands * draft->options.sample_bytes;
    const bool alpha = batch->pixel_bytes > image_bytes;
    const size_t part_bytes = alpha ? image_bytes : batch->pixel_bytes;

    if (batch->plane == PYR_PLANE_MASK)
        memcpy(out, pixels->mask + at, width_px);
    else if (batch->pixel_bytes == image_bytes)
        memcpy(out, pixels->image + at * image_bytes, width_px * image_bytes);
    else
        for (size_t i = at; i < at + width_px; i++)
        {
            memcpy(out, pixels->image + i * image_bytes, part_bytes);
            if (alpha)
                out[image_bytes] = pixels->mask[i];
            out += batch->pixel_bytes;
        }
}

static void put_tile(const struct batch *batch, uint64_t number,
                     const struct cogx_draft_pixels *pixels)
{
    const struct cogx_draft_options *options = &batch->draft->options;
    const struct cogx_rect *window = &batch->window;
    const struct cogx_rect tile = cogx_draft_tile_rect(batch->draft, number);
    const uint32_t px_x = tile.px_x > window->px_x ? tile.px_x : window->px_x;
    const uint32_t px_y = tile.px_y > window->px_y ? tile.px_y : window->px_y;
    const uint32_t end_x =
        tile.end_x < window->end_x ? tile.end_x : window->end_x;
    const uint32_t end_y =
        tile.end_y < window->end_y ? tile.end_y : window->end_y;

    for (uint32_t row = px_y; row < end_y; row++)
    {
        uint8_t *out = batch->out + (row - window->px_y) * batch->row_bytes +
                       (px_x - window->px_x) * batch->pixel_bytes;
        if (pixels)
            put_row(batch, pixels,
                    (size_t)(row - tile.px_y) * options->side_px +
                        (px_x - tile.px_x),
                    out, end_x - px_x);
        else
            put_fill(batch, out, end_x - px_x);
    }
}

static void read_item(void *user, struct cogx_draft_worker *worker, size_t i)
{
    const struct batch *batch = user;
    struct cogx_draft *draft = batch->draft;
    struct item *item = &batch->items[i];
    const enum cogx_draft_state state = draft->tiles[item->number].state;

    if (item->result != PYR_OK)
        return;
    if (state == COGX_DRAFT_NOTHING)
    {
        put_tile(batch, item->number, NULL);
        return;
    }
    item->result = cogx_draft_need_worker(draft, worker, &item->err);
    if (item->result != PYR_OK)
        return;
    if (state == COGX_DRAFT_ENCODED)
        item->result = cogx_draft_decode(draft, worker, item->number,
                                         &worker->pixels, &item->err);
    else
        cogx_draft_gather(draft, item->number, &item->hold, batch->fill,
                          &worker->pixels);
    if (item->result == PYR_OK)
        put_tile(batch, item->number, &worker->pixels);
}

/* Tiles that are next to each other. */
static enum pyr_result read_run(struct batch *batch, uint64_t first,
                                size_t count, struct pyr_error *err)
{
    struct cogx_draft *draft = batch->draft;
    enum pyr_result result = PYR_OK;

    memset(batch->items, 0, count * sizeof(*batch->items));
    for (size_t i = 0; i < count; i++)
    {
        struct item *item = &batch->items[i];
        item->number = first + i;
        const enum cogx_draft_state state = draft->tiles[item->number].state;
        if (state == COGX_DRAFT_OPEN || state == COGX_DRAFT_READY)
            item->result =
                cogx_draft_hold(draft, item->number, &item->hold, &item->err);
    }
    cogx_draft_run(draft, read_item, batch, count);
    for (size_t i = 0; i < count; i++)
    {
        struct item *item = &batch->items[i];
        cogx_draft_release(draft, &item->hold, false);
        if (item->result != PYR_OK && result == PYR_OK)
            result = cogx_draft_fail(draft, item->number, item->result,
                                     &item->err, err);
    }
    return result;
}

static enum pyr_result read_window(struct batch *batch, struct pyr_error *err)
{
    const struct cogx_draft *draft = batch->draft;
    const uint32_t side = draft->options.side_px;
    const struct cogx_rect *window = &batch->window;
    const uint32_t first_col = window->px_x / side;
    const uint32_t end_col = (window->end_x - 1) / side + 1;
    const size_t most = cogx_draft_batch(draft);
    enum pyr_result result = PYR_OK;

    batch->items = pyr_calloc(most, sizeof(*batch->items));
    if (!batch->items)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    for (uint32_t row = window->px_y / side; row <= (window->end_y - 1) / side;
         row++)
        for (uint32_t col = first_col; col < end_col && result == PYR_OK;)
        {
            const size_t left = end_col - col;
            const size_t count = left < most ? left : most;
            result = read_run(batch, (uint64_t)row * draft->tiles_wide + col,
                              count, err);
            col += (uint32_t)count;
        }
    pyr_free(batch->items);
    return result;
}

enum pyr_result cogx_draft_read_pixels(struct cogx_draft *draft,
                                       const struct cogx_rect *pixels,
                                       uint32_t bands, uint8_t *out_pixels,
                                       size_t row_bytes, const uint8_t *fill,
                                       struct pyr_error *err)
{
    struct batch batch = {.draft = draft,
                          .window = *pixels,
                          .plane = PYR_PLANE_DATA,
                          .pixel_bytes = bands * draft->options.sample_bytes,
                          .out = out_pixels,
                          .row_bytes = row_bytes,
                          .fill = fill};
    return read_window(&batch, err);
}

enum pyr_result cogx_draft_read_mask(struct cogx_draft *draft,
                                     const struct cogx_rect *pixels,
                                     uint8_t *out_mask, size_t row_bytes,
                                     const uint8_t *fill, struct pyr_error *err)
{
    struct batch batch = {.draft = draft,
                          .window = *pixels,
                          .plane = PYR_PLANE_MASK,
                          .pixel_bytes = 1,
                          .out = out_mask,
                          .row_bytes = row_bytes,
                          .fill = fill};
    return read_window(&batch, err);
}
