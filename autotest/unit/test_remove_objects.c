/* SPDX-License-Identifier: MIT */
/* Tests of removing a pyramid from an object storage. */
#include "fake_object_run.h"
#include "rok4_remove.h"

static char look[STORE_LOOK_BYTES];

static const char left[] =
    B "p/DATA_5_0_0/x: deeper\n" B "p/DATA_5_notes: more notes\n" B
      "p/notes.txt: notes\n" B "p2.json: neighbour\n" B
      "p2/DATA_5_0_0: neighbour\n" B "q/DATA_5_2_2: of another\n";

static enum pyr_result remove_pyramid(void)
{
    err.text[0] = '\0';
    const enum pyr_result result = rok4_remove(&store_tree, B "p.json", &err);
    CHECK((result == PYR_OK) == (err.text[0] == '\0'));
    return result;
}

static void begin(void)
{
    store_clear();
    put_old();
    /* Not in the list. */
    store_put(B "p/DATA_5_8_8", "new");
    store_put(B "p/MASK_5_8_8", "new");
    store_put(B "p.json.building", "left over");
}

/* All that it owns, the descriptor first; a link goes, its target stays. */
static void test_all(void)
{
    static const char *const lists[] = {OLD_LIST, "shopping", "0=b/p\n", NULL};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    {
        begin();
        store_drop(B "p.list");
        if (lists[i] != NULL)
            store_put(B "p.list", lists[i]);
        store.logs = true;
        CHECK_INT(remove_pyramid(), PYR_OK);
        store_look(look);
        CHECK_STR(look, left);
        const char *const removed = strstr(store.log, "remove ");
        CHECK(removed != NULL &&
              strncmp(removed, "remove " B "p.json\n", 23) == 0);
        /* The list stays as long as there are slabs. */
        CHECK(strstr(store.log, "remove " B "p.list\n") >
              strstr(store.log, "remove " B "p/DATA_5_8_8\n"));
    }
}

static void test_absent(void)
{
    store_clear();
    put_others();
    CHECK_INT(remove_pyramid(), PYR_NOT_FOUND);
    store_look(look);
    CHECK_STR(look, left);
}

/* A list names slabs, not other objects. */
static void test_odd_list(void)
{
    begin();
    store_put(B "p.list", "0=b/p\n#\n0/notes.txt\n0/../q/DATA_5_2_2\n"
                          "5/DATA_5_1_1\n0/DATA_5_0_0/x\n0/DATA_5_notes\n");
    CHECK_INT(remove_pyramid(), PYR_OK);
    store_look(look);
    CHECK_STR(look, left);
}

/* Batches; where a list tells of them, little is left to be found. */
static void test_many(void)
{
    static char list[100000];
    char path[STORE_PATH_BYTES];
    for (unsigned listed = 0; listed < 2; listed++)
    {
        size_t used = (size_t)snprintf(list, sizeof list, "0=b/p\n#\n");
        begin();
        for (unsigned i = 0; i < 3500; i++)
        {
            (void)snprintf(path, sizeof path, B "p/DATA_9_%u_1", i);
            store_put(path, "slab");
            used += (size_t)snprintf(list + used, sizeof list - used,
                                     "0/DATA_9_%u_1\n", i);
        }
        store_put(B "p.list", listed ? list : "none");
        store_fail_at(0, false, false);
        CHECK_INT(remove_pyramid(), PYR_OK);
        store_look(look);
        CHECK_STR(look, left);
        CHECK_INT(store.largest_removal, PYR_MAX_OBJECTS_REMOVED);
        CHECK(store.nops < 16);
    }
}

/* Before the descriptor is gone, nothing is; after that, a write of that name
 * removes the rest. */
static void test_failures(void)
{
    static char before[STORE_LOOK_BYTES];
    unsigned nfailures = 0;
    begin();
    store_look(before);
    for (unsigned long i = 1; i <= 100; i++)
    {
        begin();
        store_fail_at(i, true, i % 2 == 0);
        const enum pyr_result result = remove_pyramid();
        store_look(look);
        if (result == PYR_OK)
            break;
        nfailures++;
        CHECK_INT(result, PYR_IO);
        if (store_find(B "p.json") != NULL)
            CHECK_STR(look, before);
        CHECK(strstr(look, B "q/DATA_5_2_2: of another\n") != NULL);
    }
    CHECK_INT(nfailures, 9);
    CHECK_STR(look, left);
    enum pyr_result result = PYR_NOMEM;
    for (unsigned long i = 1; i <= 100 && result != PYR_OK; i++)
    {
        begin();
        pyr_alloc_fail_nth(i);
        result = remove_pyramid();
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
    }
    store_look(look);
    CHECK_STR(look, left);
}

int main(void)
{
    RUN(test_all);
    RUN(test_absent);
    RUN(test_odd_list);
    RUN(test_many);
    RUN(test_failures);
    store_clear();
    return unit_report();
}
