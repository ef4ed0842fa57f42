/* SPDX-License-Identifier: MIT */
/* One level of a quadtree to the next: each 2 x 2 pixels make one. */
#ifndef PYR_REDUCE_H
#define PYR_REDUCE_H

#include "pyr_tile.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* What the pixel is made of, among the valid ones of the four. */
enum pyr_reduction
{
    PYR_REDUCE_MEAN,    /* mean; of bytes rounded, halves up */
    PYR_REDUCE_NEAREST, /* the top-left one of all four, valid or not */
    PYR_REDUCE_MODE,    /* the most frequent one; the first of equals */
    PYR_REDUCE_RMS      /* root of the mean square; of bytes rounded */
};

/* What tells valid pixels. */
enum pyr_validity
{
    PYR_VALID_ALL,   /* every pixel is valid */
    PYR_VALID_MASK,  /* those with a mask other than 0 */
    PYR_VALID_ALPHA, /* those whose last band is not 0 */
    PYR_VALID_NODATA /* those whose first band is not nodata, nor a NaN */
};

struct pyr_reduce_rule
{
    enum pyr_reduction reduction;
    enum pyr_validity validity;
    uint32_t bands; /* 1 .. PYR_MAX_BANDS */
    enum pyr_sample sample;
    /* What pixels without a valid one become, by band; nodata[0] also tells
     * them with PYR_VALID_NODATA. In the range of the sample type. */
    double nodata[PYR_MAX_BANDS];
};

/* Makes out[out_height_px][out_row_bytes] of in[2 *
 * out_height_px][in_row_bytes] with 2 * out_width_px pixels in a row. Masks
 * (one byte a pixel, rows in_mask_row_bytes and out_mask_row_bytes apart) are
 * read and written with PYR_VALID_MASK only, else NULL; out_mask is 255 where a
 * pixel of the four is valid, else 0 (PYR_REDUCE_NEAREST: the top-left one's,
 * as 0 or 255).
 *
 * With PYR_VALID_ALPHA the last band is the mean of all four (mean and rms), or
 * that of the pixel picked. Modes and picks are of whole pixels. Sums of floats
 * are made in double precision, in the order top-left, top-right, bottom-left,
 * bottom-right, and rounded once. Where no pixel is valid, out is nodata (with
 * PYR_VALID_ALPHA, its last band 0).
 *
 * in and out do not overlap; float rows are aligned to 4 bytes. Pure. */
void pyr_reduce(const struct pyr_reduce_rule *rule, const uint8_t *in,
                size_t in_row_bytes, const uint8_t *in_mask,
                size_t in_mask_row_bytes, uint32_t out_width_px,
                uint32_t out_height_px, uint8_t *out, size_t out_row_bytes,
                uint8_t *out_mask, size_t out_mask_row_bytes);

#ifdef __cplusplus
}
#endif

#endif
