/* SPDX-License-Identifier: MIT */
/* The list of a pyramid's slabs, read line by line. */
#include "rok4_list.h"

#include "pyr_alloc.h"
#include "rok4_name.h"
#include "rok4_place.h"

#include <string.h>

struct reader
{
    const struct rok4_list_visitor *visitor;
    bool begun;    /* its first line is that of a list */
    bool in_slabs; /* behind the roots */
    bool visited;  /* a visit failed */
    size_t nbytes; /* of line */
    char line[PYR_MAX_PATH_BYTES + 1];
    /* Of the line, taken apart. */
    char name[PYR_MAX_PATH_BYTES + 1];
    char level[PYR_MAX_NAME_BYTES + 1];
};

/* Planes, and what older tools call them. */
static const struct plane
{
    const char *name;
    enum rok4_plane plane;
} planes[] = {{"DATA", ROK4_PLANE_DATA},
              {"MASK", ROK4_PLANE_MASK},
              {"IMAGE", ROK4_PLANE_DATA},
              {"IMG", ROK4_PLANE_DATA},
              {"MSK", ROK4_PLANE_MASK}};

/* Takes "DATA_<level>_<column>_<row>" or "DATA/<level>/<path>" apart. */
static bool take_apart(struct reader *reader, struct rok4_listed *slab)
{
    const char *const name = reader->name;
    const size_t nplane = strcspn(name, "_/");
    const char separator[] = {name[nplane], '\0'};
    size_t i = 0;
    while (i < sizeof(planes) / sizeof(planes[0]) &&
           (strlen(planes[i].name) != nplane ||
            memcmp(planes[i].name, name, nplane) != 0))
        i++;
    if (i == sizeof(planes) / sizeof(planes[0]) || separator[0] == '\0')
        return false;
    const char *const level = name + nplane + 1;
    const size_t nlevel = strcspn(level, separator);
    if (nlevel == 0 || nlevel > PYR_MAX_NAME_BYTES || level[nlevel] == '\0')
        return false;
    memcpy(reader->level, level, nlevel);
    reader->level[nlevel] = '\0';
    slab->plane = planes[i].plane;
    slab->level = reader->level;
    return separator[0] == '_'
               ? strchr(name, '/') == NULL &&
                     rok4_place_parse(level + nlevel + 1, &slab->col,
                                      &slab->row)
               : rok4_name_parse(level + nlevel + 1, &slab->col, &slab->row);
}

/* "<root>/<slab>", with or without a digest behind it. */
static enum pyr_result visit_slab(struct reader *reader, struct pyr_error *err)
{
    const char *const slash = strchr(reader->line, '/');
    const char *const name = slash != NULL ? slash + 1 : "";
    const size_t nbytes = strcspn(name, " ");
    struct rok4_listed slab = {.own = strncmp(reader->line, "0/", 2) == 0,
                               .name = reader->name};
    memcpy(reader->name, name, nbytes);
    reader->name[nbytes] = '\0';
    slab.is_slab = take_apart(reader, &slab);
    return reader->visitor->slab(reader->visitor->context, reader->line, &slab,
                                 err);
}

static enum pyr_result visit_root(struct reader *reader, struct pyr_error *err)
{
    const struct rok4_list_visitor *const visitor = reader->visitor;
    if (!reader->begun && strncmp(reader->line, "0=", 2) != 0)
        return pyr_fail(err, PYR_NOT_FOUND, "is no list of slabs");
    reader->begun = true;
    reader->in_slabs = strcmp(reader->line, "#") == 0;
    if (visitor->root == NULL)
        return PYR_OK;
    const enum pyr_result result =
        visitor->root(visitor->context, reader->line, err);
    reader->visited = result != PYR_OK;
    return result;
}

/* The line is complete. */
static enum pyr_result end_line(struct reader *reader, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (reader->nbytes > 0 && reader->line[reader->nbytes - 1] == '\r')
        reader->nbytes--;
    reader->line[reader->nbytes] = '\0';
    if (!reader->in_slabs)
        result = visit_root(reader, err);
    else if (reader->nbytes > 0)
    {
        result = visit_slab(reader, err);
        reader->visited = result != PYR_OK;
    }
    reader->nbytes = 0;
    return result;
}

static enum pyr_result take_bytes(void *context, const void *bytes,
                                  size_t nbytes, struct pyr_error *err)
{
    struct reader *const reader = context;
    const char *text = bytes;
    while (nbytes > 0)
    {
        const char *const end = memchr(text, '\n', nbytes);
        const size_t taken = end != NULL ? (size_t)(end - text) : nbytes;
        if (taken > PYR_MAX_PATH_BYTES - reader->nbytes)
            return reader->begun
                       ? pyr_fail(err, PYR_CORRUPT,
                                  "has a line of more than %u bytes",
                                  PYR_MAX_PATH_BYTES)
                       : pyr_fail(err, PYR_NOT_FOUND, "is no list of slabs");
        memcpy(reader->line + reader->nbytes, text, taken);
        reader->nbytes += taken;
        if (end == NULL)
            return PYR_OK;
        const enum pyr_result result = end_line(reader, err);
        if (result != PYR_OK)
            return result;
        text += taken + 1;
        nbytes -= taken + 1;
    }
    return PYR_OK;
}

/* The last line need not end. */
static enum pyr_result end_file(struct reader *reader, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (reader->nbytes > 0)
        result = end_line(reader, err);
    if (result == PYR_OK && !reader->begun)
        result = pyr_fail(err, PYR_NOT_FOUND, "is no list of slabs");
    if (result == PYR_OK && !reader->in_slabs)
        result = pyr_fail(err, PYR_CORRUPT, "has no line '#'");
    return result;
}

enum pyr_result rok4_list_read(const struct pyr_tree *tree, const char *path,
                               const struct rok4_list_visitor *visitor,
                               struct pyr_error *err)
{
    struct pyr_error found = {""};
    struct reader *const reader = pyr_calloc(1, sizeof(*reader));
    if (reader == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    reader->visitor = visitor;
    enum pyr_result result =
        tree->scan(tree->user, path, take_bytes, reader, &found);
    if (result == PYR_OK)
        result = end_file(reader, &found);
    if (result != PYR_OK && reader->visited)
        (void)pyr_fail(err, result, "%s", found.text);
    else if (result != PYR_OK)
        (void)pyr_fail(err, result, "%s: %s", path, found.text);
    pyr_free(reader);
    return result;
}
