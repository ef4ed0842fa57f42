// SPDX-License-Identifier: MIT
// A dataset that GDAL warps to: what is written goes to a caller's buffer.
#ifndef ROK4_WARP_CANVAS_H
#define ROK4_WARP_CANVAS_H

#include "rok4_feed.h"

// Bands 1 .. samples are the samples of a pixel; one more, where there is one,
// is its validity. Nothing can be read.
class Rok4WarpCanvas final : public GDALDataset
{
  public:
    Rok4WarpCanvas(int width, int height, int samples, GDALDataType type,
                   bool validity);

    // Until the next call, what is written goes to the target, whose first
    // pixel is (x, y).
    void Aim(int x, int y, const Rok4Target &target);

    CPLErr Write(int band, int x, int y, int width, int height,
                 const void *data, GDALDataType type, GSpacing pixelSpace,
                 GSpacing lineSpace);

  protected:
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, int nBandCount, int *bandMap,
                     GSpacing pixelSpace, GSpacing lineSpace,
                     GSpacing bandSpace, GDALRasterIOExtraArg *extra) override;

  private:
    int m_samples;
    GDALDataType m_type;
    int m_x = 0;
    int m_y = 0;
    Rok4Target m_target = {};
};

#endif
