/* SPDX-License-Identifier: MIT */
/* Tiles of a level that are being written, in any order and bounded memory. */
#ifndef PYR_STORE_H
#define PYR_STORE_H

#include "pyr_grid.h"
#include "pyr_space.h"
#include "pyr_tile.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* A store keeps what was used last in memory; other tiles are compressed into
 * one temporary file, in which the space of tiles that change is used again. It
 * takes some fifty bytes for each tile beside that. */
struct pyr_store;

struct pyr_store_options
{
    struct pyr_tile_shape shape; /* of all tiles; valid */
    const struct pyr_out *out;   /* borrowed until pyr_store_free */
    /* Of the temporary file, which is made when it is needed and never
     * committed; borrowed likewise. */
    const char *path;
    /* A file that is there, instead of both; borrowed likewise, or NULL. */
    struct pyr_space *space;
};

/* A tile in memory. */
struct pyr_store_tile
{
    uint8_t *pixels; /* [height_px][width_px][bands] */
    uint8_t *marks;  /* [height_px][width_px]: what the user notes of each */
    /* Made by this call: pixels are undefined, marks 0. */
    bool fresh;
};

/* PYR_NOMEM, and as of pyr_encoder_new. Freed with pyr_store_free, which drops
 * the file; NULL is fine there. One thread at a time per store. */
enum pyr_result pyr_store_new(const struct pyr_store_options *options,
                              struct pyr_store **out_store,
                              struct pyr_error *err) PYR_MUST_CHECK;
void pyr_store_free(struct pyr_store *store);

/* The tile, to be changed, made when there is none. It stays in memory until
 * pyr_store_release, to which each call belongs. Tiles that are not held leave
 * memory until all take at most memory_bytes. PYR_NOMEM; PYR_IO and what else
 * the temporary file fails with: no tile is lost then. PYR_LIMIT for a store of
 * 2^32 - 1 tiles. */
enum pyr_result pyr_store_edit(struct pyr_store *store, uint32_t tile_col,
                               uint32_t tile_row, size_t memory_bytes,
                               struct pyr_store_tile **out_tile,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* Like pyr_store_edit, but the tile may only be looked at: PYR_NOT_FOUND when
 * there is none, err is left alone then. */
enum pyr_result pyr_store_look(struct pyr_store *store, uint32_t tile_col,
                               uint32_t tile_row, size_t memory_bytes,
                               const struct pyr_store_tile **out_tile,
                               struct pyr_error *err) PYR_MUST_CHECK;

void pyr_store_release(struct pyr_store *store,
                       const struct pyr_store_tile *tile);

/* Like pyr_store_release, but the tile, which nobody else holds, is no longer
 * in the store. */
void pyr_store_drop(struct pyr_store *store, const struct pyr_store_tile *tile);

/* Drops all tiles, none of which is held, and the file, if it is its own. */
void pyr_store_clear(struct pyr_store *store);

bool pyr_store_has(const struct pyr_store *store, uint32_t tile_col,
                   uint32_t tile_row);
size_t pyr_store_count(const struct pyr_store *store);

/* Bytes of the tiles that are in memory, and of one. */
size_t pyr_store_memory(const struct pyr_store *store);
size_t pyr_store_tile_memory(const struct pyr_store *store);

/* The least rectangle that holds all tiles; PYR_NOT_FOUND without tiles. */
enum pyr_result
pyr_store_limits(const struct pyr_store *store,
                 struct pyr_grid_limits *out_limits) PYR_MUST_CHECK;

/* Whether there is a tile within these limits: never false where there is, and
 * true for some rectangles of many tiles next to which there is one. Fast
 * whatever the number of tiles: the first call after a change sorts. */
bool pyr_store_meets(struct pyr_store *store,
                     const struct pyr_grid_limits *limits);

#ifdef __cplusplus
}
#endif

#endif
