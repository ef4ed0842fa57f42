/* SPDX-License-Identifier: MIT */
/* Tests of how long a window reader believes what it has read. */
#include "window_check.h"

#include "pyr_fetch.h"

/* As if so much time had passed since the reader forgot. */
static void pass_ms(uint64_t ms)
{
    fake.reader->kept_since_ms -= ms;
    fake_forget();
}

/* What a reader may keep for a time, it keeps no longer: tiles, indexes, and
 * that there is no slab. */
static void test_expiry(void)
{
    const uint64_t keep_ms = 1000u * 3600u;
    fake_change_slab(&fake.slabs[1][5], FAKE_REMOVE);
    fake_new_reader(1);
    fake.reader->options.keep_ms = keep_ms;
    check_level(1, 0, MUCH);
    check_work(16, 30, 30);
    pass_ms(keep_ms / 2);
    check_level(1, 0, MUCH);
    CHECK_INT(fake.nops, 0);
    fake_change_slab(&fake.slabs[1][5], FAKE_REWRITE);
    fake_change_slab(&fake.slabs[1][6], FAKE_REWRITE);
    pass_ms(keep_ms / 2);
    check_level(1, 0, MUCH);
    check_work(16, 32, 32);
    /* From then on, for as long. */
    pass_ms(keep_ms / 2);
    check_level(1, 0, MUCH);
    CHECK_INT(fake.nops, 0);
    pass_ms(keep_ms);
    check_locate(2, 2, PYR_PRESENT);
    CHECK_INT(fake.nopens, 1);
    pass_ms(keep_ms);
    check_locate(2, 3, PYR_PRESENT);
    CHECK_INT(fake.nopens, 1);
    /* For ever. */
    fake.reader->options.keep_ms = 0;
    pass_ms(10 * keep_ms);
    check_locate(2, 2, PYR_PRESENT);
    CHECK_INT(fake.nops, 0);
    fake_fill_all();
}

/* Whatever way it is read. */
static void test_expiry_of_all(void)
{
    static const struct pyr_window window = {0, 8, 8, 8, 4};
    const uint64_t keep_ms = 1000u * 3600u;
    uint8_t *bytes = NULL;
    size_t nbytes = 0;
    struct pyr_error err = {""};
    fake_new_reader(1);
    fake.reader->options.keep_ms = keep_ms;
    for (unsigned i = 0; i < 2; i++)
    {
        CHECK_INT(pyr_reader_encoded(fake.reader, 0, 2, 3, MUCH, &bytes,
                                     &nbytes, &err),
                  PYR_OK);
        pyr_free(bytes);
        check_work(1, 2, 2);
        pass_ms(keep_ms);
    }
    for (unsigned i = 0; i < 2; i++)
    {
        CHECK_INT(pyr_reader_prefetch(fake.reader, &window, 1, MUCH, &err),
                  PYR_OK);
        check_work(1, 2, 2);
        pass_ms(keep_ms);
    }
}

int main(void)
{
    fake_begin();
    RUN(test_expiry);
    RUN(test_expiry_of_all);
    fake_end();
    return unit_report();
}
