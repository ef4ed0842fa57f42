/* SPDX-License-Identifier: MIT */
/* A block of DEFLATE: its pieces are counted, get codes, and are written with
 * them, or the bytes as they are where that is less. */
#include "pyr_deflate_block.h"

#include "pyr_buf.h"

#include <string.h>

#define END_OF_BLOCK PYR_DEFLATE_LITERALS
#define NMETA 19u
#define MAX_META_BITS 7u
/* Of literals: four of them fit into what is written at once. */
#define MAX_SYMBOL_BITS 14u

static const uint16_t length_base[PYR_DEFLATE_LENGTHS] = {
    3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[PYR_DEFLATE_LENGTHS] = {
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
    2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t distance_base[PYR_DEFLATE_DISTANCES] = {
    1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
    33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
    1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
static const uint8_t distance_extra[PYR_DEFLATE_DISTANCES] = {
    0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
    6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

/* ---- What a block holds ---- */

static size_t distance_slot(unsigned distance)
{
    return distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7);
}

void pyr_deflate_block_init(struct pyr_deflate_block *block)
{
    for (unsigned i = 0; i < PYR_DEFLATE_LENGTHS; i++)
        for (unsigned length = length_base[i]; length <= PYR_DEFLATE_MAX_MATCH;
             length++)
            block->length_symbols[length] = (uint8_t)i;
    for (unsigned i = 0; i < PYR_DEFLATE_DISTANCES; i++)
        for (unsigned at = distance_base[i]; at <= PYR_DEFLATE_MAX_DISTANCE;
             at++)
            block->distance_symbols[distance_slot(at)] = (uint8_t)i;
}

void pyr_deflate_block_begin(struct pyr_deflate_block *block)
{
    block->npieces = 0;
    memset(block->nliterals, 0, sizeof(block->nliterals));
    memset(block->nsymbols, 0, sizeof(block->nsymbols));
    memset(block->ndistances, 0, sizeof(block->ndistances));
}

static void count_literals(struct pyr_deflate_block *block,
                           const uint8_t *bytes, size_t nbytes)
{
    size_t i = 0;
    /* One counter after the other would wait for itself. */
    for (; i + 4 <= nbytes; i += 4)
        for (unsigned j = 0; j < 4; j++)
            block->nliterals[j][bytes[i + j]]++;
    for (; i < nbytes; i++)
        block->nliterals[0][bytes[i]]++;
}

void pyr_deflate_block_add(struct pyr_deflate_block *block,
                           const uint8_t *literals, size_t nliterals,
                           size_t length, size_t distance)
{
    count_literals(block, literals, nliterals);
    block->pieces[block->npieces++] = (struct pyr_deflate_piece){
        (uint16_t)nliterals, (uint16_t)length, (uint16_t)distance};
    if (length == 0)
        return;
    block->nsymbols[END_OF_BLOCK + 1 + block->length_symbols[length]]++;
    block->ndistances[block->distance_symbols[distance_slot(
        (unsigned)distance)]]++;
}

/* ---- Bits ---- */

static inline void add_bits(struct pyr_bit_writer *writer, uint32_t bits,
                            unsigned nbits)
{
    writer->bits |= (uint64_t)bits << writer->nbits;
    writer->nbits += nbits;
}

static inline void add_code(struct pyr_bit_writer *writer,
                            struct pyr_huffman_code code)
{
    add_bits(writer, code.bits, code.nbits);
}

/* Room is for 56 bits then. It writes 8 bytes. */
static inline void flush(struct pyr_bit_writer *writer)
{
    pyr_put_le32(writer->to, (uint32_t)writer->bits);
    pyr_put_le32(writer->to + 4, (uint32_t)(writer->bits >> 32));
    writer->to += writer->nbits >> 3;
    writer->bits >>= writer->nbits & ~7u;
    writer->nbits &= 7;
}

void pyr_deflate_fill_byte(struct pyr_bit_writer *writer)
{
    writer->nbits = (writer->nbits + 7) & ~7u;
    flush(writer);
}

/* ---- Codes ---- */

/* What the lengths of codes are written as: up to six more of one, up to 138
 * zeros. */
static void add_items(struct pyr_deflate_block *block, unsigned nbits,
                      unsigned n)
{
    struct pyr_deflate_item *const items = block->items;
    while (nbits == 0 && n >= 3)
    {
        const unsigned most = n < 138 ? n : 138;
        items[block->nitems++] =
            most < 11 ? (struct pyr_deflate_item){17, (uint8_t)(most - 3)}
                      : (struct pyr_deflate_item){18, (uint8_t)(most - 11)};
        n -= most;
    }
    for (bool first = true; n > 0; first = false)
    {
        const unsigned most = first || n < 3 ? 1 : n < 6 ? n : 6;
        items[block->nitems++] =
            most == 1 ? (struct pyr_deflate_item){(uint8_t)nbits, 0}
                      : (struct pyr_deflate_item){16, (uint8_t)(most - 3)};
        n -= most;
    }
}

static void make_items(struct pyr_deflate_block *block, const uint8_t *nbits,
                       unsigned n)
{
    unsigned end = 0;
    block->nitems = 0;
    for (unsigned at = 0; at < n; at = end)
    {
        for (end = at + 1; end < n && nbits[end] == nbits[at];)
            end++;
        add_items(block, nbits[at], end - at);
    }
}

static unsigned extra_bits(unsigned symbol)
{
    return symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
}

static void write_items(const struct pyr_deflate_block *block,
                        struct pyr_bit_writer *writer)
{
    static const uint8_t order[NMETA] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                         11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint32_t counts[NMETA] = {0};
    struct pyr_huffman_code codes[NMETA];
    unsigned n = NMETA;
    for (unsigned i = 0; i < block->nitems; i++)
        counts[block->items[i].symbol]++;
    pyr_huffman_make(counts, NMETA, MAX_META_BITS, codes);
    while (n > 4 && codes[order[n - 1]].nbits == 0)
        n--;
    add_bits(writer, n - 4, 4);
    for (unsigned i = 0; i < n; i++)
    {
        add_bits(writer, codes[order[i]].nbits, 3);
        flush(writer);
    }
    for (unsigned i = 0; i < block->nitems; i++)
    {
        const struct pyr_deflate_item *const item = &block->items[i];
        add_code(writer, codes[item->symbol]);
        add_bits(writer, item->extra, extra_bits(item->symbol));
        flush(writer);
    }
}

/* How many codes are told of: at least so many. */
static unsigned count_told(const struct pyr_huffman_code *codes, unsigned n,
                           unsigned least)
{
    while (n > least && codes[n - 1].nbits == 0)
        n--;
    return n;
}

static void write_codes(struct pyr_deflate_block *block,
                        struct pyr_bit_writer *writer)
{
    uint8_t nbits[(PYR_DEFLATE_SYMBOLS + PYR_DEFLATE_DISTANCES)];
    const unsigned nsymbols =
        count_told(block->symbols, PYR_DEFLATE_SYMBOLS, END_OF_BLOCK + 1);
    const unsigned ndistances =
        count_told(block->distances, PYR_DEFLATE_DISTANCES, 1);
    for (unsigned i = 0; i < nsymbols; i++)
        nbits[i] = (uint8_t)block->symbols[i].nbits;
    for (unsigned i = 0; i < ndistances; i++)
        nbits[nsymbols + i] = (uint8_t)block->distances[i].nbits;
    make_items(block, nbits, nsymbols + ndistances);
    add_bits(writer, nsymbols - (END_OF_BLOCK + 1), 5);
    add_bits(writer, ndistances - 1, 5);
    write_items(block, writer);
}

static void make_lengths(struct pyr_deflate_block *block)
{
    for (unsigned length = PYR_DEFLATE_MIN_MATCH;
         length <= PYR_DEFLATE_MAX_MATCH; length++)
    {
        const unsigned symbol = block->length_symbols[length];
        const struct pyr_huffman_code code =
            block->symbols[END_OF_BLOCK + 1 + symbol];
        block->lengths[length] = (struct pyr_deflate_word){
            code.bits | (uint32_t)(length - length_base[symbol]) << code.nbits,
            code.nbits + (uint32_t)length_extra[symbol]};
    }
}

/* Makes the codes, and says how many bits the pieces take with them. */
static uint64_t make_codes(struct pyr_deflate_block *block)
{
    uint64_t nbits = 0;
    for (unsigned i = 0; i < PYR_DEFLATE_LITERALS; i++)
        for (unsigned j = 0; j < 4; j++)
            block->nsymbols[i] += block->nliterals[j][i];
    block->nsymbols[END_OF_BLOCK] = 1;
    pyr_huffman_make(block->nsymbols, PYR_DEFLATE_SYMBOLS, MAX_SYMBOL_BITS,
                     block->symbols);
    pyr_huffman_make(block->ndistances, PYR_DEFLATE_DISTANCES,
                     PYR_HUFFMAN_MAX_BITS, block->distances);
    for (unsigned i = 0; i < PYR_DEFLATE_SYMBOLS; i++)
        nbits += (uint64_t)block->nsymbols[i] *
                 (block->symbols[i].nbits +
                  (i > END_OF_BLOCK ? length_extra[i - END_OF_BLOCK - 1] : 0u));
    for (unsigned i = 0; i < PYR_DEFLATE_DISTANCES; i++)
        nbits += (uint64_t)block->ndistances[i] *
                 (block->distances[i].nbits + (unsigned)distance_extra[i]);
    return nbits;
}

static const uint8_t *write_literals(const struct pyr_huffman_code *symbols,
                                     const uint8_t *bytes, size_t nbytes,
                                     struct pyr_bit_writer *io_writer)
{
    struct pyr_bit_writer writer = *io_writer;
    for (; nbytes >= 4; nbytes -= 4, bytes += 4)
    {
        add_code(&writer, symbols[bytes[0]]);
        add_code(&writer, symbols[bytes[1]]);
        add_code(&writer, symbols[bytes[2]]);
        add_code(&writer, symbols[bytes[3]]);
        flush(&writer);
    }
    for (; nbytes > 0; nbytes--)
        add_code(&writer, symbols[*bytes++]);
    flush(&writer);
    *io_writer = writer;
    return bytes;
}

static void write_pieces(const struct pyr_deflate_block *block,
                         const uint8_t *bytes, struct pyr_bit_writer *writer)
{
    for (size_t i = 0; i < block->npieces; i++)
    {
        const struct pyr_deflate_piece *const piece = &block->pieces[i];
        const unsigned distance = piece->distance;
        bytes = write_literals(block->symbols, bytes, piece->nliterals, writer);
        if (piece->length == 0)
            continue;
        const struct pyr_deflate_word *const length =
            &block->lengths[piece->length];
        const unsigned symbol =
            block->distance_symbols[distance_slot(distance)];
        add_bits(writer, length->bits, length->nbits);
        add_code(writer, block->distances[symbol]);
        add_bits(writer, distance - distance_base[symbol],
                 distance_extra[symbol]);
        flush(writer);
        bytes += piece->length;
    }
    add_code(writer, block->symbols[END_OF_BLOCK]);
    flush(writer);
}

static void store(const uint8_t *bytes, size_t nbytes, bool last,
                  struct pyr_bit_writer *writer)
{
    add_bits(writer, last ? 1 : 0, 3);
    pyr_deflate_fill_byte(writer);
    pyr_put_le16(writer->to, (uint32_t)nbytes);
    pyr_put_le16(writer->to + 2, ~(uint32_t)nbytes);
    if (nbytes > 0)
        memcpy(writer->to + 4, bytes, nbytes);
    writer->to += 4 + nbytes;
}

void pyr_deflate_block_write(struct pyr_deflate_block *block,
                             const uint8_t *bytes, size_t nbytes, bool last,
                             struct pyr_bit_writer *writer)
{
    if (make_codes(block) >= 8 * (uint64_t)nbytes)
    {
        store(bytes, nbytes, last, writer);
        return;
    }
    make_lengths(block);
    add_bits(writer, (last ? 1u : 0u) | 2u << 1, 3);
    write_codes(block, writer);
    write_pieces(block, bytes, writer);
}
