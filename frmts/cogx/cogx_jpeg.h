/* SPDX-License-Identifier: MIT */
/* JPEG streams with their own tables, as tiles of a TIFF file. */
#ifndef COGX_JPEG_H
#define COGX_JPEG_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Whether readers of TIFF decode bytes[nbytes] as a tile of that many pixels a
 * side as any decoder does: 1 band, or 3 in YCbCr of half the chroma both ways.
 * Looks at headers only, up to the frame's. Pure. */
bool cogx_jpeg_fits(const uint8_t *bytes, size_t nbytes, uint32_t side_px,
                    uint32_t bands);

/* Makes one stream of the value of tag JPEGTables and a tile that needs it,
 * each with its markers of start and end. Writes at most ntables + nbytes bytes
 * to out, and returns how many; the tile alone where one of them is too short.
 */
size_t cogx_jpeg_join(const uint8_t *tables, size_t ntables,
                      const uint8_t *bytes, size_t nbytes, uint8_t *out);

#ifdef __cplusplus
}
#endif

#endif
