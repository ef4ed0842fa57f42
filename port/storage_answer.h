// SPDX-License-Identifier: MIT
// Why a storage did not do what it was asked for, as GDAL tells it.
#ifndef STORAGE_ANSWER_H
#define STORAGE_ANSWER_H

#include <string>

// All on the thread on which GDAL failed last; reason is GDAL's text of that.

// Whether there certainly is no such file.
bool StorageKnowsNone(const std::string &reason);

// Whether the same request may have another answer: not what the storage
// refuses, but for a token, which StorageRenewsToken says, once for *renewed.
bool StorageMayRecover(const char *path, const std::string &reason,
                       bool *renewed);

// Whether the storage takes a token of Swift for none: GDAL would use it for
// ever, and is made to forget it, with all that it remembers of remote files.
bool StorageRenewsToken(const char *path, const std::string &reason);

// Whether the user may not do it. Object storages also answer so when there is
// nothing, to users who may not list.
bool StorageForbids();

// The same where ROK4_MISSING_ON_403=YES takes that for absence.
bool StorageForbidsAbsent();

// For the user.
std::string StorageReason(const std::string &reason);

#endif
