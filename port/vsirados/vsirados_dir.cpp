// SPDX-License-Identifier: MIT
// A directory of /vsirados/, entry by entry.
#include "vsirados_dir.h"

#include "cpl_conv.h"
#include "cpl_string.h"

#include <memory>

#include <sys/stat.h>

VsiRadosDir *
VsiRadosDir::Open(const VsiRadosPlace &place, int depth,
                  const std::string &namePrefix,
                  const std::function<void(const std::string &)> &onDirectory,
                  VsiRadosFailure *failure)
{
    VsiRadosPool pool = VsiRadosOpenPool(place, failure);
    if (pool == nullptr)
        return nullptr;
    std::unique_ptr<VsiRadosDir> dir(new VsiRadosDir);
    dir->m_place = place;
    dir->m_prefix = place.Prefix();
    dir->m_namePrefix = namePrefix;
    dir->m_depth = depth < 0 ? VSIRADOS_ANY_DEPTH : depth;
    dir->m_onDirectory = onDirectory;
    failure->result =
        vsirados_list_open(pool.release(), &dir->m_list, &failure->error);
    if (failure->result != PYR_OK)
        return nullptr;
    dir->m_found = dir->Find();
    *failure = dir->m_failure;
    if (!dir->m_found && !dir->m_prefix.empty() && failure->result == PYR_OK)
    {
        failure->error.code = ENOENT;
        failure->result =
            pyr_fail(&failure->error.text, PYR_NOT_FOUND, "does not exist");
    }
    return failure->result == PYR_OK ? dir.release() : nullptr;
}

VsiRadosDir::~VsiRadosDir()
{
    vsirados_list_close(m_list);
}

// Makes an entry of what the object is here, unless it is none, or was told.
bool VsiRadosDir::Take(const char *name, size_t nbytes)
{
    struct vsirados_entry entry = {};
    if (!vsirados_path_entry(name, nbytes, m_prefix.c_str(), m_depth, &entry))
        return false;
    const std::string found(name + entry.offset, entry.nbytes);
    if (found.compare(0, m_namePrefix.size(), m_namePrefix) != 0)
        return false;
    if (entry.is_directory)
    {
        if (!m_directories.insert(found).second)
            return false;
        m_onDirectory(m_prefix + found);
    }
    VSIDIREntry *const out = m_entry.Get();
    CPLFree(out->pszName);
    out->pszName = CPLStrdup(found.c_str());
    out->nMode = entry.is_directory ? S_IFDIR : S_IFREG;
    out->bModeKnown = true;
    return true;
}

bool VsiRadosDir::Find()
{
    while (m_failure.result == PYR_OK)
    {
        const char *name = nullptr;
        size_t nbytes = 0;
        const enum pyr_result result =
            vsirados_list_next(m_list, &name, &nbytes, &m_failure.error);
        if (result == PYR_NOT_FOUND)
            return false;
        m_failure.result = result;
        if (result == PYR_OK && Take(name, nbytes))
            return true;
    }
    return false;
}

const VSIDIREntry *VsiRadosDir::NextDirEntry()
{
    if (HasFailed())
        return nullptr;
    if (!m_found && !Find())
    {
        if (HasFailed())
            VsiRadosRaise(m_place, m_failure);
        return nullptr;
    }
    m_found = false;
    return m_entry.Get();
}
