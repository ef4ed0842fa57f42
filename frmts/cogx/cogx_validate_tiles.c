/* SPDX-License-Identifier: MIT */
/* What the bytes around each tile, and the order of tiles, tell of a file whose
 * structural metadata promises them. */
#include "cogx_validate_priv.h"

#include "pyr_arith.h"
#include "pyr_buf.h"

#include <stdio.h>
#include <string.h>

#define LEADER_BYTES 4u
#define TRAILER_BYTES 4u

/* The tiles of one image that are looked at. */
struct check
{
    struct cogx_validator *validator;
    char name[2 * COGX_LEVEL_NAME_BYTES]; /* "mask of overview 2" */
    const struct cogx_raster *raster;
    const struct cogx_raster *mask; /* interleaved, or NULL */
    uint64_t mask_first;            /* number of the mask's first tile */
    uint64_t before_bytes;          /* where the tile before started, or 0 */
};

/* Fills bytes[nbytes] as far as the file goes: *out_there says whether all of
 * it. What follows is kept for the next tile. */
static enum pyr_result read_between(struct cogx_validator *validator,
                                    uint64_t at_bytes, uint8_t *bytes,
                                    size_t nbytes, bool *out_there)
{
    const struct pyr_tiff_reader *const reader = &validator->file->reader;
    uint64_t end = 0;
    *out_there = false;
    if (!pyr_add_u64(at_bytes, nbytes, &end) || end > reader->size_bytes)
        return PYR_OK;
    if (at_bytes < validator->between_at ||
        end > validator->between_at + validator->between_nbytes)
    {
        size_t wanted = COGX_BETWEEN_BYTES;
        if (reader->size_bytes == UINT64_MAX ||
            reader->size_bytes - at_bytes < wanted)
            wanted = nbytes;
        validator->between_nbytes = 0;
        const enum pyr_result result = reader->read(
            reader->user, at_bytes, validator->between, wanted, validator->err);
        if (result != PYR_OK)
            return result == PYR_CORRUPT ? PYR_OK : result;
        validator->between_at = at_bytes;
        validator->between_nbytes = wanted;
    }
    memcpy(bytes, validator->between + (at_bytes - validator->between_at),
           nbytes);
    *out_there = true;
    return PYR_OK;
}

/* What stands before a tile: its size. */
static enum pyr_result check_leader(struct check *check,
                                    const struct pyr_extent *tile, uint32_t col,
                                    uint32_t row)
{
    uint8_t bytes[LEADER_BYTES];
    bool there = false;
    if (tile->offset_bytes >= LEADER_BYTES)
    {
        const enum pyr_result result =
            read_between(check->validator, tile->offset_bytes - LEADER_BYTES,
                         bytes, sizeof(bytes), &there);
        if (result != PYR_OK)
            return result;
    }
    if (!there)
        cogx_validator_found(check->validator, COGX_RULE_TILE_LEADER,
                             "%s: tile (%u, %u) at byte %llu has no room for a "
                             "leader",
                             check->name, col, row,
                             (unsigned long long)tile->offset_bytes);
    else if (pyr_le32(bytes) != tile->nbytes)
        cogx_validator_found(check->validator, COGX_RULE_TILE_LEADER,
                             "%s: tile (%u, %u) takes %llu bytes, its leader "
                             "says %u",
                             check->name, col, row,
                             (unsigned long long)tile->nbytes, pyr_le32(bytes));
    return PYR_OK;
}

/* What follows a tile: its last bytes once more. */
static enum pyr_result check_trailer(struct check *check,
                                     const struct pyr_extent *tile,
                                     uint32_t col, uint32_t row)
{
    uint8_t bytes[2 * TRAILER_BYTES];
    uint64_t end = 0;
    bool there = false;
    if (tile->nbytes < TRAILER_BYTES)
        return PYR_OK;
    if (pyr_add_u64(tile->offset_bytes, tile->nbytes, &end))
    {
        const enum pyr_result result =
            read_between(check->validator, end - TRAILER_BYTES, bytes,
                         sizeof(bytes), &there);
        if (result != PYR_OK)
            return result;
    }
    if (!there)
        cogx_validator_found(check->validator, COGX_RULE_TILE_END,
                             "%s: tile (%u, %u) and its trailer end beyond "
                             "the file (truncated?)",
                             check->name, col, row);
    else if (memcmp(bytes, bytes + TRAILER_BYTES, TRAILER_BYTES) != 0)
        cogx_validator_found(check->validator, COGX_RULE_TILE_TRAILER,
                             "%s: tile (%u, %u) is not followed by its last "
                             "%u bytes",
                             check->name, col, row, TRAILER_BYTES);
    return PYR_OK;
}

/* The mask's tile comes right behind the image's. Where that is left out,
 * *start is where the mask's starts. */
static void check_mask(struct check *check, const struct pyr_extent *tile,
                       const struct pyr_extent *mask, uint32_t col,
                       uint32_t row, uint64_t *start)
{
    const struct cogx_structure *const structure =
        &check->validator->file->structure;
    if (mask->offset_bytes == 0)
        return;
    if (tile->offset_bytes != 0)
    {
        /* Sums of what a file says may wrap: they are compared only. */
        const uint64_t expected = tile->offset_bytes + tile->nbytes +
                                  (structure->trailer ? TRAILER_BYTES : 0) +
                                  (structure->leader ? LEADER_BYTES : 0);
        if (mask->offset_bytes != expected)
            cogx_validator_found(check->validator, COGX_RULE_MASK_POSITION,
                                 "%s: the mask of tile (%u, %u) stands at byte "
                                 "%llu, expected %llu",
                                 check->name, col, row,
                                 (unsigned long long)mask->offset_bytes,
                                 (unsigned long long)expected);
        return;
    }
    if (structure->row_major && mask->offset_bytes < check->before_bytes)
        cogx_validator_found(check->validator, COGX_RULE_MASK_ORDER,
                             "%s: the mask of tile (%u, %u) stands at byte "
                             "%llu, before the tile before",
                             check->name, col, row,
                             (unsigned long long)mask->offset_bytes);
    *start = mask->offset_bytes;
}

static enum pyr_result check_tile(struct check *check, uint64_t index)
{
    struct cogx_validator *const validator = check->validator;
    const struct cogx_structure *const structure = &validator->file->structure;
    const uint32_t col = (uint32_t)(index % check->raster->ncols);
    const uint32_t row = (uint32_t)(index / check->raster->ncols);
    struct pyr_extent tile = {0, 0};
    struct pyr_extent mask = {0, 0};
    enum pyr_result result =
        cogx_cursor_at(&validator->image, index, &tile, validator->err);
    if (result == PYR_OK && check->mask != NULL)
        result = cogx_cursor_at(&validator->mask, check->mask_first + index,
                                &mask, validator->err);
    if (result != PYR_OK)
        return result;
    uint64_t start = tile.offset_bytes;
    if (tile.offset_bytes != 0)
    {
        if (structure->row_major && tile.offset_bytes < check->before_bytes)
            cogx_validator_found(validator, COGX_RULE_TILE_ORDER,
                                 "%s: tile (%u, %u) at byte %llu stands before "
                                 "the tile before",
                                 check->name, col, row,
                                 (unsigned long long)tile.offset_bytes);
        if (structure->leader)
            result = check_leader(check, &tile, col, row);
        if (result == PYR_OK && structure->trailer)
            result = check_trailer(check, &tile, col, row);
    }
    check_mask(check, &tile, &mask, col, row, &start);
    check->before_bytes = start;
    return result;
}

/* Bytes of the first piece of the image's only strip, where libtiff takes it
 * apart, as it does with pixels that are not compressed; else 0. What GDAL sees
 * then are strips without leaders. */
static uint64_t piece_bytes(const struct cogx_raster *raster)
{
    enum
    {
        NOT_COMPRESSED = 1,
        PIECE_BYTES = 8192
    };
    const uint64_t row_bytes =
        ((uint64_t)raster->width_px * raster->nbands * raster->bits_per_sample +
         7) /
        8;
    if (raster->tiled || raster->ncols * raster->nrows != 1 ||
        raster->nplanes != 1 || raster->compression != NOT_COMPRESSED ||
        row_bytes == 0)
        return 0;
    const uint64_t nrows =
        row_bytes > PIECE_BYTES ? 1 : PIECE_BYTES / row_bytes;
    return nrows < raster->tile_height_px ? nrows * row_bytes : 0;
}

/* Like check_tile(), of the piece that GDAL takes for the first strip. */
static enum pyr_result check_piece(struct check *check, uint64_t nbytes)
{
    struct cogx_validator *const validator = check->validator;
    const struct cogx_structure *const structure = &validator->file->structure;
    struct pyr_extent piece = {0, 0};
    enum pyr_result result =
        cogx_cursor_at(&validator->image, 0, &piece, validator->err);
    if (result != PYR_OK || piece.nbytes <= nbytes)
        return result;
    piece.nbytes = nbytes;
    if (structure->leader)
        result = check_leader(check, &piece, 0, 0);
    if (result == PYR_OK && structure->trailer)
        result = check_trailer(check, &piece, 0, 0);
    return result;
}

/* The first plane: GDAL's script looks at the first band only. */
static enum pyr_result check_raster(struct check *check)
{
    struct cogx_validator *const validator = check->validator;
    const uint64_t ntiles =
        (uint64_t)check->raster->ncols * check->raster->nrows;
    uint64_t nlisted = cogx_raster_nlisted(check->raster, ntiles);
    enum pyr_result result = PYR_OK;
    if (check->mask != NULL &&
        cogx_raster_nlisted(check->mask, ntiles) > nlisted)
        nlisted = cogx_raster_nlisted(check->mask, ntiles);
    cogx_cursor_init(&validator->image, validator->file, check->raster);
    if (check->mask != NULL)
        cogx_cursor_init(&validator->mask, validator->file, check->mask);
    check->before_bytes = 0;
    if (piece_bytes(check->raster) != 0)
        result = check_piece(check, piece_bytes(check->raster));
    for (uint64_t i = 0; i < nlisted && result == PYR_OK; i++)
        result = check_tile(check, i);
    if (result != PYR_CORRUPT)
        return result;
    cogx_validator_found(validator, COGX_RULE_TILE_TABLE,
                         "%s: the positions of tiles cannot be read",
                         check->name);
    return PYR_OK;
}

/* What GDAL takes as mask of the level: the mask, or else the alpha band, which
 * then stands where it cannot. */
static const struct cogx_raster *mask_of(const struct cogx_level *level)
{
    const struct cogx_raster *const image = &level->image;
    if (level->has_mask)
        return &level->mask;
    return image->has_alpha && !image->has_nodata && image->bits_per_sample == 8
               ? image
               : NULL;
}

static void find_mask(struct check *check, const struct cogx_level *level)
{
    const struct cogx_raster *const image = &level->image;
    const struct cogx_raster *const mask = mask_of(level);
    if (mask == NULL)
    {
        if (check->validator->options->external_mask)
            cogx_validator_found(check->validator, COGX_RULE_MASK_POSITION,
                                 "%s: its mask stands in a file of its own "
                                 "(.msk), expected inside",
                                 check->name);
        return;
    }
    if (mask->tile_width_px != image->tile_width_px ||
        mask->tile_height_px != image->tile_height_px)
    {
        cogx_validator_found(check->validator, COGX_RULE_MASK_TILE_SIZE,
                             "%s: tiles of %u x %u, its mask's of %u x %u",
                             check->name, image->tile_width_px,
                             image->tile_height_px, mask->tile_width_px,
                             mask->tile_height_px);
        return;
    }
    check->mask = mask;
    if (mask == image && image->nplanes > 1)
        check->mask_first =
            (uint64_t)image->ncols * image->nrows * (image->nplanes - 1);
}

enum pyr_result cogx_validator_check_tiles(struct cogx_validator *validator)
{
    const struct cogx_tiff *const file = validator->file;
    for (uint32_t i = 0; i < file->nlevels; i++)
    {
        const struct cogx_level *const level = &file->levels[i];
        struct check check = {validator, "", &level->image, NULL, 0, 0};
        char name[COGX_LEVEL_NAME_BYTES];
        (void)cogx_level_name(i, name);
        (void)snprintf(check.name, sizeof(check.name), "%s", name);
        if (file->structure.masks_interleaved)
            find_mask(&check, level);
        enum pyr_result result = check_raster(&check);
        if (result == PYR_OK && level->has_mask && level->mask.nbands == 1 &&
            !validator->options->external_mask)
        {
            struct check masks = {validator, "", &level->mask, NULL, 0, 0};
            (void)snprintf(masks.name, sizeof(masks.name), "mask of %s", name);
            result = check_raster(&masks);
        }
        if (result != PYR_OK)
            return result;
    }
    return PYR_OK;
}
