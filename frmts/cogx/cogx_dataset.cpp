// SPDX-License-Identifier: MIT
// A COG opened for batch reading: GTiff's dataset over a file whose bytes come
// many tiles at a time.
#include "cogx_dataset.h"

#include "cogx_report.h"
#include "option_reader.h"
#include "pyr_pool.h"

#include <utility>

const char *const COGX_OPEN_OPTIONS =
    "<OpenOptionList>"
    "  <Option name='FIRST_READ_SIZE' type='int' min='1024' max='16777216' "
    "description='Bytes that are read at opening' default='65536'/>"
    "  <Option name='MERGE_GAP' type='int' min='0' max='16777216' "
    "description='Ranges of bytes with at most so many between them are read "
    "as one' default='16384'/>"
    "  <Option name='REQUESTS_IN_FLIGHT' type='int' min='1' max='256' "
    "description='Requests to a server at once, at most' default='32'/>"
    "  <Option name='CACHE_SIZE' type='int' min='1048576' max='2147483647' "
    "description='Bytes of encoded tiles that are kept' default='67108864'/>"
    "  <Option name='NUM_THREADS' type='string' description='Number of threads "
    "that decode, or ALL_CPUS' default='ALL_CPUS'/>"
    "  <Option name='GEOREF_SOURCES' type='string' "
    "description='Comma-separated "
    "list of sources of georeferencing, as for GTiff' default='INTERNAL'/>"
    "</OpenOptionList>";

namespace
{

constexpr const char *PREFIX = "COGX:";

void ReportOption(const char *text)
{
    CogxReport(CE_Failure, PYR_USAGE, text);
}

// The size that an option gives in bytes.
bool ReadSize(const OptionReader &options, const char *name, int min, int max,
              size_t *out)
{
    int value = static_cast<int>(*out);
    if (!options.Int(name, min, max, &value))
        return false;
    *out = static_cast<size_t>(value);
    return true;
}

bool ReadOptions(const OptionReader &options, VsiCachedOptions *cached,
                 unsigned *nthreads)
{
    return ReadSize(options, "FIRST_READ_SIZE", 1024, 16 << 20,
                    &cached->first_bytes) &&
           ReadSize(options, "MERGE_GAP", 0, 16 << 20,
                    &cached->merge_gap_bytes) &&
           ReadSize(options, "REQUESTS_IN_FLIGHT", 1, 256,
                    &cached->max_requests) &&
           ReadSize(options, "CACHE_SIZE", 1 << 20, INT_MAX,
                    &cached->cache_bytes) &&
           options.Threads("NUM_THREADS", PYR_POOL_MAX_THREADS, nthreads);
}

// The path after the prefix; a URL is one of GDAL's.
std::string PathOf(const char *name)
{
    const std::string path = name + strlen(PREFIX);
    if (STARTS_WITH_CI(path.c_str(), "http://") ||
        STARTS_WITH_CI(path.c_str(), "https://"))
        return "/vsicurl/" + path;
    return path;
}

// GTiff's dataset of the file. Nothing is looked for beside it.
GDALDatasetUniquePtr OpenTiff(const CogxReader &reader,
                              const OptionReader &options, unsigned nthreads)
{
    const std::string &name = reader.File()->Name();
    CPLStringList ours;
    ours.SetNameValue("NUM_THREADS", std::to_string(nthreads).c_str());
    if (options.Has("GEOREF_SOURCES"))
        ours.SetNameValue("GEOREF_SOURCES",
                          options.Text("GEOREF_SOURCES").c_str());
    CPLStringList siblings;
    siblings.AddString(CPLGetFilename(name.c_str()));
    const char *const drivers[] = {"GTiff", nullptr};
    // What is computed of it is not written beside it either.
    const CPLConfigOptionSetter pam("GDAL_PAM_ENABLED", "NO", false);
    CogxMessages messages(reader);
    GDALDatasetUniquePtr dataset(GDALDataset::Open(
        name.c_str(), GDAL_OF_RASTER | GDAL_OF_INTERNAL | GDAL_OF_VERBOSE_ERROR,
        drivers, ours.List(), siblings.List()));
    // Later versions look at the setting above when georeferencing is asked
    // for.
    double transform[6];
    if (dataset != nullptr)
        (void)GDALGetGeoTransform(GDALDataset::ToHandle(dataset.get()),
                                  transform);
    (void)messages.Tell(dataset != nullptr ? CE_None : CE_Failure);
    return dataset;
}

} // namespace

CPLErr CogxRefuseToWrite()
{
    CogxReport(CE_Failure, PYR_UNSUPPORTED,
               "files are opened for reading only");
    return CE_Failure;
}

int CogxDataset::Identify(GDALOpenInfo *openInfo)
{
    return STARTS_WITH_CI(openInfo->pszFilename, PREFIX);
}

GDALDataset *CogxDataset::Open(GDALOpenInfo *openInfo)
{
    if (!Identify(openInfo))
        return nullptr;
    if (openInfo->eAccess == GA_Update)
    {
        (void)CogxRefuseToWrite();
        return nullptr;
    }
    VsiCachedOptions cached;
    unsigned nthreads = 1;
    const OptionReader options(openInfo->papszOpenOptions, ReportOption);
    if (!ReadOptions(options, &cached, &nthreads))
        return nullptr;
    const std::shared_ptr<CogxReader> reader =
        CogxReader::Open(PathOf(openInfo->pszFilename), cached);
    if (reader == nullptr)
        return nullptr;
    GDALDatasetUniquePtr tiff = OpenTiff(*reader, options, nthreads);
    if (tiff == nullptr)
        return nullptr;
    std::unique_ptr<CogxDataset> dataset(new CogxDataset(reader, tiff.get()));
    dataset->m_owned = std::move(tiff);
    dataset->SetDescription(openInfo->pszFilename);
    return dataset.release();
}

CogxDataset::CogxDataset(std::shared_ptr<CogxReader> reader,
                         GDALDataset *dataset)
    : m_reader(std::move(reader)), m_dataset(dataset)
{
    nRasterXSize = dataset->GetRasterXSize();
    nRasterYSize = dataset->GetRasterYSize();
    eAccess = GA_ReadOnly;
    for (int i = 1; i <= dataset->GetRasterCount(); i++)
        SetBand(i, new CogxBand(m_reader, this, i, i, dataset->GetRasterBand(i),
                                CogxContent::Image));
}

CogxDataset::~CogxDataset()
{
    m_overviews.clear();
    m_owned.reset();
}

GDALDataset *CogxDataset::RefUnderlyingDataset() const
{
    return m_dataset;
}

void CogxDataset::UnrefUnderlyingDataset(GDALDataset *) const
{
}

CogxDataset *CogxDataset::Overview(int index)
{
    std::unique_ptr<CogxDataset> &overview = m_overviews[index];
    if (overview == nullptr && m_dataset->GetRasterCount() > 0)
    {
        GDALRasterBand *const band =
            m_dataset->GetRasterBand(1)->GetOverview(index);
        GDALDataset *const level =
            band != nullptr ? band->GetDataset() : nullptr;
        if (level != nullptr && level != m_dataset &&
            level->GetRasterCount() == nBands)
            overview.reset(new CogxDataset(m_reader, level));
    }
    return overview.get();
}

GDALDriver *CogxDataset::GDAL_COMPAT_GET_DRIVER()
{
    return GDALDataset::GetDriver();
}

char **CogxDataset::GetFileList()
{
    CPLStringList files;
    files.AddString(m_reader->Path().c_str());
    return files.StealList();
}

CPLErr CogxDataset::IBuildOverviews(const char *, int, const int *, int,
                                    const int *, GDALProgressFunc, void *,
                                    CSLConstList)
{
    return CogxRefuseToWrite();
}

CPLErr CogxDataset::CreateMaskBand(int)
{
    return CogxRefuseToWrite();
}

CPLErr CogxDataset::AdviseRead(int x, int y, int width, int height,
                               int bufWidth, int bufHeight, GDALDataType,
                               int nBandCount, int *bandMap, GDALCompatOptions)
{
    if (!CogxCheckAdvised(x, y, width, height, bufWidth, bufHeight,
                          nRasterXSize, nRasterYSize))
        return CE_Failure;
    if (nBands == 0)
        return CE_None;
    CogxWindow window =
        static_cast<CogxBand *>(papoBands[0])
            ->Window(x, y, width, height, bufWidth, bufHeight, nullptr);
    window.mask = true;
    window.cached.clear();
    window.bands.clear();
    for (int i = 0; bandMap != nullptr && i < nBandCount; i++)
        window.bands.push_back(bandMap[i]);
    m_reader->Advise(window);
    return CE_None;
}

CPLErr CogxDataset::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                              int height, void *data, int bufWidth,
                              int bufHeight, GDALDataType bufType,
                              int nBandCount, int *bandMap, GSpacing pixelSpace,
                              GSpacing lineSpace, GSpacing bandSpace,
                              GDALRasterIOExtraArg *extra)
{
    const bool asItIs =
        CogxIsAsItIs(x, y, width, height, bufWidth, bufHeight, extra);
    const auto read = [&](const CogxPart &part) {
        GByte *const start = static_cast<GByte *>(data) + part.row * lineSpace;
        const int rows = asItIs ? part.rows : height;
        const int bufRows = asItIs ? part.rows : bufHeight;
        return part.blockwise
                   ? GDALDataset::IRasterIO(flag, x, y + part.row, width, rows,
                                            start, bufWidth, bufRows, bufType,
                                            nBandCount, bandMap, pixelSpace,
                                            lineSpace, bandSpace, part.extra)
                   : GDALProxyDataset::IRasterIO(
                         flag, x, y + part.row, width, rows, start, bufWidth,
                         bufRows, bufType, nBandCount, bandMap, pixelSpace,
                         lineSpace, bandSpace, part.extra);
    };
    CogxWindow window =
        static_cast<CogxBand *>(papoBands[0])
            ->Window(x, y, width, height, bufWidth, bufHeight, extra);
    window.bands.assign(bandMap, bandMap + nBandCount);
    window.cached.clear();
    for (const int band : window.bands)
        window.cached.push_back(
            CogxDecoded(m_dataset->GetRasterBand(band), window.overview));
    return CogxReadParts(m_reader.get(), window, asItIs, extra, read);
}

#if GDAL_COMPAT_HAS_COMPRESSED_DATA
CPLErr CogxDataset::ReadCompressedData(const char *format, int x, int y,
                                       int width, int height, int nBandCount,
                                       const int *bandList, void **buffer,
                                       size_t *bufferSize,
                                       char **detailedFormat)
{
    CogxWindow window;
    window.width = nRasterXSize;
    window.height = nRasterYSize;
    window.x = x;
    window.y = y;
    window.xSize = width;
    window.ySize = height;
    if (m_reader->Plan(window) == CogxPlan::Failed)
        return CE_Failure;
    CogxMessages messages(*m_reader);
    const CPLErr result = GDALProxyDataset::ReadCompressedData(
        format, x, y, width, height, nBandCount, bandList, buffer, bufferSize,
        detailedFormat);
    const bool suspect = !m_reader->Finish();
    return messages.Tell(result, suspect);
}
#endif
