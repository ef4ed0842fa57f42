// SPDX-License-Identifier: MIT
// Transformations from a source's pixels to those of a level.
#ifndef ROK4_RETARGET_H
#define ROK4_RETARGET_H

#include "cpl_string.h"
#include "gdal_alg.h"
#include "gdal_priv.h"
#include "ogr_spatialref.h"

// Owns what it makes. The functions are called once, and return false with an
// error that GDAL has raised.
class Rok4Transformer final
{
  public:
    GDALTransformerFunc function = nullptr;
    void *argument = nullptr;

    Rok4Transformer() = default;
    ~Rok4Transformer();
    Rok4Transformer(const Rok4Transformer &) = delete;
    Rok4Transformer &operator=(const Rok4Transformer &) = delete;

    // From a dataset to pixels with this geotransform, approximated.
    bool Make(GDALDataset *source, const CPLStringList &options,
              const double transform[6], double max_error_px);

    bool Clone(GDALTransformerFunc otherFunction, void *otherArgument);

    // Like Clone(), but to pixels with this geotransform; in the CRS toCrs
    // instead of fromCrs, unless it is nullptr.
    bool Retarget(GDALTransformerFunc otherFunction, void *otherArgument,
                  const double transform[6], const OGRSpatialReference *fromCrs,
                  const char *toCrs);
};

#endif
