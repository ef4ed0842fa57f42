/* SPDX-License-Identifier: MIT */
/* Resampling: which samples count. */
#include "pyr_kernel_priv.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Floats that are this near to nodata, in parts of their sum, are nodata, too:
 * GDAL's masks say so. */
#define NODATA_TOLERANCE (2.0 * FLT_EPSILON)

/* What makes a float that is nodata by chance another number: GDAL's choice. */
#define OTHER_FACTOR (1.0 + 1e-7)

static bool is_float(enum pyr_type type)
{
    return type == PYR_TYPE_FLOAT16 || type == PYR_TYPE_FLOAT32 ||
           type == PYR_TYPE_FLOAT64;
}

/* Least and most of an integer type. */
static void range_of(enum pyr_type type, double *out_least, double *out_most)
{
    *out_least = pyr_sample_round(type, -INFINITY);
    *out_most = pyr_sample_round(type, INFINITY);
}

bool pyr_kernel_has_nodata(const struct pyr_kernel_rule *rule, uint32_t band)
{
    double least = 0.0;
    double most = 0.0;
    if (!rule->nodata || pyr_type_is_complex(rule->type))
        return false;
    const double nodata = rule->nodata_values[band];
    if (is_float(rule->type))
        return !isfinite(nodata) || rule->type == PYR_TYPE_FLOAT64 ||
               (rule->type == PYR_TYPE_FLOAT16
                    ? isfinite(pyr_sample_round(rule->type, nodata))
                    : fabs(nodata) <= FLT_MAX);
    range_of(rule->type, &least, &most);
    return nodata >= least && nodata <= most;
}

enum pyr_kernel_by pyr_kernel_by(const struct pyr_kernel_rule *rule,
                                 uint32_t band)
{
    const bool bytes = rule->type == PYR_TYPE_UINT8;
    const bool nodata = pyr_kernel_has_nodata(rule, band);
    const bool alpha = rule->alpha && !pyr_type_is_complex(rule->type);
    if (pyr_type_is_complex(rule->type) || rule->method == PYR_METHOD_NEAREST)
        return PYR_BY_NONE;
    if (rule->method == PYR_METHOD_MODE && bytes)
        return nodata ? PYR_BY_NODATA : PYR_BY_NONE;
    if (alpha && (rule->masks || rule->nodata) && band + 1 == rule->bands)
        return PYR_BY_ITSELF;
    if (rule->masks)
        return PYR_BY_MASK;
    if (rule->nodata)
        return nodata ? PYR_BY_NODATA : PYR_BY_NONE;
    if (alpha && (rule->bands == 2 || rule->bands == 4) &&
        (bytes || rule->type == PYR_TYPE_UINT16))
        return band + 1 == rule->bands ? PYR_BY_ITSELF : PYR_BY_ALPHA;
    return PYR_BY_NONE;
}

double pyr_kernel_empty(const struct pyr_kernel_rule *rule, uint32_t band)
{
    if (!pyr_kernel_has_nodata(rule, band))
        return 0.0;
    const double nodata = rule->nodata_values[band];
    return is_float(rule->type) ? pyr_sample_round(rule->type, nodata)
                                : trunc(nodata);
}

double pyr_kernel_other(const struct pyr_kernel_rule *rule, uint32_t band)
{
    const double empty = pyr_kernel_empty(rule, band);
    double least = 0.0;
    double most = 0.0;
    if (!is_float(rule->type))
    {
        range_of(rule->type, &least, &most);
        /* Of 64 bits, the next that a double can hold. */
        const double step = fabs(empty) < 0x1p53 ? 1.0 : fabs(empty) * 0x1p-52;
        return empty + step < most ? empty + step : empty - step;
    }
    if (empty == 0.0)
        return rule->type == PYR_TYPE_FLOAT16 ? 0x1p-24 : (double)FLT_MIN;
    const double other = pyr_sample_round(rule->type, empty * OTHER_FACTOR);
    if (isfinite(other) && other != empty)
        return other;
    return pyr_sample_round(rule->type, rule->type == PYR_TYPE_FLOAT16
                                            ? empty * (1.0 - 0x1p-10)
                                            : empty / OTHER_FACTOR);
}

/* ---- Weights ---- */

/* weights[n], 255 for samples other than nodata. */
#define OTHER_INTEGERS(ctype)                                                  \
    do                                                                         \
    {                                                                          \
        const ctype *const in = (const void *)from;                            \
        const ctype empty = (ctype)nodata;                                     \
        for (size_t i = 0; i < n; i++)                                         \
            weights[i] = in[i * step] == empty ? 0 : 255;                      \
    }                                                                          \
    while (0)

PYR_KERNEL_CLONES
static void other_floats(const float *in, size_t step, size_t n, float nodata,
                         uint8_t *weights)
{
    const bool nan = nodata != nodata;
    for (size_t i = 0; i < n; i++)
    {
        const float number = in[i * step];
        const float near = (float)NODATA_TOLERANCE * fabsf(number + nodata);
        const bool empty = (number == nodata) |
                           (fabsf(number - nodata) < near) |
                           (nan & (number != number));
        weights[i] = empty ? 0 : 255;
    }
}

static void other_doubles(enum pyr_type type, const uint8_t *from, size_t step,
                          size_t n, double nodata, uint8_t *weights)
{
    const bool nan = nodata != nodata;
    for (size_t i = 0; i < n; i++)
    {
        double number = 0.0;
        pyr_samples_load(type, from + i * step * pyr_type_bytes(type), 1, 1,
                         &number);
        const double near = NODATA_TOLERANCE * fabs(number + nodata);
        const bool empty = number == nodata || fabs(number - nodata) < near ||
                           (nan && number != number);
        weights[i] = empty ? 0 : 255;
    }
}

/* nodata is a value that the type can hold. */
static void find_other(enum pyr_type type, const uint8_t *from, size_t step,
                       size_t n, double nodata, uint8_t *weights)
{
    const bool top = nodata >= 0x1p63;
    switch (type)
    {
        case PYR_TYPE_UINT8:
            OTHER_INTEGERS(uint8_t);
            return;
        case PYR_TYPE_INT8:
            OTHER_INTEGERS(int8_t);
            return;
        case PYR_TYPE_UINT16:
            OTHER_INTEGERS(uint16_t);
            return;
        case PYR_TYPE_INT16:
            OTHER_INTEGERS(int16_t);
            return;
        case PYR_TYPE_UINT32:
            OTHER_INTEGERS(uint32_t);
            return;
        case PYR_TYPE_INT32:
            OTHER_INTEGERS(int32_t);
            return;
        case PYR_TYPE_UINT64:
            nodata =
                top ? nodata / 2.0 : nodata; /* the cast must not overflow */
            for (size_t i = 0; i < n; i++)
            {
                const uint64_t number =
                    ((const uint64_t *)(const void *)from)[i * step];
                const uint64_t half = (uint64_t)nodata;
                const uint64_t empty =
                    !top ? half
                         : (half >= UINT64_MAX / 2 + 1 ? UINT64_MAX : half * 2);
                weights[i] = number == empty ? 0 : 255;
            }
            return;
        case PYR_TYPE_INT64:
            for (size_t i = 0; i < n; i++)
            {
                const int64_t number =
                    ((const int64_t *)(const void *)from)[i * step];
                weights[i] =
                    number == (top ? INT64_MAX : (int64_t)nodata) ? 0 : 255;
            }
            return;
        case PYR_TYPE_FLOAT32:
            other_floats((const void *)from, step, n, (float)nodata, weights);
            return;
        case PYR_TYPE_FLOAT16:
        case PYR_TYPE_FLOAT64:
            other_doubles(type, from, step, n, nodata, weights);
            return;
        case PYR_TYPE_COMPLEX_INT16:
        case PYR_TYPE_COMPLEX_INT32:
        case PYR_TYPE_COMPLEX_FLOAT16:
        case PYR_TYPE_COMPLEX_FLOAT32:
        case PYR_TYPE_COMPLEX_FLOAT64:
            break;
    }
    memset(weights, 255, n);
}

/* Alpha as a weight: of 16 bits, scaled, but for the alpha band's own, which is
 * clamped; as GDAL does it. */
static void weigh_alpha(enum pyr_type type, const uint8_t *from, size_t step,
                        size_t n, bool itself, uint8_t *weights)
{
    if (type == PYR_TYPE_UINT8)
    {
        for (size_t i = 0; i < n; i++)
            weights[i] = from[i * step];
        return;
    }
    for (size_t i = 0; i < n; i++)
    {
        double alpha = 0.0;
        pyr_samples_load(type, from + i * step * pyr_type_bytes(type), 1, 1,
                         &alpha);
        if (!itself && type == PYR_TYPE_UINT16)
            alpha = alpha > 0.0 && alpha < 257.0
                        ? 1.0
                        : floor(alpha * 255.0 / 65535.0);
        weights[i] = (uint8_t)pyr_sample_round(PYR_TYPE_UINT8, alpha);
    }
}

/* A weight that is everywhere the same is none. */
static enum pyr_kernel_counts counts_of(const uint8_t *weights, size_t n)
{
    if (memcmp(weights, weights + 1, n - 1) != 0)
        return PYR_COUNTS_SOME;
    return weights[0] != 0 ? PYR_COUNTS_ALL : PYR_COUNTS_NONE;
}

enum pyr_kernel_counts pyr_kernel_weigh(const struct pyr_kernel *kernel,
                                        const struct pyr_kernel_job *job,
                                        uint32_t band, uint32_t row,
                                        uint8_t *weights)
{
    const struct pyr_kernel_rule *const rule = kernel->rule;
    const enum pyr_kernel_by by = pyr_kernel_by(rule, band);
    const size_t n = job->in_x_end - job->in_x;
    const uint8_t *const pixel = pyr_kernel_at(kernel, job, job->in_x, row);
    const uint8_t *const last = pixel + (rule->bands - 1) * kernel->part_bytes;
    switch (by)
    {
        case PYR_BY_NONE:
            memset(weights, 255, n);
            break;
        case PYR_BY_NODATA:
            find_other(rule->type, pixel + band * kernel->part_bytes,
                       rule->bands, n, pyr_kernel_empty(rule, band), weights);
            break;
        case PYR_BY_MASK:
            memcpy(weights,
                   job->in->mask +
                       (row - job->in->px_y) * job->in->mask_row_bytes +
                       (job->in_x - job->in->px_x),
                   n);
            break;
        case PYR_BY_ALPHA:
        case PYR_BY_ITSELF:
            weigh_alpha(rule->type, last, rule->bands, n, by == PYR_BY_ITSELF,
                        weights);
            break;
    }
    return counts_of(weights, n);
}
