/* SPDX-License-Identifier: MIT */
/* Tiles to the TIFF compressions that libtiff knows, one after the other
 * through the same handle. */
#include "pyr_tiff_tile_priv.h"

#include "pyr_alloc.h"
#include "pyr_libtiff.h"

#include <string.h>

#define TIFF_HEADER_BYTES 8

/* libtiff encodes for a file only: it is given one that forgets all that is
 * written but the bytes of its only strip, and tile after tile as this strip.
 */
struct pyr_tile_handle
{
    TIFF *tiff;
    struct pyr_encoder_block buffer; /* into which libtiff encodes */
    struct pyr_encoder_block *out;   /* where what does not fit goes */
    bool encoding;
    bool no_memory;
    const uint8_t *bytes; /* the tile as far as it was written */
    size_t nbytes;
    char message[PYR_LIBTIFF_MESSAGE_BYTES]; /* libtiff's first one */
};

/* Adds a piece to the copy of the tile. */
static bool append(struct pyr_tile_handle *handle, const uint8_t *bytes,
                   size_t nbytes)
{
    struct pyr_encoder_block *out = handle->out;

    if (handle->nbytes + nbytes > out->capacity)
    {
        const size_t capacity = 2 * (handle->nbytes + nbytes);
        uint8_t *larger = pyr_realloc(out->bytes, capacity);
        if (!larger)
        {
            handle->no_memory = true;
            return false;
        }
        out->bytes = larger;
        out->capacity = capacity;
    }
    memcpy(out->bytes + handle->nbytes, bytes, nbytes);
    handle->bytes = out->bytes;
    handle->nbytes += nbytes;
    return true;
}

/* A tile comes in one piece, and is left where libtiff has it, unless it fills
 * the buffer: more may then follow, in the same place. */
static tmsize_t file_write(thandle_t user, void *bytes, tmsize_t nbytes)
{
    struct pyr_tile_handle *handle = user;

    if (!handle->encoding)
        return nbytes;
    if (handle->nbytes > 0 || (size_t)nbytes >= handle->buffer.capacity)
        return append(handle, bytes, (size_t)nbytes) ? nbytes : -1;
    handle->bytes = bytes;
    handle->nbytes = (size_t)nbytes;
    return nbytes;
}

/* The end is always at 0: libtiff takes a strip there for one that was not
 * written yet, and does not want to read back what it wrote. */
static toff_t file_seek(thandle_t user, toff_t offset, int whence)
{
    (void)user;
    return whence == SEEK_SET ? offset : 0;
}

static toff_t file_size(thandle_t user)
{
    (void)user;
    return TIFF_HEADER_BYTES;
}

/* In the byte order of the host, so that nothing is swapped. */
static TIFF *open_file(struct pyr_tile_handle *handle)
{
    const struct pyr_libtiff_file file = {.user = handle,
                                          .write = file_write,
                                          .seek = file_seek,
                                          .size = file_size,
                                          .message = handle->message};
    return pyr_libtiff_open("wm", &file);
}

/* To the codecs of bytes a row is so many bytes, whatever they mean; LZMA takes
 * the size of a sample for the distance of its filter. */
static bool describe_bytes(const struct pyr_tile_encoder *encoder, TIFF *tiff)
{
    const struct pyr_tile_format *format = &encoder->format;
    const size_t sample_bytes =
        format->compression == PYR_TIFF_LZMA ? pyr_type_bytes(format->type) : 1;
    const struct pyr_libtiff_field fields[] = {
        {TIFFTAG_IMAGEWIDTH, (uint32_t)(encoder->row_bytes / sample_bytes)},
        {TIFFTAG_BITSPERSAMPLE, (uint32_t)(8 * sample_bytes)},
        {TIFFTAG_SAMPLESPERPIXEL, 1},
        {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK},
    };
    return pyr_libtiff_set(tiff, fields, sizeof(fields) / sizeof(fields[0]));
}

static bool describe_pixels(const struct pyr_tile_format *format, TIFF *tiff)
{
    const bool rgb = format->bands - format->nextra == 3;
    const struct pyr_libtiff_field fields[] = {
        {TIFFTAG_IMAGEWIDTH, format->tile_width_px},
        {TIFFTAG_BITSPERSAMPLE, 8},
        {TIFFTAG_SAMPLESPERPIXEL, format->bands},
        {TIFFTAG_PHOTOMETRIC, format->ycbcr ? PHOTOMETRIC_YCBCR
                              : rgb         ? PHOTOMETRIC_RGB
                                            : PHOTOMETRIC_MINISBLACK},
    };
    return pyr_libtiff_set(tiff, fields, sizeof(fields) / sizeof(fields[0]));
}

/* What must be known before the compression is set, and that. */
static bool describe_tile(const struct pyr_tile_encoder *encoder, TIFF *tiff)
{
    const struct pyr_tile_format *format = &encoder->format;
    const bool pixels = format->compression == PYR_TIFF_JPEG ||
                        format->compression == PYR_TIFF_WEBP;
    const struct pyr_libtiff_field fields[] = {
        {TIFFTAG_IMAGELENGTH, format->tile_height_px},
        {TIFFTAG_ROWSPERSTRIP, format->tile_height_px},
        {TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG},
        {TIFFTAG_COMPRESSION, pyr_tiff_compression_code(format->compression)},
    };
    return (pixels ? describe_pixels(format, tiff)
                   : describe_bytes(encoder, tiff)) &&
           pyr_libtiff_set(tiff, fields, sizeof(fields) / sizeof(fields[0]));
}

static bool describe_jpeg(const struct pyr_tile_format *format, TIFF *tiff)
{
    if (format->ycbcr &&
        (!TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, 2, 2) ||
         !TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB)))
        return false;
    return TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, format->quality) &&
           TIFFSetField(tiff, TIFFTAG_JPEGTABLESMODE,
                        JPEGTABLESMODE_QUANT | JPEGTABLESMODE_HUFF);
}

static bool describe_codec(const struct pyr_tile_format *format, TIFF *tiff)
{
    switch (format->compression)
    {
        case PYR_TIFF_LZW:
        case PYR_TIFF_PACKBITS:
            return true;
        case PYR_TIFF_JPEG:
            return describe_jpeg(format, tiff);
        case PYR_TIFF_WEBP:
            return format->lossless
                       ? TIFFSetField(tiff, TIFFTAG_WEBP_LOSSLESS, 1)
                       : TIFFSetField(tiff, TIFFTAG_WEBP_LEVEL,
                                      format->quality);
        case PYR_TIFF_LZMA:
            return format->level < 0 ||
                   TIFFSetField(tiff, TIFFTAG_LZMAPRESET, format->level);
        case PYR_TIFF_NONE:
        case PYR_TIFF_DEFLATE:
        case PYR_TIFF_ZSTD:
        case PYR_TIFF_LERC:
        case PYR_TIFF_LERC_DEFLATE:
        case PYR_TIFF_LERC_ZSTD:
            break; /* not libtiff's */
    }
    return false;
}

/* Room for any tile but a strange one in JPEG: LZW takes at most 12 bits for a
 * byte and a Clear now and then, the others hardly more than they are given. */
static size_t buffer_bytes(const struct pyr_tile_encoder *encoder)
{
    const bool lzw = encoder->format.compression == PYR_TIFF_LZW;
    const size_t nbytes = encoder->tile_bytes;

    return nbytes + nbytes / (lzw ? 2 : 64) + nbytes / 64 + 4096;
}

/* Says what went wrong, and drops the handle, which is of no use then. */
static enum pyr_result fail(struct pyr_tile_encoder *encoder,
                            struct pyr_error *err)
{
    const char *name = pyr_tiff_compression_name(encoder->format.compression);
    const struct pyr_tile_handle *handle = encoder->handle;
    const bool no_memory =
        !handle || handle->no_memory || handle->message[0] == '\0';
    const enum pyr_result result =
        no_memory ? pyr_fail(err, PYR_NOMEM, "no memory for a tile in %s", name)
                  : pyr_fail(err, PYR_IO, "%s: %s", name, handle->message);

    pyr_tile_handle_free(encoder);
    return result;
}

enum pyr_result pyr_tile_handle_new(struct pyr_tile_encoder *encoder,
                                    struct pyr_error *err)
{
    struct pyr_tile_handle *handle = pyr_calloc(1, sizeof(*handle));
    const size_t nbytes = buffer_bytes(encoder);

    encoder->handle = handle;
    if (!handle || !pyr_encoder_reserve(&handle->buffer, nbytes))
        return fail(encoder, err);
    handle->out = &encoder->out;
    handle->tiff = open_file(handle);
    if (!handle->tiff || !describe_tile(encoder, handle->tiff) ||
        !describe_codec(&encoder->format, handle->tiff) ||
        !TIFFWriteBufferSetup(handle->tiff, handle->buffer.bytes,
                              (tmsize_t)nbytes))
        return fail(encoder, err);
    return PYR_OK;
}

enum pyr_result pyr_tile_handle_encode(struct pyr_tile_encoder *encoder,
                                       const uint8_t *rows,
                                       const uint8_t **out_bytes,
                                       size_t *out_nbytes,
                                       struct pyr_error *err)
{
    const enum pyr_result result =
        encoder->handle ? PYR_OK : pyr_tile_handle_new(encoder, err);
    if (result != PYR_OK)
        return result;

    struct pyr_tile_handle *handle = encoder->handle;
    handle->encoding = true;
    handle->nbytes = 0;
    handle->message[0] = '\0';
    /* libtiff writes to its input only to swap bytes. */
    const tmsize_t taken = TIFFWriteEncodedStrip(handle->tiff, 0, (void *)rows,
                                                 (tmsize_t)encoder->tile_bytes);
    handle->encoding = false;
    if (taken < 0 || handle->nbytes == 0)
        return fail(encoder, err);
    *out_bytes = handle->bytes;
    *out_nbytes = handle->nbytes;
    return PYR_OK;
}

enum pyr_result pyr_tile_handle_tables(struct pyr_tile_encoder *encoder,
                                       const uint8_t **out_bytes,
                                       size_t *out_nbytes,
                                       struct pyr_error *err)
{
    uint32_t nbytes = 0;
    void *bytes = NULL;

    if (!TIFFGetField(encoder->handle->tiff, TIFFTAG_JPEGTABLES, &nbytes,
                      &bytes))
        return pyr_fail(err, PYR_IO, "JPEG: libtiff made no tables");
    *out_bytes = bytes;
    *out_nbytes = nbytes;
    return PYR_OK;
}

void pyr_tile_handle_free(struct pyr_tile_encoder *encoder)
{
    struct pyr_tile_handle *handle = encoder->handle;

    if (!handle)
        return;
    if (handle->tiff)
        TIFFClose(handle->tiff);
    pyr_free(handle->buffer.bytes);
    pyr_free(handle);
    encoder->handle = NULL;
}
