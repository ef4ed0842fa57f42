// SPDX-License-Identifier: MIT
// The core's directories, links and locks over GDAL's virtual file systems.
#include "vsi_tree.h"

#include "vsi_io.h"
#include "vsi_lock.h"
#include "vsi_objects.h"
#include "vsi_out.h"
#include "vsi_remote.h"

#include "pyr_alloc.h"

#include "cpl_conv.h"
#include "cpl_string.h"
#include "cpl_vsi.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

constexpr size_t SCAN_BYTES = 1 << 20;
constexpr size_t MAX_LINK_BYTES = PYR_MAX_PATH_BYTES;

enum pyr_result FailWithErrno(struct pyr_error *err, int error)
{
    const enum pyr_result result = error == ENOENT || error == ENOTDIR
                                       ? PYR_NOT_FOUND
                                   : error == ENOMEM ? PYR_NOMEM
                                                     : PYR_IO;
    return pyr_fail(err, result, "%s", strerror(error != 0 ? error : EIO));
}

enum pyr_result NoLinks(struct pyr_error *err)
{
    return pyr_fail(err, PYR_UNSUPPORTED, "there are no links here");
}

enum pyr_entry EntryOf(mode_t mode)
{
    if (S_ISREG(mode))
        return PYR_ENTRY_FILE;
    if (S_ISDIR(mode))
        return PYR_ENTRY_DIRECTORY;
    return S_ISLNK(mode) ? PYR_ENTRY_LINK : PYR_ENTRY_OTHER;
}

const struct pyr_objects *ObjectsAt(void *, const char *path)
{
    static const struct pyr_objects objects = vsi_objects_make();
    return vsi_objects_are_at(path) ? &objects : nullptr;
}

enum pyr_entry KindVirtual(const char *path)
{
    VSIStatBufL info = {};
    if (VSIStatExL(path, &info, VSI_STAT_EXISTS_FLAG | VSI_STAT_NATURE_FLAG) !=
        0)
        return PYR_ENTRY_ABSENT;
    return VSI_ISDIR(info.st_mode) ? PYR_ENTRY_DIRECTORY : PYR_ENTRY_FILE;
}

enum pyr_result Kind(void *, const char *path, enum pyr_entry *out_kind,
                     struct pyr_error *err)
{
    const struct pyr_objects *const objects = ObjectsAt(nullptr, path);
    if (objects != nullptr)
    {
        bool exists = false;
        const enum pyr_result result =
            objects->exists(objects->user, path, &exists, err);
        *out_kind = exists ? PYR_ENTRY_FILE : PYR_ENTRY_ABSENT;
        return result;
    }
    if (!vsi_out_is_local(path))
    {
        *out_kind = KindVirtual(path);
        return PYR_OK;
    }
    struct stat info = {};
    if (lstat(path, &info) == 0)
        *out_kind = EntryOf(info.st_mode);
    else if (errno == ENOENT || errno == ENOTDIR)
        *out_kind = PYR_ENTRY_ABSENT;
    else
        return FailWithErrno(err, errno);
    return PYR_OK;
}

// Names of a directory, in one block of memory: there may be millions.
class Names final
{
  public:
    void Add(const char *name, enum pyr_entry kind)
    {
        m_offsets.push_back(m_bytes.size());
        m_bytes.push_back(static_cast<char>(kind));
        m_bytes.append(name, strlen(name) + 1);
    }

    void Sort()
    {
        std::sort(m_offsets.begin(), m_offsets.end(),
                  [this](size_t left, size_t right) {
                      return strcmp(Name(left), Name(right)) < 0;
                  });
    }

    enum pyr_result Visit(pyr_tree_visit visit, void *context,
                          struct pyr_error *err) const
    {
        enum pyr_result result = PYR_OK;
        for (size_t i = 0; i < m_offsets.size() && result == PYR_OK; i++)
            result =
                visit(context, Name(m_offsets[i]),
                      static_cast<enum pyr_entry>(m_bytes[m_offsets[i]]), err);
        return result;
    }

  private:
    std::string m_bytes{};
    std::vector<size_t> m_offsets{};

    const char *Name(size_t offset) const
    {
        return m_bytes.c_str() + offset + 1;
    }
};

bool IsDots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

// The kind of an entry that readdir told of; false with errno.
bool FindKind(DIR *directory, const struct dirent *entry, enum pyr_entry *kind)
{
    struct stat info = {};
    switch (entry->d_type)
    {
        case DT_REG:
            *kind = PYR_ENTRY_FILE;
            return true;
        case DT_DIR:
            *kind = PYR_ENTRY_DIRECTORY;
            return true;
        case DT_LNK:
            *kind = PYR_ENTRY_LINK;
            return true;
        default:
            break;
    }
    if (fstatat(dirfd(directory), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) !=
        0)
        return false;
    *kind = EntryOf(info.st_mode);
    return true;
}

struct Closer
{
    void operator()(DIR *directory) const
    {
        closedir(directory);
    }
};

enum pyr_result ReadLocal(const char *path, Names *names, struct pyr_error *err)
{
    const std::unique_ptr<DIR, Closer> directory(opendir(path));
    if (directory == nullptr)
        return FailWithErrno(err, errno);
    int error = 0;
    for (;;)
    {
        enum pyr_entry kind = PYR_ENTRY_OTHER;
        errno = 0;
        const struct dirent *const entry = readdir(directory.get());
        if (entry == nullptr)
        {
            error = errno;
            break;
        }
        if (IsDots(entry->d_name))
            continue;
        if (FindKind(directory.get(), entry, &kind))
            names->Add(entry->d_name, kind);
        else if (errno != ENOENT)
        {
            error = errno;
            break;
        }
    }
    return error == 0 ? PYR_OK : FailWithErrno(err, error);
}

enum pyr_result ReadVirtual(const char *path, Names *names,
                            struct pyr_error *err)
{
    if (KindVirtual(path) != PYR_ENTRY_DIRECTORY)
        return pyr_fail(err, PYR_NOT_FOUND, "is no directory");
    char **const entries = VSIReadDirEx(path, 0);
    for (char **entry = entries; entry != nullptr && *entry != nullptr; entry++)
    {
        if (IsDots(*entry))
            continue;
        const std::string full = std::string(path) + "/" + *entry;
        names->Add(*entry, KindVirtual(full.c_str()));
    }
    CSLDestroy(entries);
    return PYR_OK;
}

enum pyr_result List(void *, const char *path, pyr_tree_visit visit,
                     void *context, struct pyr_error *err)
{
    Names names;
    try
    {
        const enum pyr_result result = vsi_out_is_local(path)
                                           ? ReadLocal(path, &names, err)
                                           : ReadVirtual(path, &names, err);
        if (result != PYR_OK)
            return result;
    }
    catch (const std::bad_alloc &)
    {
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    names.Sort();
    return names.Visit(visit, context, err);
}

enum pyr_result RenameVirtual(const char *from, const char *to,
                              struct pyr_error *err)
{
    const enum pyr_entry kind = KindVirtual(from);
    if (kind == PYR_ENTRY_ABSENT)
        return FailWithErrno(err, ENOENT);
    // Elsewhere, a directory may be a prefix of names only.
    if (kind == PYR_ENTRY_DIRECTORY && !STARTS_WITH(from, "/vsimem/"))
        return pyr_fail(err, PYR_UNSUPPORTED, "directories have no new names");
    errno = 0;
    if (VSIRename(from, to) != 0)
        return FailWithErrno(err, errno);
    return PYR_OK;
}

enum pyr_result Rename(void *, const char *from, const char *to,
                       struct pyr_error *err)
{
    if (vsi_out_is_local(from) != vsi_out_is_local(to))
        return pyr_fail(err, PYR_UNSUPPORTED, "is on another storage");
    if (!vsi_out_is_local(from))
        return RenameVirtual(from, to, err);
    if (rename(from, to) == 0)
        return PYR_OK;
    if (errno == EXDEV)
        return pyr_fail(err, PYR_UNSUPPORTED, "is on another storage");
    return FailWithErrno(err, errno);
}

enum pyr_result Unlink(void *, const char *path, struct pyr_error *err)
{
    const struct pyr_objects *const objects = ObjectsAt(nullptr, path);
    if (objects != nullptr)
        return objects->remove(objects->user, &path, 1, err);
    errno = 0;
    if (vsi_out_is_local(path) ? unlink(path) == 0 : VSIUnlink(path) == 0)
        return PYR_OK;
    if (!vsi_out_is_local(path) && KindVirtual(path) == PYR_ENTRY_ABSENT)
        return FailWithErrno(err, ENOENT);
    return FailWithErrno(err, errno);
}

// In memory, directories are removed whatever is below them.
enum pyr_result RmdirVirtual(const char *path, struct pyr_error *err)
{
    Names names;
    const auto refuse = [](void *, const char *, enum pyr_entry,
                           struct pyr_error *found) {
        return pyr_fail(found, PYR_USAGE, "is not empty");
    };
    enum pyr_result result = ReadVirtual(path, &names, err);
    if (result == PYR_OK)
        result = names.Visit(refuse, nullptr, err);
    if (result != PYR_OK)
        return result;
    errno = 0;
    return VSIRmdir(path) == 0 ? PYR_OK : FailWithErrno(err, errno);
}

enum pyr_result Rmdir(void *, const char *path, struct pyr_error *err)
{
    if (!vsi_out_is_local(path))
        return RmdirVirtual(path, err);
    if (rmdir(path) == 0)
        return PYR_OK;
    if (errno == ENOTEMPTY || errno == EEXIST)
        return pyr_fail(err, PYR_USAGE, "is not empty");
    return FailWithErrno(err, errno);
}

enum pyr_result Mkdirs(void *, const char *path, struct pyr_error *err)
{
    if (vsi_out_make_directories(path))
        return PYR_OK;
    return pyr_fail(err, PYR_IO, "the directory cannot be made: %s",
                    strerror(errno != 0 ? errno : EIO));
}

enum pyr_result GiveText(const std::string &text, char **out_text,
                         struct pyr_error *err)
{
    char *const copy = pyr_strndup(text.c_str(), text.size());
    if (copy == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    *out_text = copy;
    return PYR_OK;
}

enum pyr_result Readlink(void *, const char *path, char **out_target,
                         struct pyr_error *err)
{
    if (!vsi_out_is_local(path))
        return NoLinks(err);
    std::string target(MAX_LINK_BYTES, '\0');
    const ssize_t nbytes = readlink(path, &target[0], target.size());
    if (nbytes < 0)
        return FailWithErrno(err, errno);
    if (static_cast<size_t>(nbytes) == target.size())
        return pyr_fail(err, PYR_LIMIT, "the target of the link is too long");
    target.resize(static_cast<size_t>(nbytes));
    return GiveText(target, out_target, err);
}

enum pyr_result Realpath(void *, const char *path, char **out_path,
                         struct pyr_error *err)
{
    if (!vsi_out_is_local(path))
        return GiveText(path, out_path, err);
    const std::unique_ptr<char, decltype(&free)> found(realpath(path, nullptr),
                                                       free);
    if (found == nullptr)
        return FailWithErrno(err, errno);
    return GiveText(found.get(), out_path, err);
}

enum pyr_result Symlink(void *, const char *target, const char *path,
                        struct pyr_error *err)
{
    if (!vsi_out_is_local(path))
        return NoLinks(err);
    return symlink(target, path) == 0 ? PYR_OK : FailWithErrno(err, errno);
}

enum pyr_result Hardlink(void *, const char *from, const char *path,
                         struct pyr_error *err)
{
    if (!vsi_out_is_local(from) || !vsi_out_is_local(path))
        return NoLinks(err);
    if (link(from, path) == 0)
        return PYR_OK;
    if (errno == EXDEV || errno == EPERM || errno == EMLINK)
        return pyr_fail(err, PYR_UNSUPPORTED, "no further name of %s: %s", from,
                        strerror(errno));
    return FailWithErrno(err, errno);
}

// Opens a directory, and closes it after the call that makes it durable.
enum pyr_result SyncBy(const char *path, int (*call)(int),
                       struct pyr_error *err)
{
    if (!vsi_out_is_local(path))
        return PYR_OK;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return FailWithErrno(err, errno);
    const int result = call(descriptor);
    const int error = errno;
    close(descriptor);
    // Some network file systems have no fsync of directories.
    return result == 0 || error == EINVAL || error == ENOTSUP
               ? PYR_OK
               : FailWithErrno(err, error);
}

enum pyr_result Sync(void *, const char *path, struct pyr_error *err)
{
    return SyncBy(path, syncfs, err);
}

enum pyr_result SyncDirectory(void *, const char *path, struct pyr_error *err)
{
    return SyncBy(path, fsync, err);
}

enum pyr_result Load(void *, const char *path, size_t max_bytes,
                     char **out_text, size_t *out_nbytes, struct pyr_error *err)
{
    return vsi_io_make().load(nullptr, path, max_bytes, out_text, out_nbytes,
                              err);
}

enum pyr_result ScanLocal(int descriptor, pyr_tree_consume consume,
                          void *context, struct pyr_error *err)
{
    struct stat info = {};
    if (fstat(descriptor, &info) != 0)
        return FailWithErrno(err, errno);
    if (!S_ISREG(info.st_mode))
        return pyr_fail(err, PYR_IO, "is not a regular file");
    std::vector<char> buffer(SCAN_BYTES);
    for (;;)
    {
        const ssize_t nbytes = read(descriptor, buffer.data(), buffer.size());
        if (nbytes < 0 && errno == EINTR)
            continue;
        if (nbytes < 0)
            return FailWithErrno(err, errno);
        if (nbytes == 0)
            return PYR_OK;
        const enum pyr_result result =
            consume(context, buffer.data(), static_cast<size_t>(nbytes), err);
        if (result != PYR_OK)
            return result;
    }
}

enum pyr_result ScanVirtual(VSILFILE *file, pyr_tree_consume consume,
                            void *context, struct pyr_error *err)
{
    std::vector<char> buffer(SCAN_BYTES);
    enum pyr_result result = PYR_OK;
    size_t nbytes = buffer.size();
    while (result == PYR_OK && nbytes == buffer.size())
    {
        nbytes = VSIFReadL(buffer.data(), 1, buffer.size(), file);
        if (nbytes < buffer.size() && !VSIFEofL(file))
            return pyr_fail(err, PYR_IO, "cannot be read");
        if (nbytes > 0)
            result = consume(context, buffer.data(), nbytes, err);
    }
    return result;
}

enum pyr_result ScanRemote(const char *path, pyr_tree_consume consume,
                           void *context, struct pyr_error *err)
{
    std::unique_ptr<VsiRemoteFile> file;
    enum pyr_result result = VsiRemoteFile::Open(path, SCAN_BYTES, &file, err);
    if (result != PYR_OK)
        return result;
    std::vector<uint8_t> buffer(SCAN_BYTES);
    uint8_t *const bytes = buffer.data();
    struct pyr_extent range = {0, 0};
    for (; result == PYR_OK && range.offset_bytes < file->Size();
         range.offset_bytes += range.nbytes)
    {
        range.nbytes = std::min<uint64_t>(file->Size() - range.offset_bytes,
                                          buffer.size());
        result = file->Read(1, &range, &bytes, nullptr, err);
        if (result == PYR_OK)
            result =
                consume(context, bytes, static_cast<size_t>(range.nbytes), err);
    }
    return result;
}

enum pyr_result Scan(void *, const char *path, pyr_tree_consume consume,
                     void *context, struct pyr_error *err)
{
    enum pyr_result result = PYR_OK;
    if (vsi_out_is_local(path))
    {
        // Without waiting for the other end of a pipe.
        const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (descriptor < 0)
            return FailWithErrno(err, errno);
        result = ScanLocal(descriptor, consume, context, err);
        close(descriptor);
        return result;
    }
    if (vsi_io_is_remote(path))
        return ScanRemote(path, consume, context, err);
    VSILFILE *const file = VSIFOpenL(path, "rb");
    if (file == nullptr)
        return pyr_fail(err, PYR_NOT_FOUND, "cannot be opened");
    result = ScanVirtual(file, consume, context, err);
    VSIFCloseL(file);
    return result;
}

} // namespace

struct pyr_tree vsi_tree_make()
{
    static const struct pyr_out out = vsi_out_make();
    struct pyr_tree tree = {};
    tree.out = &out;
    tree.objects_at = ObjectsAt;
    tree.kind = Kind;
    tree.list = List;
    tree.rename = Rename;
    tree.unlink = Unlink;
    tree.rmdir = Rmdir;
    tree.mkdirs = Mkdirs;
    tree.readlink = Readlink;
    tree.realpath = Realpath;
    tree.symlink = Symlink;
    tree.hardlink = Hardlink;
    tree.lock = vsi_lock_take;
    tree.unlock = vsi_lock_release;
    tree.sync = Sync;
    tree.sync_directory = SyncDirectory;
    tree.load = Load;
    tree.scan = Scan;
    return tree;
}
