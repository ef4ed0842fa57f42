/* SPDX-License-Identifier: MIT */
/* Renaming and copying a pyramid. */
#include "rok4_move.h"

#include "pyr_alloc.h"
#include "rok4_owner.h"
#include "rok4_path.h"
#include "rok4_remove.h"
#include "rok4_slabs.h"
#include "rok4_stage_priv.h"

#include <string.h>

static enum pyr_result out_of_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

static enum pyr_result is_there(const struct pyr_tree *tree, const char *path,
                                bool *out_there, struct pyr_error *err)
{
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    const enum pyr_result result = pyr_tree_kind(tree, path, &kind, err);
    if (result == PYR_OK)
        *out_there = kind != PYR_ENTRY_ABSENT;
    return result;
}

/* The descriptor under its new name. */
static enum pyr_result compose(const struct rok4_stage *source,
                               rok4_move_rewrite rewrite, void *context,
                               char **out_text, struct pyr_error *err)
{
    const struct pyr_tree *const tree = source->tree;
    const char *const path = source->files.descriptor;
    struct pyr_error found = {""};
    char *text = NULL;
    size_t nbytes = 0;
    enum pyr_result result = tree->load(tree->user, path, PYR_MAX_JSON_BYTES,
                                        &text, &nbytes, &found);
    if (result == PYR_OK)
        result = rewrite(context, text, nbytes, out_text, &found);
    pyr_free(text);
    if (result != PYR_OK)
        (void)pyr_fail(err, result, "%s: %s", path, found.text);
    return result;
}

/* Begins a pyramid of the new name, with the lists that the old one has. */
static enum pyr_result open_target(const struct rok4_stage *source,
                                   const char *to,
                                   struct rok4_stage **out_stage,
                                   struct pyr_error *err)
{
    struct rok4_stage_options options = {
        .path = to, .mode = ROK4_STAGE_NEW, .identity = "", .resume = false};
    bool finished = false;
    enum pyr_result result =
        is_there(source->tree, source->files.list, &options.list, err);
    if (result == PYR_OK)
        result = is_there(source->tree, source->files.md5, &options.md5, err);
    if (result == PYR_OK)
        result =
            rok4_stage_open(source->tree, &options, out_stage, &finished, err);
    return result;
}

struct copying
{
    const struct pyr_tree *tree;
    const char *staging;
    char *from; /* the old directory, absolute and free of links */
    char *to;   /* the new one */
};

/* The text of a link in the new directory that leads where the old one does. */
static enum pyr_result compose_link(const struct copying *copying,
                                    const char *relative, char **out_text,
                                    struct pyr_error *err)
{
    const struct pyr_tree *const tree = copying->tree;
    struct pyr_error found = {""};
    char *written = NULL;
    char *owner = NULL;
    char *parent = NULL;
    char *text = NULL;
    char *const path = rok4_path_join(copying->from, relative);
    char *const fresh = rok4_path_join(copying->to, relative);
    enum pyr_result result =
        path != NULL && fresh != NULL
            ? tree->readlink(tree->user, path, &written, &found)
            : pyr_fail(&found, PYR_NOMEM, "out of memory");
    if (result == PYR_OK)
        result = rok4_owner_of_link(tree, path, &owner, &found);
    if (result == PYR_OK && written[0] != '/')
    {
        parent = rok4_path_parent(fresh);
        if (parent != NULL)
            text = rok4_owner_seen_from(parent, owner);
        result = text != NULL ? PYR_OK
                              : pyr_fail(&found, PYR_NOMEM, "out of memory");
    }
    else if (result == PYR_OK)
    {
        text = owner;
        owner = NULL;
    }
    if (result == PYR_OK)
        *out_text = text;
    else
        (void)pyr_fail(err, result, "%s: %s", relative, found.text);
    pyr_free(parent);
    pyr_free(owner);
    pyr_free(written);
    pyr_free(fresh);
    pyr_free(path);
    return result;
}

static enum pyr_result copy_link(const struct copying *copying,
                                 const char *relative, const char *to,
                                 struct pyr_error *err)
{
    const struct pyr_tree *const tree = copying->tree;
    struct pyr_error found = {""};
    char *text = NULL;
    char *const parent = rok4_path_parent(to);
    enum pyr_result result = parent != NULL ? pyr_tree_mkdirs(tree, parent, err)
                                            : out_of_memory(err);
    if (result == PYR_OK)
        result = compose_link(copying, relative, &text, err);
    if (result == PYR_OK)
    {
        result = tree->symlink(tree->user, text, to, &found);
        if (result != PYR_OK)
            (void)pyr_fail(err, result, "%s: %s", to, found.text);
    }
    pyr_free(text);
    pyr_free(parent);
    return result;
}

static enum pyr_result copy_slab(void *context, const char *path,
                                 const char *relative, enum pyr_entry kind,
                                 struct pyr_error *err)
{
    const struct copying *const copying = context;
    char *const to = rok4_path_join(copying->staging, relative);
    enum pyr_result result;
    if (to == NULL)
        result = out_of_memory(err);
    else if (kind == PYR_ENTRY_LINK)
        result = copy_link(copying, relative, to, err);
    else
        result = pyr_tree_copy(copying->tree, path, to, err);
    pyr_free(to);
    return result;
}

/* The absolute path that a directory that may not exist will have. */
static enum pyr_result find_absolute(const struct pyr_tree *tree,
                                     const struct rok4_files *files,
                                     char **out_path, struct pyr_error *err)
{
    struct pyr_error found = {""};
    char *root = NULL;
    enum pyr_result result =
        tree->realpath(tree->user, files->root, &root, &found);
    if (result != PYR_OK)
        return pyr_fail(err, result, "%s: %s", files->root, found.text);
    *out_path = rok4_path_join(root, files->name);
    pyr_free(root);
    return *out_path != NULL ? PYR_OK : out_of_memory(err);
}

static enum pyr_result check_entry(void *context, const char *path,
                                   const char *relative, enum pyr_entry kind,
                                   struct pyr_error *err)
{
    (void)relative;
    return kind == PYR_ENTRY_LINK ? rok4_slabs_check_link(context, path, err)
                                  : PYR_OK;
}

/* Whether every slab will be met. */
static enum pyr_result check_planes(const struct rok4_stage *source,
                                    struct pyr_error *err)
{
    static const char *const planes[] = {"DATA", "MASK"};
    const struct pyr_tree *const tree = source->tree;
    const struct pyr_tree_walker walker = {(void *)tree, check_entry, NULL};
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < 2 && result == PYR_OK; i++)
    {
        char *const path = rok4_path_join(source->files.directory, planes[i]);
        result = path != NULL ? rok4_slabs_check_link(tree, path, err)
                              : out_of_memory(err);
        if (result == PYR_OK)
            result = pyr_tree_walk(tree, path, &walker, err);
        pyr_free(path);
    }
    return result;
}

static enum pyr_result copy_slabs(const struct rok4_stage *source,
                                  const struct rok4_stage *target,
                                  struct pyr_error *err)
{
    struct copying copying = {.tree = source->tree,
                              .staging = rok4_stage_directory(target)};
    enum pyr_result result =
        find_absolute(source->tree, &source->files, &copying.from, err);
    if (result == PYR_OK)
        result = find_absolute(source->tree, &target->files, &copying.to, err);
    if (result == PYR_OK)
        result = check_planes(source, err);
    if (result == PYR_OK)
        result = rok4_slabs_each(source->tree, source->files.directory,
                                 copy_slab, &copying, err);
    pyr_free(copying.from);
    pyr_free(copying.to);
    return result;
}

/* GDAL's file beside the descriptor, for the descriptor `to`. */
static enum pyr_result copy_sidecar(const struct rok4_stage *source,
                                    const char *to, struct pyr_error *err)
{
    const struct pyr_tree *const tree = source->tree;
    struct rok4_files files = {NULL};
    bool there = false;
    enum pyr_result result = is_there(tree, source->files.sidecar, &there, err);
    if (result != PYR_OK || !there)
        return result;
    result = rok4_files_init(to, &files, err);
    if (result == PYR_OK)
        result = pyr_tree_copy(tree, source->files.sidecar, files.sidecar, err);
    rok4_files_clear(&files);
    return result;
}

/* Makes the target a renamed source, when it is published. */
static enum pyr_result set_moved(struct rok4_stage *source,
                                 struct rok4_stage *target,
                                 struct pyr_error *err)
{
    const char *const path = source->files.descriptor;
    const char *const slash = strrchr(path, '/');
    target->state.from = pyr_strdup(slash != NULL ? slash + 1 : path);
    if (target->state.from == NULL)
        return out_of_memory(err);
    target->state.mode = ROK4_STATE_MOVE;
    /* What an unpublished run collected for the old name serves no more. */
    return rok4_publish_discard(source, err);
}

/* Locks the pyramid that is read. */
static enum pyr_result lock_source(const struct pyr_tree *tree,
                                   const char *path,
                                   struct rok4_stage **out_source,
                                   struct pyr_error *err)
{
    struct rok4_stage *source = NULL;
    enum pyr_entry directory = PYR_ENTRY_ABSENT;
    bool finished = false;
    bool there = false;
    enum pyr_result result =
        rok4_stage_lock(tree, path, &source, &finished, err);
    if (result != PYR_OK)
        return result;
    result = is_there(tree, path, &there, err);
    if (result == PYR_OK && !there)
        result = pyr_fail(err, PYR_NOT_FOUND, "%s does not exist", path);
    if (result == PYR_OK)
        result = pyr_tree_kind(tree, source->files.directory, &directory, err);
    if (result == PYR_OK && directory == PYR_ENTRY_LINK)
        result = pyr_fail(err, PYR_UNSUPPORTED,
                          "%s, where the slabs stand, is a link",
                          source->files.directory);
    if (result == PYR_OK)
        *out_source = source;
    else
        rok4_stage_free(source);
    return result;
}

static enum pyr_result transfer(const struct pyr_tree *tree, const char *from,
                                const char *to, bool renaming,
                                rok4_move_rewrite rewrite, void *context,
                                struct pyr_error *err)
{
    struct rok4_stage *source = NULL;
    struct rok4_stage *target = NULL;
    char *text = NULL;
    bool there = false;
    enum pyr_result result = is_there(tree, to, &there, err);
    if (result == PYR_OK && there)
        result = pyr_fail(err, PYR_USAGE, "%s exists already", to);
    if (result == PYR_OK)
        result = lock_source(tree, from, &source, err);
    if (result != PYR_OK)
        return result;
    result = compose(source, rewrite, context, &text, err);
    if (result == PYR_OK)
        result = open_target(source, to, &target, err);
    if (result == PYR_OK)
        result = renaming ? set_moved(source, target, err)
                          : copy_slabs(source, target, err);
    if (result == PYR_OK)
        result = rok4_stage_publish(target, text, err);
    else
        rok4_stage_cancel(target, false);
    if (result == PYR_OK && !renaming)
        result = copy_sidecar(source, to, err);
    pyr_free(text);
    rok4_stage_free(source);
    return result;
}

static enum pyr_result is_same_directory(const struct pyr_tree *tree,
                                         const char *one, const char *other,
                                         bool *out_same, struct pyr_error *err)
{
    struct rok4_files files[2] = {{NULL}, {NULL}};
    char *paths[2] = {NULL, NULL};
    enum pyr_result result = rok4_files_init(one, &files[0], err);
    if (result == PYR_OK)
        result = rok4_files_init(other, &files[1], err);
    for (int i = 0; i < 2 && result == PYR_OK; i++)
    {
        struct pyr_error found = {""};
        result = tree->realpath(tree->user, files[i].root, &paths[i], &found);
        if (result != PYR_OK)
            (void)pyr_fail(err, result, "%s: %s", files[i].root, found.text);
    }
    if (result == PYR_OK)
        *out_same = strcmp(paths[0], paths[1]) == 0;
    for (int i = 0; i < 2; i++)
    {
        pyr_free(paths[i]);
        rok4_files_clear(&files[i]);
    }
    return result;
}

enum pyr_result rok4_copy(const struct pyr_tree *tree, const char *from,
                          const char *to, rok4_move_rewrite rewrite,
                          void *context, struct pyr_error *err)
{
    return transfer(tree, from, to, false, rewrite, context, err);
}

enum pyr_result rok4_move(const struct pyr_tree *tree, const char *from,
                          const char *to, rok4_move_rewrite rewrite,
                          void *context, struct pyr_error *err)
{
    bool same = false;
    enum pyr_result result = is_same_directory(tree, from, to, &same, err);
    if (result != PYR_OK)
        return result;
    result = transfer(tree, from, to, same, rewrite, context, err);
    if (result == PYR_OK && !same)
        result = rok4_remove(tree, from, err);
    return result;
}
