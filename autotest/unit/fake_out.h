/* SPDX-License-Identifier: MIT */
/* struct pyr_out over the files of fake_files.h, which fails on demand. */
#ifndef FAKE_OUT_H
#define FAKE_OUT_H

#include "fake_files.h"
#include "pyr_out.h"

enum fake_out_op
{
    FAKE_OUT_CREATE,
    FAKE_OUT_WRITE,
    FAKE_OUT_READ,
    FAKE_OUT_COMMIT,
    FAKE_OUT_OPS
};

/* A file in the making. Only commit makes it visible. */
struct pyr_out_file
{
    char path[200];
    uint8_t *bytes;
    size_t nbytes;
    size_t room;
};

static struct fake_out
{
    pthread_mutex_t lock;
    unsigned count[FAKE_OUT_OPS]; /* operations that were asked for */
    unsigned fail[FAKE_OUT_OPS];  /* the nth from now on fails, once; 0: none */
    unsigned fail_any;            /* as fail, of all of them */
    int nopen;                    /* files in the making */
    int most_open;
    int ndurable;
    uint64_t nbytes; /* written */
    size_t largest_write;
    uint64_t nforgotten; /* bytes */
} fake_out = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void fake_out_clear(void)
{
    const struct fake_out clear = {.lock = PTHREAD_MUTEX_INITIALIZER};
    fake_out = clear;
    files_clear();
}

/* Counts down; true when it gets to 0. */
static inline bool fake_out_is_due(unsigned *count)
{
    return *count != 0 && --*count == 0;
}

/* Under the lock. */
static inline enum pyr_result fake_out_operation(enum fake_out_op op,
                                                 struct pyr_error *err)
{
    static const char *const names[] = {"create", "write", "read", "commit"};
    const bool one = fake_out_is_due(&fake_out.fail[op]);
    const bool any = fake_out_is_due(&fake_out.fail_any);
    fake_out.count[op]++;
    return one || any ? pyr_fail(err, PYR_IO, "%s failed", names[op]) : PYR_OK;
}

static enum pyr_result fake_out_create(void *user, const char *path,
                                       struct pyr_out_file **out_file,
                                       struct pyr_error *err)
{
    (void)user;
    (void)pthread_mutex_lock(&fake_out.lock);
    const enum pyr_result result = fake_out_operation(FAKE_OUT_CREATE, err);
    if (result == PYR_OK)
    {
        struct pyr_out_file *const file = calloc(1, sizeof *file);
        if (file == NULL)
            abort();
        (void)snprintf(file->path, sizeof file->path, "%s", path);
        fake_out.nopen++;
        if (fake_out.nopen > fake_out.most_open)
            fake_out.most_open = fake_out.nopen;
        *out_file = file;
    }
    (void)pthread_mutex_unlock(&fake_out.lock);
    return result;
}

static enum pyr_result fake_out_write(struct pyr_out_file *file,
                                      uint64_t offset_bytes, const void *bytes,
                                      size_t nbytes, struct pyr_error *err)
{
    const size_t end = (size_t)offset_bytes + nbytes;
    (void)pthread_mutex_lock(&fake_out.lock);
    const enum pyr_result result = fake_out_operation(FAKE_OUT_WRITE, err);
    if (result == PYR_OK && end > file->room)
    {
        const size_t room = 2 * end;
        file->bytes = realloc(file->bytes, room);
        if (file->bytes == NULL)
            abort();
        memset(file->bytes + file->room, 0, room - file->room);
        file->room = room;
    }
    if (result == PYR_OK)
    {
        if (nbytes > 0)
            memcpy(file->bytes + offset_bytes, bytes, nbytes);
        file->nbytes = end > file->nbytes ? end : file->nbytes;
        fake_out.nbytes += nbytes;
        if (nbytes > fake_out.largest_write)
            fake_out.largest_write = nbytes;
    }
    (void)pthread_mutex_unlock(&fake_out.lock);
    return result;
}

static enum pyr_result fake_out_read(struct pyr_out_file *file,
                                     uint64_t offset_bytes, void *bytes,
                                     size_t nbytes, struct pyr_error *err)
{
    (void)pthread_mutex_lock(&fake_out.lock);
    enum pyr_result result = fake_out_operation(FAKE_OUT_READ, err);
    if (result == PYR_OK && offset_bytes + nbytes > file->nbytes)
        result = pyr_fail(err, PYR_IO, "ends early");
    if (result == PYR_OK)
        memcpy(bytes, file->bytes + offset_bytes, nbytes);
    (void)pthread_mutex_unlock(&fake_out.lock);
    return result;
}

/* What was forgotten reads as something else. */
static void fake_out_forget(struct pyr_out_file *file, uint64_t offset_bytes,
                            uint64_t nbytes)
{
    (void)pthread_mutex_lock(&fake_out.lock);
    memset(file->bytes + offset_bytes, 0xEE, (size_t)nbytes);
    fake_out.nforgotten += nbytes;
    (void)pthread_mutex_unlock(&fake_out.lock);
}

static void fake_out_discard(struct pyr_out_file *file)
{
    if (file == NULL)
        return;
    (void)pthread_mutex_lock(&fake_out.lock);
    fake_out.nopen--;
    (void)pthread_mutex_unlock(&fake_out.lock);
    free(file->bytes);
    free(file);
}

static enum pyr_result fake_out_commit(struct pyr_out_file *file, bool durable,
                                       struct pyr_error *err)
{
    (void)pthread_mutex_lock(&fake_out.lock);
    const enum pyr_result result = fake_out_operation(FAKE_OUT_COMMIT, err);
    if (result == PYR_OK)
    {
        (void)pthread_mutex_lock(&files.lock);
        files_add_bytes(file->path,
                        file->bytes != NULL ? file->bytes : (const void *)"",
                        file->nbytes);
        (void)pthread_mutex_unlock(&files.lock);
        fake_out.ndurable += durable;
    }
    (void)pthread_mutex_unlock(&fake_out.lock);
    fake_out_discard(file);
    return result;
}

/* Safe from many threads. */
static inline struct pyr_out fake_out_hook(void)
{
    const struct pyr_out out = {.create = fake_out_create,
                                .write = fake_out_write,
                                .read = fake_out_read,
                                .forget = fake_out_forget,
                                .commit = fake_out_commit,
                                .discard = fake_out_discard};
    return out;
}

#endif
