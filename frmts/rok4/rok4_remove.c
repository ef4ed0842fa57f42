/* SPDX-License-Identifier: MIT */
/* Removing a pyramid: only what it owns. */
#include "rok4_remove.h"

#include "rok4_stage_priv.h"

static enum pyr_result check_there(const struct rok4_stage *stage,
                                   struct pyr_error *err)
{
    const char *const path = stage->files.descriptor;
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    const enum pyr_result result = pyr_tree_kind(stage->tree, path, &kind, err);
    if (result != PYR_OK)
        return result;
    if (kind == PYR_ENTRY_ABSENT)
        return pyr_fail(err, PYR_NOT_FOUND, "%s does not exist", path);
    if (kind == PYR_ENTRY_DIRECTORY)
        return pyr_fail(err, PYR_USAGE, "%s is a directory", path);
    return PYR_OK;
}

/* A removal that failed before it changed anything leaves nothing. */
static void give_up(struct rok4_stage *stage, struct pyr_error *err)
{
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    if (pyr_tree_kind(stage->tree, stage->files.descriptor, &kind, NULL) ==
            PYR_OK &&
        kind != PYR_ENTRY_ABSENT)
        (void)(rok4_publish_discard(stage, NULL) == PYR_OK);
    else
        pyr_error_prefix(err, "removing is not finished, which the next "
                              "write will do");
}

enum pyr_result rok4_remove(const struct pyr_tree *tree,
                            const char *descriptor_path, struct pyr_error *err)
{
    struct rok4_stage *stage = NULL;
    bool finished = false;
    bool given_up = false;
    enum pyr_result result =
        rok4_stage_lock(tree, descriptor_path, &stage, &finished, err);
    if (result != PYR_OK)
        return result;
    result = check_there(stage, err);
    if (result == PYR_OK && stage->objects != NULL)
        result = rok4_stage_objects_remove(stage, err);
    if (result != PYR_OK || stage->objects != NULL)
    {
        rok4_stage_free(stage);
        return result;
    }
    /* What an unpublished run collected goes too. */
    result = rok4_publish_discard(stage, err);
    rok4_state_clear(&stage->state);
    if (result == PYR_OK)
        result = rok4_state_init(ROK4_STATE_REMOVE, "", &stage->state, err);
    if (result == PYR_OK)
    {
        result = rok4_stage_begin(stage, err);
        if (result == PYR_OK)
            result = rok4_publish_phase(stage, ROK4_STATE_SWAP, err);
        if (result == PYR_OK)
            result = rok4_publish_roll(stage, false, &given_up, err);
        if (result != PYR_OK)
            give_up(stage, err);
    }
    rok4_stage_free(stage);
    return result;
}
