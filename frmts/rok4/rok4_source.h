// SPDX-License-Identifier: MIT
// Any GDAL dataset as a raster on the pixels of one level of a grid.
#ifndef ROK4_SOURCE_H
#define ROK4_SOURCE_H

#include "pyr_raster.h"
#include "rok4_feed.h"
#include "rok4_pixels.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

struct Rok4SourceOptions
{
    const struct pyr_grid *grid = nullptr; // borrowed
    int bottomLevel = -1;                  // of the grid; -1: by resolution
    Rok4Strategy strategy = Rok4Strategy::Auto;
    // For sources off the grid. Not given: that of a warped VRT, nearest for
    // palettes, else cubic, as of the COG driver.
    std::optional<GDALResampleAlg> resampling{};
    bool addAlpha = false;    // where there is none, from the validity
    bool alphaAllowed = true; // else alpha bands tell validity only
    uint32_t bands = 0;       // of the pyramid that there is; 0: the source's
    std::optional<enum pyr_sample> sample{}; // likewise
    // By band, or the last one for those that follow; an alpha band that gets
    // none has 0. Empty: the source's if it is an integer, else -99999 for
    // floats and 255 for bytes.
    std::vector<double> nodata{};
    unsigned nthreads = 1; // for warping
};

// The dataset is borrowed. One thread at a time.
class Rok4Source final
{
  public:
    // nullptr with an error for what no pyramid can hold (more than 4 bands,
    // types other than Byte and Float32), for a dataset without CRS or outside
    // the grid, and when GDAL cannot warp it.
    static std::unique_ptr<Rok4Source> Make(GDALDataset *source,
                                            const Rok4SourceOptions &options);
    ~Rok4Source();
    Rok4Source(const Rok4Source &) = delete;
    Rok4Source &operator=(const Rok4Source &) = delete;

    // Index into the grid's levels.
    size_t Level() const
    {
        return m_place.level;
    }

    // Whether nothing is resampled.
    bool OnGrid() const
    {
        return m_place.onGrid;
    }

    // What resamples it; only if it does not lie on the grid.
    GDALResampleAlg Resampling() const
    {
        return m_resampling;
    }

    // Tiles that the source's extent meets.
    struct pyr_grid_limits Limits() const
    {
        return m_limits;
    }

    uint32_t Bands() const
    {
        return m_recoding.bands;
    }

    enum pyr_sample Sample() const
    {
        return m_recoding.sample;
    }

    // As stored, by band.
    std::vector<double> Nodata() const
    {
        return {m_recoding.nodata.begin(),
                m_recoding.nodata.begin() + m_recoding.bands};
    }

    // Whether there may be pixels that are not valid within the extent.
    bool HasValidity() const
    {
        return !m_recoding.IsPlain();
    }

    // Tiles where a source without nodata, mask and alpha has nothing, such as
    // gaps of a mosaic and of a sparse file, are not valid.
    // Pixels with an alpha of 0 are not valid, and as the source has them; all
    // others that are not valid have the nodata value, and 0 in an alpha band.
    // Windows may start anywhere; they are read at the speed of the dataset
    // when they start and end with its blocks. Valid as long as the source.
    struct pyr_raster Raster();

  private:
    Rok4Source() = default;

    bool MakeFeed(GDALDataset *source, const Rok4SourceOptions &options,
                  const struct Rok4SourceBands &bands);
    void BlankGaps(int x, int y, int width, int height,
                   const Rok4Target &target, Rok4Coverage *coverage) const;
    enum pyr_result Read(const struct pyr_window &window, uint8_t *pixels,
                         uint8_t *valid, enum pyr_coverage *coverage,
                         struct pyr_error *err);

    static bool MayHold(void *user, const struct pyr_window *window);
    static enum pyr_result ReadRaster(void *user,
                                      const struct pyr_window *window,
                                      uint8_t *pixels, uint8_t *valid,
                                      enum pyr_coverage *out_coverage,
                                      struct pyr_error *err);

    std::string m_name{};
    Rok4Place m_place{};
    struct pyr_grid_limits m_limits = {};
    GDALResampleAlg m_resampling = GRA_NearestNeighbour;
    Rok4Recoding m_recoding{};
    bool m_findsGaps = false; // nothing else tells that pixels are not valid
    int m_tile_width_px = 1;
    int m_tile_height_px = 1;
    GDALDatasetUniquePtr m_expanded{}; // a palette's colours, to be warped
    std::unique_ptr<Rok4Feed> m_feed{};
    std::vector<uint8_t> m_indexes{}; // of a window
};

#endif
