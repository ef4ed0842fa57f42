/* SPDX-License-Identifier: MIT */
/* One tile: encoded bytes to pixels. */
#ifndef PYR_CODEC_H
#define PYR_CODEC_H

#include "pyr_tile.h"

#ifdef __cplusplus
extern "C"
{
#endif

enum pyr_codec
{
    PYR_CODEC_RAW,     /* the pixels, little endian */
    PYR_CODEC_JPEG,    /* one JPEG file, 8-bit */
    PYR_CODEC_PNG,     /* one PNG file, 8-bit, as many channels as bands */
    PYR_CODEC_DEFLATE, /* one zlib stream (RFC 1950) of the raw bytes */
    PYR_CODEC_LZW,     /* TIFF LZW of the raw bytes, no predictor */
    PYR_CODEC_PACKBITS /* PackBits, restarted on each row of the tile */
};

/* Reusable state of the codec libraries. One thread at a time per decoder. */
struct pyr_decoder;

/* PYR_NOMEM when out of memory. The caller frees it with pyr_decoder_free.
 * Library state is made at the first use of each codec. */
enum pyr_result
pyr_decoder_new(struct pyr_decoder **out_decoder) PYR_MUST_CHECK;
void pyr_decoder_free(struct pyr_decoder *decoder);

/* Decodes bytes[nbytes] into pixels[height_px][width_px][bands], tightly
 * packed, in native byte order; pixels holds pyr_tile_bytes(shape) bytes and
 * the shape is valid.
 *
 * The encoded tile must have exactly the shape's width, height and number of
 * channels, but a JPEG of 1 or 3 components is converted between gray and RGB
 * as the shape asks (one of 2 or 4 is taken as it stands). Bytes after the end
 * of the encoded tile are ignored.
 *
 * PYR_CORRUPT: truncated, damaged, checksum wrong, or another shape; pixels
 * are then undefined. PYR_UNSUPPORTED: well formed but not decodable here (16
 * bits per sample, CMYK, JPEG for float). PYR_LIMIT: a JPEG with absurdly many
 * scans, ancillary data beyond reason. PYR_NOMEM. err may be NULL; its text
 * says found and expected ("tile is 128x64, expected 256x256"). */
enum pyr_result pyr_decode(struct pyr_decoder *decoder, enum pyr_codec codec,
                           const struct pyr_tile_shape *shape,
                           const uint8_t *bytes, size_t nbytes, void *pixels,
                           struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
