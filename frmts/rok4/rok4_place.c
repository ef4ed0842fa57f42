/* SPDX-License-Identifier: MIT */
/* Where the slabs of a level are, on any storage: directories and prefixes. */
#define _POSIX_C_SOURCE 200809L

#include "rok4_place.h"

#include "pyr_alloc.h"
#include "rok4_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINK_MARK_NBYTES (sizeof(ROK4_LINK_MARK) - 1)

/* Longest "_<column>_<row>" and its NUL. */
#define SUFFIX_BYTES 24

/* File systems whose paths begin with a tray. */
static const char *const tray_file_systems[] = {
    "/vsis3/", "/vsiswift/", "/vsirados/", "/vsigs/", "/vsiaz/", "/vsioss/"};

const char *rok4_place_file_system(enum rok4_storage storage)
{
    switch (storage)
    {
        case ROK4_STORAGE_S3:
            return "/vsis3/";
        case ROK4_STORAGE_SWIFT:
            return "/vsiswift/";
        case ROK4_STORAGE_CEPH:
            return "/vsirados/";
        case ROK4_STORAGE_FILE:
            break;
    }
    return "";
}

static char *concatenate(const char *first, const char *second,
                         const char *third)
{
    const size_t nbytes = strlen(first) + strlen(second) + strlen(third) + 1;
    char *const text = pyr_malloc(nbytes);
    if (text != NULL)
        (void)snprintf(text, nbytes, "%s%s%s", first, second, third);
    return text;
}

char *rok4_place_slab(enum rok4_storage storage, const char *place,
                      uint32_t slab_col, uint32_t slab_row, uint32_t path_depth)
{
    char name[ROK4_NAME_BYTES];
    char suffix[SUFFIX_BYTES];
    if (storage == ROK4_STORAGE_FILE)
    {
        rok4_name_slab(slab_col, slab_row, path_depth, name);
        return rok4_path_join(place, name);
    }
    (void)snprintf(suffix, sizeof(suffix), "_%" PRIu32 "_%" PRIu32, slab_col,
                   slab_row);
    return concatenate(place, suffix, "");
}

/* A number as it is written, up to `end`. */
static bool read_number(const char *text, const char *end, uint32_t *out_value)
{
    uint64_t value = 0;
    if (text == end || end - text > 10 || (*text == '0' && end - text > 1))
        return false;
    for (; text < end; text++)
    {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *out_value = (uint32_t)value;
    return value <= UINT32_MAX;
}

bool rok4_place_parse(const char *text, uint32_t *out_col, uint32_t *out_row)
{
    const char *const row = strchr(text, '_');
    return row != NULL && read_number(text, row, out_col) &&
           read_number(row + 1, row + strlen(row), out_row);
}

/* Bytes of the tray in a path on an object storage, and where it begins; 0 for
 * other paths. */
static size_t tray_of(const char *path, size_t *out_begin)
{
    for (size_t i = 0;
         i < sizeof(tray_file_systems) / sizeof(tray_file_systems[0]); i++)
    {
        const size_t begin = strlen(tray_file_systems[i]);
        if (strncmp(path, tray_file_systems[i], begin) != 0)
            continue;
        *out_begin = begin;
        return strcspn(path + begin, "/");
    }
    return 0;
}

/* "BUCKET", "BUCKET@HOST:9000": what cannot break out of a path's component. */
static bool is_tray(const char *text, size_t nbytes)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789._-@:";
    const char *const at = memchr(text, '@', nbytes);
    for (size_t i = 0; i < nbytes; i++)
        if (text[i] == '\0' || strchr(allowed, text[i]) == NULL)
            return false;
    return nbytes > 0 && text[0] != '.' && text[0] != '@' &&
           (at == NULL || at + 1 < text + nbytes);
}

enum rok4_storage rok4_place_storage(const char *path)
{
    static const enum rok4_storage storages[] = {
        ROK4_STORAGE_S3, ROK4_STORAGE_SWIFT, ROK4_STORAGE_CEPH};
    for (size_t i = 0; i < sizeof(storages) / sizeof(storages[0]); i++)
    {
        const char *const fs = rok4_place_file_system(storages[i]);
        if (strncmp(path, fs, strlen(fs)) == 0)
            return storages[i];
    }
    return ROK4_STORAGE_FILE;
}

char *rok4_place_object(const char *path)
{
    size_t begin = 0;
    const size_t nbytes = tray_of(path, &begin);
    const char *const tray = path + begin;
    const char *const at = nbytes > 0 ? memchr(tray, '@', nbytes) : NULL;
    char *own = NULL;
    char *object = NULL;
    if (nbytes == 0)
        return NULL;
    own = pyr_strndup(tray, at != NULL ? (size_t)(at - tray) : nbytes);
    if (own != NULL)
        object = concatenate(own, tray + nbytes, "");
    pyr_free(own);
    return object;
}

/* "@cluster" of a path, and its length; "" for none. */
static const char *cluster_of(const char *path, size_t *out_nbytes)
{
    size_t begin = 0;
    const size_t nbytes = tray_of(path, &begin);
    const char *const tray = path + begin;
    const char *const at = nbytes > 0 ? memchr(tray, '@', nbytes) : NULL;
    *out_nbytes = at != NULL ? nbytes - (size_t)(at - tray) : 0;
    return at != NULL ? at : "";
}

enum pyr_result rok4_place_link(const char *link_path, const char *path,
                                char **out_target, struct pyr_error *err)
{
    size_t begin = 0;
    size_t nbytes = 0;
    size_t own_nbytes = 0;
    const char *const cluster = cluster_of(path, &nbytes);
    const char *const own = cluster_of(link_path, &own_nbytes);
    const bool same = nbytes == own_nbytes && memcmp(cluster, own, nbytes) == 0;
    if (tray_of(path, &begin) == 0)
        return pyr_fail(err, PYR_UNSUPPORTED, "is no object to link to");
    if (!same && nbytes == 0)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "cannot be linked to from another cluster, %s",
                        link_path);
    *out_target = same ? rok4_place_object(path) : pyr_strdup(path + begin);
    return *out_target != NULL ? PYR_OK
                               : pyr_fail(err, PYR_NOMEM, "out of memory");
}

/* A key whose components all name something. */
static bool is_key(const char *text, size_t nbytes)
{
    size_t begin = 0;
    for (size_t i = 0; i <= nbytes; i++)
    {
        if (i < nbytes && text[i] != '/')
        {
            if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F ||
                text[i] == '?' || text[i] == '#')
                return false;
            continue;
        }
        const size_t length = i - begin;
        if (length == 0 || (length == 1 && text[begin] == '.') ||
            (length == 2 && memcmp(text + begin, "..", 2) == 0))
            return false;
        begin = i + 1;
    }
    return nbytes > 0;
}

/* Bytes of text before its last component, without the '/'; 0 for none. */
static size_t parent_length(const char *text, size_t nbytes)
{
    while (nbytes > 0 && text[nbytes - 1] != '/')
        nbytes--;
    return nbytes > 0 ? nbytes - 1 : 0;
}

/* The directory in which keys of the descriptor's own tray begin, without the
 * final '/'. *key is moved to its last two components where only those can be
 * looked for. */
static char *own_root(const char *descriptor_path, const char **key)
{
    const size_t name_nbytes = parent_length(*key, strlen(*key));
    const size_t above_nbytes = parent_length(*key, name_nbytes);
    const size_t nbytes =
        parent_length(descriptor_path, strlen(descriptor_path));
    size_t begin = 0;
    const size_t tray_nbytes = tray_of(descriptor_path, &begin);
    if (above_nbytes == 0 && tray_nbytes == 0)
        return pyr_strndup(descriptor_path, nbytes);
    if (above_nbytes > 0 && nbytes > begin + tray_nbytes + above_nbytes &&
        descriptor_path[nbytes - above_nbytes - 1] == '/' &&
        memcmp(descriptor_path + nbytes - above_nbytes, *key, above_nbytes) ==
            0)
        return pyr_strndup(descriptor_path, nbytes - above_nbytes - 1);
    /* Of an object NAME.json in its own directory, "X/NAME.json", whose slabs
     * are "NAME/...", the directory is the root, as HTTP servers have it. */
    if (tray_nbytes == 0)
    {
        *key += above_nbytes > 0 ? above_nbytes + 1 : 0;
        return pyr_strndup(descriptor_path, nbytes);
    }
    return pyr_strndup(descriptor_path, begin + tray_nbytes);
}

/* Whether the descriptor of the level is at a path of its own storage. */
static bool same_storage(const char *path, enum rok4_storage storage)
{
    const char *const fs = rok4_place_file_system(storage);
    return strncmp(path, fs, strlen(fs)) == 0;
}

/* "/vsis3/" + tray, with the cluster of path where the tray has none; NULL when
 * out of memory. */
static char *root_of_tray(const char *file_system, const char *tray,
                          const char *path)
{
    size_t begin = 0;
    const size_t own_nbytes = tray_of(path, &begin);
    const char *const at =
        own_nbytes > 0 ? memchr(path + begin, '@', own_nbytes) : NULL;
    char *cluster = NULL;
    char *root = NULL;
    if (strchr(tray, '@') != NULL || at == NULL)
        return concatenate(file_system, tray, "");
    cluster = pyr_strndup(at, own_nbytes - (size_t)(at - (path + begin)));
    if (cluster != NULL)
        root = concatenate(file_system, tray, cluster);
    pyr_free(cluster);
    return root;
}

/* Whether a level's tray is that of the path, with or without its cluster. */
static bool is_own_tray(const char *path, const char *tray)
{
    size_t begin = 0;
    const size_t nbytes = tray_of(path, &begin);
    const char *const own = path + begin;
    const char *const at = memchr(own, '@', nbytes);
    const size_t bare = at != NULL ? (size_t)(at - own) : nbytes;
    const size_t length = strlen(tray);
    return (length == nbytes && memcmp(own, tray, nbytes) == 0) ||
           (length == bare && memcmp(own, tray, bare) == 0);
}

/* Where the keys of the level's tray begin. */
static enum pyr_result find_root(const struct rok4_path_rules *rules,
                                 const struct rok4_level *level,
                                 const char **key, char **out_root,
                                 struct pyr_error *err)
{
    const char *const path = rules->descriptor_path;
    const char *const tray = level->tray;
    const char *const member = rok4_storage_tray(level->storage);
    const bool is_virtual = strncmp(path, "/vsi", 4) == 0;
    if (rules->storage_root != NULL)
    {
        *out_root = pyr_strdup(rules->storage_root);
        return *out_root != NULL ? PYR_OK : PYR_NOMEM;
    }
    if (tray != NULL && !is_tray(tray, strlen(tray)))
        return pyr_fail(err, PYR_CORRUPT, "%s is '%s', which cannot be one",
                        member, tray);
    if (is_virtual && (tray == NULL || !same_storage(path, level->storage) ||
                       is_own_tray(path, tray)))
    {
        *out_root = own_root(path, key);
        if (*out_root == NULL)
            return PYR_NOMEM;
        return strncmp(*out_root, "/vsi", 4) == 0
                   ? PYR_OK
                   : pyr_fail(err, PYR_UNSUPPORTED,
                              "the directory of %s cannot be told from its "
                              "name (STORAGE_ROOT can)",
                              path);
    }
    if (tray == NULL)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "the storage has no %s, which a descriptor at %s needs "
                        "(STORAGE_ROOT can tell)",
                        member, path);
    if (!rules->allow_outside)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "%s '%s' is not where %s is, which "
                        "ROK4_ALLOW_OUTSIDE_PATHS=NO forbids",
                        member, tray, path);
    *out_root =
        root_of_tray(rok4_place_file_system(level->storage), tray, path);
    return *out_root != NULL ? PYR_OK : PYR_NOMEM;
}

enum pyr_result rok4_place_resolve(const struct rok4_path_rules *rules,
                                   const struct rok4_level *level,
                                   const char *written, char **out_place,
                                   struct pyr_error *err)
{
    const char *key = written;
    char *root = NULL;
    char *place = NULL;
    if (level->storage == ROK4_STORAGE_FILE)
        return rok4_path_resolve(rules, written, out_place, err);
    if (!is_key(key, strlen(key)))
        return pyr_fail(err, PYR_CORRUPT,
                        "prefix '%s' cannot be one of objects' names", written);
    enum pyr_result result = find_root(rules, level, &key, &root, err);
    if (result == PYR_OK)
    {
        place = rok4_path_join(root, key);
        result = place != NULL ? PYR_OK : PYR_NOMEM;
    }
    pyr_free(root);
    if (result == PYR_OK)
        *out_place = place;
    return result == PYR_NOMEM ? pyr_fail(err, PYR_NOMEM, "out of memory")
                               : result;
}

bool rok4_place_is_link(const uint8_t *bytes, size_t nbytes)
{
    return nbytes > LINK_MARK_NBYTES && nbytes <= ROK4_MAX_LINK_BYTES &&
           memcmp(bytes, ROK4_LINK_MARK, LINK_MARK_NBYTES) == 0;
}

/* The file system of a path that has a tray, "/vsis3/". */
static enum pyr_result file_system_of(const char *path, char **out_text,
                                      struct pyr_error *err)
{
    size_t begin = 0;
    if (tray_of(path, &begin) == 0)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "a link to an object, which cannot be followed here");
    *out_text = pyr_strndup(path, begin);
    return *out_text != NULL ? PYR_OK : PYR_NOMEM;
}

enum pyr_result rok4_place_follow(const char *path, const uint8_t *bytes,
                                  size_t nbytes, char **out_path,
                                  struct pyr_error *err)
{
    const char *const target = (const char *)bytes + LINK_MARK_NBYTES;
    const size_t target_nbytes = nbytes - LINK_MARK_NBYTES;
    const char *const slash = memchr(target, '/', target_nbytes);
    const size_t tray_nbytes =
        slash != NULL ? (size_t)(slash - target) : target_nbytes;
    char *file_system = NULL;
    char *tray = NULL;
    char *key = NULL;
    char *root = NULL;
    if (slash == NULL || !is_tray(target, tray_nbytes) ||
        !is_key(slash + 1, target_nbytes - tray_nbytes - 1))
        return pyr_fail(err, PYR_CORRUPT,
                        "a link to '%.*s', expected <tray>/<object>",
                        (int)target_nbytes, target);
    enum pyr_result result = file_system_of(path, &file_system, err);
    if (result == PYR_OK)
    {
        tray = pyr_strndup(target, tray_nbytes);
        key = pyr_strndup(slash + 1, target_nbytes - tray_nbytes - 1);
        if (tray != NULL && key != NULL)
            root = root_of_tray(file_system, tray, path);
        *out_path = root != NULL ? rok4_path_join(root, key) : NULL;
        result = *out_path != NULL ? PYR_OK : PYR_NOMEM;
    }
    pyr_free(file_system);
    pyr_free(tray);
    pyr_free(key);
    pyr_free(root);
    return result == PYR_NOMEM ? pyr_fail(err, PYR_NOMEM, "out of memory")
                               : result;
}
