/* SPDX-License-Identifier: MIT */
/* An image that is being written, in any order and bounded memory: its tiles
 * are encoded for the file as soon as they are there. */
#ifndef COGX_DRAFT_H
#define COGX_DRAFT_H

#include "cogx_cover.h"
#include "cogx_writer.h"
#include "pyr_pool.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Which pixels count, where the file has a mask that is made of the pixels. */
enum cogx_draft_mask
{
    COGX_DRAFT_NO_MASK,
    COGX_DRAFT_ALPHA, /* those whose last band, which the tiles of the file have
                       * not, is not 0 */
    COGX_DRAFT_VALUES /* those that are not `masked` */
};

/* How tiles stand in the file. */
struct cogx_draft_format
{
    struct pyr_tile_format image;
    enum cogx_draft_mask mask_of;
    struct pyr_tile_format mask; /* where there is one */
    const uint8_t *masked;       /* of VALUES: a pixel; borrowed */
};

/* Blocks are what is written and read at once, of one band each. */
struct cogx_draft_options
{
    uint32_t width_px;
    uint32_t height_px;
    uint32_t side_px;        /* of the tiles of the file */
    uint32_t block_width_px; /* multiples of 16: parts of the side, or, of an */
    uint32_t block_height_px; /* image with one column or row, what holds it */
    uint32_t bands;
    size_t sample_bytes;
    size_t memory_bytes;           /* for blocks */
    const struct pyr_out *scratch; /* makes the file for what exceeds that */
    const char *path;              /* of that file; both are borrowed */
    struct pyr_pool *pool;
    unsigned nthreads;
    void *user;
    /* Tells, once memory is short for the first time, how tiles will stand in
     * the file. False: that is not known before the end. */
    bool (*find_format)(void *user, struct cogx_draft_format *out_format);
    /* Writes what waits elsewhere for these pixels, by cogx_draft_write. */
    enum pyr_result (*settle)(void *user, const struct cogx_rect *pixels,
                              struct pyr_error *err);
    /* As in struct pyr_job. */
    void (*enter)(void *user, unsigned worker);
    void (*leave)(void *user, unsigned worker);
};

/* Blocks wait in memory; those of tiles that are not complete leave it
 * compressed without loss. Tiles all of whose pixels were written leave it as
 * they will stand in the file, and what is read of them then is what the file
 * will have. Written to again, such a tile is decoded; where that is not
 * what was written, it is not encoded again before all its pixels have been
 * written anew, or the end: so none is encoded more than twice, and none of a
 * tile that was written once or as a whole more than once. Tiles without
 * compression wait compressed nonetheless. One thread at a time. */
struct cogx_draft;

/* PYR_NOMEM, PYR_LIMIT. options are copied. The caller frees it with
 * cogx_draft_free, which drops the file; NULL is fine there. */
enum pyr_result cogx_draft_new(const struct cogx_draft_options *options,
                               struct cogx_draft **out_draft,
                               struct pyr_error *err) PYR_MUST_CHECK;
void cogx_draft_free(struct cogx_draft *draft);

/* Say that pixels of a band, 0 for the first, are going to be written, and that
 * they have been: then blocks that come in between are not taken for whole
 * ones. Each call of the first belongs to one of the second. */
void cogx_draft_begin(struct cogx_draft *draft, uint32_t band,
                      const struct cogx_rect *pixels);
void cogx_draft_end(struct cogx_draft *draft, uint32_t band,
                    const struct cogx_rect *pixels, bool written);

/* Take or give block[block_height_px][block_width_px]. fill[bands] is a pixel
 * of what is not written. PYR_NOMEM; errors of the file, of codecs and of
 * settle: nothing is lost then, but what was to be written is not. */
enum pyr_result cogx_draft_write(struct cogx_draft *draft, uint32_t band,
                                 uint32_t block_col, uint32_t block_row,
                                 const uint8_t *block, const uint8_t *fill,
                                 struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result cogx_draft_read(struct cogx_draft *draft, uint32_t band,
                                uint32_t block_col, uint32_t block_row,
                                uint8_t *block, const uint8_t *fill,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* Whether something was written to a block, or to another one of its tile. */
bool cogx_draft_has(const struct cogx_draft *draft, uint32_t block_col,
                    uint32_t block_row);

/* Whether tiles have been encoded, and not for this format. */
bool cogx_draft_differs(const struct cogx_draft *draft,
                        const struct cogx_draft_format *format);

/* Encodes what is left, for a format from which it does not differ. Nothing is
 * written any more. Errors as of cogx_draft_write. */
enum pyr_result cogx_draft_finish(struct cogx_draft *draft,
                                  const struct cogx_draft_format *format,
                                  const uint8_t *fill,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* Fills out_pixels[height][width][bands], rows row_bytes apart, with the first
 * bands, on all threads. */
enum pyr_result cogx_draft_read_pixels(struct cogx_draft *draft,
                                       const struct cogx_rect *pixels,
                                       uint32_t bands, uint8_t *out_pixels,
                                       size_t row_bytes, const uint8_t *fill,
                                       struct pyr_error *err) PYR_MUST_CHECK;
/* The same of the mask: 0 or 255; where nothing was written, 0. */
enum pyr_result cogx_draft_read_mask(struct cogx_draft *draft,
                                     const struct cogx_rect *pixels,
                                     uint8_t *out_mask, size_t row_bytes,
                                     const uint8_t *fill,
                                     struct pyr_error *err) PYR_MUST_CHECK;

/* Size of an encoded tile, once finished; 0: nothing was written to it. */
size_t cogx_draft_tile_nbytes(const struct cogx_draft *draft,
                              enum pyr_plane plane, uint32_t tile_col,
                              uint32_t tile_row);

/* Fills tiles[ntiles] of one plane or both, once finished, whose sizes are
 * those. */
enum pyr_result cogx_draft_fetch(struct cogx_draft *draft,
                                 const struct cogx_promised *tiles,
                                 size_t ntiles, const uint8_t *fill,
                                 struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
