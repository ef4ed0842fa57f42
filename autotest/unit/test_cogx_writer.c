/* SPDX-License-Identifier: MIT */
/* Tests of cogx_writer: tiles in any order to a file that libtiff reads, with
 * all where it belongs; what fails leaves nothing behind. */
#include "cogx_writer.h"
#include "fake_out.h"
#include "pyr_buf.h"
#include "pyr_pool.h"
#include "tiff_tile_check.h"

#define TILE 16u
#define MAX_LEVELS 4u
#define NTHREADS 4

static const uint16_t bits[] = {8};
static const uint16_t one[] = {1};
static const double scale[] = {2.0, 3.0, 0.0};
static const char text[] = "four"; /* 5 bytes */
static const uint16_t lzw[] = {5};
static const struct cogx_tag tags[] = {
    {33550, 12, 3, scale}, {262, 3, 1, one}, {258, 3, 1, bits},
    {42112, 2, 5, text},   {277, 3, 1, one}, {284, 3, 1, one},
    {305, 2, 1, ""},       {259, 3, 1, lzw}};
#define NTAGS (sizeof(tags) / sizeof(tags[0]))

/* What a test builds. */
struct scene
{
    uint32_t width_px;
    uint32_t height_px;
    uint32_t nlevels;
    bool masks;
    enum cogx_bigtiff bigtiff;
    unsigned put_of; /* every so-manyth tile is put */
    bool sparse;     /* the others are left out, else empty */
    size_t memory_bytes;
};

static struct cogx_image images[MAX_LEVELS];
static struct cogx_image masks[MAX_LEVELS];
static const uint8_t empty_tile[] = {1, 2, 3, 4, 5};
static const uint8_t empty_mask[] = {9};

static uint64_t written; /* all comes in sequence */

static enum pyr_result write_next(struct pyr_out_file *file,
                                  uint64_t offset_bytes, const void *bytes,
                                  size_t nbytes, struct pyr_error *err)
{
    CHECK_INT(offset_bytes, written);
    written += nbytes;
    return fake_out_write(file, offset_bytes, bytes, nbytes, err);
}

static struct pyr_out sequential_out(void)
{
    struct pyr_out out = fake_out_hook();
    out.write = write_next;
    return out;
}

static void make_images(const struct scene *scene)
{
    uint32_t width_px = scene->width_px;
    uint32_t height_px = scene->height_px;

    for (uint32_t i = 0; i < scene->nlevels; i++)
    {
        const struct cogx_image image = {width_px,
                                         height_px,
                                         TILE,
                                         TILE,
                                         tags,
                                         NTAGS,
                                         scene->sparse ? NULL : empty_tile,
                                         sizeof(empty_tile)};
        images[i] = image;
        masks[i] = image;
        masks[i].empty_tile = scene->sparse ? NULL : empty_mask;
        masks[i].empty_nbytes = sizeof(empty_mask);
        width_px = (width_px + 1) / 2;
        height_px = (height_px + 1) / 2;
    }
}

static uint32_t tiles(uint32_t size_px)
{
    return (size_px + TILE - 1) / TILE;
}

/* A tile of any size, from 1 byte on; now and then of more than the pieces that
 * are written. */
static size_t make_tile(size_t number, uint8_t *bytes)
{
    const size_t nbytes = number % 97 == 50 ? (size_t)1500000 + number
                                            : 1 + number * number % 3000;
    for (size_t i = 0; i < nbytes; i++)
        bytes[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8));
    return nbytes;
}

#define MAX_TILE_BYTES 1600000

/* Number of a tile, different for each of a file. */
static size_t number_of(enum pyr_plane plane, uint32_t level, uint32_t tile_col,
                        uint32_t tile_row)
{
    return 2 * (1000 * (size_t)level + 100 * (size_t)tile_row + tile_col) +
           (size_t)plane;
}

struct job
{
    const struct scene *scene;
    const struct pyr_sink *sink;
    size_t step; /* of the order; prime */
    size_t nitems;
    enum pyr_result result; /* of the last that failed */
};

/* Tile by tile of all levels and planes. */
static void put_item(void *user, unsigned worker, size_t item)
{
    static uint8_t bytes[NTHREADS][MAX_TILE_BYTES];
    struct job *job = user;
    struct pyr_error err = {""};
    size_t left = item * job->step % job->nitems;
    for (uint32_t level = 0; level < job->scene->nlevels; level++)
        for (int plane = 0; plane <= (int)job->scene->masks; plane++)
        {
            const uint32_t wide = tiles(images[level].width_px);
            const size_t ntiles = (size_t)wide * tiles(images[level].height_px);
            if (left >= ntiles)
            {
                left -= ntiles;
                continue;
            }
            const uint32_t col = (uint32_t)(left % wide);
            const uint32_t row = (uint32_t)(left / wide);
            const size_t number =
                number_of((enum pyr_plane)plane, level, col, row);
            if ((number / 2 + number % 2 + 1) % job->scene->put_of != 0)
                return;
            const size_t nbytes = make_tile(number, bytes[worker]);
            const enum pyr_result result =
                job->sink->put(job->sink->user, (enum pyr_plane)plane, level,
                               col, row, bytes[worker], nbytes, &err);
            if (result != PYR_OK)
                job->result = result;
            return;
        }
}

static size_t count_items(const struct scene *scene)
{
    size_t nitems = 0;
    for (uint32_t level = 0; level < scene->nlevels; level++)
        nitems += (scene->masks ? 2 : 1) *
                  (size_t)tiles(images[level].width_px) *
                  tiles(images[level].height_px);
    return nitems;
}

/* Makes the writer, puts all tiles and finishes; result is that of the first
 * step that fails. The file is called "/out". */
static enum pyr_result build(const struct scene *scene, size_t step_of_order,
                             bool threads, struct pyr_error *err)
{
    const struct pyr_out out = sequential_out();
    const struct pyr_out scratch = fake_out_hook();
    const struct cogx_writer_options options = {
        .images = images,
        .masks = scene->masks ? masks : NULL,
        .nlevels = scene->nlevels,
        .bigtiff = scene->bigtiff,
        .memory_bytes = scene->memory_bytes,
        .spool_path = "/spool",
        .scratch = &scratch};
    struct cogx_writer *writer = NULL;
    struct pyr_out_file *file = NULL;

    make_images(scene);
    written = 0;
    enum pyr_result result = cogx_writer_new(&options, &writer, err);
    if (result != PYR_OK)
        return result;
    struct job job = {scene, cogx_writer_sink(writer), step_of_order,
                      count_items(scene), PYR_OK};
    if (threads)
    {
        const struct pyr_job work = {.run = put_item, .user = &job};
        struct pyr_pool *pool = NULL;
        CHECK_INT(pyr_pool_new(&pool), PYR_OK);
        pyr_pool_run(pool, &work, job.nitems, NTHREADS);
        pyr_pool_free(pool);
    }
    else
        for (size_t item = 0; item < job.nitems && job.result == PYR_OK; item++)
            put_item(&job, 0, item);
    result = job.result;
    if (result == PYR_OK)
        result = out.create(out.user, "/out", &file, err);
    if (result == PYR_OK)
        result = cogx_writer_finish(writer, &out, file, NULL, NULL, err);
    if (result == PYR_OK)
        result = out.commit(file, false, err);
    else
        out.discard(file);
    cogx_writer_free(writer);
    return result;
}

static uint8_t expected_bytes[MAX_TILE_BYTES];
static uint8_t found_bytes[MAX_TILE_BYTES];

/* What stands in the file for a tile; 0 where it is left out. */
static size_t expected_tile(const struct scene *scene, size_t number)
{
    const bool is_mask = number % 2 == 1;
    const uint8_t *empty = is_mask ? empty_mask : empty_tile;
    if ((number / 2 + number % 2 + 1) % scene->put_of == 0)
        return make_tile(number, expected_bytes);
    if (scene->sparse)
        return 0;
    const size_t nbytes = is_mask ? sizeof(empty_mask) : sizeof(empty_tile);
    memcpy(expected_bytes, empty, nbytes);
    return nbytes;
}

/* Where the walk over the tiles of the file is. */
struct place
{
    const struct pyr_file *file;
    uint64_t offset; /* of the next leader */
};

/* One tile of the directory that is read. */
static bool is_right_tile(TIFF *tiff, const struct scene *scene, size_t number,
                          uint32_t tile, struct place *place)
{
    const uint8_t *bytes = place->file->bytes;
    const size_t nbytes = expected_tile(scene, number);
    uint8_t trailer[4] = {0, 0, 0, 0};

    if (TIFFGetStrileByteCount(tiff, tile) != nbytes)
        return false;
    if (nbytes == 0)
        return TIFFGetStrileOffset(tiff, tile) == 0;
    if (TIFFGetStrileOffset(tiff, tile) != place->offset + 4 ||
        place->offset + nbytes + 8 > place->file->nbytes ||
        pyr_le32(bytes + place->offset) != nbytes)
        return false;
    if (TIFFReadRawTile(tiff, tile, found_bytes, (tmsize_t)nbytes) !=
            (tmsize_t)nbytes ||
        memcmp(found_bytes, expected_bytes, nbytes) != 0)
        return false;
    memcpy(trailer, expected_bytes + (nbytes > 4 ? nbytes - 4 : 0),
           nbytes > 4 ? 4 : nbytes);
    if (memcmp(bytes + place->offset + 4 + nbytes, trailer, 4) != 0)
        return false;
    place->offset += nbytes + 8;
    return true;
}

static void check_tags(TIFF *tiff, const struct scene *scene, uint32_t level,
                       bool is_mask)
{
    uint32_t value = 0;
    uint32_t width_px = 0;
    uint32_t height_px = 0;
    uint16_t short_value = 0;
    uint32_t count = 0;
    const void *values = NULL;
    const uint32_t subfile = (level > 0 ? 1u : 0u) | (is_mask ? 4u : 0u);

    CHECK_INT(TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &value), subfile != 0);
    CHECK_INT(value, subfile);
    CHECK(TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width_px));
    CHECK(TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height_px));
    CHECK_INT(width_px, images[level].width_px);
    CHECK_INT(height_px, images[level].height_px);
    CHECK(TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width_px));
    CHECK(TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height_px));
    CHECK(width_px == TILE && height_px == TILE);
    CHECK(TIFFGetField(tiff, TIFFTAG_BITSPERSAMPLE, &short_value));
    CHECK_INT(short_value, 8);
    CHECK(TIFFGetField(tiff, 33550, &count, &values));
    CHECK(count == 3 && memcmp(values, scale, sizeof(scale)) == 0);
    CHECK(TIFFGetField(tiff, 42112, &count, &values));
    CHECK_STR((const char *)values, "four");
    CHECK(!TIFFIsBigEndian(tiff));
    CHECK_INT(TIFFIsBigTIFF(tiff), scene->bigtiff == COGX_BIGTIFF_YES);
}

/* Directory of a level, or of its mask. */
static tdir_t dir_of(const struct scene *scene, uint32_t level, bool is_mask)
{
    return (tdir_t)(scene->masks ? 2 * level + is_mask : level);
}

/* Both planes of a level, tile by tile. */
static void check_level(TIFF *tiff[2], const struct scene *scene,
                        uint32_t level, struct place *place)
{
    const uint32_t wide = tiles(images[level].width_px);
    const uint32_t high = tiles(images[level].height_px);
    unsigned nwrong = 0;

    for (unsigned plane = 0; plane <= scene->masks; plane++)
    {
        CHECK(TIFFSetDirectory(tiff[plane], dir_of(scene, level, plane == 1)));
        CHECK_INT(TIFFNumberOfTiles(tiff[plane]), wide * high);
        check_tags(tiff[plane], scene, level, plane == 1);
    }
    for (uint32_t row = 0; row < high; row++)
        for (uint32_t col = 0; col < wide; col++)
            for (unsigned plane = 0; plane <= scene->masks; plane++)
                nwrong += !is_right_tile(
                    tiff[plane], scene,
                    number_of((enum pyr_plane)plane, level, col, row),
                    row * wide + col, place);
    CHECK_INT(nwrong, 0);
}

/* The head, up to the first directory. */
static uint64_t check_head(const struct scene *scene,
                           const struct pyr_file *file)
{
    const size_t header = scene->bigtiff == COGX_BIGTIFF_YES ? 16 : 8;
    const char *ghost = (const char *)file->bytes + header;
    const char *expected = scene->masks
                               ? "GDAL_STRUCTURAL_METADATA_SIZE=000174 bytes\n"
                                 "LAYOUT=IFDS_BEFORE_DATA\n"
                                 "BLOCK_ORDER=ROW_MAJOR\n"
                                 "BLOCK_LEADER=SIZE_AS_UINT4\n"
                                 "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
                                 "KNOWN_INCOMPATIBLE_EDITION=NO\n "
                                 "MASK_INTERLEAVED_WITH_IMAGERY=YES\n"
                               : "GDAL_STRUCTURAL_METADATA_SIZE=000140 bytes\n"
                                 "LAYOUT=IFDS_BEFORE_DATA\n"
                                 "BLOCK_ORDER=ROW_MAJOR\n"
                                 "BLOCK_LEADER=SIZE_AS_UINT4\n"
                                 "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
                                 "KNOWN_INCOMPATIBLE_EDITION=NO\n ";
    const uint64_t first = pyr_le32(file->bytes + (header == 16 ? 8 : 4));

    CHECK(strncmp(ghost, expected, strlen(expected)) == 0);
    CHECK_INT(first, header + strlen(expected) + strlen(expected) % 2);
    return first;
}

static void check_file(const struct scene *scene)
{
    const struct pyr_file *file = files_find("/out");
    if (file == NULL)
    {
        CHECK(file != NULL);
        return;
    }
    struct memory_file copies[2] = {{file->bytes, file->nbytes, 0, 0},
                                    {file->bytes, file->nbytes, 0, 0}};
    TIFF *tiff[2] = {memory_open(&copies[0], "r"),
                     memory_open(&copies[1], "r")};
    struct place place = {file, UINT64_MAX};
    uint64_t last = 0;

    CHECK_INT(written, file->nbytes);
    CHECK_INT(TIFFNumberOfDirectories(tiff[0]),
              scene->nlevels * (scene->masks ? 2u : 1u));
    CHECK_INT(TIFFCurrentDirOffset(tiff[0]), check_head(scene, file));
    for (tdir_t dir = 0; dir < TIFFNumberOfDirectories(tiff[0]); dir++)
    {
        CHECK(TIFFSetDirectory(tiff[0], dir));
        CHECK(TIFFCurrentDirOffset(tiff[0]) > last);
        last = TIFFCurrentDirOffset(tiff[0]);
        for (uint32_t i = 0; i < TIFFNumberOfTiles(tiff[0]); i++)
            if (TIFFGetStrileOffset(tiff[0], i) != 0 &&
                TIFFGetStrileOffset(tiff[0], i) - 4 < place.offset)
                place.offset = TIFFGetStrileOffset(tiff[0], i) - 4;
    }
    CHECK(place.offset > last);
    for (uint32_t level = scene->nlevels; level-- > 0;)
        check_level(tiff, scene, level, &place);
    CHECK(place.offset == file->nbytes || place.offset == UINT64_MAX);
    TIFFClose(tiff[1]);
    TIFFClose(tiff[0]);
}

static const struct scene scenes[] = {
    {100, 70, 3, false, COGX_BIGTIFF_AUTO, 1, true, 1u << 30},
    {100, 70, 3, true, COGX_BIGTIFF_AUTO, 1, true, 1u << 30},
    {100, 70, 3, true, COGX_BIGTIFF_YES, 1, false, 0},
    {100, 70, 3, false, COGX_BIGTIFF_YES, 1, false, 1u << 20},
    {300, 200, 4, true, COGX_BIGTIFF_NO, 3, false, 1u << 20},
    {300, 200, 4, true, COGX_BIGTIFF_NO, 3, true, 0},
    {300, 200, 4, false, COGX_BIGTIFF_IF_SAFER, 2, true, 1u << 20},
    {33, 16, 2, true, COGX_BIGTIFF_YES, 1, true, 0},
    {17, 1, 2, true, COGX_BIGTIFF_AUTO, 1, true, 0},
    {1, 1, 1, true, COGX_BIGTIFF_YES, 1, true, 0},
    {1, 1, 1, false, COGX_BIGTIFF_AUTO, 1, true, 0},
    {100, 70, 2, true, COGX_BIGTIFF_AUTO, 100000, false, 0}};
#define NSCENES (sizeof(scenes) / sizeof(scenes[0]))

static void test_files(void)
{
    for (size_t i = 0; i < NSCENES; i++)
    {
        struct pyr_error err = {""};
        fake_out_clear();
        CHECK_INT(build(&scenes[i], 1, false, &err), PYR_OK);
        CHECK_STR(err.text, "");
        check_file(&scenes[i]);
        CHECK_INT(fake_out.nopen, 0);
        CHECK_INT(files.count, 1);
        CHECK(fake_out.largest_write <= 4u << 20);
    }
    fake_out_clear();
}

/* Other orders, several threads, other memory: the same file. */
static void test_any_order(void)
{
    for (size_t i = 0; i < NSCENES; i++)
    {
        struct scene scene = scenes[i];
        fake_out_clear();
        CHECK_INT(build(&scene, 1, false, NULL), PYR_OK);
        const struct pyr_file *file = files_find("/out");
        const size_t nbytes = file->nbytes;
        uint8_t *bytes = tile_need(malloc(nbytes));
        memcpy(bytes, file->bytes, nbytes);
        for (unsigned order = 0; order < 3; order++)
        {
            scene.memory_bytes = order == 0 ? 1u << 30 : 300000;
            CHECK_INT(
                build(&scene, order == 0 ? 1009 : 10007, order == 2, NULL),
                PYR_OK);
            file = files_find("/out");
            CHECK_INT(file->nbytes, nbytes);
            CHECK(file->nbytes == nbytes &&
                  memcmp(file->bytes, bytes, nbytes) == 0);
        }
        free(bytes);
    }
    fake_out_clear();
}

/* The temporary files hold no more than the output. */
static void test_spool_size(void)
{
    fake_out_clear();
    CHECK_INT(build(&scenes[2], 1, false, NULL), PYR_OK);
    CHECK(fake_out.nbytes <= 2 * files_find("/out")->nbytes);
    fake_out_clear();
}

/* Nothing but empty tiles left out: a head, and no tile. */
static void test_all_sparse(void)
{
    struct scene scene = scenes[11];
    scene.sparse = true;
    fake_out_clear();
    CHECK_INT(build(&scene, 1, false, NULL), PYR_OK);
    const struct pyr_file *file = files_find("/out");
    struct memory_file copy = {file->bytes, file->nbytes, 0, 0};
    TIFF *tiff = memory_open(&copy, "r");
    CHECK_INT(TIFFNumberOfDirectories(tiff), 4);
    CHECK_INT(TIFFNumberOfTiles(tiff), 35);
    for (uint32_t i = 0; i < 35; i++)
        CHECK(TIFFGetStrileOffset(tiff, i) == 0 &&
              TIFFGetStrileByteCount(tiff, i) == 0);
    TIFFClose(tiff);
    fake_out_clear();
}

/* A file that is not kept, but for its first bytes. */
static uint8_t first_bytes[16];

static enum pyr_result write_nothing(struct pyr_out_file *file,
                                     uint64_t offset_bytes, const void *bytes,
                                     size_t nbytes, struct pyr_error *err)
{
    (void)file;
    (void)err;
    if (offset_bytes == 0)
        memcpy(first_bytes, bytes, sizeof(first_bytes));
    CHECK_INT(offset_bytes, written);
    written += nbytes;
    return PYR_OK;
}

/* Finishes a file of empty tiles and one other. */
static enum pyr_result finish_large(const struct cogx_image *image,
                                    enum cogx_bigtiff bigtiff,
                                    const uint8_t *bytes, size_t nbytes,
                                    struct pyr_error *err)
{
    struct pyr_out out = fake_out_hook();
    const struct cogx_writer_options options = {.images = image,
                                                .nlevels = 1,
                                                .bigtiff = bigtiff,
                                                .memory_bytes = 1u << 30,
                                                .spool_path = "/spool",
                                                .scratch = &out};
    struct cogx_writer *writer = NULL;

    out.write = write_nothing;
    written = 0;
    CHECK_INT(cogx_writer_new(&options, &writer, err), PYR_OK);
    const struct pyr_sink *sink = cogx_writer_sink(writer);
    if (nbytes > 0)
        CHECK_INT(
            sink->put(sink->user, PYR_PLANE_DATA, 0, 3, 0, bytes, nbytes, err),
            PYR_OK);
    const enum pyr_result result =
        cogx_writer_finish(writer, &out, NULL, NULL, NULL, err);
    cogx_writer_free(writer);
    return result;
}

/* Classic TIFF up to its last byte. */
static void test_bigtiff(void)
{
    static uint8_t empty[8u << 20];
    struct cogx_image image = {511 * TILE, TILE,  TILE,  TILE,
                               tags,       NTAGS, empty, sizeof(empty)};
    struct pyr_error err = {""};
    fake_out_clear();
    CHECK_INT(finish_large(&image, COGX_BIGTIFF_AUTO, NULL, 0, &err), PYR_OK);
    CHECK_INT(first_bytes[2], 42);
    const uint64_t left =
        UINT32_MAX - (written - (sizeof(empty) + 8)) - 8; /* of the other */
    uint8_t *tile = tile_need(calloc((size_t)left + 1, 1));
    CHECK_INT(finish_large(&image, COGX_BIGTIFF_NO, tile, (size_t)left, &err),
              PYR_OK);
    CHECK_INT(first_bytes[2], 42);
    CHECK_INT(written, UINT32_MAX);
    CHECK_INT(
        finish_large(&image, COGX_BIGTIFF_NO, tile, (size_t)left + 1, &err),
        PYR_LIMIT);
    CHECK_STR(err.text, "the file exceeds 4 GB, which only BigTIFF can hold");
    CHECK_INT(
        finish_large(&image, COGX_BIGTIFF_AUTO, tile, (size_t)left + 1, &err),
        PYR_OK);
    CHECK_INT(first_bytes[2], 43);
    CHECK(written > UINT32_MAX);
    free(tile);
    fake_out_clear();
}

/* IF_SAFER looks at the pixels, here 3.8 million tiles that are never put. */
static void test_huge_sparse(void)
{
    const struct cogx_image image = {1000000, 1000000, 512,  512,
                                     tags,    NTAGS,   NULL, 0};
    struct pyr_error err = {""};
    fake_out_clear();
    CHECK_INT(finish_large(&image, COGX_BIGTIFF_IF_SAFER, first_bytes, 7, &err),
              PYR_OK);
    CHECK_INT(first_bytes[2], 43);
    CHECK(written > 1954u * 1954u * 12u);
    CHECK(written < 1954u * 1954u * 12u + 1000u);
    CHECK_INT(finish_large(&image, COGX_BIGTIFF_AUTO, first_bytes, 7, &err),
              PYR_OK);
    CHECK_INT(first_bytes[2], 42);
    CHECK(written > 1954u * 1954u * 8u && written < 1954u * 1954u * 8u + 1000u);
    fake_out_clear();
}

static void check_refused(const struct cogx_writer_options *options,
                          enum pyr_result expected, const char *message)
{
    struct cogx_writer *writer = NULL;
    struct pyr_error err = {""};
    CHECK_INT(cogx_writer_new(options, &writer, &err), expected);
    CHECK_STR(err.text, message);
    CHECK(writer == NULL);
}

static void test_bad_options(void)
{
    const struct pyr_out out = fake_out_hook();
    struct cogx_writer_options options = {.images = images,
                                          .masks = masks,
                                          .nlevels = 0,
                                          .spool_path = "/spool",
                                          .scratch = &out};
    make_images(&scenes[0]);
    check_refused(&options, PYR_USAGE, "0 levels");
    options.nlevels = 3;
    masks[1].tile_width_px = 32;
    check_refused(&options, PYR_USAGE,
                  "level 1 and its mask have different shapes");
    images[2].width_px = 0;
    masks[1].tile_width_px = TILE;
    check_refused(&options, PYR_USAGE, "level 2 is empty");
    images[2].width_px = images[2].height_px = UINT32_MAX;
    options.masks = NULL;
    check_refused(&options, PYR_LIMIT,
                  "level 2 has more tiles than TIFF can index");
    cogx_writer_free(NULL);
}

static void check_bad_tag(const struct cogx_tag *bad, enum pyr_result expected,
                          const char *message)
{
    struct cogx_tag all[NTAGS + 1];
    struct cogx_image image = {10, 10, TILE, TILE, all, NTAGS + 1, NULL, 0};
    struct pyr_error err = {""};
    memcpy(all, tags, sizeof(tags));
    all[NTAGS] = *bad;
    CHECK_INT(finish_large(&image, COGX_BIGTIFF_AUTO, NULL, 0, &err), expected);
    CHECK_STR(err.text, message);
}

static void test_bad_tags(void)
{
    check_bad_tag(&(struct cogx_tag){258, 3, 1, bits}, PYR_USAGE,
                  "tag 258 is there twice");
    check_bad_tag(&(struct cogx_tag){324, 3, 1, bits}, PYR_USAGE,
                  "tag 324 is the writer's own");
    check_bad_tag(&(struct cogx_tag){700, 16, 1, scale}, PYR_USAGE,
                  "tag 700 cannot have type 16");
    check_bad_tag(&(struct cogx_tag){700, 99, 1, scale}, PYR_USAGE,
                  "tag 700 cannot have type 99");
    check_bad_tag(&(struct cogx_tag){700, 1, 0, scale}, PYR_USAGE,
                  "tag 700 has no value");
}

static void test_bad_tiles(void)
{
    const struct pyr_out out = fake_out_hook();
    const struct cogx_writer_options options = {.images = images,
                                                .nlevels = 2,
                                                .memory_bytes = 1u << 20,
                                                .spool_path = "/spool",
                                                .scratch = &out};
    struct cogx_writer *writer = NULL;
    struct pyr_error err = {""};
    make_images(&scenes[0]);
    CHECK_INT(cogx_writer_new(&options, &writer, &err), PYR_OK);
    const struct pyr_sink *sink = cogx_writer_sink(writer);
    CHECK(sink->wants == NULL && sink->finish == NULL);
    CHECK_INT(
        sink->put(sink->user, PYR_PLANE_MASK, 0, 0, 0, empty_tile, 1, &err),
        PYR_USAGE);
    CHECK_STR(err.text, "there is no plane 1 of level 0");
    CHECK_INT(
        sink->put(sink->user, PYR_PLANE_DATA, 2, 0, 0, empty_tile, 1, &err),
        PYR_USAGE);
    CHECK_INT(
        sink->put(sink->user, PYR_PLANE_DATA, 0, 7, 0, empty_tile, 1, &err),
        PYR_USAGE);
    CHECK_STR(err.text, "there is no tile 7, 0 of level 0");
    CHECK_INT(
        sink->put(sink->user, PYR_PLANE_DATA, 0, 0, 5, empty_tile, 1, &err),
        PYR_USAGE);
    CHECK_INT(
        sink->put(sink->user, PYR_PLANE_DATA, 0, 0, 0, empty_tile, 0, &err),
        PYR_USAGE);
    CHECK_STR(err.text, "a tile of no bytes");
    CHECK_INT(
        sink->put(sink->user, PYR_PLANE_DATA, 0, 0, 0, empty_tile, 1, &err),
        PYR_OK);
    CHECK_INT(
        sink->put(sink->user, PYR_PLANE_DATA, 0, 0, 0, empty_tile, 1, &err),
        PYR_USAGE);
    CHECK_STR(err.text, "tile 0, 0 of level 0 is there");
    cogx_writer_free(writer);
}

/* Counts down, then stops. */
static double last_fraction;

static bool count_down(void *user, double fraction)
{
    unsigned *left = user;
    CHECK(fraction > last_fraction && fraction <= 1.0);
    last_fraction = fraction;
    return *left > 0 && (*left)-- > 0;
}

static void test_progress(void)
{
    static uint8_t empty[1u << 20];
    const struct cogx_image image = {16 * TILE, TILE,  TILE,  TILE,
                                     tags,      NTAGS, empty, sizeof(empty)};
    struct pyr_out out = fake_out_hook();
    const struct cogx_writer_options options = {.images = &image,
                                                .nlevels = 1,
                                                .spool_path = "/spool",
                                                .scratch = &out};
    out.write = write_nothing;
    for (unsigned left = 0; left <= 20; left++)
    {
        struct cogx_writer *writer = NULL;
        struct pyr_error err = {""};
        unsigned calls = left;
        written = 0;
        last_fraction = 0.0;
        CHECK_INT(cogx_writer_new(&options, &writer, &err), PYR_OK);
        const enum pyr_result result =
            cogx_writer_finish(writer, &out, NULL, count_down, &calls, &err);
        CHECK_INT(result, left < 17 ? PYR_CANCELLED : PYR_OK);
        CHECK_INT(last_fraction == 1.0, left >= 16);
        cogx_writer_free(writer);
    }
}

/* Each operation on files fails in turn, and each allocation: nothing is left
 * open, and no output is there. */
static void test_failures(void)
{
    static const size_t picked[] = {2, 5, 8, 11};
    for (size_t i = 0; i < 4; i++)
        for (unsigned nth = 1; nth < 1000; nth++)
        {
            struct pyr_error err = {""};
            fake_out_clear();
            fake_out.fail_any = nth;
            const enum pyr_result result =
                build(&scenes[picked[i]], 1, false, &err);
            if (result == PYR_OK)
                break;
            CHECK_INT(result, PYR_IO);
            CHECK(err.text[0] != '\0' || fake_out.count[FAKE_OUT_CREATE] > 0);
            CHECK_INT(fake_out.nopen, 0);
            CHECK_INT(files.count, 0);
            CHECK(nth < 999);
        }
    for (size_t i = 0; i < 4; i++)
        for (unsigned long nth = 1; nth < 1000; nth++)
        {
            struct pyr_error err = {""};
            fake_out_clear();
            pyr_alloc_fail_nth(nth);
            const enum pyr_result result =
                build(&scenes[picked[i]], 1, false, &err);
            pyr_alloc_fail_nth(0);
            if (result == PYR_OK)
                break;
            CHECK_INT(result, PYR_NOMEM);
            CHECK_INT(fake_out.nopen, 0);
            CHECK_INT(files.count, 0);
            CHECK(nth < 999);
        }
    fake_out_clear();
}

int main(void)
{
    TIFFSetWarningHandler(NULL); /* of tags that it does not know */
    RUN(test_files);
    RUN(test_any_order);
    RUN(test_spool_size);
    RUN(test_all_sparse);
    RUN(test_bigtiff);
    RUN(test_huge_sparse);
    RUN(test_bad_options);
    RUN(test_bad_tags);
    RUN(test_bad_tiles);
    RUN(test_progress);
    RUN(test_failures);
    return unit_report();
}
