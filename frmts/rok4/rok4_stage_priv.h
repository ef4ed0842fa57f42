/* SPDX-License-Identifier: MIT */
/* What the modules that write, remove and move pyramids share. */
#ifndef ROK4_STAGE_PRIV_H
#define ROK4_STAGE_PRIV_H

#include "pyr_tree.h"
#include "rok4_files.h"
#include "rok4_stage.h"
#include "rok4_state.h"

#ifdef __cplusplus
extern "C"
{
#endif

struct rok4_stage
{
    const struct pyr_tree *tree; /* borrowed */
    struct rok4_files files;
    struct rok4_state state;
    struct pyr_lock *lock; /* held until the stage is freed */
    bool begun;            /* the state file is this stage's */
    bool resumed;
    bool recovered;
    bool replaces; /* a descriptor was there, of a pyramid to overwrite */
    struct rok4_stage_objects *objects; /* NULL: of files */
};

/* rok4_stage_check.c: whether the pyramid is there, or not, as the mode wants
 * it, and nothing else in its way. PYR_USAGE, PYR_NOT_FOUND. */
enum pyr_result rok4_stage_check(struct rok4_stage *stage,
                                 const struct rok4_stage_options *options,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* rok4_stage_objects.c: a write to an object storage, where slabs are put in
 * their place at once. */

/* PYR_NOMEM. Freed with the function below; NULL is fine. */
enum pyr_result
rok4_stage_objects_new(struct rok4_stage *stage,
                       const struct pyr_objects *storage) PYR_MUST_CHECK;
void rok4_stage_objects_free(struct rok4_stage_objects *objects);

/* After the mode was checked, in the place of rok4_stage_begin. found_state: a
 * run left a state object. */
enum pyr_result rok4_stage_objects_begin(
    struct rok4_stage *stage, const struct rok4_stage_options *options,
    bool found_state, struct pyr_error *err) PYR_MUST_CHECK;

/* Removes the state object: nothing is left to do. */
enum pyr_result rok4_stage_objects_end(const struct rok4_stage *stage,
                                       struct pyr_error *err) PYR_MUST_CHECK;

/* As the functions without "objects". */
enum pyr_result
rok4_stage_objects_put_beside(const struct rok4_stage *stage, const char *name,
                              const char *text, size_t nbytes,
                              struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result
rok4_stage_objects_publish(struct rok4_stage *stage,
                           const char *descriptor_text,
                           struct pyr_error *err) PYR_MUST_CHECK;
void rok4_stage_objects_cancel(struct rok4_stage *stage);

/* Removes the pyramid, descriptor first; can be repeated. */
enum pyr_result rok4_stage_objects_remove(struct rok4_stage *stage,
                                          struct pyr_error *err) PYR_MUST_CHECK;

/* What slabs are put with: they are noted. */
const struct pyr_out *
rok4_stage_objects_out(const struct rok4_stage_objects *objects);

/* Makes the staging directory and writes the state file: first what
 * stage->state says, which the stage owns. */
enum pyr_result rok4_stage_begin(struct rok4_stage *stage,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* A path in the staging directory; freed with pyr_free. NULL when out of
 * memory.
 */
char *rok4_stage_path(const struct rok4_stage *stage, const char *name);

/* rok4_publish.c: writes down that a phase has begun. */
enum pyr_result rok4_publish_phase(struct rok4_stage *stage,
                                   enum rok4_state_phase phase,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* Does what is left to do from the phase that stage->state says, which is not
 * ROK4_STATE_BUILD, to the end. Each step can be repeated. With recovering, an
 * interrupted run is finished: a removal or a move that has changed nothing yet
 * is given up instead, and *out_given_up set. */
enum pyr_result rok4_publish_roll(struct rok4_stage *stage, bool recovering,
                                  bool *out_given_up,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* Removes the staging directory and the state file. */
enum pyr_result rok4_publish_discard(struct rok4_stage *stage,
                                     struct pyr_error *err) PYR_MUST_CHECK;

/* Where, in the staging directory, the new descriptor waits, and in which
 * directory what is put beside it. */
#define ROK4_STAGE_DESCRIPTOR "new.json"
#define ROK4_STAGE_BESIDE "beside"

#ifdef __cplusplus
}
#endif

#endif
