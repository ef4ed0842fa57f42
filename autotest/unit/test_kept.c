/* SPDX-License-Identifier: MIT */
/* Tests of containers that stay open. */
#include "fake_files.h"
#include "pyr_kept.h"
#include "unit.h"

static struct pyr_error err;

static struct pyr_kept_file open_file(const struct pyr_io *io, uint32_t col)
{
    struct pyr_kept_file file = {.level = 1,
                                 .container_col = col,
                                 .container_row = 2,
                                 .path = pyr_strdup("/d/slab"),
                                 .stamp = 7};
    CHECK_INT(io->open(io->user, "/d/slab", &file.file, &err), PYR_OK);
    return file;
}

static bool take(struct pyr_kept *kept, const struct pyr_io *io, uint32_t level,
                 uint32_t col)
{
    struct pyr_kept_file file = {
        .level = level, .container_col = col, .container_row = 2};
    const bool found = pyr_kept_take(kept, &file);
    if (!found)
        return false;
    CHECK_STR(file.path, "/d/slab");
    CHECK_INT(file.stamp, 7);
    io->close(file.file);
    pyr_free(file.path);
    return true;
}

static void test_take(void)
{
    const struct pyr_io io = files_io();
    struct pyr_kept *kept = NULL;
    files_add("/d/slab", "x");
    CHECK_INT(pyr_kept_new(&io, &kept), PYR_OK);
    const struct pyr_kept_file file = open_file(&io, 5);
    CHECK(!take(kept, &io, 1, 5));
    pyr_kept_put(kept, &file);
    CHECK(!take(kept, &io, 2, 5));
    CHECK(!take(kept, &io, 1, 6));
    CHECK(take(kept, &io, 1, 5));
    CHECK(!take(kept, &io, 1, 5));
    pyr_kept_free(kept);
    CHECK_INT(files.nopen, 0);
    files_clear();
}

static void test_drop(void)
{
    const struct pyr_io io = files_io();
    struct pyr_kept *kept = NULL;
    files_add("/d/slab", "x");
    CHECK_INT(pyr_kept_new(&io, &kept), PYR_OK);
    for (uint32_t col = 0; col < 3; col++)
    {
        const struct pyr_kept_file file = open_file(&io, col);
        pyr_kept_put(kept, &file);
    }
    CHECK_INT(files.nopen, 3);
    pyr_kept_drop(kept);
    CHECK_INT(files.nopen, 0);
    CHECK(!take(kept, &io, 1, 0));
    pyr_kept_free(kept);
    pyr_kept_free(NULL);
    files_clear();
}

/* The oldest one goes. */
static void test_bound(void)
{
    const struct pyr_io io = files_io();
    struct pyr_kept *kept = NULL;
    files_add("/d/slab", "x");
    CHECK_INT(pyr_kept_new(&io, &kept), PYR_OK);
    for (uint32_t col = 0; col < PYR_MAX_KEPT_FILES + 2; col++)
    {
        const struct pyr_kept_file file = open_file(&io, col);
        pyr_kept_put(kept, &file);
    }
    CHECK_INT(files.nopen, PYR_MAX_KEPT_FILES);
    CHECK(!take(kept, &io, 1, 0));
    CHECK(!take(kept, &io, 1, 1));
    CHECK(take(kept, &io, 1, 2));
    CHECK(take(kept, &io, 1, PYR_MAX_KEPT_FILES + 1));
    pyr_kept_free(kept);
    CHECK_INT(files.nopen, 0);
    files_clear();
}

int main(void)
{
    RUN(test_take);
    RUN(test_drop);
    RUN(test_bound);
    return unit_report();
}
