/* SPDX-License-Identifier: MIT */
/* Tests of links to the slabs of an ancestor on an object storage. */
#include "fake_object_run.h"
#include "rok4_link_objects.h"

#define NLEVELS 3

static char look[STORE_LOOK_BYTES];
static char before[STORE_LOOK_BYTES];
static char places[2][NLEVELS][60];
static char *place_of[2][NLEVELS];
static char ids[NLEVELS][4] = {"12", "11", "10"};
static struct rok4_level levels[NLEVELS];
static struct rok4_descriptor descriptor;
static struct rok4_pyramid ancestor;
static struct pyr_pool *pool;

/* The pyramid q at a root, whose levels 12 and 11 have slabs, 12 masks, too;
 * level 10 has none. One slab is a link to the owner. */
static void put_ancestor(const char *root)
{
    descriptor.nlevels = NLEVELS;
    descriptor.levels = levels;
    ancestor.descriptor = &descriptor;
    for (size_t i = 0; i < NLEVELS; i++)
    {
        levels[i].id = ids[i];
        levels[i].storage = ROK4_STORAGE_S3;
        for (size_t plane = 0; plane < 2; plane++)
        {
            (void)snprintf(places[plane][i], sizeof places[plane][i],
                           "%s/q/%s_%s", root, plane == 0 ? "DATA" : "MASK",
                           ids[i]);
            place_of[plane][i] = places[plane][i];
        }
    }
    place_of[1][1] = NULL;
    ancestor.planes[0].places = place_of[0];
    ancestor.planes[1].places = place_of[1];
}

static void put_slabs(const char *root)
{
    static const char *const slabs[] = {"q/DATA_12_0_1",   "q/DATA_12_30_40",
                                        "q/DATA_12_notes", "q/DATA_120_1_1",
                                        "q/DATA_11_7_7",   "q/MASK_12_0_1",
                                        "q/MASK_11_7_7",   "q/DATA_12_1_1/x"};
    char path[STORE_PATH_BYTES];
    char text[2100];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i < sizeof slabs / sizeof slabs[0]; i++)
    {
        (void)snprintf(path, sizeof path, "%s/%s", root, slabs[i]);
        store_put(path, text);
    }
    (void)snprintf(path, sizeof path, "%s/q/DATA_12_5_5", root);
    store_put(path, "SYMLINK#c/first/DATA_12_5_5");
    /* Small, and no link. */
    (void)snprintf(path, sizeof path, "%s/q/DATA_12_6_6", root);
    store_put(path, "tiny");
}

static struct rok4_stage *open_stage(const char *path)
{
    const struct rok4_stage_options options = {
        .path = path, .mode = ROK4_STAGE_NEW, .identity = "", .list = true};
    struct rok4_stage *stage = NULL;
    bool finished = false;
    CHECK_INT(rok4_stage_open(&store_tree, &options, &stage, &finished, &err),
              PYR_OK);
    return stage;
}

static enum pyr_result link_all(const struct rok4_stage *stage,
                                unsigned nthreads)
{
    const struct rok4_link_options options = {.tree = &store_tree,
                                              .stage = stage,
                                              .ancestor = &ancestor,
                                              .pool = pool,
                                              .nthreads = nthreads};
    err.text[0] = '\0';
    const enum pyr_result result = rok4_link_objects(&options, &err);
    CHECK((result == PYR_OK) == (err.text[0] == '\0'));
    return result;
}

static void check_link(const char *name, const char *expected)
{
    char path[STORE_PATH_BYTES];
    (void)snprintf(path, sizeof path, B "p/%s", name);
    CHECK_STR(store_text(path), expected);
}

/* What the stage has put is not linked; a link leads to the slab itself. */
static void test_all(void)
{
    for (unsigned nthreads = 1; nthreads <= 4; nthreads += 3)
    {
        store_clear();
        put_ancestor("/vsis3/c");
        put_slabs("/vsis3/c");
        struct rok4_stage *const stage = open_stage(B "p.json");
        CHECK_INT(put_slab(stage, "DATA_12_30_40", "own"), PYR_OK);
        store.sizes_unknown = nthreads > 1;
        CHECK_INT(link_all(stage, nthreads), PYR_OK);
        check_link("DATA_12_0_1", "SYMLINK#c/q/DATA_12_0_1");
        check_link("DATA_12_30_40", "own");
        check_link("DATA_12_5_5", "SYMLINK#c/first/DATA_12_5_5");
        check_link("DATA_12_6_6", "SYMLINK#c/q/DATA_12_6_6");
        check_link("DATA_11_7_7", "SYMLINK#c/q/DATA_11_7_7");
        check_link("MASK_12_0_1", "SYMLINK#c/q/MASK_12_0_1");
        CHECK(store_find(B "p/MASK_11_7_7") == NULL);
        CHECK(store_find(B "p/DATA_12_notes") == NULL);
        CHECK(store_find(B "p/DATA_120_1_1") == NULL);
        CHECK_INT(rok4_stage_publish(stage, "new", &err), PYR_OK);
        const char *const list = store_text(B "p.list");
        /* Roots are numbered as they come. */
        const bool first = strstr(list, "1=c/first\n2=c/q\n#\n") != NULL;
        CHECK(first || strstr(list, "1=c/q\n2=c/first\n#\n") != NULL);
        CHECK(strstr(list, "0/DATA_12_30_40\n") != NULL);
        CHECK(strstr(list, first ? "2/DATA_12_0_1\n" : "1/DATA_12_0_1\n") !=
              NULL);
        CHECK(strstr(list, first ? "1/DATA_12_5_5\n" : "2/DATA_12_5_5\n") !=
              NULL);
        CHECK(strstr(list, first ? "2/MASK_12_0_1\n" : "1/MASK_12_0_1\n") !=
              NULL);
    }
}

/* More than are found before they are linked together. */
static void test_many(void)
{
    char path[STORE_PATH_BYTES];
    store_clear();
    put_ancestor("/vsis3/c");
    for (unsigned i = 0; i < 1000; i++)
    {
        (void)snprintf(path, sizeof path, "/vsis3/c/q/DATA_11_%u_3", i);
        store_put(path, "slab");
    }
    struct rok4_stage *const stage = open_stage(B "p.json");
    CHECK_INT(link_all(stage, 3), PYR_OK);
    CHECK_INT(store.count, 2000);
    check_link("DATA_11_999_3", "SYMLINK#c/q/DATA_11_999_3");
    rok4_stage_cancel(stage, false);
    CHECK_INT(store.count, 1000);
}

static void test_clusters(void)
{
    struct rok4_stage *stage = NULL;
    store_clear();
    put_ancestor("/vsis3/c@far:1");
    put_slabs("/vsis3/c@far:1");
    stage = open_stage(B "p.json");
    CHECK_INT(link_all(stage, 1), PYR_OK);
    check_link("DATA_12_0_1", "SYMLINK#c@far:1/q/DATA_12_0_1");
    check_link("DATA_12_5_5", "SYMLINK#c@far:1/first/DATA_12_5_5");
    CHECK_INT(rok4_stage_publish(stage, "new", &err), PYR_OK);
    CHECK(strstr(store_text(B "p.list"), "=c@far:1/q\n") != NULL);

    stage = open_stage("/vsis3/b@far:1/p.json");
    CHECK_INT(link_all(stage, 1), PYR_OK);
    CHECK_STR(store_text("/vsis3/b@far:1/p/DATA_12_0_1"),
              "SYMLINK#c/q/DATA_12_0_1");
    rok4_stage_cancel(stage, false);

    /* The cluster of an ancestor that tells none cannot be told. */
    put_ancestor("/vsis3/c");
    put_slabs("/vsis3/c");
    stage = open_stage("/vsis3/b@far:1/p.json");
    CHECK_INT(link_all(stage, 1), PYR_UNSUPPORTED);
    CHECK(strstr(err.text, "from another cluster") != NULL);
    rok4_stage_cancel(stage, false);
}

static void test_refused(void)
{
    static char elsewhere[] = "/files/q/DATA_10";
    store_clear();
    put_ancestor("/vsis3/c");
    put_slabs("/vsis3/c");
    place_of[0][2] = elsewhere;
    struct rok4_stage *stage = open_stage(B "p.json");
    CHECK_INT(link_all(stage, 1), PYR_UNSUPPORTED);
    CHECK(strstr(err.text, elsewhere) != NULL);
    rok4_stage_cancel(stage, false);

    put_ancestor("/vsis3/c");
    store_put("/vsis3/c/q/DATA_12_5_5", "SYMLINK#nothing");
    stage = open_stage(B "p.json");
    CHECK_INT(link_all(stage, 1), PYR_CORRUPT);
    CHECK(strstr(err.text, "slab /vsis3/c/q/DATA_12_5_5: ") != NULL);
    rok4_stage_cancel(stage, false);

    /* It is gone when it is read. */
    store_put("/vsis3/c/q/DATA_12_5_5", "SYMLINK#c/first/DATA_12_5_5");
    store.fail[STORE_LOAD] = PYR_NOT_FOUND;
    store.fail_path = "DATA_12_5_5";
    stage = open_stage(B "p.json");
    CHECK_INT(link_all(stage, 1), PYR_NOT_FOUND);
    rok4_stage_cancel(stage, false);
}

/* Each failure is told, and a cancelled run leaves nothing. */
static void test_failures(void)
{
    unsigned nfailures = 0;
    store_clear();
    put_ancestor("/vsis3/c");
    put_slabs("/vsis3/c");
    store_look(before);
    for (unsigned long i = 1;; i++)
    {
        struct rok4_stage *const stage = open_stage(B "p.json");
        store_fail_at(i, false, i % 2 == 0);
        const enum pyr_result result = link_all(stage, 2);
        store_fail_at(0, false, false);
        rok4_stage_cancel(stage, false);
        store_look(look);
        CHECK_STR(look, before);
        if (result == PYR_OK)
            break;
        CHECK_INT(result, PYR_IO);
        nfailures++;
    }
    CHECK(nfailures > 10);
    for (unsigned long i = 1;; i++)
    {
        struct rok4_stage *const stage = open_stage(B "p.json");
        pyr_alloc_fail_nth(i);
        const enum pyr_result result = link_all(stage, 1);
        pyr_alloc_fail_nth(0);
        rok4_stage_cancel(stage, false);
        store_look(look);
        CHECK_STR(look, before);
        if (result == PYR_OK)
            break;
        CHECK_INT(result, PYR_NOMEM);
    }
}

int main(void)
{
    CHECK_INT(pyr_pool_new(&pool), PYR_OK);
    RUN(test_all);
    RUN(test_many);
    RUN(test_clusters);
    RUN(test_refused);
    RUN(test_failures);
    pyr_pool_free(pool);
    store_clear();
    return unit_report();
}
