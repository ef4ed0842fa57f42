/* SPDX-License-Identifier: MIT */
/* Tile formats: what they can hold, rows as the codecs want them, dispatch. */
#include "pyr_tiff_tile.h"

#include "pyr_alloc.h"
#include "pyr_arith.h"
#include "pyr_tiff_tile_priv.h"

#include <string.h>

#include <tiffio.h>

#define MAX_TILE_BYTES ((size_t)1 << 30)
#define MAX_JPEG_BANDS 4u
#define MAX_WEBP_SIDE_PX 16383u

/* Sample types that a compression holds. */
enum holds
{
    HOLDS_ALL,
    HOLDS_BYTES, /* PYR_TYPE_UINT8 */
    HOLDS_LERC
};

static const struct codec
{
    const char *name;
    uint16_t code;
    uint16_t added; /* another that libtiff must have for it, or 0 */
    enum holds holds;
    bool predicts;
    bool bits;
    int min_level;
    int default_level;
    int max_level;
} codecs[] = {
    [PYR_TIFF_NONE] = {"NONE", COMPRESSION_NONE, 0, HOLDS_ALL, false, true, 0,
                       0, 0},
    [PYR_TIFF_LZW] = {"LZW", COMPRESSION_LZW, 0, HOLDS_ALL, true, true, 0, 0,
                      0},
    [PYR_TIFF_PACKBITS] = {"PACKBITS", COMPRESSION_PACKBITS, 0, HOLDS_ALL,
                           false, true, 0, 0, 0},
    [PYR_TIFF_JPEG] = {"JPEG", COMPRESSION_JPEG, 0, HOLDS_BYTES, false, false,
                       0, 0, 0},
    [PYR_TIFF_DEFLATE] = {"DEFLATE", COMPRESSION_ADOBE_DEFLATE, 0, HOLDS_ALL,
                          true, true, 1, 0, 12},
    [PYR_TIFF_ZSTD] = {"ZSTD", COMPRESSION_ZSTD, 0, HOLDS_ALL, true, true, 1, 0,
                       22},
    [PYR_TIFF_WEBP] = {"WEBP", COMPRESSION_WEBP, 0, HOLDS_BYTES, false, false,
                       0, 0, 0},
    [PYR_TIFF_LERC] = {"LERC", COMPRESSION_LERC, 0, HOLDS_LERC, false, false, 0,
                       0, 0},
    [PYR_TIFF_LERC_DEFLATE] = {"LERC_DEFLATE", COMPRESSION_LERC,
                               COMPRESSION_ADOBE_DEFLATE, HOLDS_LERC, false,
                               false, 1, 0, 12},
    [PYR_TIFF_LERC_ZSTD] = {"LERC_ZSTD", COMPRESSION_LERC, COMPRESSION_ZSTD,
                            HOLDS_LERC, false, false, 1, 0, 22},
    [PYR_TIFF_LZMA] = {"LZMA", COMPRESSION_LZMA, 0, HOLDS_ALL, true, true, 0,
                       -1, 9},
};
#define NCODECS (sizeof(codecs) / sizeof(codecs[0]))

bool pyr_tiff_has(enum pyr_tiff_compression compression)
{
    const struct codec *codec = &codecs[compression];

    if (compression == PYR_TIFF_NONE || compression == PYR_TIFF_DEFLATE)
        return true; /* not libtiff's */
    return TIFFIsCODECConfigured(codec->code) &&
           (codec->added == 0 || TIFFIsCODECConfigured(codec->added));
}

uint16_t pyr_tiff_compression_code(enum pyr_tiff_compression compression)
{
    return codecs[compression].code;
}

const char *pyr_tiff_compression_name(enum pyr_tiff_compression compression)
{
    return codecs[compression].name;
}

bool pyr_tiff_compression_find(uint16_t code,
                               enum pyr_tiff_compression *out_compression)
{
    /* Of an older name, the same. */
    const uint16_t wanted =
        code == COMPRESSION_DEFLATE ? COMPRESSION_ADOBE_DEFLATE : code;
    for (size_t i = 0; i < NCODECS; i++)
        if (codecs[i].code == wanted)
        {
            *out_compression = (enum pyr_tiff_compression)i;
            return true;
        }
    return false;
}

bool pyr_tiff_holds_bits(enum pyr_tiff_compression compression)
{
    return codecs[compression].bits;
}

bool pyr_tile_format_equal(const struct pyr_tile_format *left,
                           const struct pyr_tile_format *right)
{
    return left->compression == right->compression &&
           left->tile_width_px == right->tile_width_px &&
           left->tile_height_px == right->tile_height_px &&
           left->bands == right->bands && left->type == right->type &&
           left->bits == right->bits && left->ycbcr == right->ycbcr &&
           left->nextra == right->nextra && left->alpha == right->alpha &&
           left->predictor == right->predictor && left->level == right->level &&
           left->quality == right->quality &&
           left->lossless == right->lossless &&
           left->max_z_error == right->max_z_error;
}

bool pyr_tile_format_is_lossy(const struct pyr_tile_format *format)
{
    return format->compression == PYR_TIFF_JPEG ||
           (format->compression == PYR_TIFF_WEBP && !format->lossless) ||
           (codecs[format->compression].holds == HOLDS_LERC &&
            format->max_z_error > 0.0);
}

static bool is_side(uint32_t side_px)
{
    return side_px >= 16 && side_px <= PYR_MAX_TILE_SIDE_PX &&
           side_px % 16 == 0;
}

static bool is_float(enum pyr_type type)
{
    return type == PYR_TYPE_FLOAT16 || type == PYR_TYPE_FLOAT32 ||
           type == PYR_TYPE_FLOAT64;
}

static enum pyr_result check_ranges(const struct pyr_tile_format *format,
                                    struct pyr_error *err)
{
    const enum pyr_tiff_compression compression = format->compression;

    if ((size_t)compression >= NCODECS)
        return pyr_fail(err, PYR_USAGE, "unknown compression %d",
                        (int)compression);
    const struct codec *codec = &codecs[compression];
    if (!is_side(format->tile_width_px) || !is_side(format->tile_height_px))
        return pyr_fail(err, PYR_USAGE,
                        "tiles of %ux%u pixels, expected multiples of 16 from "
                        "16 to %u",
                        (unsigned)format->tile_width_px,
                        (unsigned)format->tile_height_px, PYR_MAX_TILE_SIDE_PX);
    if (format->bands < 1 || format->bands > 65535 ||
        format->nextra > format->bands ||
        (format->alpha && format->nextra == 0) ||
        pyr_type_bytes(format->type) == 0)
        return pyr_fail(err, PYR_USAGE, "tiles of %u bands, %u of them extra",
                        (unsigned)format->bands, format->nextra);
    if (format->predictor < 1 || format->predictor > 3)
        return pyr_fail(err, PYR_USAGE, "predictor %d, expected 1 to 3",
                        format->predictor);
    if (codec->max_level > 0 && format->level != codec->default_level &&
        (compression != PYR_TIFF_DEFLATE || format->level != PYR_TIFF_FAST) &&
        (format->level < codec->min_level || format->level > codec->max_level))
        return pyr_fail(err, PYR_USAGE, "%s level %d, expected %d to %d",
                        codec->name, format->level, codec->min_level,
                        codec->max_level);
    if ((compression == PYR_TIFF_JPEG ||
         (compression == PYR_TIFF_WEBP && !format->lossless)) &&
        (format->quality < 1 || format->quality > 100))
        return pyr_fail(err, PYR_USAGE, "%s quality %d, expected 1 to 100",
                        codec->name, format->quality);
    if (codec->holds == HOLDS_LERC && !(format->max_z_error >= 0.0))
        return pyr_fail(err, PYR_USAGE, "%s with a negative error",
                        codec->name);
    return PYR_OK;
}

static bool lerc_holds(enum pyr_type type)
{
    return !pyr_type_is_complex(type) && type != PYR_TYPE_FLOAT16 &&
           type != PYR_TYPE_UINT64 && type != PYR_TYPE_INT64;
}

static enum pyr_result check_samples(const struct pyr_tile_format *format,
                                     struct pyr_error *err)
{
    const struct codec *codec = &codecs[format->compression];
    const unsigned bands = format->bands;

    if ((codec->holds == HOLDS_BYTES && format->type != PYR_TYPE_UINT8) ||
        (codec->holds == HOLDS_LERC && !lerc_holds(format->type)))
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "%s tiles cannot hold samples of this type",
                        codec->name);
    if ((format->compression == PYR_TIFF_JPEG && bands > MAX_JPEG_BANDS) ||
        (format->compression == PYR_TIFF_WEBP && bands != 3 && bands != 4))
        return pyr_fail(err, PYR_UNSUPPORTED, "%s tiles cannot have %u bands",
                        codec->name, bands);
    if (format->compression == PYR_TIFF_WEBP &&
        (format->tile_width_px > MAX_WEBP_SIDE_PX ||
         format->tile_height_px > MAX_WEBP_SIDE_PX))
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "%s tiles have at most %u pixels a side", codec->name,
                        MAX_WEBP_SIDE_PX);
    if (format->ycbcr && (format->compression != PYR_TIFF_JPEG || bands != 3))
        return pyr_fail(err, PYR_USAGE,
                        "YCbCr goes with JPEG tiles of 3 bands only");
    if (format->bits &&
        (!codec->bits || bands != 1 || format->type != PYR_TYPE_UINT8))
        return pyr_fail(err, PYR_UNSUPPORTED, "%s tiles cannot hold such bits",
                        codec->name);
    return PYR_OK;
}

static enum pyr_result check_predictor(const struct pyr_tile_format *format,
                                       struct pyr_error *err)
{
    const struct codec *codec = &codecs[format->compression];

    if (format->predictor == 1)
        return PYR_OK;
    if (!codec->predicts)
        return pyr_fail(err, PYR_UNSUPPORTED, "%s tiles have no predictor",
                        codec->name);
    if (format->bits || pyr_type_bytes(format->type) > 8 ||
        (format->predictor == 3 && !is_float(format->type)))
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "predictor %d is not for samples of this type",
                        format->predictor);
    return PYR_OK;
}

static enum pyr_result check_format(const struct pyr_tile_format *format,
                                    struct pyr_error *err)
{
    enum pyr_result result = check_ranges(format, err);
    if (result == PYR_OK)
        result = check_samples(format, err);
    if (result == PYR_OK)
        result = check_predictor(format, err);
    if (result == PYR_OK && !pyr_tiff_has(format->compression))
        result = pyr_fail(err, PYR_UNSUPPORTED, "libtiff is built without %s",
                          codecs[format->compression].name);
    return result;
}

/* Sizes of what the codec gets. */
static enum pyr_result measure(struct pyr_tile_encoder *encoder,
                               struct pyr_error *err)
{
    const struct pyr_tile_format *format = &encoder->format;

    encoder->pixel_bytes = format->bands * pyr_type_bytes(format->type);
    encoder->row_bytes = format->bits
                             ? format->tile_width_px / 8
                             : format->tile_width_px * encoder->pixel_bytes;
    if (!pyr_mul_size(encoder->row_bytes, format->tile_height_px,
                      &encoder->tile_bytes) ||
        encoder->tile_bytes > MAX_TILE_BYTES)
        return pyr_fail(err, PYR_LIMIT, "tiles exceed %zu bytes",
                        MAX_TILE_BYTES);
    return PYR_OK;
}

static enum pyr_result make_codec(struct pyr_tile_encoder *encoder,
                                  struct pyr_error *err)
{
    switch (encoder->format.compression)
    {
        case PYR_TIFF_NONE:
            return PYR_OK;
        case PYR_TIFF_LERC:
            return PYR_OK;
        case PYR_TIFF_DEFLATE:
        case PYR_TIFF_LERC_DEFLATE:
            return pyr_tile_deflate_new(encoder, err);
        case PYR_TIFF_ZSTD:
        case PYR_TIFF_LERC_ZSTD:
            return pyr_tile_zstd_new(encoder, err);
        case PYR_TIFF_LZW:
        case PYR_TIFF_PACKBITS:
        case PYR_TIFF_JPEG:
        case PYR_TIFF_WEBP:
        case PYR_TIFF_LZMA:
            return pyr_tile_handle_new(encoder, err);
    }
    return PYR_USAGE; /* not reached: the format was checked */
}

enum pyr_result pyr_tile_encoder_new(const struct pyr_tile_format *format,
                                     struct pyr_tile_encoder **out_encoder,
                                     struct pyr_error *err)
{
    enum pyr_result result = check_format(format, err);
    if (result != PYR_OK)
        return result;
    struct pyr_tile_encoder *encoder = pyr_calloc(1, sizeof(*encoder));
    if (!encoder)
        return pyr_fail(err, PYR_NOMEM, "no memory for an encoder");

    encoder->format = *format;
    result = measure(encoder, err);
    if (result == PYR_OK)
        result = make_codec(encoder, err);
    if (result != PYR_OK)
    {
        pyr_tile_encoder_free(encoder);
        return result;
    }
    *out_encoder = encoder;
    return PYR_OK;
}

void pyr_tile_encoder_free(struct pyr_tile_encoder *encoder)
{
    if (!encoder)
        return;
    pyr_tile_deflate_free(encoder);
    pyr_tile_zstd_free(encoder);
    pyr_tile_handle_free(encoder);
    pyr_free(encoder->blob.bytes);
    pyr_free(encoder->values.bytes);
    pyr_free(encoder->rows.bytes);
    pyr_free(encoder->out.bytes);
    pyr_free(encoder);
}

static bool is_big_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* Bytes of what is swapped: each part of a complex sample. */
static size_t part_bytes(enum pyr_type type)
{
    return pyr_type_bytes(type) / (pyr_type_is_complex(type) ? 2 : 1);
}

/* Whether the codec wants samples, not bytes as they stand in the file. */
static bool wants_samples(const struct pyr_tile_format *format)
{
    return codecs[format->compression].holds != HOLDS_ALL;
}

/* One row of the tile; planes is room for another. */
static void make_row(const struct pyr_tile_encoder *encoder, const uint8_t *in,
                     uint8_t *planes, uint8_t *out)
{
    const struct pyr_tile_format *format = &encoder->format;
    const size_t sample_bytes = pyr_type_bytes(format->type);
    const size_t nsamples = (size_t)format->tile_width_px * format->bands;

    if (format->bits)
        pyr_tile_pack_bits(in, format->tile_width_px, out);
    else if (format->predictor == 3)
        pyr_tile_float_differences(in, nsamples, sample_bytes, format->bands,
                                   planes, out);
    else if (format->predictor == 2)
        pyr_tile_differences(in, nsamples, sample_bytes, format->bands, out);
    else
        memcpy(out, in, encoder->row_bytes);
    if (is_big_endian() && !wants_samples(format) && format->predictor != 3)
    {
        /* What is predicted is a number as a whole. */
        const size_t nbytes =
            format->predictor == 2 ? sample_bytes : part_bytes(format->type);
        pyr_tile_swap(out, encoder->row_bytes / nbytes, nbytes);
    }
}

/* Rows as the codec wants them, one after the other, in room. */
static void make_rows(const struct pyr_tile_encoder *encoder,
                      const uint8_t *pixels, size_t row_bytes, uint8_t *room)
{
    const uint32_t height_px = encoder->format.tile_height_px;
    uint8_t *planes = room + encoder->tile_bytes;

    for (uint32_t row = 0; row < height_px; row++)
        make_row(encoder, pixels + row * row_bytes, planes,
                 room + row * encoder->row_bytes);
}

/* Whether the pixels are what the codec wants. */
static bool is_ready(const struct pyr_tile_encoder *encoder, size_t row_bytes)
{
    const struct pyr_tile_format *format = &encoder->format;

    return row_bytes == encoder->row_bytes && !format->bits &&
           format->predictor == 1 &&
           (!is_big_endian() || wants_samples(format) ||
            part_bytes(format->type) == 1);
}

static enum pyr_result encode(struct pyr_tile_encoder *encoder,
                              const uint8_t *pixels, size_t row_bytes,
                              const uint8_t **out_bytes, size_t *out_nbytes,
                              struct pyr_error *err)
{
    const bool none = encoder->format.compression == PYR_TIFF_NONE;
    struct pyr_encoder_block *block = none ? &encoder->out : &encoder->rows;
    const uint8_t *rows = pixels;

    if (none || !is_ready(encoder, row_bytes))
    {
        if (!pyr_encoder_reserve(block,
                                 encoder->tile_bytes + encoder->row_bytes))
            return pyr_fail(err, PYR_NOMEM, "no memory for a tile");
        make_rows(encoder, pixels, row_bytes, block->bytes);
        rows = block->bytes;
    }
    switch (encoder->format.compression)
    {
        case PYR_TIFF_NONE:
            break;
        case PYR_TIFF_DEFLATE:
            return pyr_tile_deflate(encoder, rows, encoder->tile_bytes,
                                    out_bytes, out_nbytes, err);
        case PYR_TIFF_ZSTD:
            return pyr_tile_zstd(encoder, rows, encoder->tile_bytes, out_bytes,
                                 out_nbytes, err);
        case PYR_TIFF_LERC:
        case PYR_TIFF_LERC_DEFLATE:
        case PYR_TIFF_LERC_ZSTD:
            return pyr_tile_lerc(encoder, rows, out_bytes, out_nbytes, err);
        case PYR_TIFF_LZW:
        case PYR_TIFF_PACKBITS:
        case PYR_TIFF_JPEG:
        case PYR_TIFF_WEBP:
        case PYR_TIFF_LZMA:
            return pyr_tile_handle_encode(encoder, rows, out_bytes, out_nbytes,
                                          err);
    }
    *out_bytes = rows;
    *out_nbytes = encoder->tile_bytes;
    return PYR_OK;
}

enum pyr_result pyr_tile_encode(struct pyr_tile_encoder *encoder,
                                const uint8_t *pixels, size_t row_bytes,
                                const uint8_t **out_bytes, size_t *out_nbytes,
                                struct pyr_error *err)
{
    const size_t expected =
        encoder->format.tile_width_px * encoder->pixel_bytes;

    if (row_bytes < expected)
        return pyr_fail(err, PYR_USAGE,
                        "rows are %zu bytes apart, expected at least %zu",
                        row_bytes, expected);
    return encode(encoder, pixels, row_bytes, out_bytes, out_nbytes, err);
}

/* libtiff makes them with its first tile. */
static enum pyr_result encode_any(struct pyr_tile_encoder *encoder,
                                  struct pyr_error *err)
{
    const uint8_t *bytes = NULL;
    size_t nbytes = 0;
    uint8_t *pixels = pyr_calloc(encoder->tile_bytes, 1);
    if (!pixels)
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile");
    const enum pyr_result result =
        pyr_tile_handle_encode(encoder, pixels, &bytes, &nbytes, err);
    pyr_free(pixels);
    return result;
}

enum pyr_result pyr_tile_encoder_tables(struct pyr_tile_encoder *encoder,
                                        const uint8_t **out_bytes,
                                        size_t *out_nbytes,
                                        struct pyr_error *err)
{
    if (encoder->format.compression != PYR_TIFF_JPEG)
    {
        *out_bytes = NULL;
        *out_nbytes = 0;
        return PYR_OK;
    }
    const enum pyr_result result = encode_any(encoder, err);
    if (result != PYR_OK)
        return result;
    return pyr_tile_handle_tables(encoder, out_bytes, out_nbytes, err);
}
