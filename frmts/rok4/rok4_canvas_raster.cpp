// SPDX-License-Identifier: MIT
// What was written to a canvas, as the raster that a pyramid is built from.
#include "rok4_canvas_priv.h"

#include <cstring>

namespace
{

bool AllAlike(const uint8_t *bytes, size_t nbytes)
{
    return nbytes < 2 || memcmp(bytes, bytes + 1, nbytes - 1) == 0;
}

template <size_t N>
void CompareRow(const uint8_t *pixels, const uint8_t *other, size_t width,
                uint8_t *differs)
{
    for (size_t i = 0; i < width; i++)
        differs[i] = memcmp(pixels + i * N, other, N) != 0;
}

// Whether each pixel differs from one.
void CompareRow(const uint8_t *pixels, const uint8_t *other, size_t pixelBytes,
                size_t width, uint8_t *differs)
{
    switch (pixelBytes)
    {
        case 1:
            CompareRow<1>(pixels, other, width, differs);
            break;
        case 2:
            CompareRow<2>(pixels, other, width, differs);
            break;
        case 3:
            CompareRow<3>(pixels, other, width, differs);
            break;
        case 4:
            CompareRow<4>(pixels, other, width, differs);
            break;
        default:
            for (size_t i = 0; i < width; i++)
                differs[i] =
                    memcmp(pixels + i * pixelBytes, other, pixelBytes) != 0;
            break;
    }
}

} // namespace

// What a raster's pixels are.
struct Rok4Canvas::Copied
{
    uint64_t valid = 0;
    uint64_t erased = 0;
};

struct pyr_grid_limits Rok4Canvas::Limits() const
{
    struct pyr_grid_limits limits = {0, 0, 0, 0};
    (void)(pyr_store_limits(m_store, &limits) == PYR_OK);
    return limits;
}

void Rok4Canvas::Clear()
{
    if (m_store != nullptr)
        pyr_store_clear(m_store);
}

// Whether each pixel is valid for what it is: with alpha, unless that is 0;
// else unless it is nodata.
void Rok4Canvas::JudgeRow(const uint8_t *pixels, size_t width,
                          uint8_t *valid) const
{
    const size_t pixelBytes = pyr_pixel_bytes(&m_shape);
    if (m_shape.bands == 3 && m_masks)
    {
        memset(valid, 1, width);
        return;
    }
    if (m_shape.bands % 2 != 0)
    {
        CompareRow(pixels, m_nodata, pixelBytes, width, valid);
        return;
    }
    const size_t sampleBytes = pyr_sample_bytes(m_shape.sample);
    const uint8_t *const alpha = pixels + pixelBytes - sampleBytes;
    for (size_t i = 0; i < width; i++)
    {
        float value = 0;
        if (m_shape.sample == PYR_SAMPLE_FLOAT32)
            memcpy(&value, alpha + i * pixelBytes, sizeof(value));
        else
            value = alpha[i * pixelBytes];
        valid[i] = value != 0;
    }
}

// A row of a tile. What was not written, or does not count, is as the raster
// had it, but for colours without alpha.
void Rok4Canvas::CopyRow(const uint8_t *pixels, const uint8_t *marks,
                         uint32_t width, uint8_t *outPixels, uint8_t *outValid,
                         Copied *copied)
{
    const size_t pixelBytes = pyr_pixel_bytes(&m_shape);
    const bool alike = AllAlike(marks, width);
    if (alike && (marks[0] & WRITTEN) == 0)
        return;
    if (alike && !m_masks && (marks[0] & OLD) != 0)
    {
        memcpy(outPixels, pixels, width * pixelBytes);
        memset(outValid, 255, width);
        copied->valid += width;
        return;
    }
    m_judged.resize(m_shape.width_px);
    JudgeRow(pixels, width, m_judged.data());
    if (alike && !m_masks)
    {
        memcpy(outPixels, pixels, width * pixelBytes);
        for (uint32_t i = 0; i < width; i++)
        {
            outValid[i] = static_cast<uint8_t>(-m_judged[i]);
            copied->valid += m_judged[i];
        }
        return;
    }
    for (uint32_t i = 0; i < width; i++)
    {
        const bool old = (marks[i] & OLD) != 0;
        const bool valid =
            m_judged[i] != 0 && (!m_masks || (marks[i] & VALID) != 0);
        if ((marks[i] & WRITTEN) == 0)
            continue;
        if (valid || !m_masks)
            memcpy(outPixels + i * pixelBytes, pixels + i * pixelBytes,
                   pixelBytes);
        if (valid || (old && !m_masks))
        {
            outValid[i] = 255;
            copied->valid++;
        }
        else if (old)
        {
            outValid[i] = PYR_VALID_ERASED;
            copied->erased++;
        }
    }
}

// Whether a tile of the pyramid has lost its last pixel with alpha. It becomes
// nodata as a whole, as if it had never had one.
bool Rok4Canvas::IsTransparent(const struct pyr_store_tile &tile)
{
    const size_t rowBytes = pyr_tile_row_bytes(&m_shape);
    if (m_shape.bands % 2 != 0 || m_masks || (tile.marks[0] & OLD) == 0)
        return false;
    m_judged.resize(m_shape.width_px);
    for (uint32_t row = 0; row < m_shape.height_px; row++)
    {
        JudgeRow(tile.pixels + row * rowBytes, m_shape.width_px,
                 m_judged.data());
        if (memchr(m_judged.data(), 1, m_shape.width_px) != nullptr)
            return false;
    }
    return true;
}

struct pyr_window Rok4Canvas::Unshifted(const struct pyr_window &window) const
{
    struct pyr_window own = window;
    own.px_x -= m_right;
    own.px_y -= m_down;
    return own;
}

bool Rok4Canvas::MayHold(const struct pyr_window &window)
{
    const struct pyr_window own = Unshifted(window);
    const int64_t endX = own.px_x + own.width_px;
    const int64_t endY = own.px_y + own.height_px;
    if (endX <= 0 || endY <= 0)
        return false;
    struct pyr_grid_limits limits = {};
    limits.min_col = static_cast<uint32_t>(std::max<int64_t>(own.px_x, 0) /
                                           m_shape.width_px);
    limits.min_row = static_cast<uint32_t>(std::max<int64_t>(own.px_y, 0) /
                                           m_shape.height_px);
    limits.max_col = static_cast<uint32_t>((endX - 1) / m_shape.width_px);
    limits.max_row = static_cast<uint32_t>((endY - 1) / m_shape.height_px);
    return pyr_store_meets(m_store, &limits);
}

enum pyr_result Rok4Canvas::ReadRaster(const struct pyr_window &window,
                                       uint8_t *pixels, uint8_t *valid,
                                       enum pyr_coverage *coverage,
                                       struct pyr_error *err)
{
    const size_t pixelBytes = pyr_pixel_bytes(&m_shape);
    const size_t npx = static_cast<size_t>(window.width_px) * window.height_px;
    enum pyr_result result = PYR_OK;
    Copied copied;
    *coverage = PYR_COVERS_NOTHING;
    if (!MayHold(window))
        return PYR_OK;
    memset(valid, 0, npx);
    for (size_t i = 0; i < npx; i++)
        memcpy(pixels + i * pixelBytes, m_nodata, pixelBytes);
    (void)ForEach(Unshifted(window), [&](const Part &part) {
        const struct pyr_store_tile *tile = nullptr;
        result = pyr_store_look(m_store, part.tileCol, part.tileRow,
                                StoreBytes(), &tile, err);
        if (result == PYR_NOT_FOUND)
            result = PYR_OK;
        const bool transparent = tile != nullptr && IsTransparent(*tile);
        for (uint32_t row = 0; tile != nullptr && row < part.height; row++)
        {
            const size_t from =
                static_cast<size_t>(part.inY + row) * m_shape.width_px +
                part.inX;
            const size_t to =
                static_cast<size_t>(part.y + row) * window.width_px + part.x;
            if (!transparent)
                CopyRow(tile->pixels + from * pixelBytes, tile->marks + from,
                        part.width, pixels + to * pixelBytes, valid + to,
                        &copied);
            else
            {
                memset(valid + to, 255, part.width);
                copied.valid += part.width;
            }
        }
        if (tile != nullptr)
            pyr_store_release(m_store, tile);
        return result == PYR_OK ? CE_None : CE_Failure;
    });
    if (copied.valid == npx)
        *coverage = PYR_COVERS_ALL;
    else if (copied.valid + copied.erased > 0)
        *coverage = PYR_COVERS_PART;
    return result;
}

struct pyr_raster Rok4Canvas::Raster(int64_t right, int64_t down)
{
    struct pyr_raster raster = {};
    m_right = right;
    m_down = down;
    raster.user = this;
    raster.may_hold = [](void *user, const struct pyr_window *window) {
        return static_cast<Rok4Canvas *>(user)->MayHold(*window);
    };
    raster.read = [](void *user, const struct pyr_window *window,
                     uint8_t *pixels, uint8_t *valid,
                     enum pyr_coverage *out_coverage, struct pyr_error *err) {
        return static_cast<Rok4Canvas *>(user)->ReadRaster(
            *window, pixels, valid, out_coverage, err);
    };
    return raster;
}
