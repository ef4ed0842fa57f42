/* SPDX-License-Identifier: MIT */
/* Shapes, pixels and encoding for the encoder tests. */
#ifndef ENCODE_CHECK_H
#define ENCODE_CHECK_H

#include "codec_check.h"
#include "pyr_encode.h"

static const struct pyr_tile_shape gray = {37, 29, 1, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape graya = {20, 31, 2, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape rgb = {37, 29, 3, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape rgba = {64, 64, 4, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape floats = {16, 9, 1, PYR_SAMPLE_FLOAT32};
static const struct pyr_tile_shape floats3 = {7, 5, 3, PYR_SAMPLE_FLOAT32};
static const struct pyr_tile_shape one = {1, 1, 1, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape wide = {16384, 1, 3, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape high = {1, 16384, 3, PYR_SAMPLE_UINT8};
static const struct pyr_tile_shape large = {256, 256, 3, PYR_SAMPLE_UINT8};

static const struct pyr_tile_shape *const shapes[] = {
    &gray, &graya, &rgb, &rgba, &floats, &floats3, &one, &wide, &high, &large};
#define NSHAPES (sizeof(shapes) / sizeof(shapes[0]))

static inline struct pyr_encoder *make_encoder(struct pyr_encoding encoding)
{
    struct pyr_encoder *encoder = NULL;
    struct pyr_error err = {""};
    CHECK_INT(pyr_encoder_new(&encoding, &encoder, &err), PYR_OK);
    CHECK_STR(err.text, "");
    return need(encoder);
}

/* A block of rows that far apart, without a byte behind the last pixel. */
static inline uint8_t *spread_rows(const struct pyr_tile_shape *shape,
                                   const uint8_t *pixels, size_t row_bytes)
{
    const size_t nbytes = pyr_tile_row_bytes(shape);
    const size_t total = (shape->height_px - 1) * row_bytes + nbytes;
    uint8_t *rows = need(malloc(total));
    memset(rows, 0xEE, total);
    for (size_t row = 0; row < shape->height_px; row++)
        memcpy(rows + row * row_bytes, pixels + row * nbytes, nbytes);
    return rows;
}

/* The tile, borrowed from the encoder; its rows are gap_bytes apart. */
static inline struct encoded encode_with(struct pyr_encoder *encoder,
                                         const struct pyr_tile_shape *shape,
                                         const uint8_t *pixels,
                                         size_t gap_bytes)
{
    const size_t row_bytes = pyr_tile_row_bytes(shape) + gap_bytes;
    uint8_t *rows = spread_rows(shape, pixels, row_bytes);
    uint8_t *before = spread_rows(shape, pixels, row_bytes);
    const size_t total =
        (shape->height_px - 1) * row_bytes + pyr_tile_row_bytes(shape);
    const uint8_t *bytes = NULL;
    size_t nbytes = 0;
    struct pyr_error err = {""};

    CHECK_INT(
        pyr_encode(encoder, shape, rows, row_bytes, &bytes, &nbytes, &err),
        PYR_OK);
    CHECK_STR(err.text, "");
    CHECK(bytes != NULL && bytes != rows && nbytes > 0);
    CHECK_INT(memcmp(rows, before, total), 0);
    free(before);
    free(rows);
    return (struct encoded){need((void *)bytes), nbytes};
}

/* The tile in a block of its own, from an encoder that has seen no other. */
static inline struct encoded encode_alone(struct pyr_encoding encoding,
                                          const struct pyr_tile_shape *shape,
                                          const uint8_t *pixels)
{
    struct pyr_encoder *encoder = make_encoder(encoding);
    struct encoded tile = encode_with(encoder, shape, pixels, 0);
    tile = with_bytes_at(tile, 0, "", 0);
    pyr_encoder_free(encoder);
    return tile;
}

enum content
{
    SMOOTH,
    CONSTANT,
    NOISE,
    RUNS,
    NCONTENTS
};

static inline uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static inline uint8_t *make_content(const struct pyr_tile_shape *shape,
                                    enum content content)
{
    uint8_t *pixels = make_pixels(shape);
    const size_t nbytes = pyr_tile_bytes(shape);
    uint32_t state = 7;

    if (content == CONSTANT)
        memset(pixels, 0xFF, nbytes);
    for (size_t i = 0; content == NOISE && i < nbytes; i++)
        pixels[i] = (uint8_t)next_random(&state);
    for (size_t i = 0; content == RUNS && i < nbytes;)
    {
        size_t left = 1 + next_random(&state) % 4 * (next_random(&state) % 90);
        for (; left > 0 && i < nbytes; left--)
            pixels[i++] = (uint8_t)(state >> 24);
    }
    return pixels;
}

#endif
