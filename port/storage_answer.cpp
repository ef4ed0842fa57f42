// SPDX-License-Identifier: MIT
// Why a storage did not do what it was asked for, as GDAL tells it.
#include "storage_answer.h"

#include "cpl_conv.h"
#include "cpl_string.h"
#include "cpl_vsi_error.h"

#include <algorithm>
#include <cstring>

namespace
{

// The status that the reason of a failure tells; 0 for none.
int StatusOf(const std::string &reason)
{
    // "HTTP response code: 404", "HTTP response code on URL: 403",
    // "HTTP error code : 401", "Error 403: ".
    constexpr const char *ERROR = "Error ";
    constexpr const char *BEHIND = ": ";
    const char *const text = reason.c_str();
    const size_t at = reason.rfind(BEHIND);
    if (STARTS_WITH(text, ERROR))
        return static_cast<int>(CPLAtoGIntBig(text + strlen(ERROR)));
    if (at != std::string::npos && (STARTS_WITH(text, "HTTP response code") ||
                                    STARTS_WITH(text, "HTTP error code")))
        return static_cast<int>(CPLAtoGIntBig(text + at + strlen(BEHIND)));
    return 0;
}

// What stands between the two; "" where they are not there.
std::string Between(const std::string &text, const char *from, const char *to)
{
    const size_t begin = text.find(from);
    const size_t end = text.find(to);
    return begin == std::string::npos || end == std::string::npos || end < begin
               ? ""
               : text.substr(begin + strlen(from), end - begin - strlen(from));
}

// The code in the text of an answer that GDAL gives as it is, of S3 or of
// Swift; "" for none.
std::string CodeOf(const std::string &reason)
{
    const std::string code = Between(reason, "<Code>", "</Code>");
    return !code.empty() ? code : Between(reason, "<h1>", "</h1>");
}

// Whether it is none of what a storage refuses.
bool IsTransient(const std::string &reason)
{
    static const char *const refusals[] = {
        "AccessDenied",          "InvalidAccessKeyId",
        "NoSuchBucket",          "NoSuchKey",
        "SignatureDoesNotMatch", "Forbidden",
        "Unauthorized",          "Not Found"};
    const int error = VSIGetLastErrorNo();
    const int status = StatusOf(reason);
    const std::string code = CodeOf(reason);
    if (error == VSIE_AWSBucketNotFound || error == VSIE_AWSAccessDenied ||
        error == VSIE_AWSInvalidCredentials ||
        error == VSIE_AWSSignatureDoesNotMatch ||
        std::find(std::begin(refusals), std::end(refusals), code) !=
            std::end(refusals))
        return false;
    return status < 400 || status >= 500 || status == 408 || status == 429;
}

} // namespace

bool StorageKnowsNone(const std::string &reason)
{
    const int status = StatusOf(reason);
    return status == 404 || status == 410 || CodeOf(reason) == "NoSuchKey" ||
           VSIGetLastErrorNo() == VSIE_AWSObjectNotFound;
}

bool StorageRenewsToken(const char *path, const std::string &reason)
{
    if (!STARTS_WITH(path, "/vsiswift/") ||
        (StatusOf(reason) != 401 && CodeOf(reason) != "Unauthorized"))
        return false;
    VSICurlClearCache();
    return true;
}

bool StorageMayRecover(const char *path, const std::string &reason,
                       bool *renewed)
{
    if (IsTransient(reason))
        return true;
    if (*renewed || !StorageRenewsToken(path, reason))
        return false;
    *renewed = true;
    return true;
}

bool StorageForbids()
{
    const char *const reason = VSIGetLastErrorMsg();
    return VSIGetLastErrorNo() == VSIE_AWSAccessDenied ||
           CodeOf(reason) == "AccessDenied" || StatusOf(reason) == 403;
}

bool StorageForbidsAbsent()
{
    return StorageForbids() &&
           CPLTestBool(CPLGetConfigOption("ROK4_MISSING_ON_403", "NO"));
}

std::string StorageReason(const std::string &reason)
{
    const std::string code = CodeOf(reason);
    if (!code.empty())
        return "the storage says " + code;
    const int status = StatusOf(reason);
    return status != 0 ? CPLSPrintf("HTTP response code: %d", status) : reason;
}
