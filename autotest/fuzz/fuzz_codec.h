/* SPDX-License-Identifier: MIT */
/* What the codec fuzz targets share: an input is 4 bytes of shape, then the
 * encoded tile. */
#ifndef FUZZ_CODEC_H
#define FUZZ_CODEC_H

#include "pyr_codec.h"

#include <stdlib.h>
#include <string.h>

/* Decodes the tile, in blocks of exactly the sizes promised, before and after
 * the same decoder met half of it: the outcome may not depend on that. The 4
 * bytes: width - 1; height - 1; bands - 1 in bits 0 and 1, float in bit 2;
 * which of the two codecs in bit 0. */
static inline void fuzz_codec(const enum pyr_codec codecs[2],
                              const uint8_t *data, size_t nbytes)
{
    if (nbytes < 4)
        return;
    const struct pyr_tile_shape shape = {
        1u + data[0], 1u + data[1], 1u + (data[2] & 3u),
        data[2] & 4 ? PYR_SAMPLE_FLOAT32 : PYR_SAMPLE_UINT8};
    const enum pyr_codec codec = codecs[data[3] & 1];
    const size_t pixel_bytes = pyr_tile_bytes(&shape);
    uint8_t *first = malloc(pixel_bytes);
    uint8_t *second = malloc(pixel_bytes);
    uint8_t *tile = malloc(nbytes - 3);
    struct pyr_decoder *decoder = NULL;
    struct pyr_error err = {""};

    if (!first || !second || !tile || pyr_decoder_new(&decoder) != PYR_OK)
        abort();
    nbytes -= 4;
    memcpy(tile, data + 4, nbytes);
    tile = realloc(tile, nbytes ? nbytes : 1);

    const enum pyr_result result =
        pyr_decode(decoder, codec, &shape, tile, nbytes, first, &err);
    if (result == PYR_USAGE || (result == PYR_OK) != (err.text[0] == '\0'))
        abort();
    if (pyr_decode(decoder, codec, &shape, tile, nbytes / 2, second, NULL) ==
        PYR_USAGE)
        abort();
    if (pyr_decode(decoder, codec, &shape, tile, nbytes, second, &err) !=
        result)
        abort();
    if (result == PYR_OK && memcmp(first, second, pixel_bytes) != 0)
        abort();

    pyr_decoder_free(decoder);
    free(tile);
    free(second);
    free(first);
}

#endif
