/* SPDX-License-Identifier: MIT */
/* Real files behind struct pyr_tree and struct pyr_out, for one thread. */
#ifndef POSIX_TREE_H
#define POSIX_TREE_H

#include "pyr_alloc.h"
#include "pyr_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define POSIX_PATH_BYTES 600

struct pyr_out_file
{
    int descriptor;
    char path[POSIX_PATH_BYTES];
    char part[POSIX_PATH_BYTES + 20];
};

struct pyr_lock
{
    int descriptor;
    char path[POSIX_PATH_BYTES];
};

static inline enum pyr_result posix_fail(struct pyr_error *err)
{
    const bool absent = errno == ENOENT || errno == ENOTDIR;
    return pyr_fail(err, absent ? PYR_NOT_FOUND : PYR_IO, "%s",
                    strerror(errno));
}

static inline enum pyr_result posix_done(int result, struct pyr_error *err)
{
    return result == 0 ? PYR_OK : posix_fail(err);
}

static inline void posix_parent(const char *path, char *parent)
{
    (void)snprintf(parent, POSIX_PATH_BYTES, "%s", path);
    char *const slash = strrchr(parent, '/');
    if (slash == NULL)
        (void)snprintf(parent, POSIX_PATH_BYTES, ".");
    else
        slash[slash == parent] = '\0';
}

static enum pyr_result posix_mkdirs(void *user, const char *path,
                                    struct pyr_error *err)
{
    char parent[POSIX_PATH_BYTES];
    struct stat info;
    if (mkdir(path, 0777) == 0)
        return PYR_OK;
    if (errno == ENOENT)
    {
        posix_parent(path, parent);
        const enum pyr_result result = posix_mkdirs(user, parent, err);
        return result == PYR_OK ? posix_done(mkdir(path, 0777), err) : result;
    }
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return PYR_OK;
    return pyr_fail(err, PYR_IO, "cannot be made");
}

static enum pyr_result posix_create(void *user, const char *path,
                                    struct pyr_out_file **out_file,
                                    struct pyr_error *err)
{
    char parent[POSIX_PATH_BYTES];
    struct pyr_out_file *const file = malloc(sizeof *file);
    if (file == NULL)
        abort();
    posix_parent(path, parent);
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    const char *const slash = strrchr(path, '/');
    (void)snprintf(file->part, sizeof file->part, "%s/.%s%s%p", parent,
                   slash != NULL ? slash + 1 : path, PYR_TREE_PART_MARK,
                   (void *)file);
    enum pyr_result result = posix_mkdirs(user, parent, err);
    file->descriptor = open(file->part, O_CREAT | O_TRUNC | O_RDWR, 0666);
    if (result == PYR_OK && file->descriptor < 0)
        result = posix_fail(err);
    if (result != PYR_OK)
    {
        free(file);
        return result == PYR_NOT_FOUND ? PYR_IO : result;
    }
    *out_file = file;
    return PYR_OK;
}

static enum pyr_result posix_write(struct pyr_out_file *file,
                                   uint64_t offset_bytes, const void *bytes,
                                   size_t nbytes, struct pyr_error *err)
{
    if (pwrite(file->descriptor, bytes, nbytes, (off_t)offset_bytes) ==
        (ssize_t)nbytes)
        return PYR_OK;
    return pyr_fail(err, PYR_IO, "cannot be written");
}

static enum pyr_result posix_read(struct pyr_out_file *file,
                                  uint64_t offset_bytes, void *bytes,
                                  size_t nbytes, struct pyr_error *err)
{
    if (pread(file->descriptor, bytes, nbytes, (off_t)offset_bytes) ==
        (ssize_t)nbytes)
        return PYR_OK;
    return pyr_fail(err, PYR_IO, "cannot be read");
}

static enum pyr_result posix_commit(struct pyr_out_file *file, bool durable,
                                    struct pyr_error *err)
{
    (void)durable;
    close(file->descriptor);
    enum pyr_result result = posix_done(rename(file->part, file->path), err);
    if (result != PYR_OK)
        unlink(file->part);
    free(file);
    return result == PYR_NOT_FOUND ? PYR_IO : result;
}

static void posix_discard(struct pyr_out_file *file)
{
    if (file == NULL)
        return;
    close(file->descriptor);
    unlink(file->part);
    free(file);
}

static enum pyr_result posix_kind(void *user, const char *path,
                                  enum pyr_entry *out_kind,
                                  struct pyr_error *err)
{
    struct stat info;
    (void)user;
    if (lstat(path, &info) != 0)
    {
        *out_kind = PYR_ENTRY_ABSENT;
        return errno == ENOENT || errno == ENOTDIR ? PYR_OK : posix_fail(err);
    }
    *out_kind = S_ISREG(info.st_mode)   ? PYR_ENTRY_FILE
                : S_ISDIR(info.st_mode) ? PYR_ENTRY_DIRECTORY
                : S_ISLNK(info.st_mode) ? PYR_ENTRY_LINK
                                        : PYR_ENTRY_OTHER;
    return PYR_OK;
}

static inline int posix_compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static enum pyr_result posix_list(void *user, const char *path,
                                  pyr_tree_visit visit, void *context,
                                  struct pyr_error *err)
{
    char full[2 * POSIX_PATH_BYTES];
    char *names[200];
    size_t count = 0;
    enum pyr_result result = PYR_OK;
    DIR *const directory = opendir(path);
    if (directory == NULL)
        return posix_fail(err);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
        {
            if (count == sizeof names / sizeof names[0])
                abort();
            names[count] = malloc(strlen(entry->d_name) + 1);
            if (names[count] == NULL)
                abort();
            memcpy(names[count++], entry->d_name, strlen(entry->d_name) + 1);
        }
    closedir(directory);
    qsort(names, count, sizeof names[0], posix_compare);
    for (size_t i = 0; i < count; i++)
    {
        enum pyr_entry kind = PYR_ENTRY_ABSENT;
        (void)snprintf(full, sizeof full, "%s/%s", path, names[i]);
        if (result == PYR_OK)
            result = posix_kind(user, full, &kind, err);
        if (result == PYR_OK)
            result = visit(context, names[i], kind, err);
        free(names[i]);
    }
    return result;
}

static enum pyr_result posix_rename(void *user, const char *from,
                                    const char *to, struct pyr_error *err)
{
    (void)user;
    return posix_done(rename(from, to), err);
}

static enum pyr_result posix_unlink(void *user, const char *path,
                                    struct pyr_error *err)
{
    (void)user;
    return posix_done(unlink(path), err);
}

static enum pyr_result posix_rmdir(void *user, const char *path,
                                   struct pyr_error *err)
{
    (void)user;
    if (rmdir(path) == 0)
        return PYR_OK;
    return errno == ENOTEMPTY ? pyr_fail(err, PYR_USAGE, "is not empty")
                              : posix_fail(err);
}

static inline enum pyr_result posix_text(const char *text, size_t nbytes,
                                         char **out_text, struct pyr_error *err)
{
    char *const copy = pyr_strndup(text, nbytes);
    if (copy == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    *out_text = copy;
    return PYR_OK;
}

static enum pyr_result posix_readlink(void *user, const char *path,
                                      char **out_target, struct pyr_error *err)
{
    char target[POSIX_PATH_BYTES];
    (void)user;
    const ssize_t nbytes = readlink(path, target, sizeof target);
    return nbytes >= 0 ? posix_text(target, (size_t)nbytes, out_target, err)
                       : posix_fail(err);
}

static enum pyr_result posix_realpath(void *user, const char *path,
                                      char **out_path, struct pyr_error *err)
{
    char *const found = realpath(path, NULL);
    (void)user;
    if (found == NULL)
        return posix_fail(err);
    const enum pyr_result result =
        posix_text(found, strlen(found), out_path, err);
    free(found);
    return result;
}

static enum pyr_result posix_symlink(void *user, const char *target,
                                     const char *path, struct pyr_error *err)
{
    (void)user;
    return posix_done(symlink(target, path), err);
}

static enum pyr_result posix_hardlink(void *user, const char *from,
                                      const char *path, struct pyr_error *err)
{
    (void)user;
    return posix_done(link(from, path), err);
}

static enum pyr_result posix_lock(void *user, const char *path,
                                  struct pyr_lock **out_lock,
                                  struct pyr_error *err)
{
    (void)user;
    const int descriptor = open(path, O_CREAT | O_RDWR, 0666);
    if (descriptor < 0)
        return pyr_fail(err, PYR_IO, "%s", strerror(errno));
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    {
        close(descriptor);
        return pyr_fail(err, PYR_USAGE, "is being written by another process");
    }
    struct pyr_lock *const lock = malloc(sizeof *lock);
    if (lock == NULL)
        abort();
    lock->descriptor = descriptor;
    (void)snprintf(lock->path, sizeof lock->path, "%s", path);
    *out_lock = lock;
    return PYR_OK;
}

static void posix_unlock(struct pyr_lock *lock)
{
    unlink(lock->path);
    close(lock->descriptor);
    free(lock);
}

static enum pyr_result posix_sync(void *user, const char *path,
                                  struct pyr_error *err)
{
    (void)user;
    return posix_done(access(path, F_OK), err);
}

static enum pyr_result posix_scan(void *user, const char *path,
                                  pyr_tree_consume consume, void *context,
                                  struct pyr_error *err)
{
    char bytes[1000];
    enum pyr_result result = PYR_OK;
    size_t nbytes = sizeof bytes;
    (void)user;
    FILE *const file = fopen(path, "rb");
    if (file == NULL)
        return posix_fail(err);
    while (result == PYR_OK && nbytes == sizeof bytes)
    {
        nbytes = fread(bytes, 1, sizeof bytes, file);
        if (nbytes > 0)
            result = consume(context, bytes, nbytes, err);
    }
    (void)fclose(file);
    return result;
}

static enum pyr_result posix_load(void *user, const char *path,
                                  size_t max_bytes, char **out_text,
                                  size_t *out_nbytes, struct pyr_error *err)
{
    char bytes[8000];
    (void)user;
    FILE *const file = fopen(path, "rb");
    if (file == NULL)
        return posix_fail(err);
    *out_nbytes = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    if (*out_nbytes > max_bytes || *out_nbytes == sizeof bytes)
        return pyr_fail(err, PYR_LIMIT, "is too long");
    return posix_text(bytes, *out_nbytes, out_text, err);
}

static const struct pyr_out posix_out = {.create = posix_create,
                                         .write = posix_write,
                                         .read = posix_read,
                                         .commit = posix_commit,
                                         .discard = posix_discard};

static const struct pyr_tree posix_tree = {.out = &posix_out,
                                           .kind = posix_kind,
                                           .list = posix_list,
                                           .rename = posix_rename,
                                           .unlink = posix_unlink,
                                           .rmdir = posix_rmdir,
                                           .mkdirs = posix_mkdirs,
                                           .readlink = posix_readlink,
                                           .realpath = posix_realpath,
                                           .symlink = posix_symlink,
                                           .hardlink = posix_hardlink,
                                           .lock = posix_lock,
                                           .unlock = posix_unlock,
                                           .sync = posix_sync,
                                           .sync_directory = posix_sync,
                                           .load = posix_load,
                                           .scan = posix_scan};

#endif
