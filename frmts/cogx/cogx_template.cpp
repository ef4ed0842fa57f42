// SPDX-License-Identifier: MIT
// The tags that GDAL's GTiff driver gives a file like the one to be.
#include "cogx_template.h"

#include "cogx_report.h"
#include "message_trap.h"
#include "pyr_alloc.h"
#include "pyr_tiff.h"
#include "thread_settings.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_vsi.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace
{

// Tags (TIFF 6.0, and its supplements).
constexpr uint16_t NEW_SUBFILE_TYPE = 254;
constexpr uint16_t COMPRESSION = 259;
constexpr uint16_t PHOTOMETRIC = 262;
constexpr uint16_t PREDICTOR = 317;
constexpr uint16_t EXTRA_SAMPLES = 338;
constexpr uint16_t JPEG_TABLES = 347;
// Image width and length, strips and tiles; and JPEG's tables, which are those
// of our encoder.
constexpr uint16_t OWN_TAGS[] = {
    NEW_SUBFILE_TYPE, 256, 257, 273, 278, 279, 322, 323, 324, 325, JPEG_TABLES};

constexpr uint64_t IS_REDUCED = 1;
constexpr uint64_t IS_MASK = 4;
constexpr unsigned PHOTOMETRIC_YCBCR = 6;
constexpr unsigned UNASSOCIATED_ALPHA = 2;
constexpr uint16_t SHORT_TYPE = 3;
constexpr uint16_t UNDEFINED_TYPE = 7;

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

bool IsOwnTag(uint16_t code)
{
    return std::find(std::begin(OWN_TAGS), std::end(OWN_TAGS), code) !=
           std::end(OWN_TAGS);
}

enum pyr_result LoadTags(const struct pyr_tiff_reader *reader,
                         const struct pyr_tiff *tiff,
                         const struct pyr_tiff_dir &directory, CogxTags *tags,
                         struct pyr_error *err)
{
    for (size_t i = 0; i < directory.ntags; i++)
    {
        const struct pyr_tiff_tag &tag = directory.tags[i];
        void *values = nullptr;
        size_t nbytes = 0;
        if (IsOwnTag(tag.code))
            continue;
        const enum pyr_result result =
            pyr_tiff_load(reader, tiff, &tag, &values, &nbytes, err);
        if (result != PYR_OK)
            return result;
        tags->Add(tag.code, tag.type, tag.count, values);
    }
    return PYR_OK;
}

// Sorts the directories by what they are.
enum pyr_result LoadDirectories(const struct pyr_tiff_reader *reader,
                                const struct pyr_tiff *tiff, CogxTemplate *made,
                                struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < tiff->ndirs && result == PYR_OK; i++)
    {
        uint64_t kind = 0;
        result = pyr_tiff_uint(reader, tiff, &tiff->dirs[i], NEW_SUBFILE_TYPE,
                               0, &kind, err);
        CogxTags *const tags = (kind & IS_MASK) != 0      ? &made->mask
                               : (kind & IS_REDUCED) != 0 ? &made->overview
                                                          : &made->image;
        if (result == PYR_OK && tags->Empty())
            result = LoadTags(reader, tiff, tiff->dirs[i], tags, err);
    }
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
    struct pyr_tiff *tiff = nullptr;
    enum pyr_result result = pyr_tiff_parse(&reader, &tiff, &err);
    if (result == PYR_OK)
        result = LoadDirectories(&reader, tiff, made, &err);
    pyr_tiff_free(tiff);
    if (result == PYR_OK)
        return true;
    CogxReport(CE_Failure, result,
               CPLSPrintf("what GTiff writes: %s", err.text));
    return false;
}

} // namespace

CogxTags::~CogxTags()
{
    for (const struct cogx_tag &tag : m_tags)
        pyr_free(const_cast<void *>(tag.values));
}

void CogxTags::Add(uint16_t code, uint16_t type, uint64_t count, void *values)
{
    struct cogx_tag tag = {};
    tag.code = code;
    tag.type = type;
    tag.count = count;
    tag.values = values;
    m_tags.push_back(tag);
}

bool CogxTags::AddAll(const CogxTags &others)
{
    for (const struct cogx_tag &tag : others.m_tags)
    {
        const size_t nbytes =
            static_cast<size_t>(tag.count) * pyr_tiff_type_bytes(tag.type);
        void *const copy = pyr_malloc(std::max<size_t>(nbytes, 1));
        if (copy == nullptr)
            return false;
        memcpy(copy, tag.values, nbytes);
        Add(tag.code, tag.type, tag.count, copy);
    }
    return true;
}

void CogxTags::Remove(uint16_t code)
{
    for (size_t i = m_tags.size(); i-- > 0;)
        if (m_tags[i].code == code)
        {
            pyr_free(const_cast<void *>(m_tags[i].values));
            m_tags.erase(m_tags.begin() + static_cast<std::ptrdiff_t>(i));
        }
}

bool CogxTags::SetBytes(uint16_t code, const uint8_t *bytes, size_t nbytes)
{
    void *const copy = pyr_malloc(nbytes);
    if (copy == nullptr)
        return false;
    memcpy(copy, bytes, nbytes);
    for (struct cogx_tag &tag : m_tags)
        if (tag.code == code)
        {
            pyr_free(const_cast<void *>(tag.values));
            tag.type = UNDEFINED_TYPE;
            tag.count = nbytes;
            tag.values = copy;
            return true;
        }
    Add(code, UNDEFINED_TYPE, nbytes, copy);
    return true;
}

const struct cogx_tag *CogxTags::Find(uint16_t code) const
{
    for (const struct cogx_tag &tag : m_tags)
        if (tag.code == code)
            return &tag;
    return nullptr;
}

uint64_t CogxTags::Count(uint16_t code) const
{
    const struct cogx_tag *const tag = Find(code);
    return tag != nullptr ? tag->count : 0;
}

unsigned CogxTags::Short(uint16_t code, size_t nth, unsigned fallback) const
{
    const struct cogx_tag *const tag = Find(code);
    uint16_t value = 0;
    if (tag == nullptr || tag->type != SHORT_TYPE || nth >= tag->count)
        return fallback;
    memcpy(&value,
           static_cast<const uint8_t *>(tag->values) + nth * sizeof(value),
           sizeof(value));
    return value;
}

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
    const uint64_t nextra = tags.Count(EXTRA_SAMPLES);
    struct pyr_tile_format format = {};
    format.compression = compression.codec;
    format.tile_width_px = side;
    format.tile_height_px = side;
    format.bands = source.Bands();
    format.type = source.Type();
    format.ycbcr = compression.codec == PYR_TIFF_JPEG &&
                   tags.Short(PHOTOMETRIC, 0, 0) == PHOTOMETRIC_YCBCR;
    format.nextra = static_cast<unsigned>(nextra);
    format.alpha = nextra > 0 && tags.Short(EXTRA_SAMPLES, nextra - 1, 0) ==
                                     UNASSOCIATED_ALPHA;
    format.predictor = static_cast<int>(tags.Short(PREDICTOR, 0, 1));
    format.level = compression.level;
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
    const unsigned code = tags.Short(COMPRESSION, 0, 1);
    struct pyr_tile_format format = {};
    for (const enum pyr_tiff_compression codec :
         {PYR_TIFF_NONE, PYR_TIFF_LZW, PYR_TIFF_DEFLATE, PYR_TIFF_ZSTD,
          PYR_TIFF_LZMA})
        if (pyr_tiff_compression_code(codec) == code)
            format.compression = codec;
    format.tile_width_px = side;
    format.tile_height_px = side;
    format.bands = 1;
    format.type = PYR_TYPE_UINT8;
    format.bits = true;
    format.predictor = static_cast<int>(tags.Short(PREDICTOR, 0, 1));
    format.level = format.compression == compression.codec ? compression.level
                   : format.compression == PYR_TIFF_LZMA   ? -1
                                                           : 0;
    return format;
}
