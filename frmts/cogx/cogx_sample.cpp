// SPDX-License-Identifier: MIT
// A tiny dataset with the metadata of another one.
#include "cogx_sample.h"

#include "gdal_compat.h"

#include "cpl_string.h"
#include "gdal_rat.h"

#include <set>
#include <string>

namespace
{

// Domains that not every dataset lists.
constexpr const char *DOMAINS[] = {"",        "RPC",           "IMD",
                                   "xml:XMP", "COLOR_PROFILE", "xml:ESRI"};

// What a dataset says of its storage, which is not that of the file to be.
bool IsOfStorage(const std::string &domain)
{
    return domain == "IMAGE_STRUCTURE" || domain == "DERIVED_SUBDATASETS" ||
           domain == "SUBDATASETS" || domain == "TILING_SCHEME" ||
           domain == "xml:VRT" || STARTS_WITH(domain.c_str(), "COGX:") ||
           domain == "IFDS" || domain == "COG" || domain == "TMS";
}

void CopyMetadata(GDALMajorObject *from, GDALMajorObject *to)
{
    const CPLStringList listed(from->GetMetadataDomainList());
    std::set<std::string> domains(std::begin(DOMAINS), std::end(DOMAINS));
    for (int i = 0; i < listed.size(); i++)
        domains.insert(listed[i]);
    for (const std::string &domain : domains)
    {
        if (IsOfStorage(domain))
            continue;
        const CPLStringList items(CSLDuplicate(
            const_cast<char **>(from->GetMetadata(domain.c_str()))));
        if (items.size() > 0)
            to->SetMetadata(const_cast<char **>(items.List()), domain.c_str());
    }
}

void CopyGeoreferencing(GDALDataset *from, GDALDataset *to)
{
    const GDALDatasetH source = GDALDataset::ToHandle(from);
    const GDALDatasetH target = GDALDataset::ToHandle(to);
    double transform[6];
    if (GDALGetGeoTransform(source, transform) == CE_None)
        GDALSetGeoTransform(target, transform);
    if (from->GetSpatialRef() != nullptr)
        to->SetSpatialRef(from->GetSpatialRef());
    if (from->GetGCPCount() > 0)
        GDALSetGCPs2(target, from->GetGCPCount(), GDALGetGCPs(source),
                     GDALGetGCPSpatialRef(source));
}

void CopyNodata(GDALRasterBand *from, GDALRasterBand *to)
{
    int has = FALSE;
    if (from->GetRasterDataType() == GDT_Int64)
    {
        const int64_t value = from->GetNoDataValueAsInt64(&has);
        if (has)
            to->SetNoDataValueAsInt64(value);
        return;
    }
    if (from->GetRasterDataType() == GDT_UInt64)
    {
        const uint64_t value = from->GetNoDataValueAsUInt64(&has);
        if (has)
            to->SetNoDataValueAsUInt64(value);
        return;
    }
    const double value = from->GetNoDataValue(&has);
    if (has)
        to->SetNoDataValue(value);
}

void CopyHistogram(GDALRasterBand *from, GDALRasterBand *to)
{
    double min = 0;
    double max = 0;
    int nbuckets = 0;
    GUIntBig *counts = nullptr;
    // Without computing one.
    if (from->GetDefaultHistogram(&min, &max, &nbuckets, &counts, FALSE,
                                  nullptr, nullptr) == CE_None)
        to->SetDefaultHistogram(min, max, nbuckets, counts);
    VSIFree(counts);
}

void CopyBand(GDALRasterBand *from, GDALRasterBand *to, bool nodata)
{
    int has = FALSE;
    const char *const kind = CogxPixelType(from);
    CopyMetadata(from, to);
    if (kind != nullptr)
        to->SetMetadataItem("PIXELTYPE", kind, "IMAGE_STRUCTURE");
    to->SetDescription(from->GetDescription());
    if (from->GetColorTable() != nullptr)
        to->SetColorTable(from->GetColorTable());
    to->SetColorInterpretation(from->GetColorInterpretation());
    const double offset = from->GetOffset(&has);
    if (has)
        to->SetOffset(offset);
    const double scale = from->GetScale(&has);
    if (has)
        to->SetScale(scale);
    if (from->GetUnitType() != nullptr && from->GetUnitType()[0] != '\0')
        to->SetUnitType(from->GetUnitType());
    if (from->GetCategoryNames() != nullptr)
        to->SetCategoryNames(from->GetCategoryNames());
    if (from->GetDefaultRAT() != nullptr)
        to->SetDefaultRAT(from->GetDefaultRAT());
    CopyHistogram(from, to);
    if (nodata)
        CopyNodata(from, to);
}

void DropStatistics(GDALRasterBand *band)
{
    const CPLStringList items(
        CSLDuplicate(const_cast<char **>(band->GetMetadata())));
    for (int i = 0; i < items.size(); i++)
    {
        char *name = nullptr;
        CPLParseNameValue(items[i], &name);
        if (name != nullptr && STARTS_WITH_CI(name, "STATISTICS_"))
            band->SetMetadataItem(name, nullptr);
        CPLFree(name);
    }
}

void SetStatistics(GDALRasterBand *band,
                   const struct pyr_rows_statistics &found, uint64_t pixels)
{
    if (found.count == 0)
        return;
    band->SetStatistics(found.min, found.max, found.mean, found.stddev);
    const std::string percent =
        found.count == pixels
            ? "100"
            : CPLSPrintf("%.4g", 100.0 * static_cast<double>(found.count) /
                                     static_cast<double>(pixels));
    // Some pixels do not count.
    band->SetMetadataItem(
        "STATISTICS_VALID_PERCENT",
        found.count < pixels && percent == "100" ? "99.999" : percent.c_str());
}

} // namespace

const char *CogxPixelType(GDALRasterBand *band)
{
    return CSLFetchNameValue(band->GetMetadata("IMAGE_STRUCTURE"), "PIXELTYPE");
}

GDALDatasetUniquePtr CogxMakeSample(GDALDataset *shown,
                                    const CogxSampleOptions &options)
{
    GDALDriver *const driver = GetGDALDriverManager()->GetDriverByName("MEM");
    GDALDatasetUniquePtr sample(driver != nullptr
                                    ? driver->Create("", COGX_SAMPLE_SIDE,
                                                     COGX_SAMPLE_SIDE, 0,
                                                     GDT_Byte, nullptr)
                                    : nullptr);
    if (sample == nullptr)
        return nullptr;
    const int bands = shown->GetRasterCount();
    for (int i = 1; i <= bands; i++)
    {
        GDALRasterBand *const from = shown->GetRasterBand(i);
        if (sample->AddBand(from->GetRasterDataType(), nullptr) != CE_None)
            return nullptr;
        GDALRasterBand *const to = sample->GetRasterBand(i);
        CopyBand(from, to, options.nodata);
        if (options.dropStatistics || !options.statistics.empty())
            DropStatistics(to);
        if (!options.statistics.empty())
            SetStatistics(to, options.statistics[i - 1], options.pixels);
    }
    CopyMetadata(shown, sample.get());
    CopyGeoreferencing(shown, sample.get());
    if (options.mask && sample->CreateMaskBand(GMF_PER_DATASET) != CE_None)
        return nullptr;
    const int two = 2;
    if (options.overview &&
        GDALBuildOverviews(GDALDataset::ToHandle(sample.get()), "NEAREST", 1,
                           &two, 0, nullptr, nullptr, nullptr) != CE_None)
        return nullptr;
    return sample;
}
