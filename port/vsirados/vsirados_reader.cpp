// SPDX-License-Identifier: MIT
// An object that is open for reading.
#include "vsirados_reader.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_string.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace
{

// What comes with the opening, and the least that is read at a time: to ask
// costs as much as so many bytes.
constexpr size_t WINDOW_BYTES = 16384;
constexpr GIntBig MAX_HEAD_BYTES = 16 << 20;

// At the wish of whoever opens it, more.
size_t HeadBytes()
{
    const char *const wish =
        CPLGetConfigOption("GDAL_INGESTED_BYTES_AT_OPEN", "0");
    const GIntBig nbytes = std::min(CPLAtoGIntBig(wish), MAX_HEAD_BYTES);
    return std::max(WINDOW_BYTES, static_cast<size_t>(std::max(
                                      nbytes, static_cast<GIntBig>(0))));
}

} // namespace

// The bytes at the begin of the range that are here.
size_t VsiRadosReader::Kept::Copy(uint64_t from, void *buffer,
                                  size_t nbytes) const
{
    if (from < offset || from - offset >= bytes.size())
        return 0;
    const size_t start = static_cast<size_t>(from - offset);
    const size_t count = std::min(nbytes, bytes.size() - start);
    memcpy(buffer, bytes.data() + start, count);
    return count;
}

VsiRadosReader *VsiRadosReader::Open(const VsiRadosPlace &place,
                                     VsiRadosFailure *failure)
{
    const VsiRadosPool pool = VsiRadosOpenPool(place, failure);
    if (pool == nullptr)
        return nullptr;
    std::unique_ptr<VsiRadosReader> reader(new VsiRadosReader);
    std::vector<uint8_t> &head = reader->m_head.bytes;
    reader->m_place = place;
    head.resize(HeadBytes());
    failure->result =
        vsirados_object_open(pool.get(), place.Object().c_str(), head.data(),
                             head.size(), &reader->m_object, &failure->error);
    if (failure->result != PYR_OK)
        return nullptr;
    head.resize(static_cast<size_t>(
        std::min<uint64_t>(head.size(), reader->m_object.size_bytes)));
    head.shrink_to_fit();
    return reader.release();
}

int VsiRadosReader::Seek(vsi_l_offset offset, int whence)
{
    if (whence == SEEK_CUR)
        offset += m_position;
    else if (whence == SEEK_END)
        offset += m_object.size_bytes;
    m_position = offset;
    m_eof = false;
    return 0;
}

// How many bytes of a range the object has.
size_t VsiRadosReader::Within(uint64_t offset, size_t nbytes) const
{
    const uint64_t size = m_object.size_bytes;
    return offset >= size
               ? 0
               : static_cast<size_t>(std::min<uint64_t>(nbytes, size - offset));
}

bool VsiRadosReader::Fetch(
    const std::vector<struct vsirados_range> &ranges) const
{
    VsiRadosFailure failure;
    const VsiRadosPool pool = VsiRadosOpenPool(m_place, &failure);
    if (pool != nullptr)
        failure.result = vsirados_object_read(
            pool.get(), m_place.Object().c_str(), m_object.version,
            ranges.data(), ranges.size(), &failure.error);
    if (failure.result == PYR_OK)
        return true;
    VsiRadosRaise(m_place, failure);
    return false;
}

bool VsiRadosReader::FetchWindow(uint64_t offset)
{
    Kept window;
    window.offset = offset;
    window.bytes.resize(Within(offset, WINDOW_BYTES));
    if (!Fetch({{{offset, window.bytes.size()}, window.bytes.data()}}))
        return false;
    m_window = std::move(window);
    return true;
}

size_t VsiRadosReader::ReadBytes(void *buffer, size_t nbytes)
{
    const size_t wanted = Within(m_position, nbytes);
    uint8_t *const bytes = static_cast<uint8_t *>(buffer);
    size_t done = m_head.Copy(m_position, bytes, wanted);
    done += m_window.Copy(m_position + done, bytes + done, wanted - done);
    const uint64_t offset = m_position + done;
    const size_t left = wanted - done;
    bool read = true;
    if (left >= WINDOW_BYTES)
        read = Fetch({{{offset, left}, bytes + done}});
    else if (left > 0)
    {
        read = FetchWindow(offset);
        if (read)
            m_window.Copy(offset, bytes + done, left);
    }
    if (!read)
    {
        m_failed = true;
        return 0;
    }
    m_position += wanted;
    m_eof = wanted < nbytes;
    return wanted;
}

size_t VsiRadosReader::WriteBytes(const void *, size_t)
{
    VsiRadosRefuse(m_place.Path().c_str(), EBADF, "it is open for reading");
    return 0;
}

size_t VsiRadosReader::PRead(void *buffer, size_t nbytes,
                             vsi_l_offset offset) const
{
    const size_t wanted = Within(offset, nbytes);
    uint8_t *const bytes = static_cast<uint8_t *>(buffer);
    const size_t done = m_head.Copy(offset, bytes, wanted);
    if (done == wanted)
        return wanted;
    return Fetch({{{offset + done, wanted - done}, bytes + done}}) ? wanted : 0;
}

int VsiRadosReader::ReadMultiRange(int nranges, void **buffers,
                                   const vsi_l_offset *offsets,
                                   const size_t *sizes)
{
    std::vector<struct vsirados_range> ranges;
    for (int i = 0; i < nranges; i++)
    {
        if (Within(offsets[i], sizes[i]) != sizes[i])
        {
            VsiRadosRefuse(
                m_place.Path().c_str(), EINVAL,
                CPLSPrintf(
                    "bytes %llu to %llu are beyond its end",
                    static_cast<unsigned long long>(offsets[i]),
                    static_cast<unsigned long long>(offsets[i] + sizes[i])));
            m_failed = true;
            return -1;
        }
        uint8_t *const bytes = static_cast<uint8_t *>(buffers[i]);
        const size_t done = m_head.Copy(offsets[i], bytes, sizes[i]);
        if (done < sizes[i])
            ranges.push_back(
                {{offsets[i] + done, sizes[i] - done}, bytes + done});
    }
    if (ranges.empty() || Fetch(ranges))
        return 0;
    m_failed = true;
    return -1;
}
