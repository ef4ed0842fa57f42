/* SPDX-License-Identifier: MIT */
/* Tests of rok4_descriptor_identify: whose file the first bytes show. */
#include "rok4_descriptor.h"
#include "unit.h"

#include <stdlib.h>

static bool identify_bytes(const char *text, size_t nbytes)
{
    /* No NUL behind the text, so that asan sees a read beyond it. */
    char *copy = malloc(nbytes != 0 ? nbytes : 1);
    bool ours;
    if (!copy)
        abort();
    memcpy(copy, text, nbytes);
    ours = rok4_descriptor_identify(copy, nbytes);
    free(copy);
    return ours;
}

static bool identify(const char *text)
{
    return identify_bytes(text, strlen(text));
}

static void test_ours(void)
{
    CHECK(identify("{\"tile_matrix_set\":\"PM\",\"tile_limits\""));
    CHECK(identify("{\"tiles_per_width\":2,\"tiles_per_height\":2"));
    CHECK(identify("{\"raster_specifications\":{},\"x\":{\"image_directory\""));
    CHECK(identify(" \r\n\t{ \"levels\":[{\"tiles_per_width\" : 1,"
                   "\"tile_limits\":"));
    CHECK(identify("\xEF\xBB\xBF {\"tile_limits\":{},\"tiles_per_width\":1}"));
}

static void test_not_ours(void)
{
    CHECK(!identify(""));
    CHECK(!identify("{"));
    CHECK(!identify("\xEF\xBB\xBF"));
    CHECK(!identify("\xEF\xBB"));
    CHECK(!identify("  "));
    CHECK(!identify("[{\"tile_limits\":{},\"tiles_per_width\":1}]"));
    CHECK(!identify("x{\"tile_limits\":{},\"tiles_per_width\":1}"));
    CHECK(!identify("{\"tile_matrix_set\":\"PM\"}"));
    CHECK(!identify("{\"tile_limits\":{},\"tile_limits\":{}}"));
    CHECK(!identify("{\"tile_limits\":{},tiles_per_width:1}"));
    CHECK(!identify("{\"tile_limits\":{},\"tiles_per_width"));
    CHECK(!identify("{\"tile_limits\":{},\"tiles_per_widths\""));
    CHECK(!identify("{_\"_______tile_limits\"_\"_tiles_per_width\"_"));
    CHECK(!identify("{\"type\":\"FeatureCollection\",\"features\":[]}"));
}

static void test_any_cut(void)
{
    static const char text[] =
        "{\"tile_matrix_set\":\"PM\",\"levels\":[{\"tile_limits\":{}}]}";
    const size_t enough =
        (size_t)(strstr(text, "tile_limits") - text) + strlen("tile_limits\"");
    size_t nbytes;
    for (nbytes = 0; nbytes < sizeof text; nbytes++)
        CHECK(identify_bytes(text, nbytes) == (nbytes >= enough));
}

int main(void)
{
    RUN(test_ours);
    RUN(test_not_ours);
    RUN(test_any_cut);
    return unit_report();
}
