// SPDX-License-Identifier: MIT
// What the parts of the canvas share: marks, and the tiles of a window.
#ifndef ROK4_CANVAS_PRIV_H
#define ROK4_CANVAS_PRIV_H

#include "rok4_canvas.h"

#include <algorithm>

// What is noted of each pixel.
constexpr uint8_t WRITTEN = 1;
constexpr uint8_t VALID = 2;  // with masks
constexpr uint8_t MASKED = 4; // its validity was written
constexpr uint8_t OLD = 8;    // the pyramid has data for its tile

// Memory for tiles that are being written, where GDAL_CACHEMAX says less: a row
// of tiles must fit, or writing row by row compresses each tile for each row.
constexpr size_t LEAST_BYTES = 64 << 20;

inline size_t StoreBytes()
{
    return std::max(LEAST_BYTES, Rok4CacheBytes() / 2);
}

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

#endif
