/* SPDX-License-Identifier: MIT */
/* Logs of bytes in bounded memory; what exceeds it goes to temporary files. */
#ifndef PYR_SPOOL_H
#define PYR_SPOOL_H

#include "pyr_out.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Memory is taken in blocks of this size, which are used again and again:
 * fresh memory costs as much as filling it. */
#define PYR_SPOOL_BLOCK_BYTES (256u << 10)

/* The memory of several logs. All functions are safe from many threads, but for
 * new and free. */
struct pyr_spools;

/* memory_bytes: of all logs; one that grows beyond sends the largest to its
 * file. out is borrowed until pyr_spools_free. PYR_NOMEM. */
enum pyr_result pyr_spools_new(const struct pyr_out *out, size_t memory_bytes,
                               struct pyr_spools **out_spools) PYR_MUST_CHECK;
/* Once every log is freed and every block given back. NULL is fine. */
void pyr_spools_free(struct pyr_spools *spools);

/* A block for other use, which the limit does not count; NULL when out of
 * memory. Given back with pyr_spools_give; NULL is fine there. */
uint8_t *pyr_spools_take(struct pyr_spools *spools);
void pyr_spools_give(struct pyr_spools *spools, uint8_t *block);

/* One log. */
struct pyr_spool;

/* path: of the temporary file, which is made when it is needed and never
 * committed; borrowed until pyr_spool_free. PYR_NOMEM. */
enum pyr_result pyr_spool_new(struct pyr_spools *spools, const char *path,
                              struct pyr_spool **out_spool) PYR_MUST_CHECK;
/* Drops it and its file. NULL is fine. */
void pyr_spool_free(struct pyr_spool *spool);

/* Adds a copy of bytes[nbytes] and says where it stands. PYR_NOMEM; the file's
 * errors, with the path of the file in front. Safe from many threads. */
enum pyr_result pyr_spool_append(struct pyr_spool *spool, const uint8_t *bytes,
                                 size_t nbytes, uint64_t *out_at,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* Some of the bytes to add. */
struct pyr_spool_part
{
    const uint8_t *bytes;
    size_t nbytes;
};

/* Like pyr_spool_append, but adds parts[nparts] one right behind the other. */
enum pyr_result pyr_spool_append_parts(struct pyr_spool *spool,
                                       const struct pyr_spool_part *parts,
                                       size_t nparts, uint64_t *out_at,
                                       struct pyr_error *err) PYR_MUST_CHECK;

/* Copies what was added at `at`, or a part of it. Nothing may be added once
 * reading has begun. From one thread. */
enum pyr_result pyr_spool_read(struct pyr_spool *spool, uint64_t at,
                               uint8_t *bytes, size_t nbytes,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* Like pyr_spool_read, but of bytes that are read once: the file gives their
 * space back, so that what is made of them can have it. */
enum pyr_result pyr_spool_take(struct pyr_spool *spool, uint64_t at,
                               uint8_t *bytes, size_t nbytes,
                               struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
