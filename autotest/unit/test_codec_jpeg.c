/* SPDX-License-Identifier: MIT */
/* Tests of pyr_codec_jpeg: what JPEG tiles decode to, and which do not. */
#include "codec_check.h"

#include <stdio.h> /* jpeglib.h wants FILE and size_t */

#include <jpeglib.h>

static const struct pyr_tile_shape rgb = {37, 29, 3, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape gray = {37, 29, 1, PYR_SAMPLE_UINT8};

/* How a tile is encoded; zero everywhere is gray or YCbCr 4:2:0 baseline. */
struct recipe
{
    J_COLOR_SPACE stored; /* JCS_UNKNOWN: libjpeg's choice */
    bool no_subsampling;
    bool progressive;
    bool arithmetic;
    bool no_markers; /* neither JFIF nor Adobe */
    bool scan_for_each_coefficient;
    unsigned restart_interval;
};

static J_COLOR_SPACE input_colours(uint32_t bands)
{
    if (bands == 1)
        return JCS_GRAYSCALE;
    if (bands == 3)
        return JCS_RGB;
    return bands == 4 ? JCS_CMYK : JCS_UNKNOWN;
}

static struct encoded encode_pixels(const struct pyr_tile_shape *shape,
                                    struct recipe how, uint8_t *pixels)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    struct encoded tile = {NULL, 0};
    unsigned long nbytes = 0;
    jpeg_scan_info scans[1 + 3 * 63];

    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &tile.bytes, &nbytes);
    info.image_width = shape->width_px;
    info.image_height = shape->height_px;
    info.input_components = (int)shape->bands;
    info.in_color_space = input_colours(shape->bands);
    jpeg_set_defaults(&info);
    if (how.stored != JCS_UNKNOWN)
        jpeg_set_colorspace(&info, how.stored);
    jpeg_set_quality(&info, 98, TRUE);
    if (how.no_subsampling)
        info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
    if (how.progressive)
        jpeg_simple_progression(&info);
    if (how.scan_for_each_coefficient)
    {
        const int n = info.num_components;
        scans[0] = (jpeg_scan_info){n, {0, 1, 2, 0}, 0, 0, 0, 0};
        for (int i = 0; i < n * 63; i++)
            scans[1 + i] = (jpeg_scan_info){
                1, {i % n, 0, 0, 0}, 1 + i / n, 1 + i / n, 0, 0};
        info.scan_info = scans;
        info.num_scans = 1 + n * 63;
    }
    info.arith_code = how.arithmetic;
    info.restart_interval = how.restart_interval;
    if (how.no_markers)
        info.write_JFIF_header = info.write_Adobe_marker = FALSE;

    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height)
    {
        JSAMPROW row = pixels + info.next_scanline * pyr_tile_row_bytes(shape);
        (void)jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    tile.nbytes = nbytes;
    return tile;
}

static struct encoded encode(const struct pyr_tile_shape *shape,
                             struct recipe how)
{
    uint8_t *pixels = make_pixels(shape);
    struct encoded tile = encode_pixels(shape, how, pixels);
    free(pixels);
    return tile;
}

static void check_tile(const struct pyr_tile_shape *shape, struct recipe how,
                       int tolerance)
{
    struct encoded tile = encode(shape, how);
    struct encoded longer = with_bytes_at(tile, tile.nbytes, "tail", 4);
    uint8_t *expected = make_pixels(shape);

    const int error = decoded_error(PYR_CODEC_JPEG, shape, tile, expected);
    CHECK(error <= tolerance);
    CHECK_INT(decoded_error(PYR_CODEC_JPEG, shape, longer, expected), error);
    check_truncations(PYR_CODEC_JPEG, shape, tile, tile.nbytes);
    free(expected);
    free(longer.bytes);
    free(tile.bytes);
}

static void test_kinds(void)
{
    check_tile(&rgb, (struct recipe){0}, 6);
    check_tile(&rgb, (struct recipe){.progressive = true}, 6);
    check_tile(&rgb, (struct recipe){.restart_interval = 1}, 6);
    check_tile(&rgb, (struct recipe){.no_subsampling = true}, 6);
    check_tile(&rgb, (struct recipe){.no_markers = true}, 6);
    check_tile(&rgb, (struct recipe){.arithmetic = true}, 6);
    check_tile(&rgb, (struct recipe){.stored = JCS_RGB}, 4);
    check_tile(&gray, (struct recipe){0}, 4);
    check_tile(&gray, (struct recipe){.progressive = true}, 4);
}

/* libjpeg line by line, with all its defaults. */
static void test_same_as_library(void)
{
    const struct pyr_tile_shape shape = {250, 70, 3, PYR_SAMPLE_UINT8};
    struct encoded tile = encode(&shape, (struct recipe){0});
    uint8_t *expected = need(malloc(pyr_tile_bytes(&shape)));
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;

    info.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, tile.bytes, (unsigned long)tile.nbytes);
    (void)jpeg_read_header(&info, TRUE);
    (void)jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height)
    {
        JSAMPROW row = expected + info.output_scanline * (size_t)750;
        (void)jpeg_read_scanlines(&info, &row, 1);
    }
    (void)jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    CHECK_INT(decoded_error(PYR_CODEC_JPEG, &shape, tile, expected), 0);
    free(expected);
    free(tile.bytes);
}

static void test_gray_and_colour(void)
{
    const size_t npixels = (size_t)gray.width_px * gray.height_px;
    uint8_t *one = make_pixels(&gray);
    uint8_t *three = need(malloc(npixels * 3));
    for (size_t i = 0; i < npixels * 3; i++)
        three[i] = one[i / 3];

    struct encoded tile = encode_pixels(&gray, (struct recipe){0}, one);
    CHECK(decoded_error(PYR_CODEC_JPEG, &rgb, tile, three) <= 4);
    free(tile.bytes);
    tile = encode_pixels(&rgb, (struct recipe){0}, three);
    CHECK(decoded_error(PYR_CODEC_JPEG, &gray, tile, one) <= 4);
    free(tile.bytes);
    tile = encode_pixels(&rgb, (struct recipe){.stored = JCS_RGB}, three);
    CHECK(decoded_error(PYR_CODEC_JPEG, &gray, tile, one) <= 4);
    free(tile.bytes);
    free(three);
    free(one);
}

/* Two and four components are taken as they are, unless Adobe says CMYK. */
static void test_other_components(void)
{
    const struct pyr_tile_shape two = {37, 29, 2, PYR_SAMPLE_UINT8};
    const struct pyr_tile_shape four = {37, 29, 4, PYR_SAMPLE_UINT8};
    const struct recipe bare = {.no_markers = true};

    check_tile(&two, bare, 4);
    check_tile(&four, bare, 4);

    struct encoded tile = encode(&four, bare);
    CHECK_INT(result_of(PYR_CODEC_JPEG, &rgb, tile), PYR_UNSUPPORTED);
    CHECK_INT(result_of(PYR_CODEC_JPEG, &two, tile), PYR_UNSUPPORTED);
    free(tile.bytes);
    tile = encode(&four, (struct recipe){0});
    CHECK_INT(result_of(PYR_CODEC_JPEG, &four, tile), PYR_UNSUPPORTED);
    free(tile.bytes);
    tile = encode(&two, bare);
    CHECK_INT(result_of(PYR_CODEC_JPEG, &rgb, tile), PYR_CORRUPT);
    free(tile.bytes);
    tile = encode(&rgb, (struct recipe){0});
    CHECK_INT(result_of(PYR_CODEC_JPEG, &four, tile), PYR_CORRUPT);
    free(tile.bytes);
}

static void test_wrong_size(void)
{
    struct encoded tile = encode(&rgb, (struct recipe){0});
    struct pyr_decoder *decoder = NULL;
    struct pyr_error err = {""};
    uint8_t pixels[64 * 64 * 3];
    const struct pyr_tile_shape square = {64, 64, 3, PYR_SAMPLE_UINT8};

    CHECK_INT(pyr_decoder_new(&decoder), PYR_OK);
    CHECK_INT(pyr_decode(decoder, PYR_CODEC_JPEG, &square, tile.bytes,
                         tile.nbytes, pixels, &err),
              PYR_CORRUPT);
    CHECK_STR(err.text, "tile is 37x29, expected 64x64");
    CHECK_INT(pyr_decode(decoder, PYR_CODEC_JPEG, &square,
                         (const uint8_t *)"not a JPEG", 10, pixels, &err),
              PYR_CORRUPT);
    CHECK_STR(err.text, "JPEG: Not a JPEG file: starts with 0x6e 0x6f");
    pyr_decoder_free(decoder);
    free(tile.bytes);
}

/* Offset of the first marker 0xFF code. */
static size_t find_marker(struct encoded tile, uint8_t code)
{
    for (size_t at = 0; at + 1 < tile.nbytes; at++)
        if (tile.bytes[at] == 0xFF && tile.bytes[at + 1] == code)
            return at;
    CHECK(false);
    return 0;
}

static void test_bytes_between(void)
{
    struct encoded tile = encode(&rgb, (struct recipe){0});
    struct encoded padded =
        with_bytes_at(tile, find_marker(tile, 0xC4), "junk", 4);
    uint8_t *expected = need(malloc(pyr_tile_bytes(&rgb)));

    CHECK_INT(decode(PYR_CODEC_JPEG, &rgb, tile, expected), PYR_OK);
    CHECK_INT(decoded_error(PYR_CODEC_JPEG, &rgb, padded, expected), 0);
    free(padded.bytes);
    padded = with_bytes_at(tile, tile.nbytes - 2, "\0\0\0\0", 4);
    CHECK_INT(decoded_error(PYR_CODEC_JPEG, &rgb, padded, expected), 0);
    free(padded.bytes);
    free(expected);
    free(tile.bytes);
}

static void test_damaged(void)
{
    struct encoded tile = encode(&rgb, (struct recipe){0});
    const size_t scan = find_marker(tile, 0xDA) + 14;

    /* An end marker in the middle; codes that no table holds. */
    struct encoded bad = with_bytes_at(tile, scan + 20, "\xFF\xD9", 2);
    CHECK_INT(result_of(PYR_CODEC_JPEG, &rgb, bad), PYR_CORRUPT);
    memset(bad.bytes + scan, 0xFE, bad.nbytes - scan - 2);
    CHECK_INT(result_of(PYR_CODEC_JPEG, &rgb, bad), PYR_CORRUPT);
    free(bad.bytes);

    /* 12 bits per sample, then a lossless file. */
    const size_t frame = find_marker(tile, 0xC0);
    tile.bytes[frame + 4] = 12;
    CHECK_INT(result_of(PYR_CODEC_JPEG, &rgb, tile), PYR_UNSUPPORTED);
    tile.bytes[frame + 4] = 8;
    tile.bytes[frame + 1] = 0xC3;
    CHECK_INT(result_of(PYR_CODEC_JPEG, &rgb, tile), PYR_UNSUPPORTED);
    free(tile.bytes);
}

/* One scan for each coefficient: 64 are many, 190 too many. */
static void test_many_scans(void)
{
    const struct recipe how = {.scan_for_each_coefficient = true};
    struct encoded tile = encode(&gray, how);
    uint8_t *expected = make_pixels(&gray);

    CHECK(decoded_error(PYR_CODEC_JPEG, &gray, tile, expected) <= 4);
    free(expected);
    free(tile.bytes);
    tile = encode(&rgb, how);
    CHECK_INT(result_of(PYR_CODEC_JPEG, &rgb, tile), PYR_LIMIT);
    free(tile.bytes);
}

int main(void)
{
    RUN(test_kinds);
    RUN(test_same_as_library);
    RUN(test_gray_and_colour);
    RUN(test_other_components);
    RUN(test_wrong_size);
    RUN(test_bytes_between);
    RUN(test_damaged);
    RUN(test_many_scans);
    return unit_report();
}
