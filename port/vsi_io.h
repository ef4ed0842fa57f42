// SPDX-License-Identifier: MIT
// The core's file reader over GDAL's virtual file systems.
#ifndef VSI_IO_H
#define VSI_IO_H

#include "cpl_vsi.h"
#include "pyr_io.h"

#include <string>

class RemoteFiles;

// Reads any path that GDAL reads. Holds no state: safe from many threads.
struct pyr_io vsi_io_make();

// Like vsi_io_make, but remote files stay open in these, which are borrowed.
struct pyr_io vsi_io_make_keeping(RemoteFiles *files);

// The whole content of an open file whose first head_nbytes bytes are known;
// only what follows is read. See pyr_io::load. The file position is undefined
// afterwards.
enum pyr_result vsi_io_load_open(VSILFILE *file, const void *head,
                                 size_t head_nbytes, size_t max_bytes,
                                 char **out_text, size_t *out_nbytes,
                                 struct pyr_error *err) PYR_MUST_CHECK;

// Identity of what a local path leads to, which differs after it was replaced
// or rewritten; 0 when nothing is there. vsi_io_stamp_open: of an open file, 0
// when that is not local.
uint64_t vsi_io_stamp(const char *path);
uint64_t vsi_io_stamp_open(VSILFILE *file);

// Differs from one version of a small file to the next; "" where none is there.
std::string vsi_io_version(const char *path);

// Whether each read takes a request over a network.
bool vsi_io_is_remote(const char *path);

// Whether a regular file, or a directory, is there.
bool vsi_io_exists(const char *path);
bool vsi_io_is_directory(const char *path);

#endif
