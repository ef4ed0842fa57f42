// SPDX-License-Identifier: MIT
// The file system /vsirados/ as GDAL calls it.
#include "vsirados_handler.h"

#include "vsirados_dir.h"
#include "vsirados_reader.h"
#include "vsirados_transfer.h"
#include "vsirados_writer.h"

#include "pyr_alloc.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_string.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <new>

#include <sys/stat.h>

namespace
{

constexpr size_t MAX_REMEMBERED = 100000;

// What does not exist is no error where somebody asks whether it does.
void Tell(const VsiRadosPlace &place, const VsiRadosFailure &failure,
          bool setError)
{
    if (failure.IsAbsence() || setError)
        VsiRadosSetError(place, failure);
    else
        VsiRadosRaise(place, failure);
}

// The names of the pools, as a directory; nullptr after an error.
char **Pools(const VsiRadosPlace &place)
{
    char *names = nullptr;
    VsiRadosFailure failure;
    const struct vsirados_settings settings = place.Settings();
    struct vsirados_clusters *const clusters = VsiRadosClusters();
    if (clusters == nullptr)
        return nullptr;
    failure.result =
        vsirados_pool_names(clusters, &settings, &names, &failure.error);
    if (failure.result != PYR_OK)
    {
        VsiRadosRaise(place, failure);
        return nullptr;
    }
    CPLStringList list(static_cast<char **>(CPLCalloc(1, sizeof(char *))));
    for (const char *name = names; *name != '\0'; name += strlen(name) + 1)
        list.AddString(name);
    pyr_free(names);
    return list.StealList();
}

bool IsWriting(const char *access)
{
    return access[0] == 'w';
}

bool IsReading(const char *access)
{
    return access[0] == 'r' && strchr(access, '+') == nullptr;
}

} // namespace

VSIVirtualHandle *VsiRadosHandler::OpenFile(const char *path,
                                            const char *access, bool setError)
{
    VsiRadosPlace place;
    if (!place.Parse(path) || place.Object().empty())
    {
        errno = ENOENT;
        return nullptr;
    }
    if (!IsReading(access) && !IsWriting(access))
    {
        VsiRadosRefuse(path, EACCES,
                       "objects are read, or written anew: modes r, w and w+");
        return nullptr;
    }
    VsiRadosFailure failure;
    VSIVirtualHandle *handle = nullptr;
    if (IsWriting(access))
        handle = VsiRadosWriter::Open(place, strchr(access, '+') != nullptr,
                                      &failure);
    else
        handle = OpenToRead(place, &failure);
    if (handle == nullptr)
        Tell(place, failure, setError);
    return handle;
}

VSIVirtualHandle *VsiRadosHandler::OpenToRead(const VsiRadosPlace &place,
                                              VsiRadosFailure *failure)
{
    VsiRadosReader *const reader = VsiRadosReader::Open(place, failure);
    if (reader == nullptr || !Remembers())
        return reader;
    std::lock_guard<std::mutex> guard(m_lock);
    if (m_opened.size() >= MAX_REMEMBERED)
        m_opened.clear();
    m_opened[place.Path()] = reader->Object();
    return reader;
}

bool VsiRadosHandler::IsOpened(const char *path,
                               struct vsirados_object *out_object)
{
    if (!Remembers())
        return false;
    std::lock_guard<std::mutex> guard(m_lock);
    const auto it = m_opened.find(path);
    if (it == m_opened.end())
        return false;
    *out_object = it->second;
    return true;
}

bool VsiRadosHandler::FindObject(const VsiRadosPlace &place,
                                 struct vsirados_object *out_object,
                                 VsiRadosFailure *failure)
{
    const VsiRadosPool pool = VsiRadosOpenPool(place, failure);
    if (pool != nullptr)
        failure->result =
            vsirados_object_open(pool.get(), place.Object().c_str(), nullptr, 0,
                                 out_object, &failure->error);
    return failure->result == PYR_OK;
}

void VsiRadosHandler::Remember(const VsiRadosPlace &place,
                               const std::string &object)
{
    if (!Remembers())
        return;
    std::lock_guard<std::mutex> guard(m_lock);
    if (m_directories.size() >= MAX_REMEMBERED)
        m_directories.clear();
    m_directories.insert(place.Pool() + '/' + object);
}

void VsiRadosHandler::Forget(const VsiRadosPlace &place)
{
    const std::string prefix = place.Pool() + '/' + place.Prefix();
    if (!Remembers())
        return;
    std::lock_guard<std::mutex> guard(m_lock);
    for (auto it = m_directories.begin(); it != m_directories.end();)
    {
        if ((*it + '/').compare(0, prefix.size(), prefix) == 0)
            it = m_directories.erase(it);
        else
            ++it;
    }
}

bool VsiRadosHandler::IsRemembered(const VsiRadosPlace &place)
{
    if (!Remembers())
        return false;
    std::lock_guard<std::mutex> guard(m_lock);
    return m_directories.count(place.Pool() + '/' + place.Object()) != 0;
}

// A path with a slash at its end, or a pool.
bool VsiRadosHandler::IsDirectory(const VsiRadosPlace &place,
                                  VsiRadosFailure *failure)
{
    if (place.Object().empty())
        return place.Pool().empty() ||
               VsiRadosOpenPool(place, failure) != nullptr;
    const std::unique_ptr<VSIDIR> dir(OpenPlace(place, 0, "", failure));
    return dir != nullptr;
}

int VsiRadosHandler::Stat(const char *path, VSIStatBufL *info, int flags)
{
    memset(info, 0, sizeof(*info));
    VsiRadosPlace place;
    if (!place.Parse(path))
    {
        errno = ENOENT;
        return -1;
    }
    VsiRadosFailure failure;
    struct vsirados_object object = {};
    const bool onlyKnown = (flags & VSI_STAT_CACHE_ONLY) != 0;
    const bool maybeObject =
        !place.Object().empty() && place.Object().back() != '/';
    if (onlyKnown ? IsOpened(path, &object)
                  : maybeObject && FindObject(place, &object, &failure))
    {
        info->st_mode = S_IFREG;
        info->st_size = object.size_bytes;
        info->st_mtime = static_cast<time_t>(object.changed_s);
        // What tells versions of the same second apart.
        info->st_ino = object.version;
        return 0;
    }
    if (onlyKnown)
        return -1;
    if (maybeObject ? failure.IsAbsence() && IsRemembered(place)
                    : IsDirectory(place, &failure))
    {
        info->st_mode = S_IFDIR;
        return 0;
    }
    // Nobody has an error who asks whether there is such a pool.
    failure.noPool = failure.noPool && !place.Object().empty();
    Tell(place, failure, (flags & VSI_STAT_SET_ERROR_FLAG) != 0);
    return -1;
}

int VsiRadosHandler::Unlink(const char *path)
{
    VsiRadosPlace place;
    if (!place.Parse(path) || place.Object().empty())
    {
        errno = ENOENT;
        return -1;
    }
    VsiRadosFailure failure;
    const VsiRadosPool pool = VsiRadosOpenPool(place, &failure);
    if (pool != nullptr)
        failure.result = vsirados_object_remove(
            pool.get(), place.Object().c_str(), 0, &failure.error);
    if (failure.result == PYR_OK)
        return 0;
    Tell(place, failure, false);
    return -1;
}

int *VsiRadosHandler::UnlinkBatch(CSLConstList paths)
{
    const int count = CSLCount(paths);
    int *const results = static_cast<int *>(
        CPLCalloc(static_cast<size_t>(count) + 1, sizeof(int)));
    std::vector<VsiRadosPlace> places(static_cast<size_t>(count));
    for (size_t i = 0; i < places.size(); i++)
    {
        if (places[i].Parse(paths[i]) && !places[i].Object().empty())
            continue;
        VsiRadosRefuse(paths[i], EINVAL, "is no object of /vsirados/");
        places[i] = VsiRadosPlace();
    }
    for (size_t first = 0; first < places.size();)
    {
        size_t end = first + 1;
        while (end < places.size() && places[end].HasPoolOf(places[first]))
            end++;
        VsiRadosRemove(&places[first], end - first, results + first);
        first = end;
    }
    return results;
}

// Directories are there when something is in them.
int VsiRadosHandler::Mkdir(const char *path, long)
{
    VsiRadosPlace place;
    const bool isObject = place.Parse(path) && !place.Object().empty();
    VSIStatBufL info;
    if (isObject)
        return 0;
    errno = Stat(path, &info, 0) == 0 ? EEXIST : EACCES;
    return -1;
}

int VsiRadosHandler::Rmdir(const char *path)
{
    VsiRadosPlace place;
    if (!place.Parse(path) || place.Object().empty())
    {
        errno = EACCES;
        return -1;
    }
    Forget(place);
    return 0;
}

int VsiRadosHandler::RmdirRecursive(const char *path)
{
    VsiRadosPlace place;
    if (!place.Parse(path) || place.Object().empty())
    {
        VsiRadosRefuse(path, EACCES, "a pool is not emptied");
        return -1;
    }
    VsiRadosFailure failure;
    const bool removed = VsiRadosRemoveBelow(place, &failure);
    Forget(place);
    if (!removed)
        Tell(place, failure, false);
    return removed ? 0 : -1;
}

VSIDIR *VsiRadosHandler::OpenPlace(const VsiRadosPlace &place, int depth,
                                   const char *namePrefix,
                                   VsiRadosFailure *failure)
{
    return VsiRadosDir::Open(
        place, depth, namePrefix,
        [this, place](const std::string &object) { Remember(place, object); },
        failure);
}

VSIDIR *VsiRadosHandler::OpenDir(const char *path, int depth,
                                 const char *const *options)
{
    VsiRadosPlace place;
    VsiRadosFailure failure;
    if (!place.Parse(path))
        return nullptr;
    if (place.Pool().empty())
        return VSIFilesystemHandler::OpenDir(path, depth, options);
    VSIDIR *const dir = OpenPlace(
        place, depth, CSLFetchNameValueDef(options, "PREFIX", ""), &failure);
    if (dir == nullptr)
        Tell(place, failure, false);
    return dir;
}

char **VsiRadosHandler::ReadDirEx(const char *path, int maxFiles)
{
    VsiRadosPlace place;
    VsiRadosFailure failure;
    if (!place.Parse(path))
        return nullptr;
    if (place.Pool().empty())
        return Pools(place);
    const std::unique_ptr<VSIDIR> dir(OpenPlace(place, 0, "", &failure));
    if (dir == nullptr)
    {
        Tell(place, failure, false);
        return nullptr;
    }
    CPLStringList names(static_cast<char **>(CPLCalloc(1, sizeof(char *))));
    const VSIDIREntry *entry = dir->NextDirEntry();
    for (; entry != nullptr && (maxFiles <= 0 || names.size() <= maxFiles);
         entry = dir->NextDirEntry())
        names.AddString(entry->pszName);
    // A part of the names is none of the answers that are asked for.
    if (static_cast<const VsiRadosDir *>(dir.get())->HasFailed())
        return nullptr;
    return names.Sort().StealList();
}

// Whoever opens a dataset is told that it has no sidecar files: to list them
// takes the names of all objects of the pool. A user who says what is wanted
// gets that.
char **VsiRadosHandler::SiblingFiles(const char *path)
{
    if (VSIGetPathSpecificOption(path, "GDAL_DISABLE_READDIR_ON_OPEN",
                                 nullptr) != nullptr)
        return nullptr;
    return CSLAddString(nullptr, CPLGetFilename(path));
}

int VsiRadosHandler::RenameFile(const char *from, const char *to)
{
    VsiRadosPlace source;
    VsiRadosPlace target;
    if (!source.Parse(from) || !target.Parse(to) || source.Object().empty() ||
        target.Object().empty())
    {
        errno = EXDEV;
        return -1;
    }
    return VsiRadosMove(source, target) ? 0 : -1;
}

bool VsiRadosHandler::CopyWithin(const char *from, const char *to,
                                 int *out_status)
{
    VsiRadosPlace source;
    VsiRadosPlace target;
    if (!source.Parse(from) || !target.Parse(to) || source.Object().empty() ||
        target.Object().empty())
        return false;
    *out_status = VsiRadosCopy(source, target, nullptr) ? 0 : -1;
    return true;
}

char **VsiRadosHandler::GetFileMetadata(const char *path, const char *domain,
                                        CSLConstList)
{
    VsiRadosPlace place;
    if (domain == nullptr || !place.Parse(path))
        return nullptr;
    if (EQUAL(domain, "COUNTERS"))
        return VsiRadosCounters();
    if (!EQUAL(domain, "HEADERS") || place.Object().empty())
        return nullptr;
    VsiRadosFailure failure;
    struct vsirados_object object = {};
    if (FindObject(place, &object, &failure))
        return VsiRadosHeaders(object);
    Tell(place, failure, false);
    return nullptr;
}

const char *VsiRadosHandler::GetOptions()
{
    return "<Options>"
           "<Option name='ROK4_CEPH_CONFFILE' type='string' "
           "description='Configuration file of the cluster' "
           "default='/etc/ceph/ceph.conf'/>"
           "<Option name='ROK4_CEPH_USERNAME' type='string' "
           "description='Name of the client' default='client.admin'/>"
           "<Option name='ROK4_CEPH_CLUSTERNAME' type='string' "
           "description='Name of the cluster' default='ceph'/>"
           "<Option name='ROK4_NETWORK_TIMEOUT' type='int' "
           "description='Seconds until a request is given up' default='30'/>"
           "</Options>";
}
