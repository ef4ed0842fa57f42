/* SPDX-License-Identifier: MIT */
/* Names: /vsirados/POOL/OBJECT, and directories made of slashes in names. */
#ifndef VSIRADOS_PATH_H
#define VSIRADOS_PATH_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

#define VSIRADOS_PREFIX "/vsirados/"

/* A path, in two parts, which are borrowed from it. Both are empty for
 * "/vsirados/", and object is for a pool. */
struct vsirados_path
{
    const char *pool;
    size_t pool_nbytes;
    const char *object; /* behind the slash after the pool, to the end */
};

/* False when the path is none of ours. "/vsirados" is, as a directory. Slashes
 * in the name of an object stand for themselves, also at its begin and end. */
bool vsirados_path_parse(const char *path, struct vsirados_path *out_path);

/* What one object is to somebody who looks at a directory. */
struct vsirados_entry
{
    size_t offset; /* of the entry's name, in the object's */
    size_t nbytes; /* of the entry's name */
    bool is_directory;
};

#define VSIRADOS_ANY_DEPTH (-1)

/* Whether name[nbytes] stands below the directory prefix, "" or with a slash at
 * its end, and as what. depth: how many directories deep to look: with 0, what
 * stands deeper is a directory of this one. With VSIRADOS_ANY_DEPTH every
 * object is an entry and there are no directories; otherwise names that no
 * directory can have ("", "." and "..") hide the object. */
bool vsirados_path_entry(const char *name, size_t nbytes, const char *prefix,
                         int depth, struct vsirados_entry *out_entry);

#ifdef __cplusplus
}
#endif

#endif
