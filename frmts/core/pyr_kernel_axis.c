/* SPDX-License-Identifier: MIT */
/* Resampling: which pixels of an axis count for a pixel, and how much. */
#include "pyr_kernel_priv.h"

#include <math.h>

/* Ratios are not exact: pixels that are covered by less do not count. */
#define COVER_TOLERANCE_PX 1e-8

#define PI 3.14159265358979323846

double pyr_kernel_radius(enum pyr_method method)
{
    switch (method)
    {
        case PYR_METHOD_NEAREST:
        case PYR_METHOD_AVERAGE:
        case PYR_METHOD_RMS:
        case PYR_METHOD_MODE:
            return 0.0;
        case PYR_METHOD_BILINEAR:
            return 1.0;
        case PYR_METHOD_CUBIC:
        case PYR_METHOD_CUBICSPLINE:
            return 2.0;
        case PYR_METHOD_LANCZOS:
            return 3.0;
    }
    return 0.0;
}

bool pyr_kernel_has_negative(enum pyr_method method)
{
    return method == PYR_METHOD_CUBIC || method == PYR_METHOD_LANCZOS;
}

/* Catmull and Rom's. */
static double cubic(double distance)
{
    if (distance <= 1.0)
        return (1.5 * distance - 2.5) * distance * distance + 1.0;
    return ((2.5 - 0.5 * distance) * distance - 4.0) * distance + 2.0;
}

/* Six times the uniform cubic B-spline. */
static double spline(double distance)
{
    const double outer = 2.0 - distance;
    const double inner = 1.0 - distance;
    return outer * outer * outer -
           (distance < 1.0 ? 4.0 * inner * inner * inner : 0.0);
}

static double lanczos(double distance)
{
    const double angle = PI * distance;
    return distance == 0.0
               ? 1.0
               : 3.0 * sin(angle) * sin(angle / 3.0) / (angle * angle);
}

/* Weight of a pixel, not yet divided by the sum. */
static double kernel_weight(enum pyr_method method, double distance)
{
    const double away = fabs(distance);
    if (away >= pyr_kernel_radius(method))
        return 0.0;
    switch (method)
    {
        case PYR_METHOD_BILINEAR:
            return 1.0 - away;
        case PYR_METHOD_CUBIC:
            return cubic(away);
        case PYR_METHOD_CUBICSPLINE:
            return spline(away);
        case PYR_METHOD_LANCZOS:
            return lanczos(away);
        case PYR_METHOD_NEAREST:
        case PYR_METHOD_AVERAGE:
        case PYR_METHOD_RMS:
        case PYR_METHOD_MODE:
            break;
    }
    return 0.0;
}

static uint32_t clamp_px(double px, uint32_t most)
{
    if (!(px > 0.0))
        return 0;
    return px < (double)most ? (uint32_t)px : most;
}

/* Between the pixels that a pixel of the other level lies on. */
static void cover(const struct pyr_kernel_rule *rule, uint32_t in_px,
                  uint32_t out_px, uint32_t at, uint32_t *out_first,
                  uint32_t *out_end)
{
    const double ratio = (double)in_px / out_px;
    uint32_t first = 0;
    uint32_t end = 0;
    if (rule->method == PYR_METHOD_NEAREST ||
        (pyr_type_is_complex(rule->type) && rule->method != PYR_METHOD_MODE))
    {
        first = clamp_px(0.5 + at * ratio, in_px - 1);
        end = at == out_px - 1 ? in_px
                               : clamp_px(0.5 + (at + 1.0) * ratio, in_px);
        if (rule->method == PYR_METHOD_NEAREST)
            end = first + 1;
    }
    else
    {
        first = clamp_px(at * ratio + COVER_TOLERANCE_PX, in_px - 1);
        end = clamp_px(ceil((at + 1.0) * ratio - COVER_TOLERANCE_PX), in_px);
    }
    *out_first = first;
    *out_end = end > first ? end : first + 1;
}

static void span(const struct pyr_kernel_rule *rule, uint32_t in_px,
                 uint32_t out_px, uint32_t at, uint32_t *out_first,
                 uint32_t *out_end)
{
    const double ratio = (double)in_px / out_px;
    const double radius = pyr_kernel_radius(rule->method) * ratio;
    const double centre = (at + 0.5) * ratio;
    if (radius == 0.0)
    {
        cover(rule, in_px, out_px, at, out_first, out_end);
        return;
    }
    *out_first = clamp_px(floor(centre - radius + 0.5), in_px - 1);
    *out_end = clamp_px(centre + radius + 0.5, in_px);
    if (*out_end <= *out_first)
        *out_end = *out_first + 1;
}

void pyr_kernel_reach(const struct pyr_kernel_rule *rule, uint32_t in_px,
                      uint32_t out_px, uint32_t first, uint32_t count,
                      uint32_t *out_first, uint32_t *out_end)
{
    uint32_t unused = 0;
    span(rule, in_px, out_px, first, out_first, &unused);
    span(rule, in_px, out_px, first + count - 1, &unused, out_end);
}

/* Weights of one pixel, whose sum is 1. */
static void weigh(const struct pyr_kernel_rule *rule, uint32_t in_px,
                  uint32_t out_px, uint32_t at, uint32_t first, uint32_t count,
                  double *weights)
{
    const double ratio = (double)in_px / out_px;
    const bool kernel = pyr_kernel_radius(rule->method) > 0.0;
    const double centre = (at + 0.5) * ratio;
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++)
    {
        weights[i] = kernel ? kernel_weight(rule->method,
                                            (first + i + 0.5 - centre) / ratio)
                            : 1.0;
        if (!kernel && !pyr_type_is_complex(rule->type) && count > 1)
        {
            if (i == 0)
                weights[i] = 1.0 - (at * ratio - first);
            else if (i == count - 1)
                weights[i] = 1.0 - (first + count - (at + 1.0) * ratio);
        }
        sum += weights[i];
    }
    for (uint32_t i = 0; i < count && sum != 0.0; i++)
        weights[i] /= sum;
}

bool pyr_taps_make(const struct pyr_kernel_rule *rule, uint32_t in_px,
                   uint32_t out_px, uint32_t first, uint32_t count,
                   struct pyr_scratch *memory, struct pyr_taps *out_taps)
{
    /* Rounded up: both ends of a span are rounded. */
    const double ratio = (double)in_px / out_px;
    const double reach = 2.0 * pyr_kernel_radius(rule->method) * ratio;
    const uint32_t most = (uint32_t)ceil(reach > ratio ? reach : ratio) + 3;
    const size_t each = most * sizeof(double) + 2 * sizeof(uint32_t);
    if (!pyr_scratch_grow(memory, count, each))
        return false;
    out_taps->n = count;
    out_taps->weights = memory->bytes;
    out_taps->first = (uint32_t *)(out_taps->weights + (size_t)count * most);
    out_taps->count = out_taps->first + count;
    out_taps->most = most;
    for (uint32_t i = 0; i < count; i++)
    {
        uint32_t end = 0;
        span(rule, in_px, out_px, first + i, &out_taps->first[i], &end);
        out_taps->count[i] = end - out_taps->first[i];
        weigh(rule, in_px, out_px, first + i, out_taps->first[i],
              out_taps->count[i], out_taps->weights + (size_t)i * most);
    }
    return true;
}
