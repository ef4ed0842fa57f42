/* SPDX-License-Identifier: MIT */
/* Tiles that are JPEG files, through libjpeg-turbo. */
#include "pyr_codec_priv.h"

#include <setjmp.h>
#include <stdio.h> /* jpeglib.h wants FILE and size_t */

#include <jpeglib.h>
#include <jerror.h>

/* A progressive file seldom has more than a dozen scans; each costs a pass over
 * all coefficients for as little as a few bytes of input. */
#define JPEG_MAX_SCANS 100

/* Progressive coefficients take 2 bytes a sample, padded to whole MCUs. */
#define JPEG_MAX_MEMORY_BYTES (4L * PYR_MAX_TILE_BYTES)

#define JPEG_ROWS_PER_CALL 16

/* The library's objects of one tile: making them anew costs nothing measurable,
 * and tables of one tile can never leak into the next. */
struct jpeg_reader
{
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf after_failure;
    enum pyr_result result;
    struct pyr_error *err;
};

static enum pyr_result result_of_message(int message)
{
    switch (message)
    {
        case JERR_OUT_OF_MEMORY:
            return PYR_NOMEM;
        case JERR_NO_BACKING_STORE: /* more than max_memory_to_use */
            return PYR_LIMIT;
        case JERR_ARITH_NOTIMPL:
        case JERR_BAD_PRECISION:
        case JERR_CCIR601_NOTIMPL:
        case JERR_CONVERSION_NOTIMPL:
        case JERR_FRACT_SAMPLE_NOTIMPL:
        case JERR_NOT_COMPILED:
        case JERR_NOTIMPL:
        case JERR_SOF_UNSUPPORTED:
            return PYR_UNSUPPORTED;
        default:
            return PYR_CORRUPT;
    }
}

_Noreturn static void on_error(j_common_ptr common)
{
    struct jpeg_reader *reader = common->client_data;
    char text[JMSG_LENGTH_MAX];

    common->err->format_message(common, text);
    reader->result =
        pyr_fail(reader->err, result_of_message(common->err->msg_code),
                 "JPEG: %s", text);
    longjmp(reader->after_failure, 1);
}

/* Level -1 is a warning, after which the library makes pixels up. Only the
 * warnings that cost no pixel are passed over. */
static void on_message(j_common_ptr common, int level)
{
    if (level >= 0)
        return;
    switch (common->err->msg_code)
    {
        case JWRN_ADOBE_XFORM:
        case JWRN_EXTRANEOUS_DATA:
        case JWRN_JFIF_MAJOR:
            return;
        default:
            on_error(common);
    }
}

static void on_progress(j_common_ptr common)
{
    struct jpeg_reader *reader = common->client_data;

    if (reader->info.input_scan_number <= JPEG_MAX_SCANS)
        return;
    reader->result = pyr_fail(reader->err, PYR_LIMIT,
                              "JPEG has more than %d scans", JPEG_MAX_SCANS);
    longjmp(reader->after_failure, 1);
}

/* Gray and colour convert into each other. Two or four components without an
 * Adobe marker are samples as they stand, as in a JPEG-compressed TIFF. */
static enum pyr_result choose_colours(struct jpeg_decompress_struct *info,
                                      uint32_t bands, struct pyr_error *err)
{
    const bool gray_or_colour =
        info->num_components == 1 || info->num_components == 3;

    if (gray_or_colour && bands == 1)
        info->out_color_space = JCS_GRAYSCALE;
    else if (gray_or_colour && bands == 3)
        info->out_color_space = JCS_RGB;
    else if (info->num_components == 4 &&
             (info->saw_Adobe_marker || bands != 4))
        return pyr_fail(err, PYR_UNSUPPORTED, "JPEG is CMYK");
    else if ((uint32_t)info->num_components == bands)
        info->jpeg_color_space = info->out_color_space = JCS_UNKNOWN;
    else
        return pyr_fail(err, PYR_CORRUPT, "JPEG has %d components, expected %u",
                        info->num_components, (unsigned)bands);
    return PYR_OK;
}

static enum pyr_result read_rows(struct jpeg_decompress_struct *info,
                                 const struct pyr_tile_shape *shape,
                                 const uint8_t *bytes, size_t nbytes,
                                 uint8_t *pixels, struct pyr_error *err)
{
    const size_t row_bytes = pyr_tile_row_bytes(shape);
    enum pyr_result result;

    jpeg_mem_src(info, bytes, (unsigned long)nbytes);
    (void)jpeg_read_header(info, TRUE);
    result = pyr_check_size(shape, info->image_width, info->image_height, err);
    if (result == PYR_OK)
        result = choose_colours(info, shape->bands, err);
    if (result != PYR_OK)
        return result;

    (void)jpeg_start_decompress(info);
    while (info->output_scanline < info->output_height)
    {
        const JDIMENSION left = info->output_height - info->output_scanline;
        const JDIMENSION nrows =
            left < JPEG_ROWS_PER_CALL ? left : JPEG_ROWS_PER_CALL;
        JSAMPROW rows[JPEG_ROWS_PER_CALL];
        for (JDIMENSION i = 0; i < nrows; i++)
            rows[i] = pixels + (info->output_scanline + i) * row_bytes;
        (void)jpeg_read_scanlines(info, rows, nrows);
    }
    (void)jpeg_finish_decompress(info); /* wants the end marker */
    return PYR_OK;
}

/* reader belongs to the caller, so that its members are sure to keep their
 * values over the jump (C11, 7.13.2.1). */
static void read_file(struct jpeg_reader *reader,
                      const struct pyr_tile_shape *shape, const uint8_t *bytes,
                      size_t nbytes, uint8_t *pixels)
{
    if (setjmp(reader->after_failure) != 0)
        return;
    jpeg_create_decompress(&reader->info);
    reader->info.progress = &reader->progress;
    reader->info.mem->max_memory_to_use = JPEG_MAX_MEMORY_BYTES;
    reader->result =
        read_rows(&reader->info, shape, bytes, nbytes, pixels, reader->err);
}

enum pyr_result pyr_jpeg_decode(const struct pyr_tile_shape *shape,
                                const uint8_t *bytes, size_t nbytes,
                                uint8_t *pixels, struct pyr_error *err)
{
    struct jpeg_reader reader;

    reader.err = err;
    reader.info.err = jpeg_std_error(&reader.errors);
    reader.info.client_data = &reader;
    reader.info.mem = NULL; /* for jpeg_destroy_decompress() */
    reader.errors.error_exit = on_error;
    reader.errors.emit_message = on_message;
    reader.progress.progress_monitor = on_progress;

    read_file(&reader, shape, bytes, nbytes, pixels);
    jpeg_destroy_decompress(&reader.info);
    return reader.result;
}
