/* SPDX-License-Identifier: MIT */
/* Dataset names: a descriptor's path, with or without prefix and level. */
#define _POSIX_C_SOURCE 200809L

#include "rok4_connection.h"

#include "pyr_alloc.h"

#include <string.h>
#include <strings.h>

static const char PREFIX[] = "ROK4:";
static const char ENDING[] = ".json:";

/* The reference's forms of names, and the paths that they are. */
static const struct
{
    const char *scheme;
    const char *file_system;
} schemes[] = {{"file://", ""},
               {"s3://", "/vsis3/"},
               {"swift://", "/vsiswift/"},
               {"ceph://", "/vsirados/"}};

bool rok4_connection_has_prefix(const char *name)
{
    return strncasecmp(name, PREFIX, strlen(PREFIX)) == 0;
}

/* The last place where a path ends with ".json" and a level follows. */
static const char *find_level(const char *text)
{
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, ENDING)) != NULL; at++)
        found = at + strlen(ENDING) - 1;
    return found;
}

/* Steps over a scheme; returns what stands for it in a path. */
static const char *take_scheme(const char **path, const char *end)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
    {
        const size_t nbytes = strlen(schemes[i].scheme);
        if ((size_t)(end - *path) < nbytes ||
            strncmp(*path, schemes[i].scheme, nbytes) != 0)
            continue;
        *path += nbytes;
        return schemes[i].file_system;
    }
    return "";
}

static char *make_path(const char *file_system, const char *path, size_t nbytes)
{
    const size_t first = strlen(file_system);
    char *const text = pyr_malloc(first + nbytes + 1);
    if (text == NULL)
        return NULL;
    memcpy(text, file_system, first);
    memcpy(text + first, path, nbytes);
    text[first + nbytes] = '\0';
    return text;
}

enum pyr_result rok4_connection_parse(const char *name,
                                      struct rok4_connection *out_connection,
                                      struct pyr_error *err)
{
    const char *path = name;
    const char *end = name + strlen(name);
    const char *level = NULL;
    if (rok4_connection_has_prefix(name))
    {
        path += strlen(PREFIX);
        level = find_level(path);
        if (*path == '"')
        {
            path++;
            end = strchr(path, '"');
            if (end == NULL)
                return pyr_fail(err, PYR_USAGE, "quote not closed in %s", name);
            level = end[1] != '\0' ? end + 1 : NULL;
            if (level != NULL && *level != ':')
                return pyr_fail(err, PYR_USAGE,
                                "found '%s' after the path, expected :LEVEL",
                                level);
        }
        else if (level != NULL)
            end = level;
        if (level != NULL && level[1] == '\0')
            return pyr_fail(err, PYR_USAGE, "no level after ':' in %s", name);
    }
    const char *const file_system = take_scheme(&path, end);
    if (path == end)
        return pyr_fail(err, PYR_USAGE, "no path in '%s'", name);

    struct rok4_connection connection = {NULL, NULL};
    connection.path = make_path(file_system, path, (size_t)(end - path));
    if (level != NULL)
        connection.level = pyr_strdup(level + 1);
    if (connection.path == NULL || (level != NULL && connection.level == NULL))
    {
        rok4_connection_clear(&connection);
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    *out_connection = connection;
    return PYR_OK;
}

void rok4_connection_clear(struct rok4_connection *connection)
{
    pyr_free(connection->path);
    pyr_free(connection->level);
    connection->path = NULL;
    connection->level = NULL;
}
