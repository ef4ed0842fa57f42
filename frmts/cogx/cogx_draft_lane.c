/* SPDX-License-Identifier: MIT */
/* The draft: blocks that wait, some bands of each place together. */
#include "cogx_draft_priv.h"

#include "pyr_alloc.h"

#include <string.h>

/* Of the bands that share a block, for one pixel. */
#define LANE_BYTES 32u
/* What the shape of a stored block counts as a pixel. */
#define SHAPE_BANDS 4u

/* ---- Planes ---- */

/* Samples of a band of a block, among those of others. */
struct samples
{
    uint8_t *at;
    size_t pixel_bytes; /* from one pixel to the next */
    size_t row_bytes;
    uint32_t width_px;
    uint32_t height_px;
};

/* A plane has the first bytes of all samples of a block, then the second
 * ones..., each as the difference to that of the sample before: that is
 * compressed better. */
static void split(const struct samples *samples, size_t sample_bytes,
                  uint8_t *plane)
{
    for (size_t byte = 0; byte < sample_bytes; byte++)
    {
        uint8_t before = 0;
        for (uint32_t row = 0; row < samples->height_px; row++)
        {
            const uint8_t *in = samples->at + row * samples->row_bytes + byte;
            for (uint32_t col = 0; col < samples->width_px; col++)
            {
                *plane++ = (uint8_t)(*in - before);
                before = *in;
                in += samples->pixel_bytes;
            }
        }
    }
}

static void join(const uint8_t *plane, size_t sample_bytes,
                 const struct samples *samples)
{
    for (size_t byte = 0; byte < sample_bytes; byte++)
    {
        uint8_t value = 0;
        for (uint32_t row = 0; row < samples->height_px; row++)
        {
            uint8_t *out = samples->at + row * samples->row_bytes + byte;
            for (uint32_t col = 0; col < samples->width_px; col++)
            {
                value = (uint8_t)(value + *plane++);
                *out = value;
                out += samples->pixel_bytes;
            }
        }
    }
}

static void fill_samples(const struct samples *samples, const uint8_t *fill,
                         size_t sample_bytes)
{
    for (uint32_t row = 0; row < samples->height_px; row++)
        for (uint32_t col = 0; col < samples->width_px; col++)
            memcpy(samples->at + row * samples->row_bytes +
                       col * samples->pixel_bytes,
                   fill, sample_bytes);
}

/* A block that has one value. */
static void fill_plane(const struct cogx_draft *draft, const uint8_t *fill,
                       uint8_t *plane)
{
    const size_t sample_bytes = draft->options.sample_bytes;
    const size_t npixels = draft->plane_bytes / sample_bytes;
    memset(plane, 0, draft->plane_bytes);
    for (size_t byte = 0; byte < sample_bytes; byte++)
        plane[byte * npixels] = fill[byte];
}

/* ---- Lanes ---- */

enum pyr_result cogx_draft_lanes_init(struct cogx_draft *draft,
                                      struct pyr_error *err)
{
    const struct cogx_draft_options *options = &draft->options;
    uint32_t lane_bands = (uint32_t)(LANE_BYTES / options->sample_bytes);

    if (lane_bands > options->bands)
        lane_bands = options->bands;
    draft->lane_bands = lane_bands;
    draft->nlanes = (options->bands - 1) / lane_bands + 1;
    draft->lanes = pyr_calloc(draft->nlanes, sizeof(*draft->lanes));
    if (!draft->lanes)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    draft->lane_memory_bytes = options->memory_bytes / draft->nlanes;
    for (uint32_t i = 0; i < draft->nlanes; i++)
    {
        struct cogx_draft_lane *lane = &draft->lanes[i];
        const uint32_t left = options->bands - i * lane_bands;
        lane->first = i * lane_bands;
        lane->bands = left < lane_bands ? left : lane_bands;
        /* Sides are multiples of that many pixels. */
        const struct pyr_store_options store = {
            .shape = {.width_px = options->block_width_px,
                      .height_px = (uint32_t)(options->block_height_px *
                                              options->sample_bytes *
                                              lane->bands / SHAPE_BANDS),
                      .bands = SHAPE_BANDS,
                      .sample = PYR_SAMPLE_UINT8},
            .space = draft->space};
        const enum pyr_result result = pyr_store_new(&store, &lane->store, err);
        if (result != PYR_OK)
            return result;
    }
    return PYR_OK;
}

void cogx_draft_lanes_clear(struct cogx_draft *draft)
{
    for (uint32_t i = 0; draft->lanes && i < draft->nlanes; i++)
        pyr_store_free(draft->lanes[i].store);
    pyr_free(draft->lanes);
}

static struct cogx_draft_lane *lane_of(const struct cogx_draft *draft,
                                       uint32_t band)
{
    return &draft->lanes[band / draft->lane_bands];
}

bool cogx_draft_lane_is_full(const struct cogx_draft *draft, uint32_t band)
{
    const struct pyr_store *store = lane_of(draft, band)->store;
    return pyr_store_memory(store) + pyr_store_tile_memory(store) >
           draft->lane_memory_bytes;
}

/* ---- Blocks ---- */

static struct samples samples_of_block(const struct cogx_draft *draft,
                                       uint8_t *block)
{
    const struct cogx_draft_options *options = &draft->options;
    const struct samples samples = {.at = block,
                                    .pixel_bytes = options->sample_bytes,
                                    .row_bytes = options->sample_bytes *
                                                 options->block_width_px,
                                    .width_px = options->block_width_px,
                                    .height_px = options->block_height_px};
    return samples;
}

static enum pyr_result edit(struct cogx_draft *draft,
                            struct cogx_draft_lane *lane, uint32_t block_col,
                            uint32_t block_row, const uint8_t *fill,
                            struct pyr_store_tile **out_tile,
                            struct pyr_error *err)
{
    const enum pyr_result result =
        pyr_store_edit(lane->store, block_col, block_row,
                       draft->lane_memory_bytes, out_tile, err);
    if (result != PYR_OK || !(*out_tile)->fresh || !fill)
        return result;
    for (uint32_t i = 0; i < lane->bands; i++)
        fill_plane(draft,
                   fill + (lane->first + i) * draft->options.sample_bytes,
                   (*out_tile)->pixels + i * draft->plane_bytes);
    return PYR_OK;
}

enum pyr_result cogx_draft_put_block(struct cogx_draft *draft, uint32_t band,
                                     uint32_t block_col, uint32_t block_row,
                                     const uint8_t *block, const uint8_t *fill,
                                     struct pyr_error *err)
{
    struct cogx_draft_lane *lane = lane_of(draft, band);
    const struct samples samples = samples_of_block(draft, (uint8_t *)block);
    struct pyr_store_tile *tile = NULL;

    const enum pyr_result result =
        edit(draft, lane, block_col, block_row, fill, &tile, err);
    if (result != PYR_OK)
        return result;
    split(&samples, draft->options.sample_bytes,
          tile->pixels + (band - lane->first) * draft->plane_bytes);
    pyr_store_release(lane->store, tile);
    return PYR_OK;
}

enum pyr_result cogx_draft_get_block(struct cogx_draft *draft, uint32_t band,
                                     uint32_t block_col, uint32_t block_row,
                                     uint8_t *block, struct pyr_error *err)
{
    struct cogx_draft_lane *lane = lane_of(draft, band);
    const struct samples samples = samples_of_block(draft, block);
    const struct pyr_store_tile *tile = NULL;

    const enum pyr_result result =
        pyr_store_look(lane->store, block_col, block_row,
                       draft->lane_memory_bytes, &tile, err);
    if (result != PYR_OK)
        return result;
    join(tile->pixels + (band - lane->first) * draft->plane_bytes,
         draft->options.sample_bytes, &samples);
    pyr_store_release(lane->store, tile);
    return PYR_OK;
}

/* ---- Tiles ---- */

/* Block number i of a tile, by rows; false where that is beyond the image. */
static bool find_block(const struct cogx_draft *draft, uint64_t number,
                       uint32_t i, uint32_t *out_col, uint32_t *out_row)
{
    const struct cogx_draft_options *options = &draft->options;
    const uint64_t col = number % draft->tiles_wide * draft->blocks_across +
                         i % draft->blocks_across;
    const uint64_t row = number / draft->tiles_wide * draft->blocks_down +
                         i / draft->blocks_across;
    *out_col = (uint32_t)col;
    *out_row = (uint32_t)row;
    return col * options->block_width_px < options->width_px &&
           row * options->block_height_px < options->height_px;
}

enum pyr_result cogx_draft_hold(struct cogx_draft *draft, uint64_t number,
                                struct cogx_draft_hold *out_hold,
                                struct pyr_error *err)
{
    const uint32_t nblocks = draft->blocks_across * draft->blocks_down;
    struct cogx_draft_hold hold = {
        pyr_calloc((size_t)nblocks * draft->nlanes, sizeof(*hold.blocks))};
    enum pyr_result result = PYR_OK;

    if (!hold.blocks)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < nblocks * draft->nlanes && result == PYR_OK; i++)
    {
        uint32_t col = 0;
        uint32_t row = 0;
        if (!find_block(draft, number, i % nblocks, &col, &row))
            continue;
        result = pyr_store_look(draft->lanes[i / nblocks].store, col, row,
                                draft->lane_memory_bytes, &hold.blocks[i], err);
        if (result == PYR_NOT_FOUND)
            result = PYR_OK;
    }
    if (result == PYR_OK)
        *out_hold = hold;
    else
        cogx_draft_release(draft, &hold, false);
    return result;
}

void cogx_draft_release(struct cogx_draft *draft, struct cogx_draft_hold *hold,
                        bool drop)
{
    const uint32_t nblocks = draft->blocks_across * draft->blocks_down;
    for (uint32_t i = 0; hold->blocks && i < nblocks * draft->nlanes; i++)
    {
        struct pyr_store *store = draft->lanes[i / nblocks].store;
        if (hold->blocks[i] && drop)
            pyr_store_drop(store, hold->blocks[i]);
        else if (hold->blocks[i])
            pyr_store_release(store, hold->blocks[i]);
    }
    pyr_free(hold->blocks);
    hold->blocks = NULL;
}

/* The samples of a band in a tile's pixels, as far as block number i has them.
 */
static struct samples samples_of_tile(const struct cogx_draft *draft,
                                      uint32_t band, uint32_t i,
                                      const struct cogx_draft_pixels *pixels)
{
    const struct cogx_draft_options *options = &draft->options;
    const uint32_t px_x = i % draft->blocks_across * options->block_width_px;
    const uint32_t px_y = i / draft->blocks_across * options->block_height_px;
    const bool alpha = band == draft->image_bands;
    const size_t pixel_bytes =
        alpha ? 1 : draft->image_bands * options->sample_bytes;
    struct samples samples = {.pixel_bytes = pixel_bytes,
                              .row_bytes = options->side_px * pixel_bytes,
                              .width_px = options->block_width_px,
                              .height_px = options->block_height_px};
    samples.at =
        (alpha ? pixels->mask : pixels->image + band * options->sample_bytes) +
        px_y * samples.row_bytes + px_x * pixel_bytes;
    return samples;
}

void cogx_draft_gather(const struct cogx_draft *draft, uint64_t number,
                       const struct cogx_draft_hold *hold, const uint8_t *fill,
                       const struct cogx_draft_pixels *pixels)
{
    const struct cogx_draft_options *options = &draft->options;
    const uint32_t nblocks = draft->blocks_across * draft->blocks_down;

    for (uint32_t band = 0; band < options->bands; band++)
        for (uint32_t i = 0; i < nblocks; i++)
        {
            const struct cogx_draft_lane *lane = lane_of(draft, band);
            const struct samples samples =
                samples_of_tile(draft, band, i, pixels);
            const struct pyr_store_tile *block =
                hold->blocks[band / draft->lane_bands * nblocks + i];
            uint32_t col = 0;
            uint32_t row = 0;
            if (!find_block(draft, number, i, &col, &row))
                continue;
            if (!block)
                fill_samples(&samples, fill + band * options->sample_bytes,
                             options->sample_bytes);
            else
                join(block->pixels + (band - lane->first) * draft->plane_bytes,
                     options->sample_bytes, &samples);
        }
}

enum pyr_result cogx_draft_scatter(struct cogx_draft *draft, uint64_t number,
                                   const struct cogx_draft_pixels *pixels,
                                   struct pyr_error *err)
{
    const uint32_t nblocks = draft->blocks_across * draft->blocks_down;

    for (uint32_t i = 0; i < nblocks * draft->nlanes; i++)
    {
        struct cogx_draft_lane *lane = &draft->lanes[i / nblocks];
        struct pyr_store_tile *tile = NULL;
        uint32_t col = 0;
        uint32_t row = 0;
        if (!find_block(draft, number, i % nblocks, &col, &row))
            continue;
        const enum pyr_result result =
            edit(draft, lane, col, row, NULL, &tile, err);
        if (result != PYR_OK)
            return result;
        for (uint32_t band = 0; band < lane->bands; band++)
        {
            const struct samples samples =
                samples_of_tile(draft, lane->first + band, i % nblocks, pixels);
            split(&samples, draft->options.sample_bytes,
                  tile->pixels + band * draft->plane_bytes);
        }
        pyr_store_release(lane->store, tile);
    }
    return PYR_OK;
}

void cogx_draft_pick(const struct cogx_draft *draft, uint32_t band,
                     uint32_t px_x, uint32_t px_y,
                     const struct cogx_draft_pixels *pixels, uint8_t *block)
{
    const struct cogx_draft_options *options = &draft->options;
    const uint32_t number =
        px_y / options->block_height_px * draft->blocks_across +
        px_x / options->block_width_px;
    const struct samples samples = samples_of_tile(draft, band, number, pixels);

    for (uint32_t row = 0; row < samples.height_px; row++)
        for (uint32_t col = 0; col < samples.width_px; col++)
        {
            memcpy(block,
                   samples.at + row * samples.row_bytes +
                       col * samples.pixel_bytes,
                   options->sample_bytes);
            block += options->sample_bytes;
        }
}
