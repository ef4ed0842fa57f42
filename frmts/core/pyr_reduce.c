/* SPDX-License-Identifier: MIT */
/* One level to the next: which pixels are valid, and reductions of some. */
#include "pyr_reduce.h"
#include "pyr_reduce_priv.h"

#include <math.h>
#include <string.h>

/* Pixels with other than valid ones around are few, as a rule, and side by
 * side: the fewer are looked at together, the fewer take the slow way. */
#define MIXED_PX 64

/* What is the same for all pixels of a call. */
struct reducer
{
    const struct pyr_reduce_rule *rule;
    size_t pixel_bytes;
    uint8_t nodata_byte;
    float nodata_float;
    uint8_t empty[PYR_MAX_BANDS * sizeof(float)]; /* a pixel without data */
};

/* Some pixels of two rows, and what they become. A mask that is NULL says that
 * all are valid, or is not asked for. */
struct strip
{
    const uint8_t *in[2];
    const uint8_t *mask[2];
    uint8_t *out;
    uint8_t *out_mask;
};

/* The range of doubles exceeds that of bytes: a conversion of others would be
 * undefined. */
static uint8_t byte_of(double value)
{
    if (!(value > 0.0))
        return 0;
    return value < 255.0 ? (uint8_t)value : 255;
}

static void make_empty(struct reducer *reducer)
{
    const struct pyr_reduce_rule *rule = reducer->rule;
    const size_t nbytes = pyr_sample_bytes(rule->sample);

    reducer->nodata_byte = byte_of(rule->nodata[0]);
    reducer->nodata_float = (float)rule->nodata[0];
    for (uint32_t band = 0; band < rule->bands; band++)
    {
        const bool alpha =
            rule->validity == PYR_VALID_ALPHA && band + 1 == rule->bands;
        const double value = alpha ? 0.0 : rule->nodata[band];
        const float number = (float)value;
        const uint8_t byte = byte_of(value);
        if (rule->sample == PYR_SAMPLE_FLOAT32)
            memcpy(reducer->empty + band * nbytes, &number, nbytes);
        else
            reducer->empty[band] = byte;
    }
}

/* valid[n], 0 for pixels that are not, from the bytes or floats that tell it:
 * first of these, one for each pixel of so many bands. */
FOR_CONSTANTS void find_other_bytes(const uint8_t *restrict first, size_t n,
                                    size_t bands, uint8_t byte,
                                    uint8_t *restrict valid)
{
    for (size_t i = 0; i < n; i++)
        valid[i] = first[i * bands] ^ byte;
}

FOR_CONSTANTS void find_other_floats(const float *restrict first, size_t n,
                                     size_t bands, float nodata, bool nan_valid,
                                     uint8_t *restrict valid)
{
    for (size_t i = 0; i < n; i++)
    {
        const float number = first[i * bands];
        valid[i] = (number != nodata) & (nan_valid | (number == number));
    }
}

static void find_valid(const struct reducer *reducer, const uint8_t *pixels,
                       size_t n, uint8_t *valid)
{
    const struct pyr_reduce_rule *rule = reducer->rule;
    const bool alpha = rule->validity == PYR_VALID_ALPHA;
    const size_t bands = rule->bands;
    const size_t band = alpha ? bands - 1 : 0;
    const uint8_t byte = alpha ? 0 : reducer->nodata_byte;
    const float number = alpha ? 0.0f : reducer->nodata_float;

    if (rule->sample == PYR_SAMPLE_FLOAT32)
    {
        const float *const numbers = (const void *)pixels;
        if (bands == 1 && !alpha)
            find_other_floats(numbers, n, 1, number, false, valid);
        else
            find_other_floats(numbers + band, n, bands, number, alpha, valid);
    }
    else if (bands == 1)
        find_other_bytes(pixels, n, 1, byte, valid);
    else if (bands == 2)
        find_other_bytes(pixels + band, n, 2, byte, valid);
    else if (bands == 4)
        find_other_bytes(pixels + band, n, 4, byte, valid);
    else
        find_other_bytes(pixels + band, n, bands, byte, valid);
}

static void mean_of_some(const struct reducer *reducer, size_t first_band,
                         const uint8_t *const pixels[], unsigned count,
                         uint8_t *out)
{
    for (size_t band = first_band; band < reducer->rule->bands; band++)
    {
        if (reducer->rule->sample == PYR_SAMPLE_UINT8)
        {
            uint32_t sum = count / 2; /* to round */
            for (unsigned i = 0; i < count; i++)
                sum += pixels[i][band];
            out[band] = (uint8_t)(sum / count);
            continue;
        }
        double sum = -0.0; /* which changes no number, not even -0.0 */
        for (unsigned i = 0; i < count; i++)
            sum += ((const float *)(const void *)pixels[i])[band];
        ((float *)(void *)out)[band] = (float)(sum / count);
    }
}

static void rms_of_some(const struct reducer *reducer,
                        const uint8_t *const pixels[], unsigned count,
                        uint8_t *out)
{
    for (size_t band = 0; band < reducer->rule->bands; band++)
    {
        if (reducer->rule->sample == PYR_SAMPLE_UINT8)
        {
            uint32_t sum = 0;
            for (unsigned i = 0; i < count; i++)
                sum += (uint32_t)pixels[i][band] * pixels[i][band];
            out[band] = pyr_reduce_root(sum, count);
            continue;
        }
        double sum = 0.0;
        for (unsigned i = 0; i < count; i++)
        {
            const double number =
                ((const float *)(const void *)pixels[i])[band];
            sum += number * number;
        }
        ((float *)(void *)out)[band] = (float)sqrt(sum / count);
    }
}

/* The first pixel that occurs again, else the first: of four no other can
 * occur more often. */
static const uint8_t *mode_of_some(const uint8_t *const pixels[],
                                   unsigned count, size_t nbytes)
{
    for (unsigned i = 0; i + 1 < count; i++)
        for (unsigned j = i + 1; j < count; j++)
            if (memcmp(pixels[i], pixels[j], nbytes) == 0)
                return pixels[i];
    return pixels[0];
}

/* Of four pixels, count >= 1 of which are valid. */
static void reduce_some(const struct reducer *reducer,
                        const uint8_t *const all[4],
                        const uint8_t *const valid[], unsigned count,
                        uint8_t *out)
{
    const struct pyr_reduce_rule *rule = reducer->rule;

    switch (rule->reduction)
    {
        case PYR_REDUCE_MEAN:
            mean_of_some(reducer, 0, valid, count, out);
            break;
        case PYR_REDUCE_RMS:
            rms_of_some(reducer, valid, count, out);
            break;
        case PYR_REDUCE_MODE:
            memcpy(out, mode_of_some(valid, count, reducer->pixel_bytes),
                   reducer->pixel_bytes);
            return;
        case PYR_REDUCE_NEAREST:
            return; /* not by way of validity */
    }
    if (rule->validity == PYR_VALID_ALPHA)
        mean_of_some(reducer, rule->bands - 1, all, 4, out);
}

static void reduce_mixed(const struct reducer *reducer,
                         const struct strip *strip, size_t n)
{
    const size_t nbytes = reducer->pixel_bytes;

    for (size_t i = 0; i < n; i++)
    {
        const uint8_t *all[4];
        const uint8_t *valid[4];
        unsigned count = 0;
        for (size_t j = 0; j < 4; j++)
        {
            const size_t row = j / 2;
            const size_t col = 2 * i + j % 2;
            all[j] = strip->in[row] + col * nbytes;
            if (strip->mask[row][col] != 0)
                valid[count++] = all[j];
        }
        if (count > 0)
            reduce_some(reducer, all, valid, count, strip->out + i * nbytes);
        else
            memcpy(strip->out + i * nbytes, reducer->empty, nbytes);
        if (strip->out_mask)
            strip->out_mask[i] = count > 0 ? 255 : 0;
    }
}

/* A pixel that is picked without being valid has no content. */
static void reduce_nearest(const struct reducer *reducer,
                           const struct strip *strip, size_t n)
{
    const size_t nbytes = reducer->pixel_bytes;

    pyr_reduce_valid(reducer->rule, strip->in[0], strip->in[1], n, strip->out);
    for (size_t i = 0; i < n; i++)
    {
        const bool valid = strip->mask[0][2 * i] != 0;
        if (!valid)
            memcpy(strip->out + i * nbytes, reducer->empty, nbytes);
        if (strip->out_mask)
            strip->out_mask[i] = valid ? 255 : 0;
    }
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

static bool none_zero(const uint8_t *bytes, size_t n)
{
    return memchr(bytes, 0, n) == NULL;
}

static void fill(const struct reducer *reducer, const struct strip *strip,
                 size_t n)
{
    for (size_t i = 0; i < n; i++)
        memcpy(strip->out + i * reducer->pixel_bytes, reducer->empty,
               reducer->pixel_bytes);
    if (strip->out_mask)
        memset(strip->out_mask, 0, n);
}

/* n <= MIXED_PX pixels, whose validity the strip knows. */
static void reduce_strip(const struct reducer *reducer,
                         const struct strip *strip, size_t n)
{
    const struct pyr_reduce_rule *rule = reducer->rule;

    if (rule->reduction == PYR_REDUCE_NEAREST)
        reduce_nearest(reducer, strip, n);
    else if (all_zero(strip->mask[0], 2 * n) && all_zero(strip->mask[1], 2 * n))
        fill(reducer, strip, n);
    else if ((rule->reduction != PYR_REDUCE_RMS ||
              rule->validity != PYR_VALID_ALPHA) &&
             none_zero(strip->mask[0], 2 * n) &&
             none_zero(strip->mask[1], 2 * n))
    {
        pyr_reduce_valid(rule, strip->in[0], strip->in[1], n, strip->out);
        if (strip->out_mask)
            memset(strip->out_mask, 255, n);
    }
    else
        reduce_mixed(reducer, strip, n);
}

/* One row of the output. */
static void reduce_row(const struct reducer *reducer, struct strip row,
                       size_t width)
{
    const enum pyr_validity validity = reducer->rule->validity;
    const size_t nbytes = reducer->pixel_bytes;
    const size_t step =
        validity == PYR_VALID_ALL ? PYR_REDUCE_MAX_PX : MIXED_PX;
    uint8_t valid[2][2 * MIXED_PX];

    for (size_t at = 0; at < width; at += step)
    {
        const size_t n = width - at < step ? width - at : step;
        struct strip strip = row;
        strip.out += at * nbytes;
        for (size_t i = 0; i < 2; i++)
        {
            strip.in[i] += 2 * at * nbytes;
            if (validity == PYR_VALID_MASK)
                strip.mask[i] += 2 * at;
            else if (validity != PYR_VALID_ALL)
            {
                find_valid(reducer, strip.in[i], 2 * n, valid[i]);
                strip.mask[i] = valid[i];
            }
        }
        if (strip.out_mask)
            strip.out_mask += at;
        if (validity == PYR_VALID_ALL)
            pyr_reduce_valid(reducer->rule, strip.in[0], strip.in[1], n,
                             strip.out);
        else
            reduce_strip(reducer, &strip, n);
    }
}

void pyr_reduce(const struct pyr_reduce_rule *rule, const uint8_t *in,
                size_t in_row_bytes, const uint8_t *in_mask,
                size_t in_mask_row_bytes, uint32_t out_width_px,
                uint32_t out_height_px, uint8_t *out, size_t out_row_bytes,
                uint8_t *out_mask, size_t out_mask_row_bytes)
{
    struct reducer reducer = {.rule = rule,
                              .pixel_bytes =
                                  rule->bands * pyr_sample_bytes(rule->sample)};

    make_empty(&reducer);
    for (size_t row = 0; row < out_height_px; row++)
    {
        struct strip strip = {.out = out + row * out_row_bytes};
        for (size_t i = 0; i < 2; i++)
        {
            strip.in[i] = in + (2 * row + i) * in_row_bytes;
            if (rule->validity == PYR_VALID_MASK)
                strip.mask[i] = in_mask + (2 * row + i) * in_mask_row_bytes;
        }
        if (rule->validity == PYR_VALID_MASK)
            strip.out_mask = out_mask + row * out_mask_row_bytes;
        reduce_row(&reducer, strip, out_width_px);
    }
}
