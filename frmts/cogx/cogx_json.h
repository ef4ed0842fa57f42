/* SPDX-License-Identifier: MIT */
/* What a GeoTIFF is made of, as JSON text. */
#ifndef COGX_JSON_H
#define COGX_JSON_H

#include "cogx_validate.h"
#include "pyr_json_write.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Longer values are cut. */
#define COGX_JSON_MAX_VALUES 64u
#define COGX_JSON_MAX_TEXT_BYTES 16384u

/* Adds every directory: {"byte_order": "little", "big_tiff": false,
 * "directories": [{"offset": 8, "level": 0, "mask": false, "tags": [{"code":
 * 256, "name": "ImageWidth", "type": "SHORT", "count": 1, "value": 512}]}]}.
 * "level" is missing where the directory is none of the images. A value is a
 * number, a string, or an array of them where count is not 1; a rational is a
 * number, what is not finite a string. A cut one has "truncated": true; one
 * that cannot be read "error" instead of "value". Far more than GDAL ever
 * writes is left out with "truncated": true.
 * Errors of the reader but PYR_CORRUPT; those of json stay there. */
enum pyr_result cogx_json_add_ifds(struct pyr_json_text *json, const char *key,
                                   const struct cogx_tiff *file,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* Adds the verdict and the sizes of tiles: {"valid": true, "errors": [{"rule":
 * "tile-order", "text": "..."}], "warnings": [], "header_size": 3000, ...,
 * "levels": [{"width": 512, ..., "mask": {...}}]}. Results as above. */
enum pyr_result cogx_json_add_cog(struct pyr_json_text *json, const char *key,
                                  const struct cogx_tiff *file,
                                  const struct cogx_verdict *verdict,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* The same as texts of their own, freed with pyr_free. Also errors of
 * pyr_json_finish. */
enum pyr_result cogx_json_ifds(const struct cogx_tiff *file, char **out_text,
                               struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result cogx_json_cog(const struct cogx_tiff *file,
                              const struct cogx_verdict *verdict,
                              char **out_text,
                              struct pyr_error *err) PYR_MUST_CHECK;

/* How many pixels of the full resolution a pixel of the level stands for: a
 * whole number where its size is that of the full resolution divided by one,
 * rounded up or down. */
double cogx_decimation_of(const struct cogx_tiff *file, uint32_t level);

#ifdef __cplusplus
}
#endif

#endif
