// SPDX-License-Identifier: MIT
// What happens to a file whose name a new one gets, or that is deleted.
#ifndef COGX_MANAGE_H
#define COGX_MANAGE_H

#include "gdal_priv.h"

// GDAL deletes what stands under the name of a file to be, before the driver
// hears of it: it asks which driver identifies it, and then that driver to
// delete it. True for that question, asked of this thread's copy to this
// driver, so that the file stays until the new one replaces it.
bool CogxKeepsOutput(const GDALOpenInfo *openInfo);

// Deletes a file and what belongs to it, but for one that was just kept. The
// name may have prefix "COGX:".
CPLErr CogxDelete(const char *name);

#endif
