// SPDX-License-Identifier: MIT
// The PAM file beside a descriptor, on any storage.
#ifndef ROK4_SIDECAR_H
#define ROK4_SIDECAR_H

#include "pyr.h"

#include "gdal_pam.h"

#include <functional>
#include <string>

// The name of the PAM file of a descriptor.
std::string Rok4SidecarOf(const std::string &path);

// Its text. PYR_NOT_FOUND where there is none; as of pyr_io::load, without the
// name in err.
enum pyr_result Rok4LoadSidecar(const std::string &path, std::string *out_text,
                                struct pyr_error *err) PYR_MUST_CHECK;

// The same without statistics and histograms; "" where there are none.
enum pyr_result Rok4WithoutStatistics(const std::string &path,
                                      std::string *out_text,
                                      struct pyr_error *err) PYR_MUST_CHECK;

// Puts that text on an object storage, at once; "" removes the file.
enum pyr_result Rok4PutSidecarObject(const std::string &path,
                                     const std::string &text,
                                     struct pyr_error *err) PYR_MUST_CHECK;

// Runs save(name of a file) with the dataset's PAM file there, in memory, with
// what is beside the descriptor on an object storage, and puts what save makes
// of it in its place. Where that cannot be done, or known is false because what
// the dataset has is not all that was there, it goes to the directory that GDAL
// has been told for that (GDAL_PAM_PROXY_DIR); else CE_Warning, with a warning.
CPLErr Rok4SaveSidecarObject(
    const std::string &path, GDALDatasetPamInfo *pam, bool known,
    const std::function<CPLErr(const std::string &name)> &save);

#endif
