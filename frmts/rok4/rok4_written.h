/* SPDX-License-Identifier: MIT */
/* Which slabs a run has written to an object storage. */
#ifndef ROK4_WRITTEN_H
#define ROK4_WRITTEN_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* A set of names "DATA_<level>_<column>_<row>" and "MASK_...", each with the
 * number of a root of the list (spec section 7): 0 for the pyramid's own slabs.
 * Each takes 12 bytes, in tables of which three eighths or more are used. */
struct rok4_written;

/* PYR_NOMEM. */
enum pyr_result
rok4_written_new(struct rok4_written **out_written) PYR_MUST_CHECK;
void rok4_written_free(struct rok4_written *written); /* NULL is fine */

/* Whether a name is that of a slab: a level without '_' or '/', decimal numbers
 * without leading zeros. */
bool rok4_written_is_slab(const char *name);

/* Adds a slab; adding it again is fine, the last root counts. PYR_USAGE for
 * what is no slab, PYR_LIMIT beyond PYR_MAX_LEVELS levels, PYR_NOMEM. Safe from
 * many threads. */
enum pyr_result rok4_written_add(struct rok4_written *written, const char *name,
                                 uint16_t root,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* Safe from many threads. */
bool rok4_written_has(struct rok4_written *written, const char *name);
uint64_t rok4_written_count(struct rok4_written *written);

typedef enum pyr_result (*rok4_written_visit)(void *context, const char *name,
                                              uint16_t root,
                                              struct pyr_error *err);

/* Longest name and its NUL. */
#define ROK4_WRITTEN_NAME_BYTES (5u + PYR_MAX_NAME_BYTES + 22u + 1u)

/* Visits all names: data first, level by level as they were first added, row by
 * row. Nothing may be added meanwhile. A visit that fails ends it. Takes no
 * further memory. */
enum pyr_result rok4_written_each(struct rok4_written *written,
                                  rok4_written_visit visit, void *context,
                                  struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
