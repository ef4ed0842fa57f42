// SPDX-License-Identifier: MIT
// Encoded tiles of a TIFF file that GDAL reads.
#include "cogx_encoded.h"

#include "cogx_create_copy.h"
#include "cogx_codec.h"
#include "cogx_cursor.h"
#include "cogx_dataset.h"
#include "cogx_fetcher.h"
#include "pyr_alloc.h"
#include "pyr_arith.h"
#include "vsi_io.h"
#include "vsi_tiff.h"

#include "cpl_conv.h"

#include <iterator>
#include <utility>

namespace
{

CogxPredictor PredictorOf(uint16_t predictor)
{
    return predictor == 2   ? CogxPredictor::Standard
           : predictor == 3 ? CogxPredictor::FloatingPoint
                            : CogxPredictor::None;
}

class EncodedTiff final : public CogxEncoded
{
  public:
    EncodedTiff(GDALDataset *source, unsigned nthreads)
        : m_source(source), m_path(CogxPathOf(source->GetDescription())),
          m_fetcher(nthreads, vsi_io_is_remote(m_path.c_str()))
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
    enum pyr_result TakeTags(size_t level, struct cogx_tags *tags,
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

    GDALDataset *m_source;
    const std::string m_path;
    CogxFetcher m_fetcher;
    struct vsi_tiff *m_file = nullptr;
    struct pyr_tiff_reader m_reader = {};
    struct cogx_tiff *m_tiff = nullptr;
    std::vector<bool> m_has{};
};

std::string EncodedTiff::CheckRaster(const struct cogx_raster &raster) const
{
    enum pyr_type type = PYR_TYPE_UINT8;
    enum pyr_tiff_compression codec = PYR_TIFF_NONE;
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
    if (!cogx_codec_of(m_tiff, &raster, &codec))
        return CPLSPrintf("its compression %u is none that is copied",
                          raster.compression);
    if (raster.nbands != m_source->GetRasterCount() ||
        raster.bits_per_sample != 8 * sample)
        return "its samples are packed";
    const char *const misfit = cogx_codec_misfit(m_tiff, &raster, codec);
    return misfit != nullptr ? misfit : "";
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
    (void)cogx_codec_of(m_tiff, &image, &m_image.codec);
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
            !CheckRaster(raster).empty() ||
            !cogx_codec_of(m_tiff, &raster, &own.codec))
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
    if (m_source->GetAccess() == GA_Update)
        m_source->FlushCache(false);
    if (vsi_tiff_open(m_path.c_str(), &m_file, &err) != PYR_OK)
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
            result = cogx_writer_promise(
                writer, PYR_PLANE_DATA, static_cast<uint32_t>(level), col, row,
                extent.offset_bytes, extent.nbytes, err);
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
    std::vector<CogxPiece> pieces;
    for (size_t i = 0; i < ntiles; i++)
        pieces.push_back({0, {tiles[i].at, tiles[i].nbytes}, tiles[i].bytes});
    const enum pyr_result result = m_fetcher.Fetch(
        std::move(pieces),
        [&](size_t, const std::vector<struct pyr_extent> &ranges,
            const std::vector<uint8_t *> &buffers, struct pyr_error *of_read) {
            enum pyr_result read = PYR_OK;
            for (size_t i = 0; i < ranges.size() && read == PYR_OK; i++)
                read = m_reader.read(
                    m_reader.user, ranges[i].offset_bytes, buffers[i],
                    static_cast<size_t>(ranges[i].nbytes), of_read);
            return read;
        },
        err);
    if (result != PYR_OK)
        pyr_error_prefix(err, "source, level %u", tiles[0].level);
    return result;
}

enum pyr_result EncodedTiff::TakeTags(size_t level, struct cogx_tags *tags,
                                      struct pyr_error *err) const
{
    const struct pyr_tiff_dir &dir =
        m_tiff->tiff->dirs[m_tiff->levels[level].image.dir];
    return cogx_tags_take_pixels(tags, &m_reader, m_tiff->tiff, &dir, err);
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
                                                 const CogxOptions &options,
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
    auto found = std::make_unique<EncodedTiff>(source, options.nthreads);
    const std::string misfit = found->Open();
    if (misfit.empty())
        return found;
    *why = "the source does not fit: " + misfit;
    return nullptr;
}
