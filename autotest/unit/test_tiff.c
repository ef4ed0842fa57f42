/* SPDX-License-Identifier: MIT */
/* Tests of pyr_tiff: both kinds of files, both byte orders, and damage. */
#include "fake_tiff.h"
#include "pyr_alloc.h"
#include "unit.h"

#include <stdlib.h>

#define NVALUES 5u

static struct pyr_error err;

/* Five numbers in front of two directories. */
static void make(bool big, bool big_endian)
{
    begin(big, big_endian);
    const size_t longs = maker.nbytes;
    for (unsigned i = 0; i < NVALUES; i++)
        add(1000000u * (i + 1), 4);
    const size_t rationals = maker.nbytes;
    for (unsigned i = 0; i < 4; i++)
        add(i + 7, 4);
    const size_t text = maker.nbytes;
    memcpy(maker.bytes + text, "a longer text", 14);
    maker.nbytes += 14;
    begin_dir(first_link(), 6);
    add_tag(256, 3, 1, 300, 2);
    add_tag(257, 4, 1, 70000, 4);
    add_tag(324, 4, NVALUES, longs, width());
    add_tag(282, 5, 2, rationals, width());
    add_tag(270, 2, 14, text, width());
    add_tag(60000, 77, 3, 1, 1);
    const size_t link = maker.nbytes;
    add(0, width());
    begin_dir(link, 2);
    add_tag(254, 4, 1, 1, 4);
    add_tag(256, 1, 1, 9, 1);
    add(0, width());
}

static struct pyr_tiff_memory memory;

static enum pyr_result parse_bytes(const uint8_t *bytes, size_t nbytes,
                                   struct pyr_tiff **out_tiff)
{
    memory.bytes = bytes;
    memory.nbytes = nbytes;
    const struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
    *out_tiff = NULL;
    err.text[0] = '\0';
    return pyr_tiff_parse(&reader, out_tiff, &err);
}

static enum pyr_result parse(struct pyr_tiff **out_tiff)
{
    return parse_bytes(maker.bytes, maker.nbytes, out_tiff);
}

/* What a file made with make holds. */
static void check_values(const struct pyr_tiff *tiff)
{
    const struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
    const struct pyr_tiff_dir *const dir = &tiff->dirs[0];
    uint64_t values[NVALUES] = {0};
    uint64_t value = 0;
    void *loaded = NULL;
    size_t nbytes = 0;
    CHECK_INT(pyr_tiff_uint(&reader, tiff, dir, 256, 0, &value, &err), PYR_OK);
    CHECK_INT(value, 300);
    CHECK_INT(pyr_tiff_uint(&reader, tiff, dir, 257, 0, &value, &err), PYR_OK);
    CHECK_INT(value, 70000);
    CHECK_INT(pyr_tiff_uint(&reader, tiff, dir, 258, 12, &value, &err), PYR_OK);
    CHECK_INT(value, 12);
    CHECK_INT(
        pyr_tiff_uint(&reader, tiff, &tiff->dirs[1], 256, 0, &value, &err),
        PYR_OK);
    CHECK_INT(value, 9);
    const struct pyr_tiff_tag *tag = pyr_tiff_find(dir, 324);
    CHECK_INT(pyr_tiff_uints(&reader, tiff, tag, 0, NVALUES, values, &err),
              PYR_OK);
    for (unsigned i = 0; i < NVALUES; i++)
        CHECK_INT(values[i], 1000000 * (i + 1));
    CHECK_INT(pyr_tiff_uints(&reader, tiff, tag, 3, 2, values, &err), PYR_OK);
    CHECK_INT(values[1], 5000000);
    CHECK_INT(pyr_tiff_uints(&reader, tiff, tag, 5, 0, values, &err), PYR_OK);
    CHECK_INT(pyr_tiff_uints(&reader, tiff, tag, 4, 2, values, &err),
              PYR_CORRUPT);
    CHECK_STR(err.text, "tag 324 has 5 values, expected 6");
    CHECK_INT(pyr_tiff_load(&reader, tiff, tag, &loaded, &nbytes, &err),
              PYR_OK);
    CHECK_INT(nbytes, 4 * NVALUES);
    CHECK_INT(((uint32_t *)loaded)[4], 5000000);
    pyr_free(loaded);
    tag = pyr_tiff_find(dir, 282);
    CHECK_INT(pyr_tiff_load(&reader, tiff, tag, &loaded, &nbytes, &err),
              PYR_OK);
    CHECK_INT(nbytes, 16);
    for (unsigned i = 0; i < 4; i++)
        CHECK_INT(((uint32_t *)loaded)[i], i + 7);
    pyr_free(loaded);
    CHECK_INT(pyr_tiff_uints(&reader, tiff, tag, 0, 1, values, &err),
              PYR_CORRUPT);
    CHECK_STR(err.text, "tag 282 has type 5, expected whole numbers");
    tag = pyr_tiff_find(dir, 270);
    CHECK_INT(pyr_tiff_load(&reader, tiff, tag, &loaded, &nbytes, &err),
              PYR_OK);
    CHECK_INT(nbytes, 14);
    CHECK_STR(loaded, "a longer text");
    pyr_free(loaded);
    CHECK_INT(pyr_tiff_load(&reader, tiff, pyr_tiff_find(dir, 60000), &loaded,
                            &nbytes, &err),
              PYR_CORRUPT);
    CHECK_STR(err.text, "tag 60000 has the unknown type 77");
}

static void test_kinds(void)
{
    for (int kind = 0; kind < 4; kind++)
    {
        struct pyr_tiff *tiff = NULL;
        make((kind & 1) != 0, (kind & 2) != 0);
        CHECK(pyr_tiff_identify(maker.bytes, 4));
        CHECK(!pyr_tiff_identify(maker.bytes, 3));
        CHECK_INT(parse(&tiff), PYR_OK);
        if (tiff == NULL)
            continue;
        CHECK_INT(tiff->big, kind & 1);
        CHECK_INT(tiff->big_endian, (kind & 2) != 0);
        CHECK_INT(tiff->ndirs, 2);
        CHECK_INT(tiff->dirs[0].offset_bytes, tiff->first_bytes);
        CHECK_INT(tiff->dirs[0].ntags, 6);
        CHECK_INT(tiff->dirs[0].next_bytes, tiff->dirs[1].offset_bytes);
        CHECK_INT(tiff->dirs[0].end_bytes, tiff->dirs[1].offset_bytes);
        CHECK_INT(tiff->dirs[1].end_bytes, maker.nbytes);
        CHECK_INT(tiff->dirs[1].next_bytes, 0);
        CHECK(pyr_tiff_find(&tiff->dirs[1], 257) == NULL);
        check_values(tiff);
        pyr_tiff_free(tiff);
    }
    pyr_tiff_free(NULL);
}

static void test_add_dir(void)
{
    struct pyr_tiff *tiff = NULL;
    make(false, false);
    const size_t at =
        begin_dir(12, 1); /* over a number: no directory leads to it */
    add_tag(256, 3, 1, 77, 2);
    add(0, 4);
    CHECK_INT(parse(&tiff), PYR_OK);
    if (tiff == NULL)
        return;
    const struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
    uint64_t value = 0;
    CHECK_INT(pyr_tiff_add_dir(&reader, tiff, at, &err), PYR_OK);
    CHECK_INT(tiff->ndirs, 3);
    CHECK_INT(
        pyr_tiff_uint(&reader, tiff, &tiff->dirs[2], 256, 0, &value, &err),
        PYR_OK);
    CHECK_INT(value, 77);
    CHECK_INT(pyr_tiff_add_dir(&reader, tiff, at, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "is directory 2 again: the chain is a loop");
    CHECK_INT(pyr_tiff_add_dir(&reader, tiff, maker.nbytes, &err), PYR_CORRUPT);
    pyr_tiff_free(tiff);
}

static void test_identify(void)
{
    static const uint8_t heads[][4] = {{'I', 'I', 42, 1}, {'I', 'M', 42, 0},
                                       {'M', 'M', 42, 0}, {'I', 'I', 0, 42},
                                       {'M', 'M', 0, 44}, {'I', 'I', 41, 0},
                                       {'M', 'I', 0, 42}, {'P', 'K', 3, 4}};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        CHECK(!pyr_tiff_identify(heads[i], 4));
}

/* Cut at every byte, in a block of that very size. */
static void test_truncated(void)
{
    for (int kind = 0; kind < 4; kind++)
    {
        make((kind & 1) != 0, (kind & 2) != 0);
        for (size_t nbytes = 0; nbytes < maker.nbytes; nbytes++)
        {
            struct pyr_tiff *tiff = NULL;
            uint8_t *const bytes = malloc(nbytes + 1);
            if (bytes == NULL)
                exit(1);
            memcpy(bytes, maker.bytes, nbytes);
            CHECK_INT(parse_bytes(bytes, nbytes, &tiff), PYR_CORRUPT);
            CHECK(err.text[0] != '\0');
            CHECK(tiff == NULL);
            free(bytes);
        }
    }
}

/* Any byte another: an answer, and values that stay within the file. */
static void test_damaged(void)
{
    static const uint8_t damage[] = {0, 1, 0x7F, 0x80, 0xFF};
    make(true, false);
    for (size_t at = 0; at < maker.nbytes; at++)
        for (size_t k = 0; k < sizeof damage; k++)
        {
            struct pyr_tiff *tiff = NULL;
            const uint8_t before = maker.bytes[at];
            maker.bytes[at] = damage[k];
            const enum pyr_result result = parse(&tiff);
            CHECK(result == PYR_OK || result == PYR_CORRUPT ||
                  result == PYR_LIMIT);
            CHECK((result == PYR_OK) == (tiff != NULL));
            for (size_t i = 0; tiff != NULL && i < tiff->dirs[0].ntags; i++)
            {
                const struct pyr_tiff_reader reader =
                    pyr_tiff_memory_reader(&memory);
                void *values = NULL;
                size_t nbytes = 0;
                if (pyr_tiff_load(&reader, tiff, &tiff->dirs[0].tags[i],
                                  &values, &nbytes, &err) == PYR_OK)
                    CHECK(nbytes <= maker.nbytes);
                pyr_free(values);
            }
            pyr_tiff_free(tiff);
            maker.bytes[at] = before;
        }
}

static void check_refused(enum pyr_result expected, const char *text)
{
    struct pyr_tiff *tiff = NULL;
    CHECK_INT(parse(&tiff), expected);
    CHECK_STR(err.text, text);
    pyr_tiff_free(tiff);
}

static void test_chain(void)
{
    begin(false, false);
    check_refused(PYR_CORRUPT, "has no directory");
    put(4, 7, 4);
    check_refused(PYR_CORRUPT,
                  "directory 0: stands at byte 7, which is not in the file");
    put(4, 8, 4);
    check_refused(PYR_CORRUPT,
                  "directory 0: stands at byte 8, which is not in the file");
    begin_dir(first_link(), 1);
    add_tag(256, 3, 1, 1, 2);
    add(8, 4);
    check_refused(PYR_CORRUPT, "directory 1: is directory 0 again: the chain "
                               "is a loop");
    const size_t link = maker.nbytes - 4;
    begin_dir(link, 1);
    add_tag(256, 3, 1, 1, 2);
    add(8, 4);
    check_refused(PYR_CORRUPT, "directory 2: is directory 0 again: the chain "
                               "is a loop");
    begin(false, false);
    begin_dir(first_link(), 0);
    add(0, 4);
    check_refused(PYR_CORRUPT, "directory 0: has no tags");
    begin(true, false);
    put(4, 4, 2);
    check_refused(PYR_CORRUPT, "has a BigTIFF header with positions that do "
                               "not take 8 bytes");
    begin(true, false);
    put(8, UINT64_MAX, 8);
    check_refused(PYR_CORRUPT,
                  "directory 0: stands at byte 18446744073709551615, which is "
                  "not in the file");
}

/* What stands before the break of a chain, for those who make do with it. */
static void test_start_of_chain(void)
{
    struct pyr_tiff *tiff = NULL;
    struct pyr_error why = {""};
    enum pyr_result end = PYR_OK;
    make(false, false);
    memory.bytes = maker.bytes;
    memory.nbytes = maker.nbytes;
    const struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
    CHECK_INT(pyr_tiff_parse_start(&reader, &tiff, &end, &why, &err), PYR_OK);
    CHECK_INT(end, PYR_OK);
    CHECK_STR(why.text, "");
    pyr_tiff_free(tiff);
    put(maker.nbytes - 4, 9, 4);
    CHECK_INT(pyr_tiff_parse_start(&reader, &tiff, &end, &why, &err), PYR_OK);
    CHECK_INT(tiff->ndirs, 2);
    CHECK_INT(end, PYR_CORRUPT);
    CHECK_STR(why.text, "directory 2: with 3906 tags ends beyond the file "
                        "(truncated?)");
    pyr_tiff_free(tiff);
    tiff = NULL;
    put(4, 9, 4); /* the first directory itself */
    CHECK_INT(pyr_tiff_parse_start(&reader, &tiff, &end, &why, &err),
              PYR_CORRUPT);
    CHECK(tiff == NULL);
}

static void test_huge_counts(void)
{
    begin(true, false);
    begin_dir(first_link(), UINT64_MAX);
    check_refused(PYR_LIMIT,
                  "directory 0: has 18446744073709551615 tags, at most 4096 "
                  "are read, and 65536 in all");
    begin(false, true);
    begin_dir(first_link(), 4096);
    check_refused(PYR_CORRUPT, "directory 0: with 4096 tags ends beyond the "
                               "file (truncated?)");
    for (int big = 0; big < 2; big++)
    {
        struct pyr_tiff *tiff = NULL;
        void *values = NULL;
        size_t nbytes = 0;
        uint64_t value = 0;
        begin(big, false);
        begin_dir(first_link(), 2);
        add_tag(324, 16, UINT64_MAX / 4, 8, width());
        add_tag(325, 4, 0x7FFFFFF, 8, width());
        add(0, width());
        CHECK_INT(parse(&tiff), PYR_OK);
        if (tiff == NULL)
            continue;
        struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
        for (size_t i = 0; i < 2; i++)
        {
            const struct pyr_tiff_tag *const tag = &tiff->dirs[0].tags[i];
            CHECK_INT(pyr_tiff_load(&reader, tiff, tag, &values, &nbytes, &err),
                      PYR_CORRUPT);
            CHECK_INT(pyr_tiff_uints(&reader, tiff, tag, tag->count - 1, 1,
                                     &value, &err),
                      PYR_CORRUPT);
        }
        reader.size_bytes = UINT64_MAX; /* and so not known */
        CHECK_INT(pyr_tiff_load(&reader, tiff, &tiff->dirs[0].tags[1], &values,
                                &nbytes, &err),
                  PYR_LIMIT);
        CHECK_STR(err.text, "tag 325 takes 536870908 bytes, at most 67108864 "
                            "are read");
        pyr_tiff_free(tiff);
    }
}

/* Directories that share their bytes cannot take much memory. */
static void test_overlapping(void)
{
    static uint8_t bytes[200000];
    struct pyr_tiff *tiff = NULL;
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, "II*\0\x08\0\0\0", 8);
    for (size_t i = 0; i < 20; i++)
    {
        const size_t at = 8 + 4 * i;
        const size_t link = at + 2 + 12 * 4096;
        bytes[at + 1] = 0x10;
        bytes[link] = (uint8_t)(at + 4);
    }
    CHECK_INT(parse_bytes(bytes, sizeof bytes, &tiff), PYR_LIMIT);
    CHECK_STR(err.text, "directory 16: has 4096 tags, at most 4096 are read, "
                        "and 65536 in all");
}

static void test_many(void)
{
    enum
    {
        DIR_BYTES = 18
    };
    static uint8_t bytes[8 + DIR_BYTES * 1025];
    struct pyr_tiff *tiff = NULL;
    memcpy(bytes, "II*\0\x08\0\0\0", 8);
    for (unsigned i = 0; i < 1025; i++)
    {
        uint8_t *const dir = bytes + 8 + DIR_BYTES * (size_t)i;
        const unsigned next = i < 1023 ? 8 + DIR_BYTES * (i + 1) : 0;
        dir[0] = 1;
        dir[14] = (uint8_t)next;
        dir[15] = (uint8_t)(next >> 8);
    }
    CHECK_INT(parse_bytes(bytes, sizeof bytes, &tiff), PYR_OK);
    CHECK_INT(tiff == NULL ? 0 : tiff->ndirs, PYR_TIFF_MAX_DIRS);
    pyr_tiff_free(tiff);
    bytes[8 + DIR_BYTES * 1023 + 14] = (DIR_BYTES * 1024 + 8) & 0xFF;
    bytes[8 + DIR_BYTES * 1023 + 15] = (DIR_BYTES * 1024 + 8) >> 8;
    CHECK_INT(parse_bytes(bytes, sizeof bytes, &tiff), PYR_LIMIT);
    CHECK_STR(err.text, "directory 1024: is one too many, at most 1024 are "
                        "read");
}

/* A reader that counts, and fails at a call. */
struct fake_reader
{
    unsigned ncalls;
    unsigned failing_call; /* 0: none */
};

static enum pyr_result fake_read(void *user, uint64_t offset_bytes, void *bytes,
                                 size_t nbytes, struct pyr_error *out_err)
{
    struct fake_reader *const fake = user;
    if (++fake->ncalls == fake->failing_call)
        return pyr_fail(out_err, PYR_IO, "no connection");
    if (offset_bytes > maker.nbytes || nbytes > maker.nbytes - offset_bytes)
        return pyr_fail(out_err, PYR_CORRUPT, "beyond the end");
    memcpy(bytes, maker.bytes + offset_bytes, nbytes);
    return PYR_OK;
}

static unsigned count_reads(uint64_t size_bytes, unsigned failing_call,
                            enum pyr_result expected)
{
    struct fake_reader fake = {0, failing_call};
    const struct pyr_tiff_reader reader = {&fake, size_bytes, fake_read};
    struct pyr_tiff *tiff = NULL;
    err.text[0] = '\0';
    CHECK_INT(pyr_tiff_parse(&reader, &tiff, &err), expected);
    pyr_tiff_free(tiff);
    return fake.ncalls;
}

static void test_reads(void)
{
    make(false, false);
    CHECK_INT(count_reads(maker.nbytes, 0, PYR_OK), 3);
    CHECK_INT(count_reads(UINT64_MAX, 0, PYR_OK), 5);
    make(true, false);
    CHECK_INT(count_reads(maker.nbytes, 0, PYR_OK), 4);
    CHECK_INT(count_reads(UINT64_MAX, 0, PYR_OK), 6);
}

static void test_failing_reader(void)
{
    for (int big = 0; big < 2; big++)
    {
        make(big, false);
        const unsigned ncalls = count_reads(UINT64_MAX, 0, PYR_OK);
        for (unsigned i = 1; i <= ncalls; i++)
        {
            CHECK_INT(count_reads(UINT64_MAX, i, PYR_IO), i);
            CHECK(strstr(err.text, "no connection") != NULL);
        }
    }
}

static void test_failing_values(void)
{
    struct fake_reader fake = {0, 0};
    const struct pyr_tiff_reader reader = {&fake, UINT64_MAX, fake_read};
    struct pyr_tiff *tiff = NULL;
    void *values = NULL;
    size_t nbytes = 0;
    uint64_t value = 77;
    make(false, false);
    CHECK_INT(pyr_tiff_parse(&reader, &tiff, &err), PYR_OK);
    if (tiff == NULL)
        return;
    const struct pyr_tiff_dir *const dir = &tiff->dirs[0];
    fake.failing_call = fake.ncalls + 1;
    CHECK_INT(pyr_tiff_uint(&reader, tiff, dir, 257, 1, &value, &err), PYR_IO);
    CHECK_STR(err.text, "tag 257: no connection");
    CHECK_INT(value, 77);
    fake.failing_call = fake.ncalls + 1;
    CHECK_INT(pyr_tiff_load(&reader, tiff, pyr_tiff_find(dir, 270), &values,
                            &nbytes, &err),
              PYR_IO);
    CHECK_STR(err.text, "tag 270: no connection");
    pyr_alloc_fail_nth(1);
    CHECK_INT(pyr_tiff_load(&reader, tiff, pyr_tiff_find(dir, 270), &values,
                            &nbytes, &err),
              PYR_NOMEM);
    pyr_alloc_fail_nth(0);
    CHECK(values == NULL);
    pyr_tiff_free(tiff);
}

/* Many directories, one of them with many tags: every allocation fails once. */
static void test_failing_allocations(void)
{
    begin(false, false);
    size_t link = first_link();
    for (unsigned i = 0; i < 20; i++)
    {
        const unsigned ntags = i == 7 ? 120 : 1;
        begin_dir(link, ntags);
        for (unsigned k = 0; k < ntags; k++)
            add_tag(256 + k, 3, 1, 1, 2);
        link = maker.nbytes;
        add(0, 4);
    }
    unsigned failed = 0;
    for (unsigned long nth = 1; nth < 100; nth++)
    {
        struct pyr_tiff *tiff = NULL;
        pyr_alloc_fail_nth(nth);
        const enum pyr_result result = parse(&tiff);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        CHECK((result == PYR_OK) == (tiff != NULL));
        failed += result == PYR_NOMEM;
        pyr_tiff_free(tiff);
    }
    CHECK_INT(failed, 1 + 3 + 20 + 1);
}

static void test_types(void)
{
    static const size_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4,
                                   8, 4, 8, 4, 0, 0, 8, 8, 8, 0};
    for (unsigned i = 0; i < 20; i++)
        CHECK_INT(pyr_tiff_type_bytes((uint16_t)i), sizes[i]);
    CHECK_INT(pyr_tiff_type_bytes(UINT16_MAX), 0);
}

int main(void)
{
    RUN(test_kinds);
    RUN(test_add_dir);
    RUN(test_identify);
    RUN(test_truncated);
    RUN(test_damaged);
    RUN(test_chain);
    RUN(test_start_of_chain);
    RUN(test_huge_counts);
    RUN(test_overlapping);
    RUN(test_many);
    RUN(test_reads);
    RUN(test_failing_reader);
    RUN(test_failing_values);
    RUN(test_failing_allocations);
    RUN(test_types);
    return unit_report();
}
