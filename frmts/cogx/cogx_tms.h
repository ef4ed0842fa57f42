/* SPDX-License-Identifier: MIT */
/* The levels of a GeoTIFF as an OGC tile matrix set. */
#ifndef COGX_TMS_H
#define COGX_TMS_H

#include "cogx_tiff.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Where the image lies: GDAL knows. Texts are borrowed. */
struct cogx_tms_place
{
    const char *id;
    /* One that means easting and northing, or longitude and latitude, in this
     * order: a URI, "EPSG:2154", WKT... */
    const char *crs;
    double metres_per_unit; /* of the CRS; degrees at the equator */
    double geotransform[6]; /* as GDAL's */
};

/* A tile matrix set in the words of both versions of the standard (OGC 17-083r2
 * and r4), the coarsest matrix first, ids from "0" on: GDAL's COG driver and
 * pyr_grid_parse read it. Of levels of the same size the first counts.
 * PYR_UNSUPPORTED where the image is rotated, south-up or its pixels are no
 * squares, and where a level is not tiled; PYR_NOMEM. Freed with pyr_free. */
enum pyr_result cogx_tms_json(const struct cogx_tiff *file,
                              const struct cogx_tms_place *place,
                              char **out_text,
                              struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
