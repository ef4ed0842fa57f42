/* SPDX-License-Identifier: MIT */
/* The tile matrix set of a file, which GDAL says where it lies. */
#ifndef COGINFO_TMS_H
#define COGINFO_TMS_H

#include "cogx_tiff.h"

/* JSON text as cogx_tms_json makes it, freed with pyr_free. PYR_UNSUPPORTED
 * also where the file has no coordinate reference system or no geotransform.
 */
enum pyr_result coginfo_tms(const char *path, const struct cogx_tiff *file,
                            char **out_text,
                            struct pyr_error *err) PYR_MUST_CHECK;

#endif
