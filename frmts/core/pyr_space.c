/* SPDX-License-Identifier: MIT */
/* Ranges of bytes in one temporary file: a list of the gaps between them. */
#include "pyr_space.h"

#include "pyr_alloc.h"

#include <pthread.h>
#include <string.h>

#define FIRST_GAPS 16u

struct gap
{
    uint64_t begin;
    uint64_t end;
};

struct pyr_space
{
    const struct pyr_out *out;
    const char *path;
    pthread_mutex_t mutex;     /* over what follows */
    struct pyr_out_file *file; /* NULL: none so far */
    uint64_t nbytes;
    struct gap *gaps; /* gaps[ngaps], room for nroom, none beside another */
    size_t ngaps;
    size_t nroom;
};

enum pyr_result pyr_space_new(const struct pyr_out *out, const char *path,
                              struct pyr_space **out_space)
{
    struct pyr_space *const space = pyr_calloc(1, sizeof(*space));
    if (space == NULL || pthread_mutex_init(&space->mutex, NULL) != 0)
    {
        pyr_free(space);
        return PYR_NOMEM;
    }
    space->out = out;
    space->path = path;
    *out_space = space;
    return PYR_OK;
}

void pyr_space_free(struct pyr_space *space)
{
    if (space == NULL)
        return;
    pyr_space_clear(space);
    pthread_mutex_destroy(&space->mutex);
    pyr_free(space);
}

void pyr_space_clear(struct pyr_space *space)
{
    space->out->discard(space->file);
    space->file = NULL;
    space->nbytes = 0;
    pyr_free(space->gaps);
    space->gaps = NULL;
    space->ngaps = 0;
    space->nroom = 0;
}

/* ---- Gaps, under the mutex ---- */

static void remove_gap(struct pyr_space *space, size_t number)
{
    space->ngaps--;
    memmove(&space->gaps[number], &space->gaps[number + 1],
            (space->ngaps - number) * sizeof(*space->gaps));
}

static bool insert_gap(struct pyr_space *space, size_t number, struct gap gap)
{
    if (space->ngaps == space->nroom)
    {
        const size_t nroom = space->nroom == 0 ? FIRST_GAPS : 2 * space->nroom;
        struct gap *const gaps =
            pyr_realloc(space->gaps, nroom * sizeof(*gaps));
        if (gaps == NULL)
            return false;
        space->gaps = gaps;
        space->nroom = nroom;
    }
    memmove(&space->gaps[number + 1], &space->gaps[number],
            (space->ngaps - number) * sizeof(*space->gaps));
    space->gaps[number] = gap;
    space->ngaps++;
    return true;
}

/* The first gap that begins at an offset or behind it. */
static size_t find_gap(const struct pyr_space *space, uint64_t offset)
{
    size_t low = 0;
    size_t high = space->ngaps;
    while (low < high)
    {
        const size_t middle = low + (high - low) / 2;
        if (space->gaps[middle].begin < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The smallest gap for so many bytes, or ngaps. */
static size_t choose_gap(const struct pyr_space *space, uint64_t nbytes)
{
    uint64_t least = UINT64_MAX;
    size_t chosen = space->ngaps;
    for (size_t i = 0; i < space->ngaps && least != nbytes; i++)
    {
        const uint64_t room = space->gaps[i].end - space->gaps[i].begin;
        if (room >= nbytes && room < least)
        {
            least = room;
            chosen = i;
        }
    }
    return chosen;
}

static void give(struct pyr_space *space, struct gap gap)
{
    const size_t next = find_gap(space, gap.begin);
    const bool joins_next =
        next < space->ngaps && space->gaps[next].begin == gap.end;
    const bool joins_last = next > 0 && space->gaps[next - 1].end == gap.begin;
    if (joins_last && joins_next)
    {
        space->gaps[next - 1].end = space->gaps[next].end;
        remove_gap(space, next);
    }
    else if (joins_last)
        space->gaps[next - 1].end = gap.end;
    else if (joins_next)
        space->gaps[next].begin = gap.begin;
    else if (gap.end != space->nbytes && !insert_gap(space, next, gap))
        return;
    /* The end comes back. */
    if (gap.end == space->nbytes)
        space->nbytes = gap.begin;
    if (space->ngaps > 0 && space->gaps[space->ngaps - 1].end >= space->nbytes)
        space->nbytes = space->gaps[--space->ngaps].begin;
}

uint64_t pyr_space_take(struct pyr_space *space, uint64_t nbytes)
{
    pthread_mutex_lock(&space->mutex);
    const size_t number = choose_gap(space, nbytes);
    uint64_t offset = space->nbytes;
    if (number == space->ngaps)
        space->nbytes += nbytes;
    else
    {
        struct gap *const gap = &space->gaps[number];
        offset = gap->begin;
        gap->begin += nbytes;
        if (gap->begin == gap->end)
            remove_gap(space, number);
    }
    pthread_mutex_unlock(&space->mutex);
    return offset;
}

void pyr_space_give(struct pyr_space *space, uint64_t offset_bytes,
                    uint64_t nbytes)
{
    if (nbytes == 0)
        return;
    pthread_mutex_lock(&space->mutex);
    give(space, (struct gap){offset_bytes, offset_bytes + nbytes});
    pthread_mutex_unlock(&space->mutex);
}

/* ---- Bytes ---- */

static enum pyr_result prefix(const struct pyr_space *space,
                              enum pyr_result result, struct pyr_error *err)
{
    if (result != PYR_OK)
        pyr_error_prefix(err, "temporary file %s", space->path);
    return result;
}

enum pyr_result pyr_space_write(struct pyr_space *space, uint64_t offset_bytes,
                                const uint8_t *bytes, size_t nbytes,
                                struct pyr_error *err)
{
    const struct pyr_out *const out = space->out;
    enum pyr_result result = PYR_OK;
    pthread_mutex_lock(&space->mutex);
    if (space->file == NULL)
        result = out->create(out->user, space->path, &space->file, err);
    struct pyr_out_file *const file = space->file;
    pthread_mutex_unlock(&space->mutex);
    if (result == PYR_OK)
        result = out->write(file, offset_bytes, bytes, nbytes, err);
    return prefix(space, result, err);
}

enum pyr_result pyr_space_read(struct pyr_space *space, uint64_t offset_bytes,
                               uint8_t *bytes, size_t nbytes,
                               struct pyr_error *err)
{
    return prefix(
        space, space->out->read(space->file, offset_bytes, bytes, nbytes, err),
        err);
}
