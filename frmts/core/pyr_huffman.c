/* SPDX-License-Identifier: MIT */
/* Prefix codes: lengths by Huffman's method, shortened where they exceed the
 * limit, then codes in the order that DEFLATE wants. */
#include "pyr_huffman.h"

#include <string.h>

#define MAX_NODES (2 * PYR_HUFFMAN_MAX_SYMBOLS)

/* Symbols that occur, the rarest first. */
struct order
{
    unsigned n;
    uint16_t symbols[PYR_HUFFMAN_MAX_SYMBOLS];
    uint32_t counts[PYR_HUFFMAN_MAX_SYMBOLS];
};

static void sift_down(struct order *order, unsigned at, unsigned end)
{
    const uint16_t symbol = order->symbols[at];
    const uint32_t count = order->counts[at];
    unsigned child = 0;
    for (; (child = 2 * at + 1) < end; at = child)
    {
        if (child + 1 < end && order->counts[child + 1] > order->counts[child])
            child++;
        if (order->counts[child] <= count)
            break;
        order->symbols[at] = order->symbols[child];
        order->counts[at] = order->counts[child];
    }
    order->symbols[at] = symbol;
    order->counts[at] = count;
}

static void swap_first(struct order *order, unsigned at)
{
    const uint16_t symbol = order->symbols[0];
    const uint32_t count = order->counts[0];
    order->symbols[0] = order->symbols[at];
    order->counts[0] = order->counts[at];
    order->symbols[at] = symbol;
    order->counts[at] = count;
}

static void sort(const uint32_t *counts, unsigned nsymbols, struct order *order)
{
    order->n = 0;
    for (unsigned i = 0; i < nsymbols; i++)
        if (counts[i] != 0)
        {
            order->symbols[order->n] = (uint16_t)i;
            order->counts[order->n++] = counts[i];
        }
    for (unsigned at = order->n / 2; at-- > 0;)
        sift_down(order, at, order->n);
    for (unsigned end = order->n; end-- > 1;)
    {
        swap_first(order, end);
        sift_down(order, 0, end);
    }
}

/* How many symbols have which depth in Huffman's tree; depths over the limit
 * count as the limit. The first nodes are the symbols; then each is made of the
 * two rarest that have no parent yet, which stand at the front of one of two
 * queues: symbols, and nodes that were made. */
static void count_depths(const struct order *order, unsigned max_bits,
                         unsigned *out_ndepths)
{
    uint32_t counts[MAX_NODES];
    uint16_t parents[MAX_NODES];
    uint8_t depths[MAX_NODES];
    const unsigned n = order->n;
    const unsigned root = 2 * n - 2;
    unsigned symbol = 0;
    unsigned node = n;
    memcpy(counts, order->counts, n * sizeof(counts[0]));
    for (unsigned made = n; made <= root; made++)
    {
        counts[made] = 0;
        for (unsigned i = 0; i < 2; i++)
        {
            const bool takes_symbol =
                symbol < n && (node == made || counts[symbol] <= counts[node]);
            const unsigned taken = takes_symbol ? symbol++ : node++;
            counts[made] += counts[taken];
            parents[taken] = (uint16_t)made;
        }
    }
    depths[root] = 0;
    for (unsigned at = root; at-- > 0;)
    {
        depths[at] = (uint8_t)(depths[parents[at]] + 1);
        if (at < n)
            out_ndepths[depths[at] < max_bits ? depths[at] : max_bits]++;
    }
}

/* Where depths were cut off, there are more codes than fit: two of the longest
 * codes give way to each of the next shorter ones that becomes two. */
static void fit_depths(unsigned max_bits, unsigned *ndepths)
{
    uint64_t taken = 0;
    for (unsigned bits = 1; bits <= max_bits; bits++)
        taken += (uint64_t)ndepths[bits] << (max_bits - bits);
    for (; taken > (uint64_t)1 << max_bits; taken--)
    {
        unsigned bits = max_bits - 1;
        while (ndepths[bits] == 0)
            bits--;
        ndepths[bits]--;
        ndepths[bits + 1] += 2;
        ndepths[max_bits]--;
    }
}

static uint16_t turn_round(unsigned code, unsigned nbits)
{
    unsigned turned = 0;
    for (unsigned i = 0; i < nbits; i++)
        turned |= (code >> i & 1) << (nbits - 1 - i);
    return (uint16_t)turned;
}

/* Codes of a length count on from those of the one before, in the order of the
 * symbols. */
static void number_codes(const unsigned *ndepths, unsigned nsymbols,
                         struct pyr_huffman_code *codes)
{
    unsigned next[PYR_HUFFMAN_MAX_BITS + 1] = {0};
    unsigned code = 0;
    for (unsigned bits = 1; bits <= PYR_HUFFMAN_MAX_BITS; bits++)
    {
        next[bits] = code;
        code = (code + ndepths[bits]) << 1;
    }
    for (unsigned i = 0; i < nsymbols; i++)
        if (codes[i].nbits != 0)
            codes[i].bits = turn_round(next[codes[i].nbits]++, codes[i].nbits);
}

void pyr_huffman_make(const uint32_t *counts, unsigned nsymbols,
                      unsigned max_bits, struct pyr_huffman_code *out_codes)
{
    struct order order;
    unsigned ndepths[PYR_HUFFMAN_MAX_BITS + 1] = {0};
    unsigned next = 0;
    sort(counts, nsymbols, &order);
    memset(out_codes, 0, nsymbols * sizeof(*out_codes));
    if (order.n == 1)
        ndepths[1] = 1;
    else if (order.n > 1)
        count_depths(&order, max_bits, ndepths);
    fit_depths(max_bits, ndepths);
    for (unsigned bits = max_bits; bits > 0; bits--)
        for (unsigned i = 0; i < ndepths[bits]; i++)
            out_codes[order.symbols[next++]].nbits = (uint16_t)bits;
    number_codes(ndepths, nsymbols, out_codes);
}
