/* SPDX-License-Identifier: MIT */
/* One write to a pyramid: staged beside it, then published. */
#ifndef ROK4_STAGE_H
#define ROK4_STAGE_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

struct pyr_out;  /* pyr_out.h */
struct pyr_tree; /* pyr_tree.h: directories, links, locks, sync */

enum rok4_stage_mode
{
    ROK4_STAGE_NEW,       /* no pyramid may stand there */
    ROK4_STAGE_OVERWRITE, /* one that stands there is replaced as a whole */
    ROK4_STAGE_UPDATE     /* slabs are added and replaced */
};

struct rok4_stage_options
{
    const char *path; /* of the descriptor */
    enum rok4_stage_mode mode;
    const char *identity; /* source and options: what makes runs equal */
    bool resume;          /* go on where an equal run was interrupted */
    bool list;            /* publish NAME.list */
    bool md5;             /* publish NAME.md5 */
};

struct rok4_stage;

/* Locks the pyramid, finishes an update that was interrupted while it was
 * published, removes what an interrupted run left (unless it is resumed), and
 * begins. *out_finished: this very run was found interrupted while it was
 * published, and has been finished: nothing is left to do, *out_stage is NULL.
 * An empty identity equals none.
 * PYR_USAGE where a pyramid is in the way or is being written, PYR_NOT_FOUND
 * where one to update is missing, PYR_CORRUPT for a state file that is not
 * ours, PYR_LIMIT for an identity beyond 1 MiB, PYR_IO, PYR_NOMEM; the pyramid
 * is not changed then. */
enum pyr_result rok4_stage_open(const struct pyr_tree *tree,
                                const struct rok4_stage_options *options,
                                struct rok4_stage **out_stage,
                                bool *out_finished,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* The first half of rok4_stage_open, for those who look at the pyramid before
 * they know what to write: locks it, and finishes what an interrupted run had
 * begun to publish, or to remove (*out_recovered). What an unfinished run
 * collected stays. PYR_USAGE where it is being written, PYR_CORRUPT, PYR_IO,
 * PYR_NOMEM. */
enum pyr_result rok4_stage_lock(const struct pyr_tree *tree, const char *path,
                                struct rok4_stage **out_stage,
                                bool *out_recovered,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* The second half, of a stage that rok4_stage_lock gave for options->path;
 * it is freed where *out_finished, and on failure. */
enum pyr_result rok4_stage_start(struct rok4_stage *stage,
                                 const struct rok4_stage_options *options,
                                 struct rok4_stage **out_stage,
                                 bool *out_finished,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* Releases the lock and frees the stage; nothing else. NULL is fine. */
void rok4_stage_free(struct rok4_stage *stage);

/* Directory in which DATA/... and MASK/... are collected; on an object storage
 * that of the pyramid itself, where slabs are put in their place at once. */
const char *rok4_stage_directory(const struct rok4_stage *stage);

/* What slabs are written with. Borrowed. */
const struct pyr_out *rok4_stage_out(const struct rok4_stage *stage);

/* Whether this run has put or kept the slab at path, on an object storage. */
bool rok4_stage_has_put(const struct rok4_stage *stage, const char *path);

/* Says that the slab at path, which an interrupted run has put, is kept as if
 * this one had. Of files, nothing comes of it. Safe from many threads.
 * PYR_NOMEM. */
enum pyr_result rok4_stage_keep(const struct rok4_stage *stage,
                                const char *path,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* Whether slabs of an interrupted run stand there. */
bool rok4_stage_resumed(const struct rok4_stage *stage);

/* Whether the publication of another run, which had been interrupted, was
 * finished when this stage was opened. */
bool rok4_stage_recovered(const struct rok4_stage *stage);

/* Copies an object to a slab at a path of the stage's storage, as of struct
 * pyr_objects. Safe from many threads. */
enum pyr_result rok4_stage_copy(const struct rok4_stage *stage,
                                const char *from, const char *path,
                                uint64_t nbytes,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* Puts a slab that is a link, on an object storage: name, behind the pyramid's
 * directory, leads to target, "tray/key" (spec section 7). Safe from many
 * threads. PYR_LIMIT, PYR_IO, PYR_NOMEM. */
enum pyr_result rok4_stage_put_link(const struct rok4_stage *stage,
                                    const char *name, const char *target,
                                    struct pyr_error *err) PYR_MUST_CHECK;

/* When publishing, the slabs of a level that the new descriptor has no more are
 * removed, after the descriptor. PYR_USAGE for what is no id, PYR_LIMIT,
 * PYR_NOMEM. */
enum pyr_result rok4_stage_drop_level(struct rok4_stage *stage,
                                      const char *level_id,
                                      struct pyr_error *err) PYR_MUST_CHECK;

/* When publishing, a file of that name is put beside the descriptor, before
 * that. PYR_IO, PYR_NOMEM. */
enum pyr_result rok4_stage_put_beside(const struct rok4_stage *stage,
                                      const char *name, const char *text,
                                      size_t nbytes,
                                      struct pyr_error *err) PYR_MUST_CHECK;

/* Publishes what was collected, descriptor last, and frees the stage, also on
 * failure. A failure before anything was changed removes what was collected;
 * after that, the next writer finishes. On an object storage, where slabs stand
 * in their place already, the same run again does. PYR_OK with a text in err,
 * which was empty: all but the list, which is larger than the storage takes. */
enum pyr_result rok4_stage_publish(struct rok4_stage *stage,
                                   const char *descriptor_text,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* Removes what was collected, and frees the stage. NULL is fine. With keep,
 * what was collected stays for a run that resumes. On an object storage, slabs
 * that took the place of others stay. */
void rok4_stage_cancel(struct rok4_stage *stage, bool keep);

#ifdef __cplusplus
}
#endif

#endif
