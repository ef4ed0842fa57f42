// SPDX-License-Identifier: MIT
// Pixels that are being written to a level, in any order and bounded memory.
#ifndef ROK4_CANVAS_H
#define ROK4_CANVAS_H

#include "rok4_buffer.h"
#include "rok4_dataset.h"

#include "pyr_raster.h"
#include "pyr_store.h"

#include <memory>
#include <string>
#include <vector>

// An identity that no other write has: what was written is not known again.
std::string Rok4UniqueIdentity();

// What stands under the pixels that are written. Errors are raised.
class Rok4Ground
{
  public:
    virtual ~Rok4Ground() = default;

    // Whether the pyramid has data for a tile.
    virtual CPLErr Locate(uint32_t tileCol, uint32_t tileRow,
                          bool *present) = 0;

    // pixels[height_px][width_px][bands] of a tile and, unless mask is nullptr,
    // mask[height_px][width_px]: 0 where a pixel is not valid.
    virtual CPLErr Read(uint32_t tileCol, uint32_t tileRow, GByte *pixels,
                        GByte *mask) = 0;
};

// Tiles of pixels with what was written to each. Windows are in pixels of the
// canvas, and name no level; none of their pixels is before (0, 0). One thread
// at a time.
class Rok4Canvas final
{
  public:
    Rok4Canvas() = default;
    ~Rok4Canvas();
    Rok4Canvas(const Rok4Canvas &) = delete;
    Rok4Canvas &operator=(const Rok4Canvas &) = delete;

    // path: of the descriptor, beside which pixels go that memory cannot hold;
    // nodata: by band; masks: whether validity is written apart. ground:
    // nullptr where there is nothing. False, with an error.
    bool Init(const struct pyr_tile_shape &shape, const double *nodata,
              bool masks, const std::string &path,
              std::unique_ptr<Rok4Ground> ground);

    // False before Init.
    bool IsReady() const
    {
        return m_store != nullptr;
    }

    // Takes a window's pixels from a buffer. With onlyChanged, those that are
    // as they were count as not written.
    CPLErr Write(const struct pyr_window &window, const Rok4Buffer &buffer,
                 bool onlyChanged);

    // Takes the validity of a window's pixels: rows of mask are lineSpace
    // bytes apart, not 0 where they are valid.
    CPLErr WriteMask(const struct pyr_window &window, const GByte *mask,
                     size_t lineSpace, bool onlyChanged);

    // Whether tiles that were written to cover the window.
    bool Covers(const struct pyr_window &window) const;

    // Puts the pixels of tiles that were written to into a buffer, or their
    // validity into mask[height_px][width_px].
    CPLErr Read(const struct pyr_window &window, const Rok4Buffer &buffer);
    CPLErr ReadMask(const struct pyr_window &window, GByte *mask);

    bool IsEmpty() const
    {
        return m_store == nullptr || pyr_store_count(m_store) == 0;
    }

    // Something that was written could not be kept.
    bool HasFailed() const
    {
        return m_failed;
    }

    // Tiles that were written to, of which there is one at least.
    struct pyr_grid_limits Limits() const;

    // What was written, as a raster; pixel (x, y) of the canvas is pixel
    // (x + right, y + down) of the level. A pixel that was written where the
    // pyramid has a tile counts whatever it is.
    struct pyr_raster Raster(int64_t right, int64_t down);

    // Forgets what was written.
    void Clear();

  private:
    struct Part; // of a window, in one tile

    CPLErr Report(enum pyr_result result, const struct pyr_error &err);
    template <class Action> CPLErr ForEach(const struct pyr_window &, Action);
    CPLErr Edit(const Part &part, bool overwritten,
                struct pyr_store_tile **tile);
    CPLErr Begin(const Part &part, bool overwritten,
                 struct pyr_store_tile *tile);

    struct Copied;
    bool IsTransparent(const struct pyr_store_tile &tile);
    void JudgeRow(const uint8_t *pixels, size_t width, uint8_t *valid) const;
    void CopyRow(const uint8_t *pixels, const uint8_t *marks, uint32_t width,
                 uint8_t *outPixels, uint8_t *outValid, Copied *copied);
    enum pyr_result ReadRaster(const struct pyr_window &window, uint8_t *pixels,
                               uint8_t *valid, enum pyr_coverage *coverage,
                               struct pyr_error *err);
    bool MayHold(const struct pyr_window &window);
    struct pyr_window Unshifted(const struct pyr_window &window) const;

    struct pyr_tile_shape m_shape = {};
    bool m_masks = false;
    uint8_t m_nodata[PYR_MAX_BANDS * sizeof(float)] = {}; // one pixel
    struct pyr_out m_out = {};
    std::string m_spool{};
    std::unique_ptr<Rok4Ground> m_ground{};
    struct pyr_store *m_store = nullptr;
    bool m_failed = false;
    int64_t m_right = 0;
    int64_t m_down = 0;
    std::vector<uint8_t> m_judged{}; // a row
};

#endif
