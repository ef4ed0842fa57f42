/* SPDX-License-Identifier: MIT */
/* Positions of the tiles of a GeoTIFF, read in pieces of its tables. */
#include "cogx_cursor.h"

#include <string.h>

void cogx_cursor_init(struct cogx_cursor *cursor, const struct cogx_tiff *file,
                      const struct cogx_raster *raster)
{
    cursor->file = file;
    cursor->raster = raster;
    cursor->first = 0;
    cursor->ntiles = 0;
}

/* A table may be shorter than there are tiles: the rest is left out. */
static enum pyr_result load_piece(const struct cogx_cursor *cursor,
                                  const struct pyr_tiff_tag *tag,
                                  uint64_t first, size_t ntiles,
                                  uint64_t *values, struct pyr_error *err)
{
    const uint64_t there = tag->count > first ? tag->count - first : 0;
    const size_t nvalues = there < ntiles ? (size_t)there : ntiles;
    memset(values, 0, ntiles * sizeof(*values));
    if (nvalues == 0)
        return PYR_OK;
    return pyr_tiff_uints(&cursor->file->reader, cursor->file->tiff, tag, first,
                          nvalues, values, err);
}

enum pyr_result cogx_cursor_at(struct cogx_cursor *cursor, uint64_t index,
                               struct pyr_extent *out_extent,
                               struct pyr_error *err)
{
    const struct cogx_raster *const raster = cursor->raster;
    const uint64_t ntiles = cogx_raster_ntiles(raster);
    if (index < cursor->first || index - cursor->first >= cursor->ntiles)
    {
        const uint64_t left = ntiles - index;
        const size_t piece =
            left < COGX_CURSOR_TILES ? (size_t)left : COGX_CURSOR_TILES;
        cursor->ntiles = 0;
        enum pyr_result result = load_piece(cursor, raster->byte_counts, index,
                                            piece, cursor->byte_counts, err);
        if (result == PYR_OK)
            result = load_piece(cursor, raster->offsets, index, piece,
                                cursor->offsets, err);
        if (result != PYR_OK)
            return result;
        cursor->first = index;
        cursor->ntiles = piece;
    }
    const size_t at = (size_t)(index - cursor->first);
    out_extent->nbytes = cursor->byte_counts[at];
    out_extent->offset_bytes =
        out_extent->nbytes == 0 ? 0 : cursor->offsets[at];
    return PYR_OK;
}
