/* SPDX-License-Identifier: MIT */
/* What the beginning of a descriptor looks like: for files of any driver. */
#include "rok4_descriptor.h"

#include <string.h>

struct member
{
    const char *name;  /* quoted */
    size_t nbytes;     /* of name */
    size_t underscore; /* position of the first one in name */
};

/* Production tools write members in random order, and GDAL shows the first 1024
 * bytes: any of these may stand there, and one alone may stand in any JSON. */
static const struct member MEMBERS[] = {
    {"\"tile_matrix_set\"", 17, 5}, {"\"tile_limits\"", 13, 5},
    {"\"tiles_per_width\"", 17, 6}, {"\"tiles_per_height\"", 18, 6},
    {"\"image_directory\"", 17, 6}, {"\"raster_specifications\"", 23, 7},
    {"\"image_prefix\"", 14, 6},
};

/* Bit of the member whose name has its first underscore at text[at], or 0.
 * text[at + 1] exists. */
static unsigned member_bit(const char *text, size_t nbytes, size_t at)
{
    size_t row;
    for (row = 0; row < sizeof MEMBERS / sizeof MEMBERS[0]; row++)
    {
        const struct member *member = &MEMBERS[row];
        if (text[at + 1] == member->name[member->underscore + 1] &&
            at >= member->underscore &&
            nbytes - (at - member->underscore) >= member->nbytes &&
            memcmp(text + at - member->underscore, member->name,
                   member->nbytes) == 0)
            return 1u << row;
    }
    return 0;
}

static bool may_follow_underscore(char letter)
{
    return letter == 'm' || letter == 'l' || letter == 'p' || letter == 'd' ||
           letter == 's';
}

/* Looks for underscores, which other drivers' files hold few of: Identify is
 * called for every file that GDAL opens. */
bool rok4_descriptor_identify(const char *text, size_t nbytes)
{
    const char *const end = text + nbytes;
    const char *found = text;
    unsigned seen = 0;
    if (nbytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        found += 3;
    while (found < end && (*found == ' ' || *found == '\t' || *found == '\r' ||
                           *found == '\n'))
        found++;
    if (found == end || *found != '{')
        return false;
    while ((found = memchr(found, '_', (size_t)(end - found))) != NULL)
    {
        if (found + 1 < end && may_follow_underscore(found[1]))
            seen |= member_bit(text, nbytes, (size_t)(found - text));
        if ((seen & (seen - 1)) != 0) /* more than one bit */
            return true;
        /* Of a row of underscores only the first can be in a name. */
        while (found < end && *found == '_')
            found++;
    }
    return false;
}
