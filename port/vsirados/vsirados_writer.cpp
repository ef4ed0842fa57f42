// SPDX-License-Identifier: MIT
// An object in the making.
#include "vsirados_writer.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_string.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

VsiRadosWriter *VsiRadosWriter::Open(const VsiRadosPlace &place, bool random,
                                     VsiRadosFailure *failure)
{
    const VsiRadosPool pool = VsiRadosOpenPool(place, failure);
    if (pool == nullptr)
        return nullptr;
    VsiRadosWriter *const writer = new VsiRadosWriter;
    writer->m_place = place;
    writer->m_maxBytes = vsirados_pool_max_bytes(pool.get());
    writer->m_random = random;
    return writer;
}

void VsiRadosWriter::Fail(int code, const char *reason)
{
    VsiRadosRefuse(m_place.Path().c_str(), code, reason);
    m_failed = true;
}

int VsiRadosWriter::Seek(vsi_l_offset offset, int whence)
{
    if (whence == SEEK_CUR)
        offset += m_position;
    else if (whence == SEEK_END)
        offset += m_bytes.size();
    if (!m_random && offset != m_position)
    {
        Fail(ESPIPE, "it is written in sequence");
        return -1;
    }
    m_position = offset;
    m_eof = false;
    return 0;
}

size_t VsiRadosWriter::ReadBytes(void *buffer, size_t nbytes)
{
    if (!m_random)
    {
        VsiRadosRefuse(m_place.Path().c_str(), EBADF, "it is open for writing");
        return 0;
    }
    const size_t start =
        static_cast<size_t>(std::min<uint64_t>(m_position, m_bytes.size()));
    const size_t count = std::min(nbytes, m_bytes.size() - start);
    if (count > 0)
        memcpy(buffer, m_bytes.data() + start, count);
    m_position += count;
    m_eof = count < nbytes;
    return count;
}

bool VsiRadosWriter::Resize(uint64_t size)
{
    if (size > m_maxBytes)
    {
        Fail(EFBIG,
             CPLSPrintf("has %llu bytes or more, the most that the cluster "
                        "takes at once is %llu",
                        static_cast<unsigned long long>(size),
                        static_cast<unsigned long long>(m_maxBytes)));
        return false;
    }
    try
    {
        m_bytes.resize(static_cast<size_t>(size));
    }
    catch (const std::bad_alloc &)
    {
        Fail(ENOMEM, "out of memory");
        return false;
    }
    return true;
}

size_t VsiRadosWriter::WriteBytes(const void *buffer, size_t nbytes)
{
    if (m_failed || m_closed || nbytes == 0)
        return 0;
    const uint64_t end =
        nbytes <= UINT64_MAX - m_position ? m_position + nbytes : UINT64_MAX;
    if (end > m_bytes.size() && !Resize(end))
        return 0;
    memcpy(m_bytes.data() + m_position, buffer, nbytes);
    m_position = end;
    return nbytes;
}

int VsiRadosWriter::Truncate(vsi_l_offset size)
{
    if (!m_random && size != m_bytes.size())
    {
        Fail(EINVAL, "it is written in sequence");
        return -1;
    }
    return !m_failed && Resize(size) ? 0 : -1;
}

int VsiRadosWriter::Close()
{
    if (m_closed)
        return 0;
    m_closed = true;
    if (m_failed)
        return -1;
    VsiRadosFailure failure;
    const VsiRadosPool pool = VsiRadosOpenPool(m_place, &failure);
    if (pool != nullptr)
        failure.result = vsirados_object_write(
            pool.get(), m_place.Object().c_str(), m_bytes.data(),
            m_bytes.size(), &failure.error);
    std::vector<uint8_t>().swap(m_bytes);
    if (failure.result == PYR_OK)
        return 0;
    VsiRadosRaise(m_place, failure);
    return -1;
}
