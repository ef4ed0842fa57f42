/* SPDX-License-Identifier: MIT */
/* Sizes of the encoded tiles of a GeoTIFF. */
#include "cogx_stats.h"

#include "cogx_cursor.h"
#include "pyr_alloc.h"
#include "pyr_arith.h"

enum pyr_result cogx_stats_read(const struct cogx_tiff *file,
                                const struct cogx_raster *raster,
                                struct cogx_stats *out_stats,
                                struct pyr_error *err)
{
    struct cogx_stats stats = {cogx_raster_ntiles(raster), 0, 0, 0, 0};
    const uint64_t nlisted = cogx_raster_nlisted(raster, stats.ntiles);
    enum pyr_result result = PYR_OK;
    struct cogx_cursor *const cursor = pyr_malloc(sizeof(*cursor));
    if (cursor == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    cogx_cursor_init(cursor, file, raster);
    stats.nsparse = stats.ntiles - nlisted;
    for (uint64_t i = 0; i < nlisted && result == PYR_OK; i++)
    {
        struct pyr_extent tile = {0, 0};
        result = cogx_cursor_at(cursor, i, &tile, err);
        if (tile.nbytes == 0)
        {
            stats.nsparse++;
            continue;
        }
        if (stats.total_bytes == 0 || tile.nbytes < stats.min_bytes)
            stats.min_bytes = tile.nbytes;
        if (tile.nbytes > stats.max_bytes)
            stats.max_bytes = tile.nbytes;
        if (!pyr_add_u64(stats.total_bytes, tile.nbytes, &stats.total_bytes))
            stats.total_bytes = UINT64_MAX;
    }
    if (result == PYR_OK)
        *out_stats = stats;
    pyr_free(cursor);
    return result;
}
