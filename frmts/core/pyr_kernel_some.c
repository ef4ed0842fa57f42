/* SPDX-License-Identifier: MIT */
/* Resampling: pixels of samples some of which do not count. */
#include "pyr_kernel_priv.h"

#include <math.h>
#include <string.h>

/* A row that was resampled across: n sums of values and of their weights. */
struct across
{
    double *sums;
    double *weights;
};

/* Few that count, among many that do not, tell too little for a kernel with
 * negative weights: half of them must stand side by side. */
static bool enough(const uint8_t *weights, uint32_t count)
{
    uint32_t run = 0;
    uint32_t longest = 0;
    for (uint32_t i = 0; i < count; i++)
    {
        run = weights[i] != 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest >= count / 2;
}

/* Each sample is a mean of its own row already: rows count the same however
 * much of them does. */
static void across_kernel(const struct pyr_taps *taps, uint32_t from,
                          bool negative, const double *values,
                          const uint8_t *weights, const uint8_t *wanted,
                          const struct across *out)
{
    for (uint32_t i = 0; i < taps->n; i++)
    {
        if (wanted[i] == 0)
            continue;
        const double *const tap = taps->weights + (size_t)i * taps->most;
        const uint32_t first = taps->first[i] - from;
        double sum = 0.0;
        double weight = 0.0;
        out->sums[i] = 0.0;
        out->weights[i] = 0.0;
        if (negative && !enough(weights + first, taps->count[i]))
            continue;
        for (uint32_t j = 0; j < taps->count[i]; j++)
            if (weights[first + j] != 0) /* else it may be NaN */
            {
                const double each = tap[j] * weights[first + j];
                sum += values[first + j] * each;
                weight += each;
            }
        if (!(weight > 0.0))
            continue;
        out->sums[i] = sum / weight;
        out->weights[i] = 1.0;
    }
}

static void across_mean(const struct pyr_taps *taps, uint32_t from,
                        const double *values, const uint8_t *weights,
                        const uint8_t *wanted, const struct across *out)
{
    for (uint32_t i = 0; i < taps->n; i++)
    {
        if (wanted[i] == 0)
            continue;
        const double *const tap = taps->weights + (size_t)i * taps->most;
        const uint32_t first = taps->first[i] - from;
        double sum = 0.0;
        double weight = 0.0;
        for (uint32_t j = 0; j < taps->count[i]; j++)
            if (weights[first + j] != 0)
            {
                sum += values[first + j] * tap[j];
                weight += tap[j];
            }
        out->sums[i] = sum;
        out->weights[i] = weight;
    }
}

static struct across across_row(const struct pyr_kernel *kernel, size_t row)
{
    double *const sums =
        (double *)kernel->across.bytes + row * 2 * kernel->cols.n;
    return (struct across){sums, sums + kernel->cols.n};
}

/* What a pixel becomes of column i of its rows. False: nothing counts. */
static bool down(const struct pyr_kernel *kernel, uint32_t row, uint32_t from,
                 size_t i, double *out_value)
{
    const struct pyr_taps *const taps = &kernel->rows;
    const double *const tap = taps->weights + (size_t)row * taps->most;
    const bool negative = pyr_kernel_has_negative(kernel->rule->method);
    uint32_t run = 0;
    uint32_t longest = 0;
    double sum = 0.0;
    double weight = 0.0;
    for (uint32_t j = 0; j < taps->count[row]; j++)
    {
        const struct across at =
            across_row(kernel, taps->first[row] + j - from);
        run = at.weights[i] != 0.0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
        if (at.weights[i] == 0.0)
            continue;
        sum += tap[j] * at.sums[i];
        weight += tap[j] * at.weights[i];
    }
    *out_value = sum / weight;
    return (!negative || longest >= taps->count[row] / 2) && weight > 0.0;
}

static bool grow(struct pyr_kernel *kernel, const struct pyr_kernel_job *job)
{
    const size_t in_px = job->in_x_end - job->in_x;
    const size_t in_rows = job->in_y_end - job->in_y;
    const size_t n = kernel->cols.n;
    return pyr_scratch_grow(&kernel->values, in_px > n ? in_px : n,
                            sizeof(double)) &&
           pyr_scratch_grow(&kernel->holes, in_px + 1, 1 + sizeof(uint32_t)) &&
           pyr_scratch_grow(&kernel->wanted, in_rows + job->nrows, n) &&
           pyr_scratch_grow(&kernel->across, in_rows * n, 2 * sizeof(double));
}

/* holes[n], where a row of the window has samples that are not like others. */
static bool find_holes(const struct pyr_kernel *kernel,
                       const struct pyr_kernel_job *job, uint32_t row,
                       const struct pyr_kernel_weights *weights, uint8_t *holes)
{
    const size_t n = job->in_x_end - job->in_x;
    const uint32_t first = kernel->rows.first[row] - job->in_y;
    bool any = false;
    for (uint32_t i = first; i < first + kernel->rows.count[row]; i++)
    {
        const uint8_t *const from = weights->rows + i * n;
        if (weights->counts[i] == PYR_COUNTS_ALL)
            continue;
        if (!any)
            memset(holes, 0, n);
        any = true;
        for (size_t j = 0; j < n; j++)
            holes[j] |= from[j] ^ 255;
    }
    return any;
}

/* wanted[cols.n], which pixels of the row are made of holes. */
static void find_wanted(const struct pyr_kernel *kernel,
                        const struct pyr_kernel_job *job, const uint8_t *holes,
                        uint32_t *before, uint8_t *wanted)
{
    const struct pyr_taps *const taps = &kernel->cols;
    const size_t n = job->in_x_end - job->in_x;
    before[0] = 0;
    for (size_t i = 0; i < n; i++)
        before[i + 1] = before[i] + (holes[i] != 0);
    for (uint32_t i = 0; i < taps->n; i++)
    {
        const uint32_t first = taps->first[i] - job->in_x;
        wanted[i] = before[first + taps->count[i]] != before[first];
    }
}

/* The first rows of wanted are those of the window, the others what they need.
 * False: there is none. */
static bool want(const struct pyr_kernel *kernel,
                 const struct pyr_kernel_job *job,
                 const struct pyr_kernel_weights *weights)
{
    const size_t n = kernel->cols.n;
    uint8_t *const wanted = kernel->wanted.bytes;
    uint8_t *const needed = wanted + job->nrows * n;
    uint32_t *const before = kernel->holes.bytes;
    uint8_t *const holes =
        (uint8_t *)(before + (job->in_x_end - job->in_x) + 1);
    bool any = false;
    memset(wanted, 0, (job->nrows + job->in_y_end - job->in_y) * n);
    for (uint32_t row = 0; row < job->nrows; row++)
    {
        uint8_t *const to = wanted + row * n;
        if (!find_holes(kernel, job, row, weights, holes))
            continue;
        any = true;
        find_wanted(kernel, job, holes, before, to);
        for (uint32_t i = 0; i < kernel->rows.count[row]; i++)
        {
            uint8_t *const from =
                needed + (kernel->rows.first[row] - job->in_y + i) * n;
            for (size_t j = 0; j < n; j++)
                from[j] |= to[j];
        }
    }
    return any;
}

static void across(const struct pyr_kernel *kernel,
                   const struct pyr_kernel_job *job, uint32_t in_row,
                   const struct pyr_kernel_weights *weights,
                   const uint8_t *wanted)
{
    const enum pyr_method method = kernel->rule->method;
    const size_t at = in_row - job->in_y;
    const struct across out = across_row(kernel, at);
    const uint8_t *const row = weights->rows + at * (job->in_x_end - job->in_x);
    if (weights->counts[at] == PYR_COUNTS_NONE)
    {
        memset(out.sums, 0, kernel->cols.n * sizeof(*out.sums));
        memset(out.weights, 0, kernel->cols.n * sizeof(*out.weights));
    }
    else if (pyr_kernel_radius(method) > 0.0)
        across_kernel(&kernel->cols, job->in_x, pyr_kernel_has_negative(method),
                      kernel->values.bytes, row, wanted, &out);
    else
        across_mean(&kernel->cols, job->in_x, kernel->values.bytes, row, wanted,
                    &out);
}

/* A root such that its square, not itself, is the nearest one. */
static double root_of(enum pyr_type type, double square)
{
    const double root = sqrt(square);
    const double below = floor(root);
    if (type != PYR_TYPE_UINT8 && type != PYR_TYPE_UINT16)
        return root;
    return below * (below + 1.0) + 0.5 < square ? below + 1.0 : below;
}

double pyr_kernel_root(const struct pyr_kernel *kernel, double square)
{
    return root_of(kernel->rule->type, square);
}

static void load(const struct pyr_kernel *kernel,
                 const struct pyr_kernel_job *job, uint32_t band, uint32_t row)
{
    const size_t n = job->in_x_end - job->in_x;
    double *const values = kernel->values.bytes;
    pyr_samples_load(kernel->part,
                     pyr_kernel_at(kernel, job, job->in_x, row) +
                         band * kernel->part_bytes,
                     kernel->parts, n, values);
    for (size_t i = 0; kernel->rule->method == PYR_METHOD_RMS && i < n; i++)
        values[i] *= values[i];
}

/* Pixels of a row of the window. */
static void finish(const struct pyr_kernel *kernel,
                   const struct pyr_kernel_job *job, uint32_t band,
                   uint32_t row, const uint8_t *wanted)
{
    const struct pyr_kernel_rule *const rule = kernel->rule;
    const bool nodata = pyr_kernel_has_nodata(rule, band);
    const double empty = pyr_kernel_empty(rule, band);
    const double other = pyr_kernel_other(rule, band);
    const size_t step = kernel->parts * kernel->part_bytes;
    uint8_t *const out =
        pyr_kernel_out_row(job, row) + band * kernel->part_bytes;
    for (size_t i = 0; i < kernel->cols.n; i++)
    {
        double value = 0.0;
        if (wanted[i] == 0)
            continue;
        if (!down(kernel, row, job->in_y, i, &value))
            value = empty;
        else
        {
            if (rule->method == PYR_METHOD_RMS)
                value = pyr_kernel_root(kernel, value);
            if (nodata && pyr_sample_round(kernel->part, value) == empty)
                value = other;
        }
        pyr_samples_store(kernel->part, &value, 1, out + i * step, 1);
    }
}

bool pyr_kernel_some(struct pyr_kernel *kernel,
                     const struct pyr_kernel_job *job, uint32_t band,
                     const struct pyr_kernel_weights *weights)
{
    const size_t n = kernel->cols.n;
    if (!grow(kernel, job))
        return false;
    if (!want(kernel, job, weights))
        return true;
    const uint8_t *const wanted = kernel->wanted.bytes;
    const uint8_t *const needed = wanted + job->nrows * n;
    for (uint32_t row = job->in_y; row < job->in_y_end; row++)
    {
        const uint8_t *const which = needed + (row - job->in_y) * n;
        if (memchr(which, 1, n) == NULL)
            continue;
        load(kernel, job, band, row);
        across(kernel, job, row, weights, which);
    }
    for (uint32_t row = 0; row < job->nrows; row++)
        finish(kernel, job, band, row, wanted + row * n);
    return true;
}
