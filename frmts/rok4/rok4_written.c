/* SPDX-License-Identifier: MIT */
/* Which slabs a run has written to an object storage. */
#include "rok4_written.h"

#include "pyr_alloc.h"
#include "rok4_place.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define FIRST_PLACES 64u /* a power of two */
#define PLANE_NBYTES 5u  /* of "DATA_" and "MASK_" */
#define NTABLES 16u

struct entry
{
    uint16_t where; /* 1 + 2 * number of the level + (1 for masks); 0: free */
    uint16_t root;
    uint32_t col;
    uint32_t row;
};

struct table
{
    struct entry *entries; /* entries[nplaces], a power of two; open hashing */
    size_t nplaces;
    size_t count;
    bool sorted; /* entries[count] are in order, and no places */
};

/* Of several tables, only one grows at a time: twice the memory of all would be
 * much. */
struct rok4_written
{
    pthread_mutex_t lock; /* guards what follows */
    char *levels[PYR_MAX_LEVELS];
    uint32_t nlevels;
    struct table tables[NTABLES];
    uint64_t count;
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
    for (size_t i = 0; i < NTABLES; i++)
        pyr_free(written->tables[i].entries);
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

static uint64_t hash_of(const struct entry *entry)
{
    uint64_t hash = entry->where;
    hash = (hash ^ entry->col) * UINT64_C(0x9E3779B97F4A7C15);
    return (hash ^ (hash >> 29) ^ entry->row) * UINT64_C(0xBF58476D1CE4E5B9);
}

static struct table *table_of(struct rok4_written *written,
                              const struct entry *entry)
{
    return &written->tables[hash_of(entry) >> 60];
}

/* The place of an entry, or the free one where it belongs. */
static struct entry *find(struct entry *entries, size_t nplaces,
                          const struct entry *entry)
{
    size_t at = (size_t)(hash_of(entry) >> 20) & (nplaces - 1);
    while (entries[at].where != 0 && !same(&entries[at], entry))
        at = (at + 1) & (nplaces - 1);
    return &entries[at];
}

/* Doubles the places once three quarters are taken; hashes what was sorted. */
static bool make_room(struct table *table)
{
    const bool full = table->count >= table->nplaces / 4 * 3;
    if (!full && !table->sorted)
        return true;
    const size_t nplaces = table->nplaces == 0 ? FIRST_PLACES
                           : full              ? 2 * table->nplaces
                                               : table->nplaces;
    struct entry *const entries = pyr_calloc(nplaces, sizeof(*entries));
    if (entries == NULL)
        return false;
    for (size_t i = 0; i < table->nplaces; i++)
        if (table->entries[i].where != 0)
            *find(entries, nplaces, &table->entries[i]) = table->entries[i];
    pyr_free(table->entries);
    table->entries = entries;
    table->nplaces = nplaces;
    table->sorted = false;
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
    const struct entry entry = entry_of(parts, level, root);
    struct table *const table = table_of(written, &entry);
    if (!make_room(table))
        return PYR_NOMEM;
    struct entry *const place = find(table->entries, table->nplaces, &entry);
    table->count += place->where == 0;
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
    if (result == PYR_LIMIT)
        return pyr_fail(err, result, "'%s': slabs of more than %u levels", name,
                        PYR_MAX_LEVELS);
    return result == PYR_OK
               ? PYR_OK
               : pyr_fail(err, result, "the list of slabs: out of memory");
}

/* Data before masks, levels by number, rows from the top. */
static bool is_before(const struct entry *left, const struct entry *right)
{
    const uint32_t keys[][2] = {
        {(left->where - 1u) & 1u, (right->where - 1u) & 1u},
        {left->where, right->where},
        {left->row, right->row},
        {left->col, right->col}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1];
    return false;
}

/* Whether a sorted table has the entry. */
static bool has_sorted(const struct table *table, const struct entry *entry)
{
    size_t first = 0;
    size_t end = table->count;
    while (first < end)
    {
        const size_t middle = first + (end - first) / 2;
        if (is_before(&table->entries[middle], entry))
            first = middle + 1;
        else
            end = middle;
    }
    return first < table->count && same(&table->entries[first], entry);
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
    const struct table *const table = table_of(written, &entry);
    if (table->sorted)
        has = has_sorted(table, &entry);
    else if (table->count > 0)
        has = find(table->entries, table->nplaces, &entry)->where != 0;
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

/* Quicksort, without memory of its own: there may be millions of entries. They
 * come as hashing has shuffled them, so that any of them is a good middle. */
static void sort(struct entry *entries, size_t count)
{
    while (count > 1)
    {
        const struct entry middle = entries[(count - 1) / 2];
        size_t low = 0;
        size_t high = count - 1;
        for (;;)
        {
            while (is_before(&entries[low], &middle))
                low++;
            while (is_before(&middle, &entries[high]))
                high--;
            if (low >= high)
                break;
            const struct entry swapped = entries[low];
            entries[low++] = entries[high];
            entries[high--] = swapped;
        }
        /* The smaller part first: so few calls are under way at a time. */
        const size_t nlow = high + 1;
        const bool low_first = nlow < count - nlow;
        sort(low_first ? entries : entries + nlow,
             low_first ? nlow : count - nlow);
        entries += low_first ? nlow : 0;
        count = low_first ? count - nlow : nlow;
    }
}

/* In the places that are there. */
static void sort_table(struct table *table)
{
    const struct entry none = {0, 0, 0, 0};
    size_t count = 0;
    if (table->sorted)
        return;
    for (size_t i = 0; i < table->nplaces; i++)
        if (table->entries[i].where != 0)
            table->entries[count++] = table->entries[i];
    for (size_t i = count; i < table->nplaces; i++)
        table->entries[i] = none;
    sort(table->entries, count);
    table->sorted = true;
}

/* The first of all that are left in sorted tables, from at[] on; NULL at the
 * end. */
static const struct entry *take_first(const struct rok4_written *written,
                                      size_t at[NTABLES])
{
    const struct entry *first = NULL;
    size_t from = 0;
    for (size_t i = 0; i < NTABLES; i++)
    {
        const struct table *const table = &written->tables[i];
        if (at[i] == table->count ||
            (first != NULL && !is_before(&table->entries[at[i]], first)))
            continue;
        first = &table->entries[at[i]];
        from = i;
    }
    at[from] += first != NULL;
    return first;
}

enum pyr_result rok4_written_each(struct rok4_written *written,
                                  rok4_written_visit visit, void *context,
                                  struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    const struct entry *entry = NULL;
    size_t at[NTABLES] = {0};
    (void)pthread_mutex_lock(&written->lock);
    for (size_t i = 0; i < NTABLES; i++)
        sort_table(&written->tables[i]);
    (void)pthread_mutex_unlock(&written->lock);
    while (result == PYR_OK && (entry = take_first(written, at)) != NULL)
    {
        char name[ROK4_WRITTEN_NAME_BYTES];
        (void)snprintf(name, sizeof(name), "%s_%s_%" PRIu32 "_%" PRIu32,
                       (entry->where - 1) % 2 != 0 ? "MASK" : "DATA",
                       written->levels[(entry->where - 1) / 2], entry->col,
                       entry->row);
        result = visit(context, name, entry->root, err);
    }
    return result;
}
