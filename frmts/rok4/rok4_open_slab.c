/* SPDX-License-Identifier: MIT */
/* Slabs in the making: a table, and their tiles as they come. */
#include "rok4_writer_priv.h"

#include "pyr_alloc.h"
#include "rok4_place.h"

#include <string.h>

struct rok4_slab_shape rok4_writer_shape(const struct rok4_writer *writer,
                                         enum pyr_plane plane, uint32_t level)
{
    const struct rok4_writer_level *const at =
        rok4_writer_level_of(writer, level);
    struct rok4_slab_shape shape = {.format = writer->options.format,
                                    .tile = at->shape,
                                    .tiles_per_width = at->tiles_per_width,
                                    .tiles_per_height = at->tiles_per_height};
    if (plane == PYR_PLANE_MASK)
    {
        shape.format = ROK4_ZIP_UINT8;
        shape.tile.bands = 1;
        shape.tile.sample = PYR_SAMPLE_UINT8;
    }
    return shape;
}

char *rok4_writer_path(const struct rok4_writer *writer,
                       const struct rok4_slab_key *key)
{
    const struct rok4_writer_level *const level =
        rok4_writer_level_of(writer, key->level);
    return rok4_place_slab(level->storage,
                           key->plane == PYR_PLANE_MASK ? level->mask_place
                                                        : level->image_place,
                           key->slab_col, key->slab_row, level->path_depth);
}

void rok4_open_slab_free(struct rok4_writer *writer,
                         struct rok4_open_slab *slab)
{
    if (slab == NULL)
        return;
    writer->options.out->discard(slab->file);
    pyr_spool_free(slab->spool);
    pthread_mutex_destroy(&slab->mutex);
    pyr_free(slab->spool_path);
    pyr_free(slab->path);
    pyr_free(slab);
}

static char *with_suffix(const char *path, const char *suffix)
{
    const size_t length = strlen(path);
    const size_t suffix_nbytes = strlen(suffix) + 1;
    char *const text = pyr_malloc(length + suffix_nbytes);
    if (text == NULL)
        return NULL;
    memcpy(text, path, length);
    memcpy(text + length, suffix, suffix_nbytes);
    return text;
}

enum pyr_result rok4_open_slab_new(struct rok4_writer *writer,
                                   const struct rok4_slab_key *key,
                                   struct rok4_open_slab **out_slab,
                                   struct pyr_error *err)
{
    const struct rok4_slab_shape shape =
        rok4_writer_shape(writer, key->plane, key->level);
    const uint32_t ntiles = shape.tiles_per_width * shape.tiles_per_height;
    struct rok4_open_slab *const slab =
        pyr_calloc(1, sizeof(*slab) + ntiles * sizeof(slab->tiles[0]));
    if (slab == NULL || pthread_mutex_init(&slab->mutex, NULL) != 0)
    {
        pyr_free(slab);
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    slab->key = *key;
    slab->shape = shape;
    slab->ntiles = ntiles;
    slab->room_nbytes = rok4_slab_room(&shape);
    slab->path = rok4_writer_path(writer, key);
    bool fine = slab->path != NULL;
    if (fine && slab->room_nbytes == 0)
    {
        slab->spool_path = with_suffix(writer->options.scratch != NULL
                                           ? writer->options.scratch_path
                                           : slab->path,
                                       ".spool");
        fine = slab->spool_path != NULL &&
               pyr_spool_new(writer->spools, slab->spool_path, &slab->spool) ==
                   PYR_OK;
    }
    if (!fine)
    {
        rok4_open_slab_free(writer, slab);
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    *out_slab = slab;
    return PYR_OK;
}

/* What leads to the slab in the table, or to the end of its bucket. Under the
 * writer's mutex. */
static struct rok4_open_slab **find(struct rok4_writer *writer,
                                    const struct rok4_slab_key *key)
{
    const uint32_t hash =
        (key->level * 31 + key->slab_row) * 31 + key->slab_col * 2 + key->plane;
    struct rok4_open_slab **link =
        &writer->buckets[hash & (ROK4_WRITER_BUCKETS - 1)];
    while (*link != NULL && !((*link)->key.plane == key->plane &&
                              (*link)->key.level == key->level &&
                              (*link)->key.slab_col == key->slab_col &&
                              (*link)->key.slab_row == key->slab_row))
        link = &(*link)->next;
    return link;
}

enum pyr_result rok4_open_slab_get(struct rok4_writer *writer,
                                   const struct rok4_slab_key *key,
                                   struct rok4_open_slab **out_slab,
                                   struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    pthread_mutex_lock(&writer->mutex);
    struct rok4_open_slab **const link = find(writer, key);
    if (*link == NULL)
        result = rok4_open_slab_new(writer, key, link, err);
    *out_slab = *link;
    pthread_mutex_unlock(&writer->mutex);
    return result;
}

struct rok4_open_slab *rok4_open_slab_take(struct rok4_writer *writer,
                                           const struct rok4_slab_key *key)
{
    pthread_mutex_lock(&writer->mutex);
    struct rok4_open_slab **const link = find(writer, key);
    struct rok4_open_slab *const slab = *link;
    if (slab != NULL)
        *link = slab->next;
    pthread_mutex_unlock(&writer->mutex);
    return slab;
}

/* Makes the file of a raw slab unless it is there. */
static enum pyr_result need_file(struct rok4_writer *writer,
                                 struct rok4_open_slab *slab,
                                 struct pyr_error *err)
{
    const struct pyr_out *const out = writer->options.out;
    enum pyr_result result = PYR_OK;
    pthread_mutex_lock(&slab->mutex);
    if (slab->file == NULL)
        result = out->create(out->user, slab->path, &slab->file, err);
    pthread_mutex_unlock(&slab->mutex);
    return result;
}

enum pyr_result rok4_open_slab_put(struct rok4_writer *writer,
                                   struct rok4_open_slab *slab, uint32_t tile,
                                   const uint8_t *bytes, size_t nbytes,
                                   struct pyr_error *err)
{
    const uint64_t limit = rok4_slab_tile_limit(&slab->shape.tile);
    struct rok4_tile *const put = &slab->tiles[tile];
    enum pyr_result result;
    if (nbytes == 0 || nbytes > limit ||
        (slab->room_nbytes != 0 && nbytes != slab->room_nbytes))
        return pyr_fail(err, PYR_USAGE, "a tile of %zu bytes is no tile",
                        nbytes);
    if (slab->spool != NULL)
        result = pyr_spool_append(slab->spool, bytes, nbytes, &put->at, err);
    else
    {
        put->at = rok4_slab_room_offset(slab->ntiles, slab->room_nbytes, tile);
        result = need_file(writer, slab, err);
        if (result == PYR_OK)
            result = writer->options.out->write(slab->file, put->at, bytes,
                                                nbytes, err);
        if (result != PYR_OK)
            pyr_error_prefix(err, "slab %s", slab->path);
    }
    if (result != PYR_OK)
        return result;
    put->nbytes = (uint32_t)nbytes;
    put->from = ROK4_FROM_PUT;
    return PYR_OK;
}
