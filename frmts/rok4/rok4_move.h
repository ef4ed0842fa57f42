/* SPDX-License-Identifier: MIT */
/* Renaming and copying a pyramid. */
#ifndef ROK4_MOVE_H
#define ROK4_MOVE_H

#include "pyr_tree.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Makes the descriptor of the new name from the text of the old one, which is
 * read while the pyramid is locked. *out_text is NUL-terminated and freed with
 * pyr_free. PYR_UNSUPPORTED for a pyramid whose slabs are not where its name
 * says. */
typedef enum pyr_result (*rok4_move_rewrite)(void *context, const char *text,
                                             size_t nbytes, char **out_text,
                                             struct pyr_error *err);

/* Gives a pyramid another name: its slabs (NAME/DATA, NAME/MASK) by renaming
 * directories, its list and digests by writing them anew where there were some,
 * and its sidecar; what else NAME holds stays. Links of other pyramids to its
 * slabs will lead to nowhere. Into another directory it is copied, then the old
 * one is removed.
 *
 * PYR_USAGE where a pyramid has the new name, or either is being written;
 * PYR_NOT_FOUND; PYR_IO, PYR_NOMEM; what rewrite says. Interrupted before the
 * old descriptor is gone, it is given up; after that, the next writer of the
 * new name finishes it. */
enum pyr_result rok4_move(const struct pyr_tree *tree, const char *from,
                          const char *to, rok4_move_rewrite rewrite,
                          void *context, struct pyr_error *err) PYR_MUST_CHECK;

/* Makes a copy under another name; links to slabs of others become links to the
 * same, absolute or relative as they were, and a directory that is a link is
 * PYR_UNSUPPORTED. Otherwise like rok4_move. */
enum pyr_result rok4_copy(const struct pyr_tree *tree, const char *from,
                          const char *to, rok4_move_rewrite rewrite,
                          void *context, struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
