/* SPDX-License-Identifier: MIT */
/* Reductions where every pixel is valid: loops that compilers vectorise. */
#include "pyr_reduce_priv.h"

#include <math.h>
#include <string.h>

FOR_CONSTANTS void mean_of_bytes(const uint8_t *restrict top,
                                 const uint8_t *restrict bottom, size_t n,
                                 size_t bands, uint8_t *restrict out)
{
    uint16_t sums[2 * PYR_REDUCE_MAX_PX * PYR_MAX_BANDS];

    for (size_t i = 0; i < 2 * n * bands; i++)
        sums[i] = (uint16_t)(top[i] + bottom[i]);
    for (size_t i = 0; i < n; i++)
        for (size_t band = 0; band < bands; band++)
        {
            const size_t at = 2 * i * bands + band;
            out[i * bands + band] =
                (uint8_t)((sums[at] + sums[at + bands] + 2) >> 2);
        }
}

FOR_CONSTANTS void mean_of_floats(const float *restrict top,
                                  const float *restrict bottom, size_t n,
                                  size_t bands, float *restrict out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t band = 0; band < bands; band++)
        {
            const size_t at = 2 * i * bands + band;
            const double sum = (double)top[at] + top[at + bands] + bottom[at] +
                               bottom[at + bands];
            out[i * bands + band] = (float)(sum * 0.25);
        }
}

static void mean(const struct pyr_reduce_rule *rule, const uint8_t *top,
                 const uint8_t *bottom, size_t n, uint8_t *out)
{
    const bool is_float = rule->sample == PYR_SAMPLE_FLOAT32;
    const void *const first = top;
    const void *const second = bottom;
    void *const means = out;

    switch (rule->bands)
    {
        case 1:
            if (is_float)
                mean_of_floats(first, second, n, 1, means);
            else
                mean_of_bytes(first, second, n, 1, means);
            break;
        case 2:
            if (is_float)
                mean_of_floats(first, second, n, 2, means);
            else
                mean_of_bytes(first, second, n, 2, means);
            break;
        case 3:
            if (is_float)
                mean_of_floats(first, second, n, 3, means);
            else
                mean_of_bytes(first, second, n, 3, means);
            break;
        case 4:
            if (is_float)
                mean_of_floats(first, second, n, 4, means);
            else
                mean_of_bytes(first, second, n, 4, means);
            break;
    }
}

FOR_CONSTANTS void pick_pixels(const uint8_t *restrict top, size_t n,
                               size_t nbytes, uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * nbytes, top + 2 * i * nbytes, nbytes);
}

static void nearest(const struct pyr_reduce_rule *rule, const uint8_t *top,
                    size_t n, uint8_t *out)
{
    const size_t nbytes = rule->bands * pyr_sample_bytes(rule->sample);

    switch (nbytes)
    {
        case 1:
            pick_pixels(top, n, 1, out);
            break;
        case 3:
            pick_pixels(top, n, 3, out);
            break;
        case 4:
            pick_pixels(top, n, 4, out);
            break;
        default:
            pick_pixels(top, n, nbytes, out);
            break;
    }
}

/* Of four pixels the first that occurs again, else the first: no other can
 * occur more often. */
FOR_CONSTANTS void mode_of_pixels(const uint8_t *restrict top,
                                  const uint8_t *restrict bottom, size_t n,
                                  size_t nbytes, uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++)
    {
        const uint8_t *const a = top + 2 * i * nbytes;
        const uint8_t *const b = a + nbytes;
        const uint8_t *const c = bottom + 2 * i * nbytes;
        const uint8_t *const d = c + nbytes;
        const uint8_t *mode = a;
        if (memcmp(a, b, nbytes) != 0 && memcmp(a, c, nbytes) != 0 &&
            memcmp(a, d, nbytes) != 0)
        {
            if (memcmp(b, c, nbytes) == 0 || memcmp(b, d, nbytes) == 0)
                mode = b;
            else if (memcmp(c, d, nbytes) == 0)
                mode = c;
        }
        memcpy(out + i * nbytes, mode, nbytes);
    }
}

static void mode(const struct pyr_reduce_rule *rule, const uint8_t *top,
                 const uint8_t *bottom, size_t n, uint8_t *out)
{
    const size_t nbytes = rule->bands * pyr_sample_bytes(rule->sample);

    switch (nbytes)
    {
        case 1:
            mode_of_pixels(top, bottom, n, 1, out);
            break;
        case 3:
            mode_of_pixels(top, bottom, n, 3, out);
            break;
        case 4:
            mode_of_pixels(top, bottom, n, 4, out);
            break;
        default:
            mode_of_pixels(top, bottom, n, nbytes, out);
            break;
    }
}

uint8_t pyr_reduce_root(uint32_t sum, unsigned count)
{
    return (uint8_t)(sqrt((double)sum / count) + 0.5);
}

static void rms_of_bytes(const uint8_t *restrict top,
                         const uint8_t *restrict bottom, size_t n, size_t bands,
                         uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t band = 0; band < bands; band++)
        {
            const size_t at = 2 * i * bands + band;
            const uint32_t a = top[at];
            const uint32_t b = top[at + bands];
            const uint32_t c = bottom[at];
            const uint32_t d = bottom[at + bands];
            out[i * bands + band] =
                pyr_reduce_root(a * a + b * b + c * c + d * d, 4);
        }
}

static void rms_of_floats(const float *restrict top,
                          const float *restrict bottom, size_t n, size_t bands,
                          float *restrict out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t band = 0; band < bands; band++)
        {
            const size_t at = 2 * i * bands + band;
            const double a = top[at];
            const double b = top[at + bands];
            const double c = bottom[at];
            const double d = bottom[at + bands];
            out[i * bands + band] =
                (float)sqrt((a * a + b * b + c * c + d * d) * 0.25);
        }
}

void pyr_reduce_valid(const struct pyr_reduce_rule *rule, const uint8_t *top,
                      const uint8_t *bottom, size_t n, uint8_t *out)
{
    const void *const first = top;
    const void *const second = bottom;
    void *const roots = out;

    switch (rule->reduction)
    {
        case PYR_REDUCE_MEAN:
            mean(rule, top, bottom, n, out);
            break;
        case PYR_REDUCE_NEAREST:
            nearest(rule, top, n, out);
            break;
        case PYR_REDUCE_MODE:
            mode(rule, top, bottom, n, out);
            break;
        case PYR_REDUCE_RMS:
            if (rule->sample == PYR_SAMPLE_FLOAT32)
                rms_of_floats(first, second, n, rule->bands, roots);
            else
                rms_of_bytes(top, bottom, n, rule->bands, out);
            break;
    }
}
