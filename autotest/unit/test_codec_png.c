/* SPDX-License-Identifier: MIT */
/* Tests of pyr_codec_png: files made chunk by chunk, and by libspng. */
#include "codec_check.h"
#include "pyr_alloc.h"

#include <libdeflate.h>
#include <spng.h>

#define FILTER_CYCLE 5 /* filters 0 to 4 in turn */

static const struct pyr_tile_shape gray = {20, 11, 1, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape graya = {20, 11, 2, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape rgb = {20, 11, 3, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape rgba = {20, 11, 4, PYR_SAMPLE_UINT8};
static const uint8_t colour_types[] = {0, 0, 4, 2, 6}; /* by bands */

/* What goes around the pixels; zero everywhere is the plainest file. */
struct recipe
{
    unsigned filter; /* 0 to 4 for all rows, or FILTER_CYCLE */
    bool interlaced;
    unsigned nidat;         /* IDAT chunks, 0 counts as 1 */
    const char *extra;      /* text of an ancillary chunk before IDAT */
    const char *extra_type; /* its type */
    bool bad_extra_sum;     /* with a wrong checksum */
    bool text_after;        /* a tEXt chunk behind IDAT */
};

static void put_be32(uint8_t *out, size_t value)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void add_chunk(struct encoded *file, const char *type, const void *bytes,
                      size_t nbytes)
{
    file->bytes = need(realloc(file->bytes, file->nbytes + nbytes + 12));
    uint8_t *chunk = file->bytes + file->nbytes;
    put_be32(chunk, nbytes);
    memcpy(chunk + 4, type, 4);
    if (nbytes > 0)
        memcpy(chunk + 8, bytes, nbytes);
    put_be32(chunk + 8 + nbytes, libdeflate_crc32(0, chunk + 4, nbytes + 4));
    file->nbytes += nbytes + 12;
}

static uint8_t predict(unsigned filter, int left, int up, int upper_left)
{
    const int to_left = abs(up - upper_left);
    const int to_up = abs(left - upper_left);
    const int to_upper_left = abs(left + up - 2 * upper_left);
    switch (filter)
    {
        case 1:
            return (uint8_t)left;
        case 2:
            return (uint8_t)up;
        case 3:
            return (uint8_t)((left + up) / 2);
        case 4:
            if (to_left <= to_up && to_left <= to_upper_left)
                return (uint8_t)left;
            return (uint8_t)(to_up <= to_upper_left ? up : upper_left);
        default:
            return 0;
    }
}

/* Filters one row, and returns the bytes written to out. */
static size_t filter_row(unsigned filter, const uint8_t *row,
                         const uint8_t *above, size_t nbytes, size_t bands,
                         uint8_t *out)
{
    *out++ = (uint8_t)filter;
    for (size_t i = 0; i < nbytes; i++)
    {
        const int left = i >= bands ? row[i - bands] : 0;
        const int up = above ? above[i] : 0;
        const int upper_left = above && i >= bands ? above[i - bands] : 0;
        *out++ = (uint8_t)(row[i] - predict(filter, left, up, upper_left));
    }
    return nbytes + 1;
}

/* One pass of Adam7: every step_col-th pixel of every step_row-th row. */
struct pass
{
    uint8_t col, row, step_col, step_row;
};

static size_t filter_pass(const struct pyr_tile_shape *shape, struct pass pass,
                          unsigned filter, const uint8_t *pixels, uint8_t *out)
{
    const size_t bands = shape->bands;
    uint8_t lines[2][256];
    size_t written = 0;
    unsigned nrows = 0;

    if (pass.col >= shape->width_px)
        return 0;
    for (size_t row = pass.row; row < shape->height_px; row += pass.step_row)
    {
        uint8_t *line = lines[nrows % 2];
        size_t nbytes = 0;
        for (size_t col = pass.col; col < shape->width_px; col += pass.step_col)
        {
            memcpy(line + nbytes,
                   pixels + (row * shape->width_px + col) * bands, bands);
            nbytes += bands;
        }
        written += filter_row(filter == FILTER_CYCLE ? nrows % 5 : filter, line,
                              nrows ? lines[(nrows + 1) % 2] : NULL, nbytes,
                              bands, out + written);
        nrows++;
    }
    return written;
}

/* The zlib stream of all filtered rows. */
static struct encoded compress_rows(const struct pyr_tile_shape *shape,
                                    struct recipe how)
{
    static const struct pass whole[1] = {{0, 0, 1, 1}};
    static const struct pass adam7[7] = {
        {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
        {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    const struct pass *passes = how.interlaced ? adam7 : whole;
    uint8_t *pixels = make_pixels(shape);
    uint8_t *rows = need(malloc(2 * pyr_tile_bytes(shape) + 256));
    size_t nbytes = 0;

    for (int i = 0; i < (how.interlaced ? 7 : 1); i++)
        nbytes +=
            filter_pass(shape, passes[i], how.filter, pixels, rows + nbytes);

    struct libdeflate_compressor *compressor =
        need(libdeflate_alloc_compressor(6));
    const size_t bound = libdeflate_zlib_compress_bound(compressor, nbytes);
    struct encoded stream = {need(malloc(bound)), 0};
    stream.nbytes =
        libdeflate_zlib_compress(compressor, rows, nbytes, stream.bytes, bound);
    libdeflate_free_compressor(compressor);
    free(rows);
    free(pixels);
    return stream;
}

static struct encoded encode(const struct pyr_tile_shape *shape,
                             struct recipe how)
{
    struct encoded file = {need(malloc(8)), 8};
    struct encoded stream = compress_rows(shape, how);
    uint8_t header[13] = {0};
    const size_t nidat = how.nidat ? how.nidat : 1;

    memcpy(file.bytes, "\x89PNG\r\n\x1A\n", 8);
    put_be32(header, shape->width_px);
    put_be32(header + 4, shape->height_px);
    header[8] = 8;
    header[9] = colour_types[shape->bands];
    header[12] = how.interlaced;
    add_chunk(&file, "IHDR", header, sizeof(header));
    if (how.extra)
        add_chunk(&file, how.extra_type, how.extra, strlen(how.extra));
    if (how.bad_extra_sum)
        file.bytes[file.nbytes - 1] ^= 1;
    for (size_t i = 0; i < nidat; i++)
    {
        const size_t from = stream.nbytes * i / nidat;
        const size_t to = stream.nbytes * (i + 1) / nidat;
        add_chunk(&file, "IDAT", stream.bytes + from, to - from);
    }
    if (how.text_after)
        add_chunk(&file, "tEXt", "Title\0of the tile", 17);
    add_chunk(&file, "IEND", NULL, 0);
    free(stream.bytes);
    return file;
}

/* libspng 0.7.3 does not miss the checksum of IEND. */
#define SPARE_BYTES 4

static void check_tile(const struct pyr_tile_shape *shape, struct recipe how)
{
    struct encoded tile = encode(shape, how);
    struct encoded longer = with_bytes_at(tile, tile.nbytes, "tail", 4);
    uint8_t *expected = make_pixels(shape);

    CHECK_INT(decoded_error(PYR_CODEC_PNG, shape, tile, expected), 0);
    CHECK_INT(decoded_error(PYR_CODEC_PNG, shape, longer, expected), 0);
    check_truncations(PYR_CODEC_PNG, shape, tile, tile.nbytes - SPARE_BYTES);
    free(expected);
    free(longer.bytes);
    free(tile.bytes);
}

static void test_kinds(void)
{
    const struct pyr_tile_shape *shapes[] = {&gray, &graya, &rgb, &rgba};
    for (size_t i = 0; i < 4; i++)
    {
        for (unsigned filter = 0; filter <= FILTER_CYCLE; filter++)
            check_tile(shapes[i], (struct recipe){.filter = filter});
        check_tile(shapes[i],
                   (struct recipe){.filter = FILTER_CYCLE, .interlaced = true});
        check_tile(shapes[i], (struct recipe){.nidat = 3});
    }
    /* As many chunks as make some of them empty, or a tile without pixels in
     * most passes. */
    check_tile(&gray, (struct recipe){.nidat = 1000});
    const struct pyr_tile_shape one = {1, 1, 1, PYR_SAMPLE_UINT8};
    check_tile(&one, (struct recipe){.interlaced = true});
}

/* Of what stands in ancillary chunks nothing changes a pixel, nor does a chunk
 * that breaks the rules: an all-zero gAMA, unknown chunks, tRNS. */
static void test_ancillary_chunks(void)
{
    check_tile(&rgb,
               (struct recipe){.extra = "\1\1\1\1", .extra_type = "gAMA"});
    check_tile(&rgb, (struct recipe){.extra = "", .extra_type = "gAMA"});
    check_tile(&rgb, (struct recipe){.extra = "??", .extra_type = "zzZz"});
    check_tile(&rgb,
               (struct recipe){.extra = "\1\2\1\2\1\2", .extra_type = "tRNS"});
    check_tile(&rgb, (struct recipe){.text_after = true});

    struct encoded tile = encode(&rgb, (struct recipe){.extra = "??",
                                                       .extra_type = "zzZz",
                                                       .bad_extra_sum = true});
    CHECK_INT(result_of(PYR_CODEC_PNG, &rgb, tile), PYR_CORRUPT);
    free(tile.bytes);
    tile = encode(&rgb, (struct recipe){.extra = "??", .extra_type = "ZZZZ"});
    CHECK_INT(result_of(PYR_CODEC_PNG, &rgb, tile), PYR_UNSUPPORTED);
    free(tile.bytes);
}

/* A text of 5 MB is not worth the memory. */
static void test_ancillary_limit(void)
{
    const size_t nbytes = 5u << 20;
    char *text = need(malloc(nbytes + 1));
    memset(text, 'a', nbytes);
    text[nbytes] = '\0';
    text[3] = '\0';
    struct encoded file = {need(malloc(33)), 33};
    struct encoded plain = encode(&gray, (struct recipe){0});
    memcpy(file.bytes, plain.bytes, 33);
    add_chunk(&file, "tEXt", text, nbytes);
    struct encoded tile =
        with_bytes_at(file, file.nbytes, plain.bytes + 33, plain.nbytes - 33);
    CHECK_INT(result_of(PYR_CODEC_PNG, &gray, tile), PYR_LIMIT);
    free(tile.bytes);
    free(plain.bytes);
    free(file.bytes);
    free(text);
}

/* libspng chooses filters as PNG writers do. */
static void test_spng_encoder(void)
{
    const struct pyr_tile_shape shape = {64, 64, 3, PYR_SAMPLE_UINT8};
    uint8_t *pixels = make_pixels(&shape);
    struct spng_ihdr ihdr = {64, 64, 8, SPNG_COLOR_TYPE_TRUECOLOR, 0, 0, 0};
    struct encoded tile = {NULL, 0};
    spng_ctx *ctx = need(spng_ctx_new(SPNG_CTX_ENCODER));
    int code = 0;

    CHECK_INT(spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1), 0);
    CHECK_INT(spng_set_ihdr(ctx, &ihdr), 0);
    CHECK_INT(spng_encode_image(ctx, pixels, pyr_tile_bytes(&shape),
                                SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE),
              0);
    tile.bytes = need(spng_get_png_buffer(ctx, &tile.nbytes, &code));
    spng_ctx_free(ctx);
    CHECK_INT(decoded_error(PYR_CODEC_PNG, &shape, tile, pixels), 0);
    check_truncations(PYR_CODEC_PNG, &shape, tile, tile.nbytes - SPARE_BYTES);
    free(tile.bytes);
    free(pixels);
}

/* Patches the 13 bytes of IHDR, and their checksum. */
static enum pyr_result result_with(const struct pyr_tile_shape *shape,
                                   size_t offset, uint8_t value)
{
    struct encoded tile = encode(&rgb, (struct recipe){0});
    tile.bytes[16 + offset] = value;
    put_be32(tile.bytes + 29, libdeflate_crc32(0, tile.bytes + 12, 17));
    const enum pyr_result result = result_of(PYR_CODEC_PNG, shape, tile);
    free(tile.bytes);
    return result;
}

static void test_wrong_shape(void)
{
    CHECK_INT(result_with(&rgb, 8, 8), PYR_OK);
    CHECK_INT(result_with(&rgb, 8, 16), PYR_UNSUPPORTED); /* 16 bits */
    CHECK_INT(result_with(&rgb, 9, 3), PYR_UNSUPPORTED);  /* palette */
    CHECK_INT(result_with(&rgb, 9, 1), PYR_CORRUPT);      /* no such type */
    CHECK_INT(result_with(&rgb, 3, 21), PYR_CORRUPT);     /* width */
    CHECK_INT(result_with(&rgb, 7, 12), PYR_CORRUPT);     /* height */
    CHECK_INT(result_with(&rgb, 0, 0x7F), PYR_CORRUPT);
    CHECK_INT(result_with(&rgba, 8, 8), PYR_CORRUPT);
    CHECK_INT(result_with(&gray, 8, 8), PYR_CORRUPT);

    /* More rows in the header, and in the shape, than in the stream. */
    struct pyr_tile_shape taller = rgb;
    taller.height_px = 12;
    CHECK_INT(result_with(&taller, 7, 12), PYR_CORRUPT);
}

static void test_damaged(void)
{
    struct encoded tile = encode(&rgb, (struct recipe){0});
    int wrong = 0;
    /* Whatever bit changes, a checksum or the structure shows it. */
    for (size_t at = 0; at < tile.nbytes; at++)
    {
        tile.bytes[at] ^= 0x10;
        wrong += result_of(PYR_CODEC_PNG, &rgb, tile) == PYR_OK;
        tile.bytes[at] ^= 0x10;
    }
    CHECK_INT(wrong, 0);
    free(tile.bytes);
}

#ifdef PYR_ALLOC_FAILURES
/* libspng allocates through pyr_alloc. When memory lacks in the middle of
 * inflate(), all it tells is that the stream failed. */
static void test_no_memory(void)
{
    struct encoded tile = encode(&rgb, (struct recipe){.text_after = true});
    enum pyr_result result = PYR_NOMEM;
    unsigned long nth = 0;
    for (; result != PYR_OK && nth < 100; nth++)
    {
        pyr_alloc_fail_nth(nth + 1);
        result = result_of(PYR_CODEC_PNG, &rgb, tile);
        CHECK(result == PYR_NOMEM || result == PYR_OK ||
              (result == PYR_CORRUPT && nth > 3));
    }
    CHECK(nth > 4 && nth < 100);
    pyr_alloc_fail_nth(0);
    free(tile.bytes);
}
#endif

int main(void)
{
    RUN(test_kinds);
    RUN(test_ancillary_chunks);
    RUN(test_ancillary_limit);
    RUN(test_spng_encoder);
    RUN(test_wrong_shape);
    RUN(test_damaged);
#ifdef PYR_ALLOC_FAILURES
    RUN(test_no_memory);
#endif
    return unit_report();
}
