/* SPDX-License-Identifier: MIT */
/* Tests of the set of slabs that were written. */
#include "pyr_alloc.h"
#include "rok4_written.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pyr_error err;

static enum pyr_result collect(void *context, const char *name, uint16_t root,
                               struct pyr_error *unused)
{
    char *const text = context;
    (void)unused;
    (void)snprintf(text + strlen(text), 400 - strlen(text), "%d/%s ", root,
                   name);
    return PYR_OK;
}

static void test_names(void)
{
    CHECK(rok4_written_is_slab("DATA_5_32_22"));
    CHECK(rok4_written_is_slab("MASK_L2_0_4294967295"));
    CHECK(!rok4_written_is_slab("DATA_5_32"));
    CHECK(!rok4_written_is_slab("DATA_5_32_4294967296"));
    CHECK(!rok4_written_is_slab("DATA_5_032_1"));
    CHECK(!rok4_written_is_slab("DATA__3_1"));
    CHECK(!rok4_written_is_slab("DATA_5_3_1_2"));
    CHECK(!rok4_written_is_slab("DATA_5/6_3_1"));
    CHECK(!rok4_written_is_slab("DATA_5_3_-1"));
    CHECK(!rok4_written_is_slab("data_5_3_1"));
    CHECK(!rok4_written_is_slab("DATA"));
}

static void test_order(void)
{
    static const char *const names[] = {"MASK_5_1_0",  "DATA_4_7_7",
                                        "DATA_5_10_2", "DATA_5_9_2",
                                        "DATA_5_1_10", "DATA_5_9_2"};
    struct rok4_written *written = NULL;
    char text[400] = "";
    CHECK_INT(rok4_written_new(&written), PYR_OK);
    CHECK(!rok4_written_has(written, "DATA_5_9_2"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        CHECK_INT(rok4_written_add(written, names[i], 0, &err), PYR_OK);
    CHECK_INT(rok4_written_add(written, "tmp", 0, &err), PYR_USAGE);
    CHECK_INT(rok4_written_add(written, "DATA_4_7_7", 3, &err), PYR_OK);
    CHECK_INT(rok4_written_count(written), 5);
    CHECK_INT(rok4_written_each(written, collect, text, &err), PYR_OK);
    CHECK_STR(text, "0/DATA_5_9_2 0/DATA_5_10_2 0/DATA_5_1_10 3/DATA_4_7_7 "
                    "0/MASK_5_1_0 ");
    CHECK(rok4_written_has(written, "DATA_5_9_2"));
    CHECK(rok4_written_has(written, "MASK_5_1_0"));
    CHECK(!rok4_written_has(written, "MASK_5_9_2"));
    CHECK(!rok4_written_has(written, "DATA_6_9_2"));
    CHECK_INT(rok4_written_add(written, "DATA_6_9_2", 0, &err), PYR_OK);
    CHECK(rok4_written_has(written, "DATA_6_9_2"));
    CHECK(rok4_written_has(written, "DATA_4_7_7"));
    text[0] = '\0';
    CHECK_INT(rok4_written_each(written, collect, text, &err), PYR_OK);
    CHECK_STR(text, "0/DATA_5_9_2 0/DATA_5_10_2 0/DATA_5_1_10 3/DATA_4_7_7 "
                    "0/DATA_6_9_2 0/MASK_5_1_0 ");
    rok4_written_free(written);
    rok4_written_free(NULL);
}

/* What is visited comes in order, and once. */
struct visits
{
    unsigned count;
    unsigned last_row;
    unsigned last_col;
};

static enum pyr_result count(void *context, const char *name, uint16_t root,
                             struct pyr_error *unused)
{
    struct visits *const visits = context;
    unsigned col = 0;
    unsigned row = 0;
    (void)unused;
    CHECK_INT(root, 0);
    CHECK(strncmp(name, "DATA_12_", 8) == 0);
    char *end = NULL;
    col = (unsigned)strtoul(name + 8, &end, 10);
    row = (unsigned)strtoul(end + 1, &end, 10);
    CHECK(*end == '\0');
    CHECK(visits->count == 0 || row > visits->last_row ||
          (row == visits->last_row && col > visits->last_col));
    visits->last_row = row;
    visits->last_col = col;
    visits->count++;
    return PYR_OK;
}

static void add_many(struct rok4_written *written, unsigned nslabs)
{
    char name[40];
    for (unsigned i = 0; i < nslabs; i++)
    {
        const unsigned at = (unsigned)(i * 7919u % nslabs);
        (void)snprintf(name, sizeof(name), "DATA_12_%u_%u", at % 173, at / 173);
        CHECK_INT(rok4_written_add(written, name, 0, &err), PYR_OK);
    }
}

/* The order takes no memory: there may be millions. */
static void test_many(void)
{
    struct rok4_written *written = NULL;
    for (unsigned nslabs = 1; nslabs <= 20000; nslabs = nslabs * 3 + 2)
    {
        struct visits visits = {0, 0, 0};
        CHECK_INT(rok4_written_new(&written), PYR_OK);
        add_many(written, nslabs);
        CHECK_INT(rok4_written_count(written), nslabs);
        CHECK(rok4_written_has(written, "DATA_12_0_0"));
        for (unsigned i = 0; i < 2; i++)
        {
            pyr_alloc_fail_nth(1);
            CHECK_INT(rok4_written_each(written, count, &visits, &err), PYR_OK);
            pyr_alloc_fail_nth(0);
            CHECK_INT(visits.count, nslabs);
            visits.count = 0;
            CHECK(rok4_written_has(written, "DATA_12_0_0"));
            CHECK(!rok4_written_has(written, "DATA_12_173_50"));
            CHECK(!rok4_written_has(written, "DATA_11_0_0"));
        }
        add_many(written, nslabs);
        CHECK_INT(rok4_written_count(written), nslabs);
        rok4_written_free(written);
    }
}

static enum pyr_result refuse(void *context, const char *name, uint16_t root,
                              struct pyr_error *why)
{
    (void)name;
    (void)root;
    return ++*(unsigned *)context == 3 ? pyr_fail(why, PYR_IO, "enough of that")
                                       : PYR_OK;
}

static void test_refused(void)
{
    struct rok4_written *written = NULL;
    unsigned visited = 0;
    CHECK_INT(rok4_written_new(&written), PYR_OK);
    CHECK_INT(rok4_written_each(written, refuse, &visited, &err), PYR_OK);
    CHECK_INT(visited, 0);
    add_many(written, 10);
    CHECK_INT(rok4_written_each(written, refuse, &visited, &err), PYR_IO);
    CHECK_STR(err.text, "enough of that");
    CHECK_INT(visited, 3);
    CHECK(rok4_written_has(written, "DATA_12_9_0"));
    rok4_written_free(written);
}

static void test_many_levels(void)
{
    struct rok4_written *written = NULL;
    char name[40];
    CHECK_INT(rok4_written_new(&written), PYR_OK);
    for (unsigned i = 0; i < PYR_MAX_LEVELS; i++)
    {
        (void)snprintf(name, sizeof(name), "DATA_L%u_1_2", i);
        CHECK_INT(rok4_written_add(written, name, 0, &err), PYR_OK);
    }
    CHECK_INT(rok4_written_add(written, "MASK_one_more_", 0, &err), PYR_USAGE);
    CHECK_INT(rok4_written_add(written, "MASK_more_1_2", 0, &err), PYR_LIMIT);
    CHECK(strstr(err.text, "levels") != NULL);
    CHECK_INT(rok4_written_count(written), PYR_MAX_LEVELS);
    rok4_written_free(written);
}

static void test_no_memory(void)
{
    struct rok4_written *written = NULL;
    CHECK_INT(rok4_written_new(&written), PYR_OK);
    for (unsigned long nth = 1; nth <= 2; nth++)
    {
        pyr_alloc_fail_nth(nth);
        CHECK_INT(rok4_written_add(written, "DATA_1_2_3", 0, &err), PYR_NOMEM);
        pyr_alloc_fail_nth(0);
        CHECK_INT(rok4_written_count(written), 0);
        CHECK(!rok4_written_has(written, "DATA_1_2_3"));
    }
    CHECK_INT(rok4_written_add(written, "DATA_1_2_3", 0, &err), PYR_OK);
    CHECK_INT(rok4_written_count(written), 1);
    rok4_written_free(written);
    pyr_alloc_fail_nth(1);
    CHECK_INT(rok4_written_new(&written), PYR_NOMEM);
    pyr_alloc_fail_nth(0);
}

int main(void)
{
    RUN(test_names);
    RUN(test_order);
    RUN(test_many);
    RUN(test_refused);
    RUN(test_many_levels);
    RUN(test_no_memory);
    return unit_report();
}
