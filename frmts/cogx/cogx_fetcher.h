// SPDX-License-Identifier: MIT
// Encoded tiles read from their files, many at once.
#ifndef COGX_FETCHER_H
#define COGX_FETCHER_H

#include "pyr_io.h"
#include "pyr_runtime.h"

#include <functional>
#include <memory>
#include <vector>

// Bytes of one of several files.
struct CogxPiece
{
    size_t file = 0; // its number
    struct pyr_extent range = {0, 0};
    uint8_t *bytes = nullptr; // bytes[range.nbytes], to be filled
};

// One thread at a time.
class CogxFetcher final
{
  public:
    // remote: each read takes a request over a network. Then as many are under
    // way as that needs, at least, and pieces that are close together make one.
    CogxFetcher(unsigned nthreads, bool remote);
    CogxFetcher(const CogxFetcher &) = delete;
    CogxFetcher &operator=(const CogxFetcher &) = delete;

    // Does an item; from any thread.
    using Item =
        std::function<enum pyr_result(size_t item, struct pyr_error *err)>;

    // Does items 0 .. nitems - 1. The failure with the lowest number;
    // PYR_NOMEM.
    enum pyr_result Run(size_t nitems, const Item &item, struct pyr_error *err);

    // Reads ranges of a file, as struct pyr_io does; from any thread.
    using Reader = std::function<enum pyr_result(
        size_t file, const std::vector<struct pyr_extent> &ranges,
        const std::vector<uint8_t *> &buffers, struct pyr_error *err)>;

    // Fills pieces. Errors of read; PYR_NOMEM.
    enum pyr_result Fetch(std::vector<CogxPiece> pieces, const Reader &read,
                          struct pyr_error *err);

  private:
    // Pieces first .. end - 1, which are read together.
    struct Part
    {
        size_t first;
        size_t end;
    };

    struct Job;

    static void RunItem(void *user, unsigned worker, size_t item);
    static void EnterThread(void *user, unsigned worker);
    static void LeaveThread(void *user, unsigned worker);
    std::vector<Part> PartsOf(const std::vector<CogxPiece> &pieces) const;
    enum pyr_result FetchPart(const CogxPiece *pieces, size_t npieces,
                              const Reader &read, struct pyr_error *err) const;

    std::shared_ptr<PyrRuntime> m_runtime = PyrRuntime::Get();
    unsigned m_nthreads;
    bool m_remote;
};

#endif
