// SPDX-License-Identifier: MIT
// What all datasets of the process share: threads and cache.
#include "pyr_runtime.h"

#include <mutex>

PyrRuntime::~PyrRuntime()
{
    pyr_pool_free(pool);
    pyr_cache_free(cache);
}

std::shared_ptr<PyrRuntime> PyrRuntime::Get()
{
    static std::mutex lock;
    static std::weak_ptr<PyrRuntime> current;
    std::lock_guard<std::mutex> guard(lock);
    std::shared_ptr<PyrRuntime> runtime = current.lock();
    if (runtime != nullptr)
        return runtime;
    runtime = std::make_shared<PyrRuntime>();
    if (pyr_pool_new(&runtime->pool) != PYR_OK ||
        pyr_cache_new(&runtime->cache) != PYR_OK)
        return nullptr;
    current = runtime;
    return runtime;
}
