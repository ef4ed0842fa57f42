/* SPDX-License-Identifier: MIT */
/* Tests of the helpers over directories: walks, moves, copies, removals. */
#define _DEFAULT_SOURCE
#include "fake_scene.h"

static struct pyr_error err;
static char look[SCENE_BYTES];

static void check_look(const char *expected)
{
    scene_look(look);
    CHECK_STR(look, expected);
}

static void test_part_names(void)
{
    CHECK(pyr_tree_is_part(".a.tif.part-1-0"));
    CHECK(!pyr_tree_is_part("a.tif.part-1-0"));
    CHECK(!pyr_tree_is_part(".a.tif"));
    CHECK(!pyr_tree_is_part(""));
}

static void test_store_and_copy(void)
{
    scene_clear();
    CHECK_INT(pyr_tree_store(&posix_tree, scene_path("a/b/c"), "text", 4, &err),
              PYR_OK);
    CHECK_INT(pyr_tree_copy(&posix_tree, scene_path("a/b/c"), scene_path("d/e"),
                            &err),
              PYR_OK);
    check_look("a/b/c: text\na/b/\na/\nd/e: text\nd/\n");
    CHECK_INT(
        pyr_tree_copy(&posix_tree, scene_path("none"), scene_path("d/f"), &err),
        PYR_NOT_FOUND);
    CHECK(strstr(err.text, "/none: ") != NULL);
    CHECK(!scene_has("d/f"));
    CHECK_INT(pyr_tree_store(&posix_tree, scene_path("a/b/c/d"), "x", 1, NULL),
              PYR_IO);
}

static void test_absent(void)
{
    scene_clear();
    CHECK_INT(pyr_tree_unlink(&posix_tree, scene_path("x"), &err), PYR_OK);
    CHECK_INT(pyr_tree_rmdir(&posix_tree, scene_path("x"), &err), PYR_OK);
    CHECK_INT(pyr_tree_remove(&posix_tree, scene_path("x/y"), &err), PYR_OK);
    CHECK_INT(
        pyr_tree_move(&posix_tree, scene_path("x"), scene_path("y"), &err),
        PYR_OK);
    scene_put("d/e", "e");
    CHECK_INT(pyr_tree_rmdir(&posix_tree, scene_path("d"), &err), PYR_OK);
    CHECK(scene_has("d/e"));
}

static void test_remove(void)
{
    scene_clear();
    scene_put("d/e/f", "f");
    scene_put("kept/g", "g");
    scene_link("d/e/link", "../../kept");
    CHECK_INT(pyr_tree_remove(&posix_tree, scene_path("d"), &err), PYR_OK);
    check_look("kept/g: g\nkept/\n");
    scene_link("link", "kept");
    CHECK_INT(pyr_tree_remove(&posix_tree, scene_path("link"), &err), PYR_OK);
    check_look("kept/g: g\nkept/\n");
}

/* Names below a/ and b/ where they meet in every way that goes well. */
static void put_mergeable(void)
{
    scene_clear();
    scene_put("a/both/same", "new");
    scene_put("a/both/fresh", "new");
    scene_put("a/only/x", "new");
    scene_link("a/both/link", "target");
    scene_put("b/both/same", "old");
    scene_put("b/both/other", "old");
    scene_put("b/both/link", "old");
}

#define MERGED                                                                 \
    "b/both/fresh: new\nb/both/link -> target\nb/both/other: old\n"            \
    "b/both/same: new\nb/both/\nb/only/x: new\nb/only/\nb/\n"

static void test_move(void)
{
    put_mergeable();
    CHECK_INT(pyr_tree_check_move(&posix_tree, scene_path("a"), scene_path("b"),
                                  &err),
              PYR_OK);
    CHECK_INT(
        pyr_tree_move(&posix_tree, scene_path("a"), scene_path("b"), &err),
        PYR_OK);
    check_look(MERGED);
    CHECK_INT(
        pyr_tree_move(&posix_tree, scene_path("b"), scene_path("c"), &err),
        PYR_OK);
    CHECK(!scene_has("b") && scene_has("c/only/x"));
}

/* Interrupted anywhere, it can be repeated. */
static void test_move_again(void)
{
    const struct pyr_tree tree = fake_tree_make();
    enum pyr_result result = PYR_IO;
    for (unsigned long i = 1; result != PYR_OK; i++)
    {
        put_mergeable();
        fake_tree_reset(i, false);
        result = pyr_tree_move(&tree, scene_path("a"), scene_path("b"), &err);
        CHECK_INT(pyr_tree_move(&tree, scene_path("a"), scene_path("b"), &err),
                  PYR_OK);
        check_look(MERGED);
    }
    fake_tree_reset(0, false);
}

static enum pyr_result rename_never(void *user, const char *from,
                                    const char *to, struct pyr_error *error)
{
    (void)user;
    (void)from;
    (void)to;
    return pyr_fail(error, PYR_UNSUPPORTED, "is on another storage");
}

static void test_move_by_copy(void)
{
    struct pyr_tree tree = posix_tree;
    tree.rename = rename_never;
    put_mergeable();
    CHECK_INT(pyr_tree_move(&tree, scene_path("a"), scene_path("b"), &err),
              PYR_OK);
    check_look(MERGED);
}

static void check_in_the_way(const char *words)
{
    static char before[SCENE_BYTES];
    scene_look(before);
    CHECK_INT(pyr_tree_check_move(&posix_tree, scene_path("a"), scene_path("b"),
                                  &err),
              PYR_USAGE);
    CHECK(strstr(err.text, words) != NULL);
    check_look(before);
    CHECK(pyr_tree_move(&posix_tree, scene_path("a"), scene_path("b"), &err) !=
          PYR_OK);
}

static void test_in_the_way(void)
{
    scene_clear();
    scene_put("a/x/y", "new");
    scene_put("b/x", "old");
    check_in_the_way("/b/x: a file is in the way");
    CHECK_STR(scene_text("b/x"), "old");
    scene_clear();
    scene_put("a/x", "new");
    scene_put("b/x/y", "old");
    check_in_the_way("/b/x: a directory is in the way");
    CHECK_STR(scene_text("b/x/y"), "old");
    scene_clear();
    scene_put("a/x/y", "new");
    scene_put("c/y", "of another");
    scene_link("b/x", "../c");
    check_in_the_way("/b/x: a link is in the way");
    CHECK_STR(scene_text("c/y"), "of another");
}

static void test_too_deep(void)
{
    char path[2 * PYR_TREE_MAX_DEPTH + 2] = "d";
    scene_clear();
    for (unsigned i = 0; i < PYR_TREE_MAX_DEPTH; i++)
        memcpy(path + 1 + 2 * i, "/d", 3);
    CHECK_INT(posix_mkdirs(NULL, scene_path(path), &err), PYR_OK);
    CHECK_INT(pyr_tree_remove(&posix_tree, scene_path("d"), &err), PYR_LIMIT);
    CHECK_INT(pyr_tree_remove(&posix_tree, scene_path("d/d"), &err), PYR_OK);
}

int main(void)
{
    scene_begin();
    RUN(test_part_names);
    RUN(test_store_and_copy);
    RUN(test_absent);
    RUN(test_remove);
    RUN(test_move);
    RUN(test_move_again);
    RUN(test_move_by_copy);
    RUN(test_in_the_way);
    RUN(test_too_deep);
    scene_end();
    return unit_report();
}
