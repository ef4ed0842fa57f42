/* SPDX-License-Identifier: MIT */
/* Slab file names: column and row in interleaved base 36 (spec section 4). */
#include "rok4_name.h"

#include "rok4_files.h"

/* UINT32_MAX has 7 digits in base 36. */
#define MAX_DIGITS 7u

static uint32_t count_digits(uint32_t value)
{
    uint32_t count = 1;
    while (value >= 36)
    {
        value /= 36;
        count++;
    }
    return count;
}

/* The digit that stands `place` places left of the last one. */
static char digit_at(uint32_t value, uint32_t place)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (place >= MAX_DIGITS)
        return '0';
    for (uint32_t i = 0; i < place; i++)
        value /= 36;
    return digits[value % 36];
}

void rok4_name_slab(uint32_t slab_col, uint32_t slab_row, uint32_t path_depth,
                    char out_name[ROK4_NAME_BYTES])
{
    uint32_t npairs = path_depth + 1;
    if (count_digits(slab_col) > npairs)
        npairs = count_digits(slab_col);
    if (count_digits(slab_row) > npairs)
        npairs = count_digits(slab_row);

    char *next = out_name;
    for (uint32_t place = npairs; place-- > 0;)
    {
        /* Surplus digits stay together in the first component. */
        if (place < path_depth)
            *next++ = '/';
        *next++ = digit_at(slab_col, place);
        *next++ = digit_at(slab_row, place);
    }
    *next++ = '.';
    *next++ = 't';
    *next++ = 'i';
    *next++ = 'f';
    *next = '\0';
}

static uint32_t digit_value(char digit)
{
    return digit <= '9' ? (uint32_t)(digit - '0')
                        : (uint32_t)(digit - 'A') + 10;
}

bool rok4_name_parse(const char *name, uint32_t *out_col, uint32_t *out_row)
{
    uint64_t values[2] = {0, 0};
    size_t ndigits = 0;
    if (!rok4_files_is_slab_name(name))
        return false;
    for (const char *at = name; *at != '.'; at++)
    {
        uint64_t *const value = &values[ndigits % 2];
        if (*at == '/')
            continue;
        *value = *value * 36 + digit_value(*at);
        if (*value > UINT32_MAX)
            return false;
        ndigits++;
    }
    *out_col = (uint32_t)values[0];
    *out_row = (uint32_t)values[1];
    return true;
}
