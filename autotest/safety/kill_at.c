/* SPDX-License-Identifier: MIT */
/* Preloaded: kills the process, or makes a call fail, at the nth call that
 * changes files below a directory. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#undef open
#undef open64
#undef fopen
#undef fopen64
#undef pwrite
#undef pwrite64

/* Kinds of calls: their letters, in the log too. */
#define KIND_OPEN 'o'  /* of a file that is made */
#define KIND_WRITE 'w' /* write, pwrite, fwrite, ftruncate */
#define KIND_RENAME 'r'
#define KIND_UNLINK 'u'
#define KIND_LINK 'l' /* link, symlink */
#define KIND_MKDIR 'm'
#define KIND_RMDIR 'd'
#define KIND_SYNC 's' /* fsync, fdatasync, syncfs */

enum action
{
    ACTION_COUNT = 0,
    ACTION_KILL,      /* instead of the call */
    ACTION_KILL_TORN, /* after it; a write is done by half */
    ACTION_FAIL,      /* with an errno, this once */
    ACTION_FAIL_ON    /* from then on */
};

/* Set by kill_at_arm, before the calls that count. */
static char watched[PATH_MAX];
static size_t watched_nbytes;
static char wanted_kinds[16];
static long wanted_nth;
static int wanted_action;
static int wanted_errno;
static int log_descriptor = -1;
static atomic_long ncalls;

/* kinds: letters of those that count; log: a file that gets a line for each,
 * or NULL. The count starts anew. */
void kill_at_arm(const char *directory, const char *kinds, long nth, int action,
                 int error, const char *log);
long kill_at_count(void);

static void *find(const char *name)
{
    void *const found = dlsym(RTLD_NEXT, name);
    if (found == NULL)
        abort();
    return found;
}

/* The function of that name behind this library. */
#define NEXT(result, name, ...)                                                \
    typedef result (*name##_type)(__VA_ARGS__);                                \
    static _Atomic(name##_type) name##_next;                                   \
    static name##_type next_##name(void)                                       \
    {                                                                          \
        name##_type function = atomic_load(&name##_next);                      \
        if (function == NULL)                                                  \
        {                                                                      \
            function = (name##_type)find(#name);                               \
            atomic_store(&name##_next, function);                              \
        }                                                                      \
        return function;                                                       \
    }

NEXT(int, open64, const char *, int, ...)
NEXT(FILE *, fopen64, const char *, const char *)
NEXT(size_t, fwrite, const void *, size_t, size_t, FILE *)
NEXT(ssize_t, write, int, const void *, size_t)
NEXT(ssize_t, pwrite64, int, const void *, size_t, off_t)
NEXT(int, ftruncate64, int, off_t)
NEXT(int, rename, const char *, const char *)
NEXT(int, unlink, const char *)
NEXT(int, link, const char *, const char *)
NEXT(int, symlink, const char *, const char *)
NEXT(int, mkdir, const char *, mode_t)
NEXT(int, rmdir, const char *)
NEXT(int, fsync, int)
NEXT(int, fdatasync, int)
NEXT(int, syncfs, int)

void kill_at_arm(const char *directory, const char *kinds, long nth, int action,
                 int error, const char *log)
{
    watched_nbytes = strlen(directory);
    memcpy(watched, directory, watched_nbytes + 1);
    memcpy(wanted_kinds, kinds, strlen(kinds) + 1);
    wanted_nth = nth;
    wanted_action = action;
    wanted_errno = error;
    if (log_descriptor >= 0)
        close(log_descriptor);
    log_descriptor =
        log != NULL ? next_open64()(
                          log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666)
                    : -1;
    atomic_store(&ncalls, 0);
}

long kill_at_count(void)
{
    return atomic_load(&ncalls);
}

static bool is_watched(const char *path)
{
    return watched_nbytes > 0 && path != NULL &&
           strncmp(path, watched, watched_nbytes) == 0;
}

static void note(char kind, const char *path)
{
    char line[PATH_MAX + 8];
    const int nbytes =
        snprintf(line, sizeof(line), "%c %s\n", kind, path + watched_nbytes);
    if (log_descriptor >= 0 && nbytes > 0 &&
        next_write()(log_descriptor, line, (size_t)nbytes) < 0)
        abort();
}

/* What to do at this call. */
static enum action at_path(char kind, const char *path)
{
    if (!is_watched(path) || strchr(wanted_kinds, kind) == NULL)
        return ACTION_COUNT;
    const int error = errno;
    const long nth = atomic_fetch_add(&ncalls, 1) + 1;
    note(kind, path);
    errno = error;
    const bool past = wanted_action == ACTION_FAIL_ON && nth > wanted_nth;
    if (nth != wanted_nth && !past)
        return ACTION_COUNT;
    if (wanted_action == ACTION_KILL)
        kill(getpid(), SIGKILL);
    if (wanted_action == ACTION_FAIL || wanted_action == ACTION_FAIL_ON)
        errno = wanted_errno;
    return (enum action)wanted_action;
}

static enum action at_descriptor(char kind, int descriptor)
{
    char name[64];
    char path[PATH_MAX];
    if (watched_nbytes == 0)
        return ACTION_COUNT;
    const int error = errno;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", descriptor);
    const ssize_t nbytes = readlink(name, path, sizeof(path) - 1);
    errno = error;
    path[nbytes > 0 ? nbytes : 0] = '\0';
    return at_path(kind, path);
}

static bool fails(enum action action)
{
    return action == ACTION_FAIL || action == ACTION_FAIL_ON;
}

/* Behind the call. */
static void end(enum action action)
{
    if (action == ACTION_KILL_TORN)
        kill(getpid(), SIGKILL);
}

#define AT_PATH(kind, path, call)                                              \
    const enum action action = at_path(kind, path);                            \
    if (fails(action))                                                         \
        return -1;                                                             \
    const int result = call;                                                   \
    end(action);                                                               \
    return result

#define AT_DESCRIPTOR(descriptor, call)                                        \
    const enum action action = at_descriptor(KIND_SYNC, descriptor);           \
    if (fails(action))                                                         \
        return -1;                                                             \
    const int result = call;                                                   \
    end(action);                                                               \
    return result

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE))
    {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (!(flags & O_CREAT))
        return next_open64()(path, flags, mode);
    AT_PATH(KIND_OPEN, path, next_open64()(path, flags, mode));
}

int open(const char *path, int flags, ...) __attribute__((alias("open64")));

FILE *fopen64(const char *path, const char *mode)
{
    const enum action action =
        strpbrk(mode, "wa+") != NULL ? at_path(KIND_OPEN, path) : ACTION_COUNT;
    if (fails(action))
        return NULL;
    FILE *const file = next_fopen64()(path, mode);
    end(action);
    return file;
}

FILE *fopen(const char *path, const char *mode)
    __attribute__((alias("fopen64")));

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file)
{
    const enum action action = at_descriptor(KIND_WRITE, fileno(file));
    if (fails(action))
        return 0;
    if (action == ACTION_KILL_TORN)
        next_fwrite()(bytes, 1, size * count / 2, file);
    end(action);
    return next_fwrite()(bytes, size, count, file);
}

ssize_t write(int descriptor, const void *bytes, size_t nbytes)
{
    const enum action action = at_descriptor(KIND_WRITE, descriptor);
    if (fails(action))
        return -1;
    if (action == ACTION_KILL_TORN)
        nbytes /= 2;
    const ssize_t done = next_write()(descriptor, bytes, nbytes);
    end(action);
    return done;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t nbytes, off_t offset)
{
    const enum action action = at_descriptor(KIND_WRITE, descriptor);
    if (fails(action))
        return -1;
    if (action == ACTION_KILL_TORN)
        nbytes /= 2;
    const ssize_t done = next_pwrite64()(descriptor, bytes, nbytes, offset);
    end(action);
    return done;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t nbytes, off_t offset)
    __attribute__((alias("pwrite64")));

int ftruncate64(int descriptor, off_t nbytes)
{
    const enum action action = at_descriptor(KIND_WRITE, descriptor);
    if (fails(action))
        return -1;
    const int result = next_ftruncate64()(descriptor, nbytes);
    end(action);
    return result;
}

int ftruncate(int descriptor, off_t nbytes)
    __attribute__((alias("ftruncate64")));

int rename(const char *from, const char *to)
{
    AT_PATH(KIND_RENAME, to, next_rename()(from, to));
}

int unlink(const char *path)
{
    AT_PATH(KIND_UNLINK, path, next_unlink()(path));
}

int link(const char *from, const char *to)
{
    AT_PATH(KIND_LINK, to, next_link()(from, to));
}

int symlink(const char *target, const char *path)
{
    AT_PATH(KIND_LINK, path, next_symlink()(target, path));
}

int mkdir(const char *path, mode_t mode)
{
    AT_PATH(KIND_MKDIR, path, next_mkdir()(path, mode));
}

int rmdir(const char *path)
{
    AT_PATH(KIND_RMDIR, path, next_rmdir()(path));
}

int fsync(int descriptor)
{
    AT_DESCRIPTOR(descriptor, next_fsync()(descriptor));
}

int fdatasync(int descriptor)
{
    AT_DESCRIPTOR(descriptor, next_fdatasync()(descriptor));
}

int syncfs(int descriptor)
{
    AT_DESCRIPTOR(descriptor, next_syncfs()(descriptor));
}
