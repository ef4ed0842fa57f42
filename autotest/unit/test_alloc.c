/* SPDX-License-Identifier: MIT */
/* Tests of pyr_alloc: odd sizes, and allocations made to fail. */
#include "pyr_alloc.h"
#include "unit.h"

static void test_zero(void)
{
    void *blocks[] = {pyr_malloc(0), pyr_calloc(0, 9), pyr_calloc(9, 0),
                      pyr_realloc(pyr_malloc(9), 0)};
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
    {
        CHECK(blocks[i] != NULL);
        pyr_free(blocks[i]);
    }
    pyr_free(NULL);
}

/* Volatile, or the compiler sees that no such block can be. */
static void test_too_much(void)
{
    volatile size_t half = SIZE_MAX / 2 + 1;
    volatile size_t all = SIZE_MAX;
    CHECK(pyr_calloc(half, 2) == NULL);
    CHECK(pyr_strndup("text", all) == NULL);
}

static void test_strings(void)
{
    char *whole = pyr_strdup("tile");
    char *part = pyr_strndup("tile", 2);
    char *none = pyr_strndup("tile", 0);
    CHECK_STR(whole, "tile");
    CHECK_STR(part, "ti");
    CHECK_STR(none, "");
    pyr_free(none);
    pyr_free(part);
    pyr_free(whole);
}

#ifdef PYR_ALLOC_FAILURES
static void test_failures(void)
{
    char *kept = pyr_strdup("kept");
    pyr_alloc_fail_nth(1);
    CHECK(pyr_realloc(kept, 100) == NULL);
    CHECK_STR(kept, "kept");

    pyr_alloc_fail_nth(3);
    void *first = pyr_malloc(1);
    void *second = pyr_calloc(1, 1);
    CHECK(first != NULL && second != NULL);
    CHECK(pyr_strdup("third") == NULL);
    void *fourth = pyr_malloc(1);
    CHECK(fourth != NULL); /* once only */

    pyr_alloc_fail_nth(1);
    pyr_alloc_fail_nth(0);
    void *fifth = pyr_malloc(1);
    CHECK(fifth != NULL);
    pyr_free(fifth);
    pyr_free(fourth);
    pyr_free(second);
    pyr_free(first);
    pyr_free(kept);
}
#endif

int main(void)
{
    RUN(test_zero);
    RUN(test_too_much);
    RUN(test_strings);
#ifdef PYR_ALLOC_FAILURES
    RUN(test_failures);
#endif
    return unit_report();
}
