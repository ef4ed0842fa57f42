// SPDX-License-Identifier: MIT
// CreateCopy: any dataset becomes a Cloud Optimized GeoTIFF.
#include "cogx_create_copy.h"

#include "cogx_encoded.h"
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

namespace
{

// Where a file goes, and who watches.
struct Task
{
    std::string path;
    const CogxWritten *written;
    GDALProgressFunc progress;
    void *progressData;
};

enum class Outcome
{
    Written,
    Failed,
    Refused // encoded tiles cannot be copied; nothing was told
};

// encoded: levels that are copied, or nullptr.
Outcome WriteFile(const Task &task, GDALDataset *source,
                  const CogxOptions &options, CogxEncoded *encoded)
{
    const std::unique_ptr<CogxSource> prepared =
        CogxSource::Make(source, options);
    if (prepared == nullptr)
        return Outcome::Failed;
    CogxOutputOptions outputOptions;
    outputOptions.path = task.path;
    outputOptions.source = prepared.get();
    outputOptions.options = &options;
    outputOptions.encoded = encoded;
    outputOptions.written = task.written;
    outputOptions.progress = task.progress;
    outputOptions.progressData = task.progressData;
    CogxOutput output(outputOptions);
    if (output.Begin() && output.Build() && output.Finish())
        return Outcome::Written;
    return output.Refused() ? Outcome::Refused : Outcome::Failed;
}

// Copies encoded tiles where that can be done.
Outcome WriteEncoded(const Task &task, GDALDataset *source,
                     const CogxOptions &options)
{
    std::string why;
    if (options.losslessCopy == CogxLossless::No)
        return Outcome::Refused;
    const std::unique_ptr<CogxEncoded> encoded =
        CogxFindEncoded(source, options, &why);
    if (encoded != nullptr)
        return WriteFile(task, encoded->Source(),
                         CogxOptionsOf(*encoded, options), encoded.get());
    if (options.losslessCopy == CogxLossless::Yes)
    {
        CogxReport(CE_Failure, PYR_UNSUPPORTED,
                   ("LOSSLESS_COPY=YES, but " + why).c_str());
        return Outcome::Failed;
    }
    CPLDebug("COGX", "tiles are encoded anew: %s", why.c_str());
    return Outcome::Refused;
}

} // namespace

bool CogxWrite(const std::string &path, GDALDataset *source,
               const CogxOptions &options, const CogxWritten *written,
               GDALProgressFunc progress, void *progressData)
{
    const Task task = {path, written, progress, progressData};
    Outcome outcome = WriteEncoded(task, source, options);
    if (outcome == Outcome::Refused)
        outcome = WriteFile(task, source, options, nullptr);
    return outcome == Outcome::Written;
}

GDALDataset *CogxCreateCopy(const char *filename, GDALDataset *source, int,
                            GDALCompatOptions options,
                            GDALProgressFunc progress, void *progressData)
{
    CogxOptions parsed;
    const std::string path = CogxPathOf(filename);
    if (!parsed.Parse(options) ||
        !CogxWrite(path, source, parsed, nullptr, progress, progressData))
        return nullptr;
    return CogxReopen(path);
}
