/* SPDX-License-Identifier: MIT */
/* Tiles in a TIFF compression (LZW, PackBits), through libtiff. */
#include "pyr_alloc.h"
#include "pyr_codec_priv.h"
#include "pyr_libtiff.h"

#include <string.h>

#define TIFF_FILE_BYTES 128

/* libtiff decodes for a directory only: it is given a file that is nothing but
 * a directory with one strip, and the bytes of tile after tile as this strip.
 * Kept as long as codec and shape stay the same. */
struct pyr_tiff
{
    TIFF *handle;
    uint16_t compression;
    struct pyr_tile_shape shape;
    uint8_t file[TIFF_FILE_BYTES];
    size_t file_offset; /* where libtiff reads next */
    /* Its first complaint about the tile. */
    char message[PYR_LIBTIFF_MESSAGE_BYTES];
};

static tmsize_t file_read(thandle_t user, void *out, tmsize_t nbytes)
{
    struct pyr_tiff *tiff = user;
    const size_t left = sizeof(tiff->file) - tiff->file_offset;
    const size_t count = (size_t)nbytes < left ? (size_t)nbytes : left;
    memcpy(out, tiff->file + tiff->file_offset, count);
    tiff->file_offset += count;
    return (tmsize_t)count;
}

static toff_t file_seek(thandle_t user, toff_t offset, int whence)
{
    struct pyr_tiff *tiff = user;
    if (whence != SEEK_SET || offset > sizeof(tiff->file))
        return (toff_t)-1;
    tiff->file_offset = (size_t)offset;
    return offset;
}

static toff_t file_size(thandle_t user)
{
    const struct pyr_tiff *tiff = user;
    return sizeof(tiff->file);
}

static uint8_t *put_le(uint8_t *out, uint32_t value, int nbytes)
{
    for (int i = 0; i < nbytes; i++)
        *out++ = (uint8_t)(value >> (8 * i));
    return out;
}

/* The bands of a pixel stand side by side as pixels of one sample: to these
 * codecs it is the same, and the directory needs no arrays. */
static void write_file(struct pyr_tiff *tiff)
{
    const bool floats = tiff->shape.sample == PYR_SAMPLE_FLOAT32;
    const struct
    {
        uint16_t tag;
        uint16_t type;
        uint32_t value;
    } entries[] = {
        {TIFFTAG_IMAGEWIDTH, TIFF_LONG,
         tiff->shape.width_px * tiff->shape.bands},
        {TIFFTAG_IMAGELENGTH, TIFF_LONG, tiff->shape.height_px},
        {TIFFTAG_BITSPERSAMPLE, TIFF_SHORT, floats ? 32 : 8},
        {TIFFTAG_COMPRESSION, TIFF_SHORT, tiff->compression},
        {TIFFTAG_PHOTOMETRIC, TIFF_SHORT, PHOTOMETRIC_MINISBLACK},
        {TIFFTAG_STRIPOFFSETS, TIFF_LONG, 8},
        {TIFFTAG_ROWSPERSTRIP, TIFF_LONG, tiff->shape.height_px},
        {TIFFTAG_STRIPBYTECOUNTS, TIFF_LONG, 1},
        {TIFFTAG_SAMPLEFORMAT, TIFF_SHORT,
         floats ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT},
    };
    const size_t count = sizeof(entries) / sizeof(entries[0]);

    /* Signature, 42, offset of the directory; its entries; no next one. */
    _Static_assert(8 + 2 + 12 * sizeof(entries) / sizeof(entries[0]) + 4 <=
                       TIFF_FILE_BYTES,
                   "the directory fits");
    uint8_t *out = put_le(tiff->file, 0x4949, 2);
    out = put_le(out, 42, 2);
    out = put_le(out, 8, 4);
    out = put_le(out, (uint32_t)count, 2);
    for (size_t i = 0; i < count; i++)
    {
        out = put_le(out, entries[i].tag, 2);
        out = put_le(out, entries[i].type, 2);
        out = put_le(out, 1, 4);
        out = put_le(out, entries[i].value, 4);
    }
    put_le(out, 0, 4);
}

/* The directory is ours and right: only memory can lack. */
static enum pyr_result open_handle(struct pyr_tiff *tiff)
{
    const struct pyr_libtiff_file file = {.user = tiff,
                                          .read = file_read,
                                          .seek = file_seek,
                                          .size = file_size,
                                          .message = tiff->message,
                                          .max_alloc_bytes =
                                              PYR_MAX_TILE_BYTES};
    write_file(tiff);
    tiff->file_offset = 0;
    tiff->handle = pyr_libtiff_open("rmc", &file);
    return tiff->handle ? PYR_OK : PYR_NOMEM;
}

/* Makes decoder->tiff ready for compression and shape. */
static enum pyr_result prepare(struct pyr_decoder *decoder,
                               uint16_t compression,
                               const struct pyr_tile_shape *shape)
{
    struct pyr_tiff *tiff = decoder->tiff;

    if (tiff && tiff->compression == compression &&
        tiff->shape.width_px == shape->width_px &&
        tiff->shape.height_px == shape->height_px &&
        tiff->shape.bands == shape->bands &&
        tiff->shape.sample == shape->sample)
        return PYR_OK;

    pyr_tiff_decoder_free(decoder);
    tiff = pyr_calloc(1, sizeof(*tiff));
    if (!tiff)
        return PYR_NOMEM;
    decoder->tiff = tiff;
    tiff->compression = compression;
    tiff->shape = *shape;
    const enum pyr_result result = open_handle(tiff);
    if (result != PYR_OK)
        pyr_tiff_decoder_free(decoder);
    return result;
}

/* LZW starts with the code Clear, 256 in 9 bits, first bit first. The check is
 * not left to libtiff: it takes 0x00 0x01 for a bit order of 1990, and then
 * reads every later tile of the handle in this order. */
static bool starts_with_clear(const uint8_t *bytes, size_t nbytes)
{
    return nbytes >= 2 && bytes[0] == 0x80 && (bytes[1] & 0x80) == 0;
}

enum pyr_result pyr_tiff_decode(struct pyr_decoder *decoder,
                                enum pyr_codec codec,
                                const struct pyr_tile_shape *shape,
                                const uint8_t *bytes, size_t nbytes,
                                void *pixels, struct pyr_error *err)
{
    const bool lzw = codec == PYR_CODEC_LZW;
    const uint16_t compression = lzw ? COMPRESSION_LZW : COMPRESSION_PACKBITS;
    const char *name = lzw ? "LZW" : "PackBits";

    if (lzw && !starts_with_clear(bytes, nbytes))
        return pyr_fail(err, PYR_CORRUPT,
                        "LZW tile does not start with the code Clear");
    if (!TIFFIsCODECConfigured(compression))
        return pyr_fail(err, PYR_UNSUPPORTED, "libtiff is built without %s",
                        name);
    if (prepare(decoder, compression, shape) != PYR_OK)
        return pyr_fail(err, PYR_NOMEM, "no memory for a %s decoder", name);

    struct pyr_tiff *tiff = decoder->tiff;
    tiff->message[0] = '\0';
    /* libtiff writes to its input only to reverse bits for FillOrder 2. */
    if (TIFFReadFromUserBuffer(tiff->handle, 0, (void *)bytes, (tmsize_t)nbytes,
                               pixels, (tmsize_t)pyr_tile_bytes(shape)))
        return PYR_OK;
    return pyr_fail(err, PYR_CORRUPT, "%s tile of %zu bytes: %s", name, nbytes,
                    tiff->message);
}

void pyr_tiff_decoder_free(struct pyr_decoder *decoder)
{
    if (!decoder->tiff)
        return;
    if (decoder->tiff->handle)
        TIFFClose(decoder->tiff->handle);
    pyr_free(decoder->tiff);
    decoder->tiff = NULL;
}
