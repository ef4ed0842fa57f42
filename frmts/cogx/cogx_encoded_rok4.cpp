// SPDX-License-Identifier: MIT
// Encoded tiles of a ROK4 pyramid.
#include "cogx_encoded.h"

#include "cogx_jpeg.h"
#include "cogx_slabs.h"
#include "rok4_creation_options.h"
#include "rok4_dataset.h"

#include "cpl_conv.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace
{

// Part of a pixel by which corners may differ.
constexpr double CORNER_TOLERANCE_PX = 1e-2;

// Where a level's tiles stand.
struct Level
{
    bool fits = false;
    size_t level = 0; // of the pyramid
    uint32_t col = 0; // of the first tile
    uint32_t row = 0;
    uint32_t ncols = 0;
    uint32_t nrows = 0;
};

class EncodedRok4 final : public CogxEncoded
{
  public:
    explicit EncodedRok4(Rok4Dataset *source) : m_source(source)
    {
    }

    // Why the tiles do not fit, or "".
    std::string Open(const CogxOptions &options);

    GDALDataset *Source() const override
    {
        return m_source;
    }
    bool Has(size_t level) const override
    {
        return level < m_levels.size() && m_levels[level].fits;
    }
    enum pyr_result Promise(size_t level, struct cogx_writer *writer,
                            struct pyr_error *err) override;
    enum pyr_result Fetch(const struct cogx_promised *tiles, size_t ntiles,
                          struct pyr_error *err) override;
    enum pyr_result TakeTags(size_t, struct cogx_tags *,
                             struct pyr_error *) const override
    {
        return PYR_OK;
    }
    bool WholeStreams() const override
    {
        return true;
    }
    std::vector<double> Fill() const override;
    int OverviewCount() const override;

  private:
    const struct rok4_descriptor &Descriptor() const
    {
        return *m_source->Pyramid()->Get()->descriptor;
    }
    const struct pyr_source &Tiles() const
    {
        return *m_source->Pyramid()->Source();
    }
    std::string FindCodec();
    bool Grow(Rok4Dataset *given, int overview);
    Level LevelOf(Rok4Dataset *dataset) const;
    CogxSlabKey SlabOf(const Level &level, uint32_t col, uint32_t row) const;
    std::vector<CogxSlabKey> SlabsOf(const Level &level) const;
    enum pyr_result PromiseSlab(size_t number, const CogxSlabKey &key,
                                const CogxSlab &slab,
                                struct cogx_writer *writer,
                                struct pyr_error *err) const;
    enum pyr_result FetchTiles(const struct cogx_promised *tiles, size_t ntiles,
                               const std::vector<CogxSlabKey> &keys,
                               struct pyr_error *err);
    enum pyr_result Check(const struct cogx_promised &tile,
                          struct pyr_error *err) const;

    Rok4Dataset *m_source;
    GDALDatasetUniquePtr m_grown{};
    std::vector<Level> m_levels{};
    std::unique_ptr<CogxSlabs> m_slabs{};
};

std::string EncodedRok4::FindCodec()
{
    const enum rok4_format format = Descriptor().format;
    switch (rok4_format_codec(format))
    {
        case PYR_CODEC_RAW:
            m_image.codec = PYR_TIFF_NONE;
            break;
        case PYR_CODEC_JPEG:
            m_image.codec = PYR_TIFF_JPEG;
            m_image.quality = Rok4EncodingOf(format, 0).quality;
            if (Descriptor().channels != 1 && Descriptor().channels != 3)
                return "its JPEG tiles have two or four bands";
            break;
        case PYR_CODEC_DEFLATE:
            m_image.codec = PYR_TIFF_DEFLATE;
            break;
        case PYR_CODEC_LZW:
            m_image.codec = PYR_TIFF_LZW;
            break;
        case PYR_CODEC_PACKBITS:
            m_image.codec = PYR_TIFF_PACKBITS;
            break;
        case PYR_CODEC_PNG:
            return std::string("tiles of ") + rok4_format_name(format) +
                   " are not those of a GeoTIFF file";
    }
    m_overview = m_image;
    return "";
}

// Shows the extent of a coarser level, so that finer ones begin on its tiles.
// False where that is not so.
bool EncodedRok4::Grow(Rok4Dataset *given, int overview)
{
    Rok4Dataset *const coarse = dynamic_cast<Rok4Dataset *>(
        given->GetRasterBand(1)->GetOverview(overview)->GetDataset());
    if (coarse == nullptr)
        return false;
    CPLStringList options(CSLDuplicate(given->GetOpenOptions()));
    options.SetNameValue("EXTENT_METHOD",
                         Descriptor().levels[coarse->Level()].id);
    const char *const drivers[] = {"ROK4", nullptr};
    GDALDatasetUniquePtr opened(GDALDataset::Open(given->GetDescription(),
                                                  GDAL_OF_RASTER, drivers,
                                                  options.List(), nullptr));
    Rok4Dataset *const grown = dynamic_cast<Rok4Dataset *>(opened.get());
    if (grown == nullptr || grown->Level() != given->Level())
        return false;
    m_source = grown;
    if (!LevelOf(grown).fits)
    {
        m_source = given;
        return false;
    }
    m_grown = std::move(opened);
    return true;
}

Level EncodedRok4::LevelOf(Rok4Dataset *dataset) const
{
    Level found;
    if (dataset == nullptr)
        return found;
    const struct rok4_view &view = dataset->View();
    const struct pyr_tile_shape &shape = Tiles().levels[view.level].shape;
    const uint32_t side = shape.width_px;
    const struct rok4_pyramid *const pyramid = m_source->Pyramid()->Get();
    const struct pyr_grid_bounds own = rok4_view_bounds(pyramid, &view);
    const struct pyr_grid_bounds base =
        rok4_view_bounds(pyramid, &m_source->View());
    const double tolerance =
        CORNER_TOLERANCE_PX *
        rok4_pyramid_grid_level(pyramid, view.level)->cell_size;
    if (side != shape.height_px || side != static_cast<uint32_t>(m_side) ||
        view.px_x < 0 || view.px_y < 0 || view.px_x % side != 0 ||
        view.px_y % side != 0 ||
        std::fabs(own.min_x - base.min_x) > tolerance ||
        std::fabs(own.max_y - base.max_y) > tolerance)
        return found;
    found.fits = true;
    found.level = view.level;
    found.col = static_cast<uint32_t>(view.px_x / side);
    found.row = static_cast<uint32_t>(view.px_y / side);
    found.ncols = (static_cast<uint32_t>(view.width_px) - 1) / side + 1;
    found.nrows = (static_cast<uint32_t>(view.height_px) - 1) / side + 1;
    return found;
}

std::string EncodedRok4::Open(const CogxOptions &options)
{
    if (m_source->GetAccess() == GA_Update)
        m_source->FlushCache(false);
    const std::string why = FindCodec();
    if (!why.empty())
        return why;
    m_side = static_cast<int>(Tiles().levels[m_source->Level()].shape.width_px);
    if (m_side % 16 != 0)
        return CPLSPrintf("its tiles have %d pixels, expected a multiple of 16",
                          m_side);
    for (int i = std::min(options.alignedLevels - 1,
                          m_source->GetRasterBand(1)->GetOverviewCount());
         i > 0; i--)
        if (Grow(m_source, i - 1))
            break;
    m_slabs = std::make_unique<CogxSlabs>(Tiles(), m_source->Pyramid()->Io(),
                                          m_source->GetDescription(),
                                          options.nthreads);
    GDALRasterBand *const band = m_source->GetRasterBand(1);
    m_levels.push_back(LevelOf(m_source));
    for (int i = 0; i < band->GetOverviewCount(); i++)
        m_levels.push_back(LevelOf(
            dynamic_cast<Rok4Dataset *>(band->GetOverview(i)->GetDataset())));
    return m_levels[0].fits
               ? ""
               : "its extent does not begin on the corner of a square tile";
}

CogxSlabKey EncodedRok4::SlabOf(const Level &level, uint32_t col,
                                uint32_t row) const
{
    const struct pyr_source_level &tiles = Tiles().levels[level.level];
    return {level.level, (level.row + row) / tiles.container_height_tiles,
            (level.col + col) / tiles.container_width_tiles};
}

enum pyr_result EncodedRok4::PromiseSlab(size_t number, const CogxSlabKey &key,
                                         const CogxSlab &slab,
                                         struct cogx_writer *writer,
                                         struct pyr_error *err) const
{
    const Level &level = m_levels[number];
    const struct pyr_source_level &tiles = Tiles().levels[key.level];
    const struct pyr_grid_limits &limits = tiles.limits;
    const uint32_t first_row = key.row * tiles.container_height_tiles;
    const uint32_t first_col = key.col * tiles.container_width_tiles;
    enum pyr_result result = PYR_OK;
    for (uint32_t i = 0;
         i < tiles.container_height_tiles * tiles.container_width_tiles &&
         result == PYR_OK;
         i++)
    {
        const uint32_t row = first_row + i / tiles.container_width_tiles;
        const uint32_t col = first_col + i % tiles.container_width_tiles;
        struct pyr_extent extent = {0, 0};
        if (row < std::max(level.row, limits.min_row) ||
            col < std::max(level.col, limits.min_col) || row > limits.max_row ||
            col > limits.max_col || row - level.row >= level.nrows ||
            col - level.col >= level.ncols)
            continue;
        result =
            Tiles().locate(Tiles().user, static_cast<uint32_t>(key.level), col,
                           row, slab.index.data(), slab.nbytes, &extent, err);
        if (result == PYR_OK && extent.nbytes > 0)
            result = cogx_writer_promise(
                writer, PYR_PLANE_DATA, static_cast<uint32_t>(number),
                col - level.col, row - level.row, extent.offset_bytes,
                extent.nbytes, err);
        if (result != PYR_OK)
            pyr_error_prefix(err, "level %s, tile %u, %u", tiles.id, col, row);
    }
    return result;
}

// Those that tiles of the level can be in.
std::vector<CogxSlabKey> EncodedRok4::SlabsOf(const Level &level) const
{
    const struct pyr_source_level &tiles = Tiles().levels[level.level];
    const struct pyr_grid_limits &limits = tiles.limits;
    const uint32_t last_row =
        std::min(limits.max_row, level.row + level.nrows - 1) /
        tiles.container_height_tiles;
    const uint32_t last_col =
        std::min(limits.max_col, level.col + level.ncols - 1) /
        tiles.container_width_tiles;
    std::vector<CogxSlabKey> keys;
    for (uint32_t row =
             std::max(limits.min_row, level.row) / tiles.container_height_tiles;
         row <= last_row; row++)
        for (uint32_t col = std::max(limits.min_col, level.col) /
                            tiles.container_width_tiles;
             col <= last_col; col++)
            keys.push_back({level.level, row, col});
    return keys;
}

enum pyr_result EncodedRok4::Promise(size_t level, struct cogx_writer *writer,
                                     struct pyr_error *err)
{
    const Level &own = m_levels[level];
    if (Descriptor().levels[own.level].empty)
        return PYR_OK;
    const std::vector<CogxSlabKey> keys = SlabsOf(own);
    enum pyr_result result = PYR_OK;
    for (size_t first = 0; first < keys.size() && result == PYR_OK;
         first += CogxSlabs::MOST)
    {
        const size_t end = std::min(first + CogxSlabs::MOST, keys.size());
        const std::vector<CogxSlabKey> some(keys.begin() + first,
                                            keys.begin() + end);
        std::vector<CogxSlab> slabs;
        result = m_slabs->Open(some, true, &slabs, err);
        for (size_t i = 0; i < some.size() && result == PYR_OK; i++)
            if (slabs[i].file != nullptr)
                result = PromiseSlab(level, some[i], slabs[i], writer, err);
    }
    return result;
}

// Whether readers of TIFF decode the tile as the driver does.
enum pyr_result EncodedRok4::Check(const struct cogx_promised &tile,
                                   struct pyr_error *err) const
{
    const bool fits = m_image.codec == PYR_TIFF_JPEG
                          ? cogx_jpeg_fits(tile.bytes, tile.nbytes,
                                           static_cast<uint32_t>(m_side),
                                           Descriptor().channels)
                          : Tiles().codec(Tiles().user, tile.bytes,
                                          tile.nbytes) != PYR_CODEC_PNG;
    return fits ? PYR_OK
                : pyr_fail(err, PYR_UNSUPPORTED,
                           "is encoded in a way that GeoTIFF files have not");
}

// Tiles of a few slabs.
enum pyr_result EncodedRok4::FetchTiles(const struct cogx_promised *tiles,
                                        size_t ntiles,
                                        const std::vector<CogxSlabKey> &keys,
                                        struct pyr_error *err)
{
    std::vector<CogxSlab> slabs;
    std::vector<CogxPiece> pieces;
    enum pyr_result result = m_slabs->Open(keys, false, &slabs, err);
    for (size_t i = 0; i < ntiles; i++)
    {
        const CogxSlabKey key = SlabOf(m_levels[tiles[i].level],
                                       tiles[i].tile_col, tiles[i].tile_row);
        const size_t file = static_cast<size_t>(
            std::lower_bound(keys.begin(), keys.end(), key) - keys.begin());
        pieces.push_back(
            {file, {tiles[i].at, tiles[i].nbytes}, tiles[i].bytes});
    }
    if (result == PYR_OK)
        result = m_slabs->Read(keys, slabs, std::move(pieces), err);
    for (size_t i = 0; i < ntiles && result == PYR_OK; i++)
    {
        const Level &level = m_levels[tiles[i].level];
        result = Check(tiles[i], err);
        if (result != PYR_OK)
            pyr_error_prefix(
                err, "level %s, tile %u, %u", Tiles().levels[level.level].id,
                level.col + tiles[i].tile_col, level.row + tiles[i].tile_row);
    }
    return result;
}

enum pyr_result EncodedRok4::Fetch(const struct cogx_promised *tiles,
                                   size_t ntiles, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (size_t first = 0, end = 0; first < ntiles && result == PYR_OK;
         first = end)
    {
        std::set<CogxSlabKey> keys;
        for (end = first; end < ntiles && keys.size() < CogxSlabs::MOST; end++)
            keys.insert(SlabOf(m_levels[tiles[end].level], tiles[end].tile_col,
                               tiles[end].tile_row));
        result =
            FetchTiles(tiles + first, end - first,
                       std::vector<CogxSlabKey>(keys.begin(), keys.end()), err);
    }
    return result;
}

// Pyramids go on to the whole world in a pixel: one tile is enough.
int EncodedRok4::OverviewCount() const
{
    GDALRasterBand *const band = m_source->GetRasterBand(1);
    if (std::max(band->GetXSize(), band->GetYSize()) <= m_side)
        return 0;
    for (int i = 0; i < band->GetOverviewCount(); i++)
    {
        GDALRasterBand *const overview = band->GetOverview(i);
        if (std::max(overview->GetXSize(), overview->GetYSize()) <= m_side)
            return i + 1;
    }
    return -1;
}

std::vector<double> EncodedRok4::Fill() const
{
    std::vector<double> values;
    for (int i = 1; i <= m_source->GetRasterCount(); i++)
        values.push_back(Rok4FillValue(Descriptor(), i));
    return values;
}

} // namespace

std::unique_ptr<CogxEncoded> CogxFindEncodedRok4(GDALDataset *source,
                                                 const CogxOptions &options,
                                                 std::string *why)
{
    Rok4Dataset *const dataset = dynamic_cast<Rok4Dataset *>(source);
    if (dataset == nullptr)
        return nullptr;
    auto found = std::make_unique<EncodedRok4>(dataset);
    const std::string misfit = found->Open(options);
    if (misfit.empty())
        return found;
    *why = "the source does not fit: " + misfit;
    return nullptr;
}
