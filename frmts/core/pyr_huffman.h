/* SPDX-License-Identifier: MIT */
/* Prefix codes as DEFLATE has them (RFC 1951, 3.2.2). */
#ifndef PYR_HUFFMAN_H
#define PYR_HUFFMAN_H

#include "pyr.h"

#define PYR_HUFFMAN_MAX_SYMBOLS 288u
#define PYR_HUFFMAN_MAX_BITS 15u

/* A code as it is written, its first bit lowest; nbits 0: there is none. */
struct pyr_huffman_code
{
    uint16_t bits;
    uint16_t nbits;
};

/* Finds codes for the symbols that occur, nsymbols of them with counts[], whose
 * sum is less than 2^31: the shortest together, but of at most max_bits bits,
 * nearly so where that is a limit. 2^max_bits must be at least the number of
 * symbols. A symbol that occurs alone gets a code of 1 bit. */
void pyr_huffman_make(const uint32_t *counts, unsigned nsymbols,
                      unsigned max_bits, struct pyr_huffman_code *out_codes);

#endif
