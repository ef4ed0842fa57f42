/* SPDX-License-Identifier: MIT */
/* Publishing what was staged: phases that the next writer can finish. */
#include "rok4_stage_priv.h"

#include "pyr_alloc.h"
#include "rok4_listing.h"
#include "rok4_path.h"
#include "rok4_slabs.h"

#include <string.h>

static const char *const planes[] = {"DATA", "MASK"};
#define NPLANES (sizeof(planes) / sizeof(planes[0]))

static enum pyr_result out_of_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

/* The state file is made in the staging directory, so that a killed run leaves
 * no half of it elsewhere. */
enum pyr_result rok4_publish_phase(struct rok4_stage *stage,
                                   enum rok4_state_phase phase,
                                   struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    const enum rok4_state_phase before = stage->state.phase;
    char *const path = rok4_stage_path(stage, "state");
    char *text = NULL;
    size_t nbytes = 0;
    enum pyr_result result = path != NULL ? PYR_OK : out_of_memory(err);
    stage->state.phase = phase;
    if (result == PYR_OK)
        result = rok4_state_format(&stage->state, &text, &nbytes, err);
    if (result == PYR_OK)
        result = pyr_tree_store(tree, path, text, nbytes, err);
    if (result == PYR_OK)
        result = pyr_tree_rename(tree, path, stage->files.state, err);
    if (result == PYR_OK)
        result = pyr_tree_sync_directory(tree, stage->files.root, err);
    if (result != PYR_OK)
        stage->state.phase = before;
    pyr_free(text);
    pyr_free(path);
    return result;
}

enum pyr_result rok4_publish_discard(struct rok4_stage *stage,
                                     struct pyr_error *err)
{
    const enum pyr_result result =
        pyr_tree_remove(stage->tree, stage->files.staging, err);
    if (result != PYR_OK)
        return result;
    return pyr_tree_unlink(stage->tree, stage->files.state, err);
}

/* directory/name to other/name; nothing there is fine. */
static enum pyr_result move_named(const struct pyr_tree *tree, const char *from,
                                  const char *to, const char *name,
                                  struct pyr_error *err)
{
    char *const old = rok4_path_join(from, name);
    char *const fresh = rok4_path_join(to, name);
    const enum pyr_result result = old != NULL && fresh != NULL
                                       ? pyr_tree_move(tree, old, fresh, err)
                                       : out_of_memory(err);
    pyr_free(old);
    pyr_free(fresh);
    return result;
}

static enum pyr_result move_planes(const struct pyr_tree *tree,
                                   const char *from, const char *to,
                                   struct pyr_error *err)
{
    enum pyr_result result = pyr_tree_mkdirs(tree, to, err);
    for (size_t i = 0; i < NPLANES && result == PYR_OK; i++)
        result = move_named(tree, from, to, planes[i], err);
    return result;
}

/* A file, into a directory, under its own name. */
static enum pyr_result move_beside(const struct pyr_tree *tree,
                                   const char *path, const char *directory,
                                   struct pyr_error *err)
{
    const char *const slash = strrchr(path, '/');
    char *const to =
        rok4_path_join(directory, slash != NULL ? slash + 1 : path);
    const enum pyr_result result =
        to != NULL ? pyr_tree_move(tree, path, to, err) : out_of_memory(err);
    pyr_free(to);
    return result;
}

/* The descriptor of a pyramid that is replaced, to a directory, then the files
 * that belong to it. Without a descriptor, they are others. */
static enum pyr_result put_files_aside(struct rok4_stage *stage,
                                       const char *old, struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    const struct rok4_files *const files = &stage->files;
    const char *const others[] = {files->list, files->md5, files->sidecar};
    const char *const slash = strrchr(files->descriptor, '/');
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    char *const moved =
        rok4_path_join(old, slash != NULL ? slash + 1 : files->descriptor);
    enum pyr_result result =
        moved != NULL ? pyr_tree_move(tree, files->descriptor, moved, err)
                      : out_of_memory(err);
    if (result == PYR_OK)
        result = pyr_tree_sync_directory(tree, files->root, err);
    if (result == PYR_OK)
        result = pyr_tree_kind(tree, moved, &kind, err);
    for (size_t i = 0; i < 3 && kind != PYR_ENTRY_ABSENT && result == PYR_OK;
         i++)
        result = move_beside(tree, others[i], old, err);
    pyr_free(moved);
    return result;
}

/* ROK4_STATE_OVERWRITE: the old pyramid, descriptor first, to the staging
 * directory. */
static enum pyr_result put_aside(struct rok4_stage *stage,
                                 struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    char *const old = rok4_stage_path(stage, "old");
    if (old == NULL)
        return out_of_memory(err);
    enum pyr_result result = pyr_tree_mkdirs(tree, old, err);
    if (result == PYR_OK)
        result = put_files_aside(stage, old, err);
    if (result == PYR_OK)
        result = move_planes(tree, stage->files.directory, old, err);
    pyr_free(old);
    return result;
}

/* ROK4_STATE_MOVE: the pyramid of another name, descriptor first, to the
 * staging directory. */
static enum pyr_result fetch_moved(struct rok4_stage *stage,
                                   const struct rok4_files *from,
                                   struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    char *const old = rok4_stage_path(stage, "old");
    if (old == NULL)
        return out_of_memory(err);
    enum pyr_result result = pyr_tree_mkdirs(tree, old, err);
    if (result == PYR_OK)
        result = move_beside(tree, from->descriptor, old, err);
    if (result == PYR_OK)
        result = pyr_tree_sync_directory(tree, from->root, err);
    if (result == PYR_OK)
        result = pyr_tree_unlink(tree, from->list, err);
    if (result == PYR_OK)
        result = pyr_tree_unlink(tree, from->md5, err);
    if (result == PYR_OK)
        result = pyr_tree_move(tree, from->sidecar, stage->files.sidecar, err);
    if (result == PYR_OK)
        result = move_planes(tree, from->directory, stage->files.staging, err);
    if (result == PYR_OK)
        result = pyr_tree_rmdir(tree, from->directory, err);
    pyr_free(old);
    return result;
}

static enum pyr_result find_moved(const struct rok4_stage *stage,
                                  struct rok4_files *out_from,
                                  struct pyr_error *err)
{
    char *const path = rok4_path_join(stage->files.root, stage->state.from);
    const enum pyr_result result = path != NULL
                                       ? rok4_files_init(path, out_from, err)
                                       : out_of_memory(err);
    pyr_free(path);
    return result;
}

/* ROK4_STATE_REMOVE: descriptor first, then what the pyramid itself owns. */
static enum pyr_result remove_pyramid(struct rok4_stage *stage,
                                      struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    const struct rok4_files *const files = &stage->files;
    enum pyr_result result = pyr_tree_unlink(tree, files->descriptor, err);
    if (result == PYR_OK)
        result = pyr_tree_sync_directory(tree, files->root, err);
    if (result == PYR_OK)
        result = pyr_tree_unlink(tree, files->list, err);
    if (result == PYR_OK)
        result = pyr_tree_unlink(tree, files->md5, err);
    if (result == PYR_OK)
        result = pyr_tree_unlink(tree, files->sidecar, err);
    if (result == PYR_OK)
        result = rok4_slabs_remove(tree, files->directory, NULL, err);
    if (result == PYR_OK)
        result = pyr_tree_rmdir(tree, files->directory, err);
    return result;
}

/* Whether the phase that changes what was published has not begun to. */
static enum pyr_result is_untouched(const struct pyr_tree *tree,
                                    const char *descriptor, bool *out_untouched,
                                    struct pyr_error *err)
{
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    const enum pyr_result result = pyr_tree_kind(tree, descriptor, &kind, err);
    *out_untouched = result == PYR_OK && kind != PYR_ENTRY_ABSENT;
    return result;
}

static enum pyr_result swap_moved(struct rok4_stage *stage, bool recovering,
                                  bool *out_given_up, struct pyr_error *err)
{
    struct rok4_files from = {NULL};
    enum pyr_result result = find_moved(stage, &from, err);
    if (result == PYR_OK && recovering)
        result = is_untouched(stage->tree, from.descriptor, out_given_up, err);
    if (result == PYR_OK && !*out_given_up)
        result = fetch_moved(stage, &from, err);
    rok4_files_clear(&from);
    return result;
}

static enum pyr_result swap(struct rok4_stage *stage, bool recovering,
                            bool *out_given_up, struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    enum pyr_result result = PYR_OK;
    switch (stage->state.mode)
    {
        case ROK4_STATE_NEW:
        case ROK4_STATE_UPDATE:
            return PYR_OK;
        case ROK4_STATE_OVERWRITE:
            result = put_aside(stage, err);
            break;
        case ROK4_STATE_MOVE:
            result = swap_moved(stage, recovering, out_given_up, err);
            break;
        case ROK4_STATE_REMOVE:
            if (recovering)
                result = is_untouched(tree, stage->files.descriptor,
                                      out_given_up, err);
            return result == PYR_OK && !*out_given_up
                       ? remove_pyramid(stage, err)
                       : result;
    }
    return result == PYR_OK && !*out_given_up
               ? pyr_tree_sync(tree, stage->files.root, err)
               : result;
}

/* Removes a list that is not wanted: it would tell of what stood there before.
 * Where nothing did, the file may be another. */
static enum pyr_result drop_list(struct rok4_stage *stage, const char *path,
                                 struct pyr_error *err)
{
    bool is_list = true;
    enum pyr_result result = PYR_OK;
    if (stage->state.mode != ROK4_STATE_UPDATE)
        result = rok4_listing_is(stage->tree, path, &is_list, err);
    return result == PYR_OK && is_list ? pyr_tree_unlink(stage->tree, path, err)
                                       : result;
}

/* The list and the digests of what stands there now. */
static enum pyr_result write_lists(struct rok4_stage *stage,
                                   struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    const struct rok4_files *const files = &stage->files;
    const bool list = stage->state.list;
    const bool md5 = stage->state.md5;
    char *const list_path = rok4_stage_path(stage, "list");
    char *const md5_path = rok4_stage_path(stage, "md5");
    enum pyr_result result =
        list_path != NULL && md5_path != NULL ? PYR_OK : out_of_memory(err);
    if (result == PYR_OK)
        result = rok4_listing_write(tree, files, &stage->state,
                                    list ? list_path : NULL,
                                    md5 ? md5_path : NULL, err);
    if (result == PYR_OK)
        result = list ? pyr_tree_rename(tree, list_path, files->list, err)
                      : drop_list(stage, files->list, err);
    if (result == PYR_OK)
        result = md5 ? pyr_tree_rename(tree, md5_path, files->md5, err)
                     : drop_list(stage, files->md5, err);
    pyr_free(list_path);
    pyr_free(md5_path);
    return result;
}

static enum pyr_result move_to_root(void *context, const char *path,
                                    const char *relative, enum pyr_entry kind,
                                    struct pyr_error *err)
{
    const struct rok4_stage *const stage = context;
    (void)relative;
    (void)kind;
    return move_beside(stage->tree, path, stage->files.root, err);
}

/* The root itself may be a link. */
static enum pyr_result place_beside(struct rok4_stage *stage,
                                    struct pyr_error *err)
{
    const struct pyr_tree_walker walker = {stage, move_to_root, NULL};
    char *const path = rok4_stage_path(stage, ROK4_STAGE_BESIDE);
    const enum pyr_result result =
        path != NULL ? pyr_tree_walk(stage->tree, path, &walker, err)
                     : out_of_memory(err);
    pyr_free(path);
    return result;
}

static enum pyr_result place(struct rok4_stage *stage, struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    const struct rok4_files *const files = &stage->files;
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    char *const path = rok4_stage_path(stage, ROK4_STAGE_DESCRIPTOR);
    enum pyr_result result = path != NULL
                                 ? pyr_tree_kind(tree, path, &kind, err)
                                 : out_of_memory(err);
    /* Without it, this was done, and only not written down. */
    if (result != PYR_OK || kind == PYR_ENTRY_ABSENT)
        goto done;
    result = move_planes(tree, files->staging, files->directory, err);
    if (result == PYR_OK)
        result = place_beside(stage, err);
    if (result == PYR_OK)
        result = write_lists(stage, err);
    if (result == PYR_OK)
        result = pyr_tree_sync(tree, files->root, err);
    if (result == PYR_OK)
        result = pyr_tree_rename(tree, path, files->descriptor, err);
    if (result == PYR_OK)
        result = pyr_tree_sync_directory(tree, files->root, err);

done:
    pyr_free(path);
    return result;
}

/* What is moved back from the old pyramid's directory. */
struct restoring
{
    const struct pyr_tree *tree;
    const char *directory;
    size_t old_nbytes; /* of the old directory, with the '/' behind it */
};

static enum pyr_result restore_entry(void *context, const char *path,
                                     const char *relative, enum pyr_entry kind,
                                     struct pyr_error *err)
{
    const struct restoring *const restoring = context;
    const struct pyr_tree *const tree = restoring->tree;
    enum pyr_entry there = PYR_ENTRY_ABSENT;
    (void)relative;
    (void)kind;
    char *const to =
        rok4_path_join(restoring->directory, path + restoring->old_nbytes);
    char *const parent = to != NULL ? rok4_path_parent(to) : NULL;
    enum pyr_result result = parent != NULL
                                 ? pyr_tree_kind(tree, to, &there, err)
                                 : out_of_memory(err);
    if (result == PYR_OK && there == PYR_ENTRY_ABSENT)
    {
        result = pyr_tree_mkdirs(tree, parent, err);
        if (result == PYR_OK)
            result = pyr_tree_move(tree, path, to, err);
    }
    pyr_free(parent);
    pyr_free(to);
    return result;
}

/* Slabs of the old pyramid are removed; what else stood among them goes back.
 */
static enum pyr_result clear_old(struct rok4_stage *stage,
                                 struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    char *const old = rok4_stage_path(stage, "old");
    if (old == NULL)
        return out_of_memory(err);
    struct restoring restoring = {tree, stage->files.directory,
                                  strlen(old) + 1};
    const struct pyr_tree_walker walker = {&restoring, restore_entry, NULL};
    enum pyr_result result = rok4_slabs_remove(tree, old, NULL, err);
    for (size_t i = 0; i < NPLANES && result == PYR_OK; i++)
    {
        char *const plane = rok4_path_join(old, planes[i]);
        result = plane != NULL ? pyr_tree_walk(tree, plane, &walker, err)
                               : out_of_memory(err);
        pyr_free(plane);
    }
    pyr_free(old);
    return result;
}

static enum pyr_result clean(struct rok4_stage *stage, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (stage->state.ndropped > 0)
        result = rok4_slabs_remove(stage->tree, stage->files.directory,
                                   &stage->state, err);
    if (result == PYR_OK)
        result = clear_old(stage, err);
    return result == PYR_OK ? rok4_publish_discard(stage, err) : result;
}

/* A state file that stands there without what it tells of is not believed:
 * nothing may be put aside for a pyramid that is not there. */
static enum pyr_result check_staged(const struct rok4_stage *stage,
                                    struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    const enum rok4_state_phase phase = stage->state.phase;
    enum pyr_entry fresh = PYR_ENTRY_ABSENT;
    enum pyr_entry published = PYR_ENTRY_ABSENT;
    if (stage->state.mode == ROK4_STATE_REMOVE || phase == ROK4_STATE_CLEAN)
        return PYR_OK;
    char *const path = rok4_stage_path(stage, ROK4_STAGE_DESCRIPTOR);
    enum pyr_result result = path != NULL
                                 ? pyr_tree_kind(tree, path, &fresh, err)
                                 : out_of_memory(err);
    if (result == PYR_OK && phase == ROK4_STATE_PLACE)
        result = pyr_tree_kind(tree, stage->files.descriptor, &published, err);
    if (result == PYR_OK && fresh != PYR_ENTRY_FILE &&
        published == PYR_ENTRY_ABSENT)
        result =
            pyr_fail(err, PYR_CORRUPT, "%s is missing, which %s was to publish",
                     path, stage->files.state);
    pyr_free(path);
    return result;
}

enum pyr_result rok4_publish_roll(struct rok4_stage *stage, bool recovering,
                                  bool *out_given_up, struct pyr_error *err)
{
    bool given_up = false;
    enum pyr_result result = check_staged(stage, err);
    if (result == PYR_OK && stage->state.phase == ROK4_STATE_SWAP)
    {
        result = swap(stage, recovering, &given_up, err);
        if (result == PYR_OK && !given_up &&
            stage->state.mode != ROK4_STATE_REMOVE)
            result = rok4_publish_phase(stage, ROK4_STATE_PLACE, err);
    }
    if (result == PYR_OK && stage->state.phase == ROK4_STATE_PLACE)
    {
        result = place(stage, err);
        if (result == PYR_OK)
            result = rok4_publish_phase(stage, ROK4_STATE_CLEAN, err);
    }
    if (result == PYR_OK)
        result = stage->state.phase == ROK4_STATE_CLEAN
                     ? clean(stage, err)
                     : rok4_publish_discard(stage, err);
    if (result == PYR_OK)
        *out_given_up = given_up;
    return result;
}
