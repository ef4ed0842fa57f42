/* SPDX-License-Identifier: MIT */
/* The tags of a directory to be. */
#ifndef COGX_TAGS_H
#define COGX_TAGS_H

#include "cogx_writer.h"
#include "pyr_tiff.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* A list that owns its values. Zeroes are an empty one. One thread at a time.
 */
struct cogx_tags
{
    struct cogx_tag *list; /* list[ntags] */
    size_t ntags;
    size_t capacity;
};

/* Frees the values; the list is empty then. */
void cogx_tags_clear(struct cogx_tags *tags);

/* Adds the tags of a directory, but those that the writer makes, of sizes and
 * tiles, and JPEGTables, which are the encoder's. Errors of pyr_tiff_load. */
enum pyr_result cogx_tags_load(struct cogx_tags *tags,
                               const struct pyr_tiff_reader *reader,
                               const struct pyr_tiff *tiff,
                               const struct pyr_tiff_dir *dir,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* Puts those tags by which tiles are decoded (compression, predictor, colours,
 * tables) that the directory has in the place of the list's. Likewise. */
enum pyr_result cogx_tags_take_pixels(struct cogx_tags *tags,
                                      const struct pyr_tiff_reader *reader,
                                      const struct pyr_tiff *tiff,
                                      const struct pyr_tiff_dir *dir,
                                      struct pyr_error *err) PYR_MUST_CHECK;

/* Adds copies of all tags of another list. PYR_NOMEM. */
enum pyr_result cogx_tags_copy(struct cogx_tags *tags,
                               const struct cogx_tags *others,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* Sets JPEGTables to a copy of bytes[nbytes]. PYR_NOMEM. */
enum pyr_result cogx_tags_set_tables(struct cogx_tags *tags,
                                     const uint8_t *bytes, size_t nbytes,
                                     struct pyr_error *err) PYR_MUST_CHECK;

/* What tags say of how tiles are encoded: ycbcr (of a format for JPEG), nextra,
 * alpha and predictor of the format. */
void cogx_tags_describe(const struct cogx_tags *tags,
                        struct pyr_tile_format *format);

/* The compression of mask tiles; PYR_TIFF_NONE where they have none that masks
 * are written in. */
enum pyr_tiff_compression
cogx_tags_mask_compression(const struct cogx_tags *tags);

#ifdef __cplusplus
}
#endif

#endif
