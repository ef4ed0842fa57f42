/* SPDX-License-Identifier: MIT */
/* A Cloud Optimized GeoTIFF being written: encoded tiles in any order to the
 * final file, overviews first. */
#ifndef COGX_WRITER_H
#define COGX_WRITER_H

#include "pyr_out.h"
#include "pyr_sink.h"
#include "pyr_tiff_tile.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* One tag of a directory, as it shall stand in the file. */
struct cogx_tag
{
    uint16_t code;
    uint16_t type;      /* TIFF type */
    uint64_t count;     /* of values */
    const void *values; /* native byte order, tightly packed; borrowed */
};

/* One image of the file: a level, or the mask of one. */
struct cogx_image
{
    uint32_t width_px;
    uint32_t height_px;
    uint32_t tile_width_px;
    uint32_t tile_height_px;
    /* All tags but those that the writer makes itself: NewSubfileType,
     * ImageWidth, ImageLength, TileWidth, TileLength, TileOffsets,
     * TileByteCounts. In any order. */
    const struct cogx_tag *tags;
    size_t ntags;
    /* The encoded tile that stands for tiles which are never put; NULL: they
     * are left out (sparse). Borrowed. */
    const uint8_t *empty_tile;
    size_t empty_nbytes;
};

enum cogx_bigtiff
{
    COGX_BIGTIFF_AUTO, /* when classic TIFF cannot hold what there is */
    COGX_BIGTIFF_YES,
    COGX_BIGTIFF_NO, /* PYR_LIMIT where that does not do */
    COGX_BIGTIFF_IF_NEEDED = COGX_BIGTIFF_AUTO,
    COGX_BIGTIFF_IF_SAFER /* when the pixels, uncompressed, exceed 2 GB */
};

/* A tile whose bytes are fetched when they are written. */
struct cogx_promised
{
    enum pyr_plane plane;
    uint32_t level;
    uint32_t tile_col;
    uint32_t tile_row;
    uint32_t nbytes;
    uint64_t at;    /* as promised */
    uint8_t *bytes; /* bytes[nbytes], to be filled */
};

struct cogx_writer_options
{
    /* images[nlevels], the full resolution first, then the overviews from fine
     * to coarse; masks[nlevels] or NULL. Borrowed; their tags may still change
     * until cogx_writer_finish, sizes and shapes may not. */
    const struct cogx_image *images;
    const struct cogx_image *masks;
    uint32_t nlevels;
    enum cogx_bigtiff bigtiff;
    size_t memory_bytes;           /* of the spool, before it goes to a file */
    const char *spool_path;        /* of the spool's file, borrowed */
    const struct pyr_out *scratch; /* makes that file; borrowed */
    /* Fills tiles[ntiles] that were promised, some of one level in the order of
     * the file. NULL where none are. */
    enum pyr_result (*fetch)(void *user, const struct cogx_promised *tiles,
                             size_t ntiles, struct pyr_error *err);
    void *fetch_user;
};

struct cogx_writer;

/* PYR_USAGE, PYR_LIMIT (more tiles than memory can index), PYR_NOMEM. The
 * caller frees it with cogx_writer_free, which drops what was not finished. */
enum pyr_result cogx_writer_new(const struct cogx_writer_options *options,
                                struct cogx_writer **out_writer,
                                struct pyr_error *err) PYR_MUST_CHECK;
void cogx_writer_free(struct cogx_writer *writer);

/* Takes tiles: level 0 .. nlevels - 1. put from several threads, once for each
 * tile and plane; wants and finish are NULL. Valid as long as the writer. */
const struct pyr_sink *cogx_writer_sink(struct cogx_writer *writer);

/* Says that tile (col, row) of a level takes nbytes, and is found with `at`,
 * which means what fetch makes of it: it is not kept here, but fetched while
 * the file is written. All tiles of a level's plane that are there are put, or
 * all are promised. PYR_USAGE, PYR_LIMIT. One thread at a time. */
enum pyr_result cogx_writer_promise(struct cogx_writer *writer,
                                    enum pyr_plane plane, uint32_t level,
                                    uint32_t tile_col, uint32_t tile_row,
                                    uint64_t at, uint64_t nbytes,
                                    struct pyr_error *err) PYR_MUST_CHECK;

/* Lays the file out and writes it to an open file in sequence, from its first
 * byte to its last: header, structural metadata, directories, then tiles from
 * the coarsest level to the finest, row by row, each image tile followed by its
 * mask tile, each with leader and trailer. The same tiles give the same bytes,
 * in whatever order they were put. progress as elsewhere; PYR_CANCELLED. The
 * file is committed or dropped by the caller. */
enum pyr_result
cogx_writer_finish(struct cogx_writer *writer, const struct pyr_out *out,
                   struct pyr_out_file *file,
                   bool (*progress)(void *user, double fraction),
                   void *progress_user, struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
