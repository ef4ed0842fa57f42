/* SPDX-License-Identifier: MIT */
/* The floor of the read benchmark: codec libraries alone on the same tiles. */
#ifndef FLOOR_H
#define FLOOR_H

#include <stddef.h>
#include <stdint.h>

#define TILE_SIDE_PX 256
#define SLAB_SIDE_TILES 16

enum floor_codec
{
    FLOOR_JPEG, /* RGB, libjpeg */
    FLOOR_PNG,  /* RGB, libspng */
    FLOOR_ZIP   /* zlib streams of any pixels, libdeflate */
};

/* A rectangle of a level and where its pixels go, in bytes. */
struct floor_window
{
    int left_px;
    int top_px;
    int width_px;
    int height_px;
    uint8_t *pixels;
    size_t pixel_stride;
    size_t row_stride;
    size_t band_stride;
};

struct floor_level;

/* Opens all slabs of a level that make_pyramid.py wrote below directory, and
 * reads their indexes. Whatever fails here or below ends the program. */
struct floor_level *floor_open(const char *directory, enum floor_codec codec,
                               int side_px, int bands, int sample_bytes);
void floor_close(struct floor_level *level);

/* Reads and decodes the tiles that the windows touch, each once for each
 * window that touches it, on nthreads threads. */
void floor_read(const struct floor_level *level,
                const struct floor_window *windows, int nwindows, int nthreads);

#endif
