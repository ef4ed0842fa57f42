/* SPDX-License-Identifier: MIT */
/* The interface of a raster that lies on a level's pixels. */
#ifndef PYR_RASTER_H
#define PYR_RASTER_H

#include "pyr_window.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* How much of a window is valid. */
enum pyr_coverage
{
    PYR_COVERS_NOTHING,
    PYR_COVERS_PART,
    PYR_COVERS_ALL
};

/* In valid[]: with masks and a background, the pixel does not count any more,
 * whatever was there. */
#define PYR_VALID_ERASED 1

/* A source of pixels for a level. Both functions are called on the thread that
 * called the user of the raster, never two at once. */
struct pyr_raster
{
    void *user;

    /* False when the window certainly holds no valid pixel; cheap, no pixel is
     * read. NULL: unknown. */
    bool (*may_hold)(void *user, const struct pyr_window *window);

    /* Fills pixels[height_px][width_px][bands], tightly packed, in native byte
     * order, and valid[height_px][width_px] with 255 where a pixel counts, else
     * 0 or PYR_VALID_ERASED; pixels that do not count have the nodata value.
     * The window may reach beyond the raster. With PYR_COVERS_ALL valid is
     * undefined, with PYR_COVERS_NOTHING both are. window->level is the level's
     * number. */
    enum pyr_result (*read)(void *user, const struct pyr_window *window,
                            uint8_t *pixels, uint8_t *valid,
                            enum pyr_coverage *out_coverage,
                            struct pyr_error *err);
};

#ifdef __cplusplus
}
#endif

#endif
