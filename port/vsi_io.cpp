// SPDX-License-Identifier: MIT
// The core's file reader over GDAL's virtual file systems.
#include "vsi_io.h"

#include "pyr_alloc.h"
#include "vsi_remote.h"

#include "cpl_vsi_virtual.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include <sys/stat.h>

// One open file and its identity at opening.
struct pyr_file
{
    VSIVirtualHandle *handle = nullptr;
    std::shared_ptr<VsiRemoteFile> remote{}; // in the place of the handle
    RequestBudget *budget = nullptr;         // for its reads
    int descriptor = -1;                     // of a local file, else -1
    std::string path{};
    uint64_t size = 0;
    uint64_t seen = 0;  // size and times at opening
    uint64_t stamp = 0; // the same, or 0 where that says too little
    std::mutex lock{};  // for handles without PRead
};

namespace
{

// A change of a local file within this time of the last one may leave its times
// as they were: file systems count in ticks of up to 10 ms.
constexpr int64_t TICK_NS = 20 * 1000 * 1000;
constexpr int SETTLE_TRIES = 10;
// The same for file systems that count in seconds.
constexpr time_t TICK_S = 2;
// Requests for one file at once: GDAL sends all ranges of a call together.
constexpr size_t MAX_REQUESTS = 16;
uint64_t Mix(uint64_t hash, uint64_t value)
{
    hash ^= value;
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

uint64_t StampOf(const struct stat &info)
{
    uint64_t hash = 1;
    hash = Mix(hash, static_cast<uint64_t>(info.st_dev));
    hash = Mix(hash, static_cast<uint64_t>(info.st_ino));
    hash = Mix(hash, static_cast<uint64_t>(info.st_size));
    hash = Mix(hash, static_cast<uint64_t>(info.st_mtim.tv_sec));
    hash = Mix(hash, static_cast<uint64_t>(info.st_mtim.tv_nsec));
    hash = Mix(hash, static_cast<uint64_t>(info.st_ctim.tv_sec));
    hash = Mix(hash, static_cast<uint64_t>(info.st_ctim.tv_nsec));
    return hash | 1;
}

uint64_t StampOf(const VSIStatBufL &info)
{
    return Mix(Mix(2, static_cast<uint64_t>(info.st_size)),
               static_cast<uint64_t>(info.st_mtime)) |
           1;
}

// Nanoseconds since the file's inode last changed.
int64_t AgeOf(const struct stat &info)
{
    struct timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    return (static_cast<int64_t>(now.tv_sec) - info.st_ctim.tv_sec) *
               INT64_C(1000000000) +
           (now.tv_nsec - info.st_ctim.tv_nsec);
}

// Identity of a local file, once it is older than a tick: from then on any
// change shows.
enum pyr_result StampLocal(pyr_file *file, struct pyr_error *err)
{
    struct stat info = {};
    for (int i = 0; i < SETTLE_TRIES; i++)
    {
        if (fstat(file->descriptor, &info) != 0)
            return pyr_fail(err, PYR_IO, "cannot be examined: %s",
                            strerror(errno));
        const int64_t age = AgeOf(info);
        if (age < 0 || age > TICK_NS)
            break;
        const struct timespec pause = {0, static_cast<long>(TICK_NS - age)};
        nanosleep(&pause, nullptr);
    }
    file->size = static_cast<uint64_t>(info.st_size);
    file->seen = StampOf(info);
    file->stamp = file->seen;
    return PYR_OK;
}

enum pyr_result StampVirtual(pyr_file *file, struct pyr_error *err)
{
    VSIStatBufL info = {};
    if (VSIStatExL(file->path.c_str(), &info,
                   VSI_STAT_EXISTS_FLAG | VSI_STAT_NATURE_FLAG |
                       VSI_STAT_SIZE_FLAG) != 0)
        return pyr_fail(err, PYR_IO, "cannot be examined");
    if (VSI_ISDIR(info.st_mode))
        return pyr_fail(err, PYR_IO, "is a directory");
    file->size = static_cast<uint64_t>(info.st_size);
    // A time that is not known, or that another change may leave as it is.
    const bool vague =
        info.st_mtime == 0 || time(nullptr) - info.st_mtime < TICK_S;
    file->seen = StampOf(info);
    file->stamp = vague ? 0 : file->seen;
    return PYR_OK;
}

// Whether the last VSI error says that the server knows no such file, and not
// that it failed or forbids it.
bool IsAbsentAnswer()
{
    const int code = VSIGetLastErrorNo();
    if (code == VSIE_AWSObjectNotFound)
        return true;
    constexpr const char *ANSWER = "HTTP response code: ";
    const char *const message = VSIGetLastErrorMsg();
    return code == VSIE_HttpError && STARTS_WITH(message, ANSWER) &&
           (STARTS_WITH(message + strlen(ANSWER), "404") ||
            STARTS_WITH(message + strlen(ANSWER), "410"));
}

// Why a file on a virtual file system could not be opened. Only what is
// certainly not there is PYR_NOT_FOUND.
enum pyr_result VirtualFailure(const char *path, struct pyr_error *err)
{
    const int code = VSIGetLastErrorNo();
    if (code != VSIE_None && code != VSIE_FileError && !IsAbsentAnswer())
    {
        // GDAL remembers any failure as "does not exist".
        VSICurlPartialClearCache(path);
        return pyr_fail(err, PYR_IO, "cannot be opened: %s",
                        VSIGetLastErrorMsg());
    }
    VSIStatBufL info = {};
    if (VSIStatExL(path, &info, VSI_STAT_EXISTS_FLAG) == 0)
        return pyr_fail(err, PYR_IO, "cannot be opened");
    return pyr_fail(err, PYR_NOT_FOUND, "does not exist");
}

// The same for a local one: a link to nowhere is there. Sets *appeared when the
// file is there by now: a writer may unlink the old one before the new one
// comes.
enum pyr_result LocalFailure(const char *path, int error, bool *appeared,
                             struct pyr_error *err)
{
    struct stat link = {};
    if (error != ENOENT && error != ENOTDIR)
        return pyr_fail(err, PYR_IO, "cannot be opened: %s", strerror(error));
    if (lstat(path, &link) != 0)
        return pyr_fail(err, PYR_NOT_FOUND, "does not exist");
    *appeared = !S_ISLNK(link.st_mode);
    return pyr_fail(err, PYR_IO,
                    *appeared ? "comes and goes"
                              : "is a link to a file that is not there");
}

enum pyr_result TryToOpen(const char *path, VSILFILE **out_handle,
                          bool *appeared, struct pyr_error *err)
{
    const bool local = !STARTS_WITH(path, "/vsi");
    struct stat info = {};
    if (local && stat(path, &info) != 0)
        return LocalFailure(path, errno, appeared, err);
    if (local && !S_ISREG(info.st_mode))
        return pyr_fail(err, PYR_IO, "is not a regular file");
    static const char *const options[] = {"DISABLE_READDIR_ON_OPEN=YES",
                                          nullptr};
    VSIErrorReset();
    errno = 0;
    VSILFILE *const handle = VSIFOpenEx2L(path, "rb", TRUE, options);
    const int error = errno;
    if (handle == nullptr)
        return local ? LocalFailure(path, error, appeared, err)
                     : VirtualFailure(path, err);
    *out_handle = handle;
    return PYR_OK;
}

// Opens for reading, without asking for the listing of the directory, and
// without waiting for the other end of a pipe.
enum pyr_result OpenHandle(const char *path, VSILFILE **out_handle,
                           struct pyr_error *err)
{
    enum pyr_result result = PYR_IO;
    bool again = true;
    for (int i = 0; again && i < SETTLE_TRIES; i++)
    {
        again = false;
        result = TryToOpen(path, out_handle, &again, err);
    }
    return result;
}

void Close(pyr_file *file)
{
    if (file->handle != nullptr)
        VSIFCloseL(reinterpret_cast<VSILFILE *>(file->handle));
    delete file;
}

enum pyr_result FindRemote(RemoteFiles *files, const char *path,
                           std::shared_ptr<VsiRemoteFile> *out_remote,
                           struct pyr_error *err)
{
    if (files != nullptr)
        return files->Open(path, out_remote, err);
    std::unique_ptr<VsiRemoteFile> opened;
    const enum pyr_result result =
        VsiRemoteFile::Open(path, SLAB_HEAD_BYTES, &opened, err);
    *out_remote = std::move(opened);
    return result;
}

enum pyr_result OpenRemote(RemoteFiles *files, const char *path,
                           pyr_file **out_file, struct pyr_error *err)
{
    std::shared_ptr<VsiRemoteFile> remote;
    const enum pyr_result result = FindRemote(files, path, &remote, err);
    if (result != PYR_OK)
        return result;
    pyr_file *const file = new (std::nothrow) pyr_file;
    if (file == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    file->size = remote->Size();
    file->stamp = remote->Stamp();
    file->remote = std::move(remote);
    file->budget = files != nullptr ? &files->Budget() : nullptr;
    *out_file = file;
    return PYR_OK;
}

enum pyr_result Open(void *user, const char *path, pyr_file **out_file,
                     struct pyr_error *err)
{
    if (vsi_io_is_remote(path))
        return OpenRemote(static_cast<RemoteFiles *>(user), path, out_file,
                          err);
    VSILFILE *handle = nullptr;
    enum pyr_result result = OpenHandle(path, &handle, err);
    if (result != PYR_OK)
        return result;
    pyr_file *const file = new (std::nothrow) pyr_file;
    if (file == nullptr)
    {
        VSIFCloseL(handle);
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    file->handle = reinterpret_cast<VSIVirtualHandle *>(handle);
    file->path = path;
    void *const native = VSIFGetNativeFileDescriptorL(handle);
    if (native != nullptr)
        file->descriptor = static_cast<int>(reinterpret_cast<intptr_t>(native));
    result =
        file->descriptor >= 0 ? StampLocal(file, err) : StampVirtual(file, err);
    if (result != PYR_OK)
    {
        Close(file);
        return result;
    }
    *out_file = file;
    return PYR_OK;
}

uint64_t Size(const pyr_file *file)
{
    return file->size;
}

uint64_t Stamp(const pyr_file *file)
{
    return file->stamp;
}

bool Unchanged(const pyr_file *file)
{
    if (file->remote != nullptr)
        return !file->remote->WasReplaced();
    if (file->descriptor >= 0)
    {
        struct stat info = {};
        return fstat(file->descriptor, &info) == 0 &&
               StampOf(info) == file->seen;
    }
    VSIStatBufL info = {};
    return VSIStatExL(file->path.c_str(), &info,
                      VSI_STAT_EXISTS_FLAG | VSI_STAT_SIZE_FLAG) == 0 &&
           StampOf(info) == file->seen;
}

// One range of a handle that reads at positions from many threads.
enum pyr_result ReadAt(pyr_file *file, const struct pyr_extent &range,
                       uint8_t *buffer, struct pyr_error *err)
{
    const size_t got = file->handle->PRead(
        buffer, static_cast<size_t>(range.nbytes), range.offset_bytes);
    if (got == range.nbytes)
        return PYR_OK;
    return pyr_fail(err, PYR_IO,
                    "reading %llu bytes at byte %llu gave %llu bytes",
                    static_cast<unsigned long long>(range.nbytes),
                    static_cast<unsigned long long>(range.offset_bytes),
                    static_cast<unsigned long long>(got));
}

enum pyr_result ReadTogether(pyr_file *file, size_t nranges,
                             const struct pyr_extent *ranges,
                             uint8_t *const *buffers, struct pyr_error *err)
{
    std::vector<void *> data(nranges);
    std::vector<vsi_l_offset> offsets(nranges);
    std::vector<size_t> sizes(nranges);
    for (size_t i = 0; i < nranges; i++)
    {
        data[i] = buffers[i];
        offsets[i] = ranges[i].offset_bytes;
        sizes[i] = static_cast<size_t>(ranges[i].nbytes);
    }
    std::lock_guard<std::mutex> guard(file->lock);
    for (size_t first = 0; first < nranges; first += MAX_REQUESTS)
    {
        const size_t count = std::min(nranges - first, MAX_REQUESTS);
        if (VSIFReadMultiRangeL(static_cast<int>(count), data.data() + first,
                                offsets.data() + first, sizes.data() + first,
                                reinterpret_cast<VSILFILE *>(file->handle)) !=
            0)
            return pyr_fail(
                err, PYR_IO, "reading %llu ranges from byte %llu failed",
                static_cast<unsigned long long>(count),
                static_cast<unsigned long long>(ranges[first].offset_bytes));
    }
    return PYR_OK;
}

enum pyr_result Read(pyr_file *file, size_t nranges,
                     const struct pyr_extent *ranges, uint8_t *const *buffers,
                     struct pyr_error *err)
{
    for (size_t i = 0; i < nranges; i++)
        if (ranges[i].offset_bytes > file->size ||
            ranges[i].nbytes > file->size - ranges[i].offset_bytes)
            return pyr_fail(err, PYR_CORRUPT, "ends before byte %llu",
                            static_cast<unsigned long long>(
                                ranges[i].offset_bytes + ranges[i].nbytes));
    if (file->remote != nullptr)
        return file->remote->Read(nranges, ranges, buffers, file->budget, err);
    if (file->descriptor < 0 || !file->handle->HasPRead())
        return ReadTogether(file, nranges, ranges, buffers, err);
    enum pyr_result result = PYR_OK;
    for (size_t i = 0; i < nranges && result == PYR_OK; i++)
        result = ReadAt(file, ranges[i], buffers[i], err);
    return result;
}

enum pyr_result Load(void *, const char *path, size_t max_bytes,
                     char **out_text, size_t *out_nbytes, struct pyr_error *err)
{
    if (vsi_io_is_remote(path))
        return vsi_remote_load(path, max_bytes, out_text, out_nbytes, err);
    VSILFILE *file = nullptr;
    enum pyr_result result = OpenHandle(path, &file, err);
    // A directory is no such file: one may be called as a TMS is.
    if (result == PYR_IO && vsi_io_is_directory(path))
        return pyr_fail(err, PYR_NOT_FOUND, "is a directory");
    if (result != PYR_OK)
        return result;
    result = vsi_io_load_open(file, nullptr, 0, max_bytes, out_text, out_nbytes,
                              err);
    VSIFCloseL(file);
    return result;
}

} // namespace

enum pyr_result vsi_io_load_open(VSILFILE *file, const void *head,
                                 size_t head_nbytes, size_t max_bytes,
                                 char **out_text, size_t *out_nbytes,
                                 struct pyr_error *err)
{
    constexpr size_t STEP = 64 * 1024;
    size_t nbytes = head_nbytes;
    char *text = static_cast<char *>(pyr_malloc(head_nbytes + 1));
    if (text == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    if (head_nbytes > 0)
        memcpy(text, head, head_nbytes);
    if (VSIFSeekL(file, head_nbytes, SEEK_SET) != 0)
    {
        pyr_free(text);
        return pyr_fail(err, PYR_IO, "cannot be read from byte %llu",
                        static_cast<unsigned long long>(head_nbytes));
    }
    for (;;)
    {
        char *const grown =
            static_cast<char *>(pyr_realloc(text, nbytes + STEP + 1));
        if (grown == nullptr)
        {
            pyr_free(text);
            return pyr_fail(err, PYR_NOMEM, "out of memory");
        }
        text = grown;
        const size_t got = VSIFReadL(text + nbytes, 1, STEP, file);
        nbytes += got;
        if (nbytes > max_bytes)
        {
            pyr_free(text);
            return pyr_fail(err, PYR_LIMIT,
                            "has more than %llu bytes, the most that is read",
                            static_cast<unsigned long long>(max_bytes));
        }
        if (got < STEP)
            break;
    }
    text[nbytes] = '\0';
    *out_text = text;
    *out_nbytes = nbytes;
    return PYR_OK;
}

uint64_t vsi_io_stamp(const char *path)
{
    struct stat info = {};
    return stat(path, &info) == 0 ? StampOf(info) : 0;
}

uint64_t vsi_io_stamp_open(VSILFILE *file)
{
    struct stat info = {};
    void *const native = VSIFGetNativeFileDescriptorL(file);
    return native != nullptr &&
                   fstat(static_cast<int>(reinterpret_cast<intptr_t>(native)),
                         &info) == 0
               ? StampOf(info)
               : 0;
}

std::string vsi_io_version(const char *path)
{
    VSIStatBufL info = {};
    if (vsi_io_is_remote(path))
        return vsi_remote_version(path);
    if (VSIStatL(path, &info) != 0)
        return "";
    return CPLSPrintf("%llu %lld %ld %lld",
                      static_cast<unsigned long long>(info.st_ino),
                      static_cast<long long>(info.st_mtim.tv_sec),
                      static_cast<long>(info.st_mtim.tv_nsec),
                      static_cast<long long>(info.st_size));
}

bool vsi_io_is_remote(const char *path)
{
    return STARTS_WITH(path, "/vsi") &&
           VSIHasOptimizedReadMultiRange(path) != FALSE;
}

bool vsi_io_exists(const char *path)
{
    if (vsi_io_is_remote(path))
        return vsi_remote_exists(path);
    VSIStatBufL info = {};
    return VSIStatExL(path, &info,
                      VSI_STAT_EXISTS_FLAG | VSI_STAT_NATURE_FLAG) == 0 &&
           VSI_ISREG(info.st_mode);
}

bool vsi_io_is_directory(const char *path)
{
    VSIStatBufL info = {};
    return VSIStatExL(path, &info,
                      VSI_STAT_EXISTS_FLAG | VSI_STAT_NATURE_FLAG) == 0 &&
           VSI_ISDIR(info.st_mode);
}

struct pyr_io vsi_io_make_keeping(RemoteFiles *files)
{
    struct pyr_io io = vsi_io_make();
    io.user = files;
    return io;
}

struct pyr_io vsi_io_make()
{
    struct pyr_io io = {};
    io.open = Open;
    io.close = Close;
    io.size = Size;
    io.stamp = Stamp;
    io.unchanged = Unchanged;
    io.read = Read;
    io.load = Load;
    return io;
}
