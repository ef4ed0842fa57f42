/* SPDX-License-Identifier: MIT */
/* Staged slabs over published ones, as one pyramid to read. */
#ifndef ROK4_OVERLAY_H
#define ROK4_OVERLAY_H

#include "pyr_io.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* A file of the published directory is looked for in the staged one first.
 * Strings are borrowed; no '/' at their ends. */
struct rok4_overlay
{
    struct pyr_io base;
    const char *published; /* ROOT/NAME */
    const char *staged;    /* ROOT/.NAME.building */
    bool staged_only;      /* what is not staged does not exist */
    const char *tms_text;  /* what loading any file gives */
    /* On an object storage, where slabs are put in their place at once: whether
     * a slab has been. NULL: they are staged. */
    bool (*is_put)(const void *user, const char *path);
    const void *is_put_user;
};

/* The reader over both; it borrows the overlay. */
struct pyr_io rok4_overlay_io(struct rok4_overlay *overlay);

#ifdef __cplusplus
}
#endif

#endif
