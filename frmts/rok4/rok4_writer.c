/* SPDX-License-Identifier: MIT */
/* The ROK4 tile sink: encoded tiles to slabs (spec section 5). */
#include "rok4_writer_priv.h"

#include "pyr_alloc.h"

#include <string.h>

/* Whether slabs of the level begin as the background's can: copied tiles must
 * mean the same. */
static enum pyr_result
check_background(const struct rok4_writer_options *options,
                 const struct rok4_writer_level *level, struct pyr_error *err)
{
    const struct rok4_pyramid *const background = options->background;
    if (background == NULL || level->background_level < 0)
        return PYR_OK;
    if ((size_t)level->background_level >= background->descriptor->nlevels)
        return pyr_fail(err, PYR_USAGE, "background level %d does not exist",
                        level->background_level);
    const struct pyr_source_level *const old =
        &background->planes[ROK4_PLANE_DATA].levels[level->background_level];
    if (background->descriptor->format != options->format ||
        old->container_width_tiles != level->tiles_per_width ||
        old->container_height_tiles != level->tiles_per_height ||
        old->shape.width_px != level->shape.width_px ||
        old->shape.height_px != level->shape.height_px ||
        old->shape.bands != level->shape.bands)
        return pyr_fail(err, PYR_USAGE,
                        "the background has another format or size of slabs");
    return PYR_OK;
}

static enum pyr_result check_level(const struct rok4_writer_options *options,
                                   const struct rok4_writer_level *level,
                                   struct pyr_error *err)
{
    const uint64_t ntiles =
        (uint64_t)level->tiles_per_width * level->tiles_per_height;
    const struct rok4_slab_shape shape = {
        .format = options->format,
        .tile = level->shape,
        .tiles_per_width = level->tiles_per_width,
        .tiles_per_height = level->tiles_per_height};
    if (!pyr_tile_shape_valid(&level->shape) || ntiles == 0 ||
        level->shape.sample != rok4_format_sample(options->format))
        return pyr_fail(err, PYR_USAGE, "tiles do not fit the format");
    if (level->path_depth > ROK4_MAX_PATH_DEPTH)
        return pyr_fail(err, PYR_LIMIT, "path depth is %u, expected 0 .. %u",
                        level->path_depth, ROK4_MAX_PATH_DEPTH);
    if (level->tiles_per_width > PYR_MAX_SLAB_TILES ||
        level->tiles_per_height > PYR_MAX_SLAB_TILES ||
        ntiles > PYR_MAX_SLAB_TILES)
        return pyr_fail(err, PYR_LIMIT,
                        "slabs of %ux%u tiles, expected at most %u in one",
                        level->tiles_per_width, level->tiles_per_height,
                        PYR_MAX_SLAB_TILES);
    const uint32_t room = rok4_slab_room(&shape);
    if ((uint64_t)level->tiles_per_width * level->shape.width_px > UINT32_MAX ||
        (uint64_t)level->tiles_per_height * level->shape.height_px >
            UINT32_MAX ||
        rok4_slab_room_offset((uint32_t)ntiles, room, (uint32_t)ntiles - 1) +
                room >
            ROK4_SLAB_MAX_BYTES)
        return pyr_fail(err, PYR_LIMIT,
                        "slabs of %ux%u tiles take more than the %d bytes that "
                        "readers of the format can address",
                        level->tiles_per_width, level->tiles_per_height,
                        ROK4_SLAB_MAX_BYTES);
    return check_background(options, level, err);
}

static enum pyr_result check_options(const struct rok4_writer_options *options,
                                     struct pyr_error *err)
{
    if (options->format == ROK4_PBF_MVT ||
        options->encoding.codec != rok4_format_codec(options->format) ||
        options->mask_encoding.codec != PYR_CODEC_DEFLATE)
        return pyr_fail(err, PYR_USAGE, "codec does not fit the format");
    for (uint32_t i = 0; i < options->nlevels; i++)
    {
        const enum pyr_result result =
            check_level(options, &options->levels[i], err);
        if (result != PYR_OK)
        {
            pyr_error_prefix(err, "level %s", options->levels[i].id);
            return result;
        }
    }
    return PYR_OK;
}

static void free_parts(struct rok4_writer *writer)
{
    for (size_t i = 0; i < ROK4_WRITER_BUCKETS; i++)
        while (writer->buckets[i] != NULL)
        {
            struct rok4_open_slab *const slab = writer->buckets[i];
            writer->buckets[i] = slab->next;
            rok4_open_slab_free(writer, slab);
        }
    while (writer->constants != NULL)
    {
        struct rok4_constant *const constant = writer->constants;
        writer->constants = constant->next;
        pyr_free(constant);
    }
    pyr_encoder_free(writer->encoders[PYR_PLANE_DATA]);
    pyr_encoder_free(writer->encoders[PYR_PLANE_MASK]);
    pyr_spools_free(writer->spools);
    pyr_free(writer);
}

enum pyr_result rok4_writer_new(const struct rok4_writer_options *options,
                                struct rok4_writer **out_writer,
                                struct pyr_error *err)
{
    enum pyr_result result = check_options(options, err);
    if (result != PYR_OK)
        return result;
    struct rok4_writer *const writer = pyr_calloc(1, sizeof(*writer));
    if (writer == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    writer->options = *options;
    atomic_init(&writer->count, 0);
    result = pyr_spools_new(options->scratch != NULL ? options->scratch
                                                     : options->out,
                            options->memory_bytes, &writer->spools);
    if (result != PYR_OK)
        (void)pyr_fail(err, result, "out of memory");
    if (result == PYR_OK)
        result = pyr_encoder_new(&options->encoding,
                                 &writer->encoders[PYR_PLANE_DATA], err);
    if (result == PYR_OK)
        result = pyr_encoder_new(&options->mask_encoding,
                                 &writer->encoders[PYR_PLANE_MASK], err);
    if (result != PYR_OK)
        goto no_parts;
    if (pthread_mutex_init(&writer->mutex, NULL) != 0)
        goto no_mutex;
    if (pthread_mutex_init(&writer->constants_mutex, NULL) != 0)
        goto no_constants;
    *out_writer = writer;
    return PYR_OK;

no_constants:
    pthread_mutex_destroy(&writer->mutex);
no_mutex:
    result = pyr_fail(err, PYR_NOMEM, "out of memory");
no_parts:
    free_parts(writer);
    return result;
}

void rok4_writer_free(struct rok4_writer *writer)
{
    if (writer == NULL)
        return;
    pthread_mutex_destroy(&writer->constants_mutex);
    pthread_mutex_destroy(&writer->mutex);
    free_parts(writer);
}

uint64_t rok4_writer_count(const struct rok4_writer *writer)
{
    return atomic_load(&writer->count);
}

/* Whether a slab of a run that was interrupted stands there, and is kept. */
static bool keeps(const struct rok4_writer *writer,
                  const struct rok4_slab_key *key)
{
    const struct rok4_writer_options *const options = &writer->options;
    struct pyr_error err = {""};
    if (!rok4_is_whole(writer, key))
        return false;
    if (options->keep == NULL)
        return true;
    char *const path = rok4_writer_path(writer, key);
    const bool kept =
        path != NULL && options->keep(options->keep_user, path, &err) == PYR_OK;
    pyr_free(path);
    return kept;
}

static bool wants(void *user, uint32_t level, uint32_t container_col,
                  uint32_t container_row)
{
    const struct rok4_writer *const writer = user;
    struct rok4_slab_key key = {PYR_PLANE_DATA, level, container_col,
                                container_row};
    if (!writer->options.resume || !keeps(writer, &key))
        return true;
    key.plane = PYR_PLANE_MASK;
    return rok4_writer_level_of(writer, level)->mask_place != NULL &&
           !keeps(writer, &key);
}

static enum pyr_result put(void *user, enum pyr_plane plane, uint32_t level,
                           uint32_t tile_col, uint32_t tile_row,
                           const uint8_t *bytes, size_t nbytes,
                           struct pyr_error *err)
{
    struct rok4_writer *const writer = user;
    const struct rok4_writer_level *const at =
        rok4_writer_level_of(writer, level);
    const uint32_t width = at->tiles_per_width;
    const uint32_t height = at->tiles_per_height;
    const struct rok4_slab_key key = {plane, level, tile_col / width,
                                      tile_row / height};
    const uint32_t tile = tile_row % height * width + tile_col % width;
    struct rok4_open_slab *slab = NULL;
    struct pyr_error own = {""};
    if (err == NULL)
        err = &own; /* the hooks need one */
    if (plane == PYR_PLANE_MASK && at->mask_place == NULL)
        return pyr_fail(err, PYR_USAGE, "level %s has no masks", at->id);
    const enum pyr_result result = rok4_open_slab_get(writer, &key, &slab, err);
    return result == PYR_OK
               ? rok4_open_slab_put(writer, slab, tile, bytes, nbytes, err)
               : result;
}

/* Whether the background has a say in a slab, NULL when no tile was put. */
static bool has_gaps(const struct rok4_open_slab *slab)
{
    for (uint32_t i = 0; slab != NULL && i < slab->ntiles; i++)
        if (slab->tiles[i].from != ROK4_FROM_PUT)
            return true;
    return slab == NULL;
}

static enum pyr_result write_plane(struct rok4_writer *writer,
                                   struct rok4_open_slab *slab,
                                   const struct rok4_old_slab old[2],
                                   struct pyr_error *err)
{
    const enum pyr_result result = rok4_fill(writer, slab, &old[PYR_PLANE_DATA],
                                             &old[PYR_PLANE_MASK], err);
    return result == PYR_OK
               ? rok4_assemble(writer, slab, &old[slab->key.plane], err)
               : result;
}

/* Writes a slab with data. Where masks are written, *mask is its mask slab:
 * NULL when no tile of it was put. */
static enum pyr_result write_slab(struct rok4_writer *writer,
                                  struct rok4_open_slab *data,
                                  struct rok4_open_slab **mask,
                                  struct pyr_error *err)
{
    const bool masked =
        rok4_writer_level_of(writer, data->key.level)->mask_place != NULL;
    struct rok4_slab_key mask_key = data->key;
    struct rok4_old_slab old[2] = {{0}};
    enum pyr_result result = PYR_OK;
    mask_key.plane = PYR_PLANE_MASK;
    if (has_gaps(data) || (masked && has_gaps(*mask)))
        result =
            rok4_old_slab_open(writer, &data->key, &old[PYR_PLANE_DATA], err);
    if (result == PYR_OK && masked && old[PYR_PLANE_DATA].file != NULL &&
        has_gaps(*mask))
        result =
            rok4_old_slab_open(writer, &mask_key, &old[PYR_PLANE_MASK], err);
    if (result == PYR_OK)
        result = write_plane(writer, data, old, err);
    if (result == PYR_OK && masked && *mask == NULL)
        result = rok4_open_slab_new(writer, &mask_key, mask, err);
    if (result == PYR_OK && masked)
        result = write_plane(writer, *mask, old, err);
    rok4_old_slab_clear(writer, &old[PYR_PLANE_DATA]);
    rok4_old_slab_clear(writer, &old[PYR_PLANE_MASK]);
    return result;
}

static enum pyr_result finish(void *user, uint32_t level,
                              uint32_t container_col, uint32_t container_row,
                              struct pyr_error *err)
{
    struct rok4_writer *const writer = user;
    struct rok4_slab_key key = {PYR_PLANE_DATA, level, container_col,
                                container_row};
    struct pyr_error own = {""};
    struct rok4_open_slab *const data = rok4_open_slab_take(writer, &key);
    key.plane = PYR_PLANE_MASK;
    struct rok4_open_slab *mask = rok4_open_slab_take(writer, &key);
    const enum pyr_result result =
        data == NULL
            ? PYR_OK
            : write_slab(writer, data, &mask, err != NULL ? err : &own);
    rok4_open_slab_free(writer, data);
    rok4_open_slab_free(writer, mask);
    return result;
}

struct pyr_sink rok4_writer_sink(struct rok4_writer *writer)
{
    const struct pyr_sink sink = {
        .user = writer, .wants = wants, .put = put, .finish = finish};
    return sink;
}
