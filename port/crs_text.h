/* SPDX-License-Identifier: MIT */
/* Coordinate reference systems as the text of a tile matrix set; in C. */
#ifndef CRS_TEXT_H
#define CRS_TEXT_H

#include "ogr_srs_api.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C"
{
#endif

/* Text for the CRS with which readers take the first coordinate as easting or
 * longitude: a URI or "AUTHORITY:CODE" where the authority has that order, else
 * WKT of no authority. *out_metres_per_unit: length of a unit, of degrees at
 * the equator. False where it has no text. Freed with CPLFree. */
bool crs_text_make(OGRSpatialReferenceH crs, char **out_text,
                   double *out_metres_per_unit);

#ifdef __cplusplus
}
#endif

#endif
