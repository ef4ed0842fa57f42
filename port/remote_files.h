// SPDX-License-Identifier: MIT
// Remote files that stay open between reads, and how many requests are sent at
// once for them.
#ifndef REMOTE_FILES_H
#define REMOTE_FILES_H

#include "pyr.h"

#include <condition_variable>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <ctime>

class VsiRemoteFile;

// What those who look for tiles open with: header and index of a slab of up to
// 16128 tiles, and the whole of a small one.
constexpr size_t SLAB_HEAD_BYTES = 128 << 10;

// Requests that may be under way. Safe from many threads.
class RequestBudget final
{
  public:
    explicit RequestBudget(size_t most) : m_free(most)
    {
    }

    // Waits until one may be sent, and takes up to so many; gives back as many
    // as it took.
    size_t Take(size_t wanted);
    void Give(size_t taken);

  private:
    std::mutex m_lock{};
    std::condition_variable m_given{};
    size_t m_free;
};

// Opening a file takes a request, which brings its first bytes: the files used
// last stay open, for so many seconds. Safe from many threads.
class RemoteFiles final
{
  public:
    // head_bytes: what a file is opened with.
    RemoteFiles(size_t max_requests, uint64_t keep_seconds, size_t head_bytes)
        : m_budget(max_requests), m_keepSeconds(keep_seconds),
          m_headBytes(head_bytes)
    {
    }

    // As VsiRemoteFile::Open. One that failed, or was seen to be replaced, is
    // opened anew.
    enum pyr_result Open(const char *path,
                         std::shared_ptr<VsiRemoteFile> *out_file,
                         struct pyr_error *err) PYR_MUST_CHECK;

    RequestBudget &Budget()
    {
        return m_budget;
    }

  private:
    struct Kept
    {
        std::shared_ptr<VsiRemoteFile> file{};
        time_t opened = 0;
        std::list<std::string>::iterator use{}; // in m_uses
    };

    std::shared_ptr<VsiRemoteFile> Find(const char *path);
    void Keep(const char *path, const std::shared_ptr<VsiRemoteFile> &file);
    void Forget(std::map<std::string, Kept>::iterator kept);

    RequestBudget m_budget;
    const uint64_t m_keepSeconds;
    const size_t m_headBytes;
    std::mutex m_lock{};             // of what follows
    std::list<std::string> m_uses{}; // paths, the oldest use first
    std::map<std::string, Kept> m_kept{};
};

#endif
