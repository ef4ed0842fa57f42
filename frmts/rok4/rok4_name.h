/* SPDX-License-Identifier: MIT */
/* Slab file names: column and row in interleaved base 36 (spec section 4). */
#ifndef ROK4_NAME_H
#define ROK4_NAME_H

#include "rok4_descriptor.h"

/* Longest name and its NUL: ROK4_MAX_PATH_DEPTH + 1 pairs of digits, a '/'
 * before each but the first, ".tif". */
#define ROK4_NAME_BYTES (3 * (ROK4_MAX_PATH_DEPTH + 1) + 4 + 1)

/* Writes the path of a slab below its level's directory, "00/00/XM.tif".
 * path_depth: 0 .. ROK4_MAX_PATH_DEPTH. Pure. */
void rok4_name_slab(uint32_t slab_col, uint32_t slab_row, uint32_t path_depth,
                    char out_name[ROK4_NAME_BYTES]);

/* The reverse, of such a path below a level's directory. False for what is no
 * slab's (rok4_files_is_slab_name) or names no 32-bit column or row. Pure. */
bool rok4_name_parse(const char *name, uint32_t *out_col, uint32_t *out_row);

#endif
