// SPDX-License-Identifier: MIT
// A file in GDAL's memory, for functions of GDAL that take a name only.
#ifndef MEMORY_FILE_H
#define MEMORY_FILE_H

#include "cpl_conv.h"
#include "cpl_vsi.h"

#include <string>
#include <utility>

// There while it lives, under a name that no other one has.
class MemoryFile final
{
  public:
    explicit MemoryFile(std::string bytes)
        : m_bytes(std::move(bytes)),
          m_path(CPLSPrintf("/vsimem/rok4_memory_file_%p", this))
    {
        VSILFILE *const file = VSIFileFromMemBuffer(
            m_path.c_str(), reinterpret_cast<GByte *>(&m_bytes[0]),
            m_bytes.size(), FALSE);
        if (file != nullptr)
            VSIFCloseL(file);
    }
    ~MemoryFile()
    {
        VSIUnlink(m_path.c_str());
    }
    MemoryFile(const MemoryFile &) = delete;
    MemoryFile &operator=(const MemoryFile &) = delete;

    const char *Path() const
    {
        return m_path.c_str();
    }

  private:
    std::string m_bytes;
    std::string m_path;
};

#endif
