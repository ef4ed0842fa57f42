/* SPDX-License-Identifier: MIT */
/* JSON text in the making, and members copied with cJSON. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* uselocale */
#endif

#include "pyr_json_write.h"

#include "pyr_alloc.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIRST_ROOM 4096u

/* Makes room for nbytes bytes and a NUL. */
static bool make_room(struct pyr_json_text *json, size_t nbytes)
{
    if (json->result != PYR_OK)
        return false;
    if (nbytes > PYR_MAX_JSON_BYTES - json->nbytes)
    {
        json->result = PYR_LIMIT;
        return false;
    }
    const size_t needed = json->nbytes + nbytes + 1;
    if (needed <= json->room)
        return true;
    size_t room = json->room != 0 ? json->room : FIRST_ROOM;
    while (room < needed)
        room *= 2;
    char *const bytes = pyr_realloc(json->bytes, room);
    if (bytes == NULL)
    {
        json->result = PYR_NOMEM;
        return false;
    }
    json->bytes = bytes;
    json->room = room;
    return true;
}

static void add(struct pyr_json_text *json, const char *text)
{
    const size_t nbytes = strlen(text);
    if (!make_room(json, nbytes))
        return;
    memcpy(json->bytes + json->nbytes, text, nbytes + 1);
    json->nbytes += nbytes;
}

static void add_quoted(struct pyr_json_text *json, const char *text)
{
    add(json, "\"");
    while (*text != '\0')
    {
        const unsigned char byte = (unsigned char)*text++;
        char escaped[8] = {(char)byte, '\0'};
        if (byte < 0x20 || byte == 0x7F)
            (void)snprintf(escaped, sizeof(escaped), "\\u%04x", byte);
        else if (byte == '"' || byte == '\\')
        {
            escaped[0] = '\\';
            escaped[1] = (char)byte;
            escaped[2] = '\0';
        }
        add(json, escaped);
    }
    add(json, "\"");
}

/* What stands before a value: a comma, unless it is the first; its key. */
static void begin_value(struct pyr_json_text *json, const char *key)
{
    const char last = json->nbytes > 0 ? json->bytes[json->nbytes - 1] : '{';
    if (last != '{' && last != '[')
        add(json, ",");
    if (key == NULL)
        return;
    add_quoted(json, key);
    add(json, ":");
}

void pyr_json_begin_object(struct pyr_json_text *json, const char *key)
{
    begin_value(json, key);
    add(json, "{");
}

void pyr_json_end_object(struct pyr_json_text *json)
{
    add(json, "}");
}

void pyr_json_begin_array(struct pyr_json_text *json, const char *key)
{
    begin_value(json, key);
    add(json, "[");
}

void pyr_json_end_array(struct pyr_json_text *json)
{
    add(json, "]");
}

void pyr_json_add_string(struct pyr_json_text *json, const char *key,
                         const char *value)
{
    begin_value(json, key);
    add_quoted(json, value);
}

void pyr_json_add_int(struct pyr_json_text *json, const char *key,
                      int64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    begin_value(json, key);
    add(json, text);
}

void pyr_json_add_uint(struct pyr_json_text *json, const char *key,
                       uint64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    begin_value(json, key);
    add(json, text);
}

void pyr_json_add_bool(struct pyr_json_text *json, const char *key, bool value)
{
    begin_value(json, key);
    add(json, value ? "true" : "false");
}

void pyr_json_add_double(struct pyr_json_text *json, const char *key,
                         double value)
{
    char text[PYR_DOUBLE_BYTES];
    begin_value(json, key);
    add(json, isfinite(value) ? pyr_format_double(value, text) : "null");
}

void pyr_json_add_null(struct pyr_json_text *json, const char *key)
{
    begin_value(json, key);
    add(json, "null");
}

void pyr_json_add_text(struct pyr_json_text *json, const char *key,
                       const char *text)
{
    begin_value(json, key);
    add(json, text);
}

static bool is_known(const char *key, const char *const *known)
{
    for (; *known != NULL; known++)
        if (strcmp(key, *known) == 0)
            return true;
    return false;
}

/* cJSON prints numbers as the locale says, but for one byte of it. */
void pyr_json_add_others(struct pyr_json_text *json,
                         const struct pyr_json_node *object,
                         const char *const *known)
{
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0)
    {
        json->result = json->result != PYR_OK ? json->result : PYR_NOMEM;
        return;
    }
    const locale_t before = uselocale(c_locale);
    const cJSON *member = ((const cJSON *)object->value)->child;
    for (; member != NULL && json->result == PYR_OK; member = member->next)
    {
        if (is_known(member->string, known))
            continue;
        char *const value = cJSON_PrintUnformatted(member);
        if (value == NULL)
        {
            json->result = PYR_NOMEM;
            break;
        }
        begin_value(json, member->string);
        add(json, value);
        cJSON_free(value);
    }
    (void)uselocale(before);
    freelocale(c_locale);
}

enum pyr_result pyr_json_finish(struct pyr_json_text *json, char **out_text,
                                struct pyr_error *err)
{
    static const struct pyr_json_text empty = {0};
    const struct pyr_json_text done = *json;
    *json = empty;
    switch (done.result)
    {
        case PYR_OK:
            *out_text = done.bytes;
            return PYR_OK;
        case PYR_LIMIT:
            (void)pyr_fail(err, PYR_LIMIT, "JSON text takes more than %u bytes",
                           PYR_MAX_JSON_BYTES);
            break;
        case PYR_NOT_FOUND:
        case PYR_CORRUPT:
        case PYR_UNSUPPORTED:
        case PYR_IO:
        case PYR_NOMEM:
        case PYR_USAGE:
        case PYR_CANCELLED:
            (void)pyr_fail(err, done.result, "out of memory");
            break;
    }
    pyr_free(done.bytes);
    return done.result;
}
