/* SPDX-License-Identifier: MIT */
/* Names of tile formats, storages and photometrics in a descriptor. */
#ifndef ROK4_FORMAT_H
#define ROK4_FORMAT_H

#include "pyr_codec.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Values of the field "format" (spec section 2). */
enum rok4_format
{
    ROK4_RAW_UINT8,
    ROK4_JPG_UINT8,
    ROK4_JPG90_UINT8,
    ROK4_PNG_UINT8,
    ROK4_LZW_UINT8,
    ROK4_ZIP_UINT8,
    ROK4_PKB_UINT8,
    ROK4_RAW_FLOAT32,
    ROK4_LZW_FLOAT32,
    ROK4_ZIP_FLOAT32,
    ROK4_PKB_FLOAT32,
    ROK4_PBF_MVT
};

/* Names of the raster formats, for messages. */
#define ROK4_RASTER_FORMATS                                                    \
    "TIFF_RAW_UINT8, TIFF_JPG_UINT8, TIFF_JPG90_UINT8, TIFF_PNG_UINT8, "       \
    "TIFF_LZW_UINT8, TIFF_ZIP_UINT8, TIFF_PKB_UINT8, TIFF_RAW_FLOAT32, "       \
    "TIFF_LZW_FLOAT32, TIFF_ZIP_FLOAT32 or TIFF_PKB_FLOAT32"

/* "TIFF_ZIP_UINT8" and the like. */
const char *rok4_format_name(enum rok4_format format);
/* The format of that name; PYR_NOT_FOUND. Case counts. */
enum pyr_result rok4_format_find(const char *name,
                                 enum rok4_format *out_format) PYR_MUST_CHECK;
/* Codec and sample type of a raster format; not for ROK4_PBF_MVT. */
enum pyr_codec rok4_format_codec(enum rok4_format format);
enum pyr_sample rok4_format_sample(enum rok4_format format);

enum rok4_storage
{
    ROK4_STORAGE_FILE,
    ROK4_STORAGE_S3,
    ROK4_STORAGE_CEPH,
    ROK4_STORAGE_SWIFT
};

/* "FILE", "S3", "CEPH", "SWIFT". */
const char *rok4_storage_name(enum rok4_storage storage);
/* The storage of that name; PYR_NOT_FOUND. Case counts. */
enum pyr_result
rok4_storage_find(const char *name,
                  enum rok4_storage *out_storage) PYR_MUST_CHECK;

/* Name of the member that says the tray of an object storage; "" for FILE. */
const char *rok4_storage_tray(enum rok4_storage storage);

enum rok4_photometric
{
    ROK4_PHOTOMETRIC_GRAY,
    ROK4_PHOTOMETRIC_RGB,
    ROK4_PHOTOMETRIC_MASK
};

/* "gray", "rgb", "mask". */
const char *rok4_photometric_name(enum rok4_photometric photometric);
/* The photometric of that name, in any case: production tools write lower
 * case, the reference server takes any. PYR_NOT_FOUND. */
enum pyr_result
rok4_photometric_find(const char *name,
                      enum rok4_photometric *out_photometric) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
