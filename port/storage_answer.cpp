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

// The code in the text of an answer of S3 that GDAL gives as it is; "" for
// none.
std::string CodeOf(const std::string &reason)
{
    constexpr const char *BEGIN = "<Code>";
    const size_t begin = reason.find(BEGIN);
    const size_t end = reason.find("</Code>");
    return begin == std::string::npos || end == std::string::npos || end < begin
               ? ""
               : reason.substr(begin + strlen(BEGIN),
                               end - begin - strlen(BEGIN));
}

} // namespace

bool StorageKnowsNone(const std::string &reason)
{
    const int status = StatusOf(reason);
    return status == 404 || status == 410 || CodeOf(reason) == "NoSuchKey" ||
           VSIGetLastErrorNo() == VSIE_AWSObjectNotFound;
}

bool StorageMayRecover(const std::string &reason)
{
    static const char *const refusals[] = {"AccessDenied", "InvalidAccessKeyId",
                                           "NoSuchBucket", "NoSuchKey",
                                           "SignatureDoesNotMatch"};
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

bool StorageForbids()
{
    const char *const reason = VSIGetLastErrorMsg();
    return VSIGetLastErrorNo() == VSIE_AWSAccessDenied ||
           CodeOf(reason) == "AccessDenied" || StatusOf(reason) == 403;
}

std::string StorageReason(const std::string &reason)
{
    const std::string code = CodeOf(reason);
    if (!code.empty())
        return "the storage says " + code;
    const int status = StatusOf(reason);
    return status != 0 ? CPLSPrintf("HTTP response code: %d", status) : reason;
}
