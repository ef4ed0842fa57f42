// SPDX-License-Identifier: MIT
// What differs between GDAL 3.6 and 3.13, in one place.
#ifndef GDAL_COMPAT_H
#define GDAL_COMPAT_H

#include "gdal_pam.h"
#include "gdal_version.h"

// Type of a list of options that GDAL hands to AdviseRead, and of the metadata
// list that GetMetadata returns.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 13, 0)
using GDALCompatOptions = CSLConstList;
using GDALCompatMetadata = CSLConstList;
#else
using GDALCompatOptions = char **;
using GDALCompatMetadata = char **;
#endif

// The declaration of a GetGeoTransform override, and how its body writes
// coefficient i of the result.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 12, 0)
#define GDAL_COMPAT_GET_GEOTRANSFORM(name)                                     \
    GetGeoTransform(GDALGeoTransform &name) const
#else
#define GDAL_COMPAT_GET_GEOTRANSFORM(name) GetGeoTransform(double *name)
#endif

// ReadCompressedData exists from 3.7.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 7, 0)
#define GDAL_COMPAT_HAS_COMPRESSED_DATA 1
#else
#define GDAL_COMPAT_HAS_COMPRESSED_DATA 0
#endif

#endif
