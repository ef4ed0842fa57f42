// SPDX-License-Identifier: MIT
// The bytes of an object that is being written, until they are sent.
#include "object_bytes.h"

#include "cpl_conv.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace
{

constexpr size_t LEAST_ROOM = 64 << 10;
constexpr int MAX_NAMES = 100;

enum pyr_result FailWithErrno(struct pyr_error *err, const char *what)
{
    const int error = errno;
    return pyr_fail(err, PYR_IO, "%s a temporary file: %s", what,
                    strerror(error));
}

// A file that is gone with its descriptor; -1 with errno.
int OpenNameless()
{
    int file = -1;
    for (int i = 0; file < 0 && i < MAX_NAMES; i++)
    {
        const std::string path = CPLGenerateTempFilename("rok4_object");
        file = open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (file >= 0)
            unlink(path.c_str());
        else if (errno != EEXIST && errno != EINTR)
            break;
    }
    return file;
}

} // namespace

ObjectBytes::~ObjectBytes()
{
    if (m_mapped)
        munmap(m_data, m_size);
    else
        free(m_data);
    if (m_file >= 0)
        close(m_file);
}

// Room in memory.
bool ObjectBytes::Reserve(size_t nbytes)
{
    if (nbytes <= m_room)
        return true;
    const size_t room =
        std::min(MAX_IN_MEMORY, std::max({nbytes, 2 * m_room, LEAST_ROOM}));
    char *const grown = static_cast<char *>(realloc(m_data, room));
    if (grown == nullptr)
        return false;
    m_data = grown;
    m_room = room;
    return true;
}

enum pyr_result ObjectBytes::WriteFile(uint64_t offset, const char *bytes,
                                       size_t nbytes, struct pyr_error *err)
{
    while (nbytes > 0)
    {
        const ssize_t done =
            pwrite(m_file, bytes, nbytes, static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
        {
            m_broken = true;
            return FailWithErrno(err, "cannot write");
        }
        bytes += done;
        offset += static_cast<uint64_t>(done);
        nbytes -= static_cast<size_t>(done);
    }
    return PYR_OK;
}

enum pyr_result ObjectBytes::MoveToFile(struct pyr_error *err)
{
    m_file = OpenNameless();
    if (m_file < 0)
        return FailWithErrno(err, "cannot make");
    const enum pyr_result result = WriteFile(0, m_data, m_size, err);
    free(m_data);
    m_data = nullptr;
    m_room = 0;
    return result;
}

enum pyr_result ObjectBytes::Write(uint64_t offset, const void *bytes,
                                   size_t nbytes, struct pyr_error *err)
{
    std::lock_guard<std::mutex> guard(m_lock);
    const uint64_t end = offset + nbytes;
    if (end < offset || end > SIZE_MAX / 2)
        return pyr_fail(err, PYR_LIMIT, "is too large to be put");
    if (m_file < 0 && end > MAX_IN_MEMORY)
    {
        const enum pyr_result result = MoveToFile(err);
        if (result != PYR_OK)
            return result;
    }
    const size_t size = std::max(m_size, static_cast<size_t>(end));
    if (m_file >= 0)
    {
        const enum pyr_result result =
            WriteFile(offset, static_cast<const char *>(bytes), nbytes, err);
        m_size = result == PYR_OK ? size : m_size;
        return result;
    }
    if (!Reserve(size))
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    if (offset > m_size)
        memset(m_data + m_size, 0, static_cast<size_t>(offset) - m_size);
    if (nbytes > 0)
        memcpy(m_data + offset, bytes, nbytes);
    m_size = size;
    return PYR_OK;
}

enum pyr_result ObjectBytes::Read(uint64_t offset, void *bytes, size_t nbytes,
                                  struct pyr_error *err)
{
    std::lock_guard<std::mutex> guard(m_lock);
    char *to = static_cast<char *>(bytes);
    if (offset > m_size || nbytes > m_size - offset)
        return pyr_fail(err, PYR_IO, "ends before byte %llu",
                        static_cast<unsigned long long>(offset + nbytes));
    if (m_file < 0 && nbytes > 0)
        memcpy(to, m_data + offset, nbytes);
    while (m_file >= 0 && nbytes > 0)
    {
        const ssize_t done =
            pread(m_file, to, nbytes, static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return FailWithErrno(err, "cannot read");
        if (done == 0)
            return pyr_fail(err, PYR_IO, "a temporary file ends too soon");
        to += done;
        offset += static_cast<uint64_t>(done);
        nbytes -= static_cast<size_t>(done);
    }
    return PYR_OK;
}

enum pyr_result ObjectBytes::Freeze(struct pyr_error *err)
{
    if (m_broken)
        return pyr_fail(err, PYR_IO, "could not be kept in a temporary file");
    if (m_file < 0 || m_mapped)
        return PYR_OK;
    void *const data = mmap(nullptr, m_size, PROT_READ, MAP_SHARED, m_file, 0);
    if (data == MAP_FAILED)
        return FailWithErrno(err, "cannot map");
    m_data = static_cast<char *>(data);
    m_mapped = true;
    return PYR_OK;
}

void ObjectBytes::Forget(size_t offset, size_t nbytes) const
{
    if (m_mapped)
        (void)madvise(m_data + offset, nbytes, MADV_DONTNEED);
}
