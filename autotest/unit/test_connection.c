/* SPDX-License-Identifier: MIT */
/* Tests of dataset names: every form, and what is refused. */
#include "pyr_alloc.h"
#include "rok4_connection.h"
#include "unit.h"

static void check_parse(const char *name, const char *path, const char *level)
{
    struct rok4_connection connection = {NULL, NULL};
    struct pyr_error err = {""};
    CHECK_INT(rok4_connection_parse(name, &connection, &err), PYR_OK);
    CHECK_STR(connection.path, path);
    if (level != NULL)
        CHECK_STR(connection.level, level);
    else
        CHECK(connection.level == NULL);
    CHECK_STR(err.text, "");
    rok4_connection_clear(&connection);
    CHECK(connection.path == NULL && connection.level == NULL);
}

static void check_refused(const char *name, const char *text)
{
    struct rok4_connection connection = {NULL, NULL};
    struct pyr_error err = {""};
    CHECK_INT(rok4_connection_parse(name, &connection, &err), PYR_USAGE);
    CHECK_STR(err.text, text);
    CHECK(connection.path == NULL && connection.level == NULL);
}

static void test_prefix(void)
{
    CHECK(rok4_connection_has_prefix("ROK4:x"));
    CHECK(rok4_connection_has_prefix("rok4:"));
    CHECK(!rok4_connection_has_prefix("ROK4"));
    CHECK(!rok4_connection_has_prefix("ROK"));
    CHECK(!rok4_connection_has_prefix(""));
    CHECK(!rok4_connection_has_prefix(" ROK4:x"));
}

static void test_plain_paths(void)
{
    check_parse("/data/pyr.json", "/data/pyr.json", NULL);
    check_parse("pyr", "pyr", NULL);
    check_parse("/vsis3/b/pyr.json", "/vsis3/b/pyr.json", NULL);
    check_parse("file:///data/pyr.json", "/data/pyr.json", NULL);
    /* Without the prefix a name is a path, whatever it looks like. */
    check_parse("/data/pyr.json:5", "/data/pyr.json:5", NULL);
    check_parse("\"a\":5", "\"a\":5", NULL);
}

static void test_prefixed(void)
{
    check_parse("ROK4:/data/pyr.json", "/data/pyr.json", NULL);
    check_parse("rok4:pyr", "pyr", NULL);
    check_parse("ROK4:file:///data/a b/\xc3\xa9.json",
                "/data/a b/\xc3\xa9.json", NULL);
    check_parse("ROK4:\"/data/pyr.json\"", "/data/pyr.json", NULL);
    check_parse("ROK4:\"file:///data/pyr.json\"", "/data/pyr.json", NULL);
    check_parse("ROK4:ROK4:x", "ROK4:x", NULL);
}

static void test_levels(void)
{
    check_parse("ROK4:\"/data/pyr.json\":5", "/data/pyr.json", "5");
    check_parse("ROK4:\"/data/pyr\":L:2", "/data/pyr", "L:2");
    check_parse("ROK4:\"file://a\":\"5\"", "a", "\"5\"");
    check_parse("ROK4:/data/pyr.json:5", "/data/pyr.json", "5");
    check_parse("ROK4:file:///data/pyr.json:top", "/data/pyr.json", "top");
    /* Colons elsewhere are the path's. */
    check_parse("ROK4:/vsicurl/http://h:80/pyr.json:12",
                "/vsicurl/http://h:80/pyr.json", "12");
    check_parse("ROK4:/vsicurl/http://h:80/pyr", "/vsicurl/http://h:80/pyr",
                NULL);
    check_parse("ROK4:/a/b.json:c/pyr.json:5", "/a/b.json:c/pyr.json", "5");
    check_parse("ROK4:/data/pyr.JSON:5", "/data/pyr.JSON:5", NULL);
}

static void test_refused(void)
{
    check_refused("ROK4:\"/data/pyr.json",
                  "quote not closed in ROK4:\"/data/pyr.json");
    check_refused("ROK4:\"a\"5", "found '5' after the path, expected :LEVEL");
    check_refused("ROK4:\"a\":", "no level after ':' in ROK4:\"a\":");
    check_refused("ROK4:a.json:", "no level after ':' in ROK4:a.json:");
    check_refused("ROK4:", "no path in 'ROK4:'");
    check_refused("ROK4:file://", "no path in 'ROK4:file://'");
    check_refused("ROK4:\"\":5", "no path in 'ROK4:\"\":5'");
    check_refused("ROK4:\"file://\"", "no path in 'ROK4:\"file://\"'");
    check_refused("", "no path in ''");
}

static void test_no_memory(void)
{
    for (unsigned long nth = 1; nth < 4; nth++)
    {
        struct rok4_connection connection = {NULL, NULL};
        struct pyr_error err = {""};
        pyr_alloc_fail_nth(nth);
        const enum pyr_result result =
            rok4_connection_parse("ROK4:\"a\":b", &connection, &err);
        pyr_alloc_fail_nth(0);
        CHECK_INT(result, nth < 3 ? PYR_NOMEM : PYR_OK);
        CHECK((connection.path != NULL) == (result == PYR_OK));
        rok4_connection_clear(&connection);
    }
}

int main(void)
{
    RUN(test_prefix);
    RUN(test_plain_paths);
    RUN(test_prefixed);
    RUN(test_levels);
    RUN(test_refused);
    RUN(test_no_memory);
    return unit_report();
}
