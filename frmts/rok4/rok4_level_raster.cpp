// SPDX-License-Identifier: MIT
// A level of a pyramid as GDAL makes it from a finer one.
#include "rok4_level_raster.h"

#include "rok4_failure_trap.h"
#include "rok4_level_pixels.h"
#include "rok4_resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace
{

// Relative error of a ratio of cell sizes that means an integer.
constexpr double RATIO_TOLERANCE = 1e-6;
// Finer pixels by which centres or corners that coincide may be apart (spec
// section 3).
constexpr double PLACE_TOLERANCE_PX = 1e-2;
// Finer pixels by which the corner of a block may miss a pixel border that it
// means: enough for what coordinates of large matrices lose.
constexpr double CORNER_TOLERANCE_PX = 1e-4;
// Side of what GDAL resamples at once: blocks that it would not divide.
constexpr double BLOCK_SIDE_PX = 1000;

// One axis of the coarser level, seen from the finer one.
struct Axis
{
    double offset = 0; // of its corner, in finer pixels
    double ratio = 1;  // finer pixels in one of its pixels
    uint32_t side = 1; // its pixels in a block
    // For picks: pixel i is finer pixel step * i + pick; step 0: the one at its
    // centre.
    int64_t step = 0;
    int64_t pick = 0;

    double Position(double px) const
    {
        return offset + px * ratio;
    }

    int64_t Picked(int64_t px) const
    {
        if (step != 0)
            return step * px + pick;
        return static_cast<int64_t>(
            std::floor(Position(static_cast<double>(px) + 0.5) + 1e-6));
    }
};

bool IsPowerOfTwo(int64_t value)
{
    return (value & (value - 1)) == 0;
}

Axis MakeAxis(double distance, double fine_cell, double coarse_cell,
              uint32_t tile_px)
{
    Axis axis;
    axis.offset = distance / fine_cell;
    axis.ratio = coarse_cell / fine_cell;
    axis.side = tile_px;
    while (axis.side > 1 && axis.side * axis.ratio > BLOCK_SIDE_PX)
        axis.side = (axis.side + 1) / 2;

    const double whole = std::nearbyint(axis.ratio);
    if (whole > 1e9 || std::fabs(axis.ratio - whole) > RATIO_TOLERANCE * whole)
        return axis;
    const double centre = axis.Position(0.5) - 0.5;
    const double corner = axis.offset;
    // A doubling level takes the top-left one of four, and so on.
    for (const double first : {centre, corner})
        if (axis.step == 0 &&
            std::fabs(first - std::nearbyint(first)) <= PLACE_TOLERANCE_PX &&
            (first == centre || IsPowerOfTwo(static_cast<int64_t>(whole))))
        {
            axis.step = static_cast<int64_t>(whole);
            axis.pick = static_cast<int64_t>(std::nearbyint(first));
        }
    return axis;
}

int64_t FloorDivide(int64_t value, int64_t divisor)
{
    return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor);
}

// Pixels of the finer level that coarser ones along an axis are made of.
struct Span
{
    int64_t first = 0;
    int64_t end = 0;
    double start = 0; // of the first coarser pixel, from first on
};

Span FineSpan(const Axis &axis, int64_t first, int64_t end, int reach)
{
    double start = axis.Position(static_cast<double>(first) - reach);
    if (std::fabs(start - std::nearbyint(start)) <= CORNER_TOLERANCE_PX)
        start = std::nearbyint(start);
    const double size =
        static_cast<double>(end - first + 2 * reach) * axis.ratio;
    Span span;
    span.first = static_cast<int64_t>(std::floor(start)) - 1;
    span.end = static_cast<int64_t>(std::ceil(start + size)) + 1;
    span.start = start - static_cast<double>(span.first);
    return span;
}

std::vector<int64_t> PickedPixels(const Axis &axis, int64_t first,
                                  uint32_t count)
{
    std::vector<int64_t> picked(count);
    for (uint32_t i = 0; i < count; i++)
        picked[i] = axis.Picked(first + i);
    return picked;
}

} // namespace

struct Rok4LevelRaster::Impl
{
    Impl(std::shared_ptr<Rok4Pyramid> pyramid, size_t level)
        : fine(std::move(pyramid), level)
    {
    }

    static bool MayHold(void *user, const struct pyr_window *window);
    static enum pyr_result Read(void *user, const struct pyr_window *window,
                                uint8_t *pixels, uint8_t *valid,
                                enum pyr_coverage *coverage,
                                struct pyr_error *err);

    enum pyr_result ReadBlocks(const struct pyr_window &window, GByte *pixels,
                               GByte *valid, struct pyr_error *err);
    enum pyr_result MakeBlock(int64_t col, int64_t row, struct pyr_error *err);
    void CopyBlock(int64_t col, int64_t row, const struct pyr_window &window,
                   GByte *pixels, GByte *valid) const;

    Rok4LevelPixels fine;
    std::string method{};
    int reach = 0; // beyond the edges of a pixel, in pixels of this level
    Axis x{};
    Axis y{};
    // The block that was made last: pixels[height][width][bands].
    Rok4Bytes block{};
    Rok4Bytes blockValid{};
    int blockWidth = 0; // with reach on both sides
    int blockHeight = 0;
    bool blockHolds = false; // any pixel that counts
};

Rok4LevelRaster::Rok4LevelRaster(std::shared_ptr<Rok4Pyramid> pyramid,
                                 size_t fine,
                                 const struct pyr_grid_level &coarse,
                                 const std::string &method)
{
    const struct pyr_grid_level &grid =
        *rok4_pyramid_grid_level(pyramid->Get(), fine);
    m_impl = std::make_unique<Impl>(std::move(pyramid), fine);
    m_impl->method = method;
    m_impl->x = MakeAxis(coarse.origin_x - grid.origin_x, grid.cell_size,
                         coarse.cell_size, coarse.tile_width_px);
    m_impl->y = MakeAxis(grid.origin_y - coarse.origin_y, grid.cell_size,
                         coarse.cell_size, coarse.tile_height_px);
    // One more than the method looks at: GDAL cuts its kernels at the edge of
    // what it is asked for, where ratios are not whole.
    const int reach = Rok4Resampling::Reach(method);
    m_impl->reach = reach > 0 ? reach + 1 : 0;
}

Rok4LevelRaster::~Rok4LevelRaster() = default;

struct pyr_raster Rok4LevelRaster::Raster()
{
    struct pyr_raster raster = {};
    raster.user = m_impl.get();
    raster.may_hold = Impl::MayHold;
    raster.read = Impl::Read;
    return raster;
}

bool Rok4LevelRaster::Impl::MayHold(void *user, const struct pyr_window *window)
{
    const Impl &self = *static_cast<const Impl *>(user);
    const int64_t right = window->px_x + window->width_px;
    const int64_t bottom = window->px_y + window->height_px;
    if (self.method == "NEAREST")
        return self.fine.MayHold(
            self.x.Picked(window->px_x), self.y.Picked(window->px_y),
            self.x.Picked(right - 1) + 1, self.y.Picked(bottom - 1) + 1);
    const Span columns = FineSpan(self.x, window->px_x, right, self.reach);
    const Span rows = FineSpan(self.y, window->px_y, bottom, self.reach);
    return self.fine.MayHold(columns.first, rows.first, columns.end, rows.end);
}

enum pyr_result Rok4LevelRaster::Impl::Read(void *user,
                                            const struct pyr_window *window,
                                            uint8_t *pixels, uint8_t *valid,
                                            enum pyr_coverage *coverage,
                                            struct pyr_error *err)
{
    Impl &self = *static_cast<Impl *>(user);
    enum pyr_result result = PYR_OK;
    if (self.method == "NEAREST")
        result = self.fine.Pick(
            PickedPixels(self.x, window->px_x, window->width_px),
            PickedPixels(self.y, window->px_y, window->height_px), pixels,
            valid, err);
    else
        result = self.ReadBlocks(*window, pixels, valid, err);
    if (result == PYR_OK)
        *coverage = Rok4CoverageOf(
            valid, static_cast<size_t>(window->width_px) * window->height_px);
    return result;
}

// Blocks stand at fixed places of the level, so that a pixel does not depend on
// the window that it is read with.
enum pyr_result
Rok4LevelRaster::Impl::ReadBlocks(const struct pyr_window &window,
                                  GByte *pixels, GByte *valid,
                                  struct pyr_error *err)
{
    const int64_t last_col =
        FloorDivide(window.px_x + window.width_px - 1, x.side);
    const int64_t last_row =
        FloorDivide(window.px_y + window.height_px - 1, y.side);
    for (int64_t row = FloorDivide(window.px_y, y.side); row <= last_row; row++)
        for (int64_t col = FloorDivide(window.px_x, x.side); col <= last_col;
             col++)
        {
            const enum pyr_result result = MakeBlock(col, row, err);
            if (result != PYR_OK)
                return result;
            CopyBlock(col, row, window, pixels, valid);
        }
    return PYR_OK;
}

enum pyr_result Rok4LevelRaster::Impl::MakeBlock(int64_t col, int64_t row,
                                                 struct pyr_error *err)
{
    const Span columns = FineSpan(x, col * x.side, (col + 1) * x.side, reach);
    const Span rows = FineSpan(y, row * y.side, (row + 1) * y.side, reach);
    blockHolds = fine.MayHold(columns.first, rows.first, columns.end, rows.end);
    if (!blockHolds)
        return PYR_OK;

    Rok4Resampling task;
    task.method = method;
    task.shape = fine.Shape();
    task.shape.width_px = static_cast<uint32_t>(columns.end - columns.first);
    task.shape.height_px = static_cast<uint32_t>(rows.end - rows.first);
    task.alpha = fine.HasAlpha();
    task.left = columns.start;
    task.top = rows.start;
    task.ratio = x.ratio;
    task.width = static_cast<int>(x.side) + 2 * reach;
    task.height = static_cast<int>(y.side) + 2 * reach;
    const size_t count = static_cast<size_t>(task.width) * task.height;
    const size_t pixel_bytes = pyr_pixel_bytes(&task.shape);
    const Rok4Bytes pixels(static_cast<GByte *>(VSI_MALLOC3_VERBOSE(
        task.shape.width_px, task.shape.height_px, pixel_bytes)));
    const Rok4Bytes valid(static_cast<GByte *>(
        VSI_MALLOC2_VERBOSE(task.shape.width_px, task.shape.height_px)));
    if (block == nullptr)
        block.reset(
            static_cast<GByte *>(VSI_MALLOC2_VERBOSE(count, pixel_bytes)));
    if (blockValid == nullptr)
        blockValid.reset(static_cast<GByte *>(VSI_MALLOC_VERBOSE(count)));
    if (pixels == nullptr || valid == nullptr || block == nullptr ||
        blockValid == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory for resampling");

    const enum pyr_result result =
        fine.Read(columns.first, rows.first, task.shape.width_px,
                  task.shape.height_px, pixels.get(), valid.get(), err);
    if (result != PYR_OK)
        return result;
    const enum pyr_coverage coverage =
        Rok4CoverageOf(valid.get(), static_cast<size_t>(task.shape.width_px) *
                                        task.shape.height_px);
    blockHolds = coverage != PYR_COVERS_NOTHING;
    task.pixels = pixels.get();
    task.valid = coverage == PYR_COVERS_ALL ? nullptr : valid.get();
    blockWidth = task.width;
    blockHeight = task.height;
    if (!blockHolds)
        return PYR_OK;
    Rok4FailureTrap trap;
    if (trap.Close(task.Run(block.get(), blockValid.get()) == CE_None))
        return PYR_OK;
    return pyr_fail(err, trap.Result(), "resampling with %s: %s",
                    method.c_str(), trap.Text());
}

void Rok4LevelRaster::Impl::CopyBlock(int64_t col, int64_t row,
                                      const struct pyr_window &window,
                                      GByte *pixels, GByte *valid) const
{
    const size_t pixel_bytes = pyr_pixel_bytes(&fine.Shape());
    const int64_t left = std::max<int64_t>(window.px_x, col * x.side);
    const int64_t top = std::max<int64_t>(window.px_y, row * y.side);
    const int64_t right =
        std::min<int64_t>(window.px_x + window.width_px, (col + 1) * x.side);
    const int64_t bottom =
        std::min<int64_t>(window.px_y + window.height_px, (row + 1) * y.side);
    const size_t count = static_cast<size_t>(right - left);
    for (int64_t line = top; line < bottom; line++)
    {
        const size_t to =
            static_cast<size_t>(line - window.px_y) * window.width_px +
            static_cast<size_t>(left - window.px_x);
        const size_t from =
            static_cast<size_t>(line - row * y.side + reach) * blockWidth +
            static_cast<size_t>(left - col * x.side + reach);
        if (blockHolds)
        {
            memcpy(pixels + to * pixel_bytes, block.get() + from * pixel_bytes,
                   count * pixel_bytes);
            memcpy(valid + to, blockValid.get() + from, count);
        }
        else
            memset(valid + to, 0, count);
        fine.Clear(pixels + to * pixel_bytes, valid + to, count);
    }
}

Rok4IdentityRaster::Rok4IdentityRaster(std::shared_ptr<Rok4Pyramid> pyramid,
                                       size_t level)
    : m_raster(pyramid, level, *rok4_pyramid_grid_level(pyramid->Get(), level),
               "NEAREST")
{
}
