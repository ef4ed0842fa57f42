/* SPDX-License-Identifier: MIT */
/* One write to a pyramid on an object storage: slabs are put in their place,
 * the descriptor last. */
#include "rok4_stage_objects.h"

#include "pyr_alloc.h"
#include "rok4_path.h"
#include "rok4_place.h"

#include <stdio.h>
#include <string.h>

/* A slab on its way, behind struct pyr_out_file. */
struct pyr_out_file
{
    struct rok4_stage_objects *objects;
    struct pyr_out_file *file; /* of the storage */
    char *name;                /* behind the pyramid's directory */
};

static enum pyr_result out_of_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

static enum pyr_result out_create(void *user, const char *path,
                                  struct pyr_out_file **out_file,
                                  struct pyr_error *err)
{
    struct rok4_stage_objects *const objects = user;
    const struct pyr_out *const out = objects->storage->out;
    struct pyr_out_file *const file = pyr_calloc(1, sizeof(*file));
    if (file == NULL)
        return out_of_memory(err);
    file->objects = objects;
    file->name = pyr_strdup(path + objects->directory_nbytes);
    const enum pyr_result result =
        file->name != NULL ? out->create(out->user, path, &file->file, err)
                           : out_of_memory(err);
    if (result == PYR_OK)
        *out_file = file;
    else
    {
        pyr_free(file->name);
        pyr_free(file);
    }
    return result;
}

static enum pyr_result out_write(struct pyr_out_file *file,
                                 uint64_t offset_bytes, const void *bytes,
                                 size_t nbytes, struct pyr_error *err)
{
    return file->objects->storage->out->write(file->file, offset_bytes, bytes,
                                              nbytes, err);
}

static enum pyr_result out_read(struct pyr_out_file *file,
                                uint64_t offset_bytes, void *bytes,
                                size_t nbytes, struct pyr_error *err)
{
    return file->objects->storage->out->read(file->file, offset_bytes, bytes,
                                             nbytes, err);
}

/* Noted first: what may be there can be removed. */
static enum pyr_result out_commit(struct pyr_out_file *file, bool durable,
                                  struct pyr_error *err)
{
    struct rok4_stage_objects *const objects = file->objects;
    const struct pyr_out *const out = objects->storage->out;
    enum pyr_result result =
        rok4_written_add(objects->written, file->name, 0, err);
    if (result == PYR_OK)
        result = out->commit(file->file, durable, err);
    else
        out->discard(file->file);
    pyr_free(file->name);
    pyr_free(file);
    return result;
}

static void out_discard(struct pyr_out_file *file)
{
    if (file == NULL)
        return;
    file->objects->storage->out->discard(file->file);
    pyr_free(file->name);
    pyr_free(file);
}

const struct pyr_out *
rok4_stage_objects_out(const struct rok4_stage_objects *objects)
{
    return &objects->out;
}

bool rok4_stage_has_put(const struct rok4_stage *stage, const char *path)
{
    return stage->objects != NULL &&
           strlen(path) > stage->objects->directory_nbytes &&
           rok4_written_has(stage->objects->written,
                            path + stage->objects->directory_nbytes);
}

enum pyr_result rok4_stage_objects_new(struct rok4_stage *stage,
                                       const struct pyr_objects *storage)
{
    struct rok4_stage_objects *const objects = pyr_calloc(1, sizeof(*objects));
    if (objects == NULL || rok4_written_new(&objects->written) != PYR_OK ||
        pthread_mutex_init(&objects->lock, NULL) != 0)
    {
        if (objects != NULL)
            rok4_written_free(objects->written);
        pyr_free(objects);
        return PYR_NOMEM;
    }
    const struct pyr_out out = {.user = objects,
                                .create = out_create,
                                .write = out_write,
                                .read = out_read,
                                .commit = out_commit,
                                .discard = out_discard};
    objects->storage = storage;
    objects->directory_nbytes = strlen(stage->files.directory) + 1;
    objects->out = out;
    stage->objects = objects;
    return PYR_OK;
}

void rok4_stage_objects_free(struct rok4_stage_objects *objects)
{
    if (objects == NULL)
        return;
    while (objects->beside != NULL)
    {
        struct rok4_beside *const next = objects->beside->next;
        pyr_free(objects->beside->path);
        pyr_free(objects->beside->text);
        pyr_free(objects->beside);
        objects->beside = next;
    }
    for (uint16_t i = 0; i < objects->nroots; i++)
        pyr_free(objects->roots[i]);
    pyr_free(objects->roots);
    rok4_written_free(objects->written);
    (void)pthread_mutex_destroy(&objects->lock);
    pyr_free(objects);
}

enum pyr_result rok4_stage_put_text(const struct rok4_stage *stage,
                                    const char *path, const char *text,
                                    size_t nbytes, struct pyr_error *err)
{
    const struct pyr_out *const out = stage->objects->storage->out;
    struct pyr_error found = {""};
    struct pyr_out_file *file = NULL;
    enum pyr_result result = out->create(out->user, path, &file, &found);
    if (result == PYR_OK)
        result = out->write(file, 0, text, nbytes, &found);
    if (result == PYR_OK)
        result = out->commit(file, true, &found);
    else
        out->discard(file);
    return result == PYR_OK ? PYR_OK
                            : pyr_fail(err, result, "%s: %s", path, found.text);
}

bool rok4_stage_drops(const struct rok4_stage *stage, const char *name)
{
    const size_t nplane = strlen("DATA_");
    const char *const level = strlen(name) > nplane ? name + nplane : "";
    const size_t nbytes = strcspn(level, "_");
    for (uint32_t i = 0; i < stage->state.ndropped; i++)
        if (strlen(stage->state.dropped[i]) == nbytes &&
            memcmp(stage->state.dropped[i], level, nbytes) == 0)
            return true;
    return false;
}

enum pyr_result rok4_stage_keep(const struct rok4_stage *stage,
                                const char *path, struct pyr_error *err)
{
    struct rok4_stage_objects *const objects = stage->objects;
    return objects != NULL
               ? rok4_written_add(objects->written,
                                  path + objects->directory_nbytes, 0, err)
               : PYR_OK;
}

enum pyr_result rok4_stage_copy(const struct rok4_stage *stage,
                                const char *from, const char *path,
                                uint64_t nbytes, struct pyr_error *err)
{
    struct rok4_stage_objects *const objects = stage->objects;
    const struct pyr_objects *const storage = objects->storage;
    /* Noted first, as by out_commit: where nothing is done, it is put next. */
    const enum pyr_result result = rok4_written_add(
        objects->written, path + objects->directory_nbytes, 0, err);
    return result == PYR_OK
               ? storage->copy(storage->user, from, path, nbytes, err)
               : result;
}

/* Number of a root, which may be a new one. */
static enum pyr_result find_root(struct rok4_stage_objects *objects,
                                 const char *root, uint16_t *out_number,
                                 struct pyr_error *err)
{
    for (uint16_t i = 0; i < objects->nroots; i++)
        if (strcmp(objects->roots[i], root) == 0)
        {
            *out_number = (uint16_t)(i + 1);
            return PYR_OK;
        }
    if (objects->nroots == UINT16_MAX)
        return pyr_fail(err, PYR_LIMIT, "links to more than %u pyramids",
                        (unsigned)UINT16_MAX);
    char **const grown = pyr_realloc(
        objects->roots, (objects->nroots + 1u) * sizeof(*objects->roots));
    if (grown == NULL)
        return out_of_memory(err);
    objects->roots = grown;
    grown[objects->nroots] = pyr_strdup(root);
    if (grown[objects->nroots] == NULL)
        return out_of_memory(err);
    *out_number = ++objects->nroots;
    return PYR_OK;
}

enum pyr_result rok4_stage_put_link(const struct rok4_stage *stage,
                                    const char *name, const char *target,
                                    struct pyr_error *err)
{
    struct rok4_stage_objects *const objects = stage->objects;
    const char *const slash = strrchr(target, '/');
    char text[ROK4_MAX_LINK_BYTES + 1];
    uint16_t number = 0;
    const int nbytes =
        snprintf(text, sizeof(text), "%s%s", ROK4_LINK_MARK, target);
    char *const path = rok4_path_join(stage->files.directory, name);
    char *const root =
        slash != NULL ? pyr_strndup(target, (size_t)(slash - target)) : NULL;
    enum pyr_result result = PYR_NOMEM;
    if (nbytes < 0 || (size_t)nbytes >= sizeof(text))
        result = pyr_fail(err, PYR_LIMIT, "%s: a link of too many bytes", name);
    else if (path == NULL || root == NULL)
        result = out_of_memory(err);
    else
    {
        (void)pthread_mutex_lock(&objects->lock);
        result = find_root(objects, root, &number, err);
        (void)pthread_mutex_unlock(&objects->lock);
        if (result == PYR_OK)
            result = rok4_written_add(objects->written, name, number, err);
        if (result == PYR_OK)
            result =
                rok4_stage_put_text(stage, path, text, (size_t)nbytes, err);
    }
    pyr_free(root);
    pyr_free(path);
    return result;
}

/* Slabs without a descriptor are those of a build that was killed, or of a
 * pyramid with another descriptor: which, cannot be told. */
static enum pyr_result check_empty(const struct rok4_stage *stage,
                                   struct pyr_error *err)
{
    bool any = false;
    const enum pyr_result result = rok4_clean_any(stage, &any, err);
    return result == PYR_OK && any
               ? pyr_fail(err, PYR_USAGE,
                          "%s holds slabs already, perhaps of a build that was "
                          "interrupted (OVERWRITE=YES replaces them)",
                          stage->files.directory)
               : result;
}

/* What makes a later run known as the same one. */
static enum pyr_result mark(struct rok4_stage *stage, struct pyr_error *err)
{
    char *text = NULL;
    size_t nbytes = 0;
    enum pyr_result result =
        rok4_state_format(&stage->state, &text, &nbytes, err);
    if (result == PYR_OK)
        result =
            rok4_stage_put_text(stage, stage->files.state, text, nbytes, err);
    pyr_free(text);
    stage->objects->marked = result == PYR_OK;
    return result;
}

/* A run goes on where slabs stand that can only be its own: they are in their
 * place at once, and those of a pyramid that is replaced or updated look like
 * them. */
enum pyr_result
rok4_stage_objects_begin(struct rok4_stage *stage,
                         const struct rok4_stage_options *options,
                         bool found_state, struct pyr_error *err)
{
    bool any = true;
    enum pyr_result result = PYR_OK;
    if (options->md5)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "%s: digests (MD5=YES) are for pyramids in files",
                        stage->files.descriptor);
    if (stage->resumed)
    {
        stage->objects->marked = true;
        stage->begun = true;
        return PYR_OK;
    }
    if (options->mode == ROK4_STAGE_NEW)
        result = check_empty(stage, err);
    else if (options->mode == ROK4_STAGE_OVERWRITE && options->resume)
        result = rok4_clean_any(stage, &any, err);
    if (result == PYR_OK && options->resume &&
        (options->mode == ROK4_STAGE_NEW || !any))
        result = mark(stage, err);
    else if (result == PYR_OK && found_state)
        /* Slabs that come now are not of the run that left it. */
        result = rok4_clean_object(stage, stage->files.state, err);
    stage->begun = result == PYR_OK;
    return result;
}

enum pyr_result rok4_stage_objects_end(const struct rok4_stage *stage,
                                       struct pyr_error *err)
{
    return rok4_clean_object(stage, stage->files.state, err);
}

enum pyr_result rok4_stage_objects_put_beside(const struct rok4_stage *stage,
                                              const char *name,
                                              const char *text, size_t nbytes,
                                              struct pyr_error *err)
{
    struct rok4_beside *const beside = pyr_calloc(1, sizeof(*beside));
    if (beside == NULL)
        return out_of_memory(err);
    beside->path = rok4_path_join(stage->files.root, name);
    beside->text = pyr_strndup(text, nbytes);
    beside->nbytes = nbytes;
    if (beside->path == NULL || beside->text == NULL)
    {
        pyr_free(beside->path);
        pyr_free(beside->text);
        pyr_free(beside);
        return out_of_memory(err);
    }
    beside->next = stage->objects->beside;
    stage->objects->beside = beside;
    return PYR_OK;
}

/* What is put in the place of others stays. */
void rok4_stage_objects_cancel(struct rok4_stage *stage)
{
    if (stage->begun &&
        (stage->state.mode == ROK4_STATE_NEW || stage->objects->marked))
        rok4_clean_put(stage);
}

/* What belongs to a pyramid that is replaced. */
static enum pyr_result clean_companions(const struct rok4_stage *stage,
                                        struct pyr_error *err)
{
    const struct pyr_objects *const storage = stage->objects->storage;
    const char *const paths[] = {stage->files.md5, stage->files.sidecar};
    return storage->remove(storage->user, paths, 2, err);
}

/* All but the descriptor. */
static enum pyr_result publish_rest(struct rok4_stage *stage,
                                    struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    stage->objects->ending = true;
    if (stage->state.mode == ROK4_STATE_OVERWRITE || stage->resumed)
        /* Of the old one, or of a build that was interrupted. */
        result = rok4_clean_stale(stage, err);
    if (result == PYR_OK && stage->replaces)
        result = clean_companions(stage, err);
    for (const struct rok4_beside *beside = stage->objects->beside;
         beside != NULL && result == PYR_OK; beside = beside->next)
        result = rok4_stage_put_text(stage, beside->path, beside->text,
                                     beside->nbytes, err);
    if (result == PYR_OK)
        result = rok4_stage_put_list(stage, err);
    /* A list that the storage does not take is no reason to drop what it is of:
     * the error is told. */
    if (result == PYR_LIMIT && stage->state.list)
    {
        stage->state.list = false;
        result = rok4_stage_put_list(stage, err);
    }
    return result;
}

/* The same write again does what is left: of a new pyramid, it is told that
 * slabs stand there. */
static enum pyr_result tell_to_repeat(const struct rok4_stage *stage,
                                      enum pyr_result result,
                                      struct pyr_error *err)
{
    const bool told =
        stage->state.mode == ROK4_STATE_NEW && !stage->objects->marked;
    pyr_error_prefix(
        err, "publishing is not finished, which the same write again will do%s",
        told ? ", with OVERWRITE=YES" : "");
    return result;
}

enum pyr_result rok4_stage_objects_publish(struct rok4_stage *stage,
                                           const char *descriptor_text,
                                           struct pyr_error *err)
{
    enum pyr_result result = publish_rest(stage, err);
    if (result != PYR_OK && !stage->objects->marked)
        rok4_stage_objects_cancel(stage);
    if (result != PYR_OK)
        return stage->state.mode == ROK4_STATE_NEW && !stage->objects->marked
                   ? result
                   : tell_to_repeat(stage, result, err);
    /* From here on, it may be there. */
    result = rok4_stage_put_text(stage, stage->files.descriptor,
                                 descriptor_text, strlen(descriptor_text), err);
    if (result != PYR_OK)
        return tell_to_repeat(stage, result, err);
    if (stage->state.ndropped > 0)
        result = rok4_clean_dropped(stage, err);
    if (result == PYR_OK && stage->objects->marked)
        result = rok4_stage_objects_end(stage, err);
    if (result != PYR_OK)
        pyr_error_prefix(err,
                         "%s is written, but what was to be removed then "
                         "is not",
                         stage->files.descriptor);
    return result;
}

enum pyr_result rok4_stage_objects_remove(struct rok4_stage *stage,
                                          struct pyr_error *err)
{
    const struct pyr_objects *const storage = stage->objects->storage;
    const struct rok4_files *const files = &stage->files;
    const char *const others[] = {files->list, files->md5, files->sidecar,
                                  files->state};
    enum pyr_result result = rok4_clean_object(stage, files->descriptor, err);
    if (result == PYR_OK)
        result = rok4_clean_all(stage, err);
    return result == PYR_OK ? storage->remove(storage->user, others, 4, err)
                            : result;
}
