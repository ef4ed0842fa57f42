/* SPDX-License-Identifier: MIT */
/* Tests of a pyramid's tiles as the background of a build. */
#include "fake_descriptor.h"
#include "pyr_encode.h"
#include "rok4_background.h"

#define TILE_PX ((size_t)8 * 4)
#define SLAB_TILES 4
#define UNTOUCHED 0x5A

static const char TMS[] =
    "{\"crs\":\"EPSG:3857\",\"tileMatrices\":["
    "{\"id\":\"f\",\"cellSize\":1,\"pointOfOrigin\":[0,64],\"tileWidth\":8,"
    "\"tileHeight\":4,\"matrixWidth\":4,\"matrixHeight\":4},"
    "{\"id\":\"c\",\"cellSize\":2,\"pointOfOrigin\":[0,64],\"tileWidth\":8,"
    "\"tileHeight\":4,\"matrixWidth\":2,\"matrixHeight\":2}]}";

/* Numbers of the build's levels: one that the pyramid lacks comes first. */
static const int LEVELS[] = {-1, 0, 1};

static struct rok4_pyramid *pyramid;
static struct pyr_source sources[2];
static struct pyr_io io;
static struct pyr_pool *pool;
static struct pyr_cache *cache;
static struct pyr_reader *readers[2];
static struct rok4_background own;
static struct pyr_background background;
static struct pyr_error err;
static uint8_t pixels[2 * TILE_PX];
static uint8_t mask[TILE_PX];

static uint8_t pixel_at(size_t tile, size_t px, size_t band)
{
    return (uint8_t)(tile * 50 + px + 100 * band);
}

static uint8_t mask_at(size_t tile, size_t px)
{
    static const uint8_t values[] = {255, 0, 1, 127, 0, 63};
    return values[(tile + px) % sizeof values];
}

/* A slab of 2x2 tiles, without the one numbered hole. */
static void add_slab(const char *path, enum rok4_plane plane, size_t hole)
{
    const struct pyr_tile_shape shape = {8, 4, plane == ROK4_PLANE_MASK ? 1 : 2,
                                         PYR_SAMPLE_UINT8};
    const struct pyr_encoding encoding = {.codec = PYR_CODEC_DEFLATE,
                                          .level = 6};
    const size_t head = 2048 + 8 * SLAB_TILES;
    uint8_t bytes[2048 + 8 * SLAB_TILES + SLAB_TILES * 200] = {0};
    size_t nbytes = head;
    struct pyr_encoder *encoder = NULL;
    if (pyr_encoder_new(&encoding, &encoder, &err) != PYR_OK)
        abort();
    for (size_t tile = 0; tile < SLAB_TILES; tile++)
    {
        uint8_t raw[2 * TILE_PX];
        const uint8_t *encoded = NULL;
        size_t size = 0;
        if (tile == hole)
            continue;
        for (size_t px = 0; px < TILE_PX; px++)
            for (size_t band = 0; band < shape.bands; band++)
                raw[px * shape.bands + band] = plane == ROK4_PLANE_MASK
                                                   ? mask_at(tile, px)
                                                   : pixel_at(tile, px, band);
        if (pyr_encode(encoder, &shape, raw, pyr_tile_row_bytes(&shape),
                       &encoded, &size, &err) != PYR_OK)
            abort();
        bytes[2048 + 4 * tile] = (uint8_t)nbytes;
        bytes[2048 + 4 * tile + 1] = (uint8_t)(nbytes >> 8);
        bytes[2048 + 4 * SLAB_TILES + 4 * tile] = (uint8_t)size;
        memcpy(bytes + nbytes, encoded, size);
        nbytes += size;
    }
    pyr_encoder_free(encoder);
    files_add_bytes(path, bytes, nbytes);
}

static void end(void)
{
    pyr_reader_free(readers[0]);
    pyr_reader_free(readers[1]);
    pyr_cache_free(cache);
    pyr_pool_free(pool);
    rok4_pyramid_free(pyramid);
    files_clear();
}

static void begin(bool with_masks, unsigned nthreads)
{
    static const struct rok4_open_options usual = {.allow_outside = true};
    static const char *const storages[2] = {
        "\"type\":\"FILE\",\"path_depth\":2,\"image_directory\":\"D\","
        "\"mask_directory\":\"M\"",
        "\"type\":\"FILE\",\"path_depth\":2,\"image_directory\":\"D/c\","
        "\"mask_directory\":\"M/c\""};
    struct descriptor descriptor;
    descriptor_begin(&descriptor, "T", "TIFF_ZIP_UINT8", 2);
    descriptor_add(&descriptor, "c", 0, 0, 1, 1, storages[1]);
    descriptor_add(&descriptor, "f", 0, 0, 2, 3, storages[0]);
    files_add("/data/T.json", TMS);
    io = files_io();
    if (descriptor_open(&descriptor, &usual, &pyramid, &err) != PYR_OK ||
        pyr_pool_new(&pool) != PYR_OK || pyr_cache_new(&cache) != PYR_OK)
        abort();
    for (int i = 0; i < 2; i++)
    {
        sources[i] = rok4_pyramid_source(pyramid, (enum rok4_plane)i);
        const struct pyr_reader_options options = {.source = &sources[i],
                                                   .io = &io,
                                                   .pool = pool,
                                                   .cache = cache,
                                                   .nthreads = nthreads};
        if (pyr_reader_new(&options, &readers[i]) != PYR_OK)
            abort();
    }
    own = (struct rok4_background){.source = &sources[0],
                                   .data = readers[0],
                                   .masks = with_masks ? readers[1] : NULL,
                                   .cache_bytes = 1 << 20,
                                   .nlevels = 3,
                                   .levels = LEVELS};
    background = rok4_background_interface(&own);
}

/* One slab without masks; one with; one with a hole; one of the other level. */
static void begin_usual(bool with_masks, unsigned nthreads)
{
    add_slab("/data/D/00/00/00.tif", ROK4_PLANE_DATA, SLAB_TILES);
    add_slab("/data/D/00/00/10.tif", ROK4_PLANE_DATA, SLAB_TILES);
    add_slab("/data/M/00/00/10.tif", ROK4_PLANE_MASK, SLAB_TILES);
    add_slab("/data/D/00/00/01.tif", ROK4_PLANE_DATA, 2);
    add_slab("/data/M/00/00/01.tif", ROK4_PLANE_MASK, SLAB_TILES);
    add_slab("/data/D/c/00/00/00.tif", ROK4_PLANE_DATA, SLAB_TILES);
    begin(with_masks, nthreads);
}

static enum pyr_result read_tile(uint32_t level, uint32_t col, uint32_t row,
                                 bool with_mask, bool *present)
{
    memset(pixels, UNTOUCHED, sizeof pixels);
    memset(mask, UNTOUCHED, sizeof mask);
    *present = !*present; /* is set in any case */
    err.text[0] = '\0';
    return background.read(background.user, level, col, row, pixels,
                           with_mask ? mask : NULL, present, &err);
}

/* The tile is there; masked says whether its mask is that of the slab, or
 * valid throughout. */
static void check_present(uint32_t level, uint32_t col, uint32_t row,
                          bool masked)
{
    const size_t tile = row % 2 * 2 + col % 2;
    for (int with_mask = 0; with_mask < 2; with_mask++)
    {
        bool present = false;
        unsigned nwrong = 0;
        CHECK_INT(read_tile(level, col, row, with_mask == 1, &present), PYR_OK);
        CHECK(present);
        for (size_t px = 0; px < TILE_PX; px++)
        {
            const bool valid = !masked || mask_at(tile, px) != 0;
            for (size_t band = 0; band < 2; band++)
                nwrong += pixels[2 * px + band] != pixel_at(tile, px, band);
            nwrong += with_mask == 1 ? mask[px] != (valid ? 255 : 0)
                                     : mask[px] != UNTOUCHED;
        }
        CHECK_INT(nwrong, 0);
    }
}

static void check_absent(uint32_t level, uint32_t col, uint32_t row)
{
    bool present = true;
    CHECK_INT(read_tile(level, col, row, true, &present), PYR_OK);
    CHECK(!present);
}

static void test_tiles(void)
{
    for (unsigned nthreads = 1; nthreads <= 3; nthreads += 2)
        for (int masks = 0; masks < 2; masks++)
        {
            begin_usual(masks == 1, nthreads);
            check_present(1, 0, 0, false);
            check_present(1, 1, 1, false);
            check_present(1, 2, 0, masks == 1);
            check_present(1, 2, 1, masks == 1);
            check_present(1, 0, 2, masks == 1);
            check_present(1, 1, 3, masks == 1);
            check_present(2, 1, 0, false);
            check_absent(1, 0, 3);  /* a hole in its slab */
            check_absent(1, 2, 2);  /* no slab */
            check_absent(1, 3, 0);  /* outside the limits, in a slab */
            check_absent(1, 40, 0); /* outside the matrix */
            check_absent(0, 0, 0);  /* no such level in the pyramid */
            check_absent(3, 0, 0);  /* nor in the build */
            CHECK_INT(files.nopen, 0);
            end();
        }
}

static void test_broken(void)
{
    bool present = true;
    begin_usual(true, 1);
    files_add_broken("/data/D/00/00/11.tif", PYR_IO);
    CHECK_INT(read_tile(1, 2, 2, true, &present), PYR_IO);
    CHECK(!present);
    CHECK(strstr(err.text, "/data/D/00/00/11.tif") != NULL);

    /* Found in the data, but not so its mask. */
    files_add_bytes("/data/M/00/00/10.tif", "short", 5);
    CHECK_INT(read_tile(1, 2, 0, false, &present), PYR_OK);
    CHECK(present);
    CHECK_INT(read_tile(1, 2, 0, true, &present), PYR_CORRUPT);
    CHECK(!present);
    end();
}

int main(void)
{
    RUN(test_tiles);
    RUN(test_broken);
    return unit_report();
}
