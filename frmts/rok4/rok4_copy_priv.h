/* SPDX-License-Identifier: MIT */
/* What finding slabs and copying them share. */
#ifndef ROK4_COPY_PRIV_H
#define ROK4_COPY_PRIV_H

#include "rok4_copy.h"

#include <pthread.h>
#include <stdatomic.h>

#ifdef __cplusplus
extern "C"
{
#endif

/* Slabs that are found before they are copied together. */
#define ROK4_COPY_BATCH 128u

/* A slab of the source. */
struct rok4_copied
{
    enum rok4_plane plane;
    size_t level;
    uint32_t col;
    uint32_t row;
    bool is_object; /* and no link to one */
};

struct rok4_pair
{
    struct rok4_copied slab;
    char *from;
    char *to;
};

struct rok4_copier
{
    const struct rok4_copy_options *options;
    const struct rok4_copy_target *targets;
    struct rok4_pair pairs[ROK4_COPY_BATCH];
    size_t npairs;
    uint8_t *buffers[PYR_POOL_MAX_THREADS];
    uint64_t ntold; /* slabs that progress knows of: the calling thread's */
    atomic_uint_fast64_t ncopied;
    pthread_mutex_t lock; /* of the two below */
    enum pyr_result result;
    struct pyr_error err;
};

/* Copies a slab that was found, together with others. from: its path; NULL
 * where the source tells it. After a failure of this, nothing more is to be
 * looked for. */
enum pyr_result rok4_copy_add(struct rok4_copier *copier,
                              const struct rok4_copied *slab, const char *from,
                              struct pyr_error *err) PYR_MUST_CHECK;

/* rok4_copy_find.c: finds the slabs of all levels that have a target. */
enum pyr_result rok4_copy_find(struct rok4_copier *copier,
                               struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
