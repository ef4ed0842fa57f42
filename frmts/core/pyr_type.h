/* SPDX-License-Identifier: MIT */
/* The sample types that a TIFF file holds, GDAL's all. */
#ifndef PYR_TYPE_H
#define PYR_TYPE_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

enum pyr_type
{
    PYR_TYPE_UINT8,
    PYR_TYPE_INT8,
    PYR_TYPE_UINT16,
    PYR_TYPE_INT16,
    PYR_TYPE_UINT32,
    PYR_TYPE_INT32,
    PYR_TYPE_UINT64,
    PYR_TYPE_INT64,
    PYR_TYPE_FLOAT16,
    PYR_TYPE_FLOAT32,
    PYR_TYPE_FLOAT64,
    PYR_TYPE_COMPLEX_INT16, /* real part, imaginary part */
    PYR_TYPE_COMPLEX_INT32,
    PYR_TYPE_COMPLEX_FLOAT16,
    PYR_TYPE_COMPLEX_FLOAT32,
    PYR_TYPE_COMPLEX_FLOAT64
};

/* Bytes of a sample, both parts of a complex one. */
static inline size_t pyr_type_bytes(enum pyr_type type)
{
    switch (type)
    {
        case PYR_TYPE_UINT8:
        case PYR_TYPE_INT8:
            return 1;
        case PYR_TYPE_UINT16:
        case PYR_TYPE_INT16:
        case PYR_TYPE_FLOAT16:
            return 2;
        case PYR_TYPE_UINT32:
        case PYR_TYPE_INT32:
        case PYR_TYPE_FLOAT32:
        case PYR_TYPE_COMPLEX_INT16:
        case PYR_TYPE_COMPLEX_FLOAT16:
            return 4;
        case PYR_TYPE_UINT64:
        case PYR_TYPE_INT64:
        case PYR_TYPE_FLOAT64:
        case PYR_TYPE_COMPLEX_INT32:
        case PYR_TYPE_COMPLEX_FLOAT32:
            return 8;
        case PYR_TYPE_COMPLEX_FLOAT64:
            return 16;
    }
    return 0;
}

static inline bool pyr_type_is_complex(enum pyr_type type)
{
    return type >= PYR_TYPE_COMPLEX_INT16;
}

#ifdef __cplusplus
}
#endif

#endif
