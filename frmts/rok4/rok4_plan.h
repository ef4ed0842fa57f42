/* SPDX-License-Identifier: MIT */
/* The levels of a pyramid that is to be written, and their limits. */
#ifndef ROK4_PLAN_H
#define ROK4_PLAN_H

#include "rok4_descriptor.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* What is to be written. Strings are borrowed. */
struct rok4_plan
{
    const char *tms_name;
    /* Of the pyramid: NAME/DATA/<level> are its directories, or on an object
     * storage, "NAME/DATA_<level>" its prefixes, where it is the whole key. */
    const char *name;
    enum rok4_storage storage;
    const char *tray; /* of an object storage */
    enum rok4_format format;
    uint32_t channels; /* 1 .. PYR_MAX_BANDS */
    int32_t nodata[PYR_MAX_BANDS];
    const char *interpolation; /* "nn", "linear", "bicubic" or "lanczos" */
    uint32_t tiles_per_width;
    uint32_t tiles_per_height;
    uint32_t path_depth;
    bool masks;
    /* With old: its levels get directories of the new pyramid's own. */
    bool relocate;
    /* With old: those of its levels that are planned, and nothing else, with
     * the limits that they have; masks only if the plan has them. */
    bool as_old;
    /* Levels of the grid, bottom <= top (finest first), and the tiles of the
     * bottom one that there is data for. */
    size_t bottom;
    size_t top;
    struct pyr_grid_limits limits;
};

/* Tiles of a level that share an area with tiles of another one, within the
 * matrix. PYR_NOT_FOUND when there are none. An edge that misses a tile's
 * border by less than a hundredth of the finer pixel is on it. */
enum pyr_result
rok4_plan_limits(const struct pyr_grid_level *level,
                 const struct pyr_grid_level *other,
                 const struct pyr_grid_limits *others,
                 struct pyr_grid_limits *out_limits) PYR_MUST_CHECK;

/* The bound descriptor of a plan, levels bottom .. top with the limits that
 * cover the bottom one's. With old (bound, same grid), its levels stay, and
 * their limits grow where the plan has them too; format, channels, nodata,
 * directories and slab sizes of existing levels are old's. Freed with
 * rok4_descriptor_free. PYR_USAGE for what old does not allow, PYR_UNSUPPORTED
 * for a level whose id cannot name a directory, PYR_LIMIT, PYR_NOMEM. Pure. */
enum pyr_result rok4_plan_descriptor(const struct rok4_plan *plan,
                                     const struct pyr_grid *grid,
                                     const struct rok4_descriptor *old,
                                     struct rok4_descriptor **out_descriptor,
                                     struct pyr_error *err) PYR_MUST_CHECK;

/* Index of the descriptor's level that is a level of the grid; PYR_NOT_FOUND.
 */
enum pyr_result rok4_plan_find(const struct rok4_descriptor *descriptor,
                               size_t grid_level,
                               size_t *out_level) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
