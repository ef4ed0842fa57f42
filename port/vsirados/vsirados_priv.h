/* SPDX-License-Identifier: MIT */
/* What the modules over librados share. */
#ifndef VSIRADOS_PRIV_H
#define VSIRADOS_PRIV_H

#include "vsirados_cluster.h"

#include <rados/librados.h>

#include <stdatomic.h>

struct vsirados_clusters
{
    void (*debug)(const char *text);
    /* The connections of this process, or of the one that it was forked from:
     * then new ones take their place. */
    _Atomic(struct vsirados_process *) process;
    atomic_uint_fast64_t reads;
    atomic_uint_fast64_t writes;
    atomic_uint_fast64_t removals;
    atomic_uint_fast64_t listings;
    atomic_uint_fast64_t bytes_read;
    atomic_uint_fast64_t bytes_written;
    atomic_uint_fast64_t connections;
};

/* A connection in use by somebody, who gives it back. */
struct vsirados_user
{
    struct vsirados_process *process;
    struct vsirados_connection *connection;
    rados_t rados;
    unsigned timeout_s;
};

enum pyr_result vsirados_user_take(struct vsirados_clusters *clusters,
                                   const struct vsirados_settings *settings,
                                   struct vsirados_user *out_user,
                                   struct vsirados_error *err) PYR_MUST_CHECK;
/* False in a child of the process that took it: it may only be given back
 * there, to no effect. */
bool vsirados_user_is_ours(const struct vsirados_user *user);
void vsirados_user_give(struct vsirados_user *user);
/* Nobody else takes this connection any more. */
void vsirados_user_retire(const struct vsirados_user *user);

struct vsirados_pool
{
    struct vsirados_clusters *clusters;
    struct vsirados_user user;
    rados_ioctx_t io;
    char *name;
};

/* Fills err from what librados returned, -errno; doing: what, or NULL. */
enum pyr_result vsirados_fail(struct vsirados_error *err, int returned,
                              unsigned timeout_s, const char *doing);

/* The same for an operation in a pool, whose connection is retired when the
 * cluster has shut it out. */
enum pyr_result vsirados_pool_fail(const struct vsirados_pool *pool,
                                   struct vsirados_error *err, int returned,
                                   const char *doing);

/* Tells of an operation. */
void vsirados_debug(const struct vsirados_pool *pool, const char *format, ...)
    PYR_PRINTF(2, 3);

#endif
