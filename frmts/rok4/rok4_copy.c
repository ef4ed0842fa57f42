/* SPDX-License-Identifier: MIT */
/* The copy engine for whole slabs: files that stay as they are. */
#include "rok4_copy_priv.h"

#include "pyr_alloc.h"
#include "rok4_slab.h"

/* Bytes that are read and written at once. */
#define STEP_BYTES ((size_t)1 << 20)

static enum pyr_result no_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

/* Whether every tile of the slab lies within the file. */
static enum pyr_result check_index(const struct rok4_copier *copier,
                                   const struct rok4_copied *slab,
                                   struct pyr_file *file, struct pyr_error *err)
{
    const struct pyr_io *const io = copier->options->io;
    const struct pyr_source_level *const level =
        &copier->options->source->planes[slab->plane].levels[slab->level];
    const uint32_t ntiles =
        level->container_width_tiles * level->container_height_tiles;
    const uint64_t max_tile_nbytes = rok4_slab_tile_limit(&level->shape);
    const struct pyr_extent range = rok4_slab_index(ntiles);
    const uint64_t file_nbytes = io->size(file);
    uint8_t *const index = pyr_malloc((size_t)range.nbytes);
    struct pyr_extent extent;
    if (index == NULL)
        return no_memory(err);
    enum pyr_result result = io->read(file, 1, &range, &index, err);
    for (uint32_t i = 0; i < ntiles && result == PYR_OK; i++)
    {
        result = rok4_slab_locate(index, ntiles, i, file_nbytes,
                                  max_tile_nbytes, &extent, err);
        if (result != PYR_OK)
            pyr_error_prefix(err, "tile %lu", (unsigned long)i);
    }
    pyr_free(index);
    return result;
}

static enum pyr_result copy_bytes(const struct rok4_copier *copier,
                                  struct pyr_file *from,
                                  struct pyr_out_file *to, uint8_t *buffer,
                                  struct pyr_error *err)
{
    const struct pyr_io *const io = copier->options->io;
    const struct pyr_out *const out = copier->options->tree->out;
    const uint64_t nbytes = io->size(from);
    enum pyr_result result = PYR_OK;
    for (uint64_t at = 0; at < nbytes && result == PYR_OK; at += STEP_BYTES)
    {
        const uint64_t left = nbytes - at;
        const struct pyr_extent range = {at,
                                         left < STEP_BYTES ? left : STEP_BYTES};
        result = io->read(from, 1, &range, &buffer, err);
        if (result == PYR_OK)
            result = out->write(to, at, buffer, (size_t)range.nbytes, err);
    }
    if (result == PYR_OK && !io->unchanged(from))
        result = pyr_fail(err, PYR_IO, "changed while it was copied");
    return result;
}

/* Whether a run that was interrupted copied it: then it is whole. */
static bool is_copied(const struct rok4_copier *copier,
                      const struct pyr_file *from, const char *path)
{
    const struct pyr_io *const io = copier->options->io;
    struct pyr_error err = {""};
    struct pyr_file *file = NULL;
    if (!copier->options->resume ||
        io->open(io->user, path, &file, &err) != PYR_OK)
        return false;
    const bool copied = io->size(file) == io->size(from);
    io->close(file);
    return copied;
}

static enum pyr_result named(enum pyr_result result,
                             const struct rok4_pair *pair,
                             struct pyr_error *err)
{
    pyr_error_prefix(err, "slab %s", pair->from);
    return result;
}

/* Nothing at `from` is fine: where slabs are asked for, most may be absent. */
static enum pyr_result copy_slab(const struct rok4_copier *copier,
                                 const struct rok4_pair *pair, uint8_t *buffer,
                                 struct pyr_error *err)
{
    const struct rok4_copy_options *const options = copier->options;
    const struct pyr_io *const io = options->io;
    const struct pyr_out *const out = options->tree->out;
    struct pyr_file *from = NULL;
    struct pyr_out_file *to = NULL;
    enum pyr_result result = io->open(io->user, pair->from, &from, err);
    if (result == PYR_NOT_FOUND)
        return PYR_OK;
    if (result == PYR_OK && is_copied(copier, from, pair->to))
    {
        io->close(from);
        result = options->keep != NULL
                     ? options->keep(options->keep_user, pair->to, err)
                     : PYR_OK;
        return result == PYR_OK ? PYR_OK : named(result, pair, err);
    }
    if (result == PYR_OK)
        result = check_index(copier, &pair->slab, from, err);
    if (result == PYR_OK && pair->slab.is_object && options->copy != NULL)
    {
        const enum pyr_result copied = options->copy(
            options->copy_user, pair->from, pair->to, io->size(from), err);
        if (copied != PYR_UNSUPPORTED)
        {
            io->close(from);
            return copied == PYR_OK ? PYR_OK : named(copied, pair, err);
        }
    }
    if (result == PYR_OK)
        result = out->create(out->user, pair->to, &to, err);
    if (result == PYR_OK)
        result = copy_bytes(copier, from, to, buffer, err);
    if (result == PYR_OK)
        result = out->commit(to, false, err);
    else
        out->discard(to);
    if (from != NULL)
        io->close(from);
    return result == PYR_OK ? PYR_OK : named(result, pair, err);
}

/* Keeps the first failure. */
static void fail(struct rok4_copier *copier, enum pyr_result result,
                 const struct pyr_error *err)
{
    pthread_mutex_lock(&copier->lock);
    if (copier->result == PYR_OK)
    {
        copier->result = result;
        copier->err = *err;
    }
    pthread_mutex_unlock(&copier->lock);
}

static bool has_failed(struct rok4_copier *copier)
{
    pthread_mutex_lock(&copier->lock);
    const bool failed = copier->result != PYR_OK;
    pthread_mutex_unlock(&copier->lock);
    return failed;
}

/* Progress is of the calling thread. */
static void tell(struct rok4_copier *copier, uint64_t ncopied)
{
    const struct rok4_copy_options *const options = copier->options;
    struct pyr_error err = {""};
    if (options->progress == NULL || ncopied == copier->ntold)
        return;
    copier->ntold = ncopied;
    if (!options->progress(options->progress_user, ncopied))
        fail(copier, pyr_fail(&err, PYR_CANCELLED, "interrupted"), &err);
}

static void run_pair(void *user, unsigned worker, size_t item)
{
    struct rok4_copier *const copier = user;
    struct pyr_error err = {""};
    if (has_failed(copier))
        return;
    if (copier->buffers[worker] == NULL)
        copier->buffers[worker] = pyr_malloc(STEP_BYTES);
    const enum pyr_result result =
        copier->buffers[worker] == NULL
            ? no_memory(&err)
            : copy_slab(copier, &copier->pairs[item], copier->buffers[worker],
                        &err);
    if (result != PYR_OK)
    {
        fail(copier, result, &err);
        return;
    }
    const uint64_t ncopied = atomic_fetch_add(&copier->ncopied, 1) + 1;
    if (worker == 0)
        tell(copier, ncopied);
}

static void enter_thread(void *user, unsigned worker)
{
    const struct rok4_copy_options *const options =
        ((struct rok4_copier *)user)->options;
    if (options->thread_enter != NULL)
        options->thread_enter(options->thread_user, worker);
}

static void leave_thread(void *user, unsigned worker)
{
    const struct rok4_copy_options *const options =
        ((struct rok4_copier *)user)->options;
    if (options->thread_leave != NULL)
        options->thread_leave(options->thread_user, worker);
}

static void drop_pairs(struct rok4_copier *copier)
{
    for (size_t i = 0; i < copier->npairs; i++)
    {
        pyr_free(copier->pairs[i].from);
        pyr_free(copier->pairs[i].to);
    }
    copier->npairs = 0;
}

static enum pyr_result copy_batch(struct rok4_copier *copier,
                                  struct pyr_error *err)
{
    const struct rok4_copy_options *const options = copier->options;
    const struct pyr_job job = {.user = copier,
                                .run = run_pair,
                                .enter = enter_thread,
                                .leave = leave_thread,
                                .waits = true};
    pyr_pool_run(options->pool, &job, copier->npairs, options->nthreads);
    drop_pairs(copier);
    if (copier->result == PYR_OK)
        tell(copier, atomic_load(&copier->ncopied));
    if (copier->result != PYR_OK)
        *err = copier->err;
    return copier->result;
}

enum pyr_result rok4_copy_add(struct rok4_copier *copier,
                              const struct rok4_copied *slab, const char *from,
                              struct pyr_error *err)
{
    const struct rok4_copy_options *const options = copier->options;
    const struct rok4_copy_target *const target =
        &copier->targets[2 * slab->level + slab->plane];
    struct rok4_pair *const pair = &copier->pairs[copier->npairs];
    pair->slab = *slab;
    pair->to = rok4_place_slab(target->storage, target->place, slab->col,
                               slab->row, target->path_depth);
    pair->from = from != NULL ? pyr_strdup(from) : NULL;
    if (from == NULL &&
        rok4_pyramid_slab_path(options->source, slab->plane, slab->level,
                               slab->col, slab->row, &pair->from) != PYR_OK)
        pair->from = NULL;
    copier->npairs++;
    if (pair->from == NULL || pair->to == NULL)
        return no_memory(err);
    if (options->skip != NULL && options->skip(options->skip_user, pair->to))
    {
        pyr_free(pair->from);
        pyr_free(pair->to);
        copier->npairs--;
        return PYR_OK;
    }
    return copier->npairs == ROK4_COPY_BATCH ? copy_batch(copier, err) : PYR_OK;
}

enum pyr_result rok4_copy_levels(const struct rok4_copy_options *options,
                                 const struct rok4_copy_target *targets,
                                 struct pyr_error *err)
{
    struct rok4_copier *const copier = pyr_calloc(1, sizeof(*copier));
    if (copier == NULL || pthread_mutex_init(&copier->lock, NULL) != 0)
    {
        pyr_free(copier);
        return no_memory(err);
    }
    copier->options = options;
    copier->targets = targets;
    enum pyr_result result = rok4_copy_find(copier, err);
    if (result == PYR_OK && copier->npairs > 0)
        result = copy_batch(copier, err);
    drop_pairs(copier);
    for (size_t i = 0; i < PYR_POOL_MAX_THREADS; i++)
        pyr_free(copier->buffers[i]);
    (void)pthread_mutex_destroy(&copier->lock);
    pyr_free(copier);
    return result;
}
