/* SPDX-License-Identifier: MIT */
/* Objects of a pool: read, written and removed. */
#include "vsirados_object.h"

#include "vsirados_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define DOING_BYTES 96

/* One read that is under way. */
struct flight
{
    rados_completion_t completion;
    rados_read_op_t operation;
    struct pyr_extent extent;
    size_t got;
    int status; /* of the reading itself */
};

static void end_flight(struct flight *flight)
{
    if (flight->operation != NULL)
        rados_release_read_op(flight->operation);
    if (flight->completion != NULL)
        rados_aio_release(flight->completion);
    flight->operation = NULL;
    flight->completion = NULL;
}

/* 0, or -errno with nothing under way. */
static int begin_flight(struct vsirados_pool *pool, const char *name,
                        struct flight *flight)
{
    int status = rados_aio_create_completion2(NULL, NULL, &flight->completion);

    if (status < 0)
        flight->completion = NULL;
    else
        status = rados_aio_read_op_operate(flight->operation, pool->io,
                                           flight->completion, name,
                                           LIBRADOS_OPERATION_NOFLAG);
    if (status < 0)
        end_flight(flight);
    else
        atomic_fetch_add(&pool->clusters->reads, 1);
    return status;
}

/* 0 or -errno, when the answer is there. */
static int wait_for(struct vsirados_pool *pool, struct flight *flight)
{
    (void)rados_aio_wait_for_complete(flight->completion);
    const int status = rados_aio_get_return_value(flight->completion);

    if (status < 0)
        return status;
    atomic_fetch_add(&pool->clusters->bytes_read, flight->got);
    return flight->status;
}

enum pyr_result vsirados_object_open(struct vsirados_pool *pool,
                                     const char *name, void *head,
                                     size_t max_bytes,
                                     struct vsirados_object *out_object,
                                     struct vsirados_error *err)
{
    struct flight flight = {NULL, NULL, {0, max_bytes}, 0, 0};
    uint64_t size_bytes = 0;
    time_t changed_s = 0;
    int stat_status = 0;

    flight.operation = rados_create_read_op();
    if (flight.operation == NULL)
        return vsirados_fail(err, -ENOMEM, 0, NULL);
    if (max_bytes > 0)
        rados_read_op_read(flight.operation, 0, max_bytes, head, &flight.got,
                           &flight.status);
    rados_read_op_stat(flight.operation, &size_bytes, &changed_s, &stat_status);
    int status = begin_flight(pool, name, &flight);
    if (status < 0)
        return vsirados_pool_fail(pool, err, status, NULL);
    status = wait_for(pool, &flight);
    const uint64_t version = rados_aio_get_version(flight.completion);
    end_flight(&flight);
    vsirados_debug(pool, "%s %s/%s: %d", max_bytes > 0 ? "open" : "stat",
                   pool->name, name, status);
    if (status == 0)
        status = stat_status;
    /* There is no object of such a name. */
    if (status == -ENAMETOOLONG)
        status = -ENOENT;
    if (status < 0)
        return vsirados_pool_fail(pool, err, status, NULL);
    if (flight.got != (size_bytes < max_bytes ? size_bytes : max_bytes))
        return vsirados_pool_fail(pool, err, -EIO, "its first bytes");
    out_object->size_bytes = size_bytes;
    out_object->changed_s = changed_s;
    out_object->version = version;
    return PYR_OK;
}

/* The pieces of some ranges, one after the other. */
struct pieces
{
    const struct vsirados_range *ranges;
    size_t nranges;
    uint64_t done; /* bytes of the first range */
};

/* False when there is none left. */
static bool next_piece(struct pieces *pieces, struct pyr_extent *out_extent,
                       uint8_t **out_bytes)
{
    while (pieces->nranges > 0 && pieces->done == pieces->ranges->extent.nbytes)
    {
        pieces->ranges++;
        pieces->nranges--;
        pieces->done = 0;
    }
    if (pieces->nranges == 0)
        return false;
    const struct vsirados_range *range = pieces->ranges;
    const uint64_t left = range->extent.nbytes - pieces->done;
    out_extent->offset_bytes = range->extent.offset_bytes + pieces->done;
    out_extent->nbytes =
        left < VSIRADOS_PIECE_BYTES ? left : VSIRADOS_PIECE_BYTES;
    *out_bytes = range->bytes + pieces->done;
    pieces->done += out_extent->nbytes;
    return true;
}

static int begin_piece(struct vsirados_pool *pool, const char *name,
                       uint64_t version, const struct pyr_extent *extent,
                       uint8_t *bytes, struct flight *flight)
{
    flight->extent = *extent;
    flight->got = 0;
    flight->status = 0;
    flight->operation = rados_create_read_op();
    if (flight->operation == NULL)
        return -ENOMEM;
    if (version != 0)
        rados_read_op_assert_version(flight->operation, version);
    rados_read_op_read(flight->operation, extent->offset_bytes,
                       (size_t)extent->nbytes, (char *)bytes, &flight->got,
                       &flight->status);
    const int status = begin_flight(pool, name, flight);
    vsirados_debug(pool, "read %s/%s: bytes %" PRIu64 "-%" PRIu64, pool->name,
                   name, extent->offset_bytes,
                   extent->offset_bytes + extent->nbytes - 1);
    return status;
}

static int end_piece(struct vsirados_pool *pool, struct flight *flight)
{
    int status = wait_for(pool, flight);

    /* An object that is gone was replaced by nothing; one that was not asked
     * for by version has become shorter. */
    if (status == -ENOENT ||
        (status == 0 && flight->got != flight->extent.nbytes))
        status = -ESTALE;
    end_flight(flight);
    return status;
}

enum pyr_result vsirados_object_read(struct vsirados_pool *pool,
                                     const char *name, uint64_t version,
                                     const struct vsirados_range *ranges,
                                     size_t nranges, struct vsirados_error *err)
{
    struct flight flights[VSIRADOS_MAX_OPERATIONS];
    struct pieces pieces = {ranges, nranges, 0};
    struct pyr_extent extent = {0, 0};
    struct pyr_extent wrong = {0, 0};
    uint8_t *bytes = NULL;
    size_t nbegun = 0;
    size_t nended = 0;
    int status = 0;

    /* The oldest is waited for when there are too many, or no more to begin.
     * After a failure all are: they write into the caller's buffers. */
    for (;;)
    {
        if (status == 0 && nbegun - nended < VSIRADOS_MAX_OPERATIONS &&
            next_piece(&pieces, &extent, &bytes))
        {
            wrong = extent;
            status = begin_piece(pool, name, version, &extent, bytes,
                                 &flights[nbegun % VSIRADOS_MAX_OPERATIONS]);
            nbegun += status == 0;
            continue;
        }
        if (nended == nbegun)
            break;
        struct flight *oldest = &flights[nended++ % VSIRADOS_MAX_OPERATIONS];
        const int ended = end_piece(pool, oldest);
        if (ended != 0 && status == 0)
        {
            status = ended;
            wrong = oldest->extent;
        }
    }
    if (status == 0)
        return PYR_OK;
    char doing[DOING_BYTES];
    (void)snprintf(doing, sizeof doing,
                   "reading %" PRIu64 " bytes at byte %" PRIu64, wrong.nbytes,
                   wrong.offset_bytes);
    return vsirados_pool_fail(pool, err, status, doing);
}

enum pyr_result vsirados_object_write(struct vsirados_pool *pool,
                                      const char *name, const void *bytes,
                                      size_t nbytes, struct vsirados_error *err)
{
    char doing[DOING_BYTES];

    (void)snprintf(doing, sizeof doing, "writing %zu bytes", nbytes);
    if (nbytes > vsirados_pool_max_bytes(pool))
        return vsirados_pool_fail(pool, err, -EFBIG, doing);
    atomic_fetch_add(&pool->clusters->writes, 1);
    const int status = rados_write_full(pool->io, name, bytes, nbytes);
    vsirados_debug(pool, "write %s/%s: %zu bytes: %d", pool->name, name, nbytes,
                   status);
    if (status < 0)
    {
        const enum pyr_result result =
            vsirados_pool_fail(pool, err, status, doing);
        return result == PYR_NOT_FOUND ? PYR_IO : result;
    }
    atomic_fetch_add(&pool->clusters->bytes_written, nbytes);
    return PYR_OK;
}

enum pyr_result vsirados_object_remove(struct vsirados_pool *pool,
                                       const char *name, uint64_t version,
                                       struct vsirados_error *err)
{
    rados_write_op_t operation = rados_create_write_op();

    if (operation == NULL)
        return vsirados_fail(err, -ENOMEM, 0, NULL);
    if (version != 0)
        rados_write_op_assert_version(operation, version);
    rados_write_op_remove(operation);
    atomic_fetch_add(&pool->clusters->removals, 1);
    const int status = rados_write_op_operate(operation, pool->io, name, NULL,
                                              LIBRADOS_OPERATION_NOFLAG);
    rados_release_write_op(operation);
    vsirados_debug(pool, "remove %s/%s: %d", pool->name, name, status);
    return status < 0 ? vsirados_pool_fail(pool, err, status, "removing")
                      : PYR_OK;
}

/* Removals of one call, of which the last ones are under way. */
struct removals
{
    struct vsirados_pool *pool;
    rados_completion_t completions[VSIRADOS_MAX_OPERATIONS];
    int first_wrong; /* -errno, or 0 */
};

static void begin_removal(struct removals *removals, const char *name,
                          size_t nth)
{
    rados_completion_t *const slot =
        &removals->completions[nth % VSIRADOS_MAX_OPERATIONS];
    int status = rados_aio_create_completion2(NULL, NULL, slot);

    if (status < 0)
        *slot = NULL;
    else
        status = rados_aio_remove(removals->pool->io, name, *slot);
    atomic_fetch_add(&removals->pool->clusters->removals, 1);
    if (status < 0 && *slot != NULL)
    {
        rados_aio_release(*slot);
        *slot = NULL;
    }
    if (status < 0 && removals->first_wrong == 0)
        removals->first_wrong = status;
}

/* Whether the object is gone. */
static bool end_removal(struct removals *removals, size_t nth)
{
    const rados_completion_t completion =
        removals->completions[nth % VSIRADOS_MAX_OPERATIONS];

    if (completion == NULL)
        return false;
    (void)rados_aio_wait_for_complete(completion);
    const int status = rados_aio_get_return_value(completion);
    rados_aio_release(completion);
    if (status >= 0 || status == -ENOENT)
        return true;
    if (removals->first_wrong == 0)
        removals->first_wrong = status;
    return false;
}

enum pyr_result vsirados_object_remove_all(struct vsirados_pool *pool,
                                           const char *const *names,
                                           size_t nnames, bool *gone,
                                           struct vsirados_error *err)
{
    struct removals removals = {.pool = pool};
    size_t nended = 0;

    for (size_t i = 0; i < nnames; i++)
    {
        if (i - nended == VSIRADOS_MAX_OPERATIONS)
        {
            gone[nended] = end_removal(&removals, nended);
            nended++;
        }
        begin_removal(&removals, names[i], i);
    }
    for (; nended < nnames; nended++)
        gone[nended] = end_removal(&removals, nended);
    vsirados_debug(pool, "remove %zu objects of %s: %d", nnames, pool->name,
                   removals.first_wrong);
    return removals.first_wrong == 0
               ? PYR_OK
               : vsirados_pool_fail(pool, err, removals.first_wrong,
                                    "removing");
}
