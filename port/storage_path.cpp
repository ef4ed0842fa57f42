// SPDX-License-Identifier: MIT
// A path on an object storage, with the settings that reach it.
#include "storage_path.h"

#include "swift_token.h"

#include "cpl_conv.h"
#include "cpl_string.h"
#include "cpl_vsi.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

namespace
{

constexpr const char *S3 = "/vsis3/";
constexpr const char *SWIFT = "/vsiswift/";

// With any of these, the user has told GDAL itself which storage it is.
constexpr const char *const S3_KEYS[] = {"AWS_S3_ENDPOINT",
                                         "AWS_ACCESS_KEY_ID",
                                         "AWS_SECRET_ACCESS_KEY",
                                         "AWS_NO_SIGN_REQUEST",
                                         "AWS_SESSION_TOKEN",
                                         "AWS_PROFILE",
                                         "AWS_DEFAULT_PROFILE",
                                         "AWS_ROLE_ARN",
                                         "AWS_WEB_IDENTITY_TOKEN_FILE",
                                         "CPL_AWS_CREDENTIALS_FILE"};
constexpr const char *const SWIFT_KEYS[] = {
    "SWIFT_STORAGE_URL", "SWIFT_AUTH_V1_URL", "OS_IDENTITY_API_VERSION"};

constexpr unsigned DEFAULT_ATTEMPTS = 5;
constexpr int MAX_ATTEMPTS = 1000;
constexpr double DEFAULT_WAIT_S = 0.2;
constexpr double MAX_WAIT_S = 30;
// Seconds without a byte after which a transfer has failed.
constexpr const char *STALL_S = "30";

bool IsAnySet(const char *path, const char *const *first,
              const char *const *last)
{
    return std::any_of(first, last, [path](const char *key) {
        return VSIGetPathSpecificOption(path, key, nullptr) != nullptr;
    });
}

CPLStringList ListOf(const char *key)
{
    return CPLStringList(CSLTokenizeString2(
        CPLGetConfigOption(key, ""), ",",
        CSLT_STRIPLEADSPACES | CSLT_STRIPENDSPACES | CSLT_ALLOWEMPTYTOKENS));
}

// "https://host:9000/" is the cluster "host:9000".
std::string ClusterOf(const std::string &url)
{
    const size_t scheme = url.find("://");
    std::string cluster =
        scheme == std::string::npos ? url : url.substr(scheme + 3);
    while (!cluster.empty() && cluster.back() == '/')
        cluster.pop_back();
    return cluster;
}

// "/vsis3/BUCKET@HOST/KEY" becomes "/vsis3/BUCKET/KEY"; returns HOST.
std::string TakeCluster(std::string *path)
{
    const size_t begin = strlen(S3);
    const size_t end = std::min(path->find('/', begin), path->size());
    const size_t at = path->find('@', begin);
    if (!STARTS_WITH(path->c_str(), S3) || at >= end)
        return "";
    const std::string cluster = path->substr(at + 1, end - at - 1);
    path->erase(at, end - at);
    return cluster;
}

StorageRetry Retry(const char *key)
{
    StorageRetry retry;
    const char *const attempts = CPLGetConfigOption(key, nullptr);
    const char *const retries =
        CPLGetConfigOption("GDAL_HTTP_MAX_RETRY", nullptr);
    const char *wait = CPLGetConfigOption("ROK4_OBJECT_ATTEMPTS_WAIT", nullptr);
    retry.attempts = DEFAULT_ATTEMPTS;
    if (attempts != nullptr)
        retry.attempts = static_cast<unsigned>(
            std::clamp<GIntBig>(CPLAtoGIntBig(attempts), 1, MAX_ATTEMPTS));
    else if (retries != nullptr)
        retry.attempts = static_cast<unsigned>(
            std::clamp<GIntBig>(CPLAtoGIntBig(retries), 0, MAX_ATTEMPTS - 1) +
            1);
    if (wait == nullptr)
        wait = CPLGetConfigOption("GDAL_HTTP_RETRY_DELAY", nullptr);
    retry.waitSeconds = wait != nullptr
                            ? std::clamp(CPLAtof(wait), 0.0, MAX_WAIT_S)
                            : DEFAULT_WAIT_S;
    return retry;
}

} // namespace

void StoragePath::SetUnlessSet(const char *key, const char *value)
{
    if (value != nullptr &&
        VSIGetPathSpecificOption(m_path.c_str(), key, nullptr) == nullptr)
        m_settings.Set(key, value);
}

// How long to wait, and whom to trust. GDAL retries some failures itself: all
// retries are ours, so that they are bounded and counted, as many as its own
// option says.
void StoragePath::SetNetwork()
{
    const char *const timeout =
        CPLGetConfigOption("ROK4_NETWORK_TIMEOUT", nullptr);
    if (CPLTestBool(CPLGetConfigOption("ROK4_SSL_NO_VERIFY", "NO")))
        SetUnlessSet("GDAL_HTTP_UNSAFESSL", "YES");
    SetUnlessSet("GDAL_HTTP_TIMEOUT", timeout);
    SetUnlessSet("GDAL_HTTP_CONNECTTIMEOUT",
                 timeout != nullptr ? timeout : STALL_S);
    SetUnlessSet("GDAL_HTTP_LOW_SPEED_TIME",
                 timeout != nullptr ? timeout : STALL_S);
    SetUnlessSet("GDAL_HTTP_LOW_SPEED_LIMIT", "1");
    m_settings.Set("ROK4_OBJECT_READ_ATTEMPTS",
                   CPLSPrintf("%u", StorageRetry::ForReading().attempts));
    m_settings.Set("ROK4_OBJECT_WRITE_ATTEMPTS",
                   CPLSPrintf("%u", StorageRetry::ForWriting().attempts));
    m_settings.Set("GDAL_HTTP_MAX_RETRY", "0");
}

enum pyr_result StoragePath::SetS3(const std::string &cluster,
                                   struct pyr_error *err)
{
    if (cluster.empty() &&
        IsAnySet(m_path.c_str(), std::begin(S3_KEYS), std::end(S3_KEYS)))
        return PYR_OK;
    const CPLStringList urls = ListOf("ROK4_S3_URL");
    const CPLStringList keys = ListOf("ROK4_S3_KEY");
    const CPLStringList secrets = ListOf("ROK4_S3_SECRETKEY");
    if (keys.Count() != urls.Count() || secrets.Count() != urls.Count())
        return pyr_fail(err, PYR_USAGE,
                        "ROK4_S3_URL, ROK4_S3_KEY and ROK4_S3_SECRETKEY list "
                        "%d, %d and %d values, expected as many",
                        urls.Count(), keys.Count(), secrets.Count());
    for (int i = 0; i < urls.Count(); i++)
    {
        const std::string host = ClusterOf(urls[i]);
        if (!cluster.empty() && cluster != host)
            continue;
        m_settings.Set("AWS_S3_ENDPOINT", host.c_str());
        m_settings.Set("AWS_HTTPS",
                       STARTS_WITH(urls[i], "http://") ? "NO" : "YES");
        m_settings.Set("AWS_VIRTUAL_HOSTING", "FALSE");
        m_settings.Set("AWS_ACCESS_KEY_ID", keys[i]);
        m_settings.Set("AWS_SECRET_ACCESS_KEY", secrets[i]);
        return PYR_OK;
    }
    const char *const endpoint =
        VSIGetPathSpecificOption(m_path.c_str(), "AWS_S3_ENDPOINT", "");
    return cluster.empty() || ClusterOf(endpoint) == cluster
               ? PYR_OK
               : pyr_fail(err, PYR_UNSUPPORTED,
                          "cluster %s is not one of ROK4_S3_URL",
                          cluster.c_str());
}

// Native authentication; Keystone's where a project is told.
enum pyr_result StoragePath::SetSwift(struct pyr_error *err)
{
    const char *const url = CPLGetConfigOption("ROK4_SWIFT_AUTHURL", nullptr);
    const char *const account =
        CPLGetConfigOption("ROK4_SWIFT_ACCOUNT", nullptr);
    const char *const project =
        CPLGetConfigOption("ROK4_KEYSTONE_PROJECTID", nullptr);
    const char *const user = CPLGetConfigOption("ROK4_SWIFT_USER", "");
    if (url == nullptr ||
        IsAnySet(m_path.c_str(), std::begin(SWIFT_KEYS), std::end(SWIFT_KEYS)))
        return PYR_OK;
    if (project == nullptr)
    {
        const std::string name =
            account != nullptr ? std::string(account) + ":" + user : user;
        m_settings.Set("SWIFT_AUTH_V1_URL", url);
        m_settings.Set("SWIFT_USER", name.c_str());
        m_settings.Set("SWIFT_KEY",
                       CPLGetConfigOption("ROK4_SWIFT_PASSWD", ""));
        return PYR_OK;
    }
    SwiftAccount asked;
    asked.url = url;
    asked.user = user;
    asked.password = CPLGetConfigOption("ROK4_SWIFT_PASSWD", "");
    asked.domain = CPLGetConfigOption("ROK4_KEYSTONE_DOMAINID", "");
    asked.project = project;
    std::string token;
    std::string storage;
    const enum pyr_result result =
        swift_token_get(asked, &token, &storage, err);
    if (result != PYR_OK)
        return result;
    const char *const own = CPLGetConfigOption("ROK4_SWIFT_PUBLICURL", nullptr);
    m_settings.Set("SWIFT_STORAGE_URL", own != nullptr ? own : storage.c_str());
    m_settings.Set("SWIFT_AUTH_TOKEN", token.c_str());
    return PYR_OK;
}

enum pyr_result StoragePath::Resolve(const char *path, struct pyr_error *err)
{
    m_path = path;
    if (!STARTS_WITH(path, "/vsi"))
        return PYR_OK;
    SetNetwork();
    if (STARTS_WITH(path, SWIFT))
        return SetSwift(err);
    if (!STARTS_WITH(path, S3))
        return PYR_OK;
    const std::string cluster = TakeCluster(&m_path);
    return SetS3(cluster, err);
}

std::string StoragePath::Cluster(const char *path)
{
    std::string plain = path;
    return TakeCluster(&plain);
}

std::string StoragePath::Plain(const char *path)
{
    std::string plain = path;
    TakeCluster(&plain);
    return plain;
}

StorageRetry StorageRetry::ForReading()
{
    return Retry("ROK4_OBJECT_READ_ATTEMPTS");
}

StorageRetry StorageRetry::ForWriting()
{
    return Retry("ROK4_OBJECT_WRITE_ATTEMPTS");
}

void StorageRetry::Wait(unsigned nth) const
{
    static thread_local std::minstd_rand random{std::random_device{}()};
    double most = waitSeconds;
    for (unsigned i = 0; i < nth && most < MAX_WAIT_S; i++)
        most *= 2;
    most = std::min(most, MAX_WAIT_S);
    std::uniform_real_distribution<double> spread(most / 2, most);
    std::this_thread::sleep_for(std::chrono::duration<double>(spread(random)));
}
