/* SPDX-License-Identifier: MIT */
/* Tests of prefix codes: complete, and as short as Huffman's. */
#include "pyr_huffman.h"

#include "unit.h"

#define MAX PYR_HUFFMAN_MAX_SYMBOLS

static struct pyr_huffman_code codes[MAX];

static uint64_t total_bits(const uint32_t *counts, unsigned n)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < n; i++)
        total += (uint64_t)counts[i] * codes[i].nbits;
    return total;
}

/* Codes are there for what occurs, none begins with another, and together they
 * leave nothing out. */
static void check_codes(const uint32_t *counts, unsigned n, unsigned max_bits)
{
    static uint8_t taken[1u << PYR_HUFFMAN_MAX_BITS];
    size_t ntaken = 0;
    unsigned noccur = 0;
    memset(taken, 0, sizeof(taken));
    for (unsigned i = 0; i < n; i++)
    {
        const unsigned nbits = codes[i].nbits;
        CHECK((nbits != 0) == (counts[i] != 0));
        CHECK(nbits <= max_bits);
        if (nbits == 0)
            continue;
        noccur++;
        CHECK(codes[i].bits < 1u << nbits);
        for (size_t at = codes[i].bits; at < (size_t)1 << max_bits;
             at += (size_t)1 << nbits)
        {
            CHECK_INT(taken[at], 0);
            taken[at] = 1;
            ntaken++;
        }
    }
    if (noccur == 1)
        CHECK_INT(ntaken, 1u << (max_bits - 1));
    else if (noccur > 1)
        CHECK_INT(ntaken, 1u << max_bits);
}

static void test_known(void)
{
    /* RFC 1951, 3.2.2: symbols ABCDEFGH of 3, 3, 3, 3, 3, 2, 4, 4 bits. */
    static const uint32_t counts[] = {20, 20, 20, 20, 20, 40, 10, 10};
    static const unsigned bits[] = {2, 6, 1, 5, 3, 0, 7, 15};
    pyr_huffman_make(counts, 8, 15, codes);
    check_codes(counts, 8, 15);
    for (unsigned i = 0; i < 8; i++)
        CHECK_INT(codes[i].bits, bits[i]);
}

static void test_few(void)
{
    uint32_t counts[19] = {0};
    pyr_huffman_make(counts, 19, 7, codes);
    check_codes(counts, 19, 7);
    counts[18] = 1000000;
    pyr_huffman_make(counts, 19, 7, codes);
    check_codes(counts, 19, 7);
    CHECK_INT(codes[18].nbits, 1);
    CHECK_INT(codes[18].bits, 0);
    counts[3] = 1;
    pyr_huffman_make(counts, 19, 7, codes);
    check_codes(counts, 19, 7);
    CHECK_INT(codes[3].bits + codes[18].bits, 1);
}

/* Trees of Fibonacci's numbers are the deepest. */
static void test_limits(void)
{
    uint32_t counts[40] = {1, 1};
    for (unsigned i = 2; i < 40; i++)
        counts[i] = counts[i - 1] + counts[i - 2];
    for (unsigned n = 2; n <= 40; n++)
        for (unsigned max_bits = 6; max_bits <= PYR_HUFFMAN_MAX_BITS;
             max_bits++)
        {
            pyr_huffman_make(counts, n, max_bits, codes);
            check_codes(counts, n, max_bits);
            if (n - 1 <= max_bits)
                CHECK_INT(codes[0].nbits, n - 1);
            for (unsigned i = 1; i < n; i++)
                CHECK(codes[i].nbits <= codes[i - 1].nbits);
        }
}

/* As many as there can be, all alike. */
static void test_full(void)
{
    uint32_t counts[MAX];
    for (unsigned i = 0; i < MAX; i++)
        counts[i] = 7;
    pyr_huffman_make(counts, 256, 8, codes);
    check_codes(counts, 256, 8);
    CHECK_INT(total_bits(counts, 256), 256 * 7 * 8);
    pyr_huffman_make(counts, MAX, 14, codes);
    check_codes(counts, MAX, 14);
    CHECK_INT(total_bits(counts, MAX), 7 * (224 * 8 + 64 * 9));
}

/* Takes the least one out. */
static uint64_t take_least(uint64_t *left, unsigned *io_n)
{
    unsigned least = 0;
    for (unsigned i = 1; i < *io_n; i++)
        if (left[i] < left[least])
            least = i;
    const uint64_t taken = left[least];
    left[least] = left[--*io_n];
    return taken;
}

/* The least total: the sum of all sums of the two least. */
static uint64_t huffman_bits(const uint32_t *counts, unsigned n)
{
    uint64_t left[MAX];
    uint64_t total = 0;
    unsigned nleft = 0;
    for (unsigned i = 0; i < n; i++)
        if (counts[i] != 0)
            left[nleft++] = counts[i];
    while (nleft > 1)
    {
        const uint64_t sum =
            take_least(left, &nleft) + take_least(left, &nleft);
        left[nleft++] = sum;
        total += sum;
    }
    return total;
}

static void test_random(void)
{
    uint32_t counts[MAX];
    uint32_t state = 1;
    for (unsigned turn = 0; turn < 300; turn++)
    {
        const unsigned n = 2 + turn % (MAX - 1);
        for (unsigned i = 0; i < n; i++)
        {
            state = state * 1664525u + 1013904223u;
            counts[i] = (state >> 16) % (turn % 5 + 1) == 0
                            ? 1 + (state >> (8 + turn % 16)) % 60000
                            : 0;
        }
        counts[0] = 1;
        counts[1] = 1;
        pyr_huffman_make(counts, n, PYR_HUFFMAN_MAX_BITS, codes);
        check_codes(counts, n, PYR_HUFFMAN_MAX_BITS);
        const uint64_t least = huffman_bits(counts, n);
        const uint64_t total = total_bits(counts, n);
        CHECK(total >= least && total <= least + least / 100);
        if (codes[0].nbits < PYR_HUFFMAN_MAX_BITS)
            CHECK_INT(total, least);
        pyr_huffman_make(counts, n, 10, codes);
        check_codes(counts, n, 10);
    }
}

int main(void)
{
    RUN(test_known);
    RUN(test_few);
    RUN(test_limits);
    RUN(test_full);
    RUN(test_random);
    return unit_report();
}
