/* SPDX-License-Identifier: MIT */
/* The dataset that a pyramid makes: its extent, and its levels as overviews. */
#ifndef ROK4_LAYOUT_H
#define ROK4_LAYOUT_H

#include "rok4_pyramid.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Where the dataset's extent comes from. */
enum rok4_extent
{
    ROK4_EXTENT_LIMITS, /* tile limits of its finest level */
    ROK4_EXTENT_MATRIX, /* whole matrix of its finest level */
    ROK4_EXTENT_LEVEL   /* tile limits of a level of the descriptor */
};

/* A level seen through the dataset's extent. Pixel (0, 0) of the view is pixel
 * (px_x, px_y) of the level, counted from the corner of its matrix. */
struct rok4_view
{
    size_t level; /* of the descriptor */
    int64_t px_x;
    int64_t px_y;
    int32_t width_px;  /* >= 1 */
    int32_t height_px; /* >= 1 */
};

struct rok4_layout
{
    size_t nviews; /* >= 1; the finest first, the others are its overviews */
    struct rok4_view views[PYR_MAX_LEVELS];
    /* Index of a view whose level's data extends beyond the dataset by more
     * than one of its tiles; 0 when there is none. */
    size_t wider_view;
};

/* Lays out the dataset whose finest level is tile_matrix, or the finest one
 * with data when that is NULL; coarser levels with data become views, at the
 * pixel nearest to the dataset's corner and of ceil(size / ratio) pixels, at
 * least 1. For ROK4_EXTENT_LEVEL, extent_level is the level's id, and its
 * limits are widened to whole pixels of the finest level. PYR_NOT_FOUND for a
 * level that the pyramid has not or that is empty, PYR_LIMIT when a side takes
 * more than 2^31 - 1 pixels. Pure. */
enum pyr_result rok4_layout_make(const struct rok4_pyramid *pyramid,
                                 const char *tile_matrix,
                                 enum rok4_extent extent,
                                 const char *extent_level,
                                 struct rok4_layout *out_layout,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* The dataset whose finest level is seen in this view, which takes the first
 * place: its overviews are laid out as by rok4_layout_make. Pure. */
void rok4_layout_overviews(const struct rok4_pyramid *pyramid,
                           const struct rok4_view *base,
                           struct rok4_layout *out_layout);

/* The rectangle that a view covers, by the TMS arithmetic (spec section 3). */
struct pyr_grid_bounds rok4_view_bounds(const struct rok4_pyramid *pyramid,
                                        const struct rok4_view *view);

#ifdef __cplusplus
}
#endif

#endif
