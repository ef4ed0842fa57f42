/* SPDX-License-Identifier: MIT */
/* A ROK4 writer over files in memory, and slabs to compare with. */
#ifndef FAKE_WRITER_H
#define FAKE_WRITER_H

#include "fake_descriptor.h"
#include "fake_out.h"
#include "pyr_buf.h"
#include "rok4_slab.h"
#include "rok4_writer.h"

#define FAKE_WRITER_LEVELS 2
#define MUCH_MEMORY ((size_t)1 << 30)

static struct fake_writer
{
    struct pyr_io io;
    struct pyr_out out;
    struct rok4_writer_level levels[FAKE_WRITER_LEVELS];
    struct rok4_writer_options options;
    struct rok4_writer *writer;
    struct pyr_sink sink;
    struct rok4_pyramid *background;
    struct pyr_error err;
} fw;

/* Options for levels "c" and "b" of tiles of 8x4 pixels and slabs of 2x2 tiles
 * below /new, with masks; files and failures are forgotten. */
static inline void fw_begin(enum rok4_format format, uint32_t bands)
{
    const struct pyr_tile_shape shape = {8, 4, bands,
                                         rok4_format_sample(format)};
    const struct pyr_encoding encoding = {
        .codec = rok4_format_codec(format), .quality = 75, .level = 6};
    const struct pyr_encoding mask_encoding = {.codec = PYR_CODEC_DEFLATE,
                                               .level = 6};
    const struct rok4_writer_level fine = {.id = "c",
                                           .shape = shape,
                                           .tiles_per_width = 2,
                                           .tiles_per_height = 2,
                                           .path_depth = 2,
                                           .image_place = "/new/DATA/c",
                                           .mask_place = "/new/MASK/c",
                                           .background_level = -1};
    fake_out_clear();
    fw.err.text[0] = '\0';
    fw.io = files_io();
    fw.out = fake_out_hook();
    fw.levels[0] = fw.levels[1] = fine;
    fw.levels[1].id = "b";
    fw.levels[1].image_place = "/new/DATA/b";
    fw.levels[1].mask_place = "/new/MASK/b";
    const struct rok4_writer_options options = {.out = &fw.out,
                                                .io = &fw.io,
                                                .levels = fw.levels,
                                                .nlevels = FAKE_WRITER_LEVELS,
                                                .format = format,
                                                .encoding = encoding,
                                                .mask_encoding = mask_encoding,
                                                .nodata = {1, 2, 3, 4},
                                                .memory_bytes = MUCH_MEMORY};
    fw.options = options;
}

/* The background /data/N.json of the same levels and format, whose slabs the
 * test adds below /data/N. */
static inline void fw_open_background(const char *format, uint32_t bands)
{
    static const char tms[] =
        "{\"crs\":\"EPSG:3857\",\"tileMatrices\":["
        "{\"id\":\"c\",\"cellSize\":1,\"pointOfOrigin\":[0,64],"
        "\"tileWidth\":8,\"tileHeight\":4,\"matrixWidth\":16,"
        "\"matrixHeight\":16},"
        "{\"id\":\"b\",\"cellSize\":2,\"pointOfOrigin\":[0,64],"
        "\"tileWidth\":8,\"tileHeight\":4,\"matrixWidth\":8,"
        "\"matrixHeight\":8}]}";
    static const struct rok4_open_options options = {.allow_outside = true};
    struct descriptor descriptor;
    files_add("/data/T.json", tms);
    descriptor_begin(&descriptor, "T", format, bands);
    descriptor_add(&descriptor, "c", 0, 0, 15, 15,
                   "\"type\":\"FILE\",\"path_depth\":1,"
                   "\"image_directory\":\"N/DATA/c\","
                   "\"mask_directory\":\"N/MASK/c\"");
    descriptor_add(&descriptor, "b", 0, 0, 7, 7,
                   "\"type\":\"FILE\",\"path_depth\":1,"
                   "\"image_directory\":\"N/DATA/b\"");
    CHECK_INT(descriptor_open(&descriptor, &options, &fw.background, &fw.err),
              PYR_OK);
    fw.options.background = fw.background;
    fw.levels[0].background_level = 0;
    fw.levels[1].background_level = 1;
}

static inline enum pyr_result fw_open(void)
{
    const enum pyr_result result =
        rok4_writer_new(&fw.options, &fw.writer, &fw.err);
    if (result == PYR_OK)
        fw.sink = rok4_writer_sink(fw.writer);
    else
        fw.writer = NULL;
    return result;
}

static inline void fw_close(void)
{
    rok4_writer_free(fw.writer);
    fw.writer = NULL;
    CHECK_INT(fake_out.nopen, 0);
    CHECK_INT(files.nopen, 0);
}

static inline void fw_end(void)
{
    fw_close();
    rok4_pyramid_free(fw.background);
    fw.background = NULL;
    fake_out_clear();
}

/* The bytes of a tile of the tests: any, that differ. */
static inline void fw_fill(uint8_t *bytes, size_t nbytes, uint32_t seed)
{
    for (size_t i = 0; i < nbytes; i++)
        bytes[i] = (uint8_t)(seed * 37 + i * 11 + (i >> 8) + 1);
}

static inline enum pyr_result fw_put(enum pyr_plane plane, uint32_t level,
                                     uint32_t tile_col, uint32_t tile_row,
                                     size_t nbytes, uint32_t seed)
{
    uint8_t *const bytes = malloc(nbytes + 1);
    if (bytes == NULL)
        abort();
    fw_fill(bytes, nbytes, seed);
    const enum pyr_result result = fw.sink.put(
        fw.sink.user, plane, level, tile_col, tile_row, bytes, nbytes, &fw.err);
    free(bytes);
    return result;
}

static inline enum pyr_result fw_finish(uint32_t level, uint32_t slab_col,
                                        uint32_t slab_row)
{
    return fw.sink.finish(fw.sink.user, level, slab_col, slab_row, &fw.err);
}

static inline bool fw_wants(uint32_t level, uint32_t slab_col,
                            uint32_t slab_row)
{
    return fw.sink.wants(fw.sink.user, level, slab_col, slab_row);
}

/* Checks a tile of a slab that was written: its bytes are fw_fill's. */
static inline void fw_check_tile(const char *path, uint32_t ntiles,
                                 uint32_t tile, size_t nbytes, uint32_t seed)
{
    const struct pyr_file *const file = files_find(path);
    struct pyr_extent extent = {0, 0};
    uint8_t *const bytes = malloc(nbytes + 1);
    if (bytes == NULL)
        abort();
    fw_fill(bytes, nbytes, seed);
    CHECK(file != NULL);
    if (file != NULL)
    {
        CHECK_INT(rok4_slab_locate(file->bytes + ROK4_SLAB_HEADER_BYTES, ntiles,
                                   tile, file->nbytes, UINT32_MAX, &extent,
                                   NULL),
                  PYR_OK);
        CHECK_INT(extent.nbytes, nbytes);
        if (extent.nbytes == nbytes)
            CHECK(memcmp(file->bytes + extent.offset_bytes, bytes, nbytes) ==
                  0);
    }
    free(bytes);
}

/* Bytes of the tile in a slab; 0 when it is not there. */
static inline size_t fw_tile_nbytes(const char *path, uint32_t ntiles,
                                    uint32_t tile)
{
    const struct pyr_file *const file = files_find(path);
    return file == NULL ? 0
                        : pyr_le32(file->bytes + ROK4_SLAB_HEADER_BYTES +
                                   4 * ((size_t)ntiles + tile));
}

/* Checks a tile of a slab that was written: all its samples have the values. */
static inline void fw_check_constant(const char *path, enum pyr_codec codec,
                                     const struct pyr_tile_shape *shape,
                                     uint32_t ntiles, uint32_t tile,
                                     const float *values)
{
    const struct pyr_file *const file = files_find(path);
    struct pyr_extent extent = {0, 0};
    struct pyr_decoder *decoder = NULL;
    uint8_t *const pixels = malloc(pyr_tile_bytes(shape));
    CHECK(file != NULL);
    if (pixels == NULL || pyr_decoder_new(&decoder) != PYR_OK)
        abort();
    if (file != NULL)
    {
        CHECK_INT(rok4_slab_locate(file->bytes + ROK4_SLAB_HEADER_BYTES, ntiles,
                                   tile, file->nbytes, UINT32_MAX, &extent,
                                   NULL),
                  PYR_OK);
        CHECK_INT(pyr_decode(decoder, codec, shape,
                             file->bytes + extent.offset_bytes,
                             (size_t)extent.nbytes, pixels, &fw.err),
                  PYR_OK);
        unsigned nwrong = 0;
        for (uint32_t i = 0;
             i < shape->width_px * shape->height_px * shape->bands; i++)
        {
            const float expected = values[i % shape->bands];
            float found = (float)pixels[i];
            if (shape->sample == PYR_SAMPLE_FLOAT32)
                memcpy(&found, pixels + 4 * (size_t)i, 4);
            nwrong += found < expected || found > expected;
        }
        CHECK_INT(nwrong, 0);
    }
    pyr_decoder_free(decoder);
    free(pixels);
}

/* The bytes of a slab: tiles[i] bytes of fw_fill(seed + i) each, as we write
 * slabs. Freed with free. */
static inline uint8_t *fw_make_slab(const struct rok4_slab_shape *shape,
                                    const uint32_t *sizes, uint32_t seed,
                                    size_t *out_nbytes)
{
    const uint32_t ntiles = shape->tiles_per_width * shape->tiles_per_height;
    uint8_t *const index = malloc(8 * (size_t)ntiles);
    uint64_t nbytes = 0;
    if (index == NULL ||
        rok4_slab_place(sizes, ntiles, 0, index, &nbytes, NULL) != PYR_OK)
        abort();
    uint8_t *const bytes = calloc((size_t)nbytes, 1);
    if (bytes == NULL)
        abort();
    rok4_slab_header(shape, sizes[0], bytes);
    memcpy(bytes + ROK4_SLAB_HEADER_BYTES, index, 8 * (size_t)ntiles);
    for (uint32_t i = 0; i < ntiles; i++)
        fw_fill(bytes + pyr_le32(index + 4 * (size_t)i), sizes[i], seed + i);
    free(index);
    *out_nbytes = (size_t)nbytes;
    return bytes;
}

/* A slab of 2x2 tiles of the background, or of an interrupted run. */
static inline void fw_add_slab(const char *path, enum pyr_plane plane,
                               const uint32_t *sizes, uint32_t seed)
{
    struct rok4_slab_shape shape = {fw.options.format, fw.levels[0].shape, 2,
                                    2};
    size_t nbytes = 0;
    if (plane == PYR_PLANE_MASK)
    {
        shape.format = ROK4_ZIP_UINT8;
        shape.tile.bands = 1;
        shape.tile.sample = PYR_SAMPLE_UINT8;
    }
    uint8_t *const bytes = fw_make_slab(&shape, sizes, seed, &nbytes);
    files_add_bytes(path, bytes, nbytes);
    free(bytes);
}

/* A slab that was written is this to the byte. */
static inline void fw_check_slab(const char *path,
                                 const struct rok4_slab_shape *shape,
                                 const uint32_t *sizes, uint32_t seed)
{
    const struct pyr_file *const file = files_find(path);
    size_t nbytes = 0;
    uint8_t *const bytes = fw_make_slab(shape, sizes, seed, &nbytes);
    CHECK(file != NULL);
    if (file != NULL)
    {
        CHECK_INT(file->nbytes, nbytes);
        CHECK(file->nbytes == nbytes &&
              memcmp(file->bytes, bytes, nbytes) == 0);
    }
    free(bytes);
}

#endif
