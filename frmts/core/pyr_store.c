/* SPDX-License-Identifier: MIT */
/* Tiles that are being written: an index, a list of use, a temporary file. */
#include "pyr_store_priv.h"

#include "pyr_alloc.h"

#include <string.h>

#define FIRST_BUCKETS 64u
#define NO_ENTRY UINT32_MAX

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
    if (result == PYR_OK && options->space == NULL &&
        pyr_space_new(options->out, options->path, &store->space) != PYR_OK)
        result = pyr_fail(err, PYR_NOMEM, "out of memory");
    if (result == PYR_OK)
        result = pyr_slots_new(&options->shape,
                               options->space != NULL ? options->space
                                                      : store->space,
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
    if (store->slots != NULL)
        pyr_store_clear(store);
    pyr_slots_free(store->slots);
    pyr_space_free(store->space);
    pyr_free(store->buckets);
    pyr_free(store);
}

void pyr_store_clear(struct pyr_store *store)
{
    while (store->newest != NULL)
    {
        struct pyr_store_loaded *const loaded = store->newest;
        store->newest = loaded->older;
        pyr_free(loaded);
    }
    store->oldest = NULL;
    store->nloaded = 0;
    if (store->space != NULL)
        pyr_space_clear(store->space);
    for (size_t i = 0; i < store->count && store->space == NULL; i++)
        pyr_slots_give(store->slots, &store->entries[i].slot);
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
        struct pyr_store_entry *const entry = &store->entries[i];
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
    struct pyr_store_entry *const entries =
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
    const struct pyr_store_entry entry = {
        .tile_col = tile_col, .tile_row = tile_row, .in_bucket = *first};
    store->entries[number] = entry;
    *first = number;
    forget_order(store);
    return number;
}

/* The last entry takes the place of the one that goes. */
static void remove_entry(struct pyr_store *store, uint32_t number)
{
    struct pyr_store_entry *const entry = &store->entries[number];
    *find(store, entry->tile_col, entry->tile_row) = entry->in_bucket;
    const uint32_t last = (uint32_t)store->count - 1;
    if (number != last)
    {
        const struct pyr_store_entry *const moved = &store->entries[last];
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
    return sizeof(struct pyr_store_loaded) + pyr_tile_bytes(&store->shape) +
           marks_bytes(store);
}

static void unlink_loaded(struct pyr_store *store,
                          struct pyr_store_loaded *loaded)
{
    *(loaded->newer != NULL ? &loaded->newer->older : &store->newest) =
        loaded->older;
    *(loaded->older != NULL ? &loaded->older->newer : &store->oldest) =
        loaded->newer;
}

static void link_first(struct pyr_store *store, struct pyr_store_loaded *loaded)
{
    loaded->newer = NULL;
    loaded->older = store->newest;
    *(store->newest != NULL ? &store->newest->newer : &store->oldest) = loaded;
    store->newest = loaded;
}

/* The tile that was not used for the longest time and that nobody holds; NULL
 * when there is none. */
static struct pyr_store_loaded *oldest_free(const struct pyr_store *store)
{
    struct pyr_store_loaded *loaded = store->oldest;
    while (loaded != NULL && loaded->nholders > 0)
        loaded = loaded->newer;
    return loaded;
}

/* Sends tiles that nobody holds to the file, until another one fits into
 * memory. The last one's memory is *out_spare. */
static enum pyr_result evict(struct pyr_store *store, size_t memory_bytes,
                             struct pyr_store_loaded **out_spare,
                             struct pyr_error *err)
{
    const size_t room = memory_bytes / loaded_bytes(store);
    struct pyr_store_loaded *loaded = NULL;
    while (store->nloaded > 0 && store->nloaded + 1 > room &&
           (loaded = oldest_free(store)) != NULL)
    {
        struct pyr_store_entry *const entry = &store->entries[loaded->entry];
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
                                   struct pyr_store_loaded **out_loaded,
                                   struct pyr_error *err)
{
    struct pyr_store_loaded *loaded = NULL;
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

static void adopt(struct pyr_store *store, struct pyr_store_loaded *loaded,
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
    struct pyr_store_loaded *loaded = NULL;
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
                            size_t memory_bytes,
                            struct pyr_store_loaded **out_loaded,
                            struct pyr_error *err)
{
    struct pyr_store_loaded *loaded = store->entries[number].loaded;
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
    struct pyr_store_loaded *loaded = NULL;
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
    struct pyr_store_loaded *loaded = NULL;
    if (number == NO_ENTRY)
        return PYR_NOT_FOUND;
    const enum pyr_result result =
        hold(store, number, memory_bytes, &loaded, err);
    if (result == PYR_OK)
        *out_tile = &loaded->tile;
    return result;
}

/* The tile's own record, of which it is the first member. */
static struct pyr_store_loaded *loaded_of(struct pyr_store *store,
                                          const struct pyr_store_tile *tile)
{
    struct pyr_store_loaded *loaded = store->newest;
    while (loaded != NULL && &loaded->tile != tile)
        loaded = loaded->older;
    return loaded;
}

void pyr_store_release(struct pyr_store *store,
                       const struct pyr_store_tile *tile)
{
    struct pyr_store_loaded *const loaded = loaded_of(store, tile);
    if (loaded != NULL)
        loaded->nholders--;
}

void pyr_store_drop(struct pyr_store *store, const struct pyr_store_tile *tile)
{
    struct pyr_store_loaded *const loaded = loaded_of(store, tile);
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

size_t pyr_store_memory(const struct pyr_store *store)
{
    return store->nloaded * loaded_bytes(store);
}

size_t pyr_store_tile_memory(const struct pyr_store *store)
{
    return loaded_bytes(store);
}
