/* SPDX-License-Identifier: MIT */
/* Slabs of an ancestor in a new pyramid: links or copies (spec section 7). */
#include "rok4_link.h"

#include "pyr_alloc.h"
#include "rok4_owner.h"
#include "rok4_path.h"
#include "rok4_slabs.h"

#include <stdio.h>
#include <string.h>

struct linker
{
    const struct pyr_tree *tree;
    enum rok4_link_mode mode;
    const char *to; /* directory of the level, in the new pyramid */
    char *root;     /* the same, without links: where relative targets start */
    const char *replaced; /* what nothing may lead to, without links; or NULL */
};

static enum pyr_result no_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

static enum pyr_result make_parent(const struct pyr_tree *tree,
                                   const char *path, struct pyr_error *err)
{
    char *const parent = rok4_path_parent(path);
    if (parent == NULL)
        return no_memory(err);
    const enum pyr_result result = pyr_tree_mkdirs(tree, parent, err);
    pyr_free(parent);
    return result;
}

static enum pyr_result link_symbolic(const struct linker *linker,
                                     const char *real, const char *relative,
                                     const char *path, struct pyr_error *err)
{
    const size_t nreplaced =
        linker->replaced != NULL ? strlen(linker->replaced) : 0;
    if (nreplaced > 0 && strncmp(real, linker->replaced, nreplaced) == 0 &&
        real[nreplaced] == '/')
        return pyr_fail(err, PYR_USAGE,
                        "a link would lead to what is about to be replaced "
                        "(HLINK and COPY make none)");
    char *const own = rok4_path_join(linker->root, relative);
    char *const parent = own != NULL ? rok4_path_parent(own) : NULL;
    char *const target =
        parent != NULL ? rok4_owner_seen_from(parent, real) : NULL;
    const enum pyr_result result =
        target == NULL
            ? no_memory(err)
            : linker->tree->symlink(linker->tree->user, target, path, err);
    pyr_free(target);
    pyr_free(parent);
    pyr_free(own);
    return result;
}

static enum pyr_result link_slab(const struct linker *linker, const char *from,
                                 const char *relative, const char *path,
                                 struct pyr_error *err)
{
    const struct pyr_tree *const tree = linker->tree;
    char *real = NULL;
    enum pyr_result result = tree->realpath(tree->user, from, &real, err);
    if (result == PYR_OK && linker->mode == ROK4_LINK_HARD)
        result = tree->hardlink(tree->user, real, path, err);
    else if (result == PYR_OK)
        result = link_symbolic(linker, real, relative, path, err);
    pyr_free(real);
    if (result != PYR_OK)
        pyr_error_prefix(err, "%s", from);
    return result;
}

static enum pyr_result put_slab(const struct linker *linker, const char *from,
                                const char *relative, struct pyr_error *err)
{
    const struct pyr_tree *const tree = linker->tree;
    enum pyr_entry there = PYR_ENTRY_ABSENT;
    char *const path = rok4_path_join(linker->to, relative);
    if (path == NULL)
        return no_memory(err);
    enum pyr_result result = pyr_tree_kind(tree, path, &there, err);
    if (result == PYR_OK && there == PYR_ENTRY_ABSENT)
    {
        result = make_parent(tree, path, err);
        if (result == PYR_OK)
            result = linker->mode == ROK4_LINK_COPY
                         ? pyr_tree_copy(tree, from, path, err)
                         : link_slab(linker, from, relative, path, err);
    }
    pyr_free(path);
    return result == PYR_NOT_FOUND ? PYR_USAGE : result;
}

/* *out_real is NULL where nothing is there. */
static enum pyr_result find_real(const struct pyr_tree *tree, const char *path,
                                 char **out_real, struct pyr_error *err)
{
    struct pyr_error found = {""};
    *out_real = NULL;
    const enum pyr_result result =
        tree->realpath(tree->user, path, out_real, &found);
    if (result == PYR_OK || result == PYR_NOT_FOUND)
        return PYR_OK;
    return pyr_fail(err, result, "%s: %s", path, found.text);
}

static enum pyr_result visit(void *context, const char *path,
                             const char *relative, enum pyr_entry kind,
                             struct pyr_error *err)
{
    const struct linker *const linker = context;
    if (rok4_files_is_slab_name(relative) &&
        (kind == PYR_ENTRY_FILE || kind == PYR_ENTRY_LINK))
        return put_slab(linker, path, relative, err);
    return kind == PYR_ENTRY_LINK
               ? rok4_slabs_check_link(linker->tree, path, err)
               : PYR_OK;
}

/* The directory of a level itself may be a link, or missing. */
static enum pyr_result link_level(const struct linker *whole, const char *from,
                                  const char *to, struct pyr_error *err)
{
    const struct pyr_tree *const tree = whole->tree;
    struct linker linker = *whole;
    const struct pyr_tree_walker walker = {.context = &linker, .entry = visit};
    char *real = NULL;
    enum pyr_result result = find_real(tree, from, &real, err);
    if (real == NULL)
        return result;
    linker.to = to;
    result = pyr_tree_mkdirs(tree, to, err);
    if (result == PYR_OK && linker.mode == ROK4_LINK_SYMBOLIC)
        result = find_real(tree, to, &linker.root, err);
    if (result == PYR_OK)
        result = pyr_tree_walk(tree, real, &walker, err);
    pyr_free(linker.root);
    pyr_free(real);
    return result;
}

enum pyr_result rok4_link_pyramid(const struct pyr_tree *tree,
                                  const struct rok4_pyramid *pyramid,
                                  enum rok4_link_mode mode,
                                  const char *directory, const char *replaced,
                                  struct pyr_error *err)
{
    static const char *const planes[] = {"DATA", "MASK"};
    struct linker linker = {.tree = tree, .mode = mode};
    char *real = NULL;
    enum pyr_result result = PYR_OK;
    if (mode == ROK4_LINK_SYMBOLIC)
        result = find_real(tree, replaced, &real, err);
    linker.replaced = real;
    for (size_t plane = 0; plane < 2; plane++)
        for (size_t i = 0; i < pyramid->descriptor->nlevels && result == PYR_OK;
             i++)
        {
            const char *const from = pyramid->planes[plane].places[i];
            const char *const id = pyramid->descriptor->levels[i].id;
            const size_t nbytes = strlen(directory) + strlen(id) + 8;
            char *to = NULL;
            if (from == NULL)
                continue;
            to = pyr_malloc(nbytes);
            if (to == NULL)
            {
                result = no_memory(err);
                continue;
            }
            (void)snprintf(to, nbytes, "%s/%s/%s", directory, planes[plane],
                           id);
            result = link_level(&linker, from, to, err);
            pyr_free(to);
        }
    pyr_free(real);
    return result;
}
