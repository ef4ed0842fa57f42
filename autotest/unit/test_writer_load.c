/* SPDX-License-Identifier: MIT */
/* Tests of the ROK4 tile sink with many tiles, threads and failures. */
#include "fake_writer.h"
#include "pyr_pool.h"

#define DATA PYR_PLANE_DATA
#define MASK PYR_PLANE_MASK
#define SIDE 6u /* tiles of a slab */
#define NTILES (SIDE * SIDE)
#define SLABS 4u /* slabs side by side, of each level */
#define NITEMS (FAKE_WRITER_LEVELS * SLABS * NTILES)
#define NTHREADS 4u

static enum pyr_result results[NITEMS];

/* Data tiles of up to 30000 bytes; one in five is not put. */
static uint32_t data_nbytes(uint32_t seed)
{
    return seed % 5 == 3 ? 0 : (seed * 7919) % 30000 + 1;
}

static uint32_t mask_nbytes(uint32_t seed)
{
    return seed % 3 == 1 ? 0 : seed % 90 + 1;
}

static void begin_big(enum rok4_format format, size_t memory_bytes)
{
    fw_begin(format, 3);
    for (size_t i = 0; i < FAKE_WRITER_LEVELS; i++)
    {
        fw.levels[i].tiles_per_width = fw.levels[i].tiles_per_height = SIDE;
        fw.levels[i].shape.width_px = fw.levels[i].shape.height_px = 64;
    }
    fw.options.memory_bytes = memory_bytes;
    CHECK_INT(fw_open(), PYR_OK);
}

/* Puts a tile, in an order that hops between all slabs. */
static void put_item(void *user, unsigned worker, size_t item)
{
    const uint32_t number = (uint32_t)(item * 101 % NITEMS);
    const uint32_t level = number % FAKE_WRITER_LEVELS;
    const uint32_t slab = number / FAKE_WRITER_LEVELS % SLABS;
    const uint32_t tile = number / FAKE_WRITER_LEVELS / SLABS;
    const uint32_t col = slab * SIDE + tile % SIDE;
    const uint32_t row = tile / SIDE;
    const bool raw = fw.options.format == ROK4_RAW_UINT8;
    const uint32_t nbytes = data_nbytes(number);
    uint8_t bytes[30000];
    struct pyr_error err = {""};
    (void)user;
    (void)worker;
    results[item] = PYR_OK;
    fw_fill(bytes, sizeof bytes, number);
    if (nbytes > 0)
        results[item] = fw.sink.put(fw.sink.user, DATA, level, col, row, bytes,
                                    raw ? 64 * 64 * 3 : nbytes, &err);
    if (results[item] == PYR_OK && mask_nbytes(number) > 0)
        results[item] = fw.sink.put(fw.sink.user, MASK, level, col, row, bytes,
                                    mask_nbytes(number), &err);
}

static void finish_item(void *user, unsigned worker, size_t item)
{
    struct pyr_error err = {""};
    (void)user;
    (void)worker;
    results[item] =
        fw.sink.finish(fw.sink.user, (uint32_t)(item % FAKE_WRITER_LEVELS),
                       (uint32_t)(item / FAKE_WRITER_LEVELS), 0, &err);
}

static void put_and_finish(struct pyr_pool *pool)
{
    const struct pyr_job put_job = {.run = put_item};
    const struct pyr_job finish_job = {.run = finish_item};
    pyr_pool_run(pool, &put_job, NITEMS, NTHREADS);
    for (size_t i = 0; i < NITEMS; i++)
        CHECK_INT(results[i], PYR_OK);
    pyr_pool_run(pool, &finish_job, FAKE_WRITER_LEVELS * SLABS, NTHREADS);
    for (size_t i = 0; i < (size_t)FAKE_WRITER_LEVELS * SLABS; i++)
        CHECK_INT(results[i], PYR_OK);
}

static uint64_t hash_of(const struct pyr_file *file)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < file->nbytes; i++)
        hash = (hash ^ file->bytes[i]) * 1099511628211u;
    return hash;
}

/* All files, whatever the order in which they were made. */
static uint64_t hash_of_all(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < files.count; i++)
    {
        const struct pyr_file path = {.bytes = (uint8_t *)files.file[i].path,
                                      .nbytes = strlen(files.file[i].path)};
        sum += hash_of(&files.file[i]) ^ (hash_of(&path) << 1);
    }
    return sum;
}

/* The same bytes whatever the memory and the threads. */
static void check_equal_bytes(enum rok4_format format)
{
    static const size_t budgets[] = {MUCH_MEMORY, 0, 1u << 20, 4u << 20};
    const uint32_t nslabs = 2 * FAKE_WRITER_LEVELS * SLABS;
    struct pyr_pool *pool = NULL;
    uint64_t expected = 0;
    begin_big(format, MUCH_MEMORY);
    for (uint32_t i = 0; i < NITEMS; i++)
        put_item(NULL, 0, i);
    for (uint32_t i = 0; i < FAKE_WRITER_LEVELS * SLABS; i++)
        finish_item(NULL, 0, i);
    CHECK_INT(rok4_writer_count(fw.writer), nslabs);
    CHECK_INT(fake_out.count[FAKE_OUT_CREATE], nslabs);
    CHECK_INT(fake_out.count[FAKE_OUT_READ], 0);
    CHECK(fake_out.largest_write <= PYR_MAX_TILE_BYTES);
    expected = hash_of_all();
    fw_end();
    CHECK_INT(pyr_pool_new(&pool), PYR_OK);
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++)
    {
        begin_big(format, budgets[i]);
        put_and_finish(pool);
        CHECK_INT(rok4_writer_count(fw.writer), nslabs);
        CHECK_INT(files.count, nslabs);
        CHECK(hash_of_all() == expected);
        if (budgets[i] == 0)
            CHECK(fake_out.count[FAKE_OUT_CREATE] > nslabs);
        fw_end();
    }
    pyr_pool_free(pool);
}

static void test_memory_and_threads(void)
{
    check_equal_bytes(ROK4_ZIP_UINT8);
    check_equal_bytes(ROK4_RAW_UINT8);
}

/* A handful of writes for a slab of many small tiles. */
static void test_few_writes(void)
{
    fw_begin(ROK4_ZIP_UINT8, 3);
    fw.levels[0].mask_place = NULL;
    fw.levels[0].tiles_per_width = fw.levels[0].tiles_per_height = 16;
    CHECK_INT(fw_open(), PYR_OK);
    for (uint32_t i = 0; i < 256; i++)
        CHECK_INT(fw_put(DATA, 0, i % 16, i / 16, 4000, i), PYR_OK);
    CHECK_INT(fw_finish(0, 0, 0), PYR_OK);
    CHECK_INT(fake_out.count[FAKE_OUT_WRITE], 4);
    for (uint32_t i = 0; i < 256; i++)
        fw_check_tile("/new/DATA/c/00/00/00.tif", 256, i, 4000, i);
    fw_end();
}

/* A small job that does all there is: background, masks, spilling. */
static enum pyr_result small_job(void)
{
    enum pyr_result result = PYR_OK;
    for (uint32_t col = 0; col < 4 && result == PYR_OK; col++)
        result = fw_put(DATA, 0, col, 0, 96, col);
    if (result == PYR_OK)
        result = fw_put(MASK, 0, 0, 0, 60, 70);
    for (uint32_t slab = 0; slab < 2 && result == PYR_OK; slab++)
        result = fw_finish(0, slab, 0);
    return result;
}

static void begin_small(bool raw)
{
    static const uint32_t old[] = {96, 96, 0, 96};
    fw_begin(raw ? ROK4_RAW_UINT8 : ROK4_ZIP_UINT8, 3);
    fw_open_background(raw ? "TIFF_RAW_UINT8" : "TIFF_ZIP_UINT8", 3);
    fw_add_slab("/data/N/DATA/c/00/00.tif", DATA, old, 20);
    fw_add_slab("/data/N/MASK/c/00/00.tif", MASK, old, 20);
    fw.options.memory_bytes = 0;
}

/* Each slab that stands there after a failure is whole. */
static void check_after_failure(uint64_t nexpected)
{
    uint64_t nfound = 0;
    for (size_t i = 0; i < files.count; i++)
    {
        const struct pyr_file *const file = &files.file[i];
        struct pyr_extent extent = {0, 0};
        if (strncmp(file->path, "/new/", 5) != 0)
            continue;
        nfound++;
        CHECK(strstr(file->path, ".spool") == NULL);
        for (uint32_t tile = 0; tile < 4; tile++)
            CHECK_INT(rok4_slab_locate(file->bytes + ROK4_SLAB_HEADER_BYTES, 4,
                                       tile, file->nbytes, 100000, &extent,
                                       NULL),
                      PYR_OK);
        CHECK_INT(extent.offset_bytes + extent.nbytes, file->nbytes);
    }
    CHECK_INT(nfound, nexpected);
}

static void check_failing_out(bool raw)
{
    unsigned nth = 0;
    enum pyr_result result = PYR_IO;
    while (result != PYR_OK)
    {
        begin_small(raw);
        CHECK_INT(fw_open(), PYR_OK);
        fake_out.fail_any = ++nth;
        result = small_job();
        CHECK(result == PYR_OK || result == PYR_IO);
        CHECK((strstr(fw.err.text, "/new/") != NULL) == (result == PYR_IO));
        check_after_failure(rok4_writer_count(fw.writer));
        fw_end();
    }
    CHECK(nth > 10);
}

static void test_failing_out(void)
{
    check_failing_out(false);
    check_failing_out(true);
}

static void check_no_memory(bool raw)
{
    unsigned long nth = 0;
    enum pyr_result result = PYR_NOMEM;
    while (result != PYR_OK)
    {
        begin_small(raw);
        pyr_alloc_fail_nth(++nth);
        result = fw_open();
        if (result == PYR_OK)
            result = small_job();
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        CHECK((fw.err.text[0] != '\0') == (result == PYR_NOMEM));
        if (fw.writer != NULL)
            check_after_failure(rok4_writer_count(fw.writer));
        fw_end();
    }
    CHECK(nth > 20);
    /* Asked without memory, an interrupted run's slab is written again. */
    begin_small(raw);
    fw.options.resume = true;
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(small_job(), PYR_OK);
    CHECK(!fw_wants(0, 0, 0));
    for (nth = 1; nth <= 8; nth++)
    {
        pyr_alloc_fail_nth(nth);
        CHECK(fw_wants(0, 0, 0));
        pyr_alloc_fail_nth(0);
    }
    fw_end();
}

static void test_no_memory(void)
{
    check_no_memory(false);
    check_no_memory(true);
}

/* The sink may be asked without a place for the error. */
static void test_no_error_text(void)
{
    static const uint8_t bytes[] = {1, 2, 3};
    fw_begin(ROK4_ZIP_UINT8, 3);
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(fw.sink.put(fw.sink.user, DATA, 0, 0, 0, bytes, 0, NULL),
              PYR_USAGE);
    CHECK_INT(fw.sink.put(fw.sink.user, DATA, 0, 0, 0, bytes, 3, NULL), PYR_OK);
    fake_out.fail[FAKE_OUT_CREATE] = 1;
    CHECK_INT(fw.sink.finish(fw.sink.user, 0, 0, 0, NULL), PYR_IO);
    fw_end();
}

int main(void)
{
    RUN(test_memory_and_threads);
    RUN(test_few_writes);
    RUN(test_failing_out);
    RUN(test_no_memory);
    RUN(test_no_error_text);
    return unit_report();
}
