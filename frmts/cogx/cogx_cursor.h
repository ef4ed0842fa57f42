/* SPDX-License-Identifier: MIT */
/* Positions of the tiles of a GeoTIFF, read in pieces of its tables. */
#ifndef COGX_CURSOR_H
#define COGX_CURSOR_H

#include "cogx_tiff.h"
#include "pyr_io.h"

#ifdef __cplusplus
extern "C"
{
#endif

#define COGX_CURSOR_TILES 1024u
struct cogx_cursor
{
    const struct cogx_tiff *file;     /* borrowed */
    const struct cogx_raster *raster; /* borrowed */
    uint64_t first;                   /* of the piece */
    size_t ntiles;                    /* in the piece */
    uint64_t offsets[COGX_CURSOR_TILES];
    uint64_t byte_counts[COGX_CURSOR_TILES];
};
void cogx_cursor_init(struct cogx_cursor *cursor, const struct cogx_tiff *file,
                      const struct cogx_raster *raster);

/* Where tile number index (row-major, plane after plane, below ncols * nrows *
 * nplanes) stands; nbytes 0 where it is left out. PYR_CORRUPT where the table
 * is, errors of the reader. One thread at a time per cursor. */
enum pyr_result cogx_cursor_at(struct cogx_cursor *cursor, uint64_t index,
                               struct pyr_extent *out_extent,
                               struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
