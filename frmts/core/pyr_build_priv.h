/* SPDX-License-Identifier: MIT */
/* What the parts of the pixel engine share: its state, chunks and tiles. */
#ifndef PYR_BUILD_PRIV_H
#define PYR_BUILD_PRIV_H

#include "pyr_build.h"

#include <pthread.h>
#include <stdatomic.h>

/* Pixels of the first level that are read at once, in bytes, but for 2 x 2
 * tiles that take more. Two such chunks are in memory. Fewer bytes stay closer
 * to the processor: 1 MiB takes a tenth less time where reading is cheap. But
 * each read has a price of its own: a VRT looks at all of its files. */
#ifndef PYR_CHUNK_BYTES
#define PYR_CHUNK_BYTES ((size_t)4 << 20)
#endif

/* And so many tiles, if they are small: each above them takes a record. */
#define PYR_CHUNK_TILES 1024u

/* Steps of the walk that are looked ahead. */
#define PYR_MAX_STEPS 1024u

/* A rectangle of tiles of a level; empty when width or height is 0. */
struct pyr_rect
{
    uint32_t col;
    uint32_t row;
    uint32_t width;
    uint32_t height;
};

/* The tiles above these, so many levels up. */
struct pyr_grid_limits pyr_build_limits(const struct pyr_grid_limits *limits,
                                        uint32_t times);

static inline struct pyr_grid_limits
pyr_rect_limits(const struct pyr_rect *rect)
{
    const struct pyr_grid_limits limits = {rect->col, rect->row,
                                           rect->col + rect->width - 1,
                                           rect->row + rect->height - 1};
    return limits;
}

/* What the walk along the tree of containers meets. */
enum pyr_step_kind
{
    PYR_STEP_CHUNK, /* tiles of the first level to read */
    PYR_STEP_SKIP,  /* tiles of the first level that need no look */
    PYR_STEP_END,   /* a container whose tiles have all been met */
    PYR_STEP_DONE
};

struct pyr_step
{
    enum pyr_step_kind kind;
    struct pyr_rect rect; /* CHUNK and SKIP: tiles of the first level */
    uint32_t level;       /* SKIP and END: of the container, index */
    uint32_t col;         /* END: container */
    uint32_t row;
    bool wanted; /* END: it is to be written */
};

/* A container on the way down the tree. */
struct pyr_frame
{
    uint32_t level;
    uint32_t col;
    uint32_t row;
    unsigned next_child;  /* 0 .. 4 */
    bool needed;          /* it or one above is still to be written */
    struct pyr_rect left; /* tiles of the first level still to be read */
    uint32_t next_col;    /* in the rows that are read now */
    bool started;
};

#define PYR_WANT_CACHE 64u

struct pyr_walk
{
    const struct pyr_build_options *options;
    uint32_t leaf_level; /* containers of this level are read as one chunk */
    uint32_t
        chunk_cols; /* or, for leaf_level 0, in parts of so many tiles at */
    uint32_t chunk_rows; /* most, both even */
    uint32_t root_col;   /* the next root container */
    uint32_t root_row;
    struct pyr_grid_limits roots;
    size_t depth;
    struct pyr_frame frames[PYR_MAX_LEVELS + 1];
    struct
    {
        bool known;
        bool wanted;
        uint32_t level;
        uint32_t col;
        uint32_t row;
    } wants[PYR_WANT_CACHE];
};

void pyr_walk_init(struct pyr_walk *walk,
                   const struct pyr_build_options *options);

/* The next step; PYR_STEP_DONE at the end, again and again. */
struct pyr_step pyr_walk_next(struct pyr_walk *walk);

/* Whether the container of a tile is still to be written. */
bool pyr_walk_wants_tile(struct pyr_walk *walk, uint32_t level, uint32_t col,
                         uint32_t row);

/* For the tiles above those of two chunks. */
#define PYR_PENDING_BUCKETS 512u

/* A tile above the first level, of which quarters arrive. */
struct pyr_pending
{
    uint32_t level;
    uint32_t col;
    uint32_t row;
    unsigned nvisited; /* of its up to four tiles below, with data or not */
    unsigned nexpected;
    uint8_t *pixels; /* [height][width][bands], then mask[height][width]; NULL
                      * as long as no tile below has data */
    /* With pixels: */
    uint8_t *mask;        /* NULL where none is tracked */
    bool fresh;           /* the background has no such tile */
    bool filled;          /* all pixels are set, from the background */
    atomic_uint quarters; /* bit of each that was reduced into it */
    struct pyr_pending *next;
};

/* A tile to encode and to reduce. */
struct pyr_piece
{
    uint32_t level;
    uint32_t col;
    uint32_t row;
    bool put;
    const uint8_t *pixels;
    size_t row_bytes;
    const uint8_t *mask; /* NULL where none is tracked */
    size_t mask_row_bytes;
    bool fresh;                /* the background has no such tile */
    struct pyr_pending *above; /* NULL at the top */
    struct pyr_pending *own;   /* whose pixels these are; NULL: a chunk's */
};

/* Pixels of the first level in memory. */
struct pyr_chunk
{
    struct pyr_rect rect;
    uint8_t *pixels;
    uint8_t *valid;
    size_t capacity_px; /* of both */
    enum pyr_coverage coverage;
};

enum pyr_work_kind
{
    PYR_WORK_READ,
    PYR_WORK_PIECE,
    PYR_WORK_FINISH
};

struct pyr_work
{
    enum pyr_work_kind kind;
    size_t piece;   /* PIECE: index */
    uint32_t level; /* FINISH: container */
    uint32_t col;
    uint32_t row;
};

/* A container whose tiles have all been met. Those of its own level are done
 * after as many turns, since each turn makes pieces of what the one before
 * completed; and those below it are finished before. */
struct pyr_ended
{
    uint64_t due; /* the turn after which it can be finished */
    uint32_t level;
    uint32_t col;
    uint32_t row;
};

struct pyr_build_worker
{
    struct pyr_encoder *data;
    struct pyr_encoder *masks;
    uint8_t *quarter; /* of a tile, with its mask; NULL until needed */
};

struct pyr_builder
{
    const struct pyr_build_options *options;
    /* Tiles have masks: those that are written, or where every pixel counts,
     * but not for the background, what the raster covers. */
    bool tracks;
    struct pyr_tile_shape shape;
    struct pyr_tile_shape mask_shape;
    struct pyr_walk walk;
    struct pyr_build_worker *workers; /* [options->nthreads] */

    struct pyr_step steps[PYR_MAX_STEPS]; /* between two chunks */
    size_t nsteps;
    bool at_end; /* of the walk */
    uint64_t turn;
    struct pyr_ended *ended; /* still to be finished, in the order met */
    size_t nended;
    size_t ended_capacity;

    struct pyr_chunk chunks[2];
    struct pyr_chunk *reading; /* by the job under way; NULL for none */

    struct pyr_pending *pending[PYR_PENDING_BUCKETS]; /* by level and place */
    struct pyr_pending *done;         /* those that wait for nothing any more */
    struct pyr_pending *free_pending; /* with pixels */
    struct pyr_pending *free_empty;   /* without */
    uint8_t *nodata_row; /* pixels without data, one row of a tile */
    uint8_t *all_valid;  /* a mask of 255, one tile */
    uint8_t *before;     /* a tile of the background, with its mask */

    struct pyr_piece *pieces;
    size_t npieces;
    size_t piece_capacity;
    struct pyr_work *works; /* of the next job; works[0] is READ, if any */
    size_t nworks;
    size_t work_capacity;

    uint64_t ntiles; /* of the first level, in all and done */
    uint64_t ndone;

    atomic_bool failed;
    pthread_mutex_t lock; /* of the two below */
    enum pyr_result result;
    struct pyr_error err;
};

/* Bytes of a tile's pixels and, where masks are tracked, of its mask. */
size_t pyr_builder_tile_bytes(const struct pyr_builder *builder);

/* Room for one more. NULL when out of memory. */
struct pyr_piece *pyr_builder_add_piece(struct pyr_builder *builder);

/* As of struct pyr_background; nothing is present where there is none. */
enum pyr_result pyr_background_read(struct pyr_builder *builder, uint32_t level,
                                    uint32_t col, uint32_t row, uint8_t *pixels,
                                    uint8_t *mask, bool *out_present,
                                    struct pyr_error *err) PYR_MUST_CHECK;

/* The tile above a tile of a level that has data, made when it is not there;
 * *out_above is NULL at the top. Reads its background. */
enum pyr_result pyr_pending_above(struct pyr_builder *builder, uint32_t level,
                                  uint32_t col, uint32_t row,
                                  struct pyr_pending **out_above,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* So many of the tiles below it have been met. */
void pyr_pending_visit(struct pyr_builder *builder, struct pyr_pending *pending,
                       unsigned ntiles);

/* These tiles of a level were met, and have no data. */
enum pyr_result pyr_pending_visit_empty(struct pyr_builder *builder,
                                        uint32_t level,
                                        struct pyr_grid_limits empty,
                                        struct pyr_error *err) PYR_MUST_CHECK;

/* Makes pieces of the tiles that wait for nothing any more. */
enum pyr_result pyr_pending_collect(struct pyr_builder *builder,
                                    struct pyr_error *err) PYR_MUST_CHECK;

/* Keeps it for another tile. */
void pyr_pending_free(struct pyr_builder *builder, struct pyr_pending *pending);

/* Makes pieces of the tiles of a chunk that have data, painted on what is
 * there. */
enum pyr_result pyr_chunk_pieces(struct pyr_builder *builder,
                                 struct pyr_chunk *chunk,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* Reads the chunk's pixels. */
enum pyr_result pyr_chunk_read(struct pyr_builder *builder,
                               struct pyr_chunk *chunk,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* Encodes, puts and reduces a piece; on any thread. */
enum pyr_result pyr_piece_run(struct pyr_builder *builder,
                              struct pyr_build_worker *worker,
                              const struct pyr_piece *piece,
                              struct pyr_error *err) PYR_MUST_CHECK;

#endif
