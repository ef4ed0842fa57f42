/* SPDX-License-Identifier: MIT */
/* Pixels to a TIFF compression (LZW, PackBits), through libtiff. */
#include "pyr_alloc.h"
#include "pyr_encode_priv.h"
#include "pyr_libtiff.h"

#define TIFF_HEADER_BYTES 8

/* libtiff encodes for a file only: it is given one that forgets all that is
 * written but the bytes of its only strip, and tile after tile as this strip.
 * Kept as long as the shape stays the same. */
struct pyr_tiff_writer
{
    TIFF *handle;
    size_t row_bytes;
    uint32_t height_px;
    bool encoding;
    unsigned nwrites; /* of the strip */
    size_t nbytes;
};

/* The encoder's block, into which libtiff encodes, holds any tile: the strip
 * comes in one piece, and is already where it belongs. */
static tmsize_t file_write(thandle_t user, void *bytes, tmsize_t nbytes)
{
    struct pyr_tiff_writer *writer = user;

    (void)bytes;
    if (!writer->encoding)
        return nbytes;
    writer->nbytes = (size_t)nbytes;
    return ++writer->nwrites == 1 ? nbytes : -1;
}

static toff_t file_seek(thandle_t user, toff_t offset, int whence)
{
    (void)user;
    return whence == SEEK_SET ? offset : TIFF_HEADER_BYTES;
}

static toff_t file_size(thandle_t user)
{
    (void)user;
    return TIFF_HEADER_BYTES;
}

static uint16_t compression_of(enum pyr_codec codec)
{
    return codec == PYR_CODEC_LZW ? COMPRESSION_LZW : COMPRESSION_PACKBITS;
}

static const char *name_of(enum pyr_codec codec)
{
    return codec == PYR_CODEC_LZW ? "LZW" : "PackBits";
}

enum pyr_result pyr_tiff_encoder_check(enum pyr_codec codec,
                                       struct pyr_error *err)
{
    if (!TIFFIsCODECConfigured(compression_of(codec)))
        return pyr_fail(err, PYR_UNSUPPORTED, "libtiff is built without %s",
                        name_of(codec));
    return PYR_OK;
}

static TIFF *open_file(struct pyr_tiff_writer *writer)
{
    const struct pyr_libtiff_file file = {.user = writer,
                                          .write = file_write,
                                          .seek = file_seek,
                                          .size = file_size};
    return pyr_libtiff_open("wlm", &file);
}

/* To these codecs a row is so many bytes, whatever they mean: libtiff is told
 * of nothing else, and so has nothing to swap. */
static bool describe_strip(const struct pyr_tiff_writer *writer,
                           uint16_t compression)
{
    const struct pyr_libtiff_field fields[] = {
        {TIFFTAG_IMAGEWIDTH, (uint32_t)writer->row_bytes},
        {TIFFTAG_IMAGELENGTH, writer->height_px},
        {TIFFTAG_ROWSPERSTRIP, writer->height_px},
        {TIFFTAG_BITSPERSAMPLE, 8},
        {TIFFTAG_SAMPLESPERPIXEL, 1},
        {TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG},
        {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK},
        {TIFFTAG_COMPRESSION, compression},
    };

    return pyr_libtiff_set(writer->handle, fields,
                           sizeof(fields) / sizeof(fields[0]));
}

/* The directory is ours and right: only memory can lack. */
static enum pyr_result open_handle(struct pyr_encoder *encoder)
{
    struct pyr_tiff_writer *writer = encoder->tiff;
    /* LZW takes at most 12 bits for a byte, and a Clear now and then; PackBits
     * at most 2 bytes for one. libtiff leaves a few bytes unused. */
    const size_t bound = 2 * writer->row_bytes * writer->height_px + 1024;

    if (!pyr_encoder_reserve(&encoder->out, bound))
        return PYR_NOMEM;
    writer->handle = open_file(writer);
    if (!writer->handle ||
        !describe_strip(writer, compression_of(encoder->encoding.codec)) ||
        !TIFFWriteBufferSetup(writer->handle, encoder->out.bytes,
                              (tmsize_t)bound))
        return PYR_NOMEM;
    return PYR_OK;
}

/* Makes encoder->tiff ready for the shape. */
static enum pyr_result prepare(struct pyr_encoder *encoder,
                               const struct pyr_tile_shape *shape)
{
    struct pyr_tiff_writer *writer = encoder->tiff;
    const size_t row_bytes = pyr_tile_row_bytes(shape);

    if (writer && writer->row_bytes == row_bytes &&
        writer->height_px == shape->height_px)
        return PYR_OK;

    pyr_tiff_encoder_free(encoder);
    writer = pyr_calloc(1, sizeof(*writer));
    if (!writer)
        return PYR_NOMEM;
    encoder->tiff = writer;
    writer->row_bytes = row_bytes;
    writer->height_px = shape->height_px;
    const enum pyr_result result = open_handle(encoder);
    if (result != PYR_OK)
        pyr_tiff_encoder_free(encoder);
    return result;
}

enum pyr_result pyr_tiff_encode(struct pyr_encoder *encoder,
                                const struct pyr_tile_shape *shape,
                                const uint8_t *pixels, size_t row_bytes,
                                size_t *out_nbytes, struct pyr_error *err)
{
    const uint8_t *bytes = pyr_encoder_bytes(encoder, shape, pixels, row_bytes);

    if (!bytes || prepare(encoder, shape) != PYR_OK)
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile in %s",
                        name_of(encoder->encoding.codec));

    struct pyr_tiff_writer *writer = encoder->tiff;
    writer->encoding = true;
    writer->nwrites = 0;
    /* libtiff writes to its input only to swap bytes. */
    const tmsize_t taken = TIFFWriteEncodedStrip(
        writer->handle, 0, (void *)bytes, (tmsize_t)pyr_tile_bytes(shape));
    writer->encoding = false;
    if (taken < 0 || writer->nwrites != 1)
    {
        pyr_tiff_encoder_free(encoder);
        return pyr_fail(err, PYR_NOMEM, "no memory for a tile in %s",
                        name_of(encoder->encoding.codec));
    }
    *out_nbytes = writer->nbytes;
    return PYR_OK;
}

void pyr_tiff_encoder_free(struct pyr_encoder *encoder)
{
    if (!encoder->tiff)
        return;
    if (encoder->tiff->handle)
        TIFFClose(encoder->tiff->handle);
    pyr_free(encoder->tiff);
    encoder->tiff = NULL;
}
