/* SPDX-License-Identifier: MIT */
/* Resampling of indexes into a palette: means of colours. */
#include "pyr_kernel_priv.h"

#include <math.h>

/* What is the same for all pixels of a band. */
struct indexes
{
    const struct pyr_kernel_rule *rule;
    uint32_t hidden; /* nodata, whose colour does not count; UINT32_MAX: none */
    uint32_t empty;  /* what comes out where no colour counts */
};

bool pyr_kernel_has_palette(const struct pyr_kernel_rule *rule)
{
    return rule->palette != NULL &&
           (rule->type == PYR_TYPE_UINT8 || rule->type == PYR_TYPE_UINT16) &&
           (rule->method == PYR_METHOD_AVERAGE ||
            rule->method == PYR_METHOD_RMS);
}

static struct indexes indexes_of(const struct pyr_kernel_rule *rule,
                                 uint32_t band)
{
    struct indexes indexes = {rule, UINT32_MAX, 0};
    if (pyr_kernel_has_nodata(rule, band))
        indexes.hidden = indexes.empty = (uint32_t)pyr_kernel_empty(rule, band);
    else
        for (uint32_t i = rule->npalette; i-- > 0;)
            if (rule->palette[i][3] == 0)
                indexes.empty = i;
    return indexes;
}

static bool counts(const struct indexes *indexes, uint32_t index)
{
    return index < indexes->rule->npalette && index != indexes->hidden &&
           indexes->rule->palette[index][3] != 0;
}

static uint32_t index_at(const struct pyr_kernel_rule *rule,
                         const uint8_t *sample)
{
    if (rule->type == PYR_TYPE_UINT8)
        return *sample;
    return *(const uint16_t *)(const void *)sample;
}

/* The first of those that are nearest. */
static uint32_t nearest_colour(const struct indexes *indexes,
                               const uint32_t colour[3])
{
    const struct pyr_kernel_rule *const rule = indexes->rule;
    uint32_t found = 0;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < rule->npalette; i++)
    {
        uint32_t distance = 0;
        if (!counts(indexes, i))
            continue;
        for (unsigned j = 0; j < 3; j++)
        {
            const int apart = (int)rule->palette[i][j] - (int)colour[j];
            distance += (uint32_t)(apart * apart);
        }
        if (distance < least)
        {
            least = distance;
            found = i;
        }
    }
    return found;
}

/* All pixels that are touched count the same. */
static uint32_t mean_index(const struct indexes *indexes, const uint8_t *first,
                           size_t row_bytes, size_t step, uint32_t width,
                           uint32_t height)
{
    const struct pyr_kernel_rule *const rule = indexes->rule;
    const bool squares = rule->method == PYR_METHOD_RMS;
    uint64_t sums[3] = {0, 0, 0};
    uint64_t count = 0;
    uint32_t colour[3];
    for (uint32_t row = 0; row < height; row++)
        for (uint32_t col = 0; col < width; col++)
        {
            const uint32_t index =
                index_at(rule, first + row * row_bytes + col * step);
            if (!counts(indexes, index))
                continue;
            count++;
            for (unsigned i = 0; i < 3; i++)
            {
                const uint32_t part = rule->palette[index][i];
                sums[i] += squares ? part * part : part;
            }
        }
    if (count == 0)
        return indexes->empty;
    for (unsigned i = 0; i < 3; i++)
        colour[i] = squares ? (uint32_t)(sqrt((double)(sums[i] / count)) + 0.5)
                            : (uint32_t)((sums[i] + count / 2) / count);
    return nearest_colour(indexes, colour);
}

void pyr_kernel_palette(struct pyr_kernel *kernel,
                        const struct pyr_kernel_job *job)
{
    const struct pyr_kernel_rule *const rule = kernel->rule;
    const size_t step = kernel->part_bytes * rule->bands;
    for (uint32_t band = 0; band < rule->bands; band++)
    {
        const struct indexes indexes = indexes_of(rule, band);
        const size_t offset = band * kernel->part_bytes;
        for (uint32_t row = 0; row < job->nrows; row++)
            for (uint32_t i = 0; i < kernel->cols.n; i++)
            {
                const uint8_t *const first =
                    pyr_kernel_at(kernel, job, kernel->cols.first[i],
                                  kernel->rows.first[row]) +
                    offset;
                const double index =
                    mean_index(&indexes, first, job->in->row_bytes, step,
                               kernel->cols.count[i], kernel->rows.count[row]);
                pyr_samples_store(
                    kernel->part, &index, 1,
                    pyr_kernel_out_row(job, row) + i * step + offset, 1);
            }
    }
}
