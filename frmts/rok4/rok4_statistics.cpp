// SPDX-License-Identifier: MIT
// Statistics in a PAM file, which are dropped when pixels change.
#include "rok4_update.h"

#include "vsi_io.h"
#include "vsi_tree.h"

#include "cpl_minixml.h"

#include <cstring>

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

void Rok4DropStatistics(const std::string &path)
{
    const std::string sidecar = path + ".aux.xml";
    if (!vsi_io_exists(sidecar.c_str()))
        return;
    CPLXMLTreeCloser root(CPLParseXMLFile(sidecar.c_str()));
    bool changed = false;
    for (CPLXMLNode *node = root.get(); node != nullptr; node = node->psNext)
        changed = RemoveStatistics(node) || changed;
    if (!changed)
        return;
    char *const text = CPLSerializeXMLTree(root.get());
    const struct pyr_tree tree = vsi_tree_make();
    struct pyr_error err = {""};
    const enum pyr_result result =
        pyr_tree_store(&tree, sidecar.c_str(), text, strlen(text), &err);
    if (result != PYR_OK)
        Rok4Report(
            CE_Warning, result,
            CPLSPrintf("statistics that are outdated stay: %s", err.text));
    CPLFree(text);
}
