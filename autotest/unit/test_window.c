/* SPDX-License-Identifier: MIT */
/* Tests of the window reader: right pixels, and no more input than it takes. */
#include "window_check.h"

/* Each slab: opened once, its index read once, its tiles as one range. */
static void test_whole_levels(void)
{
    fake_new_reader(1);
    check_level(0, 0, MUCH);
    /* The limits cut 6 of the 12 slabs: there, one tile that is not asked for
     * lies between the others. */
    CHECK_INT(fake.nbytes, 12 * 48 + 6 * 6 * 64 + 6 * 5 * 64);
    check_work(12, 24, 24);
    check_level(1, 0, MUCH);
    check_work(16, 32, 32);
    /* 2320 tiles make three groups, whose borders cut two slabs. */
    check_level(2, 0, MUCH);
    check_work(12 + 2, 12 + 14, 12 + 14);
}

static void test_second_read_does_nothing(void)
{
    fake_new_reader(1);
    for (uint32_t level = 0; level < 3; level++)
    {
        check_level(level, 3, MUCH);
        fake_forget();
        check_level(level, 0, MUCH);
        CHECK_INT(fake.nops, 0);
    }
    picture_init(&picture, 0, 13, 10, 30, 9);
    check_read(MUCH);
    CHECK_INT(fake.nops, 0);
    picture_clear(&picture);
}

/* One tile that a slab of six lacks: its index is known. */
static void test_index_is_kept(void)
{
    fake_new_reader(1);
    picture_init(&picture, 0, 3 * 8, 2 * 4, 8, 4);
    check_read(MUCH);
    CHECK_INT(fake.nbytes, 48 + 64);
    check_work(1, 2, 2);
    picture_clear(&picture);
    picture_init(&picture, 0, 4 * 8, 3 * 4, 8, 4);
    check_read(MUCH);
    CHECK_INT(fake.nbytes, 64);
    check_work(1, 1, 1);
    picture_clear(&picture);
}

static void test_no_cache(void)
{
    fake_new_reader(1);
    for (int i = 0; i < 2; i++)
    {
        check_level(0, 0, 0);
        check_work(12, 24, 24);
        CHECK_INT(pyr_cache_total_bytes(fake.cache), 0);
    }
}

/* Tiles that do not fit are not kept, and do not drive out the indexes. */
static void test_small_cache(void)
{
    const size_t just_too_small = 60 * 64 - 1;
    fake_new_reader(1);
    check_level(0, 0, just_too_small);
    check_work(12, 24, 24);
    CHECK(pyr_cache_total_bytes(fake.cache) <= just_too_small);
    check_level(0, 0, just_too_small);
    check_work(12, 12, 12);
}

/* A tile is kept once: as stored, or decoded, which is as long here. */
static void test_kept_once(void)
{
    static const struct pyr_window window = {0, 3 * 8, 2 * 4, 24, 8};
    struct pyr_error err = {""};
    fake_new_reader(1);
    CHECK_INT(pyr_reader_prefetch(fake.reader, &window, 1, MUCH, &err), PYR_OK);
    const size_t once = pyr_cache_total_bytes(fake.cache);
    fake_new_reader(1);
    picture_init(&picture, 0, 3 * 8, 2 * 4, 24, 8);
    for (int i = 0; i < 3; i++)
    {
        check_read(MUCH);
        CHECK_INT(pyr_cache_total_bytes(fake.cache), once);
    }
    picture_clear(&picture);
}

/* Whatever the bound, the pixels are right and the bound is kept. */
static void test_any_cache(void)
{
    fake_new_reader(1);
    for (size_t cache_bytes = 0; cache_bytes < 16000; cache_bytes += 177)
    {
        check_level(0, 1, cache_bytes);
        CHECK(pyr_cache_total_bytes(fake.cache) <= cache_bytes);
        check_level(1, 1, cache_bytes / 3);
        CHECK(pyr_cache_total_bytes(fake.cache) <= cache_bytes / 3);
    }
}

static void test_reader_gives_back_its_cache(void)
{
    fake_new_reader(1);
    check_level(0, 0, MUCH);
    CHECK(pyr_cache_total_bytes(fake.cache) > 60 * 64);
    pyr_reader_free(fake.reader);
    fake.reader = NULL;
    CHECK_INT(pyr_cache_total_bytes(fake.cache), 0);
}

/* Ranges further apart than the gap are read each, but in one call; a tile that
 * is not asked for lies in 6 slabs. */
static void test_gaps(void)
{
    static const size_t gaps[] = {4096, 4097};
    static const unsigned ranges[] = {12 + 6 + 12, 12 + 60};
    for (int i = 0; i < 2; i++)
    {
        fake.gap = gaps[i];
        fake_fill_all();
        fake_new_reader(1);
        check_level(0, 0, MUCH);
        check_work(12, 24, ranges[i]);
    }
    fake.gap = 0;
    fake_fill_all();
}

static void test_orders(void)
{
    for (int i = 1; i < 8; i++)
    {
        fake.reverse = i & 1;
        fake.sparse = i & 2;
        fake.shared = i & 4;
        fake_fill_all();
        fake_new_reader(1);
        for (uint32_t level = 0; level < 3; level++)
        {
            check_level(level, 2, MUCH);
            check_level(level, 2, MUCH);
            check_level(level, 2, 0);
        }
        fake_new_reader(1);
        check_level(0, 0, MUCH);
        CHECK(fake.nranges <= 24);
    }
    fake.reverse = fake.sparse = fake.shared = false;
    fake_fill_all();
}

/* Slabs that do not exist are looked for once. */
static void test_absent(void)
{
    fake_new_reader(1);
    fake_change_slab(&fake.slabs[0][5], FAKE_REMOVE);
    fake_change_slab(&fake.slabs[0][10], FAKE_REMOVE);
    check_level(0, 0, MUCH);
    check_work(12, 20, 20);
    check_level(0, 0, MUCH);
    CHECK_INT(fake.nops, 0);
    fake_fill_all();
}

static void test_windows_everywhere(void)
{
    static const int64_t far[] = {-1000000000000000, -100, 0, 100,
                                  1000000000000000};
    fake_new_reader(1);
    for (int64_t px_x = -3; px_x < 95; px_x += 7)
        for (int64_t px_y = -2; px_y < 40; px_y += 3)
        {
            picture_init(&picture, 0, px_x, px_y, 1 + (uint32_t)(px_x + 3) % 11,
                         1 + (uint32_t)(px_y + 2) % 9);
            check_read(2000);
            picture_clear(&picture);
        }
    fake_forget();
    for (int i = 0; i < 25; i++)
    {
        picture_init(&picture, 0, far[i / 5], far[i % 5] - 60, 40, 60);
        check_read(MUCH);
        picture_clear(&picture);
    }
    CHECK_INT(fake.nopens, 0);
}

/* Counts pixels without and with data. */
static void count_pixels(void *user, const uint8_t *pixels, size_t row_bytes,
                         uint32_t px_x, uint32_t px_y, uint32_t width_px,
                         uint32_t height_px)
{
    uint64_t *const counts = user;
    (void)row_bytes;
    (void)px_x;
    (void)px_y;
    counts[pixels != NULL] += (uint64_t)width_px * height_px;
}

/* Of the greatest size, with a level of few tiles in its middle. */
static void test_largest_window(void)
{
    uint64_t counts[2] = {0, 0};
    const struct pyr_window window = {1, -2147483648, -2147483648, UINT32_MAX,
                                      UINT32_MAX};
    const struct pyr_window_sink sink = {counts, count_pixels, NULL};
    struct pyr_error err = {""};
    fake_new_reader(1);
    CHECK_INT(pyr_reader_read(fake.reader, &window, &sink, 0, &err), PYR_OK);
    CHECK_INT(counts[0], (int64_t)((uint64_t)UINT32_MAX * UINT32_MAX));
    CHECK_INT(counts[1], 16 * 15);
}

/* More tiles than one group: with a cache, each index is read once. */
static void test_groups(void)
{
    picture_init_level(&picture, 2, 0);
    fake_new_reader(1);
    check_read(0);
    CHECK_INT(picture.ncalls, 3);
    CHECK(picture.last == 1.0);
    picture_clear(&picture);
    CHECK_INT(fake.nreads, 14 + 14);
    fake_new_reader(1);
    check_level(2, 0, MUCH);
    CHECK_INT(fake.nreads, 12 + 14);
}

static void test_cancel(void)
{
    fake_new_reader(1);
    picture_init_level(&picture, 2, 0);
    for (unsigned call = 1; call < 4; call++)
    {
        picture.cancel_at = call;
        CHECK_INT(picture_read(&picture, MUCH), PYR_CANCELLED);
        CHECK_STR(picture.err.text, "interrupted by the user");
        CHECK_INT(picture.ncalls, call);
    }
    picture.cancel_at = 0;
    check_read(MUCH);
    picture_clear(&picture);
}

/* Tiles of 1 MiB: several batches, several groups, one slab of 80 MiB. */
static void check_corner(void *user, const uint8_t *pixels, size_t row_bytes,
                         uint32_t px_x, uint32_t px_y, uint32_t width_px,
                         uint32_t height_px)
{
    unsigned *const nright = user;
    const size_t last = 512 * 512 * 4 - 1;
    const size_t end = (height_px - 1) * row_bytes + width_px * 4 - 1;
    if (width_px == 512 && height_px == 512 && pixels != NULL &&
        pixels[0] == fake_byte(3, 0, px_x / 512, px_y / 512, 0) &&
        pixels[end] == fake_byte(3, 0, px_x / 512, px_y / 512, last))
        (*nright)++;
}

static void test_batches(void)
{
    unsigned nright = 0;
    const struct pyr_window window = {3, 0, 0, 5120, 4096};
    const struct pyr_window_sink sink = {&nright, check_corner, NULL};
    struct pyr_error err = {""};
    fake_fill(&fake.slabs[3][0], 3, 0);
    fake_new_reader(1);
    CHECK_INT(pyr_reader_read(fake.reader, &window, &sink, 0, &err), PYR_OK);
    CHECK_INT(nright, 80);
    CHECK_INT(fake.nbytes, (80 << 20) + fake.nopens * 640);
    /* 64 MiB make a group, 8 MiB a batch. */
    check_work(2, 2 + 10, 2 + 10);
    /* Large windows are kept, too. */
    for (int i = 0; i < 2; i++)
    {
        fake_forget();
        nright = 0;
        CHECK_INT(pyr_reader_read(fake.reader, &window, &sink, MUCH, &err),
                  PYR_OK);
        CHECK_INT(nright, 80);
    }
    CHECK_INT(fake.nops, 0);
    fake.slabs[3][0].present = 0;
}

static void test_locate(void)
{
    fake.sparse = true;
    fake_fill_all();
    fake_change_slab(&fake.slabs[0][5], FAKE_REMOVE);
    fake_new_reader(1);
    check_locate(0, 2, PYR_OUTSIDE);
    check_locate(1, 1, PYR_OUTSIDE);
    check_locate(11, 7, PYR_OUTSIDE);
    check_locate(1, 8, PYR_OUTSIDE);
    check_locate(UINT32_MAX, UINT32_MAX, PYR_OUTSIDE);
    CHECK_INT(fake.nops, 0);
    check_locate(2, 2, PYR_PRESENT);
    CHECK_INT(fake.nbytes, 48);
    check_locate(1, 2, PYR_EMPTY_TILE);
    check_locate(2, 3, PYR_PRESENT);
    check_work(1, 1, 1);
    check_locate(3, 2, PYR_NO_CONTAINER);
    check_locate(5, 3, PYR_NO_CONTAINER);
    check_work(1, 0, 0);
    /* The window reader uses what was found. */
    picture_init(&picture, 0, 8, 8, 16, 8);
    check_read(MUCH);
    check_work(1, 1, 1);
    picture_clear(&picture);
    fake.sparse = false;
    fake_fill_all();
}

static void test_encoded(void)
{
    uint8_t *bytes = NULL;
    size_t nbytes = 0;
    struct pyr_error err = {""};
    fake_change_slab(&fake.slabs[0][5], FAKE_REMOVE);
    fake_new_reader(1);
    CHECK_INT(
        pyr_reader_encoded(fake.reader, 0, 2, 3, MUCH, &bytes, &nbytes, &err),
        PYR_OK);
    CHECK_INT(nbytes, 64);
    for (size_t i = 0; i < nbytes; i++)
        CHECK_INT(bytes[i], fake_byte(0, 0, 2, 3, i));
    pyr_free(bytes);
    check_work(1, 2, 2);
    bytes = NULL;
    CHECK_INT(
        pyr_reader_encoded(fake.reader, 0, 3, 3, MUCH, &bytes, &nbytes, &err),
        PYR_NOT_FOUND);
    CHECK_STR(err.text, "tile 3,3 has no data");
    CHECK_INT(
        pyr_reader_encoded(fake.reader, 0, 0, 0, MUCH, &bytes, &nbytes, &err),
        PYR_NOT_FOUND);
    CHECK(bytes == NULL);
    fake_fill_all();
}

static enum pyr_result prefetch(const struct pyr_window *windows,
                                size_t nwindows, size_t cache_bytes)
{
    struct pyr_error err = {""};
    return pyr_reader_prefetch(fake.reader, windows, nwindows, cache_bytes,
                               &err);
}

static void test_prefetch(void)
{
    static const struct pyr_window windows[] = {
        {0, 8, 8, 24, 8},   {1, 0, 0, 20, 12}, {0, 16, 8, 40, 8},
        {0, 500, 8, 40, 8}, {0, 8, 8, 24, 8},  {2, 3, 1, 58, 40}};
    fake_new_reader(1);
    CHECK_INT(prefetch(windows, 5, MUCH), PYR_OK);
    /* Tiles 1 to 6 of two rows, in 3 slabs, and 16 slabs of one tile. */
    CHECK_INT(fake.nbytes, 3 * 48 + 16 * 8 + (5 + 6 + 4) * 64 + 16 * 60);
    check_work(19, 38, 38);
    for (size_t i = 0; i < 5; i++)
    {
        picture_init(&picture, windows[i].level, windows[i].px_x,
                     windows[i].px_y, windows[i].width_px,
                     windows[i].height_px);
        check_read(MUCH);
        picture_clear(&picture);
    }
    CHECK_INT(fake.nops, 0);
    CHECK_INT(prefetch(windows, 5, MUCH), PYR_OK);
    CHECK_INT(fake.nops, 0);
    CHECK_INT(prefetch(NULL, 0, MUCH), PYR_OK);
    /* More than one group of tiles. */
    CHECK_INT(prefetch(windows, 6, MUCH), PYR_OK);
    fake_forget();
    check_level(2, 0, MUCH);
    CHECK_INT(fake.nops, 0);
}

/* What does not fit is left out, in order. */
static void test_prefetch_bounds(void)
{
    static const struct pyr_window windows[] = {
        {0, 8, 8, 8, 4}, {0, 8, 8, 80, 24}, {0, 16, 8, 8, 4}, {0, 24, 8, 8, 4}};
    fake_new_reader(1);
    CHECK_INT(prefetch(windows, 4, 0), PYR_OK);
    CHECK_INT(prefetch(windows, 4, 63), PYR_OK);
    CHECK_INT(fake.nops, 0);
    CHECK_INT(prefetch(windows, 4, 2 * 64), PYR_OK);
    CHECK_INT(fake.nbytes, 48 + 2 * 64);
    check_work(1, 2, 2);
}

int main(void)
{
    fake_begin();
    RUN(test_whole_levels);
    RUN(test_second_read_does_nothing);
    RUN(test_index_is_kept);
    RUN(test_no_cache);
    RUN(test_small_cache);
    RUN(test_kept_once);
    RUN(test_any_cache);
    RUN(test_reader_gives_back_its_cache);
    RUN(test_gaps);
    RUN(test_orders);
    RUN(test_absent);
    RUN(test_windows_everywhere);
    RUN(test_largest_window);
    RUN(test_groups);
    RUN(test_cancel);
    RUN(test_batches);
    RUN(test_locate);
    RUN(test_encoded);
    RUN(test_prefetch);
    RUN(test_prefetch_bounds);
    fake_end();
    return unit_report();
}
