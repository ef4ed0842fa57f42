// SPDX-License-Identifier: MIT
// Fuzz target: opens a TIFF with COGX: over a file system that fetches many
// ranges at once, and reads it: what GTiff reads of the same bytes, or an
// error.
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
#include <vector>

extern "C" void GDALRegister_GTiff();

namespace
{

constexpr int64_t MAX_SAMPLES = 1 << 20;
constexpr const char *LOCAL = "/vsimem/fuzz_cog_read.tif";

// The input, as a file of the file system.
struct Input
{
    const uint8_t *data = nullptr;
    size_t nbytes = 0;
};

struct Handle
{
    const Input *input;
    uint64_t at;
};

size_t Take(const Input &input, uint64_t offset, void *bytes, size_t nbytes)
{
    if (offset >= input.nbytes)
        return 0;
    const size_t got =
        std::min(nbytes, static_cast<size_t>(input.nbytes - offset));
    memcpy(bytes, input.data + offset, got);
    return got;
}

int ReadRanges(void *user, int count, void **bytes, const vsi_l_offset *offsets,
               const size_t *sizes)
{
    const Input &input = *static_cast<const Handle *>(user)->input;
    for (int i = 0; i < count; i++)
        if (Take(input, offsets[i], bytes[i], sizes[i]) != sizes[i])
            return -1;
    return 0;
}

void Install(Input *input)
{
    VSIFilesystemPluginCallbacksStruct *const calls =
        VSIAllocFilesystemPluginCallbacksStruct();
    calls->pUserData = input;
    calls->open = [](void *user, const char *, const char *) -> void * {
        return new Handle{static_cast<const Input *>(user), 0};
    };
    calls->tell = [](void *user) -> vsi_l_offset {
        return static_cast<const Handle *>(user)->at;
    };
    calls->seek = [](void *user, vsi_l_offset offset, int whence) {
        Handle *const handle = static_cast<Handle *>(user);
        handle->at = offset;
        if (whence == SEEK_END)
            handle->at += handle->input->nbytes;
        return 0;
    };
    calls->read = [](void *user, void *bytes, size_t size, size_t count) {
        Handle *const handle = static_cast<Handle *>(user);
        const size_t got =
            Take(*handle->input, handle->at, bytes, size * count);
        handle->at += got;
        return size != 0 ? got / size : 0;
    };
    calls->read_multi_range = ReadRanges;
    calls->eof = [](void *user) {
        const Handle *const handle = static_cast<const Handle *>(user);
        return static_cast<int>(handle->at >= handle->input->nbytes);
    };
    calls->close = [](void *user) {
        delete static_cast<Handle *>(user);
        return 0;
    };
    VSIInstallPluginHandler("/vsifuzz/", calls);
    VSIFreeFilesystemPluginCallbacksStruct(calls);
}

Input &TheInput()
{
    static Input input;
    return input;
}

std::unique_ptr<GDALDataset> Open(const char *name, const char *driver)
{
    const char *const drivers[] = {driver, nullptr};
    const char *const options[] = {"NUM_THREADS=2", "CACHE_SIZE=1048576",
                                   "FIRST_READ_SIZE=1024", nullptr};
    CPLErrorReset();
    return std::unique_ptr<GDALDataset>(GDALDataset::FromHandle(
        GDALOpenEx(name, GDAL_OF_RASTER, drivers,
                   EQUAL(driver, "COGX") ? options : nullptr, nullptr)));
}

// What one read gives of both: never other pixels.
void Compare(GDALRasterBand *ours, GDALRasterBand *theirs, int size)
{
    const int width = ours->GetXSize();
    const int height = ours->GetYSize();
    Require(theirs->GetXSize() == width && theirs->GetYSize() == height);
    const int bufWidth = std::min(width, size);
    const int bufHeight = std::min(height, size);
    std::vector<double> one(static_cast<size_t>(bufWidth) * bufHeight);
    std::vector<double> other(one.size());
    if (ours->RasterIO(GF_Read, 0, 0, width, height, one.data(), bufWidth,
                       bufHeight, GDT_Float64, 0, 0, nullptr) != CE_None ||
        theirs->RasterIO(GF_Read, 0, 0, width, height, other.data(), bufWidth,
                         bufHeight, GDT_Float64, 0, 0, nullptr) != CE_None)
        return;
    Require(memcmp(one.data(), other.data(), one.size() * sizeof(double)) == 0);
}

void ReadAll(GDALDataset *ours, GDALDataset *theirs)
{
    const int bands = ours->GetRasterCount();
    Require(theirs->GetRasterCount() == bands);
    for (const char *domain : {"", "IFDS", "COG", "TMS", "IMAGE_STRUCTURE"})
        (void)ours->GetMetadata(domain);
    const int64_t samples = static_cast<int64_t>(ours->GetRasterXSize()) *
                            ours->GetRasterYSize() * bands;
    if (samples > MAX_SAMPLES || bands > 8)
        return;
    (void)ours->AdviseRead(0, 0, 1, 1, 1, 1, GDT_Byte, bands, nullptr, nullptr);
    for (int i = 1; i <= bands; i++)
    {
        GDALRasterBand *const band = ours->GetRasterBand(i);
        GDALRasterBand *const other = theirs->GetRasterBand(i);
        Compare(band, other, 1 << 20);
        Compare(band, other, 7);
        Compare(band->GetMaskBand(), other->GetMaskBand(), 1 << 20);
        const int count = band->GetOverviewCount();
        Require(count == other->GetOverviewCount());
        for (int level = 0; level < count; level++)
            Compare(band->GetOverview(level), other->GetOverview(level),
                    1 << 20);
    }
}

} // namespace

int LLVMFuzzerInitialize(int *, char ***)
{
    GDALRegister_GTiff();
    GDALRegister_ROK4();
    CPLSetErrorHandler(CPLQuietErrorHandler);
    CPLSetConfigOption("GDAL_PAM_ENABLED", "NO");
    GDALSetCacheMax64(16 << 20);
    Install(&TheInput());
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    TheInput() = {data, nbytes};
    std::unique_ptr<GDALDataset> ours = Open("COGX:/vsifuzz/a.tif", "COGX");
    Require(ours != nullptr || CPLGetLastErrorType() == CE_Failure);
    VSIFCloseL(VSIFileFromMemBuffer(LOCAL, const_cast<uint8_t *>(data), nbytes,
                                    FALSE));
    std::unique_ptr<GDALDataset> theirs = Open(LOCAL, "GTiff");
    if (ours != nullptr && theirs != nullptr)
        ReadAll(ours.get(), theirs.get());
    ours.reset();
    theirs.reset();
    VSIUnlink(LOCAL);
    return 0;
}
