/* SPDX-License-Identifier: MIT */
/* Resampling of rows by any ratio, as GDAL's overviews do it. */
#ifndef PYR_KERNEL_H
#define PYR_KERNEL_H

#include "pyr_type.h"

#ifdef __cplusplus
extern "C"
{
#endif

enum pyr_method
{
    PYR_METHOD_NEAREST,
    PYR_METHOD_AVERAGE,
    PYR_METHOD_RMS,
    PYR_METHOD_BILINEAR,
    PYR_METHOD_CUBIC,
    PYR_METHOD_CUBICSPLINE,
    PYR_METHOD_LANCZOS,
    PYR_METHOD_MODE
};

/* What the mask of a level becomes. GDAL's COG takes the first for its first
 * overview; then the second where the source is of GTiff, else the third. */
enum pyr_mask_rule
{
    PYR_MASK_BY_ITSELF, /* 255 where pixels come out, else 0 */
    PYR_MASK_HALF,      /* resampled as 0 and 1 that all count; 255 if not 0 */
    PYR_MASK_GREY       /* resampled as bytes that all count: weights */
};

/* What is resampled, how, and which pixels count. Which band is told by what:
 * with alpha the last one by itself; else, the first that holds: masks, nodata,
 * alpha. Alpha counts with 2 or 4 bands of UInt8 or UInt16 only, besides masks
 * or nodata with any. Alpha and masks are weights, too, but for AVERAGE, RMS
 * and MODE. NEAREST takes any pixel, MODE of UInt8 all but nodata. All of it as
 * GDAL does. NaN spreads where it counts, not where it does not: GDAL's kernels
 * spread both before 3.13, then none with masks or nodata. No rule applies to
 * complex samples: their parts are resampled as bands.
 */
struct pyr_kernel_rule
{
    enum pyr_method method;
    enum pyr_type type;
    uint32_t bands;
    bool masks; /* those with a mask that is not 0 */
    enum pyr_mask_rule mask_rule;
    bool alpha;                  /* those whose last band is not 0 */
    bool nodata;                 /* by band: those other than nodata */
    const double *nodata_values; /* [bands]; borrowed; NaN: those not NaN */
    const uint8_t (*palette)[4]; /* [npalette] red, green, blue, alpha; NULL */
    uint32_t npalette;
};

/* Both sizes of a level and of the one made of it, which is not larger. */
struct pyr_kernel_scale
{
    uint32_t in_width_px;
    uint32_t in_height_px;
    uint32_t out_width_px;
    uint32_t out_height_px;
};

/* Pixels of the level, of which the first is (px_x, px_y), and its mask, NULL
 * without masks. Aligned as their type needs. */
struct pyr_kernel_in
{
    uint32_t px_x;
    uint32_t px_y;
    const uint8_t *pixels;
    size_t row_bytes;
    const uint8_t *mask;
    size_t mask_row_bytes;
};

/* A window of the level that is made. */
struct pyr_kernel_out
{
    uint32_t px_x;
    uint32_t px_y;
    uint32_t width_px;
    uint32_t height_px;
    uint8_t *pixels;
    size_t row_bytes;
    uint8_t *mask;
    size_t mask_row_bytes;
};

/* Which pixels of an axis of in_px those at first .. first + count - 1 of
 * out_px need: *out_first up to, but without, *out_end. Neither decreases with
 * first. */
void pyr_kernel_reach(const struct pyr_kernel_rule *rule, uint32_t in_px,
                      uint32_t out_px, uint32_t first, uint32_t count,
                      uint32_t *out_first, uint32_t *out_end);

/* Scratch memory, kept from call to call. One thread at a time. */
struct pyr_kernel;

/* PYR_NOMEM. rule is borrowed. The caller frees it with pyr_kernel_free. */
enum pyr_result pyr_kernel_new(const struct pyr_kernel_rule *rule,
                               struct pyr_kernel **out_kernel) PYR_MUST_CHECK;
void pyr_kernel_free(struct pyr_kernel *kernel);

/* Makes the window of in, which holds what it needs (pyr_kernel_reach). Where
 * nothing counts, nodata comes out, else 0; where something does, a value other
 * than nodata. Sums are in double precision; in single precision for integers
 * of up to 16 bits that all count. In which of both ways, and so what rounding
 * does, depends on the columns of the window, not on its rows. PYR_NOMEM. */
enum pyr_result pyr_kernel_run(struct pyr_kernel *kernel,
                               const struct pyr_kernel_scale *scale,
                               const struct pyr_kernel_in *in,
                               const struct pyr_kernel_out *out) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
