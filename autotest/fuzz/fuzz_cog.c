/* SPDX-License-Identifier: MIT */
/* Fuzz target: the validator of Cloud Optimized GeoTIFFs, and the JSON texts
 * about them. */
#include "cogx_json.h"
#include "cogx_tms.h"
#include "pyr_alloc.h"
#include "pyr_grid.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

static void require(bool promise)
{
    if (!promise)
        abort();
}

/* The text is JSON, and is freed. */
static void check_text(enum pyr_result result, char *text)
{
    struct pyr_json *json = NULL;
    struct pyr_json_node root;
    struct pyr_error err = {""};
    require(result == PYR_OK && text != NULL);
    require(strlen(text) <= PYR_MAX_JSON_BYTES);
    require(pyr_json_parse(text, strlen(text), &json, &root, &err) == PYR_OK);
    pyr_json_free(json);
    pyr_free(text);
}

static void check_raster(const struct cogx_raster *raster)
{
    require(raster->width_px >= 1 && raster->height_px >= 1);
    require(raster->tile_width_px >= 1 && raster->tile_height_px >= 1);
    require(raster->nplanes >= 1 && raster->nbands >= 1);
    require(cogx_raster_ntiles(raster) >= 1 &&
            cogx_raster_ntiles(raster) <= INT32_MAX);
    require(raster->offsets != NULL && raster->byte_counts != NULL);
}

static void check_levels(const struct cogx_tiff *file)
{
    for (uint32_t i = 0; i < file->nlevels; i++)
    {
        const struct cogx_level *const level = &file->levels[i];
        check_raster(&level->image);
        if (level->has_mask)
            check_raster(&level->mask);
    }
}

static void check_tms(const struct cogx_tiff *file)
{
    const struct cogx_tms_place place = {
        "fuzz", "EPSG:3857", 1, {0, 1, 0, 0, 0, -1}};
    struct pyr_error err = {""};
    struct pyr_grid *grid = NULL;
    char *text = NULL;
    if (cogx_tms_json(file, &place, &text, &err) != PYR_OK)
    {
        require(text == NULL && err.text[0] != '\0');
        return;
    }
    /* A set may have tiles that are too large for a grid of ours. */
    if (pyr_grid_parse(text, strlen(text), &grid, &err) == PYR_OK)
        require(grid->nlevels >= 1 && grid->nlevels <= file->nlevels);
    pyr_grid_free(grid);
    check_text(PYR_OK, text);
}

static void check_verdict(const struct cogx_tiff *file, uint8_t flags)
{
    const struct cogx_validate_options options = {
        true, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0};
    struct pyr_error err = {""};
    char *text = NULL;
    struct cogx_verdict *const verdict = calloc(1, sizeof(*verdict));
    if (verdict == NULL)
        return;
    require(cogx_validate(file, &options, verdict, &err) == PYR_OK);
    require(verdict->nissues <= verdict->nerrors + verdict->nwarnings);
    require(!verdict->valid || verdict->nerrors == 0);
    for (size_t i = 0; i < verdict->nissues; i++)
        require(verdict->issues[i].text[0] != '\0');
    const enum pyr_result result = cogx_json_cog(file, verdict, &text, &err);
    check_text(result, text);
    free(verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    struct pyr_tiff_memory memory = {data, nbytes};
    const struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
    struct cogx_tiff *file = NULL;
    struct pyr_error err = {""};
    char *text = NULL;
    if (cogx_tiff_open(&reader, &file, &err) != PYR_OK)
    {
        require(file == NULL && err.text[0] != '\0');
        return 0;
    }
    require(file->nlevels >= 1 && file->nlevels <= COGX_MAX_LEVELS);
    check_levels(file);
    check_verdict(file, data[nbytes - 1]);
    const enum pyr_result result = cogx_json_ifds(file, &text, &err);
    check_text(result, text);
    check_tms(file);
    cogx_tiff_free(file);
    return 0;
}
