/* SPDX-License-Identifier: MIT */
/* Tests of what is written before a slab's tiles, against all that the
 * reference tools wrote. */
#include "fake_files.h"
#include "rok4_pyramid.h"
#include "rok4_slab.h"

#include <dirent.h>

#define MAX_SLAB_BYTES (4u << 20)
#define FORMATS 12

static struct pyr_error err;
static unsigned nslabs;
static bool seen[FORMATS][PYR_MAX_BANDS + 1];
static unsigned nmasks;
static unsigned nones; /* slabs of one tile */

/* The whole file; NULL when there is none. Freed with free. */
static uint8_t *read_file(const char *path, size_t *out_nbytes)
{
    uint8_t *const bytes = malloc(MAX_SLAB_BYTES + 1);
    FILE *const stream = fopen(path, "rb");
    if (bytes == NULL || stream == NULL)
    {
        free(bytes);
        return NULL;
    }
    *out_nbytes = fread(bytes, 1, MAX_SLAB_BYTES, stream);
    bytes[*out_nbytes] = '\0';
    CHECK(*out_nbytes < MAX_SLAB_BYTES);
    (void)fclose(stream);
    return bytes;
}

static void check_slab(const struct rok4_slab_shape *shape, const char *path,
                       const uint8_t *bytes, size_t nbytes)
{
    const uint32_t ntiles = shape->tiles_per_width * shape->tiles_per_height;
    const size_t index_nbytes = 8 * (size_t)ntiles;
    const uint8_t *const index = bytes + ROK4_SLAB_HEADER_BYTES;
    uint8_t header[ROK4_SLAB_HEADER_BYTES];
    uint32_t *const sizes = calloc(ntiles, sizeof *sizes);
    uint8_t *const placed = malloc(index_nbytes);
    uint64_t end = 0;
    if (sizes == NULL || placed == NULL)
        abort();
    for (uint32_t i = 0; i < ntiles; i++)
    {
        struct pyr_extent extent = {0, 0};
        CHECK_INT(rok4_slab_locate(index, ntiles, i, nbytes,
                                   rok4_slab_tile_limit(&shape->tile), &extent,
                                   &err),
                  PYR_OK);
        sizes[i] = (uint32_t)extent.nbytes;
    }
    rok4_slab_header(shape, sizes[0], header);
    CHECK_INT(rok4_slab_place(sizes, ntiles, 0, placed, &end, &err), PYR_OK);
    if (memcmp(bytes, header, sizeof header) != 0 ||
        memcmp(index, placed, index_nbytes) != 0 || end != nbytes)
    {
        CHECK_STR(path, "as it is written");
        CHECK_INT(end, nbytes);
    }
    free(sizes);
    free(placed);
    nslabs++;
    seen[shape->format][shape->tile.bands] = true;
    nones += ntiles == 1;
}

/* A line "0/DATA/5/00/00/WM.tif" of the list of a pyramid. */
static void check_line(const struct rok4_pyramid *pyramid, const char *name,
                       const char *line)
{
    const char *const slash = strchr(line, '/');
    const struct rok4_descriptor *const descriptor = pyramid->descriptor;
    char path[1000];
    size_t nbytes = 0;
    if (slash == NULL || strchr(line, '=') != NULL)
        return;
    const bool mask = strncmp(slash, "/MASK/", 6) == 0;
    (void)snprintf(path, sizeof path, "%s/%s%s", ROK4_TEST_DATA, name, slash);
    uint8_t *const bytes = read_file(path, &nbytes);
    if (bytes == NULL)
        return;
    for (size_t i = 0; i < descriptor->nlevels; i++)
    {
        const struct rok4_level *const level = &descriptor->levels[i];
        const size_t length = strlen(level->id);
        const struct rok4_slab_shape shape = {
            .format = mask ? ROK4_ZIP_UINT8 : descriptor->format,
            .tile = pyramid->planes[mask].levels[i].shape,
            .tiles_per_width = level->tiles_per_width,
            .tiles_per_height = level->tiles_per_height};
        if (strncmp(slash + 6, level->id, length) == 0 &&
            slash[6 + length] == '/')
            check_slab(&shape, path, bytes, nbytes);
    }
    nmasks += mask;
    free(bytes);
}

/* Reads ROK4_TEST_DATA/NAME.EXTENSION. */
static char *read_beside(const char *name, const char *extension)
{
    char path[1000];
    size_t nbytes = 0;
    (void)snprintf(path, sizeof path, "%s/%s.%s", ROK4_TEST_DATA, name,
                   extension);
    return (char *)read_file(path, &nbytes);
}

static void check_pyramid(const char *name)
{
    static const struct rok4_open_options options = {.tms_directory = "/tms",
                                                     .allow_outside = true};
    const struct pyr_io io = files_io();
    struct rok4_pyramid *pyramid = NULL;
    char *const text = read_beside(name, "json");
    char *const list = read_beside(name, "list");
    err.text[0] = '\0';
    if (text == NULL || list == NULL)
        goto done; /* a vector pyramid */
    CHECK_INT(rok4_pyramid_open(&io, "/data/N.json", text, strlen(text),
                                &options, &pyramid, &err),
              PYR_OK);
    CHECK_STR(err.text, "");
    for (char *line = list; pyramid != NULL && line != NULL;)
    {
        char *const end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        check_line(pyramid, name, line);
        line = end != NULL ? end + 1 : NULL;
    }

done:
    rok4_pyramid_free(pyramid);
    free(text);
    free(list);
}

static void test_fixtures(void)
{
    char *const tms = read_beside("tms/T64", "json");
    DIR *const directory = opendir(ROK4_TEST_DATA);
    struct dirent *entry;
    if (directory == NULL || tms == NULL)
        abort();
    files_clear();
    files_add("/tms/T64.json", tms);
    while ((entry = readdir(directory)) != NULL)
    {
        char *const dot = strrchr(entry->d_name, '.');
        if (dot == NULL || strcmp(dot, ".json") != 0)
            continue;
        *dot = '\0';
        check_pyramid(entry->d_name);
    }
    (void)closedir(directory);
    free(tms);
    CHECK(nslabs > 100);
    CHECK(nmasks > 10);
    CHECK(nones > 10);
    for (int format = ROK4_RAW_UINT8; format <= ROK4_PKB_UINT8; format++)
        CHECK(seen[format][3]);
    for (int format = ROK4_RAW_FLOAT32; format <= ROK4_PKB_FLOAT32; format++)
        CHECK(seen[format][1]);
    for (uint32_t bands = 1; bands <= PYR_MAX_BANDS; bands++)
        CHECK(seen[ROK4_PNG_UINT8][bands]);
}

static uint64_t end;
static uint8_t placed_index[64];

static enum pyr_result place(const uint32_t *nbytes, uint32_t ntiles,
                             uint32_t room_nbytes)
{
    err.text[0] = '\0';
    memset(placed_index, 0x5A, sizeof placed_index);
    return rok4_slab_place(nbytes, ntiles, room_nbytes, placed_index, &end,
                           &err);
}

static uint32_t offset_of(uint32_t tile)
{
    const uint8_t *const at = placed_index + 4 * (size_t)tile;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

/* Raw tiles have their places whatever else is there. */
static void test_room(void)
{
    for (uint32_t ntiles = 1; ntiles <= 8; ntiles++)
        for (uint32_t room = 1; room < 40; room++)
        {
            uint32_t nbytes[8];
            for (uint32_t i = 0; i < ntiles; i++)
                nbytes[i] = room;
            CHECK_INT(place(nbytes, ntiles, 0), PYR_OK);
            for (uint32_t i = 0; i < ntiles; i++)
                CHECK_INT(rok4_slab_room_offset(ntiles, room, i), offset_of(i));
            for (uint32_t i = 0; i + 1 < ntiles; i++)
                nbytes[i] = 0;
            CHECK_INT(place(nbytes, ntiles, room), PYR_OK);
            CHECK_INT(rok4_slab_room_offset(ntiles, room, ntiles - 1),
                      offset_of(ntiles - 1));
        }
}

static void test_alignment(void)
{
    static const uint32_t nbytes[] = {1, 16, 17};
    CHECK_INT(place(nbytes, 3, 0), PYR_OK);
    CHECK_INT(offset_of(0), 2048 + 24); /* no multiple of 16 */
    CHECK_INT(offset_of(1), 2080);
    CHECK_INT(offset_of(2), 2096);
    CHECK_INT(offset_of(3), 1);
    CHECK_INT(offset_of(4), 16);
    CHECK_INT(offset_of(5), 17);
    CHECK_INT(end, 2113);
}

static void test_sparse(void)
{
    static const uint32_t nbytes[] = {0, 5, 0, 7};
    static const uint32_t nothing[4] = {0};
    CHECK_INT(place(nbytes, 4, 0), PYR_OK);
    CHECK_INT(offset_of(0), 0);
    CHECK_INT(offset_of(1), 2080);
    CHECK_INT(offset_of(2), 0);
    CHECK_INT(offset_of(3), 2096);
    CHECK_INT(end, 2103);
    CHECK_INT(place(nbytes, 4, 40), PYR_OK);
    CHECK_INT(offset_of(0), 0);
    CHECK_INT(offset_of(1), 2128);
    CHECK_INT(offset_of(3), 2192);
    CHECK_INT(end, 2199);
    CHECK_INT(place(nothing, 4, 0), PYR_OK);
    CHECK_INT(end, 2080);
    CHECK_INT(place(nothing, 4, 40), PYR_OK);
    CHECK_INT(end, 2080);
}

static void test_limit(void)
{
    uint32_t nbytes[] = {INT32_MAX - 2056};
    const uint32_t many[] = {1u << 30, (1u << 30) - 2064, 0};
    const uint32_t more[] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
    CHECK_INT(place(nbytes, 1, 0), PYR_OK);
    CHECK_INT(end, INT32_MAX);
    nbytes[0]++;
    CHECK_INT(place(nbytes, 1, 0), PYR_LIMIT);
    CHECK_STR(err.text, "takes more than the 2147483647 bytes that readers of "
                        "the format can address");
    CHECK_INT(end, INT32_MAX);
    CHECK_INT(place(many, 2, 0), PYR_LIMIT);
    CHECK_INT(place(more, 3, UINT32_MAX), PYR_LIMIT);
    CHECK_INT(rok4_slab_place(more, 3, 0, placed_index, &end, NULL), PYR_LIMIT);
}

int main(void)
{
    RUN(test_fixtures);
    RUN(test_alignment);
    RUN(test_room);
    RUN(test_sparse);
    RUN(test_limit);
    return unit_report();
}
