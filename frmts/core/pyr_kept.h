/* SPDX-License-Identifier: MIT */
/* Internal to the window reader: containers that stay open between reads. */
#ifndef PYR_KEPT_H
#define PYR_KEPT_H

#include "pyr_io.h"

/* Opening a remote container takes a request, which brings its index: an open
 * one is worth keeping. */
#define PYR_MAX_KEPT_FILES 256u

/* An open container: what its taker owns until it is put back. */
struct pyr_kept_file
{
    uint32_t level;
    uint32_t container_col;
    uint32_t container_row;
    char *path;
    struct pyr_file *file;
    uint64_t stamp;
};

struct pyr_kept;

/* PYR_NOMEM. io is borrowed until pyr_kept_free, which closes all. */
enum pyr_result pyr_kept_new(const struct pyr_io *io,
                             struct pyr_kept **out_kept) PYR_MUST_CHECK;
void pyr_kept_free(struct pyr_kept *kept); /* NULL is fine */

/* Takes the container that `file` names out of the table, and fills the rest;
 * false when it is not there. Safe from many threads. */
bool pyr_kept_take(struct pyr_kept *kept, struct pyr_kept_file *file);

/* Takes over an open container, and closes the one that was put longest ago
 * where there are too many. Safe from many threads. */
void pyr_kept_put(struct pyr_kept *kept, const struct pyr_kept_file *file);

/* Closes all. */
void pyr_kept_drop(struct pyr_kept *kept);

#endif
