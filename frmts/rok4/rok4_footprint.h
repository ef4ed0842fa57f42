// SPDX-License-Identifier: MIT
// A dataset as seen from a grid: extent and resolution in the grid's CRS.
#ifndef ROK4_FOOTPRINT_H
#define ROK4_FOOTPRINT_H

#include "cpl_string.h"
#include "pyr_grid.h"

class GDALDataset;

struct Rok4Footprint
{
    bool sameCrs = false; // the dataset's CRS is the grid's
    // Only if sameCrs: its geotransform, which turns nothing.
    bool northUp = false;
    double transform[6] = {};
    double resolution = 0; // size of a pixel
    struct pyr_grid_bounds bounds = {};
};

// False with an error for a dataset without CRS or georeferencing.
bool Rok4MeasureFootprint(GDALDataset *source, const struct pyr_grid &grid,
                          Rok4Footprint *footprint);

// Options for GDALCreateGenImgProjTransformer2 from a dataset to the grid.
CPLStringList Rok4TransformOptions(const struct pyr_grid &grid, bool sameCrs);

#endif
