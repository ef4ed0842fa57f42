/* SPDX-License-Identifier: MIT */
/* Typed access to JSON text on cJSON; every error names the JSON path. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* uselocale */
#endif

#include "pyr_json.h"

#include "pyr_alloc.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct pyr_json
{
    cJSON *root;
};

/* Only the low byte of a cJSON type says the kind; flags stand above it. */
static int kind_of(const cJSON *value)
{
    return value->type & 0xFF;
}

static const char *kind_name(int kind)
{
    switch (kind)
    {
        case cJSON_False:
        case cJSON_True:
            return "a boolean";
        case cJSON_NULL:
            return "null";
        case cJSON_Number:
            return "a number";
        case cJSON_String:
            return "a string";
        case cJSON_Array:
            return "an array";
        case cJSON_Object:
            return "an object";
        default:
            return "unknown";
    }
}

/* cJSON reads numbers with strtod and swaps in the first byte of the locale's
 * decimal point, which is not enough for Persian or Pashto. */
static cJSON *parse_in_c_locale(const char *text, size_t nbytes,
                                const char **out_end)
{
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before;
    cJSON *root;
    if (!c_locale)
        return NULL;
    before = uselocale(c_locale);
    root = cJSON_ParseWithLengthOpts(text, nbytes, out_end, 0);
    (void)uselocale(before);
    freelocale(c_locale);
    return root;
}

/* Position of the first NUL, raw or as \u0000, or nbytes. cJSON would cut the
 * string there without a word, so that two names could look the same. */
static size_t find_nul(const char *text, size_t nbytes)
{
    static const char escape[] = {'\\', 'u', '0', '0', '0', '0'};
    size_t at = 0;
    while (at < nbytes && text[at] != '\0')
    {
        if (text[at] != '\\')
            at++;
        else if (nbytes - at >= sizeof escape &&
                 memcmp(text + at, escape, sizeof escape) == 0)
            return at;
        else
            at += 2;
    }
    return at < nbytes ? at : nbytes;
}

static bool only_blanks(const char *text, size_t nbytes)
{
    size_t at;
    for (at = 0; at < nbytes; at++)
    {
        if (text[at] != ' ' && text[at] != '\t' && text[at] != '\r' &&
            text[at] != '\n')
            return false;
    }
    return true;
}

/* Parses the text; on success *out_root is an object the caller deletes. */
static enum pyr_result parse_root(const char *text, size_t nbytes,
                                  cJSON **out_root, struct pyr_error *err)
{
    const char *end = text;
    cJSON *root = NULL;
    enum pyr_result result = PYR_OK;
    size_t nul_at = 0;

    if (nbytes > PYR_MAX_JSON_BYTES)
        return pyr_fail(err, PYR_LIMIT,
                        "JSON text has %zu bytes, expected at most %u", nbytes,
                        PYR_MAX_JSON_BYTES);
    nul_at = find_nul(text, nbytes);
    if (nul_at < nbytes)
        return pyr_fail(err, PYR_CORRUPT,
                        "not valid JSON: NUL character at byte %zu", nul_at);
    if (only_blanks(text, nbytes))
        return pyr_fail(err, PYR_CORRUPT, "not valid JSON: empty text");

    root = parse_in_c_locale(text, nbytes, &end);
    if (!root)
        /* cJSON does not tell running out of memory from a syntax error. */
        return pyr_fail(err, PYR_CORRUPT, "not valid JSON: error at byte %zu",
                        (size_t)(end - text));
    if (!only_blanks(end, nbytes - (size_t)(end - text)))
        result = pyr_fail(err, PYR_CORRUPT,
                          "not valid JSON: text after the end at byte %zu",
                          (size_t)(end - text));
    else if (kind_of(root) != cJSON_Object)
        result =
            pyr_fail(err, PYR_CORRUPT, "JSON text is %s, expected an object",
                     kind_name(kind_of(root)));
    if (result != PYR_OK)
        cJSON_Delete(root);
    else
        *out_root = root;
    return result;
}

enum pyr_result pyr_json_parse(const char *text, size_t nbytes,
                               struct pyr_json **out_json,
                               struct pyr_json_node *out_root,
                               struct pyr_error *err)
{
    struct pyr_json *json = pyr_malloc(sizeof *json);
    enum pyr_result result;
    if (!json)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    result = parse_root(text, nbytes, &json->root, err);
    if (result != PYR_OK)
    {
        pyr_free(json);
        return result;
    }
    *out_json = json;
    out_root->value = json->root;
    out_root->path[0] = '\0';
    return PYR_OK;
}

void pyr_json_free(struct pyr_json *json)
{
    if (!json)
        return;
    cJSON_Delete(json->root);
    pyr_free(json);
}

static void set_path(struct pyr_json_node *node, const char *format, ...)
    PYR_PRINTF(2, 3);

/* Cuts the path when it is longer than its room (see pyr_json.h). */
static void set_path(struct pyr_json_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(node->path, sizeof node->path, format, args);
    va_end(args);
}

/* Whether the node has a value at all, and one of that kind. */
static enum pyr_result check_node(struct pyr_json_node *node, int kind,
                                  struct pyr_error *err)
{
    const cJSON *value = node->value;
    if (!value)
        return pyr_fail(err, PYR_NOT_FOUND, "%s is missing", node->path);
    if (kind_of(value) != kind)
        return pyr_fail(err, PYR_CORRUPT, "%s is %s, expected %s", node->path,
                        kind_name(kind_of(value)), kind_name(kind));
    return PYR_OK;
}

static enum pyr_result member(const struct pyr_json_node *parent,
                              const char *key, int kind,
                              struct pyr_json_node *out_node,
                              struct pyr_error *err)
{
    struct pyr_json_node node;
    enum pyr_result result;
    node.value = cJSON_GetObjectItemCaseSensitive(parent->value, key);
    set_path(&node, "%s%s%s", parent->path, parent->path[0] != '\0' ? "." : "",
             key);
    result = check_node(&node, kind, err);
    if (result == PYR_OK)
        *out_node = node;
    return result;
}

static enum pyr_result item(const struct pyr_json_node *array, size_t index,
                            int kind, struct pyr_json_node *out_node,
                            struct pyr_error *err)
{
    struct pyr_json_node node;
    enum pyr_result result;
    node.value = index <= (size_t)INT32_MAX
                     ? cJSON_GetArrayItem(array->value, (int)index)
                     : NULL;
    set_path(&node, "%s[%zu]", array->path, index);
    result = check_node(&node, kind, err);
    if (result == PYR_OK)
        *out_node = node;
    return result;
}

static enum pyr_result number_of(const struct pyr_json_node *node,
                                 double *out_value, struct pyr_error *err)
{
    const double value = ((const cJSON *)node->value)->valuedouble;
    if (!isfinite(value))
        return pyr_fail(err, PYR_CORRUPT,
                        "%s is too large a number, expected a finite one",
                        node->path);
    *out_value = value;
    return PYR_OK;
}

enum pyr_result pyr_json_object(const struct pyr_json_node *parent,
                                const char *key, struct pyr_json_node *out_node,
                                struct pyr_error *err)
{
    return member(parent, key, cJSON_Object, out_node, err);
}

enum pyr_result pyr_json_array(const struct pyr_json_node *parent,
                               const char *key, struct pyr_json_node *out_node,
                               size_t *out_count, struct pyr_error *err)
{
    enum pyr_result result = member(parent, key, cJSON_Array, out_node, err);
    if (result == PYR_OK)
        *out_count = (size_t)cJSON_GetArraySize(out_node->value);
    return result;
}

enum pyr_result pyr_json_string(const struct pyr_json_node *parent,
                                const char *key, size_t max_bytes,
                                const char **out_text, struct pyr_error *err)
{
    struct pyr_json_node node;
    const char *text;
    size_t nbytes;
    enum pyr_result result = member(parent, key, cJSON_String, &node, err);
    if (result != PYR_OK)
        return result;
    text = ((const cJSON *)node.value)->valuestring;
    nbytes = strlen(text);
    if (nbytes > max_bytes)
        return pyr_fail(err, PYR_LIMIT,
                        "%s has %zu bytes, expected at most "
                        "%zu",
                        node.path, nbytes, max_bytes);
    *out_text = text;
    return PYR_OK;
}

enum pyr_result pyr_json_double(const struct pyr_json_node *parent,
                                const char *key, double *out_value,
                                struct pyr_error *err)
{
    struct pyr_json_node node;
    enum pyr_result result = member(parent, key, cJSON_Number, &node, err);
    return result == PYR_OK ? number_of(&node, out_value, err) : result;
}

enum pyr_result pyr_json_int(const struct pyr_json_node *parent,
                             const char *key, int64_t min, int64_t max,
                             int64_t *out_value, struct pyr_error *err)
{
    struct pyr_json_node node;
    char text[PYR_DOUBLE_BYTES];
    double value = 0.0;
    enum pyr_result result = member(parent, key, cJSON_Number, &node, err);
    if (result == PYR_OK)
        result = number_of(&node, &value, err);
    if (result != PYR_OK)
        return result;
    if (!(value >= (double)min && value <= (double)max))
        return pyr_fail(err, PYR_CORRUPT,
                        "%s is %s, expected %" PRId64 " .. %" PRId64, node.path,
                        pyr_format_double(value, text), min, max);
    if (floor(value) < value)
        return pyr_fail(err, PYR_CORRUPT, "%s is %s, expected a whole number",
                        node.path, pyr_format_double(value, text));
    *out_value = (int64_t)value;
    return PYR_OK;
}

enum pyr_result pyr_json_item_object(const struct pyr_json_node *array,
                                     size_t index,
                                     struct pyr_json_node *out_node,
                                     struct pyr_error *err)
{
    return item(array, index, cJSON_Object, out_node, err);
}

enum pyr_result pyr_json_item_double(const struct pyr_json_node *array,
                                     size_t index, double *out_value,
                                     struct pyr_error *err)
{
    struct pyr_json_node node;
    enum pyr_result result = item(array, index, cJSON_Number, &node, err);
    return result == PYR_OK ? number_of(&node, out_value, err) : result;
}

bool pyr_json_has(const struct pyr_json_node *parent, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(parent->value, key);
    return value && kind_of(value) != cJSON_NULL;
}

/* Bytes of the well-formed, printable UTF-8 character at text, or 0. The C1
 * controls (C2 80 .. C2 9F) move cursors, too. */
static size_t printable_bytes(const unsigned char *text)
{
    const unsigned char lead = text[0];
    const size_t nbytes = lead < 0x80   ? 1
                          : lead < 0xE0 ? 2
                          : lead < 0xF0 ? 3
                                        : 4;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t at;
    if (nbytes == 1)
        return lead >= 0x20 && lead != 0x7F ? 1 : 0;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    if (lead == 0xC2 || lead == 0xE0)
        low = 0xA0; /* C1 controls; overlong forms */
    else if (lead == 0xF0)
        low = 0x90; /* overlong forms */
    else if (lead == 0xED)
        high = 0x9F; /* surrogates */
    else if (lead == 0xF4)
        high = 0x8F; /* beyond U+10FFFF */
    if (text[1] < low || text[1] > high)
        return 0;
    for (at = 2; at < nbytes; at++)
    {
        if ((text[at] & 0xC0) != 0x80)
            return 0;
    }
    return nbytes;
}

const char *pyr_json_excerpt(const char *text,
                             char excerpt[PYR_JSON_EXCERPT_BYTES])
{
    static const char cut[] = "...";
    const size_t room = PYR_JSON_EXCERPT_BYTES - sizeof cut;
    const unsigned char *from = (const unsigned char *)text;
    size_t filled = 0;
    while (*from != '\0')
    {
        const size_t nbytes = printable_bytes(from);
        const size_t step = nbytes != 0 ? nbytes : 1;
        if (filled + step > room)
        {
            memcpy(excerpt + filled, cut, sizeof cut);
            return excerpt;
        }
        if (nbytes != 0)
            memcpy(excerpt + filled, from, nbytes);
        else
            excerpt[filled] = '?';
        filled += step;
        from += step;
    }
    excerpt[filled] = '\0';
    return excerpt;
}
