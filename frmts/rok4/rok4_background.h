/* SPDX-License-Identifier: MIT */
/* The tiles of an open pyramid as the background of a build. */
#ifndef ROK4_BACKGROUND_H
#define ROK4_BACKGROUND_H

#include "pyr_build.h"
#include "rok4_pyramid.h"

#ifdef __cplusplus
extern "C"
{
#endif

struct rok4_background
{
    const struct pyr_source *source; /* of the data */
    struct pyr_reader *data;         /* all borrowed */
    struct pyr_reader *masks;        /* NULL without masks */
    size_t cache_bytes;              /* for pyr_reader_read */
    uint32_t nlevels;                /* of the build */
    const int *levels; /* levels[nlevels]: the pyramid's, -1 for none */
};

/* The interface over it. A tile is there when the pyramid has pixels for it;
 * its mask is the pyramid's (rok4_mask_read), or valid throughout without
 * masks. */
struct pyr_background
rok4_background_interface(struct rok4_background *background);

#ifdef __cplusplus
}
#endif

#endif
