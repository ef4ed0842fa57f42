/* SPDX-License-Identifier: MIT */
/* Decoder state, choice of the codec family, raw tiles. */
#include "pyr_codec.h"
#include "pyr_alloc.h"
#include "pyr_codec_priv.h"

#include <string.h>

enum pyr_result pyr_decoder_new(struct pyr_decoder **out_decoder)
{
    struct pyr_decoder *decoder = pyr_calloc(1, sizeof(*decoder));
    if (!decoder)
        return PYR_NOMEM;
    *out_decoder = decoder;
    return PYR_OK;
}

void pyr_decoder_free(struct pyr_decoder *decoder)
{
    if (!decoder)
        return;
    pyr_tiff_decoder_free(decoder);
    pyr_deflate_free(decoder);
    pyr_free(decoder);
}

enum pyr_result pyr_check_size(const struct pyr_tile_shape *shape,
                               uint32_t width_px, uint32_t height_px,
                               struct pyr_error *err)
{
    if (width_px == shape->width_px && height_px == shape->height_px)
        return PYR_OK;
    return pyr_fail(err, PYR_CORRUPT, "tile is %ux%u, expected %ux%u",
                    (unsigned)width_px, (unsigned)height_px,
                    (unsigned)shape->width_px, (unsigned)shape->height_px);
}

/* Floats are little endian in the file (format, section 5.1). */
static void floats_to_native(const struct pyr_tile_shape *shape, void *pixels)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint8_t *bytes = pixels;
    const size_t nbytes = pyr_tile_bytes(shape);

    if (shape->sample != PYR_SAMPLE_FLOAT32)
        return;
    for (size_t at = 0; at < nbytes; at += 4)
    {
        const uint8_t copy[4] = {bytes[at], bytes[at + 1], bytes[at + 2],
                                 bytes[at + 3]};
        for (size_t i = 0; i < 4; i++)
            bytes[at + i] = copy[3 - i];
    }
#else
    (void)shape;
    (void)pixels;
#endif
}

static enum pyr_result decode_raw(const struct pyr_tile_shape *shape,
                                  const uint8_t *bytes, size_t nbytes,
                                  void *pixels, struct pyr_error *err)
{
    const size_t expected = pyr_tile_bytes(shape);
    if (nbytes < expected)
        return pyr_fail(err, PYR_CORRUPT,
                        "raw tile has %zu bytes, expected %zu", nbytes,
                        expected);
    memcpy(pixels, bytes, expected);
    floats_to_native(shape, pixels);
    return PYR_OK;
}

enum pyr_result pyr_decode(struct pyr_decoder *decoder, enum pyr_codec codec,
                           const struct pyr_tile_shape *shape,
                           const uint8_t *bytes, size_t nbytes, void *pixels,
                           struct pyr_error *err)
{
    enum pyr_result result;

    if (!pyr_tile_shape_valid(shape))
        return pyr_fail(err, PYR_USAGE, "tile shape %ux%ux%u is out of range",
                        (unsigned)shape->width_px, (unsigned)shape->height_px,
                        (unsigned)shape->bands);
    if (nbytes == 0)
        return pyr_fail(err, PYR_CORRUPT, "tile has no bytes");
    if ((codec == PYR_CODEC_JPEG || codec == PYR_CODEC_PNG) &&
        shape->sample != PYR_SAMPLE_UINT8)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "JPEG and PNG tiles cannot hold floats");

    switch (codec)
    {
        case PYR_CODEC_RAW:
            return decode_raw(shape, bytes, nbytes, pixels, err);
        case PYR_CODEC_JPEG:
            return pyr_jpeg_decode(shape, bytes, nbytes, pixels, err);
        case PYR_CODEC_PNG:
            return pyr_png_decode(shape, bytes, nbytes, pixels, err);
        case PYR_CODEC_DEFLATE:
            result =
                pyr_deflate_decode(decoder, shape, bytes, nbytes, pixels, err);
            if (result == PYR_OK)
                floats_to_native(shape, pixels);
            return result;
        case PYR_CODEC_LZW:
        case PYR_CODEC_PACKBITS:
            return pyr_tiff_decode(decoder, codec, shape, bytes, nbytes, pixels,
                                   err);
    }
    return pyr_fail(err, PYR_USAGE, "unknown codec %d", (int)codec);
}
