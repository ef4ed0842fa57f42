/* SPDX-License-Identifier: MIT */
/* Names of the files that belong to a pyramid, from that of its descriptor. */
#ifndef ROK4_FILES_H
#define ROK4_FILES_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* For ROOT/NAME.json; all are owned. */
struct rok4_files
{
    char *descriptor; /* ROOT/NAME.json */
    char *root;       /* ROOT; "." where the path has no directory */
    char *name;       /* NAME */
    char *directory;  /* ROOT/NAME, which holds DATA and MASK */
    char *list;       /* ROOT/NAME.list */
    char *md5;        /* ROOT/NAME.md5 */
    char *sidecar;    /* ROOT/NAME.json.aux.xml, of GDAL */
    char *staging;    /* ROOT/.NAME.building */
    char *state;      /* ROOT/NAME.json.building */
    char *lock;       /* ROOT/NAME.json.lock */
};

/* PYR_USAGE for a path that no slab directory can be derived from: without an
 * extension, or without anything in front of it. PYR_NOMEM. Cleared with
 * rok4_files_clear, which a fresh {NULL} takes too. */
enum pyr_result rok4_files_init(const char *descriptor_path,
                                struct rok4_files *out_files,
                                struct pyr_error *err) PYR_MUST_CHECK;
void rok4_files_clear(struct rok4_files *files);

/* True for what can be the directory of a level: one component of a path, not
 * hidden. */
bool rok4_files_is_level(const char *id);

/* True for the path of a slab below the directory of a pyramid:
 * DATA|MASK/<level>/<digits of base 36>/.../<digits>.tif, with an even number
 * of digits in each component, and two in all but the first (spec section 4).
 */
bool rok4_files_is_slab(const char *relative);

/* The same for a path below the directory of a level. */
bool rok4_files_is_slab_name(const char *name);

#ifdef __cplusplus
}
#endif

#endif
