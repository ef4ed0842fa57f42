// SPDX-License-Identifier: MIT
// Pixels that are being written to a level, in any order and bounded memory.
#include "rok4_canvas_priv.h"

#include "vsi_objects.h"
#include "vsi_out.h"

#include "cpl_conv.h"

#include <cstring>
#include <vector>

namespace
{

// A pixel that is written is valid, unless its validity was written before.
void NoteWritten(uint8_t *marks, size_t width)
{
    for (size_t i = 0; i < width; i++)
        marks[i] = static_cast<uint8_t>(marks[i] | WRITTEN |
                                        ((~marks[i] & MASKED) >> 1));
}

} // namespace

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
    // An object storage has no files that are written at random.
    m_spool = vsi_objects_are_at(path.c_str())
                  ? std::string(CPLGenerateTempFilename("rok4"))
                  : path + ".written";
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
