/* SPDX-License-Identifier: MIT */
/* What the two halves of the writer share: taking tiles, and the file. */
#ifndef COGX_WRITER_PRIV_H
#define COGX_WRITER_PRIV_H

#include "cogx_writer.h"
#include "pyr_spool.h"

#define COGX_LEADER_BYTES 4u
#define COGX_TRAILER_BYTES 4u
#define COGX_FRAME_BYTES (COGX_LEADER_BYTES + COGX_TRAILER_BYTES)
#define COGX_MAX_TILE_BYTES (UINT32_MAX - COGX_FRAME_BYTES)

/* Of at[]: the tile is promised. */
#define COGX_PROMISED ((uint64_t)1 << 63)

/* The tiles of an image, row by row: at[ntiles] in the level's log, with leader
 * and trailer, and the size without them; 0: never put. Of a promise, as it was
 * made. */
struct cogx_out_plane
{
    const struct cogx_image *image;
    uint64_t *at;
    uint32_t *nbytes;
    uint8_t *empty; /* the tile for those, with leader and trailer; or NULL */
    uint32_t empty_nbytes; /* without them */
};

struct cogx_out_level
{
    uint32_t tiles_wide;
    uint64_t ntiles;
    struct cogx_out_plane planes[2]; /* by enum pyr_plane */
    struct pyr_spool *spool;
    uint64_t begin_bytes; /* in the file */
    uint64_t nbytes;
};

struct cogx_writer
{
    struct cogx_writer_options options;
    struct pyr_sink sink;
    struct pyr_spools *spools;
    unsigned nplanes;
    struct cogx_out_level *levels; /* levels[options.nlevels] */
};

/* Promised tiles that were fetched, with leaders and trailers. */
struct cogx_batch
{
    const struct cogx_writer *writer;
    struct cogx_promised *tiles; /* tiles[ntiles] */
    size_t ntiles;
    size_t next;
    uint8_t *bytes; /* bytes[room_bytes] */
    size_t room_bytes;
};

/* The next promised tile of a level, with leader and trailer; valid until the
 * next call. Errors of fetch; PYR_NOMEM. */
enum pyr_result cogx_batch_take(struct cogx_batch *batch, uint32_t level,
                                unsigned plane, size_t number,
                                const uint8_t **out_bytes, size_t *out_nbytes,
                                struct pyr_error *err) PYR_MUST_CHECK;
void cogx_batch_clear(struct cogx_batch *batch);

bool cogx_is_promised(const struct cogx_out_plane *plane, size_t number);

/* Whether there is such a tile, and it can take so many bytes. */
enum pyr_result cogx_check_tile(const struct cogx_writer *writer,
                                enum pyr_plane plane, uint32_t level,
                                uint32_t tile_col, uint32_t tile_row,
                                uint64_t nbytes,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* The last bytes of a tile, which is filled up with zeros. */
void cogx_make_trailer(const uint8_t *bytes, size_t nbytes,
                       uint8_t trailer[COGX_TRAILER_BYTES]);

#endif
