/* SPDX-License-Identifier: MIT */
/* What pyr_tiff_tile.c and the codecs behind it share. */
#ifndef PYR_TIFF_TILE_PRIV_H
#define PYR_TIFF_TILE_PRIV_H

#include "pyr_encode_priv.h"
#include "pyr_tiff_tile.h"

/* libtiff's handle, to which tile after tile is the only strip of a file. */
struct pyr_tile_handle;

struct pyr_fast_deflate;

struct ZSTD_CCtx_s;

struct pyr_tile_encoder
{
    struct pyr_tile_format format;
    size_t pixel_bytes; /* of all bands */
    size_t row_bytes;   /* of a row of the tile in the file, decoded */
    size_t tile_bytes;  /* of all rows */
    /* What the codec gets, where the pixels cannot be given as they are; the
     * encoded tile; LERC's values and what it makes of them. */
    struct pyr_encoder_block rows;
    struct pyr_encoder_block out;
    struct pyr_encoder_block values;
    struct pyr_encoder_block blob;
    /* Of these the one that the codec needs, else NULL. */
    struct libdeflate_compressor *deflate;
    struct pyr_fast_deflate *fast;
    struct ZSTD_CCtx_s *zstd;
    struct pyr_tile_handle *handle;
};

/* Make the state of the codecs; what is left of it is freed. */
enum pyr_result pyr_tile_deflate_new(struct pyr_tile_encoder *encoder,
                                     struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tile_zstd_new(struct pyr_tile_encoder *encoder,
                                  struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tile_handle_new(struct pyr_tile_encoder *encoder,
                                    struct pyr_error *err) PYR_MUST_CHECK;
void pyr_tile_deflate_free(struct pyr_tile_encoder *encoder);
void pyr_tile_zstd_free(struct pyr_tile_encoder *encoder);
void pyr_tile_handle_free(struct pyr_tile_encoder *encoder);

/* Compress bytes[nbytes]. The result belongs to the encoder. */
enum pyr_result pyr_tile_deflate(struct pyr_tile_encoder *encoder,
                                 const uint8_t *bytes, size_t nbytes,
                                 const uint8_t **out_bytes, size_t *out_nbytes,
                                 struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tile_zstd(struct pyr_tile_encoder *encoder,
                              const uint8_t *bytes, size_t nbytes,
                              const uint8_t **out_bytes, size_t *out_nbytes,
                              struct pyr_error *err) PYR_MUST_CHECK;

/* Encode rows[tile_bytes]: LERC and the codecs of pictures want samples in
 * native byte order, the others bytes as they stand in the file. */
enum pyr_result pyr_tile_lerc(struct pyr_tile_encoder *encoder,
                              const uint8_t *rows, const uint8_t **out_bytes,
                              size_t *out_nbytes,
                              struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_tile_handle_encode(struct pyr_tile_encoder *encoder,
                                       const uint8_t *rows,
                                       const uint8_t **out_bytes,
                                       size_t *out_nbytes,
                                       struct pyr_error *err) PYR_MUST_CHECK;

/* JPEGTables, once a tile was encoded. */
enum pyr_result pyr_tile_handle_tables(struct pyr_tile_encoder *encoder,
                                       const uint8_t **out_bytes,
                                       size_t *out_nbytes,
                                       struct pyr_error *err) PYR_MUST_CHECK;

/* One row of predictor 2: out[nsamples], each less the one that stands stride
 * samples before it; sample_bytes 1, 2, 4 or 8. In native byte order. */
void pyr_tile_differences(const uint8_t *in, size_t nsamples,
                          size_t sample_bytes, size_t stride, uint8_t *out);

/* One row of predictor 3: the first bytes of all samples (with the exponent),
 * the second ones, ..., and then each byte less the one that stands stride
 * bytes before it. sample_bytes 2, 4 or 8; planes[nsamples * sample_bytes] is
 * room. Little endian or big endian makes no difference to out. */
void pyr_tile_float_differences(const uint8_t *in, size_t nsamples,
                                size_t sample_bytes, size_t stride,
                                uint8_t *planes, uint8_t *out);

/* Turns the bytes of each sample round. */
void pyr_tile_swap(uint8_t *bytes, size_t nsamples, size_t sample_bytes);

/* One row of npixels (a multiple of 8) bytes to bits, the first pixel highest:
 * 1 for what is not 0. */
void pyr_tile_pack_bits(const uint8_t *in, size_t npixels, uint8_t *out);

#endif
