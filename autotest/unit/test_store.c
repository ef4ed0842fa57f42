/* SPDX-License-Identifier: MIT */
/* Tests of tiles that are being written: what was put in is found, wherever it
 * went, and the temporary file does not grow with each change. */
#include "fake_out.h"
#include "pyr_store.h"

#define SIDE 24
#define BANDS 3
#define TILE_BYTES ((size_t)SIDE * SIDE * BANDS)
#define MARKS_BYTES ((size_t)SIDE * SIDE)
#define TWO_TILES (2 * (TILE_BYTES + MARKS_BYTES) + 400)
#define NTILES 50

static struct pyr_out out;
static struct pyr_store *store;
static struct pyr_error err;
static uint64_t end_of_file; /* largest offset written to */
static unsigned version[NTILES][NTILES];

static enum pyr_result write_noting(struct pyr_out_file *file,
                                    uint64_t offset_bytes, const void *bytes,
                                    size_t nbytes, struct pyr_error *error)
{
    if (offset_bytes + nbytes > end_of_file)
        end_of_file = offset_bytes + nbytes;
    return fake_out_write(file, offset_bytes, bytes, nbytes, error);
}

static const struct pyr_store_options options = {
    .shape = {SIDE, SIDE, BANDS, PYR_SAMPLE_UINT8},
    .out = &out,
    .path = "/spool"};

static void begin(void)
{
    fake_out_clear();
    err.text[0] = '\0';
    end_of_file = 0;
    memset(version, 0, sizeof version);
    out = fake_out_hook();
    out.write = write_noting;
    CHECK_INT(pyr_store_new(&options, &store, &err), PYR_OK);
}

static void end(void)
{
    pyr_store_free(store);
    CHECK_INT(fake_out.nopen, 0);
    CHECK_INT(files.count, 0);
}

/* Noise that deflate cannot make smaller, for every third version. */
static uint8_t sample(uint32_t col, uint32_t row, unsigned number, size_t i)
{
    if (number % 3 != 0)
        return (uint8_t)(col * 7 + row * 13 + number);
    uint32_t value = (uint32_t)i * 2654435761u + col * 97 + row * 89 + number;
    value ^= value >> 15;
    value *= 2246822519u;
    return (uint8_t)(value >> 13);
}

static uint8_t mark(uint32_t col, unsigned number, size_t i)
{
    return (uint8_t)(number % 2 == 0 ? number : i % (col + 2));
}

/* Makes the next version of a tile. */
static enum pyr_result put(uint32_t col, uint32_t row, size_t memory_bytes)
{
    struct pyr_store_tile *tile = NULL;
    const enum pyr_result result =
        pyr_store_edit(store, col, row, memory_bytes, &tile, &err);
    if (result != PYR_OK)
        return result;
    const unsigned number = ++version[row][col];
    CHECK_INT(tile->fresh, number == 1);
    for (size_t i = 0; i < TILE_BYTES; i++)
        tile->pixels[i] = sample(col, row, number, i);
    for (size_t i = 0; i < MARKS_BYTES; i++)
        tile->marks[i] = mark(col, number, i);
    pyr_store_release(store, tile);
    return PYR_OK;
}

static void check_tile(uint32_t col, uint32_t row, size_t memory_bytes)
{
    const struct pyr_store_tile *tile = NULL;
    const unsigned number = version[row][col];
    const enum pyr_result result =
        pyr_store_look(store, col, row, memory_bytes, &tile, &err);
    CHECK_INT(pyr_store_has(store, col, row), number > 0);
    CHECK_INT(result, number > 0 ? PYR_OK : PYR_NOT_FOUND);
    if (result != PYR_OK)
        return;
    size_t nwrong = 0;
    for (size_t i = 0; i < TILE_BYTES; i++)
        nwrong += tile->pixels[i] != sample(col, row, number, i);
    for (size_t i = 0; i < MARKS_BYTES; i++)
        nwrong += tile->marks[i] != mark(col, number, i);
    CHECK_INT(nwrong, 0);
    CHECK(!tile->fresh);
    pyr_store_release(store, tile);
}

static size_t check_all(size_t memory_bytes)
{
    size_t count = 0;
    for (uint32_t row = 0; row < NTILES; row++)
        for (uint32_t col = 0; col < NTILES; col++)
        {
            check_tile(col, row, memory_bytes);
            count += version[row][col] > 0;
        }
    return count;
}

static void keeps_tiles_in_memory(void)
{
    begin();
    CHECK_INT(put(3, 4, 1 << 20), PYR_OK);
    CHECK_INT(put(3, 5, 1 << 20), PYR_OK);
    CHECK_INT(put(3, 4, 1 << 20), PYR_OK);
    CHECK_INT(check_all(1 << 20), 2);
    CHECK_INT(pyr_store_count(store), 2);
    CHECK_INT(fake_out.count[FAKE_OUT_CREATE], 0);
    end();
}

static void sends_tiles_to_the_file(void)
{
    begin();
    for (unsigned i = 0; i < 3000; i++)
        CHECK_INT(put(i * 31 % NTILES, i * 17 / 7 % NTILES, TWO_TILES), PYR_OK);
    CHECK_INT(check_all(TWO_TILES), pyr_store_count(store));
    CHECK_INT(fake_out.count[FAKE_OUT_CREATE], 1);
    CHECK_INT(fake_out.most_open, 1);
    /* With no memory at all, each tile is still held while it is used. */
    CHECK_INT(put(1, 1, 0), PYR_OK);
    CHECK_INT(check_all(0), pyr_store_count(store));
    end();
}

static void uses_space_again(void)
{
    begin();
    for (unsigned round = 0; round < 60; round++)
        for (uint32_t row = 0; row < 10; row++)
            for (uint32_t col = 0; col < 10; col++)
                CHECK_INT(put(col, row, TWO_TILES), PYR_OK);
    CHECK_INT(check_all(TWO_TILES), 100);
    /* Small and large tiles take turns: room for one of each, and some. */
    CHECK(end_of_file < 2 * 100 * (TILE_BYTES + MARKS_BYTES));
    CHECK(fake_out.nbytes > 10 * end_of_file);
    end();
}

static void holds_what_is_in_use(void)
{
    struct pyr_store_tile *first = NULL;
    struct pyr_store_tile *again = NULL;
    begin();
    CHECK_INT(pyr_store_edit(store, 7, 7, TWO_TILES, &first, &err), PYR_OK);
    first->pixels[5] = 99;
    for (uint32_t i = 0; i < 40; i++)
        CHECK_INT(put(i, 0, TWO_TILES), PYR_OK);
    CHECK_INT(first->pixels[5], 99);
    CHECK_INT(pyr_store_edit(store, 7, 7, TWO_TILES, &again, &err), PYR_OK);
    CHECK(again == first);
    pyr_store_release(store, again);
    pyr_store_release(store, first);
    end();
}

static void drops_a_tile(void)
{
    struct pyr_store_tile *tile = NULL;
    begin();
    for (uint32_t i = 0; i < 200; i++)
        CHECK_INT(put(i % NTILES, i / NTILES, TWO_TILES), PYR_OK);
    for (uint32_t i = 0; i < 200; i += 3)
    {
        const uint32_t col = i % NTILES;
        const uint32_t row = i / NTILES;
        CHECK_INT(pyr_store_edit(store, col, row, TWO_TILES, &tile, &err),
                  PYR_OK);
        pyr_store_drop(store, tile);
        version[row][col] = 0;
    }
    CHECK_INT(pyr_store_count(store), 133);
    CHECK_INT(check_all(TWO_TILES), 133);
    pyr_store_clear(store);
    CHECK_INT(fake_out.nopen, 0);
    memset(version, 0, sizeof version);
    CHECK_INT(check_all(TWO_TILES), 0);
    CHECK_INT(put(2, 2, TWO_TILES), PYR_OK);
    CHECK_INT(check_all(TWO_TILES), 1);
    end();
}

static void tells_limits(void)
{
    struct pyr_grid_limits limits = {0, 0, 0, 0};
    begin();
    CHECK_INT(pyr_store_limits(store, &limits), PYR_NOT_FOUND);
    CHECK_INT(put(30, 4, 1 << 20), PYR_OK);
    CHECK_INT(put(7, 40, 1 << 20), PYR_OK);
    CHECK_INT(pyr_store_limits(store, &limits), PYR_OK);
    CHECK_INT(limits.min_col, 7);
    CHECK_INT(limits.min_row, 4);
    CHECK_INT(limits.max_col, 30);
    CHECK_INT(limits.max_row, 40);
    end();
}

static bool has_within(const struct pyr_grid_limits *limits)
{
    for (uint32_t row = limits->min_row; row <= limits->max_row; row++)
        for (uint32_t col = limits->min_col; col <= limits->max_col; col++)
            if (row < NTILES && col < NTILES && version[row][col] > 0)
                return true;
    return false;
}

static void meets_rectangles(void)
{
    const struct pyr_grid_limits everything = {0, 0, UINT32_MAX, UINT32_MAX};
    const struct pyr_grid_limits far = {5000, 5000, 6000, 6000};
    size_t nsaid = 0;
    size_t nthere = 0;
    begin();
    CHECK(!pyr_store_meets(store, &everything));
    for (uint32_t i = 0; i < 12; i++)
        CHECK_INT(put(i * 29 % NTILES, i * 43 % NTILES, 1 << 20), PYR_OK);
    CHECK(pyr_store_meets(store, &everything));
    CHECK(!pyr_store_meets(store, &far));
    for (uint32_t width = 0; width < 20; width += 3)
        for (uint32_t height = 0; height < 20; height += 4)
            for (uint32_t i = 0; i < 60 * 60; i++)
            {
                const struct pyr_grid_limits limits = {
                    i % 60, i / 60, i % 60 + width, i / 60 + height};
                const bool there = has_within(&limits);
                const bool said = pyr_store_meets(store, &limits);
                CHECK(said || !there);
                nthere += there;
                nsaid += said;
            }
    CHECK(nsaid < 3 * nthere);
    end();
}

static void loses_nothing_to_a_full_disk(void)
{
    begin();
    for (uint32_t i = 0; i < 60; i++)
        CHECK_INT(put(i % NTILES, i / NTILES, TWO_TILES), PYR_OK);
    for (uint32_t nth = 1; nth < 6; nth++)
    {
        fake_out.fail[FAKE_OUT_WRITE] = nth;
        unsigned nfailed = 0;
        for (uint32_t i = 0; i < 60; i++)
            nfailed += put(i % NTILES, i / NTILES, TWO_TILES) == PYR_IO;
        CHECK_INT(nfailed, 1);
        CHECK_STR(err.text, "temporary file /spool: write failed");
    }
    CHECK_INT(check_all(TWO_TILES), 60);
    fake_out.fail[FAKE_OUT_READ] = 1;
    const struct pyr_store_tile *tile = NULL;
    CHECK_INT(pyr_store_look(store, 0, 0, TWO_TILES, &tile, &err), PYR_IO);
    CHECK_INT(check_all(TWO_TILES), 60);
    end();
}

static void survives_lack_of_memory(void)
{
    enum pyr_result result = PYR_NOMEM;
    unsigned long nth = 0;
    while (result == PYR_NOMEM)
    {
        fake_out_clear();
        memset(version, 0, sizeof version);
        out = fake_out_hook();
        store = NULL;
        pyr_alloc_fail_nth(++nth);
        result = pyr_store_new(&options, &store, &err);
        for (uint32_t i = 0; i < 100 && result == PYR_OK; i++)
            result = put(i % NTILES, i / NTILES, TWO_TILES);
        pyr_alloc_fail_nth(0);
        if (store != NULL)
            (void)check_all(TWO_TILES);
        pyr_store_free(store);
        CHECK_INT(fake_out.nopen, 0);
        if (nth > 1000)
            break;
    }
    CHECK_INT(result, PYR_OK);
    CHECK(nth > 10);
}

int main(void)
{
    RUN(keeps_tiles_in_memory);
    RUN(sends_tiles_to_the_file);
    RUN(uses_space_again);
    RUN(holds_what_is_in_use);
    RUN(drops_a_tile);
    RUN(tells_limits);
    RUN(meets_rectangles);
    RUN(loses_nothing_to_a_full_disk);
    RUN(survives_lack_of_memory);
    return unit_report();
}
