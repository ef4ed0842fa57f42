/* SPDX-License-Identifier: MIT */
/* Encoded tiles read together, as few ranges. */
#include "pyr_batch.h"

#include "pyr_alloc.h"

bool pyr_batch_init(struct pyr_batch *batch, size_t capacity)
{
    const struct pyr_batch fresh = {
        .extents = pyr_calloc(capacity, sizeof(*batch->extents)),
        .buffers = pyr_calloc(capacity, sizeof(*batch->buffers)),
        .parts = pyr_calloc(capacity, sizeof(*batch->parts))};
    *batch = fresh;
    return batch->extents != NULL && batch->buffers != NULL &&
           batch->parts != NULL;
}

void pyr_batch_clear(struct pyr_batch *batch)
{
    pyr_free(batch->bytes);
    pyr_free(batch->extents);
    pyr_free(batch->buffers);
    pyr_free(batch->parts);
}

/* The part of this visit, which is the last one or a new one. */
static struct pyr_part *part_for(struct pyr_batch *batch,
                                 struct pyr_visit *visit)
{
    if (batch->nparts > 0 && batch->parts[batch->nparts - 1].visit == visit)
        return &batch->parts[batch->nparts - 1];
    struct pyr_part *const part = &batch->parts[batch->nparts++];
    part->visit = visit;
    part->first_run = batch->nruns;
    part->nruns = 0;
    return part;
}

/* Adds a tile to the last run of its part, or opens a new one. Returns the
 * bytes that the batch grows by. */
static size_t add_item(struct pyr_batch *batch, struct pyr_item *item)
{
    const struct pyr_extent tile = item->want->extent;
    const uint64_t tile_end = tile.offset_bytes + tile.nbytes;
    struct pyr_part *const part = part_for(batch, item->visit);
    if (part->nruns > 0)
    {
        struct pyr_extent *const run = &batch->extents[batch->nruns - 1];
        const uint64_t run_end = run->offset_bytes + run->nbytes;
        item->run = batch->nruns - 1;
        if (tile_end <= run_end)
            return 0;
        if (tile.offset_bytes <= run_end + PYR_MERGE_GAP_BYTES)
        {
            run->nbytes = tile_end - run->offset_bytes;
            return (size_t)(tile_end - run_end);
        }
    }
    item->run = batch->nruns;
    batch->extents[batch->nruns++] = tile;
    part->nruns++;
    return (size_t)tile.nbytes;
}

enum pyr_result pyr_batch_plan(struct pyr_batch *batch, struct pyr_item *items,
                               size_t first, size_t nitems)
{
    size_t total = 0;
    size_t end = first;
    batch->first_item = first;
    batch->nruns = 0;
    batch->nparts = 0;
    while (end < nitems &&
           (end == first ||
            total + items[end].want->extent.nbytes <= PYR_BATCH_BYTES))
        total += add_item(batch, &items[end++]);
    batch->end_item = end;

    if (total > batch->nbytes)
    {
        pyr_free(batch->bytes);
        batch->nbytes = 0;
        batch->bytes = pyr_malloc(total);
        if (batch->bytes == NULL)
            return PYR_NOMEM;
        batch->nbytes = total;
    }
    uint8_t *next = batch->bytes;
    for (size_t run = 0; run < batch->nruns; run++)
    {
        batch->buffers[run] = next;
        next += batch->extents[run].nbytes;
    }
    return PYR_OK;
}

enum pyr_result pyr_batch_read(const struct pyr_batch *batch,
                               const struct pyr_part *part,
                               const struct pyr_io *io, struct pyr_error *err)
{
    return io->read(part->visit->file, part->nruns,
                    batch->extents + part->first_run,
                    batch->buffers + part->first_run, err);
}

const uint8_t *pyr_batch_tile(const struct pyr_batch *batch,
                              const struct pyr_item *item)
{
    return batch->buffers[item->run] + (item->want->extent.offset_bytes -
                                        batch->extents[item->run].offset_bytes);
}
