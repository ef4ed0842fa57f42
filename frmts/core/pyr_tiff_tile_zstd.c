/* SPDX-License-Identifier: MIT */
/* Bytes to Zstandard frames: libtiff makes them without knowing their size,
 * which costs time at high levels. */
#include "pyr_tiff_tile_priv.h"

#include <zstd.h>

#define DEFAULT_LEVEL 9

enum pyr_result pyr_tile_zstd_new(struct pyr_tile_encoder *encoder,
                                  struct pyr_error *err)
{
    const int level = encoder->format.level;

    encoder->zstd = ZSTD_createCCtx();
    if (!encoder->zstd)
        return pyr_fail(err, PYR_NOMEM, "no memory for a ZSTD encoder");
    const size_t set =
        ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel,
                               level != 0 ? level : DEFAULT_LEVEL);
    if (ZSTD_isError(set))
        return pyr_fail(err, PYR_IO, "ZSTD: %s", ZSTD_getErrorName(set));
    return PYR_OK;
}

enum pyr_result pyr_tile_zstd(struct pyr_tile_encoder *encoder,
                              const uint8_t *bytes, size_t nbytes,
                              const uint8_t **out_bytes, size_t *out_nbytes,
                              struct pyr_error *err)
{
    const size_t bound = ZSTD_compressBound(nbytes);

    if (!pyr_encoder_reserve(&encoder->out, bound))
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile in ZSTD");
    const size_t made =
        ZSTD_compress2(encoder->zstd, encoder->out.bytes, bound, bytes, nbytes);
    if (ZSTD_isError(made))
        return pyr_fail(err, PYR_IO, "ZSTD: %s", ZSTD_getErrorName(made));
    *out_bytes = encoder->out.bytes;
    *out_nbytes = made;
    return PYR_OK;
}

void pyr_tile_zstd_free(struct pyr_tile_encoder *encoder)
{
    (void)ZSTD_freeCCtx(encoder->zstd);
    encoder->zstd = NULL;
}
