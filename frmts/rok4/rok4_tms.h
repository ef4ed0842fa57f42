/* SPDX-License-Identifier: MIT */
/* Finds the text of a tile matrix set. */
#ifndef ROK4_TMS_H
#define ROK4_TMS_H

#include "pyr_io.h"
#include "rok4_pyramid.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Looks for the TMS called name (safe, without ".json") in the places and the
 * order that rok4_pyramid_open names. *out_text is NUL-terminated and freed
 * with pyr_free, *out_path too ("" for a built-in one). PYR_NOT_FOUND lists
 * where it was looked for; a file that exists but cannot be read ends the
 * search. */
enum pyr_result rok4_tms_find(const struct pyr_io *io, const char *name,
                              const char *descriptor_path,
                              const struct rok4_open_options *options,
                              char **out_text, size_t *out_nbytes,
                              char **out_path,
                              struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
