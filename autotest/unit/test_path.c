/* SPDX-License-Identifier: MIT */
/* Tests of slab directories: every form, and what must not be reached. */
#include "pyr_alloc.h"
#include "rok4_path.h"
#include "unit.h"

static struct pyr_error err;

static void check_resolved(const struct rok4_path_rules *rules,
                           const char *written, const char *expected)
{
    char *directory = NULL;
    err.text[0] = '\0';
    CHECK_INT(rok4_path_resolve(rules, written, &directory, &err), PYR_OK);
    CHECK_STR(directory, expected);
    pyr_free(directory);
}

static void check_forbidden(const struct rok4_path_rules *rules,
                            const char *written)
{
    char *directory = NULL;
    err.text[0] = '\0';
    CHECK_INT(rok4_path_resolve(rules, written, &directory, &err),
              PYR_UNSUPPORTED);
    CHECK_STR(directory != NULL ? directory : "none", "none");
    CHECK(err.text[0] != '\0');
    pyr_free(directory);
}

static void check_from(const char *descriptor, const char *written,
                       const char *expected)
{
    const struct rok4_path_rules rules = {descriptor, NULL, true};
    check_resolved(&rules, written, expected);
}

static void check_refused(const char *descriptor, const char *written)
{
    const struct rok4_path_rules rules = {descriptor, NULL, true};
    check_forbidden(&rules, written);
}

static void check_parent(const char *path, const char *expected)
{
    char *const parent = rok4_path_parent(path);
    CHECK_STR(parent, expected);
    pyr_free(parent);
}

static void test_parent(void)
{
    check_parent("a.json", "");
    check_parent("", "");
    check_parent("/a.json", "/");
    check_parent("d/a.json", "d");
    check_parent("/d/e/a.json", "/d/e");
    check_parent("/d/e/", "/d/e");
    check_parent("/vsimem/a.json", "/vsimem");
}

static void check_join(const char *dir, const char *name, const char *expected)
{
    char *const path = rok4_path_join(dir, name);
    CHECK_STR(path, expected);
    pyr_free(path);
}

static void test_join(void)
{
    check_join("", "a", "a");
    check_join("/", "a", "/a");
    check_join("d", "a", "d/a");
    check_join("d/", "a/b", "d/a/b");
    check_join("d", "", "d/");
}

static void test_remote(void)
{
    static const char *const remote[] = {"/vsicurl/http://h/a.json",
                                         "/vsis3/b/a.json",
                                         "/vsigs/b/a.json",
                                         "/vsicurl?url=http%3A%2F%2Fh%2Fa.json",
                                         "/vsizip/vsicurl/http://h/a",
                                         "/vsizip/{/vsis3/b/a.zip}/a.json",
                                         "/vsitar//vsiaz/c/a.tar/a",
                                         "/vsistdin/",
                                         "/vsinew/a",
                                         "s3://b/a.json",
                                         "/vsisubfile/0_9,/vsis3/b/a",
                                         "http://h/a.json"};
    static const char *const local[] = {
        "a.json",           "/data/a.json",          "/vsimem/a.json",
        "/vsizip/a.zip/a",  "/vsitar//d/a.tgz/a",    "/vsizip/{/d/a.zip}/a",
        "/vsigzip//d/a.gz", "/vsisubfile/0_9,/d/a",  "/data/myvsicurl/a.json",
        "/vsi7z/a.7z/a",    "/vsicrypt/key=a,file=b"};
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++)
        CHECK_STR(rok4_path_is_remote(remote[i]) ? "remote" : remote[i],
                  "remote");
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        CHECK_STR(rok4_path_is_remote(local[i]) ? local[i] : "local", "local");
}

/* Spec section 2.1. */
static void test_local_forms(void)
{
    static const char P[] = "/data/pyr/N.json";
    check_from(P, "N/DATA/5", "/data/pyr/N/DATA/5");
    check_from(P, "N/DATA/5/", "/data/pyr/N/DATA/5");
    check_from(P, "N/DATA/5///", "/data/pyr/N/DATA/5");
    check_from(P, "./N/DATA/5", "/data/pyr/N/DATA/5");
    check_from(P, "././N/DATA/5", "/data/pyr/N/DATA/5");
    check_from(P, "../N/DATA/5", "/data/pyr/../N/DATA/5");
    check_from(P, "/other/N/DATA/5/", "/other/N/DATA/5");
    check_from(P, "/", "/");
    check_from(P, "N a/\xc3\xa9t\xc3\xa9", "/data/pyr/N a/\xc3\xa9t\xc3\xa9");
    check_from("N.json", "N/DATA/5", "N/DATA/5");
    check_from("N.json", "./N/DATA/5", "N/DATA/5");
    check_from("N.json", "../N/DATA/5", "../N/DATA/5");
    check_from("N.json", "/abs/N", "/abs/N");
    check_from("/N.json", "N/DATA/5", "/N/DATA/5");
    check_from("d/N.json", "N", "d/N");
    check_from("d//N.json", "N", "d/N");
    /* Only at the start a dot stands for something. */
    check_from(P, ".N/DATA", "/data/pyr/.N/DATA");
    check_from(P, "..N/DATA", "/data/pyr/..N/DATA");
}

/* A local descriptor reaches no virtual file system, however it is written. */
static void test_local_to_virtual(void)
{
    check_refused("/data/N.json", "/vsimem/N");
    check_refused("/data/N.json", "/vsicurl/http://h/N");
    check_refused("N.json", "/vsis3/b/N");
    check_refused("/N.json", "vsis3/b/N");
    check_refused("/N.json", "./vsicurl/http://h/N");
    check_refused("N.json", ".//vsis3/b/N");
    check_refused("N.json", "././/vsimem/N");
    check_from("/data/N.json", "vsis3/b/N", "/data/vsis3/b/N");
    check_from("N.json", "vsis3/b/N", "vsis3/b/N");
    check_from("/data/N.json", "../vsimem/N", "/data/../vsimem/N");
}

static void test_virtual_forms(void)
{
    static const char P[] = "/vsis3/bucket/pyr/N.json";
    check_from(P, "N/DATA/5/", "/vsis3/bucket/pyr/N/DATA/5");
    check_from(P, "./N//DATA/./5", "/vsis3/bucket/pyr/N/DATA/5");
    check_from(P, "../M/DATA/5", "/vsis3/bucket/M/DATA/5");
    check_from("/vsimem/N.json", "N", "/vsimem/N");
    check_from("/vsimem/a/b/N.json", "../../N", "/vsimem/N");
    check_from("/vsicurl/http://h:80/a/N.json", "../N",
               "/vsicurl/http://h:80/N");
    check_from("/vsizip/d/a.zip/b/N.json", "../N", "/vsizip/d/a.zip/N");
    check_from("/vsizip//d/a.zip/N.json", "N", "/vsizip//d/a.zip/N");
    check_from("/vsizip/{/d/a.zip}/b/N.json", "N/DATA",
               "/vsizip/{/d/a.zip}/b/N/DATA");
    check_from("/vsizip/vsicurl/http://h/a.zip/b/N.json", "../N",
               "/vsizip/vsicurl/http://h/a.zip/N");
    check_from("/vsigs/b/N.json", "N", "/vsigs/b/N");
}

static void test_virtual_escapes(void)
{
    static const char *const descriptors[] = {
        "/vsimem/N.json",
        "/vsis3/bucket/N.json",
        "/vsis3/bucket/a/b/N.json",
        "/vsicurl/http://h/a/N.json",
        "/vsicurl/https://user@h:80/N.json",
        "/vsicurl?url=http%3A%2F%2Fh%2FN.json",
        "/vsicurl?url=http://h/a/N.json",
        "/vsizip/d/a.zip/N.json",
        "/vsizip//d/a.zip/N.json",
        "/vsizip/{/d/a.zip}/b/N.json",
        "/vsitar/d/a.tar.gz/b/N.json",
        "/vsigzip//d/N.json",
        "/vsisubfile/0_9,/d/N.json",
        "/vsiaz/c/N.json",
        "/vsihdfs/hdfs://h/d/N.json",
        "/vsiunknown/N.json"};
    static const char *const written[] = {"/etc/N",
                                          "/",
                                          "//etc/N",
                                          "/vsimem/N",
                                          "/vsis3/other/N",
                                          "../../../../../../etc/N",
                                          "./../../../../../../etc/N",
                                          "x/../../../../../../../../etc",
                                          "x//..//..//..//..//..//..//..//etc"};
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++)
        for (size_t j = 0; j < sizeof written / sizeof written[0]; j++)
            check_refused(descriptors[i], written[j]);
}

/* Whatever a descriptor on a virtual file system writes, what comes out starts
 * as the descriptor's path does. */
static void test_virtual_stays(void)
{
    static const char *const roots[][2] = {
        {"/vsimem/", "/vsimem"},
        {"/vsicurl?url=http%3A%2F%2Fh%2F", "/vsicurl?url=http%3A%2F%2Fh"},
        {"/vsis3/bucket/", "/vsis3/bucket"},
        {"/vsicurl/http://h/", "/vsicurl/http://h"},
        {"/vsizip/a.zip/", "/vsizip/a.zip"},
        {"/vsi7z/{/d/a.7z}/", "/vsi7z/{/d/a.7z}"}};
    static const char *const written[] = {
        "N",    "./N",  "..N",      "...",    ".",      "x/..", "etc/passwd",
        ".//N", "x/./", "./vsimem", "vsis3/", "N/../N", " ",    "http://h/x"};
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        for (size_t j = 0; j < sizeof written / sizeof written[0]; j++)
        {
            char descriptor[80];
            char *directory = NULL;
            (void)snprintf(descriptor, sizeof descriptor, "%sN.json",
                           roots[i][0]);
            const struct rok4_path_rules rules = {descriptor, NULL, true};
            const size_t length = strlen(roots[i][1]);
            const enum pyr_result result =
                rok4_path_resolve(&rules, written[j], &directory, &err);
            CHECK(result == PYR_UNSUPPORTED || result == PYR_OK);
            CHECK_STR(result != PYR_OK ||
                              strncmp(directory, roots[i][1], length) == 0
                          ? ""
                          : directory,
                      "");
            pyr_free(directory);
        }
}

static void test_inside_only(void)
{
    const struct rok4_path_rules inside = {"/data/pyr/N.json", NULL, false};
    const struct rok4_path_rules bare = {"N.json", NULL, false};
    const struct rok4_path_rules root = {"/N.json", NULL, false};
    const struct rok4_path_rules virtual = {"/vsis3/b/p/N.json", NULL, false};
    check_resolved(&inside, "N/DATA", "/data/pyr/N/DATA");
    check_resolved(&inside, "./N", "/data/pyr/N");
    check_resolved(&inside, "x/../N", "/data/pyr/x/../N");
    check_resolved(&inside, "../pyr/N", "/data/pyr/../pyr/N");
    check_resolved(&inside, "/data/pyr/N", "/data/pyr/N");
    check_resolved(&inside, ".", "/data/pyr/.");
    check_forbidden(&inside, "../N");
    check_forbidden(&inside, "../pyr2/N");
    check_forbidden(&inside, "/data/pyr/../N");
    check_forbidden(&inside, "/data/pyrN");
    check_forbidden(&inside, "/data");
    check_forbidden(&inside, "/");
    check_forbidden(&inside, "../../../../..");
    check_resolved(&bare, "N", "N");
    check_forbidden(&bare, "../N");
    check_forbidden(&bare, "/N");
    check_resolved(&root, "N", "/N");
    check_resolved(&virtual, "N", "/vsis3/b/p/N");
    check_forbidden(&virtual, "../N");
}

static void test_storage_root(void)
{
    const struct rok4_path_rules rules = {"/data/N.json", "/new/", true};
    const struct rok4_path_rules here = {"/data/N.json", "", true};
    const struct rok4_path_rules cloud = {"/data/N.json", "/vsis3/b/p", true};
    const struct rok4_path_rules remote = {"/vsis3/b/N.json", "/new", true};
    check_resolved(&rules, "N/DATA/5", "/new/N/DATA/5");
    check_resolved(&rules, "./N/DATA/5/", "/new/N/DATA/5");
    check_resolved(&rules, "/old/root/N/DATA/5", "/new/N/DATA/5");
    check_resolved(&rules, "/old//N//DATA//5//", "/new/N//DATA//5");
    check_resolved(&rules, "/DATA/5", "/new/DATA/5");
    check_resolved(&rules, "/vsis3/b/N/DATA/5", "/new/N/DATA/5");
    check_resolved(&here, "N/DATA/5", "N/DATA/5");
    check_resolved(&cloud, "N/DATA/5", "/vsis3/b/p/N/DATA/5");
    check_resolved(&cloud, "/old/N/DATA/5", "/vsis3/b/p/N/DATA/5");
    check_resolved(&remote, "N/DATA/5", "/new/N/DATA/5");
    check_forbidden(&rules, "/old/../DATA/5");
    check_forbidden(&rules, "/a/b/c/..");
    check_forbidden(&cloud, "../../../etc");
    /* What a remote descriptor says stays below the directory given. */
    check_forbidden(&remote, "../etc");
    check_forbidden(&remote, "x/../../etc");
}

static void test_no_memory(void)
{
    const struct rok4_path_rules rules = {"/data/N.json", NULL, false};
    enum pyr_result result = PYR_NOMEM;
    for (unsigned long nth = 1; result != PYR_OK && nth < 20; nth++)
    {
        char *directory = NULL;
        pyr_alloc_fail_nth(nth);
        result = rok4_path_resolve(&rules, "N", &directory, &err);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_NOMEM || result == PYR_OK);
        CHECK((directory != NULL) == (result == PYR_OK));
        pyr_free(directory);
    }
    CHECK_INT(result, PYR_OK);
    pyr_alloc_fail_nth(1);
    CHECK(rok4_path_join("a", "b") == NULL);
    pyr_alloc_fail_nth(1);
    CHECK(rok4_path_parent("a/b") == NULL);
    pyr_alloc_fail_nth(0);
}

int main(void)
{
    RUN(test_parent);
    RUN(test_join);
    RUN(test_remote);
    RUN(test_local_forms);
    RUN(test_local_to_virtual);
    RUN(test_virtual_forms);
    RUN(test_virtual_escapes);
    RUN(test_virtual_stays);
    RUN(test_inside_only);
    RUN(test_storage_root);
    RUN(test_no_memory);
    return unit_report();
}
