/* SPDX-License-Identifier: MIT */
/* The interface of a tile sink: where encoded tiles go. */
#ifndef PYR_SINK_H
#define PYR_SINK_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Which tiles of a level. */
enum pyr_plane
{
    PYR_PLANE_DATA,
    PYR_PLANE_MASK
};

/* Levels are numbered as the sink's maker says. A container (slab) is named by
 * its column and row in its level, as in struct pyr_source_level. */
struct pyr_sink
{
    void *user;

    /* Whether the container is still to be written: false where an interrupted
     * run has done so. Called from one thread. NULL: all are. */
    bool (*wants)(void *user, uint32_t level, uint32_t container_col,
                  uint32_t container_row);

    /* Takes the encoded tile bytes[nbytes], which the caller keeps. Called from
     * several threads at once, once for each tile and plane at most, in any
     * order. */
    enum pyr_result (*put)(void *user, enum pyr_plane plane, uint32_t level,
                           uint32_t tile_col, uint32_t tile_row,
                           const uint8_t *bytes, size_t nbytes,
                           struct pyr_error *err);

    /* Every tile of the container that has data was put: both planes of it may
     * be written. Called from several threads at once, for different
     * containers. Without a tile put, it does nothing. */
    enum pyr_result (*finish)(void *user, uint32_t level,
                              uint32_t container_col, uint32_t container_row,
                              struct pyr_error *err);
};

#ifdef __cplusplus
}
#endif

#endif
