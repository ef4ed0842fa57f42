// SPDX-License-Identifier: MIT
// CreateCopy: any dataset becomes a Cloud Optimized GeoTIFF.
#ifndef COGX_CREATE_COPY_H
#define COGX_CREATE_COPY_H

#include "cogx_options.h"
#include "gdal_compat.h"

#include <string>

GDALDataset *CogxCreateCopy(const char *filename, GDALDataset *source,
                            int strict, GDALCompatOptions options,
                            GDALProgressFunc progress, void *progressData);

struct CogxWritten;

// Writes the file; false, with an error. written: of a source whose tiles have
// been encoded as far as that was possible, else nullptr; progress may be
// nullptr.
bool CogxWrite(const std::string &path, GDALDataset *source,
               const CogxOptions &options, const CogxWritten *written,
               GDALProgressFunc progress, void *progressData);

// The path that a name means: without prefix "COGX:".
std::string CogxPathOf(const char *filename);

// Where temporary files go: beside a file, where it can be. Their names are
// longer.
std::string CogxScratchPath(const std::string &path);

// A finished file, read only; nullptr, with an error.
GDALDataset *CogxReopen(const std::string &path);

#endif
