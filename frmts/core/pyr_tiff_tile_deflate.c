/* SPDX-License-Identifier: MIT */
/* Bytes to zlib streams (RFC 1950), through libdeflate: with all its levels,
 * whatever libtiff is built with; or by our own fast encoder. */
#include "pyr_tiff_tile_priv.h"

#include "pyr_fast_deflate.h"

#include <libdeflate.h>

#define DEFAULT_LEVEL 6
#define ZLIB_HEAD_BYTES 2u
#define ZLIB_TAIL_BYTES 4u

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
    const int level = encoder->format.level;
    enum pyr_result result = PYR_OK;

    if (level == PYR_TIFF_FAST)
        result = pyr_fast_deflate_new(&encoder->fast);
    else
        encoder->deflate = libdeflate_alloc_compressor(library_level(level));
    return result == PYR_OK && (encoder->fast || encoder->deflate)
               ? PYR_OK
               : pyr_fail(err, PYR_NOMEM, "no memory for a DEFLATE encoder");
}

/* Of the head, a window of 32 KB, and that the fastest level was taken. */
static enum pyr_result encode_fast(struct pyr_tile_encoder *encoder,
                                   const uint8_t *bytes, size_t nbytes,
                                   const uint8_t **out_bytes,
                                   size_t *out_nbytes, struct pyr_error *err)
{
    const size_t bound = pyr_fast_deflate_bound(nbytes);

    if (!pyr_encoder_reserve(&encoder->out,
                             ZLIB_HEAD_BYTES + bound + ZLIB_TAIL_BYTES))
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile in DEFLATE");
    uint8_t *const out = encoder->out.bytes;
    out[0] = 0x78;
    out[1] = 0x01;
    const size_t made =
        pyr_fast_deflate(encoder->fast, bytes, nbytes, out + ZLIB_HEAD_BYTES);
    const uint32_t sum = libdeflate_adler32(1, bytes, nbytes);
    for (unsigned i = 0; i < ZLIB_TAIL_BYTES; i++)
        out[ZLIB_HEAD_BYTES + made + i] = (uint8_t)(sum >> (24 - 8 * i));
    *out_bytes = out;
    *out_nbytes = ZLIB_HEAD_BYTES + made + ZLIB_TAIL_BYTES;
    return PYR_OK;
}

enum pyr_result pyr_tile_deflate(struct pyr_tile_encoder *encoder,
                                 const uint8_t *bytes, size_t nbytes,
                                 const uint8_t **out_bytes, size_t *out_nbytes,
                                 struct pyr_error *err)
{
    if (encoder->fast)
        return encode_fast(encoder, bytes, nbytes, out_bytes, out_nbytes, err);
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
    pyr_fast_deflate_free(encoder->fast);
    encoder->fast = NULL;
}
