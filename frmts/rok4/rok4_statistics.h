// SPDX-License-Identifier: MIT
// Statistics in a PAM file, which are dropped when pixels change.
#ifndef ROK4_STATISTICS_H
#define ROK4_STATISTICS_H

#include "pyr.h"

#include <string>

// The name of the PAM file of a descriptor.
std::string Rok4SidecarOf(const std::string &path);

// The text of the PAM file of a descriptor, on any storage. PYR_NOT_FOUND where
// there is none; as of pyr_io::load, without the name in err.
enum pyr_result Rok4LoadSidecar(const std::string &path, std::string *out_text,
                                struct pyr_error *err) PYR_MUST_CHECK;

// The same without statistics and histograms; "" where there are none.
enum pyr_result Rok4WithoutStatistics(const std::string &path,
                                      std::string *out_text,
                                      struct pyr_error *err) PYR_MUST_CHECK;

#endif
