/* SPDX-License-Identifier: MIT */
/* A pyramid opened for reading: descriptor, grid and its two tile sources. */
#ifndef ROK4_PYRAMID_H
#define ROK4_PYRAMID_H

#include "pyr_io.h"
#include "pyr_source.h"
#include "rok4_descriptor.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Which slabs of a level. */
enum rok4_plane
{
    ROK4_PLANE_DATA,
    ROK4_PLANE_MASK
};

struct rok4_pyramid;

/* One plane of a pyramid, as its tile source sees it. */
struct rok4_tiles
{
    struct rok4_pyramid *pyramid;
    enum rok4_plane plane;
    /* By level of the descriptor. */
    char **places; /* rok4_place.h; NULL: the level has no such slabs */
    struct pyr_source_level *levels;
};

struct rok4_pyramid
{
    struct rok4_descriptor *descriptor; /* bound to grid */
    struct pyr_grid *grid;
    char *path;                  /* of the descriptor */
    char *descriptor_text;       /* as read */
    char *tms_text;              /* as read */
    char *tms_path;              /* where the TMS was found; "" for built in */
    bool has_masks;              /* some level has */
    struct rok4_tiles planes[2]; /* by enum rok4_plane */
};

/* How to open; all strings are borrowed for the call, NULL where not given. */
struct rok4_open_options
{
    const char *tms_directory;        /* asked for this pyramid */
    const char *global_tms_directory; /* asked for all */
    const char *storage_root;
    bool allow_outside; /* see struct rok4_path_rules */
};

/* Makes a pyramid of the descriptor text[nbytes] that was read at path: finds
 * and reads its TMS through io, in this order: tms_directory,
 * global_tms_directory, the descriptor's own directory unless that is remote,
 * the sets built in, the descriptor's directory if remote; in a directory
 * NAME.json, then NAME. Touches no other file. Nothing of text is kept.
 * Results as of rok4_descriptor_parse, rok4_descriptor_bind and
 * rok4_place_resolve. Freed with rok4_pyramid_free. */
enum pyr_result rok4_pyramid_open(const struct pyr_io *io, const char *path,
                                  const char *text, size_t nbytes,
                                  const struct rok4_open_options *options,
                                  struct rok4_pyramid **out_pyramid,
                                  struct pyr_error *err) PYR_MUST_CHECK;
void rok4_pyramid_free(struct rok4_pyramid *pyramid);

/* The tiles of a plane, levels as in the descriptor. It borrows the pyramid. */
struct pyr_source rok4_pyramid_source(struct rok4_pyramid *pyramid,
                                      enum rok4_plane plane);

/* Path of the slab that holds tile (col, row); freed with pyr_free. PYR_NOMEM,
 * PYR_NOT_FOUND when the level has no such plane. */
enum pyr_result rok4_pyramid_slab_path(const struct rok4_pyramid *pyramid,
                                       enum rok4_plane plane, size_t level,
                                       uint32_t slab_col, uint32_t slab_row,
                                       char **out_path) PYR_MUST_CHECK;

/* The grid level of a level of the descriptor. */
const struct pyr_grid_level *
rok4_pyramid_grid_level(const struct rok4_pyramid *pyramid, size_t level);

#ifdef __cplusplus
}
#endif

#endif
