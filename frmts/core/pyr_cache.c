/* SPDX-License-Identifier: MIT */
/* Byte-bounded least-recently-used cache: a hash table, a list, one mutex. */
#include "pyr_cache.h"

#include "pyr_alloc.h"

#include <pthread.h>
#include <stdatomic.h>

#define FIRST_BUCKETS 64u

struct pyr_cache_block
{
    atomic_size_t nrefs;
    size_t nbytes;
    uint64_t stamp;
    /* Aligned as malloc's blocks are: to 16 bytes on 64-bit machines. */
    _Alignas(max_align_t) uint8_t bytes[];
};

struct entry
{
    struct pyr_cache_key key;
    struct pyr_cache_block *block; /* one reference is ours */
    struct entry *in_bucket;       /* the next one */
    struct entry *newer;
    struct entry *older; /* once out of the cache: the next one to free */
};

/* Beside its bytes a block costs its header, its entry, at most two pointers
 * of the table, and what malloc keeps for two allocations. */
#define BLOCK_COST                                                             \
    (sizeof(struct pyr_cache_block) + sizeof(struct entry) +                   \
     2 * sizeof(struct entry *) + 2 * 2 * sizeof(size_t))

struct pyr_cache
{
    pthread_mutex_t mutex; /* over all that follows but next_owner */
    struct entry **buckets;
    size_t nbuckets; /* a power of two */
    size_t nentries;
    size_t total_bytes; /* sum of the entries' costs */
    struct entry *newest;
    struct entry *oldest;
    _Atomic uint64_t next_owner;
};

enum pyr_result pyr_cache_new(struct pyr_cache **out_cache)
{
    struct pyr_cache *cache = pyr_calloc(1, sizeof *cache);
    if (cache == NULL)
        return PYR_NOMEM;
    cache->nbuckets = FIRST_BUCKETS;
    cache->buckets = pyr_calloc(cache->nbuckets, sizeof *cache->buckets);
    if (cache->buckets == NULL || pthread_mutex_init(&cache->mutex, NULL) != 0)
    {
        pyr_free(cache->buckets);
        pyr_free(cache);
        return PYR_NOMEM;
    }
    atomic_init(&cache->next_owner, 1);
    *out_cache = cache;
    return PYR_OK;
}

void pyr_cache_free(struct pyr_cache *cache)
{
    if (cache == NULL)
        return;
    pyr_cache_trim(cache, 0);
    pthread_mutex_destroy(&cache->mutex);
    pyr_free(cache->buckets);
    pyr_free(cache);
}

uint64_t pyr_cache_new_owner(struct pyr_cache *cache)
{
    return atomic_fetch_add(&cache->next_owner, 1);
}

struct pyr_cache_block *pyr_cache_block_new(size_t nbytes, uint64_t stamp)
{
    struct pyr_cache_block *block = NULL;
    if (nbytes <= SIZE_MAX - BLOCK_COST)
        block = pyr_malloc(sizeof *block + nbytes);
    if (block == NULL)
        return NULL;
    atomic_init(&block->nrefs, 1);
    block->nbytes = nbytes;
    block->stamp = stamp;
    return block;
}

uint8_t *pyr_cache_block_bytes(struct pyr_cache_block *block)
{
    return block->bytes;
}

size_t pyr_cache_block_size(const struct pyr_cache_block *block)
{
    return block->nbytes;
}

uint64_t pyr_cache_block_stamp(const struct pyr_cache_block *block)
{
    return block->stamp;
}

void pyr_cache_block_release(struct pyr_cache_block *block)
{
    if (block != NULL && atomic_fetch_sub(&block->nrefs, 1) == 1)
        pyr_free(block);
}

static bool key_equal(const struct pyr_cache_key *left,
                      const struct pyr_cache_key *right)
{
    return left->owner == right->owner && left->kind == right->kind &&
           left->level == right->level && left->place == right->place;
}

/* Multiply and xorshift: each bit of the key moves the low bits used. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9FB21C651E98DF25);
    return hash ^ (hash >> 32);
}

/* Where the pointer to the entry of key stands, or would stand. */
static struct entry **find(struct pyr_cache *cache,
                           const struct pyr_cache_key *key)
{
    uint64_t hash = mix(0, key->owner);
    hash = mix(hash, ((uint64_t)key->kind << 32) | key->level);
    hash = mix(hash, key->place);
    struct entry **link = &cache->buckets[(size_t)hash & (cache->nbuckets - 1)];
    while (*link != NULL && !key_equal(&(*link)->key, key))
        link = &(*link)->in_bucket;
    return link;
}

static void list_remove(struct pyr_cache *cache, struct entry *entry)
{
    *(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void list_put_first(struct pyr_cache *cache, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

/* Takes the entry at link out of the cache and puts it before dropped, which
 * is freed by free_dropped once the mutex is given back: freeing megabytes may
 * go to the kernel. */
static void drop(struct pyr_cache *cache, struct entry **link,
                 struct entry **dropped)
{
    struct entry *entry = *link;
    *link = entry->in_bucket;
    list_remove(cache, entry);
    cache->nentries--;
    cache->total_bytes -= BLOCK_COST + entry->block->nbytes;
    entry->older = *dropped;
    *dropped = entry;
}

static void drop_oldest(struct pyr_cache *cache, size_t max_total_bytes,
                        struct entry **dropped)
{
    while (cache->total_bytes > max_total_bytes)
        drop(cache, find(cache, &cache->oldest->key), dropped);
}

static void free_dropped(struct entry *dropped)
{
    while (dropped != NULL)
    {
        struct entry *next = dropped->older;
        pyr_cache_block_release(dropped->block);
        pyr_free(dropped);
        dropped = next;
    }
}

/* Doubles the table; without memory it stays as it is, and only slows down. */
static void grow(struct pyr_cache *cache)
{
    struct entry **old_buckets = cache->buckets;
    struct entry **buckets =
        pyr_calloc(cache->nbuckets, 2 * sizeof *cache->buckets);
    if (buckets == NULL)
        return;
    cache->buckets = buckets;
    cache->nbuckets *= 2;
    for (struct entry *entry = cache->newest; entry; entry = entry->older)
    {
        entry->in_bucket = NULL;
        *find(cache, &entry->key) = entry;
    }
    pyr_free(old_buckets);
}

struct pyr_cache_block *pyr_cache_get(struct pyr_cache *cache,
                                      const struct pyr_cache_key *key)
{
    struct pyr_cache_block *block = NULL;

    pthread_mutex_lock(&cache->mutex);
    struct entry *entry = *find(cache, key);
    if (entry != NULL)
    {
        list_remove(cache, entry);
        list_put_first(cache, entry);
        block = entry->block;
        atomic_fetch_add(&block->nrefs, 1);
    }
    pthread_mutex_unlock(&cache->mutex);
    return block;
}

void pyr_cache_put(struct pyr_cache *cache, const struct pyr_cache_key *key,
                   struct pyr_cache_block *block, size_t max_total_bytes)
{
    struct entry *dropped = NULL;
    struct entry *entry = NULL;
    const size_t cost = BLOCK_COST + block->nbytes;

    if (cost <= max_total_bytes)
        entry = pyr_malloc(sizeof *entry);

    pthread_mutex_lock(&cache->mutex);
    struct entry **link = find(cache, key);
    if (*link != NULL)
        drop(cache, link, &dropped);
    if (entry != NULL)
    {
        if (cache->nentries >= cache->nbuckets)
            grow(cache);
        drop_oldest(cache, max_total_bytes - cost, &dropped);
        atomic_fetch_add(&block->nrefs, 1);
        entry->key = *key;
        entry->block = block;
        entry->in_bucket = NULL;
        *find(cache, key) = entry;
        list_put_first(cache, entry);
        cache->nentries++;
        cache->total_bytes += cost;
    }
    else
    {
        drop_oldest(cache, max_total_bytes, &dropped);
    }
    pthread_mutex_unlock(&cache->mutex);
    free_dropped(dropped);
}

void pyr_cache_remove(struct pyr_cache *cache, const struct pyr_cache_key *key)
{
    struct entry *dropped = NULL;

    pthread_mutex_lock(&cache->mutex);
    struct entry **link = find(cache, key);
    if (*link != NULL)
        drop(cache, link, &dropped);
    pthread_mutex_unlock(&cache->mutex);
    free_dropped(dropped);
}

void pyr_cache_remove_owner(struct pyr_cache *cache, uint64_t owner)
{
    struct entry *dropped = NULL;
    struct entry *next;

    pthread_mutex_lock(&cache->mutex);
    for (struct entry *entry = cache->newest; entry != NULL; entry = next)
    {
        next = entry->older;
        if (entry->key.owner == owner)
            drop(cache, find(cache, &entry->key), &dropped);
    }
    pthread_mutex_unlock(&cache->mutex);
    free_dropped(dropped);
}

void pyr_cache_trim(struct pyr_cache *cache, size_t max_total_bytes)
{
    struct entry *dropped = NULL;

    pthread_mutex_lock(&cache->mutex);
    drop_oldest(cache, max_total_bytes, &dropped);
    pthread_mutex_unlock(&cache->mutex);
    free_dropped(dropped);
}

size_t pyr_cache_total_bytes(struct pyr_cache *cache)
{
    pthread_mutex_lock(&cache->mutex);
    const size_t total_bytes = cache->total_bytes;
    pthread_mutex_unlock(&cache->mutex);
    return total_bytes;
}
