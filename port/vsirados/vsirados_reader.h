// SPDX-License-Identifier: MIT
// An object that is open for reading.
#ifndef VSIRADOS_READER_H
#define VSIRADOS_READER_H

#include "gdal_compat.h"
#include "vsirados_access.h"

#include <vector>

// Reads that very version of the object: once it is replaced, reading fails.
// PRead from many threads, the rest from one at a time.
class VsiRadosReader final : public GDALCompatFile
{
  public:
    // In one operation, which brings the first bytes, too. nullptr with
    // *failure.
    static VsiRadosReader *Open(const VsiRadosPlace &place,
                                VsiRadosFailure *failure);

    // As it was when it was opened.
    const struct vsirados_object &Object() const
    {
        return m_object;
    }

    int Seek(vsi_l_offset offset, int whence) override;
    vsi_l_offset Tell() override
    {
        return m_position;
    }
    size_t ReadBytes(void *buffer, size_t nbytes) override;
    size_t WriteBytes(const void *buffer, size_t nbytes) override;
    int ReadMultiRange(int nranges, void **buffers, const vsi_l_offset *offsets,
                       const size_t *sizes) override;
    bool HasPRead() const override
    {
        return true;
    }
    size_t PRead(void *buffer, size_t nbytes,
                 vsi_l_offset offset) const override;
    int Eof() override
    {
        return m_eof ? TRUE : FALSE;
    }
    bool HasFailed() const override
    {
        return m_failed;
    }
    void ForgetFailure() override
    {
        m_failed = false;
        m_eof = false;
    }
    void GiveUp() override
    {
    }
    int Close() override
    {
        return 0;
    }

  private:
    // Bytes of the object that are in memory.
    struct Kept
    {
        uint64_t offset = 0;
        std::vector<uint8_t> bytes{};

        size_t Copy(uint64_t from, void *buffer, size_t nbytes) const;
    };

    VsiRadosReader() = default;
    bool Fetch(const std::vector<struct vsirados_range> &ranges) const;
    size_t Within(uint64_t offset, size_t nbytes) const;
    bool FetchWindow(uint64_t offset);

    VsiRadosPlace m_place{}; // with the settings of whoever opened it
    struct vsirados_object m_object = {};
    Kept m_head{};   // as it was opened
    Kept m_window{}; // what small reads go through
    uint64_t m_position = 0;
    bool m_eof = false;
    bool m_failed = false;
};

#endif
