// SPDX-License-Identifier: MIT
// A level of a pyramid as GDAL makes it from a finer one.
#ifndef ROK4_LEVEL_RASTER_H
#define ROK4_LEVEL_RASTER_H

#include "rok4_dataset.h"

#include "pyr_raster.h"

#include <string>

// Pixels of a level of the grid from those of a finer level, which an open
// pyramid has. Where method is NEAREST and each pixel centre of the level is
// one of the finer level, that pixel; else what GDAL's resampling makes of the
// valid ones.
class Rok4LevelRaster final
{
  public:
    // fine: level of the pyramid; coarse: level of its grid. method: GDAL's
    // name (NEAREST, AVERAGE, MODE, RMS, BILINEAR, CUBIC, CUBICSPLINE, LANCZOS,
    // GAUSS).
    Rok4LevelRaster(std::shared_ptr<Rok4Pyramid> pyramid, size_t fine,
                    const struct pyr_grid_level &coarse,
                    const std::string &method);
    ~Rok4LevelRaster();
    Rok4LevelRaster(const Rok4LevelRaster &) = delete;
    Rok4LevelRaster &operator=(const Rok4LevelRaster &) = delete;

    struct pyr_raster Raster();

  private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

// Pixels of a level of an open pyramid as they are stored.
class Rok4IdentityRaster final
{
  public:
    Rok4IdentityRaster(std::shared_ptr<Rok4Pyramid> pyramid, size_t level);

    struct pyr_raster Raster()
    {
        return m_raster.Raster();
    }

  private:
    Rok4LevelRaster m_raster;
};

#endif
