/* SPDX-License-Identifier: MIT */
/* Tiles of the TIFF compressions back to pixels, through libtiff, one after the
 * other through the same handle. */
#include "pyr_tiff_tile.h"

#include "pyr_alloc.h"
#include "pyr_encode_priv.h"
#include "pyr_libtiff.h"

#include <string.h>

#define FIRST_FILE_BYTES 4096u

/* libtiff decodes for a directory only: it is given a file in memory that has
 * one, written by itself, and tile after tile as the only one of it. */
struct pyr_tile_decoder
{
    struct pyr_tile_format format;
    size_t row_bytes;  /* of a row of the tile in the file */
    size_t tile_bytes; /* of all rows */
    struct pyr_encoder_block file;
    size_t file_nbytes;
    size_t file_at;
    bool no_memory;
    struct pyr_encoder_block rows; /* where they cannot go to the pixels */
    TIFF *tiff;                    /* NULL: not open */
    char message[PYR_LIBTIFF_MESSAGE_BYTES];
};

/* ---- The file ---- */

static tmsize_t file_read(thandle_t user, void *out, tmsize_t nbytes)
{
    struct pyr_tile_decoder *decoder = user;
    const size_t left = decoder->file_at < decoder->file_nbytes
                            ? decoder->file_nbytes - decoder->file_at
                            : 0;
    const size_t part = (size_t)nbytes < left ? (size_t)nbytes : left;

    if (part > 0)
        memcpy(out, decoder->file.bytes + decoder->file_at, part);
    decoder->file_at += part;
    return (tmsize_t)part;
}

static bool grow_file(struct pyr_tile_decoder *decoder, size_t nbytes)
{
    struct pyr_encoder_block *file = &decoder->file;

    if (nbytes <= file->capacity)
        return true;
    const size_t capacity =
        2 * nbytes < FIRST_FILE_BYTES ? FIRST_FILE_BYTES : 2 * nbytes;
    uint8_t *larger = pyr_realloc(file->bytes, capacity);
    if (!larger)
    {
        decoder->no_memory = true;
        return false;
    }
    memset(larger + file->capacity, 0, capacity - file->capacity);
    file->bytes = larger;
    file->capacity = capacity;
    return true;
}

static tmsize_t file_write(thandle_t user, void *bytes, tmsize_t nbytes)
{
    struct pyr_tile_decoder *decoder = user;
    const size_t end = decoder->file_at + (size_t)nbytes;

    if (!grow_file(decoder, end))
        return -1;
    memcpy(decoder->file.bytes + decoder->file_at, bytes, (size_t)nbytes);
    decoder->file_at = end;
    if (end > decoder->file_nbytes)
        decoder->file_nbytes = end;
    return nbytes;
}

static toff_t file_seek(thandle_t user, toff_t offset, int whence)
{
    struct pyr_tile_decoder *decoder = user;

    decoder->file_at =
        (size_t)offset + (whence == SEEK_CUR   ? decoder->file_at
                          : whence == SEEK_END ? decoder->file_nbytes
                                               : 0);
    return decoder->file_at;
}

static toff_t file_size(thandle_t user)
{
    return ((struct pyr_tile_decoder *)user)->file_nbytes;
}

static TIFF *open_file(struct pyr_tile_decoder *decoder, const char *mode)
{
    const struct pyr_libtiff_file file = {.user = decoder,
                                          .read = file_read,
                                          .write = file_write,
                                          .seek = file_seek,
                                          .size = file_size,
                                          .message = decoder->message};
    decoder->file_at = 0;
    return pyr_libtiff_open(mode, &file);
}

/* ---- The directory ---- */

static uint32_t sample_format(enum pyr_type type)
{
    switch (type)
    {
        case PYR_TYPE_UINT8:
        case PYR_TYPE_UINT16:
        case PYR_TYPE_UINT32:
        case PYR_TYPE_UINT64:
            return SAMPLEFORMAT_UINT;
        case PYR_TYPE_INT8:
        case PYR_TYPE_INT16:
        case PYR_TYPE_INT32:
        case PYR_TYPE_INT64:
            return SAMPLEFORMAT_INT;
        case PYR_TYPE_FLOAT16:
        case PYR_TYPE_FLOAT32:
        case PYR_TYPE_FLOAT64:
            return SAMPLEFORMAT_IEEEFP;
        case PYR_TYPE_COMPLEX_INT16:
        case PYR_TYPE_COMPLEX_INT32:
            return SAMPLEFORMAT_COMPLEXINT;
        case PYR_TYPE_COMPLEX_FLOAT16:
        case PYR_TYPE_COMPLEX_FLOAT32:
        case PYR_TYPE_COMPLEX_FLOAT64:
            return SAMPLEFORMAT_COMPLEXIEEEFP;
    }
    return SAMPLEFORMAT_VOID; /* not reached */
}

static bool set_pixels(const struct pyr_tile_format *format, TIFF *tiff)
{
    const bool rgb = format->bands - format->nextra == 3;
    const struct pyr_libtiff_field fields[] = {
        {TIFFTAG_IMAGEWIDTH, format->tile_width_px},
        {TIFFTAG_IMAGELENGTH, format->tile_height_px},
        {TIFFTAG_TILEWIDTH, format->tile_width_px},
        {TIFFTAG_TILELENGTH, format->tile_height_px},
        {TIFFTAG_BITSPERSAMPLE,
         format->bits ? 1 : (uint32_t)(8 * pyr_type_bytes(format->type))},
        {TIFFTAG_SAMPLESPERPIXEL, format->bands},
        {TIFFTAG_SAMPLEFORMAT, sample_format(format->type)},
        {TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG},
        {TIFFTAG_PHOTOMETRIC, format->ycbcr ? PHOTOMETRIC_YCBCR
                              : rgb         ? PHOTOMETRIC_RGB
                                            : PHOTOMETRIC_MINISBLACK},
        {TIFFTAG_COMPRESSION, pyr_tiff_compression_code(format->compression)},
    };
    return pyr_libtiff_set(tiff, fields, sizeof(fields) / sizeof(fields[0]));
}

/* What the samples beyond the colours are. */
static bool set_extra(const struct pyr_tile_format *format, TIFF *tiff)
{
    if (format->nextra == 0)
        return true;
    uint16_t *extra = pyr_calloc(format->nextra, sizeof(*extra));
    if (!extra)
        return false;
    extra[format->nextra - 1] =
        format->alpha ? EXTRASAMPLE_UNASSALPHA : EXTRASAMPLE_UNSPECIFIED;
    const bool done =
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, format->nextra, extra);
    pyr_free(extra);
    return done;
}

static bool set_codec(const struct pyr_tile_format *format,
                      const uint8_t *tables, size_t tables_nbytes, TIFF *tiff)
{
    switch (format->compression)
    {
        case PYR_TIFF_JPEG:
            return (!format->ycbcr ||
                    TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, 2, 2)) &&
                   TIFFSetField(tiff, TIFFTAG_JPEGTABLES,
                                (uint32_t)tables_nbytes, tables);
        case PYR_TIFF_LERC:
        case PYR_TIFF_LERC_DEFLATE:
        case PYR_TIFF_LERC_ZSTD:
            return TIFFSetField(tiff, TIFFTAG_LERC_VERSION, LERC_VERSION_2_4) &&
                   TIFFSetField(tiff, TIFFTAG_LERC_ADD_COMPRESSION,
                                format->compression == PYR_TIFF_LERC_DEFLATE
                                    ? LERC_ADD_COMPRESSION_DEFLATE
                                : format->compression == PYR_TIFF_LERC_ZSTD
                                    ? LERC_ADD_COMPRESSION_ZSTD
                                    : LERC_ADD_COMPRESSION_NONE);
        case PYR_TIFF_NONE:
        case PYR_TIFF_PACKBITS:
        case PYR_TIFF_WEBP:
            return true;
        case PYR_TIFF_LZW:
        case PYR_TIFF_DEFLATE:
        case PYR_TIFF_ZSTD:
        case PYR_TIFF_LZMA:
            break;
    }
    return format->predictor == 1 ||
           TIFFSetField(tiff, TIFFTAG_PREDICTOR, format->predictor);
}

/* Says what went wrong, and drops the handle: its state is not known. */
static enum pyr_result fail(struct pyr_tile_decoder *decoder,
                            enum pyr_result result, struct pyr_error *err)
{
    const char *name = pyr_tiff_compression_name(decoder->format.compression);

    if (decoder->tiff)
        TIFFClose(decoder->tiff);
    decoder->tiff = NULL;
    if (decoder->no_memory || decoder->message[0] == '\0')
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile in %s", name);
    return pyr_fail(err, result, "%s: %s", name, decoder->message);
}

/* Tables are those of every encoder of the format. */
static enum pyr_result write_file(struct pyr_tile_decoder *decoder,
                                  struct pyr_error *err)
{
    const struct pyr_tile_format *format = &decoder->format;
    struct pyr_tile_encoder *encoder = NULL;
    const uint8_t *tables = NULL;
    size_t tables_nbytes = 0;
    TIFF *tiff = NULL;

    enum pyr_result result = pyr_tile_encoder_new(format, &encoder, err);
    if (result == PYR_OK)
        result = pyr_tile_encoder_tables(encoder, &tables, &tables_nbytes, err);
    if (result != PYR_OK)
        goto done;
    tiff = open_file(decoder, "wlm");
    if (!tiff || !set_pixels(format, tiff) || !set_extra(format, tiff) ||
        !set_codec(format, tables, tables_nbytes, tiff) ||
        !TIFFSetupStrips(tiff) || !TIFFWriteDirectory(tiff))
        result = fail(decoder, PYR_IO, err);

done:
    if (tiff)
        TIFFClose(tiff);
    pyr_tile_encoder_free(encoder);
    return result;
}

static enum pyr_result open_handle(struct pyr_tile_decoder *decoder,
                                   struct pyr_error *err)
{
    decoder->message[0] = '\0';
    decoder->tiff = open_file(decoder, "rm");
    if (!decoder->tiff || (decoder->format.ycbcr &&
                           !TIFFSetField(decoder->tiff, TIFFTAG_JPEGCOLORMODE,
                                         JPEGCOLORMODE_RGB)))
        return fail(decoder, PYR_IO, err);
    return PYR_OK;
}

enum pyr_result pyr_tile_decoder_new(const struct pyr_tile_format *format,
                                     struct pyr_tile_decoder **out_decoder,
                                     struct pyr_error *err)
{
    struct pyr_tile_decoder *decoder = pyr_calloc(1, sizeof(*decoder));
    if (!decoder)
        return pyr_fail(err, PYR_NOMEM, "no memory for a decoder");

    decoder->format = *format;
    enum pyr_result result = write_file(decoder, err);
    if (result == PYR_OK)
        result = open_handle(decoder, err);
    if (result != PYR_OK)
    {
        pyr_tile_decoder_free(decoder);
        return result;
    }
    decoder->row_bytes = (size_t)TIFFTileRowSize(decoder->tiff);
    decoder->tile_bytes = (size_t)TIFFTileSize(decoder->tiff);
    *out_decoder = decoder;
    return PYR_OK;
}

void pyr_tile_decoder_free(struct pyr_tile_decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->tiff)
        TIFFClose(decoder->tiff);
    pyr_free(decoder->file.bytes);
    pyr_free(decoder->rows.bytes);
    pyr_free(decoder);
}

/* ---- Tiles ---- */

static void unpack_bits(const uint8_t *bits, size_t npixels, uint8_t *pixels)
{
    for (size_t i = 0; i < npixels; i++)
        pixels[i] = bits[i / 8] >> (7 - i % 8) & 1 ? 255 : 0;
}

enum pyr_result pyr_tile_decode(struct pyr_tile_decoder *decoder,
                                const uint8_t *bytes, size_t nbytes,
                                uint8_t *pixels, size_t row_bytes,
                                struct pyr_error *err)
{
    const struct pyr_tile_format *format = &decoder->format;
    const bool direct = row_bytes == decoder->row_bytes && !format->bits;
    enum pyr_result result = PYR_OK;

    if (!direct && !pyr_encoder_reserve(&decoder->rows, decoder->tile_bytes))
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile");
    if (!decoder->tiff)
        result = open_handle(decoder, err);
    if (result != PYR_OK)
        return result;
    decoder->message[0] = '\0';
    uint8_t *const rows = direct ? pixels : decoder->rows.bytes;
    /* libtiff writes to its input only to reverse bits for FillOrder 2. */
    if (!TIFFReadFromUserBuffer(decoder->tiff, 0, (void *)bytes,
                                (tmsize_t)nbytes, rows,
                                (tmsize_t)decoder->tile_bytes))
        return fail(decoder, PYR_CORRUPT, err);
    for (uint32_t row = 0; row < format->tile_height_px && !direct; row++)
    {
        const uint8_t *const from = rows + row * decoder->row_bytes;
        uint8_t *const to = pixels + row * row_bytes;
        if (format->bits)
            unpack_bits(from, format->tile_width_px, to);
        else
            memcpy(to, from, decoder->row_bytes);
    }
    return PYR_OK;
}
