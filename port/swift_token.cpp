// SPDX-License-Identifier: MIT
// Tokens of Keystone for a project and a domain told by their ids.
#include "swift_token.h"

#include "redaction.h"
#include "storage_path.h"

#include "cpl_error.h"
#include "cpl_http.h"
#include "cpl_json.h"
#include "cpl_string.h"
#include "cpl_time.h"
#include "ogr_core.h"

#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>

namespace
{

constexpr time_t MARGIN_S = 60;
// Of a token that does not say how long it is good for.
constexpr time_t DEFAULT_S = 600;

struct Token
{
    std::string text{};
    std::string storageUrl{};
    time_t expires = 0;
};

struct Tokens
{
    std::mutex lock{};
    std::map<std::string, Token> known{};
};

Tokens &AllTokens()
{
    static Tokens tokens;
    return tokens;
}

struct ResultCloser
{
    void operator()(CPLHTTPResult *result) const
    {
        CPLHTTPDestroyResult(result);
    }
};

std::string QuestionFor(const SwiftAccount &account)
{
    CPLJSONObject domain;
    domain.Add("id", account.domain.empty() ? "default" : account.domain);
    CPLJSONObject user;
    user.Add("domain", domain);
    user.Add("name", account.user);
    user.Add("password", account.password);
    CPLJSONObject password;
    password.Add("user", user);
    CPLJSONArray methods;
    methods.Add("password");
    CPLJSONObject identity;
    identity.Add("methods", methods);
    identity.Add("password", password);
    CPLJSONObject project;
    project.Add("id", account.project);
    CPLJSONObject scope;
    scope.Add("project", project);
    CPLJSONObject auth;
    auth.Add("identity", identity);
    auth.Add("scope", scope);
    CPLJSONObject question;
    question.Add("auth", auth);
    return question.Format(CPLJSONObject::PrettyFormat::Plain);
}

// "2026-11-26T05:20:53.000000Z"
time_t TimeOf(const std::string &text)
{
    OGRField field = {};
    struct tm parts = {};
    if (!OGRParseDate(text.c_str(), &field, 0))
        return time(nullptr) + DEFAULT_S;
    parts.tm_year = field.Date.Year - 1900;
    parts.tm_mon = field.Date.Month - 1;
    parts.tm_mday = field.Date.Day;
    parts.tm_hour = field.Date.Hour;
    parts.tm_min = field.Date.Minute;
    parts.tm_sec = static_cast<int>(field.Date.Second);
    return static_cast<time_t>(CPLYMDHMSToUnixTime(&parts));
}

// Where objects are for everybody, by the catalogue.
std::string StorageIn(const CPLJSONObject &token)
{
    const CPLJSONArray services = token.GetArray("catalog");
    for (int i = 0; services.IsValid() && i < services.Size(); i++)
    {
        const CPLJSONObject service = services[i];
        const CPLJSONArray endpoints = service.GetArray("endpoints");
        if (service.GetString("type") != "object-store")
            continue;
        for (int j = 0; endpoints.IsValid() && j < endpoints.Size(); j++)
        {
            const CPLJSONObject endpoint = endpoints[j];
            if (endpoint.GetString("interface") == "public")
                return endpoint.GetString("url");
        }
    }
    return "";
}

enum pyr_result Ask(const SwiftAccount &account, Token *token,
                    struct pyr_error *err)
{
    CPLStringList options;
    options.SetNameValue("POSTFIELDS", QuestionFor(account).c_str());
    options.SetNameValue("HEADERS", "Content-Type: application/json");
    const CPLErrorStateBackuper backup;
    std::unique_ptr<CPLHTTPResult, ResultCloser> answer;
    {
        const CPLErrorHandlerPusher quiet(RedactedQuietHandler);
        answer.reset(CPLHTTPFetch(account.url.c_str(), options.List()));
    }
    if (answer == nullptr || answer->pszErrBuf != nullptr)
        return pyr_fail(err, PYR_IO, "Keystone gives no token: %s",
                        answer != nullptr ? answer->pszErrBuf : "no answer");
    token->text =
        CSLFetchNameValueDef(answer->papszHeaders, "X-Subject-Token", "");
    CPLJSONDocument document;
    if (token->text.empty() || answer->pabyData == nullptr ||
        !document.LoadMemory(answer->pabyData, answer->nDataLen))
        return pyr_fail(err, PYR_IO, "Keystone's answer holds no token");
    const CPLJSONObject said = document.GetRoot().GetObj("token");
    token->expires = TimeOf(said.GetString("expires_at"));
    token->storageUrl = StorageIn(said);
    return PYR_OK;
}

} // namespace

enum pyr_result swift_token_get(const SwiftAccount &account,
                                std::string *out_token,
                                std::string *out_storage_url,
                                struct pyr_error *err)
{
    const std::string key = account.url + "\n" + account.user + "\n" +
                            account.password + "\n" + account.domain + "\n" +
                            account.project;
    Tokens &all = AllTokens();
    // Others wait for the answer, rather than ask the same.
    std::lock_guard<std::mutex> guard(all.lock);
    Token &token = all.known[key];
    if (token.text.empty() || token.expires - MARGIN_S < time(nullptr))
    {
        const StorageRetry retry = StorageRetry::ForReading();
        Token fresh;
        enum pyr_result result = Ask(account, &fresh, err);
        for (unsigned nth = 1; nth < retry.attempts && result != PYR_OK &&
                               strstr(err->text, " : 4") == nullptr;
             nth++)
        {
            retry.Wait(nth - 1);
            result = Ask(account, &fresh, err);
        }
        if (result != PYR_OK)
            return result;
        token = fresh;
    }
    *out_token = token.text;
    *out_storage_url = token.storageUrl;
    return PYR_OK;
}
