// SPDX-License-Identifier: MIT
// Takes GDAL's errors on this thread, to be told by who knows more.
#ifndef ROK4_FAILURE_TRAP_H
#define ROK4_FAILURE_TRAP_H

#include "message_trap.h"
#include "pyr.h"

// From its making until Close() or its end. Debug messages pass.
class Rok4FailureTrap final
{
  public:
    Rok4FailureTrap();
    Rok4FailureTrap(const Rok4FailureTrap &) = delete;
    Rok4FailureTrap &operator=(const Rok4FailureTrap &) = delete;

    // Raises the warnings, and returns success. After a success, failures were
    // none: they are for the debug log.
    bool Close(bool success);

    // Of the first failure: the others follow from it.
    enum pyr_result Result() const;
    const char *Text() const;

  private:
    const MessageTrap::Message *First() const;

    MessageTrap m_trap;
};

#endif
