/* SPDX-License-Identifier: MIT */
/* A slab's tiles to its file: header, index, tiles, in few writes. */
#include "rok4_writer_priv.h"

#include "pyr_alloc.h"
#include "pyr_arith.h"
#include "pyr_buf.h"

#include <string.h>

/* Reads of the background that are made together. */
#define MAX_READS 64u

/* Bytes on their way into the slab's file. */
struct stream
{
    const struct rok4_writer *writer;
    const struct rok4_open_slab *slab;
    const struct rok4_old_slab *old;
    struct pyr_out_file *file;
    uint64_t offset; /* in the file, of the buffer */
    uint8_t *buffer; /* of PYR_SPOOL_BLOCK_BYTES */
    size_t nfilled;
    /* What is still to be read from the background into the buffer. */
    size_t nreads;
    struct pyr_extent reads[MAX_READS];
    uint8_t *targets[MAX_READS];
};

static enum pyr_result read_background(struct stream *stream,
                                       struct pyr_error *err)
{
    const struct pyr_io *const io = stream->writer->options.io;
    if (stream->nreads == 0)
        return PYR_OK;
    const enum pyr_result result = io->read(
        stream->old->file, stream->nreads, stream->reads, stream->targets, err);
    stream->nreads = 0;
    if (result != PYR_OK)
        pyr_error_prefix(err, "slab %s of the background", stream->old->path);
    return result;
}

static enum pyr_result flush(struct stream *stream, struct pyr_error *err)
{
    enum pyr_result result = read_background(stream, err);
    if (result != PYR_OK || stream->nfilled == 0)
        return result;
    result = stream->writer->options.out->write(
        stream->file, stream->offset, stream->buffer, stream->nfilled, err);
    stream->offset += stream->nfilled;
    stream->nfilled = 0;
    if (result != PYR_OK)
        pyr_error_prefix(err, "slab %s", stream->slab->path);
    return result;
}

/* Room for at most nbytes bytes, at least one, in the buffer. */
static enum pyr_result get_room(struct stream *stream, size_t nbytes,
                                uint8_t **out_room, size_t *out_nbytes,
                                struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (stream->nfilled == PYR_SPOOL_BLOCK_BYTES)
        result = flush(stream, err);
    if (result != PYR_OK)
        return result;
    const size_t left = PYR_SPOOL_BLOCK_BYTES - stream->nfilled;
    *out_room = stream->buffer + stream->nfilled;
    *out_nbytes = nbytes < left ? nbytes : left;
    stream->nfilled += *out_nbytes;
    return PYR_OK;
}

/* bytes NULL: zeros. */
static enum pyr_result add_bytes(struct stream *stream, const uint8_t *bytes,
                                 size_t nbytes, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (size_t done = 0; done < nbytes && result == PYR_OK;)
    {
        uint8_t *room = NULL;
        size_t part = 0;
        result = get_room(stream, nbytes - done, &room, &part, err);
        if (result == PYR_OK && bytes != NULL)
            memcpy(room, bytes + done, part);
        else if (result == PYR_OK)
            memset(room, 0, part);
        done += part;
    }
    return result;
}

/* Goes on at an offset. Between tiles stand zeros; where tiles are missing or
 * have been written already, nothing is written. */
static enum pyr_result go_to(struct stream *stream, uint64_t offset,
                             struct pyr_error *err)
{
    const uint64_t gap = offset - (stream->offset + stream->nfilled);
    if (gap < ROK4_SLAB_ALIGNMENT)
        return add_bytes(stream, NULL, (size_t)gap, err);
    const enum pyr_result result = flush(stream, err);
    stream->offset = offset;
    return result;
}

static enum pyr_result add_spooled(struct stream *stream,
                                   const struct rok4_tile *tile,
                                   struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (size_t done = 0; done < tile->nbytes && result == PYR_OK;)
    {
        uint8_t *room = NULL;
        size_t part = 0;
        result = get_room(stream, tile->nbytes - done, &room, &part, err);
        if (result == PYR_OK)
            result = pyr_spool_read(stream->slab->spool, tile->at + done, room,
                                    part, err);
        done += part;
    }
    return result;
}

/* Leaves a place in the buffer; what belongs there is read when the buffer is
 * written, or when many such places are left. */
static enum pyr_result add_background(struct stream *stream,
                                      const struct rok4_tile *tile,
                                      struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (size_t done = 0; done < tile->nbytes && result == PYR_OK;)
    {
        uint8_t *room = NULL;
        size_t part = 0;
        if (stream->nreads == MAX_READS)
            result = read_background(stream, err);
        if (result == PYR_OK)
            result = get_room(stream, tile->nbytes - done, &room, &part, err);
        if (result != PYR_OK)
            break;
        const struct pyr_extent extent = {tile->at + done, part};
        stream->reads[stream->nreads] = extent;
        stream->targets[stream->nreads++] = room;
        done += part;
    }
    return result;
}

static enum pyr_result add_tile(struct stream *stream,
                                const struct rok4_tile *tile,
                                struct pyr_error *err)
{
    const struct rok4_open_slab *const slab = stream->slab;
    switch (tile->from)
    {
        case ROK4_FROM_NOWHERE:
            return PYR_OK;
        case ROK4_FROM_PUT:
            return add_spooled(stream, tile, err);
        case ROK4_FROM_BACKGROUND:
            return add_background(stream, tile, err);
        case ROK4_FROM_NODATA:
            return add_bytes(stream, slab->nodata->bytes, tile->nbytes, err);
        case ROK4_FROM_VALID:
            return add_bytes(stream, slab->valid->bytes, tile->nbytes, err);
    }
    return PYR_OK;
}

static enum pyr_result add_tiles(struct stream *stream, const uint8_t *index,
                                 struct pyr_error *err)
{
    const struct rok4_open_slab *const slab = stream->slab;
    enum pyr_result result = PYR_OK;
    for (uint32_t i = 0; i < slab->ntiles && result == PYR_OK; i++)
    {
        const struct rok4_tile *const tile = &slab->tiles[i];
        const uint32_t offset = pyr_le32(index + 4 * (size_t)i);
        if (tile->nbytes == 0)
            continue;
        if (tile->from == ROK4_FROM_PUT && slab->spool == NULL)
        {
            result = flush(stream, err);
            stream->offset = (uint64_t)offset + tile->nbytes;
            continue;
        }
        result = go_to(stream, offset, err);
        if (result == PYR_OK)
            result = add_tile(stream, tile, err);
    }
    return result == PYR_OK ? flush(stream, err) : result;
}

static enum pyr_result write_file(struct rok4_writer *writer,
                                  struct rok4_open_slab *slab,
                                  const struct rok4_old_slab *old,
                                  const uint8_t *index, uint32_t first_nbytes,
                                  struct pyr_error *err)
{
    struct stream stream = {.writer = writer,
                            .slab = slab,
                            .old = old,
                            .file = slab->file,
                            .buffer = pyr_spools_take(writer->spools)};
    uint8_t header[ROK4_SLAB_HEADER_BYTES];
    if (stream.buffer == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    rok4_slab_header(&slab->shape, first_nbytes, header);
    enum pyr_result result = add_bytes(&stream, header, sizeof(header), err);
    if (result == PYR_OK)
        result = add_bytes(&stream, index, 8 * (size_t)slab->ntiles, err);
    if (result == PYR_OK)
        result = add_tiles(&stream, index, err);
    pyr_spools_give(writer->spools, stream.buffer);
    return result;
}

enum pyr_result rok4_assemble(struct rok4_writer *writer,
                              struct rok4_open_slab *slab,
                              const struct rok4_old_slab *old,
                              struct pyr_error *err)
{
    const struct pyr_out *const out = writer->options.out;
    const size_t index_nbytes = 8 * (size_t)slab->ntiles;
    uint64_t nbytes = 0;
    uint8_t *const index = pyr_malloc(index_nbytes);
    uint32_t *const sizes = pyr_malloc(slab->ntiles * sizeof(*sizes));
    enum pyr_result result;
    if (index == NULL || sizes == NULL)
    {
        result = pyr_fail(err, PYR_NOMEM, "out of memory");
        goto done;
    }
    for (uint32_t i = 0; i < slab->ntiles; i++)
        sizes[i] = slab->tiles[i].nbytes;
    result = rok4_slab_place(sizes, slab->ntiles, slab->room_nbytes, index,
                             &nbytes, err);
    if (result == PYR_OK && slab->file == NULL)
        result = out->create(out->user, slab->path, &slab->file, err);
    if (result != PYR_OK)
    {
        pyr_error_prefix(err, "slab %s", slab->path);
        goto done;
    }
    result = write_file(writer, slab, old, index, sizes[0], err);
    if (result != PYR_OK)
        goto done;
    struct pyr_out_file *const file = slab->file;
    slab->file = NULL; /* gone, also on failure */
    result = out->commit(file, false, err);
    if (result == PYR_OK)
        atomic_fetch_add(&writer->count, 1);
    else
        pyr_error_prefix(err, "slab %s", slab->path);

done:
    pyr_free(index);
    pyr_free(sizes);
    return result;
}

/* Whether bytes[nbytes], the start of a file of file_nbytes, are header and
 * index as we write them. */
static bool is_start(const struct rok4_writer *writer,
                     const struct rok4_slab_shape *shape, const uint8_t *bytes,
                     uint32_t *sizes, uint8_t *index, uint64_t file_nbytes)
{
    const uint32_t ntiles = shape->tiles_per_width * shape->tiles_per_height;
    const uint32_t room = rok4_slab_room(shape);
    const uint8_t *const counts =
        bytes + ROK4_SLAB_HEADER_BYTES + 4 * (size_t)ntiles;
    uint8_t header[ROK4_SLAB_HEADER_BYTES];
    uint64_t end = 0;
    for (uint32_t i = 0; i < ntiles; i++)
    {
        sizes[i] = pyr_le32(counts + 4 * (size_t)i);
        if (sizes[i] == 0 ? !writer->options.sparse
                          : room != 0 && sizes[i] != room)
            return false;
    }
    rok4_slab_header(shape, sizes[0], header);
    return rok4_slab_place(sizes, ntiles, room, index, &end, NULL) == PYR_OK &&
           end == file_nbytes && memcmp(bytes, header, sizeof(header)) == 0 &&
           memcmp(bytes + sizeof(header), index, 8 * (size_t)ntiles) == 0;
}

bool rok4_is_whole(const struct rok4_writer *writer,
                   const struct rok4_slab_key *key)
{
    const struct pyr_io *const io = writer->options.io;
    const struct rok4_slab_shape shape =
        rok4_writer_shape(writer, key->plane, key->level);
    const uint32_t ntiles = shape.tiles_per_width * shape.tiles_per_height;
    const struct pyr_extent start = {0, ROK4_SLAB_HEADER_BYTES +
                                            8 * (uint64_t)ntiles};
    struct pyr_error err = {""};
    struct pyr_file *file = NULL;
    char *const path = rok4_writer_path(writer, key);
    uint8_t *bytes = pyr_malloc((size_t)start.nbytes);
    uint8_t *const index = pyr_malloc(8 * (size_t)ntiles);
    uint32_t *const sizes = pyr_malloc(ntiles * sizeof(*sizes));
    bool whole = false;
    if (path != NULL && bytes != NULL && index != NULL && sizes != NULL &&
        io->open(io->user, path, &file, &err) == PYR_OK)
    {
        const uint64_t nbytes = io->size(file);
        whole = nbytes >= start.nbytes &&
                io->read(file, 1, &start, &bytes, &err) == PYR_OK &&
                is_start(writer, &shape, bytes, sizes, index, nbytes);
        io->close(file);
    }
    pyr_free(path);
    pyr_free(bytes);
    pyr_free(index);
    pyr_free(sizes);
    return whole;
}
