/* SPDX-License-Identifier: MIT */
/* Internal to the window reader: encoded tiles read together, as few ranges. */
#ifndef PYR_BATCH_H
#define PYR_BATCH_H

#include "pyr_fetch.h"

/* A tile on its way: who wants it, and the container and run it is read from.
 */
struct pyr_item
{
    struct pyr_want *want;
    struct pyr_visit *visit;
    size_t run;
};

/* The runs of one container in a batch. */
struct pyr_part
{
    struct pyr_visit *visit;
    size_t first_run;
    size_t nruns;
};

/* Neighbouring tiles of a container make a run, which is read as one range. */
struct pyr_batch
{
    uint8_t *bytes; /* the encoded bytes of all runs */
    size_t nbytes;  /* allocated */
    size_t nruns;
    struct pyr_extent *extents; /* extents[nruns] in the container */
    uint8_t **buffers;          /* buffers[nruns] into bytes */
    size_t nparts;
    struct pyr_part *parts;
    size_t first_item; /* holds items first_item .. end_item - 1 */
    size_t end_item;
};

/* Room for batches of at most capacity tiles. On failure, false, the batch may
 * only be cleared. */
bool pyr_batch_init(struct pyr_batch *batch, size_t capacity);
void pyr_batch_clear(struct pyr_batch *batch);

/* Plans the batch of items[first] and those that follow, which are sorted by
 * visit and offset, up to nitems and PYR_BATCH_BYTES. PYR_NOMEM. */
enum pyr_result pyr_batch_plan(struct pyr_batch *batch, struct pyr_item *items,
                               size_t first, size_t nitems) PYR_MUST_CHECK;

/* Reads the runs of one part in one call. */
enum pyr_result pyr_batch_read(const struct pyr_batch *batch,
                               const struct pyr_part *part,
                               const struct pyr_io *io,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* The encoded bytes of an item of the batch, once its part is read. */
const uint8_t *pyr_batch_tile(const struct pyr_batch *batch,
                              const struct pyr_item *item);

#endif
