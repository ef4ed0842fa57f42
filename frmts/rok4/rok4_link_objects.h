/* SPDX-License-Identifier: MIT */
/* Slabs of an ancestor in a new pyramid on an object storage: links. */
#ifndef ROK4_LINK_OBJECTS_H
#define ROK4_LINK_OBJECTS_H

#include "pyr_pool.h"
#include "pyr_tree.h"
#include "rok4_pyramid.h"
#include "rok4_stage.h"

#ifdef __cplusplus
extern "C"
{
#endif

struct rok4_link_options
{
    const struct pyr_tree *tree;
    const struct rok4_stage *stage;
    const struct rok4_pyramid *ancestor; /* on the storage of the stage */
    struct pyr_pool *pool;
    unsigned nthreads;
    void *thread_user; /* as in struct pyr_job; may be NULL */
    void (*thread_enter)(void *user, unsigned worker);
    void (*thread_leave)(void *user, unsigned worker);
};

/* Puts a link to each slab of the ancestor, data and masks, that the stage has
 * not put itself (spec section 7). Of one that is a link, to what that leads
 * to: readers follow one. PYR_UNSUPPORTED for a level that is elsewhere, or in
 * a cluster without a name; PYR_CORRUPT for a link to nothing that can be;
 * PYR_IO, PYR_NOMEM. */
enum pyr_result rok4_link_objects(const struct rok4_link_options *options,
                                  struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
