/* SPDX-License-Identifier: MIT */
/* A slab's header and index: where its tiles are (spec section 5). */
#ifndef ROK4_SLAB_H
#define ROK4_SLAB_H

#include "pyr_io.h"
#include "rok4_format.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* The index follows the header: as many 32-bit offsets as tiles, then as many
 * 32-bit byte counts, all little endian. Reading, nothing in the header itself
 * is looked at (spec section 5.4). */
#define ROK4_SLAB_HEADER_BYTES 2048u

/* Each tile but the first starts at a multiple of this (spec section 5.1). */
#define ROK4_SLAB_ALIGNMENT 16u

/* The reference reads with signed 32-bit offsets (spec section 5.2). */
#define ROK4_SLAB_MAX_BYTES INT32_MAX

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

/* Bytes that an encoded tile of this shape can take: PackBits and PNG may need
 * more than the pixels, but not by much. */
static inline uint64_t rok4_slab_tile_limit(const struct pyr_tile_shape *shape)
{
    return 2 * (uint64_t)pyr_tile_bytes(shape) + 65536;
}

/* What the header of a slab says. Of masks: ROK4_ZIP_UINT8, 1 band. */
struct rok4_slab_shape
{
    enum rok4_format format; /* a raster one */
    struct pyr_tile_shape tile;
    uint32_t tiles_per_width;  /* the product is at most PYR_MAX_SLAB_TILES, */
    uint32_t tiles_per_height; /* each side at most 2^32 - 1 pixels */
};

/* Fills the header as the reference writers do, byte for byte. tile_nbytes
 * counts for a slab of one tile only, whose byte count stands in the header.
 * Pure. */
void rok4_slab_header(const struct rok4_slab_shape *shape, uint32_t tile_nbytes,
                      uint8_t out_header[ROK4_SLAB_HEADER_BYTES]);

/* Bytes of each tile where all take the same, as raw ones do; else 0. */
static inline uint32_t rok4_slab_room(const struct rok4_slab_shape *shape)
{
    return rok4_format_codec(shape->format) == PYR_CODEC_RAW
               ? (uint32_t)pyr_tile_bytes(&shape->tile)
               : 0;
}

/* Where rok4_slab_place puts a tile of a slab whose tiles all take room_nbytes
 * bytes, or have room for as many. */
uint64_t rok4_slab_room_offset(uint32_t ntiles, uint32_t room_nbytes,
                               uint32_t tile);

/* Fills the index of a slab whose tiles take nbytes[ntiles] bytes: in order,
 * the first one right behind the index, each further one at the next multiple
 * of 16 (spec section 5.1). A tile of 0 bytes is not there, and has offset 0;
 * where room_nbytes is not 0, the room for that many bytes stays free for it.
 * *out_nbytes is where the last tile ends. PYR_LIMIT beyond
 * ROK4_SLAB_MAX_BYTES. Pure. */
enum pyr_result rok4_slab_place(const uint32_t *nbytes, uint32_t ntiles,
                                uint32_t room_nbytes, uint8_t *out_index,
                                uint64_t *out_nbytes,
                                struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
