/* SPDX-License-Identifier: MIT */
/* The floor of the read benchmark: pread and one codec library, no more. */
#include "floor.h"

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

struct slab
{
    int fd;
    uint32_t index[2 * SLAB_TILES]; /* offsets, then sizes */
};

struct floor_level
{
    enum floor_codec codec;
    int bands;
    int sample_bytes;
    int side_slabs;
    size_t max_tile_bytes; /* encoded */
    struct slab *slabs;
};

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "floor: %s %s\n", what, which);
    exit(1);
}

static void *allocate(size_t nbytes)
{
    void *block = malloc(nbytes);
    if (block == NULL)
        fail("out of memory", "");
    return block;
}

static void open_slab(struct slab *slab, const char *directory, int level,
                      int slab_col, int slab_row)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char path[4096];

    snprintf(path, sizeof path, "%s/DATA/%d/00/00/%c%c.tif", directory, level,
             digits[slab_col], digits[slab_row]);
    slab->fd = open(path, O_RDONLY);
    if (slab->fd < 0 || pread(slab->fd, slab->index, sizeof slab->index,
                              2048) != (ssize_t)sizeof slab->index)
        fail("cannot read", path);
}

struct floor_level *floor_open(const char *directory, enum floor_codec codec,
                               int side_px, int bands, int sample_bytes)
{
    struct floor_level *level = allocate(sizeof *level);
    const int side_tiles = side_px / TILE_SIDE_PX;
    int number = 0;

    while (1 << number < side_tiles)
        number++;
    *level = (struct floor_level){codec, bands, sample_bytes, 0, 0, NULL};
    level->side_slabs = (side_tiles + SLAB_SIDE_TILES - 1) / SLAB_SIDE_TILES;
    const int nslabs = level->side_slabs * level->side_slabs;
    level->slabs = allocate((size_t)nslabs * sizeof *level->slabs);
    for (int i = 0; i < nslabs; i++)
    {
        struct slab *slab = &level->slabs[i];
        open_slab(slab, directory, number, i % level->side_slabs,
                  i / level->side_slabs);
        for (int tile = SLAB_TILES; tile < 2 * SLAB_TILES; tile++)
            if (slab->index[tile] > level->max_tile_bytes)
                level->max_tile_bytes = slab->index[tile];
    }
    return level;
}

void floor_close(struct floor_level *level)
{
    for (int i = 0; i < level->side_slabs * level->side_slabs; i++)
        close(level->slabs[i].fd);
    free(level->slabs);
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
        fail("JPEG tile of another shape", "");
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
        fail("libspng refuses a tile", "");
    for (int row = 0; row < TILE_SIDE_PX && result == 0; row++)
        result = spng_decode_row(png, worker->rows[row], row_bytes);
    if (result != SPNG_EOI)
        fail("libspng refuses a tile", "");
    spng_ctx_free(png);
}

static void decode_zip(struct worker *worker)
{
    const size_t tile_bytes = TILE_SIDE_PX * tile_row_bytes(worker->level);
    if (libdeflate_zlib_decompress(worker->inflater, worker->encoded,
                                   worker->nbytes, worker->tile, tile_bytes,
                                   NULL) != LIBDEFLATE_SUCCESS)
        fail("libdeflate refuses a tile", "");
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
    const struct slab *slab =
        &level->slabs[tile_row / SLAB_SIDE_TILES * level->side_slabs +
                      tile_col / SLAB_SIDE_TILES];
    const int number = tile_row % SLAB_SIDE_TILES * SLAB_SIDE_TILES +
                       tile_col % SLAB_SIDE_TILES;
    const int left = tile_col * TILE_SIDE_PX - window->left_px;
    const int top = tile_row * TILE_SIDE_PX - window->top_px;
    /* libdeflate writes a whole tile, the others row by row. */
    const bool direct = level->codec != FLOOR_ZIP && left >= 0 && top >= 0 &&
                        left + TILE_SIDE_PX <= window->width_px &&
                        top + TILE_SIDE_PX <= window->height_px &&
                        window->band_stride == (size_t)level->sample_bytes;

    for (size_t row = 0; row < TILE_SIDE_PX; row++)
        worker->rows[row] =
            direct ? window->pixels + ((size_t)top + row) * window->row_stride +
                         (size_t)left * window->pixel_stride
                   : worker->tile + row * tile_row_bytes(level);
    worker->nbytes = slab->index[SLAB_TILES + number];
    if (pread(slab->fd, worker->encoded, worker->nbytes, slab->index[number]) !=
        (ssize_t)worker->nbytes)
        fail("cannot read a tile", "");
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
    struct worker *worker = allocate(sizeof *worker);
    const struct floor_window *window;
    int col, row;

    worker->level = job->level;
    worker->encoded = allocate(job->level->max_tile_bytes);
    worker->tile = allocate(TILE_SIDE_PX * tile_row_bytes(job->level));
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
            fail("cannot start a thread", "");
    worker_main(&job);
    for (int i = 1; i < nthreads; i++)
        pthread_join(threads[i], NULL);
}
