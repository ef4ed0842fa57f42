/* SPDX-License-Identifier: MIT */
/* Tests of staged slabs over published ones. */
#include "fake_files.h"
#include "rok4_overlay.h"

static struct rok4_overlay overlay;
static struct pyr_io io;
static struct pyr_error err;

static void begin(bool staged_only)
{
    files_clear();
    files_add("/d/N/DATA/1/00.tif", "published");
    files_add("/d/N/DATA/1/01.tif", "published");
    files_add("/d/NN/DATA/1/00.tif", "neighbour");
    files_add("/d/.N.building/DATA/1/01.tif", "staged!");
    files_add("/d/.N.building/DATA/1/02.tif", "staged!");
    files_add_broken("/d/.N.building/DATA/1/03.tif", PYR_IO);
    files_add("/d/N/DATA/1/03.tif", "published");
    overlay.base = files_io();
    overlay.published = "/d/N";
    overlay.staged = "/d/.N.building";
    overlay.staged_only = staged_only;
    overlay.tms_text = "{\"tms\"}";
    io = rok4_overlay_io(&overlay);
}

/* What the file says; "" when opening it gives result. */
static const char *content(const char *path, enum pyr_result result)
{
    static char text[20];
    struct pyr_file *file = NULL;
    uint8_t *buffer = (uint8_t *)text;
    memset(text, 0, sizeof text);
    err.text[0] = '\0';
    CHECK_INT(io.open(io.user, path, &file, &err), result);
    CHECK((result == PYR_OK) == (file != NULL));
    CHECK((result == PYR_OK) == (err.text[0] == '\0'));
    if (file == NULL)
        return "";
    const struct pyr_extent all = {0, io.size(file)};
    CHECK_INT(io.read(file, 1, &all, &buffer, &err), PYR_OK);
    CHECK(io.unchanged(file) && io.stamp(file) != 0);
    io.close(file);
    return text;
}

static void test_both(void)
{
    begin(false);
    CHECK_STR(content("/d/N/DATA/1/00.tif", PYR_OK), "published");
    FILES_LOG("open /d/.N.building/DATA/1/00.tif\nopen /d/N/DATA/1/00.tif\n");
    CHECK_STR(content("/d/N/DATA/1/01.tif", PYR_OK), "staged!");
    CHECK_STR(content("/d/N/DATA/1/02.tif", PYR_OK), "staged!");
    CHECK_STR(content("/d/N/DATA/1/04.tif", PYR_NOT_FOUND), "");
    files.log[0] = '\0';
    CHECK_STR(content("/d/NN/DATA/1/00.tif", PYR_OK), "neighbour");
    FILES_LOG("open /d/NN/DATA/1/00.tif\n");
    CHECK_INT(files.nopen, 0);
}

/* What is staged and broken is not replaced by what it replaces. */
static void test_broken(void)
{
    begin(false);
    CHECK_STR(content("/d/N/DATA/1/03.tif", PYR_IO), "");
}

static void test_staged_only(void)
{
    begin(true);
    CHECK_STR(content("/d/N/DATA/1/00.tif", PYR_NOT_FOUND), "");
    CHECK_STR(content("/d/N/DATA/1/01.tif", PYR_OK), "staged!");
    CHECK_STR(content("/d/N/DATA/1/03.tif", PYR_IO), "");
    CHECK_STR(content("/d/NN/DATA/1/00.tif", PYR_NOT_FOUND), "");
    CHECK_STR(content("/d/N", PYR_NOT_FOUND), "");
}

/* Slabs that are put in their place at once: whether they have been. */
static bool is_put(const void *user, const char *path)
{
    CHECK(user == &overlay);
    return strstr(path, "/01.tif") != NULL || strstr(path, "/04.tif") != NULL;
}

static void test_put(void)
{
    begin(false);
    overlay.is_put = is_put;
    overlay.is_put_user = &overlay;
    CHECK_STR(content("/d/N/DATA/1/00.tif", PYR_OK), "published");
    CHECK_STR(content("/d/N/DATA/1/01.tif", PYR_OK), "published");
    FILES_LOG("open /d/N/DATA/1/00.tif\nopen /d/N/DATA/1/01.tif\n");
    begin(true);
    CHECK_STR(content("/d/N/DATA/1/00.tif", PYR_NOT_FOUND), "");
    FILES_LOG("");
    CHECK_STR(content("/d/N/DATA/1/01.tif", PYR_OK), "published");
    CHECK_STR(content("/d/N/DATA/1/04.tif", PYR_NOT_FOUND), "");
    CHECK_INT(files.nopen, 0);
    overlay.is_put = NULL;
}

static void test_load(void)
{
    char *text = NULL;
    size_t nbytes = 0;
    begin(false);
    CHECK_INT(io.load(io.user, "/any/T.json", 1000, &text, &nbytes, &err),
              PYR_OK);
    CHECK_STR(text, overlay.tms_text);
    CHECK_INT(nbytes, strlen(overlay.tms_text));
    pyr_free(text);
    FILES_LOG("");
}

static void test_no_memory(void)
{
#ifdef PYR_ALLOC_FAILURES
    struct pyr_file *file = NULL;
    char *text = NULL;
    size_t nbytes = 0;
    begin(false);
    pyr_alloc_fail_nth(1);
    CHECK_INT(io.open(io.user, "/d/N/DATA/1/01.tif", &file, &err), PYR_NOMEM);
    pyr_alloc_fail_nth(1);
    CHECK_INT(io.load(io.user, "/T.json", 1000, &text, &nbytes, &err),
              PYR_NOMEM);
    pyr_alloc_fail_nth(0);
    CHECK(file == NULL && text == NULL);
#endif
}

int main(void)
{
    RUN(test_both);
    RUN(test_broken);
    RUN(test_staged_only);
    RUN(test_put);
    RUN(test_load);
    RUN(test_no_memory);
    files_clear();
    return unit_report();
}
