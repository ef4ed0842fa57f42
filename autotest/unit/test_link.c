/* SPDX-License-Identifier: MIT */
/* Tests of the slabs of an ancestor in a new pyramid, on real directories. */
#define _DEFAULT_SOURCE
#include "fake_scene.h"
#include "rok4_link.h"

#define NLEVELS 3

static struct pyr_error err;
static char look[SCENE_BYTES];
static char directories[2][NLEVELS][POSIX_PATH_BYTES];
static char *places[2][NLEVELS];
static char ids[NLEVELS][4] = {"12", "11", "10"};
static struct rok4_level levels[NLEVELS];
static struct rok4_descriptor descriptor;
static struct rok4_pyramid pyramid;

/* The pyramid ROOT/old/OLD.json, whose levels 12 and 11 have slabs, 12 masks,
 * too; level 10 has not even a directory. One slab is a link to the owner. */
static void begin(void)
{
    scene_clear();
    scene_put("old/OLD/DATA/12/00/00/01.tif", "d1");
    scene_put("old/OLD/DATA/12/00/ZZ/0A.tif", "d2");
    scene_link("old/OLD/DATA/12/00/ZZ/0B.tif",
               "../../../../../../first/F/DATA/12/00/ZZ/0B.tif");
    scene_put("first/F/DATA/12/00/ZZ/0B.tif", "d3");
    scene_put("old/OLD/DATA/12/notes.txt", "n");
    scene_put("old/OLD/DATA/11/1000/00/01.tif", "d4");
    scene_put("old/OLD/MASK/12/00/00/01.tif", "m1");
    descriptor.nlevels = NLEVELS;
    descriptor.levels = levels;
    pyramid.descriptor = &descriptor;
    for (size_t i = 0; i < NLEVELS; i++)
    {
        levels[i].id = ids[i];
        for (size_t plane = 0; plane < 2; plane++)
        {
            (void)snprintf(directories[plane][i], POSIX_PATH_BYTES,
                           "%s/old/OLD/%s/%s", scene_root,
                           plane == 0 ? "DATA" : "MASK", ids[i]);
            places[plane][i] = directories[plane][i];
        }
    }
    places[1][1] = NULL;
    pyramid.planes[0].places = places[0];
    pyramid.planes[1].places = places[1];
}

static enum pyr_result link_all(enum rok4_link_mode mode, const char *directory)
{
    err.text[0] = '\0';
    const enum pyr_result result = rok4_link_pyramid(
        &posix_tree, &pyramid, mode, scene_path(directory), "/none", &err);
    CHECK((result == PYR_OK) == (err.text[0] == '\0'));
    return result;
}

/* What stands below the directory is this. */
static void check_look(const char *directory, const char *expected)
{
    const struct pyr_tree_walker walker = {look, scene_note,
                                           scene_note_directory};
    look[0] = '\0';
    CHECK_INT(pyr_tree_walk(&posix_tree, scene_path(directory), &walker, &err),
              PYR_OK);
    CHECK_STR(look, expected);
}

/* The texts of all slabs, read through whatever they are. */
static void check_texts(const char *directory)
{
    static const char *const slabs[][2] = {{"DATA/12/00/00/01.tif", "d1"},
                                           {"DATA/12/00/ZZ/0A.tif", "d2"},
                                           {"DATA/12/00/ZZ/0B.tif", "d3"},
                                           {"DATA/11/1000/00/01.tif", "d4"},
                                           {"MASK/12/00/00/01.tif", "m1"}};
    for (size_t i = 0; i < sizeof slabs / sizeof *slabs; i++)
    {
        char path[100];
        (void)snprintf(path, sizeof path, "%s/%s", directory, slabs[i][0]);
        CHECK_STR(scene_text(path), slabs[i][1]);
    }
}

/* Made in the staging directory, links lead to the owners once that was
 * renamed, and where all was moved together. */
static void test_symbolic(void)
{
    begin();
    CHECK_INT(link_all(ROK4_LINK_SYMBOLIC, "new/.N.building"), PYR_OK);
    check_texts("new/.N.building");
    CHECK_INT(rename(scene_path("new/.N.building"), scene_path("new/N")), 0);
    check_texts("new/N");
#define OLD " -> ../../../../../../old/OLD/"
    check_look("new/N", "DATA/11/1000/00/01.tif" OLD "DATA/11/1000/00/01.tif\n"
                        "DATA/11/1000/00/\nDATA/11/1000/\nDATA/11/\n"
                        "DATA/12/00/00/01.tif" OLD "DATA/12/00/00/01.tif\n"
                        "DATA/12/00/00/\n"
                        "DATA/12/00/ZZ/0A.tif" OLD "DATA/12/00/ZZ/0A.tif\n"
                        "DATA/12/00/ZZ/0B.tif"
                        " -> ../../../../../../first/F/DATA/12/00/ZZ/0B.tif\n"
                        "DATA/12/00/ZZ/\nDATA/12/00/\nDATA/12/\nDATA/\n"
                        "MASK/12/00/00/01.tif" OLD "MASK/12/00/00/01.tif\n"
                        "MASK/12/00/00/\nMASK/12/00/\nMASK/12/\nMASK/\n");

    /* Beside the ancestor. */
    CHECK_INT(link_all(ROK4_LINK_SYMBOLIC, "old/.N.building"), PYR_OK);
    CHECK_INT(rename(scene_path("old/.N.building"), scene_path("old/OLD2")), 0);
    check_texts("old/OLD2");
    CHECK(scene_has("old/OLD2/DATA/12/00/ZZ/0B.tif"));
    char *target = NULL;
    CHECK_INT(posix_readlink(NULL, scene_path("old/OLD2/DATA/12/00/00/01.tif"),
                             &target, &err),
              PYR_OK);
    CHECK_STR(target, "../../../../../OLD/DATA/12/00/00/01.tif");
    pyr_free(target);
}

static void test_hard(void)
{
    struct stat first = {0};
    struct stat second = {0};
    begin();
    CHECK_INT(link_all(ROK4_LINK_HARD, "new/.N.building"), PYR_OK);
    check_texts("new/.N.building");
    CHECK_INT(lstat(scene_path("new/.N.building/DATA/12/00/ZZ/0B.tif"), &first),
              0);
    CHECK_INT(stat(scene_path("first/F/DATA/12/00/ZZ/0B.tif"), &second), 0);
    CHECK_INT(first.st_ino, second.st_ino);
}

static void test_copy(void)
{
    struct stat info = {0};
    begin();
    CHECK_INT(link_all(ROK4_LINK_COPY, "new/.N.building"), PYR_OK);
    check_texts("new/.N.building");
    CHECK_INT(lstat(scene_path("new/.N.building/DATA/12/00/ZZ/0B.tif"), &info),
              0);
    CHECK(S_ISREG(info.st_mode) && info.st_nlink == 1);
}

/* What stands there stays, so that it can be repeated. */
static void test_again(void)
{
    for (int mode = 0; mode < 3; mode++)
    {
        begin();
        scene_put("new/B/DATA/12/00/00/01.tif", "mine");
        CHECK_INT(link_all((enum rok4_link_mode)mode, "new/B"), PYR_OK);
        CHECK_INT(link_all((enum rok4_link_mode)mode, "new/B"), PYR_OK);
        CHECK_STR(scene_text("new/B/DATA/12/00/00/01.tif"), "mine");
        CHECK_STR(scene_text("new/B/DATA/12/00/ZZ/0B.tif"), "d3");
        CHECK_STR(scene_text("old/OLD/DATA/12/00/00/01.tif"), "d1");
    }
}

/* A level's directory may be a link; one below it would be missed. */
static void test_directory_links(void)
{
    for (int mode = 0; mode < 3; mode++)
    {
        begin();
        CHECK_INT(rename(scene_path("old/OLD/DATA/12"), scene_path("away")), 0);
        scene_link("old/OLD/DATA/12", "../../../away");
        /* The link to the owner was relative to where it stood. */
        CHECK_INT(unlink(scene_path("away/00/ZZ/0B.tif")), 0);
        CHECK_INT(link_all((enum rok4_link_mode)mode, "new/B"), PYR_OK);
        CHECK_STR(scene_text("new/B/DATA/12/00/ZZ/0A.tif"), "d2");

        begin();
        CHECK_INT(rename(scene_path("old/OLD/DATA/12/00"), scene_path("away")),
                  0);
        scene_link("old/OLD/DATA/12/00", "../../../../away");
        CHECK_INT(link_all((enum rok4_link_mode)mode, "new/B"),
                  PYR_UNSUPPORTED);
        CHECK(strstr(err.text, "/old/OLD/DATA/12/00: a directory") != NULL);
    }
}

static void test_link_to_nowhere(void)
{
    for (int mode = 0; mode < 3; mode++)
    {
        begin();
        scene_link("old/OLD/DATA/12/readme", "nowhere");
        CHECK_INT(link_all((enum rok4_link_mode)mode, "new/B"), PYR_OK);
        begin();
        CHECK_INT(unlink(scene_path("first/F/DATA/12/00/ZZ/0B.tif")), 0);
        CHECK_INT(link_all((enum rok4_link_mode)mode, "new/B"), PYR_USAGE);
        CHECK(strstr(err.text, "/old/OLD/DATA/12/00/ZZ/0B.tif: ") != NULL);
    }
}

/* No link may lead into what the new pyramid replaces. */
static void test_replaced(void)
{
    for (int mode = 0; mode < 3; mode++)
    {
        begin();
        CHECK_INT(
            rok4_link_pyramid(&posix_tree, &pyramid, (enum rok4_link_mode)mode,
                              scene_path("new/B"), scene_path("old/OLD"), &err),
            mode == ROK4_LINK_SYMBOLIC ? PYR_USAGE : PYR_OK);
        begin();
        CHECK_INT(
            rok4_link_pyramid(&posix_tree, &pyramid, (enum rok4_link_mode)mode,
                              scene_path("new/B"), scene_path("old/OL"), &err),
            PYR_OK);
    }
}

/* Each change of the storage fails once. */
static void test_failures(void)
{
    const struct pyr_tree tree = fake_tree_make();
    for (int mode = 0; mode < 3; mode++)
    {
        enum pyr_result result = PYR_IO;
        unsigned long nth = 0;
        while (result != PYR_OK && nth < 200)
        {
            begin();
            fake_tree_reset(++nth, false);
            result =
                rok4_link_pyramid(&tree, &pyramid, (enum rok4_link_mode)mode,
                                  scene_path("new/B"), "/none", &err);
            CHECK(result == PYR_OK || result == PYR_IO);
        }
        CHECK(nth > 5 && nth < 200);
        check_texts("new/B");
    }
    fake_tree_reset(0, false);
}

static void test_no_memory(void)
{
#ifdef PYR_ALLOC_FAILURES
    for (int mode = 0; mode < 3; mode++)
    {
        enum pyr_result result = PYR_NOMEM;
        unsigned long nth = 0;
        while (result != PYR_OK && nth < 2000)
        {
            begin();
            pyr_alloc_fail_nth(++nth);
            result = rok4_link_pyramid(&posix_tree, &pyramid,
                                       (enum rok4_link_mode)mode,
                                       scene_path("new/B"), "/none", &err);
            CHECK(result == PYR_OK || result == PYR_NOMEM);
        }
        pyr_alloc_fail_nth(0);
        CHECK(nth > 20 && nth < 2000);
    }
#endif
}

int main(void)
{
    scene_begin();
    RUN(test_symbolic);
    RUN(test_hard);
    RUN(test_copy);
    RUN(test_again);
    RUN(test_directory_links);
    RUN(test_link_to_nowhere);
    RUN(test_replaced);
    RUN(test_failures);
    RUN(test_no_memory);
    scene_end();
    return unit_report();
}
