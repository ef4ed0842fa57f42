/* SPDX-License-Identifier: MIT */
/* Finds the text of a tile matrix set. */
#include "rok4_tms.h"

#include "pyr_alloc.h"
#include "rok4_path.h"
#include "rok4_tms_data.h"

#include <string.h>

/* The result of a search, as far as it has come. */
struct search
{
    const struct pyr_io *io;
    const char *name;
    const char *descriptor_path;
    char *text;
    size_t nbytes;
    char *path;
    struct pyr_error places; /* "dir, dir, ..." looked at in vain */
};

static void note_place(struct search *search, const char *place)
{
    struct pyr_error before = search->places;
    (void)pyr_fail(&search->places, PYR_NOT_FOUND, "%s%s%s", before.text,
                   before.text[0] != '\0' ? ", " : "",
                   place[0] != '\0' ? place : ".");
}

/* Loads the TMS at path. A pyramid may be called as its TMS is: a descriptor
 * that stands there is not what is looked for. */
static enum pyr_result look_at(struct search *search, const char *path,
                               struct pyr_error *err)
{
    if (strcmp(path, search->descriptor_path) == 0)
        return PYR_NOT_FOUND;
    const enum pyr_result result =
        search->io->load(search->io->user, path, PYR_MAX_JSON_BYTES,
                         &search->text, &search->nbytes, err);
    if (result != PYR_OK ||
        !rok4_descriptor_identify(search->text, search->nbytes))
        return result;
    pyr_free(search->text);
    return PYR_NOT_FOUND;
}

/* Tries directory/NAME.json, then directory/NAME. */
static enum pyr_result look_in(struct search *search, const char *directory,
                               struct pyr_error *err)
{
    static const char *const endings[] = {".json", ""};
    enum pyr_result result = PYR_NOT_FOUND;
    for (size_t i = 0; i < 2 && result == PYR_NOT_FOUND; i++)
    {
        char *const stem = rok4_path_join(directory, search->name);
        if (stem == NULL)
            return PYR_NOMEM;
        const size_t stem_nbytes = strlen(stem);
        char *const path =
            pyr_realloc(stem, stem_nbytes + strlen(endings[i]) + 1);
        if (path == NULL)
        {
            pyr_free(stem);
            return PYR_NOMEM;
        }
        memcpy(path + stem_nbytes, endings[i], strlen(endings[i]) + 1);
        result = look_at(search, path, err);
        if (result == PYR_OK)
            search->path = path;
        else
        {
            if (result != PYR_NOT_FOUND)
                pyr_error_prefix(err, "tile matrix set %s", path);
            pyr_free(path);
        }
    }
    if (result == PYR_NOT_FOUND)
        note_place(search, directory);
    return result;
}

static enum pyr_result look_built_in(struct search *search)
{
    size_t nbytes = 0;
    const char *const text = rok4_tms_builtin(search->name, &nbytes);
    if (text == NULL)
    {
        note_place(search, "the sets built in");
        return PYR_NOT_FOUND;
    }
    search->path = pyr_strdup("");
    search->text = pyr_strndup(text, nbytes);
    search->nbytes = nbytes;
    if (search->path == NULL || search->text == NULL)
    {
        pyr_free(search->path);
        pyr_free(search->text);
        return PYR_NOMEM;
    }
    return PYR_OK;
}

enum pyr_result rok4_tms_find(const struct pyr_io *io, const char *name,
                              const char *descriptor_path,
                              const struct rok4_open_options *options,
                              char **out_text, size_t *out_nbytes,
                              char **out_path, struct pyr_error *err)
{
    struct search search = {
        .io = io, .name = name, .descriptor_path = descriptor_path};
    const bool remote = rok4_path_is_remote(descriptor_path);
    char *const beside = rok4_path_parent(descriptor_path);
    struct pyr_error why = {""};
    enum pyr_result result = PYR_NOT_FOUND;
    if (beside == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    if (options->tms_directory != NULL)
        result = look_in(&search, options->tms_directory, &why);
    if (result == PYR_NOT_FOUND && options->global_tms_directory != NULL)
        result = look_in(&search, options->global_tms_directory, &why);
    if (result == PYR_NOT_FOUND && !remote)
        result = look_in(&search, beside, &why);
    if (result == PYR_NOT_FOUND)
        result = look_built_in(&search);
    if (result == PYR_NOT_FOUND && remote)
        result = look_in(&search, beside, &why);
    pyr_free(beside);

    if (result == PYR_OK)
    {
        *out_text = search.text;
        *out_nbytes = search.nbytes;
        *out_path = search.path;
        return PYR_OK;
    }
    if (result == PYR_NOT_FOUND)
        return pyr_fail(err, PYR_NOT_FOUND,
                        "tile matrix set %s not found (looked in: %s); "
                        "TMS_DIRECTORY or ROK4_TMS_DIRECTORY says where it is",
                        name, search.places.text);
    return pyr_fail(err, result, "%s",
                    why.text[0] != '\0' ? why.text : "out of memory");
}
