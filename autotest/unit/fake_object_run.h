/* SPDX-License-Identifier: MIT */
/* Pyramids on an object storage in memory, and slabs that a write puts there.
 */
#ifndef FAKE_OBJECT_RUN_H
#define FAKE_OBJECT_RUN_H

#include "fake_objects.h"
#include "rok4_stage.h"

static struct pyr_error err;

#define B "/vsis3/b/"
#define OLD_LIST                                                               \
    "0=b/p\n1=b/q\n#\n0/DATA_5_0_0\n0/DATA_5_1_1\n1/DATA_5_2_2\n"              \
    "0/DATA_4_0_0\n0/MASK_5_0_0\n0/MASK_4_0_0 0123456789abcdef\n"

static inline void put_others(void)
{
    store_put(B "p/notes.txt", "notes");
    store_put(B "p/DATA_5_notes", "more notes");
    store_put(B "p/DATA_5_0_0/x", "deeper");
    store_put(B "p2/DATA_5_0_0", "neighbour");
    store_put(B "p2.json", "neighbour");
    store_put(B "q/DATA_5_2_2", "of another");
}

static inline void put_old(void)
{
    store_put(B "p.json", "old");
    store_put(B "p.list", OLD_LIST);
    store_put(B "p.json.aux.xml", "old sidecar");
    store_put(B "p.md5", "old digests");
    store_put(B "p/DATA_5_0_0", "old a");
    store_put(B "p/DATA_5_1_1", "old b");
    store_put(B "p/DATA_5_2_2", "SYMLINK#b/q/DATA_5_2_2");
    store_put(B "p/DATA_4_0_0", "old c");
    store_put(B "p/MASK_5_0_0", "old m");
    store_put(B "p/MASK_4_0_0", "old n");
    put_others();
}

static inline enum pyr_result put_slab(const struct rok4_stage *stage,
                                       const char *name, const char *text)
{
    const struct pyr_out *const out = rok4_stage_out(stage);
    struct pyr_out_file *file = NULL;
    char path[STORE_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", rok4_stage_directory(stage),
                   name);
    CHECK(!rok4_stage_has_put(stage, path));
    /* As a run does that is resumed. */
    if (rok4_stage_resumed(stage) && store_find(path) != NULL)
    {
        const enum pyr_result kept = rok4_stage_keep(stage, path, &err);
        CHECK((kept == PYR_OK) == rok4_stage_has_put(stage, path));
        return kept;
    }
    enum pyr_result result = out->create(out->user, path, &file, &err);
    if (result == PYR_OK)
        result = out->write(file, 1, text + 1, strlen(text + 1), &err);
    if (result == PYR_OK)
        result = out->write(file, 0, text, 1, &err);
    if (result != PYR_OK)
    {
        out->discard(file);
        return result;
    }
    char back[2] = "";
    CHECK_INT(out->read(file, 0, back, 1, &err), PYR_OK);
    CHECK(back[0] == text[0]);
    result = out->commit(file, false, &err);
    CHECK(result != PYR_OK || rok4_stage_has_put(stage, path));
    return result;
}

#endif
