/* SPDX-License-Identifier: MIT */
/* A file written in sequence, in large pieces. */
#ifndef COGX_STREAM_H
#define COGX_STREAM_H

#include "pyr_out.h"
#include "pyr_spool.h"

/* The first members are the caller's; the others begin as zeros. */
struct cogx_stream
{
    const struct pyr_out *out;
    struct pyr_out_file *file;
    bool (*progress)(void *user, double fraction); /* may be NULL */
    void *user;

    uint64_t total_bytes;
    uint64_t at; /* bytes in the file */
    uint8_t *buffer;
    size_t nbytes; /* in the buffer */
    /* What is still to be copied to the end of the buffer, for which there is
     * room. */
    struct pyr_spool *spool;
    uint64_t run_at;
    size_t run_nbytes;
};

/* total_bytes: of the file that will be written. PYR_NOMEM. */
enum pyr_result cogx_stream_begin(struct cogx_stream *stream,
                                  uint64_t total_bytes,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* Add bytes[nbytes], or what stands in a log at `at`. Errors of both;
 * PYR_CANCELLED. */
enum pyr_result cogx_stream_add(struct cogx_stream *stream,
                                const uint8_t *bytes, size_t nbytes,
                                struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result cogx_stream_copy(struct cogx_stream *stream,
                                 struct pyr_spool *spool, uint64_t at,
                                 uint64_t nbytes,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* Writes what is left; PYR_USAGE when that is not all. */
enum pyr_result cogx_stream_end(struct cogx_stream *stream,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* Also after a failure. */
void cogx_stream_clear(struct cogx_stream *stream);

#endif
