// SPDX-License-Identifier: MIT
// Registers the COGX driver.
#include "cogx_driver.h"

#include "cogx_create_copy.h"
#include "cogx_dataset.h"
#include "cogx_manage.h"
#include "cogx_new_dataset.h"
#include "cogx_options.h"

#include "gdal_priv.h"

// Types of samples that TIFF holds, those that the GDAL at hand has.
static std::string DataTypes()
{
    std::string types;
    for (const char *name :
         {"Byte", "Int8", "UInt16", "Int16", "UInt32", "Int32", "UInt64",
          "Int64", "Float16", "Float32", "Float64", "CInt16", "CInt32",
          "CFloat32", "CFloat64"})
        if (GDALGetDataTypeByName(name) != GDT_Unknown)
            types += (types.empty() ? "" : " ") + std::string(name);
    return types;
}

static int Identify(GDALOpenInfo *openInfo)
{
    const bool keeps = CogxKeepsOutput(openInfo);
    return CogxDataset::Identify(openInfo) || keeps;
}

void CogxRegister()
{
    if (GDALGetDriverByName("COGX") != nullptr)
        return;
    GDALDriver *const driver = new GDALDriver();
    driver->SetDescription("COGX");
    driver->SetMetadataItem(GDAL_DCAP_RASTER, "YES");
    driver->SetMetadataItem(GDAL_DCAP_VIRTUALIO, "YES");
    driver->SetMetadataItem(GDAL_DCAP_COORDINATE_EPOCH, "YES");
    driver->SetMetadataItem(GDAL_DMD_LONGNAME,
                            "Cloud Optimized GeoTIFF in one pass");
    driver->SetMetadataItem(GDAL_DMD_HELPTOPIC, "drivers/raster/cogx.html");
    // No extension: "tif" stays with GTiff.
    driver->SetMetadataItem(GDAL_DMD_CONNECTION_PREFIX, "COGX:");
    driver->SetMetadataItem(GDAL_DMD_OPENOPTIONLIST, COGX_OPEN_OPTIONS);
    driver->SetMetadataItem(GDAL_DMD_CREATIONOPTIONLIST,
                            CogxCreationOptionList().c_str());
    driver->SetMetadataItem(GDAL_DMD_CREATIONDATATYPES, DataTypes().c_str());
    driver->pfnIdentify = Identify;
    driver->pfnOpen = CogxDataset::Open;
    driver->pfnCreate = CogxNewDataset::Create;
    driver->pfnCreateCopy = CogxCreateCopy;
    driver->pfnDelete = CogxDelete;
    GetGDALDriverManager()->RegisterDriver(driver);
    // Set by GDAL for pfnCreate, which programs can still call. With it,
    // gdalwarp would not stream through a warped VRT.
    driver->SetMetadataItem(GDAL_DCAP_CREATE, nullptr);
}
