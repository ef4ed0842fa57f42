// SPDX-License-Identifier: MIT
// Registers the ROK4 driver, recognises its files and opens them.
#include "rok4_driver.h"

#include "option_reader.h"
#include "pyr_alloc.h"
#include "rok4_connection.h"
#include "rok4_new_dataset.h"
#include "rok4_create_copy.h"
#include "rok4_creation_options.h"
#include "rok4_dataset.h"
#include "rok4_manage.h"
#include "vsi_io.h"

#include <cstring>

namespace
{

constexpr const char *OPEN_OPTIONS =
    "<OpenOptionList>"
    "  <Option name='TILEMATRIX' type='string' description='Level to open as "
    "the finest one'/>"
    "  <Option name='TMS_DIRECTORY' type='string' description='Directory with "
    "the tile matrix set'/>"
    "  <Option name='STORAGE_ROOT' type='string' description='Directory of the "
    "slabs, if not where the descriptor says'/>"
    "  <Option name='EXTENT_METHOD' type='string' description='Extent: LIMITS "
    "or MATRIX of the finest level, or the id of the level whose limits to "
    "use' default='LIMITS'/>"
    "  <Option name='NODATA' type='string-select' description='How nodata "
    "values are told' default='AUTO'>"
    "    <Value>AUTO</Value><Value>BAND</Value><Value>PIXEL</Value>"
    "    <Value>NONE</Value>"
    "  </Option>"
    "  <Option name='MASK' type='boolean' description='Whether mask slabs make "
    "a mask band; by default where several bands have no alpha'/>"
    "  <Option name='NUM_THREADS' type='string' description='Number of threads "
    "that read and decode, or ALL_CPUS' default='ALL_CPUS'/>"
    "  <Option name='REQUESTS_IN_FLIGHT' type='int' min='1' max='128' "
    "description='Requests sent at once for slabs on a network' "
    "default='16'/>"
    "  <Option name='FIRST_READ_SIZE' type='int' min='1024' max='1048576' "
    "description='Bytes that are read at the opening of a slab on a network' "
    "default='131072'/>"
    "  <Option name='CACHE_TTL' type='int' min='0' max='31536000' "
    "description='Seconds for which what was read of slabs on a network is "
    "believed; 0 looks at each again' default='300'/>"
    "</OpenOptionList>";

// Text of the descriptor, from the open handle where GDAL left one.
struct Text
{
    char *bytes = nullptr;
    size_t nbytes = 0;

    Text() = default;
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;
    ~Text()
    {
        pyr_free(bytes);
    }
};

struct Connection
{
    struct rok4_connection parts = {};

    Connection() = default;
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;
    ~Connection()
    {
        rok4_connection_clear(&parts);
    }
};

bool HoldsFile(const GDALOpenInfo *openInfo, const char *path)
{
    return openInfo->fpL != nullptr && EQUAL(path, openInfo->pszFilename);
}

enum pyr_result LoadText(GDALOpenInfo *openInfo, const struct pyr_io &io,
                         const char *path, Text *text, struct pyr_error *err)
{
    // GDAL's own handle of a remote file reads what comes, once.
    if (HoldsFile(openInfo, path) && !vsi_io_is_remote(path))
        return vsi_io_load_open(openInfo->fpL, openInfo->pabyHeader,
                                static_cast<size_t>(openInfo->nHeaderBytes),
                                PYR_MAX_JSON_BYTES, &text->bytes, &text->nbytes,
                                err);
    return io.load(io.user, path, PYR_MAX_JSON_BYTES, &text->bytes,
                   &text->nbytes, err);
}

bool ReadRemote(CSLConstList options, Rok4Remote *remote)
{
    const OptionReader reader(options, [](const char *text) {
        Rok4Report(CE_Failure, PYR_USAGE, text);
    });
    int requests = static_cast<int>(remote->requests);
    int head = static_cast<int>(remote->headBytes);
    int seconds = static_cast<int>(remote->keepSeconds);
    if (!reader.Int("REQUESTS_IN_FLIGHT", 1, PYR_POOL_MAX_THREADS, &requests) ||
        !reader.Int("FIRST_READ_SIZE", 1024, 1 << 20, &head) ||
        !reader.Int("CACHE_TTL", 0, 31536000, &seconds))
        return false;
    remote->requests = static_cast<unsigned>(requests);
    remote->headBytes = static_cast<size_t>(head);
    remote->keepSeconds = static_cast<uint64_t>(seconds);
    return true;
}

} // namespace

int Rok4Dataset::Identify(GDALOpenInfo *openInfo)
{
    if (rok4_connection_has_prefix(openInfo->pszFilename))
        return TRUE;
    return openInfo->nHeaderBytes > 0 &&
           rok4_descriptor_identify(
               reinterpret_cast<const char *>(openInfo->pabyHeader),
               static_cast<size_t>(openInfo->nHeaderBytes));
}

GDALDataset *Rok4Dataset::Open(GDALOpenInfo *openInfo)
{
    if (!Identify(openInfo))
        return nullptr;
    struct pyr_error err = {""};
    Connection connection;
    enum pyr_result result =
        rok4_connection_parse(openInfo->pszFilename, &connection.parts, &err);
    if (result != PYR_OK)
    {
        Rok4Report(CE_Failure, result, err.text);
        return nullptr;
    }

    const char *const path = connection.parts.path;
    struct rok4_open_options options = {};
    options.tms_directory =
        CSLFetchNameValue(openInfo->papszOpenOptions, "TMS_DIRECTORY");
    options.global_tms_directory =
        CPLGetConfigOption("ROK4_TMS_DIRECTORY", nullptr);
    options.storage_root =
        CSLFetchNameValue(openInfo->papszOpenOptions, "STORAGE_ROOT");
    options.allow_outside =
        CPLTestBool(CPLGetConfigOption("ROK4_ALLOW_OUTSIDE_PATHS", "YES"));
    const unsigned nthreads = Rok4ThreadCount(openInfo->papszOpenOptions);
    Rok4Remote remote;
    if (nthreads == 0 || !ReadRemote(openInfo->papszOpenOptions, &remote))
        return nullptr;

    auto shared = std::make_shared<Rok4Pyramid>();
    const struct pyr_io io = shared->NetworkIo(remote);
    Text text;
    struct rok4_pyramid *pyramid = nullptr;
    const uint64_t stamp = HoldsFile(openInfo, path)
                               ? vsi_io_stamp_open(openInfo->fpL)
                               : vsi_io_stamp(path);
    result = LoadText(openInfo, io, path, &text, &err);
    if (result == PYR_OK)
        result = rok4_pyramid_open(&io, path, text.bytes, text.nbytes, &options,
                                   &pyramid, &err);
    if (result != PYR_OK)
    {
        pyr_error_prefix(&err, "%s", path);
        Rok4Report(CE_Failure, result, err.text);
        return nullptr;
    }
    shared->Guard(stamp);
    if (!shared->Init(pyramid, io, nthreads))
    {
        Rok4Report(CE_Failure, PYR_NOMEM, "out of memory");
        return nullptr;
    }
    return Make(openInfo, std::move(shared), connection.parts.level).release();
}

void Rok4Register()
{
    if (GDALGetDriverByName("ROK4") != nullptr)
        return;
    GDALDriver *const driver = new GDALDriver();
    driver->SetDescription("ROK4");
    driver->SetMetadataItem(GDAL_DCAP_RASTER, "YES");
    driver->SetMetadataItem(GDAL_DCAP_VIRTUALIO, "YES");
    driver->SetMetadataItem(GDAL_DMD_LONGNAME, "ROK4 tiled pyramid");
    driver->SetMetadataItem(GDAL_DMD_HELPTOPIC, "drivers/raster/rok4.html");
    // Not "json": it would take that over from GeoJSON once we write.
    driver->SetMetadataItem(GDAL_DMD_EXTENSION, "rok4");
    driver->SetMetadataItem(GDAL_DMD_EXTENSIONS, "rok4");
    driver->SetMetadataItem(GDAL_DMD_CONNECTION_PREFIX, "ROK4:");
    driver->SetMetadataItem(GDAL_DMD_OPENOPTIONLIST, OPEN_OPTIONS);
    driver->SetMetadataItem(GDAL_DMD_CREATIONOPTIONLIST, ROK4_CREATION_OPTIONS);
    driver->SetMetadataItem(GDAL_DMD_CREATIONDATATYPES, "Byte Float32");
    driver->pfnIdentify = Rok4Dataset::Identify;
    driver->pfnOpen = Rok4Dataset::Open;
    driver->pfnCreate = Rok4NewDataset::Create;
    driver->pfnCreateCopy = Rok4CreateCopy;
    driver->pfnDelete = Rok4Delete;
    driver->pfnRename = Rok4Rename;
    driver->pfnCopyFiles = Rok4CopyFiles;
    GetGDALDriverManager()->RegisterDriver(driver);
    // Set by GDAL for pfnCreate, which programs can still call. With it,
    // gdalwarp would choose a grid of its own.
    driver->SetMetadataItem(GDAL_DCAP_CREATE, nullptr);
}
