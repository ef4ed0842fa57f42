/* SPDX-License-Identifier: MIT */
/* What the beginning of a descriptor looks like: for files of any driver. */
#include "rok4_descriptor.h"

#include <string.h>

/* Bit of the descriptor's member name that text[nbytes] starts with, or 0. */
static unsigned member_bit(const char *text, size_t nbytes)
{
    /* Production tools write members in random order (spec section 2), so that
     * any of them may stand in the first bytes. */
    static const char *const names[] = {
        "\"tile_matrix_set\"",       "\"tile_limits\"",
        "\"tiles_per_width\"",       "\"tiles_per_height\"",
        "\"raster_specifications\"", "\"image_directory\""};
    size_t at;
    for (at = 0; at < sizeof names / sizeof names[0]; at++)
    {
        const size_t name_bytes = strlen(names[at]);
        if (nbytes >= name_bytes && memcmp(text, names[at], name_bytes) == 0)
            return 1u << at;
    }
    return 0;
}

bool rok4_descriptor_identify(const char *text, size_t nbytes)
{
    unsigned seen = 0;
    size_t at = 0;
    if (nbytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        at = 3;
    while (at < nbytes && (text[at] == ' ' || text[at] == '\t' ||
                           text[at] == '\r' || text[at] == '\n'))
        at++;
    if (at >= nbytes || text[at] != '{')
        return false;
    for (; at < nbytes; at++)
    {
        if (text[at] != '"')
            continue;
        seen |= member_bit(text + at, nbytes - at);
        if ((seen & (seen - 1)) != 0) /* more than one bit */
            return true;
    }
    return false;
}
