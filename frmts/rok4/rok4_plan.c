/* SPDX-License-Identifier: MIT */
/* The levels of a pyramid that is to be written, and their limits. */
#include "rok4_plan.h"

#include "pyr_alloc.h"
#include "rok4_files.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EDGE_TOLERANCE_PX 1e-2

/* Tiles from low to high, CRS distances from the level's corner; an edge within
 * tolerance of a border is on it. */
static bool tile_range(double low, double high, double tolerance,
                       double tile_size, uint32_t matrix, uint32_t *out_min,
                       uint32_t *out_max)
{
    const double first = floor((low + tolerance) / tile_size);
    const double end = ceil((high - tolerance) / tile_size);
    const double min = fmax(first, 0.0);
    const double max = fmin(end, (double)matrix) - 1.0;
    if (!(min <= max))
        return false;
    *out_min = (uint32_t)min;
    *out_max = (uint32_t)max;
    return true;
}

enum pyr_result rok4_plan_limits(const struct pyr_grid_level *level,
                                 const struct pyr_grid_level *other,
                                 const struct pyr_grid_limits *others,
                                 struct pyr_grid_limits *out_limits)
{
    const struct pyr_grid_bounds bounds = pyr_grid_bounds_of(other, others);
    const double tolerance =
        EDGE_TOLERANCE_PX * fmin(level->cell_size, other->cell_size);
    struct pyr_grid_limits limits;
    if (!tile_range(bounds.min_x - level->origin_x,
                    bounds.max_x - level->origin_x, tolerance,
                    level->cell_size * level->tile_width_px,
                    level->matrix_width, &limits.min_col, &limits.max_col) ||
        !tile_range(level->origin_y - bounds.max_y,
                    level->origin_y - bounds.min_y, tolerance,
                    level->cell_size * level->tile_height_px,
                    level->matrix_height, &limits.min_row, &limits.max_row))
        return PYR_NOT_FOUND;
    *out_limits = limits;
    return PYR_OK;
}

enum pyr_result rok4_plan_find(const struct rok4_descriptor *descriptor,
                               size_t grid_level, size_t *out_level)
{
    for (size_t i = 0; i < descriptor->nlevels; i++)
        if (descriptor->levels[i].grid_level == grid_level)
        {
            *out_level = i;
            return PYR_OK;
        }
    return PYR_NOT_FOUND;
}

/* Directory or prefix of a level's slabs. */
static char *place_name(const struct rok4_plan *plan, const char *plane,
                        const char *id)
{
    const size_t nbytes = strlen(plan->name) + strlen(plane) + strlen(id) + 3;
    char *const text = pyr_malloc(nbytes);
    if (text != NULL)
        (void)snprintf(text, nbytes, "%s/%s%c%s", plan->name, plane,
                       plan->storage == ROK4_STORAGE_FILE ? '/' : '_', id);
    return text;
}

static char *copy_text(const char *text)
{
    return text != NULL ? pyr_strdup(text) : NULL;
}

static bool same_text(const char *copy, const char *text)
{
    return (copy != NULL) == (text != NULL);
}

static void grow_limits(struct pyr_grid_limits *limits,
                        const struct pyr_grid_limits *other)
{
    if (other->min_col < limits->min_col)
        limits->min_col = other->min_col;
    if (other->min_row < limits->min_row)
        limits->min_row = other->min_row;
    if (other->max_col > limits->max_col)
        limits->max_col = other->max_col;
    if (other->max_row > limits->max_row)
        limits->max_row = other->max_row;
}

static enum pyr_result new_level(const struct rok4_plan *plan,
                                 const struct pyr_grid_level *matrix,
                                 struct rok4_level *level,
                                 struct pyr_error *err)
{
    /* The Perl and Python tools build object names with it (spec section 2). */
    if (strchr(matrix->id, '_') != NULL)
        return pyr_fail(err, PYR_USAGE,
                        "level id '%s' holds '_', which other ROK4 tools "
                        "refuse",
                        matrix->id);
    level->id = pyr_strdup(matrix->id);
    level->tiles_per_width = plan->tiles_per_width;
    level->tiles_per_height = plan->tiles_per_height;
    level->path_depth = plan->path_depth;
    level->storage = plan->storage;
    level->tray = copy_text(plan->tray);
    level->image_place = place_name(plan, "DATA", matrix->id);
    if (plan->masks)
        level->mask_place = place_name(plan, "MASK", matrix->id);
    if (level->id == NULL || level->image_place == NULL ||
        !same_text(level->tray, plan->tray) ||
        (plan->masks && level->mask_place == NULL))
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    return PYR_OK;
}

static enum pyr_result copy_level(const struct rok4_plan *plan,
                                  const struct rok4_level *from,
                                  struct rok4_level *to, struct pyr_error *err)
{
    const char *const tray = plan->relocate ? plan->tray : from->tray;
    *to = *from;
    if (plan->relocate)
        to->storage = plan->storage;
    /* Objects have none. */
    if (plan->relocate && from->storage != ROK4_STORAGE_FILE)
        to->path_depth = plan->path_depth;
    to->id = copy_text(from->id);
    to->image_place = plan->relocate ? place_name(plan, "DATA", from->id)
                                     : copy_text(from->image_place);
    to->mask_place = NULL;
    if (from->mask_place != NULL && (plan->masks || !plan->as_old))
        to->mask_place = plan->relocate ? place_name(plan, "MASK", from->id)
                                        : copy_text(from->mask_place);
    to->tray = copy_text(tray);
    if (!same_text(to->id, from->id) ||
        !same_text(to->image_place, from->image_place) ||
        (to->mask_place == NULL && from->mask_place != NULL &&
         (plan->masks || !plan->as_old)) ||
        !same_text(to->tray, tray))
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    return PYR_OK;
}

/* One level of the grid: old's, the plan's, or both; *out_used is false where
 * neither has it. */
static enum pyr_result plan_level(const struct rok4_plan *plan,
                                  const struct pyr_grid *grid,
                                  const struct rok4_descriptor *old,
                                  size_t grid_level, struct rok4_level *level,
                                  bool *out_used, struct pyr_error *err)
{
    const struct pyr_grid_level *const matrix = &grid->levels[grid_level];
    const bool planned = grid_level >= plan->bottom && grid_level <= plan->top;
    struct pyr_grid_limits limits;
    size_t at = 0;
    const bool exists =
        old != NULL && rok4_plan_find(old, grid_level, &at) == PYR_OK;
    enum pyr_result result = PYR_OK;

    *out_used = plan->as_old ? planned && exists : planned || exists;
    if (!*out_used)
        return PYR_OK;
    /* Directories are named after levels, and anybody may have written the tile
     * matrix set. */
    if (!rok4_files_is_level(matrix->id))
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "level id '%s' cannot name a directory", matrix->id);
    result = exists ? copy_level(plan, &old->levels[at], level, err)
                    : new_level(plan, matrix, level, err);
    level->grid_level = grid_level;
    if (result != PYR_OK || !planned || plan->as_old)
        return result;
    if (rok4_plan_limits(matrix, &grid->levels[plan->bottom], &plan->limits,
                         &limits) != PYR_OK)
        return pyr_fail(err, PYR_USAGE,
                        "the data lies outside level %s of the tile matrix set",
                        matrix->id);
    if (exists && !old->levels[at].empty)
        grow_limits(&level->limits, &limits);
    else
        level->limits = limits;
    level->empty = false;
    return PYR_OK;
}

static enum pyr_result plan_levels(const struct rok4_plan *plan,
                                   const struct pyr_grid *grid,
                                   const struct rok4_descriptor *old,
                                   struct rok4_descriptor *descriptor,
                                   struct pyr_error *err)
{
    descriptor->levels = pyr_calloc(grid->nlevels, sizeof(struct rok4_level));
    if (descriptor->levels == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    for (size_t i = 0; i < grid->nlevels; i++)
    {
        bool used = false;
        struct rok4_level *const level =
            &descriptor->levels[descriptor->nlevels++];
        const enum pyr_result result =
            plan_level(plan, grid, old, i, level, &used, err);
        if (result != PYR_OK)
            return result;
        if (!used)
            descriptor->nlevels--;
    }
    for (size_t i = 0; i < descriptor->nlevels; i++)
    {
        const struct pyr_tile_shape shape =
            rok4_descriptor_tile_shape(descriptor, grid, i);
        if (!pyr_tile_shape_valid(&shape))
            return pyr_fail(err, PYR_LIMIT,
                            "level %s: a tile takes more than %u bytes",
                            descriptor->levels[i].id, PYR_MAX_TILE_BYTES);
    }
    return PYR_OK;
}

enum pyr_result rok4_plan_descriptor(const struct rok4_plan *plan,
                                     const struct pyr_grid *grid,
                                     const struct rok4_descriptor *old,
                                     struct rok4_descriptor **out_descriptor,
                                     struct pyr_error *err)
{
    struct rok4_descriptor *const descriptor =
        pyr_calloc(1, sizeof(*descriptor));
    enum pyr_result result = PYR_OK;
    if (descriptor == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    descriptor->format = old != NULL ? old->format : plan->format;
    descriptor->channels = old != NULL ? old->channels : plan->channels;
    memcpy(descriptor->nodata, old != NULL ? old->nodata : plan->nodata,
           sizeof(descriptor->nodata));
    descriptor->photometric =
        descriptor->channels < 3 ? ROK4_PHOTOMETRIC_GRAY : ROK4_PHOTOMETRIC_RGB;
    if (old != NULL)
        descriptor->photometric = old->photometric;
    descriptor->tms_name = copy_text(plan->tms_name);
    descriptor->interpolation = pyr_strdup(
        old != NULL && old->interpolation != NULL ? old->interpolation
                                                  : plan->interpolation);
    if (descriptor->tms_name == NULL || descriptor->interpolation == NULL)
        result = pyr_fail(err, PYR_NOMEM, "out of memory");
    else
        result = plan_levels(plan, grid, old, descriptor, err);
    if (result == PYR_OK)
        *out_descriptor = descriptor;
    else
        rok4_descriptor_free(descriptor);
    return result;
}
