/* SPDX-License-Identifier: MIT */
/* The list of a pyramid's slabs, read line by line. */
#ifndef ROK4_LIST_H
#define ROK4_LIST_H

#include "pyr_tree.h"
#include "rok4_pyramid.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* A slab that a list names (spec section 7), in files or on an object storage.
 * Strings are borrowed for the call. */
struct rok4_listed
{
    bool own;         /* of root 0, the pyramid itself; else behind a link */
    const char *name; /* behind the root: "DATA_5_1_2", "DATA/5/00/00/12.tif" */
    /* The name taken apart, where it is that of a slab. */
    bool is_slab;
    enum rok4_plane plane;
    const char *level;
    uint32_t col;
    uint32_t row;
};

/* What reading a list calls; root may be NULL. A visit that fails ends it. */
struct rok4_list_visitor
{
    void *context;
    /* A line of the roots, and "#", which ends them. */
    enum pyr_result (*root)(void *context, const char *line,
                            struct pyr_error *err);
    /* A line behind them. */
    enum pyr_result (*slab)(void *context, const char *line,
                            const struct rok4_listed *slab,
                            struct pyr_error *err);
};

/* Reads a list from its first to its last line, in one pass. PYR_NOT_FOUND
 * where there is none, or a file that does not begin like one, and nothing was
 * visited; PYR_CORRUPT where its roots do not end or a line is too long; else
 * as of pyr_tree::scan, and what a visit gives. err names the path, but for
 * visits. Memory does not grow with the list. */
enum pyr_result rok4_list_read(const struct pyr_tree *tree, const char *path,
                               const struct rok4_list_visitor *visitor,
                               struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
