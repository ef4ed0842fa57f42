/* SPDX-License-Identifier: MIT */
/* Byte-bounded least-recently-used cache for slab indexes and tiles. */
#ifndef PYR_CACHE_H
#define PYR_CACHE_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Which block of bytes. Every member counts in comparisons. */
struct pyr_cache_key
{
    uint64_t owner; /* pyr_cache_new_owner() */
    uint32_t kind;  /* the owner's own: index, tile, mask tile... */
    uint32_t level;
    uint64_t place; /* number of the slab or tile in its level */
};

struct pyr_cache;

/* A block of bytes with a count of references. Its bytes may be written only
 * by its maker and only before pyr_cache_put. */
struct pyr_cache_block;

/* PYR_NOMEM. Freed with pyr_cache_free, after the last block is released. */
enum pyr_result pyr_cache_new(struct pyr_cache **out_cache) PYR_MUST_CHECK;
void pyr_cache_free(struct pyr_cache *cache);

/* A number that no other call on this cache returned. */
uint64_t pyr_cache_new_owner(struct pyr_cache *cache);

/* A block of nbytes undefined bytes, held by the caller and in no cache yet.
 * stamp is kept for the caller (the identity of the file it came from).
 * NULL when out of memory. */
struct pyr_cache_block *pyr_cache_block_new(size_t nbytes, uint64_t stamp);
uint8_t *pyr_cache_block_bytes(struct pyr_cache_block *block);
size_t pyr_cache_block_size(const struct pyr_cache_block *block);
uint64_t pyr_cache_block_stamp(const struct pyr_cache_block *block);

/* Gives back the caller's reference; the bytes are freed with the last one.
 * NULL is fine. */
void pyr_cache_block_release(struct pyr_cache_block *block);

/* The block under key, as most recently used, with a reference that the caller
 * releases; NULL when there is none. */
struct pyr_cache_block *pyr_cache_get(struct pyr_cache *cache,
                                      const struct pyr_cache_key *key);

/* Puts block under key (in the place of what was there), as most recently
 * used, and takes a reference of its own; then drops least recently used
 * blocks until the total is at most max_total_bytes. A block larger than that
 * by itself is not kept, nor one for which memory lacks: a cache may forget. */
void pyr_cache_put(struct pyr_cache *cache, const struct pyr_cache_key *key,
                   struct pyr_cache_block *block, size_t max_total_bytes);

/* Drops one key, all keys of an owner, or least recently used blocks until the
 * total is at most max_total_bytes. */
void pyr_cache_remove(struct pyr_cache *cache, const struct pyr_cache_key *key);
void pyr_cache_remove_owner(struct pyr_cache *cache, uint64_t owner);
void pyr_cache_trim(struct pyr_cache *cache, size_t max_total_bytes);

/* Bytes of the blocks in the cache, bookkeeping included. */
size_t pyr_cache_total_bytes(struct pyr_cache *cache);

/* All functions above are safe from many threads. */

#ifdef __cplusplus
}
#endif

#endif
