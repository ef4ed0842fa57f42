/* SPDX-License-Identifier: MIT */
/* Tests of cogx_promise: tiles that are fetched while the file is written make
 * the file that tiles put before make. */
#include "cogx_writer.h"
#include "fake_out.h"

#define TILE 16u
#define NLEVELS 2u
#define WIDE 20u /* tiles of the finer level */
#define AT 5000u /* what promises say of tile 0 */
#define LARGE_BYTES ((size_t)9 << 20)
#define BATCH_BYTES ((size_t)8 << 20)
#define BATCH_TILES 1024u
#define NONE UINT32_MAX

static const uint16_t eight[] = {8};
static const uint16_t one[] = {1};
static const struct cogx_tag tags[] = {
    {258, 3, 1, eight}, {259, 3, 1, one}, {262, 3, 1, one}, {277, 3, 1, one}};
static const uint8_t empty_tile[] = {1, 2, 3};

/* Which planes are promised, and what is there. */
struct scene
{
    uint32_t wide[NLEVELS]; /* tiles a side */
    bool masks;
    bool promised[2];  /* by plane */
    size_t tile_bytes; /* at least */
    uint32_t large;    /* number of a tile of LARGE_BYTES */
};

static struct cogx_image images[NLEVELS];
static uint8_t bytes[LARGE_BYTES];

/* What fetch has met. */
static unsigned nfetches;
static unsigned failing; /* the nth fails; 0: none */
static size_t largest_bytes;
static size_t largest_tiles;
static const struct scene *fetched;

static void make_images(const struct scene *scene)
{
    for (uint32_t i = 0; i < NLEVELS; i++)
    {
        const struct cogx_image image = {scene->wide[i] * TILE,
                                         scene->wide[i] * TILE - 3,
                                         TILE,
                                         TILE,
                                         tags,
                                         sizeof(tags) / sizeof(tags[0]),
                                         i == 0 ? empty_tile : NULL,
                                         sizeof(empty_tile)};
        images[i] = image;
    }
}

static uint32_t number_of(const struct scene *scene, uint32_t level,
                          uint32_t tile_col, uint32_t tile_row)
{
    return level * 10000 + tile_row * scene->wide[level] + tile_col;
}

static bool is_there(uint32_t number, enum pyr_plane plane)
{
    return number % 7 != (plane == PYR_PLANE_DATA ? 3 : 4);
}

static size_t size_of(const struct scene *scene, uint32_t number,
                      enum pyr_plane plane)
{
    if (plane == PYR_PLANE_MASK)
        return 1 + number % 90;
    return number == scene->large ? LARGE_BYTES
                                  : scene->tile_bytes + number % 50;
}

static void fill(uint32_t number, enum pyr_plane plane, uint8_t *out,
                 size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++)
        out[i] = (uint8_t)(number + (unsigned)plane * 77 + i * 5 + (i >> 8));
}

static enum pyr_result fetch(void *user, const struct cogx_promised *tiles,
                             size_t ntiles, struct pyr_error *err)
{
    size_t total = 0;
    CHECK(user == &nfetches);
    nfetches++;
    if (nfetches == failing)
        return pyr_fail(err, PYR_IO, "gone");
    for (size_t i = 0; i < ntiles; i++)
    {
        const uint32_t number = number_of(fetched, tiles[i].level,
                                          tiles[i].tile_col, tiles[i].tile_row);
        CHECK_INT(tiles[i].level, tiles[0].level);
        CHECK(fetched->promised[tiles[i].plane]);
        CHECK(is_there(number, tiles[i].plane));
        CHECK_INT(tiles[i].at, AT + number);
        CHECK_INT(tiles[i].nbytes, size_of(fetched, number, tiles[i].plane));
        fill(number, tiles[i].plane, tiles[i].bytes, tiles[i].nbytes);
        total += tiles[i].nbytes;
    }
    if (ntiles > 1 && total > largest_bytes)
        largest_bytes = total;
    if (ntiles > largest_tiles)
        largest_tiles = ntiles;
    return PYR_OK;
}

static enum pyr_result make_writer(const struct scene *scene,
                                   const struct pyr_out *scratch,
                                   struct cogx_writer **out_writer,
                                   struct pyr_error *err)
{
    const struct cogx_writer_options options = {.images = images,
                                                .masks = scene->masks ? images
                                                                      : NULL,
                                                .nlevels = NLEVELS,
                                                .memory_bytes = (size_t)1 << 30,
                                                .spool_path = "/spool",
                                                .scratch = scratch,
                                                .fetch = fetch,
                                                .fetch_user = &nfetches};
    make_images(scene);
    fetched = scene;
    nfetches = 0;
    largest_bytes = 0;
    largest_tiles = 0;
    return cogx_writer_new(&options, out_writer, err);
}

static enum pyr_result give_tile(struct cogx_writer *writer,
                                 const struct scene *scene, uint32_t level,
                                 uint32_t tile, enum pyr_plane plane,
                                 struct pyr_error *err)
{
    const struct pyr_sink *const sink = cogx_writer_sink(writer);
    const uint32_t col = tile % scene->wide[level];
    const uint32_t row = tile / scene->wide[level];
    const uint32_t number = number_of(scene, level, col, row);
    const size_t nbytes = size_of(scene, number, plane);
    if (!is_there(number, plane))
        return PYR_OK;
    if (scene->promised[plane])
        return cogx_writer_promise(writer, plane, level, col, row, AT + number,
                                   nbytes, err);
    fill(number, plane, bytes, nbytes);
    return sink->put(sink->user, plane, level, col, row, bytes, nbytes, err);
}

static enum pyr_result give(struct cogx_writer *writer,
                            const struct scene *scene, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    for (uint32_t level = 0; level < NLEVELS; level++)
        for (uint32_t i = 0; i < scene->wide[level] * scene->wide[level]; i++)
            for (int plane = 0; plane <= (scene->masks ? 1 : 0); plane++)
                if (result == PYR_OK)
                    result = give_tile(writer, scene, level, i,
                                       (enum pyr_plane)plane, err);
    return result;
}

static bool (*stop)(void *user, double fraction);

/* The file is at /out, or there is none. */
static enum pyr_result build(const struct scene *scene, struct pyr_error *err)
{
    const struct pyr_out out = fake_out_hook();
    struct pyr_out_file *file = NULL;
    struct cogx_writer *writer = NULL;
    enum pyr_result result = make_writer(scene, &out, &writer, err);
    if (result == PYR_OK)
        result = give(writer, scene, err);
    if (result == PYR_OK)
        result = out.create(out.user, "/out", &file, err);
    if (result == PYR_OK)
        result = cogx_writer_finish(writer, &out, file, stop, NULL, err);
    if (result == PYR_OK)
        result = out.commit(file, false, err);
    else
        out.discard(file);
    cogx_writer_free(writer);
    CHECK_INT(fake_out.nopen, 0);
    return result;
}

/* What putting all tiles makes; freed by the caller. */
static uint8_t *expected_file(const struct scene *promised, size_t *out_nbytes)
{
    struct scene scene = *promised;
    struct pyr_error err = {""};
    scene.promised[0] = false;
    scene.promised[1] = false;
    fake_out_clear();
    CHECK_INT(build(&scene, &err), PYR_OK);
    CHECK_INT(nfetches, 0);
    const struct pyr_file *const file = files_find("/out");
    *out_nbytes = file != NULL ? file->nbytes : 0;
    uint8_t *const copy = malloc(*out_nbytes + 1);
    if (copy == NULL)
        abort();
    if (file != NULL)
        memcpy(copy, file->bytes, *out_nbytes);
    fake_out_clear();
    return copy;
}

static void check_file(const uint8_t *expected, size_t nbytes)
{
    const struct pyr_file *const file = files_find("/out");
    CHECK(file != NULL);
    CHECK_INT(file != NULL ? file->nbytes : 0, nbytes);
    CHECK(file != NULL && file->nbytes == nbytes &&
          memcmp(file->bytes, expected, nbytes) == 0);
}

static void check_same(const struct scene *scene)
{
    struct pyr_error err = {""};
    size_t nbytes = 0;
    uint8_t *const expected = expected_file(scene, &nbytes);
    CHECK_INT(build(scene, &err), PYR_OK);
    CHECK_STR(err.text, "");
    check_file(expected, nbytes);
    fake_out_clear();
    free(expected);
}

static void test_same_file(void)
{
    for (int masks = 0; masks < 2; masks++)
        for (int planes = 1; planes < 4; planes++)
        {
            const struct scene scene = {{WIDE, 10},
                                        masks != 0,
                                        {(planes & 1) != 0, (planes & 2) != 0},
                                        100,
                                        NONE};
            check_same(&scene);
            /* One for each level, with image and mask together. */
            CHECK_INT(nfetches, scene.promised[0] || masks ? NLEVELS : 0);
        }
}

static void test_batches(void)
{
    /* 343 tiles of 30000 bytes, one of more than a batch: those in front of it,
     * it alone, those behind. */
    const struct scene many = {{WIDE, 10}, true, {true, true}, 30000, 100};
    check_same(&many);
    CHECK_INT(nfetches, 3 + 1);
    CHECK(largest_bytes > BATCH_BYTES / 2 && largest_bytes <= BATCH_BYTES);
    /* 1372 tiles of hardly any. */
    const struct scene small = {{40, WIDE}, false, {true, false}, 1, NONE};
    check_same(&small);
    CHECK_INT(nfetches, 2 + 1);
    CHECK_INT(largest_tiles, BATCH_TILES);
}

/* What is told, and no file. */
static void test_fetch_fails(void)
{
    const struct scene scene = {{WIDE, 10}, true, {true, true}, 30000, NONE};
    for (failing = 1; failing <= 3; failing++)
    {
        struct pyr_error err = {""};
        fake_out_clear();
        CHECK_INT(build(&scene, &err), PYR_IO);
        CHECK_STR(err.text, "gone");
        CHECK_INT(nfetches, failing);
        CHECK(files_find("/out") == NULL);
    }
    failing = 0;
}

static void test_no_memory(void)
{
    const struct scene scene = {{WIDE, 10}, true, {true, true}, 30000, 100};
    size_t nbytes = 0;
    uint8_t *const expected = expected_file(&scene, &nbytes);
    enum pyr_result result = PYR_NOMEM;
    unsigned long nth = 0;
    while (result != PYR_OK && nth < 100)
    {
        struct pyr_error err = {""};
        fake_out_clear();
        pyr_alloc_fail_nth(++nth);
        result = build(&scene, &err);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        CHECK_INT(result == PYR_OK, err.text[0] == '\0');
        CHECK_INT(files_find("/out") != NULL, result == PYR_OK);
    }
    /* The list of a batch, its bytes, and those of one that is larger. */
    CHECK(nth > 10 && nth < 100);
    check_file(expected, nbytes);
    fake_out_clear();
    free(expected);
}

static void check_refused(struct cogx_writer *writer, uint32_t level,
                          uint32_t tile_col, uint64_t at, uint64_t nbytes,
                          const char *text)
{
    struct pyr_error err = {""};
    CHECK(cogx_writer_promise(writer, PYR_PLANE_DATA, level, tile_col, 0, at,
                              nbytes, &err) != PYR_OK);
    CHECK_STR(err.text, text);
}

static void test_refused(void)
{
    const struct scene scene = {{4, 2}, false, {true, false}, 1, NONE};
    const struct pyr_out out = fake_out_hook();
    struct cogx_writer *writer = NULL;
    struct pyr_error err = {""};
    fake_out_clear();
    CHECK_INT(make_writer(&scene, &out, &writer, &err), PYR_OK);
    const struct pyr_sink *const sink = cogx_writer_sink(writer);
    check_refused(writer, 2, 0, 1, 1, "there is no plane 0 of level 2");
    check_refused(writer, 0, 4, 1, 1, "there is no tile 4, 0 of level 0");
    check_refused(writer, 0, 0, 1, 0, "a tile of no bytes");
    check_refused(writer, 0, 0, 1, (uint64_t)1 << 32, "a tile exceeds 4 GB");
    CHECK_INT(cogx_writer_promise(writer, PYR_PLANE_DATA, 0, 1, 0, 1, 1, &err),
              PYR_OK);
    check_refused(writer, 0, 1, 1, 1, "tile 1, 0 of level 0 is there");
    CHECK_INT(
        sink->put(sink->user, PYR_PLANE_DATA, 0, 1, 0, empty_tile, 1, &err),
        PYR_USAGE);
    CHECK_INT(
        sink->put(sink->user, PYR_PLANE_DATA, 1, 1, 0, empty_tile, 1, &err),
        PYR_OK);
    check_refused(writer, 1, 1, 1, 1, "tile 1, 0 of level 1 is there");
    cogx_writer_free(writer);
}

static unsigned nsteps;

static bool stop_soon(void *user, double fraction)
{
    (void)user;
    CHECK(fraction > 0 && fraction <= 1);
    return ++nsteps < 3;
}

static void test_interrupted(void)
{
    const struct scene scene = {{WIDE, 10}, true, {true, true}, 30000, NONE};
    struct pyr_error err = {""};
    fake_out_clear();
    stop = stop_soon;
    CHECK_INT(build(&scene, &err), PYR_CANCELLED);
    CHECK(files_find("/out") == NULL);
    stop = NULL;
}

int main(void)
{
    RUN(test_same_file);
    RUN(test_batches);
    RUN(test_fetch_fails);
    RUN(test_no_memory);
    RUN(test_refused);
    RUN(test_interrupted);
    return unit_report();
}
