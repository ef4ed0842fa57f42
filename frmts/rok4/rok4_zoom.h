// SPDX-License-Identifier: MIT
// Where a dataset lies on a grid: its level, and the pixels that it covers.
#ifndef ROK4_ZOOM_H
#define ROK4_ZOOM_H

#include "pyr_grid.h"
#include "rok4_creation_options.h"

class GDALDataset;

struct Rok4Place
{
    size_t level = 0;     // of the grid
    bool sameCrs = false; // the dataset's CRS is the grid's
    bool onGrid = false;  // its pixels are pixels of the level
    // What it covers, in pixels of the level; px (0, 0) is the top-left one of
    // tile (0, 0). On the grid this is the whole raster, else it is clipped to
    // the level's matrix.
    int64_t px_x = 0;
    int64_t px_y = 0;
    int width_px = 0;
    int height_px = 0;
};

struct Rok4PlaceOptions
{
    const struct pyr_grid *grid = nullptr;
    int level = -1; // -1: by resolution
    Rok4Strategy strategy = Rok4Strategy::Auto;
    // Only pixels whose centre lies in the dataset: its extent is somebody's
    // wish, not the outcome of a transformation.
    bool centresOnly = false;
};

// False with an error for a dataset without CRS or georeferencing, outside the
// grid, or too large.
bool Rok4FindPlace(GDALDataset *source, const Rok4PlaceOptions &options,
                   Rok4Place *place);

// Index of the level for pixels of this size, in units of the grid's CRS. AUTO:
// the nearest one, preferably with a ratio of resolutions within [0.8, 1.6];
// LOWER, UPPER: the next coarser or finer one.
size_t Rok4ZoomLevel(const struct pyr_grid &grid, double resolution,
                     Rok4Strategy strategy);

// The tiles of the level that the place meets; it meets one at least.
struct pyr_grid_limits Rok4PlaceLimits(const struct pyr_grid_level &level,
                                       const Rok4Place &place);

// Geotransform of the place's pixels.
void Rok4PlaceTransform(const struct pyr_grid_level &level,
                        const Rok4Place &place, double transform[6]);

#endif
