// SPDX-License-Identifier: MIT
// What differs between GDAL 3.6 and 3.13, in one place.
#ifndef GDAL_COMPAT_H
#define GDAL_COMPAT_H

#include "cpl_vsi_virtual.h"
#include "gdal_pam.h"
#include "gdal_version.h"

// Type of a list of options that GDAL hands to AdviseRead, Create and
// CreateCopy, and of the metadata list that GetMetadata returns.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 13, 0)
using GDALCompatOptions = CSLConstList;
using GDALCompatMetadata = CSLConstList;
#else
using GDALCompatOptions = char **;
using GDALCompatMetadata = char **;
#endif

// The declaration of a GetGeoTransform override, and how its body writes
// coefficient i of the result.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 12, 0)
#define GDAL_COMPAT_GET_GEOTRANSFORM(name)                                     \
    GetGeoTransform(GDALGeoTransform &name) const
#else
#define GDAL_COMPAT_GET_GEOTRANSFORM(name) GetGeoTransform(double *name)
#endif

// The same for SetGeoTransform, whose body reads them.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 12, 0)
#define GDAL_COMPAT_SET_GEOTRANSFORM(name)                                     \
    SetGeoTransform(const GDALGeoTransform &name)
#else
#define GDAL_COMPAT_SET_GEOTRANSFORM(name) SetGeoTransform(double *name)
#endif

// The call that fills double coefficients[6].
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 12, 0)
inline CPLErr GDALCompatReadGeoTransform(const GDALDataset &dataset,
                                         double *coefficients)
{
    GDALGeoTransform transform;
    const CPLErr result = dataset.GetGeoTransform(transform);
    for (int i = 0; i < 6; i++)
        coefficients[i] = transform[i];
    return result;
}
#else
inline CPLErr GDALCompatReadGeoTransform(GDALDataset &dataset,
                                         double *coefficients)
{
    return dataset.GetGeoTransform(coefficients);
}
#endif

// The declaration of a GetDriver override.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 12, 0)
#define GDAL_COMPAT_GET_DRIVER() GetDriver() const
#else
#define GDAL_COMPAT_GET_DRIVER() GetDriver()
#endif

// ReadCompressedData exists from 3.7; so do results of FlushCache, and Close.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 7, 0)
#define GDAL_COMPAT_HAS_COMPRESSED_DATA 1
#define GDAL_COMPAT_HAS_CLOSE 1
using GDALCompatFlush = CPLErr;
inline CPLErr GDALCompatFlushed(CPLErr result)
{
    return result;
}
inline CPLErr GDALCompatFlushPam(GDALPamDataset *dataset, bool atClosing)
{
    return dataset->GDALPamDataset::FlushCache(atClosing);
}
#else
#define GDAL_COMPAT_HAS_COMPRESSED_DATA 0
#define GDAL_COMPAT_HAS_CLOSE 0
using GDALCompatFlush = void;
inline void GDALCompatFlushed(CPLErr)
{
}
inline CPLErr GDALCompatFlushPam(GDALPamDataset *dataset, bool atClosing)
{
    dataset->GDALPamDataset::FlushCache(atClosing);
    return CE_None;
}
#endif

// The declaration of a Close override, and the call of that of the base.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 13, 0)
#define GDAL_COMPAT_CLOSE(progress, data)                                      \
    Close(GDALProgressFunc progress, void *data)
#define GDAL_COMPAT_CLOSE_CALL(progress, data) Close(progress, data)
#else
#define GDAL_COMPAT_CLOSE(progress, data) Close()
#define GDAL_COMPAT_CLOSE_CALL(progress, data) Close()
#endif

// How far, in pixels, the extent of a reprojected raster may reach into a tile
// that the COG driver of this GDAL leaves out nonetheless.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 9, 0)
constexpr double GDAL_COMPAT_COG_TOLERANCE_PX = 0.499;
#else
constexpr double GDAL_COMPAT_COG_TOLERANCE_PX = 0;
#endif

// What a file system of ours is asked about errors of reads, from 3.10.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 10, 0)
inline void
GDALCompatSetErrorCallbacks(VSIFilesystemPluginCallbacksStruct *calls,
                            int (*failed)(void *), void (*clear)(void *))
{
    calls->error = failed;
    calls->clear_err = clear;
}
#else
inline void GDALCompatSetErrorCallbacks(VSIFilesystemPluginCallbacksStruct *,
                                        int (*)(void *), void (*)(void *))
{
}
#endif

// Whether a driver is asked for identification alone, not for an opening. All
// kinds are meant then.
inline bool GDALCompatOnlyIdentifies(const GDALOpenInfo *openInfo)
{
#ifdef GDAL_OF_FROM_GDALOPEN
    return (openInfo->nOpenFlags & GDAL_OF_FROM_GDALOPEN) == 0;
#else
    return (openInfo->nOpenFlags & GDAL_OF_KIND_MASK) == 0;
#endif
}

// Whether the caller of Delete would remove the file itself where Delete fails:
// option --overwrite of the program gdal, from 3.11, which hides its errors.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 11, 0)
inline bool GDALCompatRemovesUndeleted()
{
    void *data = nullptr;
    return CPLGetErrorHandler(&data) == CPLQuietErrorHandler;
}
#else
inline bool GDALCompatRemovesUndeleted()
{
    return false;
}
#endif

// Asks for a file that is visible once it is closed not to be made.
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 13, 0)
inline void GDALCompatCancelCreation(VSILFILE *handle)
{
    handle->CancelCreation();
}
#else
inline void GDALCompatCancelCreation(VSILFILE *)
{
}
#endif

#endif
