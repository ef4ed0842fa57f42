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
    /* Told of each slab that is kept; may be NULL. */
    enum pyr_result (*keep)(const void *user, const char *path,
                            struct pyr_error *err);
    const void *keep_user;
};

/* Where slabs are copied to: rok4_place.h. */
struct rok4_copy_target
{
    enum rok4_storage storage;
    const char *place; /* NULL: they are not copied */
    uint32_t path_depth;
};

/* Copies the slabs of the source's levels: targets[2 * level + plane]. They are
 * found by walking the source's directories (local ones and those in memory),
 * else in its list; where that cannot be read, by listing its objects, and
 * where that cannot be done, each slab within the level's limits is asked for.
 * A slab whose index does not fit the file is PYR_CORRUPT, and not copied.
 * Links to slabs and to the level are followed, others to a directory are
 * PYR_UNSUPPORTED. PYR_CANCELLED when progress said so. Memory does not grow
 * with the number of slabs. */
enum pyr_result rok4_copy_levels(const struct rok4_copy_options *options,
                                 const struct rok4_copy_target *targets,
                                 struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
