/* SPDX-License-Identifier: MIT */
/* Symbolic links to slabs of other pyramids: where they lead. */
#ifndef ROK4_OWNER_H
#define ROK4_OWNER_H

#include "pyr_tree.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* The absolute path of the file that a link finally leads to. path is that of
 * the link, absolute, and free of links but for the last component. A link to
 * nowhere is resolved by its text. The caller frees it with pyr_free. PYR_IO,
 * PYR_NOMEM. */
enum pyr_result rok4_owner_of_link(const struct pyr_tree *tree,
                                   const char *path, char **out_path,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* The text of a link in a directory that leads to a file; both absolute and
 * free of links. Freed with pyr_free; NULL when out of memory. Pure. */
char *rok4_owner_seen_from(const char *directory, const char *path);

#ifdef __cplusplus
}
#endif

#endif
