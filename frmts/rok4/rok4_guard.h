// SPDX-License-Identifier: MIT
// Notices that a pyramid is replaced while it is read.
#ifndef ROK4_GUARD_H
#define ROK4_GUARD_H

#include "pyr_io.h"
#include "rok4_pyramid.h"

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

// Opens slabs for a reader that knows a descriptor. Where that is gone, a slab
// that is absent is not nodata: the pyramid is being replaced, and reading it
// fails. Where another descriptor stands in its place, reading goes on if its
// slabs are made as the old ones were. For local files; safe from many threads.
class Rok4Guard final
{
  public:
    Rok4Guard() = default;
    Rok4Guard(const Rok4Guard &) = delete;
    Rok4Guard &operator=(const Rok4Guard &) = delete;

    // Stamp of the descriptor from before it was loaded (vsi_io_stamp). The
    // pyramid is borrowed.
    void Init(const struct rok4_pyramid *pyramid, const struct pyr_io &io,
              uint64_t stamp);

    // As the io, but for opening. It borrows the guard.
    struct pyr_io Io();

  private:
    static enum pyr_result Open(void *user, const char *path,
                                struct pyr_file **file, struct pyr_error *err);
    static enum pyr_result Load(void *user, const char *path, size_t max_bytes,
                                char **text, size_t *nbytes,
                                struct pyr_error *err);
    enum pyr_result Renew(uint64_t stamp, struct pyr_error *err);
    enum pyr_result Compare(const struct rok4_descriptor &now,
                            struct pyr_error *err);
    bool IsGone(const char *path);

    const struct rok4_pyramid *m_pyramid = nullptr;
    struct pyr_io m_io = {};
    std::atomic<uint64_t> m_stamp{0}; // of the descriptor that is known
    std::mutex m_lock{};              // of what follows
    std::vector<std::string>
        m_gone{}; // directories of levels that were removed
};

#endif
