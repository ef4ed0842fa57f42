// SPDX-License-Identifier: MIT
// Creation options of the ROK4 driver: their list, and their values.
#include "rok4_creation_options.h"

#include "option_reader.h"
#include "pyr_pool.h"

#include "cpl_conv.h"

#include <algorithm>
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

void Report(const char *text)
{
    Rok4Report(CE_Failure, PYR_USAGE, text);
}

bool Refuse(const char *name, const char *value, const char *expected)
{
    return OptionReader(nullptr, Report).Refuse(name, value, expected);
}

Rok4Choice ChoiceOf(const std::string &word)
{
    if (word.empty() || word == "AUTO")
        return Rok4Choice::Auto;
    return word == "YES" ? Rok4Choice::Yes : Rok4Choice::No;
}

bool ReadResampling(const OptionReader &reader, Rok4CreationOptions *out)
{
    std::vector<const char *> methods = {"NEAREST", "AVERAGE",     "BILINEAR",
                                         "CUBIC",   "CUBICSPLINE", "LANCZOS",
                                         "MODE",    "RMS"};
    std::string both;
    if (!reader.Word("RESAMPLING", methods, &both))
        return false;
    out->warpResampling = both;
    out->overviewResampling = both;
    if (!reader.Word("WARP_RESAMPLING", methods, &out->warpResampling))
        return false;
    methods.push_back("GAUSS"); // of overviews only
    return reader.Word("OVERVIEW_RESAMPLING", methods,
                       &out->overviewResampling);
}

bool ReadUpdateMode(const OptionReader &reader, Rok4CreationOptions *out)
{
    std::string mode;
    if (!reader.Word("UPDATE_MODE", {"SLINK", "HLINK", "COPY", "INPLACE"},
                     &mode))
        return false;
    out->ancestor = reader.Text("ANCESTOR");
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

bool ReadQuality(const OptionReader &reader, Rok4CreationOptions *out)
{
    const std::string value = reader.Text("QUALITY");
    if (!reader.Has("QUALITY"))
        return true;
    if (value != "75" && value != "90")
        return Refuse("QUALITY", value.c_str(),
                      "75 (TIFF_JPG_UINT8) or 90 (TIFF_JPG90_UINT8): ROK4 has "
                      "no other JPEG format");
    out->quality = value == "90" ? 90 : 75;
    return true;
}

bool ReadNumbers(const OptionReader &reader, Rok4CreationOptions *out)
{
    const int most = PYR_MAX_SLAB_TILES;
    int width = 0;
    int height = 0;
    if (!ReadQuality(reader, out) ||
        !reader.Int("ZLEVEL", 1, 12, &out->zlevel) ||
        !reader.Int("TILES_PER_WIDTH", 1, most, &width) ||
        !reader.Int("TILES_PER_HEIGHT", 1, most, &height) ||
        !reader.Int("PATH_DEPTH", 1, 8, &out->pathDepth))
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
    const OptionReader reader(options, Report);
    tilingScheme =
        reader.Text(reader.Has("TILING_SCHEME") ? "TILING_SCHEME" : "TMS");
    tmsDirectory = reader.Text("TMS_DIRECTORY");
    bottomLevel = reader.Text("BOTTOM_LEVEL");
    topLevel = reader.Text("TOP_LEVEL");
    nodata = reader.Text("NODATA");
    std::string zoom;
    std::string lossless;
    bool wantsMask = false;
    bool wantsMd5 = false;
    if (!reader.Word("ZOOM_LEVEL_STRATEGY", {"AUTO", "LOWER", "UPPER"},
                     &zoom) ||
        !reader.Word("COMPRESS",
                     {"NONE", "JPEG", "PNG", "DEFLATE", "LZW", "PACKBITS"},
                     &compress) ||
        !reader.Word("LOSSLESS_COPY", {"AUTO", "YES", "NO"}, &lossless) ||
        !ReadNumbers(reader, this) || !ReadResampling(reader, this) ||
        !reader.Bool("ADD_ALPHA", &addAlpha) ||
        !reader.Bool("MASK", &wantsMask) || !reader.Bool("LIST", &list) ||
        !reader.Bool("MD5", &wantsMd5) || !reader.Bool("SPARSE_OK", &sparse) ||
        !reader.Bool("OVERWRITE", &overwrite) ||
        !reader.Bool("RESUME", &resume) || !ReadUpdateMode(reader, this) ||
        !reader.Threads("NUM_THREADS", PYR_POOL_MAX_THREADS, &nthreads))
        return false;
    if (zoom == "LOWER")
        strategy = Rok4Strategy::Lower;
    else if (zoom == "UPPER")
        strategy = Rok4Strategy::Upper;
    losslessCopy = ChoiceOf(lossless);
    if (reader.Has("MD5"))
        md5 = wantsMd5 ? Rok4Choice::Yes : Rok4Choice::No;
    if (reader.Has("MASK"))
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
