/* SPDX-License-Identifier: MIT */
/* Times ROK4 reads against GTiff and the floor, on make_pyramid.py's files. */
#include "bench.h"
#include "floor.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cpl_conv.h>
#include <cpl_string.h>
#include <gdal.h>

#define MAX_WINDOWS 64
#define MAX_REPETITIONS 101
#define STRIP_PX 512

struct picture
{
    const char *name;
    enum floor_codec codec;
    bool has_tiff;
    int bands;
    GDALDataType type;
};

static const struct picture PICTURES[] = {
    {"jpg", FLOOR_JPEG, true, 3, GDT_Byte},
    {"png", FLOOR_PNG, false, 3, GDT_Byte},
    {"zip", FLOOR_ZIP, true, 3, GDT_Byte},
    {"float", FLOOR_ZIP, true, 1, GDT_Float32},
};
#define NPICTURES ((int)(sizeof PICTURES / sizeof *PICTURES))

enum contender
{
    ROK4,
    GTIFF,
    FLOOR,
    NCONTENDERS
};

static const char *const DRIVERS[] = {"ROK4", "GTiff"};

/* What is read: windows of the finest level, each shrunk by ratio. */
struct plan
{
    const char *name;
    int ratio;
    bool reuse;  /* each window into the same pixels, else one after another */
    bool advise; /* all windows are told beforehand */
    int nwindows;
    int windows[MAX_WINDOWS][4]; /* left, top, width, height */
};

struct bench
{
    char directory[2048];
    const struct picture *picture;
    int side_px;
    bool interleaved; /* pixel by pixel in the buffer, else band by band */
    int nthreads;
    clockid_t clock;
    uint8_t *buffer; /* touched before the first read, the same for all */
};

static double now_ms(const struct bench *bench)
{
    struct timespec now;
    clock_gettime(bench->clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* ---- Plans ---- */

static void add_window(struct plan *plan, int left, int top, int width,
                       int height)
{
    int *window = plan->windows[plan->nwindows++];
    window[0] = left;
    window[1] = top;
    window[2] = width;
    window[3] = height;
}

/* 256 x 256 about corners of four tiles, no tile in two of them. */
static void add_scattered(struct plan *plan, int side_px)
{
    const int side_blocks = side_px / (2 * TILE_SIDE_PX);
    const int nblocks = side_blocks * side_blocks; /* a power of four */
    for (int i = 0; i < MAX_WINDOWS && i < nblocks; i++)
    {
        const int block = (i * 389 + 17) % nblocks;
        const int col = 2 * (block % side_blocks) + 1;
        const int row = 2 * (block / side_blocks) + 1;
        add_window(plan, col * TILE_SIDE_PX - 37 - i * 53 % 180,
                   row * TILE_SIDE_PX - 41 - i * 97 % 180, 256, 256);
    }
}

#define NPLANS 6

static void make_plans(struct plan plans[NPLANS], int side)
{
    memset(plans, 0, NPLANS * sizeof *plans);
    for (int i = 0; i < NPLANS; i++)
        plans[i].ratio = 1;

    plans[0].name = "whole";
    add_window(&plans[0], 0, 0, side, side);

    plans[1].name = "strips";
    plans[1].reuse = true;
    const int strip =
        side / STRIP_PX > MAX_WINDOWS ? side / MAX_WINDOWS : STRIP_PX;
    for (int top = 0; top < side; top += strip)
        add_window(&plans[1], 0, top, side, strip);

    plans[2].name = "window";
    add_window(&plans[2], side / 2 - 1111, side / 2 - 777,
               side < 4096 ? side / 2 : 2000, side < 4096 ? side / 2 : 1500);
    if (side < 4096)
        plans[2].windows[0][0] = plans[2].windows[0][1] = side / 4 - 11;

    plans[3].name = "overview";
    plans[3].ratio = 4;
    add_window(&plans[3], 0, 0, side, side);

    plans[4].name = "scattered";
    add_scattered(&plans[4], side);
    plans[5] = plans[4];
    plans[5].name = "advised";
    plans[5].advise = true;
}

/* ---- Contenders ---- */

static int sample_bytes(const struct bench *bench)
{
    return GDALGetDataTypeSizeBytes(bench->picture->type);
}

/* The pixels of one window of the plan in the buffer. */
static struct floor_window destination(const struct bench *bench,
                                       const struct plan *plan, int i)
{
    const int *window = plan->windows[i];
    const size_t bands = (size_t)bench->picture->bands;
    const size_t sample = (size_t)sample_bytes(bench);
    struct floor_window to = {window[0] / plan->ratio,
                              window[1] / plan->ratio,
                              window[2] / plan->ratio,
                              window[3] / plan->ratio,
                              bench->buffer,
                              0,
                              0,
                              0};
    const size_t width = (size_t)to.width_px;
    const size_t npixels = width * (size_t)to.height_px;

    if (!plan->reuse)
        to.pixels += (size_t)i * npixels * bands * sample;
    to.pixel_stride = bench->interleaved ? bands * sample : sample;
    to.row_stride = width * to.pixel_stride;
    to.band_stride = bench->interleaved ? sample : npixels * sample;
    return to;
}

static size_t bytes_read(const struct bench *bench, const struct plan *plan)
{
    size_t nbytes = 0;
    for (int i = 0; i < (plan->reuse ? 1 : plan->nwindows); i++)
        nbytes += (size_t)plan->windows[i][2] * (size_t)plan->windows[i][3];
    return nbytes / (size_t)(plan->ratio * plan->ratio) *
           (size_t)(bench->picture->bands * sample_bytes(bench));
}

static GDALDatasetH open_dataset(const struct bench *bench,
                                 enum contender contender)
{
    char path[4096];
    char threads[32];
    const char *const drivers[] = {DRIVERS[contender], NULL};
    const char *const options[] = {threads, NULL};

    snprintf(path, sizeof path, "%s/%s.%s", bench->directory,
             bench->picture->name, contender == ROK4 ? "json" : "tif");
    snprintf(threads, sizeof threads, "NUM_THREADS=%d", bench->nthreads);
    CPLSetConfigOption("GDAL_NUM_THREADS", strchr(threads, '=') + 1);
    GDALDatasetH dataset = GDALOpenEx(
        path, GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, drivers, options, NULL);
    if (dataset == NULL)
        bench_fail("cannot open", path);
    if (GDALGetRasterXSize(dataset) != bench->side_px ||
        GDALGetRasterYSize(dataset) != bench->side_px)
        bench_fail("not the expected size:", path);
    return dataset;
}

static void read_dataset(const struct bench *bench, const struct plan *plan,
                         GDALDatasetH dataset)
{
    const int bands = bench->picture->bands;
    const GDALDataType type = bench->picture->type;
    CPLErr result = CE_None;

    for (int i = 0; plan->advise && i < plan->nwindows; i++)
    {
        const int *window = plan->windows[i];
        GDALDatasetAdviseRead(dataset, window[0], window[1], window[2],
                              window[3], window[2], window[3], type, bands,
                              NULL, NULL);
    }
    for (int i = 0; i < plan->nwindows && result == CE_None; i++)
    {
        const int *window = plan->windows[i];
        const struct floor_window to = destination(bench, plan, i);
        result = GDALDatasetRasterIOEx(
            dataset, GF_Read, window[0], window[1], window[2], window[3],
            to.pixels, to.width_px, to.height_px, type, bands, NULL,
            (GSpacing)to.pixel_stride, (GSpacing)to.row_stride,
            (GSpacing)to.band_stride, NULL);
    }
    if (result != CE_None)
        bench_fail("cannot read", GDALGetDescription(dataset));
}

static void read_floor(const struct bench *bench, const struct plan *plan,
                       const struct floor_level *level)
{
    struct floor_window windows[MAX_WINDOWS];

    for (int i = 0; i < plan->nwindows; i++)
        windows[i] = destination(bench, plan, i);
    if (!plan->reuse)
        floor_read(level, windows, plan->nwindows, bench->nthreads);
    for (int i = 0; plan->reuse && i < plan->nwindows; i++)
        floor_read(level, &windows[i], 1, bench->nthreads);
}

static struct floor_level *open_floor(const struct bench *bench,
                                      const char *path, int ratio)
{
    const int side_tiles = bench->side_px / ratio / TILE_SIDE_PX;
    struct floor_grid grid = {0, 0, 0, side_tiles, side_tiles};

    while (1 << grid.level < side_tiles)
        grid.level++;
    return floor_open(path, &grid, bench->picture->codec, bench->picture->bands,
                      sample_bytes(bench));
}

/* Milliseconds of one read through a handle of its own, whose opening and
 * closing do not count. */
static double time_once(const struct bench *bench, const struct plan *plan,
                        enum contender contender)
{
    double start, elapsed;

    if (contender == FLOOR)
    {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", bench->directory,
                 bench->picture->name);
        struct floor_level *level = open_floor(bench, path, plan->ratio);
        start = now_ms(bench);
        read_floor(bench, plan, level);
        elapsed = now_ms(bench) - start;
        floor_close(level);
    }
    else
    {
        GDALDatasetH dataset = open_dataset(bench, contender);
        start = now_ms(bench);
        read_dataset(bench, plan, dataset);
        elapsed = now_ms(bench) - start;
        GDALClose(dataset);
    }
    return elapsed;
}

/* ---- Table ---- */

/* One line of the table. one_thread_ms: of ROK4, kept from the line before.
 * False when the contenders read different pixels. */
static bool run_line(const struct bench *bench, const struct plan *plan,
                     int repetitions, double *one_thread_ms)
{
    double times[NCONTENDERS][MAX_REPETITIONS];
    double median[NCONTENDERS] = {0};
    bool present[NCONTENDERS] = {GDALGetDriverByName("ROK4") != NULL,
                                 bench->picture->has_tiff, true};
    uint64_t expected = 0;
    bool equal = true;

    if (plan->advise)
        present[GTIFF] = present[FLOOR] = false;
    for (int i = -1; i < repetitions; i++) /* -1: warms up, is compared */
        for (int c = NCONTENDERS - 1; c >= 0; c--)
        {
            if (!present[c])
                continue;
            const double elapsed = time_once(bench, plan, (enum contender)c);
            if (i >= 0)
            {
                times[c][i] = elapsed;
                continue;
            }
            const uint64_t found =
                bench_digest(0, bench->buffer, bytes_read(bench, plan));
            equal = equal && (expected == 0 || found == expected);
            expected = found;
        }
    printf("%-6s %-5s %-9s %3d", bench->picture->name,
           bench->interleaved ? "pixel" : "band", plan->name, bench->nthreads);
    for (int c = 0; c < NCONTENDERS; c++)
    {
        if (!present[c])
        {
            printf(" %9s", "-");
            continue;
        }
        median[c] = bench_median(times[c], repetitions);
        printf(" %9.2f", median[c]);
    }
    bench_print_ratio(median[ROK4], median[GTIFF]);
    bench_print_ratio(median[ROK4], median[FLOOR]);
    if (bench->nthreads == 1)
        *one_thread_ms = median[ROK4];
    bench_print_ratio(bench->nthreads == 1 ? 0 : median[ROK4], *one_thread_ms);
    printf("%s\n", equal ? "" : "  DIFFERENT PIXELS");
    fflush(stdout);
    return equal;
}

static bool run_picture(struct bench *bench, const char *only_plan,
                        int repetitions)
{
    struct plan plans[NPLANS];
    bool equal = true;
    double one_thread_ms = 0;

    make_plans(plans, bench->side_px);
    const size_t nbytes = bytes_read(bench, &plans[0]);
    bench->buffer = bench_allocate(nbytes);
    memset(bench->buffer, 1, nbytes);
    for (int layout = 0; layout < (bench->picture->bands > 1 ? 2 : 1); layout++)
        for (int i = 0; i < NPLANS; i++)
            for (int nthreads = 1; nthreads <= 2; nthreads++)
            {
                bench->interleaved = layout == 0;
                bench->nthreads = nthreads;
                if (only_plan == NULL || EQUAL(only_plan, plans[i].name))
                    equal = run_line(bench, &plans[i], repetitions,
                                     &one_thread_ms) &&
                            equal;
            }
    free(bench->buffer);
    return equal;
}

/* ---- Peak memory ---- */

/* A line of /proc/self/status in kB. Not ru_maxrss, which a process inherits
 * through exec from the one that started it. */
static long status_kb(const char *name)
{
    char line[256];
    long kb = -1;
    FILE *file = fopen("/proc/self/status", "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtol(line + strlen(name), NULL, 10);
    if (file != NULL)
        fclose(file);
    return kb;
}

/* In a process of its own: what the whole image needs beside its buffer. */
static void print_peak(struct bench *bench, enum contender contender)
{
    struct plan plans[NPLANS];

    make_plans(plans, bench->side_px);
    bench->interleaved = true;
    const size_t nbytes = bytes_read(bench, &plans[0]);
    bench->buffer = bench_allocate(nbytes);
    memset(bench->buffer, 1, nbytes);
    const long before_kb = status_kb("VmHWM:");
    GDALDatasetH dataset = open_dataset(bench, contender);
    read_dataset(bench, &plans[0], dataset);
    const double peak_mb = (double)(status_kb("VmHWM:") - before_kb) / 1024;
    const double limit_mb = (double)GDALGetCacheMax64() / (1 << 20);
    GDALClose(dataset);
    free(bench->buffer);
    printf("%-6s %-5s %3d thread(s): %8.1f MB, caches' limit %8.1f MB, "
           "beyond it %8.1f MB\n",
           bench->picture->name, DRIVERS[contender], bench->nthreads, peak_mb,
           limit_mb, peak_mb > limit_mb ? peak_mb - limit_mb : 0.0);
}

static int usage(void)
{
    fprintf(stderr,
            "usage: read time|cpu DIRECTORY SIDE REPETITIONS [PICTURE [PLAN]]"
            "\n"
            "       read peak DIRECTORY SIDE PICTURE ROK4|GTiff THREADS\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct bench bench = {.nthreads = 1, .clock = CLOCK_MONOTONIC};
    bool equal = true;

    if (argc < 5 || argc > 7)
        return usage();
    GDALAllRegister();
    snprintf(bench.directory, sizeof bench.directory, "%s", argv[2]);
    const int side_px = bench_int(argv[3], 1024, 131072);
    const bool peak = EQUAL(argv[1], "peak") && argc == 7;
    const int repetitions = peak ? 0 : bench_int(argv[4], 1, MAX_REPETITIONS);
    if (EQUAL(argv[1], "cpu"))
        bench.clock = CLOCK_PROCESS_CPUTIME_ID;
    const char *only = peak ? argv[4] : argc > 5 ? argv[5] : NULL;

    if (!peak)
        printf("%-6s %-5s %-9s thr %9s %9s %9s %8s %8s %8s\n", "", "", "",
               "ROK4 ms", "GTiff ms", "floor ms", "R/GTiff", "R/floor",
               "2t/1t");
    for (int i = 0; i < NPICTURES; i++)
    {
        bench.picture = &PICTURES[i];
        bench.side_px = bench.picture->bands == 1 ? side_px / 2 : side_px;
        if (only != NULL && !EQUAL(only, bench.picture->name))
            continue;
        if (peak)
        {
            bench.nthreads = bench_int(argv[6], 1, 64);
            print_peak(&bench, EQUAL(argv[5], "ROK4") ? ROK4 : GTIFF);
        }
        else
        {
            equal =
                run_picture(&bench, argc > 6 ? argv[6] : NULL, repetitions) &&
                equal;
        }
    }
    GDALDestroyDriverManager();
    return equal ? 0 : 1;
}
