/* SPDX-License-Identifier: MIT */
/* Tests of where links lead, and of the texts of new ones. */
#define _DEFAULT_SOURCE
#include "fake_scene.h"
#include "rok4_owner.h"

static struct pyr_error err;

static void check_seen(const char *directory, const char *path,
                       const char *expected)
{
    char *const text = rok4_owner_seen_from(directory, path);
    CHECK_STR(text, expected);
    pyr_free(text);
}

static void test_seen_from(void)
{
    check_seen("/a/b", "/a/c/x", "../c/x");
    check_seen("/a/b", "/a/b/x", "x");
    check_seen("/a/b", "/x", "../../x");
    check_seen("/a/b", "/a/bc/x", "../bc/x");
    check_seen("/a/bc", "/a/b/x", "../b/x");
    check_seen("/", "/x", "x");
    check_seen("/", "/a/x", "a/x");
    check_seen("/r/n/DATA/5/00/00", "/r/p/DATA/5/00/00/X.tif",
               "../../../../../p/DATA/5/00/00/X.tif");
    pyr_alloc_fail_nth(1);
    CHECK(rok4_owner_seen_from("/a", "/b") == NULL);
    pyr_alloc_fail_nth(0);
}

static void check_owner(const char *link, const char *expected)
{
    char *path = NULL;
    char full[POSIX_PATH_BYTES];
    (void)snprintf(full, sizeof full, "%s%s",
                   expected[0] == '/' ? "" : scene_path(""), expected);
    CHECK_INT(rok4_owner_of_link(&posix_tree, scene_path(link), &path, &err),
              PYR_OK);
    CHECK_STR(path, full);
    pyr_free(path);
}

static void test_owner(void)
{
    scene_clear();
    scene_put("q/DATA/x", "x");
    scene_put("p/y", "y");
    scene_link("p/relative", "../q/DATA/x");
    scene_link("p/winding", "./..//q/./DATA/../DATA/x");
    scene_link("p/absolute", scene_path("q/DATA/x"));
    scene_link("p/chain", "relative");
    scene_link("p/nowhere", "../gone/x");
    scene_link("p/above", "../../../../../../../../../../../../x");
    scene_link("p/loop", "loop2");
    scene_link("p/loop2", "loop");
    check_owner("p/relative", "q/DATA/x");
    check_owner("p/winding", "q/DATA/x");
    check_owner("p/absolute", "q/DATA/x");
    check_owner("p/chain", "q/DATA/x");
    check_owner("p/nowhere", "gone/x");
    check_owner("p/above", "/x");
    check_owner("p/loop", "p/loop2");

    char *path = NULL;
    CHECK(rok4_owner_of_link(&posix_tree, scene_path("p/y"), &path, &err) !=
          PYR_OK);
    CHECK_INT(rok4_owner_of_link(&posix_tree, scene_path("p/z"), &path, &err),
              PYR_NOT_FOUND);
    CHECK(path == NULL);
}

int main(void)
{
    scene_begin();
    RUN(test_seen_from);
    RUN(test_owner);
    scene_end();
    return unit_report();
}
