/* SPDX-License-Identifier: MIT */
/* Every directory and tag of a GeoTIFF as JSON text. */
#include "cogx_json.h"

#include "cogx_names.h"
#include "pyr_alloc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of JSON text, from where on no values, and no directories, are added. */
#define FULL_BYTES (PYR_MAX_JSON_BYTES / 2)
#define OVERFULL_BYTES (PYR_MAX_JSON_BYTES / 4 * 3)
#define WORD_BYTES 16u

enum
{
    TYPE_ASCII = 2,
    TYPE_RATIONAL = 5,
    TYPE_SBYTE = 6,
    TYPE_UNDEFINED = 7,
    TYPE_SSHORT = 8,
    TYPE_SLONG = 9,
    TYPE_SRATIONAL = 10,
    TYPE_FLOAT = 11,
    TYPE_DOUBLE = 12,
    TYPE_SLONG8 = 17
};

/* Bytes of the UTF-8 character at text, 0 where there is none. */
static size_t character_bytes(const uint8_t *text, size_t nbytes)
{
    const size_t length = text[0] < 0x80    ? 1
                          : text[0] < 0xC2  ? 0
                          : text[0] < 0xE0  ? 2
                          : text[0] < 0xF0  ? 3
                          : text[0] <= 0xF4 ? 4
                                            : 0;
    if (length > nbytes)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    if (length > 2)
    {
        const unsigned pair = (unsigned)text[0] << 8 | text[1];
        if ((pair >= 0xE000 && pair < 0xE0A0) || /* longer than needed */
            (pair >= 0xEDA0 && pair < 0xEE00) || /* half of a pair */
            (pair >= 0xF000 && pair < 0xF090) || pair >= 0xF490)
            return 0;
    }
    return length;
}

/* Bytes that are no UTF-8 are taken as Latin-1. */
static enum pyr_result add_text(struct pyr_json_text *json, const char *key,
                                const uint8_t *text, size_t nbytes,
                                struct pyr_error *err)
{
    char *const copy = pyr_malloc(2 * nbytes + 1);
    size_t used = 0;
    if (copy == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    for (size_t i = 0; i < nbytes;)
    {
        const size_t length = character_bytes(text + i, nbytes - i);
        if (length == 0)
        {
            copy[used++] = (char)(0xC0 | text[i] >> 6);
            copy[used++] = (char)(0x80 | (text[i] & 0x3F));
            i++;
            continue;
        }
        memcpy(copy + used, text + i, length);
        used += length;
        i += length;
    }
    copy[used] = '\0';
    pyr_json_add_string(json, key, copy);
    pyr_free(copy);
    return PYR_OK;
}

/* Strings end with a NUL each; the last one may do without. */
static enum pyr_result add_strings(struct pyr_json_text *json,
                                   const uint8_t *text, size_t nbytes,
                                   struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    while (nbytes > 0 && text[nbytes - 1] == '\0')
        nbytes--;
    if (memchr(text, '\0', nbytes) == NULL)
        return add_text(json, "value", text, nbytes, err);
    pyr_json_begin_array(json, "value");
    while (nbytes > 0 && result == PYR_OK)
    {
        const uint8_t *const end = memchr(text, '\0', nbytes);
        const size_t length = end != NULL ? (size_t)(end - text) : nbytes;
        result = add_text(json, NULL, text, length, err);
        text += end != NULL ? length + 1 : length;
        nbytes -= end != NULL ? length + 1 : length;
    }
    pyr_json_end_array(json);
    return result;
}

static void add_double(struct pyr_json_text *json, const char *key,
                       double value)
{
    if (isfinite(value))
        pyr_json_add_double(json, key, value);
    else
        pyr_json_add_string(json, key,
                            isnan(value) ? "nan"
                            : value > 0  ? "inf"
                                         : "-inf");
}

static int64_t get_signed(const uint8_t *value, size_t nbytes)
{
    int8_t small = 0;
    int16_t medium = 0;
    int32_t large = 0;
    int64_t huge = 0;
    switch (nbytes)
    {
        case 1:
            memcpy(&small, value, sizeof(small));
            return small;
        case 2:
            memcpy(&medium, value, sizeof(medium));
            return medium;
        case 4:
            memcpy(&large, value, sizeof(large));
            return large;
        default: /* 8 bytes */
            memcpy(&huge, value, sizeof(huge));
            return huge;
    }
}

static uint64_t get_unsigned(const uint8_t *value, size_t nbytes)
{
    const uint64_t number = (uint64_t)get_signed(value, nbytes);
    return nbytes < 8 ? number & ((UINT64_C(1) << (8 * nbytes)) - 1) : number;
}

/* One value in native byte order. */
static void add_number(struct pyr_json_text *json, const char *key,
                       uint16_t type, const uint8_t *value)
{
    float small = 0;
    double large = 0;
    switch (type)
    {
        case TYPE_RATIONAL:
            add_double(json, key,
                       (double)get_unsigned(value, 4) /
                           (double)get_unsigned(value + 4, 4));
            break;
        case TYPE_SRATIONAL:
            add_double(json, key,
                       (double)get_signed(value, 4) /
                           (double)get_signed(value + 4, 4));
            break;
        case TYPE_FLOAT:
            memcpy(&small, value, sizeof(small));
            add_double(json, key, (double)small);
            break;
        case TYPE_DOUBLE:
            memcpy(&large, value, sizeof(large));
            add_double(json, key, large);
            break;
        case TYPE_SBYTE:
        case TYPE_SSHORT:
        case TYPE_SLONG:
        case TYPE_SLONG8:
            pyr_json_add_int(json, key,
                             get_signed(value, pyr_tiff_type_bytes(type)));
            break;
        default: /* unsigned ones, and bytes of no type */
            pyr_json_add_uint(json, key,
                              get_unsigned(value, pyr_tiff_type_bytes(type)));
            break;
    }
}

static enum pyr_result add_value(struct pyr_json_text *json,
                                 const struct cogx_tiff *file,
                                 const struct pyr_tiff_tag *tag,
                                 struct pyr_error *err)
{
    const uint64_t max = tag->type == TYPE_ASCII ? COGX_JSON_MAX_TEXT_BYTES
                                                 : COGX_JSON_MAX_VALUES;
    const bool full = json->nbytes > FULL_BYTES;
    struct pyr_tiff_tag cut = *tag;
    struct pyr_error local = {""};
    void *values = NULL;
    size_t nbytes = 0;
    if (cut.count > max)
        cut.count = max;
    if (full || cut.count != tag->count)
        pyr_json_add_bool(json, "truncated", true);
    if (full)
        return PYR_OK;
    enum pyr_result result = pyr_tiff_load(&file->reader, file->tiff, &cut,
                                           &values, &nbytes, &local);
    if (result == PYR_CORRUPT)
    {
        pyr_json_add_string(json, "error", local.text);
        return PYR_OK;
    }
    if (result != PYR_OK)
        return pyr_fail(err, result, "%s", local.text);
    if (tag->type == TYPE_ASCII)
        result = add_strings(json, values, nbytes, err);
    else if (tag->count == 1)
        add_number(json, "value", tag->type, values);
    else
    {
        const size_t width = pyr_tiff_type_bytes(tag->type);
        pyr_json_begin_array(json, "value");
        for (size_t at = 0; at < nbytes; at += width)
            add_number(json, NULL, tag->type, (const uint8_t *)values + at);
        pyr_json_end_array(json);
    }
    pyr_free(values);
    return result;
}

static enum pyr_result add_tag(struct pyr_json_text *json,
                               const struct cogx_tiff *file,
                               const struct pyr_tiff_tag *tag,
                               struct pyr_error *err)
{
    const char *const name = cogx_tag_name(tag->code);
    const char *const type = cogx_type_name(tag->type);
    char number[WORD_BYTES];
    pyr_json_begin_object(json, NULL);
    pyr_json_add_uint(json, "code", tag->code);
    (void)snprintf(number, sizeof(number), "%u", tag->code);
    pyr_json_add_string(json, "name", name != NULL ? name : number);
    (void)snprintf(number, sizeof(number), "%u", tag->type);
    pyr_json_add_string(json, "type", type != NULL ? type : number);
    pyr_json_add_uint(json, "count", tag->count);
    const enum pyr_result result = add_value(json, file, tag, err);
    pyr_json_end_object(json);
    return result;
}

static enum pyr_result add_dir(struct pyr_json_text *json,
                               const struct cogx_tiff *file, size_t index,
                               struct pyr_error *err)
{
    const struct pyr_tiff_dir *const dir = &file->tiff->dirs[index];
    enum pyr_result result = PYR_OK;
    uint32_t level = 0;
    bool is_mask = false;
    pyr_json_begin_object(json, NULL);
    pyr_json_add_uint(json, "offset", dir->offset_bytes);
    if (cogx_tiff_raster(file, index, &level, &is_mask) != NULL)
    {
        pyr_json_add_uint(json, "level", level);
        pyr_json_add_bool(json, "mask", is_mask);
    }
    pyr_json_begin_array(json, "tags");
    for (size_t i = 0;
         i < dir->ntags && result == PYR_OK && json->nbytes <= OVERFULL_BYTES;
         i++)
        result = add_tag(json, file, &dir->tags[i], err);
    pyr_json_end_array(json);
    pyr_json_end_object(json);
    return result;
}

enum pyr_result cogx_json_add_ifds(struct pyr_json_text *json, const char *key,
                                   const struct cogx_tiff *file,
                                   struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    size_t i = 0;
    pyr_json_begin_object(json, key);
    pyr_json_add_string(json, "byte_order",
                        file->tiff->big_endian ? "big" : "little");
    pyr_json_add_bool(json, "big_tiff", file->tiff->big);
    pyr_json_begin_array(json, "directories");
    for (; i < file->tiff->ndirs && result == PYR_OK &&
           json->nbytes <= OVERFULL_BYTES;
         i++)
        result = add_dir(json, file, i, err);
    pyr_json_end_array(json);
    if (json->nbytes > OVERFULL_BYTES)
        pyr_json_add_bool(json, "truncated", true);
    pyr_json_end_object(json);
    return result;
}

enum pyr_result cogx_json_ifds(const struct cogx_tiff *file, char **out_text,
                               struct pyr_error *err)
{
    struct pyr_json_text json = {0};
    char *text = NULL;
    const enum pyr_result added = cogx_json_add_ifds(&json, NULL, file, err);
    const enum pyr_result finished =
        pyr_json_finish(&json, &text, added == PYR_OK ? err : NULL);
    if (added != PYR_OK || finished != PYR_OK)
    {
        pyr_free(text);
        return added != PYR_OK ? added : finished;
    }
    *out_text = text;
    return PYR_OK;
}
