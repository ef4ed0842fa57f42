// SPDX-License-Identifier: MIT
// Tiling schemes: tile matrix sets whose levels share corner and tile size.
#ifndef COGX_TILING_H
#define COGX_TILING_H

#include <cstdint>
#include <string>
#include <vector>

struct CogxTilingLevel
{
    double res = 0; // CRS units per pixel
    int matrixWidth = 0;
    int matrixHeight = 0;
};

// Rectangle in CRS units.
struct CogxBounds
{
    double minX = 0;
    double minY = 0;
    double maxX = 0;
    double maxY = 0;
};

struct CogxTiling
{
    std::string name{}; // as the user gave it
    std::string crs{};  // as OGRSpatialReference::SetFromUserInput takes it
    double originX = 0; // easting or longitude of the top-left corner
    double originY = 0; // northing or latitude of the same
    int tileSize = 0;
    std::vector<CogxTilingLevel> levels{}; // from the coarsest to the finest
    bool hasBounds = false;
    CogxBounds bounds{};

    // scheme: a name that GDAL knows, one of the sets of ROK4, the path or URL
    // of a JSON file, or its text. False, with an error.
    bool Load(const std::string &scheme);
};

// Names that need no file.
std::vector<std::string> CogxTilingNames();

#endif
