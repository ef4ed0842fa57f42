/* SPDX-License-Identifier: MIT */
/* Tiles that are one zlib stream of the raw bytes, through libdeflate. */
#include "pyr_codec_priv.h"

#include <libdeflate.h>

enum pyr_result pyr_deflate_decode(struct pyr_decoder *decoder,
                                   const struct pyr_tile_shape *shape,
                                   const uint8_t *bytes, size_t nbytes,
                                   void *pixels, struct pyr_error *err)
{
    const size_t expected = pyr_tile_bytes(shape);

    if (!decoder->deflate)
        decoder->deflate = libdeflate_alloc_decompressor();
    if (!decoder->deflate)
        return pyr_fail(err, PYR_NOMEM, "no memory for a zlib decoder");

    /* Without a place for the output size, libdeflate wants it exact. Bytes
     * after the stream are none of its business. */
    switch (libdeflate_zlib_decompress(decoder->deflate, bytes, nbytes, pixels,
                                       expected, NULL))
    {
        case LIBDEFLATE_SUCCESS:
            return PYR_OK;
        case LIBDEFLATE_SHORT_OUTPUT:
            return pyr_fail(err, PYR_CORRUPT,
                            "zlib stream holds fewer than %zu bytes", expected);
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            return pyr_fail(err, PYR_CORRUPT,
                            "zlib stream holds more than %zu bytes", expected);
        case LIBDEFLATE_BAD_DATA:
            break;
    }
    return pyr_fail(err, PYR_CORRUPT,
                    "zlib stream of %zu bytes is damaged or truncated", nbytes);
}

void pyr_deflate_free(struct pyr_decoder *decoder)
{
    libdeflate_free_decompressor(decoder->deflate);
    decoder->deflate = NULL;
}
