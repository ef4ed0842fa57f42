/* SPDX-License-Identifier: MIT */
/* Memory allocation that tests can make fail. */
#ifndef PYR_ALLOC_H
#define PYR_ALLOC_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Like malloc, calloc, realloc and free, but a size of 0 is taken as 1, and
 * products are checked. NULL when out of memory. Safe from many threads. */
void *pyr_malloc(size_t nbytes);
void *pyr_calloc(size_t count, size_t nbytes);
void *pyr_realloc(void *block, size_t nbytes);
void pyr_free(void *block);

/* Copy of nbytes characters plus a final NUL; the caller frees it with
 * pyr_free. NULL when out of memory. */
char *pyr_strndup(const char *text, size_t nbytes);
char *pyr_strdup(const char *text);

#ifdef PYR_ALLOC_FAILURES
/* Tests only: makes the nth allocation from now on fail (1 = the next one),
 * once; 0 switches that off. Not thread-safe. */
void pyr_alloc_fail_nth(unsigned long nth);
#endif

#ifdef __cplusplus
}
#endif

#endif
