// SPDX-License-Identifier: MIT
// Metadata of a COG that is read: GTiff's, and what the file is made of.
#include "cogx_dataset.h"

#include "cogx_json.h"
#include "cogx_report.h"
#include "cogx_tms.h"
#include "crs_text.h"
#include "pyr_alloc.h"
#include "vsi_io.h"

namespace
{

constexpr const char *IFDS = "IFDS";
constexpr const char *COG = "COG";
constexpr const char *TMS = "TMS";

bool IsOurs(const char *domain)
{
    return domain != nullptr &&
           (EQUAL(domain, IFDS) || EQUAL(domain, COG) || EQUAL(domain, TMS));
}

// A text of the core, which is freed.
CPLStringList ListOf(char *text)
{
    CPLStringList list;
    list.AddString(text);
    pyr_free(text);
    return list;
}

enum pyr_result MakeCog(const CogxReader &reader, const struct cogx_tiff *tiff,
                        char **text, struct pyr_error *err)
{
    struct cogx_validate_options options = {};
    // As many requests as tiles.
    options.full_check = !reader.IsRemote();
    if (!reader.IsRemote())
    {
        const std::string &path = reader.Path();
        options.external_overviews = vsi_io_exists((path + ".ovr").c_str());
        options.external_mask = vsi_io_exists((path + ".msk").c_str());
    }
    auto verdict = std::make_unique<struct cogx_verdict>();
    const enum pyr_result result =
        cogx_validate(tiff, &options, verdict.get(), err);
    if (result != PYR_OK)
        return result;
    return cogx_json_cog(tiff, verdict.get(), text, err);
}

} // namespace

CPLStringList CogxDataset::MakeTms(const struct cogx_tiff *tiff)
{
    struct cogx_tms_place place = {};
    struct pyr_error err = {""};
    const OGRSpatialReference *const srs = m_dataset->GetSpatialRef();
    const std::string id = CPLGetBasename(m_reader->File()->Name().c_str());
    char *crs = nullptr;
    char *text = nullptr;
    if (srs == nullptr ||
        GDALCompatReadGeoTransform(*m_dataset, place.geotransform) != CE_None ||
        !crs_text_make(OGRSpatialReference::ToHandle(
                           const_cast<OGRSpatialReference *>(srs)),
                       &crs, &place.metres_per_unit))
        return CPLStringList();
    place.id = id.c_str();
    place.crs = crs;
    const enum pyr_result result = cogx_tms_json(tiff, &place, &text, &err);
    CPLFree(crs);
    if (result == PYR_OK)
        return ListOf(text);
    CPLDebug("COGX", "%s", err.text);
    return CPLStringList();
}

// False, with an error, on failure.
bool CogxDataset::MakeDomain(const char *domain, CPLStringList *list)
{
    enum pyr_result result = PYR_OK;
    struct pyr_error err = {""};
    char *text = nullptr;
    const struct cogx_tiff *const tiff = m_reader->Tiff(&result, &err);
    if (tiff != nullptr && EQUAL(domain, TMS))
        *list = MakeTms(tiff);
    else if (tiff != nullptr)
    {
        result = EQUAL(domain, IFDS) ? cogx_json_ifds(tiff, &text, &err)
                                     : MakeCog(*m_reader, tiff, &text, &err);
        if (result == PYR_OK)
            *list = ListOf(text);
    }
    if (result == PYR_OK)
        return true;
    m_reader->Report(result, err);
    return false;
}

char **CogxDataset::GetMetadataDomainList()
{
    CPLStringList domains(m_dataset->GetMetadataDomainList());
    if (m_owned != nullptr)
        for (const char *domain : {IFDS, COG, TMS})
            domains.AddString(domain);
    return domains.StealList();
}

GDALCompatMetadata CogxDataset::GetMetadata(const char *domain)
{
    const std::string key =
        CPLString(domain != nullptr ? domain : "").toupper();
    const auto told = m_domains.find(key);
    if (told != m_domains.end())
        return told->second.List();
    if (m_owned != nullptr && IsOurs(domain))
    {
        CPLStringList list;
        if (!MakeDomain(domain, &list))
            return nullptr;
        return (m_domains[key] = list).List();
    }
    const GDALCompatMetadata metadata = m_dataset->GetMetadata(domain);
    if (domain == nullptr || strstr(domain, "SUBDATASETS") == nullptr)
        return metadata;
    // Names of the file as users know it.
    const std::string &name = m_reader->File()->Name();
    CPLStringList list;
    for (const char *const *item = metadata; item != nullptr && *item; item++)
    {
        std::string text = *item;
        const size_t at = text.find(name);
        if (at != std::string::npos)
            text.replace(at, name.size(),
                         EQUAL(domain, "SUBDATASETS") ? m_reader->Path()
                                                      : GetDescription());
        list.AddString(text.c_str());
    }
    return (m_domains[key] = list).List();
}

const char *CogxDataset::GetMetadataItem(const char *name, const char *domain)
{
    if (IsOurs(domain) || (domain != nullptr && strstr(domain, "SUBDATASETS")))
        return CSLFetchNameValue(GetMetadata(domain), name);
    return m_dataset->GetMetadataItem(name, domain);
}
