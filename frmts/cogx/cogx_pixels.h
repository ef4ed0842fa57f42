// SPDX-License-Identifier: MIT
// Pixels of a dataset, or of one of its overviews, for the rows engine.
#ifndef COGX_PIXELS_H
#define COGX_PIXELS_H

#include "pyr_rows.h"

#include "gdal_priv.h"

#include <string>
#include <vector>

// What becomes an image of the file. Bands are borrowed.
struct CogxPixelsOptions
{
    std::string name{};                    // for messages
    std::vector<GDALRasterBand *> bands{}; // all of one size
    // Tells which pixels count, of any size; or nullptr.
    GDALRasterBand *mask = nullptr;
    // Instead of a mask: pixels of which all bands have these values do not
    // count. By band, or empty.
    std::vector<double> maskedValues{};
    GDALDataType type = GDT_Byte;
    // What sparse sources have where there is nothing, by band.
    std::vector<double> emptyValues{};
};

// A pixel of these values, by band.
std::vector<uint8_t> CogxPixelOf(const std::vector<double> &values,
                                 GDALDataType type);

// One thread at a time.
class CogxPixels final
{
  public:
    explicit CogxPixels(const CogxPixelsOptions &options);
    CogxPixels(const CogxPixels &) = delete;
    CogxPixels &operator=(const CogxPixels &) = delete;

    int Width() const
    {
        return m_options.bands[0]->GetXSize();
    }
    int Height() const
    {
        return m_options.bands[0]->GetYSize();
    }
    bool HasMask() const
    {
        return m_options.mask != nullptr || !m_options.maskedValues.empty();
    }

    // Valid as long as this is.
    struct pyr_rows_source Source();

  private:
    CPLErr ReadSamples(int x, int y, int width, int height, void *pixels,
                       size_t rowBytes);
    CPLErr ReadMask(int x, int y, int width, int height, uint8_t *mask,
                    size_t rowBytes);
    void MaskValues(int width, int height, const uint8_t *pixels,
                    size_t rowBytes, uint8_t *mask, size_t maskRowBytes) const;
    CPLErr ReadWindow(int x, int y, int width, int height, uint8_t *pixels,
                      size_t rowBytes, uint8_t *mask, size_t maskRowBytes);
    int StepOf(int width, int height) const;
    bool IsEmpty(int x, int y);
    void DropBlocks(int x, int y, int width, int height);

    static bool MayHold(void *user, uint32_t x, uint32_t y, uint32_t width,
                        uint32_t height);
    static enum pyr_result Read(void *user, uint32_t x, uint32_t y,
                                uint32_t width, uint32_t height,
                                uint8_t *pixels, size_t rowBytes, uint8_t *mask,
                                size_t maskRowBytes, struct pyr_error *err);

    CogxPixelsOptions m_options;
    size_t m_sampleBytes;
    size_t m_pixelBytes;
    GDALDataset *m_dataset = nullptr; // of all bands, where there is one
    std::vector<int> m_numbers{};     // of the bands, in it
    bool m_dropsBlocks = false;
    bool m_isLocal = false; // blocks of a file that is there: no one is asked
    std::vector<uint8_t> m_masked{}; // a pixel of maskedValues
    std::vector<uint8_t> m_empty{};  // a pixel of emptyValues
    std::vector<uint8_t> m_pixel{};
};

#endif
