/* SPDX-License-Identifier: MIT */
/* The slabs that stand below a pyramid's directory. */
#ifndef ROK4_SLABS_H
#define ROK4_SLABS_H

#include "pyr_tree.h"
#include "rok4_files.h"
#include "rok4_state.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* What a walk over slabs calls: path is that of the slab, relative the part
 * below the directory ("DATA/5/00/00/WM.tif"). kind is PYR_ENTRY_FILE or
 * PYR_ENTRY_LINK. */
typedef enum pyr_result (*rok4_slabs_visit)(void *context, const char *path,
                                            const char *relative,
                                            enum pyr_entry kind,
                                            struct pyr_error *err);

/* Visits all slabs below directory/DATA and directory/MASK, sorted; what does
 * not look like one, and what links to directories lead to, is passed over. */
enum pyr_result rok4_slabs_each(const struct pyr_tree *tree,
                                const char *directory, rok4_slabs_visit visit,
                                void *context,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* A walk does not look behind links. PYR_UNSUPPORTED for a link to a directory,
 * where slabs would be missed; PYR_OK for anything else. */
enum pyr_result rok4_slabs_check_link(const struct pyr_tree *tree,
                                      const char *path,
                                      struct pyr_error *err) PYR_MUST_CHECK;

/* Removes slabs, and directories below directory/DATA and directory/MASK that
 * are empty: of the levels that the state drops, or with NULL, all. Links are
 * removed, what they lead to is not. Everything else stays. */
enum pyr_result rok4_slabs_remove(const struct pyr_tree *tree,
                                  const char *directory,
                                  const struct rok4_state *dropping,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* Whether directory/DATA or directory/MASK holds anything, or is no directory.
 */
enum pyr_result rok4_slabs_any(const struct pyr_tree *tree,
                               const char *directory, bool *out_any,
                               struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
