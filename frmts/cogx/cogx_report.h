// SPDX-License-Identifier: MIT
// Messages of the COGX driver.
#ifndef COGX_REPORT_H
#define COGX_REPORT_H

#include "pyr_report.h"
#include "redaction.h"

inline void CogxReport(CPLErr kind, enum pyr_result result, const char *text)
{
    CPLError(kind, PyrErrorCode(result), "COGX: %s", Redacted(text).c_str());
}

#endif
