/* SPDX-License-Identifier: MIT */
/* Tests of pyr_json_write: text that every reader takes. */
#include "pyr_alloc.h"
#include "pyr_json_write.h"
#include "unit.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

static struct pyr_json_text json;
static struct pyr_error err;
static char *text;

static enum pyr_result finish(void)
{
    text = NULL;
    err.text[0] = '\0';
    return pyr_json_finish(&json, &text, &err);
}

static void check(const char *expected)
{
    CHECK_INT(finish(), PYR_OK);
    CHECK_STR(text, expected);
    pyr_free(text);
}

static void test_structure(void)
{
    pyr_json_begin_object(&json, NULL);
    pyr_json_end_object(&json);
    check("{}");
    pyr_json_begin_object(&json, NULL);
    pyr_json_add_int(&json, "a", 0);
    pyr_json_begin_array(&json, "b");
    pyr_json_end_array(&json);
    pyr_json_begin_array(&json, "c");
    for (int i = 0; i < 2; i++)
    {
        pyr_json_begin_object(&json, NULL);
        pyr_json_add_string(&json, "d", "");
        pyr_json_end_object(&json);
    }
    pyr_json_end_array(&json);
    pyr_json_begin_object(&json, "e");
    pyr_json_end_object(&json);
    pyr_json_end_object(&json);
    check("{\"a\":0,\"b\":[],\"c\":[{\"d\":\"\"},{\"d\":\"\"}],\"e\":{}}");
}

static void test_values(void)
{
    pyr_json_begin_object(&json, NULL);
    pyr_json_add_int(&json, "low", INT64_MIN);
    pyr_json_add_int(&json, "high", INT64_MAX);
    pyr_json_add_string(&json, "a\"b", "{[\\\"\n\x01\x7F/\xC3\xA9");
    pyr_json_add_string(&json, "last", "[");
    pyr_json_add_string(&json, "after", "{");
    pyr_json_end_object(&json);
    check("{\"low\":-9223372036854775808,\"high\":9223372036854775807,"
          "\"a\\\"b\":\"{[\\\\\\\"\\u000a\\u0001\\u007f/\xC3\xA9\","
          "\"last\":\"[\",\"after\":\"{\"}");
}

static void test_other_values(void)
{
    pyr_json_begin_array(&json, NULL);
    pyr_json_add_uint(&json, NULL, UINT64_MAX);
    pyr_json_add_bool(&json, NULL, true);
    pyr_json_add_bool(&json, NULL, false);
    pyr_json_add_double(&json, NULL, -0.1);
    pyr_json_add_double(&json, NULL, 1e300);
    pyr_json_add_double(&json, NULL, HUGE_VAL);
    pyr_json_add_null(&json, NULL);
    pyr_json_add_text(&json, NULL, "{\"a\":[0.1]}");
    pyr_json_end_array(&json);
    check("[18446744073709551615,true,false,-0.1,1e+300,null,null,"
          "{\"a\":[0.1]}]");
}

/* Copies {"known":...} and others of the object that from holds. */
static void copy(const char *from)
{
    static const char *const known[] = {"known", "k2", NULL};
    struct pyr_json *parsed = NULL;
    struct pyr_json_node root;
    CHECK_INT(pyr_json_parse(from, strlen(from), &parsed, &root, &err), PYR_OK);
    pyr_json_begin_object(&json, NULL);
    pyr_json_add_int(&json, "known", 1);
    pyr_json_add_others(&json, &root, known);
    pyr_json_end_object(&json);
    pyr_json_free(parsed);
}

static void test_others(void)
{
    copy("{\"known\":{\"x\":1},\"a\":[1,-2,3.5,1e300,3000000000],\"k2\":7,"
         "\"Known\":null,\"b\":{\"known\":true},\"c\":\"\\u00e9\\n\"}");
    check("{\"known\":1,\"a\":[1,-2,3.5,1e+300,3000000000],\"Known\":null,"
          "\"b\":{\"known\":true},\"c\":\"\xC3\xA9\\n\"}");
    copy("{}");
    check("{\"known\":1}");
}

/* Where the locale has another decimal point, and one of two bytes. */
static void test_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "ps_AF.UTF-8",
                                        "fa_IR.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    {
        if (setlocale(LC_ALL, names[i]) == NULL)
            continue;
        copy("{\"a\":3.25,\"b\":1234567}");
        check("{\"known\":1,\"a\":3.25,\"b\":1234567}");
    }
    (void)setlocale(LC_ALL, "C");
}

static void test_limit(void)
{
    char *const much = malloc(PYR_MAX_JSON_BYTES + 1);
    if (much == NULL)
        exit(1);
    memset(much, 'a', PYR_MAX_JSON_BYTES);
    much[PYR_MAX_JSON_BYTES - 8] = '\0';
    for (int more = 0; more < 2; more++)
    {
        pyr_json_begin_object(&json, NULL);
        pyr_json_add_string(&json, more != 0 ? "bc" : "b", much);
        pyr_json_end_object(&json);
        CHECK_INT(finish(), more == 0 ? PYR_OK : PYR_LIMIT);
        CHECK_STR(err.text,
                  more == 0 ? "" : "JSON text takes more than 4194304 bytes");
        pyr_free(text);
    }
    free(much);
}

static void test_no_memory(void)
{
    unsigned long nth = 0;
    enum pyr_result result = PYR_NOMEM;
    while (result != PYR_OK)
    {
        pyr_alloc_fail_nth(++nth);
        pyr_json_begin_object(&json, NULL);
        for (int i = 0; i < 2000; i++)
            pyr_json_add_int(&json, "member", i);
        pyr_json_end_object(&json);
        pyr_alloc_fail_nth(0);
        result = finish();
        CHECK_INT(result, nth < 5 ? PYR_NOMEM : PYR_OK);
        CHECK_STR(err.text, nth < 5 ? "out of memory" : "");
        CHECK(nth < 5 ? text == NULL : strlen(text) > 20000);
        pyr_free(text);
    }
    CHECK_INT(nth, 5);
}

int main(void)
{
    RUN(test_structure);
    RUN(test_values);
    RUN(test_other_values);
    RUN(test_others);
    RUN(test_locale);
    RUN(test_limit);
    RUN(test_no_memory);
    return unit_report();
}
