// SPDX-License-Identifier: MIT
// The plugin's entry point: registers the file system.
#include "vsirados_handler.h"

#include "gdal_priv.h"

// Named after the plugin's file (GDAL's rule).
CPL_C_START
void CPL_DLL GDALRegister_vsirados();
CPL_C_END

void GDALRegister_vsirados()
{
    if (!GDAL_CHECK_VERSION("vsirados"))
        return;
    // Programs may register plugins again and again.
    const CPLStringList prefixes(VSIGetFileSystemsPrefixes());
    if (prefixes.FindString(VSIRADOS_PREFIX) < 0)
        GDALCompatInstall<VsiRadosHandler>(VSIRADOS_PREFIX);
}
