/* SPDX-License-Identifier: MIT */
/* The draft, finished: what is left is encoded, and tiles are copied. */
#include "cogx_draft_priv.h"

#include "pyr_alloc.h"

#include <string.h>

/* Members that do not change what is encoded do not count. */
static struct pyr_tile_format plain(const struct pyr_tile_format *format)
{
    struct pyr_tile_format plain = *format;
    if (format->compression != PYR_TIFF_LERC &&
        format->compression != PYR_TIFF_LERC_DEFLATE &&
        format->compression != PYR_TIFF_LERC_ZSTD)
    {
        plain.nextra = 0;
        plain.alpha = false;
    }
    return plain;
}

bool cogx_draft_differs(const struct cogx_draft *draft,
                        const struct cogx_draft_format *format)
{
    const struct cogx_draft_format *own = &draft->format;
    const size_t pixel_bytes =
        draft->options.bands * draft->options.sample_bytes;
    if (draft->nencoded == 0)
        return false;
    const struct pyr_tile_format images[] = {plain(&own->image),
                                             plain(&format->image)};
    return !pyr_tile_format_equal(&images[0], &images[1]) ||
           own->mask_of != format->mask_of ||
           (own->mask_of != COGX_DRAFT_NO_MASK &&
            !pyr_tile_format_equal(&own->mask, &format->mask)) ||
           (own->mask_of == COGX_DRAFT_VALUES &&
            memcmp(own->masked, format->masked, pixel_bytes) != 0);
}

enum pyr_result cogx_draft_finish(struct cogx_draft *draft,
                                  const struct cogx_draft_format *format,
                                  const uint8_t *fill, struct pyr_error *err)
{
    const uint64_t ntiles = (uint64_t)draft->tiles_wide * draft->tiles_high;
    enum pyr_result result = PYR_OK;
    size_t count = 0;

    draft->asked = true;
    draft->has_format = true;
    draft->format = *format;
    draft->image_bands = format->image.bands;
    if (!cogx_draft_encodes(draft))
        return PYR_OK;
    const size_t most = cogx_draft_batch(draft);
    uint64_t *numbers = pyr_calloc(most, sizeof(*numbers));
    if (!numbers)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    draft->busy = true;
    for (uint64_t i = 0; i < ntiles && result == PYR_OK; i++)
    {
        const enum cogx_draft_state state = draft->tiles[i].state;
        if (state == COGX_DRAFT_OPEN || state == COGX_DRAFT_READY)
            numbers[count++] = i;
        if (count < most && (i + 1 < ntiles || count == 0))
            continue;
        result = cogx_draft_encode(draft, numbers, count, fill, err);
        count = 0;
    }
    draft->busy = false;
    pyr_free(numbers);
    return result;
}

/* ---- Tiles ---- */

/* Of a tile without compression. */
static size_t raw_nbytes(const struct cogx_draft *draft)
{
    const struct pyr_tile_format *format = &draft->format.image;
    const size_t npixels =
        (size_t)format->tile_width_px * format->tile_height_px;
    return format->bits
               ? npixels / 8
               : npixels * format->bands * pyr_type_bytes(format->type);
}

size_t cogx_draft_tile_nbytes(const struct cogx_draft *draft,
                              enum pyr_plane plane, uint32_t tile_col,
                              uint32_t tile_row)
{
    const struct cogx_draft_tile *tile =
        &draft->tiles[(uint64_t)tile_row * draft->tiles_wide + tile_col];
    switch (tile->state)
    {
        case COGX_DRAFT_NOTHING:
            return 0;
        case COGX_DRAFT_ENCODED:
            return tile->nbytes[plane];
        case COGX_DRAFT_OPEN:
        case COGX_DRAFT_READY:
            break;
    }
    return plane == PYR_PLANE_DATA ? raw_nbytes(draft) : 0;
}

/* A tile that is copied. */
struct item
{
    const struct cogx_promised *tile;
    uint64_t number;
    struct cogx_draft_hold hold; /* of one that is not encoded */
    enum pyr_result result;
    struct pyr_error err;
};

struct batch
{
    struct cogx_draft *draft;
    struct item *items;
    const uint8_t *fill;
};

static enum pyr_result copy(struct cogx_draft *draft,
                            const struct cogx_draft_tile *from,
                            const struct cogx_promised *to,
                            struct pyr_error *err)
{
    const size_t at =
        to->plane == PYR_PLANE_MASK ? from->nbytes[PYR_PLANE_DATA] : 0;

    if (from->nbytes[to->plane] != to->nbytes)
        return pyr_fail(err, PYR_USAGE, "has %u bytes, expected %u",
                        (unsigned)from->nbytes[to->plane],
                        (unsigned)to->nbytes);
    if (!from->bytes)
        return pyr_space_read(draft->space, from->offset_bytes + at, to->bytes,
                              to->nbytes, err);
    memcpy(to->bytes, from->bytes + at, to->nbytes);
    return PYR_OK;
}

static void copy_item(void *user, struct cogx_draft_worker *worker, size_t i)
{
    const struct batch *batch = user;
    struct cogx_draft *draft = batch->draft;
    struct item *item = &batch->items[i];
    struct cogx_draft_tile made = draft->tiles[item->number];

    if (item->result == PYR_OK && item->hold.blocks)
    {
        item->result = cogx_draft_make(draft, worker, item->number, &item->hold,
                                       batch->fill, made.nbytes, &item->err);
        made.bytes = worker->bytes;
    }
    if (item->result == PYR_OK)
        item->result = copy(draft, &made, item->tile, &item->err);
}

static enum pyr_result fetch_some(struct batch *batch,
                                  const struct cogx_promised *tiles,
                                  size_t count, struct pyr_error *err)
{
    struct cogx_draft *draft = batch->draft;
    enum pyr_result result = PYR_OK;

    memset(batch->items, 0, count * sizeof(*batch->items));
    for (size_t i = 0; i < count; i++)
    {
        struct item *item = &batch->items[i];
        item->tile = &tiles[i];
        item->number =
            (uint64_t)tiles[i].tile_row * draft->tiles_wide + tiles[i].tile_col;
        if (draft->tiles[item->number].state != COGX_DRAFT_ENCODED)
            item->result =
                cogx_draft_hold(draft, item->number, &item->hold, &item->err);
    }
    cogx_draft_run(draft, copy_item, batch, count);
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

enum pyr_result cogx_draft_fetch(struct cogx_draft *draft,
                                 const struct cogx_promised *tiles,
                                 size_t ntiles, const uint8_t *fill,
                                 struct pyr_error *err)
{
    const size_t most = cogx_draft_batch(draft);
    struct batch batch = {draft, pyr_calloc(most, sizeof(*batch.items)), fill};
    enum pyr_result result = PYR_OK;

    if (!batch.items)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    for (size_t i = 0; i < ntiles && result == PYR_OK; i += most)
    {
        const size_t left = ntiles - i;
        result = fetch_some(&batch, tiles + i, left < most ? left : most, err);
    }
    pyr_free(batch.items);
    return result;
}
