/* SPDX-License-Identifier: MIT */
/* Slabs on object storages: links to other objects are followed. */
#ifndef ROK4_OBJECTS_H
#define ROK4_OBJECTS_H

#include "pyr_io.h"
#include "rok4_pyramid.h"

#ifdef __cplusplus
extern "C"
{
#endif

struct rok4_objects
{
    struct pyr_io base;
};

/* Whether some level of the pyramid is on an object storage. */
bool rok4_objects_needed(const struct rok4_pyramid *pyramid);

/* Opens as base does, but for an object that is a link (spec section 7): the
 * object that it leads to is opened in its place. One hop: a link to a link, or
 * to nothing, is PYR_CORRUPT. It borrows objects. */
struct pyr_io rok4_objects_io(struct rok4_objects *objects);

/* What slabs of the pyramid are opened with over base: where some are on an
 * object storage, links are followed, and objects is borrowed. */
struct pyr_io rok4_objects_io_for(const struct rok4_pyramid *pyramid,
                                  const struct pyr_io *base,
                                  struct rok4_objects *objects);

#ifdef __cplusplus
}
#endif

#endif
