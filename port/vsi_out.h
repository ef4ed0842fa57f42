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

// Like vsi_out_make, but for files of which none is committed as durable later:
// the system may take its time to bring them to the disk.
struct pyr_out vsi_out_make_single();

// Like vsi_out_make, but its files are never committed, and local ones have no
// name: they are gone with the process, however that ends.
struct pyr_out vsi_out_make_scratch();

// Whether vsi_out_make can write there; else vsi_out_make_stream may.
bool vsi_out_is_random(const char *path);

// Writes files on virtual file systems that take them in sequence only (object
// stores, "/vsistdout/"), to the target itself: write wants each range to begin
// where the last one ended, else PYR_USAGE; read is not supported. One thread
// at a time per file. commit completes the upload. discard spoils it, so that
// no object appears, and one that stood there is left: with "/vsis3/",
// "/vsigs/" and "/vsioss/" always; with others, an object that the file system
// has begun to write is removed.
struct pyr_out vsi_out_make_stream();

// True for a path that the system itself knows.
bool vsi_out_is_local(const char *path);

// Makes a directory and those above it, as far as they are missing. False with
// errno; of a virtual file system, it may be 0.
bool vsi_out_make_directories(const char *path);

#endif
