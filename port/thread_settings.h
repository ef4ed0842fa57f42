// SPDX-License-Identifier: MIT
// Configuration options of this thread for a while.
#ifndef THREAD_SETTINGS_H
#define THREAD_SETTINGS_H

#include "cpl_conv.h"

#include <memory>
#include <vector>

// At its end, options are what they were. On the thread that made it.
class ThreadSettings final
{
  public:
    // value: nullptr takes the thread's own away.
    void Set(const char *key, const char *value)
    {
        m_set.push_back(
            std::make_unique<CPLConfigOptionSetter>(key, value, false));
    }

  private:
    std::vector<std::unique_ptr<CPLConfigOptionSetter>> m_set{};
};

#endif
