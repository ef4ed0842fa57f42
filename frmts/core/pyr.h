/* SPDX-License-Identifier: MIT */
/* Results, error text and limits shared by every module of the core. */
#ifndef PYR_H
#define PYR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C"
{
#endif

/* What the caller of a fallible function can do about it. */
enum pyr_result
{
    PYR_OK = 0,
    PYR_NOT_FOUND,   /* the thing asked for does not exist */
    PYR_CORRUPT,     /* it exists, but its content breaks the format */
    PYR_UNSUPPORTED, /* well formed, but not something this build handles */
    PYR_LIMIT,       /* larger than a named limit below */
    PYR_IO,          /* the storage failed or answered short */
    PYR_NOMEM,       /* out of memory */
    PYR_USAGE,       /* the caller broke the contract, or asked nonsense */
    PYR_CANCELLED    /* the user interrupted */
};

/* Limits on what untrusted files may make us allocate or loop over. */
#define PYR_MAX_JSON_BYTES (4u << 20)  /* a descriptor or TMS file */
#define PYR_MAX_LEVELS 128u            /* levels of a grid */
#define PYR_MAX_NAME_BYTES 256u        /* level id, TMS name */
#define PYR_MAX_CRS_BYTES 65536u       /* CRS text of a TMS */
#define PYR_MAX_PATH_BYTES 4096u       /* directory named in a descriptor */
#define PYR_MAX_BANDS 4u               /* samples per pixel */
#define PYR_MAX_TILE_SIDE_PX 16384u    /* width or height of a tile */
#define PYR_MAX_TILE_BYTES (64u << 20) /* one decoded tile */
#define PYR_MAX_SLAB_TILES (1u << 20)  /* tiles in one slab */

#if defined(__GNUC__) || defined(__clang__)
#define PYR_MUST_CHECK __attribute__((warn_unused_result))
#define PYR_PRINTF(format_arg, first_arg)                                      \
    __attribute__((format(printf, format_arg, first_arg)))
#else
#define PYR_MUST_CHECK
#define PYR_PRINTF(format_arg, first_arg)
#endif

#define PYR_ERROR_BYTES 512

/* One sentence that says what, where, found and expected. Initialise with
 * {""}. Filled only by a call that fails. */
struct pyr_error
{
    char text[PYR_ERROR_BYTES];
};

/* Short name of a result, for messages ("corrupt"). Never NULL. */
const char *pyr_result_name(enum pyr_result result);

/* Writes the formatted text to err (which may be NULL) and returns result, so
 * that a caller can write `return pyr_fail(err, PYR_CORRUPT, "...", ...)`.
 * Text beyond PYR_ERROR_BYTES - 1 is cut. Use only formats that do not depend
 * on the locale: no %f, %g, %e (see pyr_format_double). */
enum pyr_result pyr_fail(struct pyr_error *err, enum pyr_result result,
                         const char *format, ...) PYR_PRINTF(3, 4);

/* Puts "prefix: " in front of the text already in err (which may be NULL). */
void pyr_error_prefix(struct pyr_error *err, const char *format, ...)
    PYR_PRINTF(2, 3);

#define PYR_DOUBLE_BYTES 40

/* Prints value with up to 17 significant digits, '.' as decimal point whatever
 * the locale, into text, and returns text. */
const char *pyr_format_double(double value, char text[PYR_DOUBLE_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
