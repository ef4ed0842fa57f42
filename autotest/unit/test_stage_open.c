/* SPDX-License-Identifier: MIT */
/* Tests of when a write to a pyramid may begin, and of what it refuses. */
#define _DEFAULT_SOURCE
#include "fake_scene.h"
#include "rok4_stage.h"

static struct pyr_error err;
static struct rok4_stage *stage;
static bool finished;

static enum pyr_result open_as(enum rok4_stage_mode mode, const char *identity,
                               bool resume)
{
    const struct rok4_stage_options options = {.path = scene_path("p.json"),
                                               .mode = mode,
                                               .identity = identity,
                                               .resume = resume,
                                               .list = true};
    stage = NULL;
    finished = false;
    err.text[0] = '\0';
    return rok4_stage_open(&posix_tree, &options, &stage, &finished, &err);
}

static void check_refused(enum rok4_stage_mode mode, enum pyr_result expected,
                          const char *words)
{
    static char before[SCENE_BYTES];
    static char after[SCENE_BYTES];
    scene_look(before);
    CHECK_INT(open_as(mode, "run", false), expected);
    CHECK(stage == NULL);
    CHECK(strstr(err.text, words) != NULL);
    scene_look(after);
    CHECK_STR(after, before);
}

static void put_slab(const char *relative, const char *text)
{
    char path[POSIX_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", rok4_stage_directory(stage),
                   relative);
    CHECK_INT(pyr_tree_store(&posix_tree, path, text, strlen(text), &err),
              PYR_OK);
}

static void test_in_the_way(void)
{
    scene_clear();
    check_refused(ROK4_STAGE_UPDATE, PYR_NOT_FOUND, "does not exist");
    scene_put("p.json", "{}");
    check_refused(ROK4_STAGE_NEW, PYR_USAGE, "OVERWRITE=YES");

    scene_clear();
    scene_put("p/DATA/5/00.tif", "left over");
    check_refused(ROK4_STAGE_NEW, PYR_USAGE, "holds slabs already");
    scene_clear();
    scene_link("p/MASK", "elsewhere");
    check_refused(ROK4_STAGE_NEW, PYR_USAGE, "holds slabs already");

    scene_clear();
    scene_put("q/DATA/5/00.tif", "of another");
    scene_put("p.json", "{}");
    scene_link("p", "q");
    check_refused(ROK4_STAGE_UPDATE, PYR_USAGE, "is no directory but a link");
    check_refused(ROK4_STAGE_OVERWRITE, PYR_USAGE, "but a link");
    scene_clear();
    scene_put("p", "a file");
    check_refused(ROK4_STAGE_NEW, PYR_USAGE, "is no directory");
    scene_clear();
    scene_put("p.json/x", "in a directory");
    check_refused(ROK4_STAGE_OVERWRITE, PYR_USAGE, "is a directory");

    /* Empty directories, and files that are not slabs, are in nobody's way. */
    scene_clear();
    scene_put("p/notes.txt", "notes");
    CHECK_INT(posix_mkdirs(NULL, scene_path("p/DATA"), &err), PYR_OK);
    CHECK_INT(open_as(ROK4_STAGE_NEW, "run", false), PYR_OK);
    put_slab("DATA/5/00.tif", "slab");
    CHECK_INT(rok4_stage_publish(stage, "{}", &err), PYR_OK);
    CHECK_STR(scene_text("p/DATA/5/00.tif"), "slab");
    CHECK_STR(scene_text("p/notes.txt"), "notes");
}

static void test_no_root(void)
{
    scene_clear();
    const struct rok4_stage_options options = {
        .path = scene_path("missing/p.json"), .identity = ""};
    CHECK_INT(rok4_stage_open(&posix_tree, &options, &stage, &finished, &err),
              PYR_IO);
    CHECK(!scene_has("missing"));
}

static void test_second_writer(void)
{
    scene_clear();
    CHECK_INT(open_as(ROK4_STAGE_NEW, "run", false), PYR_OK);
    struct rok4_stage *const first = stage;
    CHECK_INT(open_as(ROK4_STAGE_NEW, "run", false), PYR_USAGE);
    CHECK(strstr(err.text, "p.json is being written by") != NULL);
    CHECK(scene_has("p.json.lock") && scene_has("p.json.building"));
    rok4_stage_cancel(first, false);
    CHECK(!scene_has("p.json.lock") && !scene_has("p.json.building"));
    CHECK(!scene_has(".p.building"));
    rok4_stage_cancel(NULL, false);
}

static void test_resume(void)
{
    scene_clear();
    CHECK_INT(open_as(ROK4_STAGE_NEW, "run", true), PYR_OK);
    CHECK(!rok4_stage_resumed(stage));
    put_slab("DATA/5/00.tif", "slab");
    put_slab("DATA/5/.11.tif.part-1-0", "half a slab");
    rok4_stage_cancel(stage, true);
    CHECK(!scene_has("p.json.lock"));

    CHECK_INT(open_as(ROK4_STAGE_NEW, "run", true), PYR_OK);
    CHECK(rok4_stage_resumed(stage) && !rok4_stage_recovered(stage));
    CHECK(scene_has(".p.building/DATA/5/00.tif"));
    CHECK(!scene_has(".p.building/DATA/5/.11.tif.part-1-0"));
    rok4_stage_cancel(stage, true);

    /* Other runs begin anew. */
    CHECK_INT(open_as(ROK4_STAGE_NEW, "other run", true), PYR_OK);
    CHECK(!rok4_stage_resumed(stage));
    CHECK(!scene_has(".p.building/DATA"));
    put_slab("DATA/5/00.tif", "slab");
    rok4_stage_cancel(stage, true);
    CHECK_INT(open_as(ROK4_STAGE_OVERWRITE, "other run", true), PYR_OK);
    CHECK(!rok4_stage_resumed(stage) && !scene_has(".p.building/DATA"));
    put_slab("DATA/5/00.tif", "slab");
    rok4_stage_cancel(stage, true);
    CHECK_INT(open_as(ROK4_STAGE_OVERWRITE, "other run", false), PYR_OK);
    CHECK(!rok4_stage_resumed(stage) && !scene_has(".p.building/DATA"));
    rok4_stage_cancel(stage, true);
    CHECK_INT(open_as(ROK4_STAGE_NEW, "", true), PYR_OK);
    rok4_stage_cancel(stage, true);
    CHECK_INT(open_as(ROK4_STAGE_NEW, "", true), PYR_OK);
    CHECK(!rok4_stage_resumed(stage));
    rok4_stage_cancel(stage, false);
}

/* A run that is refused leaves what another one can resume. */
static void test_refused_keeps(void)
{
    scene_clear();
    scene_put("p.json", "old");
    CHECK_INT(open_as(ROK4_STAGE_UPDATE, "run", true), PYR_OK);
    put_slab("DATA/5/00.tif", "slab");
    rok4_stage_cancel(stage, true);
    check_refused(ROK4_STAGE_NEW, PYR_USAGE, "exists already");
    CHECK(scene_has(".p.building/DATA/5/00.tif"));
}

static void test_bad_state(void)
{
    scene_clear();
    scene_put("p.json", "old");
    scene_put("p.json.building", "not ours");
    check_refused(ROK4_STAGE_UPDATE, PYR_CORRUPT, "p.json.building");

    /* The staging directory was removed by hand. */
    scene_put("p.json.building",
              "{\"rok4_state\":1,\"phase\":\"swap\",\"mode\":\"overwrite\","
              "\"list\":1,\"md5\":0,\"dropped\":[],\"identity\":\"x\"}");
    check_refused(ROK4_STAGE_UPDATE, PYR_CORRUPT, "new.json is missing");
    CHECK_STR(scene_text("p.json"), "old");
    scene_clear();
    scene_put("p.json.building",
              "{\"rok4_state\":1,\"phase\":\"place\",\"mode\":\"new\","
              "\"list\":1,\"md5\":0,\"dropped\":[],\"identity\":\"x\"}");
    check_refused(ROK4_STAGE_NEW, PYR_CORRUPT, "new.json is missing");
}

/* What cannot be put in its place is found before anything is. */
static void test_places(void)
{
    static char before[SCENE_BYTES];
    static char after[SCENE_BYTES];
    scene_clear();
    scene_put("q/DATA/5/00/00.tif", "of another");
    scene_put("p.json", "old");
    scene_link("p/DATA/5", "../../q/DATA/5");
    scene_look(before);
    CHECK_INT(open_as(ROK4_STAGE_UPDATE, "run", false), PYR_OK);
    put_slab("DATA/4/00/00.tif", "new");
    put_slab("DATA/5/00/00.tif", "new");
    CHECK_INT(rok4_stage_publish(stage, "new", &err), PYR_USAGE);
    CHECK(strstr(err.text, "p/DATA/5: a link is in the way") != NULL);
    scene_look(after);
    CHECK_STR(after, before);

    scene_clear();
    scene_put("p.json", "old");
    scene_put("p/DATA/5/00.tif/x", "odd");
    scene_look(before);
    CHECK_INT(open_as(ROK4_STAGE_UPDATE, "run", false), PYR_OK);
    put_slab("DATA/5/00.tif", "new");
    CHECK_INT(rok4_stage_publish(stage, "new", &err), PYR_USAGE);
    CHECK(strstr(err.text, "00.tif: a directory is in the way") != NULL);
    scene_look(after);
    CHECK_STR(after, before);
}

static void test_drop(void)
{
    scene_clear();
    scene_put("p.json", "old");
    scene_put("p/DATA/3/00.tif", "three");
    scene_put("p/DATA/30/00.tif", "thirty");
    scene_put("p/MASK/3/00.tif", "three");
    scene_put("p/DATA/3/notes.txt", "notes");
    CHECK_INT(open_as(ROK4_STAGE_UPDATE, "run", false), PYR_OK);
    CHECK_INT(rok4_stage_drop_level(stage, "", &err), PYR_USAGE);
    CHECK_INT(rok4_stage_drop_level(stage, "..", &err), PYR_USAGE);
    CHECK_INT(rok4_stage_drop_level(stage, "a/b", &err), PYR_USAGE);
    CHECK_INT(rok4_stage_drop_level(stage, "3", &err), PYR_OK);
    CHECK_INT(rok4_stage_publish(stage, "new", &err), PYR_OK);
    CHECK(!scene_has("p/DATA/3/00.tif") && !scene_has("p/MASK"));
    CHECK(scene_has("p/DATA/3/notes.txt") && scene_has("p/DATA/30/00.tif"));
    CHECK(strstr(scene_text("p.list"), "/DATA/3/") == NULL);
    CHECK(strstr(scene_text("p.list"), "\n0/DATA/30/00.tif\n") != NULL);

    CHECK_INT(open_as(ROK4_STAGE_UPDATE, "run", false), PYR_OK);
    put_slab("DATA/3/00.tif", "new");
    CHECK_INT(rok4_stage_drop_level(stage, "3", &err), PYR_OK);
    CHECK_INT(rok4_stage_publish(stage, "newer", &err), PYR_USAGE);
    CHECK_STR(scene_text("p.json"), "new");
}

/* A file that is the same as another one by a link of either kind is replaced,
 * not written. */
static void test_links_in_place(void)
{
    scene_clear();
    scene_put("p.json", "old");
    scene_put("q/DATA/5/00.tif", "of another");
    scene_put("p/MASK/5/00.tif", "mask");
    scene_link("p/DATA/5/00.tif", "../../../q/DATA/5/00.tif");
    CHECK_INT(
        link(scene_path("q/DATA/5/00.tif"), scene_path("p/DATA/5/11.tif")), 0);
    CHECK_INT(open_as(ROK4_STAGE_UPDATE, "run", false), PYR_OK);
    put_slab("DATA/5/00.tif", "new");
    put_slab("DATA/5/11.tif", "new");
    CHECK_INT(rok4_stage_publish(stage, "new", &err), PYR_OK);
    CHECK_STR(scene_text("q/DATA/5/00.tif"), "of another");
    CHECK_STR(scene_text("p/DATA/5/00.tif"), "new");
    CHECK_STR(scene_text("p/DATA/5/11.tif"), "new");
    CHECK_STR(scene_text("p/MASK/5/00.tif"), "mask");
}

/* Also where the root is a link. */
static void test_put_beside(void)
{
    const struct pyr_tree tree = fake_tree_make();
    scene_clear();
    scene_put("real/kept.json", "kept");
    scene_link("root", "real");
    const struct rok4_stage_options options = {.path =
                                                   scene_path("root/p.json"),
                                               .mode = ROK4_STAGE_NEW,
                                               .identity = "run"};
    struct rok4_stage *own = NULL;
    CHECK_INT(rok4_stage_open(&tree, &options, &own, &finished, &err), PYR_OK);
    CHECK_INT(rok4_stage_put_beside(own, "tms.json", "grid", 4, &err), PYR_OK);
    CHECK_STR(scene_text("real/tms.json"), "");
    CHECK_INT(rok4_stage_publish(own, "new", &err), PYR_OK);
    CHECK_STR(scene_text("real/tms.json"), "grid");
    CHECK_STR(scene_text("real/p.json"), "new");
    CHECK_STR(scene_text("real/kept.json"), "kept");
}

/* What was interrupted is finished by the lock alone; the run goes on from
 * there, or was that very one. */
static void test_lock_first(void)
{
    static const char *const identities[] = {"run", "another"};
    const struct pyr_tree tree = fake_tree_make();
    for (size_t i = 0; i < 2; i++)
    {
        const struct rok4_stage_options options = {.path = scene_path("p.json"),
                                                   .mode = ROK4_STAGE_UPDATE,
                                                   .identity = identities[i]};
        struct rok4_stage *own = NULL;
        bool recovered = false;
        scene_clear();
        scene_put("p.json", "old");
        scene_put("p.json.building",
                  "{\"rok4_state\": 1, \"phase\": \"place\", \"mode\": "
                  "\"update\", \"list\": 0, \"md5\": 0, \"dropped\": [], "
                  "\"identity\": \"run\"}");
        scene_put(".p.building/new.json", "new");
        CHECK_INT(rok4_stage_lock(&tree, options.path, &own, &recovered, &err),
                  PYR_OK);
        CHECK(recovered && rok4_stage_recovered(own));
        CHECK_STR(scene_text("p.json"), "new");
        CHECK_INT(rok4_stage_start(own, &options, &own, &finished, &err),
                  PYR_OK);
        CHECK(finished == (i == 0) && (own == NULL) == finished);
        rok4_stage_cancel(own, false);
        CHECK_STR(scene_text("p.json"), "new");
        CHECK_STR(scene_text("p.json.building"), "");
        CHECK_STR(scene_text("p.json.lock"), "");
    }
}

int main(void)
{
    scene_begin();
    RUN(test_in_the_way);
    RUN(test_no_root);
    RUN(test_second_writer);
    RUN(test_resume);
    RUN(test_refused_keeps);
    RUN(test_bad_state);
    RUN(test_places);
    RUN(test_drop);
    RUN(test_links_in_place);
    RUN(test_put_beside);
    RUN(test_lock_first);
    scene_end();
    return unit_report();
}
