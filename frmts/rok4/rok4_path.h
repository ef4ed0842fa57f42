/* SPDX-License-Identifier: MIT */
/* Where the slabs of a level are: paths written in a descriptor, resolved. */
#ifndef ROK4_PATH_H
#define ROK4_PATH_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* What a descriptor's paths are resolved against. */
struct rok4_path_rules
{
    /* Path of the descriptor; a VSI path when it starts with "/vsi". */
    const char *descriptor_path;
    /* Directory that takes the place of the descriptor's own; NULL for none. */
    const char *storage_root;
    /* False: a directory outside the descriptor's is PYR_UNSUPPORTED. */
    bool allow_outside;
};

/* Directory part of a path, without the final '/': "" for a bare name, "/" for
 * the root. Freed with pyr_free; NULL when out of memory. */
char *rok4_path_parent(const char *path);

/* True for a path on a virtual file system other than those that keep their
 * bytes in local files or memory ("/vsimem/", archives...), and for URLs. Where
 * unsure, true. */
bool rok4_path_is_remote(const char *path);

/* dir + "/" + name; "" stands for the current directory. Freed with pyr_free;
 * NULL when out of memory. */
char *rok4_path_join(const char *dir, const char *name);

/* Resolves an image or mask directory as the reference readers do (spec section
 * 2.1): "/x" is absolute; "./x", "../x" and "x" start at the descriptor's
 * directory; a '/' at the end does not count. With a storage root, a relative
 * directory starts there, and of an absolute one the last three components
 * are looked up there.
 *
 * A local descriptor may name any local directory (unless allow_outside is
 * false), but no VSI path. One on a virtual file system stays on it: absolute
 * directories, and ".." that would climb out of its first component (host,
 * bucket, archive), are PYR_UNSUPPORTED. PYR_NOMEM. *out_directory is freed
 * with pyr_free. Pure: symbolic links are not looked at. */
enum pyr_result rok4_path_resolve(const struct rok4_path_rules *rules,
                                  const char *written, char **out_directory,
                                  struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
