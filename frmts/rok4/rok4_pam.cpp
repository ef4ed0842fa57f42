// SPDX-License-Identifier: MIT
// PAM of ROK4 datasets and bands: read when it is asked for, not at opening.
#include "rok4_dataset.h"

#include "memory_file.h"
#include "rok4_statistics.h"
#include "storage_answer.h"
#include "storage_path.h"
#include "vsi_io.h"

#include "cpl_minixml.h"

#include <string>
#include <utility>

// What GDAL would read from the sidecar.
void Rok4Dataset::TakePam(std::string text)
{
    const MemoryFile file(std::move(text));
    char *const sidecar = psPam->pszPamFilename;
    psPam->pszPamFilename = CPLStrdup(file.Path());
    TryLoadXML();
    CPLFree(psPam->pszPamFilename);
    psPam->pszPamFilename = sidecar;
}

// GDAL would ask without the storage's settings, and take what it cannot read
// for nothing.
void Rok4Dataset::LoadRemotePam()
{
    const char *const path = m_pyramid->Get()->path;
    std::string text;
    struct pyr_error err = {""};
    const enum pyr_result result = Rok4LoadSidecar(path, &text, &err);
    m_pamUnknown = result != PYR_OK && result != PYR_NOT_FOUND;
    if (result == PYR_OK)
        TakePam(std::move(text));
    // Object storages also forbid what is not there.
    else if (m_pamUnknown && !StorageForbids())
        CPLError(CE_Warning, CPLE_AppDefined,
                 "ROK4: %s: %s; metadata that it may hold is not known, and "
                 "none is written to it",
                 Rok4SidecarOf(path).c_str(), err.text);
}

void Rok4Dataset::LoadPam()
{
    if (m_pamLoaded)
        return;
    m_pamLoaded = true;
    const char *const sidecar = BuildPamFilename();
    if (sidecar == nullptr || (nPamFlags & GPF_DISABLED) != 0)
        return;
    if (vsi_io_is_remote(sidecar))
        LoadRemotePam();
    else
        TryLoadXML();
}

// Puts back the parts of a PAM file that GDAL does not write with the main one:
// those of other ways to see the pyramid.
static void RestoreParts(const std::string &path, const CPLXMLNode *before)
{
    const CPLXMLTreeCloser tree(CPLParseXMLFile(path.c_str()));
    CPLXMLNode *const root =
        tree != nullptr ? CPLGetXMLNode(tree.get(), "=PAMDataset") : nullptr;
    bool added = false;
    for (const CPLXMLNode *node = before->psChild;
         root != nullptr && node != nullptr; node = node->psNext)
        if (node->eType == CXT_Element && EQUAL(node->pszValue, "Subdataset"))
        {
            CPLXMLNode *const copy =
                CPLCreateXMLNode(root, CXT_Element, node->pszValue);
            copy->psChild = CPLCloneXMLTree(node->psChild);
            added = true;
        }
    if (added)
        CPLSerializeXMLTreeToFile(tree.get(), path.c_str());
}

// Something may have been set that does not come this way: writing it would
// wipe out what the file holds.
CPLErr Rok4Dataset::TrySaveXML()
{
    StoragePath place;
    struct pyr_error err = {""};
    const char *const path =
        m_pamLoaded && !m_pamUnknown &&
                place.Resolve(m_pyramid->Get()->path, &err) == PYR_OK
            ? BuildPamFilename()
            : nullptr;
    const char *const part = GetSubdatasetName();
    if (path == nullptr)
        return CE_None;
    const std::string sidecar = path;
    CPLXMLTreeCloser tree(nullptr);
    if ((part == nullptr || part[0] == '\0') && vsi_io_exists(path))
        tree.reset(CPLParseXMLFile(path));
    const CPLErr result = GDALPamDataset::TrySaveXML();
    const CPLXMLNode *const before =
        tree != nullptr ? CPLGetXMLNode(tree.get(), "=PAMDataset") : nullptr;
    if (before != nullptr && result == CE_None &&
        vsi_io_exists(sidecar.c_str()))
        RestoreParts(sidecar, before);
    return result;
}

void Rok4RasterBand::ForgetStatistics()
{
    const CPLStringList before(
        CSLDuplicate(const_cast<char **>(GDALPamRasterBand::GetMetadata(""))));
    CPLStringList after;
    for (int i = 0; i < before.size(); i++)
        if (!STARTS_WITH_CI(before[i], "STATISTICS_"))
            after.AddString(before[i]);
    if (after.size() < before.size())
        GDALPamRasterBand::SetMetadata(after.List(), "");
    if (psPam != nullptr && psPam->psSavedHistograms != nullptr)
    {
        CPLDestroyXMLNode(psPam->psSavedHistograms);
        psPam->psSavedHistograms = nullptr;
        MarkPamDirty();
    }
}

// What is not in memory stands in the file, from which it is dropped anyhow.
void Rok4Dataset::ForgetStatistics()
{
    for (int i = 0; m_pamLoaded && i < nBands; i++)
        static_cast<Rok4RasterBand *>(papoBands[i])->ForgetStatistics();
}

CPLErr Rok4Dataset::SetMetadata(GDALCompatMetadata metadata, const char *domain)
{
    LoadPam();
    return GDALPamDataset::SetMetadata(metadata, domain);
}

CPLErr Rok4Dataset::SetMetadataItem(const char *name, const char *value,
                                    const char *domain)
{
    LoadPam();
    return GDALPamDataset::SetMetadataItem(name, value, domain);
}

CPLErr Rok4RasterBand::SetMetadata(GDALCompatMetadata metadata,
                                   const char *domain)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetMetadata(metadata, domain);
}

CPLErr Rok4RasterBand::SetMetadataItem(const char *name, const char *value,
                                       const char *domain)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetMetadataItem(name, value, domain);
}

void Rok4RasterBand::SetDescription(const char *description)
{
    Own()->LoadPam();
    GDALPamRasterBand::SetDescription(description);
}

CPLErr Rok4RasterBand::SetNoDataValue(double value)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetNoDataValue(value);
}

CPLErr Rok4RasterBand::DeleteNoDataValue()
{
    Own()->LoadPam();
    return GDALPamRasterBand::DeleteNoDataValue();
}

CPLErr Rok4RasterBand::SetColorTable(GDALColorTable *table)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetColorTable(table);
}

CPLErr Rok4RasterBand::SetColorInterpretation(GDALColorInterp interpretation)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetColorInterpretation(interpretation);
}

const char *Rok4RasterBand::GetUnitType()
{
    Own()->LoadPam();
    return GDALPamRasterBand::GetUnitType();
}

CPLErr Rok4RasterBand::SetUnitType(const char *unit)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetUnitType(unit);
}

char **Rok4RasterBand::GetCategoryNames()
{
    Own()->LoadPam();
    return GDALPamRasterBand::GetCategoryNames();
}

CPLErr Rok4RasterBand::SetCategoryNames(char **names)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetCategoryNames(names);
}

double Rok4RasterBand::GetOffset(int *success)
{
    Own()->LoadPam();
    return GDALPamRasterBand::GetOffset(success);
}

CPLErr Rok4RasterBand::SetOffset(double offset)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetOffset(offset);
}

double Rok4RasterBand::GetScale(int *success)
{
    Own()->LoadPam();
    return GDALPamRasterBand::GetScale(success);
}

CPLErr Rok4RasterBand::SetScale(double scale)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetScale(scale);
}

GDALRasterAttributeTable *Rok4RasterBand::GetDefaultRAT()
{
    Own()->LoadPam();
    return GDALPamRasterBand::GetDefaultRAT();
}

CPLErr Rok4RasterBand::SetDefaultRAT(const GDALRasterAttributeTable *table)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetDefaultRAT(table);
}

CPLErr Rok4RasterBand::SetDefaultHistogram(double min, double max, int buckets,
                                           GUIntBig *histogram)
{
    Own()->LoadPam();
    return GDALPamRasterBand::SetDefaultHistogram(min, max, buckets, histogram);
}

CPLErr Rok4RasterBand::GetHistogram(double min, double max, int buckets,
                                    GUIntBig *histogram, int includeOutOfRange,
                                    int approxOk, GDALProgressFunc progress,
                                    void *progressData)
{
    Own()->LoadPam();
    return GDALPamRasterBand::GetHistogram(min, max, buckets, histogram,
                                           includeOutOfRange, approxOk,
                                           progress, progressData);
}

CPLErr Rok4RasterBand::GetDefaultHistogram(double *min, double *max,
                                           int *buckets, GUIntBig **histogram,
                                           int force, GDALProgressFunc progress,
                                           void *progressData)
{
    Own()->LoadPam();
    return GDALPamRasterBand::GetDefaultHistogram(
        min, max, buckets, histogram, force, progress, progressData);
}
