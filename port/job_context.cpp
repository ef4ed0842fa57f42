// SPDX-License-Identifier: MIT
// Carries a thread's GDAL context to the helpers of a job, and their errors
// back.
#include "job_context.h"

#include "redaction.h"

#include "cpl_conv.h"

JobContext::JobContext()
    : m_options(CPLGetThreadLocalConfigOptions(), /* bTakeOwnership = */ TRUE)
{
}

void CPL_STDCALL JobContext::Collect(CPLErr kind, CPLErrorNum code,
                                     const char *text)
{
    JobContext *const self =
        static_cast<JobContext *>(CPLGetErrorHandlerUserData());
    std::lock_guard<std::mutex> guard(self->m_lock);
    self->m_messages.push_back({kind, code, text});
}

void JobContext::Enter()
{
    CPLSetThreadLocalConfigOptions(m_options.List());
    CPLPushErrorHandlerEx(Collect, this);
}

void JobContext::Leave()
{
    CPLPopErrorHandler();
    CPLSetThreadLocalConfigOptions(nullptr);
}

void JobContext::Relay(bool success)
{
    std::vector<Message> messages;
    {
        std::lock_guard<std::mutex> guard(m_lock);
        messages.swap(m_messages);
    }
    for (const Message &message : messages)
    {
        const std::string text = Redacted(message.text);
        if (message.kind == CE_Debug || (success && message.kind > CE_Warning))
            CPLDebug("ROK4", "%s", text.c_str());
        else
            CPLError(message.kind, message.code, "%s", text.c_str());
    }
}
