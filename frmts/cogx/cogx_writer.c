/* SPDX-License-Identifier: MIT */
/* A Cloud Optimized GeoTIFF being written: encoded tiles to logs, one for each
 * level. */
#include "cogx_writer.h"

#include "cogx_layout.h"
#include "cogx_writer_priv.h"
#include "pyr_alloc.h"
#include "pyr_buf.h"

#include <string.h>

void cogx_make_trailer(const uint8_t *bytes, size_t nbytes,
                       uint8_t trailer[COGX_TRAILER_BYTES])
{
    memset(trailer, 0, COGX_TRAILER_BYTES);
    if (nbytes >= COGX_TRAILER_BYTES)
        memcpy(trailer, bytes + nbytes - COGX_TRAILER_BYTES,
               COGX_TRAILER_BYTES);
    else
        memcpy(trailer, bytes, nbytes);
}

enum pyr_result cogx_check_tile(const struct cogx_writer *writer,
                                enum pyr_plane plane, uint32_t level,
                                uint32_t tile_col, uint32_t tile_row,
                                uint64_t nbytes, struct pyr_error *err)
{
    if (level >= writer->options.nlevels || (unsigned)plane >= writer->nplanes)
        return pyr_fail(err, PYR_USAGE, "there is no plane %d of level %u",
                        (int)plane, (unsigned)level);
    const struct cogx_out_level *place = &writer->levels[level];
    if (tile_col >= place->tiles_wide ||
        tile_row >= place->ntiles / place->tiles_wide)
        return pyr_fail(err, PYR_USAGE, "there is no tile %u, %u of level %u",
                        (unsigned)tile_col, (unsigned)tile_row,
                        (unsigned)level);
    if (nbytes == 0)
        return pyr_fail(err, PYR_USAGE, "a tile of no bytes");
    if (nbytes > COGX_MAX_TILE_BYTES)
        return pyr_fail(err, PYR_LIMIT, "a tile exceeds 4 GB");
    return PYR_OK;
}

static enum pyr_result put(void *user, enum pyr_plane plane, uint32_t level,
                           uint32_t tile_col, uint32_t tile_row,
                           const uint8_t *bytes, size_t nbytes,
                           struct pyr_error *err)
{
    struct cogx_writer *writer = user;
    uint8_t leader[COGX_LEADER_BYTES];
    uint8_t trailer[COGX_TRAILER_BYTES];
    const struct pyr_spool_part parts[] = {{leader, COGX_LEADER_BYTES},
                                           {bytes, nbytes},
                                           {trailer, COGX_TRAILER_BYTES}};

    enum pyr_result result =
        cogx_check_tile(writer, plane, level, tile_col, tile_row, nbytes, err);
    if (result != PYR_OK)
        return result;
    struct cogx_out_level *place = &writer->levels[level];
    struct cogx_out_plane *tiles = &place->planes[plane];
    const size_t number = (size_t)tile_row * place->tiles_wide + tile_col;
    if (tiles->nbytes[number] != 0)
        return pyr_fail(err, PYR_USAGE, "tile %u, %u of level %u is there",
                        (unsigned)tile_col, (unsigned)tile_row,
                        (unsigned)level);

    pyr_put_le32(leader, (uint32_t)nbytes);
    cogx_make_trailer(bytes, nbytes, trailer);
    result =
        pyr_spool_append_parts(place->spool, parts, 3, &tiles->at[number], err);
    if (result == PYR_OK)
        tiles->nbytes[number] = (uint32_t)nbytes;
    return result;
}

static bool same_shape(const struct cogx_image *image,
                       const struct cogx_image *mask)
{
    return image->width_px == mask->width_px &&
           image->height_px == mask->height_px &&
           image->tile_width_px == mask->tile_width_px &&
           image->tile_height_px == mask->tile_height_px;
}

static enum pyr_result check_options(const struct cogx_writer_options *options,
                                     struct pyr_error *err)
{
    if (options->nlevels == 0 || options->nlevels > PYR_MAX_LEVELS)
        return pyr_fail(err, PYR_USAGE, "%u levels",
                        (unsigned)options->nlevels);
    for (uint32_t level = 0; level < options->nlevels; level++)
    {
        const struct cogx_image *image = &options->images[level];
        if (image->width_px == 0 || image->height_px == 0 ||
            image->tile_width_px == 0 || image->tile_height_px == 0)
            return pyr_fail(err, PYR_USAGE, "level %u is empty",
                            (unsigned)level);
        if (options->masks && !same_shape(image, &options->masks[level]))
            return pyr_fail(err, PYR_USAGE,
                            "level %u and its mask have different shapes",
                            (unsigned)level);
        if ((uint64_t)cogx_tiles_wide(image) * cogx_tiles_high(image) >
            COGX_MAX_TILES)
            return pyr_fail(err, PYR_LIMIT,
                            "level %u has more tiles than TIFF can index",
                            (unsigned)level);
    }
    return PYR_OK;
}

/* Arrays of zeros: memory that is not touched is not taken. */
static enum pyr_result make_plane(struct cogx_out_level *level,
                                  struct cogx_out_plane *plane,
                                  const struct cogx_image *image)
{
    plane->image = image;
    if (level->ntiles > SIZE_MAX)
        return PYR_LIMIT;
    plane->at = pyr_calloc((size_t)level->ntiles, sizeof(*plane->at));
    plane->nbytes = pyr_calloc((size_t)level->ntiles, sizeof(*plane->nbytes));
    return plane->at && plane->nbytes ? PYR_OK : PYR_NOMEM;
}

static enum pyr_result make_level(struct cogx_writer *writer, uint32_t number)
{
    const struct cogx_writer_options *options = &writer->options;
    const struct cogx_image *image = &options->images[number];
    struct cogx_out_level *level = &writer->levels[number];

    level->tiles_wide = cogx_tiles_wide(image);
    level->ntiles = (uint64_t)level->tiles_wide * cogx_tiles_high(image);
    enum pyr_result result =
        pyr_spool_new(writer->spools, options->spool_path, &level->spool);
    if (result == PYR_OK)
        result = make_plane(level, &level->planes[PYR_PLANE_DATA], image);
    if (result == PYR_OK && options->masks)
        result = make_plane(level, &level->planes[PYR_PLANE_MASK],
                            &options->masks[number]);
    return result;
}

static enum pyr_result make_levels(struct cogx_writer *writer)
{
    const uint32_t nlevels = writer->options.nlevels;

    writer->levels = pyr_calloc(nlevels, sizeof(*writer->levels));
    if (!writer->levels)
        return PYR_NOMEM;
    enum pyr_result result = pyr_spools_new(
        writer->options.scratch, writer->options.memory_bytes, &writer->spools);
    for (uint32_t level = 0; level < nlevels && result == PYR_OK; level++)
        result = make_level(writer, level);
    return result;
}

enum pyr_result cogx_writer_new(const struct cogx_writer_options *options,
                                struct cogx_writer **out_writer,
                                struct pyr_error *err)
{
    enum pyr_result result = check_options(options, err);
    if (result != PYR_OK)
        return result;
    struct cogx_writer *writer = pyr_calloc(1, sizeof(*writer));
    if (!writer)
        return pyr_fail(err, PYR_NOMEM, "no memory for a writer");

    writer->options = *options;
    writer->nplanes = options->masks ? 2 : 1;
    writer->sink.user = writer;
    writer->sink.put = put;
    result = make_levels(writer);
    if (result != PYR_OK)
    {
        cogx_writer_free(writer);
        return pyr_fail(err, result, "no memory for an index of all tiles");
    }
    *out_writer = writer;
    return PYR_OK;
}

void cogx_writer_free(struct cogx_writer *writer)
{
    if (!writer)
        return;
    for (uint32_t i = 0; writer->levels && i < writer->options.nlevels; i++)
    {
        struct cogx_out_level *level = &writer->levels[i];
        for (size_t plane = 0; plane < 2; plane++)
        {
            pyr_free(level->planes[plane].at);
            pyr_free(level->planes[plane].nbytes);
            pyr_free(level->planes[plane].empty);
        }
        pyr_spool_free(level->spool);
    }
    pyr_spools_free(writer->spools);
    pyr_free(writer->levels);
    pyr_free(writer);
}

const struct pyr_sink *cogx_writer_sink(struct cogx_writer *writer)
{
    return &writer->sink;
}
