/* SPDX-License-Identifier: MIT */
/* The index of a slab: where its tiles are (spec section 5). */
#include "rok4_slab.h"

#include "pyr_arith.h"
#include "pyr_buf.h"

struct pyr_extent rok4_slab_index(uint32_t ntiles)
{
    const struct pyr_extent index = {ROK4_SLAB_HEADER_BYTES,
                                     8 * (uint64_t)ntiles};
    return index;
}

enum pyr_result rok4_slab_locate(const uint8_t *index, uint32_t ntiles,
                                 uint32_t tile, uint64_t slab_nbytes,
                                 uint64_t max_tile_nbytes,
                                 struct pyr_extent *out_extent,
                                 struct pyr_error *err)
{
    const uint32_t offset = pyr_le32(index + 4 * (size_t)tile);
    const uint32_t nbytes = pyr_le32(index + 4 * ((size_t)ntiles + tile));
    const struct pyr_extent none = {0, 0};
    const struct pyr_extent found = {offset, nbytes};
    const uint64_t first = ROK4_SLAB_HEADER_BYTES + 8 * (uint64_t)ntiles;
    if (nbytes == 0)
    {
        *out_extent = none;
        return PYR_OK;
    }
    if (offset < first)
        return pyr_fail(err, PYR_CORRUPT,
                        "starts at byte %u, where no tile can be before byte "
                        "%llu",
                        offset, (unsigned long long)first);
    if (!pyr_range_within(offset, nbytes, slab_nbytes))
        return pyr_fail(err, PYR_CORRUPT,
                        "ends at byte %llu, the file has %llu (truncated?)",
                        (unsigned long long)offset + nbytes,
                        (unsigned long long)slab_nbytes);
    if (nbytes > max_tile_nbytes)
        return pyr_fail(err, PYR_LIMIT, "takes %u bytes, expected at most %llu",
                        nbytes, (unsigned long long)max_tile_nbytes);
    *out_extent = found;
    return PYR_OK;
}
