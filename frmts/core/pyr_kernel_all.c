/* SPDX-License-Identifier: MIT */
/* Resampling: rows that all count, downwards first, then across. */
#include "pyr_kernel_priv.h"

#include "pyr_buf.h"

#include <math.h>
#include <string.h>

#define REAL float
#define NAMED(name) name##_float
#include "pyr_kernel_real.h"
NAMED_DOWN(down_u8, uint8_t)
NAMED_DOWN(down_u16, uint16_t)
NAMED_DOWN(down_i16, int16_t)
#undef REAL
#undef NAMED

#define REAL double
#define NAMED(name) name##_double
#include "pyr_kernel_real.h"
NAMED_DOWN(down_f32, float)
NAMED_DOWN(down_f64, double)
#undef REAL
#undef NAMED

/* Shorter runs are not worth it. */
#define MIN_RUN_PX 8

/* Samples that are read beyond a run, with a weight of none. */
#define SPARE_PX 4

/* Integers of up to 16 bits: single precision is enough for them. */
static bool is_single(const struct pyr_kernel *kernel)
{
    return (kernel->part == PYR_TYPE_UINT8 || kernel->part == PYR_TYPE_UINT16 ||
            kernel->part == PYR_TYPE_INT16) &&
           kernel->rule->method != PYR_METHOD_RMS && !kernel->exact;
}

/* Whether pixel i goes on as the one before. */
static bool goes_on(const struct pyr_taps *taps, uint32_t i)
{
    return taps->first[i] == taps->first[i - 1] + 2 &&
           taps->count[i] == taps->count[i - 1];
}

static void find_runs(struct pyr_kernel *kernel)
{
    const struct pyr_taps *const taps = &kernel->cols;
    struct pyr_run *const runs = kernel->runs.bytes;
    uint32_t n = 0;
    kernel->nruns = 0;
    for (uint32_t at = 0; at < taps->n; at += n)
    {
        for (n = 1; at + n < taps->n && goes_on(taps, at + n);)
            n++;
        const bool even = n >= MIN_RUN_PX;
        if (!even && kernel->nruns > 0 && !runs[kernel->nruns - 1].even)
            runs[kernel->nruns - 1].n += n;
        else
            runs[kernel->nruns++] = (struct pyr_run){at, n, even};
    }
}

static void turn(struct pyr_kernel *kernel)
{
    const struct pyr_taps *const taps = &kernel->cols;
    const bool single = is_single(kernel);
    for (uint32_t i = 0; i < taps->n; i++)
        for (uint32_t j = 0; j < taps->count[i]; j++)
        {
            const double weight = taps->weights[(size_t)i * taps->most + j];
            const size_t at = (size_t)j * taps->n + i;
            if (single)
                ((float *)kernel->turned.bytes)[at] = (float)weight;
            else
                ((double *)kernel->turned.bytes)[at] = weight;
        }
}

bool pyr_kernel_prepare(struct pyr_kernel *kernel,
                        const struct pyr_kernel_job *job)
{
    const size_t in_px = job->in_x_end - job->in_x + SPARE_PX;
    const size_t nsamples = in_px * kernel->parts;
    const size_t n = kernel->cols.n;
    const size_t room = in_px > n ? in_px : n;
    if (!pyr_scratch_grow(&kernel->runs, n, sizeof(struct pyr_run)) ||
        !pyr_scratch_grow(&kernel->turned, n * kernel->cols.most,
                          sizeof(double)) ||
        !pyr_scratch_grow(&kernel->column, nsamples, sizeof(double)) ||
        !pyr_scratch_grow(&kernel->values, nsamples, sizeof(double)) ||
        !pyr_scratch_grow(&kernel->planes, room, 2 * sizeof(double)) ||
        !pyr_scratch_grow(&kernel->sums, n, kernel->parts * sizeof(double)))
        return false;
    find_runs(kernel);
    turn(kernel);
    return true;
}

/* ---- Downwards ---- */

/* Any type, and squares: row by row as doubles. */
static void down_any(struct pyr_kernel *kernel, const uint8_t *first,
                     size_t row_bytes, const double *weights, uint32_t count,
                     size_t n)
{
    const bool squares = kernel->rule->method == PYR_METHOD_RMS;
    double *const values = kernel->values.bytes;
    double *const column = kernel->column.bytes;
    for (uint32_t at = 0; at < count; at++)
    {
        pyr_samples_load(kernel->part, first + at * row_bytes, 1, n, values);
        for (size_t i = 0; kernel->bits && i < n; i++)
            values[i] = values[i] != 0.0 ? 1.0 : 0.0;
        for (size_t i = 0; squares && i < n; i++)
            values[i] *= values[i];
        for (size_t i = 0; i < n; i++)
            column[i] = (at == 0 ? 0.0 : column[i]) + weights[at] * values[i];
    }
}

static void down(struct pyr_kernel *kernel, const struct pyr_kernel_job *job,
                 uint32_t row)
{
    const struct pyr_taps *const taps = &kernel->rows;
    const uint32_t count = taps->count[row];
    const double *const weights = taps->weights + (size_t)row * taps->most;
    const uint8_t *const first =
        pyr_kernel_at(kernel, job, job->in_x, taps->first[row]);
    const size_t row_bytes = job->in->row_bytes;
    const size_t n = (size_t)(job->in_x_end - job->in_x) * kernel->parts;
    const size_t spare = (size_t)SPARE_PX * kernel->parts;
    void *const column = kernel->column.bytes;
    if (is_single(kernel))
        memset((float *)column + n, 0, spare * sizeof(float));
    else
        memset((double *)column + n, 0, spare * sizeof(double));

    if (kernel->rule->method == PYR_METHOD_RMS || kernel->exact)
        down_any(kernel, first, row_bytes, weights, count, n);
    else if (kernel->part == PYR_TYPE_UINT8)
        down_u8_float(first, row_bytes, weights, count, n, column);
    else if (kernel->part == PYR_TYPE_UINT16)
        down_u16_float(first, row_bytes, weights, count, n, column);
    else if (kernel->part == PYR_TYPE_INT16)
        down_i16_float(first, row_bytes, weights, count, n, column);
    else if (kernel->part == PYR_TYPE_FLOAT32)
        down_f32_double(first, row_bytes, weights, count, n, column);
    else if (kernel->part == PYR_TYPE_FLOAT64)
        down_f64_double(first, row_bytes, weights, count, n, column);
    else
        down_any(kernel, first, row_bytes, weights, count, n);
}

/* ---- Out ---- */

/* Integers of floats that are not far out of their range: rounded first, for
 * integers are limited without branches. */
#define NAMED_STORE(name, ctype, least, most)                                  \
    FOR_CONSTANTS ctype name##_one(float value)                                \
    {                                                                          \
        const int whole = (int)(value + copysignf(0.5f, value));               \
        const int above = whole < (least) ? (least) : whole;                   \
        return (ctype)(above > (most) ? (most) : above);                       \
    }                                                                          \
    PYR_KERNEL_CLONES                                                          \
    static void name(const float *restrict in, size_t n, size_t bands,         \
                     ctype *restrict out)                                      \
    {                                                                          \
        for (size_t i = 0; bands == 1 && i < n; i++)                           \
            out[i] = name##_one(in[i]);                                        \
        for (size_t i = 0; bands > 1 && i < n; i++)                            \
            out[i * bands] = name##_one(in[i]);                                \
    }
NAMED_STORE(store_u8, uint8_t, 0, UINT8_MAX)
NAMED_STORE(store_u16, uint16_t, 0, UINT16_MAX)
NAMED_STORE(store_i16, int16_t, INT16_MIN, INT16_MAX)

/* Bytes of up to four bands are put together before they are stored. */
PYR_KERNEL_CLONES
static void join_u8(const float *restrict in, size_t n, unsigned band,
                    uint32_t *restrict pixels)
{
    for (size_t i = 0; band == 0 && i < n; i++)
        pixels[i] = store_u8_one(in[i]);
    for (size_t i = 0; band > 0 && i < n; i++)
        pixels[i] |= (uint32_t)store_u8_one(in[i]) << 8 * band;
}

/* What is written beyond a pixel belongs to the next one. */
static void store_joined(const uint32_t *pixels, size_t n, size_t bands,
                         uint8_t *out)
{
    for (size_t i = 0; i + 1 < n; i++)
        pyr_put_le32(out + i * bands, pixels[i]);
    for (size_t band = 0; band < bands; band++)
        out[(n - 1) * bands + band] = (uint8_t)(pixels[n - 1] >> 8 * band);
}

static void store_single(struct pyr_kernel *kernel, uint32_t band, size_t n,
                         uint8_t *row)
{
    const float *const sums = kernel->sums.bytes;
    const size_t bands = kernel->parts;
    void *const out = row + band * kernel->part_bytes;
    if (kernel->part == PYR_TYPE_UINT8 && bands > 1 && bands <= 4)
    {
        join_u8(sums, n, band, kernel->values.bytes);
        if (band + 1 == bands)
            store_joined(kernel->values.bytes, n, bands, row);
    }
    else if (kernel->part == PYR_TYPE_UINT8)
        store_u8(sums, n, bands, out);
    else if (kernel->part == PYR_TYPE_UINT16)
        store_u16(sums, n, bands, out);
    else
        store_i16(sums, n, bands, out);
}

void pyr_kernel_all(struct pyr_kernel *kernel, const struct pyr_kernel_job *job,
                    uint32_t row)
{
    const size_t n = kernel->cols.n;
    double *const sums = kernel->sums.bytes;
    uint8_t *const out = pyr_kernel_out_row(job, row);
    down(kernel, job, row);
    for (uint32_t band = 0; band < kernel->parts; band++)
    {
        if (is_single(kernel))
        {
            across_float(kernel, job->in_x, band, kernel->sums.bytes);
            store_single(kernel, band, n, out);
            continue;
        }
        across_double(kernel, job->in_x, band, sums);
        for (size_t i = 0; kernel->rule->method == PYR_METHOD_RMS && i < n; i++)
            sums[i] = pyr_kernel_root(kernel, sums[i]);
        pyr_samples_store(kernel->part, sums, n,
                          out + band * kernel->part_bytes, kernel->parts);
    }
}
