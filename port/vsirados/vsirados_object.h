/* SPDX-License-Identifier: MIT */
/* Objects of a pool: read, written and removed. */
#ifndef VSIRADOS_OBJECT_H
#define VSIRADOS_OBJECT_H

#include "pyr_io.h"
#include "vsirados_cluster.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Operations of one call that are under way at once. */
#define VSIRADOS_MAX_OPERATIONS 16u
/* A longer range is read in pieces of this size. */
#define VSIRADOS_PIECE_BYTES (4u << 20)

/* All functions may be called from many threads, also for one pool. Each waits
 * for the cluster's answers, at most as long as the pool's settings say. Names
 * are those of objects, in UTF-8. */

struct vsirados_object
{
    uint64_t size_bytes;
    int64_t changed_s; /* seconds since 1970 */
    /* Differs after the object was written or made anew; 0 when unknown. */
    uint64_t version;
};

/* What there is to know of an object, and its first bytes, min(size,
 * max_bytes) of them into head, in one operation. PYR_NOT_FOUND, PYR_IO,
 * PYR_NOMEM. */
enum pyr_result vsirados_object_open(struct vsirados_pool *pool,
                                     const char *name, void *head,
                                     size_t max_bytes,
                                     struct vsirados_object *out_object,
                                     struct vsirados_error *err) PYR_MUST_CHECK;

/* One range and where its bytes go. */
struct vsirados_range
{
    struct pyr_extent extent;
    uint8_t *bytes;
};

/* Reads ranges within the object's size, all or nothing, of that very version:
 * an object that was replaced or removed meanwhile is PYR_IO. Ranges without
 * bytes cost nothing. PYR_IO, PYR_NOMEM. */
enum pyr_result vsirados_object_read(struct vsirados_pool *pool,
                                     const char *name, uint64_t version,
                                     const struct vsirados_range *ranges,
                                     size_t nranges,
                                     struct vsirados_error *err) PYR_MUST_CHECK;

/* Makes or replaces an object, whole or not at all. After a failure, in
 * particular when no answer came, the old or the new one is there. PYR_LIMIT
 * beyond vsirados_pool_max_bytes, PYR_IO, PYR_NOMEM. */
enum pyr_result
vsirados_object_write(struct vsirados_pool *pool, const char *name,
                      const void *bytes, size_t nbytes,
                      struct vsirados_error *err) PYR_MUST_CHECK;

/* Removes an object; if version is not 0, that one only. PYR_NOT_FOUND, PYR_IO,
 * PYR_NOMEM. */
enum pyr_result
vsirados_object_remove(struct vsirados_pool *pool, const char *name,
                       uint64_t version,
                       struct vsirados_error *err) PYR_MUST_CHECK;

/* Removes objects of one pool, and sets gone[i] when names[i] is not there any
 * more, whoever removed it. Goes on after failures, and returns the first. */
enum pyr_result
vsirados_object_remove_all(struct vsirados_pool *pool, const char *const *names,
                           size_t nnames, bool *gone,
                           struct vsirados_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
