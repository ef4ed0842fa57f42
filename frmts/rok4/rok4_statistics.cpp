// SPDX-License-Identifier: MIT
// Statistics in a PAM file, which are dropped when pixels change.
#include "rok4_statistics.h"

#include "vsi_io.h"

#include "cpl_conv.h"
#include "cpl_minixml.h"

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

bool Rok4WithoutStatistics(const std::string &path, std::string *text)
{
    const std::string sidecar = Rok4SidecarOf(path);
    if (!vsi_io_exists(sidecar.c_str()))
        return false;
    CPLXMLTreeCloser root(CPLParseXMLFile(sidecar.c_str()));
    bool changed = false;
    for (CPLXMLNode *node = root.get(); node != nullptr; node = node->psNext)
        changed = RemoveStatistics(node) || changed;
    if (!changed)
        return false;
    char *const serialized = CPLSerializeXMLTree(root.get());
    *text = serialized;
    CPLFree(serialized);
    return true;
}
