/* SPDX-License-Identifier: MIT */
/* Names of tile formats, storages and photometrics in a descriptor. */
#include "rok4_format.h"

#include <string.h>

struct format_row
{
    const char *name;
    enum pyr_codec codec;
    enum pyr_sample sample;
};

/* Spec section 2; in the order of enum rok4_format. JPG and JPG90 differ in the
 * writer's quality only. The codec of PBF means nothing. */
static const struct format_row FORMATS[] = {
    {"TIFF_RAW_UINT8", PYR_CODEC_RAW, PYR_SAMPLE_UINT8},
    {"TIFF_JPG_UINT8", PYR_CODEC_JPEG, PYR_SAMPLE_UINT8},
    {"TIFF_JPG90_UINT8", PYR_CODEC_JPEG, PYR_SAMPLE_UINT8},
    {"TIFF_PNG_UINT8", PYR_CODEC_PNG, PYR_SAMPLE_UINT8},
    {"TIFF_LZW_UINT8", PYR_CODEC_LZW, PYR_SAMPLE_UINT8},
    {"TIFF_ZIP_UINT8", PYR_CODEC_DEFLATE, PYR_SAMPLE_UINT8},
    {"TIFF_PKB_UINT8", PYR_CODEC_PACKBITS, PYR_SAMPLE_UINT8},
    {"TIFF_RAW_FLOAT32", PYR_CODEC_RAW, PYR_SAMPLE_FLOAT32},
    {"TIFF_LZW_FLOAT32", PYR_CODEC_LZW, PYR_SAMPLE_FLOAT32},
    {"TIFF_ZIP_FLOAT32", PYR_CODEC_DEFLATE, PYR_SAMPLE_FLOAT32},
    {"TIFF_PKB_FLOAT32", PYR_CODEC_PACKBITS, PYR_SAMPLE_FLOAT32},
    {"TIFF_PBF_MVT", PYR_CODEC_RAW, PYR_SAMPLE_UINT8},
};

/* In the order of enum rok4_storage. */
static const char *const STORAGES[] = {"FILE", "S3", "CEPH", "SWIFT"};

/* In the order of enum rok4_storage: bucket, pool, container. */
static const char *const TRAYS[] = {"", "bucket_name", "pool_name",
                                    "container_name"};

/* In the order of enum rok4_photometric. */
static const char *const PHOTOMETRICS[] = {"gray", "rgb", "mask"};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const char *rok4_format_name(enum rok4_format format)
{
    return FORMATS[format].name;
}

enum pyr_result rok4_format_find(const char *name, enum rok4_format *out_format)
{
    size_t at;
    for (at = 0; at < COUNT(FORMATS); at++)
    {
        if (strcmp(name, FORMATS[at].name) == 0)
        {
            *out_format = (enum rok4_format)at;
            return PYR_OK;
        }
    }
    return PYR_NOT_FOUND;
}

enum pyr_codec rok4_format_codec(enum rok4_format format)
{
    return FORMATS[format].codec;
}

enum pyr_sample rok4_format_sample(enum rok4_format format)
{
    return FORMATS[format].sample;
}

const char *rok4_storage_name(enum rok4_storage storage)
{
    return STORAGES[storage];
}

enum pyr_result rok4_storage_find(const char *name,
                                  enum rok4_storage *out_storage)
{
    size_t at;
    for (at = 0; at < COUNT(STORAGES); at++)
    {
        if (strcmp(name, STORAGES[at]) == 0)
        {
            *out_storage = (enum rok4_storage)at;
            return PYR_OK;
        }
    }
    return PYR_NOT_FOUND;
}

const char *rok4_storage_tray(enum rok4_storage storage)
{
    return TRAYS[storage];
}

const char *rok4_photometric_name(enum rok4_photometric photometric)
{
    return PHOTOMETRICS[photometric];
}

/* In the ASCII sense: strcasecmp follows the locale. */
static bool equal_but_for_case(const char *name, const char *lower)
{
    size_t at = 0;
    while (name[at] != '\0')
    {
        const char letter = name[at] >= 'A' && name[at] <= 'Z'
                                ? (char)(name[at] - 'A' + 'a')
                                : name[at];
        if (letter != lower[at])
            return false;
        at++;
    }
    return lower[at] == '\0';
}

enum pyr_result rok4_photometric_find(const char *name,
                                      enum rok4_photometric *out_photometric)
{
    size_t at;
    for (at = 0; at < COUNT(PHOTOMETRICS); at++)
    {
        if (equal_but_for_case(name, PHOTOMETRICS[at]))
        {
            *out_photometric = (enum rok4_photometric)at;
            return PYR_OK;
        }
    }
    return PYR_NOT_FOUND;
}
