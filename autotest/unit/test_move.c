/* SPDX-License-Identifier: MIT */
/* Tests of renaming and copying a pyramid. */
#define _DEFAULT_SOURCE
#include "fake_scene.h"
#include "rok4_move.h"
#include "rok4_stage.h"

static struct pyr_error err;
static char before[SCENE_BYTES];
static char after[SCENE_BYTES];
static char found[SCENE_BYTES];

#define OWNER "q/DATA/5/00/00/22.tif"

static void put(void)
{
    scene_clear();
    scene_put("p.json", "descriptor of p");
    scene_put("p.list", "list");
    scene_put("p.md5", "digests");
    scene_put("p.json.aux.xml", "sidecar");
    scene_put("p/DATA/5/00/00/00.tif", "a");
    scene_put("p/MASK/5/00/00/00.tif", "m");
    scene_put(OWNER, "of another");
    scene_link("p/DATA/5/00/00/22.tif", "../../../../../" OWNER);
    /* A chain, as some tools make it. */
    scene_link("p/DATA/5/00/00/33.tif", "22.tif");
    scene_put("p/notes.txt", "notes");
}

static enum pyr_result rewrite(void *context, const char *text, size_t nbytes,
                               char **out_text, struct pyr_error *error)
{
    char fresh[100];
    (void)snprintf(fresh, sizeof fresh, "%.*s, now %s", (int)nbytes, text,
                   (const char *)context);
    return posix_text(fresh, strlen(fresh), out_text, error);
}

static enum pyr_result rewrite_never(void *context, const char *text,
                                     size_t nbytes, char **out_text,
                                     struct pyr_error *error)
{
    (void)context;
    (void)text;
    (void)nbytes;
    (void)out_text;
    return pyr_fail(error, PYR_UNSUPPORTED, "never");
}

typedef enum pyr_result (*transfer)(const struct pyr_tree *tree,
                                    const char *from, const char *to,
                                    rok4_move_rewrite rewrite, void *context,
                                    struct pyr_error *err);

static enum pyr_result run(transfer function, const char *to)
{
    const struct pyr_tree tree = fake_tree_make();
    char name[10] = "n";
    err.text[0] = '\0';
    return function(&tree, scene_path("p.json"), scene_path(to), rewrite, name,
                    &err);
}

static void run_another(const char *path)
{
    const struct rok4_stage_options options = {.path = scene_path(path),
                                               .mode = ROK4_STAGE_OVERWRITE,
                                               .identity = "another"};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    CHECK_INT(rok4_stage_open(&posix_tree, &options, &stage, &finished, &err),
              PYR_OK);
    rok4_stage_cancel(stage, false);
}

static void test_move(void)
{
    put();
    fake_tree_reset(0, false);
    CHECK_INT(run(rok4_move, "n.json"), PYR_OK);
    CHECK_STR(err.text, "");
    scene_look(after);
    CHECK_STR(
        after,
        "n/DATA/5/00/00/00.tif: a\n"
        "n/DATA/5/00/00/22.tif -> ../../../../../" OWNER "\n"
        "n/DATA/5/00/00/33.tif -> 22.tif\n"
        "n/DATA/5/00/00/\nn/DATA/5/00/\nn/DATA/5/\nn/DATA/\n"
        "n/MASK/5/00/00/00.tif: m\n"
        "n/MASK/5/00/00/\nn/MASK/5/00/\nn/MASK/5/\nn/MASK/\n"
        "n/\n"
        "n.json: descriptor of p, now n\n"
        "n.json.aux.xml: sidecar\n"
        "n.list: 0=ROOT/n|1=ROOT/q|#|0/DATA/5/00/00/00.tif|"
        "1/DATA/5/00/00/22.tif|1/DATA/5/00/00/22.tif|0/MASK/5/00/00/00.tif|\n"
        "n.md5: 0=ROOT/n|1=ROOT/q|#|"
        "0/DATA/5/00/00/00.tif 0cc175b9c0f1b6a831c399e269772661|"
        "1/DATA/5/00/00/22.tif|1/DATA/5/00/00/22.tif|"
        "0/MASK/5/00/00/00.tif 6f8f57715090da2632453988d9a1501b|\n"
        "p/notes.txt: notes\n"
        "p/\n"
        "q/DATA/5/00/00/22.tif: of another\n"
        "q/DATA/5/00/00/\nq/DATA/5/00/\nq/DATA/5/\nq/DATA/\nq/\n");
}

static void test_copy(void)
{
    put();
    fake_tree_reset(0, false);
    CHECK_INT(run(rok4_copy, "n.json"), PYR_OK);
    CHECK_STR(scene_text("p.json"), "descriptor of p");
    CHECK_STR(scene_text("p/DATA/5/00/00/00.tif"), "a");
    CHECK_STR(scene_text("n.json"), "descriptor of p, now n");
    CHECK_STR(scene_text("n.json.aux.xml"), "sidecar");
    CHECK_STR(scene_text("n/DATA/5/00/00/00.tif"), "a");
    CHECK_STR(scene_text("n/MASK/5/00/00/00.tif"), "m");
    CHECK(!scene_has("n/notes.txt"));
    scene_look(after);
    CHECK(strstr(after, "n/DATA/5/00/00/22.tif -> ../../../../../" OWNER
                        "\nn/DATA/5/00/00/33.tif -> ../../../../../" OWNER
                        "\n") != NULL);
}

/* Into another directory, at another depth, and with an absolute link. */
static void test_elsewhere(void)
{
    char target[POSIX_PATH_BYTES];
    put();
    (void)snprintf(target, sizeof target, "%s", scene_path(OWNER));
    scene_link("p/DATA/5/00/00/44.tif", target);
    scene_put("a/b/x", "x");
    fake_tree_reset(0, false);
    CHECK_INT(run(rok4_copy, "a/b/n.json"), PYR_OK);
    scene_look(after);
    CHECK(strstr(after,
                 "a/b/n/DATA/5/00/00/22.tif -> ../../../../../../../" OWNER
                 "\n") != NULL);
    CHECK(strstr(after, "a/b/n/DATA/5/00/00/44.tif -> ROOT/" OWNER "\n") !=
          NULL);
    CHECK_STR(scene_text("a/b/n/DATA/5/00/00/22.tif"), "of another");
    CHECK(scene_has("p.json"));

    CHECK_INT(run(rok4_move, "a/n.json"), PYR_OK);
    CHECK_STR(scene_text("a/n/DATA/5/00/00/22.tif"), "of another");
    CHECK_STR(scene_text("a/n/DATA/5/00/00/00.tif"), "a");
    CHECK(!scene_has("p.json") && !scene_has("p/DATA") && scene_has("p"));
    CHECK_STR(scene_text(OWNER), "of another");
}

static void check_refused(transfer function, const char *to,
                          rok4_move_rewrite how, enum pyr_result expected)
{
    char name[10] = "n";
    scene_look(before);
    err.text[0] = '\0';
    CHECK_INT(function(&posix_tree, scene_path("p.json"), scene_path(to), how,
                       name, &err),
              expected);
    CHECK(err.text[0] != '\0');
    scene_look(found);
    CHECK_STR(found, before);
}

static void test_refused(void)
{
    static const transfer functions[] = {rok4_move, rok4_copy};
    for (size_t i = 0; i < 2; i++)
    {
        put();
        scene_put("n.json", "there");
        check_refused(functions[i], "n.json", rewrite, PYR_USAGE);
        check_refused(functions[i], "p.json", rewrite, PYR_USAGE);
        check_refused(functions[i], "m.json", rewrite_never, PYR_UNSUPPORTED);
        check_refused(functions[i], "noname", rewrite, PYR_USAGE);
        scene_put("o/DATA/5/00.tif", "there");
        check_refused(functions[i], "o.json", rewrite, PYR_USAGE);
        scene_clear();
        check_refused(functions[i], "n.json", rewrite, PYR_NOT_FOUND);
        scene_put("p.json", "descriptor");
        scene_put("q/DATA/5/00.tif", "of another");
        scene_link("p", "q");
        check_refused(functions[i], "n.json", rewrite, PYR_UNSUPPORTED);
    }
}

/* Dies, or fails once, at every change in turn. */
static void check_interrupted(transfer function, bool dies)
{
    put();
    scene_look(before);
    fake_tree_reset(0, false);
    CHECK_INT(run(function, "n.json"), PYR_OK);
    const unsigned long count = fake_tree.nchanges;
    unsigned nbefore = 0;
    scene_look(after);
    for (unsigned long i = 1; i <= count; i++)
    {
        put();
        fake_tree_reset(i, dies);
        (void)(run(function, "n.json") == PYR_OK);
        if (scene_has("p.json"))
            CHECK(scene_has("p/DATA/5/00/00/00.tif"));
        if (scene_has("n.json"))
            CHECK(scene_has("n/DATA/5/00/00/00.tif"));
        fake_tree_reset(0, false);
        run_another("n.json");
        run_another("p.json");
        scene_look(found);
        nbefore += strcmp(found, before) == 0;
        /* The sidecar of a copy follows its descriptor. */
        if (strcmp(found, before) != 0 &&
            (function == rok4_move || scene_has("n.json.aux.xml")))
            CHECK_STR(found, after);
    }
    CHECK(nbefore > 3 && nbefore < count - 5);
}

static void test_interrupted(void)
{
    check_interrupted(rok4_move, true);
    check_interrupted(rok4_move, false);
    check_interrupted(rok4_copy, true);
    check_interrupted(rok4_copy, false);
}

static void check_memory(transfer function)
{
    for (unsigned long i = 1;; i++)
    {
        put();
        fake_tree_reset(0, false);
        pyr_alloc_fail_nth(i);
        const enum pyr_result result = run(function, "n.json");
        pyr_alloc_fail_nth(0);
        if (result == PYR_OK)
            break;
        CHECK_INT(result, PYR_NOMEM);
        run_another("n.json");
        run_another("p.json");
        CHECK(scene_has("p.json") || scene_has("n.json"));
    }
}

static void test_memory(void)
{
    check_memory(rok4_move);
    check_memory(rok4_copy);
}

int main(void)
{
    scene_begin();
    RUN(test_move);
    RUN(test_copy);
    RUN(test_elsewhere);
    RUN(test_refused);
    RUN(test_interrupted);
    RUN(test_memory);
    scene_end();
    return unit_report();
}
