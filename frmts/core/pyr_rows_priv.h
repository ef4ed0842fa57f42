/* SPDX-License-Identifier: MIT */
/* What the files of the rows engine share. */
#ifndef PYR_ROWS_PRIV_H
#define PYR_ROWS_PRIV_H

#include "pyr_rows.h"

#include <pthread.h>

/* Bytes of a strip beyond which there is only one of the image. */
#ifndef PYR_ROWS_MAX_DOUBLE_BYTES
#define PYR_ROWS_MAX_DOUBLE_BYTES ((size_t)40 << 20)
#endif

/* Bytes that a block may have, if it has more than one column of tiles: so many
 * that malloc maps them, and what is not touched is not there. */
#ifndef PYR_ROWS_BLOCK_BYTES
#define PYR_ROWS_BLOCK_BYTES ((size_t)64 << 20)
#endif

/* In holds[]: which rows of a column of tiles of a strip hold data. The memory
 * of the others is undefined: they have the fill value. */
#define PYR_HOLDS_BODY 1u
#define PYR_HOLDS_HISTORY 2u

/* Some columns of tiles of a strip: pixels[history + tile height][row], NULL as
 * long as none of them holds data. */
struct pyr_rows_block
{
    uint8_t *pixels;
    uint8_t *mask;
};

/* A row of tiles (the body), under rows of those above it (the history) that
 * the next level still needs. */
struct pyr_rows_strip
{
    struct pyr_rows_block *blocks; /* [nblocks] */
    uint8_t *holds;                /* [ncols] */
};

struct pyr_rows_level
{
    struct pyr_rows_size size;
    uint32_t ncols; /* of tiles */
    uint32_t nrows;
    uint32_t history;    /* rows */
    uint32_t block_cols; /* tiles of a block; of the last, there may be less */
    uint32_t nblocks;
    struct pyr_rows_strip strips[2]; /* that follow each other */
    bool doubled; /* both have blocks; else the one hands them to the other */
    unsigned current; /* strip */
    uint32_t row;     /* of tiles, of the current strip */
    uint32_t ready;   /* rows of pixels that are there, from the top */
    bool encoded;     /* the current strip is, or is being */
};

/* Encodes a tile of a level's strip, or makes rows first .. end - 1 of a column
 * of tiles of the next level. */
struct pyr_rows_work
{
    bool encode;
    uint32_t level;
    uint32_t col;
    uint32_t first;
    uint32_t end;
};

/* Sums of a band of a tile. */
struct pyr_rows_sums
{
    uint64_t count;
    double min;
    double max;
    double mean;
    double squares; /* of distances from the mean */
};

struct pyr_rows_worker
{
    /* Of the image, and of overviews where theirs is another. */
    struct pyr_tile_encoder *encoders[2];
    struct pyr_tile_encoder *masks;
    struct pyr_kernel *kernels[2]; /* of the first overview, of others */
    struct pyr_kernel *teller;     /* what counts for statistics */
    uint8_t *gathered;
    size_t gathered_bytes;
    double *values; /* [tile width] */
    uint8_t *weights;
};

struct pyr_rows
{
    const struct pyr_rows_options *options;
    size_t pixel_bytes;
    uint32_t tile_width_px;
    uint32_t tile_height_px;
    uint8_t *fill_row; /* pixels of the fill value, [tile_width_px] */
    bool fill_is_nan;

    struct pyr_kernel_rule rules[2];
    struct pyr_kernel_rule teller_rule;
    struct pyr_rows_level *levels;
    struct pyr_rows_worker *workers;
    struct pyr_rows_sums *sums;  /* [ncols][bands] */
    struct pyr_rows_sums *total; /* [bands] */

    bool reads; /* the job reads the next row of tiles */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock: */
    struct pyr_rows_work *works;
    size_t nworks;
    size_t capacity;
    size_t next;
    size_t ndone;
    bool finished; /* nothing is left to do for the rows that are there */
    enum pyr_result result;
    struct pyr_error err;
};

/* ---- Strips (pyr_rows_strip.c) ---- */

struct pyr_rows_strip *pyr_rows_current(struct pyr_rows_level *level);
size_t pyr_rows_block_row_px(const struct pyr_rows *rows,
                             const struct pyr_rows_level *level,
                             uint32_t block);

/* Memory of pixel (px_x of its column of tiles, row of the strip, from the
 * first of the history on), whose block must exist. */
uint8_t *pyr_rows_pixel(const struct pyr_rows *rows,
                        const struct pyr_rows_level *level,
                        const struct pyr_rows_strip *strip, uint32_t px_x,
                        uint32_t strip_row);
uint8_t *pyr_rows_mask(const struct pyr_rows *rows,
                       const struct pyr_rows_level *level,
                       const struct pyr_rows_strip *strip, uint32_t px_x,
                       uint32_t strip_row);

/* Makes the block of a column of tiles exist. False when out of memory. */
bool pyr_rows_need_block(const struct pyr_rows *rows,
                         const struct pyr_rows_level *level,
                         struct pyr_rows_strip *strip, uint32_t col);

/* Gives rows of a column of tiles the fill value. */
void pyr_rows_fill(const struct pyr_rows *rows,
                   const struct pyr_rows_level *level,
                   const struct pyr_rows_strip *strip, uint32_t col,
                   uint32_t strip_row, uint32_t nrows);

bool pyr_rows_is_fill(const struct pyr_rows *rows, const uint8_t *pixels,
                      size_t width_px);

/* Goes on to the next strip, with a history of the current one. False when out
 * of memory. */
bool pyr_rows_advance(const struct pyr_rows *rows,
                      struct pyr_rows_level *level);

enum pyr_result pyr_rows_strips_init(struct pyr_rows *rows,
                                     struct pyr_error *err);
void pyr_rows_strips_clear(struct pyr_rows *rows);

/* Reads a row of tiles of the image into a strip. */
enum pyr_result pyr_rows_read(struct pyr_rows *rows,
                              struct pyr_rows_strip *strip, uint32_t tile_row,
                              struct pyr_error *err);

/* ---- Work (pyr_rows_work.c, pyr_rows_stats.c) ---- */

/* Whether something of what rows first .. end - 1 of a column of tiles of the
 * next level are made of holds data. *out_all: all of it, in one block. */
bool pyr_rows_source_holds(const struct pyr_rows *rows, uint32_t level,
                           uint32_t col, uint32_t first, uint32_t end,
                           bool *out_all);

enum pyr_result pyr_rows_do(struct pyr_rows *rows,
                            struct pyr_rows_worker *worker,
                            const struct pyr_rows_work *work,
                            struct pyr_error *err);
void pyr_rows_worker_clear(struct pyr_rows_worker *worker);

/* Sums up a tile of the image. PYR_NOMEM. */
enum pyr_result pyr_rows_sum(struct pyr_rows *rows,
                             struct pyr_rows_worker *worker, uint32_t col);
/* Adds up what was summed of the current row of tiles, and the others of it. */
void pyr_rows_total(struct pyr_rows *rows);
/* Writes the statistics. */
void pyr_rows_tell(const struct pyr_rows *rows);

/* ---- The plan (pyr_rows_plan.c) ---- */

/* How many rows of the next level can be made of the first `ready` of this one.
 */
uint32_t pyr_rows_possible(const struct pyr_rows *rows, uint32_t level,
                           uint32_t ready);

/* Takes what was planned as done, and plans what can be done now; finished when
 * that is nothing. Under the lock. PYR_NOMEM. */
enum pyr_result pyr_rows_plan(struct pyr_rows *rows);

#endif
