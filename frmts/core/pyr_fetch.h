/* SPDX-License-Identifier: MIT */
/* Internal to the window reader: a bounded list of tiles, fetched together. */
#ifndef PYR_FETCH_H
#define PYR_FETCH_H

#include "pyr_window.h"

/* A list of wants is fetched in groups of at most so many tiles and decoded
 * bytes (but at least one tile); a group's encoded bytes in batches of at most
 * so many (but at least one tile). Two batches are in memory at a time;
 * before, where reads wait for a network, a few tiles of each thread. */
#define PYR_GROUP_TILES 1024u
#define PYR_GROUP_BYTES ((size_t)64 << 20)
#define PYR_BATCH_BYTES ((size_t)8 << 20)
/* Pixels of a window that are kept decoded. */
#define PYR_MAX_KEPT_PIXEL_BYTES ((size_t)32 << 20)
/* Tiles that one prefetch takes at most. */
#define PYR_MAX_PREFETCH_TILES ((size_t)1 << 16)
/* Ranges of one container closer than this are read as one. */
#define PYR_MERGE_GAP_BYTES 4096u
/* How often a container that keeps changing is read again. */
#define PYR_MAX_ATTEMPTS 12u

/* Kinds of cache keys of a reader. A block of 0 bytes says that there is no
 * such container, or no data in the tile. */
enum
{
    PYR_KIND_INDEX,
    PYR_KIND_TILE,   /* decoded */
    PYR_KIND_ENCODED /* a tile as it is stored */
};

/* What stays in the cache of the tiles that are fetched. To touch new memory
 * for a decoded tile costs a good part of decoding it, and most tiles are read
 * once: they stay as they are stored, and decoded when they are wanted again.
 */
enum pyr_keep
{
    PYR_KEEP_NOTHING,
    PYR_KEEP_ENCODED, /* as stored, also when wanted again: a large window */
    PYR_KEEP_REUSED,  /* as stored, decoded when wanted again */
    PYR_KEEP_PIXELS   /* decoded at once */
};

/* One tile to fetch. */
struct pyr_want
{
    uint32_t level;
    uint32_t container_col;
    uint32_t container_row;
    uint32_t tile_col;
    uint32_t tile_row;
    bool done;                   /* its pixels are where they belong */
    bool hit_encoded;            /* hit is not decoded */
    struct pyr_extent extent;    /* once located */
    struct pyr_cache_block *hit; /* held, from the cache; else NULL */
};

struct pyr_worker
{
    struct pyr_decoder *decoder;
    uint8_t *scratch; /* one decoded tile; NULL until needed */
    size_t scratch_nbytes;
};

struct pyr_reader
{
    struct pyr_reader_options options;
    uint64_t owner;
    uint64_t kept_since_ms;
    struct pyr_worker workers[PYR_POOL_MAX_THREADS];
};

/* A container opened for reading, and the index that belongs to it. */
struct pyr_visit
{
    uint32_t level;
    uint32_t container_col;
    uint32_t container_row;
    size_t first; /* its wants: wants[first .. first + count - 1] */
    size_t count;
    bool absent;
    char *path;
    struct pyr_file *file;         /* NULL: not opened, or absent */
    uint64_t stamp;                /* of file */
    struct pyr_cache_block *index; /* held; NULL: not loaded */
    enum pyr_result result;        /* first failure, with its text */
    struct pyr_error err;
};

/* Names the container of tile (col, row). */
void pyr_visit_init(struct pyr_visit *visit, const struct pyr_reader *reader,
                    uint32_t level, uint32_t tile_col, uint32_t tile_row);

/* Opens the container and gets its index, from the cache where it belongs to
 * this very file. On failure result and err of the visit are set. With
 * may_skip, a container that the cache knows to be absent is not looked for
 * again. */
void pyr_visit_open(struct pyr_visit *visit, struct pyr_reader *reader,
                    size_t cache_bytes, bool may_skip);

/* Where a tile of an open visit is. */
enum pyr_result pyr_visit_locate(struct pyr_visit *visit,
                                 const struct pyr_reader *reader,
                                 uint32_t tile_col, uint32_t tile_row,
                                 struct pyr_extent *out_extent,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* Whether what was read through the visit may be believed. When the file has
 * changed meanwhile, its index is dropped from the cache. */
bool pyr_visit_unchanged(struct pyr_visit *visit, struct pyr_reader *reader);

/* Closes and frees what the visit holds; it may be opened again. */
void pyr_visit_close(struct pyr_visit *visit, struct pyr_reader *reader);

/* Forgets all that was kept for longer than the reader may. */
void pyr_reader_expire(struct pyr_reader *reader);

/* Puts the pixels of wants[nwants], which are sorted by container, into the
 * cache, as keep says, and, as far as they meet window, into sink (either may
 * be NULL, both together). */
enum pyr_result pyr_fetch(struct pyr_reader *reader, struct pyr_want *wants,
                          size_t nwants, const struct pyr_window *window,
                          const struct pyr_window_sink *sink,
                          size_t cache_bytes, enum pyr_keep keep,
                          struct pyr_error *err) PYR_MUST_CHECK;

/* The cache key of a tile or container. */
struct pyr_cache_key pyr_reader_key(const struct pyr_reader *reader,
                                    uint32_t kind, uint32_t level, uint32_t col,
                                    uint32_t row);

/* Waits before the given retry (0, 1, ...): longer each time. */
void pyr_wait_before_retry(unsigned attempt);

#endif
