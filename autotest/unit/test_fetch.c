/* SPDX-License-Identifier: MIT */
/* Tests of fetching where input, memory and slabs fail or change: an error or
 * the right pixels, and never anything wrong that stays. */
#include "fake_picture.h"

#include <stdatomic.h>
#include <time.h>

static struct picture picture;

static void check_clean_read(size_t cache_bytes, bool current)
{
    CHECK_INT(picture_read(&picture, cache_bytes), PYR_OK);
    CHECK_INT(picture_wrong(&picture, current), 0);
}

static const size_t CACHES[] = {0, 2500, MUCH};

/* Each operation fails in turn. */
static void check_failures(unsigned nthreads, size_t cache_bytes)
{
    unsigned nfailed = 0;
    for (unsigned at = 1; at < 200; at++)
    {
        fake_new_reader(nthreads);
        fake.fail_at = at;
        const enum pyr_result result = picture_read(&picture, cache_bytes);
        if (result == PYR_OK)
            CHECK_INT(picture_wrong(&picture, true), 0);
        else
        {
            nfailed++;
            CHECK_INT(result, PYR_IO);
            CHECK(strstr(picture.err.text, "slab 0/") != NULL);
            CHECK(strstr(picture.err.text, "ing failed") != NULL);
        }
        fake_forget();
        check_clean_read(cache_bytes, true);
        check_clean_read(cache_bytes, true);
    }
    /* Opening, index and tiles of 12 slabs; the rest is no reading. */
    CHECK_INT(nfailed, 36);
}

static void test_failing_input(void)
{
    picture_init_level(&picture, 0, 1);
    for (size_t i = 0; i < 3; i++)
    {
        check_failures(1, CACHES[i]);
        check_failures(3, CACHES[i]);
    }
    picture_clear(&picture);
}

/* Each allocation fails in turn; some failures are only forgotten tiles. */
static void test_failing_memory(void)
{
    unsigned nfailed = 0;
    picture_init_level(&picture, 0, 1);
    for (size_t i = 0; i < 3; i++)
        for (unsigned long nth = 1; nth < 300; nth++)
        {
            fake_new_reader(1);
            pyr_alloc_fail_nth(nth);
            const enum pyr_result result = picture_read(&picture, CACHES[i]);
            pyr_alloc_fail_nth(0);
            if (result == PYR_OK)
                CHECK_INT(picture_wrong(&picture, true), 0);
            else
                CHECK_INT(result, PYR_NOMEM);
            nfailed += result != PYR_OK;
            check_clean_read(CACHES[i], true);
        }
    CHECK(nfailed > 60);
    picture_clear(&picture);
}

/* The same for the other calls. */
static void test_failing_memory_elsewhere(void)
{
    static const struct pyr_window windows[] = {{0, 8, 8, 24, 8},
                                                {1, 0, 0, 20, 12}};
    picture_init_level(&picture, 0, 0);
    for (unsigned long nth = 1; nth < 150; nth++)
    {
        struct pyr_error err = {""};
        struct pyr_extent extent = {0, 0};
        enum pyr_presence presence = PYR_OUTSIDE;
        uint8_t *bytes = NULL;
        size_t nbytes = 0;
        fake_new_reader(1);
        pyr_alloc_fail_nth(nth);
        enum pyr_result result =
            pyr_reader_prefetch(fake.reader, windows, 2, MUCH, &err);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        check_clean_read(MUCH, true);

        fake_new_reader(1);
        pyr_alloc_fail_nth(nth);
        result = pyr_reader_locate(fake.reader, 0, 1, 2, MUCH, &presence,
                                   &extent, &err);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_NOMEM || presence == PYR_PRESENT);

        pyr_alloc_fail_nth(nth);
        result =
            pyr_reader_encoded(fake.reader, 0, 1, 2, 0, &bytes, &nbytes, &err);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_NOMEM || bytes != NULL);
        pyr_free(bytes);
        CHECK_INT(fake.nopen, 0);
    }
    picture_clear(&picture);
}

/* A slab changes before each operation on it in turn. What comes out is of one
 * version of each slab, and so is what comes from the cache afterwards. */
static void check_changes(enum fake_change change, size_t cache_bytes,
                          unsigned nthreads)
{
    for (unsigned at = 1; at < 60; at++)
    {
        fake_fill_all();
        fake_new_reader(nthreads);
        fake.change = change;
        fake.change_at = fake.change_end = at;
        check_clean_read(cache_bytes, false);
        check_clean_read(cache_bytes, false);
        CHECK(fake.nops <= 48 + 4 || cache_bytes != MUCH);
    }
}

static void test_changing_slabs(void)
{
    picture_init_level(&picture, 0, 1);
    fake.sparse = true;
    for (int i = 0; i < 6; i++)
    {
        fake.reverse = i & 1;
        check_changes(FAKE_REWRITE, CACHES[i / 2], 1);
        check_changes(FAKE_REMOVE, CACHES[i / 2], 1);
        check_changes(FAKE_REWRITE, CACHES[i / 2], 3);
    }
    fake.reverse = fake.sparse = false;
    fake_fill_all();
    picture_clear(&picture);
}

/* A slab of which some tiles are in the cache changes: old and new tiles are
 * not mixed. */
static void check_partly_cached(enum fake_change change)
{
    struct fake_slab *const slab = &fake.slabs[0][5];
    fake_fill_all();
    fake_new_reader(1);
    picture_init(&picture, 0, 3 * 8, 2 * 4, 8, 8);
    check_clean_read(MUCH, true);
    fake_change_slab(slab, change);
    /* What is in the cache by itself may be old. */
    check_clean_read(MUCH, false);
    picture_clear(&picture);
    picture_init(&picture, 0, 3 * 8, 2 * 4, 24, 8);
    fake_forget();
    check_clean_read(MUCH, true);
    CHECK_INT(fake.nopens, 1);
    check_clean_read(MUCH, true);
    picture_clear(&picture);
    /* Once something newer was seen, nothing older comes back. */
    picture_init(&picture, 0, 3 * 8, 2 * 4, 8, 8);
    check_clean_read(MUCH, true);
    picture_clear(&picture);
}

static void test_partly_cached(void)
{
    for (int i = 0; i < 4; i++)
    {
        fake.sparse = i & 1;
        fake.no_stamp = i & 2;
        check_partly_cached(FAKE_REWRITE);
        check_partly_cached(FAKE_REMOVE);
    }
    fake.sparse = fake.no_stamp = false;
    fake_fill_all();
}

/* Tiles of a slab that came into the cache before and after it changed. */
static void check_cached_apart(void)
{
    fake_fill_all();
    fake_new_reader(1);
    for (uint32_t col = 3; col < 6; col++)
    {
        picture_init(&picture, 0, col * 8, 2 * 4, 8, 4);
        check_clean_read(MUCH, true);
        picture_clear(&picture);
        if (col == 4)
            fake_change_slab(&fake.slabs[0][5], FAKE_REWRITE);
    }
    picture_init(&picture, 0, 3 * 8, 2 * 4, 24, 4);
    check_clean_read(MUCH, false);
    fake_forget();
    check_clean_read(MUCH, false);
    CHECK_INT(fake.nops, 0);
    picture_clear(&picture);
}

static void test_cached_apart(void)
{
    for (int i = 0; i < 4; i++)
    {
        fake.sparse = i & 1;
        fake.no_stamp = i & 2;
        check_cached_apart();
    }
    fake.sparse = fake.no_stamp = false;
    fake_fill_all();
}

static void discard(void *user, const uint8_t *pixels, size_t row_bytes,
                    uint32_t px_x, uint32_t px_y, uint32_t width_px,
                    uint32_t height_px)
{
    (void)user;
    (void)pixels;
    (void)row_bytes;
    (void)px_x;
    (void)px_y;
    (void)width_px;
    (void)height_px;
}

/* The same where a large window follows on a small one. */
static void test_large_after_small(void)
{
    struct fake_slab *const slab = &fake.slabs[3][0];
    const struct pyr_window window = {3, 0, 0, 5120, 4096};
    const struct pyr_window_sink sink = {NULL, discard, NULL};
    struct pyr_error err = {""};
    fake_fill(slab, 3, 0);
    fake_new_reader(1);
    picture_init(&picture, 3, 512, 512, 512, 512);
    check_clean_read(MUCH, true);
    fake_change_slab(slab, FAKE_REWRITE);
    CHECK_INT(pyr_reader_read(fake.reader, &window, &sink, MUCH, &err), PYR_OK);
    fake_forget();
    check_clean_read(MUCH, true);
    CHECK_INT(fake.nops, 0);
    picture_clear(&picture);
    fake_fill_all();
}

/* What cannot be told apart is read again each time that it is opened. */
static void test_no_stamp(void)
{
    fake.no_stamp = true;
    fake_new_reader(1);
    picture_init(&picture, 0, 3 * 8, 2 * 4, 8, 4);
    check_clean_read(MUCH, true);
    picture_clear(&picture);
    picture_init(&picture, 0, 4 * 8, 2 * 4, 8, 4);
    fake_forget();
    check_clean_read(MUCH, true);
    CHECK_INT(fake.nreads, 2);
    picture_clear(&picture);
    fake.no_stamp = false;
}

/* A slab that never stands still: an error in the end, and soon. */
static void test_restless_slab(void)
{
    struct pyr_error err = {""};
    uint8_t *bytes = NULL;
    size_t nbytes = 0;
    fake_new_reader(1);
    picture_init(&picture, 0, 3 * 8, 2 * 4, 24, 8);
    fake.change_at = 1;
    fake.change_end = 60;
    CHECK_INT(picture_read(&picture, MUCH), PYR_IO);
    CHECK(strstr(picture.err.text, "changing") != NULL);
    CHECK(fake.nopens <= 12);
    fake_forget();
    check_clean_read(MUCH, true);
    fake_fill_all();
    fake.change_at = 1;
    fake.change_end = 60;
    CHECK_INT(
        pyr_reader_encoded(fake.reader, 0, 3, 2, MUCH, &bytes, &nbytes, &err),
        PYR_IO);
    CHECK(strstr(err.text, "changing") != NULL);
    CHECK(bytes == NULL);
    picture_clear(&picture);
    fake_fill_all();
}

/* Encoded tiles and presence, while the slab changes. */
static void test_changing_elsewhere(void)
{
    fake.sparse = true;
    for (unsigned at = 1; at < 8; at++)
    {
        const struct fake_slab *const slab = &fake.slabs[0][5];
        struct pyr_error err = {""};
        uint8_t *bytes = NULL;
        size_t nbytes = 0;
        enum pyr_presence presence = PYR_OUTSIDE;
        struct pyr_extent extent = {0, 0};
        fake_fill_all();
        fake_new_reader(1);
        fake.change_at = fake.change_end = at;
        const enum pyr_result result = pyr_reader_encoded(
            fake.reader, 0, 4, 3, MUCH, &bytes, &nbytes, &err);
        CHECK_INT(result == PYR_NOT_FOUND,
                  fake_tile_empty(0, slab->version, 4, 3));
        CHECK_INT(result == PYR_OK, bytes != NULL);
        if (bytes != NULL)
            CHECK_INT(bytes[63], fake_byte(0, slab->version, 4, 3, 63));
        pyr_free(bytes);

        fake_fill_all();
        fake_new_reader(1);
        fake.change_at = fake.change_end = at;
        CHECK_INT(pyr_reader_locate(fake.reader, 0, 4, 3, MUCH, &presence,
                                    &extent, &err),
                  PYR_OK);
        CHECK_INT(presence == PYR_PRESENT,
                  !fake_tile_empty(0, slab->version, 4, 3));
        picture_init_level(&picture, 0, 0);
        check_clean_read(MUCH, true);
        picture_clear(&picture);
    }
    fake.sparse = false;
    fake_fill_all();
}

/* Tiles whose bytes do not decode: the error names them, and what else is
 * asked for can be read. */
static void test_damaged_tile(void)
{
    fake_new_reader(1);
    fake_put_le32(fake.slabs[0][5].bytes + FAKE_INDEX_AT + 8 * 4 + 4, 63);
    picture_init_level(&picture, 0, 0);
    CHECK_INT(picture_read(&picture, MUCH), PYR_CORRUPT);
    CHECK(strstr(picture.err.text, "slab 0/1/1 of level cut: tile 4,3: ") !=
          NULL);
    picture_clear(&picture);
    picture_init(&picture, 0, 3 * 8, 2 * 4, 24, 4);
    check_clean_read(MUCH, true);
    picture_clear(&picture);

    fake_put_le32(fake.slabs[0][5].bytes + FAKE_INDEX_AT + 8 * 4 + 4, 5000);
    picture_init_level(&picture, 0, 0);
    fake_new_reader(1);
    CHECK_INT(picture_read(&picture, MUCH), PYR_CORRUPT);
    CHECK_STR(picture.err.text,
              "slab 0/1/1 of level cut: tile 4,3: lies beyond the end");
    picture_clear(&picture);

    fake.slabs[0][5].nbytes = FAKE_INDEX_AT + 47;
    picture_init(&picture, 0, 3 * 8, 2 * 4, 8, 4);
    fake_new_reader(1);
    CHECK_INT(picture_read(&picture, MUCH), PYR_CORRUPT);
    CHECK_STR(picture.err.text, "slab 0/1/1 of level cut: file has 63 bytes, "
                                "its index ends at byte 64");
    picture_clear(&picture);
    fake_fill_all();
}

/* Several readers at once on one cache and pool, while another thread changes
 * slabs. */
struct reading
{
    struct pyr_reader *reader;
    unsigned wrong;
    unsigned nread;
};

static atomic_bool writing;

static void *write_slabs(void *user)
{
    const struct timespec pause = {0, 2000000};
    (void)user;
    for (unsigned i = 0; i < 200; i++)
    {
        (void)pthread_mutex_lock(&fake.lock);
        fake_change_slab(&fake.slabs[0][4 + i % 12], FAKE_REWRITE);
        (void)pthread_mutex_unlock(&fake.lock);
        (void)nanosleep(&pause, NULL);
    }
    atomic_store(&writing, false);
    return NULL;
}

static void *read_slabs(void *user)
{
    struct reading *const reading = user;
    struct picture own;
    struct pyr_error err = {""};
    const struct pyr_window_sink sink = {&own, picture_store, NULL};
    for (unsigned i = 0; i < 30 || atomic_load(&writing); i++)
    {
        picture_init(&own, 0, 8 + 3 * (i % 20), 8 + i % 9, 30, 15);
        const enum pyr_result result = pyr_reader_read(
            reading->reader, &own.window, &sink, CACHES[i % 3], &err);
        (void)pthread_mutex_lock(&fake.lock);
        if (result == PYR_OK)
        {
            reading->wrong += picture_wrong(&own, false);
            reading->nread++;
        }
        else if (strstr(err.text, "changing") == NULL)
            reading->wrong++;
        (void)pthread_mutex_unlock(&fake.lock);
        picture_clear(&own);
    }
    return NULL;
}

static void test_threads(void)
{
    struct reading readings[3];
    pthread_t threads[4];
    fake.sparse = true;
    fake_fill_all();
    fake_new_reader(3);
    atomic_store(&writing, true);
    for (int i = 0; i < 3; i++)
    {
        const struct pyr_reader_options options = {.source = &fake.source,
                                                   .io = &fake.io,
                                                   .pool = fake.pool,
                                                   .cache = fake.cache,
                                                   .nthreads = 3,
                                                   .waits = fake.waits};
        readings[i].wrong = 0;
        readings[i].nread = 0;
        CHECK_INT(pyr_reader_new(&options, &readings[i].reader), PYR_OK);
        if (pthread_create(&threads[i], NULL, read_slabs, &readings[i]) != 0)
            abort();
    }
    if (pthread_create(&threads[3], NULL, write_slabs, NULL) != 0)
        abort();
    for (int i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++)
    {
        CHECK_INT(readings[i].wrong, 0);
        CHECK(readings[i].nread > 10);
        pyr_reader_free(readings[i].reader);
    }
    CHECK_INT(fake.nopen, 0);
    fake.sparse = false;
    fake_fill_all();
}

static void test_all(void)
{
    RUN(test_failing_input);
    RUN(test_failing_memory);
    RUN(test_failing_memory_elsewhere);
    RUN(test_changing_slabs);
    RUN(test_partly_cached);
    RUN(test_cached_apart);
    RUN(test_large_after_small);
    RUN(test_no_stamp);
    RUN(test_restless_slab);
    RUN(test_changing_elsewhere);
    RUN(test_damaged_tile);
    RUN(test_threads);
}

int main(void)
{
    fake_begin();
    test_all();
    /* Slab by slab, where there are more than threads. */
    fake.waits = true;
    test_all();
    fake_end();
    return unit_report();
}
