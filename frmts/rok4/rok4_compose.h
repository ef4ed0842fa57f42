/* SPDX-License-Identifier: MIT */
/* The pyramid descriptor: from its parts to JSON text. */
#ifndef ROK4_COMPOSE_H
#define ROK4_COMPOSE_H

#include "rok4_descriptor.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* What we used, in a member that other readers ignore, so that updates repeat
 * it. GDAL's names: "NEAREST", "AVERAGE"...; NULL or "" where not known. */
struct rok4_recipe
{
    const char *warp_resampling;
    const char *overview_resampling;
};

/* Text of the descriptor, as the strictest reader wants it (spec sections 2 and
 * 2.3): levels from the coarsest to the finest, photometric in lower case,
 * nodata as a string, mask_format where levels have masks, an interpolation
 * that the production tools know ("bicubic" for any other). limits of the
 * levels are written, not written_limits; the descriptor is bound. A level id
 * with '_', which Perl and Python refuse, is written all the same.
 *
 * With base_text (a descriptor that parses), its members and those of its
 * levels that we do not know are kept, and its recipe where ours is not known;
 * NULL: none. *out_text is NUL-terminated and freed with pyr_free. PYR_NOMEM;
 * PYR_LIMIT beyond PYR_MAX_JSON_BYTES; PYR_USAGE for what some reader refuses
 * and the caller can change: masks at some levels only, path depths or storages
 * that differ. Pure. */
enum pyr_result rok4_compose(const struct rok4_descriptor *descriptor,
                             const struct rok4_recipe *recipe,
                             const char *base_text, char **out_text,
                             struct pyr_error *err) PYR_MUST_CHECK;

/* The recipe in a descriptor's text: copies into the buffers "" where the
 * member is not there. Pure. */
#define ROK4_RECIPE_BYTES 32
void rok4_recipe_read(const char *text, size_t nbytes,
                      char out_warp[ROK4_RECIPE_BYTES],
                      char out_overview[ROK4_RECIPE_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
