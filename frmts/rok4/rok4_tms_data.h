/* SPDX-License-Identifier: MIT */
/* The tile matrix sets of data/tms, carried inside the plugin. */
#ifndef ROK4_TMS_DATA_H
#define ROK4_TMS_DATA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C"
{
#endif

/* JSON text of the tile matrix set called name (no ".json", case counts), of
 * *out_nbytes bytes and NUL-terminated; valid as long as the plugin is loaded.
 * NULL, with *out_nbytes left alone, when there is none. Pure. */
const char *rok4_tms_builtin(const char *name, size_t *out_nbytes);

struct rok4_tms_entry
{
    const char *name;
    const char *text; /* JSON, NUL-terminated */
    size_t nbytes;    /* of text, without the NUL */
};

/* entries[rok4_tms_count], sorted by strcmp on names, then an entry of NULLs.
 * Written at build time by cmake/EmbedTms.cmake. */
extern const struct rok4_tms_entry rok4_tms_table[];
extern const size_t rok4_tms_count;

#ifdef __cplusplus
}
#endif

#endif
