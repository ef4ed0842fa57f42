/* SPDX-License-Identifier: MIT */
/* What the files of the draft share. */
#ifndef COGX_DRAFT_PRIV_H
#define COGX_DRAFT_PRIV_H

#include "cogx_draft.h"
#include "pyr_space.h"
#include "pyr_store.h"

#include <pthread.h>

/* Planes of a tile in the file, by enum pyr_plane. */
#define COGX_DRAFT_PLANES 2u

enum cogx_draft_state
{
    COGX_DRAFT_NOTHING, /* was written */
    COGX_DRAFT_OPEN,    /* in blocks; some pixels may be missing */
    COGX_DRAFT_READY,   /* in blocks; all pixels are there */
    COGX_DRAFT_ENCODED
};

struct cogx_draft_tile
{
    struct cogx_cover *cover; /* of what was written since it was encoded; NULL:
                               * not known, nothing */
    uint8_t *bytes;           /* encoded, in memory; NULL: in the file */
    uint64_t offset_bytes;    /* there; the planes follow each other */
    uint32_t nbytes[COGX_DRAFT_PLANES];
    enum cogx_draft_state state;
    bool touched; /* since it was put into the queue */
};

/* Bands that share tiles of one store, each a plane of them. */
struct cogx_draft_lane
{
    uint32_t first;
    uint32_t bands;
    struct pyr_store *store;
};

/* Pixels of a tile as its encoders have them. */
struct cogx_draft_pixels
{
    uint8_t *image; /* [side][side][image_bands] */
    uint8_t *mask;  /* [side][side]; NULL without */
};

struct cogx_draft_worker
{
    struct pyr_tile_encoder *encoders[COGX_DRAFT_PLANES];
    struct pyr_tile_decoder *decoders[COGX_DRAFT_PLANES];
    struct cogx_draft_pixels pixels;
    uint8_t *bytes; /* bytes[room], encoded */
    size_t room;
};

/* Pixels of a tile that was decoded, for the next block of it. */
struct cogx_draft_kept
{
    uint64_t number; /* of the tile */
    uint64_t used;   /* a count of uses */
    struct cogx_draft_pixels pixels;
};

/* The blocks of a tile, in memory. */
struct cogx_draft_hold
{
    const struct pyr_store_tile **blocks; /* [lane][block]; NULL: not there */
};

/* Tiles that wait to be encoded, in the order in which they became complete;
 * those that are not any more are still there. */
struct cogx_draft_queue
{
    uint64_t *numbers; /* a ring: numbers[room] */
    size_t first;
    size_t count;
    size_t room;
};

struct cogx_draft
{
    struct cogx_draft_options options;
    uint32_t tiles_wide;
    uint32_t tiles_high;
    uint32_t blocks_across; /* of a tile */
    uint32_t blocks_down;
    size_t plane_bytes; /* of a block */
    struct pyr_space *space;
    uint32_t lane_bands;
    uint32_t nlanes;
    struct cogx_draft_lane *lanes;
    size_t lane_memory_bytes;
    struct cogx_draft_tile *tiles;
    struct cogx_draft_queue queue;

    bool asked; /* for the format */
    bool has_format;
    struct cogx_draft_format format;
    uint32_t image_bands;
    uint64_t nencoded; /* tiles */
    unsigned nwriting; /* calls of begin without end */
    bool busy;         /* making room: what settle writes makes none */

    struct cogx_draft_worker *workers; /* [nthreads] */
    struct cogx_draft_kept *kept;      /* [nkept] */
    size_t nkept;
    size_t most_kept;
    uint64_t uses;
    pthread_mutex_t mutex; /* over what follows */
    size_t bytes_in_memory;
};

/* ---- Places (cogx_draft.c) ---- */

/* Of a block; of a tile, within the image. */
uint64_t cogx_draft_number(const struct cogx_draft *draft, uint32_t block_col,
                           uint32_t block_row);
struct cogx_rect cogx_draft_tile_rect(const struct cogx_draft *draft,
                                      uint64_t number);

/* Whether tiles are encoded before they are copied; else then. */
bool cogx_draft_encodes(const struct cogx_draft *draft);

/* ---- Blocks (cogx_draft_lane.c) ---- */

enum pyr_result cogx_draft_lanes_init(struct cogx_draft *draft,
                                      struct pyr_error *err);
void cogx_draft_lanes_clear(struct cogx_draft *draft);

/* Whether the next block of a band would send another one to the file. */
bool cogx_draft_lane_is_full(const struct cogx_draft *draft, uint32_t band);

enum pyr_result cogx_draft_put_block(struct cogx_draft *draft, uint32_t band,
                                     uint32_t block_col, uint32_t block_row,
                                     const uint8_t *block, const uint8_t *fill,
                                     struct pyr_error *err) PYR_MUST_CHECK;
/* PYR_NOT_FOUND where there is none. */
enum pyr_result cogx_draft_get_block(struct cogx_draft *draft, uint32_t band,
                                     uint32_t block_col, uint32_t block_row,
                                     uint8_t *block,
                                     struct pyr_error *err) PYR_MUST_CHECK;

/* Brings a tile's blocks into memory, where they stay until they are released,
 * or dropped for good. */
enum pyr_result cogx_draft_hold(struct cogx_draft *draft, uint64_t number,
                                struct cogx_draft_hold *out_hold,
                                struct pyr_error *err) PYR_MUST_CHECK;
void cogx_draft_release(struct cogx_draft *draft, struct cogx_draft_hold *hold,
                        bool drop);

/* Makes pixels of blocks that are held, with fill for what is not there. Safe
 * from many threads. */
void cogx_draft_gather(const struct cogx_draft *draft, uint64_t number,
                       const struct cogx_draft_hold *hold, const uint8_t *fill,
                       const struct cogx_draft_pixels *pixels);

/* Puts pixels into blocks: all of the tile. */
enum pyr_result cogx_draft_scatter(struct cogx_draft *draft, uint64_t number,
                                   const struct cogx_draft_pixels *pixels,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* Copies the samples of a band, of a block at (px_x, px_y) of the tile. */
void cogx_draft_pick(const struct cogx_draft *draft, uint32_t band,
                     uint32_t px_x, uint32_t px_y,
                     const struct cogx_draft_pixels *pixels, uint8_t *block);

/* ---- Encoded tiles (cogx_draft_code.c) ---- */

/* Does items 0 .. nitems - 1 on all threads. */
void cogx_draft_run(struct cogx_draft *draft,
                    void (*run)(void *user, struct cogx_draft_worker *worker,
                                size_t item),
                    void *user, size_t nitems);

/* Tells what went wrong with a tile. Returns result. */
enum pyr_result cogx_draft_fail(const struct cogx_draft *draft, uint64_t number,
                                enum pyr_result result,
                                const struct pyr_error *why,
                                struct pyr_error *err);

enum pyr_result cogx_draft_need_worker(const struct cogx_draft *draft,
                                       struct cogx_draft_worker *worker,
                                       struct pyr_error *err) PYR_MUST_CHECK;
void cogx_draft_worker_clear(struct cogx_draft_worker *worker);

bool cogx_draft_pixels_init(const struct cogx_draft *draft,
                            struct cogx_draft_pixels *pixels);
void cogx_draft_pixels_clear(struct cogx_draft_pixels *pixels);

/* Encodes numbers[count], which are in blocks; cogx_draft_batch is how many
 * at once. Those that could be are, also on failure. */
size_t cogx_draft_batch(const struct cogx_draft *draft);
enum pyr_result cogx_draft_encode(struct cogx_draft *draft,
                                  const uint64_t *numbers, size_t count,
                                  const uint8_t *fill,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* Encodes blocks that are held into the worker's bytes, and says how many each
 * plane has. Safe from many threads, each with its worker. */
enum pyr_result
cogx_draft_make(struct cogx_draft *draft, struct cogx_draft_worker *worker,
                uint64_t number, const struct cogx_draft_hold *hold,
                const uint8_t *fill, uint32_t out_nbytes[COGX_DRAFT_PLANES],
                struct pyr_error *err) PYR_MUST_CHECK;

/* Decodes a tile. Safe from many threads, each with its worker. */
enum pyr_result cogx_draft_decode(struct cogx_draft *draft,
                                  struct cogx_draft_worker *worker,
                                  uint64_t number,
                                  const struct cogx_draft_pixels *pixels,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* Pixels of an encoded tile, which are kept for the next call. */
enum pyr_result cogx_draft_decoded(struct cogx_draft *draft, uint64_t number,
                                   const struct cogx_draft_pixels **out_pixels,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* Forgets what is encoded of a tile. */
void cogx_draft_forget(struct cogx_draft *draft, uint64_t number);

#endif
