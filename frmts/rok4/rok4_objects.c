/* SPDX-License-Identifier: MIT */
/* Slabs on object storages: links to other objects are followed. */
#include "rok4_objects.h"

#include "pyr_alloc.h"
#include "rok4_path.h"
#include "rok4_place.h"

bool rok4_objects_needed(const struct rok4_pyramid *pyramid)
{
    for (size_t i = 0; i < pyramid->descriptor->nlevels; i++)
        if (pyramid->descriptor->levels[i].storage != ROK4_STORAGE_FILE)
            return true;
    return false;
}

/* Whether an open object is a link; fills bytes[*out_nbytes] then. */
static enum pyr_result read_link(const struct pyr_io *io, struct pyr_file *file,
                                 uint8_t bytes[ROK4_MAX_LINK_BYTES],
                                 size_t *out_nbytes, bool *out_is_link,
                                 struct pyr_error *err)
{
    const uint64_t size = io->size(file);
    const struct pyr_extent all = {0, size};
    *out_is_link = false;
    if (size == 0 || size > ROK4_MAX_LINK_BYTES)
        return PYR_OK;
    const enum pyr_result result = io->read(file, 1, &all, &bytes, err);
    if (result != PYR_OK)
        return result;
    *out_nbytes = (size_t)size;
    *out_is_link = rok4_place_is_link(bytes, *out_nbytes);
    return PYR_OK;
}

/* Opens what a link leads to. */
static enum pyr_result open_target(const struct pyr_io *io, const char *path,
                                   struct pyr_file **out_file,
                                   struct pyr_error *err)
{
    uint8_t bytes[ROK4_MAX_LINK_BYTES];
    size_t nbytes = 0;
    bool is_link = false;
    struct pyr_file *file = NULL;
    struct pyr_error why = {""};
    enum pyr_result result = io->open(io->user, path, &file, &why);
    if (result == PYR_NOT_FOUND)
        return pyr_fail(err, PYR_CORRUPT,
                        "is a link to %s, which does not exist", path);
    if (result == PYR_OK)
    {
        result = read_link(io, file, bytes, &nbytes, &is_link, &why);
        if (result == PYR_OK && is_link)
            result = pyr_fail(&why, PYR_CORRUPT, "that is a link, too");
        if (result != PYR_OK)
            io->close(file);
    }
    if (result == PYR_OK)
        *out_file = file;
    return result == PYR_OK
               ? PYR_OK
               : pyr_fail(err, result, "is a link to %s: %s", path, why.text);
}

static enum pyr_result objects_open(void *user, const char *path,
                                    struct pyr_file **out_file,
                                    struct pyr_error *err)
{
    const struct pyr_io *const io = &((const struct rok4_objects *)user)->base;
    uint8_t bytes[ROK4_MAX_LINK_BYTES];
    size_t nbytes = 0;
    bool is_link = false;
    char *target = NULL;
    struct pyr_file *file = NULL;
    enum pyr_result result = io->open(io->user, path, &file, err);
    if (result != PYR_OK)
        return result;
    if (rok4_path_is_remote(path))
        result = read_link(io, file, bytes, &nbytes, &is_link, err);
    if (result == PYR_OK && !is_link)
    {
        *out_file = file;
        return PYR_OK;
    }
    io->close(file);
    if (result == PYR_OK)
        result = rok4_place_follow(path, bytes, nbytes, &target, err);
    if (result == PYR_OK)
        result = open_target(io, target, out_file, err);
    pyr_free(target);
    return result;
}

static enum pyr_result objects_load(void *user, const char *path,
                                    size_t max_bytes, char **out_text,
                                    size_t *out_nbytes, struct pyr_error *err)
{
    const struct pyr_io *const io = &((const struct rok4_objects *)user)->base;
    return io->load(io->user, path, max_bytes, out_text, out_nbytes, err);
}

struct pyr_io rok4_objects_io(struct rok4_objects *objects)
{
    struct pyr_io io = objects->base;
    io.user = objects;
    io.open = objects_open;
    io.load = objects_load;
    return io;
}

struct pyr_io rok4_objects_io_for(const struct rok4_pyramid *pyramid,
                                  const struct pyr_io *base,
                                  struct rok4_objects *objects)
{
    if (!rok4_objects_needed(pyramid))
        return *base;
    objects->base = *base;
    return rok4_objects_io(objects);
}
