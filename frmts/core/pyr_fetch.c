/* SPDX-License-Identifier: MIT */
/* Fetches a list of tiles: open, read in batches, decode on the pool. */
#include "pyr_batch.h"

#include "pyr_alloc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Tiles and bytes of one container that are not worth a job of their own. */
#define FEW_TILES 16u
#define FEW_BYTES ((size_t)1 << 20)

/* A group of tiles on its way. */
struct group
{
    struct pyr_reader *reader;
    const struct pyr_window *window;
    const struct pyr_window_sink *sink;
    size_t cache_bytes;
    enum pyr_keep keep;
    unsigned attempt;

    struct pyr_want *wants;
    size_t nwants;
    struct pyr_visit *visits;
    size_t nvisits;
    struct pyr_item *items; /* located tiles to read, by visit and offset */
    size_t nitems;
    struct pyr_item *hits; /* tiles found in the cache */
    size_t nhits;

    struct pyr_batch batches[2];
    struct pyr_batch *reading;  /* NULL: nothing to read */
    struct pyr_batch *decoding; /* NULL: nothing to decode */
    pthread_mutex_t lock;       /* guards result and err of the visits */
};

static void visit_fail(struct group *group, struct pyr_visit *visit,
                       enum pyr_result result, const struct pyr_error *err)
{
    (void)pthread_mutex_lock(&group->lock);
    if (visit->result == PYR_OK)
    {
        visit->result = result;
        visit->err = *err;
    }
    (void)pthread_mutex_unlock(&group->lock);
}

static bool visit_failed(struct group *group, struct pyr_visit *visit)
{
    (void)pthread_mutex_lock(&group->lock);
    const bool failed = visit->result != PYR_OK;
    (void)pthread_mutex_unlock(&group->lock);
    return failed;
}

/* Gives the part of the tile that meets the window to the sink; pixels NULL
 * where it has no data. */
static void store(const struct group *group, const struct pyr_want *want,
                  const uint8_t *pixels)
{
    const struct pyr_window *const window = group->window;
    if (window == NULL || want->level != window->level)
        return;
    const struct pyr_tile_shape *const shape =
        &group->reader->options.source->levels[want->level].shape;
    const int64_t left = (int64_t)want->tile_col * shape->width_px;
    const int64_t top = (int64_t)want->tile_row * shape->height_px;
    const int64_t from_x = left > window->px_x ? left : window->px_x;
    const int64_t from_y = top > window->px_y ? top : window->px_y;
    const int64_t tile_end_x = left + shape->width_px;
    const int64_t tile_end_y = top + shape->height_px;
    const int64_t window_end_x = window->px_x + window->width_px;
    const int64_t window_end_y = window->px_y + window->height_px;
    const int64_t end_x = tile_end_x < window_end_x ? tile_end_x : window_end_x;
    const int64_t end_y = tile_end_y < window_end_y ? tile_end_y : window_end_y;
    if (from_x >= end_x || from_y >= end_y)
        return;

    const size_t row_bytes = pyr_tile_row_bytes(shape);
    if (pixels != NULL)
        pixels += (size_t)(from_y - top) * row_bytes +
                  (size_t)(from_x - left) * pyr_pixel_bytes(shape);
    group->sink->store(group->sink->user, pixels, row_bytes,
                       (uint32_t)(from_x - window->px_x),
                       (uint32_t)(from_y - window->px_y),
                       (uint32_t)(end_x - from_x), (uint32_t)(end_y - from_y));
}

static void keep_block(const struct group *group, const struct pyr_want *want,
                       uint32_t kind, struct pyr_cache_block *block)
{
    const struct pyr_cache_key key = pyr_reader_key(
        group->reader, kind, want->level, want->tile_col, want->tile_row);
    pyr_cache_put(group->reader->options.cache, &key, block,
                  group->cache_bytes);
}

/* Forgets what is in the cache of a tile. */
static void drop_kept(const struct group *group, const struct pyr_want *want)
{
    for (uint32_t kind = PYR_KIND_TILE; kind <= PYR_KIND_ENCODED; kind++)
    {
        const struct pyr_cache_key key = pyr_reader_key(
            group->reader, kind, want->level, want->tile_col, want->tile_row);
        pyr_cache_remove(group->reader->options.cache, &key);
    }
}

/* The same for one that was found there and is not to be used. */
static void drop_hit(const struct group *group, struct pyr_want *want)
{
    if (want->hit == NULL)
        return;
    pyr_cache_block_release(want->hit);
    want->hit = NULL;
    want->hit_encoded = false;
    drop_kept(group, want);
}

/* A tile that holds no data: nodata for the sink. */
static void store_nothing(const struct group *group, struct pyr_want *want,
                          const struct pyr_visit *visit)
{
    store(group, want, NULL);
    want->done = true;
    if (group->keep == PYR_KEEP_NOTHING || visit->absent)
        return;
    struct pyr_cache_block *const none = pyr_cache_block_new(0, visit->stamp);
    if (none != NULL)
        keep_block(group, want, PYR_KIND_TILE, none);
    pyr_cache_block_release(none);
}

/* Splits wants into one visit for each container. */
static void list_visits(struct group *group)
{
    struct pyr_visit *visit = NULL;
    group->nvisits = 0;
    for (size_t i = 0; i < group->nwants; i++)
    {
        const struct pyr_want *const want = &group->wants[i];
        if (visit == NULL || visit->level != want->level ||
            visit->container_col != want->container_col ||
            visit->container_row != want->container_row)
        {
            visit = &group->visits[group->nvisits++];
            pyr_visit_init(visit, group->reader, want->level, want->tile_col,
                           want->tile_row);
            visit->first = i;
        }
        visit->count++;
    }
}

static bool visit_pending(const struct group *group,
                          const struct pyr_visit *visit)
{
    for (size_t i = 0; i < visit->count; i++)
    {
        const struct pyr_want *const want = &group->wants[visit->first + i];
        if (!want->done && want->hit == NULL)
            return true;
    }
    return false;
}

/* Tiles of one container that come from different files cannot all be right:
 * they are read anew. */
static void drop_mixed_hits(struct group *group, const struct pyr_visit *visit)
{
    struct pyr_want *const wants = &group->wants[visit->first];
    const struct pyr_cache_block *first = NULL;
    bool mixed = false;
    for (size_t i = 0; i < visit->count; i++)
    {
        if (wants[i].hit == NULL)
            continue;
        if (first == NULL)
            first = wants[i].hit;
        mixed = mixed || pyr_cache_block_stamp(wants[i].hit) !=
                             pyr_cache_block_stamp(first);
    }
    for (size_t i = 0; mixed && i < visit->count; i++)
        drop_hit(group, &wants[i]);
}

static struct pyr_cache_block *
look_for(const struct group *group, const struct pyr_want *want, uint32_t kind)
{
    const struct pyr_cache_key key = pyr_reader_key(
        group->reader, kind, want->level, want->tile_col, want->tile_row);
    return pyr_cache_get(group->reader->options.cache, &key);
}

static void look_in_cache(struct group *group)
{
    for (size_t i = 0; i < group->nwants; i++)
    {
        struct pyr_want *const want = &group->wants[i];
        if (want->done || want->hit != NULL)
            continue;
        want->hit = look_for(group, want, PYR_KIND_TILE);
        want->hit_encoded = false;
        if (want->hit != NULL)
            continue;
        want->hit = look_for(group, want, PYR_KIND_ENCODED);
        want->hit_encoded = want->hit != NULL;
    }
    for (size_t i = 0; i < group->nvisits; i++)
        drop_mixed_hits(group, &group->visits[i]);
}

static int compare_items(const void *left, const void *right)
{
    const struct pyr_item *const a = left;
    const struct pyr_item *const b = right;
    if (a->visit != b->visit)
        return a->visit < b->visit ? -1 : 1;
    if (a->want->extent.offset_bytes != b->want->extent.offset_bytes)
        return a->want->extent.offset_bytes < b->want->extent.offset_bytes ? -1
                                                                           : 1;
    return 0;
}

/* Locates the tiles of one open visit that are still wanted, and puts those to
 * read behind items[*nitems]. A tile from the cache that is of an older file
 * than this one is read anew. */
static void locate_wants(struct group *group, struct pyr_visit *visit,
                         struct pyr_item *items, size_t *nitems)
{
    for (size_t i = 0; i < visit->count; i++)
    {
        struct pyr_want *const want = &group->wants[visit->first + i];
        if (want->done)
            continue;
        if (want->hit != NULL)
        {
            if (!visit->absent &&
                pyr_cache_block_stamp(want->hit) == visit->stamp)
                continue;
            drop_hit(group, want);
        }
        if (visit->absent)
        {
            store_nothing(group, want, visit);
            continue;
        }
        struct pyr_error err = {""};
        const enum pyr_result result =
            pyr_visit_locate(visit, group->reader, want->tile_col,
                             want->tile_row, &want->extent, &err);
        if (result != PYR_OK)
        {
            visit_fail(group, visit, result, &err);
            return;
        }
        if (want->extent.nbytes == 0)
        {
            store_nothing(group, want, visit);
            continue;
        }
        struct pyr_item *const item = &items[(*nitems)++];
        item->want = want;
        item->visit = visit;
    }
}

static void list_items(struct group *group)
{
    group->nitems = 0;
    group->nhits = 0;
    for (size_t i = 0; i < group->nvisits; i++)
    {
        struct pyr_visit *const visit = &group->visits[i];
        if (visit->result == PYR_OK && visit_pending(group, visit))
            locate_wants(group, visit, group->items, &group->nitems);
        for (size_t j = 0; j < visit->count; j++)
        {
            struct pyr_want *const want = &group->wants[visit->first + j];
            if (want->hit != NULL)
            {
                struct pyr_item *const hit = &group->hits[group->nhits++];
                hit->want = want;
                hit->visit = visit;
            }
        }
    }
    if (group->nitems > 1)
        qsort(group->items, group->nitems, sizeof(*group->items),
              compare_items);
}

static const char *level_id(const struct group *group,
                            const struct pyr_visit *visit)
{
    return group->reader->options.source->levels[visit->level].id;
}

static void read_part(struct group *group, const struct pyr_batch *batch,
                      const struct pyr_part *part)
{
    struct pyr_error err = {""};
    if (visit_failed(group, part->visit))
        return;
    const enum pyr_result result =
        pyr_batch_read(batch, part, group->reader->options.io, &err);
    if (result == PYR_OK)
        return;
    pyr_error_prefix(&err, "slab %s of level %s", part->visit->path,
                     level_id(group, part->visit));
    visit_fail(group, part->visit, result, &err);
}

/* Memory for one decoded tile of this worker. */
static uint8_t *scratch_for(struct pyr_worker *worker, size_t nbytes)
{
    if (worker->scratch_nbytes < nbytes)
    {
        pyr_free(worker->scratch);
        worker->scratch = pyr_malloc(nbytes);
        worker->scratch_nbytes = worker->scratch != NULL ? nbytes : 0;
    }
    return worker->scratch;
}

/* Keeps a copy of the encoded bytes, if memory allows. */
static void keep_encoded(const struct group *group, const struct pyr_want *want,
                         uint64_t stamp, const uint8_t *bytes, size_t nbytes)
{
    struct pyr_cache_block *const block = pyr_cache_block_new(nbytes, stamp);
    if (block == NULL)
        return;
    memcpy(pyr_cache_block_bytes(block), bytes, nbytes);
    keep_block(group, want, PYR_KIND_ENCODED, block);
    pyr_cache_block_release(block);
}

/* Decodes bytes[nbytes] of a file with this stamp to where the tile is wanted.
 */
static enum pyr_result decode(struct group *group, struct pyr_worker *worker,
                              struct pyr_want *want, uint64_t stamp,
                              const uint8_t *bytes, size_t nbytes,
                              struct pyr_error *err)
{
    const struct pyr_source *const source = group->reader->options.source;
    const struct pyr_tile_shape *const shape =
        &source->levels[want->level].shape;
    struct pyr_cache_block *block = NULL;
    uint8_t *pixels = NULL;

    if (worker->decoder == NULL && pyr_decoder_new(&worker->decoder) != PYR_OK)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    if (group->keep == PYR_KEEP_PIXELS ||
        (group->keep == PYR_KEEP_REUSED && want->hit_encoded))
        block = pyr_cache_block_new(pyr_tile_bytes(shape), stamp);
    pixels = block != NULL ? pyr_cache_block_bytes(block)
                           : scratch_for(worker, pyr_tile_bytes(shape));
    if (pixels == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");

    const enum pyr_result result =
        pyr_decode(worker->decoder, source->codec(source->user, bytes, nbytes),
                   shape, bytes, nbytes, pixels, err);
    if (result == PYR_OK)
    {
        store(group, want, pixels);
        want->done = true;
        if (block != NULL)
        {
            drop_kept(group, want); /* as stored */
            keep_block(group, want, PYR_KIND_TILE, block);
        }
    }
    pyr_cache_block_release(block);
    return result;
}

/* Names the tile of a failure, for its visit. */
static void fail_tile(struct group *group, struct pyr_visit *visit,
                      const struct pyr_want *want, enum pyr_result result,
                      struct pyr_error *err)
{
    pyr_error_prefix(err, "slab %s of level %s: tile %u,%u",
                     visit->path != NULL ? visit->path : "in the cache",
                     level_id(group, visit), want->tile_col, want->tile_row);
    visit_fail(group, visit, result, err);
}

static void decode_item(struct group *group, const struct pyr_batch *batch,
                        unsigned worker, const struct pyr_item *item)
{
    const uint8_t *const bytes = pyr_batch_tile(batch, item);
    const size_t nbytes = (size_t)item->want->extent.nbytes;
    struct pyr_error err = {""};
    if (visit_failed(group, item->visit))
        return;
    const enum pyr_result result =
        decode(group, &group->reader->workers[worker], item->want,
               item->visit->stamp, bytes, nbytes, &err);
    if (result != PYR_OK)
        fail_tile(group, item->visit, item->want, result, &err);
    else if (group->keep == PYR_KEEP_ENCODED || group->keep == PYR_KEEP_REUSED)
        keep_encoded(group, item->want, item->visit->stamp, bytes, nbytes);
}

static uint64_t bytes_of(const struct pyr_item *items, size_t nitems)
{
    uint64_t total = 0;
    for (size_t i = 0; i < nitems; i++)
        total += items[i].want->extent.nbytes;
    return total;
}

/* Reads and decodes the tiles of a visit that has few, as soon as it is open.
 * More, and those that there is no memory for, are left for the batches. */
static void read_at_once(struct group *group, unsigned worker,
                         struct pyr_visit *visit)
{
    struct pyr_item items[FEW_TILES];
    struct pyr_batch batch;
    size_t nitems = 0;
    locate_wants(group, visit, items, &nitems);
    if (nitems == 0 || visit->result != PYR_OK ||
        bytes_of(items, nitems) > FEW_BYTES)
        return;
    qsort(items, nitems, sizeof(*items), compare_items);
    if (pyr_batch_init(&batch, nitems) &&
        pyr_batch_plan(&batch, items, 0, nitems) == PYR_OK)
    {
        read_part(group, &batch, &batch.parts[0]);
        for (size_t i = 0; i < batch.end_item; i++)
            decode_item(group, &batch, worker, &items[i]);
    }
    pyr_batch_clear(&batch);
}

static void run_open(void *user, unsigned worker, size_t item)
{
    struct group *const group = user;
    struct pyr_visit *const visit = &group->visits[item];
    if (!visit_pending(group, visit))
        return;
    pyr_visit_open(visit, group->reader, group->cache_bytes,
                   group->attempt == 0);
    /* Nobody waits for the slowest of many others first. */
    if (visit->result == PYR_OK && visit->count <= FEW_TILES &&
        group->reader->options.waits &&
        group->nvisits > group->reader->options.nthreads)
        read_at_once(group, worker, visit);
}

static void store_hit(struct group *group, unsigned worker,
                      const struct pyr_item *item)
{
    struct pyr_want *const want = item->want;
    struct pyr_cache_block *const block = want->hit;
    const uint8_t *const bytes = pyr_cache_block_bytes(block);
    const size_t nbytes = pyr_cache_block_size(block);
    struct pyr_error err = {""};
    enum pyr_result result = PYR_OK;
    if (want->hit_encoded)
        result = decode(group, &group->reader->workers[worker], want,
                        pyr_cache_block_stamp(block), bytes, nbytes, &err);
    else
        store(group, want, nbytes > 0 ? bytes : NULL);
    if (result != PYR_OK)
        fail_tile(group, item->visit, want, result, &err);
    pyr_cache_block_release(block);
    want->hit = NULL;
    want->done = true;
}

/* Items of the mixed job: parts to read first, then tiles to decode, then
 * tiles from the cache. */
static void run_mixed(void *user, unsigned worker, size_t item)
{
    struct group *const group = user;
    const size_t nparts = group->reading != NULL ? group->reading->nparts : 0;
    if (item < nparts)
    {
        read_part(group, group->reading, &group->reading->parts[item]);
        return;
    }
    item -= nparts;
    if (group->decoding != NULL)
    {
        const size_t ntiles =
            group->decoding->end_item - group->decoding->first_item;
        if (item < ntiles)
        {
            decode_item(group, group->decoding, worker,
                        &group->items[group->decoding->first_item + item]);
            return;
        }
        item -= ntiles;
    }
    store_hit(group, worker, &group->hits[item]);
}

static void enter_helper(void *user, unsigned worker)
{
    const struct group *const group = user;
    const struct pyr_reader_options *const options = &group->reader->options;
    options->thread_enter(options->thread_user, worker);
}

static void leave_helper(void *user, unsigned worker)
{
    const struct group *const group = user;
    const struct pyr_reader_options *const options = &group->reader->options;
    options->thread_leave(options->thread_user, worker);
}

static void run_job(struct group *group,
                    void (*run)(void *user, unsigned worker, size_t item),
                    size_t nitems)
{
    const struct pyr_reader_options *const options = &group->reader->options;
    const struct pyr_job job = {
        .user = group,
        .run = run,
        .enter = options->thread_enter != NULL ? enter_helper : NULL,
        .leave = options->thread_leave != NULL ? leave_helper : NULL,
        .waits = options->waits};
    pyr_pool_run(options->pool, &job, nitems, options->nthreads);
}

/* Reads one batch ahead of the one that is being decoded. */
static enum pyr_result run_batches(struct group *group)
{
    size_t next = 0;
    size_t hits = group->nhits;
    group->reading = NULL;
    group->decoding = NULL;
    do
    {
        group->reading = NULL;
        if (next < group->nitems)
        {
            struct pyr_batch *const batch =
                &group->batches[group->decoding == &group->batches[0]];
            const enum pyr_result result =
                pyr_batch_plan(batch, group->items, next, group->nitems);
            if (result != PYR_OK)
                return result;
            next = batch->end_item;
            group->reading = batch;
        }
        size_t nitems = hits;
        hits = 0;
        if (group->reading != NULL)
            nitems += group->reading->nparts;
        if (group->decoding != NULL)
            nitems += group->decoding->end_item - group->decoding->first_item;
        run_job(group, run_mixed, nitems);
        group->decoding = group->reading;
    }
    while (group->decoding != NULL);
    return PYR_OK;
}

/* What was read through a container that changed meanwhile is void. */
static void take_back(struct group *group, const struct pyr_visit *visit)
{
    for (size_t i = 0; i < visit->count; i++)
    {
        struct pyr_want *const want = &group->wants[visit->first + i];
        drop_kept(group, want);
        want->done = false;
    }
}

/* Ends an attempt at the visits. PYR_OK with *out_again set when some of their
 * containers changed meanwhile, which voids what was read and any failure. */
static enum pyr_result settle(struct group *group, bool *out_again,
                              struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    *out_again = false;
    for (size_t i = 0; i < group->nvisits; i++)
    {
        struct pyr_visit *const visit = &group->visits[i];
        if (!pyr_visit_unchanged(visit, group->reader))
        {
            take_back(group, visit);
            *out_again = true;
        }
        else if (visit->result != PYR_OK && result == PYR_OK)
        {
            result = visit->result;
            if (err != NULL)
                *err = visit->err;
        }
        pyr_visit_close(visit, group->reader);
    }
    return result;
}

static bool any_pending(const struct group *group)
{
    for (size_t i = 0; i < group->nvisits; i++)
        if (visit_pending(group, &group->visits[i]))
            return true;
    return false;
}

/* One try at all tiles of the group that are not done. */
static enum pyr_result attempt_group(struct group *group, bool *out_again,
                                     struct pyr_error *err)
{
    look_in_cache(group);
    if (any_pending(group))
        run_job(group, run_open, group->nvisits);
    list_items(group);
    const enum pyr_result result = run_batches(group);
    const enum pyr_result settled = settle(group, out_again, err);
    if (result != PYR_OK)
        return pyr_fail(err, result, "out of memory for a batch of tiles");
    return settled;
}

static enum pyr_result run_group(struct group *group, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    bool again = true;
    list_visits(group);
    for (group->attempt = 0; again && result == PYR_OK; group->attempt++)
    {
        if (group->attempt == PYR_MAX_ATTEMPTS)
        {
            result = pyr_fail(err, PYR_IO,
                              "slabs of level %s keep changing while they are "
                              "read",
                              level_id(group, &group->visits[0]));
            break;
        }
        if (group->attempt > 0)
            pyr_wait_before_retry(group->attempt - 1);
        result = attempt_group(group, &again, err);
    }
    for (size_t i = 0; i < group->nwants; i++)
    {
        pyr_cache_block_release(group->wants[i].hit);
        group->wants[i].hit = NULL;
    }
    return result;
}

/* How many of wants[nwants] make the next group. */
static size_t group_length(const struct pyr_reader *reader,
                           const struct pyr_want *wants, size_t nwants)
{
    size_t total = 0;
    size_t count = 0;
    while (count < nwants && count < PYR_GROUP_TILES)
    {
        total += pyr_tile_bytes(
            &reader->options.source->levels[wants[count].level].shape);
        if (count > 0 && total > PYR_GROUP_BYTES)
            break;
        count++;
    }
    return count;
}

enum pyr_result pyr_fetch(struct pyr_reader *reader, struct pyr_want *wants,
                          size_t nwants, const struct pyr_window *window,
                          const struct pyr_window_sink *sink,
                          size_t cache_bytes, enum pyr_keep keep,
                          struct pyr_error *err)
{
    const size_t capacity = nwants < PYR_GROUP_TILES ? nwants : PYR_GROUP_TILES;
    enum pyr_result result = PYR_NOMEM;
    struct group group = {.reader = reader,
                          .window = window,
                          .sink = sink,
                          .cache_bytes = cache_bytes,
                          .keep = keep};
    if (nwants == 0)
        return PYR_OK;
    (void)pthread_mutex_init(&group.lock, NULL);
    group.visits = pyr_calloc(capacity, sizeof(*group.visits));
    group.items = pyr_calloc(capacity, sizeof(*group.items));
    group.hits = pyr_calloc(capacity, sizeof(*group.hits));
    bool ready = pyr_batch_init(&group.batches[0], capacity);
    ready = pyr_batch_init(&group.batches[1], capacity) && ready &&
            group.visits != NULL && group.items != NULL && group.hits != NULL;
    if (!ready)
    {
        (void)pyr_fail(err, PYR_NOMEM, "out of memory for a list of tiles");
        goto done;
    }

    result = PYR_OK;
    for (size_t first = 0; first < nwants && result == PYR_OK;)
    {
        group.wants = wants + first;
        group.nwants = group_length(reader, group.wants, nwants - first);
        result = run_group(&group, err);
        first += group.nwants;
    }

done:
    pyr_batch_clear(&group.batches[0]);
    pyr_batch_clear(&group.batches[1]);
    pyr_free(group.hits);
    pyr_free(group.items);
    pyr_free(group.visits);
    (void)pthread_mutex_destroy(&group.lock);
    for (size_t i = 0; i < PYR_POOL_MAX_THREADS; i++)
    {
        pyr_free(reader->workers[i].scratch);
        reader->workers[i].scratch = NULL;
        reader->workers[i].scratch_nbytes = 0;
    }
    return result;
}
