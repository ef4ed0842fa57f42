// SPDX-License-Identifier: MIT
// The core's file writer over GDAL's virtual file systems.
#include "vsi_out.h"

#include "vsi_objects.h"

#include "pyr_tree.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_string.h"
#include "cpl_vsi.h"
#include "cpl_vsi_error.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <new>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// One file that is being written.
struct pyr_out_file
{
    int descriptor = -1;        // of a local file
    VSILFILE *handle = nullptr; // of another
    std::string path{};
    std::string part{}; // its name until it is whole
    uint64_t size = 0;  // of a file on a virtual file system
    std::mutex lock{};  // for its handle
};

namespace
{

// Names that other processes left are passed over.
constexpr int MAX_NAMES = 1000;
// A directory may be removed again while it is made.
constexpr int MAX_TRIES = 10;
// What is written at once to a local file. For more, Linux caches it in larger
// blocks of memory than those it has at hand, and in a virtual machine each of
// them may have to be asked of the host, which takes ten times as long.
constexpr size_t PIECE_BYTES = 32 << 10;

std::string ParentOf(const std::string &path)
{
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos)
        return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// The name for the nth try.
std::string PartName(const std::string &path, int nth)
{
    const size_t slash = path.rfind('/');
    const size_t leaf = slash == std::string::npos ? 0 : slash + 1;
    return path.substr(0, leaf) + "." + path.substr(leaf) + PYR_TREE_PART_MARK +
           std::to_string(getpid()) + "-" + std::to_string(nth);
}

enum pyr_result FailWithErrno(struct pyr_error *err, const char *what,
                              int error)
{
    return error != 0 ? pyr_fail(err, PYR_IO, "%s: %s", what, strerror(error))
                      : pyr_fail(err, PYR_IO, "%s", what);
}

int OpenNew(const char *path)
{
    int descriptor = -1;
    do
        descriptor =
            open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW,
                 0666); // less the umask
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

enum pyr_result CreateLocal(pyr_out_file *file, struct pyr_error *err)
{
    int made = 0;
    for (int nth = 0; nth < MAX_NAMES;)
    {
        file->part = PartName(file->path, nth);
        file->descriptor = OpenNew(file->part.c_str());
        if (file->descriptor >= 0)
            return PYR_OK;
        const int error = errno;
        if (error == EEXIST)
            nth++;
        else if (error != ENOENT || made++ == MAX_TRIES)
            return FailWithErrno(err, "cannot be created", error);
        else if (!vsi_out_make_directories(ParentOf(file->path).c_str()))
            return FailWithErrno(err, "its directory cannot be made", errno);
    }
    return pyr_fail(err, PYR_IO, "cannot be created: %d unfinished ones",
                    MAX_NAMES);
}

enum pyr_result CreateVirtual(pyr_out_file *file, struct pyr_error *err)
{
    VSIStatBufL info = {};
    if (!vsi_out_make_directories(ParentOf(file->path).c_str()))
        return FailWithErrno(err, "its directory cannot be made", errno);
    // Names differ by the file's address: there is no opening of new files
    // only.
    char address[32];
    snprintf(address, sizeof(address), "-%p", static_cast<void *>(file));
    file->part = PartName(file->path, 0) + address;
    if (VSIStatExL(file->part.c_str(), &info, VSI_STAT_EXISTS_FLAG) == 0)
        VSIUnlink(file->part.c_str());
    VSIErrorReset();
    errno = 0;
    file->handle = VSIFOpenExL(file->part.c_str(), "wb+", TRUE);
    if (file->handle != nullptr)
        return PYR_OK;
    if (VSIGetLastErrorNo() != VSIE_None)
        return pyr_fail(err, PYR_IO, "cannot be created: %s",
                        VSIGetLastErrorMsg());
    return FailWithErrno(err, "cannot be created", errno);
}

enum pyr_result Create(void *, const char *path, pyr_out_file **out_file,
                       struct pyr_error *err)
{
    pyr_out_file *const file = new (std::nothrow) pyr_out_file;
    if (file == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    file->path = path;
    const enum pyr_result result = vsi_out_is_local(path)
                                       ? CreateLocal(file, err)
                                       : CreateVirtual(file, err);
    if (result != PYR_OK)
    {
        delete file;
        return result;
    }
    *out_file = file;
    return PYR_OK;
}

enum pyr_result CreateScratch(void *user, const char *path,
                              pyr_out_file **out_file, struct pyr_error *err)
{
    const enum pyr_result result = Create(user, path, out_file, err);
    if (result == PYR_OK && vsi_out_is_local(path) &&
        unlink((*out_file)->part.c_str()) == 0)
        (*out_file)->part.clear();
    return result;
}

enum pyr_result WriteLocal(pyr_out_file *file, uint64_t offset,
                           const char *bytes, size_t nbytes,
                           struct pyr_error *err)
{
    while (nbytes > 0)
    {
        const ssize_t done =
            pwrite(file->descriptor, bytes, std::min(nbytes, PIECE_BYTES),
                   static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return FailWithErrno(err, "cannot be written",
                                 done < 0 ? errno : EIO);
        bytes += done;
        nbytes -= static_cast<size_t>(done);
        offset += static_cast<uint64_t>(done);
    }
    return PYR_OK;
}

// Not every virtual file system makes zeros of what is skipped.
bool FillVirtual(pyr_out_file *file, uint64_t end)
{
    static const char zeros[4096] = {0};
    if (VSIFSeekL(file->handle, file->size, SEEK_SET) != 0)
        return false;
    while (file->size < end)
    {
        const size_t step = end - file->size < sizeof(zeros)
                                ? static_cast<size_t>(end - file->size)
                                : sizeof(zeros);
        if (VSIFWriteL(zeros, 1, step, file->handle) != step)
            return false;
        file->size += step;
    }
    return true;
}

enum pyr_result WriteVirtual(pyr_out_file *file, uint64_t offset,
                             const void *bytes, size_t nbytes,
                             struct pyr_error *err)
{
    std::lock_guard<std::mutex> guard(file->lock);
    errno = 0;
    if ((offset > file->size && !FillVirtual(file, offset)) ||
        VSIFSeekL(file->handle, offset, SEEK_SET) != 0 ||
        VSIFWriteL(bytes, 1, nbytes, file->handle) != nbytes)
        return FailWithErrno(err, "cannot be written", errno);
    if (offset + nbytes > file->size)
        file->size = offset + nbytes;
    return PYR_OK;
}

enum pyr_result Write(pyr_out_file *file, uint64_t offset, const void *bytes,
                      size_t nbytes, struct pyr_error *err)
{
    if (nbytes == 0)
        return PYR_OK;
    return file->handle == nullptr
               ? WriteLocal(file, offset, static_cast<const char *>(bytes),
                            nbytes, err)
               : WriteVirtual(file, offset, bytes, nbytes, err);
}

enum pyr_result EndsEarly(struct pyr_error *err, uint64_t offset)
{
    return pyr_fail(err, PYR_IO, "ends before byte %llu",
                    static_cast<unsigned long long>(offset));
}

enum pyr_result Read(pyr_out_file *file, uint64_t offset, void *bytes,
                     size_t nbytes, struct pyr_error *err)
{
    const uint64_t end = offset + nbytes;
    if (file->handle != nullptr)
    {
        std::lock_guard<std::mutex> guard(file->lock);
        return VSIFSeekL(file->handle, offset, SEEK_SET) == 0 &&
                       VSIFReadL(bytes, 1, nbytes, file->handle) == nbytes
                   ? PYR_OK
                   : EndsEarly(err, end);
    }
    char *next = static_cast<char *>(bytes);
    while (offset < end)
    {
        const ssize_t done =
            pread(file->descriptor, next, static_cast<size_t>(end - offset),
                  static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return FailWithErrno(err, "cannot be read", errno);
        if (done == 0)
            return EndsEarly(err, end);
        next += done;
        offset += static_cast<uint64_t>(done);
    }
    return PYR_OK;
}

// Bytes that the disk has not got yet never get there.
void Forget([[maybe_unused]] pyr_out_file *file,
            [[maybe_unused]] uint64_t offset, [[maybe_unused]] uint64_t nbytes)
{
#ifdef FALLOC_FL_PUNCH_HOLE
    if (file->descriptor >= 0)
        (void)fallocate(file->descriptor,
                        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        static_cast<off_t>(offset), static_cast<off_t>(nbytes));
#endif
}

// Closes; false with errno.
bool Close(pyr_out_file *file)
{
    int result = 0;
    errno = 0;
    if (file->handle != nullptr)
        result = VSIFCloseL(file->handle);
    else if (file->descriptor >= 0)
        result = close(file->descriptor);
    file->handle = nullptr;
    file->descriptor = -1;
    return result == 0;
}

void Unlink(const pyr_out_file *file)
{
    if (vsi_out_is_local(file->path.c_str()))
        unlink(file->part.c_str());
    else
        VSIUnlink(file->part.c_str());
}

bool SyncDirectory(const std::string &path)
{
    const int descriptor =
        open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    const bool synced = fsync(descriptor) == 0;
    const int error = errno;
    close(descriptor);
    errno = error;
    return synced;
}

enum pyr_result CommitLocal(pyr_out_file *file, bool durable, bool begins,
                            struct pyr_error *err)
{
    if (durable && fsync(file->descriptor) != 0)
        return FailWithErrno(err, "cannot be synchronised", errno);
#ifdef SYNC_FILE_RANGE_WRITE
    // What is written meanwhile need not be waited for at the end.
    if (!durable && begins)
        (void)sync_file_range(file->descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
    if (!Close(file))
        return FailWithErrno(err, "cannot be written", errno);
    if (rename(file->part.c_str(), file->path.c_str()) != 0)
        return FailWithErrno(err, "cannot be put in its place", errno);
    file->part.clear();
    if (durable && !SyncDirectory(ParentOf(file->path)))
        return FailWithErrno(err, "its directory cannot be synchronised",
                             errno);
    return PYR_OK;
}

enum pyr_result CommitVirtual(pyr_out_file *file, struct pyr_error *err)
{
    if (!Close(file))
        return FailWithErrno(err, "cannot be written", errno);
    errno = 0;
    if (VSIRename(file->part.c_str(), file->path.c_str()) != 0)
        return FailWithErrno(err, "cannot be put in its place", errno);
    file->part.clear();
    return PYR_OK;
}

void Discard(pyr_out_file *file)
{
    if (file == nullptr)
        return;
    Close(file);
    if (!file->part.empty())
        Unlink(file);
    delete file;
}

// begins: what need not be durable yet is on its way to the disk.
enum pyr_result CommitAny(pyr_out_file *file, bool durable, bool begins,
                          struct pyr_error *err)
{
    const enum pyr_result result = file->handle == nullptr
                                       ? CommitLocal(file, durable, begins, err)
                                       : CommitVirtual(file, err);
    Discard(file);
    return result;
}

enum pyr_result Commit(pyr_out_file *file, bool durable, struct pyr_error *err)
{
    return CommitAny(file, durable, true, err);
}

enum pyr_result CommitLater(pyr_out_file *file, bool durable,
                            struct pyr_error *err)
{
    return CommitAny(file, durable, false, err);
}

// One directory whose parent is there; one that is there is fine.
bool MakeDirectory(const char *path)
{
    struct stat info = {};
    if (mkdir(path, 0777) == 0) // less the umask
        return true;
    const int error = errno;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return true;
    errno = error;
    return false;
}

bool IsVirtualDirectory(const char *path)
{
    VSIStatBufL info = {};
    return VSIStatExL(path, &info,
                      VSI_STAT_EXISTS_FLAG | VSI_STAT_NATURE_FLAG) == 0 &&
           VSI_ISDIR(info.st_mode);
}

bool MakeVirtualDirectories(const char *path)
{
    // A directory that another thread makes at the same time is a failure.
    bool made = IsVirtualDirectory(path);
    for (int i = 0; !made && i < MAX_TRIES; i++)
    {
        errno = 0;
        made = VSIMkdirRecursive(path, 0755) == 0 || IsVirtualDirectory(path);
    }
    return made;
}

} // namespace

bool vsi_out_is_local(const char *path)
{
    return !STARTS_WITH(path, "/vsi");
}

bool vsi_out_make_directories(const char *path)
{
    if (vsi_objects_are_at(path))
        return true;
    if (!vsi_out_is_local(path))
        return MakeVirtualDirectories(path);
    if (MakeDirectory(path))
        return true;
    const std::string parent = ParentOf(path);
    if (errno != ENOENT || parent == path || path[0] == '\0')
        return false;
    return vsi_out_make_directories(parent.c_str()) && MakeDirectory(path);
}

struct pyr_out vsi_out_make()
{
    struct pyr_out out = {};
    out.create = Create;
    out.write = Write;
    out.read = Read;
    out.forget = Forget;
    out.commit = Commit;
    out.discard = Discard;
    return out;
}

struct pyr_out vsi_out_make_single()
{
    struct pyr_out out = vsi_out_make();
    out.commit = CommitLater;
    return out;
}

struct pyr_out vsi_out_make_scratch()
{
    struct pyr_out out = vsi_out_make();
    out.create = CreateScratch;
    return out;
}
