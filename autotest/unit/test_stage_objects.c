/* SPDX-License-Identifier: MIT */
/* Tests of writes to a pyramid on an object storage that fail or die. */
#include "fake_object_run.h"

static char before[STORE_LOOK_BYTES];
static char after[STORE_LOOK_BYTES];
static char found[STORE_LOOK_BYTES];

/* A write, as a driver makes it. */
struct job
{
    enum rok4_stage_mode mode;
    void (*put)(void);
    const char *dropped;
    bool resume;
    bool no_list;
};

static enum pyr_result collect(const struct job *job, struct rok4_stage *stage)
{
    static const char *const slabs[][2] = {
        {"DATA_5_0_0", "new a"}, {"DATA_5_2_2", "new l"},
        {"DATA_5_3_3", "new d"}, {"DATA_3_0_0", "new e"},
        {"MASK_5_0_0", "new m"}, {"MASK_3_0_0", "new n"}};
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < sizeof slabs / sizeof slabs[0] && result == PYR_OK;
         i++)
        result = put_slab(stage, slabs[i][0], slabs[i][1]);
    if (result == PYR_OK && job->mode == ROK4_STAGE_NEW)
        result =
            rok4_stage_put_link(stage, "DATA_5_4_4", "b/q/DATA_5_4_4", &err);
    if (result == PYR_OK && job->mode != ROK4_STAGE_UPDATE)
        result = rok4_stage_put_beside(stage, "tms.json", "tms", 3, &err);
    if (result == PYR_OK && job->dropped != NULL)
        result = rok4_stage_drop_level(stage, job->dropped, &err);
    return result;
}

static enum pyr_result run_as(const struct job *job, enum rok4_stage_mode mode,
                              const char *identity, bool *out_finished)
{
    const struct rok4_stage_options options = {.path = B "p.json",
                                               .mode = mode,
                                               .identity = identity,
                                               .resume = job->resume,
                                               .list = !job->no_list};
    struct rok4_stage *stage = NULL;
    *out_finished = false;
    err.text[0] = '\0';
    enum pyr_result result =
        rok4_stage_open(&store_tree, &options, &stage, out_finished, &err);
    CHECK(result == PYR_OK || stage == NULL);
    CHECK(!*out_finished || stage == NULL);
    if (result != PYR_OK || *out_finished)
        return result;
    result = collect(job, stage);
    if (result == PYR_OK)
        return rok4_stage_publish(stage, "new", &err);
    rok4_stage_cancel(stage, job->resume);
    return result;
}

static enum pyr_result run(const struct job *job)
{
    bool finished = false;
    const enum pyr_result result =
        run_as(job, job->mode, "this \"run\"\n", &finished);
    CHECK(result == PYR_OK || err.text[0] != '\0');
    CHECK_INT(store.nfiles, 0);
    return result;
}

/* What a user does then: the same again, over what is left of a new one. */
static enum pyr_result run_again(const struct job *job)
{
    bool finished = false;
    const bool left = job->mode == ROK4_STAGE_NEW &&
                      store_find(B "p.json.building") == NULL &&
                      (store_find(B "p.json") != NULL ||
                       store_find(B "p/DATA_5_0_0") != NULL ||
                       store_find(B "p/DATA_5_2_2") != NULL ||
                       store_find(B "p/DATA_5_3_3") != NULL ||
                       store_find(B "p/DATA_3_0_0") != NULL ||
                       store_find(B "p/DATA_5_4_4") != NULL ||
                       store_find(B "p/MASK_5_0_0") != NULL ||
                       store_find(B "p/MASK_3_0_0") != NULL);
    return run_as(job, left ? ROK4_STAGE_OVERWRITE : job->mode,
                  "this \"run\"\n", &finished);
}

static void begin(const struct job *job)
{
    store_clear();
    job->put();
}

static int compare_lines(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The order of a list's slabs does not count. */
static void look(char text[STORE_LOOK_BYTES])
{
    char list[1000];
    char sorted[1000] = "";
    char *lines[40];
    size_t count = 0;
    (void)snprintf(list, sizeof list, "%s", store_text(B "p.list"));
    for (char *at = list; *at != '\0'; at++)
    {
        if (at == list || at[-1] == '\0')
            lines[count++] = at;
        if (*at == '\n')
            *at = '\0';
    }
    size_t first = 0;
    while (first < count && strcmp(lines[first], "#") != 0)
        first++;
    if (first < count)
        qsort(lines + first, count - first, sizeof lines[0], compare_lines);
    for (size_t i = 0; i < count; i++)
        (void)snprintf(sorted + strlen(sorted), sizeof sorted - strlen(sorted),
                       "%s\n", lines[i]);
    if (store_find(B "p.list") != NULL)
        store_put(B "p.list", sorted);
    store_look(text);
}

/* Fills `before` and `after`; returns how many operations the job makes. */
static unsigned long learn(const struct job *job)
{
    begin(job);
    store_look(before);
    store_fail_at(0, false, false);
    CHECK_INT(run(job), PYR_OK);
    CHECK_STR(err.text, "");
    const unsigned long count = store.nops;
    look(after);
    CHECK(strcmp(before, after) != 0);
    return count;
}

/* With the new descriptor, all is as after, but for what is removed then. With
 * the old one, slabs are old, new, or, of one that is replaced, gone. */
static void check_left(const struct job *job)
{
    static const char *const names[] = {
        "DATA_5_0_0", "DATA_5_1_1", "DATA_5_2_2", "DATA_5_3_3",
        "DATA_3_0_0", "MASK_5_0_0", "MASK_3_0_0", "DATA_5_4_4"};
    const char *const text = store_text(B "p.json");
    const bool published = strcmp(text, "new") == 0;
    CHECK(published || strcmp(text, "old") == 0 || text[0] == '\0');
    CHECK(job->mode == ROK4_STAGE_NEW || text[0] != '\0' ||
          strstr(before, B "p.json: ") == NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    {
        char line[2 * STORE_PATH_BYTES];
        char path[40];
        (void)snprintf(path, sizeof path, B "p/%s", names[i]);
        (void)snprintf(line, sizeof line, "%s: %s\n", path, store_text(path));
        const bool there = store_find(path) != NULL;
        if (published)
            CHECK(there == (strstr(after, path) != NULL) &&
                  (!there || strstr(after, line) != NULL));
        else if (there)
            CHECK(strstr(after, line) != NULL || strstr(before, line) != NULL);
        else if (job->mode == ROK4_STAGE_UPDATE)
            CHECK(strstr(before, path) == NULL);
    }
    CHECK_STR(store_text(B "p/notes.txt"), "notes");
    CHECK_STR(store_text(B "p/DATA_5_notes"), "more notes");
    CHECK_STR(store_text(B "p2/DATA_5_0_0"), "neighbour");
    CHECK_STR(store_text(B "q/DATA_5_2_2"), "of another");
}

/* Dies at every operation in turn, done or not; then the same once more. */
static void check_deaths(const struct job *job)
{
    const unsigned long count = learn(job);
    for (unsigned long i = 1; i <= 2 * count; i++)
    {
        begin(job);
        store_fail_at((i + 1) / 2, true, i % 2 == 0);
        CHECK(run(job) != PYR_OK);
        check_left(job);
        store_fail_at(0, false, false);
        CHECK_INT(run_again(job), PYR_OK);
        CHECK_STR(err.text, "");
        look(found);
        CHECK_STR(found, after);
    }
}

/* One operation fails, and those that follow do not. A new pyramid leaves
 * nothing unless its descriptor may be there. */
static void check_failures(const struct job *job)
{
    const unsigned long count = learn(job);
    unsigned nclean = 0;
    for (unsigned long i = 1; i <= 2 * count; i++)
    {
        begin(job);
        store_fail_at((i + 1) / 2, false, i % 2 == 0);
        const enum pyr_result result = run(job);
        check_left(job);
        look(found);
        if (result == PYR_OK)
            CHECK_STR(found, after);
        else if (job->mode == ROK4_STAGE_NEW && !job->resume &&
                 strstr(err.text, "publishing is not finished") == NULL)
        {
            nclean++;
            CHECK_STR(found, before);
        }
        store_fail_at(0, false, false);
        CHECK_INT(run_again(job), PYR_OK);
        look(found);
        CHECK_STR(found, after);
    }
    CHECK(job->mode != ROK4_STAGE_NEW || job->resume || nclean > 20);
}

static void check_memory(const struct job *job)
{
    (void)learn(job);
    for (unsigned long i = 1;; i++)
    {
        begin(job);
        store_fail_at(0, false, false);
        pyr_alloc_fail_nth(i);
        const enum pyr_result result = run(job);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        check_left(job);
        look(found);
        if (result == PYR_OK)
        {
            CHECK_STR(found, after);
            break;
        }
        if (job->mode == ROK4_STAGE_NEW && !job->resume &&
            strcmp(store_text(B "p.json"), "new") != 0)
            CHECK_STR(found, before);
        CHECK_INT(run_again(job), PYR_OK);
        look(found);
        CHECK_STR(found, after);
    }
}

static const struct job job_new = {ROK4_STAGE_NEW, put_others, NULL, false,
                                   false};
static const struct job job_overwrite = {ROK4_STAGE_OVERWRITE, put_old, NULL,
                                         false, false};
static const struct job job_update = {ROK4_STAGE_UPDATE, put_old, NULL, false,
                                      false};

static void test_new(void)
{
    check_deaths(&job_new);
    check_failures(&job_new);
    check_memory(&job_new);
    CHECK(strstr(after, B "p.json: new\n" B "p.list: 0=b/p|1=b/q|#|"
                          "0/DATA_3_0_0|0/DATA_5_0_0|0/DATA_5_2_2|0/DATA_5_3_3|"
                          "0/MASK_3_0_0|0/MASK_5_0_0|1/DATA_5_4_4|\n") != NULL);
    CHECK(strstr(after, B "tms.json: tms\n") != NULL);
    CHECK(strstr(after, ".building") == NULL);
    struct job job = job_new;
    job.resume = true;
    check_deaths(&job);
    check_failures(&job);
    check_memory(&job);
    job.no_list = true;
    check_failures(&job);
    CHECK(strstr(after, ".list") == NULL);
}

/* All that was the old one's is gone. */
static void test_overwrite(void)
{
    check_deaths(&job_overwrite);
    check_failures(&job_overwrite);
    check_memory(&job_overwrite);
    CHECK(strstr(after, "old") == NULL);
    CHECK(strstr(after, B "p.list: 0=b/p|#|0/DATA_3_0_0|0/DATA_5_0_0|"
                          "0/DATA_5_2_2|0/DATA_5_3_3|0/MASK_3_0_0|"
                          "0/MASK_5_0_0|\n") != NULL);
    struct job job = job_overwrite;
    job.no_list = true;
    check_deaths(&job);
    CHECK(strstr(after, B "p.list") == NULL);
    job.resume = true;
    check_deaths(&job);
    job.put = put_others;
    check_deaths(&job);
    check_failures(&job);
    check_memory(&job);
}

static void put_old_without_list(void)
{
    put_old();
    store_drop(B "p.list");
}

/* A list is a help; where it cannot be one, what is found counts. */
static void put_old_with_odd_list(void)
{
    put_old();
    store_put(B "p.list", "0=b/p\n0/DATA_5_0_0\n");
}

static void test_update(void)
{
    check_deaths(&job_update);
    check_failures(&job_update);
    check_memory(&job_update);
    CHECK(strstr(after, B "p.list: 0=b/p|1=b/q|#|0/DATA_3_0_0|0/DATA_4_0_0|"
                          "0/DATA_5_0_0|0/DATA_5_1_1|0/DATA_5_2_2|0/DATA_5_3_3|"
                          "0/MASK_3_0_0|0/MASK_4_0_0 0123456789abcdef|"
                          "0/MASK_5_0_0|\n") != NULL);
    CHECK(strstr(after, B "p.json.aux.xml: old sidecar\n") != NULL);
    struct job job = job_update;
    job.resume = true;
    check_deaths(&job);
    CHECK(strstr(after, ".building") == NULL);
    job.no_list = true;
    check_failures(&job);
    CHECK(strstr(after, B "p.list") == NULL);
}

static void test_update_without_list(void)
{
    static const char list[] =
        B "p.list: 0=b/p|#|0/DATA_3_0_0|0/DATA_4_0_0|0/DATA_5_0_0|"
          "0/DATA_5_1_1|0/DATA_5_2_2|0/DATA_5_3_3|0/MASK_3_0_0|0/MASK_4_0_0|"
          "0/MASK_5_0_0|\n";
    struct job job = job_update;
    job.put = put_old_without_list;
    check_deaths(&job);
    check_failures(&job);
    check_memory(&job);
    CHECK(strstr(after, list) != NULL);
    job.put = put_old_with_odd_list;
    check_failures(&job);
    check_memory(&job);
    CHECK(strstr(after, list) != NULL);
}

/* A list that the storage does not take, and what is told of it. */
static void test_large_list(void)
{
    const struct job *const jobs[] = {&job_new, &job_overwrite, &job_update};
    for (size_t i = 0; i < 3; i++)
    {
        begin(jobs[i]);
        store.fail[STORE_PUT] = PYR_LIMIT;
        store.fail_path = "p.list";
        CHECK_INT(run(jobs[i]), PYR_OK);
        CHECK_STR(err.text, B "p.list: fails always");
        CHECK_STR(store_text(B "p.json"), "new");
        CHECK_STR(store_text(B "p/DATA_5_0_0"), "new a");
        CHECK(store_find(B "p.list") == NULL);
    }
    /* That of a slab is another matter. */
    begin(&job_update);
    store.fail[STORE_PUT] = PYR_LIMIT;
    store.fail_path = "DATA_5_3_3";
    CHECK_INT(run(&job_update), PYR_LIMIT);
    CHECK_STR(store_text(B "p.json"), "old");
}

/* Level 4 is dropped, level 5 is not. */
static void test_drop(void)
{
    struct job job = job_update;
    job.dropped = "4";
    const unsigned long count = learn(&job);
    CHECK(strstr(after, "_4_0_0") == NULL);
    CHECK(strstr(after, B "p/DATA_5_1_1: old b\n") != NULL);
    CHECK(strstr(after, "0/DATA_5_1_1") != NULL);
    for (unsigned long i = 1; i <= count; i++)
    {
        begin(&job);
        store_fail_at(i, false, false);
        const enum pyr_result result = run(&job);
        CHECK(result != PYR_OK);
        check_left(&job);
        if (strcmp(store_text(B "p.json"), "new") == 0)
            CHECK(strstr(err.text, "is written, but what was to be removed") !=
                  NULL);
        else
            CHECK_STR(store_text(B "p/DATA_4_0_0"), "old c");
    }
    job.put = put_old_without_list;
    check_memory(&job);
    CHECK(strstr(after, "_4_0_0") == NULL);
}

/* The descriptor comes when all else is there, and what is asked before the
 * first slab does not grow. */
static void test_order(void)
{
    begin(&job_overwrite);
    store.logs = true;
    CHECK_INT(run(&job_overwrite), PYR_OK);
    CHECK_STR(store.log,
              "exists " B "p.json.building\nexists " B "p.json\n"
              "put " B "p/DATA_5_0_0\nput " B "p/DATA_5_2_2\n"
              "put " B "p/DATA_5_3_3\nput " B "p/DATA_3_0_0\n"
              "put " B "p/MASK_5_0_0\nput " B "p/MASK_3_0_0\n"
              "list " B "p/DATA_\n"
              "remove " B "p/DATA_4_0_0\nremove " B "p/DATA_5_1_1\n"
              "list " B "p/MASK_\nremove " B "p/MASK_4_0_0\n"
              "remove " B "p.md5\nremove " B "p.json.aux.xml\n"
              "put " B "tms.json\nput " B "p.list\nput " B "p.json\n");
}

static void check_refused(const struct job *job, enum pyr_result expected,
                          const char *words)
{
    store_look(before);
    CHECK_INT(run(job), expected);
    CHECK(strstr(err.text, words) != NULL);
    store_look(found);
    CHECK_STR(found, before);
}

static void test_in_the_way(void)
{
    store_clear();
    check_refused(&job_update, PYR_NOT_FOUND, "does not exist");
    store_put(B "p.json", "{}");
    check_refused(&job_new, PYR_USAGE, "OVERWRITE=YES");
    store_clear();
    store_put(B "p/DATA_7_1_2", "left over");
    check_refused(&job_new, PYR_USAGE, "holds slabs already");
    store_clear();
    store_put(B "p/MASK_7_1_2", "left over");
    check_refused(&job_new, PYR_USAGE, "holds slabs already");
    store_clear();
    store_put(B "p.list", "shopping");
    check_refused(&job_new, PYR_USAGE, "is no list of slabs");
    store_clear();
    store_put(B "p.json.building", "not ours");
    check_refused(&job_new, PYR_CORRUPT, "p.json.building");
    store_clear();
    store.fail[STORE_LIST] = PYR_IO;
    check_refused(&job_new, PYR_IO, B "p: cannot be listed");

    /* What is called like the directory is nobody's business. */
    store_clear();
    store_put(B "p", "an object");
    CHECK_INT(run(&job_new), PYR_OK);
    CHECK_STR(store_text(B "p"), "an object");

    const struct rok4_stage_options digests = {
        .path = B "n.json", .identity = "", .md5 = true};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    store_clear();
    CHECK_INT(rok4_stage_open(&store_tree, &digests, &stage, &finished, &err),
              PYR_UNSUPPORTED);
    CHECK_INT(store.count, 0);
}

int main(void)
{
    RUN(test_new);
    RUN(test_overwrite);
    RUN(test_update);
    RUN(test_update_without_list);
    RUN(test_large_list);
    RUN(test_drop);
    RUN(test_order);
    RUN(test_in_the_way);
    store_clear();
    return unit_report();
}
