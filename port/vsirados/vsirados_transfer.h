// SPDX-License-Identifier: MIT
// Objects of /vsirados/ copied, moved, and removed by the thousand.
#ifndef VSIRADOS_TRANSFER_H
#define VSIRADOS_TRANSFER_H

#include "vsirados_access.h"

// Copies through this process, whole or not at all. copied: if not nullptr,
// what was copied. Failures are raised, also that there is no source.
bool VsiRadosCopy(const VsiRadosPlace &source, const VsiRadosPlace &target,
                  struct vsirados_object *copied);
// Copies, then removes the source. Interrupted, both may be there. A source
// that is written meanwhile stays, and is a failure.
bool VsiRadosMove(const VsiRadosPlace &source, const VsiRadosPlace &target);

// Removes objects of one pool, at most so many at once, and sets results[i] to
// TRUE when places[i] is not there any more. A failure is raised.
void VsiRadosRemove(const VsiRadosPlace *places, size_t count, int *results);
// Removes all objects below a directory. False with *failure: PYR_NOT_FOUND
// when there were none.
bool VsiRadosRemoveBelow(const VsiRadosPlace &place, VsiRadosFailure *failure);

// NAME=VALUE, for GDAL's metadata of files; the caller frees them.
char **VsiRadosHeaders(const struct vsirados_object &object);
char **VsiRadosCounters();

#endif
