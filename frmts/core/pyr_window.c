/* SPDX-License-Identifier: MIT */
/* Windows of pixels: which tiles they take, and single tiles. */
#define _POSIX_C_SOURCE 200809L

#include "pyr_fetch.h"

#include "pyr_alloc.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Walks the tiles that a window takes within its level's limits, container by
 * container. */
struct walk
{
    const struct pyr_source_level *at;
    uint32_t level;
    struct pyr_grid_limits tiles; /* valid when count > 0 */
    uint64_t count;               /* tiles in all */
    uint64_t container_row;
    uint64_t container_col;
    uint64_t tile_row;
    uint64_t tile_col;
};

static uint64_t now_ms(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

enum pyr_result pyr_reader_new(const struct pyr_reader_options *options,
                               struct pyr_reader **out_reader)
{
    struct pyr_reader *const reader = pyr_calloc(1, sizeof(*reader));
    if (reader == NULL)
        return PYR_NOMEM;
    reader->options = *options;
    reader->owner = pyr_cache_new_owner(options->cache);
    reader->kept_since_ms = now_ms();
    *out_reader = reader;
    return PYR_OK;
}

void pyr_reader_free(struct pyr_reader *reader)
{
    if (reader == NULL)
        return;
    pyr_cache_remove_owner(reader->options.cache, reader->owner);
    for (size_t i = 0; i < PYR_POOL_MAX_THREADS; i++)
        pyr_decoder_free(reader->workers[i].decoder);
    pyr_free(reader);
}

void pyr_reader_expire(struct pyr_reader *reader)
{
    if (reader->options.keep_ms == 0 ||
        now_ms() - reader->kept_since_ms < reader->options.keep_ms)
        return;
    pyr_cache_remove_owner(reader->options.cache, reader->owner);
    reader->kept_since_ms = now_ms();
}

static uint64_t at_least(uint64_t value, uint64_t least)
{
    return value > least ? value : least;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

static void walk_container(struct walk *walk)
{
    walk->tile_row =
        at_least(walk->tiles.min_row,
                 walk->container_row * walk->at->container_height_tiles);
    walk->tile_col =
        at_least(walk->tiles.min_col,
                 walk->container_col * walk->at->container_width_tiles);
}

static void walk_init(struct walk *walk, const struct pyr_source *source,
                      const struct pyr_window *window)
{
    const struct pyr_source_level *const at = &source->levels[window->level];
    const int64_t tile_width = at->shape.width_px;
    const int64_t tile_height = at->shape.height_px;
    const int64_t end_x = window->px_x + window->width_px;
    const int64_t end_y = window->px_y + window->height_px;
    memset(walk, 0, sizeof(*walk));
    walk->at = at;
    walk->level = window->level;
    if (end_x <= (int64_t)at->limits.min_col * tile_width ||
        end_y <= (int64_t)at->limits.min_row * tile_height ||
        window->px_x >= ((int64_t)at->limits.max_col + 1) * tile_width ||
        window->px_y >= ((int64_t)at->limits.max_row + 1) * tile_height)
        return;

    const uint64_t first_x = window->px_x > 0 ? (uint64_t)window->px_x : 0;
    const uint64_t first_y = window->px_y > 0 ? (uint64_t)window->px_y : 0;
    const uint64_t last_x = (uint64_t)end_x - 1;
    const uint64_t last_y = (uint64_t)end_y - 1;
    walk->tiles.min_col =
        (uint32_t)at_least(first_x / at->shape.width_px, at->limits.min_col);
    walk->tiles.min_row =
        (uint32_t)at_least(first_y / at->shape.height_px, at->limits.min_row);
    walk->tiles.max_col =
        (uint32_t)at_most(last_x / at->shape.width_px, at->limits.max_col);
    walk->tiles.max_row =
        (uint32_t)at_most(last_y / at->shape.height_px, at->limits.max_row);
    walk->count = ((uint64_t)walk->tiles.max_col - walk->tiles.min_col + 1) *
                  ((uint64_t)walk->tiles.max_row - walk->tiles.min_row + 1);
    walk->container_col = walk->tiles.min_col / at->container_width_tiles;
    walk->container_row = walk->tiles.min_row / at->container_height_tiles;
    walk_container(walk);
}

/* Steps to the next tile of the container, or to the next container. */
static void walk_step(struct walk *walk)
{
    const uint64_t end_col =
        at_most((walk->container_col + 1) * walk->at->container_width_tiles,
                (uint64_t)walk->tiles.max_col + 1);
    const uint64_t end_row =
        at_most((walk->container_row + 1) * walk->at->container_height_tiles,
                (uint64_t)walk->tiles.max_row + 1);
    if (++walk->tile_col < end_col)
        return;
    walk->tile_col =
        at_least(walk->tiles.min_col,
                 walk->container_col * walk->at->container_width_tiles);
    if (++walk->tile_row < end_row)
        return;
    if (++walk->container_col >
        walk->tiles.max_col / walk->at->container_width_tiles)
    {
        walk->container_col =
            walk->tiles.min_col / walk->at->container_width_tiles;
        walk->container_row++;
    }
    walk_container(walk);
}

/* Appends up to room of the tiles that are left, of which *left tell how many,
 * and returns how many it appended. */
static size_t walk_take(struct walk *walk, uint64_t *left,
                        struct pyr_want *wants, size_t room)
{
    size_t taken = 0;
    while (*left > 0 && taken < room)
    {
        const struct pyr_want want = {
            .level = walk->level,
            .container_col = (uint32_t)walk->container_col,
            .container_row = (uint32_t)walk->container_row,
            .tile_col = (uint32_t)walk->tile_col,
            .tile_row = (uint32_t)walk->tile_row};
        wants[taken++] = want;
        walk_step(walk);
        (*left)--;
    }
    return taken;
}

/* Whether the window lies within its level's limits. */
static bool window_inside(const struct pyr_source *source,
                          const struct pyr_window *window)
{
    const struct pyr_source_level *const at = &source->levels[window->level];
    const int64_t tile_width = at->shape.width_px;
    const int64_t tile_height = at->shape.height_px;
    return window->px_x >= (int64_t)at->limits.min_col * tile_width &&
           window->px_y >= (int64_t)at->limits.min_row * tile_height &&
           window->px_x + window->width_px <=
               ((int64_t)at->limits.max_col + 1) * tile_width &&
           window->px_y + window->height_px <=
               ((int64_t)at->limits.max_row + 1) * tile_height;
}

/* The tiles of a window that fits the cache are kept. Those of a large one stay
 * as stored for good: decoded, they would drive everything else out. */
static enum pyr_keep keep_for(uint64_t ntiles, size_t tile_bytes,
                              size_t cache_bytes)
{
    if (ntiles > cache_bytes / tile_bytes)
        return PYR_KEEP_NOTHING;
    if (ntiles > 1 && ntiles > PYR_MAX_KEPT_PIXEL_BYTES / tile_bytes)
        return PYR_KEEP_ENCODED;
    return PYR_KEEP_REUSED;
}

enum pyr_result pyr_reader_read(struct pyr_reader *reader,
                                const struct pyr_window *window,
                                const struct pyr_window_sink *sink,
                                size_t cache_bytes, struct pyr_error *err)
{
    const struct pyr_source *const source = reader->options.source;
    struct walk walk;
    pyr_reader_expire(reader);
    walk_init(&walk, source, window);
    if (!window_inside(source, window))
        sink->store(sink->user, NULL, 0, 0, 0, window->width_px,
                    window->height_px);
    if (walk.count == 0)
        return PYR_OK;

    const size_t tile_bytes = pyr_tile_bytes(&walk.at->shape);
    const enum pyr_keep keep = keep_for(walk.count, tile_bytes, cache_bytes);
    const size_t room = (size_t)at_most(walk.count, PYR_GROUP_TILES);
    struct pyr_want *const wants = pyr_calloc(room, sizeof(*wants));
    if (wants == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory for a list of tiles");
    enum pyr_result result = PYR_OK;
    for (uint64_t left = walk.count; left > 0 && result == PYR_OK;)
    {
        const size_t taken = walk_take(&walk, &left, wants, room);
        result = pyr_fetch(reader, wants, taken, window, sink, cache_bytes,
                           keep, err);
        if (result == PYR_OK && sink->progress != NULL &&
            !sink->progress(sink->user,
                            1.0 - (double)left / (double)walk.count))
            result = pyr_fail(err, PYR_CANCELLED, "interrupted by the user");
    }
    pyr_free(wants);
    return result;
}

static int compare_wants(const void *left, const void *right)
{
    const struct pyr_want *const a = left;
    const struct pyr_want *const b = right;
    const uint32_t keys_a[] = {a->level, a->container_row, a->container_col,
                               a->tile_row, a->tile_col};
    const uint32_t keys_b[] = {b->level, b->container_row, b->container_col,
                               b->tile_row, b->tile_col};
    for (size_t i = 0; i < sizeof(keys_a) / sizeof(keys_a[0]); i++)
        if (keys_a[i] != keys_b[i])
            return keys_a[i] < keys_b[i] ? -1 : 1;
    return 0;
}

/* Sorts by container and drops what is there twice; returns what is left. */
static size_t sort_wants(struct pyr_want *wants, size_t nwants)
{
    size_t kept = 0;
    if (nwants > 1)
        qsort(wants, nwants, sizeof(*wants), compare_wants);
    for (size_t i = 0; i < nwants; i++)
        if (i == 0 || compare_wants(&wants[kept - 1], &wants[i]) != 0)
            wants[kept++] = wants[i];
    return kept;
}

enum pyr_result pyr_reader_prefetch(struct pyr_reader *reader,
                                    const struct pyr_window *windows,
                                    size_t nwindows, size_t cache_bytes,
                                    struct pyr_error *err)
{
    struct pyr_want *wants = NULL;
    size_t nwants = 0;
    size_t total_bytes = 0;
    enum pyr_result result = PYR_OK;
    pyr_reader_expire(reader);
    for (size_t i = 0; i < nwindows && result == PYR_OK; i++)
    {
        struct walk walk;
        walk_init(&walk, reader->options.source, &windows[i]);
        const size_t tile_bytes = pyr_tile_bytes(&walk.at->shape);
        if (walk.count == 0 ||
            walk.count > (cache_bytes - total_bytes) / tile_bytes ||
            walk.count > PYR_MAX_PREFETCH_TILES - nwants)
            continue;
        const size_t count = (size_t)walk.count;
        struct pyr_want *const grown =
            pyr_realloc(wants, (nwants + count) * sizeof(*wants));
        if (grown == NULL)
        {
            result = pyr_fail(err, PYR_NOMEM, "out of memory for tiles");
            break;
        }
        wants = grown;
        nwants += walk_take(&walk, &walk.count, wants + nwants, count);
        total_bytes += count * tile_bytes;
    }
    if (result == PYR_OK)
        result = pyr_fetch(reader, wants, sort_wants(wants, nwants), NULL, NULL,
                           cache_bytes, PYR_KEEP_PIXELS, err);
    pyr_free(wants);
    return result;
}

static bool tile_within(const struct pyr_source *source, uint32_t level,
                        uint32_t tile_col, uint32_t tile_row)
{
    const struct pyr_grid_limits *const limits = &source->levels[level].limits;
    return tile_col >= limits->min_col && tile_col <= limits->max_col &&
           tile_row >= limits->min_row && tile_row <= limits->max_row;
}

/* The index of the visit's container, which the caller releases: from the
 * cache, since nothing is read by it, or else read whole. NULL when there is
 * none. */
static enum pyr_result find_index(struct pyr_visit *visit,
                                  struct pyr_reader *reader, size_t cache_bytes,
                                  struct pyr_cache_block **out_index,
                                  struct pyr_error *err)
{
    const struct pyr_cache_key key =
        pyr_reader_key(reader, PYR_KIND_INDEX, visit->level,
                       visit->container_col, visit->container_row);
    *out_index = pyr_cache_get(reader->options.cache, &key);
    if (*out_index != NULL)
        return PYR_OK;
    for (unsigned attempt = 0; attempt < PYR_MAX_ATTEMPTS; attempt++)
    {
        pyr_visit_open(visit, reader, cache_bytes, attempt == 0);
        if (pyr_visit_unchanged(visit, reader))
        {
            *out_index = visit->index;
            visit->index = NULL;
            return visit->result == PYR_OK
                       ? PYR_OK
                       : pyr_fail(err, visit->result, "%s", visit->err.text);
        }
        pyr_visit_close(visit, reader);
        pyr_wait_before_retry(attempt);
    }
    return pyr_fail(err, PYR_IO, "a slab of level %s keeps changing",
                    reader->options.source->levels[visit->level].id);
}

enum pyr_result pyr_reader_locate(struct pyr_reader *reader, uint32_t level,
                                  uint32_t tile_col, uint32_t tile_row,
                                  size_t cache_bytes,
                                  enum pyr_presence *out_presence,
                                  struct pyr_extent *out_extent,
                                  struct pyr_error *err)
{
    const struct pyr_source *const source = reader->options.source;
    struct pyr_visit visit;
    struct pyr_cache_block *index = NULL;
    struct pyr_extent extent = {0, 0};
    enum pyr_presence presence = PYR_OUTSIDE;
    enum pyr_result result = PYR_OK;
    pyr_reader_expire(reader);
    pyr_visit_init(&visit, reader, level, tile_col, tile_row);
    if (!tile_within(source, level, tile_col, tile_row))
        goto done;

    result = find_index(&visit, reader, cache_bytes, &index, err);
    presence = PYR_NO_CONTAINER;
    if (result == PYR_OK && index != NULL && pyr_cache_block_size(index) > 0)
    {
        result = source->locate(source->user, level, tile_col, tile_row,
                                pyr_cache_block_bytes(index), UINT64_MAX,
                                &extent, err);
        if (result != PYR_OK)
            pyr_error_prefix(err, "level %s: tile %u,%u",
                             source->levels[level].id, tile_col, tile_row);
        presence = extent.nbytes > 0 ? PYR_PRESENT : PYR_EMPTY_TILE;
    }

done:
    pyr_cache_block_release(index);
    pyr_visit_close(&visit, reader);
    if (result == PYR_OK)
    {
        *out_presence = presence;
        *out_extent = extent;
    }
    return result;
}

/* One try at the encoded bytes of a tile through an open visit. */
static enum pyr_result read_encoded(struct pyr_visit *visit,
                                    struct pyr_reader *reader,
                                    uint32_t tile_col, uint32_t tile_row,
                                    uint8_t **out_bytes, size_t *out_nbytes,
                                    struct pyr_error *err)
{
    struct pyr_extent extent = {0, 0};
    if (visit->result != PYR_OK)
        return pyr_fail(err, visit->result, "%s", visit->err.text);
    if (!visit->absent)
    {
        const enum pyr_result located =
            pyr_visit_locate(visit, reader, tile_col, tile_row, &extent, err);
        if (located != PYR_OK)
            return located;
    }
    if (extent.nbytes == 0)
        return pyr_fail(err, PYR_NOT_FOUND, "tile %u,%u has no data", tile_col,
                        tile_row);
    uint8_t *const bytes = pyr_malloc((size_t)extent.nbytes);
    if (bytes == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory for an encoded tile");
    struct pyr_error why = {""};
    const enum pyr_result result =
        reader->options.io->read(visit->file, 1, &extent, &bytes, &why);
    if (result != PYR_OK)
    {
        pyr_free(bytes);
        return pyr_fail(err, result, "slab %s: tile %u,%u: %s", visit->path,
                        tile_col, tile_row, why.text);
    }
    *out_bytes = bytes;
    *out_nbytes = (size_t)extent.nbytes;
    return PYR_OK;
}

enum pyr_result pyr_reader_encoded(struct pyr_reader *reader, uint32_t level,
                                   uint32_t tile_col, uint32_t tile_row,
                                   size_t cache_bytes, uint8_t **out_bytes,
                                   size_t *out_nbytes, struct pyr_error *err)
{
    if (!tile_within(reader->options.source, level, tile_col, tile_row))
        return pyr_fail(err, PYR_NOT_FOUND, "tile %u,%u has no data", tile_col,
                        tile_row);
    pyr_reader_expire(reader);
    for (unsigned attempt = 0; attempt < PYR_MAX_ATTEMPTS; attempt++)
    {
        struct pyr_visit visit;
        uint8_t *bytes = NULL;
        pyr_visit_init(&visit, reader, level, tile_col, tile_row);
        pyr_visit_open(&visit, reader, cache_bytes, attempt == 0);
        const enum pyr_result result = read_encoded(
            &visit, reader, tile_col, tile_row, &bytes, out_nbytes, err);
        const bool unchanged = pyr_visit_unchanged(&visit, reader);
        pyr_visit_close(&visit, reader);
        if (unchanged)
        {
            if (result == PYR_OK)
                *out_bytes = bytes;
            return result;
        }
        pyr_free(bytes);
        pyr_wait_before_retry(attempt);
    }
    return pyr_fail(err, PYR_IO, "the slab of tile %u,%u keeps changing",
                    tile_col, tile_row);
}
