/* SPDX-License-Identifier: MIT */
/* The tile matrix set of a file, which GDAL says where it lies. */
#include "coginfo_tms.h"

#include "cogx_tms.h"
#include "crs_text.h"

#include "cpl_conv.h"
#include "gdal.h"
#include "gdal_frmts.h"

#include <stdio.h>
#include <string.h>

/* The file's name, without folder and extension. */
static void name_set(const char *path, char name[PYR_MAX_NAME_BYTES])
{
    const size_t length = strcspn(path, "?");
    size_t start = length;
    while (start > 0 && path[start - 1] != '/')
        start--;
    size_t end = length;
    for (size_t i = start + 1; i < length; i++)
        if (path[i] == '.')
            end = i;
    (void)snprintf(name, PYR_MAX_NAME_BYTES, "%.*s", (int)(end - start),
                   path + start);
}

static enum pyr_result make_tms(GDALDatasetH dataset, const char *path,
                                const struct cogx_tiff *file, char **out_text,
                                struct pyr_error *err)
{
    char name[PYR_MAX_NAME_BYTES];
    struct cogx_tms_place place = {name, NULL, 1, {0}};
    char *crs = NULL;
    name_set(path, name);
    if (GDALGetGeoTransform(dataset, place.geotransform) != CE_None)
        return pyr_fail(err, PYR_UNSUPPORTED, "has no place on a map");
    if (!crs_text_make(GDALGetSpatialRef(dataset), &crs,
                       &place.metres_per_unit))
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "has no coordinate reference system");
    place.crs = crs;
    const enum pyr_result result = cogx_tms_json(file, &place, out_text, err);
    CPLFree(crs);
    return result;
}

enum pyr_result coginfo_tms(const char *path, const struct cogx_tiff *file,
                            char **out_text, struct pyr_error *err)
{
    static const char *const drivers[] = {"GTiff", NULL};
    if (GDALGetDriverByName(drivers[0]) == NULL)
        GDALRegister_GTiff();
    const GDALDatasetH dataset = GDALOpenEx(
        path, GDAL_OF_RASTER | GDAL_OF_READONLY, drivers, NULL, NULL);
    if (dataset == NULL)
        return pyr_fail(err, PYR_IO, "GDAL cannot open it");
    const enum pyr_result result = make_tms(dataset, path, file, out_text, err);
    GDALClose(dataset);
    return result;
}
