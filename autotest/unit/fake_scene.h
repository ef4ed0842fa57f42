/* SPDX-License-Identifier: MIT */
/* A temporary directory with pyramids in it, and what it looks like. */
#ifndef FAKE_SCENE_H
#define FAKE_SCENE_H

#include "fake_tree.h"

#define SCENE_BYTES 40000

/* Without links: "/tmp/..." or what TMPDIR says. */
static char scene_root[200];

static inline const char *scene_path(const char *relative)
{
    static char paths[4][POSIX_PATH_BYTES];
    static unsigned next;
    char *const path = paths[next++ % 4];
    (void)snprintf(path, POSIX_PATH_BYTES, "%s/%s", scene_root, relative);
    return path;
}

static inline void scene_put(const char *relative, const char *text)
{
    struct pyr_error err = {""};
    CHECK_INT(pyr_tree_store(&posix_tree, scene_path(relative), text,
                             strlen(text), &err),
              PYR_OK);
}

static inline void scene_link(const char *relative, const char *target)
{
    char parent[POSIX_PATH_BYTES];
    struct pyr_error err = {""};
    posix_parent(scene_path(relative), parent);
    CHECK_INT(posix_mkdirs(NULL, parent, &err), PYR_OK);
    CHECK_INT(symlink(target, scene_path(relative)), 0);
}

static inline void scene_begin(void)
{
    const char *const top = getenv("TMPDIR");
    char template[100];
    (void)snprintf(template, sizeof template, "%s/rok4_unit_XXXXXX",
                   top != NULL ? top : "/tmp");
    if (mkdtemp(template) == NULL)
        abort();
    char *const real = realpath(template, NULL);
    if (real == NULL)
        abort();
    (void)snprintf(scene_root, sizeof scene_root, "%s", real);
    free(real);
}

/* Removes all that stands in the directory. */
static inline void scene_clear(void)
{
    struct pyr_error err = {""};
    CHECK_INT(pyr_tree_remove(&posix_tree, scene_root, &err), PYR_OK);
    CHECK_INT(posix_mkdirs(NULL, scene_root, &err), PYR_OK);
}

static inline void scene_end(void)
{
    struct pyr_error err = {""};
    CHECK_INT(pyr_tree_remove(&posix_tree, scene_root, &err), PYR_OK);
}

static inline void scene_append(char *look, const char *text)
{
    const size_t used = strlen(look);
    if (used + strlen(text) + 1 >= SCENE_BYTES)
        abort();
    memcpy(look + used, text, strlen(text) + 1);
}

/* "NAME: TEXT\n", "NAME -> TARGET\n" */
static enum pyr_result scene_note(void *context, const char *path,
                                  const char *relative, enum pyr_entry kind,
                                  struct pyr_error *err)
{
    char *text = NULL;
    size_t nbytes = 0;
    const bool is_link = kind == PYR_ENTRY_LINK;
    const enum pyr_result result =
        is_link ? posix_readlink(NULL, path, &text, err)
                : posix_load(NULL, path, 100000, &text, &nbytes, err);
    if (result != PYR_OK)
        return result;
    scene_append(context, relative);
    scene_append(context, is_link ? " -> " : ": ");
    /* Texts that hold the name of the directory are compared without it. */
    for (const char *at = text; *at != '\0';)
    {
        const char one[2] = {*at, '\0'};
        const bool root = strncmp(at, scene_root, strlen(scene_root)) == 0;
        scene_append(context, root ? "ROOT" : *at == '\n' ? "|" : one);
        at += root ? strlen(scene_root) : 1;
    }
    scene_append(context, "\n");
    pyr_free(text);
    return PYR_OK;
}

static enum pyr_result scene_note_directory(void *context, const char *path,
                                            const char *relative,
                                            struct pyr_error *err)
{
    (void)path;
    (void)err;
    if (relative[0] != '\0')
    {
        scene_append(context, relative);
        scene_append(context, "/\n");
    }
    return PYR_OK;
}

/* All that stands there. */
static inline void scene_look(char look[SCENE_BYTES])
{
    const struct pyr_tree_walker walker = {look, scene_note,
                                           scene_note_directory};
    struct pyr_error err = {""};
    look[0] = '\0';
    CHECK_INT(pyr_tree_walk(&posix_tree, scene_root, &walker, &err), PYR_OK);
    CHECK_STR(err.text, "");
}

/* Text of a file, "" where it is not there. */
static inline const char *scene_text(const char *relative)
{
    static char text[8000];
    FILE *const file = fopen(scene_path(relative), "rb");
    text[0] = '\0';
    if (file != NULL)
    {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        (void)fclose(file);
    }
    return text;
}

static inline bool scene_has(const char *relative)
{
    struct stat info;
    return lstat(scene_path(relative), &info) == 0;
}

#endif
