// SPDX-License-Identifier: MIT
// GDAL's error code for a result of the core.
#ifndef PYR_REPORT_H
#define PYR_REPORT_H

#include "cpl_error.h"
#include "pyr.h"

inline CPLErrorNum PyrErrorCode(enum pyr_result result)
{
    switch (result)
    {
        case PYR_OK:
        case PYR_CORRUPT:
            break;
        case PYR_NOT_FOUND:
            return CPLE_OpenFailed;
        case PYR_UNSUPPORTED:
        case PYR_LIMIT:
            return CPLE_NotSupported;
        case PYR_IO:
            return CPLE_FileIO;
        case PYR_NOMEM:
            return CPLE_OutOfMemory;
        case PYR_USAGE:
            return CPLE_IllegalArg;
        case PYR_CANCELLED:
            return CPLE_UserInterrupt;
    }
    return CPLE_AppDefined;
}

#endif
