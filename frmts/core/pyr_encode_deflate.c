/* SPDX-License-Identifier: MIT */
/* Pixels to one zlib stream of the raw bytes, through libdeflate. */
#include "pyr_encode_priv.h"

#include <libdeflate.h>

enum pyr_result pyr_deflate_encoder_new(struct pyr_encoder *encoder,
                                        struct pyr_error *err)
{
    encoder->deflate = libdeflate_alloc_compressor(encoder->encoding.level);
    if (!encoder->deflate)
        return pyr_fail(err, PYR_NOMEM, "no memory for a zlib encoder");
    return PYR_OK;
}

enum pyr_result pyr_deflate_stream(struct pyr_encoder *encoder,
                                   const uint8_t *bytes, size_t nbytes,
                                   size_t before, size_t after,
                                   size_t *out_nbytes, struct pyr_error *err)
{
    const size_t bound =
        libdeflate_zlib_compress_bound(encoder->deflate, nbytes);

    if (!pyr_encoder_reserve(&encoder->out, before + bound + after))
        return pyr_fail(err, PYR_NOMEM, "no memory for a zlib stream");
    *out_nbytes = libdeflate_zlib_compress(encoder->deflate, bytes, nbytes,
                                           encoder->out.bytes + before, bound);
    if (*out_nbytes == 0) /* libdeflate promises that it fits */
        return pyr_fail(err, PYR_LIMIT, "zlib stream exceeds %zu bytes", bound);
    return PYR_OK;
}

enum pyr_result pyr_deflate_encode(struct pyr_encoder *encoder,
                                   const struct pyr_tile_shape *shape,
                                   const uint8_t *pixels, size_t row_bytes,
                                   size_t *out_nbytes, struct pyr_error *err)
{
    const uint8_t *bytes = pyr_encoder_bytes(encoder, shape, pixels, row_bytes);

    if (!bytes)
        return pyr_fail(err, PYR_NOMEM, "no memory for the rows of a tile");
    return pyr_deflate_stream(encoder, bytes, pyr_tile_bytes(shape), 0, 0,
                              out_nbytes, err);
}

void pyr_deflate_encoder_free(struct pyr_encoder *encoder)
{
    libdeflate_free_compressor(encoder->deflate);
    encoder->deflate = NULL;
}
