/* SPDX-License-Identifier: MIT */
/* The floor of the write benchmark: the tiles of a pyramid, without a pyramid.
 *
 * In it is what no writer of these levels can do without: reading the source
 * once through GDAL (RasterIO, each thread its own dataset), the 2 x 2 mean of
 * unencoded pixels (pyr_reduce.h: bytes rounded halves up, floats summed in
 * double precision), the codec library on every tile of every level, and the
 * bytes in one file that is on the disk at the end (fsync): also a pyramid is
 * published only when its bytes are there. GDAL's drivers are registered, since
 * every program that it is compared with does that.
 *
 * Not in it: validity (the sources have none), container, index, names and
 * directories, more than one file, order of the tiles, progress. A file beside
 * the output says where the tiles are, for the comparison of pixels. */
#include "bench.h"
#include "floor_tile.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gdal.h>

#define TILE_PX (TILE_SIDE_PX * TILE_SIDE_PX)
#define MAX_TILE_BYTES (TILE_PX * 4)
#define MAX_LEVELS 16
#define MAX_THREADS 64
/* Each item of work is a whole subtree of up to 2^3 x 2^3 tiles of the bottom
 * level: its pixels stay in the cache of the processor that reduces them. */
#define SUBTREE_LEVELS 3
#define LEVELS_ABOVE 2 /* at least, for enough items */

struct parent
{
    uint8_t *pixels;    /* of the tile */
    atomic_int missing; /* children that are not reduced into it yet */
};

struct level
{
    struct floor_grid grid;
    struct floor_tile *tiles; /* [rows][cols] */
    struct parent *parents;   /* likewise; above the subtrees, else NULL */
};

struct build
{
    const char *source;
    enum floor_codec codec;
    int compression; /* libdeflate's level */
    int bands;
    int sample_bytes;
    size_t tile_bytes;
    struct level levels[MAX_LEVELS]; /* the finest first */
    int nlevels;
    int subtree; /* level of the roots of the subtrees */
    int fd;
    atomic_ullong end; /* of the output */
    atomic_int next;   /* subtree */
};

struct worker
{
    struct build *build;
    GDALDatasetH dataset;
    struct floor_encoder *encoder;
    uint8_t *tiles[SUBTREE_LEVELS + 1];
};

/* Appends the tile to the output. */
static void write_tile(struct worker *worker, int number, int col, int row,
                       const uint8_t *pixels)
{
    struct build *build = worker->build;
    const struct level *level = &build->levels[number];
    size_t nbytes;
    const uint8_t *encoded = floor_encode(worker->encoder, pixels, &nbytes);
    const uint64_t offset = atomic_fetch_add(&build->end, nbytes);
    if (pwrite(build->fd, encoded, nbytes, (off_t)offset) != (ssize_t)nbytes)
        bench_fail("cannot write", "");
    level->tiles[(row - level->grid.first_row) * level->grid.cols + col -
                 level->grid.first_col] =
        (struct floor_tile){offset, (uint32_t)nbytes, build->fd};
}

/* ---- Reducing ---- */

/* The tile into its quadrant of its parent. */
static void reduce(const struct build *build, int col, int row,
                   const uint8_t *pixels, uint8_t *parent)
{
    const size_t offset =
        (size_t)(row & 1) * build->tile_bytes / 2 +
        (size_t)(col & 1) * build->tile_bytes / (2 * TILE_SIDE_PX);

    floor_reduce(build->bands, build->sample_bytes, pixels, parent + offset);
}

static void fill_nodata(const struct build *build, uint8_t *pixels)
{
    if (build->sample_bytes == 1)
        memset(pixels, 255, build->tile_bytes);
    else
        for (size_t i = 0; i < build->tile_bytes / sizeof(float); i++)
            ((float *)pixels)[i] = -99999;
}

static bool inside(const struct floor_grid *grid, int col, int row)
{
    return col >= grid->first_col && col < grid->first_col + grid->cols &&
           row >= grid->first_row && row < grid->first_row + grid->rows;
}

static int count_children(const struct build *build, int number, int col,
                          int row)
{
    int count = 0;
    for (int i = 0; i < 4; i++)
        count += inside(&build->levels[number - 1].grid, 2 * col + i % 2,
                        2 * row + i / 2);
    return count;
}

/* ---- Building ---- */

static void read_source(struct worker *worker, int col, int row,
                        uint8_t *pixels)
{
    const struct build *build = worker->build;
    const struct floor_grid *grid = &build->levels[0].grid;
    const GSpacing pixel = build->bands * build->sample_bytes;

    if (GDALDatasetRasterIOEx(
            worker->dataset, GF_Read, (col - grid->first_col) * TILE_SIDE_PX,
            (row - grid->first_row) * TILE_SIDE_PX, TILE_SIDE_PX, TILE_SIDE_PX,
            pixels, TILE_SIDE_PX, TILE_SIDE_PX,
            build->sample_bytes == 1 ? GDT_Byte : GDT_Float32, build->bands,
            NULL, pixel, pixel * TILE_SIDE_PX, build->sample_bytes,
            NULL) != CE_None)
        bench_fail("cannot read", build->source);
}

/* Makes and writes a tile with all below it. */
static void build_tile(struct worker *worker, int number, int col, int row,
                       uint8_t *pixels)
{
    const struct build *build = worker->build;

    if (number == 0)
    {
        read_source(worker, col, row, pixels);
    }
    else
    {
        uint8_t *child = worker->tiles[number - 1];
        if (count_children(build, number, col, row) < 4)
            fill_nodata(build, pixels);
        for (int i = 0; i < 4; i++)
        {
            const int child_col = 2 * col + i % 2;
            const int child_row = 2 * row + i / 2;
            if (!inside(&build->levels[number - 1].grid, child_col, child_row))
                continue;
            build_tile(worker, number - 1, child_col, child_row, child);
            reduce(build, child_col, child_row, child, pixels);
        }
    }
    write_tile(worker, number, col, row, pixels);
}

/* A finished tile goes into its parent; who brings the last one of a parent
 * goes on with it. */
static void hand_up(struct worker *worker, int number, int col, int row,
                    const uint8_t *pixels)
{
    struct build *build = worker->build;

    while (number + 1 < build->nlevels)
    {
        const struct level *above = &build->levels[number + 1];
        struct parent *parent =
            &above->parents[(row / 2 - above->grid.first_row) *
                                above->grid.cols +
                            col / 2 - above->grid.first_col];
        reduce(build, col, row, pixels, parent->pixels);
        if (atomic_fetch_sub(&parent->missing, 1) != 1)
            return;
        number++;
        col /= 2;
        row /= 2;
        pixels = parent->pixels;
        write_tile(worker, number, col, row, pixels);
    }
}

static void open_worker(struct worker *worker, struct build *build)
{
    worker->build = build;
    worker->dataset = GDALOpen(build->source, GA_ReadOnly);
    if (worker->dataset == NULL)
        bench_fail("cannot open", build->source);
    worker->encoder = floor_encoder_open(build->codec, build->compression,
                                         build->bands, build->sample_bytes);
    for (int i = 0; i <= build->subtree; i++)
        worker->tiles[i] = bench_allocate(build->tile_bytes);
}

static void close_worker(struct worker *worker)
{
    for (int i = 0; i <= worker->build->subtree; i++)
        free(worker->tiles[i]);
    floor_encoder_close(worker->encoder);
    GDALClose(worker->dataset);
}

static void *worker_main(void *arg)
{
    struct build *build = arg;
    const struct floor_grid *grid = &build->levels[build->subtree].grid;
    struct worker worker = {0};
    int item;

    open_worker(&worker, build);
    while ((item = atomic_fetch_add(&build->next, 1)) < grid->cols * grid->rows)
    {
        const int col = grid->first_col + item % grid->cols;
        const int row = grid->first_row + item / grid->cols;
        uint8_t *pixels = worker.tiles[build->subtree];
        build_tile(&worker, build->subtree, col, row, pixels);
        hand_up(&worker, build->subtree, col, row, pixels);
    }
    close_worker(&worker);
    return NULL;
}

static void run_workers(struct build *build, int nthreads)
{
    pthread_t threads[MAX_THREADS];

    for (int i = 1; i < nthreads; i++)
        if (pthread_create(&threads[i], NULL, worker_main, build) != 0)
            bench_fail("cannot start a thread", "");
    worker_main(build);
    for (int i = 1; i < nthreads; i++)
        pthread_join(threads[i], NULL);
}

/* ---- Levels ---- */

static size_t ntiles(const struct level *level)
{
    return (size_t)level->grid.cols * (size_t)level->grid.rows;
}

static void make_levels(struct build *build, const struct floor_grid *bottom,
                        int top)
{
    struct floor_grid grid = *bottom;

    build->nlevels = bottom->level - top + 1;
    if (build->nlevels < 1 || build->nlevels > 8)
        bench_fail("1 to 8 levels are wanted", "");
    build->subtree = build->nlevels - 1 - LEVELS_ABOVE;
    if (build->subtree < 0)
        build->subtree = 0;
    if (build->subtree > SUBTREE_LEVELS)
        build->subtree = SUBTREE_LEVELS;
    for (int i = 0; i < build->nlevels; i++)
    {
        struct level *level = &build->levels[i];
        const int last_col = grid.first_col + grid.cols - 1;
        const int last_row = grid.first_row + grid.rows - 1;
        level->grid = grid;
        level->tiles = bench_allocate(ntiles(level) * sizeof *level->tiles);
        grid = (struct floor_grid){grid.level - 1, grid.first_col / 2,
                                   grid.first_row / 2,
                                   last_col / 2 - grid.first_col / 2 + 1,
                                   last_row / 2 - grid.first_row / 2 + 1};
    }
}

static void make_parents(struct build *build)
{
    for (int i = build->subtree + 1; i < build->nlevels; i++)
    {
        struct level *level = &build->levels[i];
        level->parents = bench_allocate(ntiles(level) * sizeof(struct parent));
        for (size_t j = 0; j < ntiles(level); j++)
        {
            struct parent *parent = &level->parents[j];
            const int col = level->grid.first_col + (int)j % level->grid.cols;
            const int row = level->grid.first_row + (int)j / level->grid.cols;
            parent->pixels = bench_allocate(build->tile_bytes);
            atomic_init(&parent->missing, count_children(build, i, col, row));
            fill_nodata(build, parent->pixels);
        }
    }
}

static void free_levels(struct build *build)
{
    for (int i = 0; i < build->nlevels; i++)
    {
        struct level *level = &build->levels[i];
        for (size_t j = 0; level->parents != NULL && j < ntiles(level); j++)
            free(level->parents[j].pixels);
        free(level->parents);
        free(level->tiles);
    }
}

/* ---- Commands ---- */

static FILE *open_index(const char *output, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.index", output);
    FILE *file = fopen(path, mode);
    if (file == NULL)
        bench_fail("cannot open", path);
    return file;
}

static void command_build(struct build *build, const char *output, int nthreads)
{
    GDALAllRegister();
    build->fd = open(output, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (build->fd < 0)
        bench_fail("cannot create", output);
    make_parents(build);
    run_workers(build, nthreads);
    if (fsync(build->fd) != 0)
        bench_fail("cannot write", output);
    close(build->fd);
    FILE *index = open_index(output, "wb");
    for (int i = 0; i < build->nlevels; i++)
        if (fwrite(build->levels[i].tiles, sizeof(struct floor_tile),
                   ntiles(&build->levels[i]),
                   index) != ntiles(&build->levels[i]))
            bench_fail("cannot write the index of", output);
    fclose(index);
    GDALDestroyDriverManager();
}

/* Prints a digest of the decoded pixels of a level, by rows of tiles. */
static void print_digest(const struct build *build, const struct level *level,
                         const struct floor_level *tiles)
{
    const size_t pixel = (size_t)(build->bands * build->sample_bytes);
    const size_t row_bytes = (size_t)level->grid.cols * TILE_SIDE_PX * pixel;
    struct floor_window window = {0,
                                  0,
                                  level->grid.cols * TILE_SIDE_PX,
                                  TILE_SIDE_PX,
                                  bench_allocate(TILE_SIDE_PX * row_bytes),
                                  pixel,
                                  row_bytes,
                                  (size_t)build->sample_bytes};
    uint64_t digest = 0;

    for (int row = 0; row < level->grid.rows; row++)
    {
        window.top_px = row * TILE_SIDE_PX;
        floor_read(tiles, &window, 1, 2);
        digest = bench_digest(digest, window.pixels, TILE_SIDE_PX * row_bytes);
    }
    printf("%d:%016llx ", level->grid.level, (unsigned long long)digest);
    free(window.pixels);
}

/* Of the output of command_build, or of a pyramid below a directory. */
static void command_digest(struct build *build, const char *place,
                           bool is_pyramid)
{
    FILE *index = is_pyramid ? NULL : open_index(place, "rb");

    build->fd = is_pyramid ? -1 : open(place, O_RDONLY);
    for (int i = 0; i < build->nlevels; i++)
    {
        struct level *level = &build->levels[i];
        struct floor_level *tiles;
        if (is_pyramid)
        {
            tiles = floor_open(place, &level->grid, build->codec, build->bands,
                               build->sample_bytes);
        }
        else
        {
            if (fread(level->tiles, sizeof *level->tiles, ntiles(level),
                      index) != ntiles(level))
                bench_fail("cannot read the index of", place);
            for (size_t j = 0; j < ntiles(level); j++)
                level->tiles[j].fd = build->fd;
            tiles = floor_open_tiles(level->tiles, &level->grid, build->codec,
                                     build->bands, build->sample_bytes);
        }
        print_digest(build, level, tiles);
        floor_close(tiles);
    }
    printf("\n");
    if (index != NULL)
    {
        fclose(index);
        close(build->fd);
    }
}

static void parse_codec(const char *name, struct build *build)
{
    static const char *const names[] = {"jpeg", "png", "zip", "raw"};
    static const enum floor_codec codecs[] = {FLOOR_JPEG, FLOOR_PNG, FLOOR_ZIP,
                                              FLOOR_RAW};
    const char *colon = strchr(name, ':');
    const size_t length = colon != NULL ? (size_t)(colon - name) : strlen(name);

    build->compression = colon != NULL ? bench_int(colon + 1, 1, 12) : 6;
    for (int i = 0; i < 4; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
        {
            build->codec = codecs[i];
            return;
        }
    bench_fail("no codec", name);
}

static int usage(void)
{
    fprintf(stderr, "usage: write_floor COMMAND CODEC[:LEVEL] TYPE GRID\n"
                    "       COMMAND  build SOURCE OUTPUT THREADS\n"
                    "                digest-file OUTPUT\n"
                    "                digest-pyramid DIRECTORY\n"
                    "       CODEC    jpeg, png, zip or raw\n"
                    "       TYPE     BANDS and bytes of a sample: 3 1, 1 4...\n"
                    "       GRID     as in make_sources.py\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct build build = {0};
    const bool is_build = argc == 14 && strcmp(argv[1], "build") == 0;
    const int most = 1 << 24;

    if (!is_build && argc != 12)
        return usage();
    char **rest = argv + (is_build ? 5 : 3);
    build.source = argv[2];
    parse_codec(rest[0], &build);
    build.bands = bench_int(rest[1], 1, 4);
    build.sample_bytes = bench_int(rest[2], 1, 4);
    build.tile_bytes = TILE_PX * (size_t)(build.bands * build.sample_bytes);
    if (build.tile_bytes > MAX_TILE_BYTES)
        bench_fail("too many bands for their type", "");
    const struct floor_grid bottom = {
        bench_int(rest[3], 0, 30), bench_int(rest[4], 0, most),
        bench_int(rest[5], 0, most), bench_int(rest[6], 1, 4096),
        bench_int(rest[7], 1, 65536)};
    make_levels(&build, &bottom, bench_int(rest[8], 0, 30));
    if (is_build)
        command_build(&build, argv[3], bench_int(argv[4], 1, MAX_THREADS));
    else if (strcmp(argv[1], "digest-file") == 0)
        command_digest(&build, argv[2], false);
    else if (strcmp(argv[1], "digest-pyramid") == 0)
        command_digest(&build, argv[2], true);
    else
        return usage();
    free_levels(&build);
    return 0;
}
