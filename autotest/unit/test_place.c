/* SPDX-License-Identifier: MIT */
/* Tests of places of slabs: prefixes, trays, clusters, links. */
#include "pyr_alloc.h"
#include "rok4_place.h"
#include "unit.h"

static struct pyr_error err;

struct asked
{
    const char *descriptor;
    enum rok4_storage storage;
    const char *tray;
    const char *prefix;
    const char *root;
    bool outside_forbidden;
};

static enum pyr_result resolve(const struct asked *asked, char **out_place)
{
    char tray[64] = "";
    char prefix[64];
    const struct rok4_path_rules rules = {asked->descriptor, asked->root,
                                          !asked->outside_forbidden};
    struct rok4_level level = {.storage = asked->storage};
    (void)snprintf(prefix, sizeof(prefix), "%s", asked->prefix);
    level.image_place = prefix;
    if (asked->tray != NULL)
    {
        (void)snprintf(tray, sizeof(tray), "%s", asked->tray);
        level.tray = tray;
    }
    err.text[0] = '\0';
    return rok4_place_resolve(&rules, &level, level.image_place, out_place,
                              &err);
}

static void check_place(const struct asked *asked, const char *expected)
{
    char *place = NULL;
    CHECK_INT(resolve(asked, &place), PYR_OK);
    CHECK_STR(place, expected);
    pyr_free(place);
}

static void check_refused(const struct asked *asked, enum pyr_result expected)
{
    char *place = NULL;
    CHECK_INT(resolve(asked, &place), expected);
    CHECK(place == NULL);
    CHECK(err.text[0] != '\0');
    pyr_free(place);
}

static void check_s3(const char *descriptor, const char *tray,
                     const char *prefix, const char *expected)
{
    const struct asked asked = {.descriptor = descriptor,
                                .storage = ROK4_STORAGE_S3,
                                .tray = tray,
                                .prefix = prefix};
    check_place(&asked, expected);
}

static void test_own_tray(void)
{
    check_s3("/vsis3/b/N.json", "b", "N/DATA_5", "/vsis3/b/N/DATA_5");
    check_s3("/vsis3/b/N.json", NULL, "N/DATA_5", "/vsis3/b/N/DATA_5");
    check_s3("/vsis3/b/A/N.json", "b", "A/N/DATA_5", "/vsis3/b/A/N/DATA_5");
    /* below a prefix that the descriptor does not know */
    check_s3("/vsis3/b/x/A/N.json", "b", "A/N/DATA_5", "/vsis3/b/x/A/N/DATA_5");
    /* renamed: the tray is still the tray */
    check_s3("/vsis3/b/x/N.json", "b", "A/N/DATA_5", "/vsis3/b/A/N/DATA_5");
    check_s3("/vsis3/b@h:9000/N.json", "b", "N/DATA_5",
             "/vsis3/b@h:9000/N/DATA_5");
    check_s3("/vsis3/b@h:9000/N.json", "b@h:9000", "N/DATA_5",
             "/vsis3/b@h:9000/N/DATA_5");
    /* the same objects by another protocol */
    check_s3("/vsiswift/c/N.json", "b", "N/DATA_5", "/vsiswift/c/N/DATA_5");
}

static void test_other_tray(void)
{
    const struct asked forbidden = {.descriptor = "/vsis3/b/N.json",
                                    .storage = ROK4_STORAGE_S3,
                                    .tray = "other",
                                    .prefix = "N/DATA_5",
                                    .outside_forbidden = true};
    check_s3("/vsis3/b/N.json", "other", "N/DATA_5", "/vsis3/other/N/DATA_5");
    check_s3("/vsis3/b@h/N.json", "other", "N/DATA_5",
             "/vsis3/other@h/N/DATA_5");
    check_s3("/vsis3/b@h/N.json", "b@g:1", "N/DATA_5", "/vsis3/b@g:1/N/DATA_5");
    check_refused(&forbidden, PYR_UNSUPPORTED);
}

/* Whatever storage the descriptor names, a server has it where it is. */
static void test_other_file_systems(void)
{
    const struct asked pool = {.descriptor = "/tmp/N.json",
                               .storage = ROK4_STORAGE_CEPH,
                               .tray = "pool",
                               .prefix = "N/DATA_5"};
    const struct asked none = {.descriptor = "/tmp/N.json",
                               .storage = ROK4_STORAGE_SWIFT,
                               .prefix = "N/DATA_5"};
    const struct asked nameless = {.descriptor = "/vsicurl?url=N.json",
                                   .storage = ROK4_STORAGE_S3,
                                   .prefix = "N/DATA_5"};
    const struct asked rooted = {.descriptor = "/tmp/N.json",
                                 .storage = ROK4_STORAGE_SWIFT,
                                 .prefix = "N/DATA_5",
                                 .root = "/mirror"};
    check_s3("/vsicurl/http://h/b/N.json", "b", "N/DATA_5",
             "/vsicurl/http://h/b/N/DATA_5");
    check_s3("/vsicurl/http://h/x/A/N.json", "b", "A/N/DATA_5",
             "/vsicurl/http://h/x/A/N/DATA_5");
    check_s3("/vsicurl/http://h/N.json", "b", "A/N/DATA_5",
             "/vsicurl/http://h/N/DATA_5");
    check_s3("/vsimem/N.json", "b", "N/DATA_5", "/vsimem/N/DATA_5");
    check_place(&pool, "/vsirados/pool/N/DATA_5");
    check_refused(&nameless, PYR_UNSUPPORTED);
    check_place(&rooted, "/mirror/N/DATA_5");
    check_refused(&none, PYR_UNSUPPORTED);
}

static void check_corrupt(const char *tray, const char *prefix)
{
    const struct asked asked = {.descriptor = "/vsis3/b/N.json",
                                .storage = ROK4_STORAGE_S3,
                                .tray = tray,
                                .prefix = prefix};
    check_refused(&asked, PYR_CORRUPT);
}

static void test_bad_names(void)
{
    check_corrupt("b", "");
    check_corrupt("b", "/N/DATA_5");
    check_corrupt("b", "N//DATA_5");
    check_corrupt("b", "N/../../DATA_5");
    check_corrupt("b", "./DATA_5");
    check_corrupt("b", "N/DATA_5/");
    check_corrupt("b", "N/DATA?x");
    check_corrupt("b/c", "N/DATA_5");
    check_corrupt("..", "N/DATA_5");
    check_corrupt("@h", "N/DATA_5");
    check_corrupt("b@", "N/DATA_5");
    check_corrupt("b?", "N/DATA_5");
}

static void test_slab(void)
{
    char *path =
        rok4_place_slab(ROK4_STORAGE_S3, "/vsis3/b/N/DATA_5", 4032, 18217, 0);
    CHECK_STR(path, "/vsis3/b/N/DATA_5_4032_18217");
    pyr_free(path);
    path = rok4_place_slab(ROK4_STORAGE_CEPH, "p", UINT32_MAX, UINT32_MAX, 0);
    CHECK_STR(path, "p_4294967295_4294967295");
    pyr_free(path);
    path = rok4_place_slab(ROK4_STORAGE_FILE, "/d/DATA/5", 33, 22, 2);
    CHECK_STR(path, "/d/DATA/5/00/00/XM.tif");
    pyr_free(path);
}

static void check_object(const char *path, const char *expected)
{
    char *const object = rok4_place_object(path);
    CHECK_STR(object != NULL ? object : "none", expected);
    pyr_free(object);
}

static void test_objects(void)
{
    check_object("/vsis3/b/A/N", "b/A/N");
    check_object("/vsis3/b@h:9000/N", "b/N");
    check_object("/vsirados/p/N", "p/N");
    check_object("/vsicurl/http://h/N", "none");
    CHECK_INT(rok4_place_storage("/vsis3/b/N"), ROK4_STORAGE_S3);
    CHECK_INT(rok4_place_storage("/vsiswift/b/N"), ROK4_STORAGE_SWIFT);
    CHECK_INT(rok4_place_storage("/vsirados/b/N"), ROK4_STORAGE_CEPH);
    CHECK_INT(rok4_place_storage("/vsigs/b/N"), ROK4_STORAGE_FILE);
    CHECK_INT(rok4_place_storage("/d/N"), ROK4_STORAGE_FILE);
}

static void check_link(const char *path, const char *text, const char *expected)
{
    char *target = NULL;
    const uint8_t *const bytes = (const uint8_t *)text;
    CHECK(rok4_place_is_link(bytes, strlen(text)));
    CHECK_INT(rok4_place_follow(path, bytes, strlen(text), &target, &err),
              PYR_OK);
    CHECK_STR(target, expected);
    pyr_free(target);
}

static void check_bad_link(const char *path, const char *text,
                           enum pyr_result expected)
{
    char *target = NULL;
    const uint8_t *const bytes = (const uint8_t *)text;
    CHECK_INT(rok4_place_follow(path, bytes, strlen(text), &target, &err),
              expected);
    CHECK(target == NULL);
}

static void test_links(void)
{
    const char *const slab = "/vsis3/b/N/DATA_5_1_2";
    check_link(slab, "SYMLINK#b/M/DATA_5_1_2", "/vsis3/b/M/DATA_5_1_2");
    check_link(slab, "SYMLINK#c/M/DATA_5_1_2", "/vsis3/c/M/DATA_5_1_2");
    check_link(slab, "SYMLINK#c@h:1/M", "/vsis3/c@h:1/M");
    check_link("/vsis3/b@g/N/DATA_5_1_2", "SYMLINK#c/M", "/vsis3/c@g/M");
    check_link("/vsirados/p/N/DATA_5_1_2", "SYMLINK#q/M", "/vsirados/q/M");
    check_bad_link(slab, "SYMLINK#b", PYR_CORRUPT);
    check_bad_link(slab, "SYMLINK#/M", PYR_CORRUPT);
    check_bad_link(slab, "SYMLINK#b/", PYR_CORRUPT);
    check_bad_link(slab, "SYMLINK#b/../c/M", PYR_CORRUPT);
    check_bad_link(slab, "SYMLINK#../M", PYR_CORRUPT);
    check_bad_link(slab, "SYMLINK#b/M\n", PYR_CORRUPT);
    check_bad_link("/vsicurl/http://h/N/DATA_5_1_2", "SYMLINK#b/M",
                   PYR_UNSUPPORTED);
    CHECK(!rok4_place_is_link((const uint8_t *)"SYMLINK#", 8));
    CHECK(!rok4_place_is_link((const uint8_t *)"SYMLINK_b/M", 11));
}

static void check_told(const char *link_path, const char *path,
                       const char *expected)
{
    char *target = NULL;
    CHECK_INT(rok4_place_link(link_path, path, &target, &err), PYR_OK);
    CHECK_STR(target, expected);
    pyr_free(target);
}

/* What a link tells, and what becomes of it. */
static void test_told(void)
{
    char *target = NULL;
    check_told("/vsis3/b/N", "/vsis3/c/M/DATA_5_1_2", "c/M/DATA_5_1_2");
    check_told("/vsis3/b@h:1/N", "/vsis3/c@h:1/M", "c/M");
    check_told("/vsis3/b/N", "/vsis3/c@h:1/M", "c@h:1/M");
    check_told("/vsis3/b@g/N", "/vsis3/c@h:1/M", "c@h:1/M");
    check_told("/vsirados/p/N", "/vsirados/q/M", "q/M");
    CHECK_INT(rok4_place_link("/vsis3/b@h/N", "/vsis3/c/M", &target, &err),
              PYR_UNSUPPORTED);
    CHECK(strstr(err.text, "from another cluster") != NULL);
    CHECK_INT(rok4_place_link("/vsis3/b/N", "/d/M", &target, &err),
              PYR_UNSUPPORTED);
    pyr_alloc_fail_nth(1);
    CHECK_INT(rok4_place_link("/vsis3/b/N", "/vsis3/c/M", &target, &err),
              PYR_NOMEM);
    pyr_alloc_fail_nth(0);
    CHECK(target == NULL);
}

static void test_memory(void)
{
    const struct asked asked = {.descriptor = "/vsis3/b@h/A/N.json",
                                .storage = ROK4_STORAGE_S3,
                                .tray = "c",
                                .prefix = "A/N/DATA_5"};
    const uint8_t text[] = "SYMLINK#c/M";
    enum pyr_result result = PYR_NOMEM;
    for (unsigned long nth = 1; result != PYR_OK && nth < 20; nth++)
    {
        char *place = NULL;
        pyr_alloc_fail_nth(nth);
        result = resolve(&asked, &place);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_NOMEM || result == PYR_OK);
        pyr_free(place);
    }
    CHECK_INT(result, PYR_OK);
    result = PYR_NOMEM;
    for (unsigned long nth = 1; result != PYR_OK && nth < 20; nth++)
    {
        char *target = NULL;
        pyr_alloc_fail_nth(nth);
        result = rok4_place_follow("/vsis3/b@h/N", text, sizeof(text) - 1,
                                   &target, &err);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_NOMEM || result == PYR_OK);
        pyr_free(target);
    }
    CHECK_INT(result, PYR_OK);
}

int main(void)
{
    RUN(test_own_tray);
    RUN(test_other_tray);
    RUN(test_other_file_systems);
    RUN(test_bad_names);
    RUN(test_slab);
    RUN(test_objects);
    RUN(test_links);
    RUN(test_told);
    RUN(test_memory);
    return unit_report();
}
