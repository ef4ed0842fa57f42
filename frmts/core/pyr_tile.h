/* SPDX-License-Identifier: MIT */
/* The shape of a tile's pixels. */
#ifndef PYR_TILE_H
#define PYR_TILE_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

enum pyr_sample
{
    PYR_SAMPLE_UINT8,
    PYR_SAMPLE_FLOAT32
};

/* pixels[height_px][width_px][bands], tightly packed, native byte order. */
struct pyr_tile_shape
{
    uint32_t width_px;  /* 1 .. PYR_MAX_TILE_SIDE_PX */
    uint32_t height_px; /* 1 .. PYR_MAX_TILE_SIDE_PX */
    uint32_t bands;     /* 1 .. PYR_MAX_BANDS */
    enum pyr_sample sample;
};

static inline size_t pyr_sample_bytes(enum pyr_sample sample)
{
    return sample == PYR_SAMPLE_FLOAT32 ? 4u : 1u;
}

/* True when every member is in its range and a tile takes at most
 * PYR_MAX_TILE_BYTES. */
bool pyr_tile_shape_valid(const struct pyr_tile_shape *shape);

/* Bytes of one pixel, row or tile of a valid shape. */
static inline size_t pyr_pixel_bytes(const struct pyr_tile_shape *shape)
{
    return shape->bands * pyr_sample_bytes(shape->sample);
}

static inline size_t pyr_tile_row_bytes(const struct pyr_tile_shape *shape)
{
    return shape->width_px * pyr_pixel_bytes(shape);
}

static inline size_t pyr_tile_bytes(const struct pyr_tile_shape *shape)
{
    return shape->height_px * pyr_tile_row_bytes(shape);
}

#ifdef __cplusplus
}
#endif

#endif
