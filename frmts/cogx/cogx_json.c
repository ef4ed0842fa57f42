/* SPDX-License-Identifier: MIT */
/* The verdict on a GeoTIFF, and the sizes of its tiles, as JSON text. */
#include "cogx_json.h"

#include "cogx_codec.h"
#include "cogx_names.h"
#include "cogx_stats.h"
#include "pyr_alloc.h"

#include <stdio.h>
#include <string.h>

/* Whether fine / factor is coarse, rounded up or down, and at least 1. */
static bool divides(uint32_t fine, uint32_t coarse, uint32_t factor)
{
    const uint32_t floor = fine / factor;
    return coarse == floor || coarse == floor + (fine % factor != 0) ||
           (coarse == 1 && floor == 0);
}

double cogx_decimation_of(const struct cogx_tiff *file, uint32_t level)
{
    const struct cogx_raster *const fine = &file->levels[0].image;
    const struct cogx_raster *const coarse = &file->levels[level].image;
    const bool wide = fine->width_px >= fine->height_px;
    const double ratio =
        wide ? (double)fine->width_px / (double)coarse->width_px
             : (double)fine->height_px / (double)coarse->height_px;
    const uint32_t factor = (uint32_t)(ratio + 0.5);
    /* Rounded sizes leave room for several factors: the first that fits, of
     * those that are a power of two, or else the nearest. */
    for (uint32_t power = 1; power <= (UINT32_C(1) << 30); power *= 2)
        if (divides(fine->width_px, coarse->width_px, power) &&
            divides(fine->height_px, coarse->height_px, power))
            return power;
    if (factor != 0 && divides(fine->width_px, coarse->width_px, factor) &&
        divides(fine->height_px, coarse->height_px, factor))
        return factor;
    return ratio;
}

static void add_issues(struct pyr_json_text *json, const char *key,
                       const struct cogx_verdict *verdict, bool warnings)
{
    pyr_json_begin_array(json, key);
    for (size_t i = 0; i < verdict->nissues; i++)
    {
        const struct cogx_issue *const issue = &verdict->issues[i];
        if (cogx_rule_is_warning(issue->rule) != warnings)
            continue;
        pyr_json_begin_object(json, NULL);
        pyr_json_add_string(json, "rule", cogx_rule_name(issue->rule));
        pyr_json_add_string(json, "text", issue->text);
        pyr_json_end_object(json);
    }
    pyr_json_end_array(json);
}

/* One NAME=VALUE of the structural metadata; false where it is none. */
static bool add_entry(struct pyr_json_text *json, const char *line,
                      size_t nbytes)
{
    char name[64];
    char value[64];
    /* GDAL puts a blank behind some lines, to overwrite it. */
    while (nbytes > 0 && line[0] == ' ')
    {
        line++;
        nbytes--;
    }
    const char *const equals = memchr(line, '=', nbytes);
    if (equals == NULL)
        return false;
    const size_t name_nbytes = (size_t)(equals - line);
    size_t value_nbytes = nbytes - name_nbytes - 1;
    while (value_nbytes > 0 && equals[value_nbytes] == ' ')
        value_nbytes--;
    if (name_nbytes == 0 || name_nbytes >= sizeof(name) ||
        value_nbytes >= sizeof(value))
        return false;
    for (size_t i = 0; i < nbytes; i++)
        if ((unsigned char)line[i] >= 0x7F || (unsigned char)line[i] < 0x20)
            return false;
    memcpy(name, line, name_nbytes);
    name[name_nbytes] = '\0';
    memcpy(value, equals + 1, value_nbytes);
    value[value_nbytes] = '\0';
    pyr_json_add_string(json, name, value);
    return true;
}

static void add_structure(struct pyr_json_text *json,
                          const struct cogx_structure *structure)
{
    enum
    {
        MAX_ENTRIES = 64
    };
    if (!structure->present || structure->damaged)
    {
        pyr_json_add_null(json, "structural_metadata");
        return;
    }
    pyr_json_begin_object(json, "structural_metadata");
    const char *line = structure->text;
    const char *const end = line + structure->nbytes;
    for (int nentries = 0; line < end && nentries < MAX_ENTRIES;)
    {
        const char *const newline = memchr(line, '\n', (size_t)(end - line));
        const char *const stop = newline != NULL ? newline : end;
        nentries += add_entry(json, line, (size_t)(stop - line));
        line = stop + 1;
    }
    pyr_json_end_object(json);
}

static enum pyr_result add_raster(struct pyr_json_text *json,
                                  const struct cogx_tiff *file,
                                  const struct cogx_raster *raster,
                                  struct pyr_error *err)
{
    char compression[COGX_COMPRESSION_BYTES];
    struct cogx_stats stats = {0, 0, 0, 0, 0};
    enum pyr_result result =
        cogx_compression_of(file, raster, compression, err);
    if (result != PYR_OK)
        return result;
    result = cogx_stats_read(file, raster, &stats, err);
    if (result != PYR_OK && result != PYR_CORRUPT)
        return result;
    pyr_json_add_uint(json, "width", raster->width_px);
    pyr_json_add_uint(json, "height", raster->height_px);
    pyr_json_add_bool(json, "tiled", raster->tiled);
    pyr_json_add_uint(json, "tile_width", raster->tile_width_px);
    pyr_json_add_uint(json, "tile_height", raster->tile_height_px);
    pyr_json_add_uint(json, "bands", raster->nbands);
    pyr_json_add_uint(json, "bits_per_sample", raster->bits_per_sample);
    pyr_json_add_string(json, "compression", compression);
    pyr_json_add_uint(json, "predictor", raster->predictor);
    pyr_json_add_uint(json, "tile_count", cogx_raster_ntiles(raster));
    if (result == PYR_CORRUPT)
        return PYR_OK;
    pyr_json_add_uint(json, "sparse_count", stats.nsparse);
    pyr_json_add_uint(json, "min_bytes", stats.min_bytes);
    pyr_json_add_double(json, "mean_bytes", cogx_stats_mean_bytes(&stats));
    pyr_json_add_uint(json, "max_bytes", stats.max_bytes);
    pyr_json_add_uint(json, "total_bytes", stats.total_bytes);
    return PYR_OK;
}

static enum pyr_result add_level(struct pyr_json_text *json,
                                 const struct cogx_tiff *file, uint32_t index,
                                 struct pyr_error *err)
{
    const struct cogx_level *const level = &file->levels[index];
    pyr_json_begin_object(json, NULL);
    pyr_json_add_double(json, "decimation", cogx_decimation_of(file, index));
    enum pyr_result result = add_raster(json, file, &level->image, err);
    if (level->has_mask && result == PYR_OK)
    {
        pyr_json_begin_object(json, "mask");
        result = add_raster(json, file, &level->mask, err);
        pyr_json_end_object(json);
    }
    pyr_json_end_object(json);
    return result;
}

enum pyr_result cogx_json_add_cog(struct pyr_json_text *json, const char *key,
                                  const struct cogx_tiff *file,
                                  const struct cogx_verdict *verdict,
                                  struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    pyr_json_begin_object(json, key);
    pyr_json_add_bool(json, "valid", verdict->valid);
    pyr_json_add_bool(json, "strict", verdict->strict);
    pyr_json_add_bool(json, "full_check", verdict->full_check);
    pyr_json_add_uint(json, "error_count", verdict->nerrors);
    pyr_json_add_uint(json, "warning_count", verdict->nwarnings);
    add_issues(json, "errors", verdict, false);
    add_issues(json, "warnings", verdict, true);
    pyr_json_add_uint(json, "header_size", verdict->header_bytes);
    if (file->reader.size_bytes != UINT64_MAX)
        pyr_json_add_uint(json, "file_size", file->reader.size_bytes);
    pyr_json_add_bool(json, "big_tiff", file->tiff->big);
    add_structure(json, &file->structure);
    pyr_json_begin_array(json, "levels");
    for (uint32_t i = 0; i < file->nlevels && result == PYR_OK; i++)
        result = add_level(json, file, i, err);
    pyr_json_end_array(json);
    pyr_json_end_object(json);
    return result;
}

enum pyr_result cogx_json_cog(const struct cogx_tiff *file,
                              const struct cogx_verdict *verdict,
                              char **out_text, struct pyr_error *err)
{
    struct pyr_json_text json = {0};
    char *text = NULL;
    const enum pyr_result added =
        cogx_json_add_cog(&json, NULL, file, verdict, err);
    const enum pyr_result finished =
        pyr_json_finish(&json, &text, added == PYR_OK ? err : NULL);
    if (added != PYR_OK || finished != PYR_OK)
    {
        pyr_free(text);
        return added != PYR_OK ? added : finished;
    }
    *out_text = text;
    return PYR_OK;
}
