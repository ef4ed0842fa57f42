// SPDX-License-Identifier: MIT
// The core's object storages over GDAL's virtual file systems.
#ifndef VSI_OBJECTS_H
#define VSI_OBJECTS_H

#include "pyr_objects.h"

// Of paths that vsi_objects_are_at. Holds no state: safe from many threads.
struct pyr_objects vsi_objects_make();

// Whether a path is on an object storage that pyramids are written to: S3,
// Swift, RADOS.
bool vsi_objects_are_at(const char *path);

#endif
