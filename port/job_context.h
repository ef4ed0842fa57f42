// SPDX-License-Identifier: MIT
// Carries a thread's GDAL context to the helpers of a job, and their errors
// back.
#ifndef JOB_CONTEXT_H
#define JOB_CONTEXT_H

#include "cpl_error.h"
#include "cpl_string.h"

#include <mutex>
#include <string>
#include <vector>

// Made on the calling thread before a job. Enter and Leave are called on the
// helpers, Relay on the calling thread when the job is done.
class JobContext final
{
  public:
    JobContext();

    // Gives the helper the caller's thread-local configuration, and keeps its
    // messages.
    void Enter();
    void Leave();

    // Raises the helpers' warnings and errors on this thread; after a success,
    // to which they led by another way, errors are for the debug log only.
    void Relay(bool success);

  private:
    struct Message
    {
        CPLErr kind;
        CPLErrorNum code;
        std::string text;
    };

    static void CPL_STDCALL Collect(CPLErr kind, CPLErrorNum code,
                                    const char *text);

    CPLStringList m_options;
    std::mutex m_lock{};
    std::vector<Message> m_messages{};
};

#endif
