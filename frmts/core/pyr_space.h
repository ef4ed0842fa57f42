/* SPDX-License-Identifier: MIT */
/* Ranges of bytes in one temporary file, whose space is used again. */
#ifndef PYR_SPACE_H
#define PYR_SPACE_H

#include "pyr_out.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* All functions are safe from many threads, but for new, clear and free. */
struct pyr_space;

/* out and path are borrowed until pyr_space_free; the file is made when the
 * first range is written, and never committed. PYR_NOMEM. */
enum pyr_result pyr_space_new(const struct pyr_out *out, const char *path,
                              struct pyr_space **out_space) PYR_MUST_CHECK;
/* Drops the file. NULL is fine. */
void pyr_space_free(struct pyr_space *space);

/* Gives all ranges back, and drops the file. */
void pyr_space_clear(struct pyr_space *space);

/* A range of nbytes that nobody uses: in the smallest gap that holds it, else
 * at the end. */
uint64_t pyr_space_take(struct pyr_space *space, uint64_t nbytes);

/* Gives a range, or a part of one, back: it makes one gap with those beside it.
 * Without memory to note it, the space is lost. */
void pyr_space_give(struct pyr_space *space, uint64_t offset_bytes,
                    uint64_t nbytes);

/* Write to a range that was taken, and read what was written. The file's
 * errors, with its path in front. */
enum pyr_result pyr_space_write(struct pyr_space *space, uint64_t offset_bytes,
                                const uint8_t *bytes, size_t nbytes,
                                struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_space_read(struct pyr_space *space, uint64_t offset_bytes,
                               uint8_t *bytes, size_t nbytes,
                               struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
