/* SPDX-License-Identifier: MIT */
/* The names of a pool's objects, as they come. */
#ifndef VSIRADOS_LIST_H
#define VSIRADOS_LIST_H

#include "vsirados_cluster.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Some hundred names at a time are in memory, in the order of the cluster,
 * which is none. Objects that are made or removed meanwhile are told or not.
 * One thread at a time per list. */
struct vsirados_list;

/* Of the pool's default namespace. pool: owned by the list from now on, also
 * after a failure. PYR_IO, PYR_NOMEM. */
enum pyr_result vsirados_list_open(struct vsirados_pool *pool,
                                   struct vsirados_list **out_list,
                                   struct vsirados_error *err) PYR_MUST_CHECK;
/* NULL is fine. */
void vsirados_list_close(struct vsirados_list *list);

/* The next name, valid until the next call, with a NUL behind it that is not
 * counted. PYR_NOT_FOUND: that was all. PYR_IO. */
enum pyr_result vsirados_list_next(struct vsirados_list *list,
                                   const char **out_name, size_t *out_nbytes,
                                   struct vsirados_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
