/* SPDX-License-Identifier: MIT */
/* What pyr_codec.c and the codec families share. */
#ifndef PYR_CODEC_PRIV_H
#define PYR_CODEC_PRIV_H

#include "pyr_codec.h"

struct libdeflate_decompressor;
struct pyr_tiff;

/* Each member is NULL until its codec is first used. */
struct pyr_decoder
{
    struct libdeflate_decompressor *deflate;
    struct pyr_tiff *tiff;
};

/* Each is pyr_decode() for its codecs: the shape is valid, nbytes > 0, and for
 * JPEG and PNG the samples are bytes. A file's little-endian floats come out of
 * pyr_deflate_decode() as they are, of pyr_tiff_decode() in native order. */
enum pyr_result pyr_jpeg_decode(const struct pyr_tile_shape *shape,
                                const uint8_t *bytes, size_t nbytes,
                                uint8_t *pixels,
                                struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_png_decode(const struct pyr_tile_shape *shape,
                               const uint8_t *bytes, size_t nbytes,
                               uint8_t *pixels,
                               struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_deflate_decode(struct pyr_decoder *decoder,
                                   const struct pyr_tile_shape *shape,
                                   const uint8_t *bytes, size_t nbytes,
                                   void *pixels,
                                   struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tiff_decode(struct pyr_decoder *decoder,
                                enum pyr_codec codec,
                                const struct pyr_tile_shape *shape,
                                const uint8_t *bytes, size_t nbytes,
                                void *pixels,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* Free what the functions above left in the decoder. */
void pyr_deflate_free(struct pyr_decoder *decoder);
void pyr_tiff_decoder_free(struct pyr_decoder *decoder);

/* PYR_CORRUPT when a tile of width_px by height_px is not of the shape. */
enum pyr_result pyr_check_size(const struct pyr_tile_shape *shape,
                               uint32_t width_px, uint32_t height_px,
                               struct pyr_error *err) PYR_MUST_CHECK;

#endif
