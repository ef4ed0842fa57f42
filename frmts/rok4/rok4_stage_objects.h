/* SPDX-License-Identifier: MIT */
/* What the modules of writes to object storages share. */
#ifndef ROK4_STAGE_OBJECTS_H
#define ROK4_STAGE_OBJECTS_H

#include "rok4_stage_priv.h"
#include "rok4_written.h"

#include <pthread.h>

#ifdef __cplusplus
extern "C"
{
#endif

/* An object that is put before the descriptor. */
struct rok4_beside
{
    struct rok4_beside *next;
    char *path;
    char *text;
    size_t nbytes;
};

struct rok4_stage_objects
{
    const struct pyr_objects *storage; /* borrowed */
    size_t directory_nbytes;           /* with the '/' behind it */
    struct rok4_written *written;      /* what was put, and what is kept */
    struct rok4_beside *beside;
    bool marked; /* the state object is there, and all slabs are of its run */
    bool ending; /* what is put before the descriptor may be there */
    struct pyr_out out;
    pthread_mutex_t lock; /* guards what follows */
    char **roots;         /* roots[nroots], of linked slabs: 1 and following */
    uint16_t nroots;
};

/* Puts a small object. Errors name the path. */
enum pyr_result rok4_stage_put_text(const struct rok4_stage *stage,
                                    const char *path, const char *text,
                                    size_t nbytes,
                                    struct pyr_error *err) PYR_MUST_CHECK;

/* Whether a slab, "DATA_5_1_2", is of a level that is dropped. */
bool rok4_stage_drops(const struct rok4_stage *stage, const char *name);

/* rok4_stage_list.c: puts the list, or removes one that is not wanted. */
enum pyr_result rok4_stage_put_list(const struct rok4_stage *stage,
                                    struct pyr_error *err) PYR_MUST_CHECK;

/* rok4_stage_clean.c: removes one object; nothing there is fine. */
enum pyr_result rok4_clean_object(const struct rok4_stage *stage,
                                  const char *path,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* Whether any slab stands there, of either plane. */
enum pyr_result rok4_clean_any(const struct rok4_stage *stage, bool *out_any,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* Removes all slabs that stand there but those that were put or are kept. */
enum pyr_result rok4_clean_stale(const struct rok4_stage *stage,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* Slabs of levels that the new descriptor has no more. */
enum pyr_result rok4_clean_dropped(const struct rok4_stage *stage,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* All slabs: those that the list tells of, and those that are found then. */
enum pyr_result rok4_clean_all(const struct rok4_stage *stage,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* What this run has put, slabs and others, as far as it can be. */
void rok4_clean_put(const struct rok4_stage *stage);

#ifdef __cplusplus
}
#endif

#endif
