// SPDX-License-Identifier: MIT
// Creation options of the COGX driver: their list, and their values.
#ifndef COGX_OPTIONS_H
#define COGX_OPTIONS_H

#include "cogx_writer.h"
#include "pyr_kernel.h"

#include "cpl_string.h"

#include <optional>
#include <string>
#include <vector>

// The list that the driver shows (DMD_CREATIONOPTIONLIST), with the
// compressions that there are here.
std::string CogxCreationOptionList();

enum class CogxPredictor
{
    None,
    Auto, // by the type of the samples
    Standard,
    FloatingPoint
};

enum class CogxOverviews
{
    Auto, // those of the source, where it has any
    None,
    IgnoreExisting,
    ForceUseExisting
};

enum class CogxStatistics
{
    Auto, // where the source has them
    Yes,
    No
};

enum class CogxLossless
{
    Auto,
    Yes,
    No
};

enum class CogxZoomStrategy
{
    Auto,
    Lower,
    Upper
};

// How tiles of an image are compressed.
struct CogxCompression
{
    enum pyr_tiff_compression codec = PYR_TIFF_DEFLATE;
    CogxPredictor predictor = CogxPredictor::None;
    int level = 0;     // as in struct pyr_tile_format
    bool fast = false; // with predictor 3: PYR_TIFF_FAST instead
    int quality = 75;
    double maxZError = 0;
};

// Values as given; what was not given has its default, or is empty where the
// default depends on the source.
struct CogxOptions
{
    CogxCompression image{};
    CogxCompression overview{};
    bool compressGiven = false;
    std::string encodingGiven{}; // an option that wants tiles encoded anew
    int blockSize = 0;           // 0: not given
    enum cogx_bigtiff bigtiff = COGX_BIGTIFF_AUTO;
    unsigned nthreads = 1;
    bool sparse = false;
    CogxStatistics statistics = CogxStatistics::Auto;
    bool nodataToMask = false;
    CogxLossless losslessCopy = CogxLossless::Auto;
    std::string geotiffVersion{}; // AUTO, 1.0, 1.1

    CogxOverviews overviews = CogxOverviews::Auto;
    int overviewCount = -1; // -1: not given
    // Whether those of the source are followed by smaller ones.
    bool completeOverviews = false;
    std::vector<double> overviewFactors{};
    std::string overviewResampling{}; // upper case

    std::string warpResampling{}; // upper case
    std::string tilingScheme{};   // empty: CUSTOM
    int zoomLevel = -1;           // -1: not given
    CogxZoomStrategy strategy = CogxZoomStrategy::Auto;
    int alignedLevels = 0;
    bool addAlpha = true;
    std::string targetSrs{};
    double res = 0;               // 0: not given
    std::vector<double> extent{}; // minx, miny, maxx, maxy, or empty

    // False, with an error, for a value that cannot be.
    bool Parse(CSLConstList options);

    // Whether the source may have to be warped.
    bool Warps() const
    {
        return !tilingScheme.empty() || !targetSrs.empty();
    }
};

// The method that the options' name means.
enum pyr_method CogxMethodOf(const std::string &name);

#endif
