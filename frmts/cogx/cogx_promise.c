/* SPDX-License-Identifier: MIT */
/* Tiles that are fetched while the file is written, some at a time. */
#include "cogx_writer.h"

#include "cogx_writer_priv.h"
#include "pyr_alloc.h"
#include "pyr_buf.h"

/* Of one batch; more where a single tile takes more. */
#define BATCH_BYTES ((size_t)8 << 20)
#define BATCH_TILES 1024u

enum pyr_result cogx_writer_promise(struct cogx_writer *writer,
                                    enum pyr_plane plane, uint32_t level,
                                    uint32_t tile_col, uint32_t tile_row,
                                    uint64_t at, uint64_t nbytes,
                                    struct pyr_error *err)
{
    const enum pyr_result result =
        cogx_check_tile(writer, plane, level, tile_col, tile_row, nbytes, err);
    if (result != PYR_OK)
        return result;
    struct cogx_out_level *place = &writer->levels[level];
    struct cogx_out_plane *tiles = &place->planes[plane];
    const size_t number = (size_t)tile_row * place->tiles_wide + tile_col;
    if (tiles->nbytes[number] != 0 || !writer->options.fetch ||
        (at & COGX_PROMISED) != 0)
        return pyr_fail(err, PYR_USAGE, "tile %u, %u of level %u is there",
                        (unsigned)tile_col, (unsigned)tile_row,
                        (unsigned)level);
    tiles->at[number] = at | COGX_PROMISED;
    tiles->nbytes[number] = (uint32_t)nbytes;
    return PYR_OK;
}

bool cogx_is_promised(const struct cogx_out_plane *plane, size_t number)
{
    return plane->nbytes[number] != 0 &&
           (plane->at[number] & COGX_PROMISED) != 0;
}

static size_t framed(uint32_t nbytes)
{
    return (size_t)nbytes + COGX_FRAME_BYTES;
}

/* Lists promised tiles from that one on, in the order of the file, as many as
 * fit. */
static size_t list_tiles(struct cogx_batch *batch, uint32_t level,
                         unsigned plane, size_t number)
{
    const struct cogx_writer *writer = batch->writer;
    const struct cogx_out_level *place = &writer->levels[level];
    const uint64_t nplaces = place->ntiles * writer->nplanes;
    size_t total = 0;

    batch->ntiles = 0;
    batch->next = 0;
    for (uint64_t i = (uint64_t)number * writer->nplanes + plane;
         i < nplaces && batch->ntiles < BATCH_TILES; i++)
    {
        const size_t tile = (size_t)(i / writer->nplanes);
        const enum pyr_plane of = (enum pyr_plane)(i % writer->nplanes);
        const struct cogx_out_plane *tiles = &place->planes[of];
        const uint32_t nbytes = tiles->nbytes[tile];
        if (!cogx_is_promised(tiles, tile))
            continue;
        if (batch->ntiles > 0 && total + framed(nbytes) > BATCH_BYTES)
            break;
        batch->tiles[batch->ntiles++] = (struct cogx_promised){
            .plane = of,
            .level = level,
            .tile_col = (uint32_t)(tile % place->tiles_wide),
            .tile_row = (uint32_t)(tile / place->tiles_wide),
            .nbytes = nbytes,
            .at = tiles->at[tile] & ~COGX_PROMISED};
        total += framed(nbytes);
    }
    return total;
}

static enum pyr_result make_room(struct cogx_batch *batch, size_t nbytes,
                                 struct pyr_error *err)
{
    if (batch->room_bytes >= nbytes)
        return PYR_OK;
    pyr_free(batch->bytes);
    batch->room_bytes = 0;
    batch->bytes = pyr_malloc(nbytes > BATCH_BYTES ? nbytes : BATCH_BYTES);
    if (!batch->bytes)
        return pyr_fail(err, PYR_NOMEM, "no memory for tiles");
    batch->room_bytes = nbytes > BATCH_BYTES ? nbytes : BATCH_BYTES;
    return PYR_OK;
}

static enum pyr_result fill(struct cogx_batch *batch, uint32_t level,
                            unsigned plane, size_t number,
                            struct pyr_error *err)
{
    const struct cogx_writer_options *options = &batch->writer->options;

    if (!batch->tiles)
        batch->tiles = pyr_calloc(BATCH_TILES, sizeof(*batch->tiles));
    if (!batch->tiles)
        return pyr_fail(err, PYR_NOMEM, "no memory for tiles");
    enum pyr_result result =
        make_room(batch, list_tiles(batch, level, plane, number), err);
    if (result != PYR_OK)
        return result;
    uint8_t *at = batch->bytes;
    for (size_t i = 0; i < batch->ntiles; i++)
    {
        batch->tiles[i].bytes = at + COGX_LEADER_BYTES;
        at += framed(batch->tiles[i].nbytes);
    }
    result =
        options->fetch(options->fetch_user, batch->tiles, batch->ntiles, err);
    for (size_t i = 0; i < batch->ntiles && result == PYR_OK; i++)
    {
        const struct cogx_promised *tile = &batch->tiles[i];
        pyr_put_le32(tile->bytes - COGX_LEADER_BYTES, tile->nbytes);
        cogx_make_trailer(tile->bytes, tile->nbytes,
                          tile->bytes + tile->nbytes);
    }
    return result;
}

enum pyr_result cogx_batch_take(struct cogx_batch *batch, uint32_t level,
                                unsigned plane, size_t number,
                                const uint8_t **out_bytes, size_t *out_nbytes,
                                struct pyr_error *err)
{
    if (batch->next == batch->ntiles)
    {
        const enum pyr_result result = fill(batch, level, plane, number, err);
        if (result != PYR_OK)
            return result;
    }
    const struct cogx_promised *tile = &batch->tiles[batch->next++];
    *out_bytes = tile->bytes - COGX_LEADER_BYTES;
    *out_nbytes = framed(tile->nbytes);
    return PYR_OK;
}

void cogx_batch_clear(struct cogx_batch *batch)
{
    pyr_free(batch->tiles);
    pyr_free(batch->bytes);
}
