/* SPDX-License-Identifier: MIT */
/* Fuzz target: descriptors, identified, parsed, bound to a fixed grid, and
 * written again. */
#include "pyr_alloc.h"
#include "rok4_compose.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

#define NLEVELS 8

/* A quadtree whose level ids are those of the corpus; the last level has tiles
 * that are too large for more than one channel. */
static void make_grid(struct pyr_grid *grid, struct pyr_grid_level *levels)
{
    static char ids[NLEVELS][2] = {"7", "6", "5", "4", "3", "2", "1", "0"};
    size_t at;
    for (at = 0; at < NLEVELS; at++)
    {
        const struct pyr_grid_level level = {
            .id = ids[at],
            .cell_size = (double)(1u << at),
            .origin_x = -500.0,
            .origin_y = 12000500.0,
            .tile_width_px = at == NLEVELS - 1 ? 16384 : 64,
            .tile_height_px = at == NLEVELS - 1 ? 4096 : 32,
            .matrix_width = 4u << (NLEVELS - at),
            .matrix_height = 3u << (NLEVELS - at),
        };
        levels[at] = level;
    }
    grid->crs = NULL;
    grid->nlevels = NLEVELS;
    grid->levels = levels;
}

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void check_parsed(const struct rok4_descriptor *descriptor)
{
    size_t at;
    require(pyr_grid_name_safe(descriptor->tms_name));
    require(descriptor->format < ROK4_PBF_MVT);
    require(descriptor->channels >= 1 && descriptor->channels <= PYR_MAX_BANDS);
    require(descriptor->nlevels >= 1 && descriptor->nlevels <= PYR_MAX_LEVELS);
    for (at = 0; at < descriptor->nlevels; at++)
    {
        const struct rok4_level *level = &descriptor->levels[at];
        require(level->id && level->id[0] != '\0');
        require(level->image_place && level->image_place[0] != '\0');
        require(level->path_depth <= ROK4_MAX_PATH_DEPTH);
        require(level->tiles_per_width >= 1 && level->tiles_per_height >= 1);
        require((uint64_t)level->tiles_per_width * level->tiles_per_height <=
                PYR_MAX_SLAB_TILES);
    }
}

static void check_bound(const struct rok4_descriptor *descriptor,
                        const struct pyr_grid *grid)
{
    size_t at;
    for (at = 0; at < descriptor->nlevels; at++)
    {
        const struct rok4_level *level = &descriptor->levels[at];
        const struct pyr_grid_limits *limits = &level->limits;
        const struct pyr_grid_level *matrix = &grid->levels[level->grid_level];
        const struct pyr_tile_shape shape =
            rok4_descriptor_tile_shape(descriptor, grid, at);
        require(pyr_tile_shape_valid(&shape));
        require(at == 0 ||
                level->grid_level > descriptor->levels[at - 1].grid_level);
        require(limits->min_col <= limits->max_col &&
                limits->max_col < matrix->matrix_width);
        require(limits->min_row <= limits->max_row &&
                limits->max_row < matrix->matrix_height);
    }
}

/* Writes the descriptor on the base, parses and binds that, and writes it on
 * itself: nothing changes any more. */
static void check_composed(const struct rok4_descriptor *descriptor,
                           const struct pyr_grid *grid, const char *base)
{
    const struct rok4_recipe recipe = {NULL, "AVERAGE"};
    struct rok4_descriptor *parsed = NULL;
    struct pyr_error err = {""};
    char warp[ROK4_RECIPE_BYTES];
    char overview[ROK4_RECIPE_BYTES];
    char *first = NULL;
    char *second = NULL;
    if (rok4_compose(descriptor, &recipe, base, &first, &err) != PYR_OK)
    {
        require(err.text[0] != '\0');
        return;
    }
    rok4_recipe_read(first, strlen(first), warp, overview);
    require(strcmp(overview, "AVERAGE") == 0);
    require(rok4_descriptor_parse(first, strlen(first), &parsed, &err) ==
            PYR_OK);
    require(rok4_descriptor_bind(parsed, grid, &err) == PYR_OK);
    require(parsed->nlevels == descriptor->nlevels);
    require(rok4_compose(parsed, &recipe, first, &second, &err) == PYR_OK);
    require(strcmp(first, second) == 0);
    rok4_descriptor_free(parsed);
    pyr_free(first);
    pyr_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    const char *text = (const char *)data;
    struct pyr_grid_level levels[NLEVELS];
    struct pyr_grid grid;
    struct rok4_descriptor *descriptor = NULL;
    struct pyr_error err = {""};
    (void)rok4_descriptor_identify(text, nbytes);
    if (rok4_descriptor_parse(text, nbytes, &descriptor, &err) != PYR_OK)
    {
        require(err.text[0] != '\0');
        return 0;
    }
    check_parsed(descriptor);
    make_grid(&grid, levels);
    if (rok4_descriptor_bind(descriptor, &grid, &err) == PYR_OK)
    {
        char *const base = pyr_strndup(text, nbytes);
        if (base == NULL)
            abort();
        check_bound(descriptor, &grid);
        check_composed(descriptor, &grid, base);
        pyr_free(base);
    }
    else
        require(err.text[0] != '\0');
    rok4_descriptor_free(descriptor);
    return 0;
}
