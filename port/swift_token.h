// SPDX-License-Identifier: MIT
// Tokens of Keystone for a project and a domain told by their ids.
#ifndef SWIFT_TOKEN_H
#define SWIFT_TOKEN_H

#include "pyr.h"

#include <string>

// GDAL asks Keystone by names; ROK4's variables hold ids (spec section 9).
struct SwiftAccount
{
    std::string url{}; // as it is asked, ".../v3/auth/tokens"
    std::string user{};
    std::string password{};
    std::string domain{};  // id; "" for "default"
    std::string project{}; // id
};

// A token that is good for a minute at least, from memory while it is, and
// where the storage is by Keystone's catalogue; "" where that does not tell.
// PYR_IO where none is given; without secrets in err. Safe from many threads.
enum pyr_result swift_token_get(const SwiftAccount &account,
                                std::string *out_token,
                                std::string *out_storage_url,
                                struct pyr_error *err) PYR_MUST_CHECK;

#endif
