// SPDX-License-Identifier: MIT
// Messages without secrets.
#ifndef REDACTION_H
#define REDACTION_H

#include "cpl_error.h"

#include <string>

// The text without what lets its reader in: of each URL, the query ("?...",
// where signatures stand) and the user ("://...@").
std::string Redacted(const std::string &text);

// A handler for CPLPushErrorHandler: keeps what GDAL says from the user, but
// for debug messages, which it gives to CPLQuietErrorHandler without secrets.
void CPL_STDCALL RedactedQuietHandler(CPLErr kind, CPLErrorNum code,
                                      const char *text);

#endif
