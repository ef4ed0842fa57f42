/* SPDX-License-Identifier: MIT */
/* The floor of the COGX benchmark: the tiles of a COG, without a COG.
 *
 * In it is what no writer of these tiles can do without: reading the source
 * once through GDAL (RasterIO, each thread its own dataset, rows of tiles with
 * the few rows around them that overviews need), resampling each level from the
 * one before (pyr_kernel.h, CUBIC), and the codec library on every tile of
 * every level. Not in it: container, order of tiles, output, validity,
 * progress.
 *
 * Usage: cogx_floor SOURCE CODEC LEVEL PREDICTOR THREADS [PIXELS]
 * Sides of the source are multiples of 512 by a power of 2. Prints the bytes of
 * all tiles; PIXELS gets those of the first overview. */
#include "bench.h"
#include "cogx_floor.h"
#include "pyr_kernel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gdal.h>

#define MAX_LEVELS 16
#define MAX_THREADS 64

struct level
{
    uint32_t width_px;
    uint32_t height_px;
    uint8_t *pixels; /* NULL: the source */
    atomic_uint next_row;
};

struct build
{
    const char *source;
    struct floor_codec codec;
    GDALDataType type;
    struct pyr_kernel_rule rule;
    struct level levels[MAX_LEVELS];
    uint32_t nlevels;
    uint32_t now; /* level whose tiles are made */
    atomic_size_t nbytes;
};

struct thread
{
    struct build *build;
    GDALDatasetH dataset;
    struct floor_encoder *encoder;
    struct pyr_kernel *kernel;
    uint8_t *rows; /* of the source */
};

static size_t pixel_bytes(const struct build *build)
{
    return (size_t)(build->codec.bands * build->codec.sample_bytes);
}

/* Rows first .. end - 1 of the level. */
static const uint8_t *rows_of(struct thread *thread, uint32_t first,
                              uint32_t end)
{
    struct build *const build = thread->build;
    const struct level *const level = &build->levels[build->now];
    const int pixel = (int)pixel_bytes(build);
    if (level->pixels != NULL)
        return level->pixels + (size_t)first * level->width_px * (size_t)pixel;
    if (GDALDatasetRasterIOEx(
            thread->dataset, GF_Read, 0, (int)first, (int)level->width_px,
            (int)(end - first), thread->rows, (int)level->width_px,
            (int)(end - first), build->type, build->codec.bands, NULL, pixel,
            (GSpacing)level->width_px * pixel, build->codec.sample_bytes,
            NULL) != CE_None)
        bench_fail("cannot read", build->source);
    return thread->rows;
}

/* A row of tiles: their bytes, and the rows of the next level. */
static void make_row(struct thread *thread, uint32_t row)
{
    struct build *const build = thread->build;
    const struct level *const level = &build->levels[build->now];
    const size_t row_bytes = level->width_px * pixel_bytes(build);
    uint32_t first = row * TILE_SIDE_PX;
    uint32_t end = first + TILE_SIDE_PX;
    const struct level *const above =
        build->now + 1 < build->nlevels ? level + 1 : NULL;
    const uint32_t top = row * TILE_SIDE_PX;
    if (above != NULL)
        pyr_kernel_reach(&build->rule, level->height_px, above->height_px,
                         row * (TILE_SIDE_PX / 2), TILE_SIDE_PX / 2, &first,
                         &end);
    first = first < top ? first : top;
    end = end > top + TILE_SIDE_PX ? end : top + TILE_SIDE_PX;
    const uint8_t *const pixels = rows_of(thread, first, end);
    size_t nbytes = 0;
    for (uint32_t col = 0; col < level->width_px / TILE_SIDE_PX; col++)
        nbytes +=
            floor_encode(thread->encoder,
                         pixels + (top - first) * row_bytes +
                             col * (size_t)TILE_SIDE_PX * pixel_bytes(build),
                         row_bytes);
    atomic_fetch_add(&build->nbytes, nbytes);
    if (above == NULL)
        return;
    const struct pyr_kernel_scale scale = {level->width_px, level->height_px,
                                           above->width_px, above->height_px};
    const struct pyr_kernel_in in = {
        .px_y = first, .pixels = pixels, .row_bytes = row_bytes};
    /* In windows that fit the processor's cache. */
    for (uint32_t col = 0; col < above->width_px; col += TILE_SIDE_PX)
    {
        const size_t out_row = above->width_px * pixel_bytes(build);
        const struct pyr_kernel_out out = {
            .px_x = col,
            .px_y = row * (TILE_SIDE_PX / 2),
            .width_px = TILE_SIDE_PX,
            .height_px = TILE_SIDE_PX / 2,
            .pixels = above->pixels +
                      (size_t)row * (TILE_SIDE_PX / 2) * out_row +
                      col * pixel_bytes(build),
            .row_bytes = out_row};
        if (pyr_kernel_run(thread->kernel, &scale, &in, &out) != PYR_OK)
            bench_fail("no memory", "kernel");
    }
}

static void *run_thread(void *user)
{
    struct thread *const thread = user;
    struct level *const level = &thread->build->levels[thread->build->now];
    for (;;)
    {
        const unsigned row = atomic_fetch_add(&level->next_row, 1);
        if (row >= level->height_px / TILE_SIDE_PX)
            return NULL;
        make_row(thread, row);
    }
}

static void plan(struct build *build, GDALDatasetH dataset)
{
    GDALRasterBandH band = GDALGetRasterBand(dataset, 1);
    uint32_t width = (uint32_t)GDALGetRasterXSize(dataset);
    uint32_t height = (uint32_t)GDALGetRasterYSize(dataset);
    build->type = GDALGetRasterDataType(band);
    build->codec.bands = GDALGetRasterCount(dataset);
    build->codec.sample_bytes = GDALGetDataTypeSizeBytes(build->type);
    build->rule = (struct pyr_kernel_rule){
        .method = PYR_METHOD_CUBIC,
        .type = build->type == GDT_Float32 ? PYR_TYPE_FLOAT32 : PYR_TYPE_UINT8,
        .bands = (uint32_t)build->codec.bands};
    for (;; width /= 2, height /= 2)
    {
        struct level *const level = &build->levels[build->nlevels++];
        if (width % TILE_SIDE_PX != 0 || height % TILE_SIDE_PX != 0 ||
            build->nlevels == MAX_LEVELS)
            bench_fail("sides, expected 512 by a power of 2", build->source);
        level->width_px = width;
        level->height_px = height;
        if (build->nlevels > 1)
            level->pixels =
                bench_allocate((size_t)width * height * pixel_bytes(build));
        if (width == TILE_SIDE_PX && height == TILE_SIDE_PX)
            return;
    }
}

static void save(const struct build *build, const char *path)
{
    const struct level *const level = &build->levels[1];
    const size_t nbytes =
        (size_t)level->width_px * level->height_px * pixel_bytes(build);
    FILE *const file = fopen(path, "wb");
    if (file == NULL || fwrite(level->pixels, 1, nbytes, file) != nbytes ||
        fclose(file) != 0)
        bench_fail("cannot write", path);
}

int main(int argc, char **argv)
{
    static struct build build;
    struct thread threads[MAX_THREADS];
    pthread_t handles[MAX_THREADS];
    if (argc < 6)
        bench_fail("expected", "SOURCE CODEC LEVEL PREDICTOR THREADS [PIXELS]");
    build.source = argv[1];
    build.codec.name = argv[2];
    build.codec.level = bench_int(argv[3], 0, 22);
    build.codec.predictor = bench_int(argv[4], 1, 3);
    const int nthreads = bench_int(argv[5], 1, MAX_THREADS);
    GDALAllRegister();
    for (int i = 0; i < nthreads; i++)
    {
        threads[i] = (struct thread){.build = &build};
        threads[i].dataset = GDALOpen(build.source, GA_ReadOnly);
        if (threads[i].dataset == NULL)
            bench_fail("cannot open", build.source);
        if (i == 0)
            plan(&build, threads[0].dataset);
        threads[i].encoder = floor_encoder_open(&build.codec);
        threads[i].rows =
            bench_allocate((size_t)build.levels[0].width_px *
                           (TILE_SIDE_PX + 64) * pixel_bytes(&build));
        if (pyr_kernel_new(&build.rule, &threads[i].kernel) != PYR_OK)
            bench_fail("no memory", "kernel");
    }
    for (build.now = 0; build.now < build.nlevels; build.now++)
    {
        for (int i = 0; i < nthreads; i++)
            if (pthread_create(&handles[i], NULL, run_thread, &threads[i]) != 0)
                bench_fail("cannot start", "thread");
        for (int i = 0; i < nthreads; i++)
            pthread_join(handles[i], NULL);
    }
    printf("%zu\n", atomic_load(&build.nbytes));
    if (argc > 6)
        save(&build, argv[6]);
    for (int i = 0; i < nthreads; i++)
    {
        GDALClose(threads[i].dataset);
        floor_encoder_close(threads[i].encoder);
        pyr_kernel_free(threads[i].kernel);
        free(threads[i].rows);
    }
    for (uint32_t i = 1; i < build.nlevels; i++)
        free(build.levels[i].pixels);
    return 0;
}
