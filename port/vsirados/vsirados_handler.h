// SPDX-License-Identifier: MIT
// The file system /vsirados/ as GDAL calls it.
#ifndef VSIRADOS_HANDLER_H
#define VSIRADOS_HANDLER_H

#include "gdal_compat.h"
#include "vsirados_access.h"

#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <unistd.h>

class VsiRadosHandler final : public GDALCompatFileSystem
{
  public:
    VSIVirtualHandle *OpenFile(const char *path, const char *access,
                               bool setError) override;
    int Stat(const char *path, VSIStatBufL *info, int flags) override;
    int Unlink(const char *path) override;
    int *UnlinkBatch(CSLConstList paths) override;
    int Mkdir(const char *path, long mode) override;
    int Rmdir(const char *path) override;
    int RmdirRecursive(const char *path) override;
    char **ReadDirEx(const char *path, int maxFiles) override;
    char **SiblingFiles(const char *path) override;
    VSIDIR *OpenDir(const char *path, int depth,
                    const char *const *options) override;
    int RenameFile(const char *from, const char *to) override;
    bool CopyWithin(const char *from, const char *to, int *out_status) override;
    char **GetFileMetadata(const char *path, const char *domain,
                           CSLConstList options) override;
    int HasOptimizedReadMultiRange(const char *) override
    {
        return TRUE;
    }
    bool SupportsSequentialWrite(const char *, bool) override
    {
        return true;
    }
    // Where the caller does not mind that it is kept elsewhere meanwhile.
    bool SupportsRandomWrite(const char *, bool allowTemporary) override
    {
        return allowTemporary;
    }
    const char *GetOptions() override;

  private:
    // A forked child remembers nothing: there, somebody who is not may hold the
    // lock.
    const pid_t m_pid = getpid();
    std::mutex m_lock{};
    // Directories that listings have told of: to ask whether there is one would
    // take a listing each.
    std::unordered_set<std::string> m_directories{};
    // What openings have told, by path, for whoever asks for that alone.
    std::unordered_map<std::string, struct vsirados_object> m_opened{};

    bool Remembers() const
    {
        return m_pid == getpid();
    }
    VSIVirtualHandle *OpenToRead(const VsiRadosPlace &place,
                                 VsiRadosFailure *failure);
    bool IsOpened(const char *path, struct vsirados_object *out_object);
    bool FindObject(const VsiRadosPlace &place,
                    struct vsirados_object *out_object,
                    VsiRadosFailure *failure);
    void Remember(const VsiRadosPlace &place, const std::string &object);
    void Forget(const VsiRadosPlace &place);
    bool IsRemembered(const VsiRadosPlace &place);
    bool IsDirectory(const VsiRadosPlace &place, VsiRadosFailure *failure);
    VSIDIR *OpenPlace(const VsiRadosPlace &place, int depth,
                      const char *namePrefix, VsiRadosFailure *failure);
};

#endif
