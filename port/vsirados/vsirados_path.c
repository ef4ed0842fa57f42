/* SPDX-License-Identifier: MIT */
/* Names: /vsirados/POOL/OBJECT, and directories made of slashes in names. */
#include "vsirados_path.h"

#include <string.h>

bool vsirados_path_parse(const char *path, struct vsirados_path *out_path)
{
    const size_t bare_nbytes = strlen(VSIRADOS_PREFIX) - 1;

    if (strncmp(path, VSIRADOS_PREFIX, bare_nbytes) != 0)
        return false;
    path += bare_nbytes;
    if (*path != '\0' && *path != '/')
        return false;
    if (*path == '/')
        path++;
    out_path->pool = path;
    out_path->pool_nbytes = strcspn(path, "/");
    path += out_path->pool_nbytes;
    out_path->object = *path == '/' ? path + 1 : path;
    /* No pool has no name: nor is there an object in it. */
    return out_path->pool_nbytes > 0 || out_path->object[0] == '\0';
}

/* Whether a directory can have an entry of this name. */
static bool is_name(const char *part, size_t nbytes)
{
    return nbytes > 2 || (nbytes > 0 && part[0] != '.') ||
           (nbytes == 2 && part[1] != '.');
}

bool vsirados_path_entry(const char *name, size_t nbytes, const char *prefix,
                         int depth, struct vsirados_entry *out_entry)
{
    const size_t prefix_nbytes = strlen(prefix);
    size_t begin = prefix_nbytes; /* of the part that is looked at */
    size_t end = nbytes;
    bool is_directory = false;

    if (nbytes <= prefix_nbytes || memcmp(name, prefix, prefix_nbytes) != 0 ||
        memchr(name, '\0', nbytes) != NULL)
        return false;
    for (int left = depth; depth != VSIRADOS_ANY_DEPTH; left--)
    {
        const char *slash = memchr(name + begin, '/', nbytes - begin);
        is_directory = slash != NULL;
        end = is_directory ? (size_t)(slash - name) : nbytes;
        if (!is_name(name + begin, end - begin))
            return false;
        /* A slash at the end of the name: the directory itself. */
        if (!is_directory || left == 0 || end + 1 == nbytes)
            break;
        begin = end + 1;
    }
    out_entry->offset = prefix_nbytes;
    out_entry->nbytes = end - prefix_nbytes;
    out_entry->is_directory = is_directory;
    return true;
}
