/* SPDX-License-Identifier: MIT */
/* Names of the files that belong to a pyramid, from that of its descriptor. */
#include "rok4_files.h"

#include "pyr_alloc.h"
#include "rok4_descriptor.h"
#include "rok4_path.h"

#include <string.h>

#define MAX_COMPONENTS (ROK4_MAX_PATH_DEPTH + 1)

/* ROOT "/" prefix NAME suffix */
static char *beside(const struct rok4_files *files, const char *root,
                    const char *prefix, const char *suffix)
{
    const size_t nprefix = strlen(prefix);
    const size_t nname = strlen(files->name);
    const size_t nsuffix = strlen(suffix);
    char *const leaf = pyr_malloc(nprefix + nname + nsuffix + 1);
    char *path = NULL;
    if (leaf != NULL)
    {
        memcpy(leaf, prefix, nprefix);
        memcpy(leaf + nprefix, files->name, nname);
        memcpy(leaf + nprefix + nname, suffix, nsuffix + 1);
        path = rok4_path_join(root, leaf);
    }
    pyr_free(leaf);
    return path;
}

static char *with_suffix(const char *path, const char *suffix)
{
    const size_t npath = strlen(path);
    const size_t nsuffix = strlen(suffix);
    char *const text = pyr_malloc(npath + nsuffix + 1);
    if (text != NULL)
    {
        memcpy(text, path, npath);
        memcpy(text + npath, suffix, nsuffix + 1);
    }
    return text;
}

enum pyr_result rok4_files_init(const char *descriptor_path,
                                struct rok4_files *out_files,
                                struct pyr_error *err)
{
    struct rok4_files files = {NULL};
    const char *const slash = strrchr(descriptor_path, '/');
    const char *const leaf = slash != NULL ? slash + 1 : descriptor_path;
    const char *const dot = strrchr(leaf, '.');
    if (dot == NULL || dot == leaf || dot[1] == '\0')
        return pyr_fail(err, PYR_USAGE,
                        "%s: the name of a descriptor needs an extension, as "
                        "in NAME.json: its slabs stand below NAME",
                        descriptor_path);
    char *const root = rok4_path_parent(descriptor_path);
    files.name = pyr_strndup(leaf, (size_t)(dot - leaf));
    if (root == NULL || files.name == NULL)
        goto done;
    files.descriptor = pyr_strdup(descriptor_path);
    files.root = pyr_strdup(root[0] != '\0' ? root : ".");
    files.directory = beside(&files, root, "", "");
    files.list = beside(&files, root, "", ".list");
    files.md5 = beside(&files, root, "", ".md5");
    files.staging = beside(&files, root, ".", ".building");
    files.sidecar = with_suffix(descriptor_path, ".aux.xml");
    files.state = with_suffix(descriptor_path, ".building");
    files.lock = with_suffix(descriptor_path, ".lock");

done:
    pyr_free(root);
    if (files.name != NULL && files.descriptor != NULL && files.root != NULL &&
        files.directory != NULL && files.list != NULL && files.md5 != NULL &&
        files.staging != NULL && files.sidecar != NULL && files.state != NULL &&
        files.lock != NULL)
    {
        *out_files = files;
        return PYR_OK;
    }
    rok4_files_clear(&files);
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

void rok4_files_clear(struct rok4_files *files)
{
    const struct rok4_files none = {NULL};
    pyr_free(files->descriptor);
    pyr_free(files->root);
    pyr_free(files->name);
    pyr_free(files->directory);
    pyr_free(files->list);
    pyr_free(files->md5);
    pyr_free(files->sidecar);
    pyr_free(files->staging);
    pyr_free(files->state);
    pyr_free(files->lock);
    *files = none;
}

/* Digits of base 36 as they are written: upper case. */
static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

bool rok4_files_is_level(const char *id)
{
    return id[0] != '\0' && id[0] != '.' && strchr(id, '/') == NULL;
}

bool rok4_files_is_slab(const char *relative)
{
    if (strncmp(relative, "DATA/", 5) != 0 &&
        strncmp(relative, "MASK/", 5) != 0)
        return false;
    const char *const level = relative + 5;
    const size_t nlevel = strcspn(level, "/");
    if (nlevel == 0 || level[0] == '.' || level[nlevel] != '/')
        return false;
    return rok4_files_is_slab_name(level + nlevel + 1);
}

bool rok4_files_is_slab_name(const char *name)
{
    const char *at = name;
    for (size_t i = 0; i < MAX_COMPONENTS; i++)
    {
        const size_t ndigits = count_digits(at);
        if (ndigits == 0 || ndigits % 2 != 0 || (i > 0 && ndigits != 2))
            return false;
        if (strcmp(at + ndigits, ".tif") == 0)
            return true;
        if (at[ndigits] != '/')
            return false;
        at += ndigits + 1;
    }
    return false;
}
