// SPDX-License-Identifier: MIT
// Fuzz target: opens a pyramid in /vsimem/ through GDAL and reads all of it.
//
// The input is parts, with "\n%%%\n" between them: the descriptor, the TMS
// called T, then slabs without their header of 2048 bytes. They are put where
// the dataset says that its slabs are: of its first pixel, of its last one, of
// the first one of each overview, and the last part as mask.
#include "fuzz_gdal.h"

#include "cpl_error.h"
#include "cpl_string.h"
#include "cpl_vsi.h"
#include "gdal_priv.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace
{

constexpr const char *SEPARATOR = "\n%%%\n";
constexpr const char *DIRECTORY = "/vsimem/fuzz";
constexpr const char *DESCRIPTOR = "/vsimem/fuzz/N.json";
constexpr size_t HEADER_BYTES = 2048;
constexpr int64_t MAX_SAMPLES = 1 << 22;

using Part = std::string;

std::vector<Part> Split(const uint8_t *data, size_t nbytes)
{
    const std::string all(reinterpret_cast<const char *>(data), nbytes);
    std::vector<Part> parts;
    size_t from = 0;
    for (size_t at; (at = all.find(SEPARATOR, from)) != std::string::npos;
         from = at + strlen(SEPARATOR))
        parts.push_back(all.substr(from, at - from));
    parts.push_back(all.substr(from));
    parts.resize(std::max<size_t>(parts.size(), 3));
    return parts;
}

void Write(const std::string &path, const std::string &bytes)
{
    VSILFILE *const file = VSIFOpenL(path.c_str(), "wb");
    if (file == nullptr)
        return;
    VSIFWriteL(bytes.data(), 1, bytes.size(), file);
    VSIFCloseL(file);
}

std::unique_ptr<GDALDataset> Open(const char *name)
{
    const char *const drivers[] = {"ROK4", nullptr};
    const char *const options[] = {"TMS_DIRECTORY=/vsimem/fuzz/tms",
                                   "NUM_THREADS=2", nullptr};
    CPLErrorReset();
    std::unique_ptr<GDALDataset> dataset(GDALDataset::FromHandle(
        GDALOpenEx(name, GDAL_OF_RASTER, drivers, options, nullptr)));
    return dataset;
}

std::string SlabPath(GDALRasterBand *band, int x, int y)
{
    const char *const info =
        band->GetMetadataItem(CPLSPrintf("Pixel_%d_%d", x, y), "LocationInfo");
    const char *const begin =
        info != nullptr ? strstr(info, "<File>") : nullptr;
    if (begin == nullptr)
        return "";
    const char *const path = begin + strlen("<File>");
    const char *const end = strstr(path, "</File>");
    Require(end != nullptr);
    return std::string(path, static_cast<size_t>(end - path));
}

void WriteSlab(const std::string &path, const Part &part)
{
    if (path.empty() || part.empty())
        return;
    // A descriptor there reaches nothing else.
    Require(STARTS_WITH(path.c_str(), "/vsimem/"));
    const std::string slab = std::string(HEADER_BYTES, '\0') + part;
    Write(path, slab);
}

// The slabs' parts, where the dataset looks for them.
void WriteSlabs(GDALDataset *dataset, const std::vector<Part> &parts)
{
    GDALRasterBand *const band = dataset->GetRasterBand(1);
    WriteSlab(SlabPath(band, dataset->GetRasterXSize() - 1,
                       dataset->GetRasterYSize() - 1),
              parts[std::min<size_t>(3, parts.size() - 1)]);
    for (int i = 0; i < band->GetOverviewCount(); i++)
        WriteSlab(SlabPath(band->GetOverview(i), 0, 0), parts[2]);
    std::string path = SlabPath(band, 0, 0);
    WriteSlab(path, parts[2]);
    const size_t data = path.rfind("DATA");
    if (data != std::string::npos)
        WriteSlab(path.replace(data, 4, "MASK"), parts.back());
}

// Reads a window of all bands at once and block by block: the same pixels.
void ReadWindow(GDALDataset *dataset, int x, int y, int width, int height)
{
    const int bands = dataset->GetRasterCount();
    const size_t samples = static_cast<size_t>(width) * height;
    std::vector<float> together(samples * bands);
    const CPLErr result = dataset->RasterIO(
        GF_Read, x, y, width, height, together.data(), width, height,
        GDT_Float32, bands, nullptr, 0, 0, 0, nullptr);
    for (int i = 0; i < bands; i++)
    {
        GDALRasterBand *const band = dataset->GetRasterBand(i + 1);
        std::vector<float> alone(samples);
        // Twice the width in the buffer: GDAL reads blocks.
        std::vector<float> wide(2 * samples);
        const CPLErr own =
            band->RasterIO(GF_Read, x, y, width, height, alone.data(), width,
                           height, GDT_Float32, 0, 0, nullptr);
        const CPLErr other =
            band->RasterIO(GF_Read, x, y, width, height, wide.data(), 2 * width,
                           height, GDT_Float32, 0, 0, nullptr);
        if (result != CE_None || own != CE_None || other != CE_None)
        {
            Require(CPLGetLastErrorType() == CE_Failure);
            continue;
        }
        for (size_t at = 0; at < samples; at++)
        {
            Require(memcmp(&alone[at], &together[i * samples + at],
                           sizeof(float)) == 0);
            Require(memcmp(&alone[at], &wide[2 * at], sizeof(float)) == 0);
        }
    }
}

void ReadMask(GDALRasterBand *band, int width, int height)
{
    std::vector<GByte> mask(static_cast<size_t>(width) * height);
    if (band->GetMaskBand()->RasterIO(GF_Read, 0, 0, width, height, mask.data(),
                                      width, height, GDT_Byte, 0, 0,
                                      nullptr) != CE_None)
        return;
    double percent = 0;
    (void)band->GetDataCoverageStatus(0, 0, width, height, 0, &percent);
    Require(percent >= 0 && percent <= 100.001);
    if (band->GetMaskFlags() == GMF_PER_DATASET)
        for (const GByte value : mask)
            Require(value == 0 || value == 255);
}

void ReadLevel(GDALDataset *dataset)
{
    const int width = dataset->GetRasterXSize();
    const int height = dataset->GetRasterYSize();
    Require(width >= 1 && height >= 1);
    const int64_t samples =
        static_cast<int64_t>(width) * height * dataset->GetRasterCount();
    const bool whole = samples <= MAX_SAMPLES;
    const int partWidth = whole ? width : std::min(width, 70);
    const int partHeight = whole ? height : std::min(height, 70);
    ReadWindow(dataset, 0, 0, partWidth, partHeight);
    ReadWindow(dataset, width - partWidth, height - partHeight, partWidth,
               partHeight);
    ReadMask(dataset->GetRasterBand(1), partWidth, partHeight);
}

void ReadAll(GDALDataset *dataset)
{
    double transform[6] = {};
    Require(dataset->GetGeoTransform(transform) == CE_None);
    (void)dataset->GetSpatialRef();
    for (const char *domain : {"", "ROK4", "json:ROK4", "IMAGE_STRUCTURE"})
        Require(dataset->GetMetadata(domain) != nullptr);
    const CPLStringList files(dataset->GetFileList());
    ReadLevel(dataset);
    GDALRasterBand *const band = dataset->GetRasterBand(1);
    for (int i = 0; i < band->GetOverviewCount(); i++)
        ReadLevel(band->GetOverview(i)->GetDataset());
}

} // namespace

int LLVMFuzzerInitialize(int *, char ***)
{
    GDALRegister_ROK4();
    CPLSetErrorHandler(CPLQuietErrorHandler);
    // Of the block cache and of ours: more is more to fill.
    GDALSetCacheMax64(16 << 20);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    const std::vector<Part> parts = Split(data, nbytes);
    Write(DESCRIPTOR, parts[0]);
    Write("/vsimem/fuzz/tms/T.json", parts[1]);
    std::unique_ptr<GDALDataset> dataset = Open("ROK4:/vsimem/fuzz/N.json");
    if (dataset == nullptr)
        Require(CPLGetLastErrorType() == CE_Failure);
    else
    {
        WriteSlabs(dataset.get(), parts);
        dataset = Open(DESCRIPTOR);
        if (dataset != nullptr)
            ReadAll(dataset.get());
    }
    dataset.reset();
    VSIRmdirRecursive(DIRECTORY);
    return 0;
}
