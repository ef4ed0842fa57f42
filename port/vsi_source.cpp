// SPDX-License-Identifier: MIT
// A file on any of GDAL's file systems, read in many ranges at once.
#include "vsi_source.h"

#include "redaction.h"
#include "storage_answer.h"
#include "storage_path.h"
#include "thread_settings.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_string.h"
#include "cpl_time.h"
#include "cpl_vsi_virtual.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include <sys/stat.h>

namespace
{

// GDAL's readers of remote files read in whole chunks of so many bytes.
size_t ChunkBytes(const char *path)
{
    constexpr const char *OPTION = "CPL_VSIL_CURL_CHUNK_SIZE";
    constexpr int DEFAULT_BYTES = 16384;
    const char *const options = VSIGetFileSystemOptions(path);
    if (options == nullptr || strstr(options, OPTION) == nullptr)
        return 1;
    const char *const wish = CPLGetConfigOption(OPTION, nullptr);
    const GIntBig nbytes = wish != nullptr ? CPLAtoGIntBig(wish) : 0;
    return static_cast<size_t>(
        nbytes >= 1024 && nbytes <= 10 * 1024 * 1024 ? nbytes : DEFAULT_BYTES);
}

// Keeps errors that GDAL raises while it lives from the user: the caller tells
// of them in its own words.
class Quiet final
{
  public:
    Quiet()
    {
        CPLPushErrorHandler(RedactedQuietHandler);
        CPLErrorReset();
    }
    ~Quiet()
    {
        CPLPopErrorHandler();
    }
    Quiet(const Quiet &) = delete;
    Quiet &operator=(const Quiet &) = delete;

  private:
    CPLErrorStateBackuper m_backup{};
};

bool IsHttp(const char *path)
{
    return STARTS_WITH(path, "/vsicurl/http://") ||
           STARTS_WITH(path, "/vsicurl/https://");
}

// GDAL asks whether a file exists, and how large it is, before it reads it, but
// not of archives, which it knows by their names. What follows '#' is not sent
// to the server.
bool CanSkipAsking(const char *path)
{
    return IsHttp(path) && strchr(path, '#') == nullptr &&
           CPLGetConfigOption("CPL_VSIL_CURL_ALLOWED_EXTENSIONS", nullptr) ==
               nullptr &&
           CPLGetConfigOption("CPL_VSIL_CURL_ALLOWED_FILENAME", nullptr) ==
               nullptr;
}

// Where a header more does not break the signature of a request.
bool TakesConditions(const char *path)
{
    return IsHttp(path) || STARTS_WITH(path, "/vsis3/") ||
           STARTS_WITH(path, "/vsiswift/") || STARTS_WITH(path, "/vsigs/");
}

// "Thu, 26 Nov 2026 03:20:53 GMT", whatever the locale.
std::string HttpTime(time_t time)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed",
                                       "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
                                         "May", "Jun", "Jul", "Aug",
                                         "Sep", "Oct", "Nov", "Dec"};
    struct tm parts = {};
    CPLUnixTimeToYMDHMS(time, &parts);
    return CPLSPrintf("%s, %02d %s %d %02d:%02d:%02d GMT", days[parts.tm_wday],
                      parts.tm_mday, months[parts.tm_mon], 1900 + parts.tm_year,
                      parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// The headers with which only what is not newer is read; "" where the user's
// own ones leave no room for that.
std::string Condition(const char *path, time_t time)
{
    const char *const own =
        VSIGetPathSpecificOption(path, "GDAL_HTTP_HEADERS", "");
    const char *const comma = strchr(own, ',');
    // Notations that do not mix with a list, parts of which are in quotes.
    if (strchr(own, '\n') != nullptr ||
        (comma != nullptr && strchr(comma, ':') == nullptr))
        return "";
    return std::string(own) + (own[0] != '\0' ? "," : "") +
           "\"If-Unmodified-Since: " + HttpTime(time) + "\"";
}

// When a local file was changed last; its status may change without it.
bool TimeOf(int descriptor, int64_t *changed_ns, uint64_t *size)
{
    struct stat info = {};
    if (fstat(descriptor, &info) != 0)
        return false;
    *changed_ns = static_cast<int64_t>(info.st_mtim.tv_sec) * 1000000000 +
                  info.st_mtim.tv_nsec;
    *size = static_cast<uint64_t>(info.st_size);
    return true;
}

} // namespace

// Else GDAL remembers what it was told about the file, also to open it again.
// Without the file's settings it would look for others, on the network, and
// forget what it knows of all files.
VsiSource::~VsiSource()
{
    Close();
    if (!m_remote)
        return;
    const Quiet quiet;
    struct pyr_error err = {""};
    StoragePath place;
    if (place.Resolve(m_name.c_str(), &err) == PYR_OK)
        VSICurlPartialClearCache(m_path.c_str());
}

void VsiSource::Close()
{
    if (m_file != nullptr)
        VSIFCloseL(m_file);
    m_file = nullptr;
}

// Asks for a remote file once more. What is there; why there is nothing is
// VSI's last error.
bool VsiSource::Ask(VSIStatBufL *info)
{
    VSICurlPartialClearCache(m_path.c_str());
    m_requests++;
    // GDAL tells the size or the error, and knows the answer the second time.
    return VSIStatExL(m_path.c_str(), info,
                      VSI_STAT_EXISTS_FLAG | VSI_STAT_SET_ERROR_FLAG) == 0 &&
           VSIStatExL(m_path.c_str(), info,
                      VSI_STAT_EXISTS_FLAG | VSI_STAT_SIZE_FLAG) == 0;
}

// Why the last call failed. GDAL does not say what a server answered to a
// range: it is asked once more.
std::string VsiSource::Reason(const char *otherwise)
{
    if (CPLGetLastErrorMsg()[0] != '\0')
        return CPLGetLastErrorMsg();
    if (VSIGetLastErrorNo() == VSIE_None && m_remote)
    {
        VSIStatBufL info = {};
        if (Ask(&info))
            VSIErrorReset();
        // What was told must not be remembered for reads to come.
        VSICurlPartialClearCache(m_path.c_str());
    }
    return VSIGetLastErrorMsg()[0] != '\0' ? VSIGetLastErrorMsg() : otherwise;
}

enum pyr_result VsiSource::OpenHandle(const char *path, size_t first_bytes,
                                      struct pyr_error *err)
{
    m_path = path;
    m_remote = VSIHasOptimizedReadMultiRange(path) != FALSE;
    VSIStatBufL info = {};
    if (!m_remote &&
        VSIStatExL(path, &info, VSI_STAT_EXISTS_FLAG | VSI_STAT_NATURE_FLAG) !=
            0)
        return pyr_fail(err, PYR_NOT_FOUND, "does not exist");
    if (!m_remote && !VSI_ISREG(info.st_mode))
        return pyr_fail(err, PYR_IO, "is not a regular file");

    const Quiet quiet;
    ThreadSettings settings;
    CPLStringList options;
    settings.Set("VSI_CACHE", "NO");
    settings.Set("GDAL_INGESTED_BYTES_AT_OPEN",
                 std::to_string(first_bytes).c_str());
    if (m_remote && CanSkipAsking(path))
    {
        m_path += "#.zip";
        options.SetNameValue("DISABLE_READDIR_ON_OPEN", "NO");
    }
    else
        options.SetNameValue("DISABLE_READDIR_ON_OPEN", "YES");
    if (m_remote)
        VSICurlPartialClearCache(m_path.c_str());
    for (int i = 0; i < 2 && m_file == nullptr; i++)
    {
        // Without asking, where a listing of the directory lacks the file: such
        // listings may be old.
        if (i > 0)
            VSICurlPartialClearCache(CPLGetDirname(m_path.c_str()));
        VSIErrorReset();
        errno = 0;
        m_file = VSIFOpenEx2L(m_path.c_str(), "rb", TRUE, options.List());
        if (!m_remote || VSIGetLastErrorNo() != VSIE_None)
            break;
    }
    if (m_file != nullptr)
        return PYR_OK;
    const std::string reason =
        Reason(errno != 0 ? strerror(errno) : "no reason given");
    m_transient = StorageMayRecover(m_path.c_str(), reason, &m_renewed);
    return pyr_fail(err, StorageKnowsNone(reason) ? PYR_NOT_FOUND : PYR_IO,
                    "cannot be opened: %s", StorageReason(reason).c_str());
}

bool VsiSource::IsAbsentForGdal(const char *path)
{
    static const char *const options[] = {"DISABLE_READDIR_ON_OPEN=YES",
                                          nullptr};
    StoragePath place;
    struct pyr_error err = {""};
    if (place.Resolve(path, &err) != PYR_OK)
        return false;
    const Quiet quiet;
    VSIErrorReset();
    VSILFILE *const file = VSIFOpenEx2L(place.Get(), "rb", TRUE, options);
    if (file != nullptr)
        VSIFCloseL(file);
    return file == nullptr && (VSIGetLastErrorNo() == VSIE_None ||
                               StorageKnowsNone(VSIGetLastErrorMsg()));
}

enum pyr_result VsiSource::ReadHead(size_t first_bytes,
                                    std::vector<uint8_t> *out_head,
                                    struct pyr_error *err)
{
    const size_t chunk = ChunkBytes(m_path.c_str());
    const size_t wanted = (first_bytes + chunk - 1) / chunk * chunk;
    const Quiet quiet;
    VSIErrorReset();
    std::vector<uint8_t> head(wanted);
    const size_t got = VSIFReadL(head.data(), 1, wanted, m_file);
    m_requests++;
    m_bytes += got;
    if (got == 0)
    {
        const std::string reason = Reason("no bytes came");
        m_transient = StorageMayRecover(m_path.c_str(), reason, &m_renewed);
        return pyr_fail(err, StorageKnowsNone(reason) ? PYR_NOT_FOUND : PYR_IO,
                        "cannot be read: %s", StorageReason(reason).c_str());
    }
    // Known by the answer.
    if (VSIFSeekL(m_file, 0, SEEK_END) != 0)
        return pyr_fail(err, PYR_IO, "has no known size");
    m_size = VSIFTellL(m_file);
    if (got < std::min<uint64_t>(wanted, m_size))
        return pyr_fail(
            err, PYR_IO, "its first %llu bytes gave %llu bytes only",
            static_cast<unsigned long long>(std::min<uint64_t>(wanted, m_size)),
            static_cast<unsigned long long>(got));
    head.resize(static_cast<size_t>(std::min<uint64_t>(got, m_size)));
    out_head->swap(head);
    return PYR_OK;
}

enum pyr_result VsiSource::OpenOnce(const char *path, size_t first_bytes,
                                    std::vector<uint8_t> *out_head,
                                    struct pyr_error *err)
{
    enum pyr_result result = OpenHandle(path, first_bytes, err);
    void *const native =
        result == PYR_OK ? VSIFGetNativeFileDescriptorL(m_file) : nullptr;
    uint64_t size = 0;
    if (native != nullptr)
        m_descriptor = static_cast<int>(reinterpret_cast<intptr_t>(native));
    if (native != nullptr && !TimeOf(m_descriptor, &m_changed_ns, &size))
        result = pyr_fail(err, PYR_IO, "cannot be examined");
    if (result == PYR_OK)
        result = ReadHead(first_bytes, out_head, err);
    return result;
}

// From now on, the server is asked for this very file only: for what is not
// newer. GDAL 3.6 looks for headers at each request, later ones when a file is
// opened. Opening anew costs no request, GDAL knows the file.
void VsiSource::Guard()
{
    VSIStatBufL info = {};
    const Quiet quiet;
    constexpr int FLAGS = VSI_STAT_EXISTS_FLAG | VSI_STAT_SIZE_FLAG;
    // GDAL forgets it when another thread opens a file whose name this one's
    // begins with.
    if (VSIStatExL(m_path.c_str(), &info, FLAGS | VSI_STAT_CACHE_ONLY) == 0 ||
        VSIStatExL(m_path.c_str(), &info, FLAGS) == 0)
    {
        m_time = info.st_mtime;
        m_version = static_cast<uint64_t>(info.st_ino);
    }
    if (m_time == 0 || !TakesConditions(m_path.c_str()))
        return;
    m_condition = Condition(m_path.c_str(), m_time);
    static const char *const options[] = {"DISABLE_READDIR_ON_OPEN=YES",
                                          nullptr};
    ThreadSettings settings;
    settings.Set("VSI_CACHE", "NO");
    SetCondition(&settings);
    VSILFILE *const guarded = VSIFOpenEx2L(m_path.c_str(), "rb", TRUE, options);
    if (guarded == nullptr)
        return;
    Close();
    m_file = guarded;
}

enum pyr_result VsiSource::Open(const char *path, size_t first_bytes,
                                std::unique_ptr<VsiSource> *out_source,
                                std::vector<uint8_t> *out_head,
                                struct pyr_error *err)
{
    StoragePath place;
    enum pyr_result result = place.Resolve(path, err);
    if (result != PYR_OK)
        return result;
    const StorageRetry retry = StorageRetry::ForReading();
    std::unique_ptr<VsiSource> source;
    bool renewed = false;
    for (unsigned nth = 0; nth < retry.attempts; nth++)
    {
        if (nth > 0)
        {
            CPLDebug("ROK4", "%s: %s; try %u of %u", Redacted(path).c_str(),
                     Redacted(err->text).c_str(), nth + 1, retry.attempts);
            renewed = source->m_renewed;
            source.reset();
            retry.Wait(nth - 1);
        }
        source.reset(new (std::nothrow) VsiSource);
        if (source == nullptr)
            return pyr_fail(err, PYR_NOMEM, "out of memory");
        source->m_name = path;
        source->m_renewed = renewed;
        result = source->OpenOnce(place.Get(), first_bytes, out_head, err);
        if (result != PYR_IO || !source->m_remote || !source->m_transient)
            break;
    }
    if (result != PYR_OK)
        return result;
    if (source->m_remote)
        source->Guard();
    *out_source = std::move(source);
    return PYR_OK;
}

void VsiSource::SetCondition(ThreadSettings *settings) const
{
    if (!m_condition.empty())
        settings->Set("GDAL_HTTP_HEADERS", m_condition.c_str());
}

// Ranges in one call, which GDAL sends to servers all at once.
bool VsiSource::ReadTogether(const struct pyr_extent *ranges,
                             uint8_t *const *buffers, size_t nranges)
{
    ThreadSettings settings;
    std::vector<void *> data(buffers, buffers + nranges);
    std::vector<vsi_l_offset> offsets(nranges);
    std::vector<size_t> sizes(nranges);
    for (size_t i = 0; i < nranges; i++)
    {
        offsets[i] = ranges[i].offset_bytes;
        sizes[i] = static_cast<size_t>(ranges[i].nbytes);
        m_bytes += ranges[i].nbytes;
    }
    m_requests += nranges;
    SetCondition(&settings);
    return VSIFReadMultiRangeL(static_cast<int>(nranges), data.data(),
                               offsets.data(), sizes.data(), m_file) == 0;
}

bool VsiSource::ReadOnce(const struct pyr_extent &range, uint8_t *buffer)
{
    auto *const handle = reinterpret_cast<VSIVirtualHandle *>(m_file);
    const size_t nbytes = static_cast<size_t>(range.nbytes);
    ThreadSettings settings;
    SetCondition(&settings);
    m_requests++;
    m_bytes += nbytes;
    if (handle->HasPRead())
        return handle->PRead(buffer, nbytes, range.offset_bytes) == nbytes;
    std::lock_guard<std::mutex> guard(m_lock);
    return VSIFSeekL(m_file, range.offset_bytes, SEEK_SET) == 0 &&
           VSIFReadL(buffer, 1, nbytes, m_file) == nbytes;
}

// Why a read failed, which GDAL does not tell: a remote file is asked for. Also
// notices when another one stands in its place by now.
std::string VsiSource::Examine()
{
    constexpr const char *OTHERWISE = "the answer is not what was asked for";
    std::string reason = CPLGetLastErrorMsg();
    VSIStatBufL info = {};
    if (!m_remote)
        return reason.empty() ? OTHERWISE : reason;
    if (!Ask(&info))
    {
        if (reason.empty())
            reason = VSIGetLastErrorMsg();
        // A failure is remembered as absence.
        VSICurlPartialClearCache(m_path.c_str());
    }
    else if (static_cast<uint64_t>(info.st_size) != m_size ||
             (m_time != 0 && info.st_mtime != m_time) ||
             static_cast<uint64_t>(info.st_ino) != m_version)
        m_replaced = true;
    return reason.empty() ? OTHERWISE : reason;
}

// One range, again where the answer is not all of it and may become so; why not
// otherwise.
bool VsiSource::ReadApart(const struct pyr_extent &range, uint8_t *buffer,
                          std::string *out_reason)
{
    const StorageRetry retry = StorageRetry::ForReading();
    const unsigned attempts = m_remote ? retry.attempts : 1;
    bool recovers = true;
    for (unsigned nth = 0; nth < attempts && !m_replaced && recovers; nth++)
    {
        if (nth > 0)
        {
            CPLDebug("ROK4", "%s: bytes from %llu on; try %u of %u",
                     Redacted(m_name).c_str(),
                     static_cast<unsigned long long>(range.offset_bytes),
                     nth + 1, attempts);
            retry.Wait(nth - 1);
        }
        CPLErrorReset();
        VSIErrorReset();
        if (ReadOnce(range, buffer))
            return true;
        *out_reason = Examine();
        // This handle has the old one: what it is of is opened anew, as where
        // another file has taken its place.
        if (StorageRenewsToken(m_path.c_str(), *out_reason))
            m_replaced = true;
        recovers = !StorageKnowsNone(*out_reason) && !StorageForbids();
    }
    return false;
}

enum pyr_result VsiSource::Read(const std::vector<struct pyr_extent> &ranges,
                                const std::vector<uint8_t *> &buffers,
                                size_t max_requests, struct pyr_error *err)
{
    StoragePath place;
    const enum pyr_result placed = place.Resolve(m_name.c_str(), err);
    if (placed != PYR_OK)
        return placed;
    const Quiet quiet;
    ThreadSettings settings;
    settings.Set("GDAL_HTTP_MERGE_CONSECUTIVE_RANGES", "NO");
    const size_t most = m_remote ? std::max<size_t>(max_requests, 1) : 1;
    std::string reason;
    for (size_t first = 0; first < ranges.size(); first += most)
    {
        const size_t count = std::min(ranges.size() - first, most);
        bool done = false;
        if (count > 1)
        {
            std::lock_guard<std::mutex> guard(m_lock);
            done = ReadTogether(&ranges[first], &buffers[first], count);
        }
        for (size_t i = first; !done && i < first + count; i++)
        {
            if (!ReadApart(ranges[i], buffers[i], &reason))
                return pyr_fail(
                    err, PYR_IO, "reading %llu bytes at byte %llu failed: %s",
                    static_cast<unsigned long long>(ranges[i].nbytes),
                    static_cast<unsigned long long>(ranges[i].offset_bytes),
                    m_replaced ? "another file has taken its place"
                               : StorageReason(reason).c_str());
        }
    }
    return PYR_OK;
}

bool VsiSource::Unchanged(const uint8_t *head, size_t nbytes)
{
    int64_t changed_ns = 0;
    uint64_t size = 0;
    if (m_descriptor >= 0)
        return TimeOf(m_descriptor, &changed_ns, &size) &&
               changed_ns == m_changed_ns && size == m_size;
    struct pyr_error err = {""};
    StoragePath place;
    if (!m_remote || place.Resolve(m_name.c_str(), &err) != PYR_OK)
        return true;
    const Quiet quiet;
    std::vector<uint8_t> now(nbytes);
    std::string reason;
    return ReadApart({0, nbytes}, now.data(), &reason)
               ? memcmp(now.data(), head, nbytes) == 0
               : !m_replaced;
}
