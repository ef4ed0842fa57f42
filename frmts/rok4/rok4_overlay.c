/* SPDX-License-Identifier: MIT */
/* Staged slabs over published ones, as one pyramid to read. */
#include "rok4_overlay.h"

#include "pyr_alloc.h"
#include "rok4_path.h"

#include <string.h>

/* What follows the published directory in path; NULL for other paths. */
static const char *below_published(const struct rok4_overlay *overlay,
                                   const char *path)
{
    const size_t nbytes = strlen(overlay->published);
    if (strncmp(path, overlay->published, nbytes) != 0 || path[nbytes] != '/')
        return NULL;
    return path + nbytes + 1;
}

static enum pyr_result open_staged(const struct rok4_overlay *overlay,
                                   const char *name, struct pyr_file **out_file,
                                   struct pyr_error *err)
{
    char *const path = rok4_path_join(overlay->staged, name);
    if (path == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    const enum pyr_result result =
        overlay->base.open(overlay->base.user, path, out_file, err);
    pyr_free(path);
    return result;
}

static enum pyr_result overlay_open(void *user, const char *path,
                                    struct pyr_file **out_file,
                                    struct pyr_error *err)
{
    const struct rok4_overlay *const overlay = user;
    const char *const name = below_published(overlay, path);
    struct pyr_error found = {"is not staged"};
    enum pyr_result result = PYR_NOT_FOUND;
    if (overlay->is_put != NULL)
        return !overlay->staged_only ||
                       overlay->is_put(overlay->is_put_user, path)
                   ? overlay->base.open(overlay->base.user, path, out_file, err)
                   : pyr_fail(err, PYR_NOT_FOUND, "has not been put");
    if (name != NULL)
        result = open_staged(overlay, name, out_file, &found);
    if (result == PYR_NOT_FOUND && !overlay->staged_only)
        return overlay->base.open(overlay->base.user, path, out_file, err);
    if (result != PYR_OK)
        *err = found;
    return result;
}

/* A pyramid loads its tile matrix set, and nothing else. */
static enum pyr_result overlay_load(void *user, const char *path,
                                    size_t max_bytes, char **out_text,
                                    size_t *out_nbytes, struct pyr_error *err)
{
    const struct rok4_overlay *const overlay = user;
    (void)path;
    (void)max_bytes;
    *out_text = pyr_strdup(overlay->tms_text);
    if (*out_text == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    *out_nbytes = strlen(*out_text);
    return PYR_OK;
}

struct pyr_io rok4_overlay_io(struct rok4_overlay *overlay)
{
    struct pyr_io io = overlay->base;
    io.user = overlay;
    io.open = overlay_open;
    io.load = overlay_load;
    return io;
}
