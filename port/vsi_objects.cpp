// SPDX-License-Identifier: MIT
// The core's object storages over GDAL's virtual file systems.
#include "vsi_objects.h"

#include "gdal_compat.h"
#include "object_bytes.h"
#include "redaction.h"
#include "storage_answer.h"
#include "storage_path.h"
#include "vsi_io.h"
#include "vsi_source.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_string.h"
#include "cpl_vsi.h"
#include "cpl_vsi_error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace
{

// Of the parts in which S3 takes a large object: 5 or more.
constexpr const char *PART_MIB = "16";

// An object that is being written, behind struct pyr_out_file.
struct ObjectFile
{
    std::string path{};
    ObjectBytes bytes{};
};

ObjectFile *FileOf(pyr_out_file *file)
{
    return static_cast<ObjectFile *>(static_cast<void *>(file));
}

enum pyr_result Fail(struct pyr_error *err, const char *what)
{
    const char *reason = CPLGetLastErrorMsg();
    if (reason[0] == '\0')
        reason = VSIGetLastErrorMsg();
    return reason[0] != '\0' ? pyr_fail(err, PYR_IO, "%s: %s", what, reason)
                             : pyr_fail(err, PYR_IO, "%s", what);
}

enum pyr_result Create(void *, const char *path, pyr_out_file **out_file,
                       struct pyr_error *err)
{
    ObjectFile *const file = new (std::nothrow) ObjectFile;
    if (file == nullptr)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    file->path = path;
    *out_file = static_cast<pyr_out_file *>(static_cast<void *>(file));
    return PYR_OK;
}

enum pyr_result Write(pyr_out_file *file, uint64_t offset, const void *bytes,
                      size_t nbytes, struct pyr_error *err)
{
    return FileOf(file)->bytes.Write(offset, bytes, nbytes, err);
}

enum pyr_result Read(pyr_out_file *file, uint64_t offset, void *bytes,
                     size_t nbytes, struct pyr_error *err)
{
    return FileOf(file)->bytes.Read(offset, bytes, nbytes, err);
}

void Discard(pyr_out_file *file)
{
    delete FileOf(file);
}

// GDAL tells what a storage answered only those who debug, and ends a listing
// that fails as one that is complete: what is said while this lives is kept.
class AnswerWatch final
{
  public:
    explicit AnswerWatch(std::string *reason) : m_reason(reason)
    {
        m_settings.Set("CPL_DEBUG", "S3 SWIFT");
        CPLPushErrorHandlerEx(Hear, this);
    }
    ~AnswerWatch()
    {
        CPLPopErrorHandler();
    }
    AnswerWatch(const AnswerWatch &) = delete;
    AnswerWatch &operator=(const AnswerWatch &) = delete;

  private:
    static void CPL_STDCALL Hear(CPLErr kind, CPLErrorNum, const char *text)
    {
        auto *const self =
            static_cast<AnswerWatch *>(CPLGetErrorHandlerUserData());
        // "S3: <?xml...<Error>...", "S3: (null)", "SWIFT: <html>..."
        const bool failed =
            kind == CE_Failure ||
            (kind == CE_Debug && (strstr(text, "<Error>") != nullptr ||
                                  strstr(text, ": (null)") != nullptr ||
                                  STARTS_WITH(text, "SWIFT: <")));
        if (failed && self->m_reason->empty())
            *self->m_reason = text;
    }

    ThreadSettings m_settings{};
    std::string *m_reason; // of the first failure; "" where nothing was said
};

// False where not all bytes were taken.
bool WriteAll(VSILFILE *handle, const ObjectBytes &bytes)
{
    constexpr size_t STEP = ObjectBytes::MAX_IN_MEMORY;
    for (size_t at = 0; at < bytes.Size(); at += STEP)
    {
        const size_t nbytes = std::min(STEP, bytes.Size() - at);
        if (VSIFWriteL(bytes.Data() + at, 1, nbytes, handle) != nbytes)
            return false;
        bytes.Forget(at, nbytes);
    }
    return true;
}

// Sends the object once. *again: another try may go well; *renewed: see
// StorageMayRecover.
enum pyr_result Put(const char *path, const ObjectBytes &bytes, bool *again,
                    bool *renewed, struct pyr_error *err)
{
    std::string reason;
    bool done = false;
    bool tooLarge = false;
    VSIErrorReset();
    errno = 0;
    {
        const AnswerWatch watch(&reason);
        VSILFILE *const handle = VSIFOpenExL(path, "wb", TRUE);
        // What has come only in part is not completed: the length is told
        // first, or, on Swift, the end comes last.
        done = handle != nullptr && WriteAll(handle, bytes);
        tooLarge = !done && errno == EFBIG;
        if (handle != nullptr && VSIFCloseL(handle) != 0)
            done = false;
    }
    if (done)
        return PYR_OK;
    if (reason.empty())
        reason = VSIGetLastErrorMsg();
    *again = !tooLarge && StorageMayRecover(path, reason, renewed);
    return pyr_fail(err, tooLarge ? PYR_LIMIT : PYR_IO, "cannot be written: %s",
                    StorageReason(reason).c_str());
}

enum pyr_result Commit(pyr_out_file *handle, bool, struct pyr_error *err)
{
    const std::unique_ptr<ObjectFile> file(FileOf(handle));
    const CPLErrorStateBackuper backup;
    const StorageRetry retry = StorageRetry::ForWriting();
    StoragePath place;
    ThreadSettings settings;
    enum pyr_result result = place.Resolve(file->path.c_str(), err);
    if (result == PYR_OK)
        result = file->bytes.Freeze(err);
    // GDAL makes room for 50 MB otherwise, which the system gives and takes
    // back for each object, and gathers them of a large one.
    if (CPLGetConfigOption("VSIS3_CHUNK_SIZE", nullptr) == nullptr)
        settings.Set("VSIS3_CHUNK_SIZE", PART_MIB);
    bool again = result == PYR_OK;
    bool renewed = false;
    for (unsigned nth = 0; again; nth++)
    {
        result = Put(place.Get(), file->bytes, &again, &renewed, err);
        if (result == PYR_OK || !again || nth + 1 == retry.attempts)
            break;
        CPLDebug("ROK4", "%s: %s; try %u of %u", file->path.c_str(),
                 Redacted(err->text).c_str(), nth + 2, retry.attempts);
        retry.Wait(nth);
    }
    // What was read of the object before is void.
    VSICurlPartialClearCache(place.Get());
    return result;
}

enum pyr_result Exists(void *, const char *path, bool *out_exists,
                       struct pyr_error *err)
{
    std::unique_ptr<VsiSource> source;
    std::vector<uint8_t> head;
    const enum pyr_result result =
        VsiSource::Open(path, 1, &source, &head, err);
    *out_exists = result == PYR_OK;
    return result == PYR_NOT_FOUND ? PYR_OK : result;
}

struct Closer
{
    void operator()(VSIDIR *directory) const
    {
        VSICloseDir(directory);
    }
};

struct Listing
{
    const char *prefix;
    pyr_objects_visit visit;
    void *context;
    bool sorted;          // by the bytes of names
    std::string last{};   // that was visited
    bool began = false;   // something is called so
    bool refused = false; // by the visitor
    std::string reason{}; // of a storage that does not list
};

// GDAL says nothing of a listing of Swift whose answer is empty, whatever its
// status: where it found nothing, the container itself is read, which tells its
// first 10000 names, as JSON.
enum pyr_result CheckNothing(const char *path, const Listing &listing,
                             struct pyr_error *err)
{
    constexpr size_t PREFIX_BYTES = sizeof("/vsiswift/") - 1;
    constexpr size_t READ_BYTES = 4 << 20;
    const std::string whole = path;
    const size_t slash = whole.find('/', PREFIX_BYTES);
    const std::string container = whole.substr(0, slash);
    std::string below =
        slash == std::string::npos ? "" : whole.substr(slash + 1);
    if (!below.empty() && below.back() != '/')
        below += '/';
    std::unique_ptr<VsiSource> source;
    std::vector<uint8_t> head;
    const enum pyr_result result =
        VsiSource::Open(container.c_str(), READ_BYTES, &source, &head, err);
    if (result != PYR_OK)
        return pyr_fail(err, PYR_IO, "cannot be listed: %s",
                        std::string(err->text).c_str());
    const std::string names(head.begin(), head.end());
    return names.find('"' + below + listing.prefix) == std::string::npos
               ? PYR_OK
               : pyr_fail(err, PYR_IO,
                          "cannot be listed: the storage listed nothing, and "
                          "has more");
}

// Lists once, going on behind the last name. PYR_IO where it ended too soon.
enum pyr_result ListOnce(const char *path, Listing *listing,
                         struct pyr_error *err)
{
    std::string &reason = listing->reason;
    reason.clear();
    CPLStringList options;
    options.SetNameValue("PREFIX", listing->prefix);
    // There may be millions.
    options.SetNameValue("CACHE_ENTRIES", "FALSE");
    VSICurlPartialClearCache(path);
    VSIErrorReset();
    const std::unique_ptr<VSIDIR, Closer> entries([&] {
        const AnswerWatch watch(&reason);
        return VSIOpenDir(path, 0, options.List());
    }());
    const size_t prefix_nbytes = strlen(listing->prefix);
    enum pyr_result result = PYR_OK;
    listing->began = entries != nullptr;
    while (entries != nullptr && result == PYR_OK)
    {
        const VSIDIREntry *const entry = [&] {
            const AnswerWatch watch(&reason);
            return VSIGetNextDirEntry(entries.get());
        }();
        if (entry == nullptr)
            break;
        if (VSI_ISDIR(entry->nMode) ||
            strncmp(entry->pszName, listing->prefix, prefix_nbytes) != 0 ||
            (listing->sorted && listing->last >= entry->pszName))
            continue;
        if (listing->sorted)
            listing->last = entry->pszName;
        result =
            listing->visit(listing->context, entry->pszName,
                           entry->bSizeKnown ? entry->nSize : UINT64_MAX, err);
        listing->refused = result != PYR_OK;
    }
    if (result == PYR_OK && !reason.empty())
        return pyr_fail(err, PYR_IO, "cannot be listed: %s",
                        StorageReason(reason).c_str());
    return result == PYR_OK && listing->last.empty() &&
                   STARTS_WITH(path, "/vsiswift/")
               ? CheckNothing(path, *listing, err)
               : result;
}

enum pyr_result List(void *, const char *directory, const char *prefix,
                     pyr_objects_visit visit, void *context,
                     struct pyr_error *err)
{
    const CPLErrorStateBackuper backup;
    const StorageRetry retry = StorageRetry::ForReading();
    StoragePath place;
    enum pyr_result result = place.Resolve(directory, err);
    Listing listing = {prefix, visit, context,
                       !STARTS_WITH(directory, "/vsirados/")};
    bool again = result == PYR_OK;
    bool renewed = false;
    for (unsigned nth = 0; again; nth++)
    {
        if (result == PYR_IO)
            retry.Wait(nth - 1);
        result = ListOnce(place.Get(), &listing, err);
        // Where nothing is called so, GDAL says no more than where it failed:
        // it is asked again, at once.
        again = nth + 1 < retry.attempts && listing.sorted &&
                !listing.refused &&
                (result == PYR_IO
                     ? StorageMayRecover(place.Get(), listing.reason, &renewed)
                     : !listing.began && nth == 0);
    }
    return result;
}

// Asks once; keeps those paths that are still there, or may be. *reason: why.
void RemoveOnce(std::vector<std::string> *paths, std::string *reason)
{
    CPLStringList list;
    for (const std::string &path : *paths)
        list.AddString(StoragePath::Plain(path.c_str()).c_str());
    int *done = nullptr;
    reason->clear();
    VSIErrorReset();
    {
        const AnswerWatch watch(reason);
        done = VSIUnlinkBatch(list.List());
    }
    if (reason->empty())
        *reason = VSIGetLastErrorMsg();
    std::vector<std::string> left;
    bool answers = true;
    for (size_t i = 0; i < paths->size(); i++)
    {
        const std::string &path = (*paths)[i];
        struct pyr_error err = {""};
        bool there = true;
        if (done != nullptr && done[i])
            continue;
        // Where nobody answers, the others need not be asked for.
        answers =
            answers && Exists(nullptr, path.c_str(), &there, &err) == PYR_OK;
        if (!answers || there)
            left.push_back(path);
    }
    CPLFree(done);
    paths->swap(left);
}

enum pyr_result Remove(void *, const char *const *paths, size_t npaths,
                       struct pyr_error *err)
{
    if (npaths == 0)
        return PYR_OK;
    const CPLErrorStateBackuper backup;
    const StorageRetry retry = StorageRetry::ForWriting();
    StoragePath place;
    const enum pyr_result result = place.Resolve(paths[0], err);
    if (result != PYR_OK)
        return result;
    std::string reason;
    bool renewed = false;
    std::vector<std::string> left;
    for (size_t i = 0; i < npaths; i++)
        left.push_back(paths[i]);
    bool again = true;
    for (unsigned nth = 0; again; nth++)
    {
        if (nth > 0)
            retry.Wait(nth - 1);
        RemoveOnce(&left, &reason);
        again = !left.empty() && nth + 1 < retry.attempts &&
                StorageMayRecover(place.Get(), reason, &renewed);
    }
    return left.empty() ? PYR_OK
                        : pyr_fail(err, PYR_IO, "%s cannot be removed%s%s",
                                   left[0].c_str(), reason.empty() ? "" : ": ",
                                   StorageReason(reason).c_str());
}

enum pyr_result Load(void *, const char *path, size_t max_bytes,
                     char **out_text, size_t *out_nbytes, struct pyr_error *err)
{
    return vsi_io_make().load(nullptr, path, max_bytes, out_text, out_nbytes,
                              err);
}

// Whether both paths lead to one storage with one user's rights.
bool IsSameStorage(const char *left, const char *right)
{
    static const char *const keys[] = {"AWS_S3_ENDPOINT", "AWS_ACCESS_KEY_ID",
                                       "AWS_REGION", "AWS_PROFILE"};
    return STARTS_WITH(left, "/vsis3/") && STARTS_WITH(right, "/vsis3/") &&
           StoragePath::Cluster(left) == StoragePath::Cluster(right) &&
           std::all_of(std::begin(keys), std::end(keys), [&](const char *key) {
               return EQUAL(VSIGetPathSpecificOption(left, key, ""),
                            VSIGetPathSpecificOption(right, key, ""));
           });
}

enum pyr_result Copy(void *, const char *from, const char *to, uint64_t nbytes,
                     struct pyr_error *err)
{
    if (nbytes < GDALCompatLeastCopiedBytes() || !IsSameStorage(from, to))
        return pyr_fail(err, PYR_UNSUPPORTED, "is not copied by its storage");
    const CPLErrorStateBackuper backup;
    const StorageRetry retry = StorageRetry::ForWriting();
    StoragePath place;
    enum pyr_result result = place.Resolve(to, err);
    const std::string source = StoragePath::Plain(from);
    for (unsigned nth = 0; result == PYR_OK; nth++)
    {
        const CPLErrorHandlerPusher quiet(RedactedQuietHandler);
        CPLErrorReset();
        VSIErrorReset();
        if (GDALCompatCopyObject(source.c_str(), place.Get()))
            break;
        if (nth + 1 == retry.attempts)
            result = Fail(err, "cannot be copied");
        else
            retry.Wait(nth);
    }
    VSICurlPartialClearCache(place.Get());
    return result;
}

struct pyr_out MakeOut()
{
    struct pyr_out out = {};
    out.create = Create;
    out.write = Write;
    out.read = Read;
    out.commit = Commit;
    out.discard = Discard;
    return out;
}

} // namespace

bool vsi_objects_are_at(const char *path)
{
    static const char *const systems[] = {"/vsis3/", "/vsiswift/",
                                          "/vsirados/"};
    return std::any_of(
        std::begin(systems), std::end(systems),
        [path](const char *system) { return STARTS_WITH(path, system); });
}

struct pyr_objects vsi_objects_make()
{
    static const struct pyr_out out = MakeOut();
    struct pyr_objects objects = {};
    objects.out = &out;
    objects.exists = Exists;
    objects.list = List;
    objects.remove = Remove;
    objects.copy = Copy;
    objects.load = Load;
    return objects;
}
