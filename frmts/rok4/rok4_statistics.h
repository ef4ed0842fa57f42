// SPDX-License-Identifier: MIT
// Statistics in a PAM file, which are dropped when pixels change.
#ifndef ROK4_STATISTICS_H
#define ROK4_STATISTICS_H

#include <string>

// The name of the PAM file of a descriptor.
std::string Rok4SidecarOf(const std::string &path);

// Text of the PAM file of a descriptor without statistics and histograms; false
// where there are none.
bool Rok4WithoutStatistics(const std::string &path, std::string *text);

#endif
