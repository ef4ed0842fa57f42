/* SPDX-License-Identifier: MIT */
/* What coginfo tells about a file, for people to read. */
#include "coginfo_print.h"

#include "cogx_codec.h"
#include "cogx_json.h"
#include "cogx_stats.h"

#include <inttypes.h>
#include <stdio.h>

#define CELL_BYTES 48

static void print_issues(const struct cogx_verdict *verdict, bool warnings)
{
    const uint64_t nfound = warnings ? verdict->nwarnings : verdict->nerrors;
    uint64_t nprinted = 0;
    if (nfound == 0)
        return;
    printf("%s:\n", warnings ? "Warnings" : "Errors");
    for (size_t i = 0; i < verdict->nissues; i++)
    {
        const struct cogx_issue *const issue = &verdict->issues[i];
        if (cogx_rule_is_warning(issue->rule) != warnings)
            continue;
        printf("  %s: %s\n", cogx_rule_name(issue->rule), issue->text);
        nprinted++;
    }
    if (nprinted < nfound)
        printf("  and %" PRIu64 " more like these\n", nfound - nprinted);
}

void coginfo_print_verdict(const char *path, const struct cogx_verdict *verdict)
{
    printf("%s: %s Cloud Optimized GeoTIFF%s\n", path,
           verdict->valid ? "valid" : "not a valid",
           verdict->full_check ? "" : " (bytes around tiles not looked at)");
    print_issues(verdict, false);
    print_issues(verdict, true);
}

static void print_structure(const struct cogx_structure *structure)
{
    if (!structure->present)
        printf("Structural metadata: none\n");
    else if (structure->damaged)
        printf("Structural metadata: damaged\n");
    else
        printf("Structural metadata:%s%s%s%s%s\n",
               structure->row_major ? " tiles in rows," : "",
               structure->leader ? " leaders," : "",
               structure->trailer ? " trailers," : "",
               structure->masks_interleaved ? " masks behind tiles," : "",
               structure->edited ? " edited since" : " not edited");
}

/* One line of the table of levels. */
static enum pyr_result print_raster(const struct cogx_tiff *file,
                                    const struct cogx_raster *raster,
                                    const char *name, const char *decimation,
                                    struct pyr_error *err)
{
    struct cogx_stats stats = {cogx_raster_ntiles(raster), 0, 0, 0, 0};
    char compression[COGX_COMPRESSION_BYTES];
    char size[CELL_BYTES];
    char tile[CELL_BYTES];
    enum pyr_result result =
        cogx_compression_of(file, raster, compression, err);
    if (result == PYR_OK)
        result = cogx_stats_read(file, raster, &stats, err);
    if (result != PYR_OK && result != PYR_CORRUPT)
        return result;
    (void)snprintf(size, sizeof(size), "%" PRIu32 "x%" PRIu32, raster->width_px,
                   raster->height_px);
    (void)snprintf(tile, sizeof(tile), "%" PRIu32 "x%" PRIu32 "%s",
                   raster->tile_width_px, raster->tile_height_px,
                   raster->tiled ? "" : " strip");
    printf("%-6s %15s %10s %15s %9" PRIu64, name, size, decimation, tile,
           stats.ntiles);
    if (result == PYR_OK)
        printf(
            " %9" PRIu64 " %13" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64,
            stats.nsparse, stats.total_bytes, stats.min_bytes,
            (uint64_t)(cogx_stats_mean_bytes(&stats) + 0.5), stats.max_bytes);
    else
        printf(" %9s %13s %9s %9s %9s", "?", "?", "?", "?", "?");
    printf("  %s\n", compression);
    return PYR_OK;
}

static enum pyr_result print_levels(const struct cogx_tiff *file,
                                    struct pyr_error *err)
{
    printf("%-6s %15s %10s %15s %9s %9s %13s %9s %9s %9s  %s\n", "Level",
           "Size", "Decimation", "Tile", "Tiles", "Sparse", "Bytes", "Smallest",
           "Mean", "Largest", "Compression");
    for (uint32_t i = 0; i < file->nlevels; i++)
    {
        const struct cogx_level *const level = &file->levels[i];
        char name[CELL_BYTES];
        char decimation[PYR_DOUBLE_BYTES];
        /* Three digits behind the point. */
        const double rounded =
            (double)(uint64_t)(cogx_decimation_of(file, i) * 1000 + 0.5) / 1000;
        (void)snprintf(name, sizeof(name), "%" PRIu32, i);
        (void)pyr_format_double(rounded, decimation);
        enum pyr_result result =
            print_raster(file, &level->image, name, decimation, err);
        if (result == PYR_OK && level->has_mask)
            result = print_raster(file, &level->mask, " mask", "", err);
        if (result != PYR_OK)
            return result;
    }
    return PYR_OK;
}

enum pyr_result coginfo_print(const char *path, const struct cogx_tiff *file,
                              const struct cogx_verdict *verdict,
                              struct pyr_error *err)
{
    const struct cogx_raster *const image = &file->levels[0].image;
    coginfo_print_verdict(path, verdict);
    printf("Format: %s, %s-endian, %" PRIu64 " bytes, header of %" PRIu64 "\n",
           file->tiff->big ? "BigTIFF" : "TIFF",
           file->tiff->big_endian ? "big" : "little", file->reader.size_bytes,
           verdict->header_bytes);
    print_structure(&file->structure);
    printf("Pixels: %u band%s of %u bits, %s\n", image->nbands,
           image->nbands == 1 ? "" : "s", image->bits_per_sample,
           image->nplanes > 1 ? "in planes" : "interleaved");
    return print_levels(file, err);
}
