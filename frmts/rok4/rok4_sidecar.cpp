// SPDX-License-Identifier: MIT
// The PAM file beside a descriptor, on any storage.
#include "rok4_sidecar.h"

#include "memory_file.h"
#include "pyr_alloc.h"
#include "rok4_dataset.h"
#include "storage_answer.h"
#include "storage_path.h"
#include "vsi_io.h"
#include "vsi_objects.h"
#include "vsi_tree.h"

#include "cpl_conv.h"
#include "cpl_minixml.h"

// Attribute tables and histograms make it large.
static constexpr size_t MAX_SIDECAR_BYTES = 256 << 20;

// Whether an element tells what the pixels were.
static bool IsStatistic(const CPLXMLNode *node)
{
    if (node->eType != CXT_Element)
        return false;
    return EQUAL(node->pszValue, "Histograms") ||
           (EQUAL(node->pszValue, "MDI") &&
            STARTS_WITH_CI(CPLGetXMLValue(node, "key", ""), "STATISTICS_"));
}

// Removes them at any depth: each way to see a pyramid has a part of its own.
static bool RemoveStatistics(CPLXMLNode *parent)
{
    bool changed = false;
    CPLXMLNode *next = nullptr;
    for (CPLXMLNode *child = parent->psChild; child != nullptr; child = next)
    {
        next = child->psNext;
        if (IsStatistic(child))
        {
            CPLRemoveXMLChild(parent, child);
            CPLDestroyXMLNode(child);
            changed = true;
        }
        else if (child->eType == CXT_Element)
            changed = RemoveStatistics(child) || changed;
    }
    return changed;
}

std::string Rok4SidecarOf(const std::string &path)
{
    return path + ".aux.xml";
}

enum pyr_result Rok4LoadSidecar(const std::string &path, std::string *out_text,
                                struct pyr_error *err)
{
    const struct pyr_io io = vsi_io_make();
    const std::string sidecar = Rok4SidecarOf(path);
    char *text = nullptr;
    size_t nbytes = 0;
    // A link to nowhere is none, as for GDAL.
    if (!vsi_io_is_remote(path.c_str()) && !vsi_io_exists(sidecar.c_str()))
        return pyr_fail(err, PYR_NOT_FOUND, "does not exist");
    enum pyr_result result = io.load(io.user, sidecar.c_str(),
                                     MAX_SIDECAR_BYTES, &text, &nbytes, err);
    if (result == PYR_IO && StorageForbidsAbsent())
        result = PYR_NOT_FOUND;
    if (result == PYR_OK)
        out_text->assign(text, nbytes);
    pyr_free(text);
    return result;
}

enum pyr_result Rok4WithoutStatistics(const std::string &path,
                                      std::string *out_text,
                                      struct pyr_error *err)
{
    std::string text;
    const enum pyr_result result = Rok4LoadSidecar(path, &text, err);
    out_text->clear();
    if (result != PYR_OK)
        return result == PYR_NOT_FOUND ? PYR_OK : result;
    const CPLXMLTreeCloser root(CPLParseXMLString(text.c_str()));
    bool changed = false;
    for (CPLXMLNode *node = root.get(); node != nullptr; node = node->psNext)
        changed = RemoveStatistics(node) || changed;
    if (!changed)
        return PYR_OK;
    char *const serialized = CPLSerializeXMLTree(root.get());
    *out_text = serialized;
    CPLFree(serialized);
    return PYR_OK;
}

enum pyr_result Rok4PutSidecarObject(const std::string &path,
                                     const std::string &text,
                                     struct pyr_error *err)
{
    const std::string sidecar = Rok4SidecarOf(path);
    const char *const name = sidecar.c_str();
    const struct pyr_objects objects = vsi_objects_make();
    struct pyr_tree tree = vsi_tree_make();
    tree.out = objects.out;
    return text.empty()
               ? objects.remove(objects.user, &name, 1, err)
               : pyr_tree_store(&tree, name, text.data(), text.size(), err);
}

// save() with GDAL's PAM file called so.
static CPLErr SaveAs(const std::string &name, GDALDatasetPamInfo *pam,
                     const std::function<CPLErr(const std::string &name)> &save)
{
    CPLFree(pam->pszPamFilename);
    pam->pszPamFilename = CPLStrdup(name.c_str());
    return save(name);
}

CPLErr Rok4SaveSidecarObject(
    const std::string &path, GDALDatasetPamInfo *pam, bool known,
    const std::function<CPLErr(const std::string &name)> &save)
{
    const std::string sidecar = Rok4SidecarOf(path);
    std::string before;
    struct pyr_error err = {""};
    enum pyr_result result =
        known ? Rok4LoadSidecar(path, &before, &err)
              : pyr_fail(&err, PYR_IO, "what is there could not be read");
    if (result == PYR_NOT_FOUND)
        result = PYR_OK;
    pyr_error_prefix(&err, "%s", sidecar.c_str());
    if (result == PYR_OK)
    {
        const MemoryFile file(before);
        const CPLErr saved = SaveAs(file.Path(), pam, save);
        CPLFree(pam->pszPamFilename);
        pam->pszPamFilename =
            CPLStrdup(StoragePath::Plain(sidecar.c_str()).c_str());
        if (saved != CE_None)
            return saved;
        const std::string after = file.Text();
        if (after != before)
            result = Rok4PutSidecarObject(path, after, &err);
    }
    if (result == PYR_OK)
        return CE_None;
    const char *const elsewhere =
        PamAllocateProxy(StoragePath::Plain(path.c_str()).c_str());
    if (elsewhere != nullptr)
        return SaveAs(elsewhere, pam, save);
    pyr_error_prefix(&err, "metadata is not kept");
    Rok4Report(CE_Warning, result, err.text);
    return CE_Warning;
}
