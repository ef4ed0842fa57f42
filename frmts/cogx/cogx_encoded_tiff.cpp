// SPDX-License-Identifier: MIT
// Encoded tiles of a TIFF file that GDAL reads.
#include "cogx_encoded.h"

#include "cogx_create_copy.h"
#include "cogx_cursor.h"
#include "cogx_dataset.h"
#include "pyr_alloc.h"
#include "pyr_arith.h"
#include "vsi_tiff.h"

#include "cpl_conv.h"

#include <iterator>

namespace
{

// Tags by which tiles are decoded (TIFF 6.0, and its supplements).
constexpr uint16_t FILL_ORDER = 266;
constexpr uint16_t PLANAR_CONFIG = 284;
constexpr uint16_t EXTRA_SAMPLES = 338;
constexpr uint16_t JPEG_TABLES = 347;
constexpr uint16_t LERC_PARAMETERS = 50674;
constexpr uint16_t PIXEL_TAGS[] = {259,         262, 317, EXTRA_SAMPLES, 339,
                                   JPEG_TABLES, 529, 530, 531,           532};

constexpr uint16_t CODE_LERC = 34887;
constexpr uint16_t CODE_OLD_DEFLATE = 32946;

bool CodecOf(uint64_t code, enum pyr_tiff_compression *codec)
{
    for (const enum pyr_tiff_compression known :
         {PYR_TIFF_NONE, PYR_TIFF_LZW, PYR_TIFF_JPEG, PYR_TIFF_DEFLATE,
          PYR_TIFF_ZSTD, PYR_TIFF_WEBP, PYR_TIFF_LERC, PYR_TIFF_LZMA})
        if (pyr_tiff_has(known) &&
            (pyr_tiff_compression_code(known) == code ||
             (known == PYR_TIFF_DEFLATE && code == CODE_OLD_DEFLATE)))
        {
            *codec = known;
            return true;
        }
    return false;
}

CogxPredictor PredictorOf(uint16_t predictor)
{
    return predictor == 2   ? CogxPredictor::Standard
           : predictor == 3 ? CogxPredictor::FloatingPoint
                            : CogxPredictor::None;
}

class EncodedTiff final : public CogxEncoded
{
  public:
    explicit EncodedTiff(GDALDataset *source) : m_source(source)
    {
    }
    ~EncodedTiff() override
    {
        cogx_tiff_free(m_tiff);
        vsi_tiff_close(m_file);
    }

    // Why the tiles do not fit, or "".
    std::string Open();

    GDALDataset *Source() const override
    {
        return m_source;
    }
    bool Has(size_t level) const override
    {
        return level < m_has.size() && m_has[level];
    }
    enum pyr_result Promise(size_t level, struct cogx_writer *writer,
                            struct pyr_error *err) override;
    enum pyr_result Fetch(const struct cogx_promised *tiles, size_t ntiles,
                          struct pyr_error *err) override;
    enum pyr_result TakeTags(size_t level, CogxTags *tags,
                             struct pyr_error *err) const override;
    bool WholeStreams() const override
    {
        return false;
    }
    std::vector<double> Fill() const override;

  private:
    std::string CheckImage();
    std::string CheckRaster(const struct cogx_raster &raster) const;
    void FindLevels();
    bool FindCodec(const struct cogx_raster &raster,
                   enum pyr_tiff_compression *codec) const;
    uint64_t Number(const struct pyr_tiff_dir &dir, uint16_t code,
                    uint64_t fallback) const;

    GDALDataset *m_source;
    struct vsi_tiff *m_file = nullptr;
    struct pyr_tiff_reader m_reader = {};
    struct cogx_tiff *m_tiff = nullptr;
    std::vector<bool> m_has{};
};

uint64_t EncodedTiff::Number(const struct pyr_tiff_dir &dir, uint16_t code,
                             uint64_t fallback) const
{
    struct pyr_error err = {""};
    uint64_t value = fallback;
    return pyr_tiff_uint(&m_reader, m_tiff->tiff, &dir, code, fallback, &value,
                         &err) == PYR_OK
               ? value
               : UINT64_MAX;
}

bool EncodedTiff::FindCodec(const struct cogx_raster &raster,
                            enum pyr_tiff_compression *codec) const
{
    // By what the second parameter tells of the compression of blobs.
    constexpr enum pyr_tiff_compression LERCS[] = {
        PYR_TIFF_LERC, PYR_TIFF_LERC_DEFLATE, PYR_TIFF_LERC_ZSTD};
    const struct pyr_tiff_tag *const tag =
        pyr_tiff_find(&m_tiff->tiff->dirs[raster.dir], LERC_PARAMETERS);
    uint64_t values[2] = {0, 0};
    struct pyr_error err = {""};
    if (!CodecOf(raster.compression, codec))
        return false;
    if (*codec != PYR_TIFF_LERC)
        return true;
    if (tag == nullptr || tag->count != 2 ||
        pyr_tiff_uints(&m_reader, m_tiff->tiff, tag, 0, 2, values, &err) !=
            PYR_OK ||
        values[1] >= std::size(LERCS))
        return false;
    *codec = LERCS[values[1]];
    return pyr_tiff_has(*codec);
}

std::string EncodedTiff::CheckRaster(const struct cogx_raster &raster) const
{
    enum pyr_type type = PYR_TYPE_UINT8;
    enum pyr_tiff_compression codec = PYR_TIFF_NONE;
    const struct pyr_tiff_dir &dir = m_tiff->tiff->dirs[raster.dir];
    if (!CogxTypeOf(m_source->GetRasterBand(1), &type))
        return "its samples have a type of their own";
    const size_t sample = pyr_type_bytes(type);
    if (!raster.tiled)
        return "it has strips, not tiles";
    if (raster.tile_width_px != raster.tile_height_px ||
        raster.tile_width_px % 16 != 0 ||
        raster.tile_width_px > PYR_MAX_TILE_SIDE_PX)
        return CPLSPrintf("its tiles have %u x %u pixels, expected a square, a "
                          "multiple of 16",
                          raster.tile_width_px, raster.tile_height_px);
    if (!FindCodec(raster, &codec))
        return CPLSPrintf("its compression %u is none that is copied",
                          raster.compression);
    if (raster.nbands != m_source->GetRasterCount() ||
        raster.bits_per_sample != 8 * sample)
        return "its samples are packed";
    if (raster.nbands > 1 && Number(dir, PLANAR_CONFIG, 1) != 1)
        return "its bands are apart";
    if (Number(dir, FILL_ORDER, 1) != 1)
        return "its bits are in reverse order";
    if (codec == PYR_TIFF_JPEG && raster.nbands != 1 && raster.nbands != 3)
        return "its JPEG tiles have two or four bands";
    const bool bytes = codec == PYR_TIFF_JPEG || codec == PYR_TIFF_WEBP ||
                       raster.compression == CODE_LERC ||
                       (sample == 1 && raster.predictor != 3);
    return m_tiff->tiff->big_endian && !bytes ? "it is big-endian" : "";
}

// Whether the dataset is that file's, and is as it is there.
std::string EncodedTiff::CheckImage()
{
    const struct cogx_raster &image = m_tiff->levels[0].image;
    if (image.width_px != static_cast<uint32_t>(m_source->GetRasterXSize()) ||
        image.height_px != static_cast<uint32_t>(m_source->GetRasterYSize()))
        return "it shows another size than its file";
    const std::string why = CheckRaster(image);
    if (!why.empty())
        return why;
    m_side = static_cast<int>(image.tile_width_px);
    (void)FindCodec(image, &m_image.codec);
    m_image.predictor = PredictorOf(image.predictor);
    m_overview = m_image;
    return "";
}

void EncodedTiff::FindLevels()
{
    GDALRasterBand *const band = m_source->GetRasterBand(1);
    bool first = true;
    m_has.assign(1, true);
    for (int i = 0; i < band->GetOverviewCount(); i++)
    {
        const size_t level = static_cast<size_t>(i) + 1;
        GDALRasterBand *const overview = band->GetOverview(i);
        CogxCompression own;
        m_has.push_back(false);
        if (level >= m_tiff->nlevels || overview == nullptr)
            continue;
        const struct cogx_raster &raster = m_tiff->levels[level].image;
        if (raster.width_px != static_cast<uint32_t>(overview->GetXSize()) ||
            raster.height_px != static_cast<uint32_t>(overview->GetYSize()) ||
            raster.tile_width_px != static_cast<uint32_t>(m_side) ||
            !CheckRaster(raster).empty() || !FindCodec(raster, &own.codec))
            continue;
        own.predictor = PredictorOf(raster.predictor);
        if (first)
            m_overview = own;
        first = false;
        m_has[level] = own.codec == m_overview.codec &&
                       own.predictor == m_overview.predictor;
    }
}

std::string EncodedTiff::Open()
{
    struct pyr_error err = {""};
    const std::string path = CogxPathOf(m_source->GetDescription());
    if (m_source->GetAccess() == GA_Update)
        m_source->FlushCache(false);
    if (vsi_tiff_open(path.c_str(), &m_file, &err) != PYR_OK)
        return "it is no plain file";
    m_reader = vsi_tiff_reader(m_file);
    if (cogx_tiff_open(&m_reader, &m_tiff, &err) != PYR_OK)
        return std::string("its directories cannot be read: ") + err.text;
    const std::string why = CheckImage();
    if (why.empty())
        FindLevels();
    return why;
}

enum pyr_result EncodedTiff::Promise(size_t level, struct cogx_writer *writer,
                                     struct pyr_error *err)
{
    const struct cogx_raster &raster = m_tiff->levels[level].image;
    const uint64_t limit = 2 * static_cast<uint64_t>(raster.tile_width_px) *
                               raster.tile_height_px * raster.nbands *
                               raster.bits_per_sample / 8 +
                           65536;
    struct cogx_cursor cursor;
    cogx_cursor_init(&cursor, m_tiff, &raster);
    const uint64_t ntiles =
        cogx_raster_nlisted(&raster, cogx_raster_ntiles(&raster));
    for (uint64_t i = 0; i < ntiles; i++)
    {
        struct pyr_extent extent = {0, 0};
        const uint32_t col = static_cast<uint32_t>(i % raster.ncols);
        const uint32_t row = static_cast<uint32_t>(i / raster.ncols);
        enum pyr_result result = cogx_cursor_at(&cursor, i, &extent, err);
        if (result == PYR_OK && extent.nbytes > limit)
            result = pyr_fail(err, PYR_CORRUPT,
                              "takes %llu bytes, expected at most %llu",
                              static_cast<unsigned long long>(extent.nbytes),
                              static_cast<unsigned long long>(limit));
        if (result == PYR_OK &&
            !pyr_range_within(extent.offset_bytes, extent.nbytes,
                              m_reader.size_bytes))
            result =
                pyr_fail(err, PYR_CORRUPT, "ends beyond the file's %llu bytes",
                         static_cast<unsigned long long>(m_reader.size_bytes));
        if (result == PYR_OK && extent.nbytes > 0)
            result = cogx_writer_promise(writer, static_cast<uint32_t>(level),
                                         col, row, extent.offset_bytes,
                                         extent.nbytes, err);
        if (result != PYR_OK)
        {
            pyr_error_prefix(err, "source, level %u, tile %u, %u",
                             static_cast<unsigned>(level), col, row);
            return result;
        }
    }
    return PYR_OK;
}

enum pyr_result EncodedTiff::Fetch(const struct cogx_promised *tiles,
                                   size_t ntiles, struct pyr_error *err)
{
    for (size_t i = 0; i < ntiles; i++)
    {
        const struct cogx_promised &tile = tiles[i];
        const enum pyr_result result =
            m_reader.read(m_reader.user, tile.at, tile.bytes, tile.nbytes, err);
        if (result != PYR_OK)
        {
            pyr_error_prefix(err, "source, level %u, tile %u, %u", tile.level,
                             tile.tile_col, tile.tile_row);
            return result;
        }
    }
    return PYR_OK;
}

enum pyr_result EncodedTiff::TakeTags(size_t level, CogxTags *tags,
                                      struct pyr_error *err) const
{
    const struct pyr_tiff_dir &dir =
        m_tiff->tiff->dirs[m_tiff->levels[level].image.dir];
    for (const uint16_t code : PIXEL_TAGS)
    {
        const struct pyr_tiff_tag *const tag = pyr_tiff_find(&dir, code);
        void *values = nullptr;
        size_t nbytes = 0;
        tags->Remove(code);
        if (tag == nullptr)
            continue;
        const enum pyr_result result =
            pyr_tiff_load(&m_reader, m_tiff->tiff, tag, &values, &nbytes, err);
        if (result != PYR_OK)
            return result;
        tags->Add(code, tag->type, tag->count, values);
    }
    return PYR_OK;
}

// As GTiff reads them.
std::vector<double> EncodedTiff::Fill() const
{
    int has = FALSE;
    const double nodata = m_source->GetRasterBand(1)->GetNoDataValue(&has);
    return std::vector<double>(static_cast<size_t>(m_source->GetRasterCount()),
                               has ? nodata : 0);
}

} // namespace

std::unique_ptr<CogxEncoded> CogxFindEncodedTiff(GDALDataset *source,
                                                 std::string *why)
{
    GDALDriver *const driver = source->GetDriver();
    const bool known =
        dynamic_cast<CogxDataset *>(source) != nullptr ||
        (driver != nullptr && EQUAL(driver->GetDescription(), "GTiff"));
    if (!known)
    {
        *why = "the source is neither a ROK4 pyramid nor a GeoTIFF file";
        return nullptr;
    }
    auto found = std::make_unique<EncodedTiff>(source);
    const std::string misfit = found->Open();
    if (misfit.empty())
        return found;
    *why = "the source does not fit: " + misfit;
    return nullptr;
}
