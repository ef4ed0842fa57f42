/* SPDX-License-Identifier: MIT */
/* What the floor of the COGX benchmark does with a tile. */
#include "cogx_floor.h"

#include "bench.h"
#include "pyr_fast_deflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <libdeflate.h>
#include <tiffio.h>
#include <webp/encode.h>
#include <zstd.h>

struct floor_encoder
{
    struct floor_codec codec;
    size_t row_bytes;
    size_t tile_bytes;
    uint8_t *rows; /* one after the other, with the predictor */
    uint8_t *planes;
    uint8_t *out;
    size_t capacity;
    struct libdeflate_compressor *deflate;
    struct pyr_fast_deflate *fast;
    ZSTD_CCtx *zstd;
    TIFF *tiff;
    size_t written;
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
};

static int is(const struct floor_encoder *encoder, const char *name)
{
    return strcmp(encoder->codec.name, name) == 0;
}

/* ---- LZW, which libtiff alone has: into a file that forgets ---- */

static tmsize_t nothing(thandle_t user, void *bytes, tmsize_t nbytes)
{
    (void)user;
    (void)bytes;
    (void)nbytes;
    return 0;
}

static tmsize_t count(thandle_t user, void *bytes, tmsize_t nbytes)
{
    struct floor_encoder *encoder = user;
    (void)bytes;
    encoder->written += (size_t)nbytes;
    return nbytes;
}

static toff_t seek(thandle_t user, toff_t offset, int whence)
{
    (void)user;
    return whence == SEEK_SET ? offset : 0;
}

static int closed(thandle_t user)
{
    (void)user;
    return 0;
}

static toff_t size(thandle_t user)
{
    (void)user;
    return 8;
}

static void open_tiff(struct floor_encoder *encoder)
{
    encoder->tiff = TIFFClientOpen("floor", "wm", encoder, nothing, count, seek,
                                   closed, size, NULL, NULL);
    if (encoder->tiff == NULL)
        bench_fail("libtiff", "open");
    TIFFSetField(encoder->tiff, TIFFTAG_IMAGEWIDTH,
                 (uint32_t)encoder->row_bytes);
    TIFFSetField(encoder->tiff, TIFFTAG_IMAGELENGTH, TILE_SIDE_PX);
    TIFFSetField(encoder->tiff, TIFFTAG_ROWSPERSTRIP, TILE_SIDE_PX);
    TIFFSetField(encoder->tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(encoder->tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(encoder->tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(encoder->tiff, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
}

/* ---- The others ---- */

struct floor_encoder *floor_encoder_open(const struct floor_codec *codec)
{
    struct floor_encoder *encoder = bench_allocate(sizeof(*encoder));
    memset(encoder, 0, sizeof(*encoder));
    encoder->codec = *codec;
    encoder->row_bytes =
        (size_t)TILE_SIDE_PX * (size_t)(codec->bands * codec->sample_bytes);
    encoder->tile_bytes = encoder->row_bytes * TILE_SIDE_PX;
    encoder->capacity = 2 * encoder->tile_bytes + 65536;
    encoder->rows = bench_allocate(encoder->tile_bytes);
    encoder->planes = bench_allocate(encoder->row_bytes);
    encoder->out = bench_allocate(encoder->capacity);
    if (is(encoder, "deflate") && codec->level == 0)
    {
        if (pyr_fast_deflate_new(&encoder->fast) != PYR_OK)
            bench_fail("DEFLATE", "set up");
    }
    else if (is(encoder, "deflate"))
    {
        /* libtiff's 6 to 9 are libdeflate's 7 to 10. */
        const int level = codec->level >= 6 && codec->level <= 9
                              ? codec->level + 1
                              : codec->level;
        encoder->deflate = libdeflate_alloc_compressor(level);
    }
    if (is(encoder, "zstd"))
    {
        encoder->zstd = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel,
                               codec->level);
    }
    if (is(encoder, "lzw"))
        open_tiff(encoder);
    if (is(encoder, "jpeg"))
    {
        encoder->jpeg.err = jpeg_std_error(&encoder->errors);
        jpeg_create_compress(&encoder->jpeg);
    }
    return encoder;
}

void floor_encoder_close(struct floor_encoder *encoder)
{
    if (encoder->deflate != NULL)
        libdeflate_free_compressor(encoder->deflate);
    pyr_fast_deflate_free(encoder->fast);
    ZSTD_freeCCtx(encoder->zstd);
    if (encoder->tiff != NULL)
        TIFFCleanup(encoder->tiff); /* writes no directory */
    if (is(encoder, "jpeg"))
        jpeg_destroy_compress(&encoder->jpeg);
    free(encoder->rows);
    free(encoder->planes);
    free(encoder->out);
    free(encoder);
}

static size_t encode_jpeg(struct floor_encoder *encoder, const uint8_t *pixels,
                          size_t row_bytes)
{
    struct jpeg_compress_struct *const jpeg = &encoder->jpeg;
    unsigned char *out = encoder->out;
    unsigned long nbytes = (unsigned long)encoder->capacity;
    jpeg_mem_dest(jpeg, &out, &nbytes);
    jpeg->image_width = TILE_SIDE_PX;
    jpeg->image_height = TILE_SIDE_PX;
    jpeg->input_components = encoder->codec.bands;
    jpeg->in_color_space = encoder->codec.bands == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, 75, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < TILE_SIDE_PX)
    {
        JSAMPROW row =
            (JSAMPROW)(uintptr_t)(pixels + jpeg->next_scanline * row_bytes);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    if (out != encoder->out)
        bench_fail("JPEG", "larger than its pixels");
    return nbytes;
}

static size_t encode_webp(const struct floor_encoder *encoder,
                          const uint8_t *pixels, size_t row_bytes)
{
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    if (!WebPConfigPreset(&config, WEBP_PRESET_DEFAULT, 75) ||
        !WebPPictureInit(&picture))
        bench_fail("WEBP", "set up");
    (void)encoder;
    WebPMemoryWriterInit(&writer);
    picture.width = TILE_SIDE_PX;
    picture.height = TILE_SIDE_PX;
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    if (!WebPPictureImportRGB(&picture, pixels, (int)row_bytes) ||
        !WebPEncode(&config, &picture))
        bench_fail("WEBP", "encode");
    const size_t nbytes = writer.size;
    WebPPictureFree(&picture);
    WebPMemoryWriterClear(&writer);
    return nbytes;
}

/* Of bytes, stride apart. */
static void differences(const uint8_t *restrict in, size_t nbytes,
                        size_t stride, uint8_t *restrict out)
{
    memcpy(out, in, stride);
    for (size_t i = stride; i < nbytes; i++)
        out[i] = (uint8_t)(in[i] - in[i - stride]);
}

/* Little-endian floats: their highest bytes first. */
static void split_floats(const uint8_t *restrict in, size_t nsamples,
                         uint8_t *restrict planes)
{
    for (size_t byte = 0; byte < 4; byte++)
        for (size_t i = 0; i < nsamples; i++)
            planes[byte * nsamples + i] = in[4 * i + 3 - byte];
}

static void copy_rows(struct floor_encoder *encoder, const uint8_t *pixels,
                      size_t row_bytes)
{
    const size_t nbytes = encoder->row_bytes;
    const size_t bands = (size_t)encoder->codec.bands;
    for (size_t row = 0; row < TILE_SIDE_PX; row++)
    {
        const uint8_t *const in = pixels + row * row_bytes;
        uint8_t *const out = encoder->rows + row * nbytes;
        if (encoder->codec.predictor == 2)
            differences(in, nbytes, bands, out);
        else if (encoder->codec.predictor == 3)
        {
            split_floats(in, nbytes / 4, encoder->planes);
            differences(encoder->planes, nbytes, bands, out);
        }
        else
            memcpy(out, in, nbytes);
    }
}

size_t floor_encode(struct floor_encoder *encoder, const uint8_t *pixels,
                    size_t row_bytes)
{
    if (is(encoder, "jpeg"))
        return encode_jpeg(encoder, pixels, row_bytes);
    if (is(encoder, "webp"))
        return encode_webp(encoder, pixels, row_bytes);
    copy_rows(encoder, pixels, row_bytes);
    if (encoder->fast != NULL)
        return pyr_fast_deflate(encoder->fast, encoder->rows,
                                encoder->tile_bytes, encoder->out);
    if (is(encoder, "deflate"))
        return libdeflate_zlib_compress(encoder->deflate, encoder->rows,
                                        encoder->tile_bytes, encoder->out,
                                        encoder->capacity);
    if (is(encoder, "zstd"))
        return ZSTD_compress2(encoder->zstd, encoder->out, encoder->capacity,
                              encoder->rows, encoder->tile_bytes);
    if (is(encoder, "lzw"))
    {
        encoder->written = 0;
        if (TIFFWriteEncodedStrip(encoder->tiff, 0, encoder->rows,
                                  (tmsize_t)encoder->tile_bytes) < 0)
            bench_fail("LZW", "encode");
        return encoder->written;
    }
    if (!is(encoder, "none"))
        bench_fail("codec", encoder->codec.name);
    return encoder->tile_bytes;
}
