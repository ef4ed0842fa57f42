/* SPDX-License-Identifier: MIT */
/* Validity of pixels, from data and mask slabs together. */
#ifndef ROK4_MASK_H
#define ROK4_MASK_H

#include "pyr_window.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Fills mask[window->height_px][row_bytes] with 255 where the window's pixels
 * have data and 0 elsewhere: 0 where the data tile is absent; else 255 where
 * the mask slab is absent; else whether the mask's value is not 0 (spec section
 * 6: upper levels hold averages). Both readers have the same levels. Errors as
 * of pyr_reader_read. */
enum pyr_result rok4_mask_read(struct pyr_reader *data, struct pyr_reader *mask,
                               const struct pyr_source_level *level,
                               const struct pyr_window *window,
                               uint8_t *out_mask, size_t row_bytes,
                               size_t cache_bytes,
                               struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
