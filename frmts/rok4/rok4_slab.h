/* SPDX-License-Identifier: MIT */
/* The index of a slab: where its tiles are (spec section 5). */
#ifndef ROK4_SLAB_H
#define ROK4_SLAB_H

#include "pyr_io.h"

/* The index follows the header: as many 32-bit offsets as tiles, then as many
 * 32-bit byte counts, all little endian. Nothing in the header itself is
 * looked at (spec section 5.4). */
#define ROK4_SLAB_HEADER_BYTES 2048u

/* Bytes of the index of a slab of ntiles tiles, 1 .. PYR_MAX_SLAB_TILES. */
struct pyr_extent rok4_slab_index(uint32_t ntiles);

/* Where tile number `tile` (row-major from the top-left, < ntiles) is in a slab
 * of slab_nbytes bytes; a byte count of 0 says that it holds no data, whatever
 * its offset. index holds the bytes of rok4_slab_index(ntiles).
 * PYR_CORRUPT when the tile overlaps header or index, or ends beyond the slab;
 * PYR_LIMIT when it takes more than max_tile_nbytes. Pure. */
enum pyr_result rok4_slab_locate(const uint8_t *index, uint32_t ntiles,
                                 uint32_t tile, uint64_t slab_nbytes,
                                 uint64_t max_tile_nbytes,
                                 struct pyr_extent *out_extent,
                                 struct pyr_error *err) PYR_MUST_CHECK;

#endif
