/* SPDX-License-Identifier: MIT */
/* A block of DEFLATE (RFC 1951): literals and matches, written with codes of
 * their own. */
#ifndef PYR_DEFLATE_BLOCK_H
#define PYR_DEFLATE_BLOCK_H

#include "pyr_huffman.h"

/* So many that they can be stored as they are, too. */
#define PYR_DEFLATE_BLOCK_BYTES 65535u
#define PYR_DEFLATE_MAX_DISTANCE 32768u
#define PYR_DEFLATE_MIN_MATCH 3u
#define PYR_DEFLATE_MAX_MATCH 258u
/* What a block takes beyond its bytes, at most, and what is written too much
 * behind it. */
#define PYR_DEFLATE_HEAD_BYTES 512u

#define PYR_DEFLATE_LITERALS 256u
#define PYR_DEFLATE_LENGTHS 29u
#define PYR_DEFLATE_SYMBOLS (PYR_DEFLATE_LITERALS + 1 + PYR_DEFLATE_LENGTHS)
#define PYR_DEFLATE_DISTANCES 30u

/* Where bits go, the first one lowest; less than 8 wait between two calls. */
struct pyr_bit_writer
{
    uint64_t bits;
    unsigned nbits;
    uint8_t *to;
};

/* Literals, and a match behind them; of the last piece of a block its length is
 * 0. */
struct pyr_deflate_piece
{
    uint16_t nliterals;
    uint16_t length;
    uint16_t distance;
};

/* A code with the bits that follow it. */
struct pyr_deflate_word
{
    uint32_t bits;
    uint32_t nbits;
};

/* A length of codes, or how often it or 0 comes again. */
struct pyr_deflate_item
{
    uint8_t symbol;
    uint8_t extra;
};

struct pyr_deflate_block
{
    struct pyr_deflate_piece
        pieces[PYR_DEFLATE_BLOCK_BYTES / PYR_DEFLATE_MIN_MATCH + 1];
    size_t npieces;
    uint32_t nliterals[4][PYR_DEFLATE_LITERALS];
    uint32_t nsymbols[PYR_DEFLATE_SYMBOLS];
    uint32_t ndistances[PYR_DEFLATE_DISTANCES];
    struct pyr_huffman_code symbols[PYR_DEFLATE_SYMBOLS];
    struct pyr_huffman_code distances[PYR_DEFLATE_DISTANCES];
    struct pyr_deflate_word lengths[PYR_DEFLATE_MAX_MATCH + 1];
    struct pyr_deflate_item items[PYR_DEFLATE_SYMBOLS + PYR_DEFLATE_DISTANCES];
    unsigned nitems;
    /* Constant: symbols of lengths, and of distances - 1, of which those beyond
     * 255 by their upper bits. */
    uint8_t length_symbols[PYR_DEFLATE_MAX_MATCH + 1];
    uint8_t distance_symbols[512];
};

/* Once, before the first block. */
void pyr_deflate_block_init(struct pyr_deflate_block *block);

/* Begins a block of nothing. */
void pyr_deflate_block_begin(struct pyr_deflate_block *block);

/* Adds literals[nliterals], and length bytes as they stand distance bytes
 * before; once with a length of 0, as the last. All together are at most
 * PYR_DEFLATE_BLOCK_BYTES. */
void pyr_deflate_block_add(struct pyr_deflate_block *block,
                           const uint8_t *literals, size_t nliterals,
                           size_t length, size_t distance);

/* Writes the block, whose bytes are bytes[nbytes]. */
void pyr_deflate_block_write(struct pyr_deflate_block *block,
                             const uint8_t *bytes, size_t nbytes, bool last,
                             struct pyr_bit_writer *writer);

/* Behind the last block. */
void pyr_deflate_fill_byte(struct pyr_bit_writer *writer);

#endif
