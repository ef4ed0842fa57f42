/* SPDX-License-Identifier: MIT */
/* Finds the slabs of a pyramid that is copied. */
#include "rok4_copy_priv.h"

#include "pyr_alloc.h"
#include "rok4_files.h"
#include "rok4_list.h"
#include "rok4_name.h"
#include "rok4_path.h"
#include "rok4_slabs.h"

#include <stdio.h>
#include <string.h>

/* What is looked for. */
struct search
{
    struct rok4_copier *copier;
    enum rok4_plane plane;
    size_t level;
    size_t prefix_nbytes; /* of names of objects */
    bool failed;          /* what was done with a slab did */
};

static enum pyr_result no_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

static enum pyr_result add(struct search *search,
                           const struct rok4_copied *slab, const char *from,
                           struct pyr_error *err)
{
    const enum pyr_result result =
        rok4_copy_add(search->copier, slab, from, err);
    search->failed = search->failed || result != PYR_OK;
    return result;
}

static enum pyr_result visit_entry(void *context, const char *path,
                                   const char *relative, enum pyr_entry kind,
                                   struct pyr_error *err)
{
    struct search *const search = context;
    struct rok4_copied slab = {.plane = search->plane, .level = search->level};
    if ((kind == PYR_ENTRY_FILE || kind == PYR_ENTRY_LINK) &&
        rok4_name_parse(relative, &slab.col, &slab.row))
        return add(search, &slab, path, err);
    return kind == PYR_ENTRY_LINK
               ? rok4_slabs_check_link(search->copier->options->tree, path, err)
               : PYR_OK;
}

/* The directory of a level itself may be a link, or missing. */
static enum pyr_result walk_level(struct search *search, const char *from,
                                  struct pyr_error *err)
{
    const struct pyr_tree *const tree = search->copier->options->tree;
    const struct pyr_tree_walker walker = {.context = search,
                                           .entry = visit_entry};
    struct pyr_error found = {""};
    char *real = NULL;
    enum pyr_result result = tree->realpath(tree->user, from, &real, &found);
    if (result == PYR_NOT_FOUND)
        return PYR_OK;
    result = result == PYR_OK
                 ? pyr_tree_walk(tree, real, &walker, err)
                 : pyr_fail(err, result, "%s: %s", from, found.text);
    pyr_free(real);
    return result;
}

static enum pyr_result visit_object(void *context, const char *name,
                                    uint64_t nbytes, struct pyr_error *err)
{
    struct search *const search = context;
    struct rok4_copied slab = {.plane = search->plane, .level = search->level};
    slab.is_object = nbytes > ROK4_MAX_LINK_BYTES && nbytes != UINT64_MAX;
    return rok4_place_parse(name + search->prefix_nbytes, &slab.col, &slab.row)
               ? add(search, &slab, NULL, err)
               : PYR_OK;
}

/* Objects "<place>_<column>_<row>". *out_listed: they could be. */
static enum pyr_result list_level(struct search *search, const char *place,
                                  bool *out_listed, struct pyr_error *err)
{
    const struct pyr_tree *const tree = search->copier->options->tree;
    const struct pyr_objects *const storage =
        tree->objects_at != NULL ? tree->objects_at(tree->user, place) : NULL;
    char prefix[PYR_MAX_PATH_BYTES];
    struct pyr_error found = {""};
    *out_listed = false;
    if (storage == NULL)
        return PYR_OK;
    char *const directory = rok4_path_parent(place);
    if (directory == NULL)
        return no_memory(err);
    const int nbytes =
        snprintf(prefix, sizeof(prefix), "%s_", place + strlen(directory) + 1);
    enum pyr_result result = PYR_IO;
    if (nbytes > 0 && (size_t)nbytes < sizeof(prefix))
    {
        search->prefix_nbytes = (size_t)nbytes;
        result = storage->list(storage->user, directory, prefix, visit_object,
                               search, &found);
    }
    pyr_free(directory);
    /* Those who may read may not always list. */
    *out_listed = result == PYR_OK;
    return search->failed ? pyr_fail(err, result, "%s", found.text) : PYR_OK;
}

/* Every slab within the limits, where nothing else is known. */
static enum pyr_result ask_for_all(struct search *search, struct pyr_error *err)
{
    const struct rok4_pyramid *const source = search->copier->options->source;
    const struct rok4_level *const at =
        &source->descriptor->levels[search->level];
    const uint32_t last_row = at->limits.max_row / at->tiles_per_height;
    const uint32_t last_col = at->limits.max_col / at->tiles_per_width;
    struct rok4_copied slab = {.plane = search->plane, .level = search->level};
    enum pyr_result result = PYR_OK;
    for (slab.row = at->limits.min_row / at->tiles_per_height;
         slab.row <= last_row && result == PYR_OK; slab.row++)
        for (slab.col = at->limits.min_col / at->tiles_per_width;
             slab.col <= last_col && result == PYR_OK; slab.col++)
            result = add(search, &slab, NULL, err);
    return result;
}

static bool is_local(const struct rok4_copier *copier, enum rok4_plane plane,
                     size_t level)
{
    const struct rok4_pyramid *const source = copier->options->source;
    return source->descriptor->levels[level].storage == ROK4_STORAGE_FILE &&
           !rok4_path_is_remote(source->planes[plane].places[level]);
}

/* Whether the slabs of a level are to be copied, and can be walked or not. */
static bool is_wanted(const struct rok4_copier *copier, enum rok4_plane plane,
                      size_t level, bool local)
{
    const struct rok4_pyramid *const source = copier->options->source;
    return copier->targets[2 * level + plane].place != NULL &&
           source->planes[plane].places[level] != NULL &&
           !source->descriptor->levels[level].empty &&
           is_local(copier, plane, level) == local;
}

static enum pyr_result visit_line(void *context, const char *line,
                                  const struct rok4_listed *listed,
                                  struct pyr_error *err)
{
    struct search *const search = context;
    const struct rok4_descriptor *const descriptor =
        search->copier->options->source->descriptor;
    struct rok4_copied slab = {
        .plane = listed->plane, .col = listed->col, .row = listed->row};
    /* Nobody knows what it stands for. */
    if (!listed->is_slab)
        return pyr_fail(err, PYR_CORRUPT, "'%s' is no slab", line);
    while (slab.level < descriptor->nlevels &&
           strcmp(descriptor->levels[slab.level].id, listed->level) != 0)
        slab.level++;
    if (slab.level == descriptor->nlevels ||
        !is_wanted(search->copier, slab.plane, slab.level, false))
        return PYR_OK;
    slab.is_object = listed->own && descriptor->levels[slab.level].storage !=
                                        ROK4_STORAGE_FILE;
    return add(search, &slab, NULL, err);
}

/* The list beside the descriptor. *out_read: it tells all. */
static enum pyr_result read_list(struct search *search, bool *out_read,
                                 struct pyr_error *err)
{
    const struct rok4_copy_options *const options = search->copier->options;
    const struct rok4_list_visitor visitor = {.context = search,
                                              .slab = visit_line};
    struct rok4_files files = {NULL};
    struct pyr_error found = {""};
    enum pyr_result result =
        rok4_files_init(options->source->path, &files, &found);
    if (result == PYR_OK)
        result = rok4_list_read(options->tree, files.list, &visitor, &found);
    rok4_files_clear(&files);
    *out_read = result == PYR_OK;
    return result == PYR_NOMEM || search->failed
               ? pyr_fail(err, result, "%s", found.text)
               : PYR_OK;
}

static enum pyr_result find_level(struct search *search, struct pyr_error *err)
{
    const struct rok4_copier *const copier = search->copier;
    const struct rok4_pyramid *const source = copier->options->source;
    const char *const place =
        source->planes[search->plane].places[search->level];
    bool listed = false;
    if (is_local(copier, search->plane, search->level))
        return walk_level(search, place, err);
    const enum pyr_result result =
        source->descriptor->levels[search->level].storage != ROK4_STORAGE_FILE
            ? list_level(search, place, &listed, err)
            : PYR_OK;
    return result == PYR_OK && !listed ? ask_for_all(search, err) : result;
}

enum pyr_result rok4_copy_find(struct rok4_copier *copier,
                               struct pyr_error *err)
{
    const size_t nlevels = copier->options->source->descriptor->nlevels;
    struct search search = {.copier = copier};
    enum pyr_result result = PYR_OK;
    bool any = false;
    bool read = false;
    for (size_t i = 0; i < 2 * nlevels; i++)
        any = any || is_wanted(copier, (enum rok4_plane)(i % 2), i / 2, false);
    if (any)
        result = read_list(&search, &read, err);
    for (size_t i = 0; i < 2 * nlevels && result == PYR_OK; i++)
    {
        search.plane = (enum rok4_plane)(i % 2);
        search.level = i / 2;
        if (is_wanted(copier, search.plane, search.level, true) ||
            (!read && is_wanted(copier, search.plane, search.level, false)))
            result = find_level(&search, err);
    }
    return result;
}
