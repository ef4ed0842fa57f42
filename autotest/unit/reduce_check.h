/* SPDX-License-Identifier: MIT */
/* Pictures for the tests of pyr_reduce, and the plainest way to do the same. */
#ifndef REDUCE_CHECK_H
#define REDUCE_CHECK_H

#include "pyr_reduce.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 0xC5

static uint32_t random_state = 1;

static inline uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static inline void *need(void *block)
{
    if (!block)
        abort();
    return block;
}

struct pixel
{
    double sample[PYR_MAX_BANDS];
    bool valid;
};

static inline double get_sample(enum pyr_sample type, const uint8_t *at)
{
    float number;
    if (type == PYR_SAMPLE_UINT8)
        return *at;
    memcpy(&number, at, sizeof(number));
    return (double)number;
}

static inline void put_sample(enum pyr_sample type, double value, uint8_t *at)
{
    const float number = (float)value;
    if (type == PYR_SAMPLE_UINT8)
        *at = (uint8_t)value;
    else
        memcpy(at, &number, sizeof(number));
}

static inline bool is_valid(const struct pyr_reduce_rule *rule,
                            const struct pixel *pixel, const uint8_t *mask)
{
    switch (rule->validity)
    {
        case PYR_VALID_ALL:
            return true;
        case PYR_VALID_MASK:
            return *mask != 0;
        case PYR_VALID_ALPHA:
            return pixel->sample[rule->bands - 1] != 0.0;
        case PYR_VALID_NODATA:
            return pixel->sample[0] != rule->nodata[0] &&
                   !isnan(pixel->sample[0]);
    }
    return false;
}

/* The byte nearest to the root of sum / count: the largest r with
 * r - 1/2 <= root, in integers. */
static inline unsigned nearest_root(unsigned long sum, unsigned long count)
{
    unsigned long root = 0;
    while (count * (2 * root + 1) * (2 * root + 1) <= 4 * sum)
        root++;
    return (unsigned)root;
}

static inline double combine(const struct pyr_reduce_rule *rule, bool squares,
                             const struct pixel *const pixels[], unsigned count,
                             uint32_t band)
{
    double sum = -0.0;
    for (unsigned i = 0; i < count; i++)
        sum += squares ? pixels[i]->sample[band] * pixels[i]->sample[band]
                       : pixels[i]->sample[band];
    if (rule->sample == PYR_SAMPLE_FLOAT32)
        return squares ? sqrt(sum / count) : sum / count;
    if (squares)
        return nearest_root((unsigned long)sum, count);
    return floor(sum / count + 0.5);
}

static inline bool same_bits(double left, double right)
{
    return memcmp(&left, &right, sizeof(left)) == 0;
}

static inline bool same_pixel(const struct pyr_reduce_rule *rule,
                              const struct pixel *left,
                              const struct pixel *right)
{
    for (uint32_t band = 0; band < rule->bands; band++)
        if (!same_bits(left->sample[band], right->sample[band]))
            return false;
    return true;
}

static inline const struct pixel *
most_frequent(const struct pyr_reduce_rule *rule,
              const struct pixel *const pixels[], unsigned count)
{
    const struct pixel *best = NULL;
    unsigned best_count = 0;
    for (unsigned i = 0; i < count; i++)
    {
        unsigned equal = 0;
        for (unsigned j = 0; j < count; j++)
            equal += same_pixel(rule, pixels[i], pixels[j]);
        if (equal > best_count)
        {
            best = pixels[i];
            best_count = equal;
        }
    }
    return best;
}

static inline struct pixel reduced(const struct pyr_reduce_rule *rule,
                                   const struct pixel quad[4])
{
    const struct pixel *const all[4] = {quad, quad + 1, quad + 2, quad + 3};
    const struct pixel *valid[4];
    struct pixel out = {{0.0}, false};
    unsigned count = 0;

    for (unsigned i = 0; i < 4; i++)
        if (quad[i].valid)
            valid[count++] = &quad[i];
    if (rule->reduction == PYR_REDUCE_NEAREST)
    {
        valid[0] = &quad[0];
        count = quad[0].valid;
    }
    for (uint32_t band = 0; band < rule->bands; band++)
    {
        const bool alpha =
            rule->validity == PYR_VALID_ALPHA && band + 1 == rule->bands;
        const bool squares = rule->reduction == PYR_REDUCE_RMS && !alpha;
        if (count == 0)
            out.sample[band] = alpha ? 0.0 : rule->nodata[band];
        else if (rule->reduction == PYR_REDUCE_NEAREST)
            out.sample[band] = quad[0].sample[band];
        else if (rule->reduction == PYR_REDUCE_MODE)
            out.sample[band] = most_frequent(rule, valid, count)->sample[band];
        else
            out.sample[band] = combine(rule, squares, alpha ? all : valid,
                                       alpha ? 4 : count, band);
    }
    out.valid = count > 0;
    return out;
}

struct picture
{
    uint32_t width_px;
    uint32_t height_px;
    size_t row_bytes;
    size_t mask_row_bytes;
    uint8_t *pixels;
    uint8_t *mask; /* or NULL */
};

/* Rows lie apart, aligned for floats, in blocks that end with the last one. */
static inline struct picture make_picture(const struct pyr_reduce_rule *rule,
                                          uint32_t width_px, uint32_t height_px)
{
    const size_t row_bytes =
        width_px * rule->bands * pyr_sample_bytes(rule->sample);
    struct picture picture = {width_px,     height_px, row_bytes + 8,
                              width_px + 3, NULL,      NULL};
    const size_t nbytes = (height_px - 1) * picture.row_bytes + row_bytes;
    const size_t mask_nbytes =
        (height_px - 1) * picture.mask_row_bytes + width_px;

    picture.pixels = need(malloc(nbytes));
    memset(picture.pixels, GUARD, nbytes);
    if (rule->validity == PYR_VALID_MASK)
    {
        picture.mask = need(malloc(mask_nbytes));
        memset(picture.mask, GUARD, mask_nbytes);
    }
    return picture;
}

static inline void free_picture(struct picture *picture)
{
    free(picture->pixels);
    free(picture->mask);
}

static inline uint8_t *sample_at(const struct pyr_reduce_rule *rule,
                                 const struct picture *picture, uint32_t row,
                                 uint32_t col, uint32_t band)
{
    return picture->pixels + row * picture->row_bytes +
           (col * rule->bands + band) * pyr_sample_bytes(rule->sample);
}

static inline struct pixel get_pixel(const struct pyr_reduce_rule *rule,
                                     const struct picture *picture,
                                     uint32_t row, uint32_t col)
{
    struct pixel pixel = {{0.0}, false};
    for (uint32_t band = 0; band < rule->bands; band++)
        pixel.sample[band] =
            get_sample(rule->sample, sample_at(rule, picture, row, col, band));
    pixel.valid = is_valid(
        rule, &pixel,
        picture->mask ? picture->mask + row * picture->mask_row_bytes + col
                      : NULL);
    return pixel;
}

/* What samples are like. */
enum content
{
    CONTENT_ANY,    /* the whole range */
    CONTENT_FEW,    /* so few values that some are equal */
    CONTENT_STRANGE /* floats: also NaN, infinities, the largest, zeroes */
};

static inline double random_sample(enum pyr_sample type, enum content content)
{
    static const float strange[] = {
        (float)NAN, (float)INFINITY, -(float)INFINITY,
        FLT_MAX,    -FLT_MAX,        FLT_MIN,
        0.0f,       -0.0f,           1e30f,
        1e-30f};
    if (content == CONTENT_FEW)
        return 10.0 + next_random() % 2;
    if (type == PYR_SAMPLE_UINT8)
        return next_random() % 256;
    if (content == CONTENT_STRANGE && next_random() % 4 == 0)
        return (double)strange[next_random() % 10];
    return (double)((float)next_random() / 1000.0f - 5000.0f);
}

/* How validity lies: all, none, or changing after runs of up to 100 pixels, in
 * which all, none or half of them are valid. */
enum holes
{
    HOLES_NONE,
    HOLES_ONLY,
    HOLES_SOME,
    NHOLES
};

static inline void make_invalid(const struct pyr_reduce_rule *rule,
                                const struct picture *picture, uint32_t row,
                                uint32_t col)
{
    const bool nan = rule->sample == PYR_SAMPLE_FLOAT32 && next_random() % 2;
    if (rule->validity == PYR_VALID_MASK)
        picture->mask[row * picture->mask_row_bytes + col] = 0;
    else if (rule->validity == PYR_VALID_ALPHA)
        put_sample(rule->sample, 0.0,
                   sample_at(rule, picture, row, col, rule->bands - 1));
    else if (rule->validity == PYR_VALID_NODATA)
        put_sample(rule->sample, nan ? NAN : rule->nodata[0],
                   sample_at(rule, picture, row, col, 0));
}

static inline void fill_picture(const struct pyr_reduce_rule *rule,
                                const struct picture *picture,
                                enum content content, enum holes holes)
{
    uint32_t run = 0;
    uint32_t kind = holes;

    for (uint32_t row = 0; row < picture->height_px; row++)
        for (uint32_t col = 0; col < picture->width_px; col++)
        {
            for (uint32_t band = 0; band < rule->bands; band++)
            {
                double value = random_sample(rule->sample, content);
                const bool tells = rule->validity == PYR_VALID_ALPHA
                                       ? band + 1 == rule->bands
                                       : band == 0;
                /* Valid pixels must not look like others. */
                if (tells && (value == 0.0 || value == rule->nodata[0]))
                    value = 1.0;
                put_sample(rule->sample, value,
                           sample_at(rule, picture, row, col, band));
            }
            if (picture->mask)
                picture->mask[row * picture->mask_row_bytes + col] =
                    (uint8_t)(1 + next_random() % 255);
            if (holes == HOLES_SOME && run-- == 0)
            {
                run = next_random() % 100;
                kind = next_random() % NHOLES;
            }
            if (kind == HOLES_ONLY || (kind == HOLES_SOME && next_random() % 2))
                make_invalid(rule, picture, row, col);
        }
}

static inline bool same_number(enum pyr_sample type, double found,
                               double expected)
{
    uint8_t bytes[2][4] = {{0}, {0}};
    if (isnan(found) && isnan(expected))
        return true;
    put_sample(type, found, bytes[0]);
    put_sample(type, expected, bytes[1]);
    return memcmp(bytes[0], bytes[1], 4) == 0;
}

static inline int count_wrong(const struct pyr_reduce_rule *rule,
                              const struct picture *in,
                              const struct picture *out)
{
    int wrong = 0;
    for (uint32_t row = 0; row < out->height_px; row++)
        for (uint32_t col = 0; col < out->width_px; col++)
        {
            const struct pixel quad[4] = {
                get_pixel(rule, in, 2 * row, 2 * col),
                get_pixel(rule, in, 2 * row, 2 * col + 1),
                get_pixel(rule, in, 2 * row + 1, 2 * col),
                get_pixel(rule, in, 2 * row + 1, 2 * col + 1)};
            const struct pixel expected = reduced(rule, quad);
            for (uint32_t band = 0; band < rule->bands; band++)
                wrong += !same_number(
                    rule->sample,
                    get_sample(rule->sample,
                               sample_at(rule, out, row, col, band)),
                    expected.sample[band]);
            if (out->mask)
                wrong += out->mask[row * out->mask_row_bytes + col] !=
                         (expected.valid ? 255 : 0);
        }
    return wrong;
}

/* Bytes between the rows that have been written to. */
static inline int count_touched(const struct pyr_reduce_rule *rule,
                                const struct picture *out)
{
    const size_t row_bytes =
        out->width_px * rule->bands * pyr_sample_bytes(rule->sample);
    int touched = 0;
    for (uint32_t row = 0; row + 1 < out->height_px; row++)
    {
        for (size_t i = row_bytes; i < out->row_bytes; i++)
            touched += out->pixels[row * out->row_bytes + i] != GUARD;
        for (size_t i = out->width_px; out->mask && i < out->mask_row_bytes;
             i++)
            touched += out->mask[row * out->mask_row_bytes + i] != GUARD;
    }
    return touched;
}

#endif
