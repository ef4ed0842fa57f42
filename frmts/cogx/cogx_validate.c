/* SPDX-License-Identifier: MIT */
/* Whether a GeoTIFF is a valid Cloud Optimized GeoTIFF: what its directories
 * and the first tile of each tell. */
#include "cogx_validate_priv.h"

#include "pyr_alloc.h"

#include <stdio.h>
#include <string.h>

/* Larger images should be tiled, and have overviews. */
#define SMALL_PX 512u
/* Wider strips are a burden. */
#define NARROW_PX 1024u

bool cogx_rule_is_warning(enum cogx_rule rule)
{
    return rule >= COGX_RULE_NO_OVERVIEWS;
}

const char *cogx_rule_name(enum cogx_rule rule)
{
    static const char *const names[COGX_NRULES] = {"external-overviews",
                                                   "not-tiled",
                                                   "edited",
                                                   "structural-metadata",
                                                   "main-directory-position",
                                                   "overview-size",
                                                   "overview-not-tiled",
                                                   "directory-order",
                                                   "data-before-directory",
                                                   "data-order",
                                                   "mask-tile-size",
                                                   "tile-order",
                                                   "tile-leader",
                                                   "tile-trailer",
                                                   "mask-position",
                                                   "mask-order",
                                                   "no-overviews",
                                                   "strips",
                                                   "directory-chain",
                                                   "tile-table",
                                                   "tile-end"};
    return names[rule];
}

const char *cogx_level_name(uint32_t level, char name[COGX_LEVEL_NAME_BYTES])
{
    if (level == 0)
        (void)snprintf(name, COGX_LEVEL_NAME_BYTES, "full resolution");
    else
        (void)snprintf(name, COGX_LEVEL_NAME_BYTES, "overview %u", level - 1);
    return name;
}

void cogx_validator_found(struct cogx_validator *validator, enum cogx_rule rule,
                          const char *format, ...)
{
    struct cogx_verdict *const verdict = validator->verdict;
    if (cogx_rule_is_warning(rule))
        verdict->nwarnings++;
    else
        verdict->nerrors++;
    if (verdict->nfound[rule]++ >= COGX_MAX_ISSUES_PER_RULE)
        return;
    struct cogx_issue *const issue = &verdict->issues[verdict->nissues++];
    va_list args;
    issue->rule = rule;
    va_start(args, format);
    if (vsnprintf(issue->text, sizeof(issue->text), format, args) < 0)
        issue->text[0] = '\0';
    va_end(args);
}

static bool is_large(const struct cogx_raster *raster)
{
    return raster->width_px > SMALL_PX || raster->height_px > SMALL_PX;
}

/* One tile, or strip, takes the whole width. */
static bool is_one_column(const struct cogx_raster *raster)
{
    return raster->tile_width_px == raster->width_px;
}

static void check_strips(struct cogx_validator *validator, uint32_t level)
{
    const struct cogx_raster *const raster =
        &validator->file->levels[level].image;
    char name[COGX_LEVEL_NAME_BYTES];
    if (!raster->tiled && is_large(raster) && raster->width_px <= NARROW_PX)
        cogx_validator_found(validator, COGX_RULE_STRIPS,
                             "%s: %u x %u pixels stand in strips, tiles are "
                             "better from %u on",
                             cogx_level_name(level, name), raster->width_px,
                             raster->height_px, SMALL_PX + 1);
}

static void check_main(struct cogx_validator *validator)
{
    const struct cogx_raster *const raster = &validator->file->levels[0].image;
    const bool external = validator->options->external_overviews;
    const bool internal = validator->file->nlevels > 1;
    if (external)
        cogx_validator_found(validator, COGX_RULE_EXTERNAL_OVERVIEWS,
                             "overviews stand in a file of their own (.ovr), "
                             "expected inside");
    if (is_large(raster) && is_one_column(raster) &&
        raster->width_px > NARROW_PX)
        cogx_validator_found(validator, COGX_RULE_NOT_TILED,
                             "%u x %u pixels are not in tiles",
                             raster->width_px, raster->height_px);
    check_strips(validator, 0);
    if (is_large(raster) && !internal && !external)
        cogx_validator_found(validator, COGX_RULE_NO_OVERVIEWS,
                             "%u x %u pixels have no overviews, which help "
                             "from %u on",
                             raster->width_px, raster->height_px, SMALL_PX + 1);
}

/* The main directory comes first, right behind the structural metadata. */
static void check_structure(struct cogx_validator *validator)
{
    const struct cogx_structure *const structure = &validator->file->structure;
    const uint64_t found = validator->file->tiff->first_bytes;
    uint64_t expected = validator->file->tiff->big ? 16 : 8;
    if (found == 8 || found == 16)
        return;
    if (structure->damaged)
    {
        cogx_validator_found(validator, COGX_RULE_STRUCTURE,
                             "structural metadata has no valid size");
        return;
    }
    if (structure->edited)
        cogx_validator_found(validator, COGX_RULE_EDITED,
                             "was changed after it was made "
                             "(KNOWN_INCOMPATIBLE_EDITION=YES)");
    if (structure->present)
        expected = structure->end_bytes + structure->end_bytes % 2;
    if (found != expected)
        cogx_validator_found(validator, COGX_RULE_MAIN_POSITION,
                             "the first directory stands at byte %llu, "
                             "expected %llu",
                             (unsigned long long)found,
                             (unsigned long long)expected);
}

static uint64_t position_of(const struct cogx_tiff *file, uint32_t level)
{
    return file->tiff->dirs[file->levels[level].image.dir].offset_bytes;
}

static void check_overview(struct cogx_validator *validator, uint32_t level)
{
    const struct cogx_tiff *const file = validator->file;
    const struct cogx_raster *const finer = &file->levels[level - 1].image;
    const struct cogx_raster *const raster = &file->levels[level].image;
    const uint64_t position = position_of(file, level);
    const uint64_t before = position_of(file, level - 1);
    char name[COGX_LEVEL_NAME_BYTES];
    char finer_name[COGX_LEVEL_NAME_BYTES];
    (void)cogx_level_name(level, name);
    (void)cogx_level_name(level - 1, finer_name);
    if (raster->width_px > finer->width_px ||
        raster->height_px > finer->height_px)
        cogx_validator_found(validator, COGX_RULE_OVERVIEW_SIZE,
                             "%s: %u x %u pixels, which is larger than %s with "
                             "%u x %u",
                             name, raster->width_px, raster->height_px,
                             finer_name, finer->width_px, finer->height_px);
    if (is_one_column(raster) && raster->width_px > NARROW_PX)
        cogx_validator_found(validator, COGX_RULE_OVERVIEW_NOT_TILED,
                             "%s: %u x %u pixels are not in tiles", name,
                             raster->width_px, raster->height_px);
    check_strips(validator, level);
    if (position < before)
        cogx_validator_found(validator, COGX_RULE_DIRECTORY_ORDER,
                             "%s: its directory stands at byte %llu, before "
                             "that of %s at byte %llu",
                             name, (unsigned long long)position, finer_name,
                             (unsigned long long)before);
}

/* Where the first tile of the first plane that is there starts, else 0. */
static enum pyr_result find_data(struct cogx_validator *validator,
                                 uint32_t level, uint64_t *out_offset_bytes)
{
    const struct cogx_raster *const raster =
        &validator->file->levels[level].image;
    const uint64_t ntiles =
        cogx_raster_nlisted(raster, (uint64_t)raster->ncols * raster->nrows);
    struct pyr_extent extent = {0, 0};
    enum pyr_result result = PYR_OK;
    char name[COGX_LEVEL_NAME_BYTES];
    cogx_cursor_init(&validator->image, validator->file, raster);
    for (uint64_t i = 0; i < ntiles && extent.nbytes == 0; i++)
    {
        result = cogx_cursor_at(&validator->image, i, &extent, validator->err);
        if (result != PYR_OK)
            break;
    }
    if (result == PYR_CORRUPT)
    {
        cogx_validator_found(validator, COGX_RULE_TILE_TABLE,
                             "%s: the positions of tiles cannot be read",
                             cogx_level_name(level, name));
        result = PYR_OK;
    }
    *out_offset_bytes = extent.offset_bytes;
    return result;
}

static enum pyr_result find_all_data(struct cogx_validator *validator)
{
    const struct cogx_tiff *const file = validator->file;
    struct cogx_verdict *const verdict = validator->verdict;
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < file->nlevels; i++)
    {
        const enum pyr_result result =
            find_data(validator, i, &verdict->data_bytes[i]);
        if (result != PYR_OK)
            return result;
        if (verdict->data_bytes[i] != 0 && verdict->data_bytes[i] < first)
            first = verdict->data_bytes[i];
    }
    if (first == UINT64_MAX && file->reader.size_bytes != UINT64_MAX)
        first = file->reader.size_bytes;
    verdict->header_bytes = first != UINT64_MAX ? first : 0;
    return PYR_OK;
}

/* Directories, then tiles from the coarsest level to the finest. */
static void check_data_order(struct cogx_validator *validator)
{
    const struct cogx_tiff *const file = validator->file;
    const uint64_t *const data = validator->verdict->data_bytes;
    const uint32_t last = file->nlevels - 1;
    char name[COGX_LEVEL_NAME_BYTES];
    char coarser_name[COGX_LEVEL_NAME_BYTES];
    if (data[last] != 0 && data[last] < position_of(file, last))
        cogx_validator_found(validator, COGX_RULE_DATA_BEFORE_DIRECTORY,
                             "%s: its first tile stands at byte %llu, before "
                             "its directory at byte %llu",
                             cogx_level_name(last, name),
                             (unsigned long long)data[last],
                             (unsigned long long)position_of(file, last));
    for (uint32_t i = last; i-- > 0;)
        if (data[i] != 0 && data[i] < data[i + 1])
            cogx_validator_found(validator, COGX_RULE_DATA_ORDER,
                                 "%s: its first tile stands at byte %llu, "
                                 "before that of %s at byte %llu",
                                 cogx_level_name(i, name),
                                 (unsigned long long)data[i],
                                 cogx_level_name(i + 1, coarser_name),
                                 (unsigned long long)data[i + 1]);
}

static enum pyr_result validate(struct cogx_validator *validator)
{
    const struct cogx_tiff *const file = validator->file;
    const struct cogx_structure *const structure = &file->structure;
    if (file->broken.text[0] != '\0')
        cogx_validator_found(validator, COGX_RULE_DIRECTORY_CHAIN,
                             "what follows the directories read is broken: %s",
                             file->broken.text);
    check_main(validator);
    check_structure(validator);
    for (uint32_t i = 1; i < file->nlevels; i++)
        check_overview(validator, i);
    enum pyr_result result = find_all_data(validator);
    if (result != PYR_OK)
        return result;
    check_data_order(validator);
    const bool promised = structure->row_major || structure->leader ||
                          structure->trailer || structure->masks_interleaved;
    validator->verdict->full_check =
        validator->options->full_check || !promised;
    if (validator->options->full_check && promised)
        result = cogx_validator_check_tiles(validator);
    return result;
}

enum pyr_result cogx_validate(const struct cogx_tiff *file,
                              const struct cogx_validate_options *options,
                              struct cogx_verdict *out_verdict,
                              struct pyr_error *err)
{
    struct cogx_validator *const validator = pyr_calloc(1, sizeof(*validator));
    struct cogx_verdict *const verdict = pyr_calloc(1, sizeof(*verdict));
    enum pyr_result result = PYR_NOMEM;
    if (validator == NULL || verdict == NULL)
    {
        (void)pyr_fail(err, PYR_NOMEM, "out of memory");
        goto done;
    }
    validator->file = file;
    validator->options = options;
    validator->verdict = verdict;
    validator->err = err;
    result = validate(validator);
    if (result != PYR_OK)
        goto done;
    verdict->strict = options->strict;
    verdict->valid =
        verdict->nerrors == 0 && (!options->strict || verdict->nwarnings == 0);
    *out_verdict = *verdict;

done:
    pyr_free(verdict);
    pyr_free(validator);
    return result;
}
