/* SPDX-License-Identifier: MIT */
/* The draft: what was written of each tile, and when it is encoded. */
#include "cogx_draft_priv.h"

#include "cogx_layout.h"
#include "pyr_alloc.h"
#include "pyr_arith.h"

#include <string.h>

#define FIRST_QUEUED 64u

/* Share of the memory for blocks that tiles which are decoded may take. */
#define KEPT_SHARE 4u
#define MOST_KEPT 64u

/* ---- Making ---- */

static uint32_t divide_up(uint32_t number, uint32_t by)
{
    return (number - 1) / by + 1;
}

static enum pyr_result draft_init(struct cogx_draft *draft,
                                  struct pyr_error *err)
{
    const struct cogx_draft_options *options = &draft->options;
    const uint64_t ntiles = (uint64_t)draft->tiles_wide * draft->tiles_high;
    const size_t pixels = (size_t)options->side_px * options->side_px;
    size_t tile_bytes = 0;

    if (ntiles > COGX_MAX_TILES || ntiles > SIZE_MAX ||
        !pyr_mul_size(pixels, options->bands * options->sample_bytes,
                      &tile_bytes))
        return pyr_fail(err, PYR_LIMIT,
                        "the image has more tiles than TIFF can index");
    draft->most_kept = options->memory_bytes / KEPT_SHARE / tile_bytes;
    if (draft->most_kept < 1)
        draft->most_kept = 1;
    if (draft->most_kept > MOST_KEPT)
        draft->most_kept = MOST_KEPT;
    /* Memory that is not touched is not taken. */
    draft->tiles = pyr_calloc((size_t)ntiles, sizeof(*draft->tiles));
    draft->workers = pyr_calloc(options->nthreads, sizeof(*draft->workers));
    draft->kept = pyr_calloc(draft->most_kept, sizeof(*draft->kept));
    if (!draft->tiles || !draft->workers || !draft->kept ||
        pyr_space_new(options->scratch, options->path, &draft->space) != PYR_OK)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    return cogx_draft_lanes_init(draft, err);
}

enum pyr_result cogx_draft_new(const struct cogx_draft_options *options,
                               struct cogx_draft **out_draft,
                               struct pyr_error *err)
{
    struct cogx_draft *draft = pyr_calloc(1, sizeof(*draft));

    if (!draft || pthread_mutex_init(&draft->mutex, NULL) != 0)
    {
        pyr_free(draft);
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    draft->options = *options;
    draft->tiles_wide = divide_up(options->width_px, options->side_px);
    draft->tiles_high = divide_up(options->height_px, options->side_px);
    draft->blocks_across = options->width_px <= options->block_width_px
                               ? 1
                               : options->side_px / options->block_width_px;
    draft->blocks_down = options->height_px <= options->block_height_px
                             ? 1
                             : options->side_px / options->block_height_px;
    draft->plane_bytes = (size_t)options->block_width_px *
                         options->block_height_px * options->sample_bytes;
    draft->image_bands = options->bands;
    const enum pyr_result result = draft_init(draft, err);
    if (result != PYR_OK)
    {
        cogx_draft_free(draft);
        return result;
    }
    *out_draft = draft;
    return PYR_OK;
}

void cogx_draft_free(struct cogx_draft *draft)
{
    if (!draft)
        return;
    const uint64_t ntiles = (uint64_t)draft->tiles_wide * draft->tiles_high;
    for (uint64_t i = 0; draft->tiles && i < ntiles; i++)
    {
        cogx_cover_free(draft->tiles[i].cover);
        pyr_free(draft->tiles[i].bytes);
    }
    for (unsigned i = 0; draft->workers && i < draft->options.nthreads; i++)
        cogx_draft_worker_clear(&draft->workers[i]);
    for (size_t i = 0; draft->kept && i < draft->most_kept; i++)
        cogx_draft_pixels_clear(&draft->kept[i].pixels);
    cogx_draft_lanes_clear(draft);
    pyr_space_free(draft->space);
    pyr_free(draft->tiles);
    pyr_free(draft->workers);
    pyr_free(draft->kept);
    pyr_free(draft->queue.numbers);
    pthread_mutex_destroy(&draft->mutex);
    pyr_free(draft);
}

/* ---- Places ---- */

uint64_t cogx_draft_number(const struct cogx_draft *draft, uint32_t block_col,
                           uint32_t block_row)
{
    return (uint64_t)(block_row / draft->blocks_down) * draft->tiles_wide +
           block_col / draft->blocks_across;
}

struct cogx_rect cogx_draft_tile_rect(const struct cogx_draft *draft,
                                      uint64_t number)
{
    const struct cogx_draft_options *options = &draft->options;
    const uint32_t px_x =
        (uint32_t)(number % draft->tiles_wide) * options->side_px;
    const uint32_t px_y =
        (uint32_t)(number / draft->tiles_wide) * options->side_px;
    const uint32_t right = options->width_px - px_x;
    const uint32_t below = options->height_px - px_y;
    const struct cogx_rect rect = {
        px_x, px_y,
        px_x + (right < options->side_px ? right : options->side_px),
        px_y + (below < options->side_px ? below : options->side_px)};
    return rect;
}

/* The same pixels, counted from the corner of the tile; what is beyond it does
 * not matter. */
static struct cogx_rect within(const struct cogx_rect *tile,
                               const struct cogx_rect *pixels)
{
    const struct cogx_rect rect = {
        pixels->px_x > tile->px_x ? pixels->px_x - tile->px_x : 0,
        pixels->px_y > tile->px_y ? pixels->px_y - tile->px_y : 0,
        pixels->end_x > tile->px_x ? pixels->end_x - tile->px_x : 0,
        pixels->end_y > tile->px_y ? pixels->end_y - tile->px_y : 0};
    return rect;
}

bool cogx_draft_has(const struct cogx_draft *draft, uint32_t block_col,
                    uint32_t block_row)
{
    return draft->tiles[cogx_draft_number(draft, block_col, block_row)].state !=
           COGX_DRAFT_NOTHING;
}

/* ---- What was written ---- */

bool cogx_draft_encodes(const struct cogx_draft *draft)
{
    return draft->has_format &&
           draft->format.image.compression != PYR_TIFF_NONE;
}

static bool is_lossy(const struct cogx_draft *draft)
{
    return draft->has_format && pyr_tile_format_is_lossy(&draft->format.image);
}

static struct cogx_rect whole(const struct cogx_draft *draft, uint64_t number)
{
    const struct cogx_rect rect = cogx_draft_tile_rect(draft, number);
    const struct cogx_rect all = {0, 0, rect.end_x - rect.px_x,
                                  rect.end_y - rect.px_y};
    return all;
}

/* Made when it is first needed; NULL where it cannot be: nothing is known then,
 * and the tile stays as it is to the end. */
static struct cogx_cover *cover_of(struct cogx_draft *draft, uint64_t number)
{
    struct cogx_draft_tile *tile = &draft->tiles[number];
    const struct cogx_rect all = whole(draft, number);
    const uint32_t bands = draft->options.bands;

    if (!tile->cover &&
        cogx_cover_new(all.end_x, all.end_y, bands,
                       draft->blocks_across * draft->blocks_down,
                       &tile->cover) != PYR_OK)
        return NULL;
    return tile->cover;
}

/* Without memory for it, the tile is found at the end. */
static void enqueue(struct cogx_draft *draft, uint64_t number)
{
    struct cogx_draft_queue *queue = &draft->queue;

    if (queue->count == queue->room)
    {
        const size_t room = queue->room == 0 ? FIRST_QUEUED : 2 * queue->room;
        uint64_t *numbers = pyr_calloc(room, sizeof(*numbers));
        if (!numbers)
            return;
        for (size_t i = 0; i < queue->count; i++)
            numbers[i] = queue->numbers[(queue->first + i) % queue->room];
        pyr_free(queue->numbers);
        queue->numbers = numbers;
        queue->room = room;
        queue->first = 0;
    }
    queue->numbers[(queue->first + queue->count++) % queue->room] = number;
    draft->tiles[number].touched = false;
}

static uint64_t dequeue(struct cogx_draft *draft)
{
    struct cogx_draft_queue *queue = &draft->queue;
    const uint64_t number = queue->numbers[queue->first];

    queue->first = (queue->first + 1) % queue->room;
    queue->count--;
    return number;
}

static void note_full(struct cogx_draft *draft, uint64_t number)
{
    struct cogx_draft_tile *tile = &draft->tiles[number];

    if (tile->state != COGX_DRAFT_OPEN || !tile->cover ||
        !cogx_cover_is_full(tile->cover))
        return;
    tile->state = COGX_DRAFT_READY;
    enqueue(draft, number);
}

/* Blocks of a tile that are about to change. */
static void expect_blocks(const struct cogx_draft *draft, uint32_t band,
                          const struct cogx_rect *tile,
                          const struct cogx_rect *pixels,
                          struct cogx_cover *cover)
{
    const struct cogx_draft_options *options = &draft->options;
    const uint32_t width = tile->end_x - tile->px_x;
    const uint32_t height = tile->end_y - tile->px_y;
    const struct cogx_rect rect = within(tile, pixels);

    for (uint32_t i = 0; i < draft->blocks_across * draft->blocks_down; i++)
    {
        const uint32_t px_x =
            i % draft->blocks_across * options->block_width_px;
        const uint32_t px_y =
            i / draft->blocks_across * options->block_height_px;
        if (px_x < width && px_y < height && px_x < rect.end_x &&
            px_y < rect.end_y && rect.px_x < px_x + options->block_width_px &&
            rect.px_y < px_y + options->block_height_px)
            cogx_cover_expect(cover, band, i, true);
    }
}

/* What begin and end do with each tile of a window. */
enum step
{
    BEGIN,
    WRITTEN
};

static void note_window(struct cogx_draft *draft, uint32_t band,
                        const struct cogx_rect *pixels, enum step step)
{
    const uint32_t side = draft->options.side_px;

    for (uint32_t row = pixels->px_y / side; row <= (pixels->end_y - 1) / side;
         row++)
        for (uint32_t col = pixels->px_x / side;
             col <= (pixels->end_x - 1) / side; col++)
        {
            const uint64_t number = (uint64_t)row * draft->tiles_wide + col;
            const struct cogx_rect tile = cogx_draft_tile_rect(draft, number);
            const struct cogx_rect rect = within(&tile, pixels);
            struct cogx_cover *cover = cover_of(draft, number);
            if (!cover)
                continue;
            draft->tiles[number].touched = true;
            if (step == BEGIN)
                expect_blocks(draft, band, &tile, pixels, cover);
            else
                cogx_cover_add(cover, band, &rect);
            note_full(draft, number);
        }
}

void cogx_draft_begin(struct cogx_draft *draft, uint32_t band,
                      const struct cogx_rect *pixels)
{
    draft->nwriting++;
    note_window(draft, band, pixels, BEGIN);
}

void cogx_draft_end(struct cogx_draft *draft, uint32_t band,
                    const struct cogx_rect *pixels, bool written)
{
    draft->nwriting--;
    if (written)
        note_window(draft, band, pixels, WRITTEN);
}

/* A block has come. One that nobody spoke of is written as a whole. */
static void note_block(struct cogx_draft *draft, uint32_t band,
                       uint32_t block_col, uint32_t block_row)
{
    const struct cogx_draft_options *options = &draft->options;
    const uint64_t number = cogx_draft_number(draft, block_col, block_row);
    const struct cogx_rect tile = cogx_draft_tile_rect(draft, number);
    const uint32_t px_x = block_col * options->block_width_px;
    const uint32_t px_y = block_row * options->block_height_px;
    const struct cogx_rect block = {px_x, px_y, px_x + options->block_width_px,
                                    px_y + options->block_height_px};
    const struct cogx_rect rect = within(&tile, &block);
    const uint32_t i = block_row % draft->blocks_down * draft->blocks_across +
                       block_col % draft->blocks_across;
    struct cogx_cover *cover = cover_of(draft, number);

    draft->tiles[number].touched = true;
    if (draft->tiles[number].state == COGX_DRAFT_NOTHING)
        draft->tiles[number].state = COGX_DRAFT_OPEN;
    if (!cover)
        return;
    if (draft->nwriting == 0 && !cogx_cover_is_expected(cover, band, i))
        cogx_cover_add(cover, band, &rect);
    cogx_cover_expect(cover, band, i, false);
    note_full(draft, number);
}

/* ---- Room ---- */

static bool find_format(struct cogx_draft *draft)
{
    const struct cogx_draft_options *options = &draft->options;

    if (!draft->asked)
    {
        draft->asked = true;
        draft->has_format = options->find_format(options->user, &draft->format);
        if (draft->has_format)
            draft->image_bands = draft->format.image.bands;
    }
    return cogx_draft_encodes(draft);
}

/* Tiles from the queue that can be encoded: all that was written has come, and
 * a while ago. */
static enum pyr_result choose(struct cogx_draft *draft, size_t most,
                              size_t *left, uint64_t *numbers,
                              size_t *out_count, struct pyr_error *err)
{
    const struct cogx_draft_options *options = &draft->options;
    enum pyr_result result = PYR_OK;
    size_t count = 0;

    while (count<most && * left> 0 && result == PYR_OK)
    {
        const uint64_t number = dequeue(draft);
        struct cogx_draft_tile *tile = &draft->tiles[number];
        const struct cogx_rect rect = cogx_draft_tile_rect(draft, number);
        --*left;
        if (tile->state != COGX_DRAFT_READY)
            continue;
        /* Perhaps it is being written once more, from its first row on. */
        if (tile->touched)
        {
            enqueue(draft, number);
            continue;
        }
        result = options->settle(options->user, &rect, err);
        if (result != PYR_OK || cogx_cover_expects(tile->cover))
            enqueue(draft, number);
        else
            numbers[count++] = number;
    }
    *out_count = count;
    return result;
}

/* Encodes tiles that are complete, the oldest first, while the next block of a
 * band would send another one to the file. */
static enum pyr_result make_room(struct cogx_draft *draft, uint32_t band,
                                 const uint8_t *fill, struct pyr_error *err)
{
    size_t left = draft->queue.count;
    enum pyr_result result = PYR_OK;

    if (draft->busy || left == 0 || !cogx_draft_lane_is_full(draft, band) ||
        !find_format(draft))
        return PYR_OK;
    const size_t most = cogx_draft_batch(draft);
    uint64_t *numbers = pyr_calloc(most, sizeof(*numbers));
    if (!numbers)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    draft->busy = true;
    while (left > 0 && result == PYR_OK && cogx_draft_lane_is_full(draft, band))
    {
        size_t count = 0;
        result = choose(draft, most, &left, numbers, &count, err);
        const enum pyr_result encoded = cogx_draft_encode(
            draft, numbers, count, fill, result == PYR_OK ? err : NULL);
        result = result == PYR_OK ? encoded : result;
        for (size_t i = 0; i < count; i++)
            if (draft->tiles[numbers[i]].state == COGX_DRAFT_READY)
                enqueue(draft, numbers[i]);
    }
    draft->busy = false;
    pyr_free(numbers);
    return result;
}

/* ---- Blocks ---- */

/* An encoded tile becomes blocks again. */
static enum pyr_result reopen(struct cogx_draft *draft, uint64_t number,
                              struct pyr_error *err)
{
    const struct cogx_draft_pixels *pixels = NULL;
    struct cogx_draft_tile *tile = &draft->tiles[number];
    const struct cogx_rect all = whole(draft, number);
    struct cogx_cover *cover = cover_of(draft, number);

    enum pyr_result result = cogx_draft_decoded(draft, number, &pixels, err);
    if (result == PYR_OK)
        result = cogx_draft_scatter(draft, number, pixels, err);
    if (result != PYR_OK)
        return result;
    cogx_draft_forget(draft, number);
    tile->state = COGX_DRAFT_OPEN;
    /* What is as it was written can be encoded once more. */
    for (uint32_t i = 0; i < draft->options.bands && cover && !is_lossy(draft);
         i++)
        cogx_cover_add(cover, i, &all);
    note_full(draft, number);
    return PYR_OK;
}

enum pyr_result cogx_draft_write(struct cogx_draft *draft, uint32_t band,
                                 uint32_t block_col, uint32_t block_row,
                                 const uint8_t *block, const uint8_t *fill,
                                 struct pyr_error *err)
{
    const uint64_t number = cogx_draft_number(draft, block_col, block_row);

    enum pyr_result result = make_room(draft, band, fill, err);
    if (result == PYR_OK && draft->tiles[number].state == COGX_DRAFT_ENCODED)
        result = reopen(draft, number, err);
    if (result == PYR_OK)
        result = cogx_draft_put_block(draft, band, block_col, block_row, block,
                                      fill, err);
    if (result == PYR_OK)
        note_block(draft, band, block_col, block_row);
    return result;
}

enum pyr_result cogx_draft_read(struct cogx_draft *draft, uint32_t band,
                                uint32_t block_col, uint32_t block_row,
                                uint8_t *block, const uint8_t *fill,
                                struct pyr_error *err)
{
    const struct cogx_draft_options *options = &draft->options;
    const uint64_t number = cogx_draft_number(draft, block_col, block_row);
    const struct cogx_draft_pixels *pixels = NULL;
    const size_t sample_bytes = options->sample_bytes;

    enum pyr_result result = PYR_OK;
    if (draft->tiles[number].state == COGX_DRAFT_ENCODED)
    {
        result = cogx_draft_decoded(draft, number, &pixels, err);
        if (result == PYR_OK)
            cogx_draft_pick(
                draft, band,
                block_col % draft->blocks_across * options->block_width_px,
                block_row % draft->blocks_down * options->block_height_px,
                pixels, block);
        return result;
    }
    result =
        cogx_draft_get_block(draft, band, block_col, block_row, block, err);
    if (result != PYR_NOT_FOUND)
        return result;
    for (size_t at = 0; at < draft->plane_bytes; at += sample_bytes)
        memcpy(block + at, fill + band * sample_bytes, sample_bytes);
    return PYR_OK;
}
