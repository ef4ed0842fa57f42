/* SPDX-License-Identifier: MIT */
/* Tests of the names that belong to a pyramid, and of the look of a slab. */
#include "pyr_alloc.h"
#include "rok4_files.h"
#include "unit.h"

static void test_names(void)
{
    struct rok4_files files = {NULL};
    struct pyr_error err = {""};
    CHECK_INT(rok4_files_init("/d/e.f/a.b.json", &files, &err), PYR_OK);
    CHECK_STR(files.descriptor, "/d/e.f/a.b.json");
    CHECK_STR(files.root, "/d/e.f");
    CHECK_STR(files.name, "a.b");
    CHECK_STR(files.directory, "/d/e.f/a.b");
    CHECK_STR(files.list, "/d/e.f/a.b.list");
    CHECK_STR(files.md5, "/d/e.f/a.b.md5");
    CHECK_STR(files.sidecar, "/d/e.f/a.b.json.aux.xml");
    CHECK_STR(files.staging, "/d/e.f/.a.b.building");
    CHECK_STR(files.state, "/d/e.f/a.b.json.building");
    CHECK_STR(files.lock, "/d/e.f/a.b.json.lock");
    rok4_files_clear(&files);
    CHECK(files.root == NULL);
    rok4_files_clear(&files);

    CHECK_INT(rok4_files_init("a.rok4", &files, &err), PYR_OK);
    CHECK_STR(files.root, ".");
    CHECK_STR(files.directory, "a");
    CHECK_STR(files.staging, ".a.building");
    rok4_files_clear(&files);

    CHECK_INT(rok4_files_init("/a.json", &files, &err), PYR_OK);
    CHECK_STR(files.root, "/");
    CHECK_STR(files.directory, "/a");
    rok4_files_clear(&files);
}

static void test_no_name(void)
{
    static const char *const paths[] = {"",   "a",     "/d.e/a", "/d/",
                                        "a.", ".json", "/d/.x",  "/d/."};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    {
        struct rok4_files files = {NULL};
        struct pyr_error err = {""};
        CHECK_INT(rok4_files_init(paths[i], &files, &err), PYR_USAGE);
        CHECK(files.root == NULL && err.text[0] != '\0');
    }
}

static void test_memory(void)
{
    for (unsigned long i = 1;; i++)
    {
        struct rok4_files files = {NULL};
        struct pyr_error err = {""};
        pyr_alloc_fail_nth(i);
        const enum pyr_result result =
            rok4_files_init("/d/a.json", &files, &err);
        pyr_alloc_fail_nth(0);
        rok4_files_clear(&files);
        if (result == PYR_OK)
            break;
        CHECK_INT(result, PYR_NOMEM);
    }
}

static void test_slabs(void)
{
    static const char *const slabs[] = {
        "DATA/5/00/00/WM.tif",       "MASK/5/00/00/WM.tif",
        "DATA/L5/1000/05.tif",       "DATA/0/73.tif",
        "DATA/0/1043.tif",           "DATA/5/1000/00/00.tif",
        "DATA/19_2/Z0Z0Z0/Z0/Z1.tif"};
    static const char *const others[] = {
        "",
        "DATA",
        "DATA/5",
        "DATA/5/",
        "DATA/5/00/00/WM.tif.msk",
        "DATA/5/00/00/WM.TIF",
        "DATA/5/00/00/wm.tif",
        "DATA/5/00/00/WMX.tif",
        "DATA/5/00/00/WMXX.tif",
        "DATA/5/000/00.tif",
        "DATA/5/00/00/.tif",
        "DATA/5/00//00.tif",
        "DATA/00.tif",
        "DATA/.x/00.tif",
        "DATA//00.tif",
        "IMAGE/5/00.tif",
        "DATA/5/00/00/.WM.tif.part-1-1",
        "DATA/5/00/00/00/00/00/00/00/00/00/00/00/00/00/00/00/00/00/00.tif",
        "./DATA/5/00.tif"};
    for (size_t i = 0; i < sizeof slabs / sizeof slabs[0]; i++)
        CHECK(rok4_files_is_slab(slabs[i]));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CHECK(!rok4_files_is_slab(others[i]));
}

int main(void)
{
    RUN(test_names);
    RUN(test_no_name);
    RUN(test_memory);
    RUN(test_slabs);
    return unit_report();
}
