/* SPDX-License-Identifier: MIT */
/* Where the tiles of a store are. */
#include "pyr_store_priv.h"

#include "pyr_alloc.h"

#include <stdlib.h>

/* Rectangles of so many tiles are looked through one by one. */
#define MAX_LOOKED_TILES 64u

enum pyr_result pyr_store_limits(const struct pyr_store *store,
                                 struct pyr_grid_limits *out_limits)
{
    struct pyr_grid_limits limits = {UINT32_MAX, UINT32_MAX, 0, 0};
    for (size_t i = 0; i < store->count; i++)
    {
        const struct pyr_store_entry *const entry = &store->entries[i];
        if (entry->tile_col < limits.min_col)
            limits.min_col = entry->tile_col;
        if (entry->tile_row < limits.min_row)
            limits.min_row = entry->tile_row;
        if (entry->tile_col > limits.max_col)
            limits.max_col = entry->tile_col;
        if (entry->tile_row > limits.max_row)
            limits.max_row = entry->tile_row;
    }
    if (store->count == 0)
        return PYR_NOT_FOUND;
    *out_limits = limits;
    return PYR_OK;
}

/* Puts a zero between any two bits. */
static uint64_t spread(uint32_t value)
{
    uint64_t bits = value;
    bits = (bits | (bits << 16)) & UINT64_C(0x0000FFFF0000FFFF);
    bits = (bits | (bits << 8)) & UINT64_C(0x00FF00FF00FF00FF);
    bits = (bits | (bits << 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    bits = (bits | (bits << 2)) & UINT64_C(0x3333333333333333);
    return (bits | (bits << 1)) & UINT64_C(0x5555555555555555);
}

/* Squares of 2^n tiles, at multiples of their size, are ranges of places. */
static uint64_t place_of(uint32_t tile_col, uint32_t tile_row)
{
    return spread(tile_col) | (spread(tile_row) << 1);
}

static int compare_places(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void sort(struct pyr_store *store)
{
    if (store->sorted != NULL)
        return;
    store->sorted = pyr_malloc(store->count * sizeof(*store->sorted));
    for (size_t i = 0; store->sorted != NULL && i < store->count; i++)
        store->sorted[i] =
            place_of(store->entries[i].tile_col, store->entries[i].tile_row);
    if (store->sorted != NULL)
        qsort(store->sorted, store->count, sizeof(*store->sorted),
              compare_places);
}

/* Whether a tile's place lies in [first, last]. */
static bool range_has(const struct pyr_store *store, uint64_t first,
                      uint64_t last)
{
    size_t low = 0;
    size_t high = store->count;
    while (low < high)
    {
        const size_t middle = low + (high - low) / 2;
        if (store->sorted[middle] < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < store->count && store->sorted[low] <= last;
}

bool pyr_store_meets(struct pyr_store *store,
                     const struct pyr_grid_limits *limits)
{
    const uint32_t width = limits->max_col - limits->min_col;
    const uint32_t height = limits->max_row - limits->min_row;
    if (store->count == 0)
        return false;
    if (((uint64_t)width + 1) * ((uint64_t)height + 1) <= MAX_LOOKED_TILES)
    {
        for (uint64_t row = limits->min_row; row <= limits->max_row; row++)
            for (uint64_t col = limits->min_col; col <= limits->max_col; col++)
                if (pyr_store_has(store, (uint32_t)col, (uint32_t)row))
                    return true;
        return false;
    }
    sort(store);
    if (store->sorted == NULL)
        return true;
    /* At most two by two squares at least as large as the rectangle. */
    unsigned bits = 1;
    while (bits < 32 && ((width > height ? width : height) >> bits) != 0)
        bits++;
    if (bits == 32)
        return true;
    const uint64_t square = (UINT64_C(1) << (2 * bits)) - 1;
    for (uint32_t row = limits->min_row >> bits; row <= limits->max_row >> bits;
         row++)
        for (uint32_t col = limits->min_col >> bits;
             col <= limits->max_col >> bits; col++)
        {
            const uint64_t first = place_of(col << bits, row << bits);
            if (range_has(store, first, first | square))
                return true;
        }
    return false;
}
