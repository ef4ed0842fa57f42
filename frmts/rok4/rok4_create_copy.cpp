// SPDX-License-Identifier: MIT
// CreateCopy: any dataset becomes a pyramid, or a part of one.
#include "rok4_create_copy.h"

#include "rok4_canvas.h"
#include "rok4_creation.h"
#include "rok4_lossless.h"
#include "rok4_source.h"
#include "rok4_update.h"
#include "storage_path.h"
#include "vsi_io.h"

#include "cpl_conv.h"
#include "cpl_vsi.h"

#include <cinttypes>

namespace
{

// Files of a source that its identity looks at; more cost more than they tell.
constexpr int MAX_FILES = 100000;

// What makes two sources equal for RESUME: names, sizes and times of their
// files, their shape, and what a VRT says. One without files is equal to no
// other.
std::string IdentityOf(GDALDataset *source)
{
    double transform[6] = {0, 0, 0, 0, 0, 0};
    (void)GDALGetGeoTransform(GDALDataset::ToHandle(source), transform);
    std::string text =
        CPLSPrintf("source=%s\nsize=%dx%dx%d\n", source->GetDescription(),
                   source->GetRasterXSize(), source->GetRasterYSize(),
                   source->GetRasterCount());
    for (const double value : transform)
        text += CPLSPrintf("%.17g ", value);
    const CPLStringList files(source->GetFileList());
    uint64_t hash = UINT64_C(14695981039346656037);
    const auto mix = [&hash](const void *data, size_t nbytes) {
        for (size_t i = 0; i < nbytes; i++)
            hash = (hash ^ static_cast<const GByte *>(data)[i]) *
                   UINT64_C(1099511628211);
    };
    for (int i = 0; i < std::min(files.size(), MAX_FILES); i++)
    {
        VSIStatBufL info = {};
        StoragePath place;
        struct pyr_error err = {""};
        mix(files[i], strlen(files[i]));
        if (place.Resolve(files[i], &err) != PYR_OK ||
            VSIStatL(place.Get(), &info) != 0)
            continue;
        const int64_t seen[] = {static_cast<int64_t>(info.st_size),
                                static_cast<int64_t>(info.st_mtim.tv_sec),
                                static_cast<int64_t>(info.st_mtim.tv_nsec)};
        mix(seen, sizeof(seen));
    }
    // What gdal_translate and gdalwarp make of the same files.
    const GDALCompatMetadata xml = source->GetMetadata("xml:VRT");
    if (xml != nullptr && xml[0] != nullptr)
        mix(xml[0], strlen(xml[0]));
    text += CPLSPrintf("\nfiles=%d:%016" PRIx64 "\n", files.size(), hash);
    if (files.empty())
        text += "in memory, " + Rok4UniqueIdentity() + "\n";
    return text;
}

GDALDataset *Reopen(const Rok4Creation &creation)
{
    CPLStringList options;
    if (!creation.Options().tmsDirectory.empty())
        options.SetNameValue("TMS_DIRECTORY",
                             creation.Options().tmsDirectory.c_str());
    const char *const drivers[] = {"ROK4", nullptr};
    const std::string &path = creation.Path();
    // With the prefix, GDAL does not look at remote files first.
    const std::string name =
        vsi_io_is_remote(path.c_str()) ? "ROK4:\"" + path + "\"" : path;
    GDALDataset *const dataset = GDALDataset::FromHandle(
        GDALOpenEx(name.c_str(), GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR,
                   drivers, options.List(), nullptr));
    if (dataset != nullptr)
        dataset->SetDescription(path.c_str());
    return dataset;
}

// Slabs or tiles of a pyramid as they are.
bool CopyPyramid(Rok4Creation &creation, const Rok4WholePyramid &source,
                 const char *filename, CSLConstList options,
                 const std::string &identity, GDALProgressFunc progress,
                 void *progressData)
{
    if (!creation.PrepareCopy(filename, options, source.pyramid,
                              source.level) ||
        !creation.KeepGrid(nullptr))
        return false;
    const std::unique_ptr<Rok4Writing> writing =
        creation.Start(identity, progress, progressData);
    bool finished = false;
    return writing->Begin(&finished) == CE_None &&
           (finished || (writing->Copy(source.pyramid) == CE_None &&
                         creation.KeepGrid(writing.get()) &&
                         writing->DropStatistics() == CE_None &&
                         writing->Publish() == CE_None));
}

// GDAL's methods and the names of option WARP_RESAMPLING.
struct Method
{
    const char *name;
    GDALResampleAlg algorithm;
};
constexpr Method METHODS[] = {{"NEAREST", GRA_NearestNeighbour},
                              {"AVERAGE", GRA_Average},
                              {"BILINEAR", GRA_Bilinear},
                              {"CUBIC", GRA_Cubic},
                              {"CUBICSPLINE", GRA_CubicSpline},
                              {"LANCZOS", GRA_Lanczos},
                              {"MODE", GRA_Mode},
                              {"RMS", GRA_RMS}};

const char *NameOf(GDALResampleAlg algorithm)
{
    for (const Method &method : METHODS)
        if (method.algorithm == algorithm)
            return method.name;
    return "CUBIC";
}

// The source on the grid of the pyramid to be.
std::unique_ptr<Rok4Source> MakeSource(const Rok4Creation &creation,
                                       GDALDataset *source)
{
    Rok4SourceOptions options;
    options.grid = creation.Grid();
    options.bottomLevel = creation.BottomLevel();
    options.strategy = creation.Options().strategy;
    options.addAlpha = creation.Options().addAlpha;
    options.nthreads = creation.Options().nthreads;
    if (!creation.Nodata(&options.nodata))
        return nullptr;
    // The method of a warped VRT goes before the recorded one, but for NEAREST,
    // which programs that warp take unless they are told another.
    const GDALWarpOptions *const warped = Rok4WarpedVrtOptions(source);
    const bool told = !creation.Options().warpResampling.empty();
    if (told || warped == nullptr ||
        warped->eResampleAlg == GRA_NearestNeighbour)
        for (const Method &method : METHODS)
            if (creation.WarpResampling() == method.name)
                options.resampling = method.algorithm;
    if (creation.Old() != nullptr)
    {
        const struct rok4_descriptor &old = *creation.Old()->Get()->descriptor;
        options.bands = old.channels;
        options.sample = rok4_format_sample(old.format);
        options.alphaAllowed = old.channels % 2 == 0;
    }
    else if (creation.Options().compress == "JPEG")
    {
        // A palette gives 3 bands then; 4 bands are refused later on.
        options.alphaAllowed = source->GetRasterCount() > 1;
    }
    // Slabs that another pyramid has not stand for its own nodata values.
    Rok4Dataset *const pyramid = dynamic_cast<Rok4Dataset *>(source);
    if (pyramid != nullptr && options.nodata.empty())
    {
        const struct rok4_descriptor &shown =
            *pyramid->Pyramid()->Get()->descriptor;
        options.nodata.assign(shown.nodata, shown.nodata + shown.channels);
    }
    return Rok4Source::Make(source, options);
}

bool BuildPyramid(Rok4Creation &creation, GDALDataset *source,
                  const char *filename, CSLConstList options,
                  const std::string &identity, GDALProgressFunc progress,
                  void *progressData)
{
    if (!creation.Prepare(filename, options))
        return false;
    const std::unique_ptr<Rok4Source> raster = MakeSource(creation, source);
    if (raster == nullptr ||
        !creation.Describe(
            raster->Sample(), raster->Nodata(), NameOf(raster->Resampling()),
            source->GetRasterBand(1)->GetColorTable() != nullptr) ||
        !creation.Plan(raster->Level(), raster->Limits()) ||
        !creation.KeepGrid(nullptr))
        return false;
    const std::unique_ptr<Rok4Writing> writing =
        creation.Start(identity, progress, progressData);
    bool finished = false;
    return writing->Begin(&finished) == CE_None &&
           (finished ||
            (writing->Build(raster->Raster(), creation.TargetBottom(),
                            creation.TargetTop(), raster->Limits(),
                            false) == CE_None &&
             creation.KeepGrid(writing.get()) &&
             writing->DropStatistics() == CE_None &&
             writing->Publish() == CE_None));
}

} // namespace

GDALDataset *Rok4CreateCopy(const char *filename, GDALDataset *source, int,
                            GDALCompatOptions options,
                            GDALProgressFunc progress, void *progressData)
{
    Rok4CreationOptions parsed;
    if (!parsed.Parse(options))
        return nullptr;
    Rok4WholePyramid whole;
    whole.why = "LOSSLESS_COPY=NO";
    if (parsed.losslessCopy != Rok4Choice::No)
        whole = Rok4FindWholePyramid(source);
    const std::string why = Rok4WhyNotLossless(whole, options, parsed);
    if (parsed.losslessCopy == Rok4Choice::Yes && !why.empty())
    {
        Rok4Report(CE_Failure, PYR_USAGE,
                   CPLSPrintf("LOSSLESS_COPY=YES, but %s", why.c_str()));
        return nullptr;
    }
    Rok4Creation creation;
    const std::string identity = IdentityOf(source);
    const bool done = why.empty()
                          ? CopyPyramid(creation, whole, filename, options,
                                        identity, progress, progressData)
                          : BuildPyramid(creation, source, filename, options,
                                         identity, progress, progressData);
    return done ? Reopen(creation) : nullptr;
}
