/* SPDX-License-Identifier: MIT */
/* Tests of slabs that are links to other objects. */
#include "fake_files.h"
#include "rok4_objects.h"
#include "rok4_place.h"
#include "unit.h"

static struct pyr_error err;

/* What opening the path gives, and which file. */
static void check_open(const char *path, enum pyr_result expected,
                       const char *opened)
{
    struct rok4_objects objects = {files_io()};
    const struct pyr_io io = rok4_objects_io(&objects);
    struct pyr_file *file = NULL;
    err.text[0] = '\0';
    CHECK_INT(io.open(io.user, path, &file, &err), expected);
    CHECK_STR(file != NULL ? file->path : "", opened);
    if (file != NULL)
        io.close(file);
    CHECK_INT(files.nopen, 0);
}

static void test_follows(void)
{
    files_add("/vsis3/b/slab", "pixels");
    files_add("/vsis3/b/link", "SYMLINK#b/slab");
    files_add("/vsis3/c/link", "SYMLINK#b/slab");
    check_open("/vsis3/b/slab", PYR_OK, "/vsis3/b/slab");
    check_open("/vsis3/b/link", PYR_OK, "/vsis3/b/slab");
    check_open("/vsis3/c/link", PYR_OK, "/vsis3/b/slab");
    check_open("/vsis3/b/none", PYR_NOT_FOUND, "");
    files_clear();
}

static void test_refuses(void)
{
    files_add("/vsis3/b/self", "SYMLINK#b/self");
    files_add("/vsis3/b/chain", "SYMLINK#b/self");
    files_add("/vsis3/b/nowhere", "SYMLINK#b/none");
    files_add("/vsis3/b/bad", "SYMLINK#none");
    check_open("/vsis3/b/self", PYR_CORRUPT, "");
    check_open("/vsis3/b/chain", PYR_CORRUPT, "");
    CHECK(strstr(err.text, "a link, too") != NULL);
    check_open("/vsis3/b/nowhere", PYR_CORRUPT, "");
    CHECK(strstr(err.text, "/vsis3/b/none") != NULL);
    check_open("/vsis3/b/bad", PYR_CORRUPT, "");
    files_clear();
}

/* As the reference has it: text in a local file is no link. */
static void test_local(void)
{
    files_add("/d/link", "SYMLINK#b/slab");
    check_open("/d/link", PYR_OK, "/d/link");
    files_clear();
}

static void test_long(void)
{
    char text[ROK4_MAX_LINK_BYTES + 2];
    memset(text, 'x', sizeof(text));
    memcpy(text, "SYMLINK#b/", 10);
    text[sizeof(text) - 1] = '\0';
    files_add("/vsis3/b/long", text);
    check_open("/vsis3/b/long", PYR_OK, "/vsis3/b/long");
    files_clear();
}

int main(void)
{
    RUN(test_follows);
    RUN(test_refuses);
    RUN(test_local);
    RUN(test_long);
    return unit_report();
}
