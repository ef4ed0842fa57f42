// SPDX-License-Identifier: MIT
// The bytes of an object that is being written, until they are sent.
#ifndef OBJECT_BYTES_H
#define OBJECT_BYTES_H

#include "pyr.h"

#include <cstddef>
#include <cstdint>
#include <mutex>

// Few bytes are kept in memory; many in a local file without a name, in the
// directory for temporary files: several threads write objects of up to 2 GiB,
// and slabs of raw tiles stay open. What is skipped reads as zeros. Writing and
// reading are safe from many threads.
class ObjectBytes final
{
  public:
    // More are kept in a file.
    static constexpr size_t MAX_IN_MEMORY = 16 << 20;

    ObjectBytes() = default;
    ~ObjectBytes();
    ObjectBytes(const ObjectBytes &) = delete;
    ObjectBytes &operator=(const ObjectBytes &) = delete;

    // PYR_LIMIT, PYR_NOMEM; PYR_IO: the file cannot be written.
    enum pyr_result Write(uint64_t offset, const void *bytes, size_t nbytes,
                          struct pyr_error *err) PYR_MUST_CHECK;
    // PYR_IO beyond the end.
    enum pyr_result Read(uint64_t offset, void *bytes, size_t nbytes,
                         struct pyr_error *err) PYR_MUST_CHECK;

    // All of them, after which nothing is written. PYR_IO.
    enum pyr_result Freeze(struct pyr_error *err) PYR_MUST_CHECK;
    const char *Data() const
    {
        return m_data;
    }
    size_t Size() const
    {
        return m_size;
    }
    // Gives back the memory of those from offset on, until they are looked at
    // again. offset: a multiple of the size of a page.
    void Forget(size_t offset, size_t nbytes) const;

  private:
    bool Reserve(size_t nbytes);
    enum pyr_result MoveToFile(struct pyr_error *err);
    enum pyr_result WriteFile(uint64_t offset, const char *bytes, size_t nbytes,
                              struct pyr_error *err);

    std::mutex m_lock{};
    char *m_data = nullptr; // in memory, or mapped
    size_t m_room = 0;      // of what is in memory
    size_t m_size = 0;
    int m_file = -1;       // of many
    bool m_broken = false; // bytes are missing in the file
    bool m_mapped = false;
};

#endif
