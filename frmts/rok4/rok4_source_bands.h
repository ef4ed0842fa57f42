// SPDX-License-Identifier: MIT
// Which bands of a dataset become which bands of a pyramid.
#ifndef ROK4_SOURCE_BANDS_H
#define ROK4_SOURCE_BANDS_H

#include "rok4_source.h"

struct Rok4SourceBands
{
    std::vector<int> bands{};       // that samples come from, in their order
    int alphaBand = 0;              // of the dataset, 0 for none
    bool keepAlpha = false;         // it is the last of the bands
    bool transparent = false;       // a palette has colours that are not opaque
    GDALRasterBand *mask = nullptr; // tells validity; nullptr: nothing does
    Rok4Recoding recoding{};        // of these bands as they are
};

// False, with an error, for what the pyramid cannot hold.
bool Rok4ReadSourceBands(GDALDataset *source, const Rok4SourceOptions &options,
                         Rok4SourceBands *bands);

// The colours of a palette as bands, for resampling; nullptr with an error.
GDALDatasetUniquePtr Rok4ExpandPalette(GDALDataset *source,
                                       const Rok4SourceBands &bands);

#endif
