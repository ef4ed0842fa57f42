/* SPDX-License-Identifier: MIT */
/* Encoder state, choice of the codec family, raw tiles. */
#include "pyr_encode.h"
#include "pyr_alloc.h"
#include "pyr_encode_priv.h"

#include <string.h>

bool pyr_encoder_reserve(struct pyr_encoder_block *block, size_t nbytes)
{
    if (block->capacity >= nbytes)
        return true;
    /* Not realloc: there is nothing to copy. */
    pyr_free(block->bytes);
    block->bytes = pyr_malloc(nbytes);
    block->capacity = block->bytes ? nbytes : 0;
    return block->bytes != NULL;
}

static bool is_little_endian(const struct pyr_tile_shape *shape)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return shape->sample == PYR_SAMPLE_UINT8;
#else
    (void)shape;
    return true;
#endif
}

static void copy_rows(const struct pyr_tile_shape *shape, const uint8_t *pixels,
                      size_t row_bytes, uint8_t *out)
{
    const size_t nbytes = pyr_tile_row_bytes(shape);

    if (row_bytes == nbytes)
        memcpy(out, pixels, pyr_tile_bytes(shape));
    else
        for (size_t row = 0; row < shape->height_px; row++)
            memcpy(out + row * nbytes, pixels + row * row_bytes, nbytes);
    if (is_little_endian(shape))
        return;
    for (size_t at = 0; at < pyr_tile_bytes(shape); at += 4)
    {
        const uint8_t copy[4] = {out[at], out[at + 1], out[at + 2],
                                 out[at + 3]};
        for (size_t i = 0; i < 4; i++)
            out[at + i] = copy[3 - i];
    }
}

const uint8_t *pyr_encoder_bytes(struct pyr_encoder *encoder,
                                 const struct pyr_tile_shape *shape,
                                 const uint8_t *pixels, size_t row_bytes)
{
    if (row_bytes == pyr_tile_row_bytes(shape) && is_little_endian(shape))
        return pixels;
    if (!pyr_encoder_reserve(&encoder->rows, pyr_tile_bytes(shape)))
        return NULL;
    copy_rows(shape, pixels, row_bytes, encoder->rows.bytes);
    return encoder->rows.bytes;
}

static enum pyr_result raw_encode(struct pyr_encoder *encoder,
                                  const struct pyr_tile_shape *shape,
                                  const uint8_t *pixels, size_t row_bytes,
                                  size_t *out_nbytes, struct pyr_error *err)
{
    const size_t nbytes = pyr_tile_bytes(shape);

    if (!pyr_encoder_reserve(&encoder->out, nbytes))
        return pyr_fail(err, PYR_NOMEM, "no memory for a raw tile");
    copy_rows(shape, pixels, row_bytes, encoder->out.bytes);
    *out_nbytes = nbytes;
    return PYR_OK;
}

/* Checks the encoding, and makes what can be made before the first tile. */
static enum pyr_result prepare(struct pyr_encoder *encoder,
                               struct pyr_error *err)
{
    const struct pyr_encoding *encoding = &encoder->encoding;

    switch (encoding->codec)
    {
        case PYR_CODEC_RAW:
            return PYR_OK;
        case PYR_CODEC_JPEG:
            if (encoding->quality < 1 || encoding->quality > 100)
                return pyr_fail(err, PYR_USAGE,
                                "JPEG quality %d, expected 1 to 100",
                                encoding->quality);
            return pyr_jpeg_encoder_new(encoder, err);
        case PYR_CODEC_PNG:
        case PYR_CODEC_DEFLATE:
            if (encoding->level < 1 || encoding->level > 12)
                return pyr_fail(err, PYR_USAGE,
                                "compression level %d, expected 1 to 12",
                                encoding->level);
            return pyr_deflate_encoder_new(encoder, err);
        case PYR_CODEC_LZW:
        case PYR_CODEC_PACKBITS:
            return pyr_tiff_encoder_check(encoding->codec, err);
    }
    return pyr_fail(err, PYR_USAGE, "unknown codec %d", (int)encoding->codec);
}

enum pyr_result pyr_encoder_new(const struct pyr_encoding *encoding,
                                struct pyr_encoder **out_encoder,
                                struct pyr_error *err)
{
    struct pyr_encoder *encoder = pyr_calloc(1, sizeof(*encoder));
    if (!encoder)
        return pyr_fail(err, PYR_NOMEM, "no memory for an encoder");

    encoder->encoding = *encoding;
    const enum pyr_result result = prepare(encoder, err);
    if (result != PYR_OK)
    {
        pyr_encoder_free(encoder);
        return result;
    }
    *out_encoder = encoder;
    return PYR_OK;
}

void pyr_encoder_free(struct pyr_encoder *encoder)
{
    if (!encoder)
        return;
    pyr_jpeg_encoder_free(encoder);
    pyr_deflate_encoder_free(encoder);
    pyr_tiff_encoder_free(encoder); /* uses the block out */
    pyr_free(encoder->rows.bytes);
    pyr_free(encoder->out.bytes);
    pyr_free(encoder);
}

static enum pyr_result check_tile(enum pyr_codec codec,
                                  const struct pyr_tile_shape *shape,
                                  size_t row_bytes, struct pyr_error *err)
{
    if (!pyr_tile_shape_valid(shape))
        return pyr_fail(err, PYR_USAGE, "tile shape %ux%ux%u is out of range",
                        (unsigned)shape->width_px, (unsigned)shape->height_px,
                        (unsigned)shape->bands);
    if (row_bytes < pyr_tile_row_bytes(shape))
        return pyr_fail(err, PYR_USAGE,
                        "rows are %zu bytes apart, expected at least %zu",
                        row_bytes, pyr_tile_row_bytes(shape));
    if ((codec == PYR_CODEC_JPEG || codec == PYR_CODEC_PNG) &&
        shape->sample != PYR_SAMPLE_UINT8)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "JPEG and PNG tiles cannot hold floats");
    if (codec == PYR_CODEC_JPEG && shape->bands != 3)
        return pyr_fail(err, PYR_UNSUPPORTED, "JPEG tiles have 3 bands, not %u",
                        (unsigned)shape->bands);
    return PYR_OK;
}

static enum pyr_result encode(struct pyr_encoder *encoder,
                              const struct pyr_tile_shape *shape,
                              const uint8_t *pixels, size_t row_bytes,
                              size_t *out_nbytes, struct pyr_error *err)
{
    switch (encoder->encoding.codec)
    {
        case PYR_CODEC_RAW:
            return raw_encode(encoder, shape, pixels, row_bytes, out_nbytes,
                              err);
        case PYR_CODEC_JPEG:
            return pyr_jpeg_encode(encoder, shape, pixels, row_bytes,
                                   out_nbytes, err);
        case PYR_CODEC_PNG:
            return pyr_png_encode(encoder, shape, pixels, row_bytes, out_nbytes,
                                  err);
        case PYR_CODEC_DEFLATE:
            return pyr_deflate_encode(encoder, shape, pixels, row_bytes,
                                      out_nbytes, err);
        case PYR_CODEC_LZW:
        case PYR_CODEC_PACKBITS:
            return pyr_tiff_encode(encoder, shape, pixels, row_bytes,
                                   out_nbytes, err);
    }
    return PYR_USAGE; /* not reached: pyr_encoder_new() has refused it */
}

enum pyr_result pyr_encode(struct pyr_encoder *encoder,
                           const struct pyr_tile_shape *shape,
                           const uint8_t *pixels, size_t row_bytes,
                           const uint8_t **out_bytes, size_t *out_nbytes,
                           struct pyr_error *err)
{
    size_t nbytes = 0;
    enum pyr_result result =
        check_tile(encoder->encoding.codec, shape, row_bytes, err);

    if (result == PYR_OK)
        result = encode(encoder, shape, pixels, row_bytes, &nbytes, err);
    if (result != PYR_OK)
        return result;
    *out_bytes = encoder->out.bytes;
    *out_nbytes = nbytes;
    return PYR_OK;
}
