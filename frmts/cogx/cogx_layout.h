/* SPDX-License-Identifier: MIT */
/* Where everything stands in a Cloud Optimized GeoTIFF: header, directories,
 * arrays of tiles. */
#ifndef COGX_LAYOUT_H
#define COGX_LAYOUT_H

#include "cogx_writer.h"

#define COGX_MAX_TILES ((uint64_t)UINT32_MAX) /* of one image, in TIFF */

/* One directory. Values that do not fit into their entry follow it; TileOffsets
 * and TileByteCounts follow the last directory, so that what tells about the
 * images comes in one piece. */
struct cogx_dir
{
    const struct cogx_image *image;
    uint32_t subfile_type; /* NewSubfileType; 0: without the tag */
    uint64_t ntiles;
    uint64_t ifd_bytes;     /* offset of the directory */
    uint64_t offsets_bytes; /* of the array of TileOffsets */
    uint64_t counts_bytes;  /* of that of TileByteCounts */
    /* Of the first two tiles, which may stand in the entries. */
    uint64_t first_offsets[2];
    uint32_t first_counts[2];
};

struct cogx_layout
{
    bool big; /* BigTIFF */
    bool masks;
    size_t ndirs;
    struct cogx_dir *dirs; /* dirs[ndirs], as they are chained */
    uint64_t head_bytes;   /* of what comes before the arrays */
    uint64_t data_bytes;   /* offset of the first tile's leader */
};

/* Number of tiles of an image. */
uint32_t cogx_tiles_wide(const struct cogx_image *image);
uint32_t cogx_tiles_high(const struct cogx_image *image);

/* Lays out the image, its mask, the first overview, its mask... masks is NULL
 * or masks[nlevels]. Images and masks are borrowed until cogx_layout_clear.
 * PYR_USAGE for tags that TIFF, or the writer, does not allow; PYR_LIMIT for a
 * head that classic TIFF cannot hold; PYR_NOMEM. */
enum pyr_result cogx_layout_init(struct cogx_layout *layout,
                                 const struct cogx_image *images,
                                 const struct cogx_image *masks,
                                 uint32_t nlevels, bool big,
                                 struct pyr_error *err) PYR_MUST_CHECK;
/* A layout of zeros is fine. */
void cogx_layout_clear(struct cogx_layout *layout);

/* Of a level. */
struct cogx_dir *cogx_layout_image(const struct cogx_layout *layout,
                                   uint32_t level);
struct cogx_dir *cogx_layout_mask(const struct cogx_layout *layout,
                                  uint32_t level);

/* Bytes of one value of TileOffsets; those of TileByteCounts have 4. */
size_t cogx_layout_offset_bytes(const struct cogx_layout *layout);
/* Whether the tiles stand in the entry: there is no array then. */
bool cogx_layout_offsets_inside(const struct cogx_layout *layout,
                                const struct cogx_dir *dir);
bool cogx_layout_counts_inside(const struct cogx_layout *layout,
                               const struct cogx_dir *dir);

/* Makes *out_bytes[head_bytes], once first_offsets and first_counts are set.
 * The caller frees it with pyr_free. PYR_NOMEM. */
enum pyr_result cogx_layout_head(const struct cogx_layout *layout,
                                 uint8_t **out_bytes,
                                 struct pyr_error *err) PYR_MUST_CHECK;

#endif
