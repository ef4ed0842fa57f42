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
int StatusOf(const char *reason)
{
    constexpr const char *ANSWER = "HTTP response code: ";
    return STARTS_WITH(reason, ANSWER)
               ? static_cast<int>(CPLAtoGIntBig(reason + strlen(ANSWER)))
               : 0;
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
    const int status = StatusOf(reason.c_str());
    return status == 404 || status == 410 || CodeOf(reason) == "NoSuchKey" ||
           VSIGetLastErrorNo() == VSIE_AWSObjectNotFound;
}

bool StorageMayRecover(const std::string &reason)
{
    static const char *const refusals[] = {"AccessDenied", "InvalidAccessKeyId",
                                           "NoSuchBucket", "NoSuchKey",
                                           "SignatureDoesNotMatch"};
    const int error = VSIGetLastErrorNo();
    const int status = StatusOf(reason.c_str());
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
    return code.empty() ? reason : "the storage says " + code;
}
