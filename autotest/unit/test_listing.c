/* SPDX-License-Identifier: MIT */
/* Tests of lists of slabs: roots, links of every kind, more than one buffer. */
#define _DEFAULT_SOURCE
#include "fake_scene.h"
#include "pyr_md5.h"
#include "rok4_listing.h"

static struct pyr_error err;
static struct rok4_files files;
static struct rok4_state state;

static enum pyr_result make_lists(bool list, bool md5)
{
    char list_path[POSIX_PATH_BYTES];
    char md5_path[POSIX_PATH_BYTES];
    const struct pyr_tree tree = fake_tree_make();
    (void)snprintf(list_path, sizeof list_path, "%s", scene_path("p.list"));
    (void)snprintf(md5_path, sizeof md5_path, "%s", scene_path("p.md5"));
    err.text[0] = '\0';
    return rok4_listing_write(&tree, &files, &state, list ? list_path : NULL,
                              md5 ? md5_path : NULL, &err);
}

/* The list is this, where "@" is the root of the scene. */
static void check_list(const char *expected)
{
    static char full[8000];
    size_t used = 0;
    for (const char *at = expected; *at != '\0'; at++)
        used += (size_t)snprintf(full + used, sizeof full - used, "%.*s",
                                 *at == '@' ? (int)strlen(scene_root) : 1,
                                 *at == '@' ? scene_root : at);
    CHECK_STR(scene_text("p.list"), full);
}

static void test_plain(void)
{
    scene_clear();
    scene_put("p/DATA/5/00/WM.tif", "a");
    scene_put("p/DATA/10/1000/WM.tif", "b");
    scene_put("p/MASK/5/00/WM.tif", "c");
    scene_put("p/DATA/5/00/notes.txt", "not a slab");
    scene_put("p/x/5/00/WM.tif", "not a slab");
    CHECK_INT(make_lists(true, true), PYR_OK);
    check_list("0=@/p\n#\n0/DATA/10/1000/WM.tif\n0/DATA/5/00/WM.tif\n"
               "0/MASK/5/00/WM.tif\n");
    CHECK(strstr(scene_text("p.md5"),
                 "\n#\n0/DATA/10/1000/WM.tif "
                 "92eb5ffee6ae2fec3ad71c777531578f\n") != NULL);
    CHECK_INT(make_lists(false, false), PYR_OK);
}

static void test_empty(void)
{
    scene_clear();
    CHECK_INT(posix_mkdirs(NULL, scene_path("p"), &err), PYR_OK);
    CHECK_INT(make_lists(true, false), PYR_OK);
    check_list("0=@/p\n#\n");
    CHECK(!scene_has("p.md5"));
    scene_clear();
    CHECK_INT(make_lists(true, false), PYR_NOT_FOUND);
    CHECK(!scene_has("p.list"));
}

static void test_links(void)
{
    char absolute[POSIX_PATH_BYTES];
    scene_clear();
    scene_put("p/DATA/5/00.tif", "own");
    scene_put("q/DATA/5/11.tif", "of q");
    scene_put("deep/r/MASK/5/22.tif", "of r");
    scene_link("q2", "q");
    scene_link("p/DATA/5/11.tif", "../../../q/DATA/5/11.tif");
    /* The same owner, by a directory that is a link. */
    scene_link("p/DATA/5/12.tif", "../../../q2/DATA/5/11.tif");
    (void)snprintf(absolute, sizeof absolute, "%s",
                   scene_path("deep/r/MASK/5/22.tif"));
    scene_link("p/DATA/5/22.tif", absolute);
    scene_link("p/DATA/5/33.tif", "../../../gone/DATA/5/33.tif");
    scene_link("p/DATA/5/44.tif", "00.tif");
    scene_link("p/DATA/5/55.tif", "../../../odd.bin");
    scene_link("p/DATA/6", "../../q/DATA/5");
    CHECK_INT(make_lists(true, true), PYR_OK);
    check_list("0=@/p\n1=@/q\n2=@/deep/r\n3=@/gone\n#\n"
               "0/DATA/5/00.tif\n1/DATA/5/11.tif\n1/DATA/5/11.tif\n"
               "2/MASK/5/22.tif\n3/DATA/5/33.tif\n0/DATA/5/44.tif\n"
               "0/DATA/5/55.tif\n");
    CHECK(strstr(scene_text("p.md5"), "\n3=") != NULL);
    CHECK(strstr(scene_text("p.md5"), "\n1/DATA/5/11.tif\n") != NULL);
}

static void test_dropped(void)
{
    scene_clear();
    scene_put("p/DATA/5/00.tif", "a");
    scene_put("p/DATA/4/00.tif", "a");
    scene_put("p/MASK/4/00.tif", "a");
    CHECK_INT(rok4_state_drop(&state, "4", &err), PYR_OK);
    CHECK_INT(make_lists(true, false), PYR_OK);
    check_list("0=@/p\n#\n0/DATA/5/00.tif\n");
    rok4_state_clear(&state);
}

/* A tree of very many slabs, which is only told of. */
#define MANY 40000

static enum pyr_result list_many(void *user, const char *path,
                                 pyr_tree_visit visit, void *context,
                                 struct pyr_error *error)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    (void)user;
    if (strcmp(path + strlen(path) - 4, "DATA") == 0)
        return visit(context, "18", PYR_ENTRY_DIRECTORY, error);
    for (int i = 0; i < MANY; i++)
    {
        char name[16];
        (void)snprintf(name, sizeof name, "0%c%c%c.tif", digits[i / 1296],
                       digits[i / 36 % 36], digits[i % 36]);
        const enum pyr_result result = visit(
            context, name, i == 7 ? PYR_ENTRY_LINK : PYR_ENTRY_FILE, error);
        if (result != PYR_OK)
            return result;
    }
    return PYR_OK;
}

static enum pyr_result readlink_many(void *user, const char *path,
                                     char **out_target, struct pyr_error *error)
{
    (void)user;
    (void)path;
    return posix_text("/q/DATA/18/0007.tif", 19, out_target, error);
}

static void test_many(void)
{
    char path[POSIX_PATH_BYTES];
    char line[200];
    int nlines = 0;
    int nlinked = 0;
    struct pyr_tree tree = posix_tree;
    tree.list = list_many;
    tree.readlink = readlink_many;
    scene_clear();
    CHECK_INT(posix_mkdirs(NULL, scene_path("p/DATA"), &err), PYR_OK);
    (void)snprintf(path, sizeof path, "%s", scene_path("p.list"));
    CHECK_INT(rok4_listing_write(&tree, &files, &state, path, NULL, &err),
              PYR_OK);
    FILE *const file = fopen(path, "r");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL)
    {
        nlines++;
        nlinked += strncmp(line, "1/", 2) == 0;
        if (nlines == 2)
            CHECK_STR(line, "1=/q\n");
        if (nlines == 3)
            CHECK_STR(line, "#\n");
        if (nlines == 11)
            CHECK_STR(line, "1/DATA/18/0007.tif\n");
    }
    (void)fclose(file);
    CHECK_STR(line, "0/DATA/18/0UV3.tif\n");
    CHECK_INT(nlines, MANY + 3);
    CHECK_INT(nlinked, 1);
}

static void test_failures(void)
{
    scene_clear();
    scene_put("p/DATA/5/00.tif", "own");
    scene_put("q/DATA/5/11.tif", "of q");
    scene_link("p/DATA/5/11.tif", "../../../q/DATA/5/11.tif");
    enum pyr_result result = PYR_IO;
    for (unsigned long i = 1; result != PYR_OK; i++)
    {
        fake_tree_reset(i, false);
        result = make_lists(true, true);
        CHECK(result == PYR_OK || result == PYR_IO);
    }
    result = PYR_NOMEM;
    for (unsigned long i = 1; result != PYR_OK; i++)
    {
        fake_tree_reset(0, false);
        pyr_alloc_fail_nth(i);
        result = make_lists(true, true);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
    }
    fake_tree_reset(0, false);
}

int main(void)
{
    scene_begin();
    CHECK_INT(rok4_files_init(scene_path("p.json"), &files, &err), PYR_OK);
    RUN(test_plain);
    RUN(test_empty);
    RUN(test_links);
    RUN(test_dropped);
    RUN(test_many);
    RUN(test_failures);
    rok4_files_clear(&files);
    scene_end();
    return unit_report();
}
