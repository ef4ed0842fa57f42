/* SPDX-License-Identifier: MIT */
/* One write to a pyramid on an object storage: slabs are put in their place,
 * the descriptor last. */
#include "rok4_stage_priv.h"

#include "pyr_alloc.h"
#include "rok4_lines.h"
#include "rok4_listing.h"
#include "rok4_path.h"
#include "rok4_place.h"
#include "rok4_written.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* An object that is put before the descriptor. */
struct beside
{
    struct beside *next;
    char *path;
    char *text;
    size_t nbytes;
};

/* A slab on its way, behind struct pyr_out_file. */
struct pyr_out_file
{
    struct rok4_stage_objects *objects;
    struct pyr_out_file *file; /* of the storage */
    char *name;                /* behind the pyramid's directory */
};

struct rok4_stage_objects
{
    const struct pyr_objects *storage; /* borrowed */
    size_t directory_nbytes;           /* with the '/' behind it */
    struct rok4_written *written;
    struct beside *beside;
    bool marked; /* the state object is there */
    struct pyr_out out;
    pthread_mutex_t lock; /* guards what follows */
    char **roots;         /* roots[nroots], of linked slabs: 1 and following */
    uint16_t nroots;
};

static enum pyr_result out_of_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

static enum pyr_result named(enum pyr_result result, const char *path,
                             const struct pyr_error *found,
                             struct pyr_error *err)
{
    return result == PYR_OK
               ? PYR_OK
               : pyr_fail(err, result, "%s: %s", path, found->text);
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
        struct beside *const next = objects->beside->next;
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

/* Puts a small object. */
static enum pyr_result put_text(const struct rok4_stage *stage,
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
    return named(result, path, &found, err);
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
                                 const char *root, uint16_t *out_number)
{
    for (uint16_t i = 0; i < objects->nroots; i++)
        if (strcmp(objects->roots[i], root) == 0)
        {
            *out_number = (uint16_t)(i + 1);
            return PYR_OK;
        }
    char **const grown = pyr_realloc(
        objects->roots, (objects->nroots + 1u) * sizeof(*objects->roots));
    if (grown == NULL)
        return PYR_NOMEM;
    objects->roots = grown;
    grown[objects->nroots] = pyr_strdup(root);
    if (grown[objects->nroots] == NULL)
        return PYR_NOMEM;
    *out_number = ++objects->nroots;
    return objects->nroots < UINT16_MAX ? PYR_OK : PYR_LIMIT;
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
        result = find_root(objects, root, &number);
        (void)pthread_mutex_unlock(&objects->lock);
        result = result == PYR_OK
                     ? rok4_written_add(objects->written, name, number, err)
                     : out_of_memory(err);
        if (result == PYR_OK)
            result = put_text(stage, path, text, (size_t)nbytes, err);
    }
    pyr_free(root);
    pyr_free(path);
    return result;
}

static enum pyr_result remove_one(const struct rok4_stage *stage,
                                  const char *path, struct pyr_error *err)
{
    const struct pyr_objects *const storage = stage->objects->storage;
    return storage->remove(storage->user, &path, 1, err);
}

static enum pyr_result note_any(void *context, const char *name,
                                uint64_t nbytes, struct pyr_error *err)
{
    (void)nbytes;
    bool *const any = context;
    *any = *any || rok4_written_is_slab(name);
    return *any ? pyr_fail(err, PYR_CANCELLED, "found") : PYR_OK;
}

/* Slabs without a descriptor are those of a build that was killed, or of a
 * pyramid with another descriptor: which, cannot be told. */
static enum pyr_result check_empty(const struct rok4_stage *stage,
                                   struct pyr_error *err)
{
    const struct pyr_objects *const storage = stage->objects->storage;
    const char *const directory = stage->files.directory;
    struct pyr_error found = {""};
    bool any = false;
    const enum pyr_result result = storage->list(
        storage->user, directory, "DATA_", note_any, &any, &found);
    if (any)
        return pyr_fail(err, PYR_USAGE,
                        "%s holds slabs already, perhaps of a build that was "
                        "interrupted (OVERWRITE=YES replaces them)",
                        directory);
    return named(result, directory, &found, err);
}

enum pyr_result
rok4_stage_objects_begin(struct rok4_stage *stage,
                         const struct rok4_stage_options *options,
                         struct pyr_error *err)
{
    char *text = NULL;
    size_t nbytes = 0;
    enum pyr_result result = PYR_OK;
    if (options->md5)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "%s: digests (MD5=YES) are for pyramids in files",
                        stage->files.descriptor);
    if (options->mode == ROK4_STAGE_NEW && !stage->resumed)
        result = check_empty(stage, err);
    if (result != PYR_OK || !options->resume)
    {
        stage->begun = result == PYR_OK;
        return result;
    }
    /* What makes a later run known as the same one. */
    result = rok4_state_format(&stage->state, &text, &nbytes, err);
    if (result == PYR_OK)
        result = put_text(stage, stage->files.state, text, nbytes, err);
    pyr_free(text);
    stage->begun = result == PYR_OK;
    stage->objects->marked = result == PYR_OK;
    return result;
}

enum pyr_result rok4_stage_objects_put_beside(const struct rok4_stage *stage,
                                              const char *name,
                                              const char *text, size_t nbytes,
                                              struct pyr_error *err)
{
    struct beside *const beside = pyr_calloc(1, sizeof(*beside));
    if (beside == NULL)
        return out_of_memory(err);
    beside->next = stage->objects->beside;
    stage->objects->beside = beside;
    beside->path = rok4_path_join(stage->files.root, name);
    beside->text = pyr_strndup(text, nbytes);
    beside->nbytes = nbytes;
    return beside->path != NULL && beside->text != NULL ? PYR_OK
                                                        : out_of_memory(err);
}

/* Objects that are removed together. */
struct batch
{
    const struct rok4_stage *stage;
    const struct rok4_state *dropping; /* NULL: what this run has not put */
    char *paths[PYR_MAX_OBJECTS_REMOVED];
    size_t npaths;
};

static enum pyr_result flush_batch(struct batch *batch, struct pyr_error *err)
{
    const struct pyr_objects *const storage = batch->stage->objects->storage;
    const enum pyr_result result = storage->remove(
        storage->user, (const char *const *)batch->paths, batch->npaths, err);
    for (size_t i = 0; i < batch->npaths; i++)
        pyr_free(batch->paths[i]);
    batch->npaths = 0;
    return result;
}

static enum pyr_result add_to_batch(struct batch *batch, const char *name,
                                    struct pyr_error *err)
{
    char *const path = rok4_path_join(batch->stage->files.directory, name);
    if (path == NULL)
        return out_of_memory(err);
    batch->paths[batch->npaths++] = path;
    return batch->npaths == PYR_MAX_OBJECTS_REMOVED ? flush_batch(batch, err)
                                                    : PYR_OK;
}

static enum pyr_result remove_unless_put(void *context, const char *name,
                                         uint64_t nbytes, struct pyr_error *err)
{
    (void)nbytes;
    struct batch *const batch = context;
    if (!rok4_written_is_slab(name) ||
        rok4_written_has(batch->stage->objects->written, name))
        return PYR_OK;
    return add_to_batch(batch, name, err);
}

static enum pyr_result remove_all_named(void *context, const char *name,
                                        uint64_t nbytes, struct pyr_error *err)
{
    (void)nbytes;
    return rok4_written_is_slab(name) ? add_to_batch(context, name, err)
                                      : PYR_OK;
}

static enum pyr_result remove_listed(struct batch *batch, const char *prefix,
                                     pyr_objects_visit visit,
                                     struct pyr_error *err)
{
    const struct rok4_stage *const stage = batch->stage;
    const struct pyr_objects *const storage = stage->objects->storage;
    struct pyr_error found = {""};
    enum pyr_result result = storage->list(
        storage->user, stage->files.directory, prefix, visit, batch, &found);
    const enum pyr_result flushed = flush_batch(batch, &found);
    if (result == PYR_OK)
        result = flushed;
    return named(result, stage->files.directory, &found, err);
}

static struct batch *new_batch(const struct rok4_stage *stage)
{
    struct batch *const batch = pyr_calloc(1, sizeof(*batch));
    if (batch != NULL)
        batch->stage = stage;
    return batch;
}

/* Of both planes, those that visit adds to a batch. */
static enum pyr_result remove_slabs(const struct rok4_stage *stage,
                                    pyr_objects_visit visit,
                                    struct pyr_error *err)
{
    struct batch *const batch = new_batch(stage);
    if (batch == NULL)
        return out_of_memory(err);
    enum pyr_result result = remove_listed(batch, "DATA_", visit, err);
    if (result == PYR_OK)
        result = remove_listed(batch, "MASK_", visit, err);
    pyr_free(batch);
    return result;
}

/* Slabs of levels that the new descriptor has no more. */
static enum pyr_result remove_dropped(const struct rok4_stage *stage,
                                      struct pyr_error *err)
{
    static const char *const planes[] = {"DATA", "MASK"};
    enum pyr_result result = PYR_OK;
    struct batch *const batch = new_batch(stage);
    if (batch == NULL)
        return out_of_memory(err);
    for (uint32_t i = 0; i < stage->state.ndropped; i++)
        for (size_t plane = 0; plane < 2 && result == PYR_OK; plane++)
        {
            char prefix[PYR_MAX_NAME_BYTES + 8];
            (void)snprintf(prefix, sizeof(prefix), "%s_%s_", planes[plane],
                           stage->state.dropped[i]);
            result = remove_listed(batch, prefix, remove_all_named, err);
        }
    pyr_free(batch);
    return result;
}

/* What the list is made of. */
struct list
{
    const struct rok4_stage *stage;
    struct rok4_lines lines;
    char *line; /* of the old list, as far as it has come */
    size_t line_nbytes;
    bool in_slabs; /* behind the roots */
};

static enum pyr_result list_name(void *context, const char *name, uint16_t root,
                                 struct pyr_error *err)
{
    struct list *const list = context;
    char number[8];
    (void)snprintf(number, sizeof(number), "%u/", (unsigned)root);
    enum pyr_result result = rok4_lines_add(&list->lines, number, err);
    if (result == PYR_OK)
        result = rok4_lines_add(&list->lines, name, err);
    return result == PYR_OK ? rok4_lines_add(&list->lines, "\n", err) : result;
}

/* Whether a slab is of a level that is dropped. */
static bool is_dropped(const struct rok4_stage *stage, const char *name)
{
    for (uint32_t i = 0; i < stage->state.ndropped; i++)
    {
        const char *const id = stage->state.dropped[i];
        const size_t nbytes = strlen(id);
        if (strlen(name) > 5 + nbytes && strncmp(name + 5, id, nbytes) == 0 &&
            name[5 + nbytes] == '_')
            return true;
    }
    return false;
}

/* A line of the old list: roots stay, slabs that were put again are told of
 * with the others. */
static enum pyr_result keep_line(struct list *list, struct pyr_error *err)
{
    const char *const slash = strchr(list->line, '/');
    if (list->in_slabs &&
        (slash == NULL || is_dropped(list->stage, slash + 1) ||
         rok4_written_has(list->stage->objects->written, slash + 1)))
        return PYR_OK;
    if (strcmp(list->line, "#") == 0)
        list->in_slabs = true;
    const enum pyr_result result =
        rok4_lines_add(&list->lines, list->line, err);
    return result == PYR_OK ? rok4_lines_add(&list->lines, "\n", err) : result;
}

static enum pyr_result take_bytes(void *context, const void *bytes,
                                  size_t nbytes, struct pyr_error *err)
{
    struct list *const list = context;
    const char *const text = bytes;
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < nbytes && result == PYR_OK; i++)
    {
        if (text[i] != '\n')
        {
            if (list->line_nbytes == PYR_MAX_PATH_BYTES)
                return pyr_fail(err, PYR_LIMIT,
                                "has a line of more than %u bytes",
                                PYR_MAX_PATH_BYTES);
            list->line[list->line_nbytes++] = text[i];
            continue;
        }
        list->line[list->line_nbytes] = '\0';
        list->line_nbytes = 0;
        result = keep_line(list, err);
    }
    return result;
}

static enum pyr_result note_name(void *context, const char *name,
                                 uint64_t nbytes, struct pyr_error *err)
{
    (void)nbytes;
    const struct rok4_stage *const stage = context;
    if (!rok4_written_is_slab(name) || is_dropped(stage, name))
        return PYR_OK;
    return rok4_written_add(stage->objects->written, name, 0, err);
}

/* Slabs that this run has not put, but that the pyramid has. */
static enum pyr_result note_listed(const struct rok4_stage *stage,
                                   struct pyr_error *err)
{
    static const char *const prefixes[] = {"DATA_", "MASK_"};
    const struct pyr_objects *const storage = stage->objects->storage;
    struct pyr_error found = {""};
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < 2 && result == PYR_OK; i++)
        result = storage->list(storage->user, stage->files.directory,
                               prefixes[i], note_name, (void *)stage, &found);
    return named(result, stage->files.directory, &found, err);
}

static enum pyr_result add_root_line(struct list *list, unsigned number,
                                     const char *root, struct pyr_error *err)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u=", number);
    enum pyr_result result = rok4_lines_add(&list->lines, text, err);
    if (result == PYR_OK)
        result = rok4_lines_add(&list->lines, root, err);
    return result == PYR_OK ? rok4_lines_add(&list->lines, "\n", err) : result;
}

static enum pyr_result add_head(struct list *list, struct pyr_error *err)
{
    const struct rok4_stage_objects *const objects = list->stage->objects;
    char *const own = rok4_place_object(list->stage->files.directory);
    enum pyr_result result =
        own != NULL ? add_root_line(list, 0, own, err) : out_of_memory(err);
    pyr_free(own);
    for (uint16_t i = 0; i < objects->nroots && result == PYR_OK; i++)
        result = add_root_line(list, i + 1u, objects->roots[i], err);
    return result == PYR_OK ? rok4_lines_add(&list->lines, "#\n", err) : result;
}

/* Of an update: the old list, with what is new. */
static enum pyr_result add_old(struct list *list, bool *out_found,
                               struct pyr_error *err)
{
    const struct rok4_stage *const stage = list->stage;
    const struct pyr_tree *const tree = stage->tree;
    struct pyr_error found = {""};
    enum pyr_result result =
        rok4_listing_is(tree, stage->files.list, out_found, err);
    if (result != PYR_OK || !*out_found)
        return result;
    list->line = pyr_malloc(PYR_MAX_PATH_BYTES + 1);
    if (list->line == NULL)
        return out_of_memory(err);
    result =
        tree->scan(tree->user, stage->files.list, take_bytes, list, &found);
    pyr_free(list->line);
    return named(result, stage->files.list, &found, err);
}

static enum pyr_result write_list(const struct rok4_stage *stage,
                                  struct pyr_error *err)
{
    struct list list = {.stage = stage};
    bool is_list = false;
    bool found = false;
    if (!stage->state.list)
    {
        enum pyr_result result = PYR_OK;
        if (stage->state.mode != ROK4_STATE_NEW)
            result =
                rok4_listing_is(stage->tree, stage->files.list, &is_list, err);
        return result == PYR_OK && is_list
                   ? remove_one(stage, stage->files.list, err)
                   : result;
    }
    enum pyr_result result = rok4_lines_begin(
        &list.lines, stage->objects->storage->out, stage->files.list, err);
    if (result == PYR_OK && stage->state.mode == ROK4_STATE_UPDATE)
        result = add_old(&list, &found, err);
    if (result == PYR_OK && !found &&
        (stage->resumed || stage->state.mode == ROK4_STATE_UPDATE))
        result = note_listed(stage, err);
    if (result == PYR_OK && !found)
        result = add_head(&list, err);
    if (result == PYR_OK)
        result =
            rok4_written_each(stage->objects->written, list_name, &list, err);
    if (result == PYR_OK)
        result = rok4_lines_commit(&list.lines, err);
    rok4_lines_clear(&list.lines);
    return result;
}

static enum pyr_result remove_each(void *context, const char *name,
                                   uint16_t root, struct pyr_error *err)
{
    (void)root;
    return add_to_batch(context, name, err);
}

/* Slabs of a pyramid that was not there before are removed. */
void rok4_stage_objects_cancel(struct rok4_stage *stage)
{
    struct pyr_error err = {""};
    struct batch *const batch = new_batch(stage);
    if (batch != NULL && stage->begun && !stage->resumed &&
        stage->state.mode == ROK4_STATE_NEW &&
        rok4_written_each(stage->objects->written, remove_each, batch, &err) ==
            PYR_OK)
        (void)(flush_batch(batch, &err) == PYR_OK);
    pyr_free(batch);
}

/* All but the descriptor. */
static enum pyr_result publish_rest(struct rok4_stage *stage,
                                    struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (stage->state.mode == ROK4_STATE_OVERWRITE && !stage->resumed)
        /* Of the old one, or of a build that was interrupted. */
        result = remove_slabs(stage, remove_unless_put, err);
    for (const struct beside *beside = stage->objects->beside;
         beside != NULL && result == PYR_OK; beside = beside->next)
        result =
            put_text(stage, beside->path, beside->text, beside->nbytes, err);
    return result == PYR_OK ? write_list(stage, err) : result;
}

enum pyr_result rok4_stage_objects_publish(struct rok4_stage *stage,
                                           const char *descriptor_text,
                                           struct pyr_error *err)
{
    enum pyr_result result = publish_rest(stage, err);
    if (result != PYR_OK)
    {
        rok4_stage_objects_cancel(stage);
        return result;
    }
    /* From here on, it may be there. */
    result = put_text(stage, stage->files.descriptor, descriptor_text,
                      strlen(descriptor_text), err);
    if (result == PYR_OK && stage->state.ndropped > 0)
        result = remove_dropped(stage, err);
    /* Its own, or that of a run that was interrupted. */
    if (result == PYR_OK &&
        (stage->objects->marked || stage->state.mode == ROK4_STATE_OVERWRITE))
        result = remove_one(stage, stage->files.state, err);
    if (result != PYR_OK)
        pyr_error_prefix(
            err,
            "publishing is not finished, which the same write "
            "again will do%s",
            stage->state.mode == ROK4_STATE_NEW ? ", with OVERWRITE=YES" : "");
    return result;
}

enum pyr_result rok4_stage_objects_remove(struct rok4_stage *stage,
                                          struct pyr_error *err)
{
    const struct pyr_objects *const storage = stage->objects->storage;
    const struct rok4_files *const files = &stage->files;
    const char *const others[] = {files->list, files->md5, files->sidecar,
                                  files->state};
    enum pyr_result result = remove_one(stage, files->descriptor, err);
    if (result == PYR_OK)
        result = storage->remove(storage->user, others, 4, err);
    return result == PYR_OK ? remove_slabs(stage, remove_all_named, err)
                            : result;
}
