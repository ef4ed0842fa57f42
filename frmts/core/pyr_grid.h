/* SPDX-License-Identifier: MIT */
/* Tile matrix sets: levels of tiles over a coordinate reference system. */
#ifndef PYR_GRID_H
#define PYR_GRID_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* One tile matrix. The top-left corner of tile (col, row) stands at
 * crs_x = origin_x + col * tile_width_px * cell_size and
 * crs_y = origin_y - row * tile_height_px * cell_size (spec section 3). */
struct pyr_grid_level
{
    char *id;                /* unique in its grid */
    double cell_size;        /* CRS units per pixel, finite, > 0 */
    double origin_x;         /* easting or longitude of the top-left corner */
    double origin_y;         /* northing or latitude of the same */
    uint32_t tile_width_px;  /* 1 .. PYR_MAX_TILE_SIDE_PX */
    uint32_t tile_height_px; /* 1 .. PYR_MAX_TILE_SIDE_PX */
    uint32_t matrix_width;   /* tiles, 1 .. INT32_MAX */
    uint32_t matrix_height;  /* tiles, 1 .. INT32_MAX */
};

/* A tile matrix set, levels from the finest to the coarsest (stable for equal
 * cell sizes). */
struct pyr_grid
{
    char *crs; /* as written: "EPSG:3857", "IGNF:LAMB93", WKT, PROJ... */
    size_t nlevels;
    struct pyr_grid_level *levels; /* levels[nlevels] */
};

enum pyr_grid_kind
{
    PYR_GRID_QUADTREE,      /* cell sizes double, same origin and tile size */
    PYR_GRID_INTEGER_RATIO, /* each level but the finest has a finer one that
                             * its cell size is a multiple of, with coinciding
                             * top-left pixel centres */
    PYR_GRID_IRREGULAR
};

/* Rectangle in CRS units; min_x < max_x, min_y < max_y. */
struct pyr_grid_bounds
{
    double min_x;
    double min_y;
    double max_x;
    double max_y;
};

/* Inclusive tile indexes; rows grow downwards. */
struct pyr_grid_limits
{
    uint32_t min_col;
    uint32_t min_row;
    uint32_t max_col;
    uint32_t max_row;
};

/* Parses a TMS file (spec section 3): crs (a string, or an object with a
 * "uri" or "wkt" string as in OGC 17-083r4), tileMatrices[] with id, cellSize,
 * pointOfOrigin, tileWidth, tileHeight, matrixWidth, matrixHeight. Everything
 * else is ignored (the inner "id", too: the file name counts).
 * PYR_CORRUPT / PYR_LIMIT / PYR_NOMEM; err says which member is wrong.
 * PYR_UNSUPPORTED for another cornerOfOrigin than topLeft. Refused:
 * no crs, no level, more than PYR_MAX_LEVELS, a level id empty or twice, sizes
 * out of the ranges above, coordinates not finite or beyond 1e15 (in CRS units
 * or in cells) in absolute value, cell size not in [1e-12, 1e12]. The caller
 * frees the grid with pyr_grid_free. */
enum pyr_result pyr_grid_parse(const char *text, size_t nbytes,
                               struct pyr_grid **out_grid,
                               struct pyr_error *err) PYR_MUST_CHECK;
void pyr_grid_free(struct pyr_grid *grid);

/* Index of the level with this id: PYR_NOT_FOUND when there is none. */
enum pyr_result pyr_grid_find(const struct pyr_grid *grid, const char *id,
                              size_t *out_index) PYR_MUST_CHECK;

/* Quadtree within 1e-4 relative on the ratios, equal origins and tile sizes;
 * integer ratio within 1e-2 of the finest cell size (spec section 3). A grid of
 * one level is a quadtree. */
enum pyr_grid_kind pyr_grid_kind_of(const struct pyr_grid *grid);

/* Whether each pixel centre of coarse is one of fine, at an integer ratio of at
 * least 2, within 1e-2 of fine's cell size. */
bool pyr_grid_picks(const struct pyr_grid_level *coarse,
                    const struct pyr_grid_level *fine);

/* The rectangle that tiles limits of the level cover. */
struct pyr_grid_bounds pyr_grid_bounds_of(const struct pyr_grid_level *level,
                                          const struct pyr_grid_limits *limits);

/* True when the rectangles share an area: touching is not enough, nor is an
 * overlap of less than 1e-11 of the largest coordinate. */
bool pyr_grid_bounds_meet(const struct pyr_grid_bounds *left,
                          const struct pyr_grid_bounds *right);

/* Whether the name of a TMS may be used in a file lookup: not empty, not
 * "." or "..", at most PYR_MAX_NAME_BYTES, none of / \ < > : or control
 * characters. A trailing ".json" is not stripped here. */
bool pyr_grid_name_safe(const char *name);

/* All functions are pure: safe from many threads on a const grid. */

#ifdef __cplusplus
}
#endif

#endif
