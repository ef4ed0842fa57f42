// SPDX-License-Identifier: MIT
// Encoded tiles of a source: whether they are what the options want.
#include "cogx_encoded.h"

#include "cpl_conv.h"

namespace
{

// Options that want other pixels than those of the source.
std::string ChangesPixels(const CogxOptions &options)
{
    if (!options.tilingScheme.empty())
        return "TILING_SCHEME is given";
    if (!options.targetSrs.empty())
        return "TARGET_SRS is given";
    if (options.res > 0 || !options.extent.empty())
        return "RES or EXTENT is given";
    if (options.nodataToMask)
        return "NODATA_TO_MASK=YES is given";
    if (options.statistics == CogxStatistics::Yes)
        return "STATISTICS=YES is given, which needs the pixels";
    return "";
}

std::string Contradicts(const CogxOptions &options, const CogxEncoded &encoded)
{
    const enum pyr_tiff_compression own = encoded.Image().codec;
    if (options.compressGiven && options.image.codec != own)
        return CPLSPrintf("COMPRESS=%s is given, the source has %s",
                          pyr_tiff_compression_name(options.image.codec),
                          pyr_tiff_compression_name(own));
    // The default compresses.
    if (!options.compressGiven && own == PYR_TIFF_NONE &&
        options.losslessCopy != CogxLossless::Yes)
        return "the source is not compressed";
    if (options.blockSize > 0 && options.blockSize != encoded.Side())
        return CPLSPrintf("BLOCKSIZE=%d is given, tiles of the source have %d",
                          options.blockSize, encoded.Side());
    return "";
}

} // namespace

std::unique_ptr<CogxEncoded> CogxFindEncoded(GDALDataset *source,
                                             const CogxOptions &options,
                                             std::string *why)
{
    *why = ChangesPixels(options);
    if (why->empty() && !options.encodingGiven.empty())
        *why = options.encodingGiven + " is given";
    if (why->empty() && source->GetRasterCount() == 0)
        *why = "the source has no bands";
    if (!why->empty())
        return nullptr;
    std::unique_ptr<CogxEncoded> found =
        CogxFindEncodedRok4(source, options, why);
    if (found == nullptr && why->empty())
        found = CogxFindEncodedTiff(source, options, why);
    if (found == nullptr)
        return nullptr;
    *why = Contradicts(options, *found);
    if (!why->empty())
        found.reset();
    return found;
}

CogxOptions CogxOptionsOf(const CogxEncoded &encoded,
                          const CogxOptions &options)
{
    CogxOptions own = options;
    own.blockSize = encoded.Side();
    own.image = encoded.Image();
    own.overview = encoded.Overview();
    own.completeOverviews = true;
    if (own.overviewCount < 0)
        own.overviewCount = encoded.OverviewCount();
    return own;
}
