/* SPDX-License-Identifier: MIT */
/* What coginfo tells about a file, for people to read. */
#ifndef COGINFO_PRINT_H
#define COGINFO_PRINT_H

#include "cogx_validate.h"

/* Prints to the standard output. Errors of the reader. */
enum pyr_result coginfo_print(const char *path, const struct cogx_tiff *file,
                              const struct cogx_verdict *verdict,
                              struct pyr_error *err) PYR_MUST_CHECK;

/* The verdict alone, with its reasons. */
void coginfo_print_verdict(const char *path,
                           const struct cogx_verdict *verdict);

#endif
