/* SPDX-License-Identifier: MIT */
/* Pixels to JPEG files, through libjpeg-turbo. */
#include "pyr_alloc.h"
#include "pyr_encode_priv.h"

#include <setjmp.h>
#include <stdio.h> /* jpeglib.h wants FILE and size_t */

#include <jpeglib.h>
#include <jerror.h>

#define JPEG_ROWS_PER_CALL 16
#define JPEG_FIRST_CAPACITY ((size_t)64 << 10)

/* The library's objects, made once: a tile then finds its tables ready. */
struct pyr_jpeg_writer
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    struct pyr_encoder_block *out;
    size_t nbytes; /* in out, once the tile is complete */
    jmp_buf after_failure;
    enum pyr_result result;
    struct pyr_error *err;
};

_Noreturn static void on_error(j_common_ptr common)
{
    struct pyr_jpeg_writer *writer = common->client_data;
    const bool no_memory = common->err->msg_code == JERR_OUT_OF_MEMORY;
    char text[JMSG_LENGTH_MAX];

    common->err->format_message(common, text);
    writer->result = pyr_fail(
        writer->err, no_memory ? PYR_NOMEM : PYR_UNSUPPORTED, "JPEG: %s", text);
    longjmp(writer->after_failure, 1);
}

static void on_message(j_common_ptr common, int level)
{
    (void)common;
    (void)level;
}

static void start_output(j_compress_ptr info)
{
    struct pyr_jpeg_writer *writer = info->client_data;

    info->dest->next_output_byte = writer->out->bytes;
    info->dest->free_in_buffer = writer->out->capacity;
}

/* The block is full, whatever the library says of its place in it. */
static boolean grow_output(j_compress_ptr info)
{
    struct pyr_jpeg_writer *writer = info->client_data;
    struct pyr_encoder_block *out = writer->out;
    uint8_t *larger = pyr_realloc(out->bytes, 2 * out->capacity);

    if (!larger)
        ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
    out->bytes = larger;
    info->dest->next_output_byte = larger + out->capacity;
    info->dest->free_in_buffer = out->capacity;
    out->capacity *= 2;
    return TRUE;
}

static void end_output(j_compress_ptr info)
{
    struct pyr_jpeg_writer *writer = info->client_data;

    writer->nbytes = writer->out->capacity - info->dest->free_in_buffer;
}

/* What serves all tiles. libjpeg's defaults are those of the reference: YCbCr
 * 4:2:0, the tables of the standard, JFIF 1.1, the accurate transform. */
static void set_up(struct pyr_jpeg_writer *writer, int quality)
{
    struct jpeg_compress_struct *info = &writer->info;

    if (setjmp(writer->after_failure) != 0)
        return;
    jpeg_create_compress(info);
    info->dest = &writer->destination;
    info->image_width = 1;
    info->image_height = 1;
    info->input_components = 3;
    info->in_color_space = JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, quality, TRUE);
}

enum pyr_result pyr_jpeg_encoder_new(struct pyr_encoder *encoder,
                                     struct pyr_error *err)
{
    struct pyr_jpeg_writer *writer = pyr_calloc(1, sizeof(*writer));
    if (!writer)
        return pyr_fail(err, PYR_NOMEM, "no memory for a JPEG encoder");

    encoder->jpeg = writer;
    writer->out = &encoder->out;
    writer->err = err;
    writer->info.err = jpeg_std_error(&writer->errors);
    writer->info.client_data = writer;
    writer->errors.error_exit = on_error;
    writer->errors.emit_message = on_message;
    writer->destination.init_destination = start_output;
    writer->destination.empty_output_buffer = grow_output;
    writer->destination.term_destination = end_output;
    set_up(writer, encoder->encoding.quality);
    return writer->result;
}

static void write_rows(struct pyr_jpeg_writer *writer, const uint8_t *pixels,
                       size_t row_bytes)
{
    struct jpeg_compress_struct *info = &writer->info;

    if (setjmp(writer->after_failure) != 0)
        return;
    jpeg_start_compress(info, TRUE);
    while (info->next_scanline < info->image_height)
    {
        const JDIMENSION left = info->image_height - info->next_scanline;
        const JDIMENSION nrows =
            left < JPEG_ROWS_PER_CALL ? left : JPEG_ROWS_PER_CALL;
        JSAMPROW rows[JPEG_ROWS_PER_CALL]; /* only read */
        for (JDIMENSION i = 0; i < nrows; i++)
            rows[i] =
                (JSAMPROW)(pixels + (info->next_scanline + i) * row_bytes);
        (void)jpeg_write_scanlines(info, rows, nrows);
    }
    jpeg_finish_compress(info);
}

enum pyr_result pyr_jpeg_encode(struct pyr_encoder *encoder,
                                const struct pyr_tile_shape *shape,
                                const uint8_t *pixels, size_t row_bytes,
                                size_t *out_nbytes, struct pyr_error *err)
{
    struct pyr_jpeg_writer *writer = encoder->jpeg;

    if (!pyr_encoder_reserve(&encoder->out, JPEG_FIRST_CAPACITY))
        return pyr_fail(err, PYR_NOMEM, "no memory for a JPEG file");
    writer->result = PYR_OK;
    writer->err = err;
    writer->info.image_width = shape->width_px;
    writer->info.image_height = shape->height_px;
    write_rows(writer, pixels, row_bytes);
    if (writer->result != PYR_OK)
        jpeg_abort_compress(&writer->info); /* ready for the next tile */
    else
        *out_nbytes = writer->nbytes;
    return writer->result;
}

void pyr_jpeg_encoder_free(struct pyr_encoder *encoder)
{
    if (!encoder->jpeg)
        return;
    jpeg_destroy_compress(&encoder->jpeg->info);
    pyr_free(encoder->jpeg);
    encoder->jpeg = NULL;
}
