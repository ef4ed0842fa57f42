/* SPDX-License-Identifier: MIT */
/* Tests of writes to an object storage: resumed, cancelled, copied, linked. */
#include "fake_object_run.h"

/* A run that is cancelled, and may be resumed if it said so. */
static enum pyr_result begin_run(enum rok4_stage_mode mode,
                                 const char *identity, bool resume,
                                 bool *out_resumed)
{
    const struct rok4_stage_options options = {.path = B "p.json",
                                               .mode = mode,
                                               .identity = identity,
                                               .resume = resume};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    enum pyr_result result =
        rok4_stage_open(&store_tree, &options, &stage, &finished, &err);
    if (result != PYR_OK)
        return result;
    *out_resumed = rok4_stage_resumed(stage);
    CHECK_INT(put_slab(stage, "DATA_5_0_0", identity), PYR_OK);
    rok4_stage_cancel(stage, resume);
    return PYR_OK;
}

static void test_resume(void)
{
    const enum rok4_stage_mode new = ROK4_STAGE_NEW;
    const enum rok4_stage_mode over = ROK4_STAGE_OVERWRITE;
    bool resumed = true;
    store_clear();
    CHECK_INT(begin_run(new, "run", true, &resumed), PYR_OK);
    CHECK(!resumed && store_find(B "p.json.building") != NULL);
    CHECK_INT(begin_run(new, "run", true, &resumed), PYR_OK);
    CHECK(resumed);
    /* Another one is told of its slabs, and leaves them. */
    CHECK_INT(begin_run(new, "other", true, &resumed), PYR_USAGE);
    CHECK_INT(begin_run(new, "other", false, &resumed), PYR_USAGE);
    CHECK_INT(begin_run(new, "run", true, &resumed), PYR_OK);
    CHECK(resumed);
    /* One that replaces them makes them its own. */
    CHECK_INT(begin_run(over, "other", false, &resumed), PYR_OK);
    CHECK(!resumed && store_find(B "p.json.building") == NULL);
    CHECK_STR(store_text(B "p/DATA_5_0_0"), "other");
    CHECK_INT(begin_run(new, "run", true, &resumed), PYR_USAGE);

    /* Slabs of an old pyramid look like its own. */
    store_clear();
    put_old();
    CHECK_INT(begin_run(over, "run", true, &resumed), PYR_OK);
    CHECK(!resumed && store_find(B "p.json.building") == NULL);
    CHECK_INT(begin_run(over, "run", true, &resumed), PYR_OK);
    CHECK(!resumed);
    CHECK_INT(begin_run(ROK4_STAGE_UPDATE, "run", true, &resumed), PYR_OK);
    CHECK_INT(begin_run(ROK4_STAGE_UPDATE, "run", true, &resumed), PYR_OK);
    CHECK(!resumed);
    store_clear();
    CHECK_INT(begin_run(over, "run", true, &resumed), PYR_OK);
    CHECK_INT(begin_run(over, "run", true, &resumed), PYR_OK);
    CHECK(resumed);

    /* A state without slabs, of a run that was interrupted at once. */
    store_drop(B "p/DATA_5_0_0");
    CHECK_INT(begin_run(new, "other", false, &resumed), PYR_OK);
    CHECK(!resumed && store_find(B "p.json.building") == NULL);
    CHECK(store_find(B "p/DATA_5_0_0") == NULL);
}

/* A run of which all but the state object's removal was done. */
static void test_finished(void)
{
    const struct rok4_stage_options options = {.path = B "p.json",
                                               .mode = ROK4_STAGE_NEW,
                                               .identity = "run",
                                               .resume = true};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    store_clear();
    CHECK_INT(rok4_stage_open(&store_tree, &options, &stage, &finished, &err),
              PYR_OK);
    store.fail[STORE_REMOVE] = PYR_IO;
    CHECK_INT(rok4_stage_publish(stage, "new", &err), PYR_IO);
    CHECK(strstr(err.text, "is written, but") != NULL);
    CHECK_INT(rok4_stage_open(&store_tree, &options, &stage, &finished, &err),
              PYR_IO);
    store.fail[STORE_REMOVE] = PYR_OK;
    CHECK_INT(rok4_stage_open(&store_tree, &options, &stage, &finished, &err),
              PYR_OK);
    CHECK(finished && stage == NULL);
    CHECK_STR(store_text(B "p.json"), "new");
    CHECK(store_find(B "p.json.building") == NULL);
}

/* Stale slabs are removed in batches, and what was put is not. */
static void test_batches(void)
{
    const struct rok4_stage_options options = {
        .path = B "p.json", .mode = ROK4_STAGE_OVERWRITE, .identity = ""};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    char path[STORE_PATH_BYTES];
    store_clear();
    for (unsigned i = 0; i < 2500; i++)
    {
        (void)snprintf(path, sizeof path, B "p/DATA_9_%u_%u", i % 50, i / 50);
        store_put(path, "old");
    }
    CHECK_INT(rok4_stage_open(&store_tree, &options, &stage, &finished, &err),
              PYR_OK);
    CHECK_INT(put_slab(stage, "DATA_9_49_49", "new"), PYR_OK);
    store_fail_at(0, false, false);
    CHECK_INT(rok4_stage_publish(stage, "new", &err), PYR_OK);
    CHECK_INT(store.count, 2);
    CHECK_INT(store.largest_removal, PYR_MAX_OBJECTS_REMOVED);
    /* Two listings, three batches, the descriptor, and whether there is a list.
     */
    CHECK_INT(store.nops, 7);
}

/* A cancelled build of many slabs removes them in batches, too. */
static void test_cancel(void)
{
    const struct rok4_stage_options options = {
        .path = B "p.json", .mode = ROK4_STAGE_NEW, .identity = ""};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    char name[40];
    for (unsigned fails = 0; fails < 2; fails++)
    {
        store_clear();
        put_others();
        const size_t nothers = store.count;
        CHECK_INT(
            rok4_stage_open(&store_tree, &options, &stage, &finished, &err),
            PYR_OK);
        for (unsigned i = 0; i < 1500; i++)
        {
            (void)snprintf(name, sizeof name, "DATA_9_%u_1", i);
            CHECK_INT(put_slab(stage, name, "new"), PYR_OK);
        }
        /* What cannot be removed does not keep the others from it. */
        store_fail_at(fails, false, false);
        rok4_stage_cancel(stage, false);
        CHECK_INT(store.count, nothers + (fails > 0 ? 1000 : 0));
    }
}

/* Copied by the storage, and else put: noted in any case. */
static void test_copy(void)
{
    const struct rok4_stage_options options = {.path = B "p.json",
                                               .mode = ROK4_STAGE_NEW,
                                               .identity = "",
                                               .list = true};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    store_clear();
    put_others();
    CHECK_INT(rok4_stage_open(&store_tree, &options, &stage, &finished, &err),
              PYR_OK);
    CHECK_INT(
        rok4_stage_copy(stage, B "q/DATA_5_2_2", B "p/DATA_5_2_2", 10, &err),
        PYR_UNSUPPORTED);
    store.copies = true;
    CHECK_INT(
        rok4_stage_copy(stage, B "q/DATA_5_2_2", B "p/DATA_5_2_2", 10, &err),
        PYR_OK);
    CHECK(rok4_stage_has_put(stage, B "p/DATA_5_2_2"));
    CHECK(!rok4_stage_has_put(stage, B "p"));
    CHECK_INT(rok4_stage_copy(stage, B "q/DATA_5_2_2", B "p/x", 10, &err),
              PYR_USAGE);
    CHECK_INT(rok4_stage_publish(stage, "new", &err), PYR_OK);
    CHECK_STR(store_text(B "p/DATA_5_2_2"), "of another");
    CHECK_STR(store_text(B "p.list"), "0=b/p\n#\n0/DATA_5_2_2\n");
}

static void test_links(void)
{
    const struct rok4_stage_options options = {.path = B "p.json",
                                               .mode = ROK4_STAGE_NEW,
                                               .identity = "",
                                               .list = true};
    static char target[3000] = "b/";
    struct rok4_stage *stage = NULL;
    bool finished = false;
    store_clear();
    CHECK_INT(rok4_stage_open(&store_tree, &options, &stage, &finished, &err),
              PYR_OK);
    CHECK_INT(
        rok4_stage_put_link(stage, "DATA_5_0_0", "c/x/q/DATA_5_0_0", &err),
        PYR_OK);
    CHECK_INT(rok4_stage_put_link(stage, "DATA_5_1_0", "b/r/DATA_5_1_0", &err),
              PYR_OK);
    CHECK_INT(
        rok4_stage_put_link(stage, "DATA_5_2_0", "c/x/q/DATA_5_2_0", &err),
        PYR_OK);
    CHECK_INT(rok4_stage_put_link(stage, "x", "b/r/DATA_5_1_0", &err),
              PYR_USAGE);
    memset(target + 2, 'x', sizeof target - 3);
    target[40] = '/';
    CHECK_INT(rok4_stage_put_link(stage, "DATA_5_1_1", target, &err),
              PYR_LIMIT);
    /* 2047 bytes in all are a link. */
    target[2047 - strlen("SYMLINK#")] = '\0';
    CHECK_INT(rok4_stage_put_link(stage, "DATA_5_1_1", target, &err), PYR_OK);
    /* One that is written later takes its place. */
    CHECK_INT(put_slab(stage, "DATA_6_0_0", "real"), PYR_OK);
    CHECK_INT(rok4_stage_publish(stage, "new", &err), PYR_OK);
    CHECK_STR(store_text(B "p/DATA_5_2_0"), "SYMLINK#c/x/q/DATA_5_2_0");
    CHECK_INT(strlen(store_text(B "p/DATA_5_1_1")), 2047);
    target[40] = '\0';
    char list[sizeof target + 100];
    (void)snprintf(list, sizeof list,
                   "0=b/p\n1=c/x/q\n2=b/r\n3=%s\n#\n1/DATA_5_0_0\n"
                   "2/DATA_5_1_0\n1/DATA_5_2_0\n3/DATA_5_1_1\n0/DATA_6_0_0\n",
                   target);
    CHECK_STR(store_text(B "p.list"), list);
}

int main(void)
{
    RUN(test_resume);
    RUN(test_finished);
    RUN(test_batches);
    RUN(test_cancel);
    RUN(test_copy);
    RUN(test_links);
    store_clear();
    return unit_report();
}
