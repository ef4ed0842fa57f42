/* SPDX-License-Identifier: MIT */
/* One tile of a TIFF file: pixels to encoded bytes, in all its compressions,
 * and back. */
#ifndef PYR_TIFF_TILE_H
#define PYR_TIFF_TILE_H

#include "pyr_type.h"

#ifdef __cplusplus
extern "C"
{
#endif

enum pyr_tiff_compression
{
    PYR_TIFF_NONE,
    PYR_TIFF_LZW,
    PYR_TIFF_PACKBITS,
    PYR_TIFF_JPEG,
    PYR_TIFF_DEFLATE,
    PYR_TIFF_ZSTD,
    PYR_TIFF_WEBP,
    PYR_TIFF_LERC,
    PYR_TIFF_LERC_DEFLATE,
    PYR_TIFF_LERC_ZSTD,
    PYR_TIFF_LZMA
};

/* As level of DEFLATE: pyr_fast_deflate, which suits predictor 3. */
#define PYR_TIFF_FAST (-1)

/* How the tiles of one image are encoded. Pixels are interleaved by pixel. */
struct pyr_tile_format
{
    enum pyr_tiff_compression compression;
    uint32_t tile_width_px;  /* multiple of 16, 16 .. 16384 */
    uint32_t tile_height_px; /* the same */
    uint32_t bands;          /* 1 .. 65535 */
    enum pyr_type type;
    bool bits;  /* a mask: 1 bit a pixel in the file, 1 where the (only, byte)
                 * sample is not 0; NONE, LZW, DEFLATE, ZSTD, LZMA */
    bool ycbcr; /* JPEG of 3 bands: YCbCr 4:2:0 */
    unsigned nextra;    /* samples beyond the colours (ExtraSamples), for
                         * codecs that ask (WEBP, LERC) */
    bool alpha;         /* the last of them is unassociated alpha */
    int predictor;      /* 1 none, 2 differences, 3 floating point; with LZW,
                         * DEFLATE and ZSTD */
    int level;          /* DEFLATE 1 .. 12, ZSTD 1 .. 22, LZMA 0 .. 9; also
                         * inside LERC; 0 (DEFLATE, ZSTD) or -1 (LZMA): GDAL's
                         * default (6, 9, 6). DEFLATE's 6 .. 9 are one more in
                         * libdeflate, as in libtiff; DEFLATE alone also
                         * PYR_TIFF_FAST */
    int quality;        /* JPEG 1 .. 100, WEBP 1 .. 100 */
    bool lossless;      /* WEBP */
    double max_z_error; /* LERC, >= 0 */
};

/* False when libtiff here is built without the compression. */
bool pyr_tiff_has(enum pyr_tiff_compression compression);

/* The value of tag Compression, and the compression as GDAL's option names it.
 */
uint16_t pyr_tiff_compression_code(enum pyr_tiff_compression compression);
const char *pyr_tiff_compression_name(enum pyr_tiff_compression compression);

/* The compression with this value of the tag, LERC alone for all with LERC;
 * false when there is none. */
bool pyr_tiff_compression_find(uint16_t code,
                               enum pyr_tiff_compression *out_compression);

/* Whether masks of 1 bit can be in it. */
bool pyr_tiff_holds_bits(enum pyr_tiff_compression compression);

/* Whether an encoder of the one serves the other. */
bool pyr_tile_format_equal(const struct pyr_tile_format *left,
                           const struct pyr_tile_format *right);

/* Whether pixels can come back as others. */
bool pyr_tile_format_is_lossy(const struct pyr_tile_format *format);

/* Reusable state of the codec libraries. One thread at a time per encoder. */
struct pyr_tile_encoder;

/* PYR_UNSUPPORTED for what the compression cannot hold (JPEG: 1 to 4 bands of
 * bytes; WEBP: 3 or 4 bands of bytes; LERC: no complex samples...), PYR_USAGE
 * for values out of the ranges above, PYR_LIMIT for tiles over 1 GB, PYR_NOMEM.
 * The caller frees it with pyr_tile_encoder_free. */
enum pyr_result pyr_tile_encoder_new(const struct pyr_tile_format *format,
                                     struct pyr_tile_encoder **out_encoder,
                                     struct pyr_error *err) PYR_MUST_CHECK;
void pyr_tile_encoder_free(struct pyr_tile_encoder *encoder);

/* Encodes pixels[tile_height_px][row_bytes], of each row of which the first
 * tile_width_px pixels count, in native byte order. *out_bytes[*out_nbytes], as
 * they stand in a little-endian file, belong to the encoder and are valid until
 * its next call. The same pixels give the same bytes whatever was encoded
 * before. PYR_NOMEM; PYR_IO with the library's message where it fails;
 * PYR_UNSUPPORTED for NaN in LERC tiles of several bands where libtiff here
 * does not read that. */
enum pyr_result pyr_tile_encode(struct pyr_tile_encoder *encoder,
                                const uint8_t *pixels, size_t row_bytes,
                                const uint8_t **out_bytes, size_t *out_nbytes,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* Value of tag JPEGTables that all tiles of this format need: JPEG only, else
 * *out_nbytes is 0. Belongs to the encoder, and is valid until its next call,
 * as is a tile until this one; the same for each encoder of the format. */
enum pyr_result pyr_tile_encoder_tables(struct pyr_tile_encoder *encoder,
                                        const uint8_t **out_bytes,
                                        size_t *out_nbytes,
                                        struct pyr_error *err) PYR_MUST_CHECK;

/* Fills a tile up of which only width_px x height_px pixels are there, with
 * copies of the last column and row. */
void pyr_tile_fill_up(const struct pyr_tile_format *format, uint8_t *pixels,
                      size_t row_bytes, uint32_t width_px, uint32_t height_px);

/* Like struct pyr_tile_encoder, for the way back. */
struct pyr_tile_decoder;

/* As pyr_tile_encoder_new, and as that of the tables. The caller frees it with
 * pyr_tile_decoder_free. */
enum pyr_result pyr_tile_decoder_new(const struct pyr_tile_format *format,
                                     struct pyr_tile_decoder **out_decoder,
                                     struct pyr_error *err) PYR_MUST_CHECK;
void pyr_tile_decoder_free(struct pyr_tile_decoder *decoder);

/* Decodes what an encoder of the format made into
 * pixels[tile_height_px][row_bytes]; of a mask, 0 or 255. PYR_NOMEM;
 * PYR_CORRUPT with libtiff's message. */
enum pyr_result pyr_tile_decode(struct pyr_tile_decoder *decoder,
                                const uint8_t *bytes, size_t nbytes,
                                uint8_t *pixels, size_t row_bytes,
                                struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
