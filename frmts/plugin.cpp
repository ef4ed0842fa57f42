// SPDX-License-Identifier: MIT
// The plugin's entry point: registers every driver.
#include "cogx_driver.h"
#include "rok4_driver.h"

#include "gdal_priv.h"

// Named after the plugin's file (GDAL's rule).
CPL_C_START
void CPL_DLL GDALRegister_ROK4();
CPL_C_END

void GDALRegister_ROK4()
{
    if (!GDAL_CHECK_VERSION("ROK4"))
        return;
    Rok4Register();
    CogxRegister();
}
