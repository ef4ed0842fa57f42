/* SPDX-License-Identifier: MIT */
/* What the files of the ROK4 tile sink share. */
#ifndef ROK4_WRITER_PRIV_H
#define ROK4_WRITER_PRIV_H

#include "pyr_spool.h"
#include "rok4_slab.h"
#include "rok4_writer.h"

#include <pthread.h>
#include <stdatomic.h>

#define ROK4_WRITER_BUCKETS 64u /* a power of two */

/* An encoded tile whose pixels are all equal. */
struct rok4_constant
{
    struct rok4_constant *next;
    enum pyr_plane plane;
    struct pyr_tile_shape shape;
    bool valid; /* of masks: 255, else 0 */
    uint32_t nbytes;
    uint8_t bytes[];
};

struct rok4_writer
{
    struct rok4_writer_options options;
    struct pyr_spools *spools;
    atomic_uint_fast64_t count;
    pthread_mutex_t mutex; /* over the table */
    struct rok4_open_slab *buckets[ROK4_WRITER_BUCKETS];
    pthread_mutex_t constants_mutex; /* over what follows */
    struct rok4_constant *constants;
    struct pyr_encoder *encoders[2]; /* by plane */
};

/* Which slab. */
struct rok4_slab_key
{
    enum pyr_plane plane;
    uint32_t level;
    uint32_t slab_col;
    uint32_t slab_row;
};

/* Where the bytes of a tile come from. */
enum rok4_tile_from
{
    ROK4_FROM_NOWHERE = 0, /* 0 bytes */
    ROK4_FROM_PUT,         /* `at` in the spool, or at its place in the file */
    ROK4_FROM_BACKGROUND,  /* `at` in the background's slab */
    ROK4_FROM_NODATA,      /* the slab's constants */
    ROK4_FROM_VALID
};

struct rok4_tile
{
    uint64_t at;
    uint32_t nbytes;
    enum rok4_tile_from from;
};

/* A slab in the making. */
struct rok4_open_slab
{
    struct rok4_open_slab *next; /* in the bucket */
    struct rok4_slab_key key;
    struct rok4_slab_shape shape;
    uint32_t ntiles;
    /* Raw tiles have their place in the file from the start: this many bytes
     * each, else 0, and the tiles go to the spool. */
    uint32_t room_nbytes;
    char *path;
    char *spool_path;
    struct pyr_spool *spool;
    pthread_mutex_t mutex;              /* over making the file */
    struct pyr_out_file *file;          /* raw: from the first tile on */
    const struct rok4_constant *nodata; /* once a tile is one of them */
    const struct rok4_constant *valid;
    struct rok4_tile tiles[]; /* tiles[ntiles] */
};

/* The slab that the background has at the place of one that is written. */
struct rok4_old_slab
{
    char *path;
    struct pyr_file *file; /* NULL: there is none */
    uint64_t nbytes;
    uint8_t *index;
};

static inline const struct rok4_writer_level *
rok4_writer_level_of(const struct rok4_writer *writer, uint32_t level)
{
    return &writer->options.levels[level];
}

/* rok4_open_slab.c: the table of slabs in the making. */

/* What the header of the level's slabs says. */
struct rok4_slab_shape rok4_writer_shape(const struct rok4_writer *writer,
                                         enum pyr_plane plane, uint32_t level);

/* Path of a slab; freed with pyr_free, NULL when out of memory. */
char *rok4_writer_path(const struct rok4_writer *writer,
                       const struct rok4_slab_key *key);

/* A slab that is not in the table. */
enum pyr_result rok4_open_slab_new(struct rok4_writer *writer,
                                   const struct rok4_slab_key *key,
                                   struct rok4_open_slab **out_slab,
                                   struct pyr_error *err) PYR_MUST_CHECK;
void rok4_open_slab_free(struct rok4_writer *writer,
                         struct rok4_open_slab *slab);

/* The slab in the table, made when it is not there. Borrowed until it is taken
 * out. */
enum pyr_result rok4_open_slab_get(struct rok4_writer *writer,
                                   const struct rok4_slab_key *key,
                                   struct rok4_open_slab **out_slab,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* Takes the slab out of the table; NULL when it is not there. */
struct rok4_open_slab *rok4_open_slab_take(struct rok4_writer *writer,
                                           const struct rok4_slab_key *key);

/* Adds a tile. For different tiles from many threads. */
enum pyr_result rok4_open_slab_put(struct rok4_writer *writer,
                                   struct rok4_open_slab *slab, uint32_t tile,
                                   const uint8_t *bytes, size_t nbytes,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* rok4_fill.c: tiles that were not put. */

/* Opens the background's slab and reads its index. PYR_OK with file NULL where
 * there is none; PYR_CORRUPT, PYR_IO, PYR_NOMEM with its path. Cleared with
 * rok4_old_slab_clear, also on failure. */
enum pyr_result rok4_old_slab_open(const struct rok4_writer *writer,
                                   const struct rok4_slab_key *key,
                                   struct rok4_old_slab *old,
                                   struct pyr_error *err) PYR_MUST_CHECK;
void rok4_old_slab_clear(const struct rok4_writer *writer,
                         struct rok4_old_slab *old);

/* Says of each tile that was not put where its bytes come from. data and mask
 * are the background's slabs, of which only that of the slab's plane is asked
 * for bytes. */
enum pyr_result rok4_fill(struct rok4_writer *writer,
                          struct rok4_open_slab *slab,
                          const struct rok4_old_slab *data,
                          const struct rok4_old_slab *mask,
                          struct pyr_error *err) PYR_MUST_CHECK;

/* rok4_assemble.c: a slab's tiles to its file. */

/* Writes the slab, all of whose tiles are told, and commits it. */
enum pyr_result rok4_assemble(struct rok4_writer *writer,
                              struct rok4_open_slab *slab,
                              const struct rok4_old_slab *old,
                              struct pyr_error *err) PYR_MUST_CHECK;

/* Whether the file is a whole slab of ours, of a run that was interrupted. */
bool rok4_is_whole(const struct rok4_writer *writer,
                   const struct rok4_slab_key *key);

#endif
