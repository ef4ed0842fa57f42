/* SPDX-License-Identifier: MIT */
/* The shape of a tile's pixels. */
#include "pyr_tile.h"

bool pyr_tile_shape_valid(const struct pyr_tile_shape *shape)
{
    if (shape->width_px < 1 || shape->width_px > PYR_MAX_TILE_SIDE_PX)
        return false;
    if (shape->height_px < 1 || shape->height_px > PYR_MAX_TILE_SIDE_PX)
        return false;
    if (shape->bands < 1 || shape->bands > PYR_MAX_BANDS)
        return false;
    if (shape->sample != PYR_SAMPLE_UINT8 &&
        shape->sample != PYR_SAMPLE_FLOAT32)
        return false;

    /* At most 2^14 * 2^14 * 4 * 4 = 2^32, in 64 bits whatever size_t is. */
    const uint64_t nbytes = (uint64_t)shape->width_px * shape->height_px *
                            shape->bands * pyr_sample_bytes(shape->sample);
    return nbytes <= PYR_MAX_TILE_BYTES;
}
