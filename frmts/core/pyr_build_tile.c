/* SPDX-License-Identifier: MIT */
/* Tiles of a build: read, painted, encoded, reduced into the one above. */
#include "pyr_build_priv.h"

#include "pyr_alloc.h"

#include <string.h>

static enum pyr_result no_memory(struct pyr_error *err)
{
    return pyr_fail(err, PYR_NOMEM, "out of memory");
}

enum pyr_result pyr_background_read(struct pyr_builder *builder, uint32_t level,
                                    uint32_t col, uint32_t row, uint8_t *pixels,
                                    uint8_t *mask, bool *out_present,
                                    struct pyr_error *err)
{
    const struct pyr_build_options *const options = builder->options;
    const struct pyr_background *const background = options->background;
    *out_present = false;
    if (background == NULL)
        return PYR_OK;
    const enum pyr_result result =
        background->read(background->user, options->first_level + level, col,
                         row, pixels, mask, out_present, err);
    if (result != PYR_OK)
        pyr_error_prefix(err, "level %s, tile (%lu, %lu) as it was",
                         options->levels[level].id, (unsigned long)col,
                         (unsigned long)row);
    return result;
}

/* ---- Chunks ---- */

enum pyr_result pyr_chunk_read(struct pyr_builder *builder,
                               struct pyr_chunk *chunk, struct pyr_error *err)
{
    const struct pyr_tile_shape *const shape = &builder->shape;
    const struct pyr_raster *const raster = builder->options->raster;
    const uint64_t width_px = (uint64_t)chunk->rect.width * shape->width_px;
    const uint64_t height_px = (uint64_t)chunk->rect.height * shape->height_px;
    const uint64_t npx = width_px * height_px;
    if (npx > chunk->capacity_px)
    {
        pyr_free(chunk->pixels);
        pyr_free(chunk->valid);
        chunk->capacity_px = 0;
        chunk->pixels = NULL;
        chunk->valid = NULL;
        chunk->pixels = pyr_malloc((size_t)npx * pyr_pixel_bytes(shape));
        chunk->valid = pyr_malloc((size_t)npx);
        if (chunk->pixels == NULL || chunk->valid == NULL)
            return no_memory(err);
        chunk->capacity_px = (size_t)npx;
    }
    const struct pyr_window window = {
        .level = builder->options->first_level,
        .px_x = (int64_t)chunk->rect.col * shape->width_px,
        .px_y = (int64_t)chunk->rect.row * shape->height_px,
        .width_px = (uint32_t)width_px,
        .height_px = (uint32_t)height_px};
    const enum pyr_result result =
        raster->read(raster->user, &window, chunk->pixels, chunk->valid,
                     &chunk->coverage, err);
    if (result != PYR_OK)
        pyr_error_prefix(err, "level %s, reading from tile (%lu, %lu)",
                         builder->options->levels[0].id,
                         (unsigned long)chunk->rect.col,
                         (unsigned long)chunk->rect.row);
    return result;
}

/* How much of a tile in a chunk is valid. */
static enum pyr_coverage tile_coverage(const struct pyr_builder *builder,
                                       const struct pyr_chunk *chunk,
                                       const uint8_t *valid, size_t row_bytes)
{
    bool all = true;
    bool any = false;
    if (chunk->coverage != PYR_COVERS_PART)
        return chunk->coverage;
    for (uint32_t row = 0; row < builder->shape.height_px; row++)
    {
        const uint8_t *const at = valid + row * row_bytes;
        const size_t width = builder->shape.width_px;
        const bool erased = memchr(at, PYR_VALID_ERASED, width) != NULL;
        all = all && !erased && memchr(at, 0, width) == NULL;
        any = any || erased || memchr(at, 255, width) != NULL;
        if (any && !all)
            return PYR_COVERS_PART;
    }
    return all ? PYR_COVERS_ALL : any ? PYR_COVERS_PART : PYR_COVERS_NOTHING;
}

/* Where a tile of a chunk stands in its buffers. */
struct place
{
    uint8_t *pixels;
    uint8_t *valid;
    size_t row_bytes;
    size_t row_px;
};

static void copy_pixel(uint8_t *out, const uint8_t *in, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++)
        out[i] = in[i];
}

/* Puts what was there before where the raster is not valid. */
static void paint_on(const struct pyr_builder *builder,
                     const struct place *place)
{
    const struct pyr_tile_shape *const shape = &builder->shape;
    const size_t pixel = pyr_pixel_bytes(shape);
    const uint8_t *const mask = builder->before + pyr_tile_bytes(shape);
    for (uint32_t row = 0; row < shape->height_px; row++)
    {
        const uint8_t *const from =
            builder->before + row * pyr_tile_row_bytes(shape);
        uint8_t *const to = place->pixels + row * place->row_bytes;
        uint8_t *const valid = place->valid + row * place->row_px;
        for (uint32_t col = 0; col < shape->width_px; col++)
        {
            if (valid[col] != 0)
                continue;
            copy_pixel(to + col * pixel, from + col * pixel, pixel);
            if (!builder->options->masks)
                valid[col] = 255;
            else
                valid[col] =
                    mask[(size_t)row * shape->width_px + col] != 0 ? 255 : 0;
        }
    }
}

/* From here on, pixels that are erased are like those that never counted.
 * False when no pixel counts. */
static bool settle_erased(const struct pyr_builder *builder,
                          const struct place *place)
{
    const struct pyr_tile_shape *const shape = &builder->shape;
    bool any = false;
    for (uint32_t row = 0; row < shape->height_px; row++)
    {
        uint8_t *const valid = place->valid + row * place->row_px;
        for (uint32_t col = 0; col < shape->width_px; col++)
        {
            valid[col] = valid[col] == PYR_VALID_ERASED ? 0 : valid[col];
            any |= valid[col] != 0;
        }
    }
    return any;
}

/* Whether a tile is as it was before. */
static bool is_as_before(const struct pyr_builder *builder,
                         const struct place *place, enum pyr_coverage coverage)
{
    const struct pyr_tile_shape *const shape = &builder->shape;
    const uint8_t *const mask = builder->before + pyr_tile_bytes(shape);
    const size_t row_bytes = pyr_tile_row_bytes(shape);
    for (uint32_t row = 0; row < shape->height_px; row++)
    {
        const uint8_t *const was = mask + (size_t)row * shape->width_px;
        if (memcmp(builder->before + row * row_bytes,
                   place->pixels + row * place->row_bytes, row_bytes) != 0)
            return false;
        if (!builder->options->masks)
            continue;
        for (uint32_t col = 0; col < shape->width_px; col++)
            if ((was[col] != 0) !=
                (coverage == PYR_COVERS_ALL ||
                 place->valid[row * place->row_px + col] != 0))
                return false;
    }
    return true;
}

/* What one tile of a chunk becomes: nothing, or a piece. */
static enum pyr_result chunk_piece(struct pyr_builder *builder,
                                   const struct pyr_chunk *chunk, uint32_t col,
                                   uint32_t row, struct pyr_error *err)
{
    const struct pyr_build_options *const options = builder->options;
    const struct pyr_tile_shape *const shape = &builder->shape;
    const size_t row_px = (size_t)chunk->rect.width * shape->width_px;
    const size_t first_px =
        (size_t)(row - chunk->rect.row) * shape->height_px * row_px +
        (size_t)(col - chunk->rect.col) * shape->width_px;
    const struct place place = {.pixels = chunk->pixels +
                                          first_px * pyr_pixel_bytes(shape),
                                .valid = chunk->valid + first_px,
                                .row_bytes = row_px * pyr_pixel_bytes(shape),
                                .row_px = row_px};
    const enum pyr_coverage coverage =
        tile_coverage(builder, chunk, place.valid, row_px);
    const bool look_before =
        options->background != NULL &&
        (options->keep_equal || coverage == PYR_COVERS_PART);
    const struct pyr_grid_limits one = {col, row, col, row};
    bool present = false;
    if (coverage == PYR_COVERS_NOTHING)
        return pyr_pending_visit_empty(builder, 0, one, err);
    if (look_before)
    {
        uint8_t *const mask =
            options->masks ? builder->before + pyr_tile_bytes(shape) : NULL;
        const enum pyr_result result = pyr_background_read(
            builder, 0, col, row, builder->before, mask, &present, err);
        if (result != PYR_OK)
            return result;
    }
    if (present && coverage == PYR_COVERS_PART)
        paint_on(builder, &place);
    const bool any = !options->masks || coverage != PYR_COVERS_PART ||
                     settle_erased(builder, &place);
    if (present ? options->keep_equal && is_as_before(builder, &place, coverage)
                : !any)
        return pyr_pending_visit_empty(builder, 0, one, err);

    struct pyr_piece *const piece = pyr_builder_add_piece(builder);
    if (piece == NULL)
        return no_memory(err);
    piece->level = 0;
    piece->col = col;
    piece->row = row;
    piece->put = pyr_walk_wants_tile(&builder->walk, 0, col, row);
    piece->pixels = place.pixels;
    piece->row_bytes = place.row_bytes;
    piece->fresh = coverage == PYR_COVERS_PART && !present;
    if (builder->tracks && coverage == PYR_COVERS_PART)
    {
        piece->mask = place.valid;
        piece->mask_row_bytes = place.row_px;
    }
    else if (builder->tracks)
    {
        piece->mask = builder->all_valid;
        piece->mask_row_bytes = shape->width_px;
    }
    return pyr_pending_above(builder, 0, col, row, &piece->above, err);
}

enum pyr_result pyr_chunk_pieces(struct pyr_builder *builder,
                                 struct pyr_chunk *chunk, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (chunk->coverage == PYR_COVERS_NOTHING)
        return pyr_pending_visit_empty(builder, 0,
                                       pyr_rect_limits(&chunk->rect), err);
    for (uint32_t row = 0; row < chunk->rect.height; row++)
        for (uint32_t col = 0; col < chunk->rect.width && result == PYR_OK;
             col++)
            result = chunk_piece(builder, chunk, chunk->rect.col + col,
                                 chunk->rect.row + row, err);
    return result;
}

/* ---- On any thread ---- */

/* Gives the quarters of a tile that nothing was reduced into their value. */
static void fill_quarters(const struct pyr_builder *builder,
                          struct pyr_pending *pending)
{
    const struct pyr_tile_shape *const shape = &builder->shape;
    const unsigned quarters = atomic_load(&pending->quarters);
    const size_t half_px = shape->width_px / 2;
    const size_t half_bytes = half_px * pyr_pixel_bytes(shape);
    const size_t row_bytes = pyr_tile_row_bytes(shape);
    for (unsigned quarter = 0; quarter < 4; quarter++)
    {
        if ((quarters & (1u << quarter)) != 0)
            continue;
        const size_t first_row = (quarter >> 1) * (shape->height_px / 2);
        const size_t first_col = (quarter & 1) * half_px;
        for (size_t row = 0; row < shape->height_px / 2; row++)
        {
            memcpy(pending->pixels + (first_row + row) * row_bytes +
                       first_col * pyr_pixel_bytes(shape),
                   builder->nodata_row, half_bytes);
            if (pending->mask != NULL)
                memset(pending->mask + (first_row + row) * shape->width_px +
                           first_col,
                       0, half_px);
        }
    }
    pending->filled = true;
}

/* Where pixels of a quarter go, or are. */
struct quarter
{
    uint8_t *pixels;
    size_t row_bytes;
    uint8_t *mask; /* NULL where none is tracked */
    size_t mask_row_bytes;
};

/* Which pixels of the tile above something of the piece counts for. */
static void reduce_cover(const struct pyr_tile_shape *shape,
                         const struct pyr_piece *piece,
                         const struct quarter *to)
{
    for (uint32_t row = 0; row < shape->height_px / 2; row++)
    {
        const uint8_t *const upper =
            piece->mask + 2 * (size_t)row * piece->mask_row_bytes;
        const uint8_t *const lower = upper + piece->mask_row_bytes;
        uint8_t *const out = to->mask + row * to->mask_row_bytes;
        for (uint32_t col = 0; col < shape->width_px / 2; col++)
            out[col] = (upper[2 * col] | upper[2 * col + 1] | lower[2 * col] |
                        lower[2 * col + 1]) != 0
                           ? 255
                           : 0;
    }
}

static void reduce_piece(const struct pyr_builder *builder,
                         const struct pyr_piece *piece,
                         const struct quarter *to)
{
    const struct pyr_build_options *const options = builder->options;
    const struct pyr_tile_shape *const shape = &builder->shape;
    const bool masks = options->masks;
    pyr_reduce(&options->rule, piece->pixels, piece->row_bytes,
               masks ? piece->mask : NULL, piece->mask_row_bytes,
               shape->width_px / 2, shape->height_px / 2, to->pixels,
               to->row_bytes, masks ? to->mask : NULL, to->mask_row_bytes);
    if (to->mask != NULL && !masks)
        reduce_cover(shape, piece, to);
}

/* Whether a reduced pixel counts: by its mask, or as the rule tells. */
static bool pixel_counts(const struct pyr_reduce_rule *rule,
                         const struct pyr_tile_shape *shape,
                         const uint8_t *pixel, const uint8_t *mask)
{
    const size_t sample_bytes = pyr_sample_bytes(shape->sample);
    const uint8_t *const alpha = pixel + (shape->bands - 1) * sample_bytes;
    float value = 0;
    if (mask != NULL)
        return *mask != 0;
    if (rule->validity == PYR_VALID_ALPHA && shape->sample == PYR_SAMPLE_UINT8)
        return *alpha != 0;
    if (shape->sample == PYR_SAMPLE_UINT8)
        return (double)pixel[0] != rule->nodata[0];
    if (rule->validity == PYR_VALID_ALPHA)
    {
        memcpy(&value, alpha, sizeof(value));
        return value != 0;
    }
    memcpy(&value, pixel, sizeof(value));
    return (double)value != rule->nodata[0] && value == value;
}

/* Where no pixel of a tile that is new counts, the one above stays as it was:
 * it was made of something else. */
static void merge_quarter(const struct pyr_builder *builder,
                          const struct quarter *from, const struct quarter *to)
{
    const struct pyr_tile_shape *const shape = &builder->shape;
    const size_t nbytes = pyr_pixel_bytes(shape);
    for (uint32_t row = 0; row < shape->height_px / 2; row++)
        for (uint32_t col = 0; col < shape->width_px / 2; col++)
        {
            const uint8_t *const pixel =
                from->pixels + row * from->row_bytes + col * nbytes;
            const uint8_t *const mask =
                from->mask == NULL
                    ? NULL
                    : from->mask + row * from->mask_row_bytes + col;
            if (!pixel_counts(&builder->options->rule, shape, pixel, mask))
                continue;
            copy_pixel(to->pixels + row * to->row_bytes + col * nbytes, pixel,
                       nbytes);
            if (to->mask != NULL)
                to->mask[row * to->mask_row_bytes + col] = 255;
        }
}

static enum pyr_result reduce_into(const struct pyr_builder *builder,
                                   struct pyr_build_worker *worker,
                                   const struct pyr_piece *piece,
                                   struct pyr_error *err)
{
    const struct pyr_tile_shape *const shape = &builder->shape;
    struct pyr_pending *const above = piece->above;
    const unsigned number = (piece->row & 1) * 2 + (piece->col & 1);
    const size_t row_bytes = pyr_tile_row_bytes(shape);
    const size_t first_row = (piece->row & 1) * (size_t)(shape->height_px / 2);
    const size_t first_col = (piece->col & 1) * (size_t)(shape->width_px / 2);
    const struct quarter to = {
        .pixels = above->pixels + first_row * row_bytes +
                  first_col * pyr_pixel_bytes(shape),
        .row_bytes = row_bytes,
        .mask = above->mask == NULL
                    ? NULL
                    : above->mask + first_row * shape->width_px + first_col,
        .mask_row_bytes = shape->width_px};
    if (piece->fresh && !above->fresh)
    {
        const size_t nbytes = pyr_tile_bytes(shape) / 4;
        if (worker->quarter == NULL)
            worker->quarter = pyr_malloc(pyr_builder_tile_bytes(builder) / 4);
        if (worker->quarter == NULL)
            return no_memory(err);
        const struct quarter made = {
            .pixels = worker->quarter,
            .row_bytes = row_bytes / 2,
            .mask = to.mask == NULL ? NULL : worker->quarter + nbytes,
            .mask_row_bytes = shape->width_px / 2};
        reduce_piece(builder, piece, &made);
        merge_quarter(builder, &made, &to);
    }
    else
        reduce_piece(builder, piece, &to);
    atomic_fetch_or(&above->quarters, 1u << number);
    return PYR_OK;
}

static enum pyr_result put(struct pyr_builder *builder,
                           struct pyr_encoder *encoder, enum pyr_plane plane,
                           const struct pyr_piece *piece, struct pyr_error *err)
{
    const struct pyr_sink *const sink = builder->options->sink;
    const bool data = plane == PYR_PLANE_DATA;
    const uint8_t *bytes = NULL;
    size_t nbytes = 0;
    enum pyr_result result = pyr_encode(
        encoder, data ? &builder->shape : &builder->mask_shape,
        data ? piece->pixels : piece->mask,
        data ? piece->row_bytes : piece->mask_row_bytes, &bytes, &nbytes, err);
    if (result == PYR_OK)
        result = sink->put(sink->user, plane,
                           builder->options->first_level + piece->level,
                           piece->col, piece->row, bytes, nbytes, err);
    return result;
}

enum pyr_result pyr_piece_run(struct pyr_builder *builder,
                              struct pyr_build_worker *worker,
                              const struct pyr_piece *piece,
                              struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (piece->own != NULL && !piece->own->filled)
        fill_quarters(builder, piece->own);
    if (piece->above != NULL)
        result = reduce_into(builder, worker, piece, err);
    if (piece->put && result == PYR_OK)
        result = put(builder, worker->data, PYR_PLANE_DATA, piece, err);
    if (piece->put && builder->options->masks && result == PYR_OK)
        result = put(builder, worker->masks, PYR_PLANE_MASK, piece, err);
    if (result != PYR_OK)
        pyr_error_prefix(err, "level %s, tile (%lu, %lu)",
                         builder->options->levels[piece->level].id,
                         (unsigned long)piece->col, (unsigned long)piece->row);
    return result;
}
