// SPDX-License-Identifier: MIT
// The core's file writer over virtual file systems that only take a file in
// sequence: object stores.
#include "vsi_out.h"

#include "gdal_compat.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_string.h"
#include "cpl_vsi.h"
#include "cpl_vsi_error.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <string>

namespace
{

// One file that is being written, behind struct pyr_out_file.
struct StreamFile
{
    VSILFILE *handle = nullptr;
    std::string path{};
    uint64_t size = 0; // what was written
    VSIStatBufL before{};
    bool existed = false; // before is known
};

// What a handle does not complete is never seen there.
bool IsAtomic(const std::string &path)
{
    return STARTS_WITH(path.c_str(), "/vsis3/") ||
           STARTS_WITH(path.c_str(), "/vsigs/") ||
           STARTS_WITH(path.c_str(), "/vsioss/") ||
           STARTS_WITH(path.c_str(), "/vsirados/");
}

StreamFile *FileOf(pyr_out_file *file)
{
    return static_cast<StreamFile *>(static_cast<void *>(file));
}

enum pyr_result Fail(struct pyr_error *err, const char *what, int error)
{
    // The last message of the network tells more than errno.
    if (VSIGetLastErrorNo() != VSIE_None)
        return pyr_fail(err, PYR_IO, "%s: %s", what, VSIGetLastErrorMsg());
    return error != 0 ? pyr_fail(err, PYR_IO, "%s: %s", what, strerror(error))
                      : pyr_fail(err, PYR_IO, "%s", what);
}

bool Stat(const std::string &path, VSIStatBufL *info)
{
    VSICurlPartialClearCache(path.c_str());
    const CPLErrorHandlerPusher quiet(CPLQuietErrorHandler);
    return VSIStatExL(path.c_str(), info,
                      VSI_STAT_EXISTS_FLAG | VSI_STAT_NATURE_FLAG |
                          VSI_STAT_SIZE_FLAG) == 0;
}

enum pyr_result Create(void *, const char *path, pyr_out_file **out_file,
                       struct pyr_error *err)
{
    StreamFile *const file = new (std::nothrow) StreamFile;
    if (file == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    file->path = path;
    if (!IsAtomic(file->path))
        file->existed = Stat(file->path, &file->before);
    VSIErrorReset();
    errno = 0;
    file->handle = VSIFOpenExL(path, "wb", TRUE);
    if (file->handle == nullptr)
    {
        const enum pyr_result result = Fail(err, "cannot be created", errno);
        delete file;
        return result;
    }
    *out_file = static_cast<pyr_out_file *>(static_cast<void *>(file));
    return PYR_OK;
}

enum pyr_result Write(pyr_out_file *handle, uint64_t offset, const void *bytes,
                      size_t nbytes, struct pyr_error *err)
{
    StreamFile *const file = FileOf(handle);
    if (offset != file->size)
        return pyr_fail(err, PYR_USAGE,
                        "written at byte %llu, expected %llu: not in sequence",
                        static_cast<unsigned long long>(offset),
                        static_cast<unsigned long long>(file->size));
    if (nbytes == 0)
        return PYR_OK;
    VSIErrorReset();
    errno = 0;
    if (VSIFWriteL(bytes, 1, nbytes, file->handle) != nbytes)
        return Fail(err, "cannot be written", errno);
    file->size += nbytes;
    return PYR_OK;
}

enum pyr_result Read(pyr_out_file *, uint64_t, void *, size_t,
                     struct pyr_error *err)
{
    return pyr_fail(err, PYR_UNSUPPORTED,
                    "cannot be read back while it is written");
}

enum pyr_result Commit(pyr_out_file *handle, bool, struct pyr_error *err)
{
    StreamFile *const file = FileOf(handle);
    VSIErrorReset();
    errno = 0;
    enum pyr_result result = PYR_OK;
    if (VSIFCloseL(file->handle) != 0)
        result = Fail(err, "cannot be written", errno);
    else
        VSICurlPartialClearCache(file->path.c_str());
    delete file;
    return result;
}

// Whether something else stands at the path than before.
bool IsChanged(const StreamFile &file)
{
    VSIStatBufL info = {};
    return Stat(file.path, &info) &&
           !(file.existed && info.st_size == file.before.st_size &&
             info.st_mtime == file.before.st_mtime);
}

// Closing a file completes it, but for one that was asked for what it cannot
// do: the file system then drops what it was sent, as far as it can.
void Discard(pyr_out_file *handle)
{
    if (handle == nullptr)
        return;
    StreamFile *const file = FileOf(handle);
    const CPLErrorHandlerPusher quiet(CPLQuietErrorHandler);
    GDALCompatCancelCreation(file->handle);
    (void)VSIFSeekL(file->handle, file->size + 1, SEEK_SET);
    (void)VSIFCloseL(file->handle);
    if (!IsAtomic(file->path) && IsChanged(*file))
        VSIUnlink(file->path.c_str());
    delete file;
}

} // namespace

bool vsi_out_is_random(const char *path)
{
    // GDAL says so of the standard output, too.
    return vsi_out_is_local(path) || (VSISupportsRandomWrite(path, false) &&
                                      !STARTS_WITH(path, "/vsistdout"));
}

struct pyr_out vsi_out_make_stream()
{
    struct pyr_out out = {};
    out.create = Create;
    out.write = Write;
    out.read = Read;
    out.commit = Commit;
    out.discard = Discard;
    return out;
}
