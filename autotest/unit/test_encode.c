/* SPDX-License-Identifier: MIT */
/* Tests of pyr_encode: every codec there and back, misuse, lack of memory. */
#include "encode_check.h"
#include "pyr_alloc.h"

static const struct pyr_encoding encodings[] = {
    {PYR_CODEC_RAW, 0, 0},      {PYR_CODEC_JPEG, 75, 0},
    {PYR_CODEC_JPEG, 90, 0},    {PYR_CODEC_JPEG, 100, 0},
    {PYR_CODEC_PNG, 0, 1},      {PYR_CODEC_PNG, 0, 6},
    {PYR_CODEC_DEFLATE, 0, 6},  {PYR_CODEC_DEFLATE, 0, 1},
    {PYR_CODEC_DEFLATE, 0, 12}, {PYR_CODEC_LZW, 0, 0},
    {PYR_CODEC_PACKBITS, 0, 0}};
#define NENCODINGS (sizeof(encodings) / sizeof(encodings[0]))

static bool holds(enum pyr_codec codec, const struct pyr_tile_shape *shape)
{
    const bool bytes = shape->sample == PYR_SAMPLE_UINT8;
    if (codec == PYR_CODEC_JPEG)
        return bytes && shape->bands == 3;
    return codec != PYR_CODEC_PNG || bytes;
}

static bool same_tile(struct encoded left, struct encoded right)
{
    return left.nbytes == right.nbytes &&
           memcmp(left.bytes, right.bytes, left.nbytes) == 0;
}

/* One encoder for all shapes and contents, twice: what it has seen before
 * changes nothing. */
static void check_round_trips(struct pyr_encoding encoding)
{
    struct pyr_encoder *encoder = make_encoder(encoding);
    static const size_t gaps[] = {0, 5, 60};
    const bool lossy = encoding.codec == PYR_CODEC_JPEG;

    for (unsigned i = 0; i < 2 * NSHAPES * NCONTENTS; i++)
    {
        const struct pyr_tile_shape *shape = shapes[i / 2 % NSHAPES];
        const enum content content = (enum content)(i % NCONTENTS);
        if (!holds(encoding.codec, shape))
            continue;
        uint8_t *pixels = make_content(shape, content);
        struct encoded alone = encode_alone(encoding, shape, pixels);
        for (size_t j = 0; j < sizeof(gaps) / sizeof(gaps[0]); j++)
            CHECK(
                same_tile(encode_with(encoder, shape, pixels, gaps[j]), alone));
        if (!lossy)
            CHECK_INT(decoded_error(encoding.codec, shape, alone, pixels), 0);
        else if (content == CONSTANT)
            CHECK(decoded_error(encoding.codec, shape, alone, pixels) <= 1);
        else
            CHECK(decoded_error(encoding.codec, shape, alone, pixels) < 256);
        free(alone.bytes);
        free(pixels);
    }
    pyr_encoder_free(encoder);
}

static void test_round_trips(void)
{
    for (size_t i = 0; i < NENCODINGS; i++)
        check_round_trips(encodings[i]);
}

static void check_refused(struct pyr_encoding encoding, const char *text)
{
    struct pyr_encoder *encoder = NULL;
    struct pyr_error err = {""};
    CHECK_INT(pyr_encoder_new(&encoding, &encoder, &err), PYR_USAGE);
    CHECK_STR(err.text, text);
    CHECK(encoder == NULL);
    CHECK_INT(pyr_encoder_new(&encoding, &encoder, NULL), PYR_USAGE);
}

static void test_bad_encoding(void)
{
    check_refused((struct pyr_encoding){PYR_CODEC_JPEG, 0, 6},
                  "JPEG quality 0, expected 1 to 100");
    check_refused((struct pyr_encoding){PYR_CODEC_JPEG, 101, 6},
                  "JPEG quality 101, expected 1 to 100");
    check_refused((struct pyr_encoding){PYR_CODEC_PNG, 75, 0},
                  "compression level 0, expected 1 to 12");
    check_refused((struct pyr_encoding){PYR_CODEC_DEFLATE, 75, 13},
                  "compression level 13, expected 1 to 12");
    check_refused((struct pyr_encoding){(enum pyr_codec)99, 75, 6},
                  "unknown codec 99");
    pyr_encoder_free(NULL);
}

static void check_bad_tile(size_t encoding, struct pyr_tile_shape shape,
                           size_t row_bytes, enum pyr_result expected,
                           const char *text)
{
    struct pyr_encoder *encoder = make_encoder(encodings[encoding]);
    static const uint8_t pixels[64] = {0};
    const uint8_t *bytes = pixels;
    size_t nbytes = 7;
    struct pyr_error err = {""};

    CHECK_INT(
        pyr_encode(encoder, &shape, pixels, row_bytes, &bytes, &nbytes, &err),
        expected);
    CHECK_STR(err.text, text);
    CHECK(bytes == pixels && nbytes == 7);
    CHECK_INT(
        pyr_encode(encoder, &shape, pixels, row_bytes, &bytes, &nbytes, NULL),
        expected);
    pyr_encoder_free(encoder);
}

static void test_bad_tile(void)
{
    const struct pyr_tile_shape float2 = {2, 2, 3, PYR_SAMPLE_FLOAT32};
    const struct pyr_tile_shape empty = {0, 2, 3, PYR_SAMPLE_UINT8};
    const struct pyr_tile_shape bands5 = {2, 2, 5, PYR_SAMPLE_UINT8};
    const struct pyr_tile_shape rgba2 = {2, 2, 4, PYR_SAMPLE_UINT8};
    const struct pyr_tile_shape gray2 = {2, 2, 1, PYR_SAMPLE_UINT8};

    check_bad_tile(0, empty, 9, PYR_USAGE, "tile shape 0x2x3 is out of range");
    check_bad_tile(1, bands5, 10, PYR_USAGE,
                   "tile shape 2x2x5 is out of range");
    check_bad_tile(0, rgba2, 7, PYR_USAGE,
                   "rows are 7 bytes apart, expected at least 8");
    check_bad_tile(1, float2, 24, PYR_UNSUPPORTED,
                   "JPEG and PNG tiles cannot hold floats");
    check_bad_tile(4, float2, 24, PYR_UNSUPPORTED,
                   "JPEG and PNG tiles cannot hold floats");
    check_bad_tile(1, rgba2, 8, PYR_UNSUPPORTED,
                   "JPEG tiles have 3 bands, not 4");
    check_bad_tile(1, gray2, 8, PYR_UNSUPPORTED,
                   "JPEG tiles have 3 bands, not 1");
}

#ifdef PYR_ALLOC_FAILURES
/* Makes each allocation fail in turn; the encoder, if it was made, then still
 * encodes. Returns how many there are. Noise at quality 100 needs more room
 * than a JPEG file is given at first. */
static unsigned long fail_each(struct pyr_encoding encoding)
{
    uint8_t *pixels = make_content(&large, NOISE);
    const size_t row_bytes = pyr_tile_row_bytes(&large) + 3;
    uint8_t *rows = spread_rows(&large, pixels, row_bytes);
    struct encoded alone = encode_alone(encoding, &large, pixels);
    enum pyr_result result = PYR_NOMEM;
    unsigned long nth = 0;

    while (result != PYR_OK && nth < 100)
    {
        struct pyr_encoder *encoder = NULL;
        struct pyr_error err = {""};
        struct encoded tile = {NULL, 0};
        const uint8_t *bytes = NULL;

        pyr_alloc_fail_nth(++nth);
        result = pyr_encoder_new(&encoding, &encoder, &err);
        if (result == PYR_OK)
            result = pyr_encode(encoder, &large, rows, row_bytes, &bytes,
                                &tile.nbytes, &err);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        CHECK_INT(result == PYR_OK, err.text[0] == '\0');
        CHECK_INT(result == PYR_OK, bytes != NULL);
        if (encoder)
            CHECK(same_tile(encode_with(encoder, &large, pixels, 3), alone));
        pyr_encoder_free(encoder);
    }
    free(alone.bytes);
    free(rows);
    free(pixels);
    return nth - 1;
}

static void test_no_memory(void)
{
    /* The encoder and the tile; besides, the rows without gaps, the object for
     * the library, or a larger block. */
    CHECK_INT(fail_each((struct pyr_encoding){PYR_CODEC_RAW, 0, 0}), 2);
    CHECK_INT(fail_each((struct pyr_encoding){PYR_CODEC_DEFLATE, 0, 1}), 3);
    CHECK_INT(fail_each((struct pyr_encoding){PYR_CODEC_PNG, 0, 1}), 3);
    CHECK_INT(fail_each((struct pyr_encoding){PYR_CODEC_LZW, 0, 0}), 4);
    CHECK_INT(fail_each((struct pyr_encoding){PYR_CODEC_PACKBITS, 0, 0}), 4);
    CHECK_INT(fail_each((struct pyr_encoding){PYR_CODEC_JPEG, 100, 0}), 4);
}
#endif

int main(void)
{
    RUN(test_round_trips);
    RUN(test_bad_encoding);
    RUN(test_bad_tile);
#ifdef PYR_ALLOC_FAILURES
    RUN(test_no_memory);
#endif
    return unit_report();
}
