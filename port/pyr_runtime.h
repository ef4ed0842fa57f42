// SPDX-License-Identifier: MIT
// What all datasets of the process share: threads and cache.
#ifndef PYR_RUNTIME_H
#define PYR_RUNTIME_H

#include "pyr_cache.h"
#include "pyr_pool.h"

#include <memory>

// Lives as long as some dataset is open.
struct PyrRuntime final
{
    struct pyr_pool *pool = nullptr;
    struct pyr_cache *cache = nullptr;

    PyrRuntime() = default;
    ~PyrRuntime();
    PyrRuntime(const PyrRuntime &) = delete;
    PyrRuntime &operator=(const PyrRuntime &) = delete;

    // nullptr when out of memory. Safe from many threads.
    static std::shared_ptr<PyrRuntime> Get();
};

#endif
