// SPDX-License-Identifier: MIT
// PAM of ROK4 datasets and bands: read when it is asked for, not at opening.
#include "rok4_dataset.h"

#include "memory_file.h"
#include "rok4_connection.h"
#include "rok4_sidecar.h"
#include "storage_answer.h"
#include "storage_path.h"
#include "vsi_io.h"
#include "vsi_objects.h"
#include "vsi_source.h"

#include "cpl_minixml.h"

#include <string>

// Whether the text of a sidecar has something for a way to see the pyramid. For
// one that has not, GDAL would look for other files.
static bool HasPart(const std::string &text, const char *part)
{
    const CPLErrorStateBackuper backup;
    const CPLErrorHandlerPusher quiet(CPLQuietErrorHandler);
    const CPLXMLTreeCloser tree(CPLParseXMLString(text.c_str()));
    const CPLXMLNode *const root =
        tree != nullptr ? CPLGetXMLNode(tree.get(), "=PAMDataset") : nullptr;
    if (root == nullptr || part == nullptr || part[0] == '\0')
        return root != nullptr;
    for (const CPLXMLNode *node = root->psChild; node != nullptr;
         node = node->psNext)
        if (node->eType == CXT_Element && EQUAL(node->pszValue, "Subdataset") &&
            EQUAL(CPLGetXMLValue(node, "name", ""), part))
            return CPLGetXMLNode(node, "PAMDataset") != nullptr;
    return false;
}

// GDAL would ask without the storage's settings, and take what it cannot read
// for nothing.
void Rok4Dataset::LoadRemotePam()
{
    const char *const path = m_pyramid->Get()->path;
    std::string text;
    struct pyr_error err = {""};
    // For a bare name it has just listed the directory.
    m_pamAssumed = !rok4_connection_has_prefix(GetDescription()) &&
                   VsiSource::IsAbsentForGdal(Rok4SidecarOf(path).c_str());
    if (m_pamAssumed)
        return;
    const enum pyr_result result = Rok4LoadSidecar(path, &text, &err);
    m_pamUnknown = result != PYR_OK && result != PYR_NOT_FOUND;
    // Object storages also forbid what is not there.
    if (m_pamUnknown && !StorageForbids())
    {
        pyr_error_prefix(&err, "%s", Rok4SidecarOf(path).c_str());
        Rok4Report(CE_Warning, result, err.text);
    }
    if (result != PYR_OK || !HasPart(text, GetSubdatasetName()))
        return;
    const MemoryFile file(text);
    const std::string sidecar = psPam->pszPamFilename;
    CPLFree(psPam->pszPamFilename);
    psPam->pszPamFilename = CPLStrdup(file.Path().c_str());
    TryLoadXML();
    if (psPam == nullptr)
        return;
    CPLFree(psPam->pszPamFilename);
    psPam->pszPamFilename = CPLStrdup(sidecar.c_str());
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
// those of other ways to see the pyramid. It removes a file for which it has
// nothing.
static void RestoreParts(const std::string &path, const CPLXMLNode *before)
{
    CPLXMLTreeCloser tree(
        vsi_io_exists(path.c_str()) ? CPLParseXMLFile(path.c_str()) : nullptr);
    if (tree == nullptr)
        tree.reset(CPLCreateXMLNode(nullptr, CXT_Element, "PAMDataset"));
    CPLXMLNode *const root = CPLGetXMLNode(tree.get(), "=PAMDataset");
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

CPLErr Rok4Dataset::SavePamTo(const std::string &sidecar)
{
    const char *const part = GetSubdatasetName();
    CPLXMLTreeCloser tree(nullptr);
    if ((part == nullptr || part[0] == '\0') && vsi_io_exists(sidecar.c_str()))
        tree.reset(CPLParseXMLFile(sidecar.c_str()));
    const CPLErr result = GDALPamDataset::TrySaveXML();
    const CPLXMLNode *const before =
        tree != nullptr ? CPLGetXMLNode(tree.get(), "=PAMDataset") : nullptr;
    if (before != nullptr && result == CE_None)
        RestoreParts(sidecar, before);
    return result;
}

// Something may have been set that does not come this way: writing it would
// wipe out what the file holds.
CPLErr Rok4Dataset::TrySaveXML()
{
    // Else GDAL saves by its way, in the end, what was not.
    nPamFlags &= ~GPF_DIRTY;
    const char *const name = m_pamLoaded ? BuildPamFilename() : nullptr;
    if (name == nullptr)
        return CE_None;
    const std::string sidecar = name;
    const std::string path = m_pyramid->Get()->path;
    if (!vsi_io_is_remote(name))
        return SavePamTo(sidecar);
    struct pyr_error err = {""};
    if (m_pamAssumed)
    {
        std::string text;
        m_pamUnknown = Rok4LoadSidecar(path, &text, &err) != PYR_NOT_FOUND;
    }
    m_pamAssumed = false;
    if (vsi_objects_are_at(path.c_str()))
        return Rok4SaveSidecarObject(
            path, psPam, !m_pamUnknown,
            [this](const std::string &file) { return SavePamTo(file); });
    StoragePath place;
    return m_pamUnknown || place.Resolve(path.c_str(), &err) != PYR_OK
               ? CE_None
               : SavePamTo(sidecar);
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
