/* SPDX-License-Identifier: MIT */
/* What the files of pyr_kernel share. */
#ifndef PYR_KERNEL_PRIV_H
#define PYR_KERNEL_PRIV_H

#include "pyr_kernel.h"

#include <stdlib.h>

/* Loops for one more set of instructions, taken where the processor has it. No
 * result depends on it. Sanitizers run before it can be chosen. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) &&         \
    defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) &&                    \
    !defined(__SANITIZE_THREAD__)
#define PYR_KERNEL_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define PYR_KERNEL_CLONES
#endif

/* Written once, compiled for each number of bands: with a constant in its place
 * it becomes vector code. */
#if defined(__GNUC__) || defined(__clang__)
#define FOR_CONSTANTS static inline __attribute__((always_inline))
#else
#define FOR_CONSTANTS static inline
#endif

/* Rows that are made at a time. */
#define PYR_KERNEL_ROWS 32u

/* What the pixels of an axis of a window are made of: pixel i of
 * first[i] .. first[i] + count[i] - 1, with weights[i * most + j]. */
struct pyr_taps
{
    uint32_t n;
    uint32_t most; /* largest count */
    uint32_t *first;
    uint32_t *count;
    double *weights;
};

/* Pixels of an axis that are made alike: even, each of as many pixels as the
 * one before, two further on. */
struct pyr_run
{
    uint32_t first;
    uint32_t n;
    bool even;
};

/* A growing block of memory. */
struct pyr_scratch
{
    void *bytes;
    size_t nbytes;
};

/* What tells whether a sample counts. */
enum pyr_kernel_by
{
    PYR_BY_NONE, /* it does */
    PYR_BY_NODATA,
    PYR_BY_MASK,
    PYR_BY_ALPHA,
    PYR_BY_ITSELF
};

/* Which samples of a row count. */
enum pyr_kernel_counts
{
    PYR_COUNTS_NONE,
    PYR_COUNTS_SOME,
    PYR_COUNTS_ALL
};

/* Of the rows in_y .. in_y_end - 1 of a job, what counts (enum
 * pyr_kernel_counts), and weights: rows[in_y_end - in_y][in_x_end - in_x]. */
struct pyr_kernel_weights
{
    const uint8_t *rows;
    const uint8_t *counts;
};

struct pyr_kernel
{
    const struct pyr_kernel_rule *rule;
    enum pyr_type part; /* of complex samples, else the type */
    uint32_t parts;     /* bands, twice as many if complex */
    size_t part_bytes;  /* of one */
    bool ruled;         /* some band is not PYR_BY_NONE */
    bool exact;         /* in double precision */
    bool bits;          /* what is not 0 is 1 */
    struct pyr_kernel_rule mask_rule;
    struct pyr_kernel *mask; /* of the mask; NULL without */

    struct pyr_taps cols;
    struct pyr_taps rows;
    size_t nruns; /* of cols */
    struct pyr_scratch runs;
    struct pyr_scratch cols_memory;
    struct pyr_scratch rows_memory;
    struct pyr_scratch turned; /* weights of cols, weights[tap][pixel] */
    struct pyr_scratch column; /* a row that was resampled downwards */
    struct pyr_scratch planes;
    struct pyr_scratch sums;
    struct pyr_scratch values;
    struct pyr_scratch weights;
    struct pyr_scratch counts;
    struct pyr_scratch holes;
    struct pyr_scratch wanted;
    struct pyr_scratch across; /* rows that were resampled across */
};

/* One call of pyr_kernel_run, or some rows of it. */
struct pyr_kernel_job
{
    const struct pyr_kernel_scale *scale;
    const struct pyr_kernel_in *in;
    const struct pyr_kernel_out *out;
    uint32_t first_row; /* of the window */
    uint32_t nrows;
    /* What they need. */
    uint32_t in_x;
    uint32_t in_x_end;
    uint32_t in_y;
    uint32_t in_y_end;
};

/* False when out of memory. */
bool pyr_scratch_grow(struct pyr_scratch *scratch, size_t count, size_t nbytes);

/* The radius of a kernel, in pixels of what is made; 0: it has none. */
double pyr_kernel_radius(enum pyr_method method);
bool pyr_kernel_has_negative(enum pyr_method method);

/* False when out of memory. Weights add up to 1. */
bool pyr_taps_make(const struct pyr_kernel_rule *rule, uint32_t in_px,
                   uint32_t out_px, uint32_t first, uint32_t count,
                   struct pyr_scratch *memory, struct pyr_taps *out_taps);

/* n samples that are step samples apart, as doubles and back: rounded (halves
 * away from zero) and kept in range, NaN as 0, for integers. */
void pyr_samples_load(enum pyr_type type, const uint8_t *from, size_t step,
                      size_t n, double *out);
void pyr_samples_store(enum pyr_type type, const double *values, size_t n,
                       uint8_t *to, size_t step);
double pyr_sample_round(enum pyr_type type, double value);

/* What tells about a band. */
enum pyr_kernel_by pyr_kernel_by(const struct pyr_kernel_rule *rule,
                                 uint32_t band);
/* Whether a band has nodata that its type can hold. */
bool pyr_kernel_has_nodata(const struct pyr_kernel_rule *rule, uint32_t band);
/* Nodata of a band as a sample of the type, 0 without. */
double pyr_kernel_empty(const struct pyr_kernel_rule *rule, uint32_t band);
/* What stands for a value that is nodata by chance. */
double pyr_kernel_other(const struct pyr_kernel_rule *rule, uint32_t band);

/* Weights of a row's samples of a band, in_x .. in_x_end - 1. */
enum pyr_kernel_counts pyr_kernel_weigh(const struct pyr_kernel *kernel,
                                        const struct pyr_kernel_job *job,
                                        uint32_t band, uint32_t row,
                                        uint8_t *weights);

/* Pixel (px_x, px_y) of what is resampled. */
const uint8_t *pyr_kernel_at(const struct pyr_kernel *kernel,
                             const struct pyr_kernel_job *job, uint32_t px_x,
                             uint32_t px_y);

/* Row of the window, and its mask. */
uint8_t *pyr_kernel_out_row(const struct pyr_kernel_job *job, uint32_t row);

/* The root of a mean of squares: of UInt8 and UInt16 the one whose square is
 * the nearest. */
double pyr_kernel_root(const struct pyr_kernel *kernel, double square);

/* Makes kernel->runs of cols, and what pyr_kernel_all needs. False when out of
 * memory. */
bool pyr_kernel_prepare(struct pyr_kernel *kernel,
                        const struct pyr_kernel_job *job);

/* A row of the window from rows that all count. */
void pyr_kernel_all(struct pyr_kernel *kernel, const struct pyr_kernel_job *job,
                    uint32_t row);

/* Once more the pixels of a band that are made of samples some of which do not
 * count. False when out of memory. */
bool pyr_kernel_some(struct pyr_kernel *kernel,
                     const struct pyr_kernel_job *job, uint32_t band,
                     const struct pyr_kernel_weights *weights);

/* All bands, by pixels, by colours or by what occurs most often. */
void pyr_kernel_nearest(struct pyr_kernel *kernel,
                        const struct pyr_kernel_job *job);
bool pyr_kernel_has_palette(const struct pyr_kernel_rule *rule);
void pyr_kernel_palette(struct pyr_kernel *kernel,
                        const struct pyr_kernel_job *job);
bool pyr_kernel_mode(struct pyr_kernel *kernel,
                     const struct pyr_kernel_job *job);

#endif
