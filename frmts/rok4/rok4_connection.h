/* SPDX-License-Identifier: MIT */
/* Dataset names: a descriptor's path, with or without prefix and level. */
#ifndef ROK4_CONNECTION_H
#define ROK4_CONNECTION_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

struct rok4_connection
{
    char *path;  /* of the descriptor */
    char *level; /* level id; NULL when the name has none */
};

/* True for names that start with "ROK4:", whatever the case. */
bool rok4_connection_has_prefix(const char *name);

/* Takes apart PATH, ROK4:PATH, ROK4:"PATH":LEVEL, ROK4:PATH.json:LEVEL; PATH
 * may start with file://, and s3://, swift:// or ceph:// stand for /vsis3/,
 * /vsiswift/ and /vsirados/ (spec section 9). PYR_USAGE when a quote is not
 * closed, the path is empty or something else than :LEVEL follows it;
 * PYR_NOMEM. Cleared with rok4_connection_clear. Pure. */
enum pyr_result rok4_connection_parse(const char *name,
                                      struct rok4_connection *out_connection,
                                      struct pyr_error *err) PYR_MUST_CHECK;
void rok4_connection_clear(struct rok4_connection *connection);

#ifdef __cplusplus
}
#endif

#endif
