// SPDX-License-Identifier: MIT
// Samples as a source gives them to pixels as a pyramid stores them.
#ifndef ROK4_PIXELS_H
#define ROK4_PIXELS_H

#include "pyr_raster.h"
#include "pyr_tile.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

// Colours of the indexes that the only band of a source holds.
struct Rok4Palette
{
    std::array<std::array<uint8_t, 4>, 256>
        colours{};                    // red, green, blue, alpha
    std::array<uint8_t, 256> valid{}; // 255 or 0
};

// How samples become pixels.
class Rok4Recoding final
{
  public:
    enum pyr_sample sample = PYR_SAMPLE_UINT8;
    uint32_t bands = 1; // as stored
    // The last stored band is alpha: the source's, of which 0 is not valid, or
    // made of the validity.
    bool alphaGiven = false;
    bool alphaMade = false;
    bool validityGiven = false; // 0 where a pixel is not valid
    // The source's values for "no data", by band; a pixel of which all bands
    // have theirs is not valid. NaN is such a value for every band of floats.
    std::array<bool, PYR_MAX_BANDS> hasNodata{};
    std::array<double, PYR_MAX_BANDS> sourceNodata{};
    // What pixels that are not valid become; an alpha band becomes 0.
    std::array<double, PYR_MAX_BANDS> nodata{};
    // The pixels were computed: those that became the nodata value of their
    // only band by chance get the value next to it.
    bool avoidNodata = false;
    std::shared_ptr<const Rok4Palette> palette{};

    // Samples of a pixel as the source gives them.
    uint32_t SourceBands() const
    {
        if (palette != nullptr)
            return 1;
        return alphaMade ? bands - 1 : bands;
    }

    size_t PixelBytes() const
    {
        return bands * pyr_sample_bytes(sample);
    }

    // Whether every pixel is certainly valid, and stored as it is.
    bool IsPlain() const;
};

// What a row of pixels holds.
struct Rok4Coverage
{
    bool any = false; // valid ones
    bool all = true;
};

// Makes pixels[width][bands] of the samples in them (indexes[width] with a
// palette) and valid[width] of what is given in it, 255 or 0.
void Rok4RecodeRow(const Rok4Recoding &recoding, const uint8_t *indexes,
                   uint8_t *pixels, uint8_t *valid, size_t width,
                   Rok4Coverage *coverage);

// Fills pixels[width][bands] with what is not valid.
void Rok4FillNodata(const Rok4Recoding &recoding, uint8_t *pixels,
                    size_t width);

#endif
