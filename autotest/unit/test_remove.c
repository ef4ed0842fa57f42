/* SPDX-License-Identifier: MIT */
/* Tests of removing a pyramid: all that it owns, and nothing else. */
#define _DEFAULT_SOURCE
#include "fake_scene.h"
#include "rok4_remove.h"
#include "rok4_stage.h"

static struct pyr_error err;
static char before[SCENE_BYTES];
static char after[SCENE_BYTES];
static char found[SCENE_BYTES];

static void put(void)
{
    scene_clear();
    scene_put("p.json", "descriptor");
    scene_put("p.list", "list");
    scene_put("p.md5", "digests");
    scene_put("p.json.aux.xml", "sidecar");
    scene_put("p/DATA/5/00/00/00.tif", "a");
    scene_put("p/DATA/5/00/11/11.tif", "b");
    scene_put("p/MASK/5/00/00/00.tif", "m");
    scene_put("q/DATA/5/00/00/22.tif", "of another");
    scene_put("q/DATA/6/00.tif", "of another");
    scene_link("p/DATA/5/00/00/22.tif", "../../../../../q/DATA/5/00/00/22.tif");
    scene_link("p/DATA/5/00/00/33.tif", "nowhere");
    scene_link("p/DATA/6", "../../q/DATA/6");
    scene_put("p/DATA/5/00/00/00.tif.bak", "not a slab");
    scene_put("p/OTHER/5/00/00/00.tif", "not a slab");
    scene_put("p2.json", "neighbour");
    scene_put("p2/DATA/5/00/00/00.tif", "of the neighbour");
}

static enum pyr_result remove_pyramid(void)
{
    const struct pyr_tree tree = fake_tree_make();
    err.text[0] = '\0';
    return rok4_remove(&tree, scene_path("p.json"), &err);
}

/* Any writer. */
static void run_another(void)
{
    const struct rok4_stage_options options = {.path = scene_path("p.json"),
                                               .mode = ROK4_STAGE_OVERWRITE,
                                               .identity = "another"};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    CHECK_INT(rok4_stage_open(&posix_tree, &options, &stage, &finished, &err),
              PYR_OK);
    rok4_stage_cancel(stage, false);
}

static void test_all(void)
{
    put();
    fake_tree_reset(0, false);
    CHECK_INT(remove_pyramid(), PYR_OK);
    scene_look(after);
    CHECK_STR(after, "p/DATA/5/00/00/00.tif.bak: not a slab\n"
                     "p/DATA/5/00/00/\n"
                     "p/DATA/5/00/\n"
                     "p/DATA/5/\n"
                     "p/DATA/6 -> ../../q/DATA/6\n"
                     "p/DATA/\n"
                     "p/OTHER/5/00/00/00.tif: not a slab\n"
                     "p/OTHER/5/00/00/\n"
                     "p/OTHER/5/00/\n"
                     "p/OTHER/5/\n"
                     "p/OTHER/\n"
                     "p/\n"
                     "p2/DATA/5/00/00/00.tif: of the neighbour\n"
                     "p2/DATA/5/00/00/\n"
                     "p2/DATA/5/00/\n"
                     "p2/DATA/5/\n"
                     "p2/DATA/\n"
                     "p2/\n"
                     "p2.json: neighbour\n"
                     "q/DATA/5/00/00/22.tif: of another\n"
                     "q/DATA/5/00/00/\n"
                     "q/DATA/5/00/\n"
                     "q/DATA/5/\n"
                     "q/DATA/6/00.tif: of another\n"
                     "q/DATA/6/\n"
                     "q/DATA/\n"
                     "q/\n");
    CHECK_INT(remove_pyramid(), PYR_NOT_FOUND);
    scene_look(found);
    CHECK_STR(found, after);
}

static void test_nothing_left(void)
{
    scene_clear();
    scene_put("p.json", "descriptor");
    scene_put("p/DATA/5/00/00/00.tif", "a");
    fake_tree_reset(0, false);
    CHECK_INT(remove_pyramid(), PYR_OK);
    scene_look(found);
    CHECK_STR(found, "");
}

/* The directory of the pyramid is a link, or there is none. */
static void test_no_directory(void)
{
    scene_clear();
    scene_put("p.json", "descriptor");
    scene_put("q/DATA/5/00.tif", "of another");
    scene_link("p", "q");
    fake_tree_reset(0, false);
    CHECK_INT(remove_pyramid(), PYR_OK);
    CHECK(!scene_has("p.json") && scene_has("p"));
    CHECK_STR(scene_text("q/DATA/5/00.tif"), "of another");

    scene_clear();
    scene_put("p.json", "descriptor");
    CHECK_INT(remove_pyramid(), PYR_OK);
    scene_look(found);
    CHECK_STR(found, "");
    scene_put("p.json/x", "in a directory");
    CHECK_INT(remove_pyramid(), PYR_USAGE);
    CHECK(scene_has("p.json/x"));
}

static void test_held(void)
{
    put();
    struct pyr_lock *lock = NULL;
    fake_tree_reset(0, false);
    CHECK_INT(posix_lock(NULL, scene_path("p.json.lock"), &lock, &err), PYR_OK);
    CHECK_INT(remove_pyramid(), PYR_USAGE);
    CHECK(strstr(err.text, "is being written by") != NULL);
    CHECK(scene_has("p.json"));
    posix_unlock(lock);
}

/* Dies, or fails once, at every change in turn. */
static void check_interrupted(bool dies)
{
    put();
    scene_look(before);
    fake_tree_reset(0, false);
    CHECK_INT(remove_pyramid(), PYR_OK);
    const unsigned long count = fake_tree.nchanges;
    unsigned nbefore = 0;
    scene_look(after);
    for (unsigned long i = 1; i <= count; i++)
    {
        put();
        fake_tree_reset(i, dies);
        (void)(remove_pyramid() == PYR_OK);
        /* While the descriptor is there, so is all it tells of. */
        if (scene_has("p.json"))
            CHECK(scene_has("p/DATA/5/00/00/00.tif") && scene_has("p.list"));
        fake_tree_reset(0, false);
        run_another();
        scene_look(found);
        nbefore += strcmp(found, before) == 0;
        if (strcmp(found, before) != 0)
            CHECK_STR(found, after);
    }
    CHECK(nbefore > 3 && nbefore < count - 10);
}

static void test_interrupted(void)
{
    check_interrupted(true);
    check_interrupted(false);
}

static void test_memory(void)
{
    put();
    scene_look(before);
    for (unsigned long i = 1;; i++)
    {
        fake_tree_reset(0, false);
        pyr_alloc_fail_nth(i);
        const enum pyr_result result = remove_pyramid();
        pyr_alloc_fail_nth(0);
        if (result == PYR_OK)
            break;
        CHECK_INT(result, PYR_NOMEM);
        run_another();
        scene_look(found);
        if (strcmp(found, before) != 0)
            CHECK_STR(found, after);
        put();
    }
}

int main(void)
{
    scene_begin();
    RUN(test_all);
    RUN(test_nothing_left);
    RUN(test_no_directory);
    RUN(test_held);
    RUN(test_interrupted);
    RUN(test_memory);
    scene_end();
    return unit_report();
}
