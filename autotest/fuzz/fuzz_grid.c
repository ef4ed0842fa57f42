/* SPDX-License-Identifier: MIT */
/* Fuzz target: TMS files. */
#include "pyr_grid.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void check_bounds(const struct pyr_grid_level *level)
{
    const struct pyr_grid_limits first = {0, 0, 0, 0};
    const struct pyr_grid_limits last = {
        level->matrix_width - 1, level->matrix_height - 1,
        level->matrix_width - 1, level->matrix_height - 1};
    const struct pyr_grid_bounds near_bounds =
        pyr_grid_bounds_of(level, &first);
    const struct pyr_grid_bounds far_bounds = pyr_grid_bounds_of(level, &last);
    require(near_bounds.min_x < near_bounds.max_x &&
            near_bounds.min_y < near_bounds.max_y);
    require(far_bounds.min_x < far_bounds.max_x &&
            far_bounds.min_y < far_bounds.max_y);
    require(isfinite(far_bounds.max_x) && isfinite(far_bounds.min_y));
    require(level->matrix_width == 1 || level->matrix_height == 1 ||
            !pyr_grid_bounds_meet(&near_bounds, &far_bounds));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    struct pyr_grid *grid = NULL;
    struct pyr_error err = {""};
    size_t at;
    if (pyr_grid_parse((const char *)data, nbytes, &grid, &err) != PYR_OK)
    {
        require(err.text[0] != '\0');
        return 0;
    }
    require(grid->crs && grid->crs[0] != '\0');
    require(grid->nlevels >= 1 && grid->nlevels <= PYR_MAX_LEVELS);
    for (at = 0; at < grid->nlevels; at++)
    {
        const struct pyr_grid_level *level = &grid->levels[at];
        size_t found = 0;
        require(pyr_grid_find(grid, level->id, &found) == PYR_OK);
        require(found == at && level->id[0] != '\0');
        require(at == 0 || level[-1].cell_size <= level->cell_size);
        require(level->tile_width_px >= 1 &&
                level->tile_width_px <= PYR_MAX_TILE_SIDE_PX);
        require(level->tile_height_px >= 1 &&
                level->tile_height_px <= PYR_MAX_TILE_SIDE_PX);
        require(level->matrix_width >= 1 && level->matrix_height >= 1);
        check_bounds(level);
        (void)pyr_grid_name_safe(level->id);
    }
    require(pyr_grid_kind_of(grid) <= PYR_GRID_IRREGULAR);
    pyr_grid_free(grid);
    return 0;
}
