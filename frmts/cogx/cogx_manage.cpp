// SPDX-License-Identifier: MIT
// What happens to a file whose name a new one gets, or that is deleted.
#include "cogx_manage.h"

#include "cogx_create_copy.h"
#include "cogx_report.h"
#include "gdal_compat.h"

#include "cpl_conv.h"
#include "cpl_string.h"

#include <algorithm>
#include <string>
#include <vector>

namespace
{

// Names that are remembered: an output, and a source that this driver opens,
// too.
constexpr size_t MAX_OPENED = 2;

// What this thread was asked last, while GDAL prepares a copy: to open the
// output with this driver only, then which driver identifies it, then to delete
// it. Anything else in between ends it.
struct Questions
{
    std::vector<std::string> opened{};
    std::string kept{};
};

Questions &OfThisThread()
{
    thread_local Questions questions;
    return questions;
}

// Nobody but GDALDriver::CreateCopy opens a file with this driver only that
// need not be ours.
bool IsOpened(const GDALOpenInfo *openInfo)
{
    const char *const *const drivers = openInfo->papszAllowedDrivers;
    return drivers != nullptr && drivers[0] != nullptr &&
           EQUAL(drivers[0], "COGX") && drivers[1] == nullptr &&
           (openInfo->nOpenFlags & GDAL_OF_RASTER) != 0;
}

bool IsIdentified(const GDALOpenInfo *openInfo)
{
    return openInfo->papszAllowedDrivers == nullptr &&
           GDALCompatOnlyIdentifies(openInfo);
}

} // namespace

bool CogxKeepsOutput(const GDALOpenInfo *openInfo)
{
    Questions &questions = OfThisThread();
    const Questions before = std::move(questions);
    questions = Questions();
    if (IsOpened(openInfo))
    {
        if (before.opened.size() < MAX_OPENED)
            questions.opened = before.opened;
        questions.opened.push_back(openInfo->pszFilename);
    }
    else if (IsIdentified(openInfo) &&
             std::find(before.opened.begin(), before.opened.end(),
                       openInfo->pszFilename) != before.opened.end())
        questions.kept = openInfo->pszFilename;
    return !questions.kept.empty();
}

CPLErr CogxDelete(const char *name)
{
    Questions &questions = OfThisThread();
    const bool keeps = questions.kept == name;
    questions = Questions();
    if (keeps)
        return CE_None;
    const std::string path = CogxPathOf(name);
    const char *const drivers[] = {"GTiff", nullptr};
    GDALDatasetUniquePtr dataset(
        GDALDataset::Open(path.c_str(), GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR,
                          drivers, nullptr, nullptr));
    if (dataset == nullptr)
        return CE_Failure;
    const CPLStringList files(dataset->GetFileList());
    dataset.reset();
    for (int i = 0; i < files.size(); i++)
        if (VSIUnlink(files[i]) != 0)
        {
            CogxReport(CE_Failure, PYR_IO,
                       CPLSPrintf("%s: cannot be deleted", files[i]));
            return CE_Failure;
        }
    return CE_None;
}
