/* SPDX-License-Identifier: MIT */
/* Handles of libtiff over functions, for the codec files that need one. */
#ifndef PYR_LIBTIFF_H
#define PYR_LIBTIFF_H

#include "pyr.h"

#include <stdio.h>

#include <tiffio.h>

#define PYR_LIBTIFF_MESSAGE_BYTES 256

/* What stands for the file. */
struct pyr_libtiff_file
{
    void *user;              /* the first argument of these: */
    TIFFReadWriteProc read;  /* NULL: there is nothing to read */
    TIFFReadWriteProc write; /* NULL: it cannot be written to */
    TIFFSeekProc seek;
    TIFFSizeProc size;
    /* [PYR_LIBTIFF_MESSAGE_BYTES]: gets the first error since it was emptied;
     * NULL: none is kept. Borrowed as long as the handle. */
    char *message;
    size_t max_alloc_bytes; /* of libtiff at once; 0: any */
};

/* Opens it as TIFFClientOpen does. No message reaches the handlers of the
 * process. NULL when out of memory, or when libtiff refuses. The caller frees
 * it with TIFFClose. */
TIFF *pyr_libtiff_open(const char *mode, const struct pyr_libtiff_file *file);

/* A tag with its value; libtiff takes all of these as int. */
struct pyr_libtiff_field
{
    uint32_t tag;
    uint32_t value;
};

bool pyr_libtiff_set(TIFF *handle, const struct pyr_libtiff_field *fields,
                     size_t nfields);

#endif
