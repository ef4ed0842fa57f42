// SPDX-License-Identifier: MIT
// A dataset that GDAL warps to: what is written goes to a caller's buffer.
#include "rok4_warp_canvas.h"

namespace
{

class CanvasBand final : public GDALRasterBand
{
  public:
    CanvasBand(Rok4WarpCanvas *canvas, int band, GDALDataType type)
    {
        poDS = canvas;
        nBand = band;
        eDataType = type;
        nRasterXSize = canvas->GetRasterXSize();
        nRasterYSize = canvas->GetRasterYSize();
        nBlockXSize = nRasterXSize;
        nBlockYSize = 1;
    }

  protected:
    CPLErr IReadBlock(int, int, void *) override
    {
        return CE_Failure;
    }

    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int, int, GDALDataType bufType,
                     GSpacing pixelSpace, GSpacing lineSpace,
                     GDALRasterIOExtraArg *) override
    {
        if (flag != GF_Write)
            return CE_Failure;
        return static_cast<Rok4WarpCanvas *>(poDS)->Write(
            nBand, x, y, width, height, data, bufType, pixelSpace, lineSpace);
    }
};

} // namespace

Rok4WarpCanvas::Rok4WarpCanvas(int width, int height, int samples,
                               GDALDataType type, bool validity)
    : m_samples(samples), m_type(type)
{
    nRasterXSize = width;
    nRasterYSize = height;
    eAccess = GA_Update;
    for (int i = 1; i <= samples; i++)
        SetBand(i, new CanvasBand(this, i, type));
    if (validity)
        SetBand(samples + 1, new CanvasBand(this, samples + 1, GDT_Byte));
}

void Rok4WarpCanvas::Aim(int x, int y, const Rok4Target &target)
{
    m_x = x;
    m_y = y;
    m_target = target;
}

CPLErr Rok4WarpCanvas::Write(int band, int x, int y, int width, int height,
                             const void *data, GDALDataType type,
                             GSpacing pixelSpace, GSpacing lineSpace)
{
    const bool validity = band > m_samples;
    const GDALDataType outType = validity ? GDT_Byte : m_type;
    const size_t outBytes = validity ? 1 : m_target.pixelBytes;
    const size_t outRowBytes =
        validity ? m_target.validRowBytes : m_target.rowBytes;
    uint8_t *out = validity ? m_target.valid
                            : m_target.pixels +
                                  (band - 1) * GDALGetDataTypeSizeBytes(m_type);
    out += (y - m_y) * outRowBytes + (x - m_x) * outBytes;
    const GByte *in = static_cast<const GByte *>(data);
    for (int row = 0; row < height; row++)
        GDALCopyWords64(in + row * lineSpace, type,
                        static_cast<int>(pixelSpace), out + row * outRowBytes,
                        outType, static_cast<int>(outBytes), width);
    return CE_None;
}

CPLErr Rok4WarpCanvas::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                                 int height, void *data, int, int,
                                 GDALDataType bufType, int nBandCount,
                                 int *bandMap, GSpacing pixelSpace,
                                 GSpacing lineSpace, GSpacing bandSpace,
                                 GDALRasterIOExtraArg *)
{
    if (flag != GF_Write)
        return CE_Failure;
    for (int i = 0; i < nBandCount; i++)
        Write(bandMap[i], x, y, width, height,
              static_cast<const GByte *>(data) + i * bandSpace, bufType,
              pixelSpace, lineSpace);
    return CE_None;
}
