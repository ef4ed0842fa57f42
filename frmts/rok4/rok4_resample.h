// SPDX-License-Identifier: MIT
// Pixels in memory resampled to larger ones, of those that count.
#ifndef ROK4_RESAMPLE_H
#define ROK4_RESAMPLE_H

#include "gdal_compat.h"

#include "pyr_tile.h"

#include <string>

// Pixels in memory, and where the larger ones lie on them.
class Rok4Resampling final
{
  public:
    std::string method{};             // as of Rok4LevelRaster, but NEAREST
    struct pyr_tile_shape shape = {}; // of the pixels, which are no tile
    bool alpha = false;               // the last band is alpha
    const GByte *pixels = nullptr;    // [shape.height_px][width_px][bands]
    const GByte *valid = nullptr;     // 255 or 0; nullptr: all count
    // Top-left corner of the first larger pixel, and size of one, in pixels.
    double left = 0;
    double top = 0;
    double ratio = 1;
    int width = 0; // larger pixels; they lie within the pixels
    int height = 0;

    // Fills out[height][width][bands] and outValid[height][width] (255 or 0).
    // Pixels that do not count never take part, but for their alpha. Where
    // outValid is 0, out is undefined. Raises errors.
    CPLErr Run(GByte *out, GByte *outValid) const;

    // Pixels that a method looks at beyond the edges of the larger one, in
    // sizes of that; -1 for a method that we do not know.
    static int Reach(const std::string &method);
};

#endif
