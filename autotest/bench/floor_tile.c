/* SPDX-License-Identifier: MIT */
/* What the floor of the write benchmark does with a tile. */
#include "floor_tile.h"

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <libdeflate.h>

enum
{
    JPEG_QUALITY = 75
};

struct floor_encoder
{
    enum floor_codec codec;
    int bands;
    size_t tile_bytes;
    size_t room; /* of encoded: the libraries' bounds, with much to spare */
    uint8_t *encoded;
    uint8_t *filtered; /* rows of PNG with their filter bytes */
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr jpeg_errors;
    struct libdeflate_compressor *deflater;
};

struct floor_encoder *floor_encoder_open(enum floor_codec codec,
                                         int compression, int bands,
                                         int sample_bytes)
{
    struct floor_encoder *it = bench_allocate(sizeof *it);

    it->codec = codec;
    it->bands = bands;
    it->tile_bytes =
        (size_t)(TILE_SIDE_PX * TILE_SIDE_PX * bands * sample_bytes);
    it->room = 2 * it->tile_bytes;
    it->encoded = bench_allocate(it->room);
    it->filtered = bench_allocate(it->tile_bytes + TILE_SIDE_PX);
    it->deflater = libdeflate_alloc_compressor(compression);
    if (it->deflater == NULL)
        bench_fail("libdeflate has no such level", "");
    it->jpeg.err = jpeg_std_error(&it->jpeg_errors);
    jpeg_create_compress(&it->jpeg);
    it->jpeg.image_width = it->jpeg.image_height = TILE_SIDE_PX;
    it->jpeg.input_components = 3;
    it->jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&it->jpeg); /* YCbCr 4:2:0 */
    jpeg_set_quality(&it->jpeg, JPEG_QUALITY, TRUE);
    return it;
}

void floor_encoder_close(struct floor_encoder *encoder)
{
    jpeg_destroy_compress(&encoder->jpeg);
    libdeflate_free_compressor(encoder->deflater);
    free(encoder->filtered);
    free(encoder->encoded);
    free(encoder);
}

static size_t encode_jpeg(struct floor_encoder *encoder, const uint8_t *pixels)
{
    struct jpeg_compress_struct *jpeg = &encoder->jpeg;
    unsigned char *encoded = encoder->encoded;
    unsigned long nbytes = encoder->room;

    jpeg_mem_dest(jpeg, &encoded, &nbytes);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < TILE_SIDE_PX)
    {
        JSAMPROW rows[16];
        for (size_t i = 0; i < 16; i++)
            rows[i] =
                (JSAMPROW)pixels + (jpeg->next_scanline + i) * TILE_SIDE_PX * 3;
        jpeg_write_scanlines(jpeg, rows, 16);
    }
    jpeg_finish_compress(jpeg);
    if (encoded != encoder->encoded)
        bench_fail("a JPEG tile larger than its pixels", "");
    return nbytes;
}

static size_t encode_zip(struct floor_encoder *encoder, const uint8_t *pixels,
                         size_t nbytes, uint8_t *encoded)
{
    const size_t room = encoder->room - (size_t)(encoded - encoder->encoded);
    const size_t size = libdeflate_zlib_compress(encoder->deflater, pixels,
                                                 nbytes, encoded, room);
    if (size == 0)
        bench_fail("a tile that does not compress", "");
    return size;
}

static void put_be32(uint8_t *to, size_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* The chunk's body stands behind its first 8 bytes already. */
static size_t put_chunk(uint8_t *chunk, const char *name, size_t nbytes)
{
    put_be32(chunk, nbytes);
    memcpy(chunk + 4, name, 4);
    put_be32(chunk + 8 + nbytes, libdeflate_crc32(0, chunk + 4, nbytes + 4));
    return nbytes + 12;
}

static size_t encode_png(struct floor_encoder *encoder, const uint8_t *pixels)
{
    static const uint8_t colours[] = {0, 4, 2, 6};
    const int bands = encoder->bands;
    const size_t row_bytes = TILE_SIDE_PX * (size_t)bands;
    uint8_t *png = encoder->encoded;
    size_t at = 8;

    for (size_t row = 0; row < TILE_SIDE_PX; row++)
    {
        encoder->filtered[row * (row_bytes + 1)] = 0;
        memcpy(encoder->filtered + row * (row_bytes + 1) + 1,
               pixels + row * row_bytes, row_bytes);
    }
    memcpy(png, "\x89PNG\r\n\x1a\n", 8);
    put_be32(png + 16, TILE_SIDE_PX);
    put_be32(png + 20, TILE_SIDE_PX);
    memcpy(png + 24, (const uint8_t[]){8, colours[bands - 1], 0, 0, 0}, 5);
    at += put_chunk(png + at, "IHDR", 13);
    const size_t nbytes =
        encode_zip(encoder, encoder->filtered, TILE_SIDE_PX * (row_bytes + 1),
                   png + at + 8);
    at += put_chunk(png + at, "IDAT", nbytes);
    at += put_chunk(png + at, "IEND", 0);
    return at;
}

const uint8_t *floor_encode(struct floor_encoder *encoder,
                            const uint8_t *pixels, size_t *out_nbytes)
{
    switch (encoder->codec)
    {
        case FLOOR_JPEG:
            *out_nbytes = encode_jpeg(encoder, pixels);
            return encoder->encoded;
        case FLOOR_PNG:
            *out_nbytes = encode_png(encoder, pixels);
            return encoder->encoded;
        case FLOOR_ZIP:
            *out_nbytes = encode_zip(encoder, pixels, encoder->tile_bytes,
                                     encoder->encoded);
            return encoder->encoded;
        case FLOOR_RAW:
            break;
    }
    *out_nbytes = encoder->tile_bytes;
    return pixels;
}

static void reduce_bytes(int bands_of_tile, const uint8_t *in, uint8_t *out)
{
    const size_t bands = (size_t)bands_of_tile;
    const size_t row_bytes = TILE_SIDE_PX * bands;
    uint16_t sums[TILE_SIDE_PX * 4]; /* of two rows */

    for (size_t row = 0; row < TILE_SIDE_PX / 2; row++)
    {
        const uint8_t *restrict upper = in + 2 * row * row_bytes;
        const uint8_t *restrict lower = upper + row_bytes;
        uint8_t *restrict to = out + row * row_bytes;
        for (size_t i = 0; i < row_bytes; i++)
            sums[i] = (uint16_t)(upper[i] + lower[i] + 1);
        for (size_t i = 0; i < TILE_SIDE_PX / 2; i++)
            for (size_t band = 0; band < bands; band++)
                to[i * bands + band] =
                    (uint8_t)((sums[2 * i * bands + band] +
                               sums[(2 * i + 1) * bands + band]) >>
                              2);
    }
}

static void reduce_floats(int bands, const float *in, float *out)
{
    const size_t step = (size_t)bands;
    const size_t row_floats = TILE_SIDE_PX * step;

    for (size_t row = 0; row < TILE_SIDE_PX / 2; row++)
        for (size_t i = 0; i < TILE_SIDE_PX / 2; i++)
            for (size_t band = 0; band < step; band++)
            {
                const float *from =
                    in + 2 * row * row_floats + 2 * i * step + band;
                const double sum = (double)from[0] + (double)from[step] +
                                   (double)from[row_floats] +
                                   (double)from[row_floats + step];
                out[row * row_floats + i * step + band] = (float)(sum / 4);
            }
}

void floor_reduce(int bands, int sample_bytes, const uint8_t *pixels,
                  uint8_t *quadrant)
{
    if (sample_bytes == 1)
        reduce_bytes(bands, pixels, quadrant);
    else
        reduce_floats(bands, (const float *)pixels, (float *)quadrant);
}
