/* SPDX-License-Identifier: MIT */
/* Removing a pyramid: only what it owns. */
#ifndef ROK4_REMOVE_H
#define ROK4_REMOVE_H

#include "pyr_tree.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Removes the pyramid of a descriptor: the descriptor first, then its list, its
 * digests and its sidecar (NAME.json.aux.xml), then the slabs in NAME/DATA and
 * NAME/MASK, and directories that are empty then. Symbolic links are removed,
 * what they lead to is not; whatever does not look like a slab stays, and so do
 * slabs that stand elsewhere, wherever the descriptor says they are.
 *
 * On an object storage, it ends with an error where it is interrupted, and
 * once the descriptor is gone, slabs that are left are removed by writing a
 * pyramid of that name with the mode ROK4_STAGE_OVERWRITE.
 *
 * PYR_NOT_FOUND where there is no descriptor; PYR_USAGE where it is being
 * written; PYR_IO, PYR_NOMEM. Interrupted before the descriptor is gone, it is
 * given up; after that, the next writer of that name finishes it. */
enum pyr_result rok4_remove(const struct pyr_tree *tree,
                            const char *descriptor_path,
                            struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
