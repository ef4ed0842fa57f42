// SPDX-License-Identifier: MIT
// A directory of /vsirados/, entry by entry.
#ifndef VSIRADOS_DIR_H
#define VSIRADOS_DIR_H

#include "gdal_compat.h"
#include "vsirados_access.h"
#include "vsirados_list.h"

#include <functional>
#include <string>
#include <unordered_set>

// The cluster has no directories: the names of all objects of the pool are
// listed, and the entries found in them. Names come as they are read; kept are
// those of directories only, so that each comes once.
class VsiRadosDir final : public VSIDIR
{
  public:
    // Looks for the first entry. nullptr with *failure: PYR_NOT_FOUND without
    // any, but for a pool. depth, namePrefix: as GDAL's OpenDir has them.
    // onDirectory: told each directory that is found, by its object's name.
    static VsiRadosDir *
    Open(const VsiRadosPlace &place, int depth, const std::string &namePrefix,
         const std::function<void(const std::string &)> &onDirectory,
         VsiRadosFailure *failure);
    ~VsiRadosDir() override;
    VsiRadosDir(const VsiRadosDir &) = delete;
    VsiRadosDir &operator=(const VsiRadosDir &) = delete;

    // nullptr at the end; after a failure as well, which is raised.
    const VSIDIREntry *NextDirEntry() override;
    bool HasFailed() const
    {
        return m_failure.result != PYR_OK;
    }

  private:
    VsiRadosDir() = default;
    bool Find();
    bool Take(const char *name, size_t nbytes);

    VsiRadosPlace m_place{};
    std::string m_prefix{};     // of the names of objects
    std::string m_namePrefix{}; // of the names of entries
    int m_depth = 0;
    std::function<void(const std::string &)> m_onDirectory{};
    struct vsirados_list *m_list = nullptr;
    std::unordered_set<std::string> m_directories{};
    GDALCompatDirEntry m_entry{};
    bool m_found = false; // m_entry is the next one
    VsiRadosFailure m_failure{};
};

#endif
