/* SPDX-License-Identifier: MIT */
/* TIFF files of one tile in memory: an encoded tile to pixels, by libtiff. */
#ifndef TIFF_TILE_CHECK_H
#define TIFF_TILE_CHECK_H

#include "pyr_tiff_tile.h"
#include "unit.h"

#include <stdlib.h>

#include <tiffio.h>

/* Memory that is lacking in a test ends it. */
static inline void *tile_need(void *block)
{
    if (block == NULL)
        abort();
    return block;
}

struct memory_file
{
    uint8_t *bytes;
    size_t nbytes;
    size_t room;
    size_t at;
};

static tmsize_t memory_read(thandle_t user, void *out, tmsize_t nbytes)
{
    struct memory_file *file = user;
    const size_t left = file->at < file->nbytes ? file->nbytes - file->at : 0;
    const size_t part = (size_t)nbytes < left ? (size_t)nbytes : left;
    if (part > 0)
        memcpy(out, file->bytes + file->at, part);
    file->at += part;
    return (tmsize_t)part;
}

static tmsize_t memory_write(thandle_t user, void *bytes, tmsize_t nbytes)
{
    struct memory_file *file = user;
    const size_t end = file->at + (size_t)nbytes;
    if (end > file->room)
    {
        file->room = 2 * end;
        file->bytes = tile_need(realloc(file->bytes, file->room));
    }
    memcpy(file->bytes + file->at, bytes, (size_t)nbytes);
    file->at = end;
    if (end > file->nbytes)
        file->nbytes = end;
    return nbytes;
}

static toff_t memory_seek(thandle_t user, toff_t offset, int whence)
{
    struct memory_file *file = user;
    file->at = (size_t)offset + (whence == SEEK_CUR   ? file->at
                                 : whence == SEEK_END ? file->nbytes
                                                      : 0);
    return file->at;
}

static int memory_close(thandle_t user)
{
    (void)user;
    return 0;
}

static toff_t memory_size(thandle_t user)
{
    return ((struct memory_file *)user)->nbytes;
}

static inline TIFF *memory_open(struct memory_file *file, const char *mode)
{
    file->at = 0;
    return tile_need(TIFFClientOpen("memory", mode, file, memory_read,
                                    memory_write, memory_seek, memory_close,
                                    memory_size, NULL, NULL));
}

static inline uint16_t tile_sample_format(enum pyr_type type)
{
    if (type == PYR_TYPE_COMPLEX_INT16 || type == PYR_TYPE_COMPLEX_INT32)
        return SAMPLEFORMAT_COMPLEXINT;
    if (type > PYR_TYPE_COMPLEX_INT32)
        return SAMPLEFORMAT_COMPLEXIEEEFP;
    if (type >= PYR_TYPE_FLOAT16)
        return SAMPLEFORMAT_IEEEFP;
    return type == PYR_TYPE_INT8 || type == PYR_TYPE_INT16 ||
                   type == PYR_TYPE_INT32 || type == PYR_TYPE_INT64
               ? SAMPLEFORMAT_INT
               : SAMPLEFORMAT_UINT;
}

static inline void tile_set_tags(TIFF *tiff,
                                 const struct pyr_tile_format *format)
{
    const unsigned bits =
        format->bits ? 1 : (unsigned)(8 * pyr_type_bytes(format->type));
    uint16_t extra[65535] = {0};

    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, format->tile_width_px);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, format->tile_height_px);
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, format->tile_width_px);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, format->tile_height_px);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, format->bands);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, tile_sample_format(format->type));
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC,
                 format->ycbcr ? PHOTOMETRIC_YCBCR
                 : format->bands - format->nextra == 3
                     ? PHOTOMETRIC_RGB
                     : PHOTOMETRIC_MINISBLACK);
    if (format->nextra > 0)
    {
        extra[format->nextra - 1] =
            format->alpha ? EXTRASAMPLE_UNASSALPHA : EXTRASAMPLE_UNSPECIFIED;
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, format->nextra, extra);
    }
    TIFFSetField(tiff, TIFFTAG_COMPRESSION,
                 pyr_tiff_compression_code(format->compression));
    if (format->predictor != 1)
        TIFFSetField(tiff, TIFFTAG_PREDICTOR, format->predictor);
    if (format->ycbcr)
        TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, 2, 2);
    if (format->compression >= PYR_TIFF_LERC &&
        format->compression <= PYR_TIFF_LERC_ZSTD)
    {
        TIFFSetField(tiff, TIFFTAG_LERC_VERSION, LERC_VERSION_2_4);
        TIFFSetField(tiff, TIFFTAG_LERC_ADD_COMPRESSION,
                     (int)format->compression - (int)PYR_TIFF_LERC);
    }
}

/* Decodes into pixels[tile], as samples in native byte order (bits: packed, as
 * they stand in the file). False when libtiff cannot. */
static inline bool tile_decode(const struct pyr_tile_format *format,
                               const uint8_t *tables, size_t ntables,
                               const uint8_t *bytes, size_t nbytes,
                               uint8_t *pixels, size_t npixel_bytes)
{
    struct memory_file file = {NULL, 0, 0, 0};
    /* Little endian, whatever the host. */
    TIFF *tiff = memory_open(&file, "wl");
    tile_set_tags(tiff, format);
    if (ntables > 0)
        TIFFSetField(tiff, TIFFTAG_JPEGTABLES, (uint32_t)ntables, tables);
    bool ok = TIFFWriteRawTile(tiff, 0, (void *)bytes, (tmsize_t)nbytes) ==
              (tmsize_t)nbytes;
    TIFFClose(tiff);

    tiff = memory_open(&file, "r");
    if (format->ycbcr)
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    ok = ok && TIFFTileSize(tiff) == (tmsize_t)npixel_bytes &&
         TIFFReadEncodedTile(tiff, 0, pixels, (tmsize_t)npixel_bytes) ==
             (tmsize_t)npixel_bytes;
    TIFFClose(tiff);
    free(file.bytes);
    return ok;
}

/* Whether the decoder finds what libtiff found: pixels[tile], bits packed. */
static inline bool tile_decodes_alike(const struct pyr_tile_format *format,
                                      const uint8_t *bytes, size_t nbytes,
                                      const uint8_t *expected,
                                      size_t npixel_bytes)
{
    const size_t row = format->bits ? format->tile_width_px
                                    : npixel_bytes / format->tile_height_px;
    const size_t stride = row + 7;
    uint8_t *pixels = tile_need(malloc(stride * format->tile_height_px));
    struct pyr_tile_decoder *decoder = NULL;
    size_t nwrong = 0;

    if (pyr_tile_decoder_new(format, &decoder, NULL) != PYR_OK ||
        pyr_tile_decode(decoder, bytes, nbytes, pixels, stride, NULL) != PYR_OK)
        nwrong++;
    for (size_t y = 0; y < format->tile_height_px && nwrong == 0; y++)
        for (size_t i = 0; i < row; i++)
        {
            const size_t at = y * row + i;
            const uint8_t value = !format->bits ? expected[at]
                                  : (expected[at / 8] >> (7 - at % 8)) & 1 ? 255
                                                                           : 0;
            nwrong += pixels[y * stride + i] != value;
        }
    pyr_tile_decoder_free(decoder);
    free(pixels);
    return nwrong == 0;
}

#endif
