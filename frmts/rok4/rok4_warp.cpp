// SPDX-License-Identifier: MIT
// Samples of a dataset warped to a level's pixels, window by window.
#include "rok4_feed.h"

#include "gdal_alg.h"
#include "rok4_footprint.h"
#include "rok4_retarget.h"
#include "rok4_warp_canvas.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace
{

// What a chunk of a window may take: source, destination and masks.
constexpr double MEMORY_BYTES = 64.0 * (1 << 20);
// How far the approximation of a transformation may be off, as in gdalwarp.
constexpr double MAX_ERROR_PX = 0.125;
// How far the widest kernel reaches (lanczos), and a bit more.
constexpr double KERNEL_REACH = 4;
// A nodata value that no sample has, as in gdalwarp.
constexpr double NO_VALUE = -123456.789;

struct OptionsDeleter
{
    void operator()(GDALWarpOptions *options) const
    {
        GDALDestroyWarpOptions(options);
    }
};
using OptionsPtr = std::unique_ptr<GDALWarpOptions, OptionsDeleter>;

void SetOption(GDALWarpOptions *options, const char *name, const char *value)
{
    options->papszWarpOptions =
        CSLSetNameValue(options->papszWarpOptions, name, value);
}

// Points spread over a rectangle, borders included.
struct Points
{
    std::vector<double> x{};
    std::vector<double> y{};
    std::vector<double> z{};
    std::vector<int> reached{};

    void Add(double px_x, double px_y)
    {
        x.push_back(px_x);
        y.push_back(px_y);
        z.push_back(0);
        reached.push_back(FALSE);
    }

    void ToSource(const Rok4Transformer &transformer)
    {
        transformer.function(transformer.argument, TRUE,
                             static_cast<int>(x.size()), x.data(), y.data(),
                             z.data(), reached.data());
    }
};

// Source pixels for a pixel of the level, along the source's axes.
struct Scale
{
    bool known = false;
    double x = 1;
    double y = 1;
};

bool IsSteady(std::vector<double> *values)
{
    std::sort(values->begin(), values->end());
    return !values->empty() && values->front() > 0 &&
           values->back() < 1.5 * values->front();
}

Scale MeasureScale(const Rok4Transformer &transformer, int width, int height)
{
    constexpr int SIDE = 5;
    Points points;
    for (int i = 0; i < SIDE * SIDE; i++)
    {
        const double px_x = (i % SIDE + 0.5) / SIDE * width;
        const double px_y = (i / SIDE + 0.5) / SIDE * height;
        points.Add(px_x, px_y);
        points.Add(px_x + 1, px_y);
        points.Add(px_x, px_y + 1);
    }
    points.ToSource(transformer);
    std::vector<double> x;
    std::vector<double> y;
    for (size_t i = 0; i < points.x.size(); i += 3)
    {
        if (!points.reached[i] || !points.reached[i + 1] ||
            !points.reached[i + 2])
            continue;
        x.push_back(std::hypot(points.x[i + 1] - points.x[i],
                               points.x[i + 2] - points.x[i]));
        y.push_back(std::hypot(points.y[i + 1] - points.y[i],
                               points.y[i + 2] - points.y[i]));
    }
    Scale scale;
    scale.known = IsSteady(&x) && IsSteady(&y);
    if (scale.known)
    {
        scale.x = x[x.size() / 2];
        scale.y = y[y.size() / 2];
    }
    return scale;
}

// GDAL takes the scale of a chunk from the box around its source pixels. In a
// flat window that is slightly turned, this box is much too high. With the
// scale given, pixels do not depend on the window either.
void SetScale(GDALWarpOptions *options, const char *name, double ratio)
{
    // Ratios close to a whole number count as such, as in GDAL.
    const double whole = std::round(ratio);
    if (whole >= 1 && std::fabs(ratio - whole) < 0.05)
        ratio = whole;
    SetOption(options, name, CPLSPrintf("%.17g", 1 / ratio));
}

// Pixels of the source.
struct SourceWindow
{
    int x = 0;
    int y = 0;
    int width = 0;
    int height = 0;
};

class WarpFeed final : public Rok4Feed
{
  public:
    explicit WarpFeed(const Rok4WarpPlan &plan) : m_plan(plan)
    {
    }

    ~WarpFeed() override
    {
        m_operation.reset();
    }

    bool Init();
    bool MayHold(int x, int y, int width, int height) override;
    bool HasGaps(int x, int y, int width, int height) override;
    CPLErr Read(int x, int y, int width, int height,
                const Rok4Target &target) override;

  private:
    bool FromDataset(GDALWarpOptions *options);
    bool FromVrt(GDALWarpOptions *options, const GDALWarpOptions &vrt);
    bool FindSource(int x, int y, int width, int height, SourceWindow *window);
    void TakeNodata(GDALWarpOptions *options) const;
    void Complete(GDALWarpOptions *options);

    Rok4WarpPlan m_plan;
    GDALDataset *m_source = nullptr; // of the only warp
    std::vector<int> m_sourceBands{};
    std::unique_ptr<Rok4WarpCanvas> m_canvas{};
    Rok4Transformer m_transformer{};
    std::unique_ptr<GDALWarpOperation> m_operation{};
    double m_reach_px = 0;           // of the resampling kernel, in the source
    std::vector<uint8_t> m_nodata{}; // one pixel
};

// What gdalwarp does with nodata values: with several bands, a pixel of which
// all have them does not count.
void WarpFeed::TakeNodata(GDALWarpOptions *options) const
{
    if (options->nSrcAlphaBand > 0 ||
        (m_source->GetRasterBand(options->panSrcBands[0])->GetMaskFlags() &
         GMF_PER_DATASET))
        return;
    const double none = m_plan.type == GDT_Float32
                            ? std::numeric_limits<double>::quiet_NaN()
                            : NO_VALUE;
    bool any = m_plan.type == GDT_Float32;
    std::vector<double> values(options->nBandCount, none);
    for (int i = 0; i < options->nBandCount; i++)
    {
        int has = FALSE;
        const double value = m_source->GetRasterBand(options->panSrcBands[i])
                                 ->GetNoDataValue(&has);
        if (has)
            values[i] = value;
        any = any || has;
    }
    if (!any)
        return;
    options->padfSrcNoDataReal = static_cast<double *>(
        CPLMalloc(values.size() * sizeof *options->padfSrcNoDataReal));
    std::copy(values.begin(), values.end(), options->padfSrcNoDataReal);
    SetOption(options, "UNIFIED_SRC_NODATA", "YES");
}

bool WarpFeed::FromDataset(GDALWarpOptions *options)
{
    m_source = m_plan.source;
    const size_t samples = m_plan.bands.size();
    options->nBandCount =
        static_cast<int>(m_plan.keepAlpha ? samples - 1 : samples);
    options->panSrcBands = static_cast<int *>(
        CPLMalloc(options->nBandCount * sizeof *options->panSrcBands));
    options->panDstBands = static_cast<int *>(
        CPLMalloc(options->nBandCount * sizeof *options->panDstBands));
    for (int i = 0; i < options->nBandCount; i++)
    {
        options->panSrcBands[i] = m_plan.bands[i];
        options->panDstBands[i] = i + 1;
    }
    options->nSrcAlphaBand = m_plan.alphaBand;
    options->nDstAlphaBand =
        static_cast<int>(m_plan.keepAlpha ? samples : samples + 1);
    options->eWorkingDataType = m_plan.type;
    TakeNodata(options);
    if (m_source->GetMetadata("RPC") != nullptr)
        SetOption(options, "SOURCE_EXTRA", "5");
    double transform[6];
    Rok4PlaceTransform(m_plan.grid->levels[m_plan.place.level], m_plan.place,
                       transform);
    return m_transformer.Make(
        m_source, Rok4TransformOptions(*m_plan.grid, m_plan.place.sameCrs),
        transform, MAX_ERROR_PX);
}

bool WarpFeed::FromVrt(GDALWarpOptions *options, const GDALWarpOptions &vrt)
{
    m_source = GDALDataset::FromHandle(vrt.hSrcDS);
    // Bands of the VRT are now samples of the canvas.
    int kept = 0;
    for (int i = 0; i < vrt.nBandCount; i++)
    {
        const auto at = std::find(m_plan.bands.begin(), m_plan.bands.end(),
                                  vrt.panDstBands[i]);
        if (at == m_plan.bands.end())
            continue;
        options->panSrcBands[kept] = vrt.panSrcBands[i];
        options->panDstBands[kept] =
            static_cast<int>(at - m_plan.bands.begin()) + 1;
        if (options->padfSrcNoDataReal != nullptr)
            options->padfSrcNoDataReal[kept] = vrt.padfSrcNoDataReal[i];
        kept++;
    }
    options->nBandCount = kept;
    m_plan.keepAlpha = m_plan.keepAlpha && vrt.nDstAlphaBand > 0;
    const int samples = static_cast<int>(m_plan.bands.size());
    options->nDstAlphaBand = m_plan.keepAlpha ? samples : samples + 1;
    // The validity of the canvas takes their place.
    CPLFree(options->padfDstNoDataReal);
    CPLFree(options->padfDstNoDataImag);
    options->padfDstNoDataReal = nullptr;
    options->padfDstNoDataImag = nullptr;
    SetOption(options, "WRITE_FLUSH", nullptr);

    if (m_plan.place.onGrid)
        return m_transformer.Clone(vrt.pfnTransformer, vrt.pTransformerArg);
    // What the VRT knew of its own pixels is no longer so.
    SetOption(options, "XSCALE", nullptr);
    SetOption(options, "YSCALE", nullptr);
    double transform[6];
    Rok4PlaceTransform(m_plan.grid->levels[m_plan.place.level], m_plan.place,
                       transform);
    return m_transformer.Retarget(vrt.pfnTransformer, vrt.pTransformerArg,
                                  transform, m_plan.source->GetSpatialRef(),
                                  m_plan.place.sameCrs ? nullptr
                                                       : m_plan.grid->crs);
}

void WarpFeed::Complete(GDALWarpOptions *options)
{
    options->hSrcDS = GDALDataset::ToHandle(m_source);
    options->hDstDS = GDALDataset::ToHandle(m_canvas.get());
    options->eResampleAlg = m_plan.resampling;
    options->dfWarpMemoryLimit = MEMORY_BYTES;
    options->pfnProgress = GDALDummyProgress;
    options->pProgressArg = nullptr;
    options->pfnTransformer = m_transformer.function;
    options->pTransformerArg = m_transformer.argument;

    std::string init;
    for (int i = 0; i < options->nBandCount; i++)
        init += CPLSPrintf("%s%.17g", i > 0 ? "," : "",
                           m_plan.nodata[options->panDstBands[i] - 1]);
    SetOption(options, "INIT_DEST", init.c_str());
    SetOption(options, "SKIP_NOSOURCE", "YES");
    SetOption(options, "NUM_THREADS", CPLSPrintf("%u", m_plan.nthreads));

    const Scale scale = MeasureScale(m_transformer, m_plan.place.width_px,
                                     m_plan.place.height_px);
    if (scale.known &&
        CSLFetchNameValue(options->papszWarpOptions, "XSCALE") == nullptr)
    {
        SetScale(options, "XSCALE", scale.x);
        SetScale(options, "YSCALE", scale.y);
    }
    m_reach_px = 2 + KERNEL_REACH * std::max({1.0, scale.x, scale.y});
}

bool WarpFeed::Init()
{
    const GDALWarpOptions *const vrt = Rok4WarpedVrtOptions(m_plan.source);
    OptionsPtr options(vrt != nullptr ? GDALCloneWarpOptions(vrt)
                                      : GDALCreateWarpOptions());
    if (!(vrt != nullptr ? FromVrt(options.get(), *vrt)
                         : FromDataset(options.get())))
        return false;
    const size_t samples = m_plan.bands.size();
    const int sampleBytes = GDALGetDataTypeSizeBytes(m_plan.type);
    m_canvas = std::make_unique<Rok4WarpCanvas>(
        m_plan.place.width_px, m_plan.place.height_px,
        static_cast<int>(samples), m_plan.type, !m_plan.keepAlpha);
    m_nodata.resize(samples * sampleBytes);
    for (size_t i = 0; i < samples; i++)
        GDALCopyWords(&m_plan.nodata[i], GDT_Float64, 0,
                      &m_nodata[i * sampleBytes], m_plan.type, 0, 1);
    if (m_plan.keepAlpha)
        memset(&m_nodata[(samples - 1) * sampleBytes], 0, sampleBytes);
    Complete(options.get());
    m_sourceBands.assign(options->panSrcBands,
                         options->panSrcBands + options->nBandCount);
    m_operation = std::make_unique<GDALWarpOperation>();
    return m_operation->Initialize(options.get()) == CE_None;
}

// What a rectangle is made of, at most: nothing if it is empty. False when this
// cannot be told.
bool WarpFeed::FindSource(int x, int y, int width, int height,
                          SourceWindow *window)
{
    constexpr int SIDE = 9;
    Points points;
    for (int i = 0; i < SIDE * SIDE; i++)
        points.Add(x + (i % SIDE) / (SIDE - 1.0) * width,
                   y + (i / SIDE) / (SIDE - 1.0) * height);
    points.ToSource(m_transformer);
    double min_x = HUGE_VAL;
    double min_y = HUGE_VAL;
    double max_x = -HUGE_VAL;
    double max_y = -HUGE_VAL;
    for (size_t i = 0; i < points.x.size(); i++)
    {
        if (!points.reached[i] || !std::isfinite(points.x[i]) ||
            !std::isfinite(points.y[i]))
            return false;
        min_x = std::min(min_x, points.x[i]);
        min_y = std::min(min_y, points.y[i]);
        max_x = std::max(max_x, points.x[i]);
        max_y = std::max(max_y, points.y[i]);
    }
    // Between the points, lines are curves: a share of the box allows for that.
    const double margin =
        m_reach_px + 0.1 * std::max(max_x - min_x, max_y - min_y);
    const double source_width = m_source->GetRasterXSize();
    const double source_height = m_source->GetRasterYSize();
    const int left =
        static_cast<int>(std::clamp(min_x - margin, 0.0, source_width));
    const int top =
        static_cast<int>(std::clamp(min_y - margin, 0.0, source_height));
    const int right = static_cast<int>(
        std::ceil(std::clamp(max_x + margin, 0.0, source_width)));
    const int bottom = static_cast<int>(
        std::ceil(std::clamp(max_y + margin, 0.0, source_height)));
    if (left < right && top < bottom)
        *window = {left, top, right - left, bottom - top};
    return true;
}

bool WarpFeed::MayHold(int x, int y, int width, int height)
{
    SourceWindow window;
    return !FindSource(x, y, width, height, &window) ||
           (window.width > 0 &&
            Rok4MayHoldData(m_source, m_sourceBands, window.x, window.y,
                            window.width, window.height));
}

bool WarpFeed::HasGaps(int x, int y, int width, int height)
{
    SourceWindow window;
    return FindSource(x, y, width, height, &window) && window.width > 0 &&
           Rok4HasGaps(m_source, m_sourceBands, window.x, window.y,
                       window.width, window.height);
}

CPLErr WarpFeed::Read(int x, int y, int width, int height,
                      const Rok4Target &target)
{
    // Chunks without source are left alone.
    for (int row = 0; row < height; row++)
    {
        uint8_t *const pixels = target.pixels + row * target.rowBytes;
        for (int i = 0; i < width; i++)
            memcpy(pixels + i * target.pixelBytes, m_nodata.data(),
                   m_nodata.size());
        memset(target.valid + row * target.validRowBytes, 0, width);
    }
    m_canvas->Aim(x, y, target);
    return m_operation->ChunkAndWarpImage(x, y, width, height);
}

} // namespace

std::unique_ptr<Rok4Feed> Rok4MakeWarpFeed(const Rok4WarpPlan &plan)
{
    auto feed = std::make_unique<WarpFeed>(plan);
    if (!feed->Init())
        return nullptr;
    return feed;
}
