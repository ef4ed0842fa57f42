// SPDX-License-Identifier: MIT
// Metadata of ROK4 datasets and bands.
#include "rok4_dataset.h"

#include "pyr_alloc.h"

#include "cpl_minixml.h"

#include <algorithm>
#include <cmath>

namespace
{

constexpr const char *DOMAIN_ROK4 = "ROK4";
constexpr const char *DOMAIN_JSON = "json:ROK4";
constexpr const char *DOMAIN_IMAGE = "IMAGE_STRUCTURE";
constexpr const char *DOMAIN_LOCATION = "LocationInfo";

bool IsDomain(const char *domain, const char *name)
{
    return domain != nullptr && EQUAL(domain, name);
}

bool IsDefault(const char *domain)
{
    return domain == nullptr || domain[0] == '\0';
}

// GDAL's name of the codec; nullptr for none.
const char *CompressionName(enum pyr_codec codec)
{
    switch (codec)
    {
        case PYR_CODEC_RAW:
            break;
        case PYR_CODEC_JPEG:
            return "JPEG";
        case PYR_CODEC_PNG:
            return "PNG";
        case PYR_CODEC_DEFLATE:
            return "DEFLATE";
        case PYR_CODEC_LZW:
            return "LZW";
        case PYR_CODEC_PACKBITS:
            return "PACKBITS";
    }
    return nullptr;
}

std::string NodataText(const struct rok4_descriptor &descriptor,
                       const char *separator)
{
    std::string text;
    for (uint32_t i = 0; i < descriptor.channels; i++)
        text += CPLSPrintf("%s%d", i > 0 ? separator : "",
                           static_cast<int>(descriptor.nodata[i]));
    return text;
}

// Ids of the levels that hold data, fine to coarse.
std::string LevelsText(const struct rok4_descriptor &descriptor)
{
    std::string text;
    for (size_t i = 0; i < descriptor.nlevels; i++)
        if (!descriptor.levels[i].empty)
            text +=
                std::string(text.empty() ? "" : " ") + descriptor.levels[i].id;
    return text;
}

// JSON text may start with a byte order mark, but not within other text.
const char *WithoutMark(const char *text)
{
    constexpr const char *MARK = "\xEF\xBB\xBF";
    return STARTS_WITH(text, MARK) ? text + strlen(MARK) : text;
}

} // namespace

// The rectangle as a polygon in longitude and latitude; empty when it cannot be
// transformed.
static std::string LonLatPolygon(const OGRSpatialReference *srs,
                                 const struct pyr_grid_bounds &bounds)
{
    OGRSpatialReference lonLat;
    lonLat.SetWellKnownGeogCS("WGS84");
    lonLat.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
    if (srs == nullptr)
        return "";
    const std::unique_ptr<OGRCoordinateTransformation> transformation(
        OGRCreateCoordinateTransformation(srs, &lonLat));
    double x[] = {bounds.min_x, bounds.max_x, bounds.max_x, bounds.min_x,
                  bounds.min_x};
    double y[] = {bounds.max_y, bounds.max_y, bounds.min_y, bounds.min_y,
                  bounds.max_y};
    if (transformation == nullptr || !transformation->Transform(5, x, y))
        return "";
    std::string text = "POLYGON ((";
    for (int i = 0; i < 5; i++)
        text += CPLSPrintf("%s%.15g %.15g", i > 0 ? "," : "", x[i], y[i]);
    return text + "))";
}

CPLStringList Rok4Dataset::MakeRok4Domain() const
{
    const struct rok4_descriptor &descriptor = *m_pyramid->Get()->descriptor;
    const std::string format = rok4_format_name(descriptor.format);
    // TIFF_ZIP_UINT8
    const CPLStringList parts(CSLTokenizeString2(format.c_str(), "_", 0));
    CPLStringList items;
    items.SetNameValue("SRS", m_pyramid->Get()->grid->crs);
    const std::string extent = LonLatPolygon(GetSpatialRef(), m_bounds);
    if (!extent.empty())
        items.SetNameValue("EXTENT", extent.c_str());
    items.SetNameValue("LEVELS", LevelsText(descriptor).c_str());
    items.SetNameValue("COMPRESSION", parts[1]);
    items.SetNameValue("CHANNELS_FORMAT", parts[2]);
    items.SetNameValue("CHANNELS_NUMBER",
                       CPLSPrintf("%d", static_cast<int>(descriptor.channels)));
    items.SetNameValue("NODATA_VALUE", NodataText(descriptor, ",").c_str());
    return items;
}

// Domains whose content does not depend on PAM; empty for others.
const CPLStringList &Rok4Dataset::OwnMetadata(const char *domain)
{
    const struct rok4_pyramid &pyramid = *m_pyramid->Get();
    const struct rok4_descriptor &descriptor = *pyramid.descriptor;
    if (IsDomain(domain, DOMAIN_IMAGE))
    {
        if (m_imageStructure.empty())
        {
            const char *const compression =
                CompressionName(rok4_format_codec(descriptor.format));
            if (compression != nullptr)
                m_imageStructure.SetNameValue("COMPRESSION", compression);
            m_imageStructure.SetNameValue("INTERLEAVE",
                                          nBands > 1 ? "PIXEL" : "BAND");
        }
        return m_imageStructure;
    }
    if (IsDomain(domain, DOMAIN_JSON))
    {
        if (m_json.empty())
            m_json.AddString(
                (std::string("{\"descriptor\":") +
                 WithoutMark(pyramid.descriptor_text) +
                 ",\"tile_matrix_set\":" + WithoutMark(pyramid.tms_text) + "}")
                    .c_str());
        return m_json;
    }
    if (IsDomain(domain, DOMAIN_ROK4))
    {
        if (m_rok4.empty())
            m_rok4 = MakeRok4Domain();
        return m_rok4;
    }
    if (m_default.empty())
    {
        const struct rok4_level &level = descriptor.levels[m_view.level];
        m_default.SetNameValue("TMS", descriptor.tms_name);
        m_default.SetNameValue("FORMAT", rok4_format_name(descriptor.format));
        m_default.SetNameValue("LEVELS", LevelsText(descriptor).c_str());
        if (descriptor.interpolation != nullptr)
            m_default.SetNameValue("INTERPOLATION", descriptor.interpolation);
        m_default.SetNameValue(
            "TILES_PER_WIDTH",
            CPLSPrintf("%d", static_cast<int>(level.tiles_per_width)));
        m_default.SetNameValue(
            "TILES_PER_HEIGHT",
            CPLSPrintf("%d", static_cast<int>(level.tiles_per_height)));
        if (m_validity.pixelNodata)
            m_default.SetNameValue("NODATA_VALUES",
                                   NodataText(descriptor, " ").c_str());
    }
    return m_default;
}

char **Rok4Dataset::GetMetadataDomainList()
{
    LoadPam();
    return BuildMetadataDomainList(GDALPamDataset::GetMetadataDomainList(),
                                   TRUE, "", DOMAIN_IMAGE, DOMAIN_ROK4,
                                   DOMAIN_JSON, nullptr);
}

GDALCompatMetadata Rok4Dataset::GetMetadata(const char *domain)
{
    if (IsDomain(domain, DOMAIN_IMAGE) || IsDomain(domain, DOMAIN_ROK4) ||
        IsDomain(domain, DOMAIN_JSON))
        return const_cast<char **>(OwnMetadata(domain).List());
    LoadPam();
    if (!IsDefault(domain))
        return GDALPamDataset::GetMetadata(domain);
    // What PAM says is added to what the descriptor says.
    m_merged = OwnMetadata("");
    const CPLStringList pam(
        CSLDuplicate(const_cast<char **>(GDALPamDataset::GetMetadata(domain))));
    for (int i = 0; i < pam.size(); i++)
    {
        char *key = nullptr;
        const char *const value = CPLParseNameValue(pam[i], &key);
        if (key != nullptr)
            m_merged.SetNameValue(key, value);
        CPLFree(key);
    }
    return m_merged.List();
}

const char *Rok4Dataset::GetMetadataItem(const char *name, const char *domain)
{
    const bool own = IsDefault(domain) || IsDomain(domain, DOMAIN_IMAGE) ||
                     IsDomain(domain, DOMAIN_ROK4);
    // Asked for by GDAL itself when it looks for a mask: not worth a sidecar.
    if (IsDefault(domain) && !EQUAL(name, "NODATA_VALUES"))
        LoadPam();
    if (!own || (IsDefault(domain) && m_pamLoaded))
    {
        LoadPam();
        const char *const value = GDALPamDataset::GetMetadataItem(name, domain);
        if (value != nullptr || !own)
            return value;
    }
    return OwnMetadata(domain).FetchNameValue(name);
}

char **Rok4RasterBand::GetMetadataDomainList()
{
    Own()->LoadPam();
    return GDALPamRasterBand::GetMetadataDomainList();
}

// GDAL itself asks for image structure before each read.
void Rok4RasterBand::LoadPamFor(const char *domain)
{
    if (!IsDomain(domain, DOMAIN_IMAGE))
        Own()->LoadPam();
}

GDALCompatMetadata Rok4RasterBand::GetMetadata(const char *domain)
{
    LoadPamFor(domain);
    return GDALPamRasterBand::GetMetadata(domain);
}

const char *Rok4RasterBand::GetMetadataItem(const char *name,
                                            const char *domain)
{
    if (IsDomain(domain, DOMAIN_LOCATION))
        return LocationInfo(name);
    LoadPamFor(domain);
    return GDALPamRasterBand::GetMetadataItem(name, domain);
}

// The pixel of this band that "Pixel_X_Y", or "GeoPixel_X_Y" in CRS units,
// names. False for other names and beyond the raster.
bool Rok4RasterBand::LocationPixel(const char *name, int *x, int *y) const
{
    const bool geographic = STARTS_WITH_CI(name, "GeoPixel_");
    if (!geographic && !STARTS_WITH_CI(name, "Pixel_"))
        return false;
    const CPLStringList parts(
        CSLTokenizeString2(strchr(name, '_') + 1, "_", 0));
    if (parts.size() != 2)
        return false;
    double column = CPLAtof(parts[0]);
    double row = CPLAtof(parts[1]);
    if (geographic)
    {
        const Rok4Dataset *const dataset = Own();
        const struct pyr_grid_bounds &bounds = dataset->m_bounds;
        column = std::floor((column - bounds.min_x) * nRasterXSize /
                            (bounds.max_x - bounds.min_x));
        row = std::floor((bounds.max_y - row) * nRasterYSize /
                         (bounds.max_y - bounds.min_y));
    }
    if (!(column >= 0 && column < nRasterXSize && row >= 0 &&
          row < nRasterYSize))
        return false;
    *x = static_cast<int>(column);
    *y = static_cast<int>(row);
    return true;
}

// Which tile and slab hold a pixel, and whether they are there; nullptr when
// the name says no pixel.
const char *Rok4RasterBand::LocationInfo(const char *name)
{
    const Rok4Dataset *const dataset = Own();
    int x = 0;
    int y = 0;
    if (!LocationPixel(name, &x, &y))
        return nullptr;
    const struct pyr_window window = dataset->Window(x, y, 1, 1);
    const struct pyr_source_level &level =
        dataset->m_pyramid->Level(window.level);
    const CPLXMLTreeCloser root(
        CPLCreateXMLNode(nullptr, CXT_Element, "LocationInfo"));
    CPLCreateXMLElementAndValue(root.get(), "Level", level.id);
    enum pyr_presence presence = PYR_OUTSIDE;
    struct pyr_extent extent = {};
    // A view may reach far beyond the matrix.
    if (window.px_x >= 0 && window.px_y >= 0 &&
        window.px_x / level.shape.width_px <= UINT32_MAX &&
        window.px_y / level.shape.height_px <= UINT32_MAX)
    {
        const uint32_t col =
            static_cast<uint32_t>(window.px_x / level.shape.width_px);
        const uint32_t row =
            static_cast<uint32_t>(window.px_y / level.shape.height_px);
        char *path = nullptr;
        if (dataset->m_pyramid->Locate(window.level, col, row, &presence,
                                       &extent) != CE_None ||
            rok4_pyramid_slab_path(
                dataset->m_pyramid->Get(), ROK4_PLANE_DATA, window.level,
                col / level.container_width_tiles,
                row / level.container_height_tiles, &path) != PYR_OK)
            return nullptr;
        CPLCreateXMLElementAndValue(root.get(), "TileColumn",
                                    CPLSPrintf("%u", col));
        CPLCreateXMLElementAndValue(root.get(), "TileRow",
                                    CPLSPrintf("%u", row));
        CPLCreateXMLElementAndValue(root.get(), "File", path);
        pyr_free(path);
    }
    CPLCreateXMLElementAndValue(
        root.get(), "Offset",
        CPLSPrintf(CPL_FRMT_GUIB, static_cast<GUIntBig>(extent.offset_bytes)));
    CPLCreateXMLElementAndValue(
        root.get(), "Size",
        CPLSPrintf(CPL_FRMT_GUIB, static_cast<GUIntBig>(extent.nbytes)));
    CPLCreateXMLElementAndValue(root.get(), "Status",
                                presence == PYR_PRESENT ? "present" : "absent");
    char *const text = CPLSerializeXMLTree(root.get());
    m_location = text;
    CPLFree(text);
    return m_location.c_str();
}
