/* SPDX-License-Identifier: MIT */
/* A pyramid opened for reading: descriptor, grid and its two tile sources. */
#include "rok4_pyramid.h"

#include "pyr_alloc.h"
#include "rok4_place.h"
#include "rok4_slab.h"
#include "rok4_tms.h"

#include <string.h>

const struct pyr_grid_level *
rok4_pyramid_grid_level(const struct rok4_pyramid *pyramid, size_t level)
{
    return &pyramid->grid
                ->levels[pyramid->descriptor->levels[level].grid_level];
}

void rok4_pyramid_free(struct rok4_pyramid *pyramid)
{
    if (pyramid == NULL)
        return;
    for (int i = 0; i < 2; i++)
    {
        struct rok4_tiles *const tiles = &pyramid->planes[i];
        for (size_t j = 0;
             tiles->places != NULL && j < pyramid->descriptor->nlevels; j++)
            pyr_free(tiles->places[j]);
        pyr_free(tiles->places);
        pyr_free(tiles->levels);
    }
    rok4_descriptor_free(pyramid->descriptor);
    pyr_grid_free(pyramid->grid);
    pyr_free(pyramid->path);
    pyr_free(pyramid->descriptor_text);
    pyr_free(pyramid->tms_text);
    pyr_free(pyramid->tms_path);
    pyr_free(pyramid);
}

static enum pyr_result resolve_level(struct rok4_pyramid *pyramid, size_t i,
                                     const struct rok4_path_rules *rules,
                                     struct pyr_error *err)
{
    const struct rok4_level *const level = &pyramid->descriptor->levels[i];
    enum pyr_result result =
        rok4_place_resolve(rules, level, level->image_place,
                           &pyramid->planes[ROK4_PLANE_DATA].places[i], err);
    if (result == PYR_OK && level->mask_place != NULL)
    {
        pyramid->has_masks = true;
        result = rok4_place_resolve(rules, level, level->mask_place,
                                    &pyramid->planes[ROK4_PLANE_MASK].places[i],
                                    err);
    }
    return result;
}

static void fill_source_level(struct rok4_pyramid *pyramid, size_t i)
{
    const struct rok4_level *const level = &pyramid->descriptor->levels[i];
    const struct pyr_source_level data = {
        .id = level->id,
        .shape =
            rok4_descriptor_tile_shape(pyramid->descriptor, pyramid->grid, i),
        .limits = level->limits,
        .container_width_tiles = level->tiles_per_width,
        .container_height_tiles = level->tiles_per_height,
        .index =
            rok4_slab_index(level->tiles_per_width * level->tiles_per_height)};
    struct pyr_source_level mask = data;
    mask.shape.bands = 1;
    mask.shape.sample = PYR_SAMPLE_UINT8;
    pyramid->planes[ROK4_PLANE_DATA].levels[i] = data;
    pyramid->planes[ROK4_PLANE_MASK].levels[i] = mask;
}

/* Directories and source levels, once the descriptor is bound. */
static enum pyr_result fill_levels(struct rok4_pyramid *pyramid,
                                   const struct rok4_open_options *options,
                                   struct pyr_error *err)
{
    const size_t nlevels = pyramid->descriptor->nlevels;
    const struct rok4_path_rules rules = {.descriptor_path = pyramid->path,
                                          .storage_root = options->storage_root,
                                          .allow_outside =
                                              options->allow_outside};
    for (int i = 0; i < 2; i++)
    {
        struct rok4_tiles *const tiles = &pyramid->planes[i];
        tiles->pyramid = pyramid;
        tiles->plane = (enum rok4_plane)i;
        tiles->places = pyr_calloc(nlevels, sizeof(char *));
        tiles->levels = pyr_calloc(nlevels, sizeof(*tiles->levels));
        if (tiles->places == NULL || tiles->levels == NULL)
            return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < nlevels; i++)
    {
        const enum pyr_result result = resolve_level(pyramid, i, &rules, err);
        if (result != PYR_OK)
        {
            pyr_error_prefix(err, "level %s",
                             pyramid->descriptor->levels[i].id);
            return result;
        }
        fill_source_level(pyramid, i);
    }
    return PYR_OK;
}

static enum pyr_result load_grid(const struct pyr_io *io,
                                 struct rok4_pyramid *pyramid,
                                 const struct rok4_open_options *options,
                                 struct pyr_error *err)
{
    const char *const name = pyramid->descriptor->tms_name;
    size_t nbytes = 0;
    enum pyr_result result =
        rok4_tms_find(io, name, pyramid->path, options, &pyramid->tms_text,
                      &nbytes, &pyramid->tms_path, err);
    if (result != PYR_OK)
        return result;
    result = pyr_grid_parse(pyramid->tms_text, nbytes, &pyramid->grid, err);
    if (result != PYR_OK)
        pyr_error_prefix(err, "tile matrix set %s",
                         pyramid->tms_path[0] != '\0' ? pyramid->tms_path
                                                      : name);
    return result;
}

enum pyr_result rok4_pyramid_open(const struct pyr_io *io, const char *path,
                                  const char *text, size_t nbytes,
                                  const struct rok4_open_options *options,
                                  struct rok4_pyramid **out_pyramid,
                                  struct pyr_error *err)
{
    struct rok4_pyramid *const pyramid = pyr_calloc(1, sizeof(*pyramid));
    enum pyr_result result = PYR_NOMEM;
    if (pyramid == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    pyramid->path = pyr_strdup(path);
    if (pyramid->path == NULL)
    {
        (void)pyr_fail(err, PYR_NOMEM, "out of memory");
        goto done;
    }
    result = rok4_descriptor_parse(text, nbytes, &pyramid->descriptor, err);
    if (result != PYR_OK)
        goto done;
    pyramid->descriptor_text = pyr_strndup(text, nbytes);
    if (pyramid->descriptor_text == NULL)
    {
        result = pyr_fail(err, PYR_NOMEM, "out of memory");
        goto done;
    }
    result = load_grid(io, pyramid, options, err);
    if (result != PYR_OK)
        goto done;
    result = rok4_descriptor_bind(pyramid->descriptor, pyramid->grid, err);
    if (result != PYR_OK)
    {
        pyr_error_prefix(err, "with tile matrix set %s",
                         pyramid->descriptor->tms_name);
        goto done;
    }
    result = fill_levels(pyramid, options, err);

done:
    if (result == PYR_OK)
        *out_pyramid = pyramid;
    else
        rok4_pyramid_free(pyramid);
    return result;
}

enum pyr_result rok4_pyramid_slab_path(const struct rok4_pyramid *pyramid,
                                       enum rok4_plane plane, size_t level,
                                       uint32_t slab_col, uint32_t slab_row,
                                       char **out_path)
{
    const struct rok4_level *const at = &pyramid->descriptor->levels[level];
    const char *const place = pyramid->planes[plane].places[level];
    if (place == NULL)
        return PYR_NOT_FOUND;
    char *const path =
        rok4_place_slab(at->storage, place, slab_col, slab_row, at->path_depth);
    if (path == NULL)
        return PYR_NOMEM;
    *out_path = path;
    return PYR_OK;
}

static enum pyr_result tiles_path(void *user, uint32_t level,
                                  uint32_t container_col,
                                  uint32_t container_row, char **out_path,
                                  struct pyr_error *err)
{
    const struct rok4_tiles *const tiles = user;
    const enum pyr_result result =
        rok4_pyramid_slab_path(tiles->pyramid, tiles->plane, level,
                               container_col, container_row, out_path);
    return result == PYR_OK ? PYR_OK : pyr_fail(err, result, "no path");
}

/* Tile number within its slab: row-major (spec section 4). */
static enum pyr_result tiles_locate(void *user, uint32_t level,
                                    uint32_t tile_col, uint32_t tile_row,
                                    const uint8_t *index, uint64_t file_nbytes,
                                    struct pyr_extent *out_extent,
                                    struct pyr_error *err)
{
    const struct rok4_tiles *const tiles = user;
    const struct pyr_source_level *const at = &tiles->levels[level];
    const uint32_t width = at->container_width_tiles;
    const uint32_t height = at->container_height_tiles;
    const uint32_t tile = (tile_row % height) * width + tile_col % width;
    return rok4_slab_locate(index, width * height, tile, file_nbytes,
                            rok4_slab_tile_limit(&at->shape), out_extent, err);
}

/* Masks are always ZIP (spec section 6). ZIP and PNG slabs have the same
 * header, and readers without the descriptor tell them apart by the tile's
 * signature (section 5.1); no zlib stream starts like a PNG. */
static enum pyr_codec tiles_codec(void *user, const uint8_t *bytes,
                                  size_t nbytes)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G'};
    const struct rok4_tiles *const tiles = user;
    const enum pyr_codec codec =
        tiles->plane == ROK4_PLANE_MASK
            ? PYR_CODEC_DEFLATE
            : rok4_format_codec(tiles->pyramid->descriptor->format);
    if (codec != PYR_CODEC_DEFLATE && codec != PYR_CODEC_PNG)
        return codec;
    return nbytes > sizeof(png) && memcmp(bytes, png, sizeof(png)) == 0
               ? PYR_CODEC_PNG
               : PYR_CODEC_DEFLATE;
}

struct pyr_source rok4_pyramid_source(struct rok4_pyramid *pyramid,
                                      enum rok4_plane plane)
{
    struct rok4_tiles *const tiles = &pyramid->planes[plane];
    const struct pyr_source source = {
        .user = tiles,
        .nlevels = (uint32_t)pyramid->descriptor->nlevels,
        .levels = tiles->levels,
        .path = tiles_path,
        .locate = tiles_locate,
        .codec = tiles_codec};
    return source;
}
