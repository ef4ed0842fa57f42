// SPDX-License-Identifier: MIT
// The plugin's entry point: registers every driver.
#include "cogx_driver.h"
#include "rok4_driver.h"

#include "gdal_compat.h"
#include "gdal_priv.h"

// Named after the plugin's file (GDAL's rule).
CPL_C_START
void CPL_DLL GDALRegister_ROK4();
CPL_C_END

// Configuration options, of which GDAL would warn as unknown.
static const char *const CONFIG_OPTIONS[] = {"ROK4_ALLOW_DELETE",
                                             "ROK4_ALLOW_OUTSIDE_PATHS",
                                             "ROK4_CEPH_CLUSTERNAME",
                                             "ROK4_CEPH_CONFFILE",
                                             "ROK4_CEPH_USERNAME",
                                             "ROK4_KEYSTONE_DOMAINID",
                                             "ROK4_KEYSTONE_PROJECTID",
                                             "ROK4_MISSING_ON_403",
                                             "ROK4_NETWORK_TIMEOUT",
                                             "ROK4_OBJECT_ATTEMPTS_WAIT",
                                             "ROK4_OBJECT_READ_ATTEMPTS",
                                             "ROK4_OBJECT_WRITE_ATTEMPTS",
                                             "ROK4_S3_KEY",
                                             "ROK4_S3_SECRETKEY",
                                             "ROK4_S3_URL",
                                             "ROK4_SSL_NO_VERIFY",
                                             "ROK4_SWIFT_ACCOUNT",
                                             "ROK4_SWIFT_AUTHURL",
                                             "ROK4_SWIFT_PASSWD",
                                             "ROK4_SWIFT_PUBLICURL",
                                             "ROK4_SWIFT_USER",
                                             "ROK4_TMS_DIRECTORY"};

void GDALRegister_ROK4()
{
    if (!GDAL_CHECK_VERSION("ROK4"))
        return;
    for (const char *const option : CONFIG_OPTIONS)
        CPLDeclareKnownConfigOption(option, nullptr);
    Rok4Register();
    CogxRegister();
}
