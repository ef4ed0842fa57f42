/* SPDX-License-Identifier: MIT */
/* Fuzz target: tiles of any pixels, encoded and decoded again. */
#include "pyr_encode.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

#define HEAD_BYTES 6

static void require(bool promise)
{
    if (!promise)
        abort();
}

/* The bytes of the input, over and over; with gap_bytes between the rows, and
 * none behind the last pixel. */
static uint8_t *make_rows(const struct pyr_tile_shape *shape, size_t gap_bytes,
                          const uint8_t *data, size_t nbytes)
{
    const size_t row_bytes = pyr_tile_row_bytes(shape) + gap_bytes;
    const size_t total = shape->height_px * row_bytes - gap_bytes;
    uint8_t *rows = malloc(total);
    require(rows != NULL);
    for (size_t i = 0; i < total; i++)
        rows[i] = nbytes > 0 ? data[i % nbytes] : 0;
    return rows;
}

static void check_pixels(const struct pyr_tile_shape *shape,
                         enum pyr_codec codec, const uint8_t *bytes,
                         size_t nbytes, const uint8_t *rows, size_t gap_bytes)
{
    const size_t row_bytes = pyr_tile_row_bytes(shape);
    uint8_t *pixels = malloc(pyr_tile_bytes(shape));
    struct pyr_decoder *decoder = NULL;

    require(pixels != NULL && pyr_decoder_new(&decoder) == PYR_OK);
    require(pyr_decode(decoder, codec, shape, bytes, nbytes, pixels, NULL) ==
            PYR_OK);
    for (size_t row = 0; row < shape->height_px; row++)
        require(codec == PYR_CODEC_JPEG ||
                memcmp(pixels + row * row_bytes,
                       rows + row * (row_bytes + gap_bytes), row_bytes) == 0);
    pyr_decoder_free(decoder);
    free(pixels);
}

/* The tile comes out of the encoder as before, though that has met another one
 * in between. */
static void check_again(struct pyr_encoder *encoder,
                        const struct pyr_tile_shape *shape, const uint8_t *rows,
                        size_t row_bytes, const uint8_t *bytes, size_t nbytes)
{
    struct pyr_tile_shape half = *shape;
    uint8_t *copy = malloc(nbytes);
    const uint8_t *again = NULL;
    size_t again_nbytes = 0;

    require(copy != NULL);
    memcpy(copy, bytes, nbytes);
    half.height_px = (half.height_px + 1) / 2;
    require(pyr_encode(encoder, &half, rows, row_bytes, &again, &again_nbytes,
                       NULL) == PYR_OK);
    require(pyr_encode(encoder, shape, rows, row_bytes, &again, &again_nbytes,
                       NULL) == PYR_OK);
    require(again_nbytes == nbytes && memcmp(again, copy, nbytes) == 0);
    free(copy);
}

/* An input is 6 bytes, then pixels: width - 1; height - 1; bands - 1 in bits 0
 * and 1, float in bit 2; the codec; quality or level, which may be out of
 * range; bytes between the rows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    if (nbytes < HEAD_BYTES)
        return 0;
    const struct pyr_tile_shape shape = {
        1u + data[0], 1u + data[1], 1u + (data[2] & 3u),
        data[2] & 4 ? PYR_SAMPLE_FLOAT32 : PYR_SAMPLE_UINT8};
    const struct pyr_encoding encoding = {(enum pyr_codec)(data[3] % 6),
                                          data[4], data[4]};
    const size_t gap_bytes = data[5];
    const size_t row_bytes = pyr_tile_row_bytes(&shape) + gap_bytes;
    struct pyr_encoder *encoder = NULL;
    struct pyr_error err = {""};
    const uint8_t *bytes = NULL;
    size_t size = 0;

    if (pyr_encoder_new(&encoding, &encoder, &err) != PYR_OK)
    {
        require(encoder == NULL && err.text[0] != '\0');
        return 0;
    }
    uint8_t *rows =
        make_rows(&shape, gap_bytes, data + HEAD_BYTES, nbytes - HEAD_BYTES);
    const enum pyr_result result =
        pyr_encode(encoder, &shape, rows, row_bytes, &bytes, &size, &err);
    if (result == PYR_OK)
    {
        check_pixels(&shape, encoding.codec, bytes, size, rows, gap_bytes);
        check_again(encoder, &shape, rows, row_bytes, bytes, size);
    }
    else
        require(result == PYR_UNSUPPORTED && err.text[0] != '\0');
    free(rows);
    pyr_encoder_free(encoder);
    return 0;
}
