/* SPDX-License-Identifier: MIT */
/* The tiles of an open pyramid as the background of a build. */
#include "rok4_background.h"

#include "rok4_mask.h"

#include <string.h>

/* A tile that a window's pixels go to. */
struct target
{
    uint8_t *pixels;
    size_t row_bytes;
    size_t pixel_bytes;
    bool present;
};

static void store(void *user, const uint8_t *pixels, size_t row_bytes,
                  uint32_t px_x, uint32_t px_y, uint32_t width_px,
                  uint32_t height_px)
{
    struct target *const target = user;
    target->present = pixels != NULL;
    for (uint32_t row = 0; pixels != NULL && row < height_px; row++)
        memcpy(target->pixels + (px_y + row) * target->row_bytes +
                   px_x * target->pixel_bytes,
               pixels + row * row_bytes, width_px * target->pixel_bytes);
}

static enum pyr_result read_tile(void *user, uint32_t level, uint32_t tile_col,
                                 uint32_t tile_row, uint8_t *pixels,
                                 uint8_t *mask, bool *out_present,
                                 struct pyr_error *err)
{
    const struct rok4_background *const background = user;
    *out_present = false;
    if (level >= background->nlevels || background->levels[level] < 0)
        return PYR_OK;
    const uint32_t own = (uint32_t)background->levels[level];
    const struct pyr_source_level *const at = &background->source->levels[own];
    const struct pyr_window window = {
        .level = own,
        .px_x = (int64_t)tile_col * at->shape.width_px,
        .px_y = (int64_t)tile_row * at->shape.height_px,
        .width_px = at->shape.width_px,
        .height_px = at->shape.height_px};
    struct target target = {.pixels = pixels,
                            .row_bytes = pyr_tile_row_bytes(&at->shape),
                            .pixel_bytes = pyr_pixel_bytes(&at->shape)};
    const struct pyr_window_sink sink = {.user = &target, .store = store};
    enum pyr_result result = pyr_reader_read(background->data, &window, &sink,
                                             background->cache_bytes, err);
    if (result != PYR_OK || !target.present)
        return result;
    if (mask != NULL && background->masks != NULL)
        result = rok4_mask_read(background->data, background->masks, at,
                                &window, mask, at->shape.width_px,
                                background->cache_bytes, err);
    else if (mask != NULL)
        memset(mask, 255, (size_t)at->shape.width_px * at->shape.height_px);
    *out_present = result == PYR_OK;
    return result;
}

struct pyr_background
rok4_background_interface(struct rok4_background *background)
{
    const struct pyr_background interface = {.user = background,
                                             .read = read_tile};
    return interface;
}
