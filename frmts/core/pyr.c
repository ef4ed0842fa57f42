/* SPDX-License-Identifier: MIT */
/* Names of results, error text, numbers as text. */
#include "pyr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *pyr_result_name(enum pyr_result result)
{
    switch (result)
    {
        case PYR_OK:
            return "ok";
        case PYR_NOT_FOUND:
            return "not found";
        case PYR_CORRUPT:
            return "corrupt";
        case PYR_UNSUPPORTED:
            return "unsupported";
        case PYR_LIMIT:
            return "beyond a limit";
        case PYR_IO:
            return "input/output error";
        case PYR_NOMEM:
            return "out of memory";
        case PYR_USAGE:
            return "wrong use";
        case PYR_CANCELLED:
            return "cancelled";
    }
    return "unknown";
}

/* Paths in a message may be UTF-8: a text that fills its buffer, and so may
 * have been cut inside a character, loses the bytes of that character. */
static void drop_cut_character(char text[PYR_ERROR_BYTES])
{
    size_t end = strlen(text);
    size_t first = end;
    size_t expected = 1;

    if (end < PYR_ERROR_BYTES - 1)
        return;
    while (first > end - 4 && ((unsigned char)text[first - 1] & 0xC0) == 0x80)
        first--;
    const unsigned char lead = (unsigned char)text[first - 1];
    if (lead >= 0xF0)
        expected = 4;
    else if (lead >= 0xE0)
        expected = 3;
    else if (lead >= 0xC0)
        expected = 2;
    if (end - first + 1 < expected)
        text[first - 1] = '\0';
}

enum pyr_result pyr_fail(struct pyr_error *err, enum pyr_result result,
                         const char *format, ...)
{
    if (err)
    {
        va_list args;
        va_start(args, format);
        if (vsnprintf(err->text, sizeof(err->text), format, args) < 0)
            err->text[0] = '\0';
        va_end(args);
        drop_cut_character(err->text);
    }
    return result;
}

void pyr_error_prefix(struct pyr_error *err, const char *format, ...)
{
    if (!err)
        return;

    const struct pyr_error old = *err;
    va_list args;
    va_start(args, format);
    if (vsnprintf(err->text, sizeof(err->text), format, args) < 0)
        err->text[0] = '\0';
    va_end(args);

    const size_t used = strlen(err->text);
    const int added =
        snprintf(err->text + used, sizeof(err->text) - used, ": %s", old.text);
    if (added < 0)
        err->text[used] = '\0';
    drop_cut_character(err->text);
}

const char *pyr_format_double(double value, char text[PYR_DOUBLE_BYTES])
{
    char local[PYR_DOUBLE_BYTES];
    char *out = text;
    bool seen_point = false;

    /* The shortest text that reads back as the same number. Both calls follow
     * the locale of the process, hence agree. */
    for (int digits = 15; digits <= 17; digits++)
    {
        snprintf(local, sizeof(local), "%.*g", digits, value);
        const double back = strtod(local, NULL);
        if (memcmp(&back, &value, sizeof(value)) == 0)
            break;
    }

    /* What is neither digit, sign nor letter is the locale's decimal point,
     * which may take several bytes. */
    for (const char *in = local; *in; in++)
    {
        const bool plain = (*in >= '0' && *in <= '9') ||
                           (*in >= 'a' && *in <= 'z') || *in == '+' ||
                           *in == '-';
        if (plain)
            *out++ = *in;
        else if (!seen_point)
            *out++ = '.';
        seen_point = seen_point || !plain;
    }
    *out = '\0';
    return text;
}
