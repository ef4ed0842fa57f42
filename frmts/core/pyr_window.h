/* SPDX-License-Identifier: MIT */
/* Windows of pixels out of a tile source, through a cache and on threads. */
#ifndef PYR_WINDOW_H
#define PYR_WINDOW_H

#include "pyr_cache.h"
#include "pyr_pool.h"
#include "pyr_source.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* A rectangle of a level's pixels; pixel (0, 0) is the top-left one of tile
 * (0, 0). It may reach beyond the level's limits and matrix. */
struct pyr_window
{
    uint32_t level;
    int64_t px_x;
    int64_t px_y;
    uint32_t width_px;  /* >= 1 */
    uint32_t height_px; /* >= 1 */
};

/* Where the pixels of a window go. */
struct pyr_window_sink
{
    void *user;
    /* Takes the rectangle of width_px * height_px pixels at (px_x, px_y) of the
     * window: pixels[height_px][row_bytes], of which width_px pixels count, or
     * NULL where there is no data. Called from several threads at once, for
     * rectangles that do not overlap; a rectangle may come again, with the
     * pixels that count (after a container was seen to change). */
    void (*store)(void *user, const uint8_t *pixels, size_t row_bytes,
                  uint32_t px_x, uint32_t px_y, uint32_t width_px,
                  uint32_t height_px);
    /* Called on the calling thread now and then with the share of tiles done,
     * 0 .. 1; false interrupts with PYR_CANCELLED. May be NULL. */
    bool (*progress)(void *user, double fraction);
};

struct pyr_reader_options
{
    const struct pyr_source *source; /* borrowed until pyr_reader_free */
    const struct pyr_io *io;         /* borrowed likewise */
    struct pyr_pool *pool;           /* borrowed likewise */
    struct pyr_cache *cache;         /* borrowed likewise */
    unsigned nthreads;               /* 1 .. PYR_POOL_MAX_THREADS */
    bool waits;                      /* reads take a request over a network */
    /* What is in the cache is believed for so long; then all that was read is
     * forgotten. 0: for ever. */
    uint64_t keep_ms;
    /* As in struct pyr_job; may be NULL. */
    void *thread_user;
    void (*thread_enter)(void *user, unsigned worker);
    void (*thread_leave)(void *user, unsigned worker);
};

struct pyr_reader;

/* PYR_NOMEM. Freed with pyr_reader_free, which drops its blocks from the
 * cache. One thread at a time per reader. */
enum pyr_result pyr_reader_new(const struct pyr_reader_options *options,
                               struct pyr_reader **out_reader) PYR_MUST_CHECK;
void pyr_reader_free(struct pyr_reader *reader);

/* Gives every pixel of the window to the sink. Tiles come from the cache or
 * are read, decoded and, when the tiles of the window take at most cache_bytes,
 * kept; the cache is trimmed to cache_bytes as blocks are put in it. A
 * container is read with the index that was read from the very same file: when
 * it is replaced meanwhile, its tiles are read again.
 *
 * PYR_CORRUPT, PYR_UNSUPPORTED, PYR_IO, PYR_NOMEM...: err names container,
 * level and tile; what the sink then holds is undefined. PYR_CANCELLED when
 * progress said so. */
enum pyr_result pyr_reader_read(struct pyr_reader *reader,
                                const struct pyr_window *window,
                                const struct pyr_window_sink *sink,
                                size_t cache_bytes,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* Brings the tiles of all windows into the cache at once, as far as they take
 * at most cache_bytes together; the others are left out, in order. */
enum pyr_result pyr_reader_prefetch(struct pyr_reader *reader,
                                    const struct pyr_window *windows,
                                    size_t nwindows, size_t cache_bytes,
                                    struct pyr_error *err) PYR_MUST_CHECK;

enum pyr_presence
{
    PYR_PRESENT,      /* the tile has data */
    PYR_EMPTY_TILE,   /* its container exists but holds no data for it */
    PYR_NO_CONTAINER, /* its container does not exist */
    PYR_OUTSIDE       /* it lies outside the level's limits */
};

/* Whether tile (col, row) has data, and where in its container (an extent of
 * zeros when it has none). Reads at most the container's index. */
enum pyr_result pyr_reader_locate(struct pyr_reader *reader, uint32_t level,
                                  uint32_t tile_col, uint32_t tile_row,
                                  size_t cache_bytes,
                                  enum pyr_presence *out_presence,
                                  struct pyr_extent *out_extent,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* The encoded bytes of a tile, freed with pyr_free; PYR_NOT_FOUND when it has
 * no data. */
enum pyr_result pyr_reader_encoded(struct pyr_reader *reader, uint32_t level,
                                   uint32_t tile_col, uint32_t tile_row,
                                   size_t cache_bytes, uint8_t **out_bytes,
                                   size_t *out_nbytes,
                                   struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
