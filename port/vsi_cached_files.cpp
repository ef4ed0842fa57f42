// SPDX-License-Identifier: MIT
// The file system on which GDAL finds cached files, and nothing else.
#include "vsi_cached.h"

#include "gdal_compat.h"

#include "cpl_conv.h"
#include "cpl_string.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include <sys/stat.h>

namespace
{

constexpr const char *PREFIX = "/vsicogx/";

struct Files
{
    std::mutex lock{};
    // By what follows PREFIX.
    std::map<std::string, std::weak_ptr<VsiCachedFile>> files{};
    unsigned next = 1;
};

Files &All()
{
    static Files files;
    return files;
}

std::shared_ptr<VsiCachedFile> Find(const char *name)
{
    Files &all = All();
    std::lock_guard<std::mutex> guard(all.lock);
    const auto it = all.files.find(name);
    return it != all.files.end() ? it->second.lock() : nullptr;
}

// A handle of GDAL's.
struct Handle
{
    std::shared_ptr<VsiCachedFile> file;
    uint64_t at_bytes;
    bool ended;
    bool failed;
};

int Stat(void *, const char *name, VSIStatBufL *info, int)
{
    const std::shared_ptr<VsiCachedFile> file = Find(name);
    if (file == nullptr)
    {
        errno = ENOENT;
        return -1;
    }
    info->st_size = static_cast<decltype(info->st_size)>(file->Size());
    info->st_mode = S_IFREG;
    return 0;
}

char **Siblings(void *, const char *)
{
    return static_cast<char **>(CPLCalloc(1, sizeof(char *)));
}

void *Open(void *, const char *name, const char *access)
{
    const std::shared_ptr<VsiCachedFile> file = Find(name);
    const bool reads = strpbrk(access, "wa+") == nullptr;
    if (file == nullptr || !reads)
    {
        errno = file == nullptr ? ENOENT : EACCES;
        return nullptr;
    }
    return new (std::nothrow) Handle{file, 0, false, false};
}

vsi_l_offset Tell(void *user)
{
    return static_cast<const Handle *>(user)->at_bytes;
}

int Seek(void *user, vsi_l_offset offset, int whence)
{
    Handle *const handle = static_cast<Handle *>(user);
    uint64_t base = 0;
    if (whence == SEEK_CUR)
        base = handle->at_bytes;
    else if (whence == SEEK_END)
        base = handle->file->Size();
    handle->at_bytes = base + offset;
    handle->ended = false;
    return 0;
}

size_t Read(void *user, void *bytes, size_t size, size_t count)
{
    Handle *const handle = static_cast<Handle *>(user);
    const uint64_t total = handle->file->Size();
    const uint64_t left =
        handle->at_bytes < total ? total - handle->at_bytes : 0;
    if (size == 0 || count == 0)
        return 0;
    const size_t whole =
        static_cast<size_t>(std::min<uint64_t>(count, left / size));
    size_t nbytes = whole * size;
    if (whole < count)
    {
        handle->ended = true;
        nbytes = static_cast<size_t>(left);
    }
    struct pyr_error err = {""};
    enum pyr_result result = PYR_NOMEM;
    try
    {
        result = handle->file->Read(handle->at_bytes, bytes, nbytes, &err);
    }
    catch (const std::bad_alloc &)
    {
        (void)pyr_fail(&err, PYR_NOMEM, "out of memory");
    }
    if (result != PYR_OK)
    {
        handle->file->KeepFailure(result, err);
        handle->failed = true;
        return 0;
    }
    handle->at_bytes += nbytes;
    return whole;
}

int Eof(void *user)
{
    return static_cast<const Handle *>(user)->ended;
}

int Failed(void *user)
{
    return static_cast<const Handle *>(user)->failed;
}

void ClearFailed(void *user)
{
    Handle *const handle = static_cast<Handle *>(user);
    handle->failed = false;
    handle->ended = false;
}

int Close(void *user)
{
    delete static_cast<Handle *>(user);
    return 0;
}

// Once, and again after GDAL has dropped all its file systems.
void Install()
{
    const CPLStringList known(VSIGetFileSystemsPrefixes());
    if (known.FindString(PREFIX) >= 0)
        return;
    VSIFilesystemPluginCallbacksStruct *const calls =
        VSIAllocFilesystemPluginCallbacksStruct();
    calls->stat = Stat;
    calls->sibling_files = Siblings;
    calls->open = Open;
    calls->tell = Tell;
    calls->seek = Seek;
    calls->read = Read;
    calls->eof = Eof;
    calls->close = Close;
    GDALCompatSetErrorCallbacks(calls, Failed, ClearFailed);
    VSIInstallPluginHandler(PREFIX, calls);
    VSIFreeFilesystemPluginCallbacksStruct(calls);
}

} // namespace

std::string VsiCachedFilesAdd(const std::shared_ptr<VsiCachedFile> &file,
                              const char *path)
{
    // Without what follows in a URL, which may be secret.
    std::string base = CPLGetFilename(path);
    base = base.substr(0, base.find_first_of("?#"));
    Files &all = All();
    std::lock_guard<std::mutex> guard(all.lock);
    Install();
    const std::string name =
        std::to_string(all.next++) + "/" + (base.empty() ? "file.tif" : base);
    all.files[name] = file;
    return PREFIX + name;
}

void VsiCachedFilesRemove(const std::string &name)
{
    Files &all = All();
    std::lock_guard<std::mutex> guard(all.lock);
    all.files.erase(name.substr(strlen(PREFIX)));
}
