/* SPDX-License-Identifier: MIT */
/* The rows engine: a raster to the encoded tiles of an image and its overviews,
 * in one pass. */
#ifndef PYR_ROWS_H
#define PYR_ROWS_H

#include "pyr_kernel.h"
#include "pyr_sink.h"
#include "pyr_tiff_tile.h"

#ifdef __cplusplus
extern "C"
{
#endif

struct pyr_pool;

/* The image's pixels. Both functions are called on the thread that called
 * pyr_rows_build, never two at once, for windows that follow each other: rows
 * of tiles from the top, in each from the left. What is read at once is as many
 * tiles side by side as may hold data and fit into 64 MiB. */
struct pyr_rows_source
{
    void *user;

    /* False when the window certainly holds no data; cheap. NULL: unknown. */
    bool (*may_hold)(void *user, uint32_t px_x, uint32_t px_y,
                     uint32_t width_px, uint32_t height_px);

    /* Fills pixels[height_px][width_px][bands], rows row_bytes apart, in native
     * byte order, and with masks mask[height_px][width_px], rows mask_row_bytes
     * apart, with 0 where a pixel does not count, else 255 (else mask is NULL).
     */
    enum pyr_result (*read)(void *user, uint32_t px_x, uint32_t px_y,
                            uint32_t width_px, uint32_t height_px,
                            uint8_t *pixels, size_t row_bytes, uint8_t *mask,
                            size_t mask_row_bytes, struct pyr_error *err);
};

struct pyr_rows_size
{
    uint32_t width_px;
    uint32_t height_px;
};

/* What the engine sums up of a band of the image, of pixels that count. */
struct pyr_rows_statistics
{
    uint64_t count;
    double min;
    double max;
    double mean;
    double stddev; /* of the population */
};

struct pyr_rows_options
{
    /* sizes[nlevels]: of the image, then of its overviews, each of which is
     * resampled from the one before and not larger. */
    const struct pyr_rows_size *sizes;
    uint32_t nlevels;
    uint32_t first_level; /* number of sizes[0] for the sink */

    const struct pyr_rows_source *source;
    enum pyr_method method;
    /* Which pixels count when they are resampled: */
    bool masks; /* the source tells; the mask plane is written, too */
    /* The masks of overviews beyond the first: of the first it is the image's
     * by itself. */
    enum pyr_mask_rule mask_rule;
    bool alpha;  /* those whose last band is not 0 */
    bool nodata; /* by band: those other than nodata_values[bands]; NaN: those
                  * that are not NaN */
    const double *nodata_values;
    const uint8_t (*palette)[4]; /* [npalette], as in struct pyr_kernel_rule */
    uint32_t npalette;

    struct pyr_tile_format format;          /* of sizes[0] */
    struct pyr_tile_format overview_format; /* of the others; same tile shape,
                                             * bands and type */
    struct pyr_tile_format mask_format;     /* with masks; same tile shape */
    /* Gets each tile but those that are empty: all samples 0, or with nodata
     * nodata_values; of the mask plane, all 0. wants and finish are not used.
     */
    const struct pyr_sink *sink;
    /* Asked of each of these tiles before it is encoded, from several threads
     * at once: false for one that there is already. NULL: all are wanted. */
    bool (*wants)(void *user, enum pyr_plane plane, uint32_t level,
                  uint32_t tile_col, uint32_t tile_row);
    void *wants_user;

    /* statistics[bands] of sizes[0], or NULL. Complex: of the real part. */
    struct pyr_rows_statistics *statistics;

    struct pyr_pool *pool;
    unsigned nthreads; /* 1 .. PYR_POOL_MAX_THREADS */
    void *thread_user; /* as in struct pyr_job; may be NULL */
    void (*thread_enter)(void *user, unsigned worker);
    void (*thread_leave)(void *user, unsigned worker);

    /* Share of the work done, 0 .. 1; false interrupts. May be NULL. */
    bool (*progress)(void *user, double fraction);
    void *progress_user;
};

/* Reads the image once, row of tiles by row of tiles, encodes its tiles,
 * resamples the next level in memory, and so on. Tiles at the right and bottom
 * edge are filled up with copies of the last column and row. What is put, and
 * the statistics, do not depend on nthreads. Memory: about three rows of tiles,
 * two of them where one exceeds 40 MiB; none for tiles that are empty.
 *
 * Errors of source, codec and sink are passed on; PYR_CANCELLED when progress
 * said so; PYR_USAGE for options that contradict each other; PYR_NOMEM. */
enum pyr_result pyr_rows_build(const struct pyr_rows_options *options,
                               struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
