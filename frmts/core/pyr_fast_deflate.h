/* SPDX-License-Identifier: MIT */
/* Bytes to DEFLATE (RFC 1951) faster than the libraries do: for noise with runs
 * in it, as the bytes of floats less those beside them are. */
#ifndef PYR_FAST_DEFLATE_H
#define PYR_FAST_DEFLATE_H

#include "pyr.h"

/* Reusable state. One thread at a time. */
struct pyr_fast_deflate;

/* PYR_NOMEM. The caller frees it with pyr_fast_deflate_free; NULL is fine
 * there. */
enum pyr_result
pyr_fast_deflate_new(struct pyr_fast_deflate **out_deflate) PYR_MUST_CHECK;
void pyr_fast_deflate_free(struct pyr_fast_deflate *deflate);

/* The most bytes that pyr_fast_deflate writes. */
size_t pyr_fast_deflate_bound(size_t nbytes);

/* Writes bytes[nbytes], at most 2 GB, to out[pyr_fast_deflate_bound(nbytes)],
 * and says how many these are. The same bytes give the same, whatever was
 * written before. */
size_t pyr_fast_deflate(struct pyr_fast_deflate *deflate, const uint8_t *bytes,
                        size_t nbytes, uint8_t *out);

#endif
