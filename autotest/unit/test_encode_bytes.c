/* SPDX-License-Identifier: MIT */
/* Tests of pyr_encode: the bytes that each codec writes (spec section 5.1). */
#include "encode_check.h"
#include "pyr_buf.h"

#include <libdeflate.h>

static void test_raw_bytes(void)
{
    const struct pyr_encoding encoding = {PYR_CODEC_RAW, 0, 0};
    static const struct pyr_tile_shape shape = {2, 1, 1, PYR_SAMPLE_FLOAT32};
    static const float numbers[2] = {1.0f, -2.5f};
    static const uint8_t expected[8] = {0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC0};
    struct encoded tile =
        encode_alone(encoding, &shape, (const uint8_t *)numbers);
    CHECK_INT(tile.nbytes, 8);
    CHECK_INT(memcmp(tile.bytes, expected, 8), 0);
    free(tile.bytes);
}

/* One stream with the header that zlib writes at its level 6, and nothing
 * behind it. */
static void test_deflate_bytes(void)
{
    const struct pyr_encoding encoding = {PYR_CODEC_DEFLATE, 0, 6};
    uint8_t *pixels = make_pixels(&rgba);
    uint8_t *out = need(malloc(pyr_tile_bytes(&rgba)));
    struct encoded tile = encode_alone(encoding, &rgba, pixels);
    struct libdeflate_decompressor *decompressor =
        need(libdeflate_alloc_decompressor());
    size_t taken = 0;

    CHECK_INT(tile.bytes[0], 0x78);
    CHECK_INT(tile.bytes[1], 0x9C);
    CHECK_INT(
        libdeflate_zlib_decompress_ex(decompressor, tile.bytes, tile.nbytes,
                                      out, pyr_tile_bytes(&rgba), &taken, NULL),
        LIBDEFLATE_SUCCESS);
    CHECK_INT(taken, tile.nbytes);
    libdeflate_free_decompressor(decompressor);
    free(tile.bytes);
    free(out);
    free(pixels);
}

static uint32_t be32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
           (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Spec section 5.1: signature and IHDR in 33 bytes, one IDAT, IEND; the stream
 * is at byte 41 and has 57 bytes fewer than the file. */
static void check_png(const struct pyr_tile_shape *shape, uint8_t colour_type)
{
    const struct pyr_encoding encoding = {PYR_CODEC_PNG, 0, 5};
    const size_t row_bytes = pyr_tile_row_bytes(shape);
    const size_t nbytes = (row_bytes + 1) * shape->height_px;
    uint8_t *pixels = make_pixels(shape);
    uint8_t *rows = need(malloc(nbytes));
    struct encoded tile = encode_alone(encoding, shape, pixels);
    const uint8_t *file = tile.bytes;
    const size_t stream_nbytes = tile.nbytes - 57;
    size_t taken = 0;

    CHECK_INT(memcmp(file, "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR", 16), 0);
    CHECK_INT(be32(file + 16), shape->width_px);
    CHECK_INT(be32(file + 20), shape->height_px);
    CHECK_INT(file[24], 8);
    CHECK_INT(file[25], colour_type);
    CHECK_INT(memcmp(file + 26, "\0\0\0", 3), 0);
    CHECK_INT(be32(file + 29), libdeflate_crc32(0, file + 12, 17));
    CHECK_INT(be32(file + 33), stream_nbytes);
    CHECK_INT(memcmp(file + 37, "IDAT", 4), 0);
    CHECK_INT(be32(file + 41 + stream_nbytes),
              libdeflate_crc32(0, file + 37, 4 + stream_nbytes));
    CHECK_INT(
        memcmp(file + 45 + stream_nbytes, "\0\0\0\0IEND\xAE\x42\x60\x82", 12),
        0);

    struct libdeflate_decompressor *decompressor =
        need(libdeflate_alloc_decompressor());
    CHECK_INT(libdeflate_zlib_decompress_ex(decompressor, file + 41,
                                            stream_nbytes, rows, nbytes, &taken,
                                            NULL),
              LIBDEFLATE_SUCCESS);
    CHECK_INT(taken, stream_nbytes);
    for (size_t row = 0; row < shape->height_px; row++)
    {
        CHECK_INT(rows[row * (row_bytes + 1)], 0);
        CHECK_INT(memcmp(rows + row * (row_bytes + 1) + 1,
                         pixels + row * row_bytes, row_bytes),
                  0);
    }
    libdeflate_free_decompressor(decompressor);
    free(tile.bytes);
    free(rows);
    free(pixels);
}

static void test_png_bytes(void)
{
    check_png(&gray, 0);
    check_png(&graya, 4);
    check_png(&rgb, 2);
    check_png(&rgba, 6);
    check_png(&wide, 2);
}

/* Every segment between the first marker and the scan, in order. */
static void check_jpeg(int quality, uint8_t first_divisor)
{
    const struct pyr_encoding encoding = {PYR_CODEC_JPEG, quality, 0};
    static const uint8_t markers[] = {0xE0, 0xDB, 0xDB, 0xC0, 0xC4,
                                      0xC4, 0xC4, 0xC4, 0xDA};
    static const uint8_t tables[] = {0, 0x10, 1, 0x11}; /* DC 0, AC 0, ... */
    uint8_t *pixels = make_pixels(&rgb);
    struct encoded tile = encode_alone(encoding, &rgb, pixels);
    const uint8_t *at = tile.bytes;
    unsigned ntables = 0;
    unsigned ndivisors = 0;

    CHECK_INT(memcmp(at, "\xFF\xD8", 2), 0);
    at += 2;
    for (size_t i = 0; i < sizeof(markers); i++)
    {
        CHECK_INT(at[0], 0xFF);
        CHECK_INT(at[1], markers[i]);
        if (at[1] != markers[i])
            break;
        if (at[1] == 0xE0) /* JFIF 1.1, no density, no thumbnail */
            CHECK_INT(memcmp(at + 2, "\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", 16), 0);
        if (at[1] == 0xDB)
        {
            CHECK_INT(at[3], 67);
            CHECK_INT(at[4], ndivisors++);
            if (at[4] == 0)
                CHECK_INT(at[5], first_divisor);
        }
        if (at[1] == 0xC0) /* 29 rows, 37 columns, Y 2x2, Cb, Cr */
            CHECK_INT(memcmp(at + 2,
                             "\0\x11\x08\0\x1D\0\x25\3\1\x22\0\2\x11\1\3\x11\1",
                             17),
                      0);
        if (at[1] == 0xC4)
            CHECK_INT(at[4], tables[ntables++]);
        at += 2 + (at[2] << 8) + at[3];
    }
    CHECK_INT(memcmp(tile.bytes + tile.nbytes - 2, "\xFF\xD9", 2), 0);
    free(tile.bytes);
    free(pixels);
}

/* The first divisor of the standard is 16 at quality 50. */
static void test_jpeg_bytes(void)
{
    check_jpeg(1, 255);
    check_jpeg(50, 16);
    check_jpeg(75, 8);
    check_jpeg(90, 3);
    check_jpeg(100, 1);
}

/* The next code of width bits, first bit first; 0 behind the end. */
static unsigned read_code(struct encoded tile, size_t *bit, unsigned width)
{
    unsigned code = 0;
    for (unsigned i = 0; i < width; i++, ++*bit)
    {
        const unsigned byte =
            *bit / 8 < tile.nbytes ? tile.bytes[*bit / 8] : 0u;
        code = code << 1 | (byte >> (7 - *bit % 8) & 1);
    }
    return code;
}

/* Codes of 9 to 12 bits: first 256 (Clear), last 257 (end), in the last byte.
 * Each code but the first after a Clear adds one to the table, and the width
 * grows one code early. */
static void check_lzw(const struct pyr_tile_shape *shape, enum content content)
{
    const struct pyr_encoding encoding = {PYR_CODEC_LZW, 0, 0};
    uint8_t *pixels = make_content(shape, content);
    struct encoded tile = encode_alone(encoding, shape, pixels);
    size_t bit = 0;
    unsigned code = read_code(tile, &bit, 9);
    unsigned next = 258;
    unsigned width = 9;

    CHECK_INT(code, 256);
    next--; /* the first code adds nothing */
    while (code != 257 && bit < 8 * tile.nbytes)
    {
        code = read_code(tile, &bit, width);
        if (code == 256)
        {
            next = 257;
            width = 9;
            continue;
        }
        CHECK(code <= next && next < 4096);
        next++;
        if (next + 1 >= 1u << width && width < 12)
            width++;
    }
    CHECK_INT(code, 257);
    CHECK_INT((bit + 7) / 8, tile.nbytes);
    free(tile.bytes);
    free(pixels);
}

static void test_lzw_bytes(void)
{
    for (int content = 0; content < NCONTENTS; content++)
    {
        check_lzw(&gray, (enum content)content);
        check_lzw(&one, (enum content)content);
        check_lzw(&floats3, (enum content)content);
        check_lzw(&rgba, (enum content)content);
        check_lzw(&large, (enum content)content);
    }
}

/* A count below 128 copies count + 1 bytes, one above repeats the next byte
 * 257 - count times; none goes beyond its row. */
static void check_packbits(const struct pyr_tile_shape *shape,
                           enum content content)
{
    const struct pyr_encoding encoding = {PYR_CODEC_PACKBITS, 0, 0};
    uint8_t *pixels = make_content(shape, content);
    struct encoded tile = encode_alone(encoding, shape, pixels);
    const size_t row_bytes = pyr_tile_row_bytes(shape);
    size_t at = 0;

    for (size_t row = 0; row < shape->height_px; row++)
    {
        size_t done = 0;
        while (done < row_bytes && at < tile.nbytes)
        {
            const unsigned count = tile.bytes[at++];
            done += count < 128 ? count + 1 : count > 128 ? 257 - count : 0;
            at += count < 128 ? count + 1 : count > 128 ? 1 : 0;
        }
        CHECK_INT(done, row_bytes);
    }
    CHECK_INT(at, tile.nbytes);
    free(tile.bytes);
    free(pixels);
}

static void test_packbits_bytes(void)
{
    for (int content = 0; content < NCONTENTS; content++)
        for (size_t i = 0; i < NSHAPES; i++)
            check_packbits(shapes[i], (enum content)content);
}

/* The slab of 2 x 2 tiles of 64 x 64 RGB pixels (spec section 5). */
static struct encoded read_slab(const char *path)
{
    struct encoded slab = {need(malloc(100000)), 0};
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    if (file)
    {
        slab.nbytes = fread(slab.bytes, 1, 100000, file);
        fclose(file);
    }
    CHECK(slab.nbytes > 2080 && slab.nbytes < 100000);
    return slab;
}

static struct encoded tile_of(struct encoded slab, unsigned tile)
{
    return (struct encoded){slab.bytes + pyr_le32(slab.bytes + 2048 + 4 * tile),
                            pyr_le32(slab.bytes + 2064 + 4 * tile)};
}

/* The pixels of a raw pyramid of the reference become what its JPEG pyramid of
 * the same picture holds. */
static void check_like_reference(int quality, const char *path)
{
    static const struct pyr_tile_shape shape = {64, 64, 3, PYR_SAMPLE_UINT8};
    const struct pyr_encoding encoding = {PYR_CODEC_JPEG, quality, 0};
    struct encoded raw =
        read_slab(ROK4_TEST_DATA "/t64_raw_uint8_rgb/DATA/5/00/00/XN.tif");
    struct encoded jpeg = read_slab(path);
    uint8_t *expected = need(malloc(pyr_tile_bytes(&shape)));

    for (unsigned i = 0; i < 4; i++)
    {
        struct encoded tile =
            encode_alone(encoding, &shape, tile_of(raw, i).bytes);
        CHECK_INT(decode(PYR_CODEC_JPEG, &shape, tile_of(jpeg, i), expected),
                  PYR_OK);
        CHECK_INT(decoded_error(PYR_CODEC_JPEG, &shape, tile, expected), 0);
        free(tile.bytes);
    }
    free(expected);
    free(jpeg.bytes);
    free(raw.bytes);
}

static void test_like_reference(void)
{
    check_like_reference(75, ROK4_TEST_DATA
                         "/t64_jpg_uint8_rgb/DATA/5/00/00/XN.tif");
    check_like_reference(90, ROK4_TEST_DATA
                         "/t64_jpg90_uint8_rgb/DATA/5/00/00/XN.tif");
}

int main(void)
{
    RUN(test_raw_bytes);
    RUN(test_deflate_bytes);
    RUN(test_png_bytes);
    RUN(test_jpeg_bytes);
    RUN(test_lzw_bytes);
    RUN(test_packbits_bytes);
    RUN(test_like_reference);
    return unit_report();
}
