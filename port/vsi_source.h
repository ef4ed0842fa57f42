// SPDX-License-Identifier: MIT
// A file on any of GDAL's file systems, read in many ranges at once.
#ifndef VSI_SOURCE_H
#define VSI_SOURCE_H

#include "cpl_vsi.h"
#include "pyr_io.h"
#include "thread_settings.h"

#include <atomic>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

// Its path may be remote: opening takes one request where the file system
// allows, and no listing of a directory. What a server fails to give is asked
// for again, as StorageRetry says; answers that are too short are failures.
class VsiSource final
{
  public:
    // Opens a file (also as StoragePath takes it) and reads its first bytes, or
    // all where there are fewer. PYR_NOT_FOUND only for what certainly is not
    // there; PYR_IO, PYR_NOMEM, and as of StoragePath::Resolve.
    static enum pyr_result Open(const char *path, size_t first_bytes,
                                std::unique_ptr<VsiSource> *out_source,
                                std::vector<uint8_t> *out_head,
                                struct pyr_error *err) PYR_MUST_CHECK;
    // Whether GDAL finds no such remote file: in a listing of the directory
    // that it remembers, else by a request. What cannot be told is not absent.
    static bool IsAbsentForGdal(const char *path);
    ~VsiSource();
    VsiSource(const VsiSource &) = delete;
    VsiSource &operator=(const VsiSource &) = delete;

    uint64_t Size() const
    {
        return m_size;
    }
    // Whether each read takes a request over a network.
    bool IsRemote() const
    {
        return m_remote;
    }

    // Fills buffers[i] with ranges[i], which lie within the file, all or
    // nothing; at most so many requests at once. Safe from many threads, which
    // wait for each other where the file system has it so.
    enum pyr_result Read(const std::vector<struct pyr_extent> &ranges,
                         const std::vector<uint8_t *> &buffers,
                         size_t max_requests,
                         struct pyr_error *err) PYR_MUST_CHECK;

    // False when the open file is seen to have changed; one that another has
    // replaced is as it was. Remote files are compared by their first bytes:
    // head[nbytes] as they were.
    bool Unchanged(const uint8_t *head, size_t nbytes);

    // When the file was changed last, in seconds since 1970; 0 where its
    // storage does not tell.
    time_t Time() const
    {
        return m_time;
    }
    // Whether a read of a remote file has failed because another stands in its
    // place by now: where the storage tells, such reads are refused.
    bool WasReplaced() const
    {
        return m_replaced;
    }

    // What was read since opening, from the file system.
    uint64_t Requests() const
    {
        return m_requests;
    }
    uint64_t Bytes() const
    {
        return m_bytes;
    }

  private:
    VsiSource() = default;

    enum pyr_result OpenOnce(const char *path, size_t first_bytes,
                             std::vector<uint8_t> *out_head,
                             struct pyr_error *err);
    enum pyr_result OpenHandle(const char *path, size_t first_bytes,
                               struct pyr_error *err);
    enum pyr_result ReadHead(size_t first_bytes, std::vector<uint8_t> *out_head,
                             struct pyr_error *err);
    void Close();
    void Guard();
    void SetCondition(ThreadSettings *settings) const;
    bool Ask(VSIStatBufL *info);
    std::string Examine();
    bool ReadTogether(const struct pyr_extent *ranges, uint8_t *const *buffers,
                      size_t nranges);
    bool ReadApart(const struct pyr_extent &range, uint8_t *buffer,
                   std::string *out_reason);
    bool ReadOnce(const struct pyr_extent &range, uint8_t *buffer);
    std::string Reason(const char *otherwise);

    std::string m_name{}; // as the user calls it
    std::string m_path{}; // as it is opened
    VSILFILE *m_file = nullptr;
    uint64_t m_size = 0;
    int m_descriptor = -1;     // of a local file, else -1
    int64_t m_changed_ns = 0;  // when that was changed last
    time_t m_time = 0;         // of a remote one
    uint64_t m_version = 0;    // the same, where seconds do not tell
    std::string m_condition{}; // headers of its reads, see Guard
    bool m_remote = false;
    bool m_transient = true; // whether opening may go well another time
    bool m_renewed = false;  // a token, since opening began
    std::atomic<bool> m_replaced{false};
    std::mutex m_lock{};
    std::atomic<uint64_t> m_requests{0};
    std::atomic<uint64_t> m_bytes{0};
};

#endif
