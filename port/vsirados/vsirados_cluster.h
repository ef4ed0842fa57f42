/* SPDX-License-Identifier: MIT */
/* Connections to Ceph clusters, shared by the process; pools on them. */
#ifndef VSIRADOS_CLUSTER_H
#define VSIRADOS_CLUSTER_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Why something failed: errno of the cluster's answer, for results other than
 * PYR_NOT_FOUND perhaps ENOENT as well, and a sentence without the path. */
struct vsirados_error
{
    int code;
    struct pyr_error text;
};

/* Which cluster, and as whom. Borrowed by the functions that take it. */
struct vsirados_settings
{
    const char *conf_file;
    const char *user; /* "client.admin" */
    const char *cluster;
    unsigned timeout_s; /* >= 1, for connecting and for each operation */
};

/* What was asked of all clusters, and what came and went. */
struct vsirados_counts
{
    uint64_t reads; /* operations that ask for bytes or for what there is */
    uint64_t writes;
    uint64_t removals;
    uint64_t listings; /* each takes an operation for some hundred names */
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint64_t connections;
};

/* The connections of a process. Safe from many threads, but for free. In a
 * forked child they are made anew: those of its parent are left alone. */
struct vsirados_clusters;

/* debug: told each operation, from the thread that asks for it. */
enum pyr_result
vsirados_clusters_new(void (*debug)(const char *text),
                      struct vsirados_clusters **out_clusters) PYR_MUST_CHECK;
/* Ends the connections that nobody uses. NULL is fine. */
void vsirados_clusters_free(struct vsirados_clusters *clusters);

void vsirados_clusters_count(struct vsirados_clusters *clusters,
                             struct vsirados_counts *out_counts);

/* A pool, on a connection that stays open while somebody has one of its pools.
 * Safe from many threads. */
struct vsirados_pool;

/* Connects when needed, without asking the cluster anything otherwise, so take
 * one for each call: after a fork, or when the cluster has shut this client
 * out, the next one is on a new connection. PYR_NOT_FOUND: there is no such
 * pool. PYR_IO, PYR_NOMEM. */
enum pyr_result vsirados_pool_open(struct vsirados_clusters *clusters,
                                   const struct vsirados_settings *settings,
                                   const char *name, size_t name_nbytes,
                                   struct vsirados_pool **out_pool,
                                   struct vsirados_error *err) PYR_MUST_CHECK;
/* NULL is fine. */
void vsirados_pool_close(struct vsirados_pool *pool);

/* The largest object that can be written at once. */
size_t vsirados_pool_max_bytes(const struct vsirados_pool *pool);

/* Names of all pools, each with its NUL, then one NUL more; the caller frees
 * them with pyr_free. */
enum pyr_result vsirados_pool_names(struct vsirados_clusters *clusters,
                                    const struct vsirados_settings *settings,
                                    char **out_names,
                                    struct vsirados_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
