/* SPDX-License-Identifier: MIT */
/* Tests of slab names: the table of the format page, and the extremes. */
#include "rok4_name.h"
#include "unit.h"

static void check_name(uint32_t slab_col, uint32_t slab_row,
                       uint32_t path_depth, const char *expected)
{
    char name[ROK4_NAME_BYTES + 1];
    memset(name, '#', sizeof name);
    rok4_name_slab(slab_col, slab_row, path_depth, name);
    CHECK_STR(name, expected);
    CHECK_INT(name[ROK4_NAME_BYTES], '#');
}

/* Spec section 4, which the three reference implementations agree on. */
static void test_table(void)
{
    check_name(0, 0, 2, "00/00/00.tif");
    check_name(33, 22, 2, "00/00/XM.tif");
    check_name(35, 36, 2, "00/01/Z0.tif");
    check_name(25, 195, 2, "00/05/PF.tif");
    check_name(4032, 18217, 2, "3E/42/01.tif");
    check_name(1295, 1296, 2, "01/Z0/Z0.tif");
    check_name(46656, 0, 2, "1000/00/00.tif");
    check_name(265565, 180376, 2, "53OV/W6/TG.tif");
    check_name(60466175, 1, 2, "Z0Z0Z0/Z0/Z1.tif");
    check_name(1296, 5, 1, "1000/05.tif");
    check_name(7, 3, 0, "73.tif");
    check_name(40, 3, 0, "1043.tif");
}

static void test_surplus_digits(void)
{
    check_name(0, 0, 0, "00.tif");
    check_name(35, 35, 0, "ZZ.tif");
    check_name(0, 36, 0, "0100.tif");
    check_name(0, 1296, 1, "0100/00.tif");
    /* The longer of the two decides. */
    check_name(1, 46656, 2, "0100/00/10.tif");
}

/* UINT32_MAX is 1Z141Z3 in base 36. */
static void test_largest(void)
{
    check_name(UINT32_MAX, 0, 0, "10Z0104010Z030.tif");
    check_name(0, UINT32_MAX, 0, "010Z0104010Z03.tif");
    check_name(UINT32_MAX, UINT32_MAX, 2, "11ZZ114411/ZZ/33.tif");
    check_name(UINT32_MAX, UINT32_MAX, 6, "11/ZZ/11/44/11/ZZ/33.tif");
    check_name(UINT32_MAX, UINT32_MAX, 7, "00/11/ZZ/11/44/11/ZZ/33.tif");
}

static void test_deepest(void)
{
    check_name(0, 0, ROK4_MAX_PATH_DEPTH,
               "00/00/00/00/00/00/00/00/00/00/00/00/00/00/00/00/00.tif");
    check_name(UINT32_MAX, 1, ROK4_MAX_PATH_DEPTH,
               "00/00/00/00/00/00/00/00/00/00/10/Z0/10/40/10/Z0/31.tif");
}

/* The name read back: column and row in turn, '/' ignored. */
static void check_round_trip(uint32_t slab_col, uint32_t slab_row,
                             uint32_t path_depth)
{
    char name[ROK4_NAME_BYTES];
    uint64_t values[2] = {0, 0};
    size_t axis = 0;
    uint32_t nslashes = 0;
    rok4_name_slab(slab_col, slab_row, path_depth, name);
    for (const char *at = name; *at != '.'; at++)
    {
        if (*at == '/')
        {
            nslashes++;
            continue;
        }
        const int digit = *at <= '9' ? *at - '0' : *at - 'A' + 10;
        values[axis] = values[axis] * 36 + (uint64_t)digit;
        axis = 1 - axis;
    }
    CHECK_INT(values[0], slab_col);
    CHECK_INT(values[1], slab_row);
    CHECK_INT(nslashes, path_depth);
    uint32_t col = 0;
    uint32_t row = 0;
    CHECK(rok4_name_parse(name, &col, &row));
    CHECK_INT(col, slab_col);
    CHECK_INT(row, slab_row);
}

static void test_no_names(void)
{
    static const char *const names[] = {"",
                                        "00",
                                        "00/00/xm.tif",
                                        "0/00.tif",
                                        "00/00/XMA.tif",
                                        "00/00/XM.tif/",
                                        "1Z141Z3S00000000.tif"};
    uint32_t col = 0;
    uint32_t row = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        CHECK(!rok4_name_parse(names[i], &col, &row));
}

static void test_round_trip(void)
{
    uint32_t value = 1;
    for (int i = 0; i < 200; i++)
    {
        const uint32_t other = value * 2654435761u;
        check_round_trip(value, other, (uint32_t)i % (ROK4_MAX_PATH_DEPTH + 1));
        check_round_trip(value >> 20, other >> 24, (uint32_t)i % 4);
        value = value * 1664525u + 1013904223u;
    }
}

int main(void)
{
    RUN(test_table);
    RUN(test_surplus_digits);
    RUN(test_largest);
    RUN(test_deepest);
    RUN(test_round_trip);
    RUN(test_no_names);
    return unit_report();
}
