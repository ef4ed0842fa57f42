/* SPDX-License-Identifier: MIT */
/* Tiles of a slab that were not put: the background's, or without data. */
#include "rok4_writer_priv.h"

#include "pyr_alloc.h"

#include <math.h>
#include <string.h>

enum pyr_result rok4_old_slab_open(const struct rok4_writer *writer,
                                   const struct rok4_slab_key *key,
                                   struct rok4_old_slab *old,
                                   struct pyr_error *err)
{
    const struct rok4_writer_options *const options = &writer->options;
    const struct pyr_io *const io = options->io;
    const struct rok4_writer_level *const level =
        rok4_writer_level_of(writer, key->level);
    const struct pyr_extent index =
        rok4_slab_index(level->tiles_per_width * level->tiles_per_height);
    if (options->background == NULL || level->background_level < 0)
        return PYR_OK;
    enum pyr_result result = rok4_pyramid_slab_path(
        options->background,
        key->plane == PYR_PLANE_MASK ? ROK4_PLANE_MASK : ROK4_PLANE_DATA,
        (size_t)level->background_level, key->slab_col, key->slab_row,
        &old->path);
    if (result == PYR_OK)
        result = io->open(io->user, old->path, &old->file, err);
    if (result == PYR_NOT_FOUND)
    {
        err->text[0] = '\0';
        return PYR_OK;
    }
    if (result == PYR_OK)
    {
        old->nbytes = io->size(old->file);
        old->index = pyr_malloc((size_t)index.nbytes);
        if (old->index == NULL)
            result = pyr_fail(err, PYR_NOMEM, "out of memory");
        else if (old->nbytes < index.offset_bytes + index.nbytes)
            result = pyr_fail(
                err, PYR_CORRUPT, "index ends at byte %llu, the file has %llu",
                (unsigned long long)(index.offset_bytes + index.nbytes),
                (unsigned long long)old->nbytes);
        else
            result = io->read(old->file, 1, &index, &old->index, err);
    }
    if (old->path == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    if (result != PYR_OK)
        pyr_error_prefix(err, "slab %s of the background", old->path);
    return result;
}

void rok4_old_slab_clear(const struct rok4_writer *writer,
                         struct rok4_old_slab *old)
{
    if (old->file != NULL)
        writer->options.io->close(old->file);
    pyr_free(old->index);
    pyr_free(old->path);
}

/* Sets every pixel of tile pixels[pyr_tile_bytes(shape)] to the values. */
static void fill_pixels(const struct pyr_tile_shape *shape,
                        const double *values, uint8_t *pixels)
{
    const size_t pixel_nbytes = pyr_pixel_bytes(shape);
    const size_t nbytes = pyr_tile_bytes(shape);
    for (uint32_t band = 0; band < shape->bands; band++)
    {
        const float real = (float)values[band];
        if (shape->sample == PYR_SAMPLE_FLOAT32)
            memcpy(pixels + band * sizeof(real), &real, sizeof(real));
        else
            pixels[band] =
                (uint8_t)fmax(0.0, fmin(nearbyint(values[band]), 255.0));
    }
    for (size_t at = pixel_nbytes; at < nbytes; at += pixel_nbytes)
        memcpy(pixels + at, pixels, pixel_nbytes);
}

/* Encodes it. Under the mutex of the constants. */
static enum pyr_result make_constant(struct rok4_writer *writer,
                                     const struct rok4_open_slab *slab,
                                     bool valid,
                                     struct rok4_constant **out_constant,
                                     struct pyr_error *err)
{
    static const double mask_valid[] = {255};
    static const double mask_nodata[] = {0};
    const bool mask = slab->key.plane == PYR_PLANE_MASK;
    const struct pyr_tile_shape *const shape = &slab->shape.tile;
    const double *const values = !mask   ? writer->options.nodata
                                 : valid ? mask_valid
                                         : mask_nodata;
    const uint8_t *bytes = NULL;
    size_t nbytes = 0;
    uint8_t *const pixels = pyr_malloc(pyr_tile_bytes(shape));
    if (pixels == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    fill_pixels(shape, values, pixels);
    const enum pyr_result result =
        pyr_encode(writer->encoders[slab->key.plane], shape, pixels,
                   pyr_tile_row_bytes(shape), &bytes, &nbytes, err);
    if (result != PYR_OK)
    {
        pyr_free(pixels);
        return result;
    }
    struct rok4_constant *const constant =
        pyr_malloc(sizeof(*constant) + nbytes);
    if (constant != NULL)
    {
        constant->next = NULL;
        constant->plane = slab->key.plane;
        constant->shape = *shape;
        constant->valid = valid;
        constant->nbytes = (uint32_t)nbytes;
        memcpy(constant->bytes, bytes, nbytes);
    }
    pyr_free(pixels);
    *out_constant = constant;
    return constant != NULL ? PYR_OK
                            : pyr_fail(err, PYR_NOMEM, "out of memory");
}

static bool equal_shapes(const struct pyr_tile_shape *left,
                         const struct pyr_tile_shape *right)
{
    return left->width_px == right->width_px &&
           left->height_px == right->height_px && left->bands == right->bands &&
           left->sample == right->sample;
}

/* The tile without data, or of a mask that is valid; made at its first use. */
static enum pyr_result get_constant(struct rok4_writer *writer,
                                    const struct rok4_open_slab *slab,
                                    bool valid,
                                    const struct rok4_constant **out_constant,
                                    struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    pthread_mutex_lock(&writer->constants_mutex);
    struct rok4_constant **link = &writer->constants;
    while (*link != NULL &&
           !((*link)->plane == slab->key.plane && (*link)->valid == valid &&
             equal_shapes(&(*link)->shape, &slab->shape.tile)))
        link = &(*link)->next;
    if (*link == NULL)
        result = make_constant(writer, slab, valid, link, err);
    *out_constant = *link;
    pthread_mutex_unlock(&writer->constants_mutex);
    return result;
}

/* Where the background's slab has the tile; 0 bytes where it has not. */
static enum pyr_result locate(const struct rok4_open_slab *slab,
                              const struct rok4_slab_shape *shape,
                              const struct rok4_old_slab *old, uint32_t tile,
                              struct pyr_extent *out_extent,
                              struct pyr_error *err)
{
    const struct pyr_extent none = {0, 0};
    *out_extent = none;
    if (old->file == NULL)
        return PYR_OK;
    enum pyr_result result =
        rok4_slab_locate(old->index, slab->ntiles, tile, old->nbytes,
                         rok4_slab_tile_limit(&shape->tile), out_extent, err);
    const uint32_t room = rok4_slab_room(shape);
    if (result == PYR_OK && out_extent->nbytes != 0 && room != 0)
    {
        if (out_extent->nbytes < room)
            result = pyr_fail(err, PYR_CORRUPT, "takes %llu bytes, expected %u",
                              (unsigned long long)out_extent->nbytes, room);
        out_extent->nbytes = room; /* readers ignore bytes behind */
    }
    if (result != PYR_OK)
        pyr_error_prefix(err, "slab %s of the background: tile %u", old->path,
                         tile);
    return result;
}

static enum pyr_result fill_constant(struct rok4_writer *writer,
                                     struct rok4_open_slab *slab, bool valid,
                                     struct rok4_tile *tile,
                                     struct pyr_error *err)
{
    const struct rok4_constant **const constant =
        valid ? &slab->valid : &slab->nodata;
    if (!valid && writer->options.sparse)
        return PYR_OK;
    if (*constant == NULL)
    {
        const enum pyr_result result =
            get_constant(writer, slab, valid, constant, err);
        if (result != PYR_OK)
            return result;
    }
    tile->nbytes = (*constant)->nbytes;
    tile->from = valid ? ROK4_FROM_VALID : ROK4_FROM_NODATA;
    return PYR_OK;
}

/* A tile of a mask is what it was where the background's data has the tile: the
 * mask's bytes, or valid as a whole where there is no mask slab. */
static enum pyr_result fill_tile(struct rok4_writer *writer,
                                 struct rok4_open_slab *slab,
                                 const struct rok4_old_slab *data,
                                 const struct rok4_old_slab *mask,
                                 uint32_t tile, struct pyr_error *err)
{
    const struct rok4_slab_shape data_shape =
        rok4_writer_shape(writer, PYR_PLANE_DATA, slab->key.level);
    struct pyr_extent extent = {0, 0};
    bool valid = false;
    enum pyr_result result =
        locate(slab, &data_shape, data, tile, &extent, err);
    if (result == PYR_OK && slab->key.plane == PYR_PLANE_MASK &&
        extent.nbytes != 0)
    {
        valid = mask->file == NULL;
        result = locate(slab, &slab->shape, mask, tile, &extent, err);
    }
    if (result != PYR_OK)
        return result;
    if (extent.nbytes == 0)
        return fill_constant(writer, slab, valid, &slab->tiles[tile], err);
    slab->tiles[tile].at = extent.offset_bytes;
    slab->tiles[tile].nbytes = (uint32_t)extent.nbytes;
    slab->tiles[tile].from = ROK4_FROM_BACKGROUND;
    return PYR_OK;
}

enum pyr_result rok4_fill(struct rok4_writer *writer,
                          struct rok4_open_slab *slab,
                          const struct rok4_old_slab *data,
                          const struct rok4_old_slab *mask,
                          struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (uint32_t i = 0; i < slab->ntiles && result == PYR_OK; i++)
        if (slab->tiles[i].from != ROK4_FROM_PUT)
            result = fill_tile(writer, slab, data, mask, i, err);
    return result;
}
