/* SPDX-License-Identifier: MIT */
/* Fast DEFLATE: matches that a table of one place for each hash finds, with
 * longer and longer steps where there are none. */
#include "pyr_fast_deflate.h"

#include "pyr_alloc.h"
#include "pyr_buf.h"
#include "pyr_deflate_block.h"

#include <string.h>

#define HASH_BITS 13u
/* Shorter ones take as many bits as their bytes, and longer to find. */
#define MIN_MATCH 5u
/* What is hashed and compared at once ends before the bytes do. */
#define TAIL_BYTES 8u
/* Tries after which steps grow by a byte. */
#define TRIES_BITS 5u

struct pyr_fast_deflate
{
    /* By hash, where it was last seen: the number of the byte behind, or 0. */
    uint32_t places[1u << HASH_BITS];
    struct pyr_deflate_block block;
};

enum pyr_result pyr_fast_deflate_new(struct pyr_fast_deflate **out_deflate)
{
    struct pyr_fast_deflate *const deflate = pyr_calloc(1, sizeof(*deflate));
    if (deflate == NULL)
        return PYR_NOMEM;
    pyr_deflate_block_init(&deflate->block);
    *out_deflate = deflate;
    return PYR_OK;
}

void pyr_fast_deflate_free(struct pyr_fast_deflate *deflate)
{
    pyr_free(deflate);
}

static inline uint64_t eight_bytes(const uint8_t *bytes)
{
    return pyr_le32(bytes) | (uint64_t)pyr_le32(bytes + 4) << 32;
}

/* MIN_MATCH bytes, of which eight are there. */
static inline uint64_t first_bytes(const uint8_t *bytes)
{
    return eight_bytes(bytes) << (64 - 8 * MIN_MATCH);
}

static inline size_t hash(uint64_t first)
{
    return (size_t)(first * UINT64_C(0x9E3779B97F4A7C15) >> (64 - HASH_BITS));
}

/* How many bytes are the same, up to most; MIN_MATCH are. */
static inline size_t match_length(const uint8_t *at, const uint8_t *before,
                                  size_t most)
{
    size_t n = MIN_MATCH;
    while (n + 8 <= most && eight_bytes(at + n) == eight_bytes(before + n))
        n += 8;
    while (n < most && at[n] == before[n])
        n++;
    return n;
}

/* A match that begins at *io_at or behind, before end: where, and where the
 * same bytes stand before. False when there is none. */
static inline bool find_match(struct pyr_fast_deflate *deflate,
                              const uint8_t *bytes, size_t end, size_t *io_at,
                              size_t *out_before)
{
    unsigned tries = 1u << TRIES_BITS;
    for (size_t at = *io_at; at < end; at += tries++ >> TRIES_BITS)
    {
        const uint64_t first = first_bytes(bytes + at);
        uint32_t *const place = &deflate->places[hash(first)];
        const uint32_t behind = *place;
        *place = (uint32_t)at + 1;
        if (behind == 0 || *place - behind > PYR_DEFLATE_MAX_DISTANCE ||
            first_bytes(bytes + behind - 1) != first)
            continue;
        *io_at = at;
        *out_before = behind - 1;
        return true;
    }
    return false;
}

/* Pieces of bytes begin .. end - 1. */
static void find_pieces(struct pyr_fast_deflate *deflate, const uint8_t *bytes,
                        size_t begin, size_t end)
{
    const size_t last = end - begin > TAIL_BYTES ? end - TAIL_BYTES : begin;
    size_t literals = begin;
    size_t at = begin;
    size_t before = 0;
    while (find_match(deflate, bytes, last, &at, &before))
    {
        const size_t most =
            end - at < PYR_DEFLATE_MAX_MATCH ? end - at : PYR_DEFLATE_MAX_MATCH;
        size_t length = match_length(bytes + at, bytes + before, most);
        /* What a long step has passed over. */
        while (at > literals && before > 0 && length < PYR_DEFLATE_MAX_MATCH &&
               bytes[at - 1] == bytes[before - 1])
        {
            at--;
            before--;
            length++;
        }
        pyr_deflate_block_add(&deflate->block, bytes + literals, at - literals,
                              length, at - before);
        at += length;
        literals = at;
        if (at < last)
            deflate->places[hash(first_bytes(bytes + at - 2))] =
                (uint32_t)at - 1;
    }
    pyr_deflate_block_add(&deflate->block, bytes + literals, end - literals, 0,
                          0);
}

size_t pyr_fast_deflate_bound(size_t nbytes)
{
    return nbytes +
           (nbytes / PYR_DEFLATE_BLOCK_BYTES + 1) * PYR_DEFLATE_HEAD_BYTES;
}

size_t pyr_fast_deflate(struct pyr_fast_deflate *deflate, const uint8_t *bytes,
                        size_t nbytes, uint8_t *out)
{
    struct pyr_bit_writer writer = {.to = out};
    size_t begin = 0;
    memset(deflate->places, 0, sizeof(deflate->places));
    do
    {
        const size_t left = nbytes - begin;
        const size_t n =
            left < PYR_DEFLATE_BLOCK_BYTES ? left : PYR_DEFLATE_BLOCK_BYTES;
        pyr_deflate_block_begin(&deflate->block);
        find_pieces(deflate, bytes, begin, begin + n);
        pyr_deflate_block_write(&deflate->block, bytes + begin, n, n == left,
                                &writer);
        begin += n;
    }
    while (begin < nbytes);
    pyr_deflate_fill_byte(&writer);
    return (size_t)(writer.to - out);
}
