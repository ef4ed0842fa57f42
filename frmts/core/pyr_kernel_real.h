/* SPDX-License-Identifier: MIT */
/* Resampling of a row that all counts, in numbers of type REAL: included once
 * for each type, with NAMED giving names for it. */
#ifndef REAL
#define REAL double
#define NAMED(name) name##_double
#endif

#include "pyr_kernel_priv.h"

/* out[n] = (add ? out : 0) + four rows times their weights. */
#define NAMED_DOWN(name, ctype)                                                \
    FOR_CONSTANTS void NAMED(name##_4)(const ctype *const rows[4],             \
                                       const double *weights, size_t n,        \
                                       bool add, REAL *restrict out)           \
    {                                                                          \
        const ctype *const restrict a = rows[0];                               \
        const ctype *const restrict b = rows[1];                               \
        const ctype *const restrict c = rows[2];                               \
        const ctype *const restrict d = rows[3];                               \
        const REAL wa = (REAL)weights[0];                                      \
        const REAL wb = (REAL)weights[1];                                      \
        const REAL wc = (REAL)weights[2];                                      \
        const REAL wd = (REAL)weights[3];                                      \
        for (size_t i = 0; i < n; i++)                                         \
        {                                                                      \
            const REAL left = wa * (REAL)a[i] + wb * (REAL)b[i];               \
            const REAL right = wc * (REAL)c[i] + wd * (REAL)d[i];              \
            out[i] = add ? out[i] + (left + right) : left + right;             \
        }                                                                      \
    }                                                                          \
    FOR_CONSTANTS void NAMED(name##_1)(const ctype *restrict row,              \
                                       double weight, size_t n, bool add,      \
                                       REAL *restrict out)                     \
    {                                                                          \
        const REAL w = (REAL)weight;                                           \
        for (size_t i = 0; i < n; i++)                                         \
            out[i] = add ? out[i] + w * (REAL)row[i] : w * (REAL)row[i];       \
    }                                                                          \
    PYR_KERNEL_CLONES                                                          \
    static void NAMED(name)(const uint8_t *first, size_t row_bytes,            \
                            const double *weights, uint32_t count, size_t n,   \
                            REAL *out)                                         \
    {                                                                          \
        uint32_t at = 0;                                                       \
        for (; at + 4 <= count; at += 4)                                       \
        {                                                                      \
            const ctype *rows[4];                                              \
            for (uint32_t i = 0; i < 4; i++)                                   \
                rows[i] = (const void *)(first + (at + i) * row_bytes);        \
            if (at == 0)                                                       \
                NAMED(name##_4)(rows, weights, n, false, out);                 \
            else                                                               \
                NAMED(name##_4)(rows, weights + at, n, true, out);             \
        }                                                                      \
        for (; at < count; at++)                                               \
        {                                                                      \
            const void *const row = first + at * row_bytes;                    \
            if (at == 0)                                                       \
                NAMED(name##_1)(row, weights[at], n, false, out);              \
            else                                                               \
                NAMED(name##_1)(row, weights[at], n, true, out);               \
        }                                                                      \
    }

/* ---- Across ---- */

/* planes[2][n] = every other one of the samples of a band. */
FOR_CONSTANTS void NAMED(split_band)(const REAL *restrict in, size_t bands,
                                     size_t n, REAL *restrict even,
                                     REAL *restrict odd)
{
    for (size_t i = 0; i < n; i++)
    {
        even[i] = in[2 * i * bands];
        odd[i] = in[(2 * i + 1) * bands];
    }
}

FOR_CONSTANTS void NAMED(across_4)(const REAL *even, const REAL *odd,
                                   const REAL *weights, size_t stride, size_t n,
                                   bool add, REAL *restrict out)
{
    const REAL *const restrict a = weights;
    const REAL *const restrict b = weights + stride;
    const REAL *const restrict c = weights + 2 * stride;
    const REAL *const restrict d = weights + 3 * stride;
    for (size_t i = 0; i < n; i++)
    {
        const REAL left = a[i] * even[i] + b[i] * odd[i];
        const REAL right = c[i] * even[i + 1] + d[i] * odd[i + 1];
        out[i] = add ? out[i] + (left + right) : left + right;
    }
}

FOR_CONSTANTS void NAMED(across_1)(const REAL *in, const REAL *restrict weights,
                                   size_t n, bool add, REAL *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = add ? out[i] + weights[i] * in[i] : weights[i] * in[i];
}

/* n pixels of a band, each of count samples of the planes, two further on than
 * the one before. weights[count][stride]. */
PYR_KERNEL_CLONES
static void NAMED(across_even)(const REAL *even, const REAL *odd,
                               const REAL *weights, size_t stride,
                               uint32_t count, size_t n, REAL *out)
{
    uint32_t at = 0;
    for (; at + 4 <= count; at += 4)
    {
        const REAL *const w = weights + at * stride;
        if (at == 0)
            NAMED(across_4)(even, odd, w, stride, n, false, out);
        else
            NAMED(across_4)
        (even + at / 2, odd + at / 2, w, stride, n, true, out);
    }
    for (; at < count; at++)
    {
        const REAL *const in = (at % 2 == 0 ? even : odd) + at / 2;
        if (at == 0)
            NAMED(across_1)(in, weights, n, false, out);
        else
            NAMED(across_1)(in, weights + at * stride, n, true, out);
    }
}

PYR_KERNEL_CLONES
static void NAMED(split)(const REAL *in, size_t bands, size_t band, size_t n,
                         REAL *even, REAL *odd)
{
    if (bands == 1)
        NAMED(split_band)(in, 1, n, even, odd);
    else if (bands == 3)
        NAMED(split_band)(in + band, 3, n, even, odd);
    else if (bands == 4)
        NAMED(split_band)(in + band, 4, n, even, odd);
    else
        NAMED(split_band)(in + band, bands, n, even, odd);
}

/* Sums of a band, out[cols.n], of the row in column. */
static void NAMED(across)(const struct pyr_kernel *kernel, uint32_t in_x,
                          uint32_t band, REAL *out)
{
    const struct pyr_taps *const taps = &kernel->cols;
    const struct pyr_run *const runs = kernel->runs.bytes;
    const REAL *const column = kernel->column.bytes;
    const REAL *const turned = kernel->turned.bytes;
    const size_t bands = kernel->parts;
    for (size_t i = 0; i < kernel->nruns; i++)
    {
        const struct pyr_run *const run = &runs[i];
        const size_t from = taps->first[run->first] - in_x;
        if (run->even)
        {
            const size_t n = run->n + (taps->count[run->first] + 1) / 2;
            REAL *const even = kernel->planes.bytes;
            NAMED(split)(column + from * bands, bands, band, n, even, even + n);
            NAMED(across_even)
            (even, even + n, turned + run->first, taps->n,
             taps->count[run->first], run->n, out + run->first);
            continue;
        }
        for (uint32_t col = run->first; col < run->first + run->n; col++)
        {
            const double *const tap = taps->weights + (size_t)col * taps->most;
            const REAL *const in =
                column + (taps->first[col] - in_x) * bands + band;
            REAL sum = 0;
            for (size_t j = 0; j < taps->count[col]; j++)
                sum += (REAL)tap[j] * in[j * bands];
            out[col] = sum;
        }
    }
}
