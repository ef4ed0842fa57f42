// SPDX-License-Identifier: MIT
// Where samples come from: a dataset as it is, or warped to a level's pixels.
#ifndef ROK4_FEED_H
#define ROK4_FEED_H

#include "gdal_priv.h"
#include "gdalwarper.h"
#include "rok4_zoom.h"

#include <memory>
#include <vector>

// Where the samples of a rectangle go, and the validity of its pixels: both
// point at those of its first pixel.
struct Rok4Target
{
    uint8_t *pixels;
    size_t pixelBytes; // from a pixel to the next one of its row
    size_t rowBytes;
    uint8_t *valid; // one byte a pixel
    size_t validRowBytes;
};

// Rectangles are in pixels of the feed and lie within it. One thread at a time.
class Rok4Feed
{
  public:
    virtual ~Rok4Feed() = default;

    // False when the rectangle certainly holds no data.
    virtual bool MayHold(int x, int y, int width, int height) = 0;

    // True when a part of the rectangle certainly holds no data.
    virtual bool HasGaps(int x, int y, int width, int height) = 0;

    // Fills the samples, all of one type and next to each other in a pixel. A
    // feed that tells validity also fills it: 0 where a pixel does not count.
    // GDAL raises the errors.
    virtual CPLErr Read(int x, int y, int width, int height,
                        const Rok4Target &target) = 0;
};

// What a dataset knows of a rectangle; all of it, if it cannot tell. A file of
// a VRT that cannot be opened counts as data: reading it tells why.
bool Rok4MayHoldData(GDALDataset *dataset, const std::vector<int> &bands, int x,
                     int y, int width, int height);
bool Rok4HasGaps(GDALDataset *dataset, const std::vector<int> &bands, int x,
                 int y, int width, int height);

// Pixels of a dataset as they are. mask: what tells validity, or nullptr.
std::unique_ptr<Rok4Feed> Rok4MakeDatasetFeed(GDALDataset *source,
                                              const std::vector<int> &bands,
                                              GDALDataType type,
                                              GDALRasterBand *mask);

struct Rok4WarpPlan
{
    GDALDataset *source = nullptr; // borrowed; may be a warped VRT
    const struct pyr_grid *grid = nullptr;
    Rok4Place place{}; // that the feed's pixels are
    std::vector<int> bands{};
    GDALDataType type = GDT_Byte;
    int alphaBand = 0;            // of the source; 0 for none
    bool keepAlpha = false;       // it is among bands, the last one
    std::vector<double> nodata{}; // what pixels without data get, by band
    GDALResampleAlg resampling = GRA_NearestNeighbour;
    unsigned nthreads = 1;
};

// Pixels of a dataset warped once to those of a level; the feed tells validity.
// A warped VRT gives way to its source: the two warps become one. nullptr with
// an error that GDAL has raised.
std::unique_ptr<Rok4Feed> Rok4MakeWarpFeed(const Rok4WarpPlan &plan);

// The options of a warped VRT, which it keeps; nullptr for other datasets.
const GDALWarpOptions *Rok4WarpedVrtOptions(GDALDataset *dataset);

#endif
