/* SPDX-License-Identifier: MIT */
/* Tests of writes to a pyramid that fail or die at any change they make. */
#define _DEFAULT_SOURCE
#include "fake_scene.h"
#include "rok4_stage.h"

static struct pyr_error err;
static char before[SCENE_BYTES];
static char after[SCENE_BYTES];
static char found[SCENE_BYTES];

#define OWNER "old/DATA/5/00/00/22.tif"

/* Slabs "a" and "b", a link to another pyramid, and what is not ours. */
static void put_old(void)
{
    scene_put("p.json", "old");
    scene_put("p.list", "old list");
    scene_put("p.json.aux.xml", "old sidecar");
    scene_put("p/DATA/5/00/00/00.tif", "old a");
    scene_put("p/DATA/5/00/00/11.tif", "old b");
    scene_put("p/DATA/4/00/00/00.tif", "old c");
    scene_put("p/MASK/5/00/00/00.tif", "old m");
    scene_put(OWNER, "of another");
    scene_link("p/DATA/5/00/00/22.tif", "../../../../../" OWNER);
    scene_put("p/notes.txt", "notes");
    scene_put("p/DATA/5/00/notes.txt", "more notes");
    scene_put("p/DATA/5/kept/notes.txt", "still more");
    scene_put("neighbour.json", "neighbour");
}

static void put_none(void)
{
    scene_put(OWNER, "of another");
    scene_put("p/notes.txt", "notes");
}

/* A write, as a driver makes it. */
struct job
{
    enum rok4_stage_mode mode;
    void (*put)(void);
    const char *dropped;
    const char *descriptor;
    bool resume;
    bool no_list;
};

static enum pyr_result put_slab(const struct pyr_tree *tree,
                                const char *directory, const char *relative,
                                const char *text)
{
    char path[POSIX_PATH_BYTES];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s", directory, relative);
    /* As a run does that is resumed. */
    if (lstat(path, &info) == 0)
        return PYR_OK;
    return pyr_tree_store(tree, path, text, strlen(text), &err);
}

static enum pyr_result collect(const struct pyr_tree *tree,
                               const struct job *job, struct rok4_stage *stage)
{
    static const char *const slabs[][2] = {
        {"DATA/5/00/00/00.tif", "new a"}, {"DATA/5/00/00/22.tif", "new l"},
        {"DATA/5/01/00/00.tif", "new d"}, {"DATA/3/00/00/00.tif", "new e"},
        {"MASK/5/00/00/00.tif", "new m"}, {"MASK/3/00/00/00.tif", "new n"}};
    const char *const directory = rok4_stage_directory(stage);
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < sizeof slabs / sizeof slabs[0] && result == PYR_OK;
         i++)
        result = put_slab(tree, directory, slabs[i][0], slabs[i][1]);
    /* A slab of an ancestor. */
    if (result == PYR_OK && job->mode == ROK4_STAGE_NEW)
    {
        char path[POSIX_PATH_BYTES];
        (void)snprintf(path, sizeof path, "%s/DATA/5/00/00/33.tif", directory);
        if (access(path, F_OK) != 0)
            result =
                tree->symlink(tree->user, "../../../../../" OWNER, path, &err);
    }
    if (result == PYR_OK && job->mode == ROK4_STAGE_NEW)
        result = rok4_stage_put_beside(stage, "tms.json", "tms", 3, &err);
    if (result == PYR_OK && job->dropped != NULL)
        result = rok4_stage_drop_level(stage, job->dropped, &err);
    return result;
}

static enum pyr_result run(const struct job *job)
{
    const struct pyr_tree tree = fake_tree_make();
    const struct rok4_stage_options options = {.path = scene_path("p.json"),
                                               .mode = job->mode,
                                               .identity = "this \"run\"\n",
                                               .resume = job->resume,
                                               .list = !job->no_list,
                                               .md5 = !job->no_list};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    err.text[0] = '\0';
    enum pyr_result result =
        rok4_stage_open(&tree, &options, &stage, &finished, &err);
    CHECK(result == PYR_OK || stage == NULL);
    CHECK(!finished || stage == NULL);
    if (result != PYR_OK || finished)
        return result;
    result = collect(&tree, job, stage);
    if (result == PYR_OK)
        return rok4_stage_publish(stage, job->descriptor, &err);
    rok4_stage_cancel(stage, job->resume);
    return result;
}

/* Another write, that recovers what the first one left, and then changes its
 * mind. */
static void run_another(enum rok4_stage_mode mode)
{
    const struct pyr_tree tree = fake_tree_make();
    const struct rok4_stage_options options = {
        .path = scene_path("p.json"), .mode = mode, .identity = "another"};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    CHECK_INT(rok4_stage_open(&tree, &options, &stage, &finished, &err),
              PYR_OK);
    CHECK(!finished && stage != NULL && !rok4_stage_resumed(stage));
    rok4_stage_cancel(stage, false);
}

static void begin(const struct job *job)
{
    scene_clear();
    job->put();
}

/* Fills `before` and `after`; returns how many changes the job makes. */
static unsigned long learn(const struct job *job)
{
    begin(job);
    scene_look(before);
    fake_tree_reset(0, false);
    CHECK_INT(run(job), PYR_OK);
    CHECK_STR(err.text, "");
    const unsigned long count = fake_tree.nchanges;
    scene_look(after);
    CHECK(strcmp(before, after) != 0);
    return count;
}

/* A slab is the old one, the new one, or, where there was none, absent; and
 * with the new descriptor, all are new. */
static void check_in_place(void)
{
    const bool published = strcmp(scene_text("p.json"), "new") == 0;
    const char *const a = scene_text("p/DATA/5/00/00/00.tif");
    CHECK(strcmp(a, "new a") == 0 || (!published && strcmp(a, "old a") == 0));
    CHECK_STR(scene_text("p/DATA/5/00/00/11.tif"), "old b");
    const char *const l = scene_text("p/DATA/5/00/00/22.tif");
    CHECK(strcmp(l, "new l") == 0 ||
          (!published && strcmp(l, "of another") == 0));
    const char *const d = scene_text("p/DATA/5/01/00/00.tif");
    CHECK(strcmp(d, "new d") == 0 || (!published && d[0] == '\0'));
    CHECK(published || strcmp(scene_text("p.json"), "old") == 0);
}

/* With the old descriptor, all is as before; with the new one, all as after. */
static void check_whole(void)
{
    static const char *const names[] = {
        "p/DATA/5/00/00/00.tif", "p/DATA/5/00/00/11.tif",
        "p/DATA/5/00/00/22.tif", "p/DATA/5/01/00/00.tif",
        "p/MASK/5/00/00/00.tif", "p/DATA/3/00/00/00.tif"};
    const char *const text = scene_text("p.json");
    const bool is_new = strcmp(text, "new") == 0;
    const bool is_old = strcmp(text, "old") == 0;
    CHECK(is_new || is_old || text[0] == '\0');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    {
        char line[8200];
        (void)snprintf(line, sizeof line, "%s: %s\n", names[i],
                       scene_text(names[i]));
        if (is_new && scene_has(names[i]))
            CHECK(strstr(after, line) != NULL);
        if (is_new && strstr(after, names[i]) != NULL)
            CHECK(scene_has(names[i]));
        if (is_old && strstr(before, names[i]) != NULL)
            CHECK(scene_has(names[i]));
    }
    CHECK(!is_new || scene_has("p.list") || strstr(after, "p.list") == NULL);
}

static void check_left(const struct job *job)
{
    if (job->mode == ROK4_STAGE_UPDATE)
        check_in_place();
    else
        check_whole();
    /* What is not ours is never touched, but may be away for a moment. */
    CHECK_STR(scene_text(OWNER), "of another");
    CHECK_STR(scene_text("p/notes.txt"), "notes");
}

/* Dies at every change in turn; then the same run, or another one. */
static void check_deaths(const struct job *job)
{
    const unsigned long count = learn(job);
    unsigned nold = 0;
    unsigned nnew = 0;
    for (unsigned long i = 1; i <= count; i++)
    {
        begin(job);
        fake_tree_reset(i, true);
        const enum pyr_result died = run(job);
        CHECK(died != PYR_OK || i >= count - 1);
        check_left(job);

        fake_tree_reset(0, false);
        CHECK_INT(run(job), PYR_OK);
        CHECK_STR(err.text, "");
        scene_look(found);
        CHECK_STR(found, after);

        begin(job);
        fake_tree_reset(i, true);
        (void)(run(job) == PYR_OK);
        fake_tree_reset(0, false);
        run_another(ROK4_STAGE_OVERWRITE);
        scene_look(found);
        nold += strcmp(found, before) == 0;
        nnew += strcmp(found, after) == 0;
        if (strcmp(found, before) != 0)
            CHECK_STR(found, after);
    }
    CHECK(nold > 10 && nnew > 3);
    fake_tree_reset(0, false);
}

/* One change fails, and those that follow do not: without leftovers, or
 * finished by the next run. */
static void check_failures(const struct job *job)
{
    const unsigned long count = learn(job);
    for (unsigned long i = 1; i <= count; i++)
    {
        begin(job);
        fake_tree_reset(i, false);
        const enum pyr_result result = run(job);
        check_left(job);
        scene_look(found);
        if (result == PYR_OK)
            CHECK_STR(found, after);
        else if (!job->resume && !scene_has("p.json.building"))
            CHECK_STR(found, before);
        if (result != PYR_OK)
            CHECK(err.text[0] != '\0');

        fake_tree_reset(0, false);
        run_another(ROK4_STAGE_OVERWRITE);
        scene_look(found);
        if (strcmp(found, before) != 0)
            CHECK_STR(found, after);
    }
}

static void check_memory(const struct job *job)
{
    (void)learn(job);
    for (unsigned long i = 1;; i++)
    {
        begin(job);
        fake_tree_reset(0, false);
        pyr_alloc_fail_nth(i);
        const enum pyr_result result = run(job);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        check_left(job);
        if (result == PYR_OK)
        {
            scene_look(found);
            CHECK_STR(found, after);
            break;
        }
        run_another(ROK4_STAGE_OVERWRITE);
        scene_look(found);
        if (strcmp(found, before) != 0)
            CHECK_STR(found, after);
    }
}

static const struct job job_new = {ROK4_STAGE_NEW, put_none, NULL,
                                   "new",          false,    false};
static const struct job job_overwrite = {
    ROK4_STAGE_OVERWRITE, put_old, NULL, "new", false, false};
static const struct job job_first = {
    ROK4_STAGE_OVERWRITE, put_none, NULL, "new", false, true};
static const struct job job_update = {
    ROK4_STAGE_UPDATE, put_old, "4", "new", false, false};

static struct job resumed(const struct job *job)
{
    struct job other = *job;
    other.resume = true;
    return other;
}

static void test_new(void)
{
    check_deaths(&job_new);
    check_failures(&job_new);
    check_memory(&job_new);
    const struct job again = resumed(&job_new);
    check_deaths(&again);
    check_failures(&again);
}

static void test_overwrite(void)
{
    check_deaths(&job_overwrite);
    check_failures(&job_overwrite);
    check_memory(&job_overwrite);
    check_deaths(&job_first);
    const struct job again = resumed(&job_overwrite);
    check_deaths(&again);
}

static void test_update(void)
{
    check_deaths(&job_update);
    check_failures(&job_update);
    check_memory(&job_update);
    const struct job again = resumed(&job_update);
    check_deaths(&again);
}

/* What stands there in the end. */
static void test_results(void)
{
    (void)learn(&job_new);
    CHECK(strstr(after, "p.list: 0=ROOT/p|1=ROOT/old|#|"
                        "0/DATA/3/00/00/00.tif|0/DATA/5/00/00/00.tif|"
                        "0/DATA/5/00/00/22.tif|1/DATA/5/00/00/22.tif|"
                        "0/DATA/5/01/00/00.tif|0/MASK/3/00/00/00.tif|"
                        "0/MASK/5/00/00/00.tif|\n") != NULL);
}

int main(void)
{
    scene_begin();
    RUN(test_new);
    RUN(test_overwrite);
    RUN(test_update);
    RUN(test_results);
    scene_end();
    return unit_report();
}
