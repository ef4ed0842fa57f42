/* SPDX-License-Identifier: MIT */
/* Resampling: one of the pixels, by place or because it occurs most often. */
#include "pyr_kernel_priv.h"

#include <string.h>

static void nearest_row(const struct pyr_kernel *kernel, const uint8_t *in,
                        uint32_t in_x, size_t nbytes, uint8_t *out)
{
    const struct pyr_taps *const taps = &kernel->cols;
    for (uint32_t i = 0; i < taps->n; i++)
    {
        const uint8_t *const from = in + (taps->first[i] - in_x) * nbytes;
        for (size_t j = 0; j < nbytes; j++)
            out[i * nbytes + j] = from[j];
    }
}

void pyr_kernel_nearest(struct pyr_kernel *kernel,
                        const struct pyr_kernel_job *job)
{
    const size_t nbytes = kernel->parts * kernel->part_bytes;
    for (uint32_t row = 0; row < job->nrows; row++)
    {
        const uint32_t from = kernel->rows.first[row];
        nearest_row(kernel, pyr_kernel_at(kernel, job, job->in_x, from),
                    job->in_x, nbytes, pyr_kernel_out_row(job, row));
    }
}

/* ---- The most frequent ---- */

/* A window of samples step bytes apart, and their weights. */
struct window
{
    const uint8_t *samples;
    size_t row_bytes;
    size_t step;
    size_t sample_bytes;
    const uint8_t *weights; /* NULL: all count */
    size_t weight_row_bytes;
    uint32_t width;
    uint32_t height;
};

/* Values found so far, and how often. */
struct tally
{
    const uint8_t **samples;
    uint32_t *counts;
};

static bool is_nan(enum pyr_type type, const uint8_t *sample)
{
    double value = 0.0;
    if (type != PYR_TYPE_FLOAT16 && type != PYR_TYPE_FLOAT32 &&
        type != PYR_TYPE_FLOAT64)
        return false;
    pyr_samples_load(type, sample, 1, 1, &value);
    return value != value;
}

static bool same(enum pyr_type type, size_t nbytes, const uint8_t *one,
                 const uint8_t *other)
{
    static const uint8_t zero[16] = {0};
    if (memcmp(one, other, nbytes) == 0)
        return true;
    if (type == PYR_TYPE_FLOAT32 || type == PYR_TYPE_FLOAT64 ||
        type == PYR_TYPE_FLOAT16)
    {
        double values[2] = {0.0, 0.0};
        if (memcmp(one, zero, nbytes) == 0 || memcmp(other, zero, nbytes) == 0)
        {
            pyr_samples_load(type, one, 1, 1, &values[0]);
            pyr_samples_load(type, other, 1, 1, &values[1]);
            return values[0] == values[1]; /* of both signs */
        }
        return is_nan(type, one) && is_nan(type, other);
    }
    return false;
}

/* The first that reaches the highest count; NULL: none counts. */
static const uint8_t *most_frequent(enum pyr_type type,
                                    const struct window *window,
                                    const struct tally *tally)
{
    uint32_t n = 0;
    uint32_t most = 0;
    for (uint32_t row = 0; row < window->height; row++)
        for (uint32_t col = 0; col < window->width; col++)
        {
            const uint8_t *const sample =
                window->samples + row * window->row_bytes + col * window->step;
            uint32_t i = 0;
            if (window->weights != NULL &&
                window->weights[row * window->weight_row_bytes + col] == 0)
                continue;
            while (i < n &&
                   !same(type, window->sample_bytes, tally->samples[i], sample))
                i++;
            if (i == n)
            {
                tally->samples[n] = sample;
                tally->counts[n++] = 0;
            }
            if (++tally->counts[i] > tally->counts[most])
                most = i;
        }
    return n > 0 ? tally->samples[most] : NULL;
}

/* Of bytes, without a list of them. counts[256] are 0, and are left so. */
static const uint8_t *most_frequent_byte(const struct window *window,
                                         uint32_t *counts)
{
    const uint8_t *found = NULL;
    uint32_t most = 0;
    for (unsigned pass = 0; pass < 2; pass++)
        for (uint32_t row = 0; row < window->height; row++)
            for (uint32_t col = 0; col < window->width; col++)
            {
                const uint8_t *const sample = window->samples +
                                              row * window->row_bytes +
                                              col * window->step;
                if (pass == 1)
                    counts[*sample] = 0;
                else if ((window->weights == NULL ||
                          window->weights[row * window->weight_row_bytes +
                                          col] != 0) &&
                         ++counts[*sample] > most)
                {
                    most = counts[*sample];
                    found = sample;
                }
            }
    return found;
}

/* A row of a plane. The window's size is that of all it is made of. */
static void mode_row(const struct pyr_kernel *kernel, enum pyr_type type,
                     struct window all, uint32_t in_x, double empty,
                     uint8_t *out, size_t out_step)
{
    const struct pyr_taps *const taps = &kernel->cols;
    const struct tally tally = {.samples = kernel->across.bytes,
                                .counts = kernel->sums.bytes};
    for (uint32_t i = 0; i < taps->n; i++)
    {
        struct window window = all;
        const size_t from = taps->first[i] - in_x;
        window.samples += from * window.step;
        window.weights += window.weights != NULL ? from : 0;
        window.width = taps->count[i];
        const uint8_t *const found =
            type == PYR_TYPE_UINT8
                ? most_frequent_byte(&window, kernel->values.bytes)
                : most_frequent(type, &window, &tally);
        if (found != NULL)
            memcpy(out + i * out_step, found, all.sample_bytes);
        else
            pyr_samples_store(type, &empty, 1, out + i * out_step, 1);
    }
}

static bool grow(struct pyr_kernel *kernel, const struct pyr_kernel_job *job)
{
    const size_t in_px = job->in_x_end - job->in_x;
    const size_t in_rows = job->in_y_end - job->in_y;
    const size_t room = (size_t)kernel->cols.most * kernel->rows.most;
    if (!pyr_scratch_grow(&kernel->weights, in_rows, in_px + 1) ||
        !pyr_scratch_grow(&kernel->values, 256, sizeof(double)) ||
        !pyr_scratch_grow(&kernel->across, room, sizeof(uint8_t *)) ||
        !pyr_scratch_grow(&kernel->sums, room, sizeof(uint32_t)))
        return false;
    memset(kernel->values.bytes, 0, 256 * sizeof(uint32_t));
    return true;
}

bool pyr_kernel_mode(struct pyr_kernel *kernel,
                     const struct pyr_kernel_job *job)
{
    const struct pyr_kernel_rule *const rule = kernel->rule;
    const struct pyr_kernel_in *const in = job->in;
    const size_t in_px = job->in_x_end - job->in_x;
    const size_t sample_bytes = pyr_type_bytes(rule->type);
    const size_t step = sample_bytes * rule->bands;
    if (!grow(kernel, job))
        return false;
    uint8_t *const weights = kernel->weights.bytes;
    for (uint32_t band = 0; band < rule->bands; band++)
    {
        const bool by = pyr_kernel_by(rule, band) != PYR_BY_NONE;
        for (uint32_t row = job->in_y; by && row < job->in_y_end; row++)
            (void)pyr_kernel_weigh(kernel, job, band, row,
                                   weights + (row - job->in_y) * in_px);
        for (uint32_t row = 0; row < job->nrows; row++)
        {
            const uint32_t first = kernel->rows.first[row];
            const struct window window = {
                .samples = pyr_kernel_at(kernel, job, job->in_x, first) +
                           band * sample_bytes,
                .row_bytes = in->row_bytes,
                .step = step,
                .sample_bytes = sample_bytes,
                .weights = by ? weights + (first - job->in_y) * in_px : NULL,
                .weight_row_bytes = in_px,
                .height = kernel->rows.count[row]};
            mode_row(kernel, rule->type, window, job->in_x,
                     pyr_kernel_empty(rule, band),
                     pyr_kernel_out_row(job, row) + band * sample_bytes, step);
        }
    }
    return true;
}
