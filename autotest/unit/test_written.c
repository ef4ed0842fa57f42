/* SPDX-License-Identifier: MIT */
/* Tests of the set of slabs that were written. */
#include "pyr_alloc.h"
#include "rok4_written.h"
#include "unit.h"

#include <stdio.h>
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
    rok4_written_free(written);
    rok4_written_free(NULL);
}

static enum pyr_result count(void *context, const char *name, uint16_t root,
                             struct pyr_error *unused)
{
    CHECK_INT(root, 0);
    (void)unused;
    CHECK(rok4_written_is_slab(name));
    (*(unsigned *)context)++;
    return PYR_OK;
}

static void test_many(void)
{
    struct rok4_written *written = NULL;
    unsigned visited = 0;
    char name[40];
    CHECK_INT(rok4_written_new(&written), PYR_OK);
    for (unsigned i = 0; i < 20000; i++)
    {
        (void)snprintf(name, sizeof(name), "DATA_12_%u_%u", i % 173, i / 173);
        CHECK_INT(rok4_written_add(written, name, 0, &err), PYR_OK);
    }
    CHECK_INT(rok4_written_count(written), 20000);
    CHECK_INT(rok4_written_each(written, count, &visited, &err), PYR_OK);
    CHECK_INT(visited, 20000);
    CHECK(rok4_written_has(written, "DATA_12_172_50"));
    CHECK(!rok4_written_has(written, "DATA_12_173_50"));
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
    RUN(test_no_memory);
    return unit_report();
}
