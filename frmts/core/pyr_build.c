/* SPDX-License-Identifier: MIT */
/* The pixel engine: chunks, jobs and what follows from them. */
#include "pyr_build_priv.h"

#include "pyr_alloc.h"

#include <math.h>
#include <string.h>

/* How far origins may be apart, in pixels of the finer level, and ratios from
 * 2: published sets are exact to 1e-12 (spec section 3). */
#define ORIGIN_TOLERANCE_PX 1e-3
#define RATIO_TOLERANCE 1e-6

bool pyr_build_can_cascade(const struct pyr_grid_level *fine,
                           const struct pyr_grid_level *coarse,
                           const struct pyr_source_level *fine_tiles,
                           const struct pyr_source_level *coarse_tiles)
{
    const double tolerance = ORIGIN_TOLERANCE_PX * fine->cell_size;
    return fabs(coarse->cell_size / fine->cell_size - 2.0) <= RATIO_TOLERANCE &&
           fabs(coarse->origin_x - fine->origin_x) <= tolerance &&
           fabs(coarse->origin_y - fine->origin_y) <= tolerance &&
           coarse->tile_width_px == fine->tile_width_px &&
           coarse->tile_height_px == fine->tile_height_px &&
           fine->tile_width_px % 2 == 0 && fine->tile_height_px % 2 == 0 &&
           coarse_tiles->container_width_tiles ==
               fine_tiles->container_width_tiles &&
           coarse_tiles->container_height_tiles ==
               fine_tiles->container_height_tiles;
}

static bool grow(void **array, size_t *capacity, size_t count, size_t item)
{
    if (count < *capacity)
        return true;
    const size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *const grown = pyr_realloc(*array, wanted * item);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

size_t pyr_builder_tile_bytes(const struct pyr_builder *builder)
{
    const struct pyr_tile_shape *const shape = &builder->shape;
    return pyr_tile_bytes(shape) +
           (builder->tracks ? (size_t)shape->width_px * shape->height_px : 0);
}

/* Room for one more. False when out of memory. */
static bool add_work(struct pyr_builder *builder, struct pyr_work work)
{
    void *array = builder->works;
    if (!grow(&array, &builder->work_capacity, builder->nworks,
              sizeof(*builder->works)))
        return false;
    builder->works = array;
    builder->works[builder->nworks++] = work;
    return true;
}

static bool add_ended(struct pyr_builder *builder, struct pyr_ended ended)
{
    void *array = builder->ended;
    if (!grow(&array, &builder->ended_capacity, builder->nended,
              sizeof(*builder->ended)))
        return false;
    builder->ended = array;
    builder->ended[builder->nended++] = ended;
    return true;
}

struct pyr_piece *pyr_builder_add_piece(struct pyr_builder *builder)
{
    void *array = builder->pieces;
    if (!grow(&array, &builder->piece_capacity, builder->npieces,
              sizeof(*builder->pieces)))
        return NULL;
    builder->pieces = array;
    struct pyr_piece *const piece = &builder->pieces[builder->npieces++];
    memset(piece, 0, sizeof(*piece));
    return piece;
}

static void free_list(struct pyr_pending *pending)
{
    while (pending != NULL)
    {
        struct pyr_pending *const next = pending->next;
        pyr_free(pending->pixels);
        pyr_free(pending);
        pending = next;
    }
}

static void builder_clear(struct pyr_builder *builder)
{
    for (unsigned i = 0;
         builder->workers != NULL && i < builder->options->nthreads; i++)
    {
        pyr_encoder_free(builder->workers[i].data);
        pyr_encoder_free(builder->workers[i].masks);
        pyr_free(builder->workers[i].quarter);
    }
    pyr_free(builder->workers);
    for (size_t i = 0; i < builder->npieces; i++)
        if (builder->pieces[i].own != NULL)
            pyr_pending_free(builder, builder->pieces[i].own);
    for (size_t i = 0; i < PYR_PENDING_BUCKETS; i++)
        free_list(builder->pending[i]);
    free_list(builder->done);
    free_list(builder->free_pending);
    free_list(builder->free_empty);
    for (size_t i = 0; i < 2; i++)
    {
        pyr_free(builder->chunks[i].pixels);
        pyr_free(builder->chunks[i].valid);
    }
    pyr_free(builder->all_valid);
    pyr_free(builder->before);
    pyr_free(builder->nodata_row);
    pyr_free(builder->pieces);
    pyr_free(builder->works);
    pyr_free(builder->ended);
    pthread_mutex_destroy(&builder->lock);
    pyr_free(builder);
}

/* A row of pixels without data. */
static void fill_nodata_row(const struct pyr_builder *builder)
{
    const struct pyr_reduce_rule *const rule = &builder->options->rule;
    const uint32_t bands = builder->shape.bands;
    for (size_t i = 0; i < (size_t)builder->shape.width_px * bands; i++)
    {
        const double value = rule->nodata[i % bands];
        if (builder->shape.sample == PYR_SAMPLE_FLOAT32)
        {
            const float sample = (float)value;
            memcpy(builder->nodata_row + i * sizeof(sample), &sample,
                   sizeof(sample));
        }
        else
            builder->nodata_row[i] = (uint8_t)value;
    }
}

static enum pyr_result builder_init(struct pyr_builder *builder,
                                    struct pyr_error *err)
{
    const struct pyr_build_options *const options = builder->options;
    const struct pyr_grid_limits *const limits = &options->levels[0].limits;
    builder->shape = options->levels[0].shape;
    builder->mask_shape = builder->shape;
    builder->mask_shape.bands = 1;
    builder->mask_shape.sample = PYR_SAMPLE_UINT8;
    builder->ntiles = ((uint64_t)limits->max_col - limits->min_col + 1) *
                      ((uint64_t)limits->max_row - limits->min_row + 1);
    pyr_walk_init(&builder->walk, options);

    builder->tracks =
        options->masks || (options->background != NULL &&
                           options->rule.validity == PYR_VALID_ALL);
    const size_t tile_px = pyr_tile_bytes(&builder->mask_shape);
    builder->nodata_row = pyr_malloc(pyr_tile_row_bytes(&builder->shape));
    builder->workers = pyr_calloc(options->nthreads, sizeof(*builder->workers));
    if (builder->tracks)
        builder->all_valid = pyr_malloc(tile_px);
    if (options->background != NULL)
        builder->before = pyr_malloc(pyr_builder_tile_bytes(builder));
    if (builder->nodata_row == NULL || builder->workers == NULL ||
        (builder->tracks && builder->all_valid == NULL) ||
        (options->background != NULL && builder->before == NULL))
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    if (builder->tracks)
        memset(builder->all_valid, 255, tile_px);
    fill_nodata_row(builder);
    for (unsigned i = 0; i < options->nthreads; i++)
    {
        enum pyr_result result =
            pyr_encoder_new(&options->encoding, &builder->workers[i].data, err);
        if (result == PYR_OK && options->masks)
            result = pyr_encoder_new(&options->mask_encoding,
                                     &builder->workers[i].masks, err);
        if (result != PYR_OK)
            return result;
    }
    return PYR_OK;
}

/* ---- Jobs ---- */

static void note_failure(struct pyr_builder *builder, enum pyr_result result,
                         const struct pyr_error *err)
{
    pthread_mutex_lock(&builder->lock);
    if (builder->result == PYR_OK)
    {
        builder->result = result;
        builder->err = *err;
    }
    pthread_mutex_unlock(&builder->lock);
    atomic_store(&builder->failed, true);
}

static void run_work(void *user, unsigned worker, size_t item)
{
    struct pyr_builder *const builder = user;
    const struct pyr_work *const work = &builder->works[item];
    const struct pyr_sink *const sink = builder->options->sink;
    struct pyr_error err = {""};
    enum pyr_result result = PYR_OK;
    if (atomic_load(&builder->failed))
        return;
    switch (work->kind)
    {
        case PYR_WORK_READ:
            result = pyr_chunk_read(builder, builder->reading, &err);
            break;
        case PYR_WORK_PIECE:
            result = pyr_piece_run(builder, &builder->workers[worker],
                                   &builder->pieces[work->piece], &err);
            break;
        case PYR_WORK_FINISH:
            result = sink->finish(sink->user,
                                  builder->options->first_level + work->level,
                                  work->col, work->row, &err);
            break;
    }
    if (result != PYR_OK)
        note_failure(builder, result, &err);
}

static void enter_thread(void *user, unsigned worker)
{
    const struct pyr_build_options *const options =
        ((struct pyr_builder *)user)->options;
    if (options->thread_enter != NULL)
        options->thread_enter(options->thread_user, worker);
}

static void leave_thread(void *user, unsigned worker)
{
    const struct pyr_build_options *const options =
        ((struct pyr_builder *)user)->options;
    if (options->thread_leave != NULL)
        options->thread_leave(options->thread_user, worker);
}

static enum pyr_result tell_progress(const struct pyr_builder *builder,
                                     struct pyr_error *err)
{
    const struct pyr_build_options *const options = builder->options;
    if (options->progress == NULL ||
        options->progress(options->progress_user,
                          (double)builder->ndone / (double)builder->ntiles))
        return PYR_OK;
    return pyr_fail(err, PYR_CANCELLED, "interrupted");
}

/* Runs what stands in works (the reading of a chunk first, if any) and the
 * pieces, and follows up. */
static enum pyr_result run_job(struct pyr_builder *builder,
                               struct pyr_error *err)
{
    const struct pyr_build_options *const options = builder->options;
    for (size_t i = 0; i < builder->npieces; i++)
    {
        const struct pyr_work work = {.kind = PYR_WORK_PIECE, .piece = i};
        if (!add_work(builder, work))
            return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    const struct pyr_job job = {.user = builder,
                                .run = run_work,
                                .enter = enter_thread,
                                .leave = leave_thread,
                                .caller_does_first = true};
    if (builder->nworks > 0)
        pyr_pool_run(options->pool, &job, builder->nworks, options->nthreads);
    builder->nworks = 0;
    builder->reading = NULL;

    for (size_t i = 0; i < builder->npieces; i++)
    {
        const struct pyr_piece *const piece = &builder->pieces[i];
        if (piece->above != NULL)
            pyr_pending_visit(builder, piece->above, 1);
        if (piece->own != NULL)
            pyr_pending_free(builder, piece->own);
    }
    builder->npieces = 0;
    if (builder->result != PYR_OK)
    {
        *err = builder->err;
        return builder->result;
    }
    return PYR_OK;
}

/* ---- The walk ---- */

static uint64_t rect_tiles(const struct pyr_rect *rect)
{
    return (uint64_t)rect->width * rect->height;
}

/* Begins to read the next chunk with the next job. */
static enum pyr_result plan_read(struct pyr_builder *builder,
                                 struct pyr_chunk *chunk,
                                 const struct pyr_rect *rect,
                                 struct pyr_error *err)
{
    const struct pyr_work work = {.kind = PYR_WORK_READ};
    chunk->rect = *rect;
    builder->reading = chunk;
    if (!add_work(builder, work))
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    /* To be done first, by the calling thread. */
    builder->works[builder->nworks - 1] = builder->works[0];
    builder->works[0] = work;
    return PYR_OK;
}

/* Looks ahead for the next chunk, *out_chunk, and keeps the steps before it for
 * run_steps: they follow from what is in memory already. False when there is no
 * further chunk, or none within reach. */
static bool look_ahead(struct pyr_builder *builder, struct pyr_step *out_chunk)
{
    builder->nsteps = 0;
    while (builder->nsteps < PYR_MAX_STEPS)
    {
        const struct pyr_step step = pyr_walk_next(&builder->walk);
        if (step.kind == PYR_STEP_CHUNK)
        {
            *out_chunk = step;
            return true;
        }
        builder->at_end = step.kind == PYR_STEP_DONE;
        if (builder->at_end)
            break;
        builder->steps[builder->nsteps++] = step;
    }
    return false;
}

/* What the steps since the last chunk mean, once its tiles are done. */
static enum pyr_result follow_steps(struct pyr_builder *builder,
                                    struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < builder->nsteps && result == PYR_OK; i++)
    {
        const struct pyr_step *const step = &builder->steps[i];
        const struct pyr_grid_limits tiles = pyr_rect_limits(&step->rect);
        const struct pyr_ended ended = {.due = builder->turn + step->level,
                                        .level = step->level,
                                        .col = step->col,
                                        .row = step->row};
        if (step->kind == PYR_STEP_SKIP)
        {
            builder->ndone += rect_tiles(&step->rect);
            result = pyr_pending_visit_empty(
                builder, step->level, pyr_build_limits(&tiles, step->level),
                err);
        }
        else if (step->wanted && !add_ended(builder, ended))
            result = pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    builder->nsteps = 0;
    return result;
}

/* Has the next job finish the containers that are done. */
static enum pyr_result finish_ended(struct pyr_builder *builder,
                                    struct pyr_error *err)
{
    size_t nleft = 0;
    for (size_t i = 0; i < builder->nended; i++)
    {
        const struct pyr_ended *const ended = &builder->ended[i];
        const struct pyr_work work = {.kind = PYR_WORK_FINISH,
                                      .level = ended->level,
                                      .col = ended->col,
                                      .row = ended->row};
        if (ended->due > builder->turn)
            builder->ended[nleft++] = *ended;
        else if (!add_work(builder, work))
            return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    builder->nended = nleft;
    return PYR_OK;
}

/* One job: encodes and reduces the chunk `now` (NULL for none) and what the
 * last turn completed, while the next chunk, if any, is read. */
static enum pyr_result run_turn(struct pyr_builder *builder,
                                struct pyr_chunk *now, struct pyr_chunk *next,
                                bool *out_more, struct pyr_error *err)
{
    struct pyr_step step;
    enum pyr_result result = PYR_OK;
    *out_more = look_ahead(builder, &step);
    if (*out_more)
        result = plan_read(builder, next, &step.rect, err);
    if (result == PYR_OK && now != NULL)
    {
        result = pyr_chunk_pieces(builder, now, err);
        builder->ndone += rect_tiles(&now->rect);
    }
    if (result == PYR_OK)
        result = pyr_pending_collect(builder, err);
    if (result == PYR_OK)
        result = run_job(builder, err);
    if (result == PYR_OK)
        result = follow_steps(builder, err);
    if (result == PYR_OK)
        result = finish_ended(builder, err);
    if (result == PYR_OK)
        result = tell_progress(builder, err);
    builder->turn++;
    return result;
}

static enum pyr_result build(struct pyr_builder *builder, struct pyr_error *err)
{
    struct pyr_chunk *now = NULL;
    struct pyr_chunk *next = &builder->chunks[0];
    enum pyr_result result = PYR_OK;
    bool more = true;
    while (result == PYR_OK && (more || !builder->at_end ||
                                builder->nended > 0 || builder->nworks > 0))
    {
        result = run_turn(builder, now, next, &more, err);
        now = more ? next : NULL;
        next = now == &builder->chunks[0] ? &builder->chunks[1]
                                          : &builder->chunks[0];
    }
    return result;
}

/* Whether options are what pyr_build.h says, as far as a mistake would do more
 * harm than wrong pixels. */
static bool is_sound(const struct pyr_build_options *options)
{
    const struct pyr_source_level *const first = &options->levels[0];
    const struct pyr_tile_shape *const shape = &first->shape;
    if (options->nlevels == 0 || options->nlevels > PYR_MAX_LEVELS ||
        options->nthreads == 0 || options->nthreads > PYR_POOL_MAX_THREADS ||
        !pyr_tile_shape_valid(shape) || first->container_width_tiles == 0 ||
        first->container_height_tiles == 0 ||
        first->container_height_tiles >
            PYR_MAX_SLAB_TILES / first->container_width_tiles ||
        first->limits.min_col > first->limits.max_col ||
        first->limits.min_row > first->limits.max_row ||
        first->limits.max_col > INT32_MAX || first->limits.max_row > INT32_MAX)
        return false;
    for (uint32_t i = 1; i < options->nlevels; i++)
    {
        const struct pyr_source_level *const level = &options->levels[i];
        if (shape->width_px % 2 != 0 || shape->height_px % 2 != 0 ||
            level->container_width_tiles != first->container_width_tiles ||
            level->container_height_tiles != first->container_height_tiles)
            return false;
    }
    return options->rule.bands == shape->bands &&
           options->rule.sample == shape->sample &&
           options->masks == (options->rule.validity == PYR_VALID_MASK);
}

enum pyr_result pyr_build(const struct pyr_build_options *options,
                          struct pyr_error *err)
{
    if (!is_sound(options))
        return pyr_fail(err, PYR_USAGE, "levels cannot be built like that");
    struct pyr_builder *const builder = pyr_calloc(1, sizeof(*builder));
    if (builder == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    builder->options = options;
    if (pthread_mutex_init(&builder->lock, NULL) != 0)
    {
        pyr_free(builder);
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    enum pyr_result result = builder_init(builder, err);
    if (result == PYR_OK)
        result = build(builder, err);
    builder_clear(builder);
    return result;
}
