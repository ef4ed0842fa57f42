/* SPDX-License-Identifier: MIT */
/* Tests of the cache: which blocks stay, how many bytes, for how long. */
#include "unit.h"

#include "pyr_alloc.h"
#include "pyr_cache.h"

#include <pthread.h>
#include <stdlib.h>

#define NO_BOUND SIZE_MAX

static struct pyr_cache *new_cache(void)
{
    struct pyr_cache *cache = NULL;
    CHECK_INT(pyr_cache_new(&cache), PYR_OK);
    if (cache == NULL)
        exit(1);
    return cache;
}

static struct pyr_cache_key key_at(uint64_t place)
{
    return (struct pyr_cache_key){.owner = 1, .place = place};
}

/* Puts nbytes bytes of the value place; the stamp is place, too. */
static void put(struct pyr_cache *cache, const struct pyr_cache_key *key,
                size_t nbytes, size_t max_total_bytes)
{
    struct pyr_cache_block *block = pyr_cache_block_new(nbytes, key->place);
    if (block == NULL)
        exit(1);
    memset(pyr_cache_block_bytes(block), (int)(key->place & 0xFF), nbytes);
    pyr_cache_put(cache, key, block, max_total_bytes);
    pyr_cache_block_release(block);
}

static void put_at(struct pyr_cache *cache, uint64_t place,
                   size_t max_total_bytes)
{
    const struct pyr_cache_key key = key_at(place);
    put(cache, &key, 1000, max_total_bytes);
}

static bool has(struct pyr_cache *cache, const struct pyr_cache_key *key)
{
    struct pyr_cache_block *block = pyr_cache_get(cache, key);
    pyr_cache_block_release(block);
    return block != NULL;
}

static bool has_at(struct pyr_cache *cache, uint64_t place)
{
    const struct pyr_cache_key key = key_at(place);
    return has(cache, &key);
}

/* What a block of 1000 bytes counts for, bookkeeping included. */
static size_t cost_of_1000(void)
{
    struct pyr_cache *cache = new_cache();
    put_at(cache, 0, NO_BOUND);
    const size_t cost = pyr_cache_total_bytes(cache);
    pyr_cache_free(cache);
    return cost;
}

static void test_put_and_get(void)
{
    struct pyr_cache *cache = new_cache();
    const struct pyr_cache_key key = key_at(77);

    CHECK(!has(cache, &key));
    put(cache, &key, 300, NO_BOUND);
    struct pyr_cache_block *block = pyr_cache_get(cache, &key);
    CHECK(block != NULL);
    if (block != NULL)
    {
        CHECK_INT(pyr_cache_block_size(block), 300);
        CHECK_INT(pyr_cache_block_stamp(block), 77);
        CHECK_INT(pyr_cache_block_bytes(block)[0], 77);
        CHECK_INT(pyr_cache_block_bytes(block)[299], 77);
        CHECK_INT((uintptr_t)pyr_cache_block_bytes(block) % 16, 0);
    }
    pyr_cache_block_release(block);
    pyr_cache_block_release(NULL);
    pyr_cache_free(cache);
    pyr_cache_free(NULL);
}

static void test_every_member_of_the_key_counts(void)
{
    const struct pyr_cache_key keys[] = {{1, 0, 0, 0}, {2, 0, 0, 0},
                                         {1, 1, 0, 0}, {1, 0, 1, 0},
                                         {1, 0, 0, 1}, {1, 0, 0, 1ull << 32}};
    struct pyr_cache *cache = new_cache();

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put(cache, &keys[i], i, NO_BOUND);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    {
        struct pyr_cache_block *block = pyr_cache_get(cache, &keys[i]);
        CHECK(block != NULL && pyr_cache_block_size(block) == i);
        pyr_cache_block_release(block);
    }
    pyr_cache_remove(cache, &keys[3]);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        CHECK_INT(has(cache, &keys[i]), i != 3);
    pyr_cache_free(cache);
}

static void test_replace(void)
{
    struct pyr_cache *cache = new_cache();
    const struct pyr_cache_key key = key_at(5);

    put(cache, &key, 100, NO_BOUND);
    const size_t total_bytes = pyr_cache_total_bytes(cache);
    struct pyr_cache_block *old_block = pyr_cache_get(cache, &key);
    put(cache, &key, 150, NO_BOUND);
    CHECK_INT(pyr_cache_total_bytes(cache), total_bytes + 50);
    CHECK(old_block != NULL && pyr_cache_block_size(old_block) == 100);
    struct pyr_cache_block *block = pyr_cache_get(cache, &key);
    CHECK(block != NULL && pyr_cache_block_size(block) == 150);

    /* The very block that is there. */
    pyr_cache_put(cache, &key, block, NO_BOUND);
    CHECK_INT(pyr_cache_total_bytes(cache), total_bytes + 50);
    pyr_cache_block_release(block);
    pyr_cache_block_release(old_block);
    CHECK(has(cache, &key));
    pyr_cache_free(cache);
}

static void test_least_recently_used_go_first(void)
{
    const size_t bound = 4 * cost_of_1000();
    struct pyr_cache *cache = new_cache();

    for (uint64_t place = 0; place < 4; place++)
        put_at(cache, place, bound);
    CHECK_INT(pyr_cache_total_bytes(cache), bound);
    CHECK(has_at(cache, 0)); /* newest to oldest: 0 3 2 1 */
    put_at(cache, 2, bound); /* 2 0 3 1 */
    put_at(cache, 9, bound); /* 9 2 0 3 */
    CHECK(!has_at(cache, 1));
    CHECK_INT(pyr_cache_total_bytes(cache), bound);
    put_at(cache, 10, bound); /* 10 9 2 0 */
    CHECK(!has_at(cache, 3));
    pyr_cache_trim(cache, bound - 1); /* 10 9 2 */
    CHECK(!has_at(cache, 0));
    pyr_cache_trim(cache, bound / 2); /* 10 9 */
    CHECK(!has_at(cache, 2) && has_at(cache, 9) && has_at(cache, 10));
    pyr_cache_trim(cache, 0);
    CHECK_INT(pyr_cache_total_bytes(cache), 0);
    CHECK(!has_at(cache, 9) && !has_at(cache, 10));
    pyr_cache_free(cache);
}

static void test_byte_bound(void)
{
    const size_t bound = 100000;
    struct pyr_cache *cache = new_cache();

    CHECK(cost_of_1000() > 1000 && cost_of_1000() < 1300);
    for (uint64_t place = 0; place < 5000; place++)
    {
        const struct pyr_cache_key key = key_at(place);
        put(cache, &key, (size_t)(place * 37 % 3000), bound);
        if (pyr_cache_total_bytes(cache) > bound)
            break;
    }
    CHECK(pyr_cache_total_bytes(cache) <= bound);
    CHECK(has_at(cache, 4999));

    /* Larger than the bound by itself: not kept, nor what it replaces. */
    const struct pyr_cache_key key = key_at(4999);
    put(cache, &key, bound, bound);
    CHECK(!has_at(cache, 4999));
    CHECK(has_at(cache, 4998));

    /* A smaller bound also holds for what is there. */
    put(cache, &key, bound, 5000);
    CHECK(pyr_cache_total_bytes(cache) <= 5000);
    pyr_cache_free(cache);
}

static void test_blocks_outlive_the_cache_entry(void)
{
    struct pyr_cache *cache = new_cache();
    const struct pyr_cache_key key = key_at(200);

    put(cache, &key, 5000, NO_BOUND);
    struct pyr_cache_block *held = pyr_cache_get(cache, &key);
    struct pyr_cache_block *also = pyr_cache_get(cache, &key);
    CHECK(held != NULL && held == also);
    pyr_cache_trim(cache, 0);
    CHECK(!has(cache, &key));
    pyr_cache_block_release(also);
    if (held != NULL)
        CHECK_INT(pyr_cache_block_bytes(held)[4999], 200);
    pyr_cache_block_release(held);
    pyr_cache_free(cache);
}

static void test_remove_owner(void)
{
    struct pyr_cache *cache = new_cache();
    const uint64_t owners[] = {pyr_cache_new_owner(cache),
                               pyr_cache_new_owner(cache),
                               pyr_cache_new_owner(cache)};
    CHECK(owners[0] != owners[1] && owners[1] != owners[2] &&
          owners[0] != owners[2]);

    for (unsigned i = 0; i < 3000; i++)
    {
        const struct pyr_cache_key key = {owners[i % 3], i % 2, i % 5, i};
        put(cache, &key, 10, NO_BOUND);
    }
    const size_t total_bytes = pyr_cache_total_bytes(cache);
    pyr_cache_remove_owner(cache, owners[1]);
    CHECK_INT(pyr_cache_total_bytes(cache), total_bytes / 3 * 2);
    int wrong = 0;
    for (unsigned i = 0; i < 3000; i++)
    {
        const struct pyr_cache_key key = {owners[i % 3], i % 2, i % 5, i};
        wrong += has(cache, &key) != (i % 3 != 1);
    }
    CHECK_INT(wrong, 0);
    pyr_cache_remove_owner(cache, owners[1]);
    pyr_cache_remove_owner(cache, owners[0]);
    pyr_cache_remove_owner(cache, owners[2]);
    CHECK_INT(pyr_cache_total_bytes(cache), 0);
    pyr_cache_free(cache);
}

static void test_allocation_failures(void)
{
    CHECK(pyr_cache_block_new(SIZE_MAX, 0) == NULL);
    CHECK(pyr_cache_block_new(SIZE_MAX - 64, 0) == NULL);
#ifdef PYR_ALLOC_FAILURES
    struct pyr_cache *cache = NULL;
    for (unsigned long nth = 1; nth <= 2; nth++)
    {
        pyr_alloc_fail_nth(nth);
        CHECK_INT(pyr_cache_new(&cache), PYR_NOMEM);
        CHECK(cache == NULL);
    }
    pyr_alloc_fail_nth(1);
    CHECK(pyr_cache_block_new(10, 0) == NULL);
    pyr_alloc_fail_nth(0);

    /* No memory for the entry: forgotten, and what was there as well. */
    cache = new_cache();
    const struct pyr_cache_key key = key_at(3);
    put(cache, &key, 10, NO_BOUND);
    struct pyr_cache_block *block = pyr_cache_block_new(20, 0);
    CHECK(block != NULL);
    pyr_alloc_fail_nth(1);
    pyr_cache_put(cache, &key, block, NO_BOUND);
    pyr_alloc_fail_nth(0);
    CHECK(!has(cache, &key));
    pyr_cache_block_release(block);

    /* No memory for a larger table, each time: everything is found still. */
    int wrong = 0;
    for (uint64_t place = 0; place < 1000; place++)
    {
        block = pyr_cache_block_new(1, place);
        const struct pyr_cache_key next = key_at(place);
        pyr_alloc_fail_nth(2);
        pyr_cache_put(cache, &next, block, NO_BOUND);
        pyr_alloc_fail_nth(0);
        pyr_cache_block_release(block);
    }
    for (uint64_t place = 0; place < 1000; place++)
        wrong += !has_at(cache, place);
    CHECK_INT(wrong, 0);
    pyr_cache_free(cache);
#endif
}

#define HAMMER_PLACES 97u
#define HAMMER_BOUND 40000u

struct hammer
{
    struct pyr_cache *cache;
    uint64_t owner;
    unsigned seed;
    int wrong;
    int hits;
};

/* Blocks must hold their place in each byte, whatever the others do. */
static bool block_right(struct pyr_cache_block *block, uint64_t place)
{
    const uint8_t *bytes = pyr_cache_block_bytes(block);
    const size_t nbytes = pyr_cache_block_size(block);
    for (size_t i = 0; i < nbytes; i++)
        if (bytes[i] != place)
            return false;
    return pyr_cache_block_stamp(block) == place;
}

static void *hammer_main(void *arg)
{
    struct hammer *hammer = arg;
    unsigned state = hammer->seed;

    for (int i = 0; i < 20000; i++)
    {
        state = state * 1103515245u + 12345u;
        const unsigned dice = state >> 16;
        const struct pyr_cache_key key = {.owner = 1 + dice % 2,
                                          .place = dice / 2 % HAMMER_PLACES};
        struct pyr_cache_block *block = pyr_cache_get(hammer->cache, &key);
        if (block != NULL)
        {
            hammer->hits++;
            hammer->wrong += !block_right(block, key.place);
            pyr_cache_block_release(block);
        }
        else
        {
            put(hammer->cache, &key, 100 + dice % 1000, HAMMER_BOUND);
        }
        hammer->wrong += pyr_cache_total_bytes(hammer->cache) > HAMMER_BOUND;
        if (dice % 512 == 0)
            pyr_cache_remove(hammer->cache, &key);
        else if (dice % 1024 == 1)
            pyr_cache_remove_owner(hammer->cache, key.owner);
        else if (dice % 1024 == 2)
            pyr_cache_trim(hammer->cache, HAMMER_BOUND / 2);
    }
    hammer->owner = pyr_cache_new_owner(hammer->cache);
    return NULL;
}

static void test_many_threads(void)
{
    struct pyr_cache *cache = new_cache();
    struct hammer hammers[4];
    pthread_t threads[4];

    for (unsigned i = 0; i < 4; i++)
    {
        hammers[i] = (struct hammer){.cache = cache, .seed = i + 1};
        CHECK_INT(pthread_create(&threads[i], NULL, hammer_main, &hammers[i]),
                  0);
    }
    uint64_t owners = 0;
    for (unsigned i = 0; i < 4; i++)
    {
        pthread_join(threads[i], NULL);
        CHECK_INT(hammers[i].wrong, 0);
        CHECK(hammers[i].hits > 0);
        owners |= UINT64_C(1) << hammers[i].owner;
    }
    CHECK_INT(owners, 0x1E); /* 1 to 4, each once */
    pyr_cache_trim(cache, 0);
    CHECK_INT(pyr_cache_total_bytes(cache), 0);
    pyr_cache_free(cache);
}

int main(void)
{
    RUN(test_put_and_get);
    RUN(test_every_member_of_the_key_counts);
    RUN(test_replace);
    RUN(test_least_recently_used_go_first);
    RUN(test_byte_bound);
    RUN(test_blocks_outlive_the_cache_entry);
    RUN(test_remove_owner);
    RUN(test_allocation_failures);
    RUN(test_many_threads);
    return unit_report();
}
