// SPDX-License-Identifier: MIT
// Pixels that are being written to a level, in any order and bounded memory.
#include "rok4_canvas.h"

#include "vsi_out.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace
{

// What is noted of each pixel.
constexpr uint8_t WRITTEN = 1;
constexpr uint8_t VALID = 2;  // with masks
constexpr uint8_t MASKED = 4; // its validity was written
constexpr uint8_t OLD = 8;    // the pyramid has data for its tile

// Memory for tiles that are being written, where GDAL_CACHEMAX says less: a row
// of tiles must fit, or writing row by row compresses each tile for each row.
constexpr size_t LEAST_BYTES = 64 << 20;

size_t StoreBytes()
{
    return std::max(LEAST_BYTES, Rok4CacheBytes() / 2);
}

bool AllAlike(const uint8_t *bytes, size_t nbytes)
{
    return nbytes < 2 || memcmp(bytes, bytes + 1, nbytes - 1) == 0;
}

// A pixel that is written is valid, unless its validity was written before.
void NoteWritten(uint8_t *marks, size_t width)
{
    for (size_t i = 0; i < width; i++)
        marks[i] = static_cast<uint8_t>(marks[i] | WRITTEN |
                                        ((~marks[i] & MASKED) >> 1));
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

// A part of a window that lies in one tile.
struct Rok4Canvas::Part
{
    uint32_t tileCol;
    uint32_t tileRow;
    uint32_t inX; // pixels of the tile
    uint32_t inY;
    uint32_t x; // the same of the window
    uint32_t y;
    uint32_t width;
    uint32_t height;
};

// What a raster's pixels are.
struct Rok4Canvas::Copied
{
    uint64_t valid = 0;
    uint64_t erased = 0;
};

Rok4Canvas::~Rok4Canvas()
{
    pyr_store_free(m_store);
}

bool Rok4Canvas::Init(const struct pyr_tile_shape &shape, const double *nodata,
                      bool masks, const std::string &path,
                      std::unique_ptr<Rok4Ground> ground)
{
    m_shape = shape;
    m_masks = masks;
    m_ground = std::move(ground);
    m_out = vsi_out_make_scratch();
    m_spool = path + ".written";
    for (uint32_t i = 0; i < shape.bands; i++)
    {
        const float value = static_cast<float>(nodata[i]);
        if (shape.sample == PYR_SAMPLE_FLOAT32)
            memcpy(m_nodata + i * sizeof(value), &value, sizeof(value));
        else
            m_nodata[i] = static_cast<uint8_t>(nodata[i]);
    }
    struct pyr_store_options options = {};
    options.shape = shape;
    options.out = &m_out;
    options.path = m_spool.c_str();
    struct pyr_error err = {""};
    const enum pyr_result result = pyr_store_new(&options, &m_store, &err);
    if (result != PYR_OK)
        Rok4Report(CE_Failure, result, err.text);
    return result == PYR_OK;
}

CPLErr Rok4Canvas::Report(enum pyr_result result, const struct pyr_error &err)
{
    if (result == PYR_OK)
        return CE_None;
    m_failed = true;
    Rok4Report(
        CE_Failure, result,
        CPLSPrintf("pixels that are written cannot be kept: %s", err.text));
    return CE_Failure;
}

// Calls the action for each tile of a window, until one fails. Pixels before
// (0, 0) are in no tile.
template <class Action>
CPLErr Rok4Canvas::ForEach(const struct pyr_window &window, Action action)
{
    const int64_t tileWidth = m_shape.width_px;
    const int64_t tileHeight = m_shape.height_px;
    const int64_t endX = window.px_x + window.width_px;
    const int64_t endY = window.px_y + window.height_px;
    for (int64_t top = std::max<int64_t>(window.px_y, 0); top < endY;)
    {
        const int64_t bottom =
            std::min(endY, (top / tileHeight + 1) * tileHeight);
        for (int64_t left = std::max<int64_t>(window.px_x, 0); left < endX;)
        {
            const int64_t right =
                std::min(endX, (left / tileWidth + 1) * tileWidth);
            Part part = {};
            part.tileCol = static_cast<uint32_t>(left / tileWidth);
            part.tileRow = static_cast<uint32_t>(top / tileHeight);
            part.inX = static_cast<uint32_t>(left % tileWidth);
            part.inY = static_cast<uint32_t>(top % tileHeight);
            part.x = static_cast<uint32_t>(left - window.px_x);
            part.y = static_cast<uint32_t>(top - window.px_y);
            part.width = static_cast<uint32_t>(right - left);
            part.height = static_cast<uint32_t>(bottom - top);
            if (action(part) != CE_None)
                return CE_Failure;
            left = right;
        }
        top = bottom;
    }
    return CE_None;
}

// ---- Writing ----

// What a tile holds before anything is written to it.
CPLErr Rok4Canvas::Begin(const Part &part, bool overwritten,
                         struct pyr_store_tile *tile)
{
    const size_t npx =
        static_cast<size_t>(m_shape.width_px) * m_shape.height_px;
    const size_t pixelBytes = pyr_pixel_bytes(&m_shape);
    bool present = false;
    if (m_ground != nullptr &&
        m_ground->Locate(part.tileCol, part.tileRow, &present) != CE_None)
        return CE_Failure;
    if (present && overwritten && part.width == m_shape.width_px &&
        part.height == m_shape.height_px)
    {
        memset(tile->marks, OLD, npx);
        return CE_None;
    }
    if (!present)
    {
        for (size_t i = 0; i < npx; i++)
            memcpy(tile->pixels + i * pixelBytes, m_nodata, pixelBytes);
        return CE_None;
    }
    if (m_ground->Read(part.tileCol, part.tileRow, tile->pixels,
                       m_masks ? tile->marks : nullptr) != CE_None)
        return CE_Failure;
    for (size_t i = 0; i < npx; i++)
        tile->marks[i] =
            static_cast<uint8_t>(OLD | (tile->marks[i] != 0 ? VALID : 0));
    return CE_None;
}

// The tile of a part; overwritten: every pixel of the part will be.
CPLErr Rok4Canvas::Edit(const Part &part, bool overwritten,
                        struct pyr_store_tile **tile)
{
    struct pyr_error err = {""};
    const enum pyr_result result = pyr_store_edit(
        m_store, part.tileCol, part.tileRow, StoreBytes(), tile, &err);
    if (result != PYR_OK)
        return Report(result, err);
    if (!(*tile)->fresh || Begin(part, overwritten, *tile) == CE_None)
        return CE_None;
    pyr_store_drop(m_store, *tile);
    m_failed = true;
    return CE_Failure;
}

CPLErr Rok4Canvas::Write(const struct pyr_window &window,
                         const Rok4Buffer &buffer, bool onlyChanged)
{
    const bool overwritten = !onlyChanged && buffer.HasAllBands();
    const size_t pixelBytes = pyr_pixel_bytes(&m_shape);
    std::vector<uint8_t> before;
    return ForEach(window, [&](const Part &part) {
        struct pyr_store_tile *tile = nullptr;
        if (Edit(part, overwritten, &tile) != CE_None)
            return CE_Failure;
        for (uint32_t row = 0; row < part.height; row++)
        {
            const size_t first =
                static_cast<size_t>(part.inY + row) * m_shape.width_px +
                part.inX;
            uint8_t *const pixels = tile->pixels + first * pixelBytes;
            uint8_t *const marks = tile->marks + first;
            if (onlyChanged)
                before.assign(pixels, pixels + part.width * pixelBytes);
            buffer.TakeRow(pixels, part.x, part.y + row, part.width);
            if (!onlyChanged)
                NoteWritten(marks, part.width);
            for (uint32_t i = 0; onlyChanged && i < part.width; i++)
                if (memcmp(pixels + i * pixelBytes,
                           before.data() + i * pixelBytes, pixelBytes) != 0)
                    NoteWritten(marks + i, 1);
        }
        pyr_store_release(m_store, tile);
        return CE_None;
    });
}

CPLErr Rok4Canvas::WriteMask(const struct pyr_window &window, const GByte *mask,
                             size_t lineSpace, bool onlyChanged)
{
    return ForEach(window, [&](const Part &part) {
        struct pyr_store_tile *tile = nullptr;
        if (Edit(part, false, &tile) != CE_None)
            return CE_Failure;
        for (uint32_t row = 0; row < part.height; row++)
        {
            uint8_t *const marks =
                tile->marks +
                static_cast<size_t>(part.inY + row) * m_shape.width_px +
                part.inX;
            const GByte *const values =
                mask + (part.y + row) * lineSpace + part.x;
            for (uint32_t i = 0; i < part.width; i++)
            {
                const uint8_t valid = values[i] != 0 ? VALID : 0;
                if (!onlyChanged || (marks[i] & VALID) != valid)
                    marks[i] = static_cast<uint8_t>((marks[i] & OLD) | WRITTEN |
                                                    MASKED | valid);
            }
        }
        pyr_store_release(m_store, tile);
        return CE_None;
    });
}

// ---- Reading back ----

bool Rok4Canvas::Covers(const struct pyr_window &window) const
{
    if (IsEmpty())
        return false;
    const int64_t endCol =
        (window.px_x + window.width_px - 1) / m_shape.width_px;
    const int64_t endRow =
        (window.px_y + window.height_px - 1) / m_shape.height_px;
    for (int64_t row = window.px_y / m_shape.height_px; row <= endRow; row++)
        for (int64_t col = window.px_x / m_shape.width_px; col <= endCol; col++)
            if (!pyr_store_has(m_store, static_cast<uint32_t>(col),
                               static_cast<uint32_t>(row)))
                return false;
    return true;
}

CPLErr Rok4Canvas::Read(const struct pyr_window &window,
                        const Rok4Buffer &buffer)
{
    if (IsEmpty())
        return CE_None;
    return ForEach(window, [&](const Part &part) {
        const struct pyr_store_tile *tile = nullptr;
        struct pyr_error err = {""};
        const enum pyr_result result = pyr_store_look(
            m_store, part.tileCol, part.tileRow, StoreBytes(), &tile, &err);
        if (result == PYR_NOT_FOUND)
            return CE_None;
        if (result != PYR_OK)
            return Report(result, err);
        for (uint32_t row = 0; row < part.height; row++)
            buffer.PutRow(tile->pixels + (static_cast<size_t>(part.inY + row) *
                                              m_shape.width_px +
                                          part.inX) *
                                             pyr_pixel_bytes(&m_shape),
                          part.x, part.y + row, part.width);
        pyr_store_release(m_store, tile);
        return CE_None;
    });
}

CPLErr Rok4Canvas::ReadMask(const struct pyr_window &window, GByte *mask)
{
    if (IsEmpty())
        return CE_None;
    return ForEach(window, [&](const Part &part) {
        const struct pyr_store_tile *tile = nullptr;
        struct pyr_error err = {""};
        const enum pyr_result result = pyr_store_look(
            m_store, part.tileCol, part.tileRow, StoreBytes(), &tile, &err);
        if (result == PYR_NOT_FOUND)
            return CE_None;
        if (result != PYR_OK)
            return Report(result, err);
        for (uint32_t row = 0; row < part.height; row++)
            for (uint32_t i = 0; i < part.width; i++)
                mask[static_cast<size_t>(part.y + row) * window.width_px +
                     part.x + i] =
                    (tile->marks[static_cast<size_t>(part.inY + row) *
                                     m_shape.width_px +
                                 part.inX + i] &
                     VALID) != 0
                        ? 255
                        : 0;
        pyr_store_release(m_store, tile);
        return CE_None;
    });
}

// ---- As a raster ----

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
        for (uint32_t row = 0; tile != nullptr && row < part.height; row++)
        {
            const size_t from =
                static_cast<size_t>(part.inY + row) * m_shape.width_px +
                part.inX;
            const size_t to =
                static_cast<size_t>(part.y + row) * window.width_px + part.x;
            CopyRow(tile->pixels + from * pixelBytes, tile->marks + from,
                    part.width, pixels + to * pixelBytes, valid + to, &copied);
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
