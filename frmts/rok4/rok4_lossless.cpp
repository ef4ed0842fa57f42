// SPDX-License-Identifier: MIT
// Copying a pyramid without decoding it: when it can be done.
#include "rok4_lossless.h"

#include "rok4_creation.h"
#include "vsi_io.h"

#include "cpl_conv.h"
#include "cpl_minixml.h"

#include <cmath>
#include <cstring>

namespace
{

// The number of an attribute of a VRT's rectangle; NaN where it is missing.
double Side(CPLXMLNode *source, const char *rectangle, const char *name)
{
    const std::string path = std::string(rectangle) + "." + name;
    const char *const text = CPLGetXMLValue(source, path.c_str(), nullptr);
    return text != nullptr ? CPLAtof(text) : std::nan("");
}

bool IsWhole(CPLXMLNode *source, const char *rectangle, GDALDataset *dataset)
{
    return Side(source, rectangle, "xOff") == 0 &&
           Side(source, rectangle, "yOff") == 0 &&
           Side(source, rectangle, "xSize") == dataset->GetRasterXSize() &&
           Side(source, rectangle, "ySize") == dataset->GetRasterYSize();
}

// The one source of a VRT band that does nothing but copy band `number`.
CPLXMLNode *OnlySource(CPLXMLNode *band, int number, GDALDataset *dataset)
{
    CPLXMLNode *found = nullptr;
    for (CPLXMLNode *child = band->psChild; child != nullptr;
         child = child->psNext)
    {
        if (child->eType != CXT_Element ||
            strstr(child->pszValue, "Source") == nullptr)
            continue;
        if (found != nullptr || !EQUAL(child->pszValue, "SimpleSource"))
            return nullptr;
        found = child;
    }
    if (CPLGetXMLValue(band, "subClass", nullptr) != nullptr ||
        found == nullptr ||
        CPLAtof(CPLGetXMLValue(found, "SourceBand", "0")) != number ||
        !IsWhole(found, "SrcRect", dataset) ||
        !IsWhole(found, "DstRect", dataset))
        return nullptr;
    return found;
}

// A VRT names files beside it without their directory, which may not be the one
// that it is opened in: what it opened tells. "" where that is another file.
std::string FileOf(CPLXMLNode *source, GDALDataset *vrt)
{
    const std::string name = CPLGetXMLValue(source, "SourceFilename", "");
    if (!CPLTestBool(
            CPLGetXMLValue(source, "SourceFilename.relativeToVRT", "0")))
        return name;
    const std::string directory = CPLGetPath(vrt->GetDescription());
    const std::string file = directory.empty() ? name : directory + "/" + name;
    const CPLStringList files(vrt->GetFileList());
    return files.FindString(file.c_str()) >= 0 ? file : "";
}

// The file that every band of a VRT shows as it is; "" for other VRT.
std::string OnlyFile(CPLXMLNode *root, GDALDataset *dataset,
                     CPLStringList *openOptions)
{
    std::string file;
    int number = 0;
    CPLXMLNode *const vrt = CPLGetXMLNode(root, "=VRTDataset");
    if (vrt == nullptr || CPLGetXMLValue(vrt, "subClass", nullptr) != nullptr)
        return "";
    for (CPLXMLNode *child = vrt->psChild; child != nullptr;
         child = child->psNext)
    {
        if (child->eType != CXT_Element ||
            !EQUAL(child->pszValue, "VRTRasterBand"))
            continue;
        CPLXMLNode *const source = OnlySource(child, ++number, dataset);
        if (source == nullptr)
            return "";
        const std::string name = FileOf(source, dataset);
        if (number > 1 && name != file)
            return "";
        file = name;
        CPLXMLNode *const options = CPLGetXMLNode(source, "OpenOptions");
        openOptions->Clear();
        for (CPLXMLNode *option = options != nullptr ? options->psChild
                                                     : nullptr;
             option != nullptr; option = option->psNext)
            openOptions->SetNameValue(CPLGetXMLValue(option, "key", ""),
                                      CPLGetXMLValue(option, nullptr, ""));
    }
    return file;
}

// Whether the VRT tells the same of its pixels as what it shows.
bool IsUntouched(GDALDataset *vrt, GDALDataset *shown)
{
    double left[6] = {0, 0, 0, 0, 0, 0};
    double right[6] = {0, 0, 0, 0, 0, 0};
    if (GDALGetGeoTransform(GDALDataset::ToHandle(vrt), left) !=
            GDALGetGeoTransform(GDALDataset::ToHandle(shown), right) ||
        memcmp(left, right, sizeof(left)) != 0 ||
        vrt->GetRasterXSize() != shown->GetRasterXSize() ||
        vrt->GetRasterYSize() != shown->GetRasterYSize() ||
        vrt->GetRasterCount() != shown->GetRasterCount())
        return false;
    const OGRSpatialReference *const leftSrs = vrt->GetSpatialRef();
    const OGRSpatialReference *const rightSrs = shown->GetSpatialRef();
    if ((leftSrs == nullptr) != (rightSrs == nullptr) ||
        (leftSrs != nullptr && !leftSrs->IsSame(rightSrs)))
        return false;
    for (int i = 1; i <= vrt->GetRasterCount(); i++)
    {
        GDALRasterBand *const leftBand = vrt->GetRasterBand(i);
        GDALRasterBand *const rightBand = shown->GetRasterBand(i);
        int leftHas = FALSE;
        int rightHas = FALSE;
        const double leftValue = leftBand->GetNoDataValue(&leftHas);
        const double rightValue = rightBand->GetNoDataValue(&rightHas);
        if (leftBand->GetRasterDataType() != rightBand->GetRasterDataType() ||
            leftHas != rightHas || (leftHas && leftValue != rightValue) ||
            leftBand->GetMaskFlags() != rightBand->GetMaskFlags())
            return false;
    }
    return true;
}

Rok4WholePyramid None(const char *why)
{
    Rok4WholePyramid none;
    none.why = why;
    return none;
}

Rok4WholePyramid Of(Rok4Dataset *dataset)
{
    if (dataset->GetAccess() == GA_Update)
        dataset->FlushCache(false);
    Rok4WholePyramid whole;
    whole.pyramid = dataset->Pyramid();
    whole.level = dataset->Level();
    return whole;
}

// An option that is given and does not say what the pyramid has.
std::string Differs(CSLConstList options, const char *name,
                    const std::string &own)
{
    const char *const value = CSLFetchNameValue(options, name);
    if (value == nullptr || EQUAL(value, own.c_str()))
        return "";
    return CPLSPrintf("%s=%s, the source has %s", name, value, own.c_str());
}

// COMPRESS and QUALITY that stand for a format.
std::string CompressOf(enum rok4_format format)
{
    switch (rok4_format_codec(format))
    {
        case PYR_CODEC_RAW:
            return "NONE";
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
    return "";
}

// Values of NODATA that mean the pyramid's.
std::string NodataDiffers(CSLConstList options,
                          const struct rok4_descriptor &descriptor)
{
    const char *const value = CSLFetchNameValue(options, "NODATA");
    if (value == nullptr)
        return "";
    const CPLStringList wishes(CSLTokenizeString2(value, ",", 0));
    for (uint32_t i = 0; i < descriptor.channels; i++)
    {
        const int at = wishes.size() == 1 ? 0 : static_cast<int>(i);
        if (at >= wishes.size() || CPLAtof(wishes[at]) != descriptor.nodata[i])
            return CPLSPrintf("NODATA=%s is not the source's", value);
    }
    return "";
}

// BOTTOM_LEVEL or TOP_LEVEL that the source does not show.
std::string LevelMissing(CSLConstList options, const char *name,
                         const Rok4WholePyramid &source)
{
    const char *const value = CSLFetchNameValue(options, name);
    const struct rok4_descriptor &descriptor =
        *source.pyramid->Get()->descriptor;
    if (value == nullptr || value[0] == '\0')
        return "";
    for (size_t i = source.level; i < descriptor.nlevels; i++)
        if (strcmp(descriptor.levels[i].id, value) == 0)
            return "";
    return CPLSPrintf("%s=%s, which the source has not", name, value);
}

} // namespace

Rok4WholePyramid Rok4FindWholePyramid(GDALDataset *source)
{
    Rok4Dataset *const direct = dynamic_cast<Rok4Dataset *>(source);
    if (direct != nullptr)
        return Of(direct);
    GDALDriver *const driver = source->GetDriver();
    CSLConstList const xml = source->GetMetadata("xml:VRT");
    if (driver == nullptr || !EQUAL(driver->GetDescription(), "VRT") ||
        xml == nullptr || xml[0] == nullptr)
        return None("the source is not a ROK4 pyramid");
    const CPLXMLTreeCloser root(CPLParseXMLString(xml[0]));
    CPLStringList openOptions;
    const std::string file =
        root != nullptr ? OnlyFile(root.get(), source, &openOptions) : "";
    if (file.empty())
        return None("the source is not one whole ROK4 pyramid");
    const char *const drivers[] = {"ROK4", nullptr};
    const std::unique_ptr<GDALDataset> shown(GDALDataset::FromHandle(GDALOpenEx(
        file.c_str(), GDAL_OF_RASTER, drivers, openOptions.List(), nullptr)));
    Rok4Dataset *const inner = dynamic_cast<Rok4Dataset *>(shown.get());
    if (inner == nullptr || !IsUntouched(source, inner))
        return None("the source is not one whole ROK4 pyramid as it is");
    return Of(inner);
}

std::string Rok4WhyNotLossless(const Rok4WholePyramid &source,
                               CSLConstList options,
                               const Rok4CreationOptions &parsed)
{
    if (source.pyramid == nullptr)
        return source.why;
    const struct rok4_descriptor &descriptor =
        *source.pyramid->Get()->descriptor;
    if (parsed.updateMode != Rok4UpdateMode::None)
        return "UPDATE_MODE paints on another pyramid";
    if (!parsed.tilingScheme.empty() &&
        !Rok4IsScheme(vsi_io_make(), parsed.tilingScheme, descriptor.tms_name,
                      source.pyramid->Get()->tms_text))
        return CPLSPrintf("TILING_SCHEME=%s is not that of the source, %s",
                          parsed.tilingScheme.c_str(), descriptor.tms_name);
    // Pixels on their grid are not warped: methods for that change nothing.
    const std::string overview = Rok4RecipeOf(*source.pyramid->Get()).overview;
    if (!parsed.overviewResampling.empty() &&
        parsed.overviewResampling != overview)
        return CPLSPrintf("coarser levels are to be made by %s, the source has "
                          "%s",
                          parsed.overviewResampling.c_str(), overview.c_str());
    if (CSLFetchNameValue(options, "ZLEVEL") != nullptr)
        return "ZLEVEL is given";
    if (parsed.addAlpha && descriptor.channels % 2 == 1)
        return "ADD_ALPHA=YES is given";
    if (parsed.mask == Rok4Choice::Yes && !source.pyramid->Get()->has_masks)
        return "MASK=YES, the source has no masks";
    std::string why =
        Differs(options, "COMPRESS", CompressOf(descriptor.format));
    if (why.empty() && parsed.quality != 0)
        why = Differs(options, "QUALITY",
                      descriptor.format == ROK4_JPG90_UINT8 ? "90" : "75");
    if (why.empty())
        why = NodataDiffers(options, descriptor);
    for (const char *name : {"BOTTOM_LEVEL", "TOP_LEVEL"})
        if (why.empty())
            why = LevelMissing(options, name, source);
    return why;
}
