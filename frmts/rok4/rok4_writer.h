/* SPDX-License-Identifier: MIT */
/* The ROK4 tile sink: encoded tiles to slabs (spec section 5). */
#ifndef ROK4_WRITER_H
#define ROK4_WRITER_H

#include "pyr_encode.h"
#include "pyr_io.h"
#include "pyr_out.h"
#include "pyr_sink.h"
#include "rok4_pyramid.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* A level that slabs are written for. Strings are borrowed until
 * rok4_writer_free. */
struct rok4_writer_level
{
    const char *id; /* for messages */
    struct pyr_tile_shape shape;
    uint32_t tiles_per_width;
    uint32_t tiles_per_height;
    uint32_t path_depth;
    enum rok4_storage storage;
    const char *image_place; /* where its slabs are put: rok4_place.h */
    const char *mask_place;  /* NULL: no masks are put */
    /* Level of the background that its slabs begin as; -1 for none. */
    int background_level;
};

struct rok4_writer_options
{
    const struct pyr_out *out;
    const struct pyr_io *io;                /* reads background and resumed */
    const struct rok4_writer_level *levels; /* levels[nlevels], by number */
    uint32_t nlevels;
    enum rok4_format format;
    struct pyr_encoding encoding;          /* of the data plane */
    struct pyr_encoding mask_encoding;     /* DEFLATE */
    double nodata[PYR_MAX_BANDS];          /* of tiles without data */
    const struct rok4_pyramid *background; /* NULL for none */
    bool sparse; /* tiles without data take no bytes; else each is written */
    bool resume; /* a whole slab that stands at its place is kept */
    /* Told of each slab that is; may be NULL. */
    enum pyr_result (*keep)(const void *user, const char *path,
                            struct pyr_error *err);
    const void *keep_user;
    size_t memory_bytes; /* of encoded tiles in memory; more go to files */
    /* With what, and under which name, those files are made; NULL: with out,
     * beside the slabs. */
    const struct pyr_out *scratch;
    const char *scratch_path;
};

struct rok4_writer;

/* PYR_NOMEM, and as of pyr_encoder_new. The options and what they point to are
 * borrowed until rok4_writer_free. */
enum pyr_result rok4_writer_new(const struct rok4_writer_options *options,
                                struct rok4_writer **out_writer,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* Drops what is not finished. NULL is fine. */
void rok4_writer_free(struct rok4_writer *writer);

/* The sink; levels are numbered as in the options. A slab is written when it is
 * finished and at least one of its data tiles was put; its mask slab with it,
 * where the level has masks. It holds every tile, in index order, all but the
 * first at a multiple of 16 (spec section 5.1). Those that were not put are the
 * background's bytes where it has the tile, else nodata. Tiles of masks that
 * were not put are 0, but where the background's data has the tile they are its
 * mask's bytes, or 255 where it has no mask slab.
 *
 * Memory grows with the slabs that are open, begun and not finished: an entry
 * of 16 bytes for each tile beside memory_bytes. Raw tiles go to the slab's
 * file at once, which is open as long as the slab. PYR_LIMIT for a slab beyond
 * 2^31 - 1 bytes; PYR_CORRUPT with the name of a slab of the background. */
struct pyr_sink rok4_writer_sink(struct rok4_writer *writer);

/* Slabs written so far, of both planes. */
uint64_t rok4_writer_count(const struct rok4_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
