/* SPDX-License-Identifier: MIT */
/* Tests of lists of slabs that are read line by line. */
#include "fake_objects.h"
#include "rok4_list.h"

#define PATH "/vsis3/b/p.list"

static struct pyr_error err;
static char seen[4000];
static unsigned refuse_at; /* number of the visit that fails; 0: none */
static unsigned nvisits;

static enum pyr_result note(const char *text, struct pyr_error *why)
{
    (void)snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s|",
                   text);
    return ++nvisits == refuse_at ? pyr_fail(why, PYR_NOT_FOUND, "enough")
                                  : PYR_OK;
}

static enum pyr_result visit_root(void *context, const char *line,
                                  struct pyr_error *why)
{
    CHECK(context == seen);
    return note(line, why);
}

static enum pyr_result visit_slab(void *context, const char *line,
                                  const struct rok4_listed *slab,
                                  struct pyr_error *why)
{
    char text[300];
    CHECK(context == seen);
    CHECK(strstr(line, slab->name) != NULL);
    CHECK(slab->own == (strncmp(line, "0/", 2) == 0));
    if (!slab->is_slab)
        return note("?", why);
    (void)snprintf(text, sizeof text, "%s%c %s %u %u", slab->own ? "" : "*",
                   slab->plane == ROK4_PLANE_DATA ? 'd' : 'm', slab->level,
                   slab->col, slab->row);
    return note(text, why);
}

static enum pyr_result read_list(const char *text)
{
    const struct rok4_list_visitor visitor = {seen, visit_root, visit_slab};
    seen[0] = '\0';
    nvisits = 0;
    err.text[0] = '\0';
    if (text != NULL)
        store_put(PATH, text);
    const enum pyr_result result =
        rok4_list_read(&store_tree, PATH, &visitor, &err);
    CHECK((result == PYR_OK) == (err.text[0] == '\0'));
    return result;
}

static void test_objects(void)
{
    CHECK_INT(read_list("0=b/p\n1=c/x/q\n#\n0/DATA_5_1_2\n"
                        "1/MASK_L-6_4294967295_0\n0/IMAGE_7_3_4\n"
                        "0/IMG_8_1_1\n12/MSK_8_1_1\n"),
              PYR_OK);
    CHECK_STR(seen, "0=b/p|1=c/x/q|#|d 5 1 2|*m L-6 4294967295 0|d 7 3 4|"
                    "d 8 1 1|*m 8 1 1|");
}

static void test_files(void)
{
    CHECK_INT(read_list("0=/r/p\n#\n0/DATA/5/00/00/WM.tif\n"
                        "1/MASK/under_score/0A.tif\n0/DATA/5/00/00/wm.tif\n"),
              PYR_OK);
    CHECK_STR(seen, "0=/r/p|#|d 5 32 22|*m under_score 0 10|?|");
}

/* As other programs write it. */
static void test_forms(void)
{
    CHECK_INT(read_list("0=b/p\r\n#\r\n0/DATA_5_1_2 0123abc\r\n\r\n\n"
                        "0/DATA_5_1_3"),
              PYR_OK);
    CHECK_STR(seen, "0=b/p|#|d 5 1 2|d 5 1 3|");
    CHECK_INT(read_list("0=b/p\n#\n"), PYR_OK);
    CHECK_STR(seen, "0=b/p|#|");
    CHECK_INT(read_list("0=b/p\n#"), PYR_OK);
}

static void test_no_slabs(void)
{
    CHECK_INT(read_list("0=b/p\n#\n0/DATA_5_1\nDATA_5_1_2\n0/DATA__1_2\n"
                        "0/OTHER_5_1_2\n0/DATA_5_01_2\n0/DATA_5/6_1_2\n"
                        "0/\n0\n0/DATA_5_1_4294967296\n0/DATA/5\n0/DATA\n"
                        "0/DATA_5_1_2_3\n"),
              PYR_OK);
    CHECK_STR(seen, "0=b/p|#|?|?|?|?|?|?|?|?|?|?|?|?|");
    char text[400] = "0=b/p\n#\n0/DATA_";
    memset(text + strlen(text), 'x', PYR_MAX_NAME_BYTES + 1);
    (void)snprintf(text + strlen(text), 20, "_1_2\n");
    CHECK_INT(read_list(text), PYR_OK);
    CHECK_STR(seen, "0=b/p|#|?|");
}

static void test_no_list(void)
{
    static char text[3 * PYR_MAX_PATH_BYTES];
    CHECK_INT(read_list(NULL), PYR_NOT_FOUND);
    CHECK(strncmp(err.text, PATH ": ", strlen(PATH) + 2) == 0);
    CHECK_INT(read_list(""), PYR_NOT_FOUND);
    CHECK_INT(read_list("milk\neggs\n"), PYR_NOT_FOUND);
    CHECK_INT(read_list("0"), PYR_NOT_FOUND);
    CHECK_INT(read_list("\n0=b/p\n#\n"), PYR_NOT_FOUND);
    CHECK_STR(seen, "");
    memset(text, '0', sizeof text - 1);
    CHECK_INT(read_list(text), PYR_NOT_FOUND);
    CHECK_STR(seen, "");

    CHECK_INT(read_list("0=b/p\n0/DATA_5_1_2\n"), PYR_CORRUPT);
    CHECK(strstr(err.text, "has no line '#'") != NULL);
    memcpy(text, "0=b/p\n#\n0/", strlen("0=b/p\n#\n0/"));
    CHECK_INT(read_list(text), PYR_CORRUPT);
    CHECK(strstr(err.text, "a line of more than 4096 bytes") != NULL);
    /* The longest line there is. */
    text[strlen("0=b/p\n#\n") + PYR_MAX_PATH_BYTES] = '\0';
    CHECK_INT(read_list(text), PYR_OK);
    CHECK_STR(seen, "0=b/p|#|?|");
}

static void test_failures(void)
{
    static const char list[] = "0=b/p\n#\n0/DATA_5_1_2\n0/DATA_5_1_3\n";
    for (refuse_at = 1; refuse_at <= 4; refuse_at++)
    {
        CHECK_INT(read_list(list), PYR_NOT_FOUND);
        CHECK_STR(err.text, "enough");
        CHECK_INT(nvisits, refuse_at);
    }
    refuse_at = 0;
    store_fail_at(1, false, false);
    CHECK_INT(read_list(list), PYR_IO);
    CHECK_STR(err.text, PATH ": fails as told");
    store_fail_at(0, false, false);
    pyr_alloc_fail_nth(1);
    CHECK_INT(read_list(list), PYR_NOMEM);
    pyr_alloc_fail_nth(0);
    const struct rok4_list_visitor no_roots = {.context = seen,
                                               .slab = visit_slab};
    seen[0] = '\0';
    CHECK_INT(rok4_list_read(&store_tree, PATH, &no_roots, &err), PYR_OK);
    CHECK_STR(seen, "d 5 1 2|d 5 1 3|");
}

int main(void)
{
    RUN(test_no_list);
    RUN(test_objects);
    RUN(test_files);
    RUN(test_forms);
    RUN(test_no_slabs);
    RUN(test_failures);
    store_clear();
    return unit_report();
}
