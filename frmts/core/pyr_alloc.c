/* SPDX-License-Identifier: MIT */
/* Memory allocation that tests can make fail. */
#include "pyr_alloc.h"
#include "pyr_arith.h"

#include <stdlib.h>
#include <string.h>

#ifdef PYR_ALLOC_FAILURES
static unsigned long calls_to_failure;

void pyr_alloc_fail_nth(unsigned long nth)
{
    calls_to_failure = nth;
}

static bool must_fail(void)
{
    return calls_to_failure > 0 && --calls_to_failure == 0;
}
#else
static inline bool must_fail(void)
{
    return false;
}
#endif

void *pyr_malloc(size_t nbytes)
{
    return must_fail() ? NULL : malloc(nbytes ? nbytes : 1);
}

void *pyr_calloc(size_t count, size_t nbytes)
{
    size_t total;
    if (must_fail() || !pyr_mul_size(count, nbytes, &total))
        return NULL;
    return calloc(total ? total : 1, 1);
}

void *pyr_realloc(void *block, size_t nbytes)
{
    return must_fail() ? NULL : realloc(block, nbytes ? nbytes : 1);
}

void pyr_free(void *block)
{
    free(block);
}

char *pyr_strndup(const char *text, size_t nbytes)
{
    char *copy = nbytes < SIZE_MAX ? pyr_malloc(nbytes + 1) : NULL;
    if (copy)
    {
        memcpy(copy, text, nbytes);
        copy[nbytes] = '\0';
    }
    return copy;
}

char *pyr_strdup(const char *text)
{
    return pyr_strndup(text, strlen(text));
}
