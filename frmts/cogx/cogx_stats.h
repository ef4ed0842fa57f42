/* SPDX-License-Identifier: MIT */
/* Sizes of the encoded tiles of a GeoTIFF. */
#ifndef COGX_STATS_H
#define COGX_STATS_H

#include "cogx_tiff.h"

#ifdef __cplusplus
extern "C"
{
#endif

struct cogx_stats
{
    uint64_t ntiles;  /* of all planes */
    uint64_t nsparse; /* of them, that are left out */
    /* Of those that are there; 0 where none is. */
    uint64_t min_bytes;
    uint64_t max_bytes;
    uint64_t total_bytes; /* at most UINT64_MAX */
};

/* Reads the table of a level or mask of the file. PYR_CORRUPT where it is cut
 * off, PYR_NOMEM, errors of the reader. */
enum pyr_result cogx_stats_read(const struct cogx_tiff *file,
                                const struct cogx_raster *raster,
                                struct cogx_stats *out_stats,
                                struct pyr_error *err) PYR_MUST_CHECK;

static inline double cogx_stats_mean_bytes(const struct cogx_stats *stats)
{
    const uint64_t nthere = stats->ntiles - stats->nsparse;
    return nthere == 0 ? 0 : (double)stats->total_bytes / (double)nthere;
}

#ifdef __cplusplus
}
#endif

#endif
