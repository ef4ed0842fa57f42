/* SPDX-License-Identifier: MIT */
/* Object storages: a hook that its user supplies. */
#ifndef PYR_OBJECTS_H
#define PYR_OBJECTS_H

#include "pyr_out.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Most objects that are removed in one call. */
#define PYR_MAX_OBJECTS_REMOVED 1000u

/* Told of an object by its name behind the directory, and its size; UINT64_MAX
 * where that is not known. */
typedef enum pyr_result (*pyr_objects_visit)(void *context, const char *name,
                                             uint64_t nbytes,
                                             struct pyr_error *err);

/* A storage where nothing is renamed or linked, and an object is put whole: the
 * supplier's functions. Each fills err (never NULL here) on failure without
 * naming the path, which the caller adds, but for remove. Failures of the
 * network have been tried again. Safe from many threads. */
struct pyr_objects
{
    void *user;

    /* commit puts the object in one go, in the place of one that stands there;
     * before that, nothing is sent. read gives what was written. PYR_LIMIT for
     * an object that is larger than the storage takes. */
    const struct pyr_out *out;

    enum pyr_result (*exists)(void *user, const char *path, bool *out_exists,
                              struct pyr_error *err);

    /* Visits the objects "<directory>/<prefix>..." whose names have no further
     * '/', in any order, as they are told: memory does not grow with their
     * number. A visit that fails ends it. */
    enum pyr_result (*list)(void *user, const char *directory,
                            const char *prefix, pyr_objects_visit visit,
                            void *context, struct pyr_error *err);

    /* Removes paths[npaths], at most PYR_MAX_OBJECTS_REMOVED, which are in one
     * tray; what is not there is fine. */
    enum pyr_result (*remove)(void *user, const char *const *paths,
                              size_t npaths, struct pyr_error *err);

    /* Copies an object of nbytes bytes within the storage, without its bytes
     * coming here. PYR_UNSUPPORTED, and nothing is done, for an object of
     * another storage, and where it would take longer than to read and put it.
     */
    enum pyr_result (*copy)(void *user, const char *from, const char *to,
                            uint64_t nbytes, struct pyr_error *err);

    /* Like pyr_io::load. */
    enum pyr_result (*load)(void *user, const char *path, size_t max_bytes,
                            char **out_text, size_t *out_nbytes,
                            struct pyr_error *err);
};

#ifdef __cplusplus
}
#endif

#endif
