/* SPDX-License-Identifier: MIT */
/* Looks up a tile matrix set among those carried inside the plugin. */
#include "rok4_tms_data.h"

#include <stdlib.h>
#include <string.h>

static int compare_name(const void *name, const void *entry)
{
    return strcmp(name, ((const struct rok4_tms_entry *)entry)->name);
}

const char *rok4_tms_builtin(const char *name, size_t *out_nbytes)
{
    const struct rok4_tms_entry *found = bsearch(
        name, rok4_tms_table, rok4_tms_count, sizeof(*found), compare_name);
    if (!found)
        return NULL;
    *out_nbytes = found->nbytes;
    return found->text;
}
