// SPDX-License-Identifier: MIT
// Takes GDAL's messages on this thread, to be told by who knows more.
#ifndef MESSAGE_TRAP_H
#define MESSAGE_TRAP_H

#include "cpl_error.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// From its making until Stop() or its end. Debug messages pass.
class MessageTrap final
{
  public:
    struct Message
    {
        CPLErr kind;
        CPLErrorNum code;
        std::string text;
    };

    // The first so many warnings, and as many failures, are kept.
    explicit MessageTrap(size_t most = SIZE_MAX);
    ~MessageTrap();
    MessageTrap(const MessageTrap &) = delete;
    MessageTrap &operator=(const MessageTrap &) = delete;

    // Messages are raised as ever from here on. Again is fine.
    void Stop();

    // In their order.
    const std::vector<Message> &Messages() const
    {
        return m_messages;
    }

  private:
    static void CPL_STDCALL Take(CPLErr kind, CPLErrorNum code,
                                 const char *text);

    const size_t m_most;
    size_t m_failures = 0;
    size_t m_others = 0;
    bool m_open = true;
    std::vector<Message> m_messages{};
};

#endif
