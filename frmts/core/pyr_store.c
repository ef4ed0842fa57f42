/* SPDX-License-Identifier: MIT */
/* Tiles that are being written: an index, a list of use, a temporary file. */
#include "pyr_store.h"

#include "pyr_alloc.h"
#include "pyr_slots.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64u
#define NO_ENTRY UINT32_MAX

/* Rectangles of so many tiles are looked through one by one. */
#define MAX_LOOKED_TILES 64u

struct loaded
{
    struct pyr_store_tile tile; /* the first member: what users hold */
    uint32_t entry;
    unsigned nholders;
    bool changed; /* differs from what the file holds */
    struct loaded *newer;
    struct loaded *older;
    _Alignas(max_align_t) uint8_t bytes[]; /* pixels, then marks */
};

struct entry
{
    uint32_t tile_col;
    uint32_t tile_row;
    struct loaded *loaded; /* NULL: in the file only */
    uint32_t in_bucket;    /* the next one */
    struct pyr_slot slot;  /* without bytes: in memory only */
};

struct pyr_store
{
    struct pyr_tile_shape shape;
    struct pyr_slots *slots;

    struct entry *entries; /* entries[count], room for nroom */
    size_t count;
    size_t nroom;
    uint32_t *buckets; /* buckets[nbuckets], a power of two */
    size_t nbuckets;

    struct loaded *newest;
    struct loaded *oldest;
    size_t nloaded;

    uint64_t *sorted; /* sorted[count]: places; NULL: not known */
};

enum pyr_result pyr_store_new(const struct pyr_store_options *options,
                              struct pyr_store **out_store,
                              struct pyr_error *err)
{
    struct pyr_store *const store = pyr_calloc(1, sizeof(*store));
    if (store == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    store->shape = options->shape;
    store->nbuckets = FIRST_BUCKETS;
    store->buckets = pyr_malloc(store->nbuckets * sizeof(*store->buckets));
    enum pyr_result result = store->buckets != NULL
                                 ? PYR_OK
                                 : pyr_fail(err, PYR_NOMEM, "out of memory");
    if (result == PYR_OK)
        result = pyr_slots_new(&options->shape, options->out, options->path,
                               &store->slots, err);
    if (result != PYR_OK)
    {
        pyr_store_free(store);
        return result;
    }
    memset(store->buckets, 0xFF, store->nbuckets * sizeof(*store->buckets));
    *out_store = store;
    return PYR_OK;
}

void pyr_store_free(struct pyr_store *store)
{
    if (store == NULL)
        return;
    while (store->newest != NULL)
    {
        struct loaded *const loaded = store->newest;
        store->newest = loaded->older;
        pyr_free(loaded);
    }
    pyr_slots_free(store->slots);
    pyr_free(store->sorted);
    pyr_free(store->buckets);
    pyr_free(store->entries);
    pyr_free(store);
}

void pyr_store_clear(struct pyr_store *store)
{
    while (store->newest != NULL)
    {
        struct loaded *const loaded = store->newest;
        store->newest = loaded->older;
        pyr_free(loaded);
    }
    store->oldest = NULL;
    store->nloaded = 0;
    pyr_slots_clear(store->slots);
    pyr_free(store->sorted);
    store->sorted = NULL;
    pyr_free(store->entries);
    store->entries = NULL;
    store->count = 0;
    store->nroom = 0;
    memset(store->buckets, 0xFF, store->nbuckets * sizeof(*store->buckets));
}

/* ---- The index ---- */

static uint64_t mix(uint64_t value)
{
    value *= UINT64_C(0x9FB21C651E98DF25);
    return value ^ (value >> 32);
}

static uint32_t *bucket_of(const struct pyr_store *store, uint32_t tile_col,
                           uint32_t tile_row)
{
    const uint64_t hash = mix(((uint64_t)tile_row << 32) | tile_col);
    return &store->buckets[(size_t)hash & (store->nbuckets - 1)];
}

/* Where the number of the entry stands, or would stand. */
static uint32_t *find(const struct pyr_store *store, uint32_t tile_col,
                      uint32_t tile_row)
{
    uint32_t *link = bucket_of(store, tile_col, tile_row);
    while (*link != NO_ENTRY && (store->entries[*link].tile_col != tile_col ||
                                 store->entries[*link].tile_row != tile_row))
        link = &store->entries[*link].in_bucket;
    return link;
}

/* Doubles the table; without memory it stays as it is, and only slows down. */
static void grow_table(struct pyr_store *store)
{
    uint32_t *const buckets =
        pyr_calloc(store->nbuckets, 2 * sizeof(*store->buckets));
    if (buckets == NULL)
        return;
    pyr_free(store->buckets);
    store->buckets = buckets;
    store->nbuckets *= 2;
    memset(buckets, 0xFF, store->nbuckets * sizeof(*buckets));
    for (size_t i = 0; i < store->count; i++)
    {
        struct entry *const entry = &store->entries[i];
        uint32_t *const first =
            bucket_of(store, entry->tile_col, entry->tile_row);
        entry->in_bucket = *first;
        *first = (uint32_t)i;
    }
}

static bool grow_entries(struct pyr_store *store)
{
    if (store->count < store->nroom)
        return true;
    const size_t nroom = store->nroom == 0 ? FIRST_BUCKETS : 2 * store->nroom;
    struct entry *const entries =
        pyr_realloc(store->entries, nroom * sizeof(*entries));
    if (entries == NULL)
        return false;
    store->entries = entries;
    store->nroom = nroom;
    return true;
}

static void forget_order(struct pyr_store *store)
{
    pyr_free(store->sorted);
    store->sorted = NULL;
}

/* Room for one more entry. */
static enum pyr_result make_room(struct pyr_store *store, struct pyr_error *err)
{
    if (store->count == NO_ENTRY)
        return pyr_fail(err, PYR_LIMIT, "more than %lu tiles are changed",
                        (unsigned long)store->count);
    if (!grow_entries(store))
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    if (store->count >= store->nbuckets)
        grow_table(store);
    return PYR_OK;
}

static uint32_t add_entry(struct pyr_store *store, uint32_t tile_col,
                          uint32_t tile_row)
{
    const uint32_t number = (uint32_t)store->count++;
    uint32_t *const first = bucket_of(store, tile_col, tile_row);
    const struct entry entry = {
        .tile_col = tile_col, .tile_row = tile_row, .in_bucket = *first};
    store->entries[number] = entry;
    *first = number;
    forget_order(store);
    return number;
}

/* The last entry takes the place of the one that goes. */
static void remove_entry(struct pyr_store *store, uint32_t number)
{
    struct entry *const entry = &store->entries[number];
    *find(store, entry->tile_col, entry->tile_row) = entry->in_bucket;
    const uint32_t last = (uint32_t)store->count - 1;
    if (number != last)
    {
        const struct entry *const moved = &store->entries[last];
        *find(store, moved->tile_col, moved->tile_row) = number;
        *entry = *moved;
        if (entry->loaded != NULL)
            entry->loaded->entry = number;
    }
    store->count--;
    forget_order(store);
}

/* ---- Tiles in memory ---- */

static size_t marks_bytes(const struct pyr_store *store)
{
    return (size_t)store->shape.width_px * store->shape.height_px;
}

static size_t loaded_bytes(const struct pyr_store *store)
{
    return sizeof(struct loaded) + pyr_tile_bytes(&store->shape) +
           marks_bytes(store);
}

static void unlink_loaded(struct pyr_store *store, struct loaded *loaded)
{
    *(loaded->newer != NULL ? &loaded->newer->older : &store->newest) =
        loaded->older;
    *(loaded->older != NULL ? &loaded->older->newer : &store->oldest) =
        loaded->newer;
}

static void link_first(struct pyr_store *store, struct loaded *loaded)
{
    loaded->newer = NULL;
    loaded->older = store->newest;
    *(store->newest != NULL ? &store->newest->newer : &store->oldest) = loaded;
    store->newest = loaded;
}

/* The tile that was not used for the longest time and that nobody holds; NULL
 * when there is none. */
static struct loaded *oldest_free(const struct pyr_store *store)
{
    struct loaded *loaded = store->oldest;
    while (loaded != NULL && loaded->nholders > 0)
        loaded = loaded->newer;
    return loaded;
}

/* Sends tiles that nobody holds to the file, until another one fits into
 * memory. The last one's memory is *out_spare. */
static enum pyr_result evict(struct pyr_store *store, size_t memory_bytes,
                             struct loaded **out_spare, struct pyr_error *err)
{
    const size_t room = memory_bytes / loaded_bytes(store);
    struct loaded *loaded = NULL;
    while (store->nloaded > 0 && store->nloaded + 1 > room &&
           (loaded = oldest_free(store)) != NULL)
    {
        struct entry *const entry = &store->entries[loaded->entry];
        if (loaded->changed)
        {
            const enum pyr_result result =
                pyr_slots_store(store->slots, &entry->slot, loaded->tile.pixels,
                                loaded->tile.marks, err);
            if (result != PYR_OK)
                return result;
        }
        entry->loaded = NULL;
        unlink_loaded(store, loaded);
        store->nloaded--;
        pyr_free(*out_spare);
        *out_spare = loaded;
    }
    return PYR_OK;
}

/* Memory for one more tile, in no list yet. */
static enum pyr_result take_memory(struct pyr_store *store, size_t memory_bytes,
                                   struct loaded **out_loaded,
                                   struct pyr_error *err)
{
    struct loaded *loaded = NULL;
    const enum pyr_result result = evict(store, memory_bytes, &loaded, err);
    if (result != PYR_OK)
    {
        pyr_free(loaded);
        return result;
    }
    if (loaded == NULL)
        loaded = pyr_malloc(loaded_bytes(store));
    if (loaded == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    memset(loaded, 0, sizeof(*loaded));
    loaded->tile.pixels = loaded->bytes;
    loaded->tile.marks = loaded->bytes + pyr_tile_bytes(&store->shape);
    *out_loaded = loaded;
    return PYR_OK;
}

static void adopt(struct pyr_store *store, struct loaded *loaded,
                  uint32_t number)
{
    loaded->entry = number;
    store->entries[number].loaded = loaded;
    link_first(store, loaded);
    store->nloaded++;
}

/* Brings a tile of the file into memory. */
static enum pyr_result load(struct pyr_store *store, uint32_t number,
                            size_t memory_bytes, struct pyr_error *err)
{
    struct loaded *loaded = NULL;
    enum pyr_result result = take_memory(store, memory_bytes, &loaded, err);
    if (result != PYR_OK)
        return result;
    result = pyr_slots_load(store->slots, &store->entries[number].slot,
                            loaded->tile.pixels, loaded->tile.marks, err);
    if (result == PYR_OK)
        adopt(store, loaded, number);
    else
        pyr_free(loaded);
    return result;
}

/* Holds a tile that is in the store. */
static enum pyr_result hold(struct pyr_store *store, uint32_t number,
                            size_t memory_bytes, struct loaded **out_loaded,
                            struct pyr_error *err)
{
    struct loaded *loaded = store->entries[number].loaded;
    if (loaded == NULL)
    {
        const enum pyr_result result = load(store, number, memory_bytes, err);
        if (result != PYR_OK)
            return result;
        loaded = store->entries[number].loaded;
    }
    else
    {
        unlink_loaded(store, loaded);
        link_first(store, loaded);
    }
    loaded->nholders++;
    loaded->tile.fresh = false;
    *out_loaded = loaded;
    return PYR_OK;
}

enum pyr_result pyr_store_edit(struct pyr_store *store, uint32_t tile_col,
                               uint32_t tile_row, size_t memory_bytes,
                               struct pyr_store_tile **out_tile,
                               struct pyr_error *err)
{
    const uint32_t number = *find(store, tile_col, tile_row);
    struct loaded *loaded = NULL;
    enum pyr_result result = PYR_OK;
    if (number != NO_ENTRY)
        result = hold(store, number, memory_bytes, &loaded, err);
    else
    {
        result = make_room(store, err);
        if (result == PYR_OK)
            result = take_memory(store, memory_bytes, &loaded, err);
        if (result == PYR_OK)
        {
            adopt(store, loaded, add_entry(store, tile_col, tile_row));
            memset(loaded->tile.marks, 0, marks_bytes(store));
            loaded->tile.fresh = true;
            loaded->nholders = 1;
        }
    }
    if (result != PYR_OK)
        return result;
    loaded->changed = true;
    *out_tile = &loaded->tile;
    return PYR_OK;
}

enum pyr_result pyr_store_look(struct pyr_store *store, uint32_t tile_col,
                               uint32_t tile_row, size_t memory_bytes,
                               const struct pyr_store_tile **out_tile,
                               struct pyr_error *err)
{
    const uint32_t number = *find(store, tile_col, tile_row);
    struct loaded *loaded = NULL;
    if (number == NO_ENTRY)
        return PYR_NOT_FOUND;
    const enum pyr_result result =
        hold(store, number, memory_bytes, &loaded, err);
    if (result == PYR_OK)
        *out_tile = &loaded->tile;
    return result;
}

/* The tile's own record, of which it is the first member. */
static struct loaded *loaded_of(struct pyr_store *store,
                                const struct pyr_store_tile *tile)
{
    struct loaded *loaded = store->newest;
    while (loaded != NULL && &loaded->tile != tile)
        loaded = loaded->older;
    return loaded;
}

void pyr_store_release(struct pyr_store *store,
                       const struct pyr_store_tile *tile)
{
    struct loaded *const loaded = loaded_of(store, tile);
    if (loaded != NULL)
        loaded->nholders--;
}

void pyr_store_drop(struct pyr_store *store, struct pyr_store_tile *tile)
{
    struct loaded *const loaded = loaded_of(store, tile);
    if (loaded == NULL)
        return;
    pyr_slots_give(store->slots, &store->entries[loaded->entry].slot);
    remove_entry(store, loaded->entry);
    unlink_loaded(store, loaded);
    store->nloaded--;
    pyr_free(loaded);
}

/* ---- What is there ---- */

bool pyr_store_has(const struct pyr_store *store, uint32_t tile_col,
                   uint32_t tile_row)
{
    return *find(store, tile_col, tile_row) != NO_ENTRY;
}

size_t pyr_store_count(const struct pyr_store *store)
{
    return store->count;
}

enum pyr_result pyr_store_limits(const struct pyr_store *store,
                                 struct pyr_grid_limits *out_limits)
{
    struct pyr_grid_limits limits = {UINT32_MAX, UINT32_MAX, 0, 0};
    for (size_t i = 0; i < store->count; i++)
    {
        const struct entry *const entry = &store->entries[i];
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
