// SPDX-License-Identifier: MIT
// Any GDAL dataset as a raster on the pixels of one level of a grid.
#include "rok4_source.h"

#include "rok4_failure_trap.h"
#include "rok4_source_bands.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace
{

// The part of a window within a place, in pixels of the place; the window's
// first pixel is (x - left, y - top).
struct Part
{
    int x;
    int y;
    int width;
    int height;
    uint32_t left;
    uint32_t top;
};

bool Intersect(const Rok4Place &place, const struct pyr_window &window,
               Part *part)
{
    const int64_t left = std::max(window.px_x, place.px_x);
    const int64_t top = std::max(window.px_y, place.px_y);
    const int64_t right =
        std::min(window.px_x + window.width_px, place.px_x + place.width_px);
    const int64_t bottom =
        std::min(window.px_y + window.height_px, place.px_y + place.height_px);
    if (left >= right || top >= bottom)
        return false;
    part->x = static_cast<int>(left - place.px_x);
    part->y = static_cast<int>(top - place.px_y);
    part->width = static_cast<int>(right - left);
    part->height = static_cast<int>(bottom - top);
    part->left = static_cast<uint32_t>(left - window.px_x);
    part->top = static_cast<uint32_t>(top - window.px_y);
    return true;
}

GDALResampleAlg ChooseResampling(const Rok4SourceOptions &options,
                                 const GDALWarpOptions *vrt, bool onGrid,
                                 bool palette)
{
    GDALResampleAlg method = palette ? GRA_NearestNeighbour : GRA_Cubic;
    if (options.resampling.has_value() && !onGrid)
        method = *options.resampling;
    else if (vrt != nullptr)
        method = vrt->eResampleAlg;
    // Indexes that a VRT warps cannot be mixed.
    if (vrt != nullptr && palette && method != GRA_Mode)
        method = GRA_NearestNeighbour;
    return method;
}

// Whether all pixels of the bands count, but for NaN.
bool TellsNothing(const Rok4SourceBands &bands)
{
    const Rok4Recoding &recoding = bands.recoding;
    if (bands.mask != nullptr || bands.alphaBand > 0)
        return false;
    for (const bool has : recoding.hasNodata)
        if (has)
            return false;
    return recoding.palette == nullptr ||
           std::find(recoding.palette->valid.begin(),
                     recoding.palette->valid.end(),
                     0) == recoding.palette->valid.end();
}

// Pixels from px to the end of its tile, or of what is left of a row or column.
int ToTileEnd(int64_t px, int tile_px, int left_px)
{
    return static_cast<int>(std::min<int64_t>(tile_px - px % tile_px, left_px));
}

} // namespace

Rok4Source::~Rok4Source() = default;

bool Rok4Source::MakeFeed(GDALDataset *source, const Rok4SourceOptions &options,
                          const Rok4SourceBands &bands)
{
    const GDALWarpOptions *const vrt = Rok4WarpedVrtOptions(source);
    const GDALDataType type =
        bands.recoding.sample == PYR_SAMPLE_UINT8 ? GDT_Byte : GDT_Float32;
    m_recoding = bands.recoding;
    if (m_place.onGrid && vrt == nullptr)
    {
        m_feed = Rok4MakeDatasetFeed(source, bands.bands, type, bands.mask);
        return true;
    }
    Rok4WarpPlan plan;
    plan.source = source;
    plan.grid = options.grid;
    plan.place = m_place;
    plan.bands = bands.bands;
    plan.type = type;
    plan.alphaBand = bands.alphaBand;
    plan.keepAlpha =
        bands.keepAlpha && (vrt == nullptr || vrt->nDstAlphaBand > 0);
    plan.nodata.assign(bands.bands.size(), 0);
    if (m_recoding.palette == nullptr)
        std::copy_n(m_recoding.nodata.begin(), bands.bands.size(),
                    plan.nodata.begin());
    plan.resampling = m_resampling;
    plan.nthreads = options.nthreads;
    m_recoding.validityGiven = !plan.keepAlpha;
    m_recoding.avoidNodata = m_recoding.bands == 1 && m_recoding.hasNodata[0];
    m_recoding.hasNodata.fill(false);
    m_feed = Rok4MakeWarpFeed(plan);
    return m_feed != nullptr;
}

std::unique_ptr<Rok4Source> Rok4Source::Make(GDALDataset *source,
                                             const Rok4SourceOptions &options)
{
    std::unique_ptr<Rok4Source> made(new Rok4Source());
    Rok4SourceBands bands;
    if (!Rok4ReadSourceBands(source, options, &bands))
        return nullptr;
    const GDALWarpOptions *const vrt = Rok4WarpedVrtOptions(source);
    Rok4PlaceOptions where;
    where.grid = options.grid;
    where.level = options.bottomLevel;
    where.strategy = options.strategy;
    where.centresOnly = vrt != nullptr;
    if (!Rok4FindPlace(source, where, &made->m_place))
        return nullptr;
    // A VRT in memory has no name.
    made->m_name =
        (vrt != nullptr ? GDALDataset::FromHandle(vrt->hSrcDS) : source)
            ->GetDescription();
    if (made->m_name.empty())
        made->m_name = "source";
    const struct pyr_grid_level &level =
        options.grid->levels[made->m_place.level];
    made->m_limits = Rok4PlaceLimits(level, made->m_place);
    made->m_findsGaps = TellsNothing(bands);
    made->m_tile_width_px = static_cast<int>(level.tile_width_px);
    made->m_tile_height_px = static_cast<int>(level.tile_height_px);
    const bool palette = bands.recoding.palette != nullptr;
    made->m_resampling =
        ChooseResampling(options, vrt, made->m_place.onGrid, palette);

    if (palette && vrt == nullptr && !made->m_place.onGrid)
    {
        // Resampling mixes colours, not indexes.
        made->m_expanded = Rok4ExpandPalette(source, bands);
        if (made->m_expanded == nullptr)
            return nullptr;
        Rok4SourceOptions expanded(options);
        expanded.alphaAllowed = bands.recoding.bands == 4;
        source = made->m_expanded.get();
        bands = Rok4SourceBands();
        if (!Rok4ReadSourceBands(source, expanded, &bands))
            return nullptr;
    }
    if (!made->MakeFeed(source, options, bands))
        return nullptr;
    return made;
}

bool Rok4Source::MayHold(void *user, const struct pyr_window *window)
{
    Rok4Source &self = *static_cast<Rok4Source *>(user);
    Part part = {};
    return Intersect(self.m_place, *window, &part) &&
           self.m_feed->MayHold(part.x, part.y, part.width, part.height);
}

// Tiles of a rectangle that certainly hold no data.
void Rok4Source::BlankGaps(int x, int y, int width, int height,
                           const Rok4Target &target,
                           Rok4Coverage *coverage) const
{
    if (!m_findsGaps || !m_feed->HasGaps(x, y, width, height))
        return;
    int tile_height = 0;
    for (int top = 0; top < height; top += tile_height)
    {
        tile_height =
            ToTileEnd(m_place.px_y + y + top, m_tile_height_px, height - top);
        int tile_width = 0;
        for (int left = 0; left < width; left += tile_width)
        {
            tile_width = ToTileEnd(m_place.px_x + x + left, m_tile_width_px,
                                   width - left);
            if (m_feed->MayHold(x + left, y + top, tile_width, tile_height))
                continue;
            coverage->all = false;
            for (int row = top; row < top + tile_height; row++)
            {
                Rok4FillNodata(m_recoding,
                               target.pixels + row * target.rowBytes +
                                   left * target.pixelBytes,
                               tile_width);
                memset(target.valid + row * target.validRowBytes + left, 0,
                       tile_width);
            }
        }
    }
    coverage->any = false;
    for (int row = 0; row < height && !coverage->any; row++)
        coverage->any = memchr(target.valid + row * target.validRowBytes, 255,
                               width) != nullptr;
}

enum pyr_result Rok4Source::Read(const struct pyr_window &window,
                                 uint8_t *pixels, uint8_t *valid,
                                 enum pyr_coverage *coverage,
                                 struct pyr_error *err)
{
    Part part = {};
    *coverage = PYR_COVERS_NOTHING;
    if (!Intersect(m_place, window, &part))
        return PYR_OK;
    const size_t width = window.width_px;
    const size_t height = window.height_px;
    const size_t pixelBytes = m_recoding.PixelBytes();
    const size_t rowBytes = width * pixelBytes;
    const size_t partWidth = static_cast<size_t>(part.width);
    const bool whole = part.width == static_cast<int64_t>(width) &&
                       part.height == static_cast<int64_t>(height);
    if (!whole)
    {
        Rok4FillNodata(m_recoding, pixels, width * height);
        memset(valid, 0, width * height);
    }
    Rok4Target target = {};
    target.pixels = pixels + part.top * rowBytes + part.left * pixelBytes;
    target.pixelBytes = pixelBytes;
    target.rowBytes = rowBytes;
    target.valid = valid + part.top * width + part.left;
    target.validRowBytes = width;
    Rok4Target samples = target;
    if (m_recoding.palette != nullptr)
    {
        m_indexes.resize(partWidth * part.height);
        samples.pixels = m_indexes.data();
        samples.pixelBytes = 1;
        samples.rowBytes = partWidth;
    }

    Rok4FailureTrap trap;
    const CPLErr read =
        m_feed->Read(part.x, part.y, part.width, part.height, samples);
    if (!trap.Close(read == CE_None))
        return pyr_fail(err, trap.Result(), "%s: %s", m_name.c_str(),
                        trap.Text());
    const bool plain = m_recoding.IsPlain();
    Rok4Coverage found;
    found.any = plain;
    for (int row = 0; row < part.height; row++)
    {
        uint8_t *const validRow = target.valid + row * width;
        if (plain)
            memset(validRow, 255, partWidth);
        else
            Rok4RecodeRow(m_recoding, samples.pixels + row * samples.rowBytes,
                          target.pixels + row * rowBytes, validRow, partWidth,
                          &found);
    }
    BlankGaps(part.x, part.y, part.width, part.height, target, &found);
    if (found.any)
        *coverage = whole && found.all ? PYR_COVERS_ALL : PYR_COVERS_PART;
    return PYR_OK;
}

enum pyr_result Rok4Source::ReadRaster(void *user,
                                       const struct pyr_window *window,
                                       uint8_t *pixels, uint8_t *valid,
                                       enum pyr_coverage *out_coverage,
                                       struct pyr_error *err)
{
    try
    {
        return static_cast<Rok4Source *>(user)->Read(*window, pixels, valid,
                                                     out_coverage, err);
    }
    catch (const std::bad_alloc &)
    {
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
}

struct pyr_raster Rok4Source::Raster()
{
    struct pyr_raster raster = {};
    raster.user = this;
    raster.may_hold = MayHold;
    raster.read = ReadRaster;
    return raster;
}
