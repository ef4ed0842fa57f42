/* SPDX-License-Identifier: MIT */
/* What pyr_encode.c and the codec families share. */
#ifndef PYR_ENCODE_PRIV_H
#define PYR_ENCODE_PRIV_H

#include "pyr_encode.h"

struct libdeflate_compressor;
struct pyr_jpeg_writer;
struct pyr_tiff_writer;

/* Memory that is kept from tile to tile: to touch new memory costs more than
 * most codecs do. Zeroes are an empty block. */
struct pyr_encoder_block
{
    uint8_t *bytes;
    size_t capacity;
};

struct pyr_encoder
{
    struct pyr_encoding encoding;
    struct pyr_encoder_block out;  /* the encoded tile */
    struct pyr_encoder_block rows; /* its rows, where they must be copied */
    /* Of these the one that the codec needs, else NULL. */
    struct libdeflate_compressor *deflate;
    struct pyr_jpeg_writer *jpeg;
    struct pyr_tiff_writer *tiff; /* NULL until the first tile */
};

/* Makes the block hold nbytes; what it held may be lost. False when out of
 * memory: the block is then empty. */
bool pyr_encoder_reserve(struct pyr_encoder_block *block,
                         size_t nbytes) PYR_MUST_CHECK;

/* The bytes of the tile as they stand in a file: tightly packed, little endian.
 * They are the pixels themselves where these are like that, else a copy in
 * encoder->rows. NULL when out of memory. */
const uint8_t *pyr_encoder_bytes(struct pyr_encoder *encoder,
                                 const struct pyr_tile_shape *shape,
                                 const uint8_t *pixels, size_t row_bytes);

/* Makes the library state that serves all tiles. */
enum pyr_result pyr_jpeg_encoder_new(struct pyr_encoder *encoder,
                                     struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_deflate_encoder_new(struct pyr_encoder *encoder,
                                        struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tiff_encoder_check(enum pyr_codec codec,
                                       struct pyr_error *err) PYR_MUST_CHECK;

/* Each is pyr_encode() for its codecs: the shape is valid and holds what the
 * codec can. The tile is left in encoder->out, from its start on. */
enum pyr_result pyr_jpeg_encode(struct pyr_encoder *encoder,
                                const struct pyr_tile_shape *shape,
                                const uint8_t *pixels, size_t row_bytes,
                                size_t *out_nbytes,
                                struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_png_encode(struct pyr_encoder *encoder,
                               const struct pyr_tile_shape *shape,
                               const uint8_t *pixels, size_t row_bytes,
                               size_t *out_nbytes,
                               struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_deflate_encode(struct pyr_encoder *encoder,
                                   const struct pyr_tile_shape *shape,
                                   const uint8_t *pixels, size_t row_bytes,
                                   size_t *out_nbytes,
                                   struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tiff_encode(struct pyr_encoder *encoder,
                                const struct pyr_tile_shape *shape,
                                const uint8_t *pixels, size_t row_bytes,
                                size_t *out_nbytes,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* Puts the zlib stream of bytes[nbytes] into encoder->out, from before bytes
 * on, with room for after bytes behind it. */
enum pyr_result pyr_deflate_stream(struct pyr_encoder *encoder,
                                   const uint8_t *bytes, size_t nbytes,
                                   size_t before, size_t after,
                                   size_t *out_nbytes,
                                   struct pyr_error *err) PYR_MUST_CHECK;

/* Free what the functions above left in the encoder, but for its blocks. */
void pyr_jpeg_encoder_free(struct pyr_encoder *encoder);
void pyr_deflate_encoder_free(struct pyr_encoder *encoder);
void pyr_tiff_encoder_free(struct pyr_encoder *encoder);

#endif
