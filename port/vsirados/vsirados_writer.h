// SPDX-License-Identifier: MIT
// An object in the making.
#ifndef VSIRADOS_WRITER_H
#define VSIRADOS_WRITER_H

#include "gdal_compat.h"
#include "vsirados_access.h"

#include <vector>

// Gathers the object in memory and puts it in one operation when it is closed:
// nobody sees a part of it. After a failure, or when it is dropped without
// being closed, nothing is written.
class VsiRadosWriter final : public GDALCompatFile
{
  public:
    // random: written and read at any position; otherwise in sequence only, and
    // to seek elsewhere gives the object up. nullptr with *failure.
    static VsiRadosWriter *Open(const VsiRadosPlace &place, bool random,
                                VsiRadosFailure *failure);

    int Seek(vsi_l_offset offset, int whence) override;
    vsi_l_offset Tell() override
    {
        return m_position;
    }
    size_t ReadBytes(void *buffer, size_t nbytes) override;
    size_t WriteBytes(const void *buffer, size_t nbytes) override;
    int Truncate(vsi_l_offset size) override;
    int Eof() override
    {
        return m_eof ? TRUE : FALSE;
    }
    bool HasFailed() const override
    {
        return m_failed;
    }
    // What failed is not written: it stays so.
    void ForgetFailure() override
    {
        m_eof = false;
    }
    void GiveUp() override
    {
        m_failed = true;
    }
    int Close() override;

  private:
    VsiRadosWriter() = default;
    bool Resize(uint64_t size);
    void Fail(int code, const char *reason);

    VsiRadosPlace m_place{};
    std::vector<uint8_t> m_bytes{};
    size_t m_maxBytes = 0;
    uint64_t m_position = 0;
    bool m_random = false;
    bool m_eof = false;
    bool m_failed = false;
    bool m_closed = false;
};

#endif
