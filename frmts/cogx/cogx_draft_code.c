/* SPDX-License-Identifier: MIT */
/* The draft: tiles to what will stand in the file, and back. */
#include "cogx_draft_priv.h"

#include "pyr_alloc.h"

#include <string.h>

/* Share of the memory for blocks that encoded tiles may take before they go to
 * the file, and that blocks held at once may. */
#define ENCODED_SHARE 8u
#define HELD_SHARE 8u

/* ---- Workers ---- */

static size_t side_of(const struct cogx_draft *draft)
{
    return draft->options.side_px;
}

static size_t image_row_bytes(const struct cogx_draft *draft)
{
    return side_of(draft) * draft->image_bands * draft->options.sample_bytes;
}

static bool has_mask(const struct cogx_draft *draft)
{
    return draft->format.mask_of != COGX_DRAFT_NO_MASK;
}

bool cogx_draft_pixels_init(const struct cogx_draft *draft,
                            struct cogx_draft_pixels *pixels)
{
    const size_t side = side_of(draft);

    if (!pixels->image)
        pixels->image = pyr_malloc(side * image_row_bytes(draft));
    if (!pixels->mask && has_mask(draft))
        pixels->mask = pyr_malloc(side * side);
    return pixels->image && (pixels->mask || !has_mask(draft));
}

void cogx_draft_pixels_clear(struct cogx_draft_pixels *pixels)
{
    pyr_free(pixels->image);
    pyr_free(pixels->mask);
    memset(pixels, 0, sizeof(*pixels));
}

enum pyr_result cogx_draft_need_worker(const struct cogx_draft *draft,
                                       struct cogx_draft_worker *worker,
                                       struct pyr_error *err)
{
    return cogx_draft_pixels_init(draft, &worker->pixels)
               ? PYR_OK
               : pyr_fail(err, PYR_NOMEM, "out of memory");
}

void cogx_draft_worker_clear(struct cogx_draft_worker *worker)
{
    for (unsigned plane = 0; plane < COGX_DRAFT_PLANES; plane++)
    {
        pyr_tile_encoder_free(worker->encoders[plane]);
        pyr_tile_decoder_free(worker->decoders[plane]);
    }
    cogx_draft_pixels_clear(&worker->pixels);
    pyr_free(worker->bytes);
}

/* A job, and what its items are handed. */
struct run
{
    struct cogx_draft *draft;
    void (*run)(void *user, struct cogx_draft_worker *worker, size_t item);
    void *user;
};

static void run_item(void *user, unsigned worker, size_t item)
{
    const struct run *run = user;
    run->run(run->user, &run->draft->workers[worker], item);
}

static void enter_thread(void *user, unsigned worker)
{
    const struct cogx_draft_options *options =
        &((const struct run *)user)->draft->options;
    if (options->enter)
        options->enter(options->user, worker);
}

static void leave_thread(void *user, unsigned worker)
{
    const struct cogx_draft_options *options =
        &((const struct run *)user)->draft->options;
    if (options->leave)
        options->leave(options->user, worker);
}

void cogx_draft_run(struct cogx_draft *draft,
                    void (*run)(void *user, struct cogx_draft_worker *worker,
                                size_t item),
                    void *user, size_t nitems)
{
    struct run all = {draft, run, user};
    const struct pyr_job job = {.user = &all,
                                .run = run_item,
                                .enter = enter_thread,
                                .leave = leave_thread};
    pyr_pool_run(draft->options.pool, &job, nitems, draft->options.nthreads);
}

enum pyr_result cogx_draft_fail(const struct cogx_draft *draft, uint64_t number,
                                enum pyr_result result,
                                const struct pyr_error *why,
                                struct pyr_error *err)
{
    return pyr_fail(err, result, "tile (%lu, %lu): %s",
                    (unsigned long)(number % draft->tiles_wide),
                    (unsigned long)(number / draft->tiles_wide), why->text);
}

static const struct pyr_tile_format *format_of(const struct cogx_draft *draft,
                                               unsigned plane)
{
    return plane == PYR_PLANE_DATA ? &draft->format.image : &draft->format.mask;
}

/* ---- Masks ---- */

/* Which of the pixels that are there are not `masked`. */
static void find_mask(const struct cogx_draft *draft,
                      const struct cogx_draft_pixels *pixels)
{
    const size_t pixel_bytes = draft->image_bands * draft->options.sample_bytes;
    const size_t npixels = side_of(draft) * side_of(draft);

    for (size_t i = 0; i < npixels; i++)
        pixels->mask[i] = memcmp(pixels->image + i * pixel_bytes,
                                 draft->format.masked, pixel_bytes) == 0
                              ? 0
                              : 255;
}

/* Pixels that do not count have their value again. */
static void restore_masked(const struct cogx_draft *draft,
                           const struct cogx_draft_pixels *pixels)
{
    const size_t pixel_bytes = draft->image_bands * draft->options.sample_bytes;
    const size_t npixels = side_of(draft) * side_of(draft);

    for (size_t i = 0; i < npixels; i++)
        if (pixels->mask[i] == 0)
            memcpy(pixels->image + i * pixel_bytes, draft->format.masked,
                   pixel_bytes);
}

/* ---- Encoding ---- */

/* A tile that becomes its bytes. */
struct item
{
    uint64_t number;
    struct cogx_draft_hold hold;
    struct cogx_draft_tile made; /* what is encoded of it */
    enum pyr_result result;
    struct pyr_error err;
};

struct batch
{
    struct cogx_draft *draft;
    struct item *items;
    const uint8_t *fill;
};

size_t cogx_draft_batch(const struct cogx_draft *draft)
{
    const struct cogx_draft_options *options = &draft->options;
    const size_t tile_bytes = side_of(draft) * side_of(draft) * options->bands *
                              options->sample_bytes;
    const size_t most = options->memory_bytes / HELD_SHARE / tile_bytes;
    const size_t enough = 2 * (size_t)options->nthreads;

    return most < 1 ? 1 : most < enough ? most : enough;
}

/* Appends an encoded plane to the worker's bytes. */
static bool append(struct cogx_draft_worker *worker, size_t at,
                   const uint8_t *bytes, size_t nbytes)
{
    if (worker->room < at + nbytes)
    {
        const size_t room = 2 * (at + nbytes);
        uint8_t *larger = pyr_realloc(worker->bytes, room);
        if (!larger)
            return false;
        worker->bytes = larger;
        worker->room = room;
    }
    memcpy(worker->bytes + at, bytes, nbytes);
    return true;
}

/* Makes the worker's bytes of its pixels, and fills in their sizes. */
static enum pyr_result encode_planes(const struct cogx_draft *draft,
                                     struct cogx_draft_worker *worker,
                                     uint64_t number,
                                     uint32_t sizes[COGX_DRAFT_PLANES],
                                     struct pyr_error *err)
{
    const struct cogx_rect rect = cogx_draft_tile_rect(draft, number);
    enum pyr_result result = PYR_OK;
    size_t at = 0;

    if (draft->format.mask_of == COGX_DRAFT_VALUES)
        find_mask(draft, &worker->pixels);
    for (unsigned plane = 0; plane < (has_mask(draft) ? 2u : 1u); plane++)
    {
        const struct pyr_tile_format *format = format_of(draft, plane);
        uint8_t *pixels = plane == PYR_PLANE_DATA ? worker->pixels.image
                                                  : worker->pixels.mask;
        const size_t row_bytes =
            plane == PYR_PLANE_DATA ? image_row_bytes(draft) : side_of(draft);
        const uint8_t *bytes = NULL;
        size_t nbytes = 0;
        pyr_tile_fill_up(format, pixels, row_bytes, rect.end_x - rect.px_x,
                         rect.end_y - rect.px_y);
        if (!worker->encoders[plane])
            result =
                pyr_tile_encoder_new(format, &worker->encoders[plane], err);
        if (result == PYR_OK)
            result = pyr_tile_encode(worker->encoders[plane], pixels, row_bytes,
                                     &bytes, &nbytes, err);
        if (result == PYR_OK && nbytes > UINT32_MAX)
            result = pyr_fail(err, PYR_LIMIT, "a tile exceeds 4 GB");
        if (result == PYR_OK && !append(worker, at, bytes, nbytes))
            result = pyr_fail(err, PYR_NOMEM, "out of memory");
        if (result != PYR_OK)
            return result;
        sizes[plane] = (uint32_t)nbytes;
        at += nbytes;
    }
    return PYR_OK;
}

static uint64_t nbytes_of(const struct cogx_draft_tile *tile)
{
    return (uint64_t)tile->nbytes[0] + tile->nbytes[1];
}

/* Keeps the bytes in memory where there is some, else in the file. */
static enum pyr_result keep(struct cogx_draft *draft, const uint8_t *bytes,
                            struct cogx_draft_tile *tile, struct pyr_error *err)
{
    const size_t nbytes = (size_t)nbytes_of(tile);
    const size_t most = draft->options.memory_bytes / ENCODED_SHARE;

    pthread_mutex_lock(&draft->mutex);
    const bool fits = nbytes <= most && draft->bytes_in_memory <= most - nbytes;
    if (fits)
        draft->bytes_in_memory += nbytes;
    pthread_mutex_unlock(&draft->mutex);
    if (!fits)
    {
        tile->offset_bytes = pyr_space_take(draft->space, nbytes);
        const enum pyr_result result = pyr_space_write(
            draft->space, tile->offset_bytes, bytes, nbytes, err);
        if (result != PYR_OK)
            pyr_space_give(draft->space, tile->offset_bytes, nbytes);
        return result;
    }
    tile->bytes = pyr_malloc(nbytes);
    if (tile->bytes)
    {
        memcpy(tile->bytes, bytes, nbytes);
        return PYR_OK;
    }
    pthread_mutex_lock(&draft->mutex);
    draft->bytes_in_memory -= nbytes;
    pthread_mutex_unlock(&draft->mutex);
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

enum pyr_result
cogx_draft_make(struct cogx_draft *draft, struct cogx_draft_worker *worker,
                uint64_t number, const struct cogx_draft_hold *hold,
                const uint8_t *fill, uint32_t out_nbytes[COGX_DRAFT_PLANES],
                struct pyr_error *err)
{
    const enum pyr_result result = cogx_draft_need_worker(draft, worker, err);
    if (result != PYR_OK)
        return result;
    cogx_draft_gather(draft, number, hold, fill, &worker->pixels);
    return encode_planes(draft, worker, number, out_nbytes, err);
}

static void encode_item(void *user, struct cogx_draft_worker *worker, size_t i)
{
    const struct batch *batch = user;
    struct item *item = &batch->items[i];

    if (item->result == PYR_OK)
        item->result =
            cogx_draft_make(batch->draft, worker, item->number, &item->hold,
                            batch->fill, item->made.nbytes, &item->err);
    if (item->result == PYR_OK)
        item->result =
            keep(batch->draft, worker->bytes, &item->made, &item->err);
}

/* The tile is what was made of it, and its blocks are gone. */
static void take(struct cogx_draft *draft, struct item *item)
{
    struct cogx_draft_tile *tile = &draft->tiles[item->number];

    cogx_draft_release(draft, &item->hold, true);
    cogx_cover_free(tile->cover);
    *tile = item->made;
    tile->state = COGX_DRAFT_ENCODED;
    draft->nencoded++;
}

enum pyr_result cogx_draft_encode(struct cogx_draft *draft,
                                  const uint64_t *numbers, size_t count,
                                  const uint8_t *fill, struct pyr_error *err)
{
    struct batch batch = {draft, NULL, fill};
    enum pyr_result result = PYR_OK;

    if (count == 0)
        return PYR_OK;
    batch.items = pyr_calloc(count, sizeof(*batch.items));
    if (!batch.items)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
    {
        struct item *item = &batch.items[i];
        item->number = numbers[i];
        item->result =
            cogx_draft_hold(draft, item->number, &item->hold, &item->err);
    }
    cogx_draft_run(draft, encode_item, &batch, count);
    for (size_t i = 0; i < count; i++)
    {
        struct item *item = &batch.items[i];
        if (item->result == PYR_OK)
            take(draft, item);
        else
            cogx_draft_release(draft, &item->hold, false);
        if (item->result != PYR_OK && result == PYR_OK)
            result = cogx_draft_fail(draft, item->number, item->result,
                                     &item->err, err);
    }
    pyr_free(batch.items);
    return result;
}

void cogx_draft_forget(struct cogx_draft *draft, uint64_t number)
{
    struct cogx_draft_tile *tile = &draft->tiles[number];
    const uint64_t nbytes = nbytes_of(tile);

    for (size_t i = 0; i < draft->nkept; i++)
        if (draft->kept[i].number == number)
            draft->kept[i].used = 0;
    if (tile->bytes)
        draft->bytes_in_memory -= (size_t)nbytes;
    else
        pyr_space_give(draft->space, tile->offset_bytes, nbytes);
    pyr_free(tile->bytes);
    tile->bytes = NULL;
    memset(tile->nbytes, 0, sizeof(tile->nbytes));
    draft->nencoded--;
}

/* ---- Decoding ---- */

/* Bytes of a tile, valid as long as it and the worker's. */
static enum pyr_result find_bytes(struct cogx_draft *draft,
                                  struct cogx_draft_worker *worker,
                                  const struct cogx_draft_tile *tile,
                                  const uint8_t **out_bytes,
                                  struct pyr_error *err)
{
    const size_t nbytes = (size_t)nbytes_of(tile);

    if (tile->bytes)
    {
        *out_bytes = tile->bytes;
        return PYR_OK;
    }
    if (worker->room < nbytes)
    {
        uint8_t *larger = pyr_realloc(worker->bytes, nbytes);
        if (!larger)
            return pyr_fail(err, PYR_NOMEM, "out of memory");
        worker->bytes = larger;
        worker->room = nbytes;
    }
    *out_bytes = worker->bytes;
    return pyr_space_read(draft->space, tile->offset_bytes, worker->bytes,
                          nbytes, err);
}

enum pyr_result cogx_draft_decode(struct cogx_draft *draft,
                                  struct cogx_draft_worker *worker,
                                  uint64_t number,
                                  const struct cogx_draft_pixels *pixels,
                                  struct pyr_error *err)
{
    const struct cogx_draft_tile *tile = &draft->tiles[number];
    const uint8_t *bytes = NULL;

    enum pyr_result result = find_bytes(draft, worker, tile, &bytes, err);
    for (unsigned plane = 0;
         plane < (has_mask(draft) ? 2u : 1u) && result == PYR_OK; plane++)
    {
        if (!worker->decoders[plane])
            result = pyr_tile_decoder_new(format_of(draft, plane),
                                          &worker->decoders[plane], err);
        if (result == PYR_OK && plane == PYR_PLANE_DATA)
            result = pyr_tile_decode(worker->decoders[plane], bytes,
                                     tile->nbytes[plane], pixels->image,
                                     image_row_bytes(draft), err);
        else if (result == PYR_OK)
            result = pyr_tile_decode(
                worker->decoders[plane], bytes + tile->nbytes[PYR_PLANE_DATA],
                tile->nbytes[plane], pixels->mask, side_of(draft), err);
    }
    if (result == PYR_OK && draft->format.mask_of == COGX_DRAFT_VALUES)
        restore_masked(draft, pixels);
    return result;
}

enum pyr_result cogx_draft_decoded(struct cogx_draft *draft, uint64_t number,
                                   const struct cogx_draft_pixels **out_pixels,
                                   struct pyr_error *err)
{
    struct cogx_draft_kept *chosen = draft->kept;

    for (size_t i = 0; i < draft->nkept; i++)
    {
        struct cogx_draft_kept *kept = &draft->kept[i];
        if (kept->used > 0 && kept->number == number)
        {
            kept->used = ++draft->uses;
            *out_pixels = &kept->pixels;
            return PYR_OK;
        }
        if (kept->used < chosen->used)
            chosen = kept;
    }
    if (draft->nkept < draft->most_kept)
        chosen = &draft->kept[draft->nkept++];
    chosen->used = 0;
    if (!cogx_draft_pixels_init(draft, &chosen->pixels))
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    const enum pyr_result result = cogx_draft_decode(
        draft, &draft->workers[0], number, &chosen->pixels, err);
    if (result != PYR_OK)
        return result;
    chosen->number = number;
    chosen->used = ++draft->uses;
    *out_pixels = &chosen->pixels;
    return PYR_OK;
}
