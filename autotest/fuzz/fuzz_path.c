/* SPDX-License-Identifier: MIT */
/* Fuzz target: dataset names, slab directories and slab names. The input is
 * lines: a name, a directory as a descriptor has it, a storage root. */
#include "pyr_alloc.h"
#include "rok4_connection.h"
#include "rok4_name.h"
#include "rok4_path.h"
#include "rok4_place.h"
#include "rok4_written.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

#define NLINES 3

static void require(bool promise)
{
    if (!promise)
        abort();
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The handler of a VSI path, "/vsicurl/", by its length; 0 for a local one. */
static size_t handler_length(const char *path)
{
    return starts_with(path, "/vsi") ? 1 + strcspn(path + 1, "/?") : 0;
}

static void check_resolved(const struct rok4_path_rules *rules,
                           const char *written)
{
    const char *const from = rules->storage_root != NULL
                                 ? rules->storage_root
                                 : rules->descriptor_path;
    const size_t handler = handler_length(from);
    struct pyr_error err = {""};
    char *directory = NULL;
    if (rok4_path_resolve(rules, written, &directory, &err) != PYR_OK)
    {
        require(err.text[0] != '\0' && directory == NULL);
        return;
    }
    /* It stays on the file system that it starts from. */
    require(handler_length(directory) == handler);
    require(strncmp(directory, from, handler) == 0);
    if (!rules->allow_outside && from[0] != '\0')
        require((directory[0] == '/') == (from[0] == '/'));

    char *const parent = rok4_path_parent(directory);
    char *const slab = rok4_path_join(directory, "00/00.tif");
    require(parent != NULL && slab != NULL);
    require(strlen(parent) <= strlen(directory));
    pyr_free(slab);
    pyr_free(parent);
    pyr_free(directory);
}

static void check_name(const char *name)
{
    struct rok4_connection connection = {NULL, NULL};
    struct pyr_error err = {""};
    if (rok4_connection_parse(name, &connection, &err) != PYR_OK)
    {
        require(err.text[0] != '\0' && connection.path == NULL);
        return;
    }
    require(connection.path[0] != '\0');
    require(connection.level == NULL || connection.level[0] != '\0');
    /* "s3://" becomes "/vsis3/"; what is behind it stays. */
    const char *const behind =
        connection.path + handler_length(connection.path);
    require(strstr(name, behind) != NULL);
    (void)rok4_path_is_remote(connection.path);
    rok4_connection_clear(&connection);
}

static void check_slab_name(const uint8_t *data, size_t nbytes)
{
    uint32_t values[3] = {0, 0, 0};
    char name[ROK4_NAME_BYTES];
    memcpy(values, data, nbytes < sizeof values ? nbytes : sizeof values);
    rok4_name_slab(values[0], values[1], values[2] % (ROK4_MAX_PATH_DEPTH + 1),
                   name);
    require(strlen(name) < sizeof name);
    require(strcmp(name + strlen(name) - 4, ".tif") == 0);
}

/* A key and a tray of a descriptor at a path; a link read there. */
static void check_objects(const char *path, char *key, char *tray)
{
    struct pyr_error err = {""};
    char *place = NULL;
    char *target = NULL;
    const struct rok4_path_rules rules = {path, NULL, true};
    const struct rok4_level level = {.storage = ROK4_STORAGE_S3, .tray = tray};
    const size_t nbytes = strlen(key);
    if (rok4_place_resolve(&rules, &level, key, &place, &err) == PYR_OK)
    {
        /* Nothing leads from a remote descriptor to a local file. */
        require(!starts_with(path, "/vsi") || starts_with(place, "/vsi"));
        require(strstr(place, "/../") == NULL || strstr(path, "/..") != NULL);
        pyr_free(place);
    }
    if (rok4_place_is_link((const uint8_t *)key, nbytes) &&
        rok4_place_follow(path, (const uint8_t *)key, nbytes, &target, &err) ==
            PYR_OK)
    {
        require(handler_length(target) == handler_length(path));
        require(strncmp(target, path, handler_length(path)) == 0);
        pyr_free(target);
    }
    (void)rok4_written_is_slab(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    char *const text = pyr_strndup((const char *)data, nbytes);
    const char *lines[NLINES] = {"", "", ""};
    char *at = text;
    if (text == NULL)
        return 0;
    check_slab_name(data, nbytes);
    for (int i = 0; i < NLINES && at != NULL; i++)
    {
        lines[i] = at;
        at = strchr(at, '\n');
        if (at != NULL)
            *at++ = '\0';
    }
    check_name(lines[0]);
    check_objects(lines[0], (char *)lines[1], (char *)lines[2]);
    for (int i = 0; i < 4; i++)
    {
        const struct rok4_path_rules rules = {.descriptor_path = lines[0],
                                              .storage_root =
                                                  i & 1 ? lines[2] : NULL,
                                              .allow_outside = i & 2};
        check_resolved(&rules, lines[1]);
    }
    pyr_free(text);
    return 0;
}
