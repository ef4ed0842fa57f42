// SPDX-License-Identifier: MIT
// Takes GDAL's errors on this thread, to be told by who knows more.
#include "rok4_failure_trap.h"

// Warnings that are kept; a broken file may have one for each block.
constexpr size_t MAX_WARNINGS = 100;

Rok4FailureTrap::Rok4FailureTrap() : m_trap(MAX_WARNINGS)
{
}

// nullptr without a failure.
const MessageTrap::Message *Rok4FailureTrap::First() const
{
    for (const MessageTrap::Message &message : m_trap.Messages())
        if (message.kind >= CE_Failure)
            return &message;
    return nullptr;
}

bool Rok4FailureTrap::Close(bool success)
{
    m_trap.Stop();
    const MessageTrap::Message *const first = First();
    if (first != nullptr)
        CPLErrorReset();
    if (success && first != nullptr)
    {
        // Warnings are about the same: windows that no transformation reaches.
        CPLDebug("ROK4", "%s", first->text.c_str());
        return true;
    }
    for (const MessageTrap::Message &message : m_trap.Messages())
        if (message.kind < CE_Failure)
            CPLError(message.kind, message.code, "%s", message.text.c_str());
    return success;
}

enum pyr_result Rok4FailureTrap::Result() const
{
    const MessageTrap::Message *const first = First();
    switch (first != nullptr ? first->code : CPLE_None)
    {
        case CPLE_OutOfMemory:
            return PYR_NOMEM;
        case CPLE_UserInterrupt:
            return PYR_CANCELLED;
        default:
            return PYR_IO;
    }
}

const char *Rok4FailureTrap::Text() const
{
    const MessageTrap::Message *const first = First();
    return first == nullptr || first->text.empty() ? "cannot be read"
                                                   : first->text.c_str();
}
