// SPDX-License-Identifier: MIT
// The core's file writer over GDAL's virtual file systems.
#ifndef VSI_OUT_H
#define VSI_OUT_H

#include "pyr_out.h"

// Writes local files by POSIX calls, and files on any virtual file system that
// writes at random and renames ("/vsimem/"). A file has the permissions that
// the umask leaves it; it is called .NAME.part-PID-N until it is whole. Holds
// no state: safe from many threads.
struct pyr_out vsi_out_make();

// Like vsi_out_make, but its files are never committed, and local ones have no
// name: they are gone with the process, however that ends.
struct pyr_out vsi_out_make_scratch();

// True for a path that the system itself knows.
bool vsi_out_is_local(const char *path);

// Makes a directory and those above it, as far as they are missing. False with
// errno; of a virtual file system, it may be 0.
bool vsi_out_make_directories(const char *path);

#endif
