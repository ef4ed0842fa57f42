/* SPDX-License-Identifier: MIT */
/* Logs of bytes in bounded memory; what exceeds it goes to temporary files. */
#include "pyr_spool.h"

#include "pyr_alloc.h"

#include <pthread.h>
#include <string.h>

#define FIRST_BLOCKS 8u

/* What is given back of a file at once. */
#ifndef PYR_SPOOL_GIVEN_BYTES
#define PYR_SPOOL_GIVEN_BYTES ((uint64_t)4 << 20)
#endif

/* A block that is not in use. */
struct free_block
{
    struct free_block *next;
};

struct pyr_spools
{
    const struct pyr_out *out;
    size_t max_blocks;
    pthread_mutex_t spilling; /* one thread at a time sends logs to files */
    pthread_mutex_t mutex;    /* over what follows; the last one to take */
    struct free_block *free_blocks;
    size_t nblocks; /* of all logs */
    struct pyr_spool *first;
};

/* The log is the file's bytes, then those of the blocks, each of which but the
 * last is full. */
struct pyr_spool
{
    struct pyr_spools *all;
    const char *path;
    /* Under all->mutex. */
    struct pyr_spool *next;
    unsigned nrefs; /* its maker, and a thread that sends it to its file */
    bool is_read;   /* stays where it is */
    size_t nblocks; /* written under both mutexes */
    pthread_mutex_t mutex; /* over what follows */
    uint8_t **blocks;      /* blocks[nblocks], room for nroom */
    size_t nroom;
    size_t nkept;    /* bytes in blocks */
    uint64_t nfiled; /* bytes in the file */
    struct pyr_out_file *file;
    uint32_t *ntaken; /* bytes of each PYR_SPOOL_GIVEN_BYTES; NULL: none yet */
};

enum pyr_result pyr_spools_new(const struct pyr_out *out, size_t memory_bytes,
                               struct pyr_spools **out_spools)
{
    struct pyr_spools *const spools = pyr_calloc(1, sizeof(*spools));
    if (spools == NULL)
        return PYR_NOMEM;
    spools->out = out;
    spools->max_blocks = memory_bytes / PYR_SPOOL_BLOCK_BYTES;
    if (pthread_mutex_init(&spools->spilling, NULL) != 0)
        goto no_spilling;
    if (pthread_mutex_init(&spools->mutex, NULL) != 0)
        goto no_mutex;
    *out_spools = spools;
    return PYR_OK;

no_mutex:
    pthread_mutex_destroy(&spools->spilling);
no_spilling:
    pyr_free(spools);
    return PYR_NOMEM;
}

void pyr_spools_free(struct pyr_spools *spools)
{
    if (spools == NULL)
        return;
    while (spools->free_blocks != NULL)
    {
        struct free_block *const block = spools->free_blocks;
        spools->free_blocks = block->next;
        pyr_free(block);
    }
    pthread_mutex_destroy(&spools->mutex);
    pthread_mutex_destroy(&spools->spilling);
    pyr_free(spools);
}

/* A block that was used before, or NULL. Under the mutex. */
static uint8_t *pop_block(struct pyr_spools *spools)
{
    struct free_block *const block = spools->free_blocks;
    if (block != NULL)
        spools->free_blocks = block->next;
    return (uint8_t *)block;
}

static void push_block(struct pyr_spools *spools, void *bytes)
{
    struct free_block *const block = bytes;
    block->next = spools->free_blocks;
    spools->free_blocks = block;
}

uint8_t *pyr_spools_take(struct pyr_spools *spools)
{
    pthread_mutex_lock(&spools->mutex);
    uint8_t *const block = pop_block(spools);
    pthread_mutex_unlock(&spools->mutex);
    return block != NULL ? block : pyr_malloc(PYR_SPOOL_BLOCK_BYTES);
}

void pyr_spools_give(struct pyr_spools *spools, uint8_t *block)
{
    if (block == NULL)
        return;
    pthread_mutex_lock(&spools->mutex);
    push_block(spools, block);
    pthread_mutex_unlock(&spools->mutex);
}

enum pyr_result pyr_spool_new(struct pyr_spools *spools, const char *path,
                              struct pyr_spool **out_spool)
{
    struct pyr_spool *const spool = pyr_calloc(1, sizeof(*spool));
    if (spool == NULL || pthread_mutex_init(&spool->mutex, NULL) != 0)
    {
        pyr_free(spool);
        return PYR_NOMEM;
    }
    spool->all = spools;
    spool->path = path;
    spool->nrefs = 1;
    pthread_mutex_lock(&spools->mutex);
    spool->next = spools->first;
    spools->first = spool;
    pthread_mutex_unlock(&spools->mutex);
    *out_spool = spool;
    return PYR_OK;
}

/* Gives all blocks back. Under the spool's mutex, or from its last user. */
static void drop_blocks(struct pyr_spool *spool)
{
    struct pyr_spools *const all = spool->all;
    pthread_mutex_lock(&all->mutex);
    /* The next to be taken is the one touched last. */
    for (size_t i = spool->nblocks; i-- > 0;)
        push_block(all, spool->blocks[i]);
    all->nblocks -= spool->nblocks;
    spool->nblocks = 0;
    pthread_mutex_unlock(&all->mutex);
    spool->nkept = 0;
}

static void release(struct pyr_spool *spool)
{
    pthread_mutex_lock(&spool->all->mutex);
    const bool last = --spool->nrefs == 0;
    pthread_mutex_unlock(&spool->all->mutex);
    if (!last)
        return;
    drop_blocks(spool);
    spool->all->out->discard(spool->file);
    pthread_mutex_destroy(&spool->mutex);
    pyr_free(spool->blocks);
    pyr_free(spool->ntaken);
    pyr_free(spool);
}

void pyr_spool_free(struct pyr_spool *spool)
{
    if (spool == NULL)
        return;
    pthread_mutex_lock(&spool->all->mutex);
    struct pyr_spool **link = &spool->all->first;
    while (*link != spool)
        link = &(*link)->next;
    *link = spool->next;
    pthread_mutex_unlock(&spool->all->mutex);
    release(spool);
}

/* Adds an empty block. Under the spool's mutex. */
static bool add_block(struct pyr_spool *spool)
{
    struct pyr_spools *const all = spool->all;
    if (spool->nblocks == spool->nroom)
    {
        const size_t nroom =
            spool->nroom == 0 ? FIRST_BLOCKS : 2 * spool->nroom;
        uint8_t **const blocks =
            pyr_realloc(spool->blocks, nroom * sizeof(*blocks));
        if (blocks == NULL)
            return false;
        spool->blocks = blocks;
        spool->nroom = nroom;
    }
    uint8_t *const block = pyr_spools_take(all);
    if (block == NULL)
        return false;
    spool->blocks[spool->nblocks] = block;
    pthread_mutex_lock(&all->mutex);
    spool->nblocks++;
    all->nblocks++;
    pthread_mutex_unlock(&all->mutex);
    return true;
}

/* Under the spool's mutex; false when out of memory. */
static bool keep(struct pyr_spool *spool, const uint8_t *bytes, size_t nbytes)
{
    while (nbytes > 0)
    {
        if (spool->nkept == spool->nblocks * PYR_SPOOL_BLOCK_BYTES &&
            !add_block(spool))
            return false;
        const size_t at = spool->nkept % PYR_SPOOL_BLOCK_BYTES;
        const size_t room = PYR_SPOOL_BLOCK_BYTES - at;
        const size_t part = nbytes < room ? nbytes : room;
        memcpy(spool->blocks[spool->nkept / PYR_SPOOL_BLOCK_BYTES] + at, bytes,
               part);
        spool->nkept += part;
        bytes += part;
        nbytes -= part;
    }
    return true;
}

/* Moves what is in memory to the file. Under the spool's mutex. */
static enum pyr_result spill(struct pyr_spool *spool, struct pyr_error *err)
{
    const struct pyr_out *const out = spool->all->out;
    enum pyr_result result =
        spool->file != NULL
            ? PYR_OK
            : out->create(out->user, spool->path, &spool->file, err);
    for (size_t done = 0; done < spool->nkept && result == PYR_OK;
         done += PYR_SPOOL_BLOCK_BYTES)
    {
        const size_t left = spool->nkept - done;
        result = out->write(
            spool->file, spool->nfiled + done,
            spool->blocks[done / PYR_SPOOL_BLOCK_BYTES],
            left < PYR_SPOOL_BLOCK_BYTES ? left : PYR_SPOOL_BLOCK_BYTES, err);
    }
    if (result == PYR_OK)
    {
        spool->nfiled += spool->nkept;
        drop_blocks(spool);
    }
    else
        pyr_error_prefix(err, "temporary file %s", spool->path);
    return result;
}

/* The largest log, but not the one that grows, which is probably the next to be
 * read, unless it has most of the memory. NULL when there is enough memory, or
 * nothing to spill. A reference to it is taken. */
static struct pyr_spool *choose(struct pyr_spools *all,
                                struct pyr_spool *growing)
{
    struct pyr_spool *chosen = NULL;
    pthread_mutex_lock(&all->mutex);
    if (all->nblocks > all->max_blocks)
    {
        if (!growing->is_read && growing->nblocks > all->nblocks / 2)
            chosen = growing;
        else
            for (struct pyr_spool *spool = all->first; spool != NULL;
                 spool = spool->next)
                if (!spool->is_read && spool != growing &&
                    spool->nblocks > (chosen != NULL ? chosen->nblocks : 0))
                    chosen = spool;
        if (chosen == NULL && growing->nblocks > 0)
            chosen = growing;
    }
    if (chosen != NULL)
        chosen->nrefs++;
    pthread_mutex_unlock(&all->mutex);
    return chosen;
}

/* Sends logs to their files until the others fit into memory. */
static enum pyr_result make_room(struct pyr_spool *growing,
                                 struct pyr_error *err)
{
    struct pyr_spools *const all = growing->all;
    enum pyr_result result = PYR_OK;
    pthread_mutex_lock(&all->spilling);
    while (result == PYR_OK)
    {
        struct pyr_spool *const spool = choose(all, growing);
        if (spool == NULL)
            break;
        pthread_mutex_lock(&spool->mutex);
        result = spill(spool, err);
        pthread_mutex_unlock(&spool->mutex);
        release(spool);
    }
    pthread_mutex_unlock(&all->spilling);
    return result;
}

enum pyr_result pyr_spool_append_parts(struct pyr_spool *spool,
                                       const struct pyr_spool_part *parts,
                                       size_t nparts, uint64_t *out_at,
                                       struct pyr_error *err)
{
    struct pyr_spools *const all = spool->all;
    bool kept = true;
    pthread_mutex_lock(&spool->mutex);
    const size_t before = spool->nkept;
    const uint64_t at = spool->nfiled + before;
    for (size_t i = 0; i < nparts && kept; i++)
        kept = keep(spool, parts[i].bytes, parts[i].nbytes);
    if (!kept) /* nothing is added */
        spool->nkept = before;
    pthread_mutex_unlock(&spool->mutex);
    if (!kept)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    pthread_mutex_lock(&all->mutex);
    const bool full = all->nblocks > all->max_blocks;
    pthread_mutex_unlock(&all->mutex);
    const enum pyr_result result = full ? make_room(spool, err) : PYR_OK;
    if (result == PYR_OK)
        *out_at = at;
    return result;
}

enum pyr_result pyr_spool_append(struct pyr_spool *spool, const uint8_t *bytes,
                                 size_t nbytes, uint64_t *out_at,
                                 struct pyr_error *err)
{
    const struct pyr_spool_part part = {bytes, nbytes};
    return pyr_spool_append_parts(spool, &part, 1, out_at, err);
}

/* Under the spool's mutex. */
static enum pyr_result read_both(struct pyr_spool *spool, uint64_t at,
                                 uint8_t *bytes, size_t nbytes,
                                 struct pyr_error *err)
{
    while (nbytes > 0)
    {
        size_t part = nbytes;
        if (at < spool->nfiled)
        {
            if (part > spool->nfiled - at)
                part = (size_t)(spool->nfiled - at);
            const enum pyr_result result =
                spool->all->out->read(spool->file, at, bytes, part, err);
            if (result != PYR_OK)
            {
                pyr_error_prefix(err, "temporary file %s", spool->path);
                return result;
            }
        }
        else
        {
            const size_t kept_at = (size_t)(at - spool->nfiled);
            const size_t block_at = kept_at % PYR_SPOOL_BLOCK_BYTES;
            if (part > PYR_SPOOL_BLOCK_BYTES - block_at)
                part = PYR_SPOOL_BLOCK_BYTES - block_at;
            memcpy(bytes,
                   spool->blocks[kept_at / PYR_SPOOL_BLOCK_BYTES] + block_at,
                   part);
        }
        at += part;
        bytes += part;
        nbytes -= part;
    }
    return PYR_OK;
}

/* Gives back what has been taken as a whole: the last piece of the file stays.
 * Under the spool's mutex. */
static void give_back(struct pyr_spool *spool, uint64_t at, size_t nbytes)
{
    const struct pyr_out *const out = spool->all->out;
    uint64_t end = at + nbytes;
    if (end > spool->nfiled)
        end = spool->nfiled;
    if (out->forget == NULL || at >= end)
        return;
    if (spool->ntaken == NULL)
        spool->ntaken =
            pyr_calloc((size_t)(spool->nfiled / PYR_SPOOL_GIVEN_BYTES) + 1,
                       sizeof(*spool->ntaken));
    while (at < end && spool->ntaken != NULL)
    {
        const uint64_t begin = at - at % PYR_SPOOL_GIVEN_BYTES;
        const uint64_t left = begin + PYR_SPOOL_GIVEN_BYTES - at;
        const uint64_t part = end - at < left ? end - at : left;
        uint32_t *const ntaken = &spool->ntaken[begin / PYR_SPOOL_GIVEN_BYTES];
        *ntaken += (uint32_t)part;
        if (*ntaken == PYR_SPOOL_GIVEN_BYTES)
            out->forget(spool->file, begin, PYR_SPOOL_GIVEN_BYTES);
        at += part;
    }
}

static void note_reading(struct pyr_spool *spool)
{
    if (spool->is_read) /* written here only */
        return;
    pthread_mutex_lock(&spool->all->mutex);
    spool->is_read = true;
    pthread_mutex_unlock(&spool->all->mutex);
}

enum pyr_result pyr_spool_take(struct pyr_spool *spool, uint64_t at,
                               uint8_t *bytes, size_t nbytes,
                               struct pyr_error *err)
{
    note_reading(spool);
    pthread_mutex_lock(&spool->mutex);
    const enum pyr_result result = read_both(spool, at, bytes, nbytes, err);
    if (result == PYR_OK)
        give_back(spool, at, nbytes);
    pthread_mutex_unlock(&spool->mutex);
    return result;
}

enum pyr_result pyr_spool_read(struct pyr_spool *spool, uint64_t at,
                               uint8_t *bytes, size_t nbytes,
                               struct pyr_error *err)
{
    note_reading(spool);
    pthread_mutex_lock(&spool->mutex);
    const enum pyr_result result = read_both(spool, at, bytes, nbytes, err);
    pthread_mutex_unlock(&spool->mutex);
    return result;
}
