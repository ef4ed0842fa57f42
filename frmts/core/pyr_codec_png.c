/* SPDX-License-Identifier: MIT */
/* Tiles that are PNG files, through libspng. */
#include "pyr_alloc.h"
#include "pyr_codec_priv.h"

#include <spng.h>

/* All ancillary data (profiles, texts) of a file together, decompressed. */
#define PNG_MAX_ANCILLARY_BYTES ((size_t)4 << 20)

static enum pyr_result fail_with_code(int code, struct pyr_error *err)
{
    enum pyr_result result = PYR_CORRUPT;

    if (code == SPNG_EMEM || code == SPNG_EZLIB_INIT)
        result = PYR_NOMEM;
    else if (code == SPNG_ECHUNK_LIMITS)
        result = PYR_LIMIT;
    else if (code == SPNG_ECHUNK_UNKNOWN_CRITICAL)
        result = PYR_UNSUPPORTED;
    return pyr_fail(err, result, "PNG: %s", spng_strerror(code));
}

/* Number of channels of a colour type, 0 for a palette. */
static unsigned channels_of(unsigned color_type)
{
    switch (color_type)
    {
        case SPNG_COLOR_TYPE_GRAYSCALE:
            return 1;
        case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
            return 2;
        case SPNG_COLOR_TYPE_TRUECOLOR:
            return 3;
        case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA:
            return 4;
        default:
            return 0;
    }
}

static enum pyr_result check_header(const struct spng_ihdr *ihdr,
                                    const struct pyr_tile_shape *shape,
                                    struct pyr_error *err)
{
    const unsigned channels = channels_of(ihdr->color_type);

    if (ihdr->bit_depth != 8)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "PNG has %u bits per sample, expected 8",
                        (unsigned)ihdr->bit_depth);
    if (channels == 0)
        return pyr_fail(err, PYR_UNSUPPORTED, "PNG has a palette");
    if (channels != shape->bands)
        return pyr_fail(err, PYR_CORRUPT, "PNG has %u channels, expected %u",
                        channels, (unsigned)shape->bands);
    return pyr_check_size(shape, ihdr->width, ihdr->height, err);
}

/* spng_decode_image() ends with the last pixel. The chunks that follow are read
 * too, so that a file cut before IEND counts as damaged. */
static enum pyr_result decode_all(spng_ctx *ctx,
                                  const struct pyr_tile_shape *shape,
                                  uint8_t *pixels, struct pyr_error *err)
{
    struct spng_ihdr ihdr;
    int code = spng_get_ihdr(ctx, &ihdr);
    if (code)
        return fail_with_code(code, err);

    const enum pyr_result result = check_header(&ihdr, shape, err);
    if (result != PYR_OK)
        return result;

    /* The stored samples: no palette, tRNS or gAMA is applied. */
    code =
        spng_decode_image(ctx, pixels, pyr_tile_bytes(shape), SPNG_FMT_PNG, 0);
    if (!code)
        code = spng_decode_chunks(ctx);
    return code ? fail_with_code(code, err) : PYR_OK;
}

enum pyr_result pyr_png_decode(const struct pyr_tile_shape *shape,
                               const uint8_t *bytes, size_t nbytes,
                               uint8_t *pixels, struct pyr_error *err)
{
    /* A context serves for one file: libspng cannot rewind it. */
    struct spng_alloc alloc = {pyr_malloc, pyr_realloc, pyr_calloc, pyr_free};
    spng_ctx *ctx = spng_ctx_new2(&alloc, 0);
    if (!ctx)
        return pyr_fail(err, PYR_NOMEM, "no memory for a PNG decoder");

    enum pyr_result result;
    int code = spng_set_crc_action(ctx, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    if (!code)
        code = spng_set_chunk_limits(ctx, PNG_MAX_ANCILLARY_BYTES,
                                     PNG_MAX_ANCILLARY_BYTES);
    if (!code)
        code = spng_set_png_buffer(ctx, bytes, nbytes);
    if (code)
        result = fail_with_code(code, err);
    else
        result = decode_all(ctx, shape, pixels, err);
    spng_ctx_free(ctx);
    return result;
}
