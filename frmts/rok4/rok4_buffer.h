// SPDX-License-Identifier: MIT
// A buffer of GDAL's as rows of interleaved pixels, to fill and to take from.
#ifndef ROK4_BUFFER_H
#define ROK4_BUFFER_H

#include "gdal_compat.h"

#include "pyr.h"

// Samples of some bands of pixels[pixelBands], in any type and layout.
class Rok4Buffer final
{
  public:
    GByte *data = nullptr;
    GDALDataType type = GDT_Unknown;
    GSpacing pixelSpace = 0; // fits an int
    GSpacing lineSpace = 0;
    GSpacing bandSpace = 0;
    int nBands = 0;
    const int *bandMap = nullptr; // bands of the pixels, from 1
    GDALDataType pixelType = GDT_Unknown;
    int pixelBands = 0;
    double fill[PYR_MAX_BANDS] = {}; // by band of the pixels: what is not there

    GByte *At(int band, uint32_t x, uint32_t y) const
    {
        return data + band * bandSpace + static_cast<GSpacing>(y) * lineSpace +
               static_cast<GSpacing>(x) * pixelSpace;
    }

    // The row of width pixels from (x, y) on becomes `fill`, or pixels.
    void FillRow(uint32_t x, uint32_t y, uint32_t width) const;
    void PutRow(const uint8_t *pixels, uint32_t x, uint32_t y,
                uint32_t width) const;

    // The bands of pixels that the buffer has become what its row holds; NaN
    // becomes `fill`.
    void TakeRow(uint8_t *pixels, uint32_t x, uint32_t y, uint32_t width) const;

    // Whether it has every band of the pixels.
    bool HasAllBands() const;

  private:
    bool InOrder() const;
    bool IsSameLayout() const;
    bool IsPlanar() const;
};

// False, with an error, when its pixels are too far apart.
bool Rok4CheckSpacing(GSpacing pixelSpace);

// Whether a request is for pixels as they are, neither resampled nor shifted.
bool Rok4IsPlain(int x, int y, int width, int height, int bufWidth,
                 int bufHeight, const GDALRasterIOExtraArg *extra);

// Writes what was changed in the blocks of a band's cache that meet a window,
// and forgets them.
CPLErr Rok4FlushBlocks(GDALRasterBand *band, int x, int y, int width,
                       int height);

#endif
