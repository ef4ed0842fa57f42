/* SPDX-License-Identifier: MIT */
/* Which pixels of a tile have been written, in each of its bands. */
#ifndef COGX_COVER_H
#define COGX_COVER_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Pixels px_x .. end_x - 1 of rows px_y .. end_y - 1. */
struct cogx_rect
{
    uint32_t px_x;
    uint32_t px_y;
    uint32_t end_x;
    uint32_t end_y;
};

/* Of each band, rectangles that are missing: a few, so that of what is written
 * in very many pieces some may count as missing which is not. One thread at a
 * time. */
struct cogx_cover;

/* Of a tile of which nothing has been written, and which comes in so many
 * blocks. PYR_NOMEM. The caller frees it with cogx_cover_free; NULL is fine
 * there. */
enum pyr_result cogx_cover_new(uint32_t width_px, uint32_t height_px,
                               uint32_t bands, uint32_t nblocks,
                               struct cogx_cover **out_cover) PYR_MUST_CHECK;
void cogx_cover_free(struct cogx_cover *cover);

/* Says that pixels of a band, 0 for the first, have been written; what is not
 * within the tile is left out. Without memory, they count as missing. */
void cogx_cover_add(struct cogx_cover *cover, uint32_t band,
                    const struct cogx_rect *rect);

/* Says that a block of a band is about to change, or that it has come. */
void cogx_cover_expect(struct cogx_cover *cover, uint32_t band, uint32_t block,
                       bool expected);
bool cogx_cover_is_expected(const struct cogx_cover *cover, uint32_t band,
                            uint32_t block);

/* Whether nothing is missing, and whether some block is expected. */
bool cogx_cover_is_full(const struct cogx_cover *cover);
bool cogx_cover_expects(const struct cogx_cover *cover);

#ifdef __cplusplus
}
#endif

#endif
