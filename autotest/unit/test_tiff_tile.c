/* SPDX-License-Identifier: MIT */
/* Tests of pyr_tiff_tile: every compression and type there and back, what is
 * refused, lack of memory. */
#include "pyr_alloc.h"
#include "tiff_tile_check.h"

#include <math.h>

/* Whether libtiff here knows LERC's masks of several bands. */
#define READS_MASKS (TIFFLIB_VERSION >= 20240911)

#define WIDTH 48u
#define HEIGHT 32u

static struct pyr_tile_format format_of(enum pyr_tiff_compression compression,
                                        enum pyr_type type, uint32_t bands)
{
    const struct pyr_tile_format format = {
        .compression = compression,
        .tile_width_px = WIDTH,
        .tile_height_px = HEIGHT,
        .bands = bands,
        .type = type,
        .nextra = bands == 3   ? 0
                  : bands == 4 ? 1
                               : bands - 1,
        .predictor = 1,
        .quality = 90,
        .lossless = true,
    };
    return format;
}

static size_t row_bytes_of(const struct pyr_tile_format *format)
{
    return format->tile_width_px * format->bands * pyr_type_bytes(format->type);
}

static size_t file_bytes_of(const struct pyr_tile_format *format)
{
    return format->tile_height_px *
           (format->bits ? format->tile_width_px / 8 : row_bytes_of(format));
}

enum content
{
    SMOOTH,
    NOISE,
    EMPTY,
    NCONTENTS
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void store(uint8_t *sample, enum pyr_type type, double value)
{
    const float small = (float)value;
    const int64_t whole = (int64_t)value;
    const uint16_t half = (uint16_t)(0x3C00u + (unsigned)value % 512u);
    const size_t nbytes = pyr_type_bytes(type);

    if (type == PYR_TYPE_FLOAT32)
        memcpy(sample, &small, sizeof(small));
    else if (type == PYR_TYPE_FLOAT64)
        memcpy(sample, &value, sizeof(value));
    else if (type == PYR_TYPE_FLOAT16)
        memcpy(sample, &half, sizeof(half));
    else
        for (size_t i = 0; i < nbytes; i++)
            sample[i] = (uint8_t)(whole >> (8 * (i % 8)));
}

/* pixels[HEIGHT][row_bytes], with rubbish behind each row but the last. */
static uint8_t *make_pixels(const struct pyr_tile_format *format,
                            enum content content, size_t row_bytes)
{
    const size_t nbytes = row_bytes_of(format);
    const size_t sample_bytes = pyr_type_bytes(format->type);
    uint8_t *pixels =
        tile_need(malloc(row_bytes * (format->tile_height_px - 1) + nbytes));
    uint32_t state = 7;

    memset(pixels, 0xEE, row_bytes * (format->tile_height_px - 1) + nbytes);
    for (size_t row = 0; row < format->tile_height_px; row++)
        for (size_t i = 0; i < nbytes / sample_bytes; i++)
        {
            const double value =
                content == SMOOTH
                    ? (double)(3 * row + i) * (sample_bytes > 1 ? 100.5 : 0.5)
                : content == NOISE ? (double)next_random(&state)
                                   : 0.0;
            store(pixels + row * row_bytes + i * sample_bytes, format->type,
                  value);
        }
    return pixels;
}

struct tile
{
    uint8_t *bytes;
    size_t nbytes;
};

static struct pyr_tile_encoder *
make_encoder(const struct pyr_tile_format *format)
{
    struct pyr_tile_encoder *encoder = NULL;
    struct pyr_error err = {""};
    CHECK_INT(pyr_tile_encoder_new(format, &encoder, &err), PYR_OK);
    CHECK_STR(err.text, "");
    return tile_need(encoder);
}

/* The tile in a block of its own. */
static struct tile encode_with(struct pyr_tile_encoder *encoder,
                               const uint8_t *pixels, size_t row_bytes)
{
    const uint8_t *bytes = NULL;
    struct tile tile = {NULL, 0};
    struct pyr_error err = {""};
    CHECK_INT(
        pyr_tile_encode(encoder, pixels, row_bytes, &bytes, &tile.nbytes, &err),
        PYR_OK);
    CHECK_STR(err.text, "");
    CHECK(tile.nbytes > 0 && bytes != pixels);
    tile.bytes = tile_need(malloc(tile.nbytes + 1));
    memcpy(tile.bytes, tile_need((void *)bytes), tile.nbytes);
    return tile;
}

static bool same_tile(struct tile left, struct tile right)
{
    return left.nbytes == right.nbytes &&
           memcmp(left.bytes, right.bytes, left.nbytes) == 0;
}

static struct tile encode_alone(const struct pyr_tile_format *format,
                                const uint8_t *pixels, size_t row_bytes)
{
    struct pyr_tile_encoder *encoder = make_encoder(format);
    const struct tile tile = encode_with(encoder, pixels, row_bytes);
    pyr_tile_encoder_free(encoder);
    return tile;
}

/* What stands in a file: the samples, or bits. */
static uint8_t *expected_of(const struct pyr_tile_format *format,
                            const uint8_t *pixels, size_t row_bytes)
{
    const size_t nbytes = file_bytes_of(format) / format->tile_height_px;
    uint8_t *rows = tile_need(calloc(format->tile_height_px, nbytes));
    for (size_t row = 0; row < format->tile_height_px; row++)
    {
        const uint8_t *in = pixels + row * row_bytes;
        if (!format->bits)
            memcpy(rows + row * nbytes, in, nbytes);
        else
            for (size_t i = 0; i < format->tile_width_px; i++)
                if (in[i] != 0)
                    rows[row * nbytes + i / 8] |= (uint8_t)(0x80u >> i % 8);
    }
    return rows;
}

/* Largest difference of bytes; -1 when libtiff cannot decode the tile. */
static int decoded_error(const struct pyr_tile_format *format,
                         struct pyr_tile_encoder *encoder, struct tile tile,
                         const uint8_t *expected)
{
    const size_t nbytes = file_bytes_of(format);
    uint8_t *found = tile_need(malloc(nbytes));
    const uint8_t *tables = NULL;
    size_t ntables = 0;
    int worst = -1;

    CHECK_INT(pyr_tile_encoder_tables(encoder, &tables, &ntables, NULL),
              PYR_OK);
    CHECK_INT(ntables > 0, format->compression == PYR_TIFF_JPEG);
    if (tile_decode(format, tables, ntables, tile.bytes, tile.nbytes, found,
                    nbytes))
        worst = 0;
    CHECK(tile_decodes_alike(format, tile.bytes, tile.nbytes, found, nbytes));
    for (size_t i = 0; worst >= 0 && i < nbytes; i++)
        if (abs(found[i] - expected[i]) > worst)
            worst = abs(found[i] - expected[i]);
    free(found);
    return worst;
}

/* One encoder for all contents, twice: what it has seen before changes nothing,
 * nor does how far rows are apart. */
static void check_round_trip(struct pyr_tile_format format)
{
    struct pyr_tile_encoder *encoder = make_encoder(&format);
    /* WEBP keeps no colours where alpha is 0. */
    const bool lossy = format.compression == PYR_TIFF_JPEG ||
                       !format.lossless ||
                       (format.compression == PYR_TIFF_WEBP && format.alpha);

    for (unsigned i = 0; i < 2 * NCONTENTS; i++)
    {
        const size_t row_bytes = row_bytes_of(&format) + (i % 2) * 13;
        const enum content content = (enum content)(i % NCONTENTS);
        uint8_t *pixels = make_pixels(&format, content, row_bytes);
        uint8_t *expected = expected_of(&format, pixels, row_bytes);
        struct tile tile = encode_with(encoder, pixels, row_bytes);
        struct tile alone = encode_alone(&format, pixels, row_bytes);
        CHECK(same_tile(tile, alone));
        const int error = decoded_error(&format, encoder, tile, expected);
        const int allowed = !lossy ? 0 : content == NOISE ? 255 : 12;
        CHECK(error >= 0 && error <= allowed);
        if (error < 0 || error > allowed || !same_tile(tile, alone))
            printf("%s, type %d, %u bands, predictor %d, content %u: %d\n",
                   pyr_tiff_compression_name(format.compression),
                   (int)format.type, (unsigned)format.bands, format.predictor,
                   i % NCONTENTS, error);
        free(alone.bytes);
        free(tile.bytes);
        free(expected);
        free(pixels);
    }
    pyr_tile_encoder_free(encoder);
}

static const uint32_t band_counts[] = {1, 3, 5};
#define NBAND_COUNTS (sizeof(band_counts) / sizeof(band_counts[0]))

static const enum pyr_tiff_compression of_bytes[] = {
    PYR_TIFF_NONE,    PYR_TIFF_LZW,  PYR_TIFF_PACKBITS,
    PYR_TIFF_DEFLATE, PYR_TIFF_ZSTD, PYR_TIFF_LZMA};
#define NOF_BYTES (sizeof(of_bytes) / sizeof(of_bytes[0]))

static bool predicts(const struct pyr_tile_format *format, int predictor)
{
    const bool floats =
        format->type >= PYR_TYPE_FLOAT16 && format->type <= PYR_TYPE_FLOAT64;
    return predictor == 1 ||
           (format->compression != PYR_TIFF_NONE &&
            format->compression != PYR_TIFF_PACKBITS &&
            pyr_type_bytes(format->type) <= 8 && (predictor == 2 || floats));
}

static void test_types(void)
{
    for (size_t i = 0; i < NOF_BYTES; i++)
        for (int type = 0; type <= (int)PYR_TYPE_COMPLEX_FLOAT64; type++)
            for (size_t n = 0; n < NBAND_COUNTS; n++)
                for (int predictor = 1; predictor <= 3; predictor++)
                {
                    struct pyr_tile_format format = format_of(
                        of_bytes[i], (enum pyr_type)type, band_counts[n]);
                    if (!pyr_tiff_has(of_bytes[i]) ||
                        !predicts(&format, predictor) ||
                        (of_bytes[i] == PYR_TIFF_LZMA && n > 2))
                        continue;
                    format.predictor = predictor;
                    check_round_trip(format);
                }
}

static void test_bits(void)
{
    for (size_t i = 0; i < NOF_BYTES; i++)
        if (pyr_tiff_has(of_bytes[i]))
            for (uint32_t width_px = 16; width_px <= 64; width_px += 16)
            {
                struct pyr_tile_format format =
                    format_of(of_bytes[i], PYR_TYPE_UINT8, 1);
                format.bits = true;
                format.tile_width_px = width_px;
                check_round_trip(format);
            }
}

static void test_levels(void)
{
    static const struct
    {
        enum pyr_tiff_compression compression;
        int levels[4];
    } cases[] = {{PYR_TIFF_DEFLATE, {1, 6, 10, 12}},
                 {PYR_TIFF_ZSTD, {1, 9, 15, 22}},
                 {PYR_TIFF_LERC_DEFLATE, {1, 6, 9, 12}},
                 {PYR_TIFF_LERC_ZSTD, {1, 9, 15, 22}},
                 {PYR_TIFF_LZMA, {-1, 0, 1, 6}}};
    for (size_t i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++)
    {
        struct pyr_tile_format format =
            format_of(cases[i / 4].compression, PYR_TYPE_UINT8, 3);
        format.level = cases[i / 4].levels[i % 4];
        if (pyr_tiff_has(format.compression))
            check_round_trip(format);
    }
}

static void test_fast(void)
{
    static const enum pyr_type types[] = {PYR_TYPE_UINT8, PYR_TYPE_UINT16,
                                          PYR_TYPE_FLOAT32, PYR_TYPE_FLOAT64};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        for (int predictor = 1; predictor <= (i < 2 ? 2 : 3); predictor++)
        {
            struct pyr_tile_format format =
                format_of(PYR_TIFF_DEFLATE, types[i], 2);
            format.predictor = predictor;
            format.level = PYR_TIFF_FAST;
            check_round_trip(format);
        }
}

static void test_pictures(void)
{
    for (uint32_t bands = 1; bands <= 4; bands++)
        for (unsigned i = 0; i < 4; i++)
        {
            struct pyr_tile_format format =
                format_of(PYR_TIFF_JPEG, PYR_TYPE_UINT8, bands);
            format.ycbcr = bands == 3 && i % 2 == 1;
            format.quality = i < 2 ? 75 : 100;
            check_round_trip(format);
        }
    for (uint32_t bands = 3; bands <= 4 && pyr_tiff_has(PYR_TIFF_WEBP); bands++)
    {
        struct pyr_tile_format format =
            format_of(PYR_TIFF_WEBP, PYR_TYPE_UINT8, bands);
        format.alpha = bands == 4;
        check_round_trip(format);
        format.lossless = false;
        if (bands == 3)
            check_round_trip(format);
    }
}

static void test_lerc(void)
{
    for (int kind = (int)PYR_TIFF_LERC; kind <= (int)PYR_TIFF_LERC_ZSTD; kind++)
        for (int type = 0; type <= (int)PYR_TYPE_FLOAT64; type++)
            for (size_t n = 0; n < NBAND_COUNTS; n++)
            {
                struct pyr_tile_format format =
                    format_of((enum pyr_tiff_compression)kind,
                              (enum pyr_type)type, band_counts[n]);
                if (pyr_tiff_has(format.compression) &&
                    type != (int)PYR_TYPE_FLOAT16 &&
                    type != (int)PYR_TYPE_UINT64 && type != (int)PYR_TYPE_INT64)
                    check_round_trip(format);
            }
}

static void test_lerc_error(void)
{
    struct pyr_tile_format format =
        format_of(PYR_TIFF_LERC, PYR_TYPE_FLOAT32, 1);
    float found[HEIGHT * WIDTH];
    if (!pyr_tiff_has(PYR_TIFF_LERC))
        return;
    format.max_z_error = 10.0;
    const size_t row_bytes = row_bytes_of(&format);
    uint8_t *pixels = make_pixels(&format, NOISE, row_bytes);
    struct tile tile = encode_alone(&format, pixels, row_bytes);
    double worst = 0.0;

    CHECK(tile_decode(&format, NULL, 0, tile.bytes, tile.nbytes,
                      (uint8_t *)found, sizeof(found)));
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
    {
        float value;
        memcpy(&value, pixels + i * sizeof(value), sizeof(value));
        worst = fmax(worst, fabs((double)value - (double)found[i]));
    }
    CHECK(worst > 1.0 && worst <= 10.0);
    free(tile.bytes);
    free(pixels);
}

/* NaN in whole pixels, or in some samples. */
static void check_lerc_nan(enum pyr_type type, uint32_t bands, bool whole)
{
    const struct pyr_tile_format format =
        format_of(PYR_TIFF_LERC_ZSTD, type, bands);
    const size_t row_bytes = row_bytes_of(&format);
    const size_t sample_bytes = pyr_type_bytes(type);
    uint8_t *pixels = make_pixels(&format, SMOOTH, row_bytes);
    uint8_t *found = tile_need(malloc(HEIGHT * row_bytes));
    unsigned nwrong = 0;

    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT * bands; i++)
        if (whole ? i / bands % 7 == 0 : i % 5 == 0)
            store(pixels + i * sample_bytes, type, (double)NAN);
    struct tile tile = encode_alone(&format, pixels, row_bytes);
    CHECK(tile_decode(&format, NULL, 0, tile.bytes, tile.nbytes, found,
                      HEIGHT * row_bytes));
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT * bands; i++)
    {
        float small[2];
        double large[2];
        const uint8_t *const at[2] = {pixels + i * sample_bytes,
                                      found + i * sample_bytes};
        for (size_t j = 0; j < 2; j++)
        {
            memcpy(&small[j], at[j], sizeof(small[j]));
            if (type == PYR_TYPE_FLOAT64)
                memcpy(&large[j], at[j], sizeof(large[j]));
            else
                large[j] = (double)small[j];
        }
        nwrong += large[0] != large[1] && !(isnan(large[0]) && isnan(large[1]));
    }
    CHECK_INT(nwrong, 0);
    free(tile.bytes);
    free(found);
    free(pixels);
}

static void test_lerc_nan(void)
{
    for (uint32_t bands = 1; bands <= 3 && pyr_tiff_has(PYR_TIFF_LERC_ZSTD);
         bands++)
        for (unsigned i = 0; i < 4 && (bands == 1 || READS_MASKS); i++)
            check_lerc_nan(i < 2 ? PYR_TYPE_FLOAT32 : PYR_TYPE_FLOAT64, bands,
                           i % 2 == 0);
}

/* What libtiff here cannot read is not written. */
static void test_lerc_nan_refused(void)
{
    const struct pyr_tile_format format =
        format_of(PYR_TIFF_LERC, PYR_TYPE_FLOAT32, 3);
    const size_t row_bytes = row_bytes_of(&format);
    const uint8_t *bytes = NULL;
    size_t nbytes = 0;
    struct pyr_error err = {""};
    if (READS_MASKS || !pyr_tiff_has(PYR_TIFF_LERC))
        return;
    struct pyr_tile_encoder *encoder = make_encoder(&format);
    uint8_t *pixels = make_pixels(&format, SMOOTH, row_bytes);
    store(pixels + 48, PYR_TYPE_FLOAT32, (double)NAN);
    CHECK_INT(
        pyr_tile_encode(encoder, pixels, row_bytes, &bytes, &nbytes, &err),
        PYR_UNSUPPORTED);
    CHECK(strncmp(err.text, "LERC tiles of several bands", 27) == 0);
    free(pixels);
    pyr_tile_encoder_free(encoder);
}

/* Alpha of 0 and 255 becomes a mask; other alpha does not. */
static void test_lerc_alpha(void)
{
    for (unsigned i = 0; i < 3 && pyr_tiff_has(PYR_TIFF_LERC); i++)
    {
        struct pyr_tile_format format =
            format_of(PYR_TIFF_LERC, PYR_TYPE_UINT8, 4);
        uint8_t found[HEIGHT * WIDTH * 4];
        unsigned nwrong = 0;
        format.alpha = true;
        uint8_t *pixels = make_pixels(&format, SMOOTH, (size_t)WIDTH * 4);
        for (size_t px = 0; px < (size_t)WIDTH * HEIGHT; px++)
            pixels[4 * px + 3] = i == 0       ? 255
                                 : px % 3 > 0 ? (uint8_t)(256 - i)
                                              : 0;
        struct tile tile = encode_alone(&format, pixels, (size_t)WIDTH * 4);
        CHECK(tile_decode(&format, NULL, 0, tile.bytes, tile.nbytes, found,
                          sizeof(found)));
        for (size_t px = 0; px < (size_t)WIDTH * HEIGHT; px++)
        {
            nwrong += pixels[4 * px + 3] != found[4 * px + 3];
            nwrong += pixels[4 * px + 3] != 0 &&
                      memcmp(pixels + 4 * px, found + 4 * px, 3) != 0;
        }
        CHECK_INT(nwrong, 0);
        free(tile.bytes);
        free(pixels);
    }
}

/* Tables are the same for each encoder, whatever it encoded. */
static void test_tables(void)
{
    const struct pyr_tile_format format =
        format_of(PYR_TIFF_JPEG, PYR_TYPE_UINT8, 3);
    struct pyr_tile_encoder *first = make_encoder(&format);
    struct pyr_tile_encoder *second = make_encoder(&format);
    const size_t row_bytes = row_bytes_of(&format);
    uint8_t *pixels = make_pixels(&format, NOISE, row_bytes);
    struct tile tile = encode_with(second, pixels, row_bytes);
    struct tile left = {NULL, 0};
    struct tile right = {NULL, 0};
    const uint8_t *tables = NULL;

    CHECK_INT(pyr_tile_encoder_tables(first, &tables, &left.nbytes, NULL),
              PYR_OK);
    left.bytes = (uint8_t *)tables;
    CHECK_INT(pyr_tile_encoder_tables(second, &tables, &right.nbytes, NULL),
              PYR_OK);
    right.bytes = (uint8_t *)tables;
    CHECK(left.nbytes > 100 && same_tile(left, right));
    /* A tile holds none: neither DQT nor DHT right after SOI. */
    CHECK(tile.bytes[0] == 0xFF && tile.bytes[1] == 0xD8);
    CHECK(tile.bytes[2] == 0xFF && tile.bytes[3] == 0xC0);
    free(tile.bytes);
    free(pixels);
    pyr_tile_encoder_free(second);
    pyr_tile_encoder_free(first);
}

static void check_refused(struct pyr_tile_format format,
                          enum pyr_result expected, const char *text)
{
    struct pyr_tile_encoder *encoder = NULL;
    struct pyr_error err = {""};
    CHECK_INT(pyr_tile_encoder_new(&format, &encoder, &err), expected);
    CHECK_STR(err.text, text);
    CHECK(encoder == NULL);
    CHECK_INT(pyr_tile_encoder_new(&format, &encoder, NULL), expected);
}

#define REFUSED(compression, type, bands, change, expected, text)              \
    do                                                                         \
    {                                                                          \
        struct pyr_tile_format format =                                        \
            format_of((compression), (type), (bands));                         \
        format.change;                                                         \
        check_refused(format, (expected), (text));                             \
    }                                                                          \
    while (0)

static void test_out_of_range(void)
{
    const enum pyr_type byte = PYR_TYPE_UINT8;

    REFUSED(PYR_TIFF_NONE, byte, 1, tile_width_px = 40, PYR_USAGE,
            "tiles of 40x32 pixels, expected multiples of 16 from 16 to 16384");
    REFUSED(PYR_TIFF_NONE, byte, 1, tile_height_px = 0, PYR_USAGE,
            "tiles of 48x0 pixels, expected multiples of 16 from 16 to 16384");
    REFUSED(PYR_TIFF_NONE, byte, 1, bands = 0, PYR_USAGE,
            "tiles of 0 bands, 0 of them extra");
    REFUSED(PYR_TIFF_NONE, byte, 3, nextra = 4, PYR_USAGE,
            "tiles of 3 bands, 4 of them extra");
    REFUSED(PYR_TIFF_LZW, byte, 1, predictor = 0, PYR_USAGE,
            "predictor 0, expected 1 to 3");
    REFUSED(PYR_TIFF_DEFLATE, byte, 1, level = 13, PYR_USAGE,
            "DEFLATE level 13, expected 1 to 12");
    REFUSED(PYR_TIFF_LERC_DEFLATE, byte, 1, level = PYR_TIFF_FAST, PYR_USAGE,
            "LERC_DEFLATE level -1, expected 1 to 12");
    REFUSED(PYR_TIFF_ZSTD, byte, 1, level = 23, PYR_USAGE,
            "ZSTD level 23, expected 1 to 22");
    REFUSED(PYR_TIFF_LZMA, byte, 1, level = 10, PYR_USAGE,
            "LZMA level 10, expected 0 to 9");
    REFUSED(PYR_TIFF_JPEG, byte, 1, quality = 0, PYR_USAGE,
            "JPEG quality 0, expected 1 to 100");
    REFUSED(PYR_TIFF_LERC, byte, 1, max_z_error = -1.0, PYR_USAGE,
            "LERC with a negative error");
    REFUSED(PYR_TIFF_JPEG, byte, 4, ycbcr = true, PYR_USAGE,
            "YCbCr goes with JPEG tiles of 3 bands only");
    REFUSED(PYR_TIFF_NONE, byte, 1, compression = (enum pyr_tiff_compression)77,
            PYR_USAGE, "unknown compression 77");
}

static void test_unsupported(void)
{
    const enum pyr_type byte = PYR_TYPE_UINT8;

    REFUSED(PYR_TIFF_JPEG, PYR_TYPE_UINT16, 1, quality = 75, PYR_UNSUPPORTED,
            "JPEG tiles cannot hold samples of this type");
    REFUSED(PYR_TIFF_JPEG, byte, 5, quality = 75, PYR_UNSUPPORTED,
            "JPEG tiles cannot have 5 bands");
    REFUSED(PYR_TIFF_WEBP, byte, 1, quality = 75, PYR_UNSUPPORTED,
            "WEBP tiles cannot have 1 bands");
    REFUSED(PYR_TIFF_WEBP, byte, 3, tile_width_px = 16384, PYR_UNSUPPORTED,
            "WEBP tiles have at most 16383 pixels a side");
    REFUSED(PYR_TIFF_LERC, PYR_TYPE_COMPLEX_FLOAT32, 1, level = 0,
            PYR_UNSUPPORTED, "LERC tiles cannot hold samples of this type");
    REFUSED(PYR_TIFF_JPEG, byte, 1, bits = true, PYR_UNSUPPORTED,
            "JPEG tiles cannot hold such bits");
    REFUSED(PYR_TIFF_LZW, byte, 3, bits = true, PYR_UNSUPPORTED,
            "LZW tiles cannot hold such bits");
    REFUSED(PYR_TIFF_NONE, byte, 1, predictor = 2, PYR_UNSUPPORTED,
            "NONE tiles have no predictor");
    REFUSED(PYR_TIFF_LZW, byte, 1, predictor = 3, PYR_UNSUPPORTED,
            "predictor 3 is not for samples of this type");
    REFUSED(PYR_TIFF_LZW, PYR_TYPE_COMPLEX_FLOAT64, 1, predictor = 2,
            PYR_UNSUPPORTED, "predictor 2 is not for samples of this type");
    REFUSED(PYR_TIFF_NONE, PYR_TYPE_FLOAT64, 65535, tile_width_px = 16384,
            PYR_LIMIT, "tiles exceed 1073741824 bytes");
    pyr_tile_encoder_free(NULL);
}

static void test_bad_rows(void)
{
    const struct pyr_tile_format format =
        format_of(PYR_TIFF_LZW, PYR_TYPE_UINT16, 3);
    struct pyr_tile_encoder *encoder = make_encoder(&format);
    static const uint8_t pixels[1] = {0};
    const uint8_t *bytes = pixels;
    size_t nbytes = 7;
    struct pyr_error err = {""};

    CHECK_INT(pyr_tile_encode(encoder, pixels, 287, &bytes, &nbytes, &err),
              PYR_USAGE);
    CHECK_STR(err.text, "rows are 287 bytes apart, expected at least 288");
    CHECK(bytes == pixels && nbytes == 7);
    pyr_tile_encoder_free(encoder);
}

static void test_names(void)
{
    CHECK_STR(pyr_tiff_compression_name(PYR_TIFF_LERC_ZSTD), "LERC_ZSTD");
    CHECK_INT(pyr_tiff_compression_code(PYR_TIFF_DEFLATE), 8);
    CHECK_INT(pyr_tiff_compression_code(PYR_TIFF_LERC_DEFLATE), 34887);
    CHECK(pyr_tiff_has(PYR_TIFF_NONE) && pyr_tiff_has(PYR_TIFF_DEFLATE));
    CHECK(pyr_tiff_has(PYR_TIFF_JPEG) && pyr_tiff_has(PYR_TIFF_LZW));
}

#ifdef PYR_ALLOC_FAILURES
/* Makes each allocation fail in turn; the encoder, if it was made, then still
 * encodes. Returns how many there are. */
static unsigned long fail_each(struct pyr_tile_format format)
{
    const size_t row_bytes = row_bytes_of(&format) + 3;
    uint8_t *pixels = make_pixels(&format, NOISE, row_bytes);
    struct tile alone = encode_alone(&format, pixels, row_bytes);
    enum pyr_result result = PYR_NOMEM;
    unsigned long nth = 0;

    while (result != PYR_OK && nth < 100)
    {
        struct pyr_tile_encoder *encoder = NULL;
        struct pyr_error err = {""};
        const uint8_t *bytes = NULL;
        size_t nbytes = 0;

        pyr_alloc_fail_nth(++nth);
        result = pyr_tile_encoder_new(&format, &encoder, &err);
        if (result == PYR_OK)
            result = pyr_tile_encoder_tables(encoder, &bytes, &nbytes, &err);
        if (result == PYR_OK)
            result = pyr_tile_encode(encoder, pixels, row_bytes, &bytes,
                                     &nbytes, &err);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        CHECK_INT(result == PYR_OK, err.text[0] == '\0');
        if (encoder)
        {
            struct tile tile = encode_with(encoder, pixels, row_bytes);
            CHECK(same_tile(tile, alone));
            free(tile.bytes);
        }
        pyr_tile_encoder_free(encoder);
    }
    free(alone.bytes);
    free(pixels);
    return nth - 1;
}

static void test_no_memory(void)
{
    for (int kind = 0; kind <= (int)PYR_TIFF_LZMA; kind++)
    {
        struct pyr_tile_format format =
            format_of((enum pyr_tiff_compression)kind, PYR_TYPE_UINT8, 4);
        format.quality = 100;
        format.alpha = true;
        if (!pyr_tiff_has(format.compression))
            continue;
        unsigned long nfailed = fail_each(format);
        CHECK(nfailed >= 2 && nfailed < 12);
        format.level = PYR_TIFF_FAST;
        if (format.compression == PYR_TIFF_DEFLATE)
            nfailed = fail_each(format);
        CHECK(nfailed >= 2 && nfailed < 12);
    }
}
#endif

/* The handlers of the process are not called. */
static unsigned nmessages;

static void on_message(const char *module, const char *format, va_list args)
{
    (void)module;
    (void)format;
    (void)args;
    nmessages++;
}

static void test_messages(void)
{
    struct memory_file file = {NULL, 0, 0, 0};
    CHECK_INT(nmessages, 0);
    CHECK(TIFFClientOpen("none", "r", &file, memory_read, memory_write,
                         memory_seek, memory_close, memory_size, NULL,
                         NULL) == NULL);
    CHECK(nmessages > 0);
}

int main(void)
{
    TIFFSetErrorHandler(on_message);
    TIFFSetWarningHandler(on_message);
    RUN(test_types);
    RUN(test_bits);
    RUN(test_levels);
    RUN(test_fast);
    RUN(test_pictures);
    RUN(test_lerc);
    RUN(test_lerc_error);
    RUN(test_lerc_nan);
    RUN(test_lerc_nan_refused);
    RUN(test_lerc_alpha);
    RUN(test_tables);
    RUN(test_out_of_range);
    RUN(test_unsupported);
    RUN(test_bad_rows);
    RUN(test_names);
#ifdef PYR_ALLOC_FAILURES
    RUN(test_no_memory);
#endif
    RUN(test_messages);
    return unit_report();
}
