/* SPDX-License-Identifier: MIT */
/* The tags of a directory to be. */
#include "cogx_tags.h"

#include "cogx_codes.h"
#include "pyr_alloc.h"

#include <string.h>

#define PHOTOMETRIC_YCBCR 6
#define EXTRA_UNASSOCIATED_ALPHA 2

/* Made by the writer and the encoder. */
static const uint16_t made_tags[] = {
    COGX_TAG_SUBFILE_TYPE,   COGX_TAG_WIDTH,
    COGX_TAG_HEIGHT,         COGX_TAG_STRIP_OFFSETS,
    COGX_TAG_ROWS_PER_STRIP, COGX_TAG_STRIP_BYTE_COUNTS,
    COGX_TAG_TILE_WIDTH,     COGX_TAG_TILE_HEIGHT,
    COGX_TAG_TILE_OFFSETS,   COGX_TAG_TILE_BYTE_COUNTS,
    COGX_TAG_JPEG_TABLES};
#define NMADE_TAGS (sizeof(made_tags) / sizeof(made_tags[0]))

/* By which tiles are decoded. */
static const uint16_t pixel_tags[] = {
    COGX_TAG_COMPRESSION,        COGX_TAG_PHOTOMETRIC,
    COGX_TAG_PREDICTOR,          COGX_TAG_EXTRA_SAMPLES,
    COGX_TAG_SAMPLE_FORMAT,      COGX_TAG_JPEG_TABLES,
    COGX_TAG_YCBCR_COEFFICIENTS, COGX_TAG_YCBCR_SUBSAMPLING,
    COGX_TAG_YCBCR_POSITIONING,  COGX_TAG_REFERENCE_BLACK_WHITE};
#define NPIXEL_TAGS (sizeof(pixel_tags) / sizeof(pixel_tags[0]))

void cogx_tags_clear(struct cogx_tags *tags)
{
    for (size_t i = 0; i < tags->ntags; i++)
        pyr_free((void *)tags->list[i].values);
    pyr_free(tags->list);
    memset(tags, 0, sizeof(*tags));
}

/* Takes values over, also on failure. */
static enum pyr_result add(struct cogx_tags *tags, uint16_t code, uint16_t type,
                           uint64_t count, void *values, struct pyr_error *err)
{
    if (tags->ntags == tags->capacity)
    {
        const size_t capacity = 2 * tags->capacity + 16;
        struct cogx_tag *list =
            pyr_realloc(tags->list, capacity * sizeof(*list));
        if (list == NULL)
        {
            pyr_free(values);
            return pyr_fail(err, PYR_NOMEM, "out of memory");
        }
        tags->list = list;
        tags->capacity = capacity;
    }
    tags->list[tags->ntags++] = (struct cogx_tag){
        .code = code, .type = type, .count = count, .values = values};
    return PYR_OK;
}

static enum pyr_result add_copy(struct cogx_tags *tags, uint16_t code,
                                uint16_t type, uint64_t count,
                                const void *values, size_t nbytes,
                                struct pyr_error *err)
{
    void *const copy = pyr_malloc(nbytes > 0 ? nbytes : 1);
    if (copy == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    memcpy(copy, values, nbytes);
    return add(tags, code, type, count, copy, err);
}

static enum pyr_result load(struct cogx_tags *tags,
                            const struct pyr_tiff_reader *reader,
                            const struct pyr_tiff *tiff,
                            const struct pyr_tiff_tag *tag,
                            struct pyr_error *err)
{
    void *values = NULL;
    size_t nbytes = 0;
    const enum pyr_result result =
        pyr_tiff_load(reader, tiff, tag, &values, &nbytes, err);
    return result != PYR_OK
               ? result
               : add(tags, tag->code, tag->type, tag->count, values, err);
}

static const struct cogx_tag *find(const struct cogx_tags *tags, uint16_t code)
{
    for (size_t i = 0; i < tags->ntags; i++)
        if (tags->list[i].code == code)
            return &tags->list[i];
    return NULL;
}

static void drop(struct cogx_tags *tags, uint16_t code)
{
    size_t nleft = 0;
    for (size_t i = 0; i < tags->ntags; i++)
        if (tags->list[i].code == code)
            pyr_free((void *)tags->list[i].values);
        else
            tags->list[nleft++] = tags->list[i];
    tags->ntags = nleft;
}

static bool is_made(uint16_t code)
{
    for (size_t i = 0; i < NMADE_TAGS; i++)
        if (made_tags[i] == code)
            return true;
    return false;
}

enum pyr_result cogx_tags_load(struct cogx_tags *tags,
                               const struct pyr_tiff_reader *reader,
                               const struct pyr_tiff *tiff,
                               const struct pyr_tiff_dir *dir,
                               struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < dir->ntags && result == PYR_OK; i++)
        if (!is_made(dir->tags[i].code))
            result = load(tags, reader, tiff, &dir->tags[i], err);
    return result;
}

enum pyr_result cogx_tags_take_pixels(struct cogx_tags *tags,
                                      const struct pyr_tiff_reader *reader,
                                      const struct pyr_tiff *tiff,
                                      const struct pyr_tiff_dir *dir,
                                      struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < NPIXEL_TAGS && result == PYR_OK; i++)
    {
        const struct pyr_tiff_tag *const tag =
            pyr_tiff_find(dir, pixel_tags[i]);
        drop(tags, pixel_tags[i]);
        if (tag != NULL)
            result = load(tags, reader, tiff, tag, err);
    }
    return result;
}

enum pyr_result cogx_tags_copy(struct cogx_tags *tags,
                               const struct cogx_tags *others,
                               struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < others->ntags && result == PYR_OK; i++)
    {
        const struct cogx_tag *const tag = &others->list[i];
        result =
            add_copy(tags, tag->code, tag->type, tag->count, tag->values,
                     (size_t)tag->count * pyr_tiff_type_bytes(tag->type), err);
    }
    return result;
}

enum pyr_result cogx_tags_set_tables(struct cogx_tags *tags,
                                     const uint8_t *bytes, size_t nbytes,
                                     struct pyr_error *err)
{
    drop(tags, COGX_TAG_JPEG_TABLES);
    return add_copy(tags, COGX_TAG_JPEG_TABLES, COGX_TYPE_UNDEFINED, nbytes,
                    bytes, nbytes, err);
}

/* The nth value of a tag of type SHORT, or fallback. */
static unsigned short_of(const struct cogx_tags *tags, uint16_t code,
                         uint64_t nth, unsigned fallback)
{
    const struct cogx_tag *const tag = find(tags, code);
    uint16_t value = 0;
    if (tag == NULL || tag->type != COGX_TYPE_SHORT || nth >= tag->count)
        return fallback;
    memcpy(&value, (const uint8_t *)tag->values + nth * sizeof(value),
           sizeof(value));
    return value;
}

void cogx_tags_describe(const struct cogx_tags *tags,
                        struct pyr_tile_format *format)
{
    const struct cogx_tag *const extra = find(tags, COGX_TAG_EXTRA_SAMPLES);
    const uint64_t nextra = extra != NULL ? extra->count : 0;
    format->ycbcr =
        format->compression == PYR_TIFF_JPEG &&
        short_of(tags, COGX_TAG_PHOTOMETRIC, 0, 0) == PHOTOMETRIC_YCBCR;
    format->nextra = (unsigned)nextra;
    format->alpha =
        nextra > 0 && short_of(tags, COGX_TAG_EXTRA_SAMPLES, nextra - 1, 0) ==
                          EXTRA_UNASSOCIATED_ALPHA;
    format->predictor = (int)short_of(tags, COGX_TAG_PREDICTOR, 0, 1);
}

enum pyr_tiff_compression
cogx_tags_mask_compression(const struct cogx_tags *tags)
{
    enum pyr_tiff_compression compression = PYR_TIFF_NONE;
    const unsigned code = short_of(tags, COGX_TAG_COMPRESSION, 0, 1);
    if (!pyr_tiff_compression_find((uint16_t)code, &compression) ||
        !pyr_tiff_holds_bits(compression))
        return PYR_TIFF_NONE;
    return compression;
}
