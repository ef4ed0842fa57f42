/* SPDX-License-Identifier: MIT */
/* The images of a GeoTIFF as GDAL's GTiff driver sees them: which directories
 * are levels, which are masks, and what tables tell where their tiles stand. */
#ifndef COGX_TIFF_H
#define COGX_TIFF_H

#include "pyr_tiff.h"

#ifdef __cplusplus
extern "C"
{
#endif

#define COGX_MAX_LEVELS 31u /* GTiff takes 30 overviews */

/* One directory's pixels. A strip is a tile as wide as the image. */
struct cogx_raster
{
    size_t dir; /* index in tiff->dirs */
    uint32_t width_px;
    uint32_t height_px;
    uint32_t tile_width_px;
    uint32_t tile_height_px;
    uint32_t ncols; /* of tiles in a plane; ncols * nrows * nplanes */
    uint32_t nrows; /* fits into int32_t */
    uint32_t nplanes;
    uint16_t nbands; /* as GTiff counts them */
    uint16_t bits_per_sample;
    uint16_t sample_format;
    uint16_t compression;
    uint16_t photometric;
    uint16_t predictor;
    bool tiled;
    bool has_nodata;
    bool has_alpha; /* the last band, of two or four */
    /* Borrowed from the directory. */
    const struct pyr_tiff_tag *offsets;
    const struct pyr_tiff_tag *byte_counts;
};

/* The full resolution, or an overview. */
struct cogx_level
{
    struct cogx_raster image;
    bool has_mask;
    struct cogx_raster mask;
};

/* GDAL's structural metadata between header and directories. */
struct cogx_structure
{
    bool present;
    bool damaged;       /* present, but its size is none: all else is 0 */
    uint64_t end_bytes; /* of the first byte after it; odd or even */
    char *text;         /* what follows its first line; NULL: none */
    size_t nbytes;
    bool row_major;         /* BLOCK_ORDER=ROW_MAJOR */
    bool leader;            /* BLOCK_LEADER=SIZE_AS_UINT4 */
    bool trailer;           /* BLOCK_TRAILER=LAST_4_BYTES_REPEATED */
    bool masks_interleaved; /* MASK_INTERLEAVED_WITH_IMAGERY=YES */
    bool edited;            /* KNOWN_INCOMPATIBLE_EDITION=YES */
};

struct cogx_tiff
{
    struct pyr_tiff_reader reader;
    struct pyr_tiff *tiff;
    struct pyr_error
        broken; /* why the chain of directories ends early, or "" */
    struct cogx_structure structure;
    uint32_t nlevels; /* at least 1; the full resolution first */
    struct cogx_level levels[COGX_MAX_LEVELS];
};

/* Reads directories and structural metadata. The reader's user is borrowed
 * until cogx_tiff_free. PYR_CORRUPT, PYR_LIMIT where the first directory is no
 * image, errors of the reader, PYR_NOMEM. As GTiff does, it makes do with the
 * directories before a break of their chain, and before one that is no image.
 */
enum pyr_result cogx_tiff_open(const struct pyr_tiff_reader *reader,
                               struct cogx_tiff **out_file,
                               struct pyr_error *err) PYR_MUST_CHECK;
void cogx_tiff_free(struct cogx_tiff *file);

/* The level or mask that directory number dir is, or NULL; borrowed. */
const struct cogx_raster *cogx_tiff_raster(const struct cogx_tiff *file,
                                           size_t dir, uint32_t *out_level,
                                           bool *out_is_mask);

static inline uint64_t cogx_raster_ntiles(const struct cogx_raster *raster)
{
    return (uint64_t)raster->ncols * raster->nrows * raster->nplanes;
}

/* Of the first ntiles tiles, those that the table lists: there are no others,
 * however many a broken file claims. */
static inline uint64_t cogx_raster_nlisted(const struct cogx_raster *raster,
                                           uint64_t ntiles)
{
    return raster->byte_counts->count < ntiles ? raster->byte_counts->count
                                               : ntiles;
}

#ifdef __cplusplus
}
#endif

#endif
