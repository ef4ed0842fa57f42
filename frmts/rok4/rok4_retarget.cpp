// SPDX-License-Identifier: MIT
// Transformations from a source's pixels to those of a level.
#include "rok4_retarget.h"

#include "cpl_minixml.h"
#include "gdal_alg_priv.h"
#include "gdalwarper.h"
#include "rok4_feed.h"
#include "vrtdataset.h"

namespace
{

// The warper of a warped VRT is private, and its XML does not tell a source
// that has no name to open, such as a dataset in memory. An explicit
// instantiation may name private members.
struct WarperTag
{
};

auto WarperMember(WarperTag);

template <auto Member> struct Exposed
{
    friend auto WarperMember(WarperTag)
    {
        return Member;
    }
};

template struct Exposed<&VRTWarpedDataset::m_poWarper>;

std::string TransformText(const double transform[6])
{
    std::string text;
    for (int i = 0; i < 6; i++)
        text += CPLSPrintf("%s%.17g", i > 0 ? "," : "", transform[i]);
    return text;
}

void Replace(CPLXMLNode *parent, const char *name, const char *value)
{
    CPLXMLNode *const old = CPLGetXMLNode(parent, name);
    if (old != nullptr && CPLRemoveXMLChild(parent, old))
        CPLDestroyXMLNode(old);
    if (value != nullptr)
        CPLCreateXMLElementAndValue(parent, name, value);
}

// Another target CRS for what GDALSerializeTransformer made.
bool ReplaceCrs(CPLXMLNode *node, const OGRSpatialReference *fromCrs,
                const char *toCrs)
{
    CPLXMLNode *step =
        CPLGetXMLNode(node, "ReprojectTransformer.ReprojectionTransformer");
    if (step == nullptr)
    {
        const char *const options[] = {"FORMAT=WKT2_2019", nullptr};
        char *wkt = nullptr;
        if (fromCrs == nullptr ||
            fromCrs->exportToWkt(&wkt, options) != OGRERR_NONE)
        {
            CPLFree(wkt);
            return false;
        }
        step = CPLCreateXMLNode(
            CPLCreateXMLNode(node, CXT_Element, "ReprojectTransformer"),
            CXT_Element, "ReprojectionTransformer");
        CPLCreateXMLElementAndValue(step, "SourceSRS", wkt);
        CPLFree(wkt);
    }
    Replace(step, "TargetSRS", toCrs);
    // A chosen operation leads to the former CRS only.
    Replace(step, "Options", nullptr);
    return true;
}

} // namespace

const GDALWarpOptions *Rok4WarpedVrtOptions(GDALDataset *dataset)
{
    const auto vrt = dynamic_cast<VRTWarpedDataset *>(dataset);
    if (vrt == nullptr)
        return nullptr;
    const auto &warper = vrt->*WarperMember(WarperTag{});
    return warper != nullptr ? warper->GetOptions() : nullptr;
}

Rok4Transformer::~Rok4Transformer()
{
    if (argument != nullptr)
        GDALDestroyTransformer(argument);
}

bool Rok4Transformer::Make(GDALDataset *source, const CPLStringList &options,
                           const double transform[6], double max_error_px)
{
    CPLStringList copy(options);
    void *const exact = GDALCreateGenImgProjTransformer2(
        GDALDataset::ToHandle(source), nullptr, copy.List());
    if (exact == nullptr)
        return false;
    GDALSetGenImgProjTransformerDstGeoTransform(exact, transform);
    argument = GDALCreateApproxTransformer(GDALGenImgProjTransform, exact,
                                           max_error_px);
    GDALApproxTransformerOwnsSubtransformer(argument, TRUE);
    function = GDALApproxTransform;
    return true;
}

bool Rok4Transformer::Clone(GDALTransformerFunc otherFunction,
                            void *otherArgument)
{
    argument = GDALCloneTransformer(otherArgument);
    function = otherFunction;
    return argument != nullptr;
}

bool Rok4Transformer::Retarget(GDALTransformerFunc otherFunction,
                               void *otherArgument, const double transform[6],
                               const OGRSpatialReference *fromCrs,
                               const char *toCrs)
{
    const CPLXMLTreeCloser tree(
        GDALSerializeTransformer(otherFunction, otherArgument));
    CPLXMLNode *node = tree.get();
    if (node != nullptr && EQUAL(node->pszValue, "ApproxTransformer"))
        node = CPLGetXMLNode(node, "BaseTransformer.GenImgProjTransformer");
    if (node == nullptr || !EQUAL(node->pszValue, "GenImgProjTransformer") ||
        CPLGetXMLNode(node, "DstGeoTransform") == nullptr)
    {
        CPLError(CE_Failure, CPLE_NotSupported,
                 "The transformation of the warped VRT cannot be changed");
        return false;
    }
    Replace(node, "DstGeoTransform", TransformText(transform).c_str());
    Replace(node, "DstInvGeoTransform", nullptr);
    if (toCrs != nullptr && !ReplaceCrs(node, fromCrs, toCrs))
        return false;
    return GDALDeserializeTransformer(tree.get(), &function, &argument) ==
           CE_None;
}
