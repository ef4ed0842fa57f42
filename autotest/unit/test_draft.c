/* SPDX-License-Identifier: MIT */
/* Tests of cogx_draft: what is written in any order is what the tiles of the
 * file hold, each encoded once, in little memory. */
#include "cogx_draft.h"
#include "fake_out.h"
#include "pyr_alloc.h"

#include <stdlib.h>

#define WIDTH 150u
#define HEIGHT 130u
#define SIDE 32u
#define BANDS 3u
#define TILES_WIDE 5u
#define TILES_HIGH 5u
#define NTILES ((size_t)TILES_WIDE * TILES_HIGH)
#define TILE_BYTES ((size_t)SIDE * SIDE * BANDS)
#define IMAGE_BYTES ((size_t)WIDTH * HEIGHT * BANDS)

static struct pyr_out out;
static struct pyr_pool *pool;
static struct cogx_draft *draft;
static struct pyr_error err;
static const uint8_t fill[8] = {9, 8, 7, 6};

/* The test's own idea of the image, and of GDAL's cache. */
static struct scene
{
    uint8_t pixels[HEIGHT][WIDTH][BANDS];
    bool waits[HEIGHT / 16 + 1][WIDTH / 16 + 1][BANDS];
    uint32_t block_px;
    struct cogx_draft_format format;
    bool has_format;
    unsigned nasked;
    unsigned nsettled;
} scene;

static uint8_t value_of(uint32_t x, uint32_t y, uint32_t band, unsigned version)
{
    return (uint8_t)(x + y / 2 + 40 * band + 17 * version);
}

/* The block as the cache has it: beyond the image, rubbish. */
static void make_block(uint32_t band, uint32_t col, uint32_t row,
                       uint8_t *block)
{
    const uint32_t side = scene.block_px;
    for (uint32_t y = 0; y < side; y++)
        for (uint32_t x = 0; x < side; x++)
        {
            const uint32_t px_x = col * side + x;
            const uint32_t px_y = row * side + y;
            block[y * side + x] = px_x < WIDTH && px_y < HEIGHT
                                      ? scene.pixels[px_y][px_x][band]
                                      : (uint8_t)(x * y);
        }
}

static enum pyr_result flush(uint32_t band, uint32_t col, uint32_t row)
{
    uint8_t block[SIDE * SIDE];
    if (!scene.waits[row][col][band])
        return PYR_OK;
    scene.waits[row][col][band] = false;
    make_block(band, col, row, block);
    const enum pyr_result result =
        cogx_draft_write(draft, band, col, row, block, fill, &err);
    scene.waits[row][col][band] = result != PYR_OK;
    return result;
}

static enum pyr_result flush_window(const struct cogx_rect *pixels)
{
    const uint32_t side = scene.block_px;
    enum pyr_result result = PYR_OK;
    for (uint32_t row = pixels->px_y / side; row <= (pixels->end_y - 1) / side;
         row++)
        for (uint32_t col = pixels->px_x / side;
             col <= (pixels->end_x - 1) / side; col++)
            for (uint32_t band = 0; band < BANDS && result == PYR_OK; band++)
                result = flush(band, col, row);
    return result;
}

static enum pyr_result settle(void *user, const struct cogx_rect *pixels,
                              struct pyr_error *error)
{
    CHECK(user == &scene);
    (void)error;
    scene.nsettled++;
    return flush_window(pixels);
}

static bool find_format(void *user, struct cogx_draft_format *out_format)
{
    CHECK(user == &scene);
    scene.nasked++;
    *out_format = scene.format;
    return scene.has_format;
}

static struct cogx_draft_format format_of(enum pyr_tiff_compression compression)
{
    const struct cogx_draft_format format = {
        .image = {.compression = compression,
                  .tile_width_px = SIDE,
                  .tile_height_px = SIDE,
                  .bands = BANDS,
                  .type = PYR_TYPE_UINT8,
                  .ycbcr = compression == PYR_TIFF_JPEG,
                  .predictor = 1,
                  .quality = 75},
        .mask = {.compression = PYR_TIFF_DEFLATE,
                 .tile_width_px = SIDE,
                 .tile_height_px = SIDE,
                 .bands = 1,
                 .type = PYR_TYPE_UINT8,
                 .bits = true,
                 .predictor = 1}};
    return format;
}

/* With memory for so many blocks. */
static enum pyr_result make_draft(uint32_t block_px, size_t nblocks)
{
    const struct cogx_draft_options options = {
        .width_px = WIDTH,
        .height_px = HEIGHT,
        .side_px = SIDE,
        .block_width_px = block_px,
        .block_height_px = block_px,
        .bands = BANDS,
        .sample_bytes = 1,
        .memory_bytes = nblocks * (block_px * block_px * 4 + 300),
        .scratch = &out,
        .path = "/spool",
        .pool = pool,
        .nthreads = 3,
        .user = &scene,
        .find_format = find_format,
        .settle = settle};
    return cogx_draft_new(&options, &draft, &err);
}

static void begin(enum pyr_tiff_compression compression, uint32_t block_px,
                  size_t nblocks)
{
    memset(&scene, 0, sizeof scene);
    scene.block_px = block_px;
    scene.format = format_of(compression);
    scene.has_format = true;
    fake_out_clear();
    err.text[0] = '\0';
    out = fake_out_hook();
    for (size_t i = 0; i < IMAGE_BYTES; i++)
        (&scene.pixels[0][0][0])[i] = fill[i % BANDS];
    CHECK_INT(pyr_pool_new(&pool), PYR_OK);
    CHECK_INT(make_draft(block_px, nblocks), PYR_OK);
}

static void end(void)
{
    cogx_draft_free(draft);
    draft = NULL;
    pyr_pool_free(pool);
    CHECK_INT(fake_out.nopen, 0);
    CHECK_INT(files.count, 0);
}

/* Writes a window of a band to the cache, and some blocks of it on. */
static enum pyr_result paint(uint32_t band, struct cogx_rect rect,
                             unsigned version, bool at_once)
{
    const uint32_t side = scene.block_px;
    rect.end_x = rect.end_x < WIDTH ? rect.end_x : WIDTH;
    rect.end_y = rect.end_y < HEIGHT ? rect.end_y : HEIGHT;
    cogx_draft_begin(draft, band, &rect);
    for (uint32_t y = rect.px_y; y < rect.end_y; y++)
        for (uint32_t x = rect.px_x; x < rect.end_x; x++)
            scene.pixels[y][x][band] = value_of(x, y, band, version);
    for (uint32_t row = rect.px_y / side; row <= (rect.end_y - 1) / side; row++)
        for (uint32_t col = rect.px_x / side; col <= (rect.end_x - 1) / side;
             col++)
            scene.waits[row][col][band] = true;
    cogx_draft_end(draft, band, &rect, true);
    return at_once ? flush_window(&rect) : PYR_OK;
}

static enum pyr_result flush_all(void)
{
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    return flush_window(&all);
}

/* ---- What is expected ---- */

/* The tile of an image with margins. */
static void cut_tile(size_t number, uint8_t *pixels)
{
    const uint32_t px_x = (uint32_t)(number % TILES_WIDE) * SIDE;
    const uint32_t px_y = (uint32_t)(number / TILES_WIDE) * SIDE;
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < SIDE; x++)
        {
            const uint32_t from_x = px_x + x < WIDTH ? px_x + x : WIDTH - 1;
            const uint32_t from_y = px_y + y < HEIGHT ? px_y + y : HEIGHT - 1;
            memcpy(pixels + ((size_t)y * SIDE + x) * BANDS,
                   scene.pixels[from_y][from_x], BANDS);
        }
}

static size_t encode(const struct pyr_tile_format *format,
                     const uint8_t *pixels, uint8_t *bytes)
{
    struct pyr_tile_encoder *encoder = NULL;
    const uint8_t *made = NULL;
    size_t nbytes = 0;
    CHECK_INT(pyr_tile_encoder_new(format, &encoder, NULL), PYR_OK);
    CHECK_INT(pyr_tile_encode(encoder, pixels, (size_t)SIDE * format->bands,
                              &made, &nbytes, NULL),
              PYR_OK);
    CHECK(nbytes <= 2 * TILE_BYTES);
    memcpy(bytes, made, nbytes);
    pyr_tile_encoder_free(encoder);
    return nbytes;
}

static void decode(const struct pyr_tile_format *format, const uint8_t *bytes,
                   size_t nbytes, uint8_t *pixels)
{
    struct pyr_tile_decoder *decoder = NULL;
    CHECK_INT(pyr_tile_decoder_new(format, &decoder, NULL), PYR_OK);
    CHECK_INT(pyr_tile_decode(decoder, bytes, nbytes, pixels,
                              (size_t)SIDE * format->bands, NULL),
              PYR_OK);
    pyr_tile_decoder_free(decoder);
}

static size_t fetch(enum pyr_plane plane, size_t number, uint8_t *bytes)
{
    struct cogx_promised tile = {.plane = plane,
                                 .tile_col = (uint32_t)(number % TILES_WIDE),
                                 .tile_row = (uint32_t)(number / TILES_WIDE),
                                 .bytes = bytes};
    const size_t nbytes =
        cogx_draft_tile_nbytes(draft, plane, tile.tile_col, tile.tile_row);
    CHECK(nbytes <= 2 * TILE_BYTES);
    tile.nbytes = (uint32_t)nbytes;
    if (nbytes > 0)
        CHECK_INT(cogx_draft_fetch(draft, &tile, 1, fill, &err), PYR_OK);
    return nbytes;
}

/* Tiles are what encoding the scene makes, and pixels what decoding those. */
static void check_tiles(void)
{
    const struct pyr_tile_format *format = &scene.format.image;
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    uint8_t *const found = malloc(IMAGE_BYTES);
    size_t nwrong = 0;
    CHECK_INT(cogx_draft_finish(draft, &scene.format, fill, &err), PYR_OK);
    CHECK_INT(cogx_draft_read_pixels(draft, &all, BANDS, found,
                                     (size_t)WIDTH * BANDS, fill, &err),
              PYR_OK);
    for (size_t i = 0; i < NTILES; i++)
    {
        uint8_t pixels[TILE_BYTES];
        uint8_t expected[2 * TILE_BYTES];
        uint8_t bytes[2 * TILE_BYTES];
        cut_tile(i, pixels);
        const size_t nbytes = encode(format, pixels, expected);
        CHECK_INT(fetch(PYR_PLANE_DATA, i, bytes), nbytes);
        CHECK(memcmp(bytes, expected, nbytes) == 0);
        decode(format, bytes, nbytes, pixels);
        for (uint32_t y = 0; y < SIDE; y++)
            for (uint32_t x = 0; x < SIDE; x++)
            {
                const size_t px_x = i % TILES_WIDE * SIDE + x;
                const size_t px_y = i / TILES_WIDE * SIDE + y;
                if (px_x < WIDTH && px_y < HEIGHT)
                    nwrong += memcmp(found + (px_y * WIDTH + px_x) * BANDS,
                                     pixels + ((size_t)y * SIDE + x) * BANDS,
                                     BANDS) != 0;
            }
    }
    CHECK_INT(nwrong, 0);
    free(found);
}

static void check_block(uint32_t band, uint32_t col, uint32_t row)
{
    const uint32_t side = scene.block_px;
    uint8_t block[SIDE * SIDE];
    uint8_t expected[SIDE * SIDE];
    size_t nwrong = 0;
    make_block(band, col, row, expected);
    CHECK_INT(cogx_draft_read(draft, band, col, row, block, fill, &err),
              PYR_OK);
    for (uint32_t y = 0; y < side && row * side + y < HEIGHT; y++)
        for (uint32_t x = 0; x < side && col * side + x < WIDTH; x++)
            nwrong += block[y * side + x] != expected[y * side + x];
    CHECK_INT(nwrong, 0);
}

static void check_blocks(void)
{
    const uint32_t side = scene.block_px;
    for (uint32_t row = 0; row * side < HEIGHT; row++)
        for (uint32_t col = 0; col * side < WIDTH; col++)
            for (uint32_t band = 0; band < BANDS; band++)
                check_block(band, col, row);
}

/* ---- Tests ---- */

static const enum pyr_tiff_compression compressions[] = {
    PYR_TIFF_NONE, PYR_TIFF_DEFLATE, PYR_TIFF_JPEG, PYR_TIFF_LZW};
#define NCOMPRESSIONS (sizeof compressions / sizeof compressions[0])

/* Row by row, of one band after the other: blocks wait in the cache. */
static void writes_rows(void)
{
    for (size_t i = 0; i < 2 * NCOMPRESSIONS; i++)
    {
        begin(compressions[i / 2], i % 2 ? SIDE : SIDE / 2, 6);
        for (uint32_t y = 0; y < HEIGHT; y++)
        {
            for (uint32_t band = 0; band < BANDS; band++)
                CHECK_INT(paint(band, (struct cogx_rect){0, y, WIDTH, y + 1}, 1,
                                false),
                          PYR_OK);
            if (y % SIDE == SIDE - 1)
                CHECK_INT(flush_all(), PYR_OK);
        }
        CHECK_INT(flush_all(), PYR_OK);
        CHECK_INT(scene.nasked, 1);
        CHECK(compressions[i / 2] == PYR_TIFF_NONE || scene.nsettled > 8);
        check_tiles();
        end();
    }
}

/* All that was written waits, and comes band by band. */
static void writes_bands(void)
{
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    begin(PYR_TIFF_JPEG, SIDE, 6);
    for (uint32_t band = 0; band < BANDS; band++)
        CHECK_INT(paint(band, all, 2, false), PYR_OK);
    for (uint32_t band = 0; band < BANDS; band++)
        for (uint32_t row = 0; row < TILES_HIGH; row++)
            for (uint32_t col = 0; col < TILES_WIDE; col++)
                CHECK_INT(flush(band, col, row), PYR_OK);
    CHECK(scene.nsettled > 10);
    check_tiles();
    end();
}

/* Bands one after the other, without any cache: nothing is encoded before it is
 * complete, nor twice. */
static void writes_bands_apart(void)
{
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    begin(PYR_TIFF_JPEG, SIDE, 6);
    for (uint32_t band = 0; band < BANDS; band++)
        CHECK_INT(paint(band, all, 2, true), PYR_OK);
    check_tiles();
    end();
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void writes_in_any_order(void)
{
    uint32_t state = 3;
    for (unsigned round = 0; round < 8; round++)
    {
        struct cogx_rect rects[9 * 12];
        size_t count = 0;
        begin(PYR_TIFF_JPEG, round % 2 ? SIDE : SIDE / 2, 5);
        for (uint32_t y = 0; y < HEIGHT; y += 15)
            for (uint32_t x = 0; x < WIDTH; x += 13)
                rects[count++] = (struct cogx_rect){x, y, x + 13, y + 15};
        for (size_t i = count; i > 0; i--)
        {
            const size_t chosen = next_random(&state) % i;
            for (uint32_t band = 0; band < BANDS; band++)
                CHECK_INT(paint(band, rects[chosen], round, i % 3 > 0), PYR_OK);
            rects[chosen] = rects[i - 1];
        }
        CHECK_INT(flush_all(), PYR_OK);
        check_tiles();
        end();
    }
}

/* Blocks that nobody spoke of are whole. */
static void writes_blocks(void)
{
    begin(PYR_TIFF_JPEG, SIDE, 3);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++)
            for (uint32_t band = 0; band < BANDS; band++)
                scene.pixels[y][x][band] = value_of(x, y, band, 5);
    memset(scene.waits, true, sizeof scene.waits);
    CHECK_INT(flush_all(), PYR_OK);
    /* Most have left memory, encoded, and are read so. */
    CHECK(scene.nsettled > 15);
    check_tiles();
    end();
}

/* Read back, and written again and again: without loss, nothing changes. */
static void rewrites_without_loss(void)
{
    uint32_t state = 8;
    for (size_t i = 0; i < 2 * NCOMPRESSIONS; i++)
    {
        if (compressions[i / 2] == PYR_TIFF_JPEG)
            continue;
        begin(compressions[i / 2], i % 2 ? SIDE : SIDE / 2, 4);
        for (unsigned j = 0; j < 300; j++)
        {
            const uint32_t x = next_random(&state) % (WIDTH - 1);
            const uint32_t y = next_random(&state) % (HEIGHT - 1);
            const struct cogx_rect rect = {x, y,
                                           x + 1 + next_random(&state) % 70,
                                           y + 1 + next_random(&state) % 50};
            CHECK_INT(paint(next_random(&state) % BANDS, rect, j, true),
                      PYR_OK);
            if (j % 60 == 59)
                check_blocks();
        }
        check_blocks();
        CHECK(cogx_draft_has(draft, 2, 2));
        check_tiles();
        end();
    }
}

/* A tile that was encoded changes in part: it is decoded once, and encoded once
 * more at the end, however often it was written to. */
static void rewrites_with_loss(void)
{
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    begin(PYR_TIFF_JPEG, SIDE, 2);
    for (uint32_t band = 0; band < BANDS; band++)
        CHECK_INT(paint(band, all, 1, false), PYR_OK);
    CHECK_INT(flush_all(), PYR_OK);
    /* What the first tiles are now. */
    for (size_t i = 0; i < 10; i++)
    {
        uint8_t pixels[TILE_BYTES];
        uint8_t bytes[2 * TILE_BYTES];
        cut_tile(i, pixels);
        decode(&scene.format.image, bytes,
               encode(&scene.format.image, pixels, bytes), pixels);
        for (uint32_t y = 0; y < SIDE; y++)
            for (uint32_t x = 0; x < SIDE; x++)
                if (i % TILES_WIDE * SIDE + x < WIDTH)
                    memcpy(scene.pixels[i / TILES_WIDE * SIDE + y]
                                       [i % TILES_WIDE * SIDE + x],
                           pixels + ((size_t)y * SIDE + x) * BANDS, BANDS);
    }
    for (uint32_t row = 0; row < 2; row++)
        for (uint32_t col = 0; col < TILES_WIDE; col++)
            check_block(1, col, row);
    for (unsigned round = 0; round < 4; round++)
        for (size_t i = 0; i < 10; i++)
        {
            const uint32_t x = (uint32_t)(i % TILES_WIDE) * SIDE + round;
            const uint32_t y = (uint32_t)(i / TILES_WIDE) * SIDE + 3 * round;
            CHECK_INT(paint(round % BANDS,
                            (struct cogx_rect){x, y, x + 5, y + 9}, 9, true),
                      PYR_OK);
        }
    check_block(1, 0, 0);
    check_tiles();
    end();
}

/* Written as a whole once more, a tile is as if it had been written then only.
 */
static void rewrites_all(void)
{
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    begin(PYR_TIFF_JPEG, SIDE, 2);
    for (unsigned round = 1; round < 4; round++)
    {
        for (uint32_t band = 0; band < BANDS; band++)
            CHECK_INT(paint(band, all, round, round < 3), PYR_OK);
        CHECK_INT(flush_all(), PYR_OK);
    }
    check_tiles();
    CHECK(!cogx_draft_differs(draft, &scene.format));
    scene.format.image.nextra = 1;
    CHECK(!cogx_draft_differs(draft, &scene.format));
    scene.format.image.quality = 80;
    CHECK(cogx_draft_differs(draft, &scene.format));
    end();
}

/* Until the end, nothing is encoded. */
static void waits_for_the_format(void)
{
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    begin(PYR_TIFF_JPEG, SIDE, 2);
    scene.has_format = false;
    for (uint32_t band = 0; band < BANDS; band++)
        CHECK_INT(paint(band, all, 1, true), PYR_OK);
    CHECK_INT(scene.nasked, 1);
    check_blocks();
    scene.format.image.quality = 85;
    CHECK(!cogx_draft_differs(draft, &scene.format));
    check_tiles();
    end();
}

/* What nothing was written to is not there. */
static void leaves_out_the_rest(void)
{
    const struct cogx_rect rect = {70, 40, 90, 50};
    const struct cogx_rect window = {60, 30, 100, 60};
    uint8_t bytes[2 * TILE_BYTES];
    uint8_t found[30][40][BANDS];
    size_t nwrong = 0;
    begin(PYR_TIFF_DEFLATE, SIDE, 9);
    for (uint32_t band = 0; band < BANDS; band++)
        CHECK_INT(paint(band, rect, 1, true), PYR_OK);
    CHECK(!cogx_draft_has(draft, 0, 0) && cogx_draft_has(draft, 2, 1));
    CHECK_INT(cogx_draft_finish(draft, &scene.format, fill, &err), PYR_OK);
    CHECK_INT(fetch(PYR_PLANE_DATA, 0, bytes), 0);
    CHECK(fetch(PYR_PLANE_DATA, TILES_WIDE + 2, bytes) > 0);
    CHECK_INT(fetch(PYR_PLANE_MASK, TILES_WIDE + 2, bytes), 0);
    CHECK_INT(cogx_draft_read_pixels(draft, &window, BANDS, found[0][0],
                                     sizeof found[0], fill, &err),
              PYR_OK);
    for (uint32_t y = 0; y < 30; y++)
        for (uint32_t x = 0; x < 40; x++)
            nwrong +=
                memcmp(found[y][x], scene.pixels[30 + y][60 + x], BANDS) != 0;
    CHECK_INT(nwrong, 0);
    CHECK_INT(fake_out.count[FAKE_OUT_CREATE], 0);
    end();
}

/* The last band is a mask in the file. */
static void makes_a_mask_of_alpha(void)
{
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    begin(PYR_TIFF_DEFLATE, SIDE, 2);
    scene.format.image.bands = BANDS - 1;
    scene.format.mask_of = COGX_DRAFT_ALPHA;
    for (uint32_t band = 0; band < BANDS; band++)
        CHECK_INT(paint(band, all, 1, false), PYR_OK);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++)
            scene.pixels[y][x][BANDS - 1] = x / 20 % 2 ? 255 : 0;
    CHECK_INT(flush_all(), PYR_OK);
    check_blocks();
    CHECK_INT(cogx_draft_finish(draft, &scene.format, fill, &err), PYR_OK);
    check_blocks();
    for (size_t i = 0; i < NTILES; i++)
    {
        uint8_t pixels[TILE_BYTES];
        uint8_t mask[SIDE * SIDE];
        uint8_t bytes[2 * TILE_BYTES];
        uint8_t expected[2 * TILE_BYTES];
        cut_tile(i, pixels);
        for (size_t j = 0; j < (size_t)SIDE * SIDE; j++)
            mask[j] = pixels[j * BANDS + BANDS - 1];
        for (size_t j = 0; j < (size_t)SIDE * SIDE; j++)
            memmove(pixels + j * (BANDS - 1), pixels + j * BANDS, BANDS - 1);
        const size_t nimage = encode(&scene.format.image, pixels, expected);
        CHECK_INT(fetch(PYR_PLANE_DATA, i, bytes), nimage);
        CHECK(memcmp(bytes, expected, nimage) == 0);
        const size_t nmask = encode(&scene.format.mask, mask, expected);
        CHECK_INT(fetch(PYR_PLANE_MASK, i, bytes), nmask);
        CHECK(memcmp(bytes, expected, nmask) == 0);
    }
    end();
}

/* Pixels of one value are a mask in the file, and keep their value. */
static void makes_a_mask_of_values(void)
{
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    uint8_t *const found = malloc((size_t)WIDTH * HEIGHT);
    size_t nwrong = 0;
    begin(PYR_TIFF_JPEG, SIDE, 2);
    scene.format.mask_of = COGX_DRAFT_VALUES;
    scene.format.masked = fill;
    for (uint32_t band = 0; band < BANDS; band++)
        CHECK_INT(paint(band, all, 1, false), PYR_OK);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++)
            if ((x / 7 + y / 9) % 3 == 0)
                memcpy(scene.pixels[y][x], fill, BANDS);
    CHECK_INT(flush_all(), PYR_OK);
    CHECK_INT(cogx_draft_finish(draft, &scene.format, fill, &err), PYR_OK);
    CHECK_INT(cogx_draft_read_mask(draft, &all, found, WIDTH, fill, &err),
              PYR_OK);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++)
        {
            uint8_t block[SIDE * SIDE];
            const bool masked = (x / 7 + y / 9) % 3 == 0;
            nwrong += found[y * WIDTH + x] != (masked ? 0 : 255);
            if (!masked || (x + y) % 13 > 0)
                continue;
            CHECK_INT(cogx_draft_read(draft, 1, x / SIDE, y / SIDE, block, fill,
                                      &err),
                      PYR_OK);
            nwrong += block[y % SIDE * SIDE + x % SIDE] != fill[1];
        }
    CHECK_INT(nwrong, 0);
    free(found);
    end();
}

/* A disk that is full loses nothing: what failed is written once more. */
static void loses_nothing_to_a_full_disk(void)
{
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    for (unsigned nth = 1; nth < 12; nth++)
    {
        unsigned nfailed = 0;
        begin(PYR_TIFF_DEFLATE, SIDE, 2);
        for (size_t i = 0; i < IMAGE_BYTES; i++)
            (&scene.pixels[0][0][0])[i] = 0;
        for (uint32_t band = 0; band < BANDS; band++)
            CHECK_INT(paint(band, all, 1, false), PYR_OK);
        for (uint32_t y = 0; y < HEIGHT; y++)
            for (uint32_t x = 0; x < WIDTH * BANDS; x++)
                (&scene.pixels[y][0][0])[x] =
                    (uint8_t)((x * 2654435761u + y * 97u) >> 13);
        fake_out.fail[FAKE_OUT_WRITE] = nth;
        enum pyr_result result = PYR_IO;
        while (result != PYR_OK)
        {
            result = flush_all();
            nfailed += result == PYR_IO;
            CHECK(result == PYR_OK || result == PYR_IO);
            CHECK(nfailed < 3);
        }
        CHECK_INT(nfailed, 1);
        check_tiles();
        end();
    }
}

/* What fails for want of memory is done once more; what can do without it does.
 */
static void survives_lack_of_memory(void)
{
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    unsigned nfailed = 0;
    for (unsigned long nth = 1; nth < 600; nth += 1 + nth / 20)
    {
        begin(PYR_TIFF_DEFLATE, SIDE, 2);
        cogx_draft_free(draft);
        draft = NULL;
        pyr_alloc_fail_nth(nth);
        enum pyr_result result = make_draft(SIDE, 2);
        for (uint32_t band = 0; band < BANDS && result == PYR_OK; band++)
            result = paint(band, all, 1, false);
        if (result == PYR_OK)
            result = flush_all();
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        nfailed += result == PYR_NOMEM;
        if (draft != NULL)
        {
            CHECK_INT(flush_all(), PYR_OK);
            check_tiles();
        }
        end();
    }
    CHECK(nfailed > 15);
}

int main(void)
{
    RUN(writes_rows);
    RUN(writes_bands);
    RUN(writes_bands_apart);
    RUN(writes_in_any_order);
    RUN(writes_blocks);
    RUN(rewrites_without_loss);
    RUN(rewrites_with_loss);
    RUN(rewrites_all);
    RUN(waits_for_the_format);
    RUN(leaves_out_the_rest);
    RUN(makes_a_mask_of_alpha);
    RUN(makes_a_mask_of_values);
    RUN(loses_nothing_to_a_full_disk);
    RUN(survives_lack_of_memory);
    return unit_report();
}
