/* SPDX-License-Identifier: MIT */
/* The interface of a tile source: where the tiles of a pyramid are. */
#ifndef PYR_SOURCE_H
#define PYR_SOURCE_H

#include "pyr_codec.h"
#include "pyr_grid.h"
#include "pyr_io.h"

/* One level as the window reader sees it. */
struct pyr_source_level
{
    const char *id; /* for messages */
    struct pyr_tile_shape shape;
    struct pyr_grid_limits limits; /* tiles outside hold no data */
    /* A container (slab) holds this many neighbouring tiles; tile (col, row)
     * stands in container (col / width, row / height). */
    uint32_t container_width_tiles;
    uint32_t container_height_tiles;
    /* Bytes of the container that its tiles are located with. */
    struct pyr_extent index;
};

/* A pyramid's tiles. The functions are pure and safe from many threads. */
struct pyr_source
{
    void *user;
    uint32_t nlevels;
    const struct pyr_source_level *levels; /* levels[nlevels] */

    /* Path of a container; freed with pyr_free. PYR_NOT_FOUND when the level
     * has none. */
    enum pyr_result (*path)(void *user, uint32_t level, uint32_t container_col,
                            uint32_t container_row, char **out_path,
                            struct pyr_error *err);

    /* Where tile (col, row) is in a container of file_nbytes bytes whose index
     * bytes are index[]; nbytes 0 when it holds no data. PYR_CORRUPT when it
     * lies where no tile can. */
    enum pyr_result (*locate)(void *user, uint32_t level, uint32_t tile_col,
                              uint32_t tile_row, const uint8_t *index,
                              uint64_t file_nbytes,
                              struct pyr_extent *out_extent,
                              struct pyr_error *err);

    /* How the encoded tile bytes[nbytes] is encoded. */
    enum pyr_codec (*codec)(void *user, const uint8_t *bytes, size_t nbytes);
};

#endif
