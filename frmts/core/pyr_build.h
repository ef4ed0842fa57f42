/* SPDX-License-Identifier: MIT */
/* The pixel engine: a raster to the encoded tiles of levels that halve. */
#ifndef PYR_BUILD_H
#define PYR_BUILD_H

#include "pyr_encode.h"
#include "pyr_raster.h"
#include "pyr_reduce.h"
#include "pyr_sink.h"
#include "pyr_source.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Tiles that are there already: what is built is painted on them. */
struct pyr_background
{
    void *user;

    /* Fills pixels[height_px][width_px][bands] with a tile, and
     * mask[height_px][width_px] (NULL without masks) with its validity; where
     * there is none, *out_present is false and both are undefined. Called on
     * the thread that called pyr_build, outside of jobs. */
    enum pyr_result (*read)(void *user, uint32_t level, uint32_t tile_col,
                            uint32_t tile_row, uint8_t *pixels, uint8_t *mask,
                            bool *out_present, struct pyr_error *err);
};

struct pyr_build_options
{
    /* levels[nlevels], the finest first. Each has half the resolution of the
     * one before, the same origin, tile shape and container size, and limits
     * that hold those before (pyr_build_can_cascade). */
    const struct pyr_source_level *levels;
    uint32_t nlevels;
    /* Number of levels[0] for raster, sink and background; levels[i] has this
     * plus i. */
    uint32_t first_level;

    const struct pyr_raster *raster; /* of levels[0] */
    struct pyr_encoding encoding;
    struct pyr_encoding mask_encoding; /* DEFLATE; with masks */
    struct pyr_reduce_rule
        rule;   /* validity and nodata count for levels[0] too */
    bool masks; /* the mask plane is written, too; with PYR_VALID_MASK only */
    const struct pyr_sink *sink;
    /* NULL: nothing is there. Else tiles that the raster does not touch are not
     * put, and touched ones begin as they were. */
    const struct pyr_background *background;
    bool skip_first; /* levels[0] is read, and not put */
    /* With a background: tiles that would be as they were are not put. */
    bool keep_equal;

    struct pyr_pool *pool;
    unsigned nthreads; /* 1 .. PYR_POOL_MAX_THREADS */
    void *thread_user; /* as in struct pyr_job; may be NULL */
    void (*thread_enter)(void *user, unsigned worker);
    void (*thread_leave)(void *user, unsigned worker);

    /* Share of the work done, 0 .. 1; false interrupts. May be NULL. */
    bool (*progress)(void *user, double fraction);
    void *progress_user;
};

/* Whether coarse can be made of fine tile by tile: half the resolution, same
 * origin, even and equal tile shapes, equal container sizes. */
bool pyr_build_can_cascade(const struct pyr_grid_level *fine,
                           const struct pyr_grid_level *coarse,
                           const struct pyr_source_level *fine_tiles,
                           const struct pyr_source_level *coarse_tiles);

/* Reads the raster once, container by container along the tree of containers,
 * encodes its tiles, reduces them into those above, and puts all with data.
 * Parents are made of unencoded pixels. A container is finished after those
 * below it. Memory depends neither on width nor on height, and what is put does
 * not depend on nthreads. Windows of the raster are of whole tiles, each in one
 * of them; one may be read by further jobs of the pool.
 *
 * Errors of raster, background and sink are passed on, but for those of finish
 * with level and tile in front; PYR_CANCELLED when progress said so; PYR_USAGE
 * for options that contradict each other; PYR_NOMEM. */
enum pyr_result pyr_build(const struct pyr_build_options *options,
                          struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
