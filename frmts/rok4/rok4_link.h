/* SPDX-License-Identifier: MIT */
/* Slabs of an ancestor in a new pyramid: links or copies (spec section 7). */
#ifndef ROK4_LINK_H
#define ROK4_LINK_H

#include "pyr_tree.h"
#include "rok4_pyramid.h"

#ifdef __cplusplus
extern "C"
{
#endif

enum rok4_link_mode
{
    ROK4_LINK_SYMBOLIC, /* relative, to the file that the slab really is */
    ROK4_LINK_HARD,
    ROK4_LINK_COPY
};

/* Puts every slab of the pyramid, data and masks, below directory as
 * DATA/<level>/... and MASK/<level>/... What stands there stays. Relative links
 * are made as seen from replaced, the place that the directory will be renamed
 * to, which stands beside it. PYR_UNSUPPORTED where the storage has no such
 * links, or for a directory below a level's that is a link itself; PYR_USAGE
 * for a slab that is a link to nowhere, or, with symbolic links, lies below
 * replaced. */
enum pyr_result rok4_link_pyramid(const struct pyr_tree *tree,
                                  const struct rok4_pyramid *pyramid,
                                  enum rok4_link_mode mode,
                                  const char *directory, const char *replaced,
                                  struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
