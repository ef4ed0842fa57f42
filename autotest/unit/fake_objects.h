/* SPDX-License-Identifier: MIT */
/* An object storage in memory behind struct pyr_objects and struct pyr_tree,
 * which fails, or dies, at a chosen operation. */
#ifndef FAKE_OBJECTS_H
#define FAKE_OBJECTS_H

#include "pyr_alloc.h"
#include "pyr_tree.h"

#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#define STORE_MAX 8000
#define STORE_LOOK_BYTES 40000
#define STORE_LOG_BYTES 20000
#define STORE_PATH_BYTES 200

struct stored
{
    char path[STORE_PATH_BYTES];
    char *bytes;
    size_t nbytes;
};

/* What is done with a storage. */
enum store_op
{
    STORE_PUT,
    STORE_REMOVE,
    STORE_COPY,
    STORE_EXISTS,
    STORE_LIST,
    STORE_LOAD,
    STORE_SCAN,
    STORE_OPS
};

static struct store
{
    pthread_mutex_t lock;
    struct stored objects[STORE_MAX]; /* by path */
    size_t count;
    bool logs;
    char log[STORE_LOG_BYTES]; /* "put PATH\n", "remove PATH\n" */
    unsigned long nops;
    unsigned long fail_at; /* number of the operation that fails; 0: none */
    bool dies;             /* all that follow fail, too */
    bool dead;
    bool late;                       /* what fails is done all the same */
    enum pyr_result fail[STORE_OPS]; /* what all of them give */
    const char *fail_path;           /* those of it, where it is not NULL */
    bool sizes_unknown;              /* to those that list */
    bool copies;                     /* objects within the storage */
    size_t largest_removal;
    int nfiles; /* being written */
} store = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void store_clear(void)
{
    const struct store fresh = {.lock = PTHREAD_MUTEX_INITIALIZER};
    CHECK_INT(store.nfiles, 0);
    for (size_t i = 0; i < store.count; i++)
        free(store.objects[i].bytes);
    store = fresh;
}

/* What fails from now on. */
static inline void store_fail_at(unsigned long number, bool dies, bool late)
{
    store.nops = 0;
    store.fail_at = number;
    store.dies = dies;
    store.dead = false;
    store.late = late;
}

/* The place of an object, or where it belongs. */
static inline size_t store_place(const char *path)
{
    size_t first = 0;
    size_t end = store.count;
    while (first < end)
    {
        const size_t middle = (first + end) / 2;
        if (strcmp(store.objects[middle].path, path) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static inline struct stored *store_find(const char *path)
{
    const size_t at = store_place(path);
    return at < store.count && strcmp(store.objects[at].path, path) == 0
               ? &store.objects[at]
               : NULL;
}

static inline void store_put_bytes(const char *path, const void *bytes,
                                   size_t nbytes)
{
    struct stored *object = store_find(path);
    if (object == NULL)
    {
        const size_t at = store_place(path);
        if (store.count == STORE_MAX || strlen(path) >= STORE_PATH_BYTES)
            abort();
        object = &store.objects[at];
        memmove(object + 1, object, (store.count++ - at) * sizeof *object);
        (void)snprintf(object->path, sizeof object->path, "%s", path);
        object->bytes = NULL;
    }
    free(object->bytes);
    object->bytes = malloc(nbytes + 1);
    if (object->bytes == NULL)
        abort();
    if (nbytes > 0)
        memcpy(object->bytes, bytes, nbytes);
    object->bytes[nbytes] = '\0';
    object->nbytes = nbytes;
}

static inline void store_put(const char *path, const char *text)
{
    store_put_bytes(path, text, strlen(text));
}

static inline void store_drop(const char *path)
{
    struct stored *const object = store_find(path);
    if (object == NULL)
        return;
    free(object->bytes);
    memmove(object, object + 1,
            (size_t)(store.objects + --store.count - object) * sizeof *object);
}

/* Text of an object, "" where it is not there. */
static inline const char *store_text(const char *path)
{
    const struct stored *const object = store_find(path);
    return object != NULL ? object->bytes : "";
}

/* All that is there: "PATH: TEXT\n", with '|' for the ends of its lines. */
static inline void store_look(char look[STORE_LOOK_BYTES])
{
    size_t used = 0;
    look[0] = '\0';
    for (size_t i = 0; i < store.count; i++)
    {
        const struct stored *const object = &store.objects[i];
        used += (size_t)snprintf(look + used, STORE_LOOK_BYTES - used,
                                 "%s: %s\n", object->path, object->bytes);
        if (used >= STORE_LOOK_BYTES)
            abort();
        for (char *at = look + used - object->nbytes - 1; at[1] != '\0'; at++)
            if (*at == '\n')
                *at = '|';
    }
}

static inline void store_note(const char *what, const char *path)
{
    const size_t used = strlen(store.log);
    if (store.logs)
        (void)snprintf(store.log + used, sizeof store.log - used, "%s %s\n",
                       what, path);
}

/* Under the lock. Counts an operation; *out_does: it is done. */
static inline enum pyr_result store_operation(enum store_op op,
                                              const char *path, bool *out_does,
                                              struct pyr_error *err)
{
    const enum pyr_result kind = store.fail[op];
    const bool meant =
        store.fail_path == NULL || strstr(path, store.fail_path) != NULL;
    *out_does = true;
    if (kind != PYR_OK && meant)
    {
        *out_does = false;
        return pyr_fail(err, kind, "fails always");
    }
    if (++store.nops != store.fail_at && !store.dead)
        return PYR_OK;
    *out_does = store.late && !store.dead;
    store.dead = store.dead || store.dies;
    return pyr_fail(err, PYR_IO, "fails as told");
}

/* An object in the making. */
struct pyr_out_file
{
    char path[STORE_PATH_BYTES];
    char *bytes;
    size_t nbytes;
};

static enum pyr_result store_create(void *user, const char *path,
                                    struct pyr_out_file **out_file,
                                    struct pyr_error *err)
{
    struct pyr_out_file *const file = calloc(1, sizeof *file);
    (void)user;
    (void)err;
    if (file == NULL)
        abort();
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    (void)pthread_mutex_lock(&store.lock);
    store.nfiles++;
    (void)pthread_mutex_unlock(&store.lock);
    *out_file = file;
    return PYR_OK;
}

static enum pyr_result store_write(struct pyr_out_file *file,
                                   uint64_t offset_bytes, const void *bytes,
                                   size_t nbytes, struct pyr_error *err)
{
    const size_t end = (size_t)offset_bytes + nbytes;
    (void)err;
    if (end > file->nbytes)
    {
        file->bytes = realloc(file->bytes, end + 1);
        if (file->bytes == NULL)
            abort();
        memset(file->bytes + file->nbytes, 0, end - file->nbytes);
        file->nbytes = end;
    }
    if (nbytes > 0)
        memcpy(file->bytes + offset_bytes, bytes, nbytes);
    return PYR_OK;
}

static enum pyr_result store_read(struct pyr_out_file *file,
                                  uint64_t offset_bytes, void *bytes,
                                  size_t nbytes, struct pyr_error *err)
{
    if (offset_bytes + nbytes > file->nbytes)
        return pyr_fail(err, PYR_IO, "ends early");
    memcpy(bytes, file->bytes + offset_bytes, nbytes);
    return PYR_OK;
}

static void store_discard(struct pyr_out_file *file)
{
    if (file == NULL)
        return;
    (void)pthread_mutex_lock(&store.lock);
    store.nfiles--;
    (void)pthread_mutex_unlock(&store.lock);
    free(file->bytes);
    free(file);
}

static enum pyr_result store_commit(struct pyr_out_file *file, bool durable,
                                    struct pyr_error *err)
{
    bool does = false;
    (void)durable;
    (void)pthread_mutex_lock(&store.lock);
    const enum pyr_result result =
        store_operation(STORE_PUT, file->path, &does, err);
    if (does)
    {
        store_put_bytes(file->path, file->bytes, file->nbytes);
        store_note("put", file->path);
    }
    (void)pthread_mutex_unlock(&store.lock);
    store_discard(file);
    return result;
}

static enum pyr_result store_exists(void *user, const char *path,
                                    bool *out_exists, struct pyr_error *err)
{
    bool does = false;
    (void)user;
    (void)pthread_mutex_lock(&store.lock);
    const enum pyr_result result =
        store_operation(STORE_EXISTS, path, &does, err);
    *out_exists = store_find(path) != NULL;
    store_note("exists", path);
    (void)pthread_mutex_unlock(&store.lock);
    return result;
}

struct store_listed
{
    char name[STORE_PATH_BYTES];
    uint64_t nbytes;
};

/* A storage that fails tells some names before. */
static enum pyr_result store_list(void *user, const char *directory,
                                  const char *prefix, pyr_objects_visit visit,
                                  void *context, struct pyr_error *err)
{
    char start[2 * STORE_PATH_BYTES];
    bool does = false;
    size_t count = 0;
    (void)user;
    (void)snprintf(start, sizeof start, "%s/%s", directory, prefix);
    (void)pthread_mutex_lock(&store.lock);
    enum pyr_result failed = store_operation(STORE_LIST, start, &does, err);
    store_note("list", start);
    struct store_listed *const found = calloc(store.count + 1, sizeof *found);
    if (found == NULL)
        abort();
    for (size_t i = 0; i < store.count; i++)
    {
        const struct stored *const object = &store.objects[i];
        const char *const name = object->path + strlen(directory) + 1;
        if (strncmp(object->path, start, strlen(start)) != 0 ||
            strchr(name, '/') != NULL)
            continue;
        (void)snprintf(found[count].name, sizeof found[count].name, "%s", name);
        found[count++].nbytes =
            store.sizes_unknown ? UINT64_MAX : object->nbytes;
    }
    (void)pthread_mutex_unlock(&store.lock);
    if (failed != PYR_OK)
        count /= 2;
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < count && result == PYR_OK; i++)
        result = visit(context, found[i].name, found[i].nbytes, err);
    free(found);
    return result != PYR_OK   ? result
           : failed != PYR_OK ? pyr_fail(err, failed, "cannot be listed")
                              : PYR_OK;
}

static enum pyr_result store_remove(void *user, const char *const *paths,
                                    size_t npaths, struct pyr_error *err)
{
    bool does = false;
    (void)user;
    CHECK(npaths >= 1 && npaths <= PYR_MAX_OBJECTS_REMOVED);
    (void)pthread_mutex_lock(&store.lock);
    const enum pyr_result result =
        store_operation(STORE_REMOVE, paths[0], &does, err);
    if (npaths > store.largest_removal)
        store.largest_removal = npaths;
    for (size_t i = 0; i < npaths && does; i++)
    {
        store_note("remove", paths[i]);
        store_drop(paths[i]);
    }
    (void)pthread_mutex_unlock(&store.lock);
    return result;
}

static enum pyr_result store_copy(void *user, const char *from, const char *to,
                                  uint64_t nbytes, struct pyr_error *err)
{
    bool does = false;
    (void)user;
    (void)nbytes;
    if (!store.copies)
        return pyr_fail(err, PYR_UNSUPPORTED, "is not copied by its storage");
    (void)pthread_mutex_lock(&store.lock);
    const enum pyr_result result =
        store_operation(STORE_COPY, from, &does, err);
    const struct stored *const object = store_find(from);
    char *const bytes = object != NULL ? malloc(object->nbytes + 1) : NULL;
    if (bytes != NULL && does)
    {
        const size_t size = object->nbytes;
        memcpy(bytes, object->bytes, size);
        store_put_bytes(to, bytes, size);
        store_note("copy", to);
    }
    free(bytes);
    (void)pthread_mutex_unlock(&store.lock);
    return result;
}

static enum pyr_result store_load(void *user, const char *path,
                                  size_t max_bytes, char **out_text,
                                  size_t *out_nbytes, struct pyr_error *err)
{
    bool does = false;
    (void)user;
    (void)pthread_mutex_lock(&store.lock);
    enum pyr_result result = store_operation(STORE_LOAD, path, &does, err);
    const struct stored *const object = store_find(path);
    store_note("load", path);
    if (result == PYR_OK && object == NULL)
        result = pyr_fail(err, PYR_NOT_FOUND, "does not exist");
    else if (result == PYR_OK && object->nbytes > max_bytes)
        result = pyr_fail(err, PYR_LIMIT, "is too long");
    else if (result == PYR_OK)
    {
        *out_text = pyr_strndup(object->bytes, object->nbytes);
        *out_nbytes = object->nbytes;
        if (*out_text == NULL)
            result = pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    (void)pthread_mutex_unlock(&store.lock);
    return result;
}

/* In pieces of 7 bytes. */
static enum pyr_result store_scan(void *user, const char *path,
                                  pyr_tree_consume consume, void *context,
                                  struct pyr_error *err)
{
    bool does = false;
    (void)user;
    enum pyr_result result = store_operation(STORE_SCAN, path, &does, err);
    const struct stored *const object = store_find(path);
    store_note("scan", path);
    if (result == PYR_OK && object == NULL)
        result = pyr_fail(err, PYR_NOT_FOUND, "does not exist");
    for (size_t at = 0; result == PYR_OK && at < object->nbytes; at += 7)
        result =
            consume(context, object->bytes + at,
                    object->nbytes - at < 7 ? object->nbytes - at : 7, err);
    return result;
}

static enum pyr_result store_kind(void *user, const char *path,
                                  enum pyr_entry *out_kind,
                                  struct pyr_error *err)
{
    bool exists = false;
    const enum pyr_result result = store_exists(user, path, &exists, err);
    *out_kind = exists ? PYR_ENTRY_FILE : PYR_ENTRY_ABSENT;
    return result;
}

static const struct pyr_out store_out = {.create = store_create,
                                         .write = store_write,
                                         .read = store_read,
                                         .commit = store_commit,
                                         .discard = store_discard};

static const struct pyr_objects store_objects = {.out = &store_out,
                                                 .exists = store_exists,
                                                 .list = store_list,
                                                 .remove = store_remove,
                                                 .copy = store_copy,
                                                 .load = store_load};

/* Paths on the storage begin with "/vsis3/". */
static const struct pyr_objects *store_at(void *user, const char *path)
{
    (void)user;
    return strncmp(path, "/vsis3/", 7) == 0 ? &store_objects : NULL;
}

/* Of struct pyr_tree, what there is of it for objects. */
static const struct pyr_tree store_tree = {.out = &store_out,
                                           .objects_at = store_at,
                                           .kind = store_kind,
                                           .load = store_load,
                                           .scan = store_scan};

#endif
