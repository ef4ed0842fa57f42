// SPDX-License-Identifier: MIT
// The tags that GDAL's GTiff driver gives a file like the one to be.
#include "cogx_template.h"

#include "cogx_report.h"
#include "cogx_tiff.h"
#include "message_trap.h"
#include "thread_settings.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_vsi.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace
{

// A directory of files in memory, gone with this.
class MemoryDirectory final
{
  public:
    MemoryDirectory()
        : m_path(CPLSPrintf("/vsimem/cogx_template_%p",
                            static_cast<const void *>(this)))
    {
    }
    ~MemoryDirectory()
    {
        VSIRmdirRecursive(m_path.c_str());
    }
    MemoryDirectory(const MemoryDirectory &) = delete;
    MemoryDirectory &operator=(const MemoryDirectory &) = delete;

    std::string File(const std::string &name) const
    {
        return m_path + "/" + name;
    }
    std::vector<std::string> Names() const
    {
        std::vector<std::string> names;
        const CPLStringList found(VSIReadDir(m_path.c_str()));
        for (int i = 0; i < found.size(); i++)
            if (found[i][0] != '.')
                names.push_back(found[i]);
        std::sort(names.begin(), names.end());
        return names;
    }

  private:
    const std::string m_path;
};

// Shows GDAL's messages on a file in memory as those on the file to be; or
// failures alone. From its making to its end.
class Messages final
{
  public:
    Messages(const std::string &from, const std::string &to, bool quiet)
        : m_from(from), m_to(to), m_quiet(quiet)
    {
    }
    ~Messages()
    {
        m_trap.Stop();
        for (const MessageTrap::Message &message : m_trap.Messages())
        {
            std::string shown = message.text;
            const size_t at = shown.find(m_from);
            if (at != std::string::npos)
                shown.replace(at, m_from.size(), m_to);
            if (!m_quiet || message.kind >= CE_Failure)
                CPLError(message.kind, message.code, "%s", shown.c_str());
        }
    }
    Messages(const Messages &) = delete;
    Messages &operator=(const Messages &) = delete;

  private:
    const std::string m_from;
    const std::string m_to;
    const bool m_quiet;
    MessageTrap m_trap{};
};

const char *PredictorOf(const CogxCompression &compression, enum pyr_type type)
{
    const bool floats = type == PYR_TYPE_FLOAT16 || type == PYR_TYPE_FLOAT32 ||
                        type == PYR_TYPE_FLOAT64;
    switch (compression.predictor)
    {
        case CogxPredictor::None:
            break;
        case CogxPredictor::Auto:
            // Differences of complex samples are none of their parts.
            return floats ? "3" : pyr_type_is_complex(type) ? "1" : "2";
        case CogxPredictor::Standard:
            return "2";
        case CogxPredictor::FloatingPoint:
            return "3";
    }
    return "1";
}

bool HasPredictor(enum pyr_tiff_compression codec)
{
    return codec == PYR_TIFF_LZW || codec == PYR_TIFF_DEFLATE ||
           codec == PYR_TIFF_ZSTD;
}

// What GDAL's COG driver would ask the GTiff driver for.
CPLStringList CreationOptions(const CogxSource &source,
                              const CogxOptions &options)
{
    const CogxCompression &image = options.image;
    CPLStringList list;
    list.SetNameValue("COPY_SRC_OVERVIEWS", "YES");
    list.SetNameValue("INTERLEAVE", "PIXEL");
    list.SetNameValue("TILED", "YES");
    list.SetNameValue("BLOCKXSIZE", "16");
    list.SetNameValue("BLOCKYSIZE", "16");
    list.SetNameValue("BIGTIFF", "NO");
    list.SetNameValue("SPARSE_OK", "YES");
    list.SetNameValue("COMPRESS", pyr_tiff_compression_name(image.codec));
    list.SetNameValue("GEOTIFF_VERSION", options.geotiffVersion.c_str());
    if (HasPredictor(image.codec))
        list.SetNameValue("PREDICTOR", PredictorOf(image, source.Type()));
    if (image.codec == PYR_TIFF_JPEG && source.Bands() == 3)
        list.SetNameValue("PHOTOMETRIC", "YCBCR");
    if (image.codec == PYR_TIFF_WEBP && image.quality == 100)
    {
        list.SetNameValue("WEBP_LOSSLESS", "YES");
        list.SetNameValue("WEBP_LEVEL", "100");
    }
    list.SetNameValue("@OVERVIEW_RESAMPLING",
                      source.OverviewResampling().c_str());
    if (source.Tiling() != nullptr)
    {
        const CogxPlace &place = source.Place();
        list.SetNameValue("@TILING_SCHEME_NAME", source.Tiling()->name.c_str());
        list.SetNameValue("@TILING_SCHEME_ZOOM_LEVEL",
                          CPLSPrintf("%d", place.zoom));
        if (place.alignedLevels > 0)
            list.SetNameValue("@TILING_SCHEME_ALIGNED_LEVELS",
                              CPLSPrintf("%d", place.alignedLevels));
    }
    return list;
}

void Configure(const CogxSource &source, const CogxOptions &options,
               ThreadSettings *config)
{
    const CogxCompression &overview = options.overview;
    const bool webp = overview.codec == PYR_TIFF_WEBP;
    const bool ycbcr = overview.codec == PYR_TIFF_JPEG && source.Bands() == 3;
    config->Set("COMPRESS_OVERVIEW", pyr_tiff_compression_name(overview.codec));
    config->Set("PREDICTOR_OVERVIEW", HasPredictor(overview.codec)
                                          ? PredictorOf(overview, source.Type())
                                          : nullptr);
    config->Set("WEBP_LOSSLESS_OVERVIEW",
                webp ? (overview.quality == 100 ? "TRUE" : "FALSE") : nullptr);
    config->Set("PHOTOMETRIC_OVERVIEW", ycbcr ? "YCBCR" : nullptr);
    config->Set("INTERLEAVE_OVERVIEW", nullptr);
    config->Set("GDAL_TIFF_INTERNAL_MASK", "YES");
    config->Set("GDAL_PAM_ENABLED", "YES");
}

bool CreateFile(const std::string &path, GDALDataset *sample,
                const CPLStringList &options)
{
    GDALDriver *const driver = GetGDALDriverManager()->GetDriverByName("GTiff");
    if (driver == nullptr)
    {
        CogxReport(CE_Failure, PYR_UNSUPPORTED, "GDAL has no GTiff driver");
        return false;
    }
    const GDALDatasetUniquePtr made(driver->CreateCopy(
        path.c_str(), sample, FALSE, options.List(), nullptr, nullptr));
    return made != nullptr;
}

enum pyr_result LoadDirectory(const struct cogx_tiff &file, size_t directory,
                              CogxTags *out, struct pyr_error *err)
{
    return cogx_tags_load(&out->tags, &file.reader, file.tiff,
                          &file.tiff->dirs[directory], err);
}

enum pyr_result LoadDirectories(const struct cogx_tiff &file,
                                CogxTemplate *made, struct pyr_error *err)
{
    const struct cogx_level &image = file.levels[0];
    enum pyr_result result =
        LoadDirectory(file, image.image.dir, &made->image, err);
    if (result == PYR_OK && image.has_mask)
        result = LoadDirectory(file, image.mask.dir, &made->mask, err);
    if (result == PYR_OK && file.nlevels > 1)
        result =
            LoadDirectory(file, file.levels[1].image.dir, &made->overview, err);
    return result;
}

bool LoadFile(const std::string &path, CogxTemplate *made)
{
    struct pyr_error err = {""};
    vsi_l_offset nbytes = 0;
    struct pyr_tiff_memory memory = {};
    memory.bytes = VSIGetMemFileBuffer(path.c_str(), &nbytes, FALSE);
    memory.nbytes = static_cast<size_t>(nbytes);
    const struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
    struct cogx_tiff *file = nullptr;
    enum pyr_result result = cogx_tiff_open(&reader, &file, &err);
    if (result == PYR_OK)
        result = LoadDirectories(*file, made, &err);
    cogx_tiff_free(file);
    if (result == PYR_OK)
        return true;
    CogxReport(CE_Failure, result,
               CPLSPrintf("what GTiff writes: %s", err.text));
    return false;
}

} // namespace

std::unique_ptr<CogxTemplate>
CogxMakeTemplate(const CogxSource &source, const CogxOptions &options,
                 const CogxSampleOptions &sampleOptions,
                 const std::string &target, bool again)
{
    const MemoryDirectory directory;
    const std::string name = CPLGetFilename(target.c_str());
    const std::string path = directory.File(name);
    auto made = std::make_unique<CogxTemplate>();
    {
        const GDALDatasetUniquePtr sample =
            CogxMakeSample(source.Shown(), sampleOptions);
        ThreadSettings config;
        Configure(source, options, &config);
        const Messages messages(path, target, again);
        if (sample == nullptr ||
            !CreateFile(path, sample.get(), CreationOptions(source, options)))
            return nullptr;
    }
    if (!LoadFile(path, made.get()))
        return nullptr;
    for (const std::string &other : directory.Names())
    {
        vsi_l_offset nbytes = 0;
        const GByte *const bytes =
            VSIGetMemFileBuffer(directory.File(other).c_str(), &nbytes, FALSE);
        if (other != name && bytes != nullptr)
            made->sidecars.push_back(
                {other, std::string(reinterpret_cast<const char *>(bytes),
                                    static_cast<size_t>(nbytes))});
    }
    return made;
}

struct pyr_tile_format CogxFormatOf(const CogxTags &tags,
                                    const CogxCompression &compression,
                                    const CogxSource &source)
{
    const uint32_t side = static_cast<uint32_t>(source.BlockSize());
    struct pyr_tile_format format = {};
    format.compression = compression.codec;
    format.tile_width_px = side;
    format.tile_height_px = side;
    format.bands = source.Bands();
    format.type = source.Type();
    cogx_tags_describe(&tags.tags, &format);
    format.level = compression.fast && format.predictor == 3
                       ? PYR_TIFF_FAST
                       : compression.level;
    format.quality = compression.quality;
    format.lossless =
        compression.codec == PYR_TIFF_WEBP && compression.quality == 100;
    format.max_z_error = compression.maxZError;
    return format;
}

struct pyr_tile_format CogxMaskFormatOf(const CogxTags &tags,
                                        const CogxCompression &compression,
                                        const CogxSource &source)
{
    const uint32_t side = static_cast<uint32_t>(source.BlockSize());
    struct pyr_tile_format format = {};
    format.compression = cogx_tags_mask_compression(&tags.tags);
    cogx_tags_describe(&tags.tags, &format);
    format.tile_width_px = side;
    format.tile_height_px = side;
    format.bands = 1;
    format.type = PYR_TYPE_UINT8;
    format.bits = true;
    format.level = format.compression == compression.codec ? compression.level
                   : format.compression == PYR_TIFF_LZMA   ? -1
                                                           : 0;
    return format;
}
