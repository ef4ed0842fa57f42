/* SPDX-License-Identifier: MIT */
/* Tests of the names of /vsirados/. */
#include "unit.h"
#include "vsirados_path.h"

#include <stdlib.h>

static void check_path(const char *path, const char *pool, const char *object)
{
    struct vsirados_path found = {NULL, 0, NULL};
    char name[64] = "";

    printf("%s\n", path);
    CHECK(vsirados_path_parse(path, &found));
    if (found.pool == NULL)
        return;
    (void)snprintf(name, sizeof name, "%.*s", (int)found.pool_nbytes,
                   found.pool);
    CHECK_STR(name, pool);
    CHECK_STR(found.object, object);
}

static void test_paths(void)
{
    check_path("/vsirados/pool/object", "pool", "object");
    check_path("/vsirados/pool/a/b.tif", "pool", "a/b.tif");
    check_path("/vsirados/pool/a/", "pool", "a/");
    check_path("/vsirados/pool//a", "pool", "/a");
    check_path("/vsirados/pool/", "pool", "");
    check_path("/vsirados/pool", "pool", "");
    check_path("/vsirados/", "", "");
    check_path("/vsirados", "", "");
    check_path("/vsirados/.rgw.root/a b?c#d", ".rgw.root", "a b?c#d");
}

static void test_paths_of_others(void)
{
    static const char *const paths[] = {"",
                                        "/",
                                        "/vsirado",
                                        "/vsiradosX/pool/a",
                                        "/vsis3/a/b",
                                        "vsirados/p/o",
                                        "/vsirados//object",
                                        "/VSIRADOS/p/o"};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    {
        struct vsirados_path found = {NULL, 0, NULL};
        if (vsirados_path_parse(paths[i], &found))
            printf("%s\n", paths[i]);
        CHECK(!vsirados_path_parse(paths[i], &found));
    }
}

/* expected: with a slash at its end for a directory, NULL for none. */
static void check_entry(const char *name, const char *prefix, int depth,
                        const char *expected)
{
    struct vsirados_entry entry = {0, 0, false};
    char found[64] = "(none)";
    /* As librados gives it: nothing behind it may be looked at. */
    const size_t nbytes = strlen(name);
    char *copy = malloc(nbytes + 1);

    if (copy == NULL)
        abort();
    memcpy(copy, name, nbytes);
    copy[nbytes] = '/';
    if (vsirados_path_entry(copy, nbytes, prefix, depth, &entry))
        (void)snprintf(found, sizeof found, "%.*s%s", (int)entry.nbytes,
                       copy + entry.offset, entry.is_directory ? "/" : "");
    free(copy);
    printf("'%s' below '%s' to depth %d\n", name, prefix, depth);
    CHECK_STR(found, expected != NULL ? expected : "(none)");
}

static void test_entries_of_a_directory(void)
{
    check_entry("a", "", 0, "a");
    check_entry("a/b", "", 0, "a/");
    check_entry("a/b", "a/", 0, "b");
    check_entry("a/b/c", "a/", 0, "b/");
    check_entry("ab", "a/", 0, NULL);
    check_entry("a", "a/", 0, NULL);
    check_entry("b/a/c", "a/", 0, NULL);
    check_entry("", "", 0, NULL);
}

static void test_entries_of_deeper_directories(void)
{
    check_entry("a/b/c", "", 1, "a/b/");
    check_entry("a/b/c", "", 2, "a/b/c");
    check_entry("a/b", "", 7, "a/b");
    check_entry("a/b/c/d", "a/", 1, "b/c/");
}

static void test_every_object_is_an_entry(void)
{
    check_entry("a/b/c", "", VSIRADOS_ANY_DEPTH, "a/b/c");
    check_entry("a/b/c", "a/", VSIRADOS_ANY_DEPTH, "b/c");
    check_entry("a//b", "", VSIRADOS_ANY_DEPTH, "a//b");
    check_entry("a/", "", VSIRADOS_ANY_DEPTH, "a/");
    check_entry("a/", "a/", VSIRADOS_ANY_DEPTH, NULL);
}

/* Other programs make objects with a slash at the end, for directories. */
static void test_markers_of_directories(void)
{
    check_entry("a/", "", 0, "a/");
    check_entry("a/", "", 5, "a/");
    check_entry("a/", "a/", 0, NULL);
    check_entry("a/b/", "a/", 0, "b/");
}

static void test_names_that_no_directory_has(void)
{
    check_entry("/a", "", 0, NULL);
    check_entry("a//b", "a/", 0, NULL);
    check_entry("a//b", "", 1, NULL);
    check_entry("a//b", "", 0, "a/");
    check_entry("../a", "", 0, NULL);
    check_entry("./a", "", 0, NULL);
    check_entry(".", "", 0, NULL);
    check_entry("..", "", 0, NULL);
    check_entry("..a", "", 0, "..a");
    check_entry(".a/b", "", 0, ".a/");
}

static void test_names_with_a_nul(void)
{
    struct vsirados_entry entry = {0, 0, false};

    CHECK(!vsirados_path_entry("a\0b", 3, "", 0, &entry));
    CHECK(!vsirados_path_entry("a\0b", 3, "", VSIRADOS_ANY_DEPTH, &entry));
}

int main(void)
{
    RUN(test_paths);
    RUN(test_paths_of_others);
    RUN(test_entries_of_a_directory);
    RUN(test_entries_of_deeper_directories);
    RUN(test_every_object_is_an_entry);
    RUN(test_markers_of_directories);
    RUN(test_names_that_no_directory_has);
    RUN(test_names_with_a_nul);
    return unit_report();
}
