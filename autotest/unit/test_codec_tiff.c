/* SPDX-License-Identifier: MIT */
/* Tests of pyr_codec_tiff: LZW and PackBits tiles. */
#include "codec_check.h"
#include "pyr_alloc.h"

#include <stdio.h>
#include <unistd.h>

#include <tiffio.h>

static const struct pyr_tile_shape gray = {32, 16, 1, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape rgba = {13, 9, 4, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape floats = {16, 16, 1, PYR_SAMPLE_FLOAT32};

/* The one strip of a TIFF file that libtiff writes in the ordinary way. */
static struct encoded encode(int compression,
                             const struct pyr_tile_shape *shape)
{
    uint8_t *pixels = make_pixels(shape);
    FILE *file = need(tmpfile());
    const bool is_float = shape->sample == PYR_SAMPLE_FLOAT32;
    const uint16_t extra[PYR_MAX_BANDS] = {EXTRASAMPLE_UNSPECIFIED};

    TIFF *tiff = need(TIFFFdOpen(dup(fileno(file)), "tile", "wl"));
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, shape->width_px);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, shape->height_px);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, is_float ? 32 : 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)shape->bands);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, is_float ? 3 : 1);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    if (shape->bands > 1)
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, (int)shape->bands - 1, extra);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, shape->height_px);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
    CHECK(TIFFWriteEncodedStrip(tiff, 0, pixels,
                                (tmsize_t)pyr_tile_bytes(shape)) > 0);
    TIFFClose(tiff);
    free(pixels);

    rewind(file);
    tiff = need(TIFFFdOpen(dup(fileno(file)), "tile", "r"));
    const tmsize_t nbytes = TIFFRawStripSize(tiff, 0);
    struct encoded tile = {need(malloc((size_t)nbytes)), (size_t)nbytes};
    CHECK_INT(TIFFReadRawStrip(tiff, 0, tile.bytes, nbytes), nbytes);
    TIFFClose(tiff);
    fclose(file);
    return tile;
}

/* An LZW tile ends with a code of up to 12 bits that carries no pixel, hence up
 * to 2 spare bytes. */
static void check_tile(int compression, enum pyr_codec codec,
                       const struct pyr_tile_shape *shape, size_t spare_bytes)
{
    struct encoded tile = encode(compression, shape);
    struct encoded longer = with_bytes_at(tile, tile.nbytes, "\xff\0\0\0", 4);
    uint8_t *expected = make_pixels(shape);

    CHECK_INT(decoded_error(codec, shape, tile, expected), 0);
    CHECK_INT(decoded_error(codec, shape, longer, expected), 0);
    check_truncations(codec, shape, tile, tile.nbytes - spare_bytes);
    free(expected);
    free(longer.bytes);
    free(tile.bytes);
}

static void test_lzw(void)
{
    check_tile(COMPRESSION_LZW, PYR_CODEC_LZW, &gray, 2);
    check_tile(COMPRESSION_LZW, PYR_CODEC_LZW, &rgba, 2);
    check_tile(COMPRESSION_LZW, PYR_CODEC_LZW, &floats, 2);
}

static void test_packbits(void)
{
    check_tile(COMPRESSION_PACKBITS, PYR_CODEC_PACKBITS, &gray, 0);
    check_tile(COMPRESSION_PACKBITS, PYR_CODEC_PACKBITS, &rgba, 0);
    check_tile(COMPRESSION_PACKBITS, PYR_CODEC_PACKBITS, &floats, 0);
}

/* More codes than the table holds: 12-bit codes and a Clear in the middle. */
static void test_lzw_long(void)
{
    const struct pyr_tile_shape shape = {128, 128, 4, PYR_SAMPLE_UINT8};
    struct encoded tile = encode(COMPRESSION_LZW, &shape);
    uint8_t *expected = make_pixels(&shape);
    CHECK_INT(decoded_error(PYR_CODEC_LZW, &shape, tile, expected), 0);
    free(expected);
    free(tile.bytes);
}

/* Pixels 10 10 10 10 20 20 20 20. The codes have 9 bits, first bit first:
 *
 *   100000000 256 Clear
 *   000001010  10
 *   100000010 258 = 10 10
 *   000001010  10
 *   000010100  20
 *   100000101 261 = 20 20 (259 is 10 10 10, 260 is 10 20)
 *   000010100  20
 *   100000001 257 end
 *
 * 10000000 00000010 10100000 01000000 10100000 10100100 00010100 00101001
 * 00000001 */
static void test_lzw_by_hand(void)
{
    static const struct pyr_tile_shape shape = {4, 2, 1, PYR_SAMPLE_UINT8};
    static const uint8_t expected[8] = {10, 10, 10, 10, 20, 20, 20, 20};
    uint8_t bytes[] = {0x80, 0x02, 0xA0, 0x40, 0xA0, 0xA4, 0x14, 0x29, 0x01};
    struct encoded tile = {bytes, sizeof(bytes)};

    CHECK_INT(decoded_error(PYR_CODEC_LZW, &shape, tile, expected), 0);
    check_truncations(PYR_CODEC_LZW, &shape, tile, 8);

    /* A code that is in no table yet (400 instead of the second 258). */
    bytes[2] |= 0x0B;
    CHECK_INT(result_of(PYR_CODEC_LZW, &shape, tile), PYR_CORRUPT);
    /* No Clear at the start. */
    bytes[0] = 0x05;
    CHECK_INT(result_of(PYR_CODEC_LZW, &shape, tile), PYR_CORRUPT);
    /* The bit order that libtiff would take for good. */
    bytes[0] = 0;
    bytes[1] = 1;
    CHECK_INT(result_of(PYR_CODEC_LZW, &shape, tile), PYR_CORRUPT);
}

/* Two rows of four: 0xFD (-3) repeats the next byte 4 times, 0x80 means
 * nothing, 0x03 copies 4 bytes. */
static void test_packbits_by_hand(void)
{
    static const struct pyr_tile_shape shape = {4, 2, 1, PYR_SAMPLE_UINT8};
    static const uint8_t expected[8] = {9, 9, 9, 9, 1, 2, 3, 4};
    uint8_t bytes[] = {0xFD, 9, 0x80, 0x03, 1, 2, 3, 4};
    struct encoded tile = {bytes, sizeof(bytes)};

    CHECK_INT(decoded_error(PYR_CODEC_PACKBITS, &shape, tile, expected), 0);
    check_truncations(PYR_CODEC_PACKBITS, &shape, tile, sizeof(bytes));
}

/* The handle inside is kept for one codec and shape: change both, to and fro,
 * with failures in between. */
static void test_one_decoder(void)
{
    const struct pyr_tile_shape *shapes[] = {&gray, &rgba, &floats, &gray};
    struct pyr_decoder *decoder = NULL;
    CHECK_INT(pyr_decoder_new(&decoder), PYR_OK);
    for (unsigned round = 0; round < 8; round++)
    {
        const struct pyr_tile_shape *shape = shapes[round / 2];
        const bool lzw = round % 2 == 0;
        const enum pyr_codec codec = lzw ? PYR_CODEC_LZW : PYR_CODEC_PACKBITS;
        struct encoded tile =
            encode(lzw ? COMPRESSION_LZW : COMPRESSION_PACKBITS, shape);
        uint8_t *expected = make_pixels(shape);
        uint8_t *pixels = need(malloc(pyr_tile_bytes(shape)));

        CHECK_INT(decode_with(decoder, codec, shape, tile.bytes,
                              tile.nbytes / 2, pixels),
                  PYR_CORRUPT);
        CHECK_INT(
            decode_with(decoder, codec, shape, tile.bytes, tile.nbytes, pixels),
            PYR_OK);
        CHECK_INT(memcmp(pixels, expected, pyr_tile_bytes(shape)), 0);
        free(pixels);
        free(expected);
        free(tile.bytes);
    }
    pyr_decoder_free(decoder);
}

#ifdef PYR_ALLOC_FAILURES
/* The first allocation is the decoder's, the second ours for libtiff. */
static void test_no_memory(void)
{
    struct encoded tile = encode(COMPRESSION_LZW, &gray);
    for (unsigned long nth = 1; nth <= 3; nth++)
    {
        pyr_alloc_fail_nth(nth);
        CHECK_INT(result_of(PYR_CODEC_LZW, &gray, tile),
                  nth < 3 ? PYR_NOMEM : PYR_OK);
    }
    pyr_alloc_fail_nth(0);
    free(tile.bytes);
}
#endif

int main(void)
{
    RUN(test_lzw);
    RUN(test_packbits);
    RUN(test_lzw_long);
    RUN(test_lzw_by_hand);
    RUN(test_packbits_by_hand);
    RUN(test_one_decoder);
#ifdef PYR_ALLOC_FAILURES
    RUN(test_no_memory);
#endif
    return unit_report();
}
