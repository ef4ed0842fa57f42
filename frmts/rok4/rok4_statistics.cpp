// SPDX-License-Identifier: MIT
// Statistics in a PAM file, which are dropped when pixels change.
#include "rok4_statistics.h"

#include "pyr_alloc.h"
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

enum pyr_result Rok4LoadSidecar(const std::string &path, std::string *out_text,
                                struct pyr_error *err)
{
    const struct pyr_io io = vsi_io_make();
    char *text = nullptr;
    size_t nbytes = 0;
    const enum pyr_result result =
        io.load(io.user, Rok4SidecarOf(path).c_str(), PYR_MAX_JSON_BYTES, &text,
                &nbytes, err);
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
