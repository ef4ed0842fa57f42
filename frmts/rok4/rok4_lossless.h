// SPDX-License-Identifier: MIT
// Copying a pyramid without decoding it: when it can be done.
#ifndef ROK4_LOSSLESS_H
#define ROK4_LOSSLESS_H

#include "rok4_creation_options.h"

#include <memory>
#include <string>

// A pyramid that a dataset is, as a whole and untouched.
struct Rok4WholePyramid
{
    std::shared_ptr<Rok4Pyramid> pyramid{};
    size_t level = 0;  // its finest level that the dataset shows
    std::string why{}; // why there is none
};

// Looks through a VRT that is nothing but one whole ROK4 dataset.
Rok4WholePyramid Rok4FindWholePyramid(GDALDataset *source);

// Why a copy of the pyramid from that level on would need other pixels or
// encoding; empty: it can be copied as it is. options: as given.
std::string Rok4WhyNotLossless(const Rok4WholePyramid &source,
                               CSLConstList options,
                               const Rok4CreationOptions &parsed);

#endif
