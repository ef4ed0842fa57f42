/* SPDX-License-Identifier: MIT */
/* Reading ROK4 tiles with codec libraries alone: the floor of the read
 * benchmark, and what tells the pixels of the write benchmark. */
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
    FLOOR_ZIP,  /* zlib streams of any pixels, libdeflate */
    FLOOR_RAW   /* any pixels */
};

/* The tiles of a level: a rectangle, each of them there. */
struct floor_grid
{
    int level; /* its id */
    int first_col;
    int first_row;
    int cols;
    int rows;
};

/* Where a tile is in a file. */
struct floor_tile
{
    uint64_t offset;
    uint32_t nbytes;
    int fd;
};

/* A rectangle of a level, from its first tile's corner, and where its pixels
 * go, in bytes. */
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

/* Opens the slabs of 16 x 16 tiles, of path depth 2, that hold the grid below
 * DIRECTORY/DATA, and reads their indexes. Whatever fails here or below ends
 * the program. */
struct floor_level *floor_open(const char *directory,
                               const struct floor_grid *grid,
                               enum floor_codec codec, int bands,
                               int sample_bytes);

/* Like floor_open, but for tiles[rows][cols] that the caller located, and whose
 * files it keeps. */
struct floor_level *floor_open_tiles(const struct floor_tile *tiles,
                                     const struct floor_grid *grid,
                                     enum floor_codec codec, int bands,
                                     int sample_bytes);
void floor_close(struct floor_level *level);

/* Reads and decodes the tiles that the windows touch, each once for each
 * window that touches it, on nthreads threads. */
void floor_read(const struct floor_level *level,
                const struct floor_window *windows, int nwindows, int nthreads);

#endif
