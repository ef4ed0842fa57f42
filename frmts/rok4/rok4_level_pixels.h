// SPDX-License-Identifier: MIT
// Pixels of a level of an open pyramid, and which of them count.
#ifndef ROK4_LEVEL_PIXELS_H
#define ROK4_LEVEL_PIXELS_H

#include "rok4_dataset.h"

#include "pyr_raster.h"

#include <memory>
#include <vector>

// Memory that may lack: GDAL catches no exceptions.
struct Rok4FreeBytes
{
    void operator()(GByte *bytes) const
    {
        VSIFree(bytes);
    }
};
using Rok4Bytes = std::unique_ptr<GByte, Rok4FreeBytes>;

// Pixels count where the mask says so in a pyramid with masks, else by the last
// band as alpha, else for one band by the nodata value (NaN does not count),
// else all of them. Those of absent tiles never do. Pixels that do not count
// read as nodata, with an alpha of 0. One thread at a time.
class Rok4LevelPixels final
{
  public:
    Rok4LevelPixels(std::shared_ptr<Rok4Pyramid> pyramid, size_t level);
    ~Rok4LevelPixels() = default;
    Rok4LevelPixels(const Rok4LevelPixels &) = delete;
    Rok4LevelPixels &operator=(const Rok4LevelPixels &) = delete;

    const struct pyr_tile_shape &Shape() const
    {
        return m_pyramid->Level(m_level).shape;
    }

    // Whether the last band tells which pixels count.
    bool HasAlpha() const
    {
        return m_counting == Counting::Alpha;
    }

    // False where no slab holds pixels of columns left .. right - 1 and rows
    // top .. bottom - 1.
    bool MayHold(int64_t left, int64_t top, int64_t right,
                 int64_t bottom) const;

    // Fills pixels[rows][columns][bands] and valid[rows][columns] (255 or 0)
    // with the pixels in these columns and rows of the level, which ascend and
    // may lie beyond it.
    enum pyr_result Pick(const std::vector<int64_t> &columns,
                         const std::vector<int64_t> &rows, GByte *pixels,
                         GByte *valid, struct pyr_error *err) const;

    // Like Pick, for all pixels from (left, top) on.
    enum pyr_result Read(int64_t left, int64_t top, uint32_t width,
                         uint32_t height, GByte *pixels, GByte *valid,
                         struct pyr_error *err) const;

    // Gives pixels that do not count their value.
    void Clear(GByte *pixels, const GByte *valid, size_t count) const;

  private:
    enum class Counting
    {
        All,
        Mask,
        Alpha,
        Nodata
    };
    struct Block;

    enum pyr_result PickBlock(const Block &block, struct pyr_error *err) const;
    enum pyr_result PickMask(const Block &block,
                             const struct pyr_window &window,
                             struct pyr_error *err) const;
    void Mark(GByte *pixels, GByte *valid, size_t count) const;
    static void Store(void *user, const uint8_t *pixels, size_t row_bytes,
                      uint32_t px_x, uint32_t px_y, uint32_t width_px,
                      uint32_t height_px);

    std::shared_ptr<Rok4Pyramid> m_pyramid;
    size_t m_level;
    Counting m_counting = Counting::All;
    GByte m_nodata[PYR_MAX_BANDS * sizeof(float)] = {};
};

// How much of count pixels is valid.
enum pyr_coverage Rok4CoverageOf(const GByte *valid, size_t count);

#endif
