/* SPDX-License-Identifier: MIT */
/* Removes slabs from an object storage, in batches. */
#include "rok4_stage_objects.h"

#include "pyr_alloc.h"
#include "rok4_list.h"
#include "rok4_path.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const planes[] = {"DATA", "MASK"};

static enum pyr_result out_of_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

enum pyr_result rok4_clean_object(const struct rok4_stage *stage,
                                  const char *path, struct pyr_error *err)
{
    const struct pyr_objects *const storage = stage->objects->storage;
    return storage->remove(storage->user, &path, 1, err);
}

/* Objects that are removed together. */
struct batch
{
    const struct rok4_stage *stage;
    char *paths[PYR_MAX_OBJECTS_REMOVED];
    size_t npaths;
};

static struct batch *new_batch(const struct rok4_stage *stage,
                               struct pyr_error *err)
{
    struct batch *const batch = pyr_calloc(1, sizeof(*batch));
    if (batch == NULL)
        (void)out_of_memory(err);
    else
        batch->stage = stage;
    return batch;
}

static void free_batch(struct batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->npaths; i++)
        pyr_free(batch->paths[i]);
    pyr_free(batch);
}

static enum pyr_result flush_batch(struct batch *batch, struct pyr_error *err)
{
    const struct pyr_objects *const storage = batch->stage->objects->storage;
    enum pyr_result result = PYR_OK;
    if (batch->npaths > 0)
        result =
            storage->remove(storage->user, (const char *const *)batch->paths,
                            batch->npaths, err);
    for (size_t i = 0; i < batch->npaths; i++)
        pyr_free(batch->paths[i]);
    batch->npaths = 0;
    return result;
}

static enum pyr_result add_path(struct batch *batch, const char *path,
                                struct pyr_error *err)
{
    char *const copy = pyr_strdup(path);
    if (copy == NULL)
        return out_of_memory(err);
    batch->paths[batch->npaths++] = copy;
    return batch->npaths == PYR_MAX_OBJECTS_REMOVED ? flush_batch(batch, err)
                                                    : PYR_OK;
}

static enum pyr_result add_slab(struct batch *batch, const char *name,
                                struct pyr_error *err)
{
    char *const path = rok4_path_join(batch->stage->files.directory, name);
    const enum pyr_result result =
        path != NULL ? add_path(batch, path, err) : out_of_memory(err);
    pyr_free(path);
    return result;
}

static enum pyr_result visit_stale(void *context, const char *name,
                                   uint64_t nbytes, struct pyr_error *err)
{
    struct batch *const batch = context;
    (void)nbytes;
    if (!rok4_written_is_slab(name) ||
        rok4_written_has(batch->stage->objects->written, name))
        return PYR_OK;
    return add_slab(batch, name, err);
}

static enum pyr_result visit_any(void *context, const char *name,
                                 uint64_t nbytes, struct pyr_error *err)
{
    (void)nbytes;
    return rok4_written_is_slab(name) ? add_slab(context, name, err) : PYR_OK;
}

/* Removes those objects "<directory>/<prefix>..." that visit adds. */
static enum pyr_result clean_listed(struct batch *batch, const char *prefix,
                                    pyr_objects_visit visit,
                                    struct pyr_error *err)
{
    const struct rok4_stage *const stage = batch->stage;
    const struct pyr_objects *const storage = stage->objects->storage;
    struct pyr_error found = {""};
    enum pyr_result result = storage->list(
        storage->user, stage->files.directory, prefix, visit, batch, &found);
    if (result == PYR_OK)
        result = flush_batch(batch, &found);
    return result == PYR_OK ? PYR_OK
                            : pyr_fail(err, result, "%s: %s",
                                       stage->files.directory, found.text);
}

static enum pyr_result clean_planes(struct batch *batch,
                                    pyr_objects_visit visit,
                                    struct pyr_error *err)
{
    enum pyr_result result = clean_listed(batch, "DATA_", visit, err);
    if (result == PYR_OK)
        result = clean_listed(batch, "MASK_", visit, err);
    return result;
}

enum pyr_result rok4_clean_stale(const struct rok4_stage *stage,
                                 struct pyr_error *err)
{
    struct batch *const batch = new_batch(stage, err);
    const enum pyr_result result =
        batch != NULL ? clean_planes(batch, visit_stale, err) : PYR_NOMEM;
    free_batch(batch);
    return result;
}

enum pyr_result rok4_clean_dropped(const struct rok4_stage *stage,
                                   struct pyr_error *err)
{
    struct batch *const batch = new_batch(stage, err);
    enum pyr_result result = batch != NULL ? PYR_OK : PYR_NOMEM;
    for (uint32_t i = 0; i < stage->state.ndropped; i++)
        for (size_t plane = 0; plane < 2 && result == PYR_OK; plane++)
        {
            char prefix[PYR_MAX_NAME_BYTES + 8];
            (void)snprintf(prefix, sizeof(prefix), "%s_%s_", planes[plane],
                           stage->state.dropped[i]);
            result = clean_listed(batch, prefix, visit_any, err);
        }
    free_batch(batch);
    return result;
}

static enum pyr_result visit_line(void *context, const char *line,
                                  const struct rok4_listed *slab,
                                  struct pyr_error *err)
{
    (void)line;
    return rok4_written_is_slab(slab->name) ? add_slab(context, slab->name, err)
                                            : PYR_OK;
}

enum pyr_result rok4_clean_all(const struct rok4_stage *stage,
                               struct pyr_error *err)
{
    struct batch *const batch = new_batch(stage, err);
    const struct rok4_list_visitor visitor = {.context = batch,
                                              .slab = visit_line};
    if (batch == NULL)
        return PYR_NOMEM;
    struct pyr_error found = {""};
    enum pyr_result result =
        rok4_list_read(stage->tree, stage->files.list, &visitor, &found);
    /* It is a help only: slabs may have been written since. */
    if (result == PYR_NOT_FOUND || result == PYR_CORRUPT)
        result = PYR_OK;
    else if (result != PYR_OK)
        (void)pyr_fail(err, result, "%s", found.text);
    if (result == PYR_OK)
        result = flush_batch(batch, err);
    if (result == PYR_OK)
        result = clean_planes(batch, visit_any, err);
    free_batch(batch);
    return result;
}

static enum pyr_result note_any(void *context, const char *name,
                                uint64_t nbytes, struct pyr_error *err)
{
    bool *const any = context;
    (void)nbytes;
    *any = *any || rok4_written_is_slab(name);
    return *any ? pyr_fail(err, PYR_CANCELLED, "found") : PYR_OK;
}

enum pyr_result rok4_clean_any(const struct rok4_stage *stage, bool *out_any,
                               struct pyr_error *err)
{
    static const char *const prefixes[] = {"DATA_", "MASK_"};
    const struct pyr_objects *const storage = stage->objects->storage;
    const char *const directory = stage->files.directory;
    struct pyr_error found = {""};
    *out_any = false;
    for (size_t i = 0; i < 2; i++)
    {
        const enum pyr_result result = storage->list(
            storage->user, directory, prefixes[i], note_any, out_any, &found);
        if (*out_any)
            return PYR_OK;
        if (result != PYR_OK)
            return pyr_fail(err, result, "%s: %s", directory, found.text);
    }
    return PYR_OK;
}

/* What cannot be removed does not keep the others from it. */
static enum pyr_result visit_put(void *context, const char *name, uint16_t root,
                                 struct pyr_error *err)
{
    (void)root;
    (void)(add_slab(context, name, err) == PYR_OK);
    return PYR_OK;
}

void rok4_clean_put(const struct rok4_stage *stage)
{
    const struct rok4_stage_objects *const objects = stage->objects;
    struct pyr_error err = {""};
    struct batch *const batch = new_batch(stage, &err);
    if (batch == NULL)
        return;
    /* Of a run that may be resumed, slabs stand there that it has not met. */
    if (objects->marked)
        (void)(clean_planes(batch, visit_any, &err) == PYR_OK);
    else
        (void)(rok4_written_each(objects->written, visit_put, batch, &err) ==
               PYR_OK);
    for (const struct rok4_beside *beside = objects->beside;
         objects->ending && beside != NULL; beside = beside->next)
        (void)(add_path(batch, beside->path, &err) == PYR_OK);
    if (objects->ending && stage->state.list)
        (void)(add_path(batch, stage->files.list, &err) == PYR_OK);
    if (objects->marked)
        (void)(add_path(batch, stage->files.state, &err) == PYR_OK);
    (void)(flush_batch(batch, &err) == PYR_OK);
    free_batch(batch);
}
