/* SPDX-License-Identifier: MIT */
/* Pools on shared connections. */
#include "vsirados_priv.h"

#include "pyr_alloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of osd_max_write_size; librados sends less than 2 GiB at once. */
#define DEFAULT_MAX_MIB 90
#define MOST_MAX_MIB 1024
#define CONF_VALUE_BYTES 32
#define MAX_POOL_NAMES_BYTES ((size_t)16 << 20)
#define DEBUG_BYTES 512

/* The names that this client knows, without asking. */
static enum pyr_result known_names(const struct vsirados_user *user,
                                   char **out_names, struct vsirados_error *err)
{
    size_t nbytes = 4096;

    for (;;)
    {
        char *names = pyr_malloc(nbytes);
        if (names == NULL)
            return vsirados_fail(err, -ENOMEM, 0, NULL);
        const int needed = rados_pool_list(user->rados, names, nbytes);
        if (needed >= 0 && (size_t)needed <= nbytes)
        {
            *out_names = names;
            return PYR_OK;
        }
        pyr_free(names);
        if (needed < 0)
            return vsirados_fail(err, needed, user->timeout_s,
                                 "asking for the pools");
        if ((size_t)needed > MAX_POOL_NAMES_BYTES)
            return vsirados_fail(err, -EFBIG, 0, "the names of the pools");
        nbytes = (size_t)needed;
    }
}

static bool is_known(const char *names, const char *name)
{
    while (*names != '\0' && strcmp(names, name) != 0)
        names += strlen(names) + 1;
    return *names != '\0';
}

/* Whether one of the lines is the name. */
static bool is_line(const char *lines, size_t nbytes, const char *name)
{
    const size_t name_nbytes = strlen(name);
    const char *const end = lines + nbytes;

    while (lines < end)
    {
        const char *stop = memchr(lines, '\n', (size_t)(end - lines));
        const size_t line = (size_t)((stop != NULL ? stop : end) - lines);
        if (line == name_nbytes && memcmp(lines, name, line) == 0)
            return true;
        lines += line + 1;
    }
    return false;
}

/* Asks a monitor for a pool that may be new. librados would ask as well, but
 * wait for ever where no monitor answers. */
static enum pyr_result ask_for(const struct vsirados_user *user,
                               const char *name, struct vsirados_error *err)
{
    const char *command = "{\"prefix\": \"osd pool ls\"}";
    char *answer = NULL;
    size_t nbytes = 0;
    char *message = NULL;
    size_t message_nbytes = 0;
    const int status =
        rados_mon_command(user->rados, &command, 1, "", 0, &answer, &nbytes,
                          &message, &message_nbytes);
    const bool found = status >= 0 && is_line(answer, nbytes, name);

    rados_buffer_free(answer);
    rados_buffer_free(message);
    if (status >= 0)
        return found ? PYR_OK : vsirados_fail(err, -ENOENT, 0, NULL);
    const enum pyr_result result =
        vsirados_fail(err, status, user->timeout_s, "asking for the pool");
    return result == PYR_NOT_FOUND ? PYR_IO : result;
}

static enum pyr_result find(const struct vsirados_user *user, const char *name,
                            struct vsirados_error *err)
{
    char *names = NULL;
    enum pyr_result result = known_names(user, &names, err);

    if (result == PYR_OK && !is_known(names, name))
        result = ask_for(user, name, err);
    pyr_free(names);
    return result;
}

enum pyr_result vsirados_pool_open(struct vsirados_clusters *clusters,
                                   const struct vsirados_settings *settings,
                                   const char *name, size_t name_nbytes,
                                   struct vsirados_pool **out_pool,
                                   struct vsirados_error *err)
{
    struct vsirados_pool *pool = pyr_calloc(1, sizeof *pool);

    if (pool == NULL)
        return vsirados_fail(err, -ENOMEM, 0, NULL);
    pool->clusters = clusters;
    pool->name = pyr_strndup(name, name_nbytes);
    enum pyr_result result =
        pool->name == NULL
            ? vsirados_fail(err, -ENOMEM, 0, NULL)
            : vsirados_user_take(clusters, settings, &pool->user, err);
    if (result != PYR_OK)
    {
        pyr_free(pool->name);
        pyr_free(pool);
        return result;
    }
    result = find(&pool->user, pool->name, err);
    if (result == PYR_OK)
    {
        const int status =
            rados_ioctx_create(pool->user.rados, pool->name, &pool->io);
        if (status < 0)
        {
            pool->io = NULL;
            result = vsirados_fail(err, status, pool->user.timeout_s, NULL);
        }
    }
    if (result != PYR_OK)
    {
        pyr_error_prefix(&err->text, "pool %s", pool->name);
        vsirados_pool_close(pool);
        return result;
    }
    *out_pool = pool;
    return PYR_OK;
}

void vsirados_pool_close(struct vsirados_pool *pool)
{
    if (pool == NULL)
        return;
    if (pool->io != NULL && vsirados_user_is_ours(&pool->user))
        rados_ioctx_destroy(pool->io);
    vsirados_user_give(&pool->user);
    pyr_free(pool->name);
    pyr_free(pool);
}

size_t vsirados_pool_max_bytes(const struct vsirados_pool *pool)
{
    char text[CONF_VALUE_BYTES] = "";
    unsigned long mib = 0;

    if (rados_conf_get(pool->user.rados, "osd_max_write_size", text,
                       sizeof text) == 0)
        mib = strtoul(text, NULL, 10);
    if (mib == 0 || mib > MOST_MAX_MIB)
        mib = DEFAULT_MAX_MIB;
    return (size_t)mib << 20;
}

enum pyr_result vsirados_pool_names(struct vsirados_clusters *clusters,
                                    const struct vsirados_settings *settings,
                                    char **out_names,
                                    struct vsirados_error *err)
{
    struct vsirados_user user;
    enum pyr_result result = vsirados_user_take(clusters, settings, &user, err);

    if (result != PYR_OK)
        return result;
    result = known_names(&user, out_names, err);
    vsirados_user_give(&user);
    return result;
}

enum pyr_result vsirados_pool_fail(const struct vsirados_pool *pool,
                                   struct vsirados_error *err, int returned,
                                   const char *doing)
{
    const enum pyr_result result =
        vsirados_fail(err, returned, pool->user.timeout_s, doing);

    if (err->code == ESHUTDOWN)
        vsirados_user_retire(&pool->user);
    return result;
}

void vsirados_debug(const struct vsirados_pool *pool, const char *format, ...)
{
    char text[DEBUG_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pool->clusters->debug(text);
}
