// SPDX-License-Identifier: MIT
// Takes GDAL's messages on this thread, to be told by who knows more.
#include "message_trap.h"

MessageTrap::MessageTrap(size_t most) : m_most(most)
{
    CPLPushErrorHandlerEx(Take, this);
    CPLSetCurrentErrorHandlerCatchDebug(FALSE);
}

MessageTrap::~MessageTrap()
{
    Stop();
}

void MessageTrap::Stop()
{
    if (m_open)
        CPLPopErrorHandler();
    m_open = false;
}

void CPL_STDCALL MessageTrap::Take(CPLErr kind, CPLErrorNum code,
                                   const char *text)
{
    auto &self = *static_cast<MessageTrap *>(CPLGetErrorHandlerUserData());
    size_t &count = kind >= CE_Failure ? self.m_failures : self.m_others;
    if (count++ < self.m_most)
        self.m_messages.push_back({kind, code, text});
}
