/* SPDX-License-Identifier: MIT */
/* MD5 digests (RFC 1321), to tell whether a copy is whole. */
#include "pyr_md5.h"

#include <string.h>

#define BLOCK_BYTES 64u

static uint32_t rotate(uint32_t value, uint32_t nbits)
{
    return (value << nbits) | (value >> (32 - nbits));
}

static uint32_t word_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
           (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Section 3.4: floor(2^32 * |sin(i + 1)|), and the shifts of each round. */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
    0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
    0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
    0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
    0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
    0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
    0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
    0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
    0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
static const uint8_t shifts[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static void add_block(uint32_t state[4], const uint8_t *block)
{
    uint32_t words[16];
    uint32_t a = state[0];
    uint32_t b = state[1];
    uint32_t c = state[2];
    uint32_t d = state[3];

    for (size_t i = 0; i < 16; i++)
        words[i] = word_at(block + 4 * i);
    for (uint32_t i = 0; i < 64; i++)
    {
        const uint32_t round = i / 16;
        uint32_t mixed;
        uint32_t word;
        if (round == 0)
        {
            mixed = (b & c) | (~b & d);
            word = i;
        }
        else if (round == 1)
        {
            mixed = (b & d) | (c & ~d);
            word = 5 * i + 1;
        }
        else if (round == 2)
        {
            mixed = b ^ c ^ d;
            word = 3 * i + 5;
        }
        else
        {
            mixed = c ^ (b | ~d);
            word = 7 * i;
        }
        const uint32_t sum = a + mixed + sines[i] + words[word % 16];
        a = d;
        d = c;
        c = b;
        b += rotate(sum, shifts[round][i % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void pyr_md5_init(struct pyr_md5 *md5)
{
    const struct pyr_md5 fresh = {
        .state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
    *md5 = fresh;
}

void pyr_md5_add(struct pyr_md5 *md5, const void *bytes, size_t nbytes)
{
    const uint8_t *next = bytes;
    size_t held = (size_t)(md5->nbytes % BLOCK_BYTES);

    md5->nbytes += nbytes;
    while (nbytes > 0)
    {
        if (held == 0 && nbytes >= BLOCK_BYTES)
        {
            add_block(md5->state, next);
            next += BLOCK_BYTES;
            nbytes -= BLOCK_BYTES;
            continue;
        }
        const size_t space = BLOCK_BYTES - held;
        const size_t taken = nbytes < space ? nbytes : space;
        memcpy(md5->block + held, next, taken);
        next += taken;
        nbytes -= taken;
        held += taken;
        if (held == BLOCK_BYTES)
        {
            add_block(md5->state, md5->block);
            held = 0;
        }
    }
}

void pyr_md5_finish(struct pyr_md5 *md5, char out_text[PYR_MD5_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    static const uint8_t padding[BLOCK_BYTES] = {0x80};
    const uint64_t nbits = md5->nbytes * 8;
    const size_t held = (size_t)(md5->nbytes % BLOCK_BYTES);
    uint8_t length[8];

    pyr_md5_add(md5, padding, held < 56 ? 56 - held : 120 - held);
    for (size_t i = 0; i < 8; i++)
        length[i] = (uint8_t)(nbits >> (8 * i));
    pyr_md5_add(md5, length, sizeof(length));
    for (size_t i = 0; i < 16; i++)
    {
        const uint32_t byte = md5->state[i / 4] >> (8 * (i % 4)) & 0xFF;
        out_text[2 * i] = digits[byte >> 4];
        out_text[2 * i + 1] = digits[byte & 15];
    }
    out_text[32] = '\0';
}
