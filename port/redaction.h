// SPDX-License-Identifier: MIT
// Messages without secrets.
#ifndef REDACTION_H
#define REDACTION_H

#include <string>

// The text without what lets its reader in: of each URL, the query ("?...",
// where signatures stand) and the user ("://...@").
std::string Redacted(const std::string &text);

#endif
