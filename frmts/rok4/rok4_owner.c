/* SPDX-License-Identifier: MIT */
/* Symbolic links to slabs of other pyramids: where they lead. */
#include "rok4_owner.h"

#include "pyr_alloc.h"
#include "rok4_path.h"

#include <string.h>

/* Removes ".", ".." and empty components of an absolute path, in place. */
static void normalise(char *path)
{
    char *out = path;
    for (const char *in = path; *in != '\0';)
    {
        const size_t length = strcspn(in, "/");
        if (length == 2 && memcmp(in, "..", 2) == 0)
        {
            while (out > path && *--out != '/')
                continue;
        }
        else if (length > 0 && !(length == 1 && *in == '.'))
        {
            *out++ = '/';
            memmove(out, in, length);
            out += length;
        }
        in += length + (in[length] == '/');
    }
    if (out == path)
        *out++ = '/';
    *out = '\0';
}

/* The target of a link, made absolute by its text. */
static char *absolute_target(const char *path, const char *target)
{
    char *absolute = NULL;
    if (target[0] == '/')
    {
        absolute = pyr_strdup(target);
    }
    else
    {
        char *const directory = rok4_path_parent(path);
        if (directory != NULL)
            absolute = rok4_path_join(directory, target);
        pyr_free(directory);
    }
    if (absolute != NULL)
        normalise(absolute);
    return absolute;
}

enum pyr_result rok4_owner_of_link(const struct pyr_tree *tree,
                                   const char *path, char **out_path,
                                   struct pyr_error *err)
{
    struct pyr_error found = {""};
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    char *target = NULL;
    char *real = NULL;
    const enum pyr_result result =
        tree->readlink(tree->user, path, &target, &found);
    if (result != PYR_OK)
        return pyr_fail(err, result, "%s: %s", path, found.text);
    char *absolute = absolute_target(path, target);
    pyr_free(target);
    if (absolute == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    /* A chain of links: the system knows its end, if there is one. */
    if (tree->kind(tree->user, absolute, &kind, &found) == PYR_OK &&
        kind == PYR_ENTRY_LINK &&
        tree->realpath(tree->user, absolute, &real, &found) == PYR_OK)
    {
        pyr_free(absolute);
        absolute = real;
    }
    *out_path = absolute;
    return PYR_OK;
}

char *rok4_owner_seen_from(const char *directory, const char *path)
{
    size_t common = 0; /* bytes of path, up to and with the last '/' of both */
    size_t nup = 0;
    for (size_t i = 0;; i++)
    {
        const bool ends = directory[i] == '/' || directory[i] == '\0';
        if (ends && path[i] == '/')
            common = i + 1;
        if (directory[i] == '\0' || directory[i] != path[i])
            break;
    }
    const size_t total = strlen(directory);
    for (size_t i = common; i < total; i++)
        nup +=
            directory[i] != '/' && (i + 1 == total || directory[i + 1] == '/');
    const char *const rest = path + common;
    const size_t nrest = strlen(rest);
    char *const text = pyr_malloc(3 * nup + nrest + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < nup; i++)
        memcpy(text + 3 * i, "../", 3);
    memcpy(text + 3 * nup, rest, nrest + 1);
    return text;
}
