/* SPDX-License-Identifier: MIT */
/* The slabs that stand below a pyramid's directory. */
#include "rok4_slabs.h"

#include "pyr_alloc.h"
#include "rok4_path.h"

#include <string.h>

static const char *const planes[] = {"DATA", "MASK"};
#define NPLANES (sizeof(planes) / sizeof(planes[0]))

/* Walks both planes. */
static enum pyr_result walk_planes(const struct pyr_tree *tree,
                                   const char *directory,
                                   const struct pyr_tree_walker *walker,
                                   struct pyr_error *err)
{
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    enum pyr_result result = pyr_tree_kind(tree, directory, &kind, err);
    /* What a link leads to is not the pyramid's. */
    if (result != PYR_OK || kind != PYR_ENTRY_DIRECTORY)
        return result;
    for (size_t i = 0; i < NPLANES && result == PYR_OK; i++)
    {
        char *const root = rok4_path_join(directory, planes[i]);
        result = root != NULL ? pyr_tree_walk(tree, root, walker, err)
                              : pyr_fail(err, PYR_NOMEM, "out of memory");
        pyr_free(root);
    }
    return result;
}

struct visit
{
    const struct pyr_tree *tree;
    size_t directory_nbytes; /* with the '/' behind it */
    rok4_slabs_visit slab;
    void *context;
    const struct rok4_state *dropping;
};

static enum pyr_result visit_slab(void *context, const char *path,
                                  const char *relative, enum pyr_entry kind,
                                  struct pyr_error *err)
{
    const struct visit *const visit = context;
    relative = path + visit->directory_nbytes;
    if (kind == PYR_ENTRY_OTHER || !rok4_files_is_slab(relative))
        return PYR_OK;
    return visit->slab(visit->context, path, relative, kind, err);
}

enum pyr_result rok4_slabs_each(const struct pyr_tree *tree,
                                const char *directory, rok4_slabs_visit visit,
                                void *context, struct pyr_error *err)
{
    struct visit each = {.tree = tree,
                         .directory_nbytes = strlen(directory) + 1,
                         .slab = visit,
                         .context = context};
    const struct pyr_tree_walker walker = {&each, visit_slab, NULL};
    return walk_planes(tree, directory, &walker, err);
}

enum pyr_result rok4_slabs_check_link(const struct pyr_tree *tree,
                                      const char *path, struct pyr_error *err)
{
    struct pyr_error found = {""};
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    char *real = NULL;
    enum pyr_result result = pyr_tree_kind(tree, path, &kind, err);
    if (result != PYR_OK || kind != PYR_ENTRY_LINK)
        return result;
    result = tree->realpath(tree->user, path, &real, &found);
    if (result == PYR_NOT_FOUND)
        return PYR_OK; /* it leads to nowhere */
    if (result == PYR_OK)
        result = tree->kind(tree->user, real, &kind, &found);
    pyr_free(real);
    if (result != PYR_OK)
        return pyr_fail(err, result, "%s: %s", path, found.text);
    return kind == PYR_ENTRY_DIRECTORY
               ? pyr_fail(err, PYR_UNSUPPORTED,
                          "%s: a directory of slabs that is a link", path)
               : PYR_OK;
}

static bool is_wanted(const struct visit *visit, const char *relative)
{
    return visit->dropping == NULL ||
           rok4_state_drops(visit->dropping, relative);
}

static enum pyr_result remove_slab(void *context, const char *path,
                                   const char *relative, enum pyr_entry kind,
                                   struct pyr_error *err)
{
    const struct visit *const visit = context;
    relative = path + visit->directory_nbytes;
    if (kind == PYR_ENTRY_OTHER || !rok4_files_is_slab(relative) ||
        !is_wanted(visit, relative))
        return PYR_OK;
    return pyr_tree_unlink(visit->tree, path, err);
}

static enum pyr_result remove_empty(void *context, const char *path,
                                    const char *relative, struct pyr_error *err)
{
    const struct visit *const visit = context;
    if (relative[0] != '\0' &&
        !is_wanted(visit, path + visit->directory_nbytes))
        return PYR_OK;
    return pyr_tree_rmdir(visit->tree, path, err);
}

enum pyr_result rok4_slabs_remove(const struct pyr_tree *tree,
                                  const char *directory,
                                  const struct rok4_state *dropping,
                                  struct pyr_error *err)
{
    struct visit each = {.tree = tree,
                         .directory_nbytes = strlen(directory) + 1,
                         .dropping = dropping};
    const struct pyr_tree_walker walker = {&each, remove_slab, remove_empty};
    return walk_planes(tree, directory, &walker, err);
}

static enum pyr_result note_entry(void *context, const char *name,
                                  enum pyr_entry kind, struct pyr_error *err)
{
    (void)name;
    (void)kind;
    (void)err;
    *(bool *)context = true;
    return PYR_OK;
}

static enum pyr_result any_in(const struct pyr_tree *tree, const char *path,
                              bool *any, struct pyr_error *err)
{
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    struct pyr_error found = {""};
    enum pyr_result result = pyr_tree_kind(tree, path, &kind, err);
    if (result != PYR_OK || kind == PYR_ENTRY_ABSENT)
        return result;
    *any = *any || kind != PYR_ENTRY_DIRECTORY;
    if (kind != PYR_ENTRY_DIRECTORY)
        return PYR_OK;
    result = tree->list(tree->user, path, note_entry, any, &found);
    return result == PYR_OK ? PYR_OK
                            : pyr_fail(err, result, "%s: %s", path, found.text);
}

enum pyr_result rok4_slabs_any(const struct pyr_tree *tree,
                               const char *directory, bool *out_any,
                               struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    bool any = false;
    for (size_t i = 0; i < NPLANES && result == PYR_OK; i++)
    {
        char *const path = rok4_path_join(directory, planes[i]);
        result = path != NULL ? any_in(tree, path, &any, err)
                              : pyr_fail(err, PYR_NOMEM, "out of memory");
        pyr_free(path);
    }
    if (result == PYR_OK)
        *out_any = any;
    return result;
}
