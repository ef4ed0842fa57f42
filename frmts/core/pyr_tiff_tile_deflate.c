/* SPDX-License-Identifier: MIT */
/* Bytes to zlib streams, through libdeflate: with all its levels, whatever
 * libtiff is built with. */
#include "pyr_tiff_tile_priv.h"

#include <libdeflate.h>

#define DEFAULT_LEVEL 6

/* As libtiff has them: what zlib's better levels promise takes libdeflate one
 * more. */
static int library_level(int level)
{
    if (level == 0)
        level = DEFAULT_LEVEL;
    return level >= 6 && level <= 9 ? level + 1 : level;
}

enum pyr_result pyr_tile_deflate_new(struct pyr_tile_encoder *encoder,
                                     struct pyr_error *err)
{
    encoder->deflate =
        libdeflate_alloc_compressor(library_level(encoder->format.level));
    return encoder->deflate
               ? PYR_OK
               : pyr_fail(err, PYR_NOMEM, "no memory for a DEFLATE encoder");
}

enum pyr_result pyr_tile_deflate(struct pyr_tile_encoder *encoder,
                                 const uint8_t *bytes, size_t nbytes,
                                 const uint8_t **out_bytes, size_t *out_nbytes,
                                 struct pyr_error *err)
{
    const size_t bound =
        libdeflate_zlib_compress_bound(encoder->deflate, nbytes);

    if (!pyr_encoder_reserve(&encoder->out, bound))
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile in DEFLATE");
    const size_t made = libdeflate_zlib_compress(
        encoder->deflate, bytes, nbytes, encoder->out.bytes, bound);
    if (made == 0) /* libdeflate promises that it fits */
        return pyr_fail(err, PYR_IO, "DEFLATE tile exceeds %zu bytes", bound);
    *out_bytes = encoder->out.bytes;
    *out_nbytes = made;
    return PYR_OK;
}

void pyr_tile_deflate_free(struct pyr_tile_encoder *encoder)
{
    if (encoder->deflate)
        libdeflate_free_compressor(encoder->deflate);
    encoder->deflate = NULL;
}
