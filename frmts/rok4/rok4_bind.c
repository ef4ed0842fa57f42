/* SPDX-License-Identifier: MIT */
/* The pyramid descriptor in its grid: order of levels, limits, empty levels. */
#include "rok4_descriptor.h"

#include "pyr_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One axis of the limits; "col" or "row" for the message. Out of the matrix
 * means up to its end, as the reference server reads it but for its maximum,
 * which is one too far (spec section 2.2). */
static enum pyr_result clamp_limits(const struct rok4_level *level, size_t axis,
                                    uint32_t matrix_size, uint32_t *out_min,
                                    uint32_t *out_max, struct pyr_error *err)
{
    const char *const name = axis == 0 ? "col" : "row";
    const int64_t written_min = level->written_limits[axis];
    const int64_t written_max = level->written_limits[axis + 2];
    const int64_t min =
        written_min < 0 || written_min >= matrix_size ? 0 : written_min;
    const int64_t max = written_max < 0 || written_max >= matrix_size
                            ? (int64_t)matrix_size - 1
                            : written_max;
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    if (min > max)
        return pyr_fail(err, PYR_CORRUPT,
                        "tile_limits of level '%s' have min_%s %" PRId64
                        " beyond max_%s %" PRId64,
                        pyr_json_excerpt(level->id, excerpt), name, written_min,
                        name, written_max);
    *out_min = (uint32_t)min;
    *out_max = (uint32_t)max;
    return PYR_OK;
}

static enum pyr_result bind_level(struct rok4_descriptor *descriptor,
                                  struct rok4_level *level,
                                  const struct pyr_grid *grid,
                                  struct pyr_error *err)
{
    const struct pyr_grid_level *matrix = NULL;
    struct pyr_tile_shape shape;
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    enum pyr_result result = pyr_grid_find(grid, level->id, &level->grid_level);
    if (result != PYR_OK)
        return pyr_fail(err, PYR_CORRUPT,
                        "level id '%s' is not in the tile matrix set",
                        pyr_json_excerpt(level->id, excerpt));
    matrix = &grid->levels[level->grid_level];
    shape = rok4_descriptor_tile_shape(descriptor, grid,
                                       (size_t)(level - descriptor->levels));
    if (!pyr_tile_shape_valid(&shape))
        return pyr_fail(err, PYR_LIMIT,
                        "level '%s' has tiles of %" PRIu32 "x%" PRIu32
                        " pixels of %zu bytes, expected at most %u bytes in "
                        "one",
                        pyr_json_excerpt(level->id, excerpt), shape.width_px,
                        shape.height_px, pyr_pixel_bytes(&shape),
                        PYR_MAX_TILE_BYTES);
    result = clamp_limits(level, 0, matrix->matrix_width,
                          &level->limits.min_col, &level->limits.max_col, err);
    if (result == PYR_OK)
        result =
            clamp_limits(level, 1, matrix->matrix_height,
                         &level->limits.min_row, &level->limits.max_row, err);
    return result;
}

/* The finer level first. An id stands once in a descriptor and in a grid, so
 * that no two levels are equal. */
static int compare_levels(const void *left, const void *right)
{
    const struct rok4_level *left_level = left;
    const struct rok4_level *right_level = right;
    return (left_level->grid_level > right_level->grid_level) -
           (left_level->grid_level < right_level->grid_level);
}

static bool all_zero(const struct rok4_level *level)
{
    return level->written_limits[0] == 0 && level->written_limits[1] == 0 &&
           level->written_limits[2] == 0 && level->written_limits[3] == 0;
}

/* Whether the level, with limits of zeros, never received data. The tools write
 * zeros for such a level (spec section 2.2), but zeros also say "tile (0, 0)",
 * as at the top of any world pyramid. The other levels tell:
 * - a coarser level with other limits than zeros has data beyond its own tile
 *   (0, 0), and levels shrink upwards, so that this one would have more, too;
 * - data of this level comes from a finer level, or went with one: no finer
 *   level having data where tile (0, 0) lies, there is none.
 * Where all levels have zeros, there is nothing to tell by: none is empty. */
static bool never_received_data(const struct rok4_descriptor *descriptor,
                                const struct pyr_grid *grid, size_t level)
{
    const struct rok4_level *levels = descriptor->levels;
    const struct pyr_grid_limits first_tile = {0, 0, 0, 0};
    const struct pyr_grid_bounds first_bounds = pyr_grid_bounds_of(
        &grid->levels[levels[level].grid_level], &first_tile);
    bool finer_has_data = false;
    bool finer_meets = false;
    size_t at;
    for (at = level + 1; at < descriptor->nlevels; at++)
    {
        if (!all_zero(&levels[at]))
            return true;
    }
    for (at = 0; at < level; at++)
    {
        const struct pyr_grid_bounds bounds = pyr_grid_bounds_of(
            &grid->levels[levels[at].grid_level], &levels[at].limits);
        if (all_zero(&levels[at]))
            continue;
        finer_has_data = true;
        finer_meets =
            finer_meets || pyr_grid_bounds_meet(&bounds, &first_bounds);
    }
    return finer_has_data && !finer_meets;
}

enum pyr_result rok4_descriptor_bind(struct rok4_descriptor *descriptor,
                                     const struct pyr_grid *grid,
                                     struct pyr_error *err)
{
    size_t at;
    for (at = 0; at < descriptor->nlevels; at++)
    {
        enum pyr_result result =
            bind_level(descriptor, &descriptor->levels[at], grid, err);
        if (result != PYR_OK)
            return result;
    }
    qsort(descriptor->levels, descriptor->nlevels, sizeof *descriptor->levels,
          compare_levels);
    for (at = 0; at < descriptor->nlevels; at++)
        descriptor->levels[at].empty =
            all_zero(&descriptor->levels[at]) &&
            never_received_data(descriptor, grid, at);
    return PYR_OK;
}

struct pyr_tile_shape
rok4_descriptor_tile_shape(const struct rok4_descriptor *descriptor,
                           const struct pyr_grid *grid, size_t level)
{
    const struct pyr_grid_level *matrix =
        &grid->levels[descriptor->levels[level].grid_level];
    const struct pyr_tile_shape shape = {
        .width_px = matrix->tile_width_px,
        .height_px = matrix->tile_height_px,
        .bands = descriptor->channels,
        .sample = rok4_format_sample(descriptor->format),
    };
    return shape;
}
