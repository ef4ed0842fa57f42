/* SPDX-License-Identifier: MIT */
/* The rows engine: statistics of the image. */
#include "pyr_rows_priv.h"

#include "pyr_alloc.h"
#include "pyr_kernel_priv.h"

#include <math.h>
#include <string.h>

/* Adds what is summed of others, by Chan's formula. */
static void add(struct pyr_rows_sums *sums, const struct pyr_rows_sums *others)
{
    if (others->count == 0)
        return;
    if (sums->count == 0)
    {
        *sums = *others;
        return;
    }
    const double n = (double)sums->count;
    const double m = (double)others->count;
    const double apart = others->mean - sums->mean;
    sums->mean += apart * (m / (n + m));
    sums->squares += others->squares + apart * apart * (n * m / (n + m));
    sums->count += others->count;
    sums->min = others->min < sums->min ? others->min : sums->min;
    sums->max = others->max > sums->max ? others->max : sums->max;
}

static void sum_row(const double *values, const uint8_t *weights, size_t n,
                    struct pyr_rows_sums *out)
{
    double sum = 0.0;
    *out = (struct pyr_rows_sums){.min = INFINITY, .max = -INFINITY};
    for (size_t i = 0; i < n; i++)
    {
        const double value = values[i];
        if (weights[i] == 0 || value != value)
            continue;
        out->count++;
        sum += value;
        out->min = value < out->min ? value : out->min;
        out->max = value > out->max ? value : out->max;
    }
    if (out->count == 0)
        return;
    out->mean = sum / (double)out->count;
    for (size_t i = 0; i < n; i++)
    {
        const double apart = values[i] - out->mean;
        if (weights[i] != 0 && values[i] == values[i])
            out->squares += apart * apart;
    }
}

/* An alpha band counts wherever the others' validity is not at stake. */
static bool counts_all(const struct pyr_kernel_rule *rule, uint32_t band)
{
    const enum pyr_kernel_by by = pyr_kernel_by(rule, band);
    return by == PYR_BY_NONE || by == PYR_BY_ITSELF;
}

static enum pyr_result prepare(struct pyr_rows *rows,
                               struct pyr_rows_worker *worker)
{
    if (worker->values == NULL)
        worker->values =
            pyr_malloc(rows->tile_width_px * sizeof(*worker->values));
    if (worker->weights == NULL)
        worker->weights = pyr_malloc(rows->tile_width_px + 1);
    if (worker->values == NULL || worker->weights == NULL)
        return PYR_NOMEM;
    return worker->teller != NULL
               ? PYR_OK
               : pyr_kernel_new(&rows->teller_rule, &worker->teller);
}

enum pyr_result pyr_rows_sum(struct pyr_rows *rows,
                             struct pyr_rows_worker *worker, uint32_t col)
{
    const struct pyr_tile_format *const format = &rows->options->format;
    struct pyr_rows_level *const level = &rows->levels[0];
    const struct pyr_rows_strip *const strip = pyr_rows_current(level);
    const uint32_t px_x = col * rows->tile_width_px;
    const uint32_t px_y = level->row * rows->tile_height_px;
    const size_t row_px =
        pyr_rows_block_row_px(rows, level, col / level->block_cols);
    const struct pyr_kernel_in in = {
        .px_x = px_x,
        .px_y = px_y,
        .pixels = pyr_rows_pixel(rows, level, strip, px_x, level->history),
        .row_bytes = row_px * rows->pixel_bytes,
        .mask = pyr_rows_mask(rows, level, strip, px_x, level->history),
        .mask_row_bytes = row_px};
    const uint32_t right = level->size.width_px - px_x;
    const uint32_t n =
        right < rows->tile_width_px ? right : rows->tile_width_px;
    const struct pyr_kernel_job job = {
        .in = &in, .in_x = px_x, .in_x_end = px_x + n};
    const enum pyr_result result = prepare(rows, worker);
    if (result != PYR_OK)
        return result;
    const size_t sample_bytes = rows->pixel_bytes / format->bands;
    const size_t step = pyr_type_is_complex(format->type) ? 2 : 1;
    for (uint32_t band = 0; band < format->bands; band++)
    {
        struct pyr_rows_sums *const sums =
            &rows->sums[(size_t)col * format->bands + band];
        const bool all = counts_all(&rows->teller_rule, band);
        *sums = (struct pyr_rows_sums){.count = 0};
        for (uint32_t row = px_y; row < level->ready; row++)
        {
            struct pyr_rows_sums of_row;
            if (all)
                memset(worker->weights, 255, n);
            else
                (void)pyr_kernel_weigh(worker->teller, &job, band, row,
                                       worker->weights);
            pyr_samples_load(worker->teller->part,
                             in.pixels + (row - px_y) * in.row_bytes +
                                 band * sample_bytes,
                             step * format->bands, n, worker->values);
            sum_row(worker->values, worker->weights, n, &of_row);
            add(sums, &of_row);
        }
    }
    return PYR_OK;
}

void pyr_rows_total(struct pyr_rows *rows)
{
    struct pyr_rows_level *const level = &rows->levels[0];
    const struct pyr_rows_strip *const strip = pyr_rows_current(level);
    const uint32_t bands = rows->options->format.bands;
    const uint32_t height = level->ready - level->row * rows->tile_height_px;
    if (rows->total == NULL)
        return;
    for (uint32_t col = 0; col < level->ncols; col++)
    {
        const uint32_t right = level->size.width_px - col * rows->tile_width_px;
        const uint32_t width =
            right < rows->tile_width_px ? right : rows->tile_width_px;
        const struct pyr_rows_sums zeros = {.count = (uint64_t)width * height};
        for (uint32_t band = 0; band < bands; band++)
            if ((strip->holds[col] & PYR_HOLDS_BODY) != 0)
                add(&rows->total[band],
                    &rows->sums[(size_t)col * bands + band]);
            else if (counts_all(&rows->teller_rule, band))
                add(&rows->total[band], &zeros);
    }
}

void pyr_rows_tell(const struct pyr_rows *rows)
{
    for (uint32_t band = 0;
         rows->total != NULL && band < rows->options->format.bands; band++)
    {
        const struct pyr_rows_sums *const sums = &rows->total[band];
        const double n = (double)(sums->count > 0 ? sums->count : 1);
        rows->options->statistics[band] =
            (struct pyr_rows_statistics){.count = sums->count,
                                         .min = sums->min,
                                         .max = sums->max,
                                         .mean = sums->mean,
                                         .stddev = sqrt(sums->squares / n)};
    }
}
