/* SPDX-License-Identifier: MIT */
/* Where the slabs of a level are: paths written in a descriptor, resolved. */
#define _POSIX_C_SOURCE 200809L

#include "rok4_path.h"

#include "pyr_alloc.h"

#include <string.h>
#include <strings.h>

static bool is_vsi(const char *path)
{
    return strncmp(path, "/vsi", 4) == 0;
}

char *rok4_path_parent(const char *path)
{
    const char *const slash = strrchr(path, '/');
    if (slash == NULL)
        return pyr_strdup("");
    if (slash == path)
        return pyr_strdup("/");
    return pyr_strndup(path, (size_t)(slash - path));
}

char *rok4_path_join(const char *dir, const char *name)
{
    const size_t dir_nbytes = strlen(dir);
    const size_t name_nbytes = strlen(name);
    const bool slash = dir_nbytes > 0 && dir[dir_nbytes - 1] != '/';
    char *const path = pyr_malloc(dir_nbytes + name_nbytes + 2);
    if (path == NULL)
        return NULL;
    memcpy(path, dir, dir_nbytes);
    if (slash)
        path[dir_nbytes] = '/';
    memcpy(path + dir_nbytes + slash, name, name_nbytes + 1);
    return path;
}

bool rok4_path_is_remote(const char *path)
{
    static const char *const local[] = {
        "/vsimem/",  "/vsizip/",     "/vsitar/",    "/vsi7z/",   "/vsirar/",
        "/vsigzip/", "/vsisubfile/", "/vsisparse/", "/vsicrypt/"};
    if (strstr(path, "://") != NULL)
        return true;
    if (!is_vsi(path))
        return false;
    for (const char *at = path; (at = strstr(at, "/vsi")) != NULL; at++)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
            known = known || strncmp(at, local[i], strlen(local[i])) == 0;
        if (!known)
            return true;
    }
    return false;
}

/* Length of the component that starts at text. */
static size_t component_length(const char *text)
{
    return strcspn(text, "/");
}

static bool ends_as_archive(const char *component, size_t nbytes)
{
    static const char *const endings[] = {".zip", ".kmz", ".tar", ".tgz",
                                          ".gz",  ".7z",  ".rar"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
    {
        const size_t length = strlen(endings[i]);
        if (nbytes > length &&
            strncasecmp(component + nbytes - length, endings[i], length) == 0)
            return true;
    }
    return false;
}

/* Bytes at the start of a VSI directory that ".." must not remove: the host,
 * bucket or archive; all of it where that cannot be told. */
static size_t fixed_length(const char *dir)
{
    const size_t total = strlen(dir);
    if (strcmp(dir, "/vsimem") == 0 || strncmp(dir, "/vsimem/", 8) == 0)
        return strlen("/vsimem");
    if (strchr(dir, '?') != NULL || strchr(dir, '{') != NULL)
        return total;
    if (!rok4_path_is_remote(dir) || strstr(dir, "/vsizip/") == dir ||
        strstr(dir, "/vsitar/") == dir)
    {
        const char *at = dir + 1;
        while (*at != '\0')
        {
            const size_t length = component_length(at);
            if (ends_as_archive(at, length))
                return (size_t)(at - dir) + length;
            at += length + (at[length] == '/');
        }
        return total;
    }
    const char *scheme = strstr(dir, "://");
    const char *first = scheme != NULL ? scheme + 3 : strchr(dir + 1, '/');
    if (first == NULL)
        return total;
    if (scheme == NULL)
        first++;
    return (size_t)(first - dir) + component_length(first);
}

/* Removes ".", ".." and empty components behind the first fixed bytes, in
 * place. False when ".." would climb above them. */
static bool normalise(char *path, size_t fixed)
{
    char *const base = path + fixed;
    char *out = base;
    const char *in = base;
    while (*in != '\0')
    {
        if (*in == '/')
        {
            in++;
            continue;
        }
        const size_t length = component_length(in);
        if (length == 2 && memcmp(in, "..", 2) == 0)
        {
            if (out == base)
                return false;
            do
                out--;
            while (out > base && *out != '/');
        }
        else if (!(length == 1 && *in == '.'))
        {
            if (out > path)
                *out++ = '/';
            memmove(out, in, length);
            out += length;
        }
        in += length;
    }
    *out = '\0';
    return true;
}

/* The last three components of an absolute directory, ROOT/[NAME/DATA/5]. */
static const char *last_components(const char *dir)
{
    size_t left = 3;
    const char *at = dir + strlen(dir);
    while (at > dir && at[-1] == '/')
        at--;
    while (at > dir && left > 0)
    {
        while (at > dir && at[-1] != '/')
            at--;
        if (--left > 0)
            while (at > dir && at[-1] == '/')
                at--;
    }
    while (*at == '/')
        at++;
    return at;
}

static bool has_parent_component(const char *path)
{
    for (const char *at = path; *at != '\0';)
    {
        const size_t length = component_length(at);
        if (length == 2 && memcmp(at, "..", 2) == 0)
            return true;
        at += length + (at[length] == '/');
    }
    return false;
}

/* Whether directory lies below base once both are normalised. */
static enum pyr_result check_inside(const char *base, const char *directory,
                                    struct pyr_error *err)
{
    enum pyr_result result = PYR_NOMEM;
    char *const wide = pyr_strdup(base);
    char *const narrow = pyr_strdup(directory);
    if (wide != NULL && narrow != NULL)
    {
        const bool plain = (base[0] == '/') == (directory[0] == '/') &&
                           normalise(wide, 0) && normalise(narrow, 0);
        const size_t length = plain ? strlen(wide) : 0;
        const bool inside =
            plain && strncmp(wide, narrow, length) == 0 &&
            (length == 0 || narrow[length] == '/' || narrow[length] == '\0');
        result = inside ? PYR_OK
                        : pyr_fail(err, PYR_UNSUPPORTED,
                                   "directory %s lies outside %s, which "
                                   "ROK4_ALLOW_OUTSIDE_PATHS=NO forbids",
                                   directory, base);
    }
    pyr_free(wide);
    pyr_free(narrow);
    return result;
}

static void strip_trailing_slashes(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
}

/* Whether a descriptor may write this at all. base is what a relative directory
 * starts at. */
static enum pyr_result check_written(const struct rok4_path_rules *rules,
                                     const char *base, const char *written,
                                     struct pyr_error *err)
{
    const bool absolute = written[0] == '/';
    const bool virtual = is_vsi(rules->descriptor_path);
    if (rules->storage_root != NULL)
    {
        /* The user's choice of directory, but the descriptor's of what is
         * below: a local one is trusted to leave it by "..". */
        if (virtual && has_parent_component(written))
            return pyr_fail(err, PYR_UNSUPPORTED,
                            "directory %s cannot be looked up below %s",
                            written, base);
        return PYR_OK;
    }
    if (virtual && !is_vsi(base))
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "the directory of %s cannot be told from its name "
                        "(STORAGE_ROOT can)",
                        rules->descriptor_path);
    if (absolute && (virtual || is_vsi(written)))
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "directory %s is absolute: a descriptor at %s cannot "
                        "reach it (STORAGE_ROOT can)",
                        written, base);
    return PYR_OK;
}

/* Whether what came out is where it may be; normalises VSI paths. */
static enum pyr_result check_directory(const struct rok4_path_rules *rules,
                                       const char *base, char *directory,
                                       struct pyr_error *err)
{
    if (is_vsi(directory) && !is_vsi(base))
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "directory %s is not a local one, as the descriptor is",
                        directory);
    if (is_vsi(directory) && !normalise(directory, fixed_length(base)))
        return pyr_fail(err, PYR_UNSUPPORTED, "directory climbs out of %.*s",
                        (int)fixed_length(base), base);
    return rules->allow_outside ? PYR_OK : check_inside(base, directory, err);
}

enum pyr_result rok4_path_resolve(const struct rok4_path_rules *rules,
                                  const char *written, char **out_directory,
                                  struct pyr_error *err)
{
    bool absolute = written[0] == '/';
    char *const base = rules->storage_root != NULL
                           ? pyr_strdup(rules->storage_root)
                           : rok4_path_parent(rules->descriptor_path);
    char *directory = NULL;
    enum pyr_result result = PYR_NOMEM;
    if (base == NULL)
        goto done;
    strip_trailing_slashes(base);
    if (absolute && rules->storage_root != NULL)
    {
        written = last_components(written);
        absolute = false;
        result = has_parent_component(written)
                     ? pyr_fail(err, PYR_UNSUPPORTED,
                                "directory %s cannot be looked up below %s",
                                written, base)
                     : PYR_OK;
    }
    else
        result = check_written(rules, base, written, err);
    if (result != PYR_OK)
        goto done;

    while (written[0] == '.' && written[1] == '/')
        written += 2;
    directory = absolute ? pyr_strdup(written) : rok4_path_join(base, written);
    if (directory == NULL)
    {
        result = PYR_NOMEM;
        goto done;
    }
    strip_trailing_slashes(directory);
    result = check_directory(rules, base, directory, err);

done:
    pyr_free(base);
    if (result == PYR_OK)
        *out_directory = directory;
    else
        pyr_free(directory);
    return result;
}
