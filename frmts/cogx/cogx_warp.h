// SPDX-License-Identifier: MIT
// Where a raster comes to lie when it is reprojected for a file.
#ifndef COGX_WARP_H
#define COGX_WARP_H

#include "cogx_options.h"
#include "cogx_tiling.h"

#include "gdal_priv.h"

// The raster to be, in the place that GDAL's COG driver gives it.
struct CogxPlace
{
    std::string srs{}; // AUTHORITY:CODE, where the tiling scheme has one
    CogxBounds bounds{};
    double res = 0;
    int width = 0;
    int height = 0;
    int zoom = 0;          // with a tiling scheme
    int alignedLevels = 0; // likewise
};

// tiling: of option TILING_SCHEME, or nullptr. False, with an error.
bool CogxFindPlace(GDALDataset *source, const CogxOptions &options,
                   const CogxTiling *tiling, CogxPlace *place);

// Whether the source lies there already.
bool CogxIsInPlace(GDALDataset *source, const CogxPlace &place);

// A virtual dataset of the source there, which references the source; nullptr,
// with an error.
GDALDatasetUniquePtr CogxWarp(GDALDataset *source, const CogxOptions &options,
                              const CogxPlace &place);

// Overviews of a tiling scheme: how much coarser each level is than the one
// before, from a level of the place on.
double CogxTilingRatio(const CogxTiling &tiling, int zoom);

#endif
