// SPDX-License-Identifier: MIT
// A file whose bytes are fetched many ranges at a time, and kept, for a driver
// of GDAL to read it through.
#ifndef VSI_CACHED_H
#define VSI_CACHED_H

#include "range_cache.h"
#include "vsi_source.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct VsiCachedOptions
{
    size_t first_bytes = 64 << 10; // read at opening
    size_t merge_gap_bytes = 16 << 10;
    size_t max_requests = 32; // at once
    size_t cache_bytes = 64 << 20;
};

// Safe from many threads.
class VsiCachedFile final
{
  public:
    // Errors as for VsiSource::Open.
    static enum pyr_result Open(const char *path,
                                const VsiCachedOptions &options,
                                std::shared_ptr<VsiCachedFile> *out_file,
                                struct pyr_error *err) PYR_MUST_CHECK;
    ~VsiCachedFile();
    VsiCachedFile(const VsiCachedFile &) = delete;
    VsiCachedFile &operator=(const VsiCachedFile &) = delete;

    // The path under which GDAL opens this very object; nothing else is found
    // beside it.
    const std::string &Name() const
    {
        return m_name;
    }
    uint64_t Size() const
    {
        return m_source->Size();
    }
    bool IsRemote() const
    {
        return m_source->IsRemote();
    }
    bool Holds(uint64_t offset, size_t nbytes);

    // Copies bytes, all or nothing. What is not here is fetched, with what is
    // planned where it belongs to that, else with what follows where the file
    // is read in its order. Large ranges of local files are not kept.
    enum pyr_result Read(uint64_t offset, void *bytes, size_t nbytes,
                         struct pyr_error *err) PYR_MUST_CHECK;

    // Fetches what is missing of ranges at once, to be kept longer than tiles
    // are: tables of tiles. Parts beyond the end of the file are left out.
    enum pyr_result Fetch(const std::vector<struct pyr_extent> &ranges,
                          struct pyr_error *err) PYR_MUST_CHECK;

    // Ranges that will be read soon: the first read of one fetches them all, as
    // far as half the cache holds them. What is in the cache, beyond the end or
    // too large for that is left out. Kept plans last until they are fetched,
    // others until ForgetPlan().
    void Plan(const std::vector<struct pyr_extent> &ranges, bool kept);
    size_t MaxPlannedBytes() const;
    void ForgetPlan();
    // The same fetch now, where the range is not here.
    enum pyr_result FetchPlanned(const struct pyr_extent &range,
                                 struct pyr_error *err) PYR_MUST_CHECK;

    // False when the file is seen to have changed since it was opened.
    bool Unchanged();

    // The first failure of reads by GDAL since the last call; PYR_OK for none.
    enum pyr_result TakeFailure(struct pyr_error *err);
    void KeepFailure(enum pyr_result result, const struct pyr_error &err);

    uint64_t Requests() const
    {
        return m_source->Requests();
    }
    uint64_t Bytes() const
    {
        return m_source->Bytes();
    }

  private:
    struct Planned
    {
        uint64_t end_bytes = 0;
        bool kept = false;
    };

    explicit VsiCachedFile(const VsiCachedOptions &options);

    bool CopyCached(uint64_t offset, void *bytes, size_t nbytes);
    size_t Present(uint64_t offset, size_t nbytes);
    std::vector<struct pyr_extent> TakePlanned(uint64_t offset);
    struct pyr_extent Ahead(uint64_t offset, size_t nbytes);
    std::vector<struct pyr_extent>
    Requests(const std::vector<struct pyr_extent> &ranges);
    enum pyr_result Load(const std::vector<struct pyr_extent> &ranges,
                         RangeCache *cache, struct pyr_error *err);
    enum pyr_result LoadFor(uint64_t offset, size_t nbytes,
                            struct pyr_error *err);
    enum pyr_result ReadDirect(uint64_t offset, uint8_t *bytes, size_t nbytes,
                               struct pyr_error *err);

    const VsiCachedOptions m_options;
    std::string m_name{};
    std::unique_ptr<VsiSource> m_source{};
    std::vector<uint8_t> m_head{};

    std::mutex m_fetching{}; // held while bytes come; taken before m_lock
    uint64_t m_last_end = 0; // of what was read without a plan
    size_t m_ahead = 0;

    std::mutex m_lock{}; // of all below
    RangeCache m_tables; // what describes tiles
    RangeCache m_tiles;
    std::map<uint64_t, Planned> m_plan{}; // by offset
    enum pyr_result m_failure = PYR_OK;
    struct pyr_error m_failed = {""};
};

// The files that GDAL can open by their names (vsi_cached_files.cpp). Safe from
// many threads. Adding returns the name; handles share the file.
std::string VsiCachedFilesAdd(const std::shared_ptr<VsiCachedFile> &file,
                              const char *path);
void VsiCachedFilesRemove(const std::string &name);

#endif
