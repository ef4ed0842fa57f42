/* SPDX-License-Identifier: MIT */
/* Tests of the fast DEFLATE encoder: an inflater of our own, as the standard
 * says, and libdeflate read what it writes. */
#include "pyr_alloc.h"
#include "pyr_fast_deflate.h"

#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>

#include <libdeflate.h>

#define MOST ((size_t)300000)
#define GUARD 0xA5

static struct pyr_fast_deflate *deflate;
static uint8_t input[MOST];
static uint8_t output[MOST + 16384];
static uint8_t again[MOST + 16384];
static uint8_t back[MOST + 1];

/* ---- An inflater by RFC 1951, bit by bit ---- */

static const uint8_t *in;
static size_t in_bits;
static size_t in_end;
static bool broken;

static unsigned take(unsigned nbits)
{
    unsigned value = 0;
    for (unsigned i = 0; i < nbits; i++, in_bits++)
    {
        if (in_bits >= in_end)
            broken = true;
        else
            value |= (unsigned)(in[in_bits / 8] >> in_bits % 8 & 1) << i;
    }
    return value;
}

/* Symbols by the lengths of their codes. */
struct table
{
    unsigned counts[16];
    uint16_t symbols[288];
};

/* Codes must be complete, but for one of 1 bit alone, or none. */
static void make_table(struct table *table, const uint8_t *nbits, unsigned n)
{
    unsigned at = 0;
    int left = 1;
    unsigned noccur = 0;
    memset(table, 0, sizeof(*table));
    for (unsigned length = 1; length < 16; length++)
        for (unsigned i = 0; i < n; i++)
            if (nbits[i] == length)
            {
                table->symbols[at++] = (uint16_t)i;
                table->counts[length]++;
                noccur++;
            }
    for (unsigned length = 1; length < 16; length++)
        left = 2 * left - (int)table->counts[length];
    broken |= left != 0 && noccur > 1;
    broken |= noccur == 1 && table->counts[1] != 1;
}

static unsigned decode(const struct table *table)
{
    int code = 0;
    int first = 0;
    int at = 0;
    for (unsigned length = 1; length < 16; length++)
    {
        const int n = (int)table->counts[length];
        code |= (int)take(1);
        if (code - first < n)
            return table->symbols[at + code - first];
        at += n;
        first = (first + n) << 1;
        code <<= 1;
    }
    broken = true;
    return 0;
}

static void read_lengths(uint8_t *nbits, unsigned n)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t meta[19] = {0};
    struct table table;
    const unsigned nmeta = take(4) + 4;
    for (unsigned i = 0; i < nmeta; i++)
        meta[order[i]] = (uint8_t)take(3);
    make_table(&table, meta, 19);
    for (unsigned i = 0; i < n && !broken;)
    {
        const unsigned symbol = decode(&table);
        unsigned times = 1;
        uint8_t length = (uint8_t)symbol;
        if (symbol == 16)
        {
            times = 3 + take(2);
            length = i > 0 ? nbits[i - 1] : 99;
        }
        else if (symbol >= 17)
        {
            times = symbol == 17 ? 3 + take(3) : 11 + take(7);
            length = 0;
        }
        broken |= times > n - i || length > 15;
        for (; times > 0 && !broken; times--)
            nbits[i++] = length;
    }
}

static size_t copy_match(size_t n, unsigned symbol,
                         const struct table *distances)
{
    /* Base and extra bits, worked out rather than listed. */
    unsigned length = 3;
    unsigned distance = 1;
    for (unsigned i = 257; i < symbol; i++)
        length += 1u << (i < 265 ? 0 : (i - 261) / 4);
    if (symbol == 285)
        length = 258;
    else
        length += take(symbol < 265 ? 0 : (symbol - 261) / 4);
    const unsigned distance_symbol = decode(distances);
    for (unsigned i = 0; i < distance_symbol; i++)
        distance += 1u << (i < 4 ? 0 : (i - 2) / 2);
    distance += take(distance_symbol < 4 ? 0 : (distance_symbol - 2) / 2);
    broken |= distance > n || length > MOST - n || symbol > 285 ||
              distance_symbol > 29 || distance > 32768;
    for (unsigned i = 0; i < length && !broken; i++, n++)
        back[n] = back[n - distance];
    return n;
}

static size_t read_dynamic(size_t n)
{
    uint8_t nbits[320] = {0};
    struct table symbols;
    struct table distances;
    const unsigned nsymbols = take(5) + 257;
    const unsigned ndistances = take(5) + 1;
    read_lengths(nbits, nsymbols + ndistances);
    make_table(&symbols, nbits, nsymbols);
    make_table(&distances, nbits + nsymbols, ndistances);
    while (!broken)
    {
        const unsigned symbol = decode(&symbols);
        if (symbol == 256)
            break;
        if (symbol > 256)
            n = copy_match(n, symbol, &distances);
        else if (n == MOST)
            broken = true;
        else
            back[n++] = (uint8_t)symbol;
    }
    return n;
}

static size_t read_stored(size_t n)
{
    in_bits = (in_bits + 7) & ~(size_t)7;
    const unsigned nbytes = take(16);
    broken |= take(16) != (nbytes ^ 0xFFFFu);
    for (unsigned i = 0; i < nbytes && !broken; i++)
    {
        broken |= n == MOST;
        if (!broken)
            back[n++] = (uint8_t)take(8);
    }
    return n;
}

/* What the bytes are, in back; SIZE_MAX: no such stream. */
static size_t inflate(const uint8_t *bytes, size_t nbytes)
{
    size_t n = 0;
    bool last = false;
    in = bytes;
    in_bits = 0;
    in_end = 8 * nbytes;
    broken = false;
    while (!last && !broken)
    {
        last = take(1) != 0;
        const unsigned kind = take(2);
        if (kind == 0)
            n = read_stored(n);
        else if (kind == 2)
            n = read_dynamic(n);
        else
            broken = true;
    }
    return broken || (in_bits + 7) / 8 != nbytes ? SIZE_MAX : n;
}

/* ---- Tests ---- */

static size_t check(size_t nbytes)
{
    const size_t bound = pyr_fast_deflate_bound(nbytes);
    size_t found = 0;
    CHECK(bound < sizeof(output));
    memset(output, GUARD, sizeof(output));
    const size_t made = pyr_fast_deflate(deflate, input, nbytes, output);
    CHECK(made <= bound);
    for (size_t i = bound; i < sizeof(output); i++)
        if (output[i] != GUARD)
        {
            CHECK_INT(i, bound);
            break;
        }
    CHECK_INT(inflate(output, made), nbytes);
    CHECK(memcmp(back, input, nbytes) == 0);
    struct libdeflate_decompressor *library = libdeflate_alloc_decompressor();
    memset(back, 0, nbytes);
    CHECK_INT(libdeflate_deflate_decompress(library, output, made, back, nbytes,
                                            &found),
              LIBDEFLATE_SUCCESS);
    CHECK_INT(found, nbytes);
    CHECK(memcmp(back, input, nbytes) == 0);
    libdeflate_free_decompressor(library);
    CHECK_INT(pyr_fast_deflate(deflate, input, nbytes, again), made);
    CHECK(memcmp(again, output, made) == 0);
    return made;
}

static uint32_t state = 1;

static unsigned any(unsigned n)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

static void test_sizes(void)
{
    static const size_t sizes[] = {0,     1,     2,     7,     8,      9,
                                   15,    16,    255,   256,   4095,   65534,
                                   65535, 65536, 65543, 65544, 131070, MOST};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (unsigned nvalues = 1; nvalues <= 256; nvalues *= 4)
        {
            for (size_t j = 0; j < sizes[i]; j++)
                input[j] = (uint8_t)any(nvalues);
            const size_t made = check(sizes[i]);
            /* Noise takes what it has. */
            if (sizes[i] == MOST && nvalues == 1)
                CHECK(made < 2000);
            else if (sizes[i] == MOST && nvalues == 16)
                CHECK(made < MOST / 2 + 3000);
            else if (sizes[i] == MOST && nvalues == 256)
                CHECK(made < MOST + 50);
        }
}

/* Every length of a match, at every kind of distance. */
static void test_matches(void)
{
    for (size_t distance = 1; distance <= 33000;
         distance += 1 + distance / 9 + any(3))
    {
        size_t n = 0;
        while (n < distance)
            input[n++] = (uint8_t)any(256);
        for (size_t length = 3; length < 300 && n + 400 < MOST; length++)
        {
            for (size_t i = 0; i < length; i++, n++)
                input[n] = input[n - distance];
            for (size_t i = 0; i < 3; i++)
                input[n++] = (uint8_t)any(256);
        }
        (void)check(n);
    }
}

/* The farthest match there is, and one that is too far. */
static void test_window(void)
{
    for (size_t apart = 32766; apart <= 32770; apart++)
    {
        memset(input, 0, MOST);
        for (size_t i = 0; i < 200; i++)
            input[i] = input[apart + i] = (uint8_t)any(256);
        (void)check(apart + 200);
    }
}

/* Rows as predictor 3 makes them of a slope: planes of runs and of noise. */
static void test_planes(void)
{
    for (size_t at = 0; at + 1024 <= MOST; at += 1024)
    {
        memset(input + at, 0, 512);
        for (size_t i = 0; i < 3; i++)
            input[at + any(512)] = (uint8_t)(any(2) == 0 ? 1 : 255);
        for (size_t i = 512; i < 1024; i++)
            input[at + i] = (uint8_t)any(256);
    }
    const size_t nbytes = MOST - MOST % 1024;
    CHECK(check(nbytes) < nbytes * 54 / 100);
}

static void test_random(void)
{
    for (unsigned turn = 0; turn < 400; turn++)
    {
        const size_t nbytes = any(turn % 20 == 0 ? MOST : 5000);
        size_t n = 0;
        while (n < nbytes)
        {
            const size_t left = nbytes - n;
            size_t length = 1 + any(turn % 2 == 0 ? 30 : 700);
            length = length < left ? length : left;
            if (n > 0 && any(3) != 0)
            {
                const size_t distance =
                    1 + any(n < 40000 ? (unsigned)n : 40000);
                for (; length > 0; length--, n++)
                    input[n] = input[n - distance];
            }
            for (; length > 0; length--)
                input[n++] = (uint8_t)any(1 + turn % 256);
        }
        (void)check(nbytes);
    }
}

static void test_no_memory(void)
{
    struct pyr_fast_deflate *none = NULL;
    pyr_alloc_fail_nth(1);
    CHECK_INT(pyr_fast_deflate_new(&none), PYR_NOMEM);
    pyr_alloc_fail_nth(0);
    CHECK(none == NULL);
    pyr_fast_deflate_free(NULL);
}

int main(void)
{
    if (pyr_fast_deflate_new(&deflate) != PYR_OK)
        return 1;
    RUN(test_sizes);
    RUN(test_matches);
    RUN(test_window);
    RUN(test_planes);
    RUN(test_random);
    RUN(test_no_memory);
    pyr_fast_deflate_free(deflate);
    return unit_report();
}
