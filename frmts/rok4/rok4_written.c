/* SPDX-License-Identifier: MIT */
/* Which slabs a run has written to an object storage. */
#include "rok4_written.h"

#include "pyr_alloc.h"
#include "rok4_place.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PLACES 256u /* a power of two */
#define PLANE_NBYTES 5u   /* of "DATA_" and "MASK_" */

struct entry
{
    uint16_t where; /* 1 + 2 * number of the level + (1 for masks); 0: free */
    uint16_t root;
    uint32_t col;
    uint32_t row;
};

struct rok4_written
{
    pthread_mutex_t lock; /* guards what follows */
    char *levels[PYR_MAX_LEVELS];
    uint32_t nlevels;
    struct entry *entries; /* entries[nplaces], a power of two; open hashing */
    size_t nplaces;
    size_t count;
};

/* A name taken apart. */
struct parts
{
    bool mask;
    const char *level;
    size_t level_nbytes;
    uint32_t col;
    uint32_t row;
};

enum pyr_result rok4_written_new(struct rok4_written **out_written)
{
    struct rok4_written *const written = pyr_calloc(1, sizeof(*written));
    if (written == NULL || pthread_mutex_init(&written->lock, NULL) != 0)
    {
        pyr_free(written);
        return PYR_NOMEM;
    }
    *out_written = written;
    return PYR_OK;
}

void rok4_written_free(struct rok4_written *written)
{
    if (written == NULL)
        return;
    for (uint32_t i = 0; i < written->nlevels; i++)
        pyr_free(written->levels[i]);
    pyr_free(written->entries);
    (void)pthread_mutex_destroy(&written->lock);
    pyr_free(written);
}

static bool take_apart(const char *name, struct parts *parts)
{
    const char *const level = name + PLANE_NBYTES;
    parts->mask = strncmp(name, "MASK_", PLANE_NBYTES) == 0;
    if (!parts->mask && strncmp(name, "DATA_", PLANE_NBYTES) != 0)
        return false;
    const char *const numbers = strchr(level, '_');
    if (numbers == NULL || numbers == level)
        return false;
    parts->level = level;
    parts->level_nbytes = (size_t)(numbers - level);
    return parts->level_nbytes <= PYR_MAX_NAME_BYTES &&
           memchr(level, '/', parts->level_nbytes) == NULL &&
           rok4_place_parse(numbers + 1, &parts->col, &parts->row);
}

bool rok4_written_is_slab(const char *name)
{
    struct parts parts;
    return take_apart(name, &parts);
}

/* Number of a level; nlevels where there is none. */
static uint32_t find_level(const struct rok4_written *written,
                           const struct parts *parts)
{
    uint32_t i = 0;
    while (i < written->nlevels &&
           (strlen(written->levels[i]) != parts->level_nbytes ||
            memcmp(written->levels[i], parts->level, parts->level_nbytes) != 0))
        i++;
    return i;
}

static struct entry entry_of(const struct parts *parts, uint32_t level,
                             uint16_t root)
{
    const struct entry entry = {
        (uint16_t)(1 + 2 * level + (parts->mask ? 1 : 0)), root, parts->col,
        parts->row};
    return entry;
}

static bool same(const struct entry *left, const struct entry *right)
{
    return left->where == right->where && left->col == right->col &&
           left->row == right->row;
}

/* The place of an entry, or the free one where it belongs. */
static struct entry *find(struct entry *entries, size_t nplaces,
                          const struct entry *entry)
{
    uint64_t hash = entry->where;
    hash = (hash ^ entry->col) * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ (hash >> 29) ^ entry->row) * UINT64_C(0xBF58476D1CE4E5B9);
    size_t at = (size_t)(hash >> 20) & (nplaces - 1);
    while (entries[at].where != 0 && !same(&entries[at], entry))
        at = (at + 1) & (nplaces - 1);
    return &entries[at];
}

/* Doubles the places once three quarters are taken. */
static bool make_room(struct rok4_written *written)
{
    if (written->count < written->nplaces / 4 * 3)
        return true;
    const size_t nplaces =
        written->nplaces == 0 ? FIRST_PLACES : 2 * written->nplaces;
    struct entry *const entries = pyr_calloc(nplaces, sizeof(*entries));
    if (entries == NULL)
        return false;
    for (size_t i = 0; i < written->nplaces; i++)
        if (written->entries[i].where != 0)
            *find(entries, nplaces, &written->entries[i]) = written->entries[i];
    pyr_free(written->entries);
    written->entries = entries;
    written->nplaces = nplaces;
    return true;
}

/* Under the lock. */
static enum pyr_result add(struct rok4_written *written,
                           const struct parts *parts, uint16_t root)
{
    const uint32_t level = find_level(written, parts);
    if (level == PYR_MAX_LEVELS)
        return PYR_LIMIT;
    if (level == written->nlevels)
    {
        written->levels[level] = pyr_strndup(parts->level, parts->level_nbytes);
        if (written->levels[level] == NULL)
            return PYR_NOMEM;
        written->nlevels++;
    }
    if (!make_room(written))
        return PYR_NOMEM;
    const struct entry entry = entry_of(parts, level, root);
    struct entry *const place =
        find(written->entries, written->nplaces, &entry);
    written->count += place->where == 0;
    *place = entry;
    return PYR_OK;
}

enum pyr_result rok4_written_add(struct rok4_written *written, const char *name,
                                 uint16_t root, struct pyr_error *err)
{
    struct parts parts;
    if (!take_apart(name, &parts))
        return pyr_fail(err, PYR_USAGE, "'%s' is no name of a slab", name);
    (void)pthread_mutex_lock(&written->lock);
    const enum pyr_result result = add(written, &parts, root);
    (void)pthread_mutex_unlock(&written->lock);
    return result == PYR_OK
               ? PYR_OK
               : pyr_fail(err, result, "the list of slabs: out of memory");
}

bool rok4_written_has(struct rok4_written *written, const char *name)
{
    struct parts parts;
    bool has = false;
    if (!take_apart(name, &parts))
        return false;
    (void)pthread_mutex_lock(&written->lock);
    const uint32_t level = find_level(written, &parts);
    const struct entry entry = entry_of(&parts, level, 0);
    if (level < written->nlevels)
        has = find(written->entries, written->nplaces, &entry)->where != 0;
    (void)pthread_mutex_unlock(&written->lock);
    return has;
}

uint64_t rok4_written_count(struct rok4_written *written)
{
    (void)pthread_mutex_lock(&written->lock);
    const uint64_t count = written->count;
    (void)pthread_mutex_unlock(&written->lock);
    return count;
}

/* Data before masks, levels by number, rows from the top, free places last. */
static int compare(const void *left, const void *right)
{
    const struct entry *const a = left;
    const struct entry *const b = right;
    const uint32_t keys_a[] = {a->where == 0, (a->where - 1u) & 1u,
                               (a->where - 1u) / 2u, a->row, a->col};
    const uint32_t keys_b[] = {b->where == 0, (b->where - 1u) & 1u,
                               (b->where - 1u) / 2u, b->row, b->col};
    for (size_t i = 0; i < sizeof(keys_a) / sizeof(keys_a[0]); i++)
        if (keys_a[i] != keys_b[i])
            return keys_a[i] < keys_b[i] ? -1 : 1;
    return 0;
}

/* Puts what is added afterwards in its place again. */
static bool rehash(struct rok4_written *written)
{
    struct entry *const entries =
        pyr_calloc(written->nplaces, sizeof(*entries));
    if (entries == NULL)
        return false;
    for (size_t i = 0; i < written->count; i++)
        *find(entries, written->nplaces, &written->entries[i]) =
            written->entries[i];
    pyr_free(written->entries);
    written->entries = entries;
    return true;
}

enum pyr_result rok4_written_each(struct rok4_written *written,
                                  rok4_written_visit visit, void *context,
                                  struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (written->count == 0)
        return PYR_OK;
    qsort(written->entries, written->nplaces, sizeof(*written->entries),
          compare);
    for (size_t i = 0; i < written->count && result == PYR_OK; i++)
    {
        const struct entry *const entry = &written->entries[i];
        char name[ROK4_WRITTEN_NAME_BYTES];
        (void)snprintf(name, sizeof(name), "%s_%s_%" PRIu32 "_%" PRIu32,
                       (entry->where - 1) % 2 != 0 ? "MASK" : "DATA",
                       written->levels[(entry->where - 1) / 2], entry->col,
                       entry->row);
        result = visit(context, name, entry->root, err);
    }
    if (!rehash(written) && result == PYR_OK)
        result = pyr_fail(err, PYR_NOMEM, "out of memory");
    return result;
}
