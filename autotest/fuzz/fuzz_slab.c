/* SPDX-License-Identifier: MIT */
/* Fuzz target: slab indexes. The first byte says how many tiles, the next four
 * how many bytes the slab has; the index follows. */
#include "pyr_buf.h"
#include "rok4_slab.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

#define MAX_TILE 50000u

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void check_tile(const uint8_t *index, uint32_t ntiles, uint32_t tile,
                       uint64_t slab_nbytes)
{
    const uint64_t first = 2048 + 8 * (uint64_t)ntiles;
    struct pyr_extent extent = {1, 1};
    struct pyr_error err = {""};
    const enum pyr_result result = rok4_slab_locate(
        index, ntiles, tile, slab_nbytes, MAX_TILE, &extent, &err);
    if (result != PYR_OK)
    {
        require(result == PYR_CORRUPT || result == PYR_LIMIT);
        require(err.text[0] != '\0');
        require(extent.offset_bytes == 1 && extent.nbytes == 1);
        return;
    }
    if (extent.nbytes == 0)
    {
        require(extent.offset_bytes == 0);
        return;
    }
    require(extent.nbytes <= MAX_TILE && extent.offset_bytes >= first);
    require(extent.offset_bytes + extent.nbytes <= slab_nbytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    if (nbytes < 5)
        return 0;
    const uint32_t ntiles = 1 + data[0];
    const uint64_t slab_nbytes = pyr_le32(data + 1);
    const struct pyr_extent where = rok4_slab_index(ntiles);
    require(where.offset_bytes == 2048 && where.nbytes == 8 * ntiles);
    /* A block of its very size, so that ASAN sees one byte too many. */
    uint8_t *const index = calloc((size_t)where.nbytes, 1);
    if (index == NULL)
        return 0;
    const size_t given =
        nbytes - 5 < where.nbytes ? nbytes - 5 : (size_t)where.nbytes;
    memcpy(index, data + 5, given);
    for (uint32_t tile = 0; tile < ntiles; tile++)
        check_tile(index, ntiles, tile, slab_nbytes);
    free(index);
    return 0;
}
