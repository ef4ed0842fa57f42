/* SPDX-License-Identifier: MIT */
/* Pixels to PNG files, in the one form that the reference decoder takes. */
#include "pyr_encode_priv.h"

#include <string.h>

#include <libdeflate.h>

/* That decoder looks for the zlib stream at byte 41, ends it 16 bytes before
 * the end of the file, and ignores filters (format, section 5.1): signature and
 * IHDR, one IDAT, IEND, and filter 0 on each row. */
#define PNG_STREAM_OFFSET 41
#define PNG_TAIL_BYTES 16 /* checksum of IDAT, IEND */

static uint8_t *put_be32(uint8_t *out, size_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *out++ = (uint8_t)(value >> shift);
    return out;
}

static uint8_t *put_type(uint8_t *out, const char type[5])
{
    memcpy(out, type, 4);
    return out + 4;
}

/* The checksum, at end, of the chunk whose type stands at start. */
static uint8_t *put_sum(const uint8_t *start, uint8_t *end)
{
    return put_be32(end, libdeflate_crc32(0, start, (size_t)(end - start)));
}

/* All that stands before the stream; out is PNG_STREAM_OFFSET bytes. */
static void put_head(const struct pyr_tile_shape *shape, size_t stream_nbytes,
                     uint8_t *out)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10};
    static const uint8_t colour_types[PYR_MAX_BANDS + 1] = {0, 0, 4, 2, 6};

    memcpy(out, signature, sizeof(signature));
    uint8_t *const header = put_be32(out + sizeof(signature), 13);
    out = put_type(header, "IHDR");
    out = put_be32(out, shape->width_px);
    out = put_be32(out, shape->height_px);
    *out++ = 8; /* bits */
    *out++ = colour_types[shape->bands];
    *out++ = 0; /* deflate */
    *out++ = 0; /* adaptive filters */
    *out++ = 0; /* not interlaced */
    out = put_sum(header, out);
    out = put_be32(out, stream_nbytes);
    put_type(out, "IDAT");
}

/* Rows with the byte that names their filter in front. */
static void put_rows(const struct pyr_tile_shape *shape, const uint8_t *pixels,
                     size_t row_bytes, uint8_t *out)
{
    const size_t nbytes = pyr_tile_row_bytes(shape);

    for (size_t row = 0; row < shape->height_px; row++)
    {
        *out++ = 0;
        memcpy(out, pixels + row * row_bytes, nbytes);
        out += nbytes;
    }
}

enum pyr_result pyr_png_encode(struct pyr_encoder *encoder,
                               const struct pyr_tile_shape *shape,
                               const uint8_t *pixels, size_t row_bytes,
                               size_t *out_nbytes, struct pyr_error *err)
{
    const size_t nbytes = pyr_tile_bytes(shape) + shape->height_px;
    size_t stream_nbytes = 0;

    if (!pyr_encoder_reserve(&encoder->rows, nbytes))
        return pyr_fail(err, PYR_NOMEM, "no memory for the rows of a tile");
    put_rows(shape, pixels, row_bytes, encoder->rows.bytes);
    const enum pyr_result result = pyr_deflate_stream(
        encoder, encoder->rows.bytes, nbytes, PNG_STREAM_OFFSET, PNG_TAIL_BYTES,
        &stream_nbytes, err);
    if (result != PYR_OK)
        return result;

    uint8_t *const file = encoder->out.bytes;
    put_head(shape, stream_nbytes, file);
    uint8_t *out = put_sum(file + PNG_STREAM_OFFSET - 4,
                           file + PNG_STREAM_OFFSET + stream_nbytes);
    uint8_t *const end = put_be32(out, 0);
    out = put_sum(end, put_type(end, "IEND"));
    *out_nbytes = (size_t)(out - file);
    return PYR_OK;
}
