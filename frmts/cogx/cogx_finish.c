/* SPDX-License-Identifier: MIT */
/* Encoded tiles from their logs, in their order, to the file. */
#include "cogx_writer.h"

#include "cogx_codes.h"
#include "cogx_layout.h"
#include "cogx_stream.h"
#include "cogx_writer_priv.h"
#include "pyr_alloc.h"
#include "pyr_arith.h"
#include "pyr_buf.h"

#include <string.h>

#define SAFE_PIXEL_BYTES 2000000000.0 /* beyond it, BigTIFF is safer */

/* The empty tile as it stands in the file. */
static enum pyr_result make_empty(struct cogx_out_plane *plane,
                                  struct pyr_error *err)
{
    const uint8_t *bytes = plane->image->empty_tile;
    const size_t nbytes = plane->image->empty_nbytes;

    pyr_free(plane->empty); /* of a finish that failed */
    plane->empty = NULL;
    plane->empty_nbytes = 0;
    if (!bytes || nbytes == 0)
        return PYR_OK;
    if (nbytes > COGX_MAX_TILE_BYTES)
        return pyr_fail(err, PYR_LIMIT, "a tile exceeds 4 GB");
    plane->empty = pyr_malloc(nbytes + COGX_FRAME_BYTES);
    if (!plane->empty)
        return pyr_fail(err, PYR_NOMEM, "no memory for an empty tile");
    pyr_put_le32(plane->empty, (uint32_t)nbytes);
    memcpy(plane->empty + COGX_LEADER_BYTES, bytes, nbytes);
    cogx_make_trailer(bytes, nbytes, plane->empty + COGX_LEADER_BYTES + nbytes);
    plane->empty_nbytes = (uint32_t)nbytes;
    return PYR_OK;
}

/* Size of a tile in the file, without leader and trailer; 0: left out. */
static uint32_t tile_nbytes(const struct cogx_out_plane *plane, size_t number)
{
    const uint32_t nbytes = plane->nbytes[number];
    return nbytes != 0 ? nbytes : plane->empty_nbytes;
}

static uint64_t framed(uint32_t nbytes)
{
    return nbytes != 0 ? (uint64_t)nbytes + COGX_FRAME_BYTES : 0;
}

/* What both planes of a level take in the file. */
static enum pyr_result measure_level(const struct cogx_writer *writer,
                                     struct cogx_out_level *level,
                                     struct pyr_error *err)
{
    for (unsigned plane = 0; plane < writer->nplanes; plane++)
    {
        const enum pyr_result result = make_empty(&level->planes[plane], err);
        if (result != PYR_OK)
            return result;
    }
    level->nbytes = 0; /* 2^33 tiles of 2^32 bytes exceed the type */
    for (unsigned plane = 0; plane < writer->nplanes; plane++)
        for (size_t i = 0; i < level->ntiles; i++)
            if (!pyr_add_u64(level->nbytes,
                             framed(tile_nbytes(&level->planes[plane], i)),
                             &level->nbytes))
                return pyr_fail(err, PYR_LIMIT, "the file is too large");
    return PYR_OK;
}

static enum pyr_result measure(const struct cogx_writer *writer,
                               uint64_t *out_nbytes, struct pyr_error *err)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < writer->options.nlevels; i++)
    {
        const enum pyr_result result =
            measure_level(writer, &writer->levels[i], err);
        if (result != PYR_OK)
            return result;
        /* Room for the head, too. */
        if (!pyr_add_u64(total, writer->levels[i].nbytes, &total) ||
            total > UINT64_MAX / 2)
            return pyr_fail(err, PYR_LIMIT, "the file is too large");
    }
    *out_nbytes = total;
    return PYR_OK;
}

/* The first value of a tag of numbers, or fallback. */
static uint32_t number_of(const struct cogx_image *image, uint16_t code,
                          uint32_t fallback)
{
    for (size_t i = 0; i < image->ntags; i++)
        if (image->tags[i].code == code &&
            image->tags[i].type == COGX_TYPE_SHORT)
        {
            uint16_t value;
            memcpy(&value, image->tags[i].values, sizeof(value));
            return value;
        }
    return fallback;
}

/* Of the images without their masks. */
static double uncompressed_bytes(const struct cogx_writer_options *options)
{
    double total = 0.0;

    for (uint32_t i = 0; i < options->nlevels; i++)
    {
        const struct cogx_image *image = &options->images[i];
        total += (double)image->width_px * (double)image->height_px *
                 number_of(image, COGX_TAG_BITS, 1) / 8.0 *
                 number_of(image, COGX_TAG_SAMPLES, 1);
    }
    return total;
}

/* Classic TIFF or BigTIFF, as the options say and the tiles need. */
static enum pyr_result choose_layout(const struct cogx_writer *writer,
                                     uint64_t tiles_nbytes,
                                     struct cogx_layout *layout,
                                     struct pyr_error *err)
{
    const struct cogx_writer_options *options = &writer->options;
    const enum cogx_bigtiff bigtiff = options->bigtiff;
    const bool big = bigtiff == COGX_BIGTIFF_YES ||
                     (bigtiff == COGX_BIGTIFF_IF_SAFER &&
                      uncompressed_bytes(options) > SAFE_PIXEL_BYTES);

    enum pyr_result result = cogx_layout_init(
        layout, options->images, options->masks, options->nlevels, big, err);
    const bool fits =
        big || (result == PYR_OK && layout->data_bytes <= UINT32_MAX &&
                tiles_nbytes <= UINT32_MAX - layout->data_bytes);
    if (fits || (result != PYR_OK && result != PYR_LIMIT))
        return result;
    cogx_layout_clear(layout);
    if (bigtiff == COGX_BIGTIFF_NO)
        return pyr_fail(err, PYR_LIMIT,
                        "the file exceeds 4 GB, which only BigTIFF can hold");
    return cogx_layout_init(layout, options->images, options->masks,
                            options->nlevels, true, err);
}

/* A walk over the tiles of a level, in the order of the file. */
struct walk
{
    const struct cogx_out_level *level;
    uint64_t
        offset;    /* of the leader of the tile, or of the next one there is */
    size_t number; /* of the tile */
    uint32_t nbytes[2]; /* its sizes, by plane */
};

static void look(struct walk *walk)
{
    const struct cogx_out_level *level = walk->level;

    walk->nbytes[0] = walk->nbytes[1] = 0;
    for (size_t plane = 0; plane < 2 && walk->number < level->ntiles; plane++)
        if (level->planes[plane].nbytes)
            walk->nbytes[plane] =
                tile_nbytes(&level->planes[plane], walk->number);
}

static struct walk begin_walk(const struct cogx_out_level *level)
{
    struct walk walk = {level, level->begin_bytes, 0, {0, 0}};
    look(&walk);
    return walk;
}

static void step(struct walk *walk)
{
    walk->offset += framed(walk->nbytes[0]) + framed(walk->nbytes[1]);
    walk->number++;
    look(walk);
}

/* Of the tile's bytes; 0 where it is left out. */
static uint64_t tile_offset(const struct walk *walk, unsigned plane)
{
    if (walk->nbytes[plane] == 0)
        return 0;
    return walk->offset + COGX_LEADER_BYTES +
           (plane ? framed(walk->nbytes[0]) : 0);
}

/* The coarsest level comes first. */
static void place_levels(struct cogx_writer *writer,
                         const struct cogx_layout *layout)
{
    uint64_t offset = layout->data_bytes;

    for (uint32_t i = writer->options.nlevels; i-- > 0;)
    {
        struct cogx_out_level *level = &writer->levels[i];
        level->begin_bytes = offset;
        offset += level->nbytes;
        struct walk walk = begin_walk(level);
        for (size_t tile = 0; tile < 2 && tile < level->ntiles; tile++)
        {
            for (unsigned plane = 0; plane < writer->nplanes; plane++)
            {
                struct cogx_dir *dir = plane ? cogx_layout_mask(layout, i)
                                             : cogx_layout_image(layout, i);
                dir->first_offsets[tile] = tile_offset(&walk, plane);
                dir->first_counts[tile] = walk.nbytes[plane];
            }
            step(&walk);
        }
    }
}

static enum pyr_result write_offsets(const struct cogx_out_level *level,
                                     unsigned plane, size_t value_bytes,
                                     struct cogx_stream *stream,
                                     struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;

    for (struct walk walk = begin_walk(level);
         walk.number < level->ntiles && result == PYR_OK; step(&walk))
    {
        uint8_t bytes[8];
        const uint64_t offset = tile_offset(&walk, plane);
        pyr_put_le32(bytes, (uint32_t)offset);
        pyr_put_le32(bytes + 4, (uint32_t)(offset >> 32));
        result = cogx_stream_add(stream, bytes, value_bytes, err);
    }
    return result;
}

static enum pyr_result write_counts(const struct cogx_out_plane *plane,
                                    uint64_t ntiles, struct cogx_stream *stream,
                                    struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;

    for (size_t i = 0; i < ntiles && result == PYR_OK; i++)
    {
        uint8_t bytes[4];
        pyr_put_le32(bytes, tile_nbytes(plane, i));
        result = cogx_stream_add(stream, bytes, sizeof(bytes), err);
    }
    return result;
}

static enum pyr_result write_arrays(const struct cogx_writer *writer,
                                    const struct cogx_layout *layout,
                                    struct cogx_stream *stream,
                                    struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;

    for (size_t i = 0; i < layout->ndirs && result == PYR_OK; i++)
    {
        const struct cogx_dir *dir = &layout->dirs[i];
        const struct cogx_out_level *level =
            &writer->levels[i / writer->nplanes];
        const unsigned plane = (unsigned)(i % writer->nplanes);
        if (!cogx_layout_offsets_inside(layout, dir))
            result = write_offsets(
                level, plane, cogx_layout_offset_bytes(layout), stream, err);
        if (result == PYR_OK && !cogx_layout_counts_inside(layout, dir))
            result =
                write_counts(&level->planes[plane], level->ntiles, stream, err);
    }
    return result;
}

static enum pyr_result write_head(const struct cogx_layout *layout,
                                  struct cogx_stream *stream,
                                  struct pyr_error *err)
{
    uint8_t *head = NULL;
    enum pyr_result result = cogx_layout_head(layout, &head, err);
    if (result == PYR_OK)
        result = cogx_stream_add(stream, head, (size_t)layout->head_bytes, err);
    pyr_free(head);
    return result;
}

static enum pyr_result write_tile(struct cogx_batch *batch,
                                  uint32_t level_number, unsigned plane,
                                  size_t number, struct cogx_stream *stream,
                                  struct pyr_error *err)
{
    const struct cogx_out_level *level = &batch->writer->levels[level_number];
    const struct cogx_out_plane *tiles = &level->planes[plane];

    if (cogx_is_promised(tiles, number))
    {
        const uint8_t *bytes = NULL;
        size_t nbytes = 0;
        const enum pyr_result result = cogx_batch_take(
            batch, level_number, plane, number, &bytes, &nbytes, err);
        return result == PYR_OK ? cogx_stream_add(stream, bytes, nbytes, err)
                                : result;
    }
    if (tiles->nbytes[number] != 0)
        return cogx_stream_copy(stream, level->spool, tiles->at[number],
                                framed(tiles->nbytes[number]), err);
    return cogx_stream_add(stream, tiles->empty,
                           (size_t)framed(tiles->empty_nbytes), err);
}

static enum pyr_result write_tiles(const struct cogx_writer *writer,
                                   struct cogx_stream *stream,
                                   struct pyr_error *err)
{
    struct cogx_batch batch = {.writer = writer};
    enum pyr_result result = PYR_OK;

    for (uint32_t i = writer->options.nlevels; i-- > 0 && result == PYR_OK;)
        for (struct walk walk = begin_walk(&writer->levels[i]);
             walk.number < walk.level->ntiles && result == PYR_OK; step(&walk))
            for (unsigned plane = 0; plane < 2 && result == PYR_OK; plane++)
                if (walk.nbytes[plane] != 0)
                    result =
                        write_tile(&batch, i, plane, walk.number, stream, err);
    cogx_batch_clear(&batch);
    return result;
}

enum pyr_result
cogx_writer_finish(struct cogx_writer *writer, const struct pyr_out *out,
                   struct pyr_out_file *file,
                   bool (*progress)(void *user, double fraction),
                   void *progress_user, struct pyr_error *err)
{
    struct cogx_layout layout = {0};
    struct cogx_stream stream = {
        .out = out, .file = file, .progress = progress, .user = progress_user};
    struct pyr_error own = {""};
    uint64_t nbytes = 0;

    /* The files want one. */
    if (!err)
        err = &own;
    enum pyr_result result = measure(writer, &nbytes, err);
    if (result == PYR_OK)
        result = choose_layout(writer, nbytes, &layout, err);
    if (result != PYR_OK)
        goto done;
    place_levels(writer, &layout);
    result = cogx_stream_begin(&stream, layout.data_bytes + nbytes, err);
    if (result == PYR_OK)
        result = write_head(&layout, &stream, err);
    if (result == PYR_OK)
        result = write_arrays(writer, &layout, &stream, err);
    if (result == PYR_OK)
        result = write_tiles(writer, &stream, err);
    if (result == PYR_OK)
        result = cogx_stream_end(&stream, err);

done:
    cogx_stream_clear(&stream);
    cogx_layout_clear(&layout);
    return result;
}
