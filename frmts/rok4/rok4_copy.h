/* SPDX-License-Identifier: MIT */
/* The copy engine for whole slabs: files that stay as they are. */
#ifndef ROK4_COPY_H
#define ROK4_COPY_H

#include "pyr_pool.h"
#include "pyr_tree.h"
#include "rok4_place.h"
#include "rok4_pyramid.h"

#ifdef __cplusplus
extern "C"
{
#endif

struct rok4_copy_options
{
    const struct pyr_tree *tree;
    const struct pyr_io *io; /* reads the source */
    const struct rok4_pyramid *source;
    bool resume; /* a slab that was copied before is kept */
    struct pyr_pool *pool;
    unsigned nthreads;
    void *thread_user; /* as in struct pyr_job; may be NULL */
    void (*thread_enter)(void *user, unsigned worker);
    void (*thread_leave)(void *user, unsigned worker);
    /* Now and then with the slabs copied by this call; false interrupts. May be
     * NULL. */
    bool (*progress)(void *user, uint64_t nslabs);
    void *progress_user;
    /* Whether nothing is to be put at a path; may be NULL. */
    bool (*skip)(const void *user, const char *path);
    const void *skip_user;
    /* As of struct pyr_objects; may be NULL. */
    enum pyr_result (*copy)(void *user, const char *from, const char *to,
                            uint64_t nbytes, struct pyr_error *err);
    void *copy_user;
};

/* Where slabs are copied to: rok4_place.h. */
struct rok4_copy_target
{
    enum rok4_storage storage;
    const char *place;
    uint32_t path_depth;
};

/* Copies the slabs of a level of the source, of one plane. They are found by
 * walking the source's directory (local ones and those in memory) or by listing
 * its objects; where neither can be, each slab within the level's limits is
 * asked for. A slab whose index
 * does not fit the file is PYR_CORRUPT, and not copied. Links to slabs and to
 * the level are followed, others to a directory are PYR_UNSUPPORTED.
 * PYR_CANCELLED when progress said so. */
enum pyr_result rok4_copy_level(const struct rok4_copy_options *options,
                                enum rok4_plane plane, size_t level,
                                const struct rok4_copy_target *target,
                                struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
