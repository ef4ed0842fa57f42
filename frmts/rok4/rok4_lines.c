/* SPDX-License-Identifier: MIT */
/* A text file that is written from its beginning. */
#include "rok4_lines.h"

#include "pyr_alloc.h"

#include <string.h>

static enum pyr_result named(enum pyr_result result, const char *path,
                             const struct pyr_error *found,
                             struct pyr_error *err)
{
    if (result == PYR_OK)
        return PYR_OK;
    return pyr_fail(err, result, "%s: %s", path, found->text);
}

enum pyr_result rok4_lines_begin(struct rok4_lines *lines,
                                 const struct pyr_out *out, const char *path,
                                 struct pyr_error *err)
{
    const struct rok4_lines fresh = {.out = out, .path = path};
    struct pyr_error found = {""};
    *lines = fresh;
    if (path == NULL)
        return PYR_OK;
    lines->buffer = pyr_malloc(ROK4_LINES_BUFFER_BYTES);
    if (lines->buffer == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    return named(out->create(out->user, path, &lines->file, &found), path,
                 &found, err);
}

enum pyr_result rok4_lines_flush(struct rok4_lines *lines,
                                 struct pyr_error *err)
{
    struct pyr_error found = {""};
    const enum pyr_result result = lines->out->write(
        lines->file, lines->written, lines->buffer, lines->used, &found);
    lines->written += lines->used;
    lines->used = 0;
    return named(result, lines->path, &found, err);
}

enum pyr_result rok4_lines_add(struct rok4_lines *lines, const char *text,
                               struct pyr_error *err)
{
    size_t nbytes = strlen(text);
    while (nbytes > 0)
    {
        const size_t space = ROK4_LINES_BUFFER_BYTES - lines->used;
        const size_t taken = nbytes < space ? nbytes : space;
        memcpy(lines->buffer + lines->used, text, taken);
        lines->used += taken;
        text += taken;
        nbytes -= taken;
        if (lines->used == ROK4_LINES_BUFFER_BYTES)
        {
            const enum pyr_result result = rok4_lines_flush(lines, err);
            if (result != PYR_OK)
                return result;
        }
    }
    return PYR_OK;
}

enum pyr_result rok4_lines_commit(struct rok4_lines *lines,
                                  struct pyr_error *err)
{
    struct pyr_error found = {""};
    enum pyr_result result = rok4_lines_flush(lines, err);
    if (result != PYR_OK)
        return result;
    result = lines->out->commit(lines->file, false, &found);
    lines->file = NULL;
    return named(result, lines->path, &found, err);
}

void rok4_lines_clear(struct rok4_lines *lines)
{
    lines->out->discard(lines->file);
    pyr_free(lines->buffer);
    lines->file = NULL;
    lines->buffer = NULL;
}
