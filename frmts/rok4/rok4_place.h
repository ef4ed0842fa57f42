/* SPDX-License-Identifier: MIT */
/* Where the slabs of a level are, on any storage: directories and prefixes. */
#ifndef ROK4_PLACE_H
#define ROK4_PLACE_H

#include "rok4_descriptor.h"
#include "rok4_path.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* The text with which paths of slabs begin: a directory for FILE, for object
 * storages "<root>NAME/DATA_<level>", behind which "_<column>_<row>" comes
 * (spec section 1). written is the level's image_place or mask_place.
 *
 * FILE: as of rok4_path_resolve. Object storages: with a storage root, keys are
 * looked up below that. Else a descriptor at a VSI path finds its slabs from
 * there: of /vsis3/BUCKET/A/NAME.json, whose prefix is "A/NAME/DATA_5", the
 * root is /vsis3/BUCKET; a path that does not end as the prefix says has its
 * bucket as root, and where that cannot be told from the path (HTTP, an
 * archive), slabs are looked for beside the descriptor. Another tray of the
 * same kind of storage takes the place of the path's own; "TRAY@CLUSTER" is
 * kept as it is, and without "@" the path's own cluster counts. Of a local
 * descriptor the tray says all.
 *
 * PYR_CORRUPT for a key or a tray that cannot be one, PYR_UNSUPPORTED where no
 * tray is known, or another one is forbidden by allow_outside; PYR_NOMEM.
 * *out_place is freed with pyr_free. Pure. */
enum pyr_result rok4_place_resolve(const struct rok4_path_rules *rules,
                                   const struct rok4_level *level,
                                   const char *written, char **out_place,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* Path of a slab. Freed with pyr_free; NULL when out of memory. Pure. */
char *rok4_place_slab(enum rok4_storage storage, const char *place,
                      uint32_t slab_col, uint32_t slab_row,
                      uint32_t path_depth);

/* Takes "<column>_<row>" apart, decimal numbers without leading zeros. Pure. */
bool rok4_place_parse(const char *text, uint32_t *out_col, uint32_t *out_row);

/* The file system that a storage's objects are on, "/vsis3/"; "" for FILE. */
const char *rok4_place_file_system(enum rok4_storage storage);

/* The storage of a path on an object storage, by its file system;
 * ROK4_STORAGE_FILE for other paths. */
enum rok4_storage rok4_place_storage(const char *path);

/* "tray/key" of a path on an object storage, without the cluster; NULL when out
 * of memory, or for other paths. Freed with pyr_free. */
char *rok4_place_object(const char *path);

/* "tray/key" that a link at a path tells to lead to another one (spec section
 * 7), "tray@cluster/key" where that is in another cluster. PYR_UNSUPPORTED
 * where its cluster has no name, or for other paths; PYR_NOMEM. Freed with
 * pyr_free. Pure. */
enum pyr_result rok4_place_link(const char *link_path, const char *path,
                                char **out_target,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* An object that is a link (spec section 7): "SYMLINK#<tray>/<object>". */
#define ROK4_LINK_MARK "SYMLINK#"
#define ROK4_MAX_LINK_BYTES 2047u

/* Whether an object of nbytes bytes is a link. */
bool rok4_place_is_link(const uint8_t *bytes, size_t nbytes);

/* The path that a link bytes[nbytes] at path leads to: on the same file system
 * and, unless the link says another, in the same cluster. PYR_CORRUPT for what
 * is no tray or no object, PYR_UNSUPPORTED where path has no tray; PYR_NOMEM.
 * Freed with pyr_free. Pure. */
enum pyr_result rok4_place_follow(const char *path, const uint8_t *bytes,
                                  size_t nbytes, char **out_path,
                                  struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
