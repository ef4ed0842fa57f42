/* SPDX-License-Identifier: MIT */
/* How the tiles of a GeoTIFF are encoded. */
#ifndef COGX_CODEC_H
#define COGX_CODEC_H

#include "cogx_tiff.h"
#include "pyr_tiff_tile.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Writes the name of the raster's compression as GDAL's options have it
 * ("LERC_ZSTD"), or its number. Errors of the reader but PYR_CORRUPT. */
#define COGX_COMPRESSION_BYTES 24
enum pyr_result cogx_compression_of(const struct cogx_tiff *file,
                                    const struct cogx_raster *raster,
                                    char out_name[COGX_COMPRESSION_BYTES],
                                    struct pyr_error *err) PYR_MUST_CHECK;

/* The compression as our encoders have it. False for another one, and where
 * libtiff is built without it. */
bool cogx_codec_of(const struct cogx_tiff *file,
                   const struct cogx_raster *raster,
                   enum pyr_tiff_compression *out_compression);

/* Why tiles of a raster cannot stand in a file of ours as they are, by the
 * order of their bits, bytes and bands; NULL when they can. */
const char *cogx_codec_misfit(const struct cogx_tiff *file,
                              const struct cogx_raster *raster,
                              enum pyr_tiff_compression compression);

#ifdef __cplusplus
}
#endif

#endif
