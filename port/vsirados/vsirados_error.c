/* SPDX-License-Identifier: MIT */
/* What the answers of a cluster mean, in words. */
#include "vsirados_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* As librados calls it: the cluster has shut this client out. */
#define SHUT_OUT ESHUTDOWN

#define REASON_BYTES 128

static void describe(int code, unsigned timeout_s, char reason[REASON_BYTES])
{
    const char *known = NULL;

    if (code == ETIMEDOUT)
    {
        (void)snprintf(reason, REASON_BYTES, "no answer within %u s",
                       timeout_s);
        return;
    }
    if (code == ENOENT)
        known = "does not exist";
    if (code == EACCES || code == EPERM)
        known = "access denied";
    if (code == ERANGE || code == EOVERFLOW || code == ESTALE)
        known = "it was replaced or removed meanwhile";
    if (code == EMSGSIZE || code == EFBIG)
        known = "larger than the cluster takes";
    if (code == SHUT_OUT)
        known = "the cluster has shut this client out";
    (void)snprintf(reason, REASON_BYTES, "%s",
                   known != NULL ? known : strerror(code));
}

static enum pyr_result result_of(int code)
{
    if (code == ENOENT)
        return PYR_NOT_FOUND;
    if (code == ENOMEM)
        return PYR_NOMEM;
    return code == EMSGSIZE || code == EFBIG ? PYR_LIMIT : PYR_IO;
}

enum pyr_result vsirados_fail(struct vsirados_error *err, int returned,
                              unsigned timeout_s, const char *doing)
{
    char reason[REASON_BYTES];
    int code = returned < 0 ? -returned : EIO;

    if (code == ERANGE || code == EOVERFLOW)
        code = ESTALE;
    describe(code, timeout_s, reason);
    err->code = code;
    return doing == NULL
               ? pyr_fail(&err->text, result_of(code), "%s", reason)
               : pyr_fail(&err->text, result_of(code), "%s: %s", doing, reason);
}
