// SPDX-License-Identifier: MIT
// Which bytes of a file the tiles of a window take.
#ifndef COGX_PLACES_H
#define COGX_PLACES_H

#include "cogx_reader.h"

// Tiles of one image, or mask, that a window needs.
struct CogxTiles
{
    const struct cogx_raster *raster = nullptr; // borrowed
    std::vector<uint32_t> cols{};               // ascending
    std::vector<uint32_t> rows{};
    std::vector<uint32_t> planes{};
    std::vector<GDALRasterBand *> cached{}; // as in CogxWindow
};

// Images and masks that the window is read from: none where the file has no
// such level. A level that GDAL makes of a finer one is that one.
std::vector<CogxTiles> CogxTilesOf(const struct cogx_tiff &tiff,
                                   const CogxWindow &window);

// Adds the parts of the tables that say where the tiles are.
void CogxAddTables(const CogxTiles &tiles,
                   std::vector<struct pyr_extent> *extents);

// How many of its rows of tiles take at most so many bytes, at least one; reads
// the tables.
enum pyr_result CogxRowsWithin(const struct cogx_tiff &tiff,
                               const CogxTiles &tiles, uint64_t max_bytes,
                               size_t *out_nrows,
                               struct pyr_error *err) PYR_MUST_CHECK;

// Adds where the tiles are, with what stands around each; reads the tables.
enum pyr_result CogxAddPlaces(const struct cogx_tiff &tiff,
                              const CogxTiles &tiles,
                              std::vector<struct pyr_extent> *extents,
                              struct pyr_error *err) PYR_MUST_CHECK;

#endif
