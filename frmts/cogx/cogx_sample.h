// SPDX-License-Identifier: MIT
// A tiny dataset with the metadata of another one.
#ifndef COGX_SAMPLE_H
#define COGX_SAMPLE_H

#include "pyr_rows.h"

#include "gdal_priv.h"

#include <vector>

// Pixels of a side; the overview has half of that.
constexpr int COGX_SAMPLE_SIDE = 32;

// How the sample differs from what it is taken of.
struct CogxSampleOptions
{
    bool mask = false;     // has one
    bool overview = false; // has one
    bool nodata = true;    // has the nodata values
    bool dropStatistics = false;
    // By band, of pixels in all; or empty.
    std::vector<struct pyr_rows_statistics> statistics{};
    uint64_t pixels = 0;
};

// How GDAL before 3.7 tells of signed bytes ("SIGNEDBYTE"), or nullptr. To ask
// for the item by its name raises a warning later on.
const char *CogxPixelType(GDALRasterBand *band);

// In memory; nullptr, with an error of GDAL.
GDALDatasetUniquePtr CogxMakeSample(GDALDataset *shown,
                                    const CogxSampleOptions &options);

#endif
