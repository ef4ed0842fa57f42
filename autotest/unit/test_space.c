/* SPDX-License-Identifier: MIT */
/* Tests of ranges in a temporary file: what is written stays, and space that
 * was given back is used again. */
#include "fake_out.h"
#include "pyr_alloc.h"
#include "pyr_space.h"

#define MOST 400u

static struct pyr_out out;
static struct pyr_space *space;
static struct pyr_error err;

static void begin(void)
{
    fake_out_clear();
    err.text[0] = '\0';
    out = fake_out_hook();
    CHECK_INT(pyr_space_new(&out, "/spool", &space), PYR_OK);
}

static void end(void)
{
    pyr_space_free(space);
    CHECK_INT(fake_out.nopen, 0);
    CHECK_INT(files.count, 0);
}

static void takes_the_smallest_gap(void)
{
    begin();
    CHECK_INT(pyr_space_take(space, 100), 0);
    CHECK_INT(pyr_space_take(space, 50), 100);
    CHECK_INT(pyr_space_take(space, 10), 150);
    CHECK_INT(pyr_space_take(space, 30), 160);
    CHECK_INT(pyr_space_take(space, 10), 190);
    pyr_space_give(space, 0, 100);
    pyr_space_give(space, 160, 30);
    CHECK_INT(pyr_space_take(space, 20), 160);
    CHECK_INT(pyr_space_take(space, 10), 180);
    CHECK_INT(pyr_space_take(space, 90), 0);
    CHECK_INT(pyr_space_take(space, 11), 200);
    CHECK_INT(pyr_space_take(space, 10), 90);
    end();
}

static void joins_gaps(void)
{
    begin();
    for (unsigned i = 0; i < 6; i++)
        CHECK_INT(pyr_space_take(space, 10), 10 * i);
    pyr_space_give(space, 10, 10);
    pyr_space_give(space, 30, 10);
    CHECK_INT(pyr_space_take(space, 11), 60);
    pyr_space_give(space, 60, 11);
    pyr_space_give(space, 20, 10);
    CHECK_INT(pyr_space_take(space, 30), 10);
    pyr_space_give(space, 40, 10);
    pyr_space_give(space, 30, 10);
    CHECK_INT(pyr_space_take(space, 20), 30);
    /* The end moves back over all that is given there. */
    pyr_space_give(space, 30, 20);
    pyr_space_give(space, 50, 10);
    CHECK_INT(pyr_space_take(space, 7), 30);
    pyr_space_give(space, 0, 0);
    end();
}

struct range
{
    uint64_t offset;
    size_t nbytes;
    uint8_t value;
};

static void check_range(const struct range *range)
{
    uint8_t bytes[256];
    size_t nwrong = 0;
    CHECK_INT(pyr_space_read(space, range->offset, bytes, range->nbytes, &err),
              PYR_OK);
    for (size_t i = 0; i < range->nbytes; i++)
        nwrong += bytes[i] != range->value;
    CHECK_INT(nwrong, 0);
}

static void keeps_what_is_written(void)
{
    struct range ranges[MOST] = {{0, 0, 0}};
    uint32_t state = 1;
    size_t used = 0;
    size_t most = 0;
    uint64_t end_of_file = 0;
    begin();
    for (unsigned round = 0; round < 20000; round++)
    {
        state = state * 1664525u + 1013904223u;
        struct range *const range = &ranges[(state >> 8) % MOST];
        uint8_t bytes[256];
        if (range->nbytes > 0)
            check_range(range);
        pyr_space_give(space, range->offset, range->nbytes);
        used -= range->nbytes;
        range->nbytes = 1 + (state >> 20) % sizeof bytes;
        range->value = (uint8_t)round;
        memset(bytes, range->value, range->nbytes);
        range->offset = pyr_space_take(space, range->nbytes);
        CHECK_INT(
            pyr_space_write(space, range->offset, bytes, range->nbytes, &err),
            PYR_OK);
        used += range->nbytes;
        most = used > most ? used : most;
        if (range->offset + range->nbytes > end_of_file)
            end_of_file = range->offset + range->nbytes;
    }
    for (unsigned i = 0; i < MOST; i++)
        if (ranges[i].nbytes > 0)
            check_range(&ranges[i]);
    CHECK_INT(fake_out.count[FAKE_OUT_CREATE], 1);
    CHECK(end_of_file < most + most / 5);
    pyr_space_clear(space);
    CHECK_INT(fake_out.nopen, 0);
    CHECK_INT(pyr_space_take(space, 5), 0);
    end();
}

static void tells_errors(void)
{
    uint8_t bytes[4] = {0};
    begin();
    fake_out.fail[FAKE_OUT_CREATE] = 1;
    CHECK_INT(pyr_space_write(space, 0, bytes, 4, &err), PYR_IO);
    CHECK_STR(err.text, "temporary file /spool: create failed");
    fake_out.fail[FAKE_OUT_WRITE] = 1;
    CHECK_INT(pyr_space_write(space, 0, bytes, 4, &err), PYR_IO);
    CHECK_STR(err.text, "temporary file /spool: write failed");
    CHECK_INT(pyr_space_write(space, 0, bytes, 4, &err), PYR_OK);
    fake_out.fail[FAKE_OUT_READ] = 1;
    CHECK_INT(pyr_space_read(space, 0, bytes, 4, &err), PYR_IO);
    CHECK_STR(err.text, "temporary file /spool: read failed");
    end();
}

static void survives_lack_of_memory(void)
{
    begin();
    for (unsigned i = 0; i < 20; i++)
        CHECK_INT(pyr_space_take(space, 10), 10 * i);
    pyr_alloc_fail_nth(1);
    pyr_space_give(space, 20, 10); /* lost */
    pyr_alloc_fail_nth(0);
    CHECK_INT(pyr_space_take(space, 10), 200);
    pyr_space_give(space, 40, 10);
    CHECK_INT(pyr_space_take(space, 10), 40);
    end();
    pyr_alloc_fail_nth(1);
    CHECK_INT(pyr_space_new(&out, "/spool", &space), PYR_NOMEM);
    pyr_alloc_fail_nth(0);
}

int main(void)
{
    RUN(takes_the_smallest_gap);
    RUN(joins_gaps);
    RUN(keeps_what_is_written);
    RUN(tells_errors);
    RUN(survives_lack_of_memory);
    return unit_report();
}
