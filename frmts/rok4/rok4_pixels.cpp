// SPDX-License-Identifier: MIT
// Samples as a source gives them to pixels as a pyramid stores them.
#include "rok4_pixels.h"

#include <cmath>
#include <cstring>
#include <type_traits>

namespace
{

// Values of a recoding in the type of its samples.
template <typename T> struct Values
{
    bool has[PYR_MAX_BANDS];
    T source[PYR_MAX_BANDS];
    T stored[PYR_MAX_BANDS];
    unsigned colours; // bands other than alpha
};

template <typename T> bool Holds(double value)
{
    if (std::is_floating_point<T>::value)
        return true;
    return value >= 0 && value <= 255 && value == std::floor(value);
}

// A double beyond float is the largest one that was meant.
template <typename T> T Narrow(double value)
{
    if (std::is_floating_point<T>::value && std::isfinite(value))
    {
        const double most = 3.4028234663852886e+38;
        return static_cast<T>(std::fmax(-most, std::fmin(value, most)));
    }
    return static_cast<T>(value);
}

template <typename T> Values<T> ValuesOf(const Rok4Recoding &recoding)
{
    Values<T> values = {};
    values.colours =
        recoding.bands - (recoding.alphaGiven || recoding.alphaMade ? 1 : 0);
    for (unsigned i = 0; i < recoding.bands; i++)
    {
        values.has[i] = recoding.hasNodata[i] &&
                        Holds<T>(recoding.sourceNodata[i]) &&
                        !std::isnan(recoding.sourceNodata[i]);
        if (values.has[i])
            values.source[i] = Narrow<T>(recoding.sourceNodata[i]);
        if (i < values.colours)
            values.stored[i] = Narrow<T>(recoding.nodata[i]);
    }
    return values;
}

bool IsNan(uint8_t)
{
    return false;
}

bool IsNan(float value)
{
    return value != value;
}

// One band without alpha: the loop that compilers make vectors of.
void MarkNodata(const Values<uint8_t> &values, const uint8_t *pixels,
                uint8_t *valid, size_t width)
{
    const uint8_t nodata = values.source[0];
    for (size_t i = 0; i < width; i++)
        valid[i] = pixels[i] == nodata ? 0 : valid[i];
}

void MarkNodata(const Values<float> &values, const float *pixels,
                uint8_t *valid, size_t width)
{
    const bool has = values.has[0];
    const float nodata = values.source[0];
    for (size_t i = 0; i < width; i++)
    {
        const bool none =
            (pixels[i] != pixels[i]) | (has & (pixels[i] == nodata));
        valid[i] = none ? 0 : valid[i];
    }
}

// COLOURS bands are looked at, of pixels bands apart. A lone NaN becomes the
// stored value, as no reader expects one.
template <typename T, unsigned COLOURS>
void MarkPixels(const Values<T> &values, T *pixels, unsigned bands,
                uint8_t *valid, size_t width)
{
    for (size_t i = 0; i < width; i++)
    {
        T *const pixel = pixels + i * bands;
        bool all = true;
        for (unsigned band = 0; band < COLOURS; band++)
        {
            const bool nan = IsNan(pixel[band]);
            all = all & (nan | (values.has[band] &
                                (pixel[band] == values.source[band])));
            if (nan)
                pixel[band] = values.stored[band];
        }
        valid[i] = all ? 0 : valid[i];
    }
}

template <typename T>
void MarkRow(const Rok4Recoding &recoding, const Values<T> &values, T *pixels,
             uint8_t *valid, size_t width)
{
    bool all = true;
    for (unsigned i = 0; i < values.colours; i++)
        all = all && values.has[i];
    // Bytes of a band without nodata are always data.
    if (!all && !std::is_floating_point<T>::value)
        return;
    if (recoding.bands == 1)
        MarkNodata(values, pixels, valid, width);
    else if (values.colours == 1)
        MarkPixels<T, 1>(values, pixels, recoding.bands, valid, width);
    else if (values.colours == 2)
        MarkPixels<T, 2>(values, pixels, recoding.bands, valid, width);
    else if (values.colours == 3)
        MarkPixels<T, 3>(values, pixels, recoding.bands, valid, width);
    else
        MarkPixels<T, 4>(values, pixels, recoding.bands, valid, width);
}

uint8_t NextTo(uint8_t value)
{
    return static_cast<uint8_t>(value == 0 ? 1 : value - 1);
}

float NextTo(float value)
{
    return std::nextafter(value, value == 0 ? 1.0f : 0.0f);
}

// Pixels that are not valid get the stored value, valid ones another.
template <typename T>
void Rewrite(const Rok4Recoding &recoding, const Values<T> &values, T *pixels,
             const uint8_t *valid, size_t width)
{
    const unsigned bands = recoding.bands;
    if (memchr(valid, 0, width) != nullptr)
    {
        for (size_t i = 0; i < width; i++)
            if (!valid[i])
                memcpy(pixels + i * bands, values.stored, bands * sizeof(T));
    }
    if (recoding.avoidNodata && bands == 1)
    {
        const T stored = values.stored[0];
        const T other = NextTo(stored);
        for (size_t i = 0; i < width; i++)
            if (valid[i] && pixels[i] == stored)
                pixels[i] = other;
    }
}

template <typename T>
void UseAlpha(T *pixels, unsigned bands, uint8_t *valid, size_t width)
{
    for (size_t i = 0; i < width; i++)
    {
        T &alpha = pixels[i * bands + bands - 1];
        if (IsNan(alpha))
            alpha = 0;
        valid[i] = alpha == 0 ? 0 : valid[i];
    }
}

template <typename T>
void MakeAlpha(T *pixels, unsigned bands, const uint8_t *valid, size_t width)
{
    for (size_t i = 0; i < width; i++)
        pixels[i * bands + bands - 1] = valid[i];
}

void Expand(const Rok4Recoding &recoding, const uint8_t *indexes,
            uint8_t *pixels, uint8_t *valid, size_t width)
{
    const Rok4Palette &palette = *recoding.palette;
    for (size_t i = 0; i < width; i++)
    {
        const uint8_t index = indexes[i];
        memcpy(pixels + i * recoding.bands, palette.colours[index].data(),
               recoding.bands);
        valid[i] &= palette.valid[index];
    }
}

template <typename T>
void RecodeRow(const Rok4Recoding &recoding, T *pixels, uint8_t *valid,
               size_t width)
{
    const Values<T> values = ValuesOf<T>(recoding);
    if (recoding.palette == nullptr)
        MarkRow(recoding, values, pixels, valid, width);
    Rewrite(recoding, values, pixels, valid, width);
    // After that, for pixels with an alpha of 0 are stored as they are.
    if (recoding.alphaGiven)
        UseAlpha(pixels, recoding.bands, valid, width);
    else if (recoding.alphaMade)
        MakeAlpha(pixels, recoding.bands, valid, width);
}

} // namespace

bool Rok4Recoding::IsPlain() const
{
    if (sample == PYR_SAMPLE_FLOAT32 || alphaGiven || alphaMade ||
        validityGiven || palette != nullptr || avoidNodata)
        return false;
    for (uint32_t i = 0; i < bands; i++)
        if (!hasNodata[i] || !Holds<uint8_t>(sourceNodata[i]))
            return true;
    return false;
}

void Rok4RecodeRow(const Rok4Recoding &recoding, const uint8_t *indexes,
                   uint8_t *pixels, uint8_t *valid, size_t width,
                   Rok4Coverage *coverage)
{
    if (recoding.validityGiven)
    {
        for (size_t i = 0; i < width; i++)
            valid[i] = valid[i] != 0 ? 255 : 0;
    }
    else
        memset(valid, 255, width);
    if (recoding.palette != nullptr)
        Expand(recoding, indexes, pixels, valid, width);
    if (recoding.sample == PYR_SAMPLE_FLOAT32)
        RecodeRow(recoding, reinterpret_cast<float *>(pixels), valid, width);
    else
        RecodeRow(recoding, pixels, valid, width);
    coverage->any = coverage->any || memchr(valid, 255, width) != nullptr;
    coverage->all = coverage->all && memchr(valid, 0, width) == nullptr;
}

void Rok4FillNodata(const Rok4Recoding &recoding, uint8_t *pixels, size_t width)
{
    const size_t nbytes = recoding.PixelBytes();
    uint8_t pixel[PYR_MAX_BANDS * sizeof(float)] = {};
    if (recoding.sample == PYR_SAMPLE_FLOAT32)
        memcpy(pixel, ValuesOf<float>(recoding).stored, nbytes);
    else
        memcpy(pixel, ValuesOf<uint8_t>(recoding).stored, nbytes);
    for (size_t i = 0; i < width; i++)
        memcpy(pixels + i * nbytes, pixel, nbytes);
}
