/* SPDX-License-Identifier: MIT */
/* Tests of pyr_tile_decoder: tiles that are broken, lack of memory; margins.
 * That it finds what libtiff finds is tested with the encoder. */
#include "pyr_alloc.h"
#include "tiff_tile_check.h"

#define SIDE 64u
#define TILE_BYTES ((size_t)SIDE * SIDE * 3)

static const struct pyr_tile_format *format_of(enum pyr_tiff_compression kind)
{
    static struct pyr_tile_format format;
    const struct pyr_tile_format plain = {.compression = kind,
                                          .tile_width_px = SIDE,
                                          .tile_height_px = SIDE,
                                          .bands = 3,
                                          .type = PYR_TYPE_UINT8,
                                          .ycbcr = kind == PYR_TIFF_JPEG,
                                          .predictor = 1,
                                          .quality = 75};
    format = plain;
    return &format;
}

static void make_pixels(uint8_t *pixels)
{
    for (size_t i = 0; i < TILE_BYTES; i++)
        pixels[i] = (uint8_t)(i / 3 % SIDE + i / 3 / SIDE);
}

/* A tile of its own memory, so that nothing is read behind it. */
static uint8_t *encode(const struct pyr_tile_format *format, size_t *out_nbytes)
{
    struct pyr_tile_encoder *encoder = NULL;
    uint8_t pixels[TILE_BYTES];
    const uint8_t *bytes = NULL;
    make_pixels(pixels);
    CHECK_INT(pyr_tile_encoder_new(format, &encoder, NULL), PYR_OK);
    CHECK_INT(pyr_tile_encode(encoder, pixels, (size_t)SIDE * 3, &bytes,
                              out_nbytes, NULL),
              PYR_OK);
    uint8_t *copy = tile_need(malloc(*out_nbytes));
    memcpy(copy, tile_need((void *)bytes), *out_nbytes);
    pyr_tile_encoder_free(encoder);
    return copy;
}

/* Broken tiles are told, and the next one is decoded as ever. */
static void check_broken(const struct pyr_tile_format *format)
{
    size_t nbytes = 0;
    uint8_t *bytes = encode(format, &nbytes);
    uint8_t expected[TILE_BYTES];
    uint8_t found[TILE_BYTES];
    struct pyr_tile_decoder *decoder = NULL;
    unsigned ntold = 0;
    CHECK_INT(pyr_tile_decoder_new(format, &decoder, NULL), PYR_OK);
    CHECK_INT(pyr_tile_decode(decoder, bytes, nbytes, expected,
                              (size_t)SIDE * 3, NULL),
              PYR_OK);
    for (size_t part = 0; part < 10; part++)
    {
        struct pyr_error err = {""};
        const size_t short_nbytes = nbytes * part / 10;
        uint8_t *cut = tile_need(malloc(short_nbytes + 1));
        memcpy(cut, bytes, short_nbytes);
        const enum pyr_result result = pyr_tile_decode(
            decoder, cut, short_nbytes, found, (size_t)SIDE * 3, &err);
        CHECK(result == PYR_OK || result == PYR_CORRUPT);
        CHECK((result == PYR_OK) == (err.text[0] == '\0'));
        ntold += result == PYR_CORRUPT;
        free(cut);
        CHECK_INT(pyr_tile_decode(decoder, bytes, nbytes, found,
                                  (size_t)SIDE * 3, NULL),
                  PYR_OK);
        CHECK(memcmp(found, expected, TILE_BYTES) == 0);
    }
    CHECK(ntold > 0);
    pyr_tile_decoder_free(decoder);
    free(bytes);
}

static void test_broken(void)
{
    for (int kind = 0; kind <= (int)PYR_TIFF_LZMA; kind++)
        if (pyr_tiff_has((enum pyr_tiff_compression)kind))
            check_broken(format_of((enum pyr_tiff_compression)kind));
}

static void test_refused(void)
{
    struct pyr_tile_format format = *format_of(PYR_TIFF_JPEG);
    struct pyr_tile_decoder *decoder = NULL;
    struct pyr_error err = {""};
    format.bands = 5;
    format.ycbcr = false;
    CHECK_INT(pyr_tile_decoder_new(&format, &decoder, &err), PYR_UNSUPPORTED);
    CHECK_STR(err.text, "JPEG tiles cannot have 5 bands");
    CHECK(decoder == NULL);
    pyr_tile_decoder_free(NULL);
}

static void test_memory(void)
{
    struct pyr_tile_format format = *format_of(PYR_TIFF_JPEG);
    size_t nbytes = 0;
    uint8_t *bytes = encode(&format, &nbytes);
    enum pyr_result result = PYR_NOMEM;
    unsigned long nth = 0;
    while (result != PYR_OK && nth < 100)
    {
        struct pyr_tile_decoder *decoder = NULL;
        uint8_t found[SIDE][SIDE * 3 + 1];
        pyr_alloc_fail_nth(++nth);
        result = pyr_tile_decoder_new(&format, &decoder, NULL);
        if (result == PYR_OK)
            result = pyr_tile_decode(decoder, bytes, nbytes, found[0],
                                     sizeof found[0], NULL);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        pyr_tile_decoder_free(decoder);
    }
    CHECK_INT(result, PYR_OK);
    CHECK(nth > 3);
    free(bytes);
}

static void test_lossy(void)
{
    struct pyr_tile_format format = *format_of(PYR_TIFF_LERC);
    CHECK(!pyr_tile_format_is_lossy(&format));
    format.max_z_error = 0.1;
    CHECK(pyr_tile_format_is_lossy(&format));
    format.compression = PYR_TIFF_DEFLATE;
    CHECK(!pyr_tile_format_is_lossy(&format));
    format.compression = PYR_TIFF_JPEG;
    CHECK(pyr_tile_format_is_lossy(&format));
    format.compression = PYR_TIFF_WEBP;
    CHECK(pyr_tile_format_is_lossy(&format));
    format.lossless = true;
    CHECK(!pyr_tile_format_is_lossy(&format));
}

static void test_margins(void)
{
    const struct pyr_tile_format format = *format_of(PYR_TIFF_NONE);
    const size_t row_bytes = (size_t)SIDE * 3 + 5;
    uint8_t pixels[SIDE * (SIDE * 3 + 5)];
    for (uint32_t width = 1; width <= SIDE; width += 21)
        for (uint32_t height = 1; height <= SIDE; height += 9)
        {
            size_t nwrong = 0;
            memset(pixels, 0xEE, sizeof pixels);
            for (size_t y = 0; y < height; y++)
                for (size_t i = 0; i < (size_t)width * 3; i++)
                    pixels[y * row_bytes + i] = (uint8_t)(y * 7 + i);
            pyr_tile_fill_up(&format, pixels, row_bytes, width, height);
            for (size_t y = 0; y < SIDE; y++)
                for (size_t i = 0; i < row_bytes; i++)
                {
                    const size_t last = (size_t)(width - 1) * 3 + i % 3;
                    const size_t from = i < (size_t)width * 3 ? i : last;
                    const size_t row = y < height ? y : height - 1;
                    const uint8_t value =
                        i < (size_t)SIDE * 3 ? (uint8_t)(row * 7 + from) : 0xEE;
                    nwrong += pixels[y * row_bytes + i] != value;
                }
            CHECK_INT(nwrong, 0);
        }
}

int main(void)
{
    RUN(test_broken);
    RUN(test_refused);
    RUN(test_memory);
    RUN(test_lossy);
    RUN(test_margins);
    return unit_report();
}
