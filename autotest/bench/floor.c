/* SPDX-License-Identifier: MIT */
/* The floor of the read benchmark: pread and one codec library, no more. */
#include "floor.h"

#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h>
#include <libdeflate.h>
#include <spng.h>

#define SLAB_TILES (SLAB_SIDE_TILES * SLAB_SIDE_TILES)
#define MAX_THREADS 64

struct floor_level
{
    struct floor_grid grid;
    enum floor_codec codec;
    int bands;
    int sample_bytes;
    size_t max_tile_bytes;    /* encoded */
    struct floor_tile *tiles; /* [rows][cols] */
    int *slabs;               /* descriptors of open files */
    int nslabs;
};

/* A name of path depth 2 (spec section 4): three digits of each number, to base
 * 36, of the column first. */
static int open_slab(const char *directory, int level, int slab_col,
                     int slab_row)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const int most = 36 * 36 * 36 - 1;
    char path[4096];

    if (slab_col > most || slab_row > most)
        bench_fail("a slab too far away in", directory);
    snprintf(path, sizeof path, "%s/DATA/%d/%c%c/%c%c/%c%c.tif", directory,
             level, digits[slab_col / 1296], digits[slab_row / 1296],
             digits[slab_col / 36 % 36], digits[slab_row / 36 % 36],
             digits[slab_col % 36], digits[slab_row % 36]);
    const int fd = open(path, O_RDONLY);
    if (fd < 0)
        bench_fail("cannot open", path);
    return fd;
}

/* Takes the tiles of one slab that lie in the grid. */
static void locate_tiles(struct floor_level *level, int fd, int slab_col,
                         int slab_row)
{
    const struct floor_grid *grid = &level->grid;
    uint32_t index[2 * SLAB_TILES]; /* offsets, then sizes */

    if (pread(fd, index, sizeof index, 2048) != (ssize_t)sizeof index)
        bench_fail("cannot read the index of a slab", "");
    for (int i = 0; i < SLAB_TILES; i++)
    {
        const int col =
            slab_col * SLAB_SIDE_TILES + i % SLAB_SIDE_TILES - grid->first_col;
        const int row =
            slab_row * SLAB_SIDE_TILES + i / SLAB_SIDE_TILES - grid->first_row;
        if (col >= 0 && col < grid->cols && row >= 0 && row < grid->rows)
            level->tiles[row * grid->cols + col] =
                (struct floor_tile){index[i], index[SLAB_TILES + i], fd};
    }
}

static struct floor_level *new_level(const struct floor_grid *grid,
                                     enum floor_codec codec, int bands,
                                     int sample_bytes)
{
    struct floor_level *level = bench_allocate(sizeof *level);
    *level = (struct floor_level){*grid, codec, bands, sample_bytes,
                                  0,     NULL,  NULL,  0};
    level->tiles = bench_allocate((size_t)(grid->cols * grid->rows) *
                                  sizeof *level->tiles);
    return level;
}

static void find_max_tile(struct floor_level *level)
{
    for (int i = 0; i < level->grid.cols * level->grid.rows; i++)
        if (level->tiles[i].nbytes > level->max_tile_bytes)
            level->max_tile_bytes = level->tiles[i].nbytes;
}

struct floor_level *floor_open(const char *directory,
                               const struct floor_grid *grid,
                               enum floor_codec codec, int bands,
                               int sample_bytes)
{
    struct floor_level *level = new_level(grid, codec, bands, sample_bytes);
    const int left = grid->first_col / SLAB_SIDE_TILES;
    const int top = grid->first_row / SLAB_SIDE_TILES;
    const int right = (grid->first_col + grid->cols - 1) / SLAB_SIDE_TILES;
    const int bottom = (grid->first_row + grid->rows - 1) / SLAB_SIDE_TILES;

    level->slabs = bench_allocate(
        (size_t)((right - left + 1) * (bottom - top + 1)) * sizeof(int));
    for (int row = top; row <= bottom; row++)
        for (int col = left; col <= right; col++)
        {
            const int fd = open_slab(directory, grid->level, col, row);
            level->slabs[level->nslabs++] = fd;
            locate_tiles(level, fd, col, row);
        }
    find_max_tile(level);
    return level;
}

struct floor_level *floor_open_tiles(const struct floor_tile *tiles,
                                     const struct floor_grid *grid,
                                     enum floor_codec codec, int bands,
                                     int sample_bytes)
{
    struct floor_level *level = new_level(grid, codec, bands, sample_bytes);
    memcpy(level->tiles, tiles,
           (size_t)(grid->cols * grid->rows) * sizeof *tiles);
    find_max_tile(level);
    return level;
}

void floor_close(struct floor_level *level)
{
    for (int i = 0; i < level->nslabs; i++)
        close(level->slabs[i]);
    free(level->slabs);
    free(level->tiles);
    free(level);
}

/* Where the pixels of one tile go. rows point into the destination if the
 * whole tile goes there as it is, else into the worker's own tile. */
struct worker
{
    const struct floor_level *level;
    uint8_t *encoded;
    size_t nbytes;
    uint8_t *tile; /* [TILE_SIDE_PX][TILE_SIDE_PX][bands] */
    uint8_t *rows[TILE_SIDE_PX];
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr jpeg_errors;
    struct libdeflate_decompressor *inflater;
};

static size_t tile_row_bytes(const struct floor_level *level)
{
    return (size_t)(TILE_SIDE_PX * level->bands * level->sample_bytes);
}

static void decode_jpeg(struct worker *worker)
{
    struct jpeg_decompress_struct *jpeg = &worker->jpeg;

    jpeg_mem_src(jpeg, worker->encoded, worker->nbytes);
    jpeg_read_header(jpeg, TRUE);
    jpeg_start_decompress(jpeg);
    if (jpeg->output_width != TILE_SIDE_PX ||
        jpeg->output_height != TILE_SIDE_PX || jpeg->output_components != 3)
        bench_fail("JPEG tile of another shape", "");
    while (jpeg->output_scanline < TILE_SIDE_PX)
        jpeg_read_scanlines(jpeg, worker->rows + jpeg->output_scanline,
                            TILE_SIDE_PX - jpeg->output_scanline);
    jpeg_finish_decompress(jpeg);
}

static void decode_png(struct worker *worker)
{
    const size_t row_bytes = tile_row_bytes(worker->level);
    spng_ctx *png = spng_ctx_new(0);
    int result = 0;

    if (png == NULL ||
        spng_set_png_buffer(png, worker->encoded, worker->nbytes) != 0 ||
        spng_decode_image(png, NULL, 0, SPNG_FMT_PNG, SPNG_DECODE_PROGRESSIVE))
        bench_fail("libspng refuses a tile", "");
    for (int row = 0; row < TILE_SIDE_PX && result == 0; row++)
        result = spng_decode_row(png, worker->rows[row], row_bytes);
    if (result != SPNG_EOI)
        bench_fail("libspng refuses a tile", "");
    spng_ctx_free(png);
}

static void decode_zip(struct worker *worker)
{
    const size_t tile_bytes = TILE_SIDE_PX * tile_row_bytes(worker->level);
    if (libdeflate_zlib_decompress(worker->inflater, worker->encoded,
                                   worker->nbytes, worker->tile, tile_bytes,
                                   NULL) != LIBDEFLATE_SUCCESS)
        bench_fail("libdeflate refuses a tile", "");
}

static void decode_raw(struct worker *worker)
{
    const size_t tile_bytes = TILE_SIDE_PX * tile_row_bytes(worker->level);
    if (worker->nbytes != tile_bytes)
        bench_fail("raw tile of another size", "");
    memcpy(worker->tile, worker->encoded, tile_bytes);
}

/* One band of a row of pixels of three bytes. Bands one after another: stores
 * that alternate between planes a power of two apart evict one another from the
 * first-level cache, and take ten times as long. */
static void copy_band(const uint8_t *restrict from, uint8_t *restrict to,
                      int width)
{
    for (int i = 0; i < width; i++)
        to[i] = from[3 * i];
}

static int least(int left, int right)
{
    return left < right ? left : right;
}

static int most(int left, int right)
{
    return left > right ? left : right;
}

/* The part of the decoded tile that lies in the window. left_px and top_px:
 * of the tile, from the window's corner. */
static void copy_tile(const struct worker *worker,
                      const struct floor_window *window, int left_px,
                      int top_px)
{
    const struct floor_level *level = worker->level;
    const size_t pixel = (size_t)(level->bands * level->sample_bytes);
    const int left = most(left_px, 0);
    const int right = least(left_px + TILE_SIDE_PX, window->width_px);
    const int bottom = least(top_px + TILE_SIDE_PX, window->height_px);

    for (int row = most(top_px, 0); row < bottom; row++)
    {
        const uint8_t *from = worker->tile +
                              (size_t)(row - top_px) * tile_row_bytes(level) +
                              (size_t)(left - left_px) * pixel;
        uint8_t *to = window->pixels + (size_t)row * window->row_stride +
                      (size_t)left * window->pixel_stride;
        if (window->pixel_stride == pixel)
            memcpy(to, from, pixel * (size_t)(right - left));
        else
            for (size_t band = 0; band < (size_t)level->bands; band++)
                copy_band(from + band, to + band * window->band_stride,
                          right - left);
    }
}

static void read_tile(struct worker *worker, const struct floor_window *window,
                      int tile_col, int tile_row)
{
    const struct floor_level *level = worker->level;
    const struct floor_tile *tile =
        &level->tiles[tile_row * level->grid.cols + tile_col];
    const int left = tile_col * TILE_SIDE_PX - window->left_px;
    const int top = tile_row * TILE_SIDE_PX - window->top_px;
    /* Some write a whole tile, the others row by row. */
    const bool by_rows =
        level->codec == FLOOR_JPEG || level->codec == FLOOR_PNG;
    const bool direct = by_rows && left >= 0 && top >= 0 &&
                        left + TILE_SIDE_PX <= window->width_px &&
                        top + TILE_SIDE_PX <= window->height_px &&
                        window->band_stride == (size_t)level->sample_bytes;

    for (size_t row = 0; row < TILE_SIDE_PX; row++)
        worker->rows[row] =
            direct ? window->pixels + ((size_t)top + row) * window->row_stride +
                         (size_t)left * window->pixel_stride
                   : worker->tile + row * tile_row_bytes(level);
    worker->nbytes = tile->nbytes;
    if (worker->nbytes == 0 ||
        pread(tile->fd, worker->encoded, worker->nbytes, (off_t)tile->offset) !=
            (ssize_t)worker->nbytes)
        bench_fail("cannot read a tile", "");
    switch (level->codec)
    {
        case FLOOR_JPEG:
            decode_jpeg(worker);
            break;
        case FLOOR_PNG:
            decode_png(worker);
            break;
        case FLOOR_ZIP:
            decode_zip(worker);
            break;
        case FLOOR_RAW:
            decode_raw(worker);
            break;
    }
    if (!direct)
        copy_tile(worker, window, left, top);
}

struct job
{
    const struct floor_level *level;
    const struct floor_window *windows;
    int nwindows;
    atomic_int next;
};

/* Window and tile of one item of the job; false beyond the last. */
static bool locate(const struct job *job, int item,
                   const struct floor_window **out_window, int *out_col,
                   int *out_row)
{
    for (int i = 0; i < job->nwindows; i++)
    {
        const struct floor_window *window = &job->windows[i];
        const int col = window->left_px / TILE_SIDE_PX;
        const int row = window->top_px / TILE_SIDE_PX;
        const int cols =
            (window->left_px + window->width_px - 1) / TILE_SIDE_PX - col + 1;
        const int rows =
            (window->top_px + window->height_px - 1) / TILE_SIDE_PX - row + 1;
        if (item < cols * rows)
        {
            *out_window = window;
            *out_col = col + item % cols;
            *out_row = row + item / cols;
            return true;
        }
        item -= cols * rows;
    }
    return false;
}

static void *worker_main(void *arg)
{
    struct job *job = arg;
    struct worker *worker = bench_allocate(sizeof *worker);
    const struct floor_window *window;
    int col, row;

    worker->level = job->level;
    worker->encoded = bench_allocate(job->level->max_tile_bytes);
    worker->tile = bench_allocate(TILE_SIDE_PX * tile_row_bytes(job->level));
    worker->jpeg.err = jpeg_std_error(&worker->jpeg_errors);
    jpeg_create_decompress(&worker->jpeg);
    worker->inflater = libdeflate_alloc_decompressor();
    while (locate(job, atomic_fetch_add(&job->next, 1), &window, &col, &row))
        read_tile(worker, window, col, row);
    libdeflate_free_decompressor(worker->inflater);
    jpeg_destroy_decompress(&worker->jpeg);
    free(worker->tile);
    free(worker->encoded);
    free(worker);
    return NULL;
}

void floor_read(const struct floor_level *level,
                const struct floor_window *windows, int nwindows, int nthreads)
{
    struct job job = {.level = level, .windows = windows, .nwindows = nwindows};
    pthread_t threads[MAX_THREADS];

    if (nthreads > MAX_THREADS)
        nthreads = MAX_THREADS;
    for (int i = 1; i < nthreads; i++)
        if (pthread_create(&threads[i], NULL, worker_main, &job) != 0)
            bench_fail("cannot start a thread", "");
    worker_main(&job);
    for (int i = 1; i < nthreads; i++)
        pthread_join(threads[i], NULL);
}
