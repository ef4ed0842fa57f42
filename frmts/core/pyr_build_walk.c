/* SPDX-License-Identifier: MIT */
/* The order of a build: containers along their tree, children first. */
#include "pyr_build_priv.h"

#include <string.h>

static uint32_t least_u32(uint32_t left, uint32_t right)
{
    return left < right ? left : right;
}

struct pyr_grid_limits pyr_build_limits(const struct pyr_grid_limits *limits,
                                        uint32_t times)
{
    struct pyr_grid_limits above = {0, 0, 0, 0};
    if (times > 31)
        return above;
    above.min_col = limits->min_col >> times;
    above.min_row = limits->min_row >> times;
    above.max_col = limits->max_col >> times;
    above.max_row = limits->max_row >> times;
    return above;
}

/* Tiles of the first level along one side of a container; 2^32 for more, which
 * reaches beyond every matrix. */
static uint64_t side_below(uint32_t container_tiles, uint32_t level)
{
    const uint64_t most = (uint64_t)1 << 32;
    return level >= 32 || (uint64_t)container_tiles << level > most
               ? most
               : (uint64_t)container_tiles << level;
}

/* Tiles of the first level below a container, within the limits. */
static struct pyr_rect tiles_below(const struct pyr_walk *walk, uint32_t level,
                                   uint32_t col, uint32_t row)
{
    const struct pyr_source_level *const first = &walk->options->levels[0];
    const struct pyr_grid_limits *const limits = &first->limits;
    const uint64_t width = side_below(first->container_width_tiles, level);
    const uint64_t height = side_below(first->container_height_tiles, level);
    const uint64_t left = col * width; /* of a matrix: columns < 2^31 */
    const uint64_t top = row * height;
    const uint64_t min_col = left > limits->min_col ? left : limits->min_col;
    const uint64_t min_row = top > limits->min_row ? top : limits->min_row;
    const uint64_t end_col = left + width < (uint64_t)limits->max_col + 1
                                 ? left + width
                                 : (uint64_t)limits->max_col + 1;
    const uint64_t end_row = top + height < (uint64_t)limits->max_row + 1
                                 ? top + height
                                 : (uint64_t)limits->max_row + 1;
    struct pyr_rect rect = {0, 0, 0, 0};
    if (min_col < end_col && min_row < end_row)
    {
        rect.col = (uint32_t)min_col;
        rect.row = (uint32_t)min_row;
        rect.width = (uint32_t)(end_col - min_col);
        rect.height = (uint32_t)(end_row - min_row);
    }
    return rect;
}

/* Bytes of a tile of the first level, or more for small ones. */
static uint64_t tile_share(const struct pyr_walk *walk)
{
    const uint64_t nbytes = pyr_tile_bytes(&walk->options->levels[0].shape);
    const uint64_t least = PYR_CHUNK_BYTES / PYR_CHUNK_TILES;
    return nbytes > least ? nbytes : least;
}

/* Parts of containers that are too large to be read at once: whole rows as far
 * as they fit, and pairs of rows, of which the tiles above are made. */
static void choose_chunk(struct pyr_walk *walk)
{
    const struct pyr_source_level *const first = &walk->options->levels[0];
    const uint64_t tile_bytes = tile_share(walk);
    const uint64_t row_bytes = tile_bytes * first->container_width_tiles;
    const uint64_t npairs = PYR_CHUNK_BYTES / row_bytes / 2;
    const uint64_t fitting = PYR_CHUNK_BYTES / tile_bytes / 4 * 2;
    const uint32_t most = fitting > 2 ? (uint32_t)fitting : 2;
    const uint32_t nparts = (first->container_width_tiles + most - 1) / most;
    walk->chunk_cols = UINT32_MAX - 1;
    walk->chunk_rows = 2;
    if (npairs > 0)
        walk->chunk_rows = (uint32_t)npairs * 2;
    else
        walk->chunk_cols =
            (first->container_width_tiles + 2 * nparts - 1) / (2 * nparts) * 2;
}

void pyr_walk_init(struct pyr_walk *walk,
                   const struct pyr_build_options *options)
{
    const struct pyr_source_level *const first = &options->levels[0];
    const uint32_t top = options->nlevels - 1;
    const struct pyr_grid_limits limits = pyr_build_limits(&first->limits, top);
    memset(walk, 0, sizeof(*walk));
    walk->options = options;
    uint64_t nbytes = tile_share(walk) * first->container_width_tiles *
                      first->container_height_tiles;
    while (walk->leaf_level < top && nbytes * 4 <= PYR_CHUNK_BYTES)
    {
        walk->leaf_level++;
        nbytes *= 4;
    }
    choose_chunk(walk);
    walk->roots.min_col = limits.min_col / first->container_width_tiles;
    walk->roots.max_col = limits.max_col / first->container_width_tiles;
    walk->roots.min_row = limits.min_row / first->container_height_tiles;
    walk->roots.max_row = limits.max_row / first->container_height_tiles;
    walk->root_col = walk->roots.min_col;
    walk->root_row = walk->roots.min_row;
}

static bool wants(struct pyr_walk *walk, uint32_t level, uint32_t col,
                  uint32_t row)
{
    const struct pyr_build_options *const options = walk->options;
    if (level == 0 && options->skip_first)
        return false;
    if (options->sink->wants == NULL)
        return true;
    const size_t slot = (level * 7u + col * 31u + row) % PYR_WANT_CACHE;
    if (!walk->wants[slot].known || walk->wants[slot].level != level ||
        walk->wants[slot].col != col || walk->wants[slot].row != row)
    {
        walk->wants[slot].known = true;
        walk->wants[slot].level = level;
        walk->wants[slot].col = col;
        walk->wants[slot].row = row;
        walk->wants[slot].wanted = options->sink->wants(
            options->sink->user, options->first_level + level, col, row);
    }
    return walk->wants[slot].wanted;
}

bool pyr_walk_wants_tile(struct pyr_walk *walk, uint32_t level, uint32_t col,
                         uint32_t row)
{
    const struct pyr_source_level *const at = &walk->options->levels[level];
    return wants(walk, level, col / at->container_width_tiles,
                 row / at->container_height_tiles);
}

/* Whether the raster may hold something in these tiles. */
static bool may_hold(const struct pyr_walk *walk, const struct pyr_rect *rect)
{
    const struct pyr_build_options *const options = walk->options;
    const struct pyr_tile_shape *const shape = &options->levels[0].shape;
    const uint64_t width_px = (uint64_t)rect->width * shape->width_px;
    const uint64_t height_px = (uint64_t)rect->height * shape->height_px;
    if (options->raster->may_hold == NULL || width_px > UINT32_MAX ||
        height_px > UINT32_MAX)
        return true;
    const struct pyr_window window = {
        .level = options->first_level,
        .px_x = (int64_t)rect->col * shape->width_px,
        .px_y = (int64_t)rect->row * shape->height_px,
        .width_px = (uint32_t)width_px,
        .height_px = (uint32_t)height_px};
    return options->raster->may_hold(options->raster->user, &window);
}

static void push(struct pyr_walk *walk, uint32_t level, uint32_t col,
                 uint32_t row, bool needed)
{
    struct pyr_frame *const frame = &walk->frames[walk->depth++];
    memset(frame, 0, sizeof(*frame));
    frame->level = level;
    frame->col = col;
    frame->row = row;
    frame->needed = needed || wants(walk, level, col, row);
}

static struct pyr_step end_step(const struct pyr_frame *frame, bool wanted)
{
    const struct pyr_step step = {.kind = PYR_STEP_END,
                                  .level = frame->level,
                                  .col = frame->col,
                                  .row = frame->row,
                                  .wanted = wanted};
    return step;
}

/* The next part of what is left of a leaf: by bands of rows, from left to
 * right. */
static struct pyr_step chunk_step(const struct pyr_walk *walk,
                                  struct pyr_frame *frame)
{
    struct pyr_rect *const left = &frame->left;
    struct pyr_step step = {.kind = PYR_STEP_CHUNK, .rect = *left};
    if (walk->leaf_level == 0)
    {
        const uint32_t end = left->col + left->width;
        /* Both even: after a first odd one, pairs stay together. */
        const uint32_t cols = walk->chunk_cols - frame->next_col % 2;
        const uint32_t rows = walk->chunk_rows - left->row % 2;
        step.rect.col = frame->next_col;
        step.rect.width = least_u32(end - frame->next_col, cols);
        step.rect.height = least_u32(left->height, rows);
        frame->next_col += step.rect.width;
        if (frame->next_col < end)
            return step;
        frame->next_col = left->col;
    }
    left->row += step.rect.height;
    left->height -= step.rect.height;
    return step;
}

/* Whether a container or one below is still to be written. */
static bool wants_some(struct pyr_walk *walk, uint32_t level, uint32_t col,
                       uint32_t row)
{
    if (tiles_below(walk, level, col, row).width == 0)
        return false;
    if (wants(walk, level, col, row))
        return true;
    for (uint32_t child = 0; level > 0 && child < 4; child++)
        if (wants_some(walk, level - 1, 2 * col + (child & 1),
                       2 * row + (child >> 1)))
            return true;
    return false;
}

/* What a container that was just entered begins with; false: nothing of its
 * own. */
static bool enter(struct pyr_walk *walk, struct pyr_frame *frame,
                  struct pyr_step *out_step)
{
    const struct pyr_rect rect =
        tiles_below(walk, frame->level, frame->col, frame->row);
    const bool leaf = frame->level == walk->leaf_level;
    frame->started = true;
    if (frame->level < walk->leaf_level)
        return false; /* its tiles came with a chunk */
    if (!may_hold(walk, &rect) ||
        (leaf && !frame->needed &&
         !wants_some(walk, frame->level, frame->col, frame->row)))
    {
        out_step->kind = PYR_STEP_SKIP;
        out_step->rect = rect;
        out_step->level = frame->level;
        walk->depth--;
        return true;
    }
    if (leaf)
    {
        frame->left = rect;
        frame->next_col = rect.col;
    }
    return false;
}

/* Leads into the next child that has tiles; false when there is none. */
static bool descend(struct pyr_walk *walk, struct pyr_frame *frame)
{
    while (frame->level > 0 && frame->next_child < 4)
    {
        const uint32_t col = 2 * frame->col + (frame->next_child & 1);
        const uint32_t row = 2 * frame->row + (frame->next_child >> 1);
        frame->next_child++;
        if (tiles_below(walk, frame->level - 1, col, row).width > 0)
        {
            push(walk, frame->level - 1, col, row, frame->needed);
            return true;
        }
    }
    return false;
}

static bool next_root(struct pyr_walk *walk)
{
    if (walk->root_row > walk->roots.max_row)
        return false;
    push(walk, walk->options->nlevels - 1, walk->root_col, walk->root_row,
         false);
    if (walk->root_col++ == walk->roots.max_col)
    {
        walk->root_col = walk->roots.min_col;
        walk->root_row++;
    }
    return true;
}

struct pyr_step pyr_walk_next(struct pyr_walk *walk)
{
    struct pyr_step step = {.kind = PYR_STEP_DONE};
    for (;;)
    {
        if (walk->depth == 0 && !next_root(walk))
            return step;
        struct pyr_frame *const frame = &walk->frames[walk->depth - 1];
        if (!frame->started)
        {
            if (enter(walk, frame, &step))
                return step;
            continue;
        }
        if (frame->left.height > 0)
            return chunk_step(walk, frame);
        if (descend(walk, frame))
            continue;
        walk->depth--;
        return end_step(frame,
                        wants(walk, frame->level, frame->col, frame->row));
    }
}
