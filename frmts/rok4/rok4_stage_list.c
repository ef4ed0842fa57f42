/* SPDX-License-Identifier: MIT */
/* The list of slabs on an object storage: what was put, beside what was there.
 */
#include "rok4_stage_objects.h"

#include "rok4_lines.h"
#include "rok4_list.h"
#include "rok4_listing.h"
#include "rok4_place.h"

#include "pyr_alloc.h"

#include <stdio.h>

/* What the list is made of. */
struct list
{
    const struct rok4_stage *stage;
    struct rok4_lines lines;
};

static enum pyr_result add_line(struct list *list, const char *first,
                                const char *second, struct pyr_error *err)
{
    enum pyr_result result = rok4_lines_add(&list->lines, first, err);
    if (result == PYR_OK)
        result = rok4_lines_add(&list->lines, second, err);
    return result == PYR_OK ? rok4_lines_add(&list->lines, "\n", err) : result;
}

static enum pyr_result add_name(void *context, const char *name, uint16_t root,
                                struct pyr_error *err)
{
    char number[8];
    (void)snprintf(number, sizeof(number), "%u/", (unsigned)root);
    return add_line(context, number, name, err);
}

static enum pyr_result add_root(struct list *list, unsigned number,
                                const char *root, struct pyr_error *err)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u=", number);
    return add_line(list, text, root, err);
}

static enum pyr_result add_roots(struct list *list, struct pyr_error *err)
{
    const struct rok4_stage_objects *const objects = list->stage->objects;
    char *const own = rok4_place_object(list->stage->files.directory);
    enum pyr_result result = own != NULL
                                 ? add_root(list, 0, own, err)
                                 : pyr_fail(err, PYR_NOMEM, "out of memory");
    pyr_free(own);
    for (uint16_t i = 0; i < objects->nroots && result == PYR_OK; i++)
        result = add_root(list, i + 1u, objects->roots[i], err);
    return result == PYR_OK ? add_line(list, "#", "", err) : result;
}

static enum pyr_result keep_root(void *context, const char *line,
                                 struct pyr_error *err)
{
    return add_line(context, line, "", err);
}

/* Slabs that were put again are told of with the others. */
static enum pyr_result keep_slab(void *context, const char *line,
                                 const struct rok4_listed *slab,
                                 struct pyr_error *err)
{
    struct list *const list = context;
    const struct rok4_stage *const stage = list->stage;
    return rok4_stage_drops(stage, slab->name) ||
                   rok4_written_has(stage->objects->written, slab->name)
               ? PYR_OK
               : add_line(list, line, "", err);
}

/* Slabs that the pyramid has beside those that this run has put. */
static enum pyr_result note_name(void *context, const char *name,
                                 uint64_t nbytes, struct pyr_error *err)
{
    const struct rok4_stage *const stage = context;
    (void)nbytes;
    return !rok4_written_is_slab(name) || rok4_stage_drops(stage, name)
               ? PYR_OK
               : rok4_written_add(stage->objects->written, name, 0, err);
}

static enum pyr_result note_all(const struct rok4_stage *stage,
                                struct pyr_error *err)
{
    static const char *const prefixes[] = {"DATA_", "MASK_"};
    const struct pyr_objects *const storage = stage->objects->storage;
    struct pyr_error found = {""};
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < 2 && result == PYR_OK; i++)
        result = storage->list(storage->user, stage->files.directory,
                               prefixes[i], note_name, (void *)stage, &found);
    return result == PYR_OK ? PYR_OK
                            : pyr_fail(err, result, "%s: %s",
                                       stage->files.directory, found.text);
}

static enum pyr_result begin_list(struct list *list, struct pyr_error *err)
{
    return rok4_lines_begin(&list->lines, list->stage->objects->storage->out,
                            list->stage->files.list, err);
}

/* Of an update: the lines of the old list, as far as they hold. Where there is
 * none, what is found counts. */
static enum pyr_result add_old(struct list *list, struct pyr_error *err)
{
    const struct rok4_stage *const stage = list->stage;
    const struct rok4_list_visitor visitor = {list, keep_root, keep_slab};
    struct pyr_error found = {""};
    enum pyr_result result =
        rok4_list_read(stage->tree, stage->files.list, &visitor, &found);
    if (result != PYR_OK && result != PYR_NOT_FOUND && result != PYR_CORRUPT)
        return pyr_fail(err, result, "%s", found.text);
    if (result == PYR_OK)
        return PYR_OK;
    /* Some lines of it may be there. */
    rok4_lines_clear(&list->lines);
    result = note_all(stage, err);
    if (result == PYR_OK)
        result = begin_list(list, err);
    return result == PYR_OK ? add_roots(list, err) : result;
}

static enum pyr_result write_list(const struct rok4_stage *stage,
                                  struct pyr_error *err)
{
    struct list list = {.stage = stage};
    enum pyr_result result = begin_list(&list, err);
    if (result == PYR_OK)
        result = stage->state.mode == ROK4_STATE_UPDATE ? add_old(&list, err)
                                                        : add_roots(&list, err);
    if (result == PYR_OK)
        result =
            rok4_written_each(stage->objects->written, add_name, &list, err);
    if (result == PYR_OK)
        result = rok4_lines_commit(&list.lines, err);
    rok4_lines_clear(&list.lines);
    return result;
}

/* One that is not wanted would tell of what stood there before. Where nothing
 * did, the object may be another. */
static enum pyr_result drop_list(const struct rok4_stage *stage,
                                 struct pyr_error *err)
{
    bool is_list = false;
    if (stage->state.mode == ROK4_STATE_NEW)
        return PYR_OK;
    const enum pyr_result result =
        rok4_listing_is(stage->tree, stage->files.list, &is_list, err);
    return result == PYR_OK && is_list
               ? rok4_clean_object(stage, stage->files.list, err)
               : result;
}

enum pyr_result rok4_stage_put_list(const struct rok4_stage *stage,
                                    struct pyr_error *err)
{
    return stage->state.list ? write_list(stage, err) : drop_list(stage, err);
}
