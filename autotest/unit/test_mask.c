/* SPDX-License-Identifier: MIT */
/* Tests of the validity of pixels, from data and mask slabs together. */
#include "fake_descriptor.h"
#include "rok4_mask.h"

#define TILE_PX ((size_t)8 * 4)
#define WIDTH 32
#define HEIGHT 16
#define MARGIN 3
#define ROW_BYTES 50

static const char TMS[] =
    "{\"crs\":\"EPSG:3857\",\"tileMatrices\":[{\"id\":\"c\",\"cellSize\":1,"
    "\"pointOfOrigin\":[0,64],\"tileWidth\":8,\"tileHeight\":4,"
    "\"matrixWidth\":4,\"matrixHeight\":4}]}";

static struct rok4_pyramid *pyramid;
static struct pyr_source sources[2];
static struct pyr_io io;
static struct pyr_pool *pool;
static struct pyr_cache *cache;
static struct pyr_reader *readers[2];
static struct pyr_error err;

/* A zlib stream that holds the bytes of one tile as they are (RFC 1950, 1951).
 * Returns its size. */
static size_t pack_tile(const uint8_t *pixels, uint8_t *out)
{
    static const uint8_t head[] = {0x78, 0x01,          0x01, TILE_PX,
                                   0,    255 - TILE_PX, 255};
    uint32_t low = 1;
    uint32_t high = 0;
    memcpy(out, head, sizeof head);
    memcpy(out + sizeof head, pixels, TILE_PX);
    for (size_t i = 0; i < TILE_PX; i++)
    {
        low = (low + pixels[i]) % 65521;
        high = (high + low) % 65521;
    }
    out[sizeof head + TILE_PX] = (uint8_t)(high >> 8);
    out[sizeof head + TILE_PX + 1] = (uint8_t)high;
    out[sizeof head + TILE_PX + 2] = (uint8_t)(low >> 8);
    out[sizeof head + TILE_PX + 3] = (uint8_t)low;
    return sizeof head + TILE_PX + 4;
}

/* What the mask slabs hold. */
static uint8_t mask_at(size_t tile, size_t px)
{
    static const uint8_t values[] = {255, 0, 1, 127, 0, 63};
    return values[(tile + px) % sizeof values];
}

/* A slab of 2x2 tiles, without the one numbered hole. */
static void add_slab(const char *path, enum rok4_plane plane, size_t hole)
{
    uint8_t bytes[2048 + 32 + 4 * (TILE_PX + 16)] = {0};
    size_t nbytes = 2048 + 32;
    for (size_t tile = 0; tile < 4; tile++)
    {
        uint8_t pixels[TILE_PX];
        if (tile == hole)
            continue;
        for (size_t px = 0; px < TILE_PX; px++)
            pixels[px] = mask_at(tile, px);
        const size_t packed = plane == ROK4_PLANE_MASK
                                  ? pack_tile(pixels, bytes + nbytes)
                                  : TILE_PX;
        if (plane == ROK4_PLANE_DATA)
            memset(bytes + nbytes, 7, TILE_PX);
        bytes[2048 + 4 * tile] = (uint8_t)nbytes;
        bytes[2048 + 4 * tile + 1] = (uint8_t)(nbytes >> 8);
        bytes[2048 + 16 + 4 * tile] = (uint8_t)packed;
        nbytes += packed;
    }
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

static void begin(const char *storage)
{
    static const struct rok4_open_options usual = {.allow_outside = true};
    struct descriptor descriptor;
    descriptor_begin(&descriptor, "T", "TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "c", 0, 0, 3, 3, storage);
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
                                                   .nthreads = 1};
        if (pyr_reader_new(&options, &readers[i]) != PYR_OK)
            abort();
    }
    files.log[0] = '\0';
}

/* One slab of each sort: no mask; both; no data; both with a hole each. */
static void begin_usual(void)
{
    add_slab("/data/D/00/00/00.tif", ROK4_PLANE_DATA, 4);
    add_slab("/data/D/00/00/10.tif", ROK4_PLANE_DATA, 4);
    add_slab("/data/M/00/00/10.tif", ROK4_PLANE_MASK, 4);
    add_slab("/data/M/00/00/01.tif", ROK4_PLANE_MASK, 4);
    add_slab("/data/D/00/00/11.tif", ROK4_PLANE_DATA, 3);
    add_slab("/data/M/00/00/11.tif", ROK4_PLANE_MASK, 0);
    begin("\"type\":\"FILE\",\"path_depth\":2,\"image_directory\":\"D\","
          "\"mask_directory\":\"M\"");
}

/* The value of a pixel of the usual slabs. */
static int expected(int64_t px_x, int64_t px_y)
{
    if (px_x < 0 || px_y < 0 || px_x >= WIDTH || px_y >= HEIGHT)
        return 0;
    const size_t tile = (size_t)(px_y / 4 % 2 * 2 + px_x / 8 % 2);
    const int masked =
        mask_at(tile, (size_t)(px_y % 4 * 8 + px_x % 8)) != 0 ? 255 : 0;
    if (px_y < HEIGHT / 2)
        return px_x < WIDTH / 2 ? 255 : masked;
    return px_x < WIDTH / 2 || tile == 0 || tile == 3 ? 0 : masked;
}

static enum pyr_result read_mask(const struct pyr_window *window, uint8_t *mask,
                                 size_t cache_bytes)
{
    err.text[0] = '\0';
    return rok4_mask_read(readers[0], readers[1], sources[1].levels, window,
                          mask, ROW_BYTES, cache_bytes, &err);
}

/* Bytes of the mask that differ; those behind each row must stay as they were.
 */
static unsigned wrong_pixels(int64_t px_x, int64_t px_y, uint32_t width_px,
                             uint32_t height_px, size_t cache_bytes)
{
    const struct pyr_window window = {0, px_x, px_y, width_px, height_px};
    uint8_t mask[ROW_BYTES * (HEIGHT + 2 * MARGIN)];
    unsigned wrong = 0;
    memset(mask, '#', sizeof mask);
    CHECK_INT(read_mask(&window, mask, cache_bytes), PYR_OK);
    for (size_t at = 0; at < sizeof mask; at++)
    {
        const size_t col = at % ROW_BYTES;
        const size_t row = at / ROW_BYTES;
        const bool inside = col < width_px && row < height_px;
        wrong +=
            mask[at] !=
            (inside ? expected(px_x + (int64_t)col, px_y + (int64_t)row) : '#');
    }
    return wrong;
}

static void test_all_pixels(void)
{
    begin_usual();
    CHECK_INT(wrong_pixels(-MARGIN, -MARGIN, WIDTH + 2 * MARGIN,
                           HEIGHT + 2 * MARGIN, 1 << 20),
              0);
    CHECK_INT(wrong_pixels(-MARGIN, -MARGIN, WIDTH + 2 * MARGIN,
                           HEIGHT + 2 * MARGIN, 0),
              0);
    end();
}

static void test_windows(void)
{
    begin_usual();
    for (int64_t px_y = -5; px_y < HEIGHT + 3; px_y += 2)
        for (int64_t px_x = -11; px_x < WIDTH + 3; px_x += 3)
            CHECK_INT(wrong_pixels(px_x, px_y, 1 + (uint32_t)(px_x + 11) % 13,
                                   1 + (uint32_t)(px_y + 5) % 7, 1 << 20),
                      0);
    end();
}

/* Each slab is opened once: the data slabs for their index only. */
static void test_input(void)
{
    begin_usual();
    CHECK_INT(wrong_pixels(0, 0, WIDTH, HEIGHT, 1 << 20), 0);
    FILES_LOG("open /data/M/00/00/00.tif\nopen /data/M/00/00/10.tif\n"
              "open /data/M/00/00/01.tif\nopen /data/M/00/00/11.tif\n"
              "open /data/D/00/00/00.tif\nopen /data/D/00/00/10.tif\n"
              "open /data/D/00/00/01.tif\nopen /data/D/00/00/11.tif\n");
    CHECK_INT(wrong_pixels(0, 0, WIDTH, HEIGHT, 1 << 20), 0);
    FILES_LOG("");
    CHECK_INT(files.nopen, 0);
    end();
}

/* A level without masks in a pyramid that has some elsewhere. */
static void test_no_masks(void)
{
    const struct pyr_window window = {0, 8, 4, 16, 8};
    uint8_t mask[ROW_BYTES * 8];
    add_slab("/data/D/00/00/00.tif", ROK4_PLANE_DATA, 1);
    add_slab("/data/D/00/00/11.tif", ROK4_PLANE_DATA, 4);
    begin("\"type\":\"FILE\",\"path_depth\":2,\"image_directory\":\"D\"");
    CHECK_INT(read_mask(&window, mask, 1 << 20), PYR_OK);
    for (size_t row = 0; row < 8; row++)
        for (size_t col = 0; col < 16; col++)
            CHECK_INT(mask[row * ROW_BYTES + col],
                      (col < 8) == (row < 4) ? 255 : 0);
    end();
}

static void test_errors(void)
{
    const struct pyr_window window = {0, 0, 0, WIDTH, HEIGHT};
    uint8_t mask[ROW_BYTES * HEIGHT];
    begin_usual();
    files_find("/data/M/00/00/10.tif")->bytes[2048 + 32] = 0;
    CHECK_INT(read_mask(&window, mask, 0), PYR_CORRUPT);
    CHECK(strstr(err.text, "/data/M/00/00/10.tif") != NULL);
    end();
    begin_usual();
    files_find("/data/M/00/00/10.tif")->state = PYR_IO;
    CHECK_INT(read_mask(&window, mask, 0), PYR_IO);
    end();
    begin_usual();
    files_find("/data/D/00/00/10.tif")->state = PYR_IO;
    CHECK_INT(read_mask(&window, mask, 0), PYR_IO);
    CHECK(strstr(err.text, "/data/D/00/00/10.tif") != NULL);
    end();
}

static void test_no_memory(void)
{
    const struct pyr_window window = {0, 0, 0, WIDTH, HEIGHT};
    uint8_t mask[ROW_BYTES * HEIGHT];
    begin_usual();
    for (unsigned long nth = 1; nth < 200; nth++)
    {
        pyr_alloc_fail_nth(nth);
        const enum pyr_result result = read_mask(&window, mask, nth % 2 << 20);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        CHECK_INT(files.nopen, 0);
        pyr_cache_trim(cache, 0);
        for (size_t at = 0; at < sizeof mask && result == PYR_OK; at++)
            if (at % ROW_BYTES < WIDTH)
                CHECK_INT(mask[at], expected((int64_t)(at % ROW_BYTES),
                                             (int64_t)(at / ROW_BYTES)));
    }
    end();
}

int main(void)
{
    RUN(test_all_pixels);
    RUN(test_windows);
    RUN(test_input);
    RUN(test_no_masks);
    RUN(test_errors);
    RUN(test_no_memory);
    return unit_report();
}
