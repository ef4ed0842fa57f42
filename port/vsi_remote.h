// SPDX-License-Identifier: MIT
// Files that take a request over a network for each read.
#ifndef VSI_REMOTE_H
#define VSI_REMOTE_H

#include "remote_files.h"
#include "vsi_source.h"

#include <atomic>
#include <memory>
#include <vector>

// Open for reading, with its first bytes, which came with the opening. Safe
// from many threads.
class VsiRemoteFile final
{
  public:
    // One request where the file system allows, which brings head_bytes; as of
    // VsiSource::Open. With ROK4_MISSING_ON_403=YES, what the user may not read
    // is PYR_NOT_FOUND.
    static enum pyr_result Open(const char *path, size_t head_bytes,
                                std::unique_ptr<VsiRemoteFile> *out_file,
                                struct pyr_error *err) PYR_MUST_CHECK;

    uint64_t Size() const
    {
        return m_source->Size();
    }
    // As struct pyr_io has it, but for a time that tells too little: then it is
    // like no other.
    uint64_t Stamp() const
    {
        return m_stamp;
    }
    bool WasReplaced() const
    {
        return m_source->WasReplaced();
    }
    // False once a read has failed.
    bool MayServe() const
    {
        return !m_failed && !WasReplaced();
    }

    // As struct pyr_io has it, for ranges within the file; no request for what
    // is among the first bytes. As many at once as the budget allows; nullptr
    // for 16.
    enum pyr_result Read(size_t nranges, const struct pyr_extent *ranges,
                         uint8_t *const *buffers, RequestBudget *budget,
                         struct pyr_error *err) PYR_MUST_CHECK;

  private:
    VsiRemoteFile() = default;

    uint64_t MakeStamp() const;

    std::unique_ptr<VsiSource> m_source{};
    std::vector<uint8_t> m_head{};
    uint64_t m_stamp = 0;
    std::atomic<bool> m_failed{false};
};

// Whether a file is there that can be read.
bool vsi_remote_exists(const char *path);

// As vsi_io_version: its time, and its first bytes.
std::string vsi_remote_version(const char *path);

// As pyr_io::load.
enum pyr_result vsi_remote_load(const char *path, size_t max_bytes,
                                char **out_text, size_t *out_nbytes,
                                struct pyr_error *err) PYR_MUST_CHECK;

#endif
