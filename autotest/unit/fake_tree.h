/* SPDX-License-Identifier: MIT */
/* A pyr_tree that fails, or dies, at a chosen change of the storage. */
#ifndef FAKE_TREE_H
#define FAKE_TREE_H

#include "posix_tree.h"

/* Wraps the real one. */
static struct fake_tree
{
    unsigned long nchanges; /* so far */
    unsigned long fail_at;  /* number of the change that fails; 0 for none */
    bool dies;              /* all that follow fail too, and clean nothing up */
    bool dead;
    int nfiles; /* being written */
    int nlocks;
} fake_tree;

static inline void fake_tree_reset(unsigned long fail_at, bool dies)
{
    const struct fake_tree fresh = {.fail_at = fail_at, .dies = dies};
    CHECK_INT(fake_tree.nfiles, 0);
    CHECK_INT(fake_tree.nlocks, 0);
    fake_tree = fresh;
}

/* Whether the next change may be made. */
static inline enum pyr_result fake_change(struct pyr_error *err)
{
    fake_tree.nchanges++;
    if (fake_tree.dead || fake_tree.nchanges == fake_tree.fail_at)
    {
        fake_tree.dead = fake_tree.dies;
        return pyr_fail(err, PYR_IO, "fails as told");
    }
    return PYR_OK;
}

static enum pyr_result fake_create(void *user, const char *path,
                                   struct pyr_out_file **out_file,
                                   struct pyr_error *err)
{
    enum pyr_result result = fake_change(err);
    if (result == PYR_OK)
        result = posix_create(user, path, out_file, err);
    fake_tree.nfiles += result == PYR_OK;
    return result;
}

static enum pyr_result fake_write(struct pyr_out_file *file,
                                  uint64_t offset_bytes, const void *bytes,
                                  size_t nbytes, struct pyr_error *err)
{
    const enum pyr_result result = fake_change(err);
    return result == PYR_OK
               ? posix_write(file, offset_bytes, bytes, nbytes, err)
               : result;
}

/* What a process leaves that dies. */
static inline void fake_leave_part(struct pyr_out_file *file)
{
    close(file->descriptor);
    free(file);
}

static void fake_discard(struct pyr_out_file *file)
{
    fake_tree.nfiles -= file != NULL;
    if (file != NULL && fake_tree.dead)
        fake_leave_part(file);
    else
        posix_discard(file);
}

static enum pyr_result fake_commit(struct pyr_out_file *file, bool durable,
                                   struct pyr_error *err)
{
    const enum pyr_result result = fake_change(err);
    if (result != PYR_OK)
    {
        fake_discard(file);
        return result;
    }
    fake_tree.nfiles--;
    return posix_commit(file, durable, err);
}

#define FAKE_CHANGE(call)                                                      \
    const enum pyr_result result = fake_change(err);                           \
    return result == PYR_OK ? (call) : result

static enum pyr_result fake_rename(void *user, const char *from, const char *to,
                                   struct pyr_error *err)
{
    FAKE_CHANGE(posix_rename(user, from, to, err));
}

static enum pyr_result fake_unlink(void *user, const char *path,
                                   struct pyr_error *err)
{
    FAKE_CHANGE(posix_unlink(user, path, err));
}

static enum pyr_result fake_rmdir(void *user, const char *path,
                                  struct pyr_error *err)
{
    FAKE_CHANGE(posix_rmdir(user, path, err));
}

static enum pyr_result fake_mkdirs(void *user, const char *path,
                                   struct pyr_error *err)
{
    FAKE_CHANGE(posix_mkdirs(user, path, err));
}

static enum pyr_result fake_symlink(void *user, const char *target,
                                    const char *path, struct pyr_error *err)
{
    FAKE_CHANGE(posix_symlink(user, target, path, err));
}

static enum pyr_result fake_sync(void *user, const char *path,
                                 struct pyr_error *err)
{
    FAKE_CHANGE(posix_sync(user, path, err));
}

static enum pyr_result fake_lock(void *user, const char *path,
                                 struct pyr_lock **out_lock,
                                 struct pyr_error *err)
{
    enum pyr_result result = fake_change(err);
    if (result == PYR_OK)
        result = posix_lock(user, path, out_lock, err);
    fake_tree.nlocks += result == PYR_OK;
    return result;
}

/* The lock of a process that dies is free, and its file stays. */
static void fake_unlock(struct pyr_lock *lock)
{
    fake_tree.nlocks--;
    if (!fake_tree.dead)
    {
        posix_unlock(lock);
        return;
    }
    close(lock->descriptor);
    free(lock);
}

static inline struct pyr_tree fake_tree_make(void)
{
    static struct pyr_out out;
    struct pyr_tree tree = posix_tree;
    out = posix_out;
    out.create = fake_create;
    out.write = fake_write;
    out.commit = fake_commit;
    out.discard = fake_discard;
    tree.out = &out;
    tree.rename = fake_rename;
    tree.unlink = fake_unlink;
    tree.rmdir = fake_rmdir;
    tree.mkdirs = fake_mkdirs;
    tree.symlink = fake_symlink;
    tree.lock = fake_lock;
    tree.unlock = fake_unlock;
    tree.sync = fake_sync;
    tree.sync_directory = fake_sync;
    return tree;
}

#endif
