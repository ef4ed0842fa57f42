/* SPDX-License-Identifier: MIT */
/* Resampling: a window of a level from the one before. */
#include "pyr_kernel_priv.h"

#include "pyr_alloc.h"
#include "pyr_arith.h"

#include <string.h>

bool pyr_scratch_grow(struct pyr_scratch *scratch, size_t count, size_t nbytes)
{
    size_t wanted = 0;
    if (!pyr_mul_size(count, nbytes, &wanted))
        return false;
    if (wanted <= scratch->nbytes && scratch->bytes != NULL)
        return true;
    pyr_free(scratch->bytes);
    scratch->bytes = pyr_malloc(wanted);
    scratch->nbytes = scratch->bytes == NULL ? 0 : wanted;
    return scratch->bytes != NULL;
}

static enum pyr_type part_of(enum pyr_type type)
{
    switch (type)
    {
        case PYR_TYPE_COMPLEX_INT16:
            return PYR_TYPE_INT16;
        case PYR_TYPE_COMPLEX_INT32:
            return PYR_TYPE_INT32;
        case PYR_TYPE_COMPLEX_FLOAT16:
            return PYR_TYPE_FLOAT16;
        case PYR_TYPE_COMPLEX_FLOAT32:
            return PYR_TYPE_FLOAT32;
        case PYR_TYPE_COMPLEX_FLOAT64:
            return PYR_TYPE_FLOAT64;
        case PYR_TYPE_UINT8:
        case PYR_TYPE_INT8:
        case PYR_TYPE_UINT16:
        case PYR_TYPE_INT16:
        case PYR_TYPE_UINT32:
        case PYR_TYPE_INT32:
        case PYR_TYPE_UINT64:
        case PYR_TYPE_INT64:
        case PYR_TYPE_FLOAT16:
        case PYR_TYPE_FLOAT32:
        case PYR_TYPE_FLOAT64:
            break;
    }
    return type;
}

static struct pyr_kernel *new_kernel(const struct pyr_kernel_rule *rule)
{
    struct pyr_kernel *const kernel = pyr_calloc(1, sizeof(*kernel));
    if (kernel == NULL)
        return NULL;
    kernel->rule = rule;
    kernel->part = part_of(rule->type);
    kernel->parts = rule->bands * (pyr_type_is_complex(rule->type) ? 2 : 1);
    kernel->part_bytes = pyr_type_bytes(kernel->part);
    for (uint32_t band = 0; band < rule->bands && !kernel->ruled; band++)
        kernel->ruled = pyr_kernel_by(rule, band) != PYR_BY_NONE;
    return kernel;
}

enum pyr_result pyr_kernel_new(const struct pyr_kernel_rule *rule,
                               struct pyr_kernel **out_kernel)
{
    struct pyr_kernel *const kernel = new_kernel(rule);
    if (kernel == NULL)
        return PYR_NOMEM;
    if (rule->masks)
    {
        kernel->mask_rule = (struct pyr_kernel_rule){
            .method = rule->method,
            .type = PYR_TYPE_UINT8,
            .bands = 1,
            .masks = rule->mask_rule == PYR_MASK_BY_ITSELF};
        kernel->mask = new_kernel(&kernel->mask_rule);
        if (kernel->mask == NULL)
        {
            pyr_kernel_free(kernel);
            return PYR_NOMEM;
        }
        kernel->mask->exact = true; /* at the half, all depends on it */
        kernel->mask->bits = rule->mask_rule == PYR_MASK_HALF;
    }
    *out_kernel = kernel;
    return PYR_OK;
}

void pyr_kernel_free(struct pyr_kernel *kernel)
{
    if (kernel == NULL)
        return;
    pyr_kernel_free(kernel->mask);
    pyr_free(kernel->cols_memory.bytes);
    pyr_free(kernel->rows_memory.bytes);
    pyr_free(kernel->runs.bytes);
    pyr_free(kernel->turned.bytes);
    pyr_free(kernel->column.bytes);
    pyr_free(kernel->planes.bytes);
    pyr_free(kernel->sums.bytes);
    pyr_free(kernel->values.bytes);
    pyr_free(kernel->weights.bytes);
    pyr_free(kernel->counts.bytes);
    pyr_free(kernel->holes.bytes);
    pyr_free(kernel->wanted.bytes);
    pyr_free(kernel->across.bytes);
    pyr_free(kernel);
}

const uint8_t *pyr_kernel_at(const struct pyr_kernel *kernel,
                             const struct pyr_kernel_job *job, uint32_t px_x,
                             uint32_t px_y)
{
    const struct pyr_kernel_in *const in = job->in;
    return in->pixels + (px_y - in->px_y) * in->row_bytes +
           (size_t)(px_x - in->px_x) * kernel->parts * kernel->part_bytes;
}

uint8_t *pyr_kernel_out_row(const struct pyr_kernel_job *job, uint32_t row)
{
    return job->out->pixels + (job->first_row + row) * job->out->row_bytes;
}

/* ---- Rows some samples of which may not count ---- */

/* Bands that the same tells about are looked at once: the first of them. */
static uint32_t teller_of(const struct pyr_kernel_rule *rule, uint32_t band)
{
    switch (pyr_kernel_by(rule, band))
    {
        case PYR_BY_NODATA:
        case PYR_BY_ITSELF:
            return band;
        case PYR_BY_NONE:
        case PYR_BY_MASK:
        case PYR_BY_ALPHA:
            break;
    }
    return 0;
}

/* Puts the other number where nodata was made of what counts. */
static void replace(const struct pyr_kernel *kernel,
                    const struct pyr_kernel_job *job, uint32_t band,
                    uint32_t row)
{
    const struct pyr_kernel_rule *const rule = kernel->rule;
    const size_t nbytes = kernel->part_bytes;
    const double empty = pyr_kernel_empty(rule, band);
    const double other = pyr_kernel_other(rule, band);
    uint8_t *const out = pyr_kernel_out_row(job, row) + band * nbytes;
    double *const values = kernel->values.bytes;
    const size_t n = kernel->cols.n;
    pyr_samples_load(kernel->part, out, kernel->parts, n, values);
    for (size_t i = 0; i < n; i++)
        if (values[i] == empty)
            pyr_samples_store(kernel->part, &other, 1,
                              out + i * kernel->parts * nbytes, 1);
}

/* Finds weights and counts of a band. False when no row has any that counts. */
static bool weigh(const struct pyr_kernel *kernel,
                  const struct pyr_kernel_job *job, uint32_t band)
{
    const size_t n = job->in_x_end - job->in_x;
    uint8_t *const counts = kernel->counts.bytes;
    bool any = false;
    for (uint32_t row = job->in_y; row < job->in_y_end; row++)
    {
        const size_t at = row - job->in_y;
        const enum pyr_kernel_counts found = pyr_kernel_weigh(
            kernel, job, band, row, (uint8_t *)kernel->weights.bytes + at * n);
        counts[at] = (uint8_t)found;
        any |= found != PYR_COUNTS_NONE;
    }
    return any;
}

/* All pixels as if all samples counted, then those again for which that is not
 * so. */
static bool run_ruled(struct pyr_kernel *kernel,
                      const struct pyr_kernel_job *job)
{
    const struct pyr_kernel_rule *const rule = kernel->rule;
    const size_t in_rows = job->in_y_end - job->in_y;
    const size_t in_px = job->in_x_end - job->in_x;
    if (!pyr_scratch_grow(&kernel->counts, in_rows, 1) ||
        !pyr_scratch_grow(&kernel->weights, in_rows, in_px + 1))
        return false;
    bool any = weigh(kernel, job, 0);
    for (uint32_t band = 1; band < rule->bands && !any; band++)
        any = teller_of(rule, band) != 0 && weigh(kernel, job, band);
    for (uint32_t row = 0; any && row < job->nrows; row++)
    {
        pyr_kernel_all(kernel, job, row);
        for (uint32_t band = 0; rule->nodata && band < rule->bands; band++)
            if (pyr_kernel_has_nodata(rule, band))
                replace(kernel, job, band, row);
    }
    const struct pyr_kernel_weights weights = {kernel->weights.bytes,
                                               kernel->counts.bytes};
    for (uint32_t band = 0; band < rule->bands; band++)
    {
        /* Those of the last teller are still there. */
        if (band == 0 || teller_of(rule, band) != teller_of(rule, band - 1))
            (void)weigh(kernel, job, band);
        if (!pyr_kernel_some(kernel, job, band, &weights))
            return false;
    }
    return true;
}

/* Of bytes that all count the mask is a picture itself. */
static enum pyr_result run_mask(struct pyr_kernel *kernel,
                                const struct pyr_kernel_scale *scale,
                                const struct pyr_kernel_in *in,
                                const struct pyr_kernel_out *out)
{
    struct pyr_kernel_in mask_in = *in;
    struct pyr_kernel_out mask_out = *out;
    mask_in.pixels = in->mask;
    mask_in.row_bytes = in->mask_row_bytes;
    mask_out.pixels = out->mask;
    mask_out.row_bytes = out->mask_row_bytes;
    const enum pyr_result result =
        pyr_kernel_run(kernel->mask, scale, &mask_in, &mask_out);
    if (result != PYR_OK || kernel->rule->mask_rule != PYR_MASK_HALF)
        return result;
    for (size_t row = 0; row < out->height_px; row++)
        for (size_t col = 0; col < out->width_px; col++)
        {
            uint8_t *const mask = out->mask + row * out->mask_row_bytes + col;
            *mask = *mask != 0 ? 255 : 0;
        }
    return PYR_OK;
}

static bool run_rows(struct pyr_kernel *kernel, struct pyr_kernel_job *job)
{
    const struct pyr_kernel_rule *const rule = kernel->rule;
    const struct pyr_kernel_scale *const scale = job->scale;
    const uint32_t first = job->out->px_y + job->first_row;
    if (!pyr_taps_make(rule, scale->in_height_px, scale->out_height_px, first,
                       job->nrows, &kernel->rows_memory, &kernel->rows))
        return false;
    pyr_kernel_reach(rule, scale->in_height_px, scale->out_height_px, first,
                     job->nrows, &job->in_y, &job->in_y_end);
    if (rule->method == PYR_METHOD_NEAREST)
    {
        pyr_kernel_nearest(kernel, job);
        return true;
    }
    if (rule->method == PYR_METHOD_MODE)
        return pyr_kernel_mode(kernel, job);
    if (pyr_kernel_has_palette(rule))
    {
        pyr_kernel_palette(kernel, job);
        return true;
    }
    if (!pyr_kernel_prepare(kernel, job))
        return false;
    if (kernel->ruled)
        return run_ruled(kernel, job);
    for (uint32_t row = 0; row < job->nrows; row++)
        pyr_kernel_all(kernel, job, row);
    return true;
}

enum pyr_result pyr_kernel_run(struct pyr_kernel *kernel,
                               const struct pyr_kernel_scale *scale,
                               const struct pyr_kernel_in *in,
                               const struct pyr_kernel_out *out)
{
    const struct pyr_kernel_rule *const rule = kernel->rule;
    struct pyr_kernel_job job = {.scale = scale, .in = in, .out = out};
    if (!pyr_taps_make(rule, scale->in_width_px, scale->out_width_px, out->px_x,
                       out->width_px, &kernel->cols_memory, &kernel->cols))
        return PYR_NOMEM;
    pyr_kernel_reach(rule, scale->in_width_px, scale->out_width_px, out->px_x,
                     out->width_px, &job.in_x, &job.in_x_end);
    for (uint32_t row = 0; row < out->height_px; row += job.nrows)
    {
        job.first_row = row;
        job.nrows = out->height_px - row < PYR_KERNEL_ROWS
                        ? out->height_px - row
                        : PYR_KERNEL_ROWS;
        if (!run_rows(kernel, &job))
            return PYR_NOMEM;
    }
    return kernel->mask != NULL ? run_mask(kernel, scale, in, out) : PYR_OK;
}
