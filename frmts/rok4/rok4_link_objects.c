/* SPDX-License-Identifier: MIT */
/* Slabs of an ancestor in a new pyramid on an object storage: links. */
#define _POSIX_C_SOURCE 200809L

#include "rok4_link_objects.h"

#include "pyr_alloc.h"
#include "rok4_path.h"
#include "rok4_place.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Slabs that are found before their links are put together. */
#define BATCH_SLABS 256u

struct slab
{
    uint32_t col;
    uint32_t row;
    bool small; /* it may be a link itself */
};

struct linker
{
    const struct rok4_link_options *options;
    const struct pyr_objects *storage;
    enum rok4_plane plane;
    size_t level;
    size_t prefix_nbytes;
    struct slab slabs[BATCH_SLABS];
    size_t nslabs;
    pthread_mutex_t lock; /* of the two below */
    enum pyr_result result;
    struct pyr_error err;
};

static enum pyr_result no_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

/* Name of the new pyramid's slab, behind its directory. */
static void name_slab(const struct linker *linker, const struct slab *slab,
                      char *text, size_t nbytes)
{
    (void)snprintf(
        text, nbytes, "%s_%s_%" PRIu32 "_%" PRIu32,
        linker->plane == ROK4_PLANE_MASK ? "MASK" : "DATA",
        linker->options->ancestor->descriptor->levels[linker->level].id,
        slab->col, slab->row);
}

/* What a link to the object at path tells: of one that is a link, what that
 * leads to. */
static enum pyr_result find_target(const struct linker *linker,
                                   const struct slab *slab, const char *path,
                                   char **out_target, struct pyr_error *err)
{
    const struct pyr_objects *const storage = linker->storage;
    const char *const at = rok4_stage_directory(linker->options->stage);
    char *text = NULL;
    char *real = NULL;
    size_t nbytes = 0;
    enum pyr_result result = PYR_OK;
    if (slab->small)
        result = storage->load(storage->user, path, ROK4_MAX_LINK_BYTES, &text,
                               &nbytes, err);
    if (result == PYR_LIMIT) /* its size was not known */
        result = PYR_OK;
    if (result == PYR_OK && text != NULL &&
        rok4_place_is_link((const uint8_t *)text, nbytes))
        result =
            rok4_place_follow(path, (const uint8_t *)text, nbytes, &real, err);
    if (result == PYR_OK)
        result =
            rok4_place_link(at, real != NULL ? real : path, out_target, err);
    pyr_free(real);
    pyr_free(text);
    return result;
}

static enum pyr_result link_slab(const struct linker *linker,
                                 const struct slab *slab, struct pyr_error *err)
{
    const struct rok4_link_options *const options = linker->options;
    char name[PYR_MAX_NAME_BYTES + 32];
    char *path = NULL;
    char *target = NULL;
    name_slab(linker, slab, name, sizeof(name));
    enum pyr_result result =
        rok4_pyramid_slab_path(options->ancestor, linker->plane, linker->level,
                               slab->col, slab->row, &path);
    result = result == PYR_OK ? find_target(linker, slab, path, &target, err)
                              : no_memory(err);
    if (result == PYR_OK)
        result = rok4_stage_put_link(options->stage, name, target, err);
    if (result != PYR_OK)
        pyr_error_prefix(err, "slab %s", path != NULL ? path : name);
    pyr_free(target);
    pyr_free(path);
    return result;
}

static void run_slab(void *user, unsigned worker, size_t item)
{
    struct linker *const linker = user;
    struct pyr_error err = {""};
    (void)worker;
    const enum pyr_result result =
        link_slab(linker, &linker->slabs[item], &err);
    if (result == PYR_OK)
        return;
    (void)pthread_mutex_lock(&linker->lock);
    if (linker->result == PYR_OK)
    {
        linker->result = result;
        linker->err = err;
    }
    (void)pthread_mutex_unlock(&linker->lock);
}

static void enter_thread(void *user, unsigned worker)
{
    const struct rok4_link_options *const options =
        ((struct linker *)user)->options;
    if (options->thread_enter != NULL)
        options->thread_enter(options->thread_user, worker);
}

static void leave_thread(void *user, unsigned worker)
{
    const struct rok4_link_options *const options =
        ((struct linker *)user)->options;
    if (options->thread_leave != NULL)
        options->thread_leave(options->thread_user, worker);
}

static enum pyr_result link_batch(struct linker *linker, struct pyr_error *err)
{
    const struct rok4_link_options *const options = linker->options;
    const struct pyr_job job = {.user = linker,
                                .run = run_slab,
                                .enter = enter_thread,
                                .leave = leave_thread,
                                .waits = true};
    pyr_pool_run(options->pool, &job, linker->nslabs, options->nthreads);
    linker->nslabs = 0;
    if (linker->result != PYR_OK)
        *err = linker->err;
    return linker->result;
}

static enum pyr_result visit(void *context, const char *name, uint64_t nbytes,
                             struct pyr_error *err)
{
    struct linker *const linker = context;
    struct slab *const slab = &linker->slabs[linker->nslabs];
    char own[PYR_MAX_NAME_BYTES + 32];
    if (!rok4_place_parse(name + linker->prefix_nbytes, &slab->col, &slab->row))
        return PYR_OK;
    name_slab(linker, slab, own, sizeof(own));
    char *const path =
        rok4_path_join(rok4_stage_directory(linker->options->stage), own);
    if (path == NULL)
        return no_memory(err);
    slab->small = nbytes <= ROK4_MAX_LINK_BYTES || nbytes == UINT64_MAX;
    linker->nslabs += !rok4_stage_has_put(linker->options->stage, path);
    pyr_free(path);
    return linker->nslabs == BATCH_SLABS ? link_batch(linker, err) : PYR_OK;
}

static enum pyr_result link_level(struct linker *linker, const char *place,
                                  struct pyr_error *err)
{
    const struct pyr_tree *const tree = linker->options->tree;
    const char *const slash = strrchr(place, '/');
    char prefix[PYR_MAX_PATH_BYTES];
    linker->storage =
        tree->objects_at != NULL ? tree->objects_at(tree->user, place) : NULL;
    if (linker->storage == NULL || slash == NULL)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "slabs in %s cannot be linked from an object storage",
                        place);
    const int nbytes = snprintf(prefix, sizeof(prefix), "%s_", slash + 1);
    if (nbytes < 0 || (size_t)nbytes >= sizeof(prefix))
        return pyr_fail(err, PYR_LIMIT, "%s: a name of too many bytes", place);
    char *const directory = pyr_strndup(place, (size_t)(slash - place));
    if (directory == NULL)
        return no_memory(err);
    linker->prefix_nbytes = (size_t)nbytes;
    enum pyr_result result = linker->storage->list(
        linker->storage->user, directory, prefix, visit, linker, err);
    if (result != PYR_OK && linker->result == PYR_OK)
        pyr_error_prefix(err, "slabs %s_...", place);
    if (result == PYR_OK && linker->nslabs > 0)
        result = link_batch(linker, err);
    pyr_free(directory);
    return result;
}

enum pyr_result rok4_link_objects(const struct rok4_link_options *options,
                                  struct pyr_error *err)
{
    const struct rok4_pyramid *const ancestor = options->ancestor;
    enum pyr_result result = PYR_OK;
    struct linker *const linker = pyr_calloc(1, sizeof(*linker));
    if (linker == NULL || pthread_mutex_init(&linker->lock, NULL) != 0)
    {
        pyr_free(linker);
        return no_memory(err);
    }
    linker->options = options;
    for (size_t plane = 0; plane < 2; plane++)
        for (size_t i = 0;
             i < ancestor->descriptor->nlevels && result == PYR_OK; i++)
        {
            const char *const place = ancestor->planes[plane].places[i];
            linker->plane = (enum rok4_plane)plane;
            linker->level = i;
            if (place != NULL)
                result = link_level(linker, place, err);
        }
    (void)pthread_mutex_destroy(&linker->lock);
    pyr_free(linker);
    return result;
}
