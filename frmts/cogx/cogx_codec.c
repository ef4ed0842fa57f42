/* SPDX-License-Identifier: MIT */
/* How the tiles of a GeoTIFF are encoded. */
#include "cogx_codec.h"

#include "cogx_codes.h"
#include "cogx_names.h"

#include <stdio.h>

static const enum pyr_tiff_compression lercs[] = {
    PYR_TIFF_LERC, PYR_TIFF_LERC_DEFLATE, PYR_TIFF_LERC_ZSTD};
#define NLERCS (sizeof(lercs) / sizeof(lercs[0]))

static bool is_lerc(const struct cogx_raster *raster)
{
    return raster->compression == pyr_tiff_compression_code(PYR_TIFF_LERC);
}

/* What LERC's blobs are compressed with, by the second of its parameters. */
static enum pyr_result lerc_of(const struct cogx_tiff *file,
                               const struct cogx_raster *raster,
                               enum pyr_tiff_compression *out_compression,
                               struct pyr_error *err)
{
    const struct pyr_tiff_tag *const tag =
        pyr_tiff_find(&file->tiff->dirs[raster->dir], COGX_TAG_LERC_PARAMETERS);
    uint64_t parameters[2] = {0, 0}; /* version, further compression */
    if (tag == NULL)
        return pyr_fail(err, PYR_CORRUPT, "LERC without its two parameters");
    const enum pyr_result result =
        pyr_tiff_uints(&file->reader, file->tiff, tag, 0, 2, parameters, err);
    if (result != PYR_OK)
        return result;
    if (parameters[1] >= NLERCS)
        return pyr_fail(err, PYR_CORRUPT, "LERC with a compression %llu",
                        (unsigned long long)parameters[1]);
    *out_compression = lercs[parameters[1]];
    return PYR_OK;
}

enum pyr_result cogx_compression_of(const struct cogx_tiff *file,
                                    const struct cogx_raster *raster,
                                    char out_name[COGX_COMPRESSION_BYTES],
                                    struct pyr_error *err)
{
    const char *name = cogx_compression_name(raster->compression);
    enum pyr_tiff_compression lerc = PYR_TIFF_LERC;
    const enum pyr_result result =
        is_lerc(raster) ? lerc_of(file, raster, &lerc, err) : PYR_OK;
    if (result != PYR_OK && result != PYR_CORRUPT)
        return result;
    if (is_lerc(raster))
        name = pyr_tiff_compression_name(lerc);
    if (name != NULL)
        (void)snprintf(out_name, COGX_COMPRESSION_BYTES, "%s", name);
    else
        (void)snprintf(out_name, COGX_COMPRESSION_BYTES, "%u",
                       raster->compression);
    return PYR_OK;
}

bool cogx_codec_of(const struct cogx_tiff *file,
                   const struct cogx_raster *raster,
                   enum pyr_tiff_compression *out_compression)
{
    const struct pyr_tiff_tag *const parameters =
        pyr_tiff_find(&file->tiff->dirs[raster->dir], COGX_TAG_LERC_PARAMETERS);
    struct pyr_error err = {""};
    if (!pyr_tiff_compression_find(raster->compression, out_compression))
        return false;
    if (is_lerc(raster) && parameters != NULL && parameters->count != 2)
        return false;
    if (is_lerc(raster) &&
        lerc_of(file, raster, out_compression, &err) != PYR_OK)
        return false;
    return pyr_tiff_has(*out_compression);
}

const char *cogx_codec_misfit(const struct cogx_tiff *file,
                              const struct cogx_raster *raster,
                              enum pyr_tiff_compression compression)
{
    const struct pyr_tiff_dir *const dir = &file->tiff->dirs[raster->dir];
    const bool jpeg = compression == PYR_TIFF_JPEG;
    const bool bytes = jpeg || compression == PYR_TIFF_WEBP ||
                       is_lerc(raster) ||
                       (raster->bits_per_sample == 8 && raster->predictor != 3);
    struct pyr_error err = {""};
    uint64_t planar = 1;
    uint64_t fill_order = 1;
    if (raster->nbands > 1 &&
        (pyr_tiff_uint(&file->reader, file->tiff, dir, COGX_TAG_PLANAR, 1,
                       &planar, &err) != PYR_OK ||
         planar != 1))
        return "its bands are apart";
    if (pyr_tiff_uint(&file->reader, file->tiff, dir, COGX_TAG_FILL_ORDER, 1,
                      &fill_order, &err) != PYR_OK ||
        fill_order != 1)
        return "its bits are in reverse order";
    if (jpeg && raster->nbands != 1 && raster->nbands != 3)
        return "its JPEG tiles have two or four bands";
    return file->tiff->big_endian && !bytes ? "it is big-endian" : NULL;
}
