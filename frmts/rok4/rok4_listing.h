/* SPDX-License-Identifier: MIT */
/* The list of a pyramid's slabs, made by looking for them. */
#ifndef ROK4_LISTING_H
#define ROK4_LISTING_H

#include "pyr_tree.h"
#include "rok4_files.h"
#include "rok4_state.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Writes the list (spec section 7) of the slabs below files->directory, but for
 * those of levels that the state drops: to list_path, and with digests to
 * md5_path; either may be NULL. Root 0 is the pyramid's directory, further ones
 * are those of the pyramids that links lead to. A line of md5_path is
 * "0/<slab> <md5>", of a slab behind a link "<root>/<slab>". Each file is put
 * at its path at once, not durably. Memory does not grow with the number of
 * slabs. */
enum pyr_result rok4_listing_write(const struct pyr_tree *tree,
                                   const struct rok4_files *files,
                                   const struct rok4_state *state,
                                   const char *list_path, const char *md5_path,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* Whether the file at path begins as a list does: others may be called like
 * one. What is not there is none. PYR_IO. */
enum pyr_result rok4_listing_is(const struct pyr_tree *tree, const char *path,
                                bool *out_is,
                                struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
