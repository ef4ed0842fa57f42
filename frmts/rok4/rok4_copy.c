/* SPDX-License-Identifier: MIT */
/* The copy engine for whole slabs: files that stay as they are. */
#include "rok4_copy.h"

#include "pyr_alloc.h"
#include "rok4_files.h"
#include "rok4_name.h"
#include "rok4_path.h"
#include "rok4_slab.h"
#include "rok4_slabs.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Slabs that are found before they are copied together. */
#define BATCH_SLABS 64u
/* Bytes that are read and written at once. */
#define STEP_BYTES ((size_t)1 << 20)

struct pair
{
    char *from;
    char *to;
    bool is_object; /* and no link to one */
};

struct copier
{
    const struct rok4_copy_options *options;
    const struct rok4_copy_target *target;
    uint32_t ntiles; /* in a slab */
    uint64_t max_tile_nbytes;
    struct pair pairs[BATCH_SLABS];
    size_t npairs;
    uint8_t *buffers[PYR_POOL_MAX_THREADS];
    uint64_t ncopied;
    pthread_mutex_t lock; /* of the two below */
    enum pyr_result result;
    struct pyr_error err;
};

static enum pyr_result no_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

/* Whether every tile of the slab lies within the file. */
static enum pyr_result check_index(const struct copier *copier,
                                   struct pyr_file *file, struct pyr_error *err)
{
    const struct pyr_io *const io = copier->options->io;
    const struct pyr_extent range = rok4_slab_index(copier->ntiles);
    const uint64_t file_nbytes = io->size(file);
    uint8_t *const index = pyr_malloc((size_t)range.nbytes);
    struct pyr_extent extent;
    if (index == NULL)
        return no_memory(err);
    enum pyr_result result = io->read(file, 1, &range, &index, err);
    for (uint32_t i = 0; i < copier->ntiles && result == PYR_OK; i++)
    {
        result = rok4_slab_locate(index, copier->ntiles, i, file_nbytes,
                                  copier->max_tile_nbytes, &extent, err);
        if (result != PYR_OK)
            pyr_error_prefix(err, "tile %lu", (unsigned long)i);
    }
    pyr_free(index);
    return result;
}

static enum pyr_result copy_bytes(const struct copier *copier,
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
static bool is_copied(const struct copier *copier, const struct pyr_file *from,
                      const char *path)
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

static enum pyr_result named(enum pyr_result result, const struct pair *pair,
                             struct pyr_error *err)
{
    pyr_error_prefix(err, "slab %s", pair->from);
    return result;
}

/* Nothing at `from` is fine: where slabs are asked for, most may be absent. */
static enum pyr_result copy_slab(const struct copier *copier,
                                 const struct pair *pair, uint8_t *buffer,
                                 struct pyr_error *err)
{
    const struct pyr_io *const io = copier->options->io;
    const struct pyr_out *const out = copier->options->tree->out;
    struct pyr_file *from = NULL;
    struct pyr_out_file *to = NULL;
    enum pyr_result result = io->open(io->user, pair->from, &from, err);
    if (result == PYR_NOT_FOUND)
        return PYR_OK;
    if (result == PYR_OK && is_copied(copier, from, pair->to))
    {
        io->close(from);
        return PYR_OK;
    }
    if (result == PYR_OK)
        result = check_index(copier, from, err);
    if (result == PYR_OK && pair->is_object && copier->options->copy != NULL)
    {
        const enum pyr_result copied =
            copier->options->copy(copier->options->copy_user, pair->from,
                                  pair->to, io->size(from), err);
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

static void run_pair(void *user, unsigned worker, size_t item)
{
    struct copier *const copier = user;
    struct pyr_error err = {""};
    if (copier->buffers[worker] == NULL)
        copier->buffers[worker] = pyr_malloc(STEP_BYTES);
    const enum pyr_result result =
        copier->buffers[worker] == NULL
            ? no_memory(&err)
            : copy_slab(copier, &copier->pairs[item], copier->buffers[worker],
                        &err);
    if (result == PYR_OK)
        return;
    pthread_mutex_lock(&copier->lock);
    if (copier->result == PYR_OK)
    {
        copier->result = result;
        copier->err = err;
    }
    pthread_mutex_unlock(&copier->lock);
}

static void enter_thread(void *user, unsigned worker)
{
    const struct rok4_copy_options *const options =
        ((struct copier *)user)->options;
    if (options->thread_enter != NULL)
        options->thread_enter(options->thread_user, worker);
}

static void leave_thread(void *user, unsigned worker)
{
    const struct rok4_copy_options *const options =
        ((struct copier *)user)->options;
    if (options->thread_leave != NULL)
        options->thread_leave(options->thread_user, worker);
}

static void drop_pairs(struct copier *copier)
{
    for (size_t i = 0; i < copier->npairs; i++)
    {
        pyr_free(copier->pairs[i].from);
        pyr_free(copier->pairs[i].to);
    }
    copier->npairs = 0;
}

static enum pyr_result copy_batch(struct copier *copier, struct pyr_error *err)
{
    const struct rok4_copy_options *const options = copier->options;
    const struct pyr_job job = {.user = copier,
                                .run = run_pair,
                                .enter = enter_thread,
                                .leave = leave_thread};
    pyr_pool_run(options->pool, &job, copier->npairs, options->nthreads);
    copier->ncopied += copier->npairs;
    drop_pairs(copier);
    if (copier->result != PYR_OK)
    {
        *err = copier->err;
        return copier->result;
    }
    if (options->progress != NULL &&
        !options->progress(options->progress_user, copier->ncopied))
        return pyr_fail(err, PYR_CANCELLED, "interrupted");
    return PYR_OK;
}

static enum pyr_result add_pair(struct copier *copier, const char *from,
                                bool is_object, uint32_t col, uint32_t row,
                                struct pyr_error *err)
{
    const struct rok4_copy_target *const target = copier->target;
    const struct rok4_copy_options *const options = copier->options;
    struct pair *const pair = &copier->pairs[copier->npairs];
    pair->from = pyr_strdup(from);
    pair->is_object = is_object;
    pair->to = rok4_place_slab(target->storage, target->place, col, row,
                               target->path_depth);
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
    return copier->npairs == BATCH_SLABS ? copy_batch(copier, err) : PYR_OK;
}

static enum pyr_result visit(void *context, const char *path,
                             const char *relative, enum pyr_entry kind,
                             struct pyr_error *err)
{
    struct copier *const copier = context;
    uint32_t col = 0;
    uint32_t row = 0;
    if ((kind == PYR_ENTRY_FILE || kind == PYR_ENTRY_LINK) &&
        rok4_name_parse(relative, &col, &row))
        return add_pair(copier, path, false, col, row, err);
    return kind == PYR_ENTRY_LINK
               ? rok4_slabs_check_link(copier->options->tree, path, err)
               : PYR_OK;
}

/* The directory of a level itself may be a link, or missing. */
static enum pyr_result walk_level(struct copier *copier, const char *from,
                                  struct pyr_error *err)
{
    const struct pyr_tree *const tree = copier->options->tree;
    const struct pyr_tree_walker walker = {.context = copier, .entry = visit};
    struct pyr_error found = {""};
    char *real = NULL;
    enum pyr_result result = tree->realpath(tree->user, from, &real, &found);
    if (result == PYR_NOT_FOUND)
        return PYR_OK;
    result = result == PYR_OK
                 ? pyr_tree_walk(tree, real, &walker, err)
                 : pyr_fail(err, result, "%s: %s", from, found.text);
    pyr_free(real);
    return result;
}

struct listing
{
    struct copier *copier;
    enum rok4_plane plane;
    size_t level;
    size_t prefix_nbytes;
    enum pyr_result result; /* of what was done with a slab */
};

static enum pyr_result visit_object(void *context, const char *name,
                                    uint64_t nbytes, struct pyr_error *err)
{
    struct listing *const listing = context;
    struct copier *const copier = listing->copier;
    uint32_t col = 0;
    uint32_t row = 0;
    char *path = NULL;
    if (!rok4_place_parse(name + listing->prefix_nbytes, &col, &row))
        return PYR_OK;
    listing->result =
        rok4_pyramid_slab_path(copier->options->source, listing->plane,
                               listing->level, col, row, &path);
    listing->result =
        listing->result == PYR_OK
            ? add_pair(copier, path,
                       nbytes > ROK4_MAX_LINK_BYTES && nbytes != UINT64_MAX,
                       col, row, err)
            : no_memory(err);
    pyr_free(path);
    return listing->result;
}

/* Objects "<place>_<column>_<row>". *out_listed: they could be. */
static enum pyr_result list_objects(struct copier *copier,
                                    enum rok4_plane plane, size_t level,
                                    const char *place, bool *out_listed,
                                    struct pyr_error *err)
{
    const struct pyr_tree *const tree = copier->options->tree;
    const struct pyr_objects *const storage =
        tree->objects_at != NULL ? tree->objects_at(tree->user, place) : NULL;
    struct listing listing = {copier, plane, level, 0, PYR_OK};
    char prefix[PYR_MAX_PATH_BYTES];
    *out_listed = false;
    if (storage == NULL)
        return PYR_OK;
    char *const directory = rok4_path_parent(place);
    if (directory == NULL)
        return no_memory(err);
    const int nbytes =
        snprintf(prefix, sizeof(prefix), "%s_", place + strlen(directory) + 1);
    enum pyr_result result = PYR_IO;
    if (nbytes > 0 && (size_t)nbytes < sizeof(prefix))
    {
        listing.prefix_nbytes = (size_t)nbytes;
        result = storage->list(storage->user, directory, prefix, visit_object,
                               &listing, err);
    }
    pyr_free(directory);
    /* Those who may read may not always list. */
    *out_listed = result == PYR_OK || listing.result != PYR_OK;
    return listing.result;
}

/* Every slab within the limits, where directories cannot be listed. */
static enum pyr_result ask_for_all(struct copier *copier, enum rok4_plane plane,
                                   size_t level, struct pyr_error *err)
{
    const struct rok4_pyramid *const source = copier->options->source;
    const struct rok4_level *const at = &source->descriptor->levels[level];
    const uint32_t last_row = at->limits.max_row / at->tiles_per_height;
    const uint32_t last_col = at->limits.max_col / at->tiles_per_width;
    enum pyr_result result = PYR_OK;
    for (uint32_t row = at->limits.min_row / at->tiles_per_height;
         row <= last_row && result == PYR_OK; row++)
        for (uint32_t col = at->limits.min_col / at->tiles_per_width;
             col <= last_col && result == PYR_OK; col++)
        {
            char *path = NULL;
            result =
                rok4_pyramid_slab_path(source, plane, level, col, row, &path);
            result = result == PYR_OK
                         ? add_pair(copier, path, false, col, row, err)
                         : no_memory(err);
            pyr_free(path);
        }
    return result;
}

/* Finds the slabs, and copies all but the last batch. */
static enum pyr_result copy_level(struct copier *copier, enum rok4_plane plane,
                                  size_t level, const char *place,
                                  struct pyr_error *err)
{
    const struct rok4_level *const at =
        &copier->options->source->descriptor->levels[level];
    bool listed = false;
    if (at->storage == ROK4_STORAGE_FILE && !rok4_path_is_remote(place))
        return walk_level(copier, place, err);
    const enum pyr_result result =
        at->storage != ROK4_STORAGE_FILE
            ? list_objects(copier, plane, level, place, &listed, err)
            : PYR_OK;
    return result == PYR_OK && !listed ? ask_for_all(copier, plane, level, err)
                                       : result;
}

enum pyr_result rok4_copy_level(const struct rok4_copy_options *options,
                                enum rok4_plane plane, size_t level,
                                const struct rok4_copy_target *target,
                                struct pyr_error *err)
{
    const struct rok4_pyramid *const source = options->source;
    const struct pyr_source_level *const tiles =
        &source->planes[plane].levels[level];
    const char *const from = source->planes[plane].places[level];
    struct copier *const copier = pyr_calloc(1, sizeof(*copier));
    if (copier == NULL)
        return no_memory(err);
    if (from == NULL || source->descriptor->levels[level].empty)
    {
        pyr_free(copier);
        return PYR_OK;
    }
    if (pthread_mutex_init(&copier->lock, NULL) != 0)
    {
        pyr_free(copier);
        return no_memory(err);
    }
    copier->options = options;
    copier->target = target;
    copier->ntiles =
        tiles->container_width_tiles * tiles->container_height_tiles;
    copier->max_tile_nbytes = rok4_slab_tile_limit(&tiles->shape);
    enum pyr_result result = copy_level(copier, plane, level, from, err);
    if (result == PYR_OK && copier->npairs > 0)
        result = copy_batch(copier, err);
    drop_pairs(copier);
    for (size_t i = 0; i < PYR_POOL_MAX_THREADS; i++)
        pyr_free(copier->buffers[i]);
    pthread_mutex_destroy(&copier->lock);
    pyr_free(copier);
    return result;
}
