/* SPDX-License-Identifier: MIT */
/* Files in memory behind struct pyr_io, and a record of what is asked for. */
#ifndef FAKE_FILES_H
#define FAKE_FILES_H

#include "pyr_alloc.h"
#include "pyr_io.h"

#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#define FILES_MAX 400
#define FILES_LOG_BYTES 4000

struct pyr_file
{
    char path[200];
    uint8_t *bytes;
    size_t nbytes;
    enum pyr_result state; /* other than PYR_OK: what opening it gives */
};

static struct files
{
    struct pyr_file file[FILES_MAX];
    size_t count;
    char log[FILES_LOG_BYTES]; /* "load PATH\n", "open PATH\n" */
    int nopen;
    pthread_mutex_t lock; /* over what the functions of pyr_io change */
} files = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void files_note(const char *what, const char *path)
{
    (void)pthread_mutex_lock(&files.lock);
    const size_t used = strlen(files.log);
    (void)snprintf(files.log + used, sizeof files.log - used, "%s %s\n", what,
                   path);
    (void)pthread_mutex_unlock(&files.lock);
}

/* The log since the last call is this. */
#define FILES_LOG(expected)                                                    \
    do                                                                         \
    {                                                                          \
        CHECK_STR(files.log, expected);                                        \
        files.log[0] = '\0';                                                   \
    }                                                                          \
    while (0)

static inline struct pyr_file *files_find(const char *path)
{
    for (size_t i = 0; i < files.count; i++)
        if (strcmp(files.file[i].path, path) == 0)
            return &files.file[i];
    return NULL;
}

/* Puts a file at the path, in the place of one that stands there. */
static inline void files_add_bytes(const char *path, const void *bytes,
                                   size_t nbytes)
{
    struct pyr_file *file = files_find(path);
    if (file != NULL)
        free(file->bytes);
    else
        file = &files.file[files.count++];
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    file->bytes = malloc(nbytes + 1);
    if (file->bytes == NULL || files.count == FILES_MAX)
        abort();
    memcpy(file->bytes, bytes, nbytes);
    file->nbytes = nbytes;
    file->state = PYR_OK;
}

static inline void files_add(const char *path, const char *text)
{
    files_add_bytes(path, text, strlen(text));
}

static inline void files_add_broken(const char *path, enum pyr_result state)
{
    files_add(path, "");
    files.file[files.count - 1].state = state;
}

static inline void files_clear(void)
{
    for (size_t i = 0; i < files.count; i++)
        free(files.file[i].bytes);
    files.count = 0;
    files.log[0] = '\0';
}

static inline enum pyr_result
files_get(const char *path, struct pyr_file **out_file, struct pyr_error *err)
{
    struct pyr_file *const file = files_find(path);
    if (file == NULL)
        return pyr_fail(err, PYR_NOT_FOUND, "does not exist");
    if (file->state != PYR_OK)
        return pyr_fail(err, file->state, "cannot be opened");
    *out_file = file;
    return PYR_OK;
}

static enum pyr_result files_load(void *user, const char *path,
                                  size_t max_bytes, char **out_text,
                                  size_t *out_nbytes, struct pyr_error *err)
{
    struct pyr_file *file = NULL;
    (void)user;
    files_note("load", path);
    const enum pyr_result result = files_get(path, &file, err);
    if (result != PYR_OK)
        return result;
    if (file->nbytes > max_bytes)
        return pyr_fail(err, PYR_LIMIT, "is too long");
    char *const text = pyr_strndup((const char *)file->bytes, file->nbytes);
    if (text == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    *out_text = text;
    *out_nbytes = file->nbytes;
    return PYR_OK;
}

static enum pyr_result files_open(void *user, const char *path,
                                  struct pyr_file **out_file,
                                  struct pyr_error *err)
{
    (void)user;
    files_note("open", path);
    (void)pthread_mutex_lock(&files.lock);
    const enum pyr_result result = files_get(path, out_file, err);
    files.nopen += result == PYR_OK;
    (void)pthread_mutex_unlock(&files.lock);
    return result;
}

static void files_close(struct pyr_file *file)
{
    (void)file;
    (void)pthread_mutex_lock(&files.lock);
    files.nopen--;
    (void)pthread_mutex_unlock(&files.lock);
}

static uint64_t files_size(const struct pyr_file *file)
{
    return file->nbytes;
}

static uint64_t files_stamp(const struct pyr_file *file)
{
    return 1 + (uint64_t)(file - files.file);
}

static bool files_unchanged(const struct pyr_file *file)
{
    (void)file;
    return true;
}

static enum pyr_result files_read(struct pyr_file *file, size_t nranges,
                                  const struct pyr_extent *ranges,
                                  uint8_t *const *buffers,
                                  struct pyr_error *err)
{
    for (size_t i = 0; i < nranges; i++)
    {
        if (ranges[i].offset_bytes + ranges[i].nbytes > file->nbytes)
            return pyr_fail(err, PYR_CORRUPT, "ends early");
        memcpy(buffers[i], file->bytes + ranges[i].offset_bytes,
               (size_t)ranges[i].nbytes);
    }
    return PYR_OK;
}

/* Reading is safe from many threads while no file is replaced. */
static inline struct pyr_io files_io(void)
{
    const struct pyr_io io = {.open = files_open,
                              .close = files_close,
                              .size = files_size,
                              .stamp = files_stamp,
                              .unchanged = files_unchanged,
                              .read = files_read,
                              .load = files_load};
    return io;
}

#endif
