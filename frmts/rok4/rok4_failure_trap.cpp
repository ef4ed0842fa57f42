// SPDX-License-Identifier: MIT
// Takes GDAL's errors on this thread, to be told by who knows more.
#include "rok4_failure_trap.h"

// Warnings that are kept; a broken file may have one for each block.
constexpr size_t MAX_WARNINGS = 100;

Rok4FailureTrap::Rok4FailureTrap()
{
    CPLPushErrorHandlerEx(Take, this);
    CPLSetCurrentErrorHandlerCatchDebug(FALSE);
}

Rok4FailureTrap::~Rok4FailureTrap()
{
    if (m_open)
        CPLPopErrorHandler();
}

void CPL_STDCALL Rok4FailureTrap::Take(CPLErr kind, CPLErrorNum code,
                                       const char *text)
{
    auto &self = *static_cast<Rok4FailureTrap *>(CPLGetErrorHandlerUserData());
    if (kind >= CE_Failure)
    {
        if (self.m_first.kind == CE_None)
            self.m_first = {kind, code, text};
    }
    else if (self.m_warnings.size() < MAX_WARNINGS)
        self.m_warnings.push_back({kind, code, text});
}

bool Rok4FailureTrap::Close(bool success)
{
    CPLPopErrorHandler();
    m_open = false;
    if (m_first.kind != CE_None)
        CPLErrorReset();
    if (success && m_first.kind != CE_None)
    {
        // Warnings are about the same: windows that no transformation reaches.
        CPLDebug("ROK4", "%s", m_first.text.c_str());
        return true;
    }
    for (const Message &message : m_warnings)
        CPLError(message.kind, message.code, "%s", message.text.c_str());
    return success;
}

enum pyr_result Rok4FailureTrap::Result() const
{
    switch (m_first.code)
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
    return m_first.text.empty() ? "cannot be read" : m_first.text.c_str();
}
