/* SPDX-License-Identifier: MIT */
/* One container open for reading, with the index of that very file. */
#define _POSIX_C_SOURCE 200809L

#include "pyr_fetch.h"

#include "pyr_alloc.h"

#include <time.h>

struct pyr_cache_key pyr_reader_key(const struct pyr_reader *reader,
                                    uint32_t kind, uint32_t level, uint32_t col,
                                    uint32_t row)
{
    const struct pyr_cache_key key = {reader->owner, kind, level,
                                      ((uint64_t)row << 32) | col};
    return key;
}

void pyr_wait_before_retry(unsigned attempt)
{
    const long ms = attempt < 6 ? 1L << attempt : 64L;
    const struct timespec pause = {0, ms * 1000000L};
    (void)nanosleep(&pause, NULL);
}

void pyr_visit_init(struct pyr_visit *visit, const struct pyr_reader *reader,
                    uint32_t level, uint32_t tile_col, uint32_t tile_row)
{
    const struct pyr_source_level *const at =
        &reader->options.source->levels[level];
    const struct pyr_visit fresh = {
        .level = level,
        .container_col = tile_col / at->container_width_tiles,
        .container_row = tile_row / at->container_height_tiles};
    *visit = fresh;
}

static struct pyr_cache_key index_key(const struct pyr_visit *visit,
                                      const struct pyr_reader *reader)
{
    return pyr_reader_key(reader, PYR_KIND_INDEX, visit->level,
                          visit->container_col, visit->container_row);
}

/* Remembers that there is no such container. */
static void note_absent(struct pyr_visit *visit, struct pyr_reader *reader,
                        size_t cache_bytes)
{
    const struct pyr_cache_key key = index_key(visit, reader);
    struct pyr_cache_block *const none = pyr_cache_block_new(0, 0);
    if (none != NULL)
        pyr_cache_put(reader->options.cache, &key, none, cache_bytes);
    pyr_cache_block_release(none);
    visit->absent = true;
}

static enum pyr_result read_index(struct pyr_visit *visit,
                                  struct pyr_reader *reader, size_t cache_bytes)
{
    const struct pyr_extent where =
        reader->options.source->levels[visit->level].index;
    const uint64_t file_nbytes = reader->options.io->size(visit->file);
    if (file_nbytes < where.offset_bytes ||
        file_nbytes - where.offset_bytes < where.nbytes)
        return pyr_fail(
            &visit->err, PYR_CORRUPT,
            "file has %llu bytes, its index ends at byte %llu",
            (unsigned long long)file_nbytes,
            (unsigned long long)(where.offset_bytes + where.nbytes));

    struct pyr_cache_block *const block =
        pyr_cache_block_new((size_t)where.nbytes, visit->stamp);
    if (block == NULL)
        return pyr_fail(&visit->err, PYR_NOMEM, "out of memory for its index");
    uint8_t *const bytes = pyr_cache_block_bytes(block);
    const enum pyr_result result =
        reader->options.io->read(visit->file, 1, &where, &bytes, &visit->err);
    if (result != PYR_OK)
    {
        pyr_cache_block_release(block);
        return result;
    }
    const struct pyr_cache_key key = index_key(visit, reader);
    pyr_cache_put(reader->options.cache, &key, block, cache_bytes);
    visit->index = block;
    return PYR_OK;
}

/* A stamp like no other, for a file that cannot be told from another version of
 * it: what is read through this opening belongs together, and to nothing else.
 */
static uint64_t new_stamp(const struct pyr_reader *reader)
{
    return ~pyr_cache_new_owner(reader->options.cache);
}

static enum pyr_result open_file(struct pyr_visit *visit,
                                 struct pyr_reader *reader)
{
    const struct pyr_source *const source = reader->options.source;
    const struct pyr_io *const io = reader->options.io;
    enum pyr_result result =
        source->path(source->user, visit->level, visit->container_col,
                     visit->container_row, &visit->path, &visit->err);
    if (result == PYR_OK)
        result = io->open(io->user, visit->path, &visit->file, &visit->err);
    if (result != PYR_OK)
        return result;
    visit->stamp = io->stamp(visit->file);
    if (visit->stamp == 0)
        visit->stamp = new_stamp(reader);
    return PYR_OK;
}

void pyr_visit_open(struct pyr_visit *visit, struct pyr_reader *reader,
                    size_t cache_bytes, bool may_skip)
{
    const struct pyr_cache_key key = index_key(visit, reader);
    struct pyr_cache_block *cached = pyr_cache_get(reader->options.cache, &key);

    visit->result = PYR_OK;
    visit->err.text[0] = '\0';
    if (may_skip && cached != NULL && pyr_cache_block_size(cached) == 0)
    {
        visit->absent = true;
        goto done;
    }
    visit->result = open_file(visit, reader);
    if (visit->result == PYR_NOT_FOUND)
    {
        visit->result = PYR_OK;
        note_absent(visit, reader, cache_bytes);
        goto done;
    }
    if (visit->result != PYR_OK)
        goto done;

    if (cached != NULL && pyr_cache_block_size(cached) > 0 &&
        pyr_cache_block_stamp(cached) == visit->stamp)
    {
        visit->index = cached;
        cached = NULL;
    }
    else
        visit->result = read_index(visit, reader, cache_bytes);

done:
    pyr_cache_block_release(cached);
    if (visit->result != PYR_OK)
        pyr_error_prefix(&visit->err, "slab %s of level %s",
                         visit->path != NULL ? visit->path : "?",
                         reader->options.source->levels[visit->level].id);
}

enum pyr_result pyr_visit_locate(struct pyr_visit *visit,
                                 const struct pyr_reader *reader,
                                 uint32_t tile_col, uint32_t tile_row,
                                 struct pyr_extent *out_extent,
                                 struct pyr_error *err)
{
    const struct pyr_source *const source = reader->options.source;
    const enum pyr_result result =
        source->locate(source->user, visit->level, tile_col, tile_row,
                       pyr_cache_block_bytes(visit->index),
                       reader->options.io->size(visit->file), out_extent, err);
    if (result != PYR_OK)
        pyr_error_prefix(err, "slab %s of level %s: tile %u,%u", visit->path,
                         source->levels[visit->level].id, tile_col, tile_row);
    return result;
}

bool pyr_visit_unchanged(struct pyr_visit *visit, struct pyr_reader *reader)
{
    if (visit->file == NULL || reader->options.io->unchanged(visit->file))
        return true;
    const struct pyr_cache_key key = index_key(visit, reader);
    pyr_cache_remove(reader->options.cache, &key);
    return false;
}

void pyr_visit_close(struct pyr_visit *visit, struct pyr_reader *reader)
{
    if (visit->file != NULL)
        reader->options.io->close(visit->file);
    pyr_free(visit->path);
    visit->file = NULL;
    visit->path = NULL;
    pyr_cache_block_release(visit->index);
    visit->index = NULL;
    visit->absent = false;
}
