// SPDX-License-Identifier: MIT
// Coordinate reference systems as the text of a tile matrix set.
#include "crs_text.h"

#include "cpl_conv.h"
#include "cpl_string.h"
#include "ogr_spatialref.h"

#include <cmath>
#include <memory>
#include <string>

namespace
{

double MetresPerUnit(const OGRSpatialReference &crs)
{
    if (crs.IsProjected())
        return crs.GetLinearUnits();
    if (crs.IsGeographic())
        return crs.GetSemiMajor() * M_PI / 180;
    return 1;
}

// The name by which everybody knows the CRS, or nothing.
std::string NameOf(const OGRSpatialReference &crs)
{
    const char *const authority = crs.GetAuthorityName(nullptr);
    const char *const code = crs.GetAuthorityCode(nullptr);
    if (authority == nullptr || code == nullptr)
        return std::string();
    if (EQUAL(authority, "EPSG") && EQUAL(code, "4326"))
        return "http://www.opengis.net/def/crs/OGC/1.3/CRS84";
    if (crs.EPSGTreatsAsLatLong() || crs.EPSGTreatsAsNorthingEasting())
        return std::string();
    const std::string name =
        EQUAL(authority, "EPSG")
            ? std::string("http://www.opengis.net/def/crs/EPSG/0/") + code
            : std::string(authority) + ":" + code;
    OGRSpatialReference back;
    CPLErrorStateBackuper quiet;
    CPLPushErrorHandler(CPLQuietErrorHandler);
    const bool known = back.SetFromUserInput(name.c_str()) == OGRERR_NONE;
    CPLPopErrorHandler();
    return known ? name : std::string();
}

// A definition in which the order of axes is the usual one.
char *WktOf(const OGRSpatialReference &crs)
{
    OGRSpatialReference plain(crs);
    OGR_SRSNode *const root = plain.GetRoot();
    if (root == nullptr)
        return nullptr;
    root->StripNodes("AUTHORITY");
    root->StripNodes("AXIS");
    char *text = nullptr;
    const char *const options[] = {"FORMAT=WKT1_GDAL", nullptr};
    if (root->exportToWkt(&text) != OGRERR_NONE || text == nullptr ||
        text[0] == '\0')
    {
        CPLFree(text);
        text = nullptr;
        if (crs.exportToWkt(&text, options) != OGRERR_NONE)
        {
            CPLFree(text);
            return nullptr;
        }
    }
    return text;
}

} // namespace

bool crs_text_make(OGRSpatialReferenceH crs, char **out_text,
                   double *out_metres_per_unit)
{
    if (crs == nullptr)
        return false;
    OGRSpatialReference flat(*OGRSpatialReference::FromHandle(crs));
    if (flat.IsEmpty())
        return false;
    if (flat.IsCompound())
        flat.StripVertical();
    const std::string name = NameOf(flat);
    char *const text = name.empty() ? WktOf(flat) : CPLStrdup(name.c_str());
    if (text == nullptr)
        return false;
    *out_text = text;
    *out_metres_per_unit = MetresPerUnit(flat);
    return true;
}
