// SPDX-License-Identifier: MIT
// Takes GDAL's errors on this thread, to be told by who knows more.
#ifndef ROK4_FAILURE_TRAP_H
#define ROK4_FAILURE_TRAP_H

#include "cpl_error.h"
#include "pyr.h"

#include <string>
#include <vector>

// From its making until Close() or its end. Debug messages pass.
class Rok4FailureTrap final
{
  public:
    Rok4FailureTrap();
    ~Rok4FailureTrap();
    Rok4FailureTrap(const Rok4FailureTrap &) = delete;
    Rok4FailureTrap &operator=(const Rok4FailureTrap &) = delete;

    // Raises the warnings, and returns success. After a success, failures were
    // none: they are for the debug log.
    bool Close(bool success);

    // Of the first failure: the others follow from it.
    enum pyr_result Result() const;
    const char *Text() const;

  private:
    struct Message
    {
        CPLErr kind;
        CPLErrorNum code;
        std::string text;
    };

    static void CPL_STDCALL Take(CPLErr kind, CPLErrorNum code,
                                 const char *text);

    bool m_open = true;
    Message m_first{CE_None, CPLE_None, {}};
    std::vector<Message> m_warnings{};
};

#endif
