// SPDX-License-Identifier: MIT
// Pixels in memory resampled to larger ones, of those that count.
#include "rok4_resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

namespace
{

struct Method
{
    const char *name;
    GDALRIOResampleAlg algorithm;
    int reach;
};

constexpr Method METHODS[] = {
    {"AVERAGE", GRIORA_Average, 0}, {"MODE", GRIORA_Mode, 0},
    {"RMS", GRIORA_RMS, 0},         {"BILINEAR", GRIORA_Bilinear, 1},
    {"CUBIC", GRIORA_Cubic, 2},     {"CUBICSPLINE", GRIORA_CubicSpline, 2},
    {"LANCZOS", GRIORA_Lanczos, 3}, {"GAUSS", GRIORA_Gauss, 1}};

const Method *FindMethod(const std::string &name)
{
    for (const Method &method : METHODS)
        if (name == method.name)
            return &method;
    return nullptr;
}

// Some bands of pixels in memory, or their mask.
struct Plane
{
    const GByte *first;
    GDALDataType type;
    int bands;
    int pixel_bytes;
};

// Some bands of the block, with a mask where some do not count, as GDAL sees
// them.
std::unique_ptr<GDALDataset> MakeDataset(const Rok4Resampling &task,
                                         const Plane &plane, bool masked)
{
    GDALDriver *const driver = GetGDALDriverManager()->GetDriverByName("MEM");
    const int width = static_cast<int>(task.shape.width_px);
    const int height = static_cast<int>(task.shape.height_px);
    if (driver == nullptr)
    {
        CPLError(CE_Failure, CPLE_AppDefined, "ROK4: no driver MEM");
        return nullptr;
    }
    std::unique_ptr<GDALDataset> dataset(
        driver->Create("", width, height, plane.bands, plane.type, nullptr));
    if (dataset == nullptr ||
        dataset->RasterIO(
            GF_Write, 0, 0, width, height, const_cast<GByte *>(plane.first),
            width, height, plane.type, plane.bands, nullptr, plane.pixel_bytes,
            static_cast<GSpacing>(plane.pixel_bytes) * width,
            GDALGetDataTypeSizeBytes(plane.type), nullptr) != CE_None)
        return nullptr;
    if (masked &&
        (dataset->CreateMaskBand(GMF_PER_DATASET) != CE_None ||
         dataset->GetRasterBand(1)->GetMaskBand()->RasterIO(
             GF_Write, 0, 0, width, height, const_cast<GByte *>(task.valid),
             width, height, GDT_Byte, 0, 0, nullptr) != CE_None))
        return nullptr;
    return dataset;
}

// Resamples bands of the block into as many of out, whose pixels are as far
// apart. Band by band: GDAL would take the mask of one for all of them anyhow.
CPLErr ResamplePlane(const Rok4Resampling &task, GDALRIOResampleAlg algorithm,
                     const Plane &plane, bool masked, GByte *out)
{
    const std::unique_ptr<GDALDataset> dataset =
        MakeDataset(task, plane, masked);
    if (dataset == nullptr)
        return CE_Failure;
    GDALRasterIOExtraArg extra;
    INIT_RASTERIO_EXTRA_ARG(extra);
    extra.eResampleAlg = algorithm;
    extra.bFloatingPointWindowValidity = TRUE;
    extra.dfXOff = task.left;
    extra.dfYOff = task.top;
    extra.dfXSize = task.width * task.ratio;
    extra.dfYSize = task.height * task.ratio;
    const int x = static_cast<int>(extra.dfXOff);
    const int y = static_cast<int>(extra.dfYOff);
    const int right =
        std::min(static_cast<int>(std::ceil(extra.dfXOff + extra.dfXSize)),
                 static_cast<int>(task.shape.width_px));
    const int bottom =
        std::min(static_cast<int>(std::ceil(extra.dfYOff + extra.dfYSize)),
                 static_cast<int>(task.shape.height_px));
    CPLErr result = CE_None;
    for (int i = 0; i < plane.bands && result == CE_None; i++)
        result = dataset->GetRasterBand(i + 1)->RasterIO(
            GF_Read, x, y, right - x, bottom - y,
            out + i * GDALGetDataTypeSizeBytes(plane.type), task.width,
            task.height, plane.type, plane.pixel_bytes,
            static_cast<GSpacing>(plane.pixel_bytes) * task.width, &extra);
    return result;
}

// The most frequent one of pixels; the first of equals.
const GByte *MostFrequent(std::vector<const GByte *> &pixels,
                          size_t pixel_bytes)
{
    const auto less = [pixel_bytes](const GByte *left, const GByte *right) {
        return memcmp(left, right, pixel_bytes) < 0;
    };
    // Equal ones keep their order, so that the first of a run is the first.
    std::stable_sort(pixels.begin(), pixels.end(), less);
    const GByte *best = nullptr;
    size_t most = 0;
    for (size_t first = 0; first < pixels.size();)
    {
        size_t end = first + 1;
        while (end < pixels.size() && !less(pixels[first], pixels[end]))
            end++;
        if (end - first > most || (end - first == most && pixels[first] < best))
        {
            best = pixels[first];
            most = end - first;
        }
        first = end;
    }
    return best;
}

// The pixels that a larger one meets. The tolerance is GDAL's.
void Footprint(double start, double ratio, uint32_t size, uint32_t *first,
               uint32_t *end)
{
    *first = static_cast<uint32_t>(start + 1e-8);
    *end =
        std::min(static_cast<uint32_t>(std::ceil(start + ratio - 1e-8)), size);
    *end = std::max(*end, *first + 1);
}

// Modes are of whole pixels; GDAL's are of bands, and forget the mask of bytes.
void ResampleMode(const Rok4Resampling &task, GByte *out, GByte *outValid)
{
    const size_t pixel_bytes = pyr_pixel_bytes(&task.shape);
    std::vector<const GByte *> pixels;
    for (int y = 0; y < task.height; y++)
        for (int x = 0; x < task.width; x++)
        {
            uint32_t left, right, top, bottom;
            Footprint(task.left + x * task.ratio, task.ratio,
                      task.shape.width_px, &left, &right);
            Footprint(task.top + y * task.ratio, task.ratio,
                      task.shape.height_px, &top, &bottom);
            pixels.clear();
            for (uint32_t row = top; row < bottom; row++)
                for (uint32_t col = left; col < right; col++)
                {
                    const size_t at =
                        static_cast<size_t>(row) * task.shape.width_px + col;
                    if (task.valid == nullptr || task.valid[at] != 0)
                        pixels.push_back(task.pixels + at * pixel_bytes);
                }
            const size_t at = static_cast<size_t>(y) * task.width + x;
            outValid[at] = pixels.empty() ? 0 : 255;
            if (!pixels.empty())
                memcpy(out + at * pixel_bytes,
                       MostFrequent(pixels, pixel_bytes), pixel_bytes);
        }
}

// Weights of GDAL's filter for a ratio: row n of Pascal's triangle.
const std::vector<double> &GaussWeights(double ratio)
{
    static const std::vector<double> weights[] = {
        {1, 2, 1}, {1, 4, 6, 4, 1}, {1, 6, 15, 20, 15, 6, 1}};
    const int whole = static_cast<int>(ratio + 0.5);
    return weights[whole <= 2 ? 0 : whole <= 4 ? 1 : 2];
}

// The first pixel that GDAL's filter looks at, which may lie before all.
int GaussStart(double start, double ratio, size_t nweights)
{
    const int first = static_cast<int>(std::floor(start + 0.5));
    const int end = static_cast<int>(std::floor(start + ratio + 0.5)) + 1;
    return first + (end - first) / 2 - static_cast<int>(nweights / 2);
}

// A sample as a number, and back.
double Load(const GByte *at, enum pyr_sample sample)
{
    float value = 0;
    if (sample == PYR_SAMPLE_UINT8)
        return *at;
    memcpy(&value, at, sizeof(value));
    return value;
}

void Save(double value, enum pyr_sample sample, GByte *at)
{
    const float real = static_cast<float>(value);
    if (sample == PYR_SAMPLE_UINT8)
        *at = static_cast<GByte>(value + 0.5);
    else
        memcpy(at, &real, sizeof(real));
}

// The weighted mean of what counts around one larger pixel, and its alpha.
bool GaussPixel(const Rok4Resampling &task, const std::vector<double> &weights,
                int left, int top, GByte *out)
{
    const size_t pixel_bytes = pyr_pixel_bytes(&task.shape);
    const size_t sample_bytes = pyr_sample_bytes(task.shape.sample);
    const uint32_t colours = task.shape.bands - (task.alpha ? 1 : 0);
    double sums[PYR_MAX_BANDS] = {0, 0, 0, 0};
    double valid = 0;
    double all = 0;
    for (size_t y = 0; y < weights.size(); y++)
        for (size_t x = 0; x < weights.size(); x++)
        {
            const int64_t col = left + static_cast<int64_t>(x);
            const int64_t row = top + static_cast<int64_t>(y);
            if (col < 0 || row < 0 || col >= task.shape.width_px ||
                row >= task.shape.height_px)
                continue;
            const size_t at =
                static_cast<size_t>(row) * task.shape.width_px + col;
            const GByte *const pixel = task.pixels + at * pixel_bytes;
            const double weight = weights[x] * weights[y];
            all += weight;
            if (task.alpha)
                sums[colours] += weight * Load(pixel + colours * sample_bytes,
                                               task.shape.sample);
            if (task.valid != nullptr && task.valid[at] == 0)
                continue;
            valid += weight;
            for (uint32_t i = 0; i < colours; i++)
                sums[i] +=
                    weight * Load(pixel + i * sample_bytes, task.shape.sample);
        }
    if (valid == 0)
        return false;
    for (uint32_t i = 0; i < task.shape.bands; i++)
        Save(sums[i] / (i < colours ? valid : all), task.shape.sample,
             out + i * sample_bytes);
    return true;
}

// As GDAL, which forgets where between its pixels the larger ones begin.
void ResampleGauss(const Rok4Resampling &task, GByte *out, GByte *outValid)
{
    const size_t pixel_bytes = pyr_pixel_bytes(&task.shape);
    const std::vector<double> &weights = GaussWeights(task.ratio);
    for (int y = 0; y < task.height; y++)
        for (int x = 0; x < task.width; x++)
        {
            const size_t at = static_cast<size_t>(y) * task.width + x;
            outValid[at] = GaussPixel(task, weights,
                                      GaussStart(task.left + x * task.ratio,
                                                 task.ratio, weights.size()),
                                      GaussStart(task.top + y * task.ratio,
                                                 task.ratio, weights.size()),
                                      out + at * pixel_bytes)
                               ? 255
                               : 0;
        }
}

// Pixels whose alpha became 0 do not count.
void DropTransparent(const Rok4Resampling &task, const GByte *out,
                     GByte *outValid)
{
    const size_t pixel_bytes = pyr_pixel_bytes(&task.shape);
    const size_t sample_bytes = pyr_sample_bytes(task.shape.sample);
    const GByte zero[sizeof(float)] = {};
    const size_t count = static_cast<size_t>(task.width) * task.height;
    for (size_t i = 0; i < count; i++)
        if (memcmp(out + (i + 1) * pixel_bytes - sample_bytes, zero,
                   sample_bytes) == 0)
            outValid[i] = 0;
}

} // namespace

int Rok4Resampling::Reach(const std::string &method)
{
    const Method *const found = FindMethod(method);
    return found != nullptr ? found->reach : -1;
}

CPLErr Rok4Resampling::Run(GByte *out, GByte *outValid) const
{
    const Method *const found = FindMethod(method);
    const size_t count = static_cast<size_t>(width) * height;
    const bool masked = valid != nullptr;
    if (found == nullptr)
    {
        CPLError(CE_Failure, CPLE_NotSupported,
                 "ROK4: resampling method %s is not known", method.c_str());
        return CE_Failure;
    }
    if (found->algorithm == GRIORA_Mode || found->algorithm == GRIORA_Gauss)
    {
        if (found->algorithm == GRIORA_Mode)
            ResampleMode(*this, out, outValid);
        else
            ResampleGauss(*this, out, outValid);
        if (alpha)
            DropTransparent(*this, out, outValid);
        return CE_None;
    }

    const int bands = static_cast<int>(shape.bands);
    const int colours = alpha ? bands - 1 : bands;
    const GDALDataType type =
        shape.sample == PYR_SAMPLE_FLOAT32 ? GDT_Float32 : GDT_Byte;
    const int pixel_bytes = static_cast<int>(pyr_pixel_bytes(&shape));
    const Plane colour = {pixels, type, colours, pixel_bytes};
    CPLErr result = ResamplePlane(*this, found->algorithm, colour, masked, out);
    if (result == CE_None && alpha)
    {
        const int offset = colours * GDALGetDataTypeSizeBytes(type);
        const Plane opacity = {pixels + offset, type, 1, pixel_bytes};
        // As the engine: the mean of squares is for colours.
        result = ResamplePlane(
            *this,
            found->algorithm == GRIORA_RMS ? GRIORA_Average : found->algorithm,
            opacity, false, out + offset);
    }
    memset(outValid, 255, count);
    if (result == CE_None && masked)
    {
        // A mask of its own values: 255 where GDAL found what counts, else 0.
        const Plane mask = {valid, GDT_Byte, 1, 1};
        result = ResamplePlane(*this, found->algorithm, mask, true, outValid);
        for (size_t i = 0; i < count; i++)
            outValid[i] = outValid[i] != 0 ? 255 : 0;
    }
    if (result == CE_None && alpha)
        DropTransparent(*this, out, outValid);
    return result;
}
