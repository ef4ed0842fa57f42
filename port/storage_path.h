// SPDX-License-Identifier: MIT
// A path on an object storage, with the settings that reach it.
#ifndef STORAGE_PATH_H
#define STORAGE_PATH_H

#include "pyr.h"
#include "thread_settings.h"

#include <string>

// While it lives, this thread's configuration reaches the storage that a path
// is on: what GDAL's own options (AWS_*, SWIFT_*, of the path or global) leave
// open, ROK4_* ones tell (spec section 9). A path of another cluster is
// "/vsis3/BUCKET@HOST/KEY", where HOST is one of ROK4_S3_URL. Other paths stay
// as they are. On the thread that made it.
class StoragePath final
{
  public:
    StoragePath() = default;
    StoragePath(const StoragePath &) = delete;
    StoragePath &operator=(const StoragePath &) = delete;

    // PYR_UNSUPPORTED for a cluster that nothing is known of; PYR_USAGE for
    // lists of different lengths; as of swift_token_get. Without secrets in
    // err. Once.
    enum pyr_result Resolve(const char *path,
                            struct pyr_error *err) PYR_MUST_CHECK;

    // The cluster that a path tells, "" for none.
    static std::string Cluster(const char *path);

    // Another path, without its cluster: on the storage of one that has been
    // resolved, GDAL takes it.
    static std::string Plain(const char *path);

    // As GDAL takes it.
    const char *Get() const
    {
        return m_path.c_str();
    }

  private:
    void SetUnlessSet(const char *key, const char *value);
    void SetNetwork();
    enum pyr_result SetS3(const std::string &cluster, struct pyr_error *err);
    enum pyr_result SetSwift(struct pyr_error *err);

    std::string m_path{};
    ThreadSettings m_settings{};
};

// How often a request is tried, and how long to wait before it is tried again.
struct StorageRetry
{
    unsigned attempts = 1; // >= 1
    double waitSeconds = 0;

    // As ROK4_OBJECT_READ_ATTEMPTS or ROK4_OBJECT_WRITE_ATTEMPTS and
    // ROK4_OBJECT_ATTEMPTS_WAIT say, else GDAL_HTTP_MAX_RETRY and
    // GDAL_HTTP_RETRY_DELAY, else 5 times from 0.2 s on.
    static StorageRetry ForReading();
    static StorageRetry ForWriting();

    // Waits after a failure of the nth try, 0, 1...: twice as long each time,
    // up to half a minute, and a random part of that.
    void Wait(unsigned nth) const;
};

#endif
