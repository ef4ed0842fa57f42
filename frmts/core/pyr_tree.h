/* SPDX-License-Identifier: MIT */
/* Directories, links, locks: a hook that its user supplies, and helpers. */
#ifndef PYR_TREE_H
#define PYR_TREE_H

#include "pyr_objects.h"
#include "pyr_out.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* What stands at a path. Links are not followed. */
enum pyr_entry
{
    PYR_ENTRY_ABSENT = 0,
    PYR_ENTRY_FILE,
    PYR_ENTRY_DIRECTORY,
    PYR_ENTRY_LINK, /* symbolic */
    PYR_ENTRY_OTHER /* a pipe, a socket... */
};

/* A lock that is held. */
struct pyr_lock;

/* Told of an entry of a directory. */
typedef enum pyr_result (*pyr_tree_visit)(void *context, const char *name,
                                          enum pyr_entry kind,
                                          struct pyr_error *err);

/* Told of the bytes of a file, from its first to its last. */
typedef enum pyr_result (*pyr_tree_consume)(void *context, const void *bytes,
                                            size_t nbytes,
                                            struct pyr_error *err);

/* The supplier's functions; each fills err (never NULL here) on failure
 * without naming the path, which the caller adds. PYR_NOT_FOUND where what it
 * works on is not there, PYR_UNSUPPORTED where the storage has no such thing,
 * else PYR_IO or PYR_NOMEM. Texts are freed with pyr_free. Safe from many
 * threads. */
struct pyr_tree
{
    void *user;
    const struct pyr_out *out; /* how files are written; borrowed */

    /* The object storage that a path is on, which has no directories, links or
     * locks, and renames nothing; NULL for files. Borrowed. The function may
     * be NULL: there is none. */
    const struct pyr_objects *(*objects_at)(void *user, const char *path);

    /* PYR_ENTRY_ABSENT only where there certainly is nothing. */
    enum pyr_result (*kind)(void *user, const char *path,
                            enum pyr_entry *out_kind, struct pyr_error *err);
    /* Entries of a directory in the order of their bytes, without "." and "..".
     * All are read before the first visit: a visit may change the directory,
     * and no handle is held while it runs. A visit that fails ends it. */
    enum pyr_result (*list)(void *user, const char *path, pyr_tree_visit visit,
                            void *context, struct pyr_error *err);

    /* At once, in the place of a file or link that stands at `to`. A directory
     * is moved only to where none is. PYR_UNSUPPORTED across storages, and for
     * directories where only files can be renamed. */
    enum pyr_result (*rename)(void *user, const char *from, const char *to,
                              struct pyr_error *err);
    /* A file or a link, not what it leads to. */
    enum pyr_result (*unlink)(void *user, const char *path,
                              struct pyr_error *err);
    /* PYR_USAGE for a directory that is not empty. */
    enum pyr_result (*rmdir)(void *user, const char *path,
                             struct pyr_error *err);
    /* A directory and those above it, as far as they are missing. */
    enum pyr_result (*mkdirs)(void *user, const char *path,
                              struct pyr_error *err);

    /* Where a link leads, as it is written. */
    enum pyr_result (*readlink)(void *user, const char *path, char **out_target,
                                struct pyr_error *err);
    /* The absolute path of what is there, free of links. */
    enum pyr_result (*realpath)(void *user, const char *path, char **out_path,
                                struct pyr_error *err);
    /* A symbolic link at path; PYR_IO where something stands there. */
    enum pyr_result (*symlink)(void *user, const char *target, const char *path,
                               struct pyr_error *err);
    /* A further name `path` of the file at `from`. */
    enum pyr_result (*hardlink)(void *user, const char *from, const char *path,
                                struct pyr_error *err);

    /* Takes the lock that the file at path stands for; PYR_USAGE, with owner
     * and age, where another holder has it, in this process too. Where the
     * storage has no locks, any number may hold it. unlock removes the file; of
     * a holder that was killed, it stays, and does not hinder the next one. */
    enum pyr_result (*lock)(void *user, const char *path,
                            struct pyr_lock **out_lock, struct pyr_error *err);
    void (*unlock)(struct pyr_lock *lock);

    /* Whether the whole storage on which path lies, or one directory, is on the
     * disk. Does nothing where the storage knows no such thing. */
    enum pyr_result (*sync)(void *user, const char *path,
                            struct pyr_error *err);
    enum pyr_result (*sync_directory)(void *user, const char *path,
                                      struct pyr_error *err);

    /* Like pyr_io::load. */
    enum pyr_result (*load)(void *user, const char *path, size_t max_bytes,
                            char **out_text, size_t *out_nbytes,
                            struct pyr_error *err);
    /* Reads a file from its first to its last byte, following links. */
    enum pyr_result (*scan)(void *user, const char *path,
                            pyr_tree_consume consume, void *context,
                            struct pyr_error *err);
};

/* Name under which pyr_out keeps a file until it is whole: "." NAME MARK... */
#define PYR_TREE_PART_MARK ".part-"

/* True for such a name. What a killed process left is called so. */
bool pyr_tree_is_part(const char *name);

/* Below: like the functions of the same name above, but errors name the path,
 * and err may be NULL. */
enum pyr_result pyr_tree_kind(const struct pyr_tree *tree, const char *path,
                              enum pyr_entry *out_kind,
                              struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tree_mkdirs(const struct pyr_tree *tree, const char *path,
                                struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tree_rename(const struct pyr_tree *tree, const char *from,
                                const char *to,
                                struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tree_sync(const struct pyr_tree *tree, const char *path,
                              struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tree_sync_directory(const struct pyr_tree *tree,
                                        const char *path,
                                        struct pyr_error *err) PYR_MUST_CHECK;

/* Like unlink, but what is not there is fine; of rmdir, also what is not
 * empty. */
enum pyr_result pyr_tree_unlink(const struct pyr_tree *tree, const char *path,
                                struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tree_rmdir(const struct pyr_tree *tree, const char *path,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* Puts a small file at its path, at once and durably. */
enum pyr_result pyr_tree_store(const struct pyr_tree *tree, const char *path,
                               const char *text, size_t nbytes,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* Copies the bytes of a file; `to` is replaced at once. */
enum pyr_result pyr_tree_copy(const struct pyr_tree *tree, const char *from,
                              const char *to,
                              struct pyr_error *err) PYR_MUST_CHECK;

/* Moves what stands at `from` (nothing is fine) to `to`: by one rename where it
 * can be, else entry by entry, into directories that exist; files and links
 * replace files and links. PYR_USAGE where a link or a file stands in the place
 * of a directory, or a directory in that of a file: pyr_tree_check_move says so
 * before anything is moved. Can be repeated after it was interrupted. */
enum pyr_result pyr_tree_move(const struct pyr_tree *tree, const char *from,
                              const char *to,
                              struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tree_check_move(const struct pyr_tree *tree,
                                    const char *from, const char *to,
                                    struct pyr_error *err) PYR_MUST_CHECK;

/* What a walk calls; either may be NULL. path is that of the entry, relative
 * the part of it below the root of the walk. */
struct pyr_tree_walker
{
    void *context;
    /* A file, a link or something else. */
    enum pyr_result (*entry)(void *context, const char *path,
                             const char *relative, enum pyr_entry kind,
                             struct pyr_error *err);
    /* A directory, after its entries; relative is "" for the root. */
    enum pyr_result (*leave)(void *context, const char *path,
                             const char *relative, struct pyr_error *err);
};

/* Deepest directory below the root of a walk or a move: PYR_LIMIT. */
#define PYR_TREE_MAX_DEPTH 64u

/* Walks everything below a directory, sorted, without following links. A root
 * that is not a directory is nothing to walk. */
enum pyr_result pyr_tree_walk(const struct pyr_tree *tree, const char *root,
                              const struct pyr_tree_walker *walker,
                              struct pyr_error *err) PYR_MUST_CHECK;

/* Removes what stands at path, with all that is below, without following links.
 * Nothing there is fine. */
enum pyr_result pyr_tree_remove(const struct pyr_tree *tree, const char *path,
                                struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
