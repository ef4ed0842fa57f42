/* SPDX-License-Identifier: MIT */
/* How the core reads files: a positional reader that its user supplies. */
#ifndef PYR_IO_H
#define PYR_IO_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Bytes [offset_bytes, offset_bytes + nbytes) of a file. */
struct pyr_extent
{
    uint64_t offset_bytes;
    uint64_t nbytes;
};

/* An open file of the supplier. */
struct pyr_file;

/* The supplier's functions; each fills err (never NULL here) on failure
 * without naming the path, which the caller adds. All are called from many
 * threads at once, also for one file, except close. */
struct pyr_io
{
    void *user;

    /* Opens for reading. PYR_NOT_FOUND only when there certainly is no such
     * file; a file that exists but cannot be opened, and a link to nowhere,
     * are PYR_IO. Closed with close. */
    enum pyr_result (*open)(void *user, const char *path,
                            struct pyr_file **out_file, struct pyr_error *err);
    void (*close)(struct pyr_file *file);

    /* Size at opening. */
    uint64_t (*size)(const struct pyr_file *file);

    /* Identity at opening of the very file that is open: differs after the
     * path was replaced or rewritten. 0 means that the storage cannot tell, and
     * that nothing read earlier may be trusted for this file. */
    uint64_t (*stamp)(const struct pyr_file *file);

    /* False when the open file's content is seen to have changed since it was
     * opened. */
    bool (*unchanged)(const struct pyr_file *file);

    /* Fills buffers[i] with the bytes of ranges[i], all or nothing. A range
     * that ends beyond the file is PYR_CORRUPT. */
    enum pyr_result (*read)(struct pyr_file *file, size_t nranges,
                            const struct pyr_extent *ranges,
                            uint8_t *const *buffers, struct pyr_error *err);

    /* The whole content of a small file, with a NUL after it that is not
     * counted; freed with pyr_free. PYR_LIMIT beyond max_bytes. */
    enum pyr_result (*load)(void *user, const char *path, size_t max_bytes,
                            char **out_text, size_t *out_nbytes,
                            struct pyr_error *err);
};

#ifdef __cplusplus
}
#endif

#endif
