/* SPDX-License-Identifier: MIT */
/* The rows engine: its job, and the rows of tiles one after the other. */
#include "pyr_rows_priv.h"

#include "pyr_alloc.h"
#include "pyr_arith.h"
#include "pyr_kernel_priv.h"
#include "pyr_pool.h"

#include <stdlib.h>
#include <string.h>

/* ---- The job ---- */

/* Under the lock. */
static void note_failure(struct pyr_rows *rows, enum pyr_result result,
                         const struct pyr_error *err)
{
    if (rows->result == PYR_OK)
    {
        rows->result = result;
        rows->err = *err;
    }
    pthread_cond_broadcast(&rows->changed);
}

/* Does what is to do, and plans what follows, until nothing does. Whoever is
 * waited for has begun: this ends whichever threads come to help. */
static void help(struct pyr_rows *rows, struct pyr_rows_worker *worker)
{
    pthread_mutex_lock(&rows->lock);
    while (!rows->finished && rows->result == PYR_OK)
    {
        struct pyr_error err = {""};
        if (rows->next == rows->nworks && rows->ndone < rows->nworks)
        {
            pthread_cond_wait(&rows->changed, &rows->lock);
            continue;
        }
        enum pyr_result result = PYR_OK;
        if (rows->next < rows->nworks)
        {
            const struct pyr_rows_work work = rows->works[rows->next++];
            pthread_mutex_unlock(&rows->lock);
            result = pyr_rows_do(rows, worker, &work, &err);
            pthread_mutex_lock(&rows->lock);
            rows->ndone++;
        }
        if (result == PYR_OK && rows->ndone == rows->nworks)
        {
            result = pyr_rows_plan(rows);
            if (result != PYR_OK)
                (void)pyr_fail(&err, result, "out of memory");
            pthread_cond_broadcast(&rows->changed);
        }
        if (result != PYR_OK)
            note_failure(rows, result, &err);
    }
    pthread_mutex_unlock(&rows->lock);
}

static void run_item(void *user, unsigned worker, size_t item)
{
    struct pyr_rows *const rows = user;
    struct pyr_rows_level *const level = &rows->levels[0];
    if (item == 0 && rows->reads)
    {
        struct pyr_error err = {""};
        const enum pyr_result result = pyr_rows_read(
            rows, &level->strips[1 - level->current], level->row + 1, &err);
        if (result != PYR_OK)
        {
            pthread_mutex_lock(&rows->lock);
            note_failure(rows, result, &err);
            pthread_mutex_unlock(&rows->lock);
        }
    }
    help(rows, &rows->workers[worker]);
}

static void enter_thread(void *user, unsigned worker)
{
    const struct pyr_rows_options *const options =
        ((struct pyr_rows *)user)->options;
    if (options->thread_enter != NULL)
        options->thread_enter(options->thread_user, worker);
}

static void leave_thread(void *user, unsigned worker)
{
    const struct pyr_rows_options *const options =
        ((struct pyr_rows *)user)->options;
    if (options->thread_leave != NULL)
        options->thread_leave(options->thread_user, worker);
}

/* Does all that the current row of tiles of the image lets do, and meanwhile
 * reads the next one, if there is room for it. */
static enum pyr_result run_job(struct pyr_rows *rows, struct pyr_error *err)
{
    const struct pyr_rows_options *const options = rows->options;
    const struct pyr_rows_level *const level = &rows->levels[0];
    const struct pyr_job job = {.user = rows,
                                .run = run_item,
                                .enter = enter_thread,
                                .leave = leave_thread,
                                .caller_does_first = true};
    rows->reads = level->doubled && level->row + 1 < level->nrows;
    rows->finished = false;
    const enum pyr_result result = pyr_rows_plan(rows);
    if (result != PYR_OK)
        return pyr_fail(err, result, "out of memory");
    pyr_pool_run(options->pool, &job, options->nthreads, options->nthreads);
    if (rows->result != PYR_OK)
        *err = rows->err;
    return rows->result;
}

/* ---- One row of tiles after the other ---- */

static enum pyr_result tell_progress(const struct pyr_rows *rows,
                                     uint32_t ndone, struct pyr_error *err)
{
    const struct pyr_rows_options *const options = rows->options;
    if (options->progress == NULL ||
        options->progress(options->progress_user,
                          (double)ndone / rows->levels[0].nrows))
        return PYR_OK;
    return pyr_fail(err, PYR_CANCELLED, "interrupted");
}

static enum pyr_result run(struct pyr_rows *rows, struct pyr_error *err)
{
    struct pyr_rows_level *const level = &rows->levels[0];
    enum pyr_result result = tell_progress(rows, 0, err);
    if (result == PYR_OK)
        result = pyr_rows_read(rows, pyr_rows_current(level), 0, err);
    for (uint32_t row = 0; row < level->nrows && result == PYR_OK; row++)
    {
        const uint64_t end = (uint64_t)(row + 1) * rows->tile_height_px;
        level->ready =
            end < level->size.height_px ? (uint32_t)end : level->size.height_px;
        result = run_job(rows, err);
        if (result != PYR_OK)
            break;
        pyr_rows_total(rows);
        result = tell_progress(rows, row + 1, err);
        if (result != PYR_OK || row + 1 == level->nrows)
            break;
        if (!pyr_rows_advance(rows, level))
            result = pyr_fail(err, PYR_NOMEM, "out of memory");
        else if (!level->doubled)
            result = pyr_rows_read(rows, pyr_rows_current(level), row + 1, err);
    }
    return result;
}

/* ---- Options ---- */

static bool same_shape(const struct pyr_tile_format *one,
                       const struct pyr_tile_format *other)
{
    return one->tile_width_px == other->tile_width_px &&
           one->tile_height_px == other->tile_height_px;
}

static bool check_sizes(const struct pyr_rows_options *options)
{
    for (uint32_t i = 0; i < options->nlevels; i++)
    {
        const struct pyr_rows_size *const size = &options->sizes[i];
        if (size->width_px == 0 || size->height_px == 0 ||
            size->width_px > INT32_MAX || size->height_px > INT32_MAX ||
            (i > 0 && (size->width_px > size[-1].width_px ||
                       size->height_px > size[-1].height_px)))
            return false;
    }
    return options->nlevels > 0;
}

static enum pyr_result check(const struct pyr_rows_options *options,
                             struct pyr_error *err)
{
    const struct pyr_tile_format *const format = &options->format;
    const struct pyr_tile_format *const overview = &options->overview_format;
    const struct pyr_tile_format *const mask = &options->mask_format;
    if (!check_sizes(options))
        return pyr_fail(err, PYR_USAGE, "sizes of levels that do not fit");
    if (format->tile_width_px == 0 || format->tile_height_px == 0 ||
        format->tile_width_px > PYR_MAX_TILE_SIDE_PX ||
        format->tile_height_px > PYR_MAX_TILE_SIDE_PX || format->bands == 0 ||
        format->bands > UINT16_MAX)
        return pyr_fail(err, PYR_USAGE, "tiles of a size that is not possible");
    if (options->nlevels > 1 &&
        (!same_shape(format, overview) || overview->bands != format->bands ||
         overview->type != format->type))
        return pyr_fail(err, PYR_USAGE, "overviews of other tiles");
    if (options->masks && (!same_shape(format, mask) || mask->bands != 1 ||
                           mask->type != PYR_TYPE_UINT8))
        return pyr_fail(err, PYR_USAGE, "masks of other tiles");
    if (options->nthreads < 1 || options->nthreads > PYR_POOL_MAX_THREADS ||
        (options->nodata && options->nodata_values == NULL))
        return pyr_fail(err, PYR_USAGE, "options that contradict each other");
    return PYR_OK;
}

/* A row of pixels without data. */
static void make_fill_row(struct pyr_rows *rows)
{
    const struct pyr_kernel_rule *const rule = &rows->rules[0];
    const size_t sample_bytes = rows->pixel_bytes / rule->bands;
    memset(rows->fill_row, 0, rows->tile_width_px * rows->pixel_bytes);
    if (!rule->nodata || pyr_type_is_complex(rule->type))
        return;
    rows->fill_is_nan = true;
    for (uint32_t band = 0; band < rule->bands; band++)
    {
        const double value = pyr_kernel_empty(rule, band);
        rows->fill_is_nan &= value != value;
        for (uint32_t i = 0; i < rows->tile_width_px; i++)
            pyr_samples_store(rule->type, &value, 1,
                              rows->fill_row + i * rows->pixel_bytes +
                                  band * sample_bytes,
                              1);
    }
}

static void make_rules(struct pyr_rows *rows)
{
    const struct pyr_rows_options *const options = rows->options;
    struct pyr_kernel_rule *const rule = &rows->rules[0];
    rule->method = options->method;
    rule->type = options->format.type;
    rule->bands = options->format.bands;
    rule->masks = options->masks;
    rule->mask_rule = PYR_MASK_BY_ITSELF;
    rule->alpha = options->alpha;
    rule->nodata = options->nodata;
    rule->nodata_values = options->nodata_values;
    rule->palette = options->palette;
    rule->npalette = options->npalette;
    rows->rules[1] = *rule;
    rows->rules[1].mask_rule = options->mask_rule;
    rows->teller_rule = *rule;
    rows->teller_rule.method = PYR_METHOD_AVERAGE;
}

static enum pyr_result rows_init(struct pyr_rows *rows, struct pyr_error *err)
{
    const struct pyr_rows_options *const options = rows->options;
    const struct pyr_tile_format *const format = &options->format;
    rows->tile_width_px = format->tile_width_px;
    rows->tile_height_px = format->tile_height_px;
    rows->pixel_bytes = format->bands * pyr_type_bytes(format->type);
    make_rules(rows);
    rows->fill_row = pyr_malloc(rows->tile_width_px * rows->pixel_bytes);
    rows->workers = pyr_calloc(options->nthreads, sizeof(*rows->workers));
    if (rows->fill_row == NULL || rows->workers == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    make_fill_row(rows);
    const enum pyr_result result = pyr_rows_strips_init(rows, err);
    if (result != PYR_OK || options->statistics == NULL)
        return result;
    rows->sums = pyr_calloc((size_t)rows->levels[0].ncols * format->bands,
                            sizeof(*rows->sums));
    rows->total = pyr_calloc(format->bands, sizeof(*rows->total));
    if (rows->sums == NULL || rows->total == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    return PYR_OK;
}

static void rows_clear(struct pyr_rows *rows)
{
    for (unsigned i = 0; rows->workers != NULL && i < rows->options->nthreads;
         i++)
        pyr_rows_worker_clear(&rows->workers[i]);
    pyr_free(rows->workers);
    pyr_rows_strips_clear(rows);
    pyr_free(rows->fill_row);
    pyr_free(rows->works);
    pyr_free(rows->sums);
    pyr_free(rows->total);
    pthread_cond_destroy(&rows->changed);
    pthread_mutex_destroy(&rows->lock);
}

enum pyr_result pyr_rows_build(const struct pyr_rows_options *options,
                               struct pyr_error *err)
{
    struct pyr_rows rows = {.options = options};
    struct pyr_error ignored = {""};
    struct pyr_error *const to = err != NULL ? err : &ignored;
    enum pyr_result result = check(options, to);
    if (result != PYR_OK)
        return result;
    if (pthread_mutex_init(&rows.lock, NULL) != 0)
        return pyr_fail(to, PYR_NOMEM, "out of memory");
    if (pthread_cond_init(&rows.changed, NULL) != 0)
    {
        pthread_mutex_destroy(&rows.lock);
        return pyr_fail(to, PYR_NOMEM, "out of memory");
    }
    result = rows_init(&rows, to);
    if (result == PYR_OK)
        result = run(&rows, to);
    if (result == PYR_OK)
        pyr_rows_tell(&rows);
    rows_clear(&rows);
    return result;
}
