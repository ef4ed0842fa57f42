/* SPDX-License-Identifier: MIT */
/* The pyramid descriptor: JSON text to a checked description of levels. */
#ifndef ROK4_DESCRIPTOR_H
#define ROK4_DESCRIPTOR_H

#include "rok4_format.h"

#include "pyr_grid.h"
#include "pyr_tile.h"

#ifdef __cplusplus
extern "C"
{
#endif

#define ROK4_MAX_PATH_DEPTH 16u

struct rok4_level
{
    char *id;
    uint32_t tiles_per_width;  /* >= 1; the product is at most */
    uint32_t tiles_per_height; /* PYR_MAX_SLAB_TILES */
    int64_t written_limits[4]; /* min_col, min_row, max_col, max_row */
    enum rok4_storage storage;
    uint32_t path_depth; /* FILE: 0 .. ROK4_MAX_PATH_DEPTH */
    char *image_place;   /* image_directory or image_prefix */
    char *mask_place;    /* NULL when the level has no masks */
    char *tray;          /* bucket, pool, container; NULL for FILE or none */
    /* Set by rok4_descriptor_bind. */
    size_t grid_level;             /* index into the grid */
    struct pyr_grid_limits limits; /* clamped to the matrix */
    bool empty;                    /* never received data */
};

struct rok4_descriptor
{
    char *tms_name; /* without ".json" */
    enum rok4_format format;
    /* Raster only. */
    uint32_t channels; /* 1 .. PYR_MAX_BANDS */
    int32_t nodata[PYR_MAX_BANDS];
    enum rok4_photometric photometric;
    char *interpolation; /* "nn", "linear", "bicubic", "lanczos"; NULL when
                          * missing or not a string */
    size_t nlevels;
    struct rok4_level *levels; /* as written; after bind finest to coarsest */
};

/* Parses and checks all that can be checked without the TMS (spec section 2;
 * the rules are listed in doc/internals/slab-format.md). PYR_UNSUPPORTED for
 * an unknown format, photometric, storage or mask format, and with "vector
 * pyramid" in the text for TIFF_PBF_MVT. PYR_CORRUPT, PYR_LIMIT, PYR_NOMEM; err
 * names the member, what was found and what is expected. The caller frees it
 * with rok4_descriptor_free. */
enum pyr_result rok4_descriptor_parse(const char *text, size_t nbytes,
                                      struct rok4_descriptor **out_descriptor,
                                      struct pyr_error *err) PYR_MUST_CHECK;
void rok4_descriptor_free(struct rok4_descriptor *descriptor);

/* Resolves level ids in the grid, sorts levels from the finest to the
 * coarsest, clamps the limits to each matrix and marks empty levels. On
 * failure (PYR_CORRUPT: an id that the grid lacks, limits swapped after
 * clamping; PYR_LIMIT: a tile beyond PYR_MAX_TILE_BYTES) the descriptor may
 * only be freed. */
enum pyr_result rok4_descriptor_bind(struct rok4_descriptor *descriptor,
                                     const struct pyr_grid *grid,
                                     struct pyr_error *err) PYR_MUST_CHECK;

/* Pixels of the level's tiles. For a bound descriptor. */
struct pyr_tile_shape
rok4_descriptor_tile_shape(const struct rok4_descriptor *descriptor,
                           const struct pyr_grid *grid, size_t level);

/* Whether the first nbytes of a file (which need not be NUL-terminated, nor
 * the whole file) look like a descriptor: after a byte order mark and blanks a
 * '{', then at least two different ones of the quoted member names
 * tile_matrix_set, tile_limits, tiles_per_width, tiles_per_height,
 * raster_specifications, image_directory, image_prefix. One pass, no
 * allocation. */
bool rok4_descriptor_identify(const char *text, size_t nbytes);

/* All functions are pure. */

#ifdef __cplusplus
}
#endif

#endif
