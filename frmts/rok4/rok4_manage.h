// SPDX-License-Identifier: MIT
// Deleting, renaming and copying pyramids as files (gdalmanage).
#ifndef ROK4_MANAGE_H
#define ROK4_MANAGE_H

#include "cpl_error.h"

// GDAL calls this whenever a program creates a file under the name of a
// pyramid: it does nothing, with a warning, unless ROK4_ALLOW_DELETE is YES.
CPLErr Rok4Delete(const char *name);

CPLErr Rok4Rename(const char *newName, const char *oldName);
CPLErr Rok4CopyFiles(const char *newName, const char *oldName);

#endif
