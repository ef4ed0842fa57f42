/* SPDX-License-Identifier: MIT */
/* Whether a write to a pyramid may begin: what stands there already. */
#include "rok4_stage_priv.h"

#include "rok4_listing.h"
#include "rok4_slabs.h"

/* Other files may be called like the lists of a pyramid that is not there. */
static enum pyr_result
check_companions(const struct rok4_stage *stage,
                 const struct rok4_stage_options *options,
                 struct pyr_error *err)
{
    const char *const paths[] = {options->list ? stage->files.list : NULL,
                                 options->md5 ? stage->files.md5 : NULL};
    for (size_t i = 0; i < 2; i++)
    {
        enum pyr_entry kind = PYR_ENTRY_ABSENT;
        bool is_list = false;
        if (paths[i] == NULL)
            continue;
        enum pyr_result result =
            pyr_tree_kind(stage->tree, paths[i], &kind, err);
        if (result == PYR_OK)
            result = rok4_listing_is(stage->tree, paths[i], &is_list, err);
        if (result != PYR_OK)
            return result;
        if (kind != PYR_ENTRY_ABSENT && !is_list)
            return pyr_fail(err, PYR_USAGE,
                            "%s is there, and is no list of slabs: it is not "
                            "replaced",
                            paths[i]);
    }
    return PYR_OK;
}

/* Whether slabs can stand where they belong, and, of a new pyramid, none do. On
 * an object storage, there are no directories. */
static enum pyr_result check_directory(const struct rok4_stage *stage,
                                       enum rok4_stage_mode mode,
                                       struct pyr_error *err)
{
    const char *const path = stage->files.directory;
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    bool any = false;
    enum pyr_result result = pyr_tree_kind(stage->tree, path, &kind, err);
    if (result != PYR_OK)
        return result;
    if (kind != PYR_ENTRY_ABSENT && kind != PYR_ENTRY_DIRECTORY)
        return pyr_fail(
            err, PYR_USAGE, "%s, where slabs belong, is no directory%s", path,
            kind == PYR_ENTRY_LINK ? " but a link (write to where it leads)"
                                   : "");
    if (mode != ROK4_STAGE_NEW)
        return PYR_OK;
    result = rok4_slabs_any(stage->tree, path, &any, err);
    if (result == PYR_OK && any)
        result = pyr_fail(err, PYR_USAGE,
                          "%s holds slabs already (OVERWRITE=YES replaces "
                          "them)",
                          path);
    return result;
}

enum pyr_result rok4_stage_check(struct rok4_stage *stage,
                                 const struct rok4_stage_options *options,
                                 struct pyr_error *err)
{
    const char *const path = stage->files.descriptor;
    const enum rok4_stage_mode mode = options->mode;
    enum pyr_entry descriptor = PYR_ENTRY_ABSENT;
    enum pyr_result result = pyr_tree_kind(stage->tree, path, &descriptor, err);
    if (result != PYR_OK)
        return result;
    if (descriptor == PYR_ENTRY_DIRECTORY)
        return pyr_fail(err, PYR_USAGE, "%s is a directory", path);
    if (mode == ROK4_STAGE_UPDATE && descriptor == PYR_ENTRY_ABSENT)
        return pyr_fail(err, PYR_NOT_FOUND, "%s does not exist", path);
    if (mode == ROK4_STAGE_NEW && descriptor != PYR_ENTRY_ABSENT)
        return pyr_fail(err, PYR_USAGE,
                        "%s exists already (OVERWRITE=YES replaces pyramids)",
                        path);
    stage->replaces =
        mode == ROK4_STAGE_OVERWRITE && descriptor != PYR_ENTRY_ABSENT;
    if (stage->objects == NULL)
        result = check_directory(stage, mode, err);
    if (result == PYR_OK && descriptor == PYR_ENTRY_ABSENT)
        result = check_companions(stage, options, err);
    return result;
}
