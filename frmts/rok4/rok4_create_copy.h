// SPDX-License-Identifier: MIT
// CreateCopy: any dataset becomes a pyramid, or a part of one.
#ifndef ROK4_CREATE_COPY_H
#define ROK4_CREATE_COPY_H

#include "gdal_compat.h"

GDALDataset *Rok4CreateCopy(const char *filename, GDALDataset *source,
                            int strict, GDALCompatOptions options,
                            GDALProgressFunc progress, void *progressData);

#endif
