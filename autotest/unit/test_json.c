/* SPDX-License-Identifier: MIT */
/* Tests of pyr_json: typed access, error texts, hostile documents. */
#include "pyr_alloc.h"
#include "pyr_json.h"
#include "unit.h"

#include <locale.h>
#include <stdlib.h>

static struct pyr_json *json;
static struct pyr_json_node root;
static struct pyr_error err;

static enum pyr_result parse_bytes(const char *text, size_t nbytes)
{
    /* No NUL behind the text, so that asan sees a read beyond it. */
    char *copy = malloc(nbytes != 0 ? nbytes : 1);
    enum pyr_result result;
    json = NULL;
    err.text[0] = '\0';
    if (!copy)
        return PYR_NOMEM;
    memcpy(copy, text, nbytes);
    result = pyr_json_parse(copy, nbytes, &json, &root, &err);
    free(copy);
    CHECK(result == PYR_OK || json == NULL);
    return result;
}

static enum pyr_result parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void refused(const char *text, const char *message)
{
    CHECK_INT(parse(text), PYR_CORRUPT);
    CHECK_STR(err.text, message);
}

static void test_syntax(void)
{
    CHECK_INT(parse("{}"), PYR_OK);
    CHECK_STR(root.path, "");
    pyr_json_free(json);
    CHECK_INT(parse(" \t\r\n{\"a\" : [ ] } \r\n"), PYR_OK);
    pyr_json_free(json);
    CHECK_INT(parse("\xEF\xBB\xBF{\"a\":1}"), PYR_OK);
    CHECK(pyr_json_has(&root, "a"));
    pyr_json_free(json);
    pyr_json_free(NULL);

    refused("", "not valid JSON: empty text");
    refused(" \n", "not valid JSON: empty text");
    refused("{\"a\":}", "not valid JSON: error at byte 5");
    refused("{\"a\":1", "not valid JSON: error at byte 5");
    refused("{\"a\":1 \"b\":2}", "not valid JSON: error at byte 7");
    refused("{\"a\":1,}", "not valid JSON: error at byte 7");
    refused("{}x", "not valid JSON: text after the end at byte 2");
    refused("{} {}", "not valid JSON: text after the end at byte 2");
    refused("{\"a\":\"b", "not valid JSON: error at byte 6");
    refused("{\"a\":\"\\ud800\"}", "not valid JSON: error at byte 6");
    refused("[{}]", "JSON text is an array, expected an object");
    refused("3", "JSON text is a number, expected an object");
    refused("true", "JSON text is a boolean, expected an object");
    refused("null", "JSON text is null, expected an object");
    CHECK_INT(pyr_json_parse("[", 1, &json, &root, NULL), PYR_CORRUPT);
}

/* cJSON would cut a string at a NUL without a word. */
static void test_nul(void)
{
    CHECK_INT(parse_bytes("{\"a\":\"b\0c\"}", 11), PYR_CORRUPT);
    CHECK_STR(err.text, "not valid JSON: NUL character at byte 7");
    CHECK_INT(parse_bytes("{}\0", 3), PYR_CORRUPT);
    CHECK_STR(err.text, "not valid JSON: NUL character at byte 2");
    refused("{\"a\":\"b\\u0000c\"}", "not valid JSON: NUL character at byte 7");
    CHECK_INT(parse("{\"a\":\"b\\\\u0000c\"}"), PYR_OK);
    pyr_json_free(json);
    CHECK_INT(parse("{\"a\":\"b\\u0001c\"}"), PYR_OK);
    pyr_json_free(json);
    CHECK_INT(parse("{\"a\":\"\\"), PYR_CORRUPT);
    CHECK_INT(parse("{\"a\":\"\\u00"), PYR_CORRUPT);
}

static void test_members(void)
{
    struct pyr_json_node node;
    struct pyr_json_node inner;
    const char *text = NULL;
    size_t count = 0;
    double value = 0.0;
    CHECK_INT(parse("{\"o\":{\"s\":\"caf\\u00e9\"},\"a\":[{\"n\":1},2.5],"
                    "\"z\":null,\"t\":true,\"d\":1,\"d\":2}"),
              PYR_OK);
    CHECK_INT(pyr_json_object(&root, "o", &node, &err), PYR_OK);
    CHECK_STR(node.path, "o");
    CHECK_INT(pyr_json_string(&node, "s", 5, &text, &err), PYR_OK);
    CHECK_STR(text, "caf\xC3\xA9");
    CHECK_INT(pyr_json_array(&root, "a", &node, &count, &err), PYR_OK);
    CHECK_INT(count, 2);
    CHECK_INT(pyr_json_item_object(&node, 0, &inner, &err), PYR_OK);
    CHECK_STR(inner.path, "a[0]");
    CHECK_INT(pyr_json_double(&inner, "n", &value, &err), PYR_OK);
    CHECK(value == 1.0);
    CHECK_INT(pyr_json_item_double(&node, 1, &value, &err), PYR_OK);
    CHECK(value == 2.5);
    CHECK_INT(pyr_json_double(&root, "d", &value, &err), PYR_OK);
    CHECK(value == 1.0);
    CHECK(pyr_json_has(&root, "t"));
    CHECK(!pyr_json_has(&root, "z"));
    CHECK(!pyr_json_has(&root, "T"));
    pyr_json_free(json);
}

static void test_wrong_kind(void)
{
    struct pyr_json_node node;
    struct pyr_json_node inner;
    const char *text = "kept";
    size_t count = 7;
    double value = 7.0;
    CHECK_INT(parse("{\"s\":\"\",\"n\":1,\"t\":false,\"z\":null,\"a\":[{},3],"
                    "\"o\":{\"long\":\"abcdef\"}}"),
              PYR_OK);
    CHECK_INT(pyr_json_object(&root, "s", &node, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "s is a string, expected an object");
    CHECK_INT(pyr_json_array(&root, "o", &node, &count, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "o is an object, expected an array");
    CHECK_INT(count, 7);
    CHECK_INT(pyr_json_string(&root, "n", 9, &text, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "n is a number, expected a string");
    CHECK_INT(pyr_json_string(&root, "z", 9, &text, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "z is null, expected a string");
    CHECK_INT(pyr_json_double(&root, "t", &value, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "t is a boolean, expected a number");
    CHECK_INT(pyr_json_double(&root, "none", &value, NULL), PYR_NOT_FOUND);
    CHECK_INT(pyr_json_object(&root, "o", &node, &err), PYR_OK);
    CHECK_INT(pyr_json_string(&node, "long", 6, &text, &err), PYR_OK);
    text = "kept";
    CHECK_INT(pyr_json_string(&node, "long", 5, &text, &err), PYR_LIMIT);
    CHECK_STR(err.text, "o.long has 6 bytes, expected at most 5");
    CHECK_INT(pyr_json_string(&node, "none", 5, &text, &err), PYR_NOT_FOUND);
    CHECK_STR(err.text, "o.none is missing");
    CHECK_STR(text, "kept");
    CHECK_INT(pyr_json_array(&root, "a", &node, &count, &err), PYR_OK);
    CHECK_INT(pyr_json_item_object(&node, 1, &inner, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "a[1] is a number, expected an object");
    CHECK_INT(pyr_json_item_double(&node, 0, &value, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "a[0] is an object, expected a number");
    CHECK_INT(pyr_json_item_double(&node, 2, &value, &err), PYR_NOT_FOUND);
    CHECK_STR(err.text, "a[2] is missing");
    CHECK_INT(pyr_json_item_double(&node, SIZE_MAX, &value, &err),
              PYR_NOT_FOUND);
    CHECK(value == 7.0);
    pyr_json_free(json);
}

static void test_numbers(void)
{
    int64_t value = 7;
    double real = 7.0;
    CHECK_INT(parse("{\"i\":3,\"e\":3e2,\"f\":1.5,\"m\":-4,\"b\":1e999,"
                    "\"z\":-0,\"s\":\"3\",\"max\":9007199254740992}"),
              PYR_OK);
    CHECK_INT(pyr_json_int(&root, "i", 3, 3, &value, &err), PYR_OK);
    CHECK_INT(value, 3);
    CHECK_INT(pyr_json_int(&root, "e", 1, 300, &value, &err), PYR_OK);
    CHECK_INT(value, 300);
    CHECK_INT(pyr_json_int(&root, "z", 0, 1, &value, &err), PYR_OK);
    CHECK_INT(value, 0);
    CHECK_INT(pyr_json_int(&root, "max", 0, INT64_C(1) << 53, &value, &err),
              PYR_OK);
    CHECK(value == INT64_C(9007199254740992));
    CHECK_INT(pyr_json_int(&root, "m", 0, 16, &value, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "m is -4, expected 0 .. 16");
    CHECK_INT(pyr_json_int(&root, "i", 1, 2, &value, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "i is 3, expected 1 .. 2");
    CHECK_INT(pyr_json_int(&root, "f", 1, 2, &value, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "f is 1.5, expected a whole number");
    CHECK_INT(pyr_json_int(&root, "s", 1, 3, &value, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "s is a string, expected a number");
    CHECK_INT(pyr_json_int(&root, "b", 1, 3, &value, &err), PYR_CORRUPT);
    CHECK_STR(err.text, "b is too large a number, expected a finite one");
    CHECK_INT(pyr_json_double(&root, "b", &real, &err), PYR_CORRUPT);
    CHECK(real == 7.0);
    pyr_json_free(json);
    CHECK_INT(parse("{\"a\":NaN}"), PYR_CORRUPT);
    CHECK_INT(parse("{\"a\":Infinity}"), PYR_CORRUPT);
    CHECK_INT(parse("{\"a\":-}"), PYR_CORRUPT);
    CHECK_INT(parse("{\"a\":0x10}"), PYR_CORRUPT);
    CHECK_INT(parse("{\"a\":1,5}"), PYR_CORRUPT);
}

static void check_locale(const char *name)
{
    double value = 0.0;
    int64_t whole = 0;
    if (!setlocale(LC_ALL, name))
    {
        printf("skipped: no locale %s\n", name);
        return;
    }
    CHECK_INT(parse("{\"a\":0.0746455354243473,\"b\":-1.5e3}"), PYR_OK);
    CHECK_INT(pyr_json_double(&root, "a", &value, &err), PYR_OK);
    CHECK(value == 0.0746455354243473);
    CHECK_INT(pyr_json_double(&root, "b", &value, &err), PYR_OK);
    CHECK(value == -1500.0);
    CHECK_INT(pyr_json_int(&root, "a", 1, 2, &whole, &err), PYR_CORRUPT);
    CHECK(strncmp(err.text, "a is 0.07464553542434", 21) == 0);
    pyr_json_free(json);
    CHECK_STR(setlocale(LC_ALL, NULL), name); /* left as it was */
    (void)setlocale(LC_ALL, "C");
}

/* A comma, and a decimal point of two bytes. */
static void test_locale(void)
{
    check_locale("de_DE.UTF-8");
    check_locale("fr_FR.UTF-8");
    check_locale("fa_IR.UTF-8");
}

static void test_long_path(void)
{
    struct pyr_json_node node;
    char key[200];
    char text[1000] = "";
    char deep[250];
    int depth;
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    (void)snprintf(deep, sizeof deep, "{\"%s\":", key);
    for (depth = 0; depth < 3; depth++)
        memcpy(text + strlen(text), deep, strlen(deep) + 1);
    memcpy(text + strlen(text), "[1]}}}", sizeof "[1]}}}");
    CHECK_INT(parse(text), PYR_OK);
    node = root;
    CHECK_INT(pyr_json_object(&node, key, &node, &err), PYR_OK);
    CHECK_INT(strlen(node.path), sizeof node.path - 1);
    CHECK_INT(pyr_json_object(&node, key, &node, &err), PYR_OK);
    CHECK_INT(pyr_json_object(&node, key, &node, &err), PYR_CORRUPT);
    pyr_json_free(json);
}

/* Text of nbytes that repeats piece between start and end. */
static char *repeated(const char *start, const char *piece, const char *end,
                      size_t nbytes)
{
    const size_t step = strlen(piece);
    char *text = malloc(nbytes + 1);
    size_t at = strlen(start);
    if (!text)
        abort();
    memset(text, ' ', nbytes);
    memcpy(text, start, at);
    for (; at + step + strlen(end) <= nbytes; at += step)
        memcpy(text + at, piece, step);
    memcpy(text + at, end, strlen(end));
    text[nbytes] = '\0';
    return text;
}

static void test_limits(void)
{
    struct pyr_json_node node;
    size_t count = 0;
    char *text = repeated("{\"a\":[", "0,", "0]}", PYR_MAX_JSON_BYTES);
    CHECK_INT(parse_bytes(text, PYR_MAX_JSON_BYTES), PYR_OK);
    CHECK_INT(pyr_json_array(&root, "a", &node, &count, &err), PYR_OK);
    CHECK_INT(count, (PYR_MAX_JSON_BYTES - 9) / 2 + 1);
    pyr_json_free(json);
    free(text);

    text = repeated("{", " ", "}", PYR_MAX_JSON_BYTES + 1);
    CHECK_INT(parse_bytes(text, PYR_MAX_JSON_BYTES + 1), PYR_LIMIT);
    CHECK_STR(err.text,
              "JSON text has 4194305 bytes, expected at most 4194304");
    free(text);

    /* cJSON stops at 1000 levels: no stack overflow. */
    text = repeated("{\"a\":", "[", "", 100000);
    CHECK_INT(parse(text), PYR_CORRUPT);
    CHECK(strstr(err.text, "error at byte 100") != NULL);
    free(text);
    text = repeated("", "{\"a\":", "", 100000);
    CHECK_INT(parse(text), PYR_CORRUPT);
    free(text);
}

static void check_excerpt(const char *text, const char *expected)
{
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    CHECK_STR(pyr_json_excerpt(text, excerpt), expected);
}

static void test_excerpt(void)
{
    char text[201];
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    check_excerpt("", "");
    check_excerpt("a\n\x1B[31m\x7F", "a??[31m?");
    check_excerpt("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
                  "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    check_excerpt("\xE9t\xE9", "?t?");    /* Latin-1 */
    check_excerpt("\xC3", "?");           /* cut */
    check_excerpt("\xE2\x82", "??");      /* cut */
    check_excerpt("\xF0\x9F\x98", "???"); /* cut */
    check_excerpt("\xC2\x9B"
                  "31m",
                  "??31m");                         /* control sequence */
    check_excerpt("\xC1\x81\xE0\x81\x81", "?????"); /* overlong */
    check_excerpt("\xED\xA0\x80", "???");           /* surrogate */
    check_excerpt("\xF4\x90\x80\x80\xFF", "?????");
    memset(text, 'x', 200);
    text[200] = '\0';
    (void)pyr_json_excerpt(text, excerpt);
    CHECK_INT(strlen(excerpt), PYR_JSON_EXCERPT_BYTES - 1);
    CHECK_STR(excerpt + PYR_JSON_EXCERPT_BYTES - 5, "x...");
    /* Never cut inside a character. */
    memcpy(text + PYR_JSON_EXCERPT_BYTES - 5, "\xC3\xA9", 2);
    (void)pyr_json_excerpt(text, excerpt);
    CHECK_STR(excerpt + PYR_JSON_EXCERPT_BYTES - 6, "x...");
}

static void test_no_memory(void)
{
    pyr_alloc_fail_nth(1);
    CHECK_INT(parse("{}"), PYR_NOMEM);
    CHECK_STR(err.text, "out of memory");
    pyr_alloc_fail_nth(0);
}

int main(void)
{
    RUN(test_syntax);
    RUN(test_nul);
    RUN(test_members);
    RUN(test_wrong_kind);
    RUN(test_numbers);
    RUN(test_locale);
    RUN(test_long_path);
    RUN(test_limits);
    RUN(test_excerpt);
    RUN(test_no_memory);
    return unit_report();
}
