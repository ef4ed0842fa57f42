/* SPDX-License-Identifier: MIT */
/* A text file that is written from its beginning. */
#ifndef ROK4_LINES_H
#define ROK4_LINES_H

#include "pyr_out.h"

#define ROK4_LINES_BUFFER_BYTES (256u << 10)

/* Only `written`, the bytes that have been flushed, is for others to read. */
struct rok4_lines
{
    const struct pyr_out *out;
    const char *path;
    struct pyr_out_file *file; /* NULL: not written */
    char *buffer;
    size_t used;
    uint64_t written;
};

/* Begins the file at path, borrowed; with path NULL, nothing. Errors of all
 * functions name the path: as of struct pyr_out, PYR_NOMEM. Cleared with
 * rok4_lines_clear, also on failure. */
enum pyr_result rok4_lines_begin(struct rok4_lines *lines,
                                 const struct pyr_out *out, const char *path,
                                 struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result rok4_lines_add(struct rok4_lines *lines, const char *text,
                               struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result rok4_lines_flush(struct rok4_lines *lines,
                                 struct pyr_error *err) PYR_MUST_CHECK;
/* Puts the file in its place, not durably. */
enum pyr_result rok4_lines_commit(struct rok4_lines *lines,
                                  struct pyr_error *err) PYR_MUST_CHECK;
/* Drops what was not committed. */
void rok4_lines_clear(struct rok4_lines *lines);

#endif
