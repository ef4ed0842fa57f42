/* SPDX-License-Identifier: MIT */
/* Tiles to LERC as libtiff has it, through the LERC library: what libtiff makes
 * depends on what was in its buffer before. */
#include "pyr_tiff_tile_priv.h"

#include <string.h>

#include <Lerc_c_api.h>
#include <tiffio.h>

#define LERC_CODEC_VERSION 4 /* 2.4, which is libtiff's */

/* libtiff 4.7 and newer read masks of several bands. */
#define LIBTIFF_READS_MASKS (TIFFLIB_VERSION >= 20240911)

/* What is encoded: data[bands][npixels][depth], of which masks[nmasks][npixels]
 * tells what counts. */
struct values
{
    const uint8_t *data;
    const uint8_t *masks;
    int bands;
    int depth;
    int nmasks;
};

static unsigned lerc_type(enum pyr_type type)
{
    switch (type)
    {
        case PYR_TYPE_INT8:
            return 0;
        case PYR_TYPE_UINT8:
            return 1;
        case PYR_TYPE_INT16:
            return 2;
        case PYR_TYPE_UINT16:
            return 3;
        case PYR_TYPE_INT32:
            return 4;
        case PYR_TYPE_UINT32:
            return 5;
        case PYR_TYPE_FLOAT32:
            return 6;
        case PYR_TYPE_FLOAT64:
            return 7;
        case PYR_TYPE_UINT64:
        case PYR_TYPE_INT64:
        case PYR_TYPE_FLOAT16:
        case PYR_TYPE_COMPLEX_INT16:
        case PYR_TYPE_COMPLEX_INT32:
        case PYR_TYPE_COMPLEX_FLOAT16:
        case PYR_TYPE_COMPLEX_FLOAT32:
        case PYR_TYPE_COMPLEX_FLOAT64:
            break;
    }
    return UINT32_MAX; /* not reached: the format was checked */
}

static size_t npixels_of(const struct pyr_tile_format *format)
{
    return (size_t)format->tile_width_px * format->tile_height_px;
}

/* Whether alpha is nothing but a mask. */
static bool is_mask(const uint8_t *rows, size_t npixels, size_t bands)
{
    for (size_t i = 0; i < npixels; i++)
    {
        const uint8_t alpha = rows[i * bands + bands - 1];
        if (alpha != 0 && alpha != 255)
            return false;
    }
    return true;
}

/* Alpha becomes LERC's mask, and is not among the values then. */
static enum pyr_result split_alpha(struct pyr_tile_encoder *encoder,
                                   const uint8_t *rows, struct values *values,
                                   struct pyr_error *err)
{
    const size_t npixels = npixels_of(&encoder->format);
    const size_t bands = encoder->format.bands;

    if (!is_mask(rows, npixels, bands))
        return PYR_OK;
    if (!pyr_encoder_reserve(&encoder->values, npixels * bands))
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile in LERC");
    uint8_t *data = encoder->values.bytes;
    uint8_t *mask = data + npixels * (bands - 1);
    for (size_t i = 0; i < npixels; i++)
    {
        memcpy(data + i * (bands - 1), rows + i * bands, bands - 1);
        mask[i] = rows[i * bands + bands - 1] != 0;
    }
    values->data = data;
    values->depth--;
    values->masks = mask;
    values->nmasks = 1;
    return PYR_OK;
}

static bool is_nan(const uint8_t *sample, enum pyr_type type)
{
    if (type == PYR_TYPE_FLOAT32)
    {
        float value;
        memcpy(&value, sample, sizeof(value));
        return value != value;
    }
    double value;
    memcpy(&value, sample, sizeof(value));
    return value != value;
}

enum nans
{
    NANS_NONE,
    NANS_PIXELS, /* in no sample or in all of a pixel */
    NANS_SAMPLES
};

static enum nans find_nans(const uint8_t *rows, size_t npixels, size_t bands,
                           enum pyr_type type)
{
    const size_t nbytes = pyr_type_bytes(type);
    enum nans found = NANS_NONE;

    for (size_t i = 0; i < npixels; i++)
    {
        size_t count = 0;
        for (size_t band = 0; band < bands; band++)
            count += is_nan(rows + (i * bands + band) * nbytes, type);
        if (count > 0 && count < bands)
            return NANS_SAMPLES;
        if (count > 0)
            found = NANS_PIXELS;
    }
    return found;
}

/* LERC's values are numbers: a mask has what is none. One for all bands where
 * that does, else the bands become images of their own. */
static enum pyr_result split_nans(struct pyr_tile_encoder *encoder,
                                  const uint8_t *rows, struct values *values,
                                  struct pyr_error *err)
{
    const enum pyr_type type = encoder->format.type;
    const size_t nbytes = pyr_type_bytes(type);
    const size_t npixels = npixels_of(&encoder->format);
    const size_t bands = encoder->format.bands;
    const enum nans nans = find_nans(rows, npixels, bands, type);
    const bool apart = nans == NANS_SAMPLES;

    if (nans == NANS_NONE)
        return PYR_OK;
    if (bands > 1 && !LIBTIFF_READS_MASKS)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "LERC tiles of several bands cannot hold NaN: libtiff "
                        "reads that from version 4.7 on only");
    if (!pyr_encoder_reserve(&encoder->values,
                             npixels * (bands * nbytes + bands)))
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile in LERC");
    uint8_t *data = encoder->values.bytes;
    uint8_t *masks = data + npixels * bands * nbytes;
    for (size_t band = 0; band < (apart ? bands : 1); band++)
        for (size_t i = 0; i < npixels; i++)
        {
            const uint8_t *sample = rows + (i * bands + band) * nbytes;
            masks[band * npixels + i] = !is_nan(sample, type);
            if (apart)
                memcpy(data + (band * npixels + i) * nbytes, sample, nbytes);
        }
    values->masks = masks;
    values->nmasks = apart ? (int)bands : 1;
    if (apart)
    {
        values->data = data;
        values->bands = (int)bands;
        values->depth = 1;
    }
    return PYR_OK;
}

static enum pyr_result split(struct pyr_tile_encoder *encoder,
                             const uint8_t *rows, struct values *values,
                             struct pyr_error *err)
{
    const struct pyr_tile_format *format = &encoder->format;

    if (format->alpha && format->bands > 1 && format->type == PYR_TYPE_UINT8)
        return split_alpha(encoder, rows, values, err);
    if (format->type == PYR_TYPE_FLOAT32 || format->type == PYR_TYPE_FLOAT64)
        return split_nans(encoder, rows, values, err);
    return PYR_OK;
}

enum pyr_result pyr_tile_lerc(struct pyr_tile_encoder *encoder,
                              const uint8_t *rows, const uint8_t **out_bytes,
                              size_t *out_nbytes, struct pyr_error *err)
{
    const struct pyr_tile_format *format = &encoder->format;
    const size_t npixels = npixels_of(format);
    /* No blob is much larger than the values as they are, with the masks. */
    const size_t bound = encoder->tile_bytes + encoder->tile_bytes / 3 +
                         npixels / 4 * format->bands + 4096;
    struct values values = {rows, NULL, 1, (int)format->bands, 0};
    unsigned nbytes = 0;

    if (!pyr_encoder_reserve(&encoder->blob, bound))
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile in LERC");
    const enum pyr_result result = split(encoder, rows, &values, err);
    if (result != PYR_OK)
        return result;
    /* The library leaves gaps, which must not tell what was there before. */
    memset(encoder->blob.bytes, 0, bound);
    const lerc_status status = lerc_encodeForVersion(
        values.data, LERC_CODEC_VERSION, lerc_type(format->type), values.depth,
        (int)format->tile_width_px, (int)format->tile_height_px, values.bands,
        values.nmasks, values.masks, format->max_z_error, encoder->blob.bytes,
        (unsigned)bound, &nbytes);
    if (status != 0)
        return pyr_fail(err, PYR_IO, "LERC: the library's error %u", status);
    if (encoder->deflate)
        return pyr_tile_deflate(encoder, encoder->blob.bytes, nbytes, out_bytes,
                                out_nbytes, err);
    if (encoder->zstd)
        return pyr_tile_zstd(encoder, encoder->blob.bytes, nbytes, out_bytes,
                             out_nbytes, err);
    *out_bytes = encoder->blob.bytes;
    *out_nbytes = nbytes;
    return PYR_OK;
}
