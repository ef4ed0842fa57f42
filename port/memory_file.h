// SPDX-License-Identifier: MIT
// A file in GDAL's memory, for functions of GDAL that take a name only.
#ifndef MEMORY_FILE_H
#define MEMORY_FILE_H

#include "cpl_conv.h"
#include "cpl_vsi.h"

#include <string>

// There while it lives, under a name that no other one has.
class MemoryFile final
{
  public:
    explicit MemoryFile(const std::string &text)
        : m_path(CPLSPrintf("/vsimem/rok4_memory_file_%p", this))
    {
        VSILFILE *const file = VSIFOpenL(m_path.c_str(), "wb");
        if (file == nullptr)
            return;
        if (!text.empty())
            (void)VSIFWriteL(text.data(), 1, text.size(), file);
        VSIFCloseL(file);
    }
    ~MemoryFile()
    {
        VSIUnlink(m_path.c_str());
    }
    MemoryFile(const MemoryFile &) = delete;
    MemoryFile &operator=(const MemoryFile &) = delete;

    const std::string &Path() const
    {
        return m_path;
    }

    // What it holds now; "" where it was removed.
    std::string Text() const
    {
        vsi_l_offset nbytes = 0;
        const GByte *const bytes =
            VSIGetMemFileBuffer(m_path.c_str(), &nbytes, FALSE);
        return bytes == nullptr
                   ? ""
                   : std::string(reinterpret_cast<const char *>(bytes),
                                 static_cast<size_t>(nbytes));
    }

  private:
    std::string m_path;
};

#endif
