/* SPDX-License-Identifier: MIT */
/* One tile: pixels to encoded bytes. */
#ifndef PYR_ENCODE_H
#define PYR_ENCODE_H

#include "pyr_codec.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* How tiles are encoded. */
struct pyr_encoding
{
    enum pyr_codec codec;
    int quality; /* JPEG: 1 .. 100, libjpeg's scale */
    int level;   /* DEFLATE and PNG: 1 (fast) .. 12 (small), libdeflate's */
};

/* Reusable state of the codec libraries. One thread at a time per encoder. */
struct pyr_encoder;

/* PYR_USAGE for a quality or level out of range, PYR_NOMEM, PYR_UNSUPPORTED
 * where the codec library lacks the codec. The caller frees it with
 * pyr_encoder_free. */
enum pyr_result pyr_encoder_new(const struct pyr_encoding *encoding,
                                struct pyr_encoder **out_encoder,
                                struct pyr_error *err) PYR_MUST_CHECK;
void pyr_encoder_free(struct pyr_encoder *encoder);

/* Encodes pixels[height_px][row_bytes], of each row of which the first
 * pyr_tile_row_bytes(shape) bytes count, in native byte order, as the reference
 * writers do (spec section 5.1):
 * - RAW: the pixels, little endian;
 * - DEFLATE: one zlib stream;
 * - LZW: TIFF LZW, no predictor;
 * - PACKBITS: restarted on each row;
 * - JPEG: a complete JFIF file, baseline YCbCr 4:2:0; 3 bands of bytes only;
 * - PNG: signature, IHDR, one IDAT with filter 0 on each row, IEND, nothing
 *   else; 1 to 4 bands of bytes.
 * *out_bytes[*out_nbytes] belongs to the encoder and is valid until its next
 * call. The same pixels give the same bytes whatever was encoded before; they
 * may differ between versions of the libraries.
 *
 * PYR_UNSUPPORTED for a shape that the codec cannot hold, PYR_NOMEM. */
enum pyr_result pyr_encode(struct pyr_encoder *encoder,
                           const struct pyr_tile_shape *shape,
                           const uint8_t *pixels, size_t row_bytes,
                           const uint8_t **out_bytes, size_t *out_nbytes,
                           struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
