/* SPDX-License-Identifier: MIT */
/* Tests of cogx_jpeg: streams that TIFF readers decode, and others. */
#include "cogx_jpeg.h"
#include "unit.h"

static const uint8_t good[] = {
    0xff, 0xd8,                                              /* start */
    0xff, 0xe0, 0, 4,  1,    2,                              /* application */
    0xff, 0xc0, 0, 17, 8,    1, 0, 1,    0, 3,               /* frame */
    1,    0x22, 0, 2,  0x11, 1, 3, 0x11, 1, 0xff, 0xda, 0, 2 /* scan */
};

static bool fits_with(size_t at, uint8_t value)
{
    uint8_t bytes[sizeof(good)];
    memcpy(bytes, good, sizeof(good));
    bytes[at] = value;
    return cogx_jpeg_fits(bytes, sizeof(bytes), 256, 3);
}

static void test_fits(void)
{
    CHECK(cogx_jpeg_fits(good, sizeof(good), 256, 3));
    CHECK(!cogx_jpeg_fits(good, sizeof(good), 128, 3));
    CHECK(!cogx_jpeg_fits(good, sizeof(good), 256, 1));
    CHECK(!cogx_jpeg_fits(good, sizeof(good), 256, 4));
}

static void test_other_streams(void)
{
    CHECK(!fits_with(3, 0xee));  /* Adobe's colours */
    CHECK(!fits_with(5, 1));     /* length below its own */
    CHECK(!fits_with(4, 0xff));  /* beyond the end */
    CHECK(!fits_with(12, 12));   /* bits */
    CHECK(!fits_with(18, 'R'));  /* component */
    CHECK(!fits_with(19, 0x11)); /* sampling */
    CHECK(!fits_with(22, 0x21)); /* of chroma */
    CHECK(!fits_with(8, 0));     /* no marker */
    CHECK(fits_with(9, 0xc2));   /* progressive */
}

static void test_cut(void)
{
    for (size_t nbytes = 0; nbytes < 27; nbytes++)
        CHECK(!cogx_jpeg_fits(good, nbytes, 256, 3));
}

static void test_join(void)
{
    const uint8_t tables[] = {0xff, 0xd8, 1, 2, 0xff, 0xd9};
    const uint8_t tile[] = {0xff, 0xd8, 3, 4, 5, 0xff, 0xd9};
    const uint8_t joined[] = {0xff, 0xd8, 1, 2, 3, 4, 5, 0xff, 0xd9};
    uint8_t out[sizeof(tables) + sizeof(tile)];
    CHECK_INT(cogx_jpeg_join(tables, sizeof(tables), tile, sizeof(tile), out),
              sizeof(joined));
    CHECK(memcmp(out, joined, sizeof(joined)) == 0);
    CHECK_INT(cogx_jpeg_join(tables, 2, tile, sizeof(tile), out), sizeof(tile));
    CHECK(memcmp(out, tile, sizeof(tile)) == 0);
}

int main(void)
{
    RUN(test_join);
    RUN(test_fits);
    RUN(test_other_streams);
    RUN(test_cut);
    return unit_report();
}
