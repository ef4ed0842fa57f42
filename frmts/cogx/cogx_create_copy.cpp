// SPDX-License-Identifier: MIT
// CreateCopy: any dataset becomes a Cloud Optimized GeoTIFF.
#include "cogx_create_copy.h"

#include "cogx_output.h"
#include "cogx_report.h"
#include "vsi_out.h"

#include "cpl_conv.h"
#include "cpl_string.h"

std::string CogxPathOf(const char *filename)
{
    constexpr const char *PREFIX = "COGX:";
    return STARTS_WITH_CI(filename, PREFIX) ? filename + strlen(PREFIX)
                                            : filename;
}

std::string CogxScratchPath(const std::string &path)
{
    return vsi_out_is_random(path.c_str()) ? path
                                           : CPLGenerateTempFilename("cogx");
}

GDALDataset *CogxReopen(const std::string &path)
{
    // What went there cannot be read; callers close it at once.
    if (STARTS_WITH(path.c_str(), "/vsistdout"))
    {
        GDALDriver *const driver =
            GetGDALDriverManager()->GetDriverByName("MEM");
        return driver != nullptr
                   ? driver->Create("", 1, 1, 1, GDT_Byte, nullptr)
                   : nullptr;
    }
    const char *const drivers[] = {"GTiff", nullptr};
    return GDALDataset::Open(path.c_str(),
                             GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, drivers,
                             nullptr, nullptr);
}

bool CogxWrite(const std::string &path, GDALDataset *source,
               const CogxOptions &options, GDALProgressFunc progress,
               void *progressData)
{
    const std::unique_ptr<CogxSource> prepared =
        CogxSource::Make(source, options);
    if (prepared == nullptr)
        return false;
    CogxOutputOptions outputOptions;
    outputOptions.path = path;
    outputOptions.source = prepared.get();
    outputOptions.options = &options;
    outputOptions.progress = progress;
    outputOptions.progressData = progressData;
    CogxOutput output(outputOptions);
    return output.Begin() && output.Build() && output.Finish();
}

GDALDataset *CogxCreateCopy(const char *filename, GDALDataset *source, int,
                            GDALCompatOptions options,
                            GDALProgressFunc progress, void *progressData)
{
    CogxOptions parsed;
    const std::string path = CogxPathOf(filename);
    if (!parsed.Parse(options) ||
        !CogxWrite(path, source, parsed, progress, progressData))
        return nullptr;
    return CogxReopen(path);
}
