// SPDX-License-Identifier: MIT
// Remote files that stay open between reads.
#include "remote_files.h"

#include "vsi_remote.h"

#include <algorithm>

constexpr size_t MAX_FILES = 256;
// Of their first bytes, which each holds; but one file at least.
constexpr size_t MAX_KEPT_BYTES = 32 << 20;

size_t RequestBudget::Take(size_t wanted)
{
    std::unique_lock<std::mutex> guard(m_lock);
    m_given.wait(guard, [this] { return m_free > 0; });
    const size_t taken = std::min(std::max<size_t>(wanted, 1), m_free);
    m_free -= taken;
    return taken;
}

void RequestBudget::Give(size_t taken)
{
    {
        std::lock_guard<std::mutex> guard(m_lock);
        m_free += taken;
    }
    m_given.notify_all();
}

void RemoteFiles::Forget(std::map<std::string, Kept>::iterator kept)
{
    m_uses.erase(kept->second.use);
    m_kept.erase(kept);
}

std::shared_ptr<VsiRemoteFile> RemoteFiles::Find(const char *path)
{
    std::lock_guard<std::mutex> guard(m_lock);
    const auto found = m_kept.find(path);
    if (found == m_kept.end())
        return nullptr;
    const Kept &kept = found->second;
    const uint64_t age =
        static_cast<uint64_t>(std::max<time_t>(time(nullptr) - kept.opened, 0));
    if (age >= m_keepSeconds || !kept.file->MayServe())
    {
        Forget(found);
        return nullptr;
    }
    m_uses.splice(m_uses.end(), m_uses, kept.use);
    return kept.file;
}

void RemoteFiles::Keep(const char *path,
                       const std::shared_ptr<VsiRemoteFile> &file)
{
    std::lock_guard<std::mutex> guard(m_lock);
    const auto found = m_kept.find(path);
    if (found != m_kept.end())
        Forget(found);
    if (m_keepSeconds == 0)
        return;
    const size_t most =
        std::min(MAX_FILES, std::max<size_t>(MAX_KEPT_BYTES / m_headBytes, 1));
    if (m_kept.size() >= most)
        Forget(m_kept.find(m_uses.front()));
    m_uses.push_back(path);
    m_kept[path] = {file, time(nullptr), std::prev(m_uses.end())};
}

enum pyr_result RemoteFiles::Open(const char *path,
                                  std::shared_ptr<VsiRemoteFile> *out_file,
                                  struct pyr_error *err)
{
    std::shared_ptr<VsiRemoteFile> file = Find(path);
    if (file == nullptr)
    {
        std::unique_ptr<VsiRemoteFile> opened;
        const size_t taken = m_budget.Take(1);
        const enum pyr_result result =
            VsiRemoteFile::Open(path, m_headBytes, &opened, err);
        m_budget.Give(taken);
        if (result != PYR_OK)
            return result;
        file = std::move(opened);
        Keep(path, file);
    }
    *out_file = std::move(file);
    return PYR_OK;
}
