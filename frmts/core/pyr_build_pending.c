/* SPDX-License-Identifier: MIT */
/* Tiles of a build above the first level, while their quarters arrive. */
#include "pyr_build_priv.h"

#include "pyr_alloc.h"

#include <string.h>

static enum pyr_result no_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

static struct pyr_pending **find(struct pyr_builder *builder, uint32_t level,
                                 uint32_t col, uint32_t row)
{
    const uint32_t hash = col * 31u + row * 17u + level * 101u;
    struct pyr_pending **link = &builder->pending[hash % PYR_PENDING_BUCKETS];
    while (*link != NULL && ((*link)->col != col || (*link)->row != row ||
                             (*link)->level != level))
        link = &(*link)->next;
    return link;
}

/* How many of the indexes min .. max a tile of the level above is made of. */
static unsigned children(uint32_t tile, uint32_t min, uint32_t max)
{
    const uint64_t first = 2 * (uint64_t)tile;
    return (unsigned)(first >= min && first <= max) +
           (unsigned)(first + 1 >= min && first + 1 <= max);
}

static unsigned children_within(uint32_t col, uint32_t row,
                                const struct pyr_grid_limits *limits)
{
    return children(col, limits->min_col, limits->max_col) *
           children(row, limits->min_row, limits->max_row);
}

/* The tiles of a level that have some of the first level below. */
static struct pyr_grid_limits limits_of(const struct pyr_builder *builder,
                                        uint32_t level)
{
    return pyr_build_limits(&builder->options->levels[0].limits, level);
}

void pyr_pending_free(struct pyr_builder *builder, struct pyr_pending *pending)
{
    struct pyr_pending **const list =
        pending->pixels != NULL ? &builder->free_pending : &builder->free_empty;
    pending->next = *list;
    *list = pending;
}

/* The tile as it waits in its list, made without pixels when it is new. */
static enum pyr_result find_or_make(struct pyr_builder *builder, uint32_t level,
                                    uint32_t col, uint32_t row,
                                    struct pyr_pending ***out_link,
                                    struct pyr_error *err)
{
    struct pyr_pending **const link = find(builder, level, col, row);
    *out_link = link;
    if (*link != NULL)
        return PYR_OK;
    struct pyr_pending *pending = builder->free_empty;
    if (pending != NULL)
        builder->free_empty = pending->next;
    else
        pending = pyr_calloc(1, sizeof(*pending));
    if (pending == NULL)
        return no_memory(err);
    const struct pyr_grid_limits below = limits_of(builder, level - 1);
    pending->level = level;
    pending->col = col;
    pending->row = row;
    pending->nvisited = 0;
    pending->nexpected = children_within(col, row, &below);
    pending->next = NULL;
    *link = pending;
    return PYR_OK;
}

/* Pixels for a tile that has none yet, from the background if it is there. */
static enum pyr_result give_pixels(struct pyr_builder *builder,
                                   struct pyr_pending *pending,
                                   struct pyr_error *err)
{
    const struct pyr_build_options *const options = builder->options;
    struct pyr_pending *const donor = builder->free_pending;
    if (donor != NULL)
    {
        builder->free_pending = donor->next;
        pending->pixels = donor->pixels;
        donor->pixels = NULL;
        pyr_pending_free(builder, donor);
    }
    else
        pending->pixels = pyr_malloc(pyr_builder_tile_bytes(builder));
    if (pending->pixels == NULL)
        return no_memory(err);
    const struct pyr_tile_shape *const shape = &builder->shape;
    pending->mask =
        builder->tracks ? pending->pixels + pyr_tile_bytes(shape) : NULL;
    atomic_init(&pending->quarters, 0);
    const enum pyr_result result = pyr_background_read(
        builder, pending->level, pending->col, pending->row, pending->pixels,
        options->masks ? pending->mask : NULL, &pending->filled, err);
    pending->fresh = !pending->filled;
    if (pending->filled && builder->tracks && !options->masks)
        memset(pending->mask, 255, (size_t)shape->width_px * shape->height_px);
    return result;
}

enum pyr_result pyr_pending_above(struct pyr_builder *builder, uint32_t level,
                                  uint32_t col, uint32_t row,
                                  struct pyr_pending **out_above,
                                  struct pyr_error *err)
{
    struct pyr_pending **link = NULL;
    enum pyr_result result = PYR_OK;
    *out_above = NULL;
    if (level + 1 == builder->options->nlevels)
        return PYR_OK;
    result = find_or_make(builder, level + 1, col / 2, row / 2, &link, err);
    if (result == PYR_OK && (*link)->pixels == NULL)
        result = give_pixels(builder, *link, err);
    if (result == PYR_OK)
        *out_above = *link;
    return result;
}

/* Takes a tile that waits for nothing any more out of those that wait. */
static void unlink_done(struct pyr_builder *builder,
                        struct pyr_pending *pending)
{
    struct pyr_pending **const link =
        find(builder, pending->level, pending->col, pending->row);
    *link = pending->next;
}

void pyr_pending_visit(struct pyr_builder *builder, struct pyr_pending *pending,
                       unsigned ntiles)
{
    pending->nvisited += ntiles;
    if (pending->nvisited < pending->nexpected || pending->pixels == NULL)
        return;
    unlink_done(builder, pending);
    pending->next = builder->done;
    builder->done = pending;
}

/* Some tiles below this one are without data. */
static enum pyr_result visit_some(struct pyr_builder *builder, uint32_t level,
                                  uint32_t col, uint32_t row, unsigned nempty,
                                  struct pyr_error *err)
{
    struct pyr_pending **link = NULL;
    const enum pyr_result result =
        find_or_make(builder, level, col, row, &link, err);
    if (result != PYR_OK)
        return result;
    struct pyr_pending *const pending = *link;
    pyr_pending_visit(builder, pending, nempty);
    if (pending->pixels != NULL || pending->nvisited < pending->nexpected)
        return PYR_OK;
    const struct pyr_grid_limits empty = {col, row, col, row};
    unlink_done(builder, pending);
    pyr_pending_free(builder, pending);
    return pyr_pending_visit_empty(builder, level, empty, err);
}

enum pyr_result pyr_pending_visit_empty(struct pyr_builder *builder,
                                        uint32_t level,
                                        struct pyr_grid_limits empty,
                                        struct pyr_error *err)
{
    const struct pyr_grid_limits below = limits_of(builder, level);
    const struct pyr_grid_limits above = pyr_build_limits(&empty, 1);
    /* Tiles above that have nothing else below: a rectangle, too. */
    struct pyr_grid_limits whole = {UINT32_MAX, UINT32_MAX, 0, 0};
    enum pyr_result result = PYR_OK;
    if (level + 1 == builder->options->nlevels)
        return PYR_OK;
    for (uint32_t row = above.min_row; row <= above.max_row; row++)
        for (uint32_t col = above.min_col; col <= above.max_col; col++)
        {
            const unsigned nempty = children_within(col, row, &empty);
            if (nempty < children_within(col, row, &below))
            {
                result = visit_some(builder, level + 1, col, row, nempty, err);
                if (result != PYR_OK)
                    return result;
                continue;
            }
            whole.min_col = col < whole.min_col ? col : whole.min_col;
            whole.min_row = row < whole.min_row ? row : whole.min_row;
            whole.max_col = col;
            whole.max_row = row;
        }
    if (whole.min_col <= whole.max_col)
        result = pyr_pending_visit_empty(builder, level + 1, whole, err);
    return result;
}

/* Makes a piece of a tile. */
static enum pyr_result add_piece(struct pyr_builder *builder,
                                 struct pyr_pending *pending,
                                 struct pyr_error *err)
{
    struct pyr_piece *const piece = pyr_builder_add_piece(builder);
    if (piece == NULL)
    {
        pyr_pending_free(builder, pending);
        return no_memory(err);
    }
    piece->level = pending->level;
    piece->col = pending->col;
    piece->row = pending->row;
    piece->put = pyr_walk_wants_tile(&builder->walk, pending->level,
                                     pending->col, pending->row);
    piece->pixels = pending->pixels;
    piece->row_bytes = pyr_tile_row_bytes(&builder->shape);
    piece->mask = pending->mask;
    piece->mask_row_bytes = builder->shape.width_px;
    piece->fresh = pending->fresh;
    piece->own = pending;
    return pyr_pending_above(builder, pending->level, pending->col,
                             pending->row, &piece->above, err);
}

enum pyr_result pyr_pending_collect(struct pyr_builder *builder,
                                    struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    while (builder->done != NULL && result == PYR_OK)
    {
        struct pyr_pending *const pending = builder->done;
        builder->done = pending->next;
        result = add_piece(builder, pending, err);
    }
    return result;
}
