/* SPDX-License-Identifier: MIT */
/* The list of a pyramid's slabs, made by looking for them. */
#include "rok4_listing.h"

#include "pyr_alloc.h"
#include "pyr_md5.h"
#include "rok4_lines.h"
#include "rok4_owner.h"
#include "rok4_path.h"
#include "rok4_slabs.h"

#include <stdio.h>
#include <string.h>

/* Slabs of still more pyramids are listed as if they were the own ones. */
#define MAX_ROOTS 4096u

static enum pyr_result named(enum pyr_result result, const char *path,
                             const struct pyr_error *found,
                             struct pyr_error *err)
{
    if (result == PYR_OK)
        return PYR_OK;
    return pyr_fail(err, result, "%s: %s", path, found->text);
}

/* Directory of a pyramid that links lead to. */
struct root
{
    char *written; /* as the links spell it */
    char *real;    /* without links */
    unsigned number;
};

struct listing
{
    const struct pyr_tree *tree;
    const struct rok4_state *state;
    char *own; /* root 0 */
    struct root *roots;
    size_t nroots;
    unsigned nnumbers;
    struct rok4_lines list;
    struct rok4_lines md5;
    uint64_t head_nbytes; /* of what stands in front of the lines */
};

/* Length of the part of a path in front of "/DATA/5/00/00/WM.tif"; 0 where it
 * is no slab's. */
static size_t root_length(const char *path)
{
    size_t found = 0;
    for (const char *at = path; (at = strchr(at, '/')) != NULL; at++)
        if (at > path && rok4_files_is_slab(at + 1))
            found = (size_t)(at - path);
    return found;
}

/* Adds a root: of the number that its real path has already, or a new one. */
static enum pyr_result add_root(struct listing *listing, const char *written,
                                size_t nbytes, unsigned *out_number,
                                struct pyr_error *err)
{
    struct pyr_error found = {""};
    struct root root = {NULL, NULL, 0};
    struct root *const grown = pyr_realloc(
        listing->roots, (listing->nroots + 1) * sizeof(*listing->roots));
    if (grown != NULL)
        listing->roots = grown;
    root.written = pyr_strndup(written, nbytes);
    if (grown == NULL || root.written == NULL)
        goto nomem;
    if (listing->tree->realpath(listing->tree->user, root.written, &root.real,
                                &found) != PYR_OK)
        root.real = pyr_strdup(root.written);
    if (root.real == NULL)
        goto nomem;
    if (strcmp(root.real, listing->own) != 0)
    {
        for (size_t i = 0; i < listing->nroots && root.number == 0; i++)
            if (strcmp(listing->roots[i].real, root.real) == 0)
                root.number = listing->roots[i].number;
        if (root.number == 0)
            root.number = ++listing->nnumbers;
    }
    listing->roots[listing->nroots++] = root;
    *out_number = root.number;
    return PYR_OK;

nomem:
    pyr_free(root.written);
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

static enum pyr_result find_root(struct listing *listing, const char *path,
                                 size_t nbytes, unsigned *out_number,
                                 struct pyr_error *err)
{
    for (size_t i = 0; i < listing->nroots; i++)
        if (strlen(listing->roots[i].written) == nbytes &&
            memcmp(listing->roots[i].written, path, nbytes) == 0)
        {
            *out_number = listing->roots[i].number;
            return PYR_OK;
        }
    if (listing->nroots >= MAX_ROOTS)
        return PYR_OK;
    return add_root(listing, path, nbytes, out_number, err);
}

/* "<root>/<slab>", of a link those of what it leads to. */
static enum pyr_result compose_name(struct listing *listing,
                                    const char *relative, enum pyr_entry kind,
                                    char *text, size_t text_nbytes,
                                    unsigned *out_number, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    unsigned number = 0;
    char *path = NULL;
    char *owner = NULL;
    const char *slab = relative;
    if (kind == PYR_ENTRY_LINK)
    {
        path = rok4_path_join(listing->own, relative);
        result = path != NULL
                     ? rok4_owner_of_link(listing->tree, path, &owner, err)
                     : pyr_fail(err, PYR_NOMEM, "out of memory");
        const size_t nbytes = result == PYR_OK ? root_length(owner) : 0;
        if (nbytes > 0)
            result = find_root(listing, owner, nbytes, &number, err);
        if (result == PYR_OK && number > 0)
            slab = owner + nbytes + 1;
    }
    if (result == PYR_OK)
        snprintf(text, text_nbytes, "%u/%s", number, slab);
    *out_number = number;
    pyr_free(path);
    pyr_free(owner);
    return result;
}

static enum pyr_result digest_bytes(void *context, const void *bytes,
                                    size_t nbytes, struct pyr_error *err)
{
    (void)err;
    pyr_md5_add(context, bytes, nbytes);
    return PYR_OK;
}

static enum pyr_result digest_slab(struct listing *listing, const char *path,
                                   const char *name, bool own,
                                   struct pyr_error *err)
{
    struct pyr_md5 md5;
    struct pyr_error found = {""};
    char digest[PYR_MD5_TEXT_BYTES];
    enum pyr_result result = rok4_lines_add(&listing->md5, name, err);
    if (result == PYR_OK && own)
    {
        pyr_md5_init(&md5);
        result = named(listing->tree->scan(listing->tree->user, path,
                                           digest_bytes, &md5, &found),
                       path, &found, err);
        pyr_md5_finish(&md5, digest);
        if (result == PYR_OK)
            result = rok4_lines_add(&listing->md5, " ", err);
        if (result == PYR_OK)
            result = rok4_lines_add(&listing->md5, digest, err);
    }
    return result == PYR_OK ? rok4_lines_add(&listing->md5, "\n", err) : result;
}

static enum pyr_result list_slab(void *context, const char *path,
                                 const char *relative, enum pyr_entry kind,
                                 struct pyr_error *err)
{
    struct listing *const listing = context;
    char name[PYR_MAX_PATH_BYTES + 16];
    unsigned number = 0;
    if (rok4_state_drops(listing->state, relative))
        return PYR_OK;
    enum pyr_result result =
        compose_name(listing, relative, kind, name, sizeof(name), &number, err);
    if (result == PYR_OK && listing->list.path != NULL)
    {
        result = rok4_lines_add(&listing->list, name, err);
        if (result == PYR_OK)
            result = rok4_lines_add(&listing->list, "\n", err);
    }
    if (result == PYR_OK && listing->md5.path != NULL)
        result = digest_slab(listing, path, name, kind == PYR_ENTRY_FILE, err);
    return result;
}

static enum pyr_result add_root_line(struct rok4_lines *lines, unsigned number,
                                     const char *path, struct pyr_error *err)
{
    char head[16];
    snprintf(head, sizeof(head), "%u=", number);
    enum pyr_result result = rok4_lines_add(lines, head, err);
    if (result == PYR_OK)
        result = rok4_lines_add(lines, path, err);
    return result == PYR_OK ? rok4_lines_add(lines, "\n", err) : result;
}

/* Copies what follows the first bytes of one file to the end of another. */
static enum pyr_result copy_rest(struct rok4_lines *from, uint64_t at,
                                 struct rok4_lines *to, struct pyr_error *err)
{
    struct pyr_error found = {""};
    enum pyr_result result = rok4_lines_flush(from, err);
    if (result == PYR_OK)
        result = rok4_lines_flush(to, err);
    while (result == PYR_OK && at < from->written)
    {
        const uint64_t left = from->written - at;
        to->used = left < ROK4_LINES_BUFFER_BYTES ? (size_t)left
                                                  : ROK4_LINES_BUFFER_BYTES;
        result =
            named(from->out->read(from->file, at, to->buffer, to->used, &found),
                  from->path, &found, err);
        at += to->used;
        if (result == PYR_OK)
            result = rok4_lines_flush(to, err);
    }
    return result;
}

/* Puts a file of lines in its place. Their roots were not known when it was
 * begun: with more than the first, another file begins with all of them. */
static enum pyr_result finish(struct listing *listing, struct rok4_lines *lines,
                              struct pyr_error *err)
{
    struct rok4_lines whole = {.out = lines->out};
    unsigned next = 1;
    if (lines->path == NULL)
        return PYR_OK;
    if (listing->nnumbers == 0)
        return rok4_lines_commit(lines, err);
    enum pyr_result result =
        rok4_lines_begin(&whole, lines->out, lines->path, err);
    if (result == PYR_OK)
        result = add_root_line(&whole, 0, listing->own, err);
    for (size_t i = 0; i < listing->nroots && result == PYR_OK; i++)
        if (listing->roots[i].number == next)
            result = add_root_line(&whole, next++, listing->roots[i].real, err);
    if (result == PYR_OK)
        result = rok4_lines_add(&whole, "#\n", err);
    if (result == PYR_OK)
        result = copy_rest(lines, listing->head_nbytes, &whole, err);
    if (result == PYR_OK)
        result = rok4_lines_commit(&whole, err);
    rok4_lines_clear(&whole);
    return result;
}

static enum pyr_result begin(struct listing *listing, struct rok4_lines *lines,
                             const char *path, struct pyr_error *err)
{
    enum pyr_result result =
        rok4_lines_begin(lines, listing->tree->out, path, err);
    if (result != PYR_OK || path == NULL)
        return result;
    result = add_root_line(lines, 0, listing->own, err);
    if (result == PYR_OK)
        result = rok4_lines_add(lines, "#\n", err);
    listing->head_nbytes = strlen(listing->own) + strlen("0=\n#\n");
    return result;
}

static void clear(struct listing *listing)
{
    rok4_lines_clear(&listing->list);
    rok4_lines_clear(&listing->md5);
    for (size_t i = 0; i < listing->nroots; i++)
    {
        pyr_free(listing->roots[i].written);
        pyr_free(listing->roots[i].real);
    }
    pyr_free(listing->roots);
    pyr_free(listing->own);
}

enum pyr_result rok4_listing_write(const struct pyr_tree *tree,
                                   const struct rok4_files *files,
                                   const struct rok4_state *state,
                                   const char *list_path, const char *md5_path,
                                   struct pyr_error *err)
{
    struct listing listing = {.tree = tree,
                              .state = state,
                              .list = {.out = tree->out},
                              .md5 = {.out = tree->out}};
    struct pyr_error found = {""};
    if (list_path == NULL && md5_path == NULL)
        return PYR_OK;
    enum pyr_result result = named(
        tree->realpath(tree->user, files->directory, &listing.own, &found),
        files->directory, &found, err);
    if (result == PYR_OK)
        result = begin(&listing, &listing.list, list_path, err);
    if (result == PYR_OK)
        result = begin(&listing, &listing.md5, md5_path, err);
    if (result == PYR_OK)
        result =
            rok4_slabs_each(tree, files->directory, list_slab, &listing, err);
    if (result == PYR_OK)
        result = finish(&listing, &listing.list, err);
    if (result == PYR_OK)
        result = finish(&listing, &listing.md5, err);
    clear(&listing);
    return result;
}

/* The first bytes are enough. */
static enum pyr_result look_at_start(void *context, const void *bytes,
                                     size_t nbytes, struct pyr_error *err)
{
    (void)err;
    *(bool *)context = nbytes >= 2 && memcmp(bytes, "0=", 2) == 0;
    return PYR_CANCELLED;
}

enum pyr_result rok4_listing_is(const struct pyr_tree *tree, const char *path,
                                bool *out_is, struct pyr_error *err)
{
    struct pyr_error found = {""};
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    *out_is = false;
    enum pyr_result result = pyr_tree_kind(tree, path, &kind, err);
    if (result != PYR_OK || kind != PYR_ENTRY_FILE)
        return result;
    result = tree->scan(tree->user, path, look_at_start, out_is, &found);
    return result == PYR_CANCELLED ? PYR_OK : named(result, path, &found, err);
}
