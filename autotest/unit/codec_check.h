/* SPDX-License-Identifier: MIT */
/* Pixels, guarded decoding and truncation loops for the codec tests. */
#ifndef CODEC_CHECK_H
#define CODEC_CHECK_H

#include "pyr_codec.h"
#include "unit.h"

#include <stdlib.h>

#define GUARD_BYTES 64

/* Encoded bytes in a block of its own; free bytes when done. */
struct encoded
{
    uint8_t *bytes;
    size_t nbytes;
};

static inline void *need(void *block)
{
    if (!block)
        abort();
    return block;
}

/* Up and down without jumps, so that lossy codecs stay close, with another
 * slope in each band. Floats get values that are no integers. */
static inline uint8_t *make_pixels(const struct pyr_tile_shape *shape)
{
    uint8_t *pixels = need(malloc(pyr_tile_bytes(shape)));
    size_t at = 0;
    for (uint32_t row = 0; row < shape->height_px; row++)
        for (uint32_t col = 0; col < shape->width_px; col++)
            for (uint32_t band = 0; band < shape->bands; band++)
            {
                const uint32_t slope =
                    (row * (band + 1) + col * 2 + band * 50) & 0x1FF;
                const uint32_t value = slope < 256 ? slope : 511 - slope;
                const float number = (float)value * 1.25f - 100.0f;
                if (shape->sample == PYR_SAMPLE_UINT8)
                    pixels[at] = (uint8_t)value;
                else
                    memcpy(pixels + at, &number, sizeof(number));
                at += pyr_sample_bytes(shape->sample);
            }
    return pixels;
}

/* pyr_decode() from a block of exactly nbytes, so that a sanitizer sees reads
 * beyond it, into pixels between two guards, because sanitizers are blind to
 * the assembler of codec libraries. A failure must say why. */
static inline enum pyr_result decode_with(struct pyr_decoder *decoder,
                                          enum pyr_codec codec,
                                          const struct pyr_tile_shape *shape,
                                          const uint8_t *bytes, size_t nbytes,
                                          uint8_t *pixels)
{
    const size_t pixel_bytes = pyr_tile_bytes(shape);
    uint8_t *block = need(malloc(pixel_bytes + 2 * GUARD_BYTES));
    uint8_t *input = need(malloc(nbytes ? nbytes : 1));
    struct pyr_error err = {""};
    int touched = 0;

    memset(block, 0xA5, pixel_bytes + 2 * GUARD_BYTES);
    memcpy(input, bytes, nbytes);
    const enum pyr_result result = pyr_decode(
        decoder, codec, shape, input, nbytes, block + GUARD_BYTES, &err);
    for (size_t i = 0; i < GUARD_BYTES; i++)
        touched +=
            (block[i] != 0xA5) + (block[GUARD_BYTES + pixel_bytes + i] != 0xA5);
    CHECK_INT(touched, 0);
    CHECK_INT(memcmp(input, bytes, nbytes), 0);
    CHECK_INT(result == PYR_OK, err.text[0] == '\0');
    memcpy(pixels, block + GUARD_BYTES, pixel_bytes);
    free(input);
    free(block);
    return result;
}

static inline enum pyr_result decode(enum pyr_codec codec,
                                     const struct pyr_tile_shape *shape,
                                     struct encoded tile, uint8_t *pixels)
{
    struct pyr_decoder *decoder = NULL;
    enum pyr_result result = pyr_decoder_new(&decoder);
    if (result == PYR_OK)
        result =
            decode_with(decoder, codec, shape, tile.bytes, tile.nbytes, pixels);
    pyr_decoder_free(decoder);
    return result;
}

/* Result alone, for tiles that must fail. */
static inline enum pyr_result result_of(enum pyr_codec codec,
                                        const struct pyr_tile_shape *shape,
                                        struct encoded tile)
{
    uint8_t *pixels = need(malloc(pyr_tile_bytes(shape)));
    const enum pyr_result result = decode(codec, shape, tile, pixels);
    free(pixels);
    return result;
}

/* The largest difference from the pixels expected, per sample of 8 bits; 256
 * when the tile does not decode. */
static inline int decoded_error(enum pyr_codec codec,
                                const struct pyr_tile_shape *shape,
                                struct encoded tile, const uint8_t *expected)
{
    uint8_t *pixels = need(malloc(pyr_tile_bytes(shape)));
    int worst = 0;
    if (decode(codec, shape, tile, pixels) != PYR_OK)
        worst = 256;
    for (size_t i = 0; worst < 256 && i < pyr_tile_bytes(shape); i++)
        if (abs(pixels[i] - expected[i]) > worst)
            worst = abs(pixels[i] - expected[i]);
    free(pixels);
    return worst;
}

/* Every tile shorter than nbytes_needed is corrupt; from there on the missing
 * bytes (an end code) may cost no pixel. One decoder sees them all, and decodes
 * the whole tile in between: a failure leaves nothing behind. */
static inline void check_truncations(enum pyr_codec codec,
                                     const struct pyr_tile_shape *shape,
                                     struct encoded tile, size_t nbytes_needed)
{
    uint8_t *whole = need(malloc(pyr_tile_bytes(shape)));
    uint8_t *pixels = need(malloc(pyr_tile_bytes(shape)));
    struct pyr_decoder *decoder = NULL;
    int wrong = 0;

    CHECK_INT(pyr_decoder_new(&decoder), PYR_OK);
    CHECK_INT(
        decode_with(decoder, codec, shape, tile.bytes, tile.nbytes, whole),
        PYR_OK);
    for (size_t nbytes = 0; nbytes <= tile.nbytes; nbytes++)
    {
        const enum pyr_result result =
            decode_with(decoder, codec, shape, tile.bytes, nbytes, pixels);
        const bool harmless = nbytes >= nbytes_needed && result == PYR_OK &&
                              memcmp(pixels, whole, pyr_tile_bytes(shape)) == 0;
        wrong += result != PYR_CORRUPT && !harmless;
        if (nbytes % 64 == 0)
            wrong += decode_with(decoder, codec, shape, tile.bytes, tile.nbytes,
                                 pixels) != PYR_OK ||
                     memcmp(pixels, whole, pyr_tile_bytes(shape)) != 0;
    }
    CHECK_INT(wrong, 0);
    pyr_decoder_free(decoder);
    free(pixels);
    free(whole);
}

/* A copy with bytes put in before offset. */
static inline struct encoded with_bytes_at(struct encoded tile, size_t offset,
                                           const void *bytes, size_t nbytes)
{
    struct encoded longer = {need(malloc(tile.nbytes + nbytes)),
                             tile.nbytes + nbytes};
    memcpy(longer.bytes, tile.bytes, offset);
    memcpy(longer.bytes + offset, bytes, nbytes);
    memcpy(longer.bytes + offset + nbytes, tile.bytes + offset,
           tile.nbytes - offset);
    return longer;
}

#endif
