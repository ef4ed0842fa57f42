/* SPDX-License-Identifier: MIT */
/* A file written in sequence: what comes from logs is read in runs, straight
 * into the piece that is written. */
#include "cogx_stream.h"

#include "pyr_alloc.h"

#include <string.h>

#define BUFFER_BYTES ((size_t)1 << 20)

enum pyr_result cogx_stream_begin(struct cogx_stream *stream,
                                  uint64_t total_bytes, struct pyr_error *err)
{
    stream->total_bytes = total_bytes;
    stream->buffer = pyr_malloc(BUFFER_BYTES);
    return stream->buffer ? PYR_OK
                          : pyr_fail(err, PYR_NOMEM, "no memory for the file");
}

/* Reads the run into the buffer. */
static enum pyr_result read_run(struct cogx_stream *stream,
                                struct pyr_error *err)
{
    if (stream->run_nbytes == 0)
        return PYR_OK;
    const enum pyr_result result = pyr_spool_take(
        stream->spool, stream->run_at, stream->buffer + stream->nbytes,
        stream->run_nbytes, err);
    stream->nbytes += stream->run_nbytes;
    stream->run_nbytes = 0;
    return result;
}

static enum pyr_result flush(struct cogx_stream *stream, struct pyr_error *err)
{
    enum pyr_result result = read_run(stream, err);
    if (result == PYR_OK)
        result = stream->out->write(stream->file, stream->at, stream->buffer,
                                    stream->nbytes, err);
    stream->at += stream->nbytes;
    stream->nbytes = 0;
    if (result == PYR_OK && stream->progress &&
        !stream->progress(stream->user,
                          (double)stream->at / (double)stream->total_bytes))
        return pyr_fail(err, PYR_CANCELLED, "interrupted");
    return result;
}

/* Room in the buffer, which is emptied when it is full. */
static enum pyr_result find_room(struct cogx_stream *stream, size_t *out_nbytes,
                                 struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (stream->nbytes + stream->run_nbytes == BUFFER_BYTES)
        result = flush(stream, err);
    *out_nbytes = BUFFER_BYTES - stream->nbytes - stream->run_nbytes;
    return result;
}

enum pyr_result cogx_stream_add(struct cogx_stream *stream,
                                const uint8_t *bytes, size_t nbytes,
                                struct pyr_error *err)
{
    enum pyr_result result = read_run(stream, err);

    while (nbytes > 0 && result == PYR_OK)
    {
        size_t part = 0;
        result = find_room(stream, &part, err);
        if (result != PYR_OK)
            break;
        if (part > nbytes)
            part = nbytes;
        memcpy(stream->buffer + stream->nbytes, bytes, part);
        stream->nbytes += part;
        bytes += part;
        nbytes -= part;
    }
    return result;
}

enum pyr_result cogx_stream_copy(struct cogx_stream *stream,
                                 struct pyr_spool *spool, uint64_t at,
                                 uint64_t nbytes, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;

    if (spool != stream->spool || at != stream->run_at + stream->run_nbytes)
        result = read_run(stream, err);
    while (nbytes > 0 && result == PYR_OK)
    {
        size_t part = 0;
        result = find_room(stream, &part, err);
        if (result != PYR_OK)
            break;
        if (part > nbytes)
            part = (size_t)nbytes;
        if (stream->run_nbytes == 0)
        {
            stream->spool = spool;
            stream->run_at = at;
        }
        stream->run_nbytes += part;
        at += part;
        nbytes -= part;
    }
    return result;
}

enum pyr_result cogx_stream_end(struct cogx_stream *stream,
                                struct pyr_error *err)
{
    const enum pyr_result result = flush(stream, err);
    if (result == PYR_OK && stream->at != stream->total_bytes)
        return pyr_fail(err, PYR_USAGE, "%llu bytes written, expected %llu",
                        (unsigned long long)stream->at,
                        (unsigned long long)stream->total_bytes);
    return result;
}

void cogx_stream_clear(struct cogx_stream *stream)
{
    pyr_free(stream->buffer);
    stream->buffer = NULL;
}
