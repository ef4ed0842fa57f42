// SPDX-License-Identifier: MIT
// What differs between GDAL 3.6 and 3.13, in one place.
#ifndef GDAL_COMPAT_H
#define GDAL_COMPAT_H

#include "cpl_vsi_virtual.h"
#include "gdal_pam.h"
#include "gdal_version.h"

#include <memory>

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

// Chosen where GDAL has no such function, whose parameters fit better.
inline void CPLDeclareKnownConfigOption(...)
{
}

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

// A file of a file system of ours: what GDAL asks of it, by bytes. From 3.10 it
// is also asked about errors, from 3.12 to give up what is being made.
class GDALCompatFile : public VSIVirtualHandle
{
  public:
    virtual size_t ReadBytes(void *buffer, size_t nbytes) = 0;
    virtual size_t WriteBytes(const void *buffer, size_t nbytes) = 0;
    virtual bool HasFailed() const = 0; // since ForgetFailure
    virtual void ForgetFailure() = 0;
    virtual void GiveUp() = 0;

#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 13, 0)
    size_t Read(void *buffer, size_t nbytes) final
    {
        return ReadBytes(buffer, nbytes);
    }
    size_t Write(const void *buffer, size_t nbytes) final
    {
        return WriteBytes(buffer, nbytes);
    }
#else
    size_t Read(void *buffer, size_t nbytes, size_t count) final
    {
        return IsProduct(nbytes, count)
                   ? ReadBytes(buffer, nbytes * count) / nbytes
                   : 0;
    }
    size_t Write(const void *buffer, size_t nbytes, size_t count) final
    {
        return IsProduct(nbytes, count)
                   ? WriteBytes(buffer, nbytes * count) / nbytes
                   : 0;
    }

  private:
    static bool IsProduct(size_t nbytes, size_t count)
    {
        return nbytes > 0 && count <= static_cast<size_t>(-1) / nbytes;
    }

  public:
#endif
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 10, 0)
    int Error() final
    {
        return HasFailed() ? TRUE : FALSE;
    }
    void ClearErr() final
    {
        ForgetFailure();
    }
#endif
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 12, 0)
    void CancelCreation() final
    {
        GiveUp();
    }
#endif
};

// A file system of ours, remote, whose files are visible once they are closed.
class GDALCompatFileSystem : public VSIFilesystemHandler
{
  public:
    virtual VSIVirtualHandle *OpenFile(const char *path, const char *access,
                                       bool setError) = 0;
    virtual int RenameFile(const char *from, const char *to) = 0;
    // False when it cannot be copied within the file system.
    virtual bool CopyWithin(const char *from, const char *to,
                            int *out_status) = 0;

#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 12, 0)
    VSIVirtualHandleUniquePtr Open(const char *path, const char *access,
                                   bool setError, CSLConstList) final
    {
        return VSIVirtualHandleUniquePtr(OpenFile(path, access, setError));
    }
    VSIVirtualHandleUniquePtr
    CreateOnlyVisibleAtCloseTime(const char *path, bool, CSLConstList) final
    {
        return VSIVirtualHandleUniquePtr(OpenFile(path, "wb", true));
    }
    bool IsLocal(const char *) const final
    {
        return false;
    }
#else
    VSIVirtualHandle *Open(const char *path, const char *access, bool setError,
                           CSLConstList) final
    {
        return OpenFile(path, access, setError);
    }
    bool IsLocal(const char *) final
    {
        return false;
    }
#endif

#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 11, 0)
    int Rename(const char *from, const char *to, GDALProgressFunc, void *) final
    {
        return RenameFile(from, to);
    }
#else
    int Rename(const char *from, const char *to) final
    {
        return RenameFile(from, to);
    }
#endif

#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 7, 0)
    int CopyFile(const char *from, const char *to, VSILFILE *file,
                 vsi_l_offset size, const char *const *options,
                 GDALProgressFunc progress, void *data) final
    {
        int status = -1;
        if (from != nullptr && file == nullptr && CopyWithin(from, to, &status))
            return status;
        return VSIFilesystemHandler::CopyFile(from, to, file, size, options,
                                              progress, data);
    }
#endif
};

// An entry of a directory. GDAL keeps the making of them to itself: this is one
// as C sees it, without a name until it is given one with CPLStrdup.
class GDALCompatDirEntry final
{
  public:
    GDALCompatDirEntry() = default;
    ~GDALCompatDirEntry()
    {
        CPLFree(Get()->pszName);
    }
    GDALCompatDirEntry(const GDALCompatDirEntry &) = delete;
    GDALCompatDirEntry &operator=(const GDALCompatDirEntry &) = delete;

    VSIDIREntry *Get()
    {
        return reinterpret_cast<VSIDIREntry *>(m_bytes);
    }

  private:
    alignas(VSIDIREntry) unsigned char m_bytes[sizeof(VSIDIREntry)] = {};
};

// The process has the file system from now on.
template <class FileSystem> inline void GDALCompatInstall(const char *prefix)
{
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 13, 0)
    VSIFileManager::InstallHandler(prefix, std::make_shared<FileSystem>());
#else
    VSIFileManager::InstallHandler(prefix, new FileSystem);
#endif
}

// Objects of less bytes are copied within a storage in no less time than they
// are read and put: before 3.7, GDAL asks for more around it.
inline uint64_t GDALCompatLeastCopiedBytes()
{
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 7, 0)
    return 0;
#else
    return 1 << 20;
#endif
}

// Copies an object within its storage.
inline bool GDALCompatCopyObject(const char *from, const char *to)
{
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 7, 0)
    return VSICopyFile(from, to, nullptr, static_cast<vsi_l_offset>(-1),
                       nullptr, nullptr, nullptr) == 0;
#else
    static const char *const options[] = {"SYNC_STRATEGY=OVERWRITE", nullptr};
    return VSISync(from, to, options, nullptr, nullptr, nullptr) != FALSE;
#endif
}

#endif
