/* SPDX-License-Identifier: MIT */
/* What the parts of the store share: its index and its tiles in memory. */
#ifndef PYR_STORE_PRIV_H
#define PYR_STORE_PRIV_H

#include "pyr_slots.h"
#include "pyr_store.h"

struct pyr_store_loaded
{
    struct pyr_store_tile tile; /* the first member: what users hold */
    uint32_t entry;
    unsigned nholders;
    bool changed; /* differs from what the file holds */
    struct pyr_store_loaded *newer;
    struct pyr_store_loaded *older;
    _Alignas(max_align_t) uint8_t bytes[]; /* pixels, then marks */
};

struct pyr_store_entry
{
    uint32_t tile_col;
    uint32_t tile_row;
    struct pyr_store_loaded *loaded; /* NULL: in the file only */
    uint32_t in_bucket;              /* the next one */
    struct pyr_slot slot;            /* without bytes: in memory only */
};

struct pyr_store
{
    struct pyr_tile_shape shape;
    struct pyr_space *space; /* its own, or NULL */
    struct pyr_slots *slots;

    struct pyr_store_entry *entries; /* entries[count], room for nroom */
    size_t count;
    size_t nroom;
    uint32_t *buckets; /* buckets[nbuckets], a power of two */
    size_t nbuckets;

    struct pyr_store_loaded *newest;
    struct pyr_store_loaded *oldest;
    size_t nloaded;

    uint64_t *sorted; /* sorted[count]: places; NULL: not known */
};

#endif
