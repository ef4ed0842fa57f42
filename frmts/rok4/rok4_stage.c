/* SPDX-License-Identifier: MIT */
/* One write to a pyramid: staged beside it, then published. */
#include "rok4_stage_priv.h"

#include "pyr_alloc.h"
#include "pyr_json.h"
#include "rok4_path.h"

#include <string.h>

static enum pyr_result out_of_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

char *rok4_stage_path(const struct rok4_stage *stage, const char *name)
{
    return rok4_path_join(stage->files.staging, name);
}

void rok4_stage_free(struct rok4_stage *stage)
{
    if (stage == NULL)
        return;
    if (stage->lock != NULL)
        stage->tree->unlock(stage->lock);
    rok4_stage_objects_free(stage->objects);
    rok4_state_clear(&stage->state);
    rok4_files_clear(&stage->files);
    pyr_free(stage);
}

/* The state that a run left; *out_found: there is one. */
static enum pyr_result load_state(const struct rok4_stage *stage,
                                  struct rok4_state *out_state, bool *out_found,
                                  struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    const char *const path = stage->files.state;
    struct pyr_error found = {""};
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    char *text = NULL;
    size_t nbytes = 0;
    *out_found = false;
    enum pyr_result result = pyr_tree_kind(tree, path, &kind, err);
    if (result != PYR_OK || kind == PYR_ENTRY_ABSENT)
        return result;
    result = tree->load(tree->user, path, PYR_MAX_JSON_BYTES, &text, &nbytes,
                        &found);
    if (result == PYR_OK)
        result = rok4_state_parse(text, nbytes, out_state, &found);
    pyr_free(text);
    *out_found = result == PYR_OK;
    if (result == PYR_OK)
        return PYR_OK;
    return pyr_fail(err, result,
                    "%s does not tell how far an interrupted write came (%s)",
                    path, found.text);
}

/* Finishes what an interrupted run had begun to publish. */
static enum pyr_result recover(struct rok4_stage *stage, bool *out_finished,
                               struct pyr_error *err)
{
    bool found = false;
    bool given_up = false;
    enum pyr_result result = load_state(stage, &stage->state, &found, err);
    if (result != PYR_OK || !found || stage->state.phase == ROK4_STATE_BUILD)
        return result;
    result = rok4_publish_roll(stage, true, &given_up, err);
    if (result != PYR_OK)
    {
        pyr_error_prefix(err, "a write that was interrupted cannot be "
                              "finished");
        return result;
    }
    stage->recovered = !given_up;
    *out_finished = !given_up;
    if (given_up)
        rok4_state_clear(&stage->state);
    return PYR_OK;
}

enum pyr_result rok4_stage_lock(const struct pyr_tree *tree, const char *path,
                                struct rok4_stage **out_stage,
                                bool *out_finished, struct pyr_error *err)
{
    struct pyr_error found = {""};
    struct rok4_stage *const stage = pyr_calloc(1, sizeof(*stage));
    bool finished = false;
    if (stage == NULL)
        return out_of_memory(err);
    stage->tree = tree;
    const struct pyr_objects *const storage =
        tree->objects_at != NULL ? tree->objects_at(tree->user, path) : NULL;
    enum pyr_result result = rok4_files_init(path, &stage->files, err);
    if (result == PYR_OK && storage != NULL)
    {
        result = rok4_stage_objects_new(stage, storage);
        if (result != PYR_OK)
            (void)out_of_memory(err);
    }
    else if (result == PYR_OK)
    {
        result =
            tree->lock(tree->user, stage->files.lock, &stage->lock, &found);
        if (result != PYR_OK)
            (void)pyr_fail(err, result, "%s %s", path, found.text);
    }
    if (result == PYR_OK && storage == NULL)
        result = recover(stage, &finished, err);
    if (result != PYR_OK)
    {
        rok4_stage_free(stage);
        return result;
    }
    *out_stage = stage;
    *out_finished = finished;
    return PYR_OK;
}

enum pyr_result rok4_stage_begin(struct rok4_stage *stage,
                                 struct pyr_error *err)
{
    enum pyr_result result =
        pyr_tree_mkdirs(stage->tree, stage->files.staging, err);
    stage->begun = result == PYR_OK;
    return result == PYR_OK ? rok4_publish_phase(stage, ROK4_STATE_BUILD, err)
                            : result;
}

static enum pyr_result drop_part(void *context, const char *path,
                                 const char *relative, enum pyr_entry kind,
                                 struct pyr_error *err)
{
    const char *const slash = strrchr(relative, '/');
    if (kind != PYR_ENTRY_FILE ||
        !pyr_tree_is_part(slash != NULL ? slash + 1 : relative))
        return PYR_OK;
    return pyr_tree_unlink(context, path, err);
}

static enum rok4_state_mode state_mode(enum rok4_stage_mode mode)
{
    switch (mode)
    {
        case ROK4_STAGE_NEW:
            return ROK4_STATE_NEW;
        case ROK4_STAGE_OVERWRITE:
            return ROK4_STATE_OVERWRITE;
        case ROK4_STAGE_UPDATE:
            return ROK4_STATE_UPDATE;
    }
    return ROK4_STATE_NEW;
}

/* Whether a run that left a state was one like this. */
static bool is_same_run(const struct rok4_state *left,
                        const struct rok4_stage_options *options)
{
    return left->identity != NULL && left->identity[0] != '\0' &&
           left->mode == state_mode(options->mode) &&
           strcmp(left->identity, options->identity) == 0;
}

/* On an object storage, whether a run like this one was interrupted after all
 * but its last step: the descriptor of a new pyramid is there. */
static enum pyr_result finish_objects(struct rok4_stage *stage,
                                      const struct rok4_stage_options *options,
                                      bool *out_finished, struct pyr_error *err)
{
    const struct rok4_files *const files = &stage->files;
    enum pyr_entry descriptor = PYR_ENTRY_ABSENT;
    if (!options->resume || options->mode != ROK4_STAGE_NEW ||
        !is_same_run(&stage->state, options))
        return PYR_OK;
    enum pyr_result result =
        pyr_tree_kind(stage->tree, files->descriptor, &descriptor, err);
    if (result == PYR_OK && descriptor != PYR_ENTRY_ABSENT)
    {
        result = rok4_stage_objects_end(stage, err);
        *out_finished = result == PYR_OK;
    }
    return result;
}

/* Takes over what an interrupted run collected, or removes it. */
static enum pyr_result prepare(struct rok4_stage *stage,
                               const struct rok4_stage_options *options,
                               bool *out_finished, struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    const struct pyr_tree_walker walker = {(void *)tree, drop_part, NULL};
    struct rok4_state fresh = {0};
    bool found = false;
    enum pyr_result result = PYR_OK;
    if (stage->objects != NULL)
        result = load_state(stage, &stage->state, &found, err);
    if (result == PYR_OK && found)
        result = finish_objects(stage, options, out_finished, err);
    if (result != PYR_OK || *out_finished)
        return result;
    result = rok4_stage_check(stage, options, err);
    if (result == PYR_OK)
        result = rok4_state_init(state_mode(options->mode), options->identity,
                                 &fresh, err);
    if (result != PYR_OK)
        return result;
    fresh.list = options->list;
    fresh.md5 = options->md5;
    stage->resumed = options->resume && is_same_run(&stage->state, options);
    rok4_state_clear(&stage->state);
    stage->state = fresh;
    if (stage->objects != NULL)
        return rok4_stage_objects_begin(stage, options, found, err);
    result = stage->resumed
                 ? pyr_tree_walk(tree, stage->files.staging, &walker, err)
                 : rok4_publish_discard(stage, err);
    return result == PYR_OK ? rok4_stage_begin(stage, err) : result;
}

enum pyr_result rok4_stage_start(struct rok4_stage *stage,
                                 const struct rok4_stage_options *options,
                                 struct rok4_stage **out_stage,
                                 bool *out_finished, struct pyr_error *err)
{
    if (stage->recovered && is_same_run(&stage->state, options))
    {
        rok4_stage_free(stage);
        *out_stage = NULL;
        *out_finished = true;
        return PYR_OK;
    }
    if (stage->recovered)
        rok4_state_clear(&stage->state);
    bool finished = false;
    const enum pyr_result result = prepare(stage, options, &finished, err);
    if (result != PYR_OK || finished)
    {
        /* A run that is resumed may be so again. */
        if (stage->begun)
            rok4_stage_cancel(stage, stage->resumed);
        else
            rok4_stage_free(stage);
        if (result != PYR_OK)
            return result;
        stage = NULL;
    }
    *out_stage = stage;
    *out_finished = finished;
    return PYR_OK;
}

enum pyr_result rok4_stage_open(const struct pyr_tree *tree,
                                const struct rok4_stage_options *options,
                                struct rok4_stage **out_stage,
                                bool *out_finished, struct pyr_error *err)
{
    struct rok4_stage *stage = NULL;
    bool recovered = false;
    const enum pyr_result result =
        rok4_stage_lock(tree, options->path, &stage, &recovered, err);
    return result == PYR_OK
               ? rok4_stage_start(stage, options, out_stage, out_finished, err)
               : result;
}

const char *rok4_stage_directory(const struct rok4_stage *stage)
{
    return stage->objects != NULL ? stage->files.directory
                                  : stage->files.staging;
}

const struct pyr_out *rok4_stage_out(const struct rok4_stage *stage)
{
    return stage->objects != NULL ? rok4_stage_objects_out(stage->objects)
                                  : stage->tree->out;
}

bool rok4_stage_resumed(const struct rok4_stage *stage)
{
    return stage->resumed;
}

bool rok4_stage_recovered(const struct rok4_stage *stage)
{
    return stage->recovered;
}

enum pyr_result rok4_stage_drop_level(struct rok4_stage *stage,
                                      const char *level_id,
                                      struct pyr_error *err)
{
    return rok4_state_drop(&stage->state, level_id, err);
}

enum pyr_result rok4_stage_put_beside(const struct rok4_stage *stage,
                                      const char *name, const char *text,
                                      size_t nbytes, struct pyr_error *err)
{
    if (stage->objects != NULL)
        return rok4_stage_objects_put_beside(stage, name, text, nbytes, err);
    char *const directory = rok4_stage_path(stage, ROK4_STAGE_BESIDE);
    char *const path =
        directory != NULL ? rok4_path_join(directory, name) : NULL;
    const enum pyr_result result =
        path != NULL ? pyr_tree_store(stage->tree, path, text, nbytes, err)
                     : out_of_memory(err);
    pyr_free(path);
    pyr_free(directory);
    return result;
}

/* A level is written or dropped, not both. */
static enum pyr_result check_dropped(const struct rok4_stage *stage,
                                     const char *plane, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (uint32_t i = 0; i < stage->state.ndropped && result == PYR_OK; i++)
    {
        enum pyr_entry kind = PYR_ENTRY_ABSENT;
        char *const path = rok4_path_join(plane, stage->state.dropped[i]);
        result = path != NULL ? pyr_tree_kind(stage->tree, path, &kind, err)
                              : out_of_memory(err);
        if (result == PYR_OK && kind != PYR_ENTRY_ABSENT)
            result =
                pyr_fail(err, PYR_USAGE,
                         "%s: slabs of a level that is to be dropped", path);
        pyr_free(path);
    }
    return result;
}

/* Whether what was collected can be put in its place, before anything is. */
static enum pyr_result check_places(const struct rok4_stage *stage,
                                    struct pyr_error *err)
{
    static const char *const planes[] = {"DATA", "MASK"};
    /* What an old one has there will be put aside. */
    const bool swaps = stage->state.mode == ROK4_STATE_OVERWRITE;
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < 2 && result == PYR_OK; i++)
    {
        char *const from = rok4_stage_path(stage, planes[i]);
        char *const to = rok4_path_join(stage->files.directory, planes[i]);
        result = from != NULL && to != NULL ? check_dropped(stage, from, err)
                                            : out_of_memory(err);
        if (result == PYR_OK && !swaps)
            result = pyr_tree_check_move(stage->tree, from, to, err);
        pyr_free(from);
        pyr_free(to);
    }
    return result;
}

static enum pyr_result store_descriptor(const struct rok4_stage *stage,
                                        const char *text, struct pyr_error *err)
{
    char *const path = rok4_stage_path(stage, ROK4_STAGE_DESCRIPTOR);
    const enum pyr_result result =
        path != NULL
            ? pyr_tree_store(stage->tree, path, text, strlen(text), err)
            : out_of_memory(err);
    pyr_free(path);
    return result;
}

/* Writes down that publishing begins. Where that fails, whether it stands there
 * all the same decides. */
static enum pyr_result commit(struct rok4_stage *stage, bool *out_committed,
                              struct pyr_error *err)
{
    const bool swaps = stage->state.mode != ROK4_STATE_NEW &&
                       stage->state.mode != ROK4_STATE_UPDATE;
    struct rok4_state there = {0};
    bool found = false;
    const enum pyr_result result = rok4_publish_phase(
        stage, swaps ? ROK4_STATE_SWAP : ROK4_STATE_PLACE, err);
    *out_committed = true;
    if (result != PYR_OK && load_state(stage, &there, &found, NULL) == PYR_OK)
        *out_committed = found && there.phase != ROK4_STATE_BUILD;
    rok4_state_clear(&there);
    return result;
}

enum pyr_result rok4_stage_publish(struct rok4_stage *stage,
                                   const char *descriptor_text,
                                   struct pyr_error *err)
{
    const struct pyr_tree *const tree = stage->tree;
    bool committed = false;
    bool given_up = false;
    if (stage->objects != NULL)
    {
        const enum pyr_result put =
            rok4_stage_objects_publish(stage, descriptor_text, err);
        rok4_stage_free(stage);
        return put;
    }
    enum pyr_result result = check_places(stage, err);
    if (result == PYR_OK)
        result = pyr_tree_sync(tree, stage->files.staging, err);
    if (result == PYR_OK)
        result = store_descriptor(stage, descriptor_text, err);
    if (result == PYR_OK)
        result = commit(stage, &committed, err);
    if (result == PYR_OK)
        result = rok4_publish_roll(stage, false, &given_up, err);
    if (result != PYR_OK && committed)
        pyr_error_prefix(err, "publishing is not finished, which the next "
                              "write will do");
    if (committed)
        rok4_stage_free(stage);
    else
        rok4_stage_cancel(stage, false);
    return result;
}

void rok4_stage_cancel(struct rok4_stage *stage, bool keep)
{
    if (stage == NULL)
        return;
    if (!keep && stage->objects != NULL)
        rok4_stage_objects_cancel(stage);
    else if (!keep)
        (void)(rok4_publish_discard(stage, NULL) == PYR_OK);
    rok4_stage_free(stage);
}
