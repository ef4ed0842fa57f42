// SPDX-License-Identifier: MIT
// Creation options of the COGX driver: their list, and their values.
#include "cogx_options.h"

#include "cogx_report.h"
#include "cogx_tiling.h"
#include "option_reader.h"
#include "pyr_pool.h"

#include "cpl_conv.h"

#include <algorithm>

namespace
{

// Without COMPRESS: chosen by measurement, see page cogx.rst.
constexpr enum pyr_tiff_compression DEFAULT_CODEC = PYR_TIFF_DEFLATE;
constexpr int DEFAULT_LEVEL = 1;

constexpr int DEFAULT_QUALITY = 75;
constexpr int MAX_OVERVIEWS = 64;

constexpr enum pyr_tiff_compression CODECS[] = {
    PYR_TIFF_NONE,      PYR_TIFF_LZW,  PYR_TIFF_JPEG, PYR_TIFF_DEFLATE,
    PYR_TIFF_ZSTD,      PYR_TIFF_WEBP, PYR_TIFF_LERC, PYR_TIFF_LERC_DEFLATE,
    PYR_TIFF_LERC_ZSTD, PYR_TIFF_LZMA};

#define RESAMPLING_VALUES                                                      \
    "<Value>NEAREST</Value><Value>AVERAGE</Value><Value>BILINEAR</Value>"      \
    "<Value>CUBIC</Value><Value>CUBICSPLINE</Value><Value>LANCZOS</Value>"     \
    "<Value>MODE</Value><Value>RMS</Value>"

#define PREDICTOR_VALUES                                                       \
    "<Value>YES</Value><Value>NO</Value><Value alias='2'>STANDARD</Value>"     \
    "<Value alias='3'>FLOATING_POINT</Value>"

constexpr const char *OPTIONS_OF_TILES =
    "  <Option name='LEVEL' type='int' description='Compression level: "
    "DEFLATE 1-12, ZSTD 1-22, LZMA 0-9'/>"
    "  <Option name='PREDICTOR' type='string-select' description='With LZW, "
    "DEFLATE and ZSTD' default='YES without COMPRESS, else "
    "NO'>" PREDICTOR_VALUES "  </Option>"
    "  <Option name='OVERVIEW_PREDICTOR' type='string-select' "
    "description='Predictor of overviews'>" PREDICTOR_VALUES "  </Option>"
    "  <Option name='QUALITY' type='int' min='1' max='100' "
    "description='JPEG and WEBP: 100 is best, and lossless with WEBP' "
    "default='75'/>"
    "  <Option name='OVERVIEW_QUALITY' type='int' min='1' max='100' "
    "description='Quality of overviews'/>"
    "  <Option name='MAX_Z_ERROR' type='float' description='LERC: largest "
    "error of a value' default='0'/>"
    "  <Option name='MAX_Z_ERROR_OVERVIEW' type='float' description='LERC: "
    "largest error of a value of overviews' default='0'/>"
    "  <Option name='BLOCKSIZE' type='int' min='16' max='16384' "
    "description='Side of a tile in pixels, a multiple of 16' default='512'/>"
    "  <Option name='BIGTIFF' type='string-select' description='Whether the "
    "file is a BigTIFF' default='AUTO'>"
    "    <Value>AUTO</Value><Value>YES</Value><Value>NO</Value>"
    "    <Value>IF_NEEDED</Value><Value>IF_SAFER</Value>"
    "  </Option>"
    "  <Option name='NUM_THREADS' type='string' description='Number of "
    "threads, or ALL_CPUS' default='ALL_CPUS'/>"
    "  <Option name='SPARSE_OK' type='boolean' description='Whether empty "
    "tiles are left out' default='NO'/>"
    "  <Option name='NODATA_TO_MASK' type='boolean' description='Whether "
    "nodata values become a mask' default='NO'/>"
    "  <Option name='LOSSLESS_COPY' type='string-select' description='Whether "
    "tiles of a ROK4 pyramid or GeoTIFF file are copied without decoding: "
    "where "
    "they fit, or failing where not, or never' default='AUTO'>"
    "    <Value>AUTO</Value><Value>YES</Value><Value>NO</Value>"
    "  </Option>"
    "  <Option name='STATISTICS' type='string-select' description='Whether "
    "statistics of the bands are written' default='AUTO'>"
    "    <Value>AUTO</Value><Value>YES</Value><Value>NO</Value>"
    "  </Option>"
    "  <Option name='GEOTIFF_VERSION' type='string-select' "
    "description='Version of GeoTIFF' default='AUTO'>"
    "    <Value>AUTO</Value><Value>1.0</Value><Value>1.1</Value>"
    "  </Option>";

constexpr const char *OPTIONS_OF_LEVELS =
    "  <Option name='OVERVIEWS' type='string-select' description='Whether "
    "overviews of the source are used' default='AUTO'>"
    "    <Value>AUTO</Value><Value>IGNORE_EXISTING</Value>"
    "    <Value>FORCE_USE_EXISTING</Value><Value>NONE</Value>"
    "  </Option>"
    "  <Option name='OVERVIEW_COUNT' type='int' min='0' max='64' "
    "description='Number of overviews'/>"
    "  <Option name='OVERVIEW_FACTORS' type='string' description='How much "
    "smaller than the image each overview is, as 2,4,8'/>"
    "  <Option name='RESAMPLING' type='string-select' description='Method of "
    "both WARP_RESAMPLING and OVERVIEW_RESAMPLING'>" RESAMPLING_VALUES
    "  </Option>"
    "  <Option name='OVERVIEW_RESAMPLING' type='string-select' "
    "description='Method for overviews'>" RESAMPLING_VALUES "  </Option>"
    "  <Option name='WARP_RESAMPLING' type='string-select' "
    "description='Method for reprojection'>" RESAMPLING_VALUES
    "<Value>MIN</Value><Value>MAX</Value><Value>MED</Value><Value>Q1</Value>"
    "<Value>Q3</Value><Value>SUM</Value>"
    "  </Option>"
    "  <Option name='ZOOM_LEVEL' type='int' min='0' description='Level of the "
    "tiling scheme, 0 for the coarsest'/>"
    "  <Option name='ZOOM_LEVEL_STRATEGY' type='string-select' "
    "description='How the level of the tiling scheme is chosen' "
    "default='AUTO'>"
    "    <Value>AUTO</Value><Value>LOWER</Value><Value>UPPER</Value>"
    "  </Option>"
    "  <Option name='ALIGNED_LEVELS' type='int' min='0' max='10' "
    "description='Number of levels whose tiles are those of the tiling "
    "scheme'/>"
    "  <Option name='ADD_ALPHA' type='boolean' description='Whether "
    "reprojection adds an alpha band' default='YES'/>"
    "  <Option name='TARGET_SRS' type='string' description='Coordinate "
    "reference system of the file'/>"
    "  <Option name='RES' type='float' description='Pixel size for "
    "TARGET_SRS'/>"
    "  <Option name='EXTENT' type='string' description='minx,miny,maxx,maxy "
    "for TARGET_SRS'/>";

// Beside COMPRESS.
constexpr const char *ENCODING_OPTIONS[] = {"LEVEL",
                                            "PREDICTOR",
                                            "QUALITY",
                                            "MAX_Z_ERROR",
                                            "OVERVIEW_COMPRESS",
                                            "OVERVIEW_QUALITY",
                                            "OVERVIEW_PREDICTOR",
                                            "MAX_Z_ERROR_OVERVIEW"};

void Report(const char *text)
{
    CogxReport(CE_Failure, PYR_USAGE, text);
}

std::string CodecValues()
{
    std::string values;
    for (const enum pyr_tiff_compression codec : CODECS)
        if (pyr_tiff_has(codec))
            values += std::string("<Value>") +
                      pyr_tiff_compression_name(codec) + "</Value>";
    return values;
}

bool ReadCodec(const OptionReader &reader, const char *name,
               enum pyr_tiff_compression *out)
{
    std::vector<const char *> words;
    std::string word;
    for (const enum pyr_tiff_compression codec : CODECS)
        if (pyr_tiff_has(codec))
            words.push_back(pyr_tiff_compression_name(codec));
    if (!reader.Word(name, words, &word))
        return false;
    for (const enum pyr_tiff_compression codec : CODECS)
        if (word == pyr_tiff_compression_name(codec))
            *out = codec;
    return true;
}

bool IsLerc(enum pyr_tiff_compression codec)
{
    return codec == PYR_TIFF_LERC || codec == PYR_TIFF_LERC_DEFLATE ||
           codec == PYR_TIFF_LERC_ZSTD;
}

bool ReadPredictor(const OptionReader &reader, const char *name,
                   CogxPredictor *out)
{
    std::string word;
    if (!reader.Word(name,
                     {"YES", "NO", "STANDARD", "FLOATING_POINT", "2", "3", "ON",
                      "OFF", "TRUE", "FALSE"},
                     &word))
        return false;
    if (word == "YES" || word == "ON" || word == "TRUE")
        *out = CogxPredictor::Auto;
    else if (word == "NO" || word == "OFF" || word == "FALSE")
        *out = CogxPredictor::None;
    else if (word == "STANDARD" || word == "2")
        *out = CogxPredictor::Standard;
    else if (word == "FLOATING_POINT" || word == "3")
        *out = CogxPredictor::FloatingPoint;
    return true;
}

// The level of the codecs that have one; LEVEL is for whichever does.
bool ReadLevel(const OptionReader &reader, CogxCompression *out)
{
    switch (out->codec)
    {
        case PYR_TIFF_DEFLATE:
        case PYR_TIFF_LERC_DEFLATE:
            return reader.Int("LEVEL", 1, 12, &out->level);
        case PYR_TIFF_ZSTD:
        case PYR_TIFF_LERC_ZSTD:
            return reader.Int("LEVEL", 1, 22, &out->level);
        case PYR_TIFF_LZMA:
            out->level = -1;
            return reader.Int("LEVEL", 0, 9, &out->level);
        case PYR_TIFF_NONE:
        case PYR_TIFF_LZW:
        case PYR_TIFF_PACKBITS:
        case PYR_TIFF_JPEG:
        case PYR_TIFF_WEBP:
        case PYR_TIFF_LERC:
            break;
    }
    return true;
}

bool ReadImageCompression(const OptionReader &reader, CogxOptions *out)
{
    CogxCompression &image = out->image;
    out->compressGiven = reader.Has("COMPRESS");
    image.codec = DEFAULT_CODEC;
    if (!ReadCodec(reader, "COMPRESS", &image.codec))
        return false;
    if (!out->compressGiven)
    {
        image.predictor = CogxPredictor::Auto;
        image.level = DEFAULT_LEVEL;
        image.fast = !reader.Has("LEVEL");
    }
    return ReadLevel(reader, &image) &&
           ReadPredictor(reader, "PREDICTOR", &image.predictor) &&
           reader.Int("QUALITY", 1, 100, &image.quality) &&
           reader.Number("MAX_Z_ERROR", 0, 1e300, &image.maxZError);
}

// What is not said of overviews is as for the image, where they have its codec.
bool ReadOverviewCompression(const OptionReader &reader, CogxOptions *out)
{
    CogxCompression &overview = out->overview;
    overview = out->image;
    if (!EQUAL(reader.Text("OVERVIEW_COMPRESS").c_str(), "AUTO") &&
        !ReadCodec(reader, "OVERVIEW_COMPRESS", &overview.codec))
        return false;
    if (overview.codec != out->image.codec)
    {
        overview.predictor = CogxPredictor::None;
        overview.quality = DEFAULT_QUALITY;
        overview.level = 0;
        overview.fast = false;
        if (!IsLerc(out->image.codec))
            overview.maxZError = 0;
        // LEVEL may be out of the range of another codec.
        const OptionReader nothing(nullptr, Report);
        if (!ReadLevel(nothing, &overview))
            return false;
    }
    return ReadPredictor(reader, "OVERVIEW_PREDICTOR", &overview.predictor) &&
           reader.Int("OVERVIEW_QUALITY", 1, 100, &overview.quality) &&
           reader.Number("MAX_Z_ERROR_OVERVIEW", 0, 1e300, &overview.maxZError);
}

bool ReadBigTiff(const OptionReader &reader, CogxOptions *out)
{
    std::string word;
    if (!reader.Word("BIGTIFF",
                     {"AUTO", "YES", "NO", "IF_NEEDED", "IF_SAFER", "TRUE",
                      "FALSE", "ON", "OFF"},
                     &word))
        return false;
    if (word == "YES" || word == "TRUE" || word == "ON")
        out->bigtiff = COGX_BIGTIFF_YES;
    else if (word == "NO" || word == "FALSE" || word == "OFF")
        out->bigtiff = COGX_BIGTIFF_NO;
    else if (word == "IF_SAFER")
        out->bigtiff = COGX_BIGTIFF_IF_SAFER;
    return true;
}

bool ReadTiles(const OptionReader &reader, CogxOptions *out)
{
    if (!reader.Int("BLOCKSIZE", 16, PYR_MAX_TILE_SIDE_PX, &out->blockSize))
        return false;
    if (out->blockSize % 16 != 0)
        return reader.Refuse("BLOCKSIZE", reader.Text("BLOCKSIZE").c_str(),
                             "a multiple of 16");
    std::string statistics;
    std::string lossless;
    out->geotiffVersion = "AUTO";
    if (!ReadBigTiff(reader, out) ||
        !reader.Threads("NUM_THREADS", PYR_POOL_MAX_THREADS, &out->nthreads) ||
        !reader.Bool("SPARSE_OK", &out->sparse) ||
        !reader.Bool("NODATA_TO_MASK", &out->nodataToMask) ||
        !reader.Word("STATISTICS",
                     {"AUTO", "YES", "NO", "TRUE", "FALSE", "ON", "OFF"},
                     &statistics) ||
        !reader.Word("LOSSLESS_COPY", {"AUTO", "YES", "NO"}, &lossless) ||
        !reader.Word("GEOTIFF_VERSION", {"AUTO", "1.0", "1.1"},
                     &out->geotiffVersion))
        return false;
    if (!statistics.empty() && statistics != "AUTO")
        out->statistics = CPLTestBool(statistics.c_str()) ? CogxStatistics::Yes
                                                          : CogxStatistics::No;
    if (lossless == "YES")
        out->losslessCopy = CogxLossless::Yes;
    else if (lossless == "NO")
        out->losslessCopy = CogxLossless::No;
    return true;
}

bool ReadFactors(const OptionReader &reader, CogxOptions *out)
{
    const std::string text = reader.Text("OVERVIEW_FACTORS");
    const CPLStringList parts(CSLTokenizeString2(text.c_str(), ", ", 0));
    for (int i = 0; i < parts.size(); i++)
    {
        const double before =
            out->overviewFactors.empty() ? 1 : out->overviewFactors.back();
        const double factor = CPLGetValueType(parts[i]) != CPL_VALUE_STRING
                                  ? CPLAtof(parts[i])
                                  : 0;
        if (!(factor > before && factor <= 1e9) || i >= MAX_OVERVIEWS)
            return reader.Refuse("OVERVIEW_FACTORS", text.c_str(),
                                 "increasing numbers above 1, as 2,4,8");
        out->overviewFactors.push_back(factor);
    }
    if (parts.size() > 0 && out->overviewCount >= 0)
        return reader.Refuse("OVERVIEW_FACTORS", text.c_str(),
                             "no OVERVIEW_COUNT with it");
    return true;
}

bool ReadOverviews(const OptionReader &reader, CogxOptions *out)
{
    std::string word;
    if (!reader.Word("OVERVIEWS",
                     {"AUTO", "IGNORE_EXISTING", "FORCE_USE_EXISTING", "NONE"},
                     &word) ||
        !reader.Int("OVERVIEW_COUNT", 0, MAX_OVERVIEWS, &out->overviewCount) ||
        !ReadFactors(reader, out))
        return false;
    if (word == "IGNORE_EXISTING")
        out->overviews = CogxOverviews::IgnoreExisting;
    else if (word == "FORCE_USE_EXISTING")
        out->overviews = CogxOverviews::ForceUseExisting;
    else if (word == "NONE")
        out->overviews = CogxOverviews::None;
    if (out->overviewFactors.empty())
        return true;
    if (out->overviews == CogxOverviews::None ||
        out->overviews == CogxOverviews::ForceUseExisting)
        return reader.Refuse("OVERVIEWS", word.c_str(),
                             "AUTO or IGNORE_EXISTING with OVERVIEW_FACTORS");
    out->overviews = CogxOverviews::IgnoreExisting;
    return true;
}

bool ReadResampling(const OptionReader &reader, CogxOptions *out)
{
    std::vector<const char *> methods = {"NEAREST", "AVERAGE",     "BILINEAR",
                                         "CUBIC",   "CUBICSPLINE", "LANCZOS",
                                         "MODE",    "RMS"};
    std::string both;
    if (!reader.Word("RESAMPLING", methods, &both))
        return false;
    out->overviewResampling = both;
    out->warpResampling = both;
    if (!reader.Word("OVERVIEW_RESAMPLING", methods, &out->overviewResampling))
        return false;
    methods.insert(methods.end(), {"MIN", "MAX", "MED", "Q1", "Q3", "SUM"});
    return reader.Word("WARP_RESAMPLING", methods, &out->warpResampling);
}

bool ReadExtent(const OptionReader &reader, CogxOptions *out)
{
    const std::string text = reader.Text("EXTENT");
    const CPLStringList parts(CSLTokenizeString2(text.c_str(), ",", 0));
    for (int i = 0; i < parts.size(); i++)
        if (CPLGetValueType(parts[i]) != CPL_VALUE_STRING)
            out->extent.push_back(CPLAtof(parts[i]));
    const std::vector<double> &extent = out->extent;
    if (!reader.Has("EXTENT") ||
        (parts.size() == 4 && extent.size() == 4 && extent[0] < extent[2] &&
         extent[1] < extent[3]))
        return true;
    return reader.Refuse("EXTENT", text.c_str(), "minx,miny,maxx,maxy");
}

bool ReadWarping(const OptionReader &reader, CogxOptions *out)
{
    std::string zoom;
    out->tilingScheme = reader.Text("TILING_SCHEME");
    if (EQUAL(out->tilingScheme.c_str(), "CUSTOM"))
        out->tilingScheme.clear();
    out->targetSrs = reader.Text("TARGET_SRS");
    if (!reader.Int("ZOOM_LEVEL", 0, PYR_MAX_LEVELS, &out->zoomLevel) ||
        !reader.Word("ZOOM_LEVEL_STRATEGY", {"AUTO", "LOWER", "UPPER"},
                     &zoom) ||
        !reader.Int("ALIGNED_LEVELS", 0, 1000, &out->alignedLevels) ||
        !reader.Bool("ADD_ALPHA", &out->addAlpha) ||
        !reader.Number("RES", 1e-300, 1e300, &out->res) ||
        !ReadExtent(reader, out))
        return false;
    if (zoom == "LOWER")
        out->strategy = CogxZoomStrategy::Lower;
    else if (zoom == "UPPER")
        out->strategy = CogxZoomStrategy::Upper;
    return true;
}

} // namespace

std::string CogxCreationOptionList()
{
    const std::string codecs = CodecValues();
    std::string schemes;
    for (const std::string &name : CogxTilingNames())
        schemes += "<Value>" + name + "</Value>";
    return "<CreationOptionList>"
           "  <Option name='COMPRESS' type='string-select' "
           "description='Compression of tiles' default='DEFLATE'>" +
           codecs +
           "  </Option>"
           "  <Option name='OVERVIEW_COMPRESS' type='string-select' "
           "description='Compression of overviews' "
           "default='AUTO'><Value>AUTO</Value>" +
           codecs + "  </Option>" + OPTIONS_OF_TILES + OPTIONS_OF_LEVELS +
           "  <Option name='TILING_SCHEME' type='string' description='Name of "
           "a tile matrix set, or path of its JSON file' "
           "default='CUSTOM'><Value>CUSTOM</Value>" +
           schemes +
           "  </Option>"
           "</CreationOptionList>";
}

bool CogxOptions::Parse(CSLConstList options)
{
    const OptionReader reader(options, Report);
    for (const char *name : ENCODING_OPTIONS)
        if (reader.Has(name) && !EQUAL(reader.Text(name).c_str(), "AUTO"))
            encodingGiven = name;
    return ReadImageCompression(reader, this) &&
           ReadOverviewCompression(reader, this) && ReadTiles(reader, this) &&
           ReadOverviews(reader, this) && ReadResampling(reader, this) &&
           ReadWarping(reader, this);
}

enum pyr_method CogxMethodOf(const std::string &name)
{
    static const struct
    {
        const char *name;
        enum pyr_method method;
    } METHODS[] = {{"NEAREST", PYR_METHOD_NEAREST},
                   {"AVERAGE", PYR_METHOD_AVERAGE},
                   {"RMS", PYR_METHOD_RMS},
                   {"BILINEAR", PYR_METHOD_BILINEAR},
                   {"CUBIC", PYR_METHOD_CUBIC},
                   {"CUBICSPLINE", PYR_METHOD_CUBICSPLINE},
                   {"LANCZOS", PYR_METHOD_LANCZOS},
                   {"MODE", PYR_METHOD_MODE}};
    for (const auto &known : METHODS)
        if (name == known.name)
            return known.method;
    return PYR_METHOD_CUBIC;
}
