// SPDX-License-Identifier: MIT
// Creation options of the ROK4 driver: their list, and their values.
#include "rok4_creation_options.h"

#include "cpl_conv.h"

#include <algorithm>
#include <cctype>
#include <climits>
#include <vector>

#define RESAMPLING_VALUES                                                      \
    "    <Value>NEAREST</Value><Value>AVERAGE</Value><Value>BILINEAR</Value>"  \
    "    <Value>CUBIC</Value><Value>CUBICSPLINE</Value>"                       \
    "    <Value>LANCZOS</Value><Value>MODE</Value><Value>RMS</Value>"

const char *const ROK4_CREATION_OPTIONS =
    "<CreationOptionList>"
    "  <Option name='TILING_SCHEME' alias='TMS' type='string' "
    "description='Name of a tile matrix set, or path of its JSON file' "
    "default='PM'/>"
    "  <Option name='TMS_DIRECTORY' type='string' description='Directory with "
    "the tile matrix set'/>"
    "  <Option name='BOTTOM_LEVEL' type='string' description='Id of the finest "
    "level; by default chosen by ZOOM_LEVEL_STRATEGY'/>"
    "  <Option name='TOP_LEVEL' type='string' description='Id of the coarsest "
    "level; by default that of the tile matrix set'/>"
    "  <Option name='ZOOM_LEVEL_STRATEGY' type='string-select' "
    "description='How the finest level is chosen' default='AUTO'>"
    "    <Value>AUTO</Value><Value>LOWER</Value><Value>UPPER</Value>"
    "  </Option>"
    "  <Option name='COMPRESS' type='string-select' description='Compression "
    "of tiles' default='DEFLATE'>"
    "    <Value>NONE</Value><Value>JPEG</Value><Value>PNG</Value>"
    "    <Value>DEFLATE</Value><Value>LZW</Value><Value>PACKBITS</Value>"
    "  </Option>"
    "  <Option name='QUALITY' type='int' description='JPEG quality: 75 or 90' "
    "default='75'/>"
    "  <Option name='ZLEVEL' type='int' min='1' max='12' "
    "description='DEFLATE and PNG: 1 is fast, 12 is small' default='6'/>"
    "  <Option name='TILES_PER_WIDTH' type='int' min='1' description='Width of "
    "a slab in tiles' default='16'/>"
    "  <Option name='TILES_PER_HEIGHT' type='int' min='1' "
    "description='Height of a slab in tiles' default='16'/>"
    "  <Option name='PATH_DEPTH' type='int' min='1' max='8' "
    "description='Directories between a level and its slabs' default='2'/>"
    "  <Option name='NODATA' type='string' description='Value of pixels "
    "without data: one integer, or one for each band'/>"
    "  <Option name='ADD_ALPHA' type='boolean' description='Whether an alpha "
    "band is added when the source has none' default='NO'/>"
    "  <Option name='RESAMPLING' type='string-select' description='Method of "
    "both WARP_RESAMPLING and OVERVIEW_RESAMPLING'>" RESAMPLING_VALUES
    "  </Option>"
    "  <Option name='WARP_RESAMPLING' type='string-select' "
    "description='Method for sources off the grid'>" RESAMPLING_VALUES
    "  </Option>"
    "  <Option name='OVERVIEW_RESAMPLING' type='string-select' "
    "description='Method for coarser levels'>" RESAMPLING_VALUES
    "    <Value>GAUSS</Value>"
    "  </Option>"
    "  <Option name='MASK' type='boolean' description='Whether mask slabs are "
    "written' default='NO'/>"
    "  <Option name='NUM_THREADS' type='string' description='Number of "
    "threads, or ALL_CPUS' default='ALL_CPUS'/>"
    "  <Option name='LIST' type='boolean' description='Whether the list of "
    "slabs is written' default='YES'/>"
    "  <Option name='MD5' type='boolean' description='Whether MD5 sums of the "
    "slabs are written to NAME.md5' default='NO'/>"
    "  <Option name='SPARSE_OK' type='boolean' description='Whether tiles "
    "without data may be left out of slabs' default='NO'/>"
    "  <Option name='ANCESTOR' type='string' description='Descriptor of the "
    "pyramid that the new one is an update of'/>"
    "  <Option name='UPDATE_MODE' type='string-select' description='SLINK, "
    "HLINK or COPY: what is done with untouched slabs of ANCESTOR; INPLACE: "
    "an existing pyramid is painted on'>"
    "    <Value>SLINK</Value><Value>HLINK</Value><Value>COPY</Value>"
    "    <Value>INPLACE</Value>"
    "  </Option>"
    "  <Option name='OVERWRITE' type='boolean' description='Whether an "
    "existing pyramid may be replaced' default='NO'/>"
    "  <Option name='RESUME' type='boolean' description='Whether an "
    "interrupted run is continued' default='NO'/>"
    "  <Option name='LOSSLESS_COPY' type='string-select' description='Whether "
    "tiles of a ROK4 source are copied as they are' default='AUTO'>"
    "    <Value>AUTO</Value><Value>YES</Value><Value>NO</Value>"
    "  </Option>"
    "</CreationOptionList>";

namespace
{

std::string Upper(const char *text)
{
    std::string out = text;
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });
    return out;
}

bool Refuse(const char *name, const char *value, const char *expected)
{
    Rok4Report(CE_Failure, PYR_USAGE,
               CPLSPrintf("%s=%s, expected %s", name, value, expected));
    return false;
}

// One of the words, in upper case.
bool ReadWord(CSLConstList options, const char *name,
              const std::vector<const char *> &words, std::string *out)
{
    const char *const value = CSLFetchNameValue(options, name);
    if (value == nullptr)
        return true;
    std::string expected;
    for (const char *word : words)
    {
        if (EQUAL(value, word))
        {
            *out = Upper(value);
            return true;
        }
        expected += std::string(expected.empty() ? "" : ", ") + word;
    }
    return Refuse(name, value, expected.c_str());
}

bool ReadInt(CSLConstList options, const char *name, int min, int max, int *out)
{
    const char *const value = CSLFetchNameValue(options, name);
    if (value == nullptr)
        return true;
    const GIntBig number = CPLGetValueType(value) == CPL_VALUE_INTEGER
                               ? CPLAtoGIntBig(value)
                               : static_cast<GIntBig>(min) - 1;
    if (number < min || number > max)
        return Refuse(name, value,
                      CPLSPrintf("a number from %d to %d", min, max));
    *out = static_cast<int>(number);
    return true;
}

bool ReadBool(CSLConstList options, const char *name, bool *out)
{
    const char *const value = CSLFetchNameValue(options, name);
    if (value == nullptr)
        return true;
    for (const char *word :
         {"YES", "TRUE", "ON", "1", "NO", "FALSE", "OFF", "0"})
        if (EQUAL(value, word))
        {
            *out = CPLTestBool(value);
            return true;
        }
    return Refuse(name, value, "YES or NO");
}

std::string Text(CSLConstList options, const char *name)
{
    return CSLFetchNameValueDef(options, name, "");
}

Rok4Choice ChoiceOf(const std::string &word)
{
    if (word.empty() || word == "AUTO")
        return Rok4Choice::Auto;
    return word == "YES" ? Rok4Choice::Yes : Rok4Choice::No;
}

bool ReadResampling(CSLConstList options, Rok4CreationOptions *out)
{
    std::vector<const char *> methods = {"NEAREST", "AVERAGE",     "BILINEAR",
                                         "CUBIC",   "CUBICSPLINE", "LANCZOS",
                                         "MODE",    "RMS"};
    std::string both;
    if (!ReadWord(options, "RESAMPLING", methods, &both))
        return false;
    out->warpResampling = both;
    out->overviewResampling = both;
    if (!ReadWord(options, "WARP_RESAMPLING", methods, &out->warpResampling))
        return false;
    methods.push_back("GAUSS"); // of overviews only
    return ReadWord(options, "OVERVIEW_RESAMPLING", methods,
                    &out->overviewResampling);
}

bool ReadUpdateMode(CSLConstList options, Rok4CreationOptions *out)
{
    std::string mode;
    if (!ReadWord(options, "UPDATE_MODE", {"SLINK", "HLINK", "COPY", "INPLACE"},
                  &mode))
        return false;
    out->ancestor = Text(options, "ANCESTOR");
    if (out->ancestor.empty() && !mode.empty() && mode != "INPLACE")
        return Refuse("UPDATE_MODE", mode.c_str(),
                      "ANCESTOR with it, or INPLACE");
    if (!out->ancestor.empty() && mode == "INPLACE")
        return Refuse("UPDATE_MODE", mode.c_str(),
                      "SLINK, HLINK or COPY with ANCESTOR");
    if (mode == "INPLACE")
        out->updateMode = Rok4UpdateMode::InPlace;
    else if (mode == "HLINK")
        out->updateMode = Rok4UpdateMode::HardLinks;
    else if (mode == "COPY")
        out->updateMode = Rok4UpdateMode::Copy;
    else if (!out->ancestor.empty())
        out->updateMode = Rok4UpdateMode::SymbolicLinks;
    if (out->updateMode == Rok4UpdateMode::InPlace && out->overwrite)
        return Refuse("UPDATE_MODE", "INPLACE", "no OVERWRITE=YES with it");
    return true;
}

bool ReadQuality(CSLConstList options, Rok4CreationOptions *out)
{
    const char *const value = CSLFetchNameValue(options, "QUALITY");
    if (value == nullptr)
        return true;
    if (!EQUAL(value, "75") && !EQUAL(value, "90"))
        return Refuse("QUALITY", value,
                      "75 (TIFF_JPG_UINT8) or 90 (TIFF_JPG90_UINT8): ROK4 has "
                      "no other JPEG format");
    out->quality = EQUAL(value, "90") ? 90 : 75;
    return true;
}

bool ReadThreads(CSLConstList options, unsigned *out)
{
    *out = Rok4ThreadCount(CSLFetchNameValue(options, "NUM_THREADS"));
    return *out > 0;
}

bool ReadNumbers(CSLConstList options, Rok4CreationOptions *out)
{
    const int most = PYR_MAX_SLAB_TILES;
    int width = 0;
    int height = 0;
    if (!ReadQuality(options, out) ||
        !ReadInt(options, "ZLEVEL", 1, 12, &out->zlevel) ||
        !ReadInt(options, "TILES_PER_WIDTH", 1, most, &width) ||
        !ReadInt(options, "TILES_PER_HEIGHT", 1, most, &height) ||
        !ReadInt(options, "PATH_DEPTH", 1, 8, &out->pathDepth))
        return false;
    out->tilesPerWidth = static_cast<unsigned>(width);
    out->tilesPerHeight = static_cast<unsigned>(height);
    const GIntBig tiles =
        static_cast<GIntBig>(std::max(width, 1)) * std::max(height, 1);
    if (tiles > most)
        return Refuse("TILES_PER_WIDTH", CPLSPrintf("%d", width),
                      CPLSPrintf("at most %d tiles in a slab", most));
    return true;
}

} // namespace

bool Rok4CreationOptions::Parse(CSLConstList options)
{
    const char *const alias = CSLFetchNameValue(options, "TMS");
    tilingScheme = CSLFetchNameValueDef(options, "TILING_SCHEME",
                                        alias != nullptr ? alias : "");
    tmsDirectory = Text(options, "TMS_DIRECTORY");
    bottomLevel = Text(options, "BOTTOM_LEVEL");
    topLevel = Text(options, "TOP_LEVEL");
    nodata = Text(options, "NODATA");
    std::string zoom;
    std::string lossless;
    bool wantsMask = false;
    bool wantsMd5 = false;
    if (!ReadWord(options, "ZOOM_LEVEL_STRATEGY", {"AUTO", "LOWER", "UPPER"},
                  &zoom) ||
        !ReadWord(options, "COMPRESS",
                  {"NONE", "JPEG", "PNG", "DEFLATE", "LZW", "PACKBITS"},
                  &compress) ||
        !ReadWord(options, "LOSSLESS_COPY", {"AUTO", "YES", "NO"}, &lossless) ||
        !ReadNumbers(options, this) || !ReadResampling(options, this) ||
        !ReadBool(options, "ADD_ALPHA", &addAlpha) ||
        !ReadBool(options, "MASK", &wantsMask) ||
        !ReadBool(options, "LIST", &list) ||
        !ReadBool(options, "MD5", &wantsMd5) ||
        !ReadBool(options, "SPARSE_OK", &sparse) ||
        !ReadBool(options, "OVERWRITE", &overwrite) ||
        !ReadBool(options, "RESUME", &resume) ||
        !ReadUpdateMode(options, this) || !ReadThreads(options, &nthreads))
        return false;
    if (zoom == "LOWER")
        strategy = Rok4Strategy::Lower;
    else if (zoom == "UPPER")
        strategy = Rok4Strategy::Upper;
    losslessCopy = ChoiceOf(lossless);
    if (CSLFetchNameValue(options, "MD5") != nullptr)
        md5 = wantsMd5 ? Rok4Choice::Yes : Rok4Choice::No;
    if (CSLFetchNameValue(options, "MASK") != nullptr)
        mask = wantsMask ? Rok4Choice::Yes : Rok4Choice::No;
    return true;
}

bool Rok4ChooseFormat(const Rok4CreationOptions &options,
                      enum pyr_sample sample, unsigned bands,
                      enum rok4_format *format)
{
    const bool floats = sample == PYR_SAMPLE_FLOAT32;
    const std::string &compress = options.compress;
    if (options.quality != 0 && compress != "JPEG")
        return Refuse("QUALITY", CPLSPrintf("%d", options.quality),
                      "COMPRESS=JPEG with it");
    if ((compress == "JPEG" || compress == "PNG") && floats)
        return Refuse("COMPRESS", compress.c_str(),
                      "NONE, DEFLATE, LZW or PACKBITS for Float32");
    if (compress == "JPEG" && bands != 3)
        return Refuse("COMPRESS", "JPEG",
                      CPLSPrintf("3 bands, found %u (PNG, DEFLATE, LZW, "
                                 "PACKBITS and NONE take 1 to 4)",
                                 bands));
    if (compress == "JPEG")
        *format = options.quality == 90 ? ROK4_JPG90_UINT8 : ROK4_JPG_UINT8;
    else if (compress == "PNG")
        *format = ROK4_PNG_UINT8;
    else if (compress == "NONE")
        *format = floats ? ROK4_RAW_FLOAT32 : ROK4_RAW_UINT8;
    else if (compress == "LZW")
        *format = floats ? ROK4_LZW_FLOAT32 : ROK4_LZW_UINT8;
    else if (compress == "PACKBITS")
        *format = floats ? ROK4_PKB_FLOAT32 : ROK4_PKB_UINT8;
    else
        *format = floats ? ROK4_ZIP_FLOAT32 : ROK4_ZIP_UINT8;
    return true;
}

struct pyr_encoding Rok4EncodingOf(enum rok4_format format, int zlevel)
{
    struct pyr_encoding encoding = {};
    encoding.codec = rok4_format_codec(format);
    encoding.quality = format == ROK4_JPG90_UINT8 ? 90 : 75;
    encoding.level = zlevel;
    return encoding;
}

const char *Rok4InterpolationOf(const std::string &warpResampling)
{
    if (warpResampling == "NEAREST" || warpResampling == "MODE")
        return "nn";
    if (warpResampling == "BILINEAR" || warpResampling == "AVERAGE" ||
        warpResampling == "RMS")
        return "linear";
    return warpResampling == "LANCZOS" ? "lanczos" : "bicubic";
}
