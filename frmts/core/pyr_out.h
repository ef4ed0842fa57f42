/* SPDX-License-Identifier: MIT */
/* How files are written: whole, or not at all. */
#ifndef PYR_OUT_H
#define PYR_OUT_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* A file that is being written. */
struct pyr_out_file;

/* The supplier's functions; each fills err (never NULL here) on failure
 * without naming the path, which the caller adds. All are called from many
 * threads at once, for one file as far as said. */
struct pyr_out
{
    void *user;

    /* Begins the file that commit will put at path, under a name of its own
     * beside it; missing directories are made. PYR_IO: full, not writable... */
    enum pyr_result (*create)(void *user, const char *path,
                              struct pyr_out_file **out_file,
                              struct pyr_error *err);

    /* Writes bytes[nbytes] at an offset; what is skipped reads as zeros. From
     * several threads at once for ranges that do not overlap. */
    enum pyr_result (*write)(struct pyr_out_file *file, uint64_t offset_bytes,
                             const void *bytes, size_t nbytes,
                             struct pyr_error *err);

    /* Reads back what was written. */
    enum pyr_result (*read)(struct pyr_out_file *file, uint64_t offset_bytes,
                            void *bytes, size_t nbytes, struct pyr_error *err);

    /* Says that a range of the file is not read again, nor written: its space
     * may be given back, before the file is dropped. NULL: nothing comes of it.
     */
    void (*forget)(struct pyr_out_file *file, uint64_t offset_bytes,
                   uint64_t nbytes);

    /* Puts the file at its path, in the place of what stands there, at once
     * (never through a link), and frees the handle, also on failure. With
     * durable, its bytes and its name are on the disk when this returns; else
     * they are on their way there. */
    enum pyr_result (*commit)(struct pyr_out_file *file, bool durable,
                              struct pyr_error *err);

    /* Drops the file and the handle. NULL is fine. */
    void (*discard)(struct pyr_out_file *file);
};

#ifdef __cplusplus
}
#endif

#endif
