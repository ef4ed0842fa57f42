/* SPDX-License-Identifier: MIT */
/* Resampling: samples of all types as doubles, and back. */
#include "pyr_kernel_priv.h"

#include <float.h>
#include <math.h>
#include <string.h>

static double half_value(uint16_t half)
{
    const int exponent = (half >> 10) & 31;
    const int fraction = half & 1023;
    double value = 0.0;
    if (exponent == 31)
        value = fraction == 0 ? (double)INFINITY : (double)NAN;
    else if (exponent == 0)
        value = ldexp(fraction, -24);
    else
        value = ldexp(1024 + fraction, exponent - 25);
    return (half & 0x8000u) != 0 ? -value : value;
}

/* The nearest one, of two the even. */
static uint16_t half_of(double value)
{
    const uint16_t sign = signbit(value) ? 0x8000u : 0;
    const double size = fabs(value);
    int exponent = 0;
    if (value != value)
        return 0x7e00u;
    if (size >= 65520.0)
        return (uint16_t)(sign | 0x7c00u);
    if (size < ldexp(1.0, -14))
        return (uint16_t)(sign | (uint16_t)nearbyint(ldexp(size, 24)));
    (void)frexp(size, &exponent);
    /* A fraction that is rounded up to 2048 carries into the exponent. */
    const unsigned fraction = (unsigned)nearbyint(ldexp(size, 11 - exponent));
    return (uint16_t)(sign + (((unsigned)(exponent + 13) << 10) + fraction));
}

/* The type must not hold more than doubles do. */
#define LOAD(ctype)                                                            \
    do                                                                         \
    {                                                                          \
        const ctype *const in = (const void *)from;                            \
        for (size_t i = 0; i < n; i++)                                         \
            out[i] = (double)in[i * step];                                     \
    }                                                                          \
    while (0)

PYR_KERNEL_CLONES
void pyr_samples_load(enum pyr_type type, const uint8_t *from, size_t step,
                      size_t n, double *out)
{
    switch (type)
    {
        case PYR_TYPE_UINT8:
            LOAD(uint8_t);
            return;
        case PYR_TYPE_INT8:
            LOAD(int8_t);
            return;
        case PYR_TYPE_UINT16:
            LOAD(uint16_t);
            return;
        case PYR_TYPE_INT16:
        case PYR_TYPE_COMPLEX_INT16:
            LOAD(int16_t);
            return;
        case PYR_TYPE_UINT32:
            LOAD(uint32_t);
            return;
        case PYR_TYPE_INT32:
        case PYR_TYPE_COMPLEX_INT32:
            LOAD(int32_t);
            return;
        case PYR_TYPE_UINT64:
            LOAD(uint64_t);
            return;
        case PYR_TYPE_INT64:
            LOAD(int64_t);
            return;
        case PYR_TYPE_FLOAT32:
        case PYR_TYPE_COMPLEX_FLOAT32:
            LOAD(float);
            return;
        case PYR_TYPE_FLOAT64:
        case PYR_TYPE_COMPLEX_FLOAT64:
            LOAD(double);
            return;
        case PYR_TYPE_FLOAT16:
        case PYR_TYPE_COMPLEX_FLOAT16:
            for (size_t i = 0; i < n; i++)
                out[i] = half_value(
                    ((const uint16_t *)(const void *)from)[i * step]);
            return;
    }
}

/* least and most are the range of an integer type: exact, but for the most of
 * 64 bits, which is rounded up to what does not fit any more. */
FOR_CONSTANTS double round_to(double value, double least, double most)
{
    if (!(value > least))
        return value <= least ? least : 0.0; /* NaN */
    return value < most ? trunc(value + (value < 0.0 ? -0.5 : 0.5)) : most;
}

double pyr_sample_round(enum pyr_type type, double value)
{
    switch (type)
    {
        case PYR_TYPE_UINT8:
            return round_to(value, 0.0, UINT8_MAX);
        case PYR_TYPE_INT8:
            return round_to(value, INT8_MIN, INT8_MAX);
        case PYR_TYPE_UINT16:
            return round_to(value, 0.0, UINT16_MAX);
        case PYR_TYPE_INT16:
        case PYR_TYPE_COMPLEX_INT16:
            return round_to(value, INT16_MIN, INT16_MAX);
        case PYR_TYPE_UINT32:
            return round_to(value, 0.0, UINT32_MAX);
        case PYR_TYPE_INT32:
        case PYR_TYPE_COMPLEX_INT32:
            return round_to(value, INT32_MIN, INT32_MAX);
        case PYR_TYPE_UINT64:
            return round_to(value, 0.0, (double)UINT64_MAX);
        case PYR_TYPE_INT64:
            return round_to(value, (double)INT64_MIN, (double)INT64_MAX);
        case PYR_TYPE_FLOAT16:
        case PYR_TYPE_COMPLEX_FLOAT16:
            return half_value(half_of(value));
        case PYR_TYPE_FLOAT32:
        case PYR_TYPE_COMPLEX_FLOAT32:
            return (double)(float)value;
        case PYR_TYPE_FLOAT64:
        case PYR_TYPE_COMPLEX_FLOAT64:
            return value;
    }
    return value;
}

#define STORE(ctype, least, most)                                              \
    do                                                                         \
    {                                                                          \
        ctype *const out = (void *)to;                                         \
        for (size_t i = 0; i < n; i++)                                         \
            out[i * step] = (ctype)round_to(values[i], least, most);           \
    }                                                                          \
    while (0)

static uint64_t big_unsigned(double value)
{
    const double rounded = round_to(value, 0.0, (double)UINT64_MAX);
    return rounded < (double)UINT64_MAX ? (uint64_t)rounded : UINT64_MAX;
}

static int64_t big_signed(double value)
{
    const double rounded =
        round_to(value, (double)INT64_MIN, (double)INT64_MAX);
    return rounded < (double)INT64_MAX ? (int64_t)rounded : INT64_MAX;
}

static void store_others(enum pyr_type type, const double *values, size_t n,
                         uint8_t *to, size_t step)
{
    for (size_t i = 0; i < n; i++)
    {
        if (type == PYR_TYPE_UINT64)
            ((uint64_t *)(void *)to)[i * step] = big_unsigned(values[i]);
        else if (type == PYR_TYPE_INT64)
            ((int64_t *)(void *)to)[i * step] = big_signed(values[i]);
        else
            ((uint16_t *)(void *)to)[i * step] = half_of(values[i]);
    }
}

PYR_KERNEL_CLONES
static void store_floats(const double *values, size_t n, float *out,
                         size_t step)
{
    for (size_t i = 0; i < n; i++)
        out[i * step] = (float)values[i];
}

void pyr_samples_store(enum pyr_type type, const double *values, size_t n,
                       uint8_t *to, size_t step)
{
    switch (type)
    {
        case PYR_TYPE_UINT8:
            STORE(uint8_t, 0.0, UINT8_MAX);
            return;
        case PYR_TYPE_INT8:
            STORE(int8_t, INT8_MIN, INT8_MAX);
            return;
        case PYR_TYPE_UINT16:
            STORE(uint16_t, 0.0, UINT16_MAX);
            return;
        case PYR_TYPE_INT16:
        case PYR_TYPE_COMPLEX_INT16:
            STORE(int16_t, INT16_MIN, INT16_MAX);
            return;
        case PYR_TYPE_UINT32:
            STORE(uint32_t, 0.0, UINT32_MAX);
            return;
        case PYR_TYPE_INT32:
        case PYR_TYPE_COMPLEX_INT32:
            STORE(int32_t, INT32_MIN, INT32_MAX);
            return;
        case PYR_TYPE_UINT64:
        case PYR_TYPE_INT64:
        case PYR_TYPE_FLOAT16:
        case PYR_TYPE_COMPLEX_FLOAT16:
            store_others(type, values, n, to, step);
            return;
        case PYR_TYPE_FLOAT32:
        case PYR_TYPE_COMPLEX_FLOAT32:
            store_floats(values, n, (void *)to, step);
            return;
        case PYR_TYPE_FLOAT64:
        case PYR_TYPE_COMPLEX_FLOAT64:
            for (size_t i = 0; i < n; i++)
                ((double *)(void *)to)[i * step] = values[i];
            return;
    }
}
