/* SPDX-License-Identifier: MIT */
/* Directories, links, locks: helpers over the hook of the user. */
#include "pyr_tree.h"

#include "pyr_alloc.h"

#include <string.h>

bool pyr_tree_is_part(const char *name)
{
    return name[0] == '.' && strstr(name, PYR_TREE_PART_MARK) != NULL;
}

/* Hands over what a hook found, with the path in front. */
static enum pyr_result told(enum pyr_result result, const char *path,
                            const struct pyr_error *found,
                            struct pyr_error *err)
{
    if (result == PYR_OK)
        return PYR_OK;
    return pyr_fail(err, result, "%s: %s", path, found->text);
}

enum pyr_result pyr_tree_kind(const struct pyr_tree *tree, const char *path,
                              enum pyr_entry *out_kind, struct pyr_error *err)
{
    struct pyr_error found = {""};
    return told(tree->kind(tree->user, path, out_kind, &found), path, &found,
                err);
}

enum pyr_result pyr_tree_mkdirs(const struct pyr_tree *tree, const char *path,
                                struct pyr_error *err)
{
    struct pyr_error found = {""};
    return told(tree->mkdirs(tree->user, path, &found), path, &found, err);
}

enum pyr_result pyr_tree_rename(const struct pyr_tree *tree, const char *from,
                                const char *to, struct pyr_error *err)
{
    struct pyr_error found = {""};
    return told(tree->rename(tree->user, from, to, &found), to, &found, err);
}

enum pyr_result pyr_tree_sync(const struct pyr_tree *tree, const char *path,
                              struct pyr_error *err)
{
    struct pyr_error found = {""};
    return told(tree->sync(tree->user, path, &found), path, &found, err);
}

enum pyr_result pyr_tree_sync_directory(const struct pyr_tree *tree,
                                        const char *path, struct pyr_error *err)
{
    struct pyr_error found = {""};
    return told(tree->sync_directory(tree->user, path, &found), path, &found,
                err);
}

enum pyr_result pyr_tree_unlink(const struct pyr_tree *tree, const char *path,
                                struct pyr_error *err)
{
    struct pyr_error found = {""};
    const enum pyr_result result = tree->unlink(tree->user, path, &found);
    return told(result == PYR_NOT_FOUND ? PYR_OK : result, path, &found, err);
}

enum pyr_result pyr_tree_rmdir(const struct pyr_tree *tree, const char *path,
                               struct pyr_error *err)
{
    struct pyr_error found = {""};
    const enum pyr_result result = tree->rmdir(tree->user, path, &found);
    const bool fine = result == PYR_NOT_FOUND || result == PYR_USAGE;
    return told(fine ? PYR_OK : result, path, &found, err);
}

enum pyr_result pyr_tree_store(const struct pyr_tree *tree, const char *path,
                               const char *text, size_t nbytes,
                               struct pyr_error *err)
{
    const struct pyr_out *const out = tree->out;
    struct pyr_error found = {""};
    struct pyr_out_file *file = NULL;
    enum pyr_result result = out->create(out->user, path, &file, &found);
    if (result != PYR_OK)
        return told(result, path, &found, err);
    result = out->write(file, 0, text, nbytes, &found);
    if (result == PYR_OK)
        result = out->commit(file, true, &found);
    else
        out->discard(file);
    return told(result, path, &found, err);
}

struct copying
{
    const struct pyr_out *out;
    struct pyr_out_file *file;
    uint64_t nbytes;
};

static enum pyr_result copy_bytes(void *context, const void *bytes,
                                  size_t nbytes, struct pyr_error *err)
{
    struct copying *const copying = context;
    const enum pyr_result result =
        copying->out->write(copying->file, copying->nbytes, bytes, nbytes, err);
    copying->nbytes += nbytes;
    return result;
}

enum pyr_result pyr_tree_copy(const struct pyr_tree *tree, const char *from,
                              const char *to, struct pyr_error *err)
{
    struct copying copying = {.out = tree->out};
    struct pyr_error found = {""};
    enum pyr_result result =
        copying.out->create(copying.out->user, to, &copying.file, &found);
    if (result != PYR_OK)
        return told(result, to, &found, err);
    result = tree->scan(tree->user, from, copy_bytes, &copying, &found);
    if (result != PYR_OK)
    {
        copying.out->discard(copying.file);
        return told(result, from, &found, err);
    }
    return told(copying.out->commit(copying.file, false, &found), to, &found,
                err);
}

/* A path that grows and shrinks by components. */
struct trail
{
    char text[PYR_MAX_PATH_BYTES];
    size_t nbytes;
};

static enum pyr_result trail_push(struct trail *trail, const char *name,
                                  struct pyr_error *err)
{
    const size_t nbytes = strlen(name);
    const bool slash =
        trail->nbytes > 0 && trail->text[trail->nbytes - 1] != '/';
    if (nbytes >= sizeof(trail->text) - trail->nbytes - slash)
        return pyr_fail(err, PYR_LIMIT, "%s: the path of %s is too long",
                        trail->text, name);
    if (slash)
        trail->text[trail->nbytes++] = '/';
    memcpy(trail->text + trail->nbytes, name, nbytes + 1);
    trail->nbytes += nbytes;
    return PYR_OK;
}

static void trail_cut(struct trail *trail, size_t nbytes)
{
    trail->nbytes = nbytes;
    trail->text[nbytes] = '\0';
}

/* Reads a directory; failures of the visits name their paths themselves. */
struct listing
{
    pyr_tree_visit visit;
    void *context;
    bool visited; /* a visit failed, not the reading */
};

static enum pyr_result visit_entry(void *context, const char *name,
                                   enum pyr_entry kind, struct pyr_error *err)
{
    struct listing *const listing = context;
    const enum pyr_result result =
        listing->visit(listing->context, name, kind, err);
    listing->visited = result != PYR_OK;
    return result;
}

static enum pyr_result list_directory(const struct pyr_tree *tree,
                                      const char *path, pyr_tree_visit visit,
                                      void *context, struct pyr_error *err)
{
    struct listing listing = {visit, context, false};
    struct pyr_error found = {""};
    const enum pyr_result result =
        tree->list(tree->user, path, visit_entry, &listing, &found);
    if (result != PYR_OK && listing.visited)
        return pyr_fail(err, result, "%s", found.text);
    return told(result, path, &found, err);
}

struct walk
{
    const struct pyr_tree *tree;
    const struct pyr_tree_walker *walker;
    struct trail path;
    size_t root_nbytes; /* of the path, with the '/' behind it */
    unsigned depth;
};

static const char *walk_relative(const struct walk *walk)
{
    return walk->path.nbytes < walk->root_nbytes
               ? ""
               : walk->path.text + walk->root_nbytes;
}

static enum pyr_result walk_directory(struct walk *walk, struct pyr_error *err);

static enum pyr_result walk_entry(void *context, const char *name,
                                  enum pyr_entry kind, struct pyr_error *err)
{
    struct walk *const walk = context;
    const struct pyr_tree_walker *const walker = walk->walker;
    const size_t before = walk->path.nbytes;
    enum pyr_result result = trail_push(&walk->path, name, err);
    if (result != PYR_OK)
        return result;
    if (kind == PYR_ENTRY_DIRECTORY)
        result = walk_directory(walk, err);
    else if (walker->entry != NULL)
        result = walker->entry(walker->context, walk->path.text,
                               walk_relative(walk), kind, err);
    trail_cut(&walk->path, before);
    return result;
}

static enum pyr_result walk_directory(struct walk *walk, struct pyr_error *err)
{
    const struct pyr_tree_walker *const walker = walk->walker;
    if (walk->depth >= PYR_TREE_MAX_DEPTH)
        return pyr_fail(err, PYR_LIMIT, "%s: directories nested too deep",
                        walk->path.text);
    walk->depth++;
    enum pyr_result result =
        list_directory(walk->tree, walk->path.text, walk_entry, walk, err);
    walk->depth--;
    if (result == PYR_OK && walker->leave != NULL)
        result = walker->leave(walker->context, walk->path.text,
                               walk_relative(walk), err);
    return result;
}

enum pyr_result pyr_tree_walk(const struct pyr_tree *tree, const char *root,
                              const struct pyr_tree_walker *walker,
                              struct pyr_error *err)
{
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    enum pyr_result result = pyr_tree_kind(tree, root, &kind, err);
    if (result != PYR_OK || kind != PYR_ENTRY_DIRECTORY)
        return result;
    struct walk *const walk = pyr_calloc(1, sizeof(*walk));
    if (walk == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    walk->tree = tree;
    walk->walker = walker;
    result = trail_push(&walk->path, root, err);
    walk->root_nbytes = walk->path.nbytes + 1;
    if (result == PYR_OK)
        result = walk_directory(walk, err);
    pyr_free(walk);
    return result;
}

static enum pyr_result remove_entry(void *context, const char *path,
                                    const char *relative, enum pyr_entry kind,
                                    struct pyr_error *err)
{
    (void)relative;
    (void)kind;
    return pyr_tree_unlink(context, path, err);
}

static enum pyr_result remove_directory(void *context, const char *path,
                                        const char *relative,
                                        struct pyr_error *err)
{
    const struct pyr_tree *const tree = context;
    struct pyr_error found = {""};
    (void)relative;
    return told(tree->rmdir(tree->user, path, &found), path, &found, err);
}

enum pyr_result pyr_tree_remove(const struct pyr_tree *tree, const char *path,
                                struct pyr_error *err)
{
    const struct pyr_tree_walker walker = {(void *)tree, remove_entry,
                                           remove_directory};
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    const enum pyr_result result = pyr_tree_kind(tree, path, &kind, err);
    if (result != PYR_OK || kind == PYR_ENTRY_ABSENT)
        return result;
    if (kind != PYR_ENTRY_DIRECTORY)
        return pyr_tree_unlink(tree, path, err);
    return pyr_tree_walk(tree, path, &walker, err);
}

struct move
{
    const struct pyr_tree *tree;
    struct trail from;
    struct trail to;
    unsigned depth;
    bool only_check;
};

static enum pyr_result move_directory(struct move *move, struct pyr_error *err);

/* Of one storage to another, or where it cannot be renamed. */
static enum pyr_result move_by_copy(const struct move *move,
                                    enum pyr_entry kind, struct pyr_error *err)
{
    const struct pyr_tree *const tree = move->tree;
    struct pyr_error found = {""};
    char *target = NULL;
    enum pyr_result result;
    if (kind != PYR_ENTRY_LINK)
    {
        result = pyr_tree_copy(tree, move->from.text, move->to.text, err);
    }
    else
    {
        result = tree->readlink(tree->user, move->from.text, &target, &found);
        if (result == PYR_OK)
            result = pyr_tree_unlink(tree, move->to.text, &found);
        if (result == PYR_OK)
            result = tree->symlink(tree->user, target, move->to.text, &found);
        result = told(result, move->to.text, &found, err);
        pyr_free(target);
    }
    return result == PYR_OK ? pyr_tree_unlink(tree, move->from.text, err)
                            : result;
}

/* What stands at both ends is known to differ in kind. */
static enum pyr_result in_the_way(const struct move *move, enum pyr_entry there,
                                  struct pyr_error *err)
{
    const char *const what = there == PYR_ENTRY_DIRECTORY ? "a directory"
                             : there == PYR_ENTRY_LINK    ? "a link"
                                                          : "a file";
    return pyr_fail(err, PYR_USAGE, "%s: %s is in the way", move->to.text,
                    what);
}

static enum pyr_result move_here(struct move *move, enum pyr_entry kind,
                                 struct pyr_error *err)
{
    const struct pyr_tree *const tree = move->tree;
    const bool is_directory = kind == PYR_ENTRY_DIRECTORY;
    enum pyr_entry there = PYR_ENTRY_ABSENT;
    struct pyr_error found = {""};
    /* What would be renamed onto a file need not be known before. */
    if (is_directory || move->only_check)
    {
        const enum pyr_result result =
            pyr_tree_kind(tree, move->to.text, &there, err);
        if (result != PYR_OK)
            return result;
    }
    if (there != PYR_ENTRY_ABSENT &&
        is_directory != (there == PYR_ENTRY_DIRECTORY))
        return in_the_way(move, there, err);
    if (there == PYR_ENTRY_DIRECTORY)
        return move_directory(move, err);
    if (move->only_check)
        return PYR_OK;
    const enum pyr_result result =
        tree->rename(tree->user, move->from.text, move->to.text, &found);
    if (result != PYR_UNSUPPORTED)
        return told(result, move->to.text, &found, err);
    return is_directory ? move_directory(move, err)
                        : move_by_copy(move, kind, err);
}

static enum pyr_result move_entry(void *context, const char *name,
                                  enum pyr_entry kind, struct pyr_error *err)
{
    struct move *const move = context;
    const size_t from = move->from.nbytes;
    const size_t to = move->to.nbytes;
    enum pyr_result result = trail_push(&move->from, name, err);
    if (result == PYR_OK)
        result = trail_push(&move->to, name, err);
    if (result == PYR_OK)
        result = move_here(move, kind, err);
    trail_cut(&move->from, from);
    trail_cut(&move->to, to);
    return result;
}

static enum pyr_result move_directory(struct move *move, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (move->depth >= PYR_TREE_MAX_DEPTH)
        return pyr_fail(err, PYR_LIMIT, "%s: directories nested too deep",
                        move->from.text);
    if (!move->only_check)
        result = pyr_tree_mkdirs(move->tree, move->to.text, err);
    move->depth++;
    if (result == PYR_OK)
        result =
            list_directory(move->tree, move->from.text, move_entry, move, err);
    move->depth--;
    if (result == PYR_OK && !move->only_check)
        result = pyr_tree_rmdir(move->tree, move->from.text, err);
    return result;
}

static enum pyr_result start_move(const struct pyr_tree *tree, const char *from,
                                  const char *to, bool only_check,
                                  struct pyr_error *err)
{
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    enum pyr_result result = pyr_tree_kind(tree, from, &kind, err);
    if (result != PYR_OK || kind == PYR_ENTRY_ABSENT)
        return result;
    struct move *const move = pyr_calloc(1, sizeof(*move));
    if (move == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    move->tree = tree;
    move->only_check = only_check;
    result = trail_push(&move->from, from, err);
    if (result == PYR_OK)
        result = trail_push(&move->to, to, err);
    if (result == PYR_OK)
        result = move_here(move, kind, err);
    pyr_free(move);
    return result;
}

enum pyr_result pyr_tree_move(const struct pyr_tree *tree, const char *from,
                              const char *to, struct pyr_error *err)
{
    return start_move(tree, from, to, false, err);
}

enum pyr_result pyr_tree_check_move(const struct pyr_tree *tree,
                                    const char *from, const char *to,
                                    struct pyr_error *err)
{
    return start_move(tree, from, to, true, err);
}
