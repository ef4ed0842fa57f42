/* SPDX-License-Identifier: MIT */
/* Tests of pyr_codec: raw and zlib tiles, misuse, lack of memory. */
#include "codec_check.h"
#include "pyr_alloc.h"

#include <libdeflate.h>

static const struct pyr_tile_shape gray = {16, 8, 1, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape rgba = {7, 5, 4, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape floats = {6, 5, 2, PYR_SAMPLE_FLOAT32};

/* Tests know how to swap: files are little endian on any machine. */
static void to_little_endian(const struct pyr_tile_shape *shape,
                             uint8_t *pixels)
{
    if (shape->sample != PYR_SAMPLE_FLOAT32)
        return;
    for (size_t at = 0; at < pyr_tile_bytes(shape); at += 4)
    {
        uint32_t word;
        memcpy(&word, pixels + at, sizeof(word));
        for (unsigned i = 0; i < 4; i++)
            pixels[at + i] = (uint8_t)(word >> (8 * i));
    }
}

static struct encoded make_raw(const struct pyr_tile_shape *shape)
{
    struct encoded tile = {make_pixels(shape), pyr_tile_bytes(shape)};
    to_little_endian(shape, tile.bytes);
    return tile;
}

static struct encoded deflate_bytes(const uint8_t *bytes, size_t nbytes)
{
    struct libdeflate_compressor *compressor =
        need(libdeflate_alloc_compressor(6));
    const size_t bound = libdeflate_zlib_compress_bound(compressor, nbytes);
    struct encoded tile = {need(malloc(bound)), 0};
    tile.nbytes =
        libdeflate_zlib_compress(compressor, bytes, nbytes, tile.bytes, bound);
    libdeflate_free_compressor(compressor);
    return tile;
}

static struct encoded make_deflate(const struct pyr_tile_shape *shape)
{
    struct encoded raw = make_raw(shape);
    struct encoded tile = deflate_bytes(raw.bytes, raw.nbytes);
    free(raw.bytes);
    return tile;
}

/* Same pixels, also with bytes behind the tile; every truncation fails. */
static void check_lossless(enum pyr_codec codec,
                           const struct pyr_tile_shape *shape,
                           struct encoded tile)
{
    uint8_t *expected = make_pixels(shape);
    struct encoded longer = with_bytes_at(tile, tile.nbytes, "tail", 4);

    CHECK_INT(decoded_error(codec, shape, tile, expected), 0);
    CHECK_INT(decoded_error(codec, shape, longer, expected), 0);
    check_truncations(codec, shape, tile, tile.nbytes);
    free(longer.bytes);
    free(expected);
    free(tile.bytes);
}

static void test_raw(void)
{
    check_lossless(PYR_CODEC_RAW, &gray, make_raw(&gray));
    check_lossless(PYR_CODEC_RAW, &rgba, make_raw(&rgba));
    check_lossless(PYR_CODEC_RAW, &floats, make_raw(&floats));
}

static void test_deflate(void)
{
    check_lossless(PYR_CODEC_DEFLATE, &gray, make_deflate(&gray));
    check_lossless(PYR_CODEC_DEFLATE, &rgba, make_deflate(&rgba));
    check_lossless(PYR_CODEC_DEFLATE, &floats, make_deflate(&floats));
}

static void test_deflate_wrong_size(void)
{
    struct encoded tile = make_deflate(&gray);
    struct pyr_tile_shape other = gray;
    other.height_px++;
    CHECK_INT(result_of(PYR_CODEC_DEFLATE, &other, tile), PYR_CORRUPT);
    other.height_px -= 2;
    CHECK_INT(result_of(PYR_CODEC_DEFLATE, &other, tile), PYR_CORRUPT);
    free(tile.bytes);
}

static void test_deflate_damaged(void)
{
    struct encoded tile = make_deflate(&gray);
    tile.bytes[tile.nbytes - 1] ^= 1; /* the checksum */
    CHECK_INT(result_of(PYR_CODEC_DEFLATE, &gray, tile), PYR_CORRUPT);
    tile.bytes[tile.nbytes - 1] ^= 1;
    tile.bytes[0] ^= 1; /* the method */
    CHECK_INT(result_of(PYR_CODEC_DEFLATE, &gray, tile), PYR_CORRUPT);
    free(tile.bytes);
}

static void test_usage(void)
{
    static const struct pyr_tile_shape bad[] = {
        {0, 8, 1, PYR_SAMPLE_UINT8},
        {8, PYR_MAX_TILE_SIDE_PX + 1, 1, PYR_SAMPLE_UINT8},
        {8, 8, 5, PYR_SAMPLE_UINT8},
        {16384, 16384, 1, PYR_SAMPLE_UINT8},
    };
    struct pyr_decoder *decoder = NULL;
    struct pyr_error err = {""};
    uint8_t pixels[64] = {0};

    CHECK_INT(pyr_decoder_new(&decoder), PYR_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_INT(pyr_decode(decoder, PYR_CODEC_RAW, &bad[i], pixels, 1, pixels,
                             NULL),
                  PYR_USAGE);
    const struct pyr_tile_shape shape = {2, 2, 1, PYR_SAMPLE_FLOAT32};
    CHECK_INT(
        pyr_decode(decoder, PYR_CODEC_JPEG, &shape, pixels, 9, pixels, &err),
        PYR_UNSUPPORTED);
    CHECK_STR(err.text, "JPEG and PNG tiles cannot hold floats");
    CHECK_INT(
        pyr_decode(decoder, PYR_CODEC_RAW, &shape, pixels, 9, pixels, &err),
        PYR_CORRUPT);
    CHECK_STR(err.text, "raw tile has 9 bytes, expected 16");
    CHECK_INT(pyr_decode(decoder, (enum pyr_codec)99, &shape, pixels, 9, pixels,
                         &err),
              PYR_USAGE);
    pyr_decoder_free(decoder);
    pyr_decoder_free(NULL);
}

#ifdef PYR_ALLOC_FAILURES
static void test_no_memory_for_decoder(void)
{
    struct pyr_decoder *decoder = NULL;
    pyr_alloc_fail_nth(1);
    CHECK_INT(pyr_decoder_new(&decoder), PYR_NOMEM);
    CHECK(decoder == NULL);
    pyr_alloc_fail_nth(0);
}
#endif

int main(void)
{
    RUN(test_raw);
    RUN(test_deflate);
    RUN(test_deflate_wrong_size);
    RUN(test_deflate_damaged);
    RUN(test_usage);
#ifdef PYR_ALLOC_FAILURES
    RUN(test_no_memory_for_decoder);
#endif
    return unit_report();
}
