/* SPDX-License-Identifier: MIT */
/* Tests of the lookup of a TMS: where, in which order, and how often. */
#include "fake_files.h"
#include "rok4_tms.h"

static struct rok4_open_options options;
static char *text;
static char *path;
static struct pyr_error err;

static enum pyr_result find(const char *name, const char *descriptor_path)
{
    const struct pyr_io io = files_io();
    size_t nbytes = 0;
    text = NULL;
    path = NULL;
    err.text[0] = '\0';
    const enum pyr_result result = rok4_tms_find(
        &io, name, descriptor_path, &options, &text, &nbytes, &path, &err);
    CHECK((result == PYR_OK) == (text != NULL && path != NULL));
    CHECK((result == PYR_OK) == (err.text[0] == '\0'));
    CHECK(text == NULL || strlen(text) == nbytes);
    return result;
}

static void drop(void)
{
    pyr_free(text);
    pyr_free(path);
}

/* The file of that path is found. */
static void check_found(const char *name, const char *descriptor_path,
                        const char *expected_path, const char *log)
{
    CHECK_INT(find(name, descriptor_path), PYR_OK);
    CHECK_STR(path, expected_path);
    if (expected_path[0] != '\0')
        CHECK_STR(text, expected_path);
    FILES_LOG(log);
    drop();
}

static void reset(const char *tms_directory, const char *global_tms_directory)
{
    const struct rok4_open_options given = {.tms_directory = tms_directory,
                                            .global_tms_directory =
                                                global_tms_directory};
    options = given;
    files_clear();
}

static void test_order(void)
{
    reset("/opt", "/glob/");
    files_add("/opt/T.json", "/opt/T.json");
    files_add("/opt/T", "/opt/T");
    files_add("/glob/T.json", "/glob/T.json");
    files_add("/glob/T", "/glob/T");
    files_add("/data/T.json", "/data/T.json");
    files_add("/data/T", "/data/T");
    check_found("T", "/data/N.json", "/opt/T.json", "load /opt/T.json\n");
    files_find("/opt/T.json")->path[0] = '-';
    check_found("T", "/data/N.json", "/opt/T",
                "load /opt/T.json\nload /opt/T\n");
    files_find("/opt/T")->path[0] = '-';
    check_found("T", "/data/N.json", "/glob/T.json",
                "load /opt/T.json\nload /opt/T\nload /glob/T.json\n");
    files_find("/glob/T.json")->path[0] = '-';
    files_find("/glob/T")->path[0] = '-';
    options.global_tms_directory = NULL;
    check_found("T", "/data/N.json", "/data/T.json",
                "load /opt/T.json\nload /opt/T\nload /data/T.json\n");
    options.tms_directory = NULL;
    files_find("/data/T.json")->path[0] = '-';
    check_found("T", "/data/N.json", "/data/T",
                "load /data/T.json\nload /data/T\n");
}

static void test_beside_a_bare_name(void)
{
    reset(NULL, NULL);
    files_add("T.json", "T.json");
    files_add("/T.json", "/T.json");
    check_found("T", "N.json", "T.json", "load T.json\n");
    check_found("T", "/N.json", "/T.json", "load /T.json\n");
}

/* Local files go before the sets built in, remote ones after. */
static void test_built_in(void)
{
    reset(NULL, NULL);
    check_found("PM", "/data/N.json", "",
                "load /data/PM.json\nload /data/PM\n");
    check_found("PM", "/vsis3/b/N.json", "", "");
    files_add("/data/PM.json", "/data/PM.json");
    files_add("/vsis3/b/PM.json", "/vsis3/b/PM.json");
    files_add("/vsis3/b/T.json", "/vsis3/b/T.json");
    check_found("PM", "/data/N.json", "/data/PM.json", "load /data/PM.json\n");
    check_found("PM", "/vsis3/b/N.json", "", "");
    check_found("T", "/vsis3/b/N.json", "/vsis3/b/T.json",
                "load /vsis3/b/T.json\n");
}

/* A pyramid may be called after its TMS: what stands there is no TMS. */
static void test_named_like_the_descriptor(void)
{
    static const char descriptor[] =
        "{\"tile_matrix_set\":\"PM\",\"raster_specifications\":{}}";
    reset(NULL, NULL);
    files_add("/data/PM.json", descriptor);
    check_found("PM", "/data/PM.json", "", "load /data/PM\n");
    files_add("/data/PM", "/data/PM");
    check_found("PM", "/data/PM.json", "/data/PM", "load /data/PM\n");
    files_add("/vsis3/b/T.json", descriptor);
    CHECK_INT(find("T", "/vsis3/b/T.json"), PYR_NOT_FOUND);
    drop();
}

static void test_not_found(void)
{
    reset("/opt", NULL);
    CHECK_INT(find("T", "N.json"), PYR_NOT_FOUND);
    CHECK_STR(
        err.text,
        "tile matrix set T not found (looked in: /opt, ., the sets "
        "built in); TMS_DIRECTORY or ROK4_TMS_DIRECTORY says where it is");
    reset(NULL, "/vsis3/tms");
    CHECK_INT(find("T", "/vsis3/b/N.json"), PYR_NOT_FOUND);
    CHECK_STR(err.text,
              "tile matrix set T not found (looked in: /vsis3/tms, the sets "
              "built in, /vsis3/b); TMS_DIRECTORY or ROK4_TMS_DIRECTORY says "
              "where it is");
}

/* A file that is there but cannot be read is not passed over. */
static void test_unreadable(void)
{
    reset("/opt", NULL);
    files_add_broken("/opt/PM.json", PYR_IO);
    files_add("/opt/PM", "/opt/PM");
    CHECK_INT(find("PM", "/data/N.json"), PYR_IO);
    CHECK_STR(err.text, "tile matrix set /opt/PM.json: cannot be opened");
    FILES_LOG("load /opt/PM.json\n");
    reset(NULL, NULL);
    files_add_broken("/data/PM", PYR_LIMIT);
    CHECK_INT(find("PM", "/data/N.json"), PYR_LIMIT);
    CHECK_STR(err.text, "tile matrix set /data/PM: cannot be opened");
}

static void check_no_memory(const char *name)
{
    enum pyr_result result = PYR_NOMEM;
    for (unsigned long nth = 1; nth < 30 && result != PYR_OK; nth++)
    {
        pyr_alloc_fail_nth(nth);
        result = find(name, "/data/N.json");
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        drop();
    }
    CHECK_INT(result, PYR_OK);
}

static void test_no_memory(void)
{
    reset("/opt", "/glob");
    check_no_memory("PM");
    files_add("/glob/T", "/glob/T");
    check_no_memory("T");
}

int main(void)
{
    RUN(test_order);
    RUN(test_beside_a_bare_name);
    RUN(test_built_in);
    RUN(test_named_like_the_descriptor);
    RUN(test_not_found);
    RUN(test_unreadable);
    RUN(test_no_memory);
    files_clear();
    return unit_report();
}
