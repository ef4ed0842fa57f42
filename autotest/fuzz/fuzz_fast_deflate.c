/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes, by the fast DEFLATE encoder and back. */
#include "pyr_fast_deflate.h"

#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

/* The input is small: it is taken over and over, changed a little. */
#define MAX_TIMES 256u

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void check(const uint8_t *bytes, size_t nbytes)
{
    const size_t bound = pyr_fast_deflate_bound(nbytes);
    struct pyr_fast_deflate *deflate = NULL;
    struct libdeflate_decompressor *library = libdeflate_alloc_decompressor();
    uint8_t *out = malloc(bound);
    uint8_t *back = malloc(nbytes + 1);
    size_t found = 0;

    require(out != NULL && back != NULL && library != NULL &&
            pyr_fast_deflate_new(&deflate) == PYR_OK);
    const size_t made = pyr_fast_deflate(deflate, bytes, nbytes, out);
    require(made <= bound);
    require(libdeflate_deflate_decompress(library, out, made, back, nbytes,
                                          &found) == LIBDEFLATE_SUCCESS);
    require(found == nbytes && memcmp(back, bytes, nbytes) == 0);
    pyr_fast_deflate_free(deflate);
    libdeflate_free_decompressor(library);
    free(back);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    if (nbytes == 0)
        return 0;
    const size_t times = 1 + data[0] % MAX_TIMES;
    const size_t step = nbytes - 1;
    uint8_t *bytes = malloc(times * step + 1);
    require(bytes != NULL);
    for (size_t i = 0; i < times; i++)
    {
        memcpy(bytes + i * step, data + 1, step);
        if (step > 0)
            bytes[i * step + i % step] ^= (uint8_t)i;
    }
    check(bytes, times * step);
    free(bytes);
    return 0;
}
