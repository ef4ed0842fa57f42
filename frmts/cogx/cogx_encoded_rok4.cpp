// SPDX-License-Identifier: MIT
// Encoded tiles of a ROK4 pyramid.
#include "cogx_encoded.h"

#include "cogx_jpeg.h"
#include "pyr_alloc.h"
#include "rok4_creation_options.h"
#include "rok4_dataset.h"
#include "vsi_io.h"

#include "cpl_conv.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace
{

// Slabs that are kept open.
constexpr size_t OPEN_SLABS = 256;
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

struct SlabKey
{
    size_t level;
    uint32_t row;
    uint32_t col;
    bool operator<(const SlabKey &other) const
    {
        return std::tie(level, row, col) <
               std::tie(other.level, other.row, other.col);
    }
};

class EncodedRok4 final : public CogxEncoded
{
  public:
    explicit EncodedRok4(Rok4Dataset *source)
        : m_source(source), m_io(vsi_io_make())
    {
    }
    ~EncodedRok4() override
    {
        CloseSlabs();
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
    SlabKey SlabOf(const Level &level, uint32_t col, uint32_t row) const;
    void CloseSlabs();
    enum pyr_result OpenSlab(const SlabKey &key, struct pyr_file **file,
                             struct pyr_error *err);
    enum pyr_result PromiseSlab(size_t number, const SlabKey &key,
                                struct cogx_writer *writer,
                                struct pyr_error *err);
    enum pyr_result FetchSlab(const SlabKey &key,
                              const std::vector<struct cogx_promised> &tiles,
                              struct pyr_error *err);
    enum pyr_result Check(const struct cogx_promised &tile,
                          struct pyr_error *err) const;

    Rok4Dataset *m_source;
    GDALDatasetUniquePtr m_grown{};
    struct pyr_io m_io;
    std::vector<Level> m_levels{};
    std::map<SlabKey, struct pyr_file *> m_slabs{};
};

void EncodedRok4::CloseSlabs()
{
    for (const auto &slab : m_slabs)
        m_io.close(slab.second);
    m_slabs.clear();
}

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
        case PYR_CODEC_PNG:
        case PYR_CODEC_PACKBITS:
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
    GDALRasterBand *const band = m_source->GetRasterBand(1);
    m_levels.push_back(LevelOf(m_source));
    for (int i = 0; i < band->GetOverviewCount(); i++)
        m_levels.push_back(LevelOf(
            dynamic_cast<Rok4Dataset *>(band->GetOverview(i)->GetDataset())));
    return m_levels[0].fits
               ? ""
               : "its extent does not begin on the corner of a square tile";
}

SlabKey EncodedRok4::SlabOf(const Level &level, uint32_t col,
                            uint32_t row) const
{
    const struct pyr_source_level &tiles = Tiles().levels[level.level];
    return {level.level, (level.row + row) / tiles.container_height_tiles,
            (level.col + col) / tiles.container_width_tiles};
}

// *file belongs to this; nullptr where there is no slab.
enum pyr_result EncodedRok4::OpenSlab(const SlabKey &key,
                                      struct pyr_file **file,
                                      struct pyr_error *err)
{
    const auto found = m_slabs.find(key);
    char *path = nullptr;
    *file = nullptr;
    if (found != m_slabs.end())
    {
        *file = found->second;
        return PYR_OK;
    }
    if (m_slabs.size() >= OPEN_SLABS)
        CloseSlabs();
    enum pyr_result result =
        Tiles().path(Tiles().user, static_cast<uint32_t>(key.level), key.col,
                     key.row, &path, err);
    if (result == PYR_OK)
        result = m_io.open(m_io.user, path, file, err);
    if (result == PYR_OK)
        m_slabs[key] = *file;
    else if (result != PYR_NOT_FOUND)
        pyr_error_prefix(err, "slab %s", path != nullptr ? path : "");
    pyr_free(path);
    return result == PYR_NOT_FOUND ? PYR_OK : result;
}

enum pyr_result EncodedRok4::PromiseSlab(size_t number, const SlabKey &key,
                                         struct cogx_writer *writer,
                                         struct pyr_error *err)
{
    const Level &level = m_levels[number];
    const struct pyr_source_level &tiles = Tiles().levels[key.level];
    const struct pyr_grid_limits &limits = tiles.limits;
    struct pyr_file *file = nullptr;
    enum pyr_result result = OpenSlab(key, &file, err);
    if (result != PYR_OK || file == nullptr)
        return result;
    std::vector<uint8_t> index(static_cast<size_t>(tiles.index.nbytes));
    uint8_t *const buffer = index.data();
    result = m_io.read(file, 1, &tiles.index, &buffer, err);
    const uint32_t first_row = key.row * tiles.container_height_tiles;
    const uint32_t first_col = key.col * tiles.container_width_tiles;
    if (result != PYR_OK)
        pyr_error_prefix(err, "level %s, slab %u, %u", tiles.id, key.col,
                         key.row);
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
                           row, index.data(), m_io.size(file), &extent, err);
        if (result == PYR_OK && extent.nbytes > 0)
            result = cogx_writer_promise(
                writer, static_cast<uint32_t>(number), col - level.col,
                row - level.row, extent.offset_bytes, extent.nbytes, err);
        if (result != PYR_OK)
            pyr_error_prefix(err, "level %s, tile %u, %u", tiles.id, col, row);
    }
    return result;
}

enum pyr_result EncodedRok4::Promise(size_t level, struct cogx_writer *writer,
                                     struct pyr_error *err)
{
    const Level &own = m_levels[level];
    const struct pyr_source_level &tiles = Tiles().levels[own.level];
    const struct pyr_grid_limits &limits = tiles.limits;
    if (Descriptor().levels[own.level].empty)
        return PYR_OK;
    const uint32_t last_row =
        std::min(limits.max_row, own.row + own.nrows - 1) /
        tiles.container_height_tiles;
    const uint32_t last_col =
        std::min(limits.max_col, own.col + own.ncols - 1) /
        tiles.container_width_tiles;
    enum pyr_result result = PYR_OK;
    for (uint32_t row =
             std::max(limits.min_row, own.row) / tiles.container_height_tiles;
         row <= last_row && result == PYR_OK; row++)
        for (uint32_t col = std::max(limits.min_col, own.col) /
                            tiles.container_width_tiles;
             col <= last_col && result == PYR_OK; col++)
            result = PromiseSlab(level, {own.level, row, col}, writer, err);
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

enum pyr_result
EncodedRok4::FetchSlab(const SlabKey &key,
                       const std::vector<struct cogx_promised> &tiles,
                       struct pyr_error *err)
{
    std::vector<struct pyr_extent> ranges;
    std::vector<uint8_t *> buffers;
    struct pyr_file *file = nullptr;
    const char *const id = Tiles().levels[key.level].id;
    for (const struct cogx_promised &tile : tiles)
    {
        ranges.push_back({tile.at, tile.nbytes});
        buffers.push_back(tile.bytes);
    }
    enum pyr_result result = OpenSlab(key, &file, err);
    if (result == PYR_OK && file == nullptr)
        result = pyr_fail(err, PYR_IO, "is gone");
    if (result == PYR_OK)
        result =
            m_io.read(file, ranges.size(), ranges.data(), buffers.data(), err);
    if (result != PYR_OK)
    {
        pyr_error_prefix(err, "level %s, slab %u, %u", id, key.col, key.row);
        return result;
    }
    for (const struct cogx_promised &tile : tiles)
    {
        result = Check(tile, err);
        if (result != PYR_OK)
        {
            const Level &level = m_levels[tile.level];
            pyr_error_prefix(err, "level %s, tile %u, %u", id,
                             level.col + tile.tile_col,
                             level.row + tile.tile_row);
            return result;
        }
    }
    return PYR_OK;
}

enum pyr_result EncodedRok4::Fetch(const struct cogx_promised *tiles,
                                   size_t ntiles, struct pyr_error *err)
{
    std::map<SlabKey, std::vector<struct cogx_promised>> slabs;
    for (size_t i = 0; i < ntiles; i++)
        slabs[SlabOf(m_levels[tiles[i].level], tiles[i].tile_col,
                     tiles[i].tile_row)]
            .push_back(tiles[i]);
    for (const auto &slab : slabs)
    {
        const enum pyr_result result = FetchSlab(slab.first, slab.second, err);
        if (result != PYR_OK)
            return result;
    }
    return PYR_OK;
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
