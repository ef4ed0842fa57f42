/* SPDX-License-Identifier: MIT */
/* TIFF files over GDAL's virtual file systems, for the core's parser; in C. */
#ifndef VSI_TIFF_H
#define VSI_TIFF_H

#include "pyr_tiff.h"

#ifdef __cplusplus
extern "C"
{
#endif

struct vsi_tiff;

/* Opens any path that GDAL reads, and keeps its first bytes, where directories
 * mostly are. PYR_NOT_FOUND, PYR_IO, PYR_NOMEM. Closed with vsi_tiff_close. */
enum pyr_result vsi_tiff_open(const char *path, struct vsi_tiff **out_file,
                              struct pyr_error *err) PYR_MUST_CHECK;
void vsi_tiff_close(struct vsi_tiff *file);

/* Borrows the file. Safe from many threads. */
struct pyr_tiff_reader vsi_tiff_reader(struct vsi_tiff *file);

/* Whether a file is there. */
bool vsi_tiff_exists(const char *path);

#ifdef __cplusplus
}
#endif

#endif
