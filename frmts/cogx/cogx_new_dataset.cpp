// SPDX-License-Identifier: MIT
// Create: a raster that becomes a Cloud Optimized GeoTIFF when it is closed.
#include "cogx_new_dataset.h"

#include "cogx_create_copy.h"
#include "cogx_report.h"

#include "cpl_conv.h"
#include "cpl_string.h"

#include <algorithm>

namespace
{

constexpr int DEFAULT_SIDE = 512;
constexpr int MAX_BANDS = 65535;

bool Fail(enum pyr_result result, const std::string &text)
{
    CogxReport(CE_Failure, result, text.c_str());
    return false;
}

// Of a raster of so many pixels: a multiple of 16.
int BlockSize(int side, int pixels)
{
    return pixels >= side ? side : (pixels + 15) / 16 * 16;
}

} // namespace

// ---- Bands ----

CogxNewBand::CogxNewBand(CogxNewDataset *dataset, int band)
{
    poDS = dataset;
    nBand = band;
    eAccess = GA_Update;
    nRasterXSize = dataset->nRasterXSize;
    nRasterYSize = dataset->nRasterYSize;
    nBlockXSize = dataset->m_blockWidth;
    nBlockYSize = dataset->m_blockHeight;
    eDataType = dataset->m_type;
    PamInitialize();
}

CogxNewDataset *CogxNewBand::Own() const
{
    return static_cast<CogxNewDataset *>(poDS);
}

CPLErr CogxNewBand::IReadBlock(int blockX, int blockY, void *data)
{
    return Own()->m_canvas.Read(nBand - 1, blockX, blockY, data,
                                Own()->FillSamples());
}

CPLErr CogxNewBand::IWriteBlock(int blockX, int blockY, void *data)
{
    return Own()->m_canvas.Write(nBand - 1, blockX, blockY, data,
                                 Own()->FillSamples());
}

int CogxNewBand::IGetDataCoverageStatus(int x, int y, int width, int height,
                                        int, double *percent)
{
    // What waits in GDAL's cache counts.
    (void)FlushCache(false);
    double covered = 0;
    for (int row = y / nBlockYSize; row <= (y + height - 1) / nBlockYSize;
         row++)
        for (int col = x / nBlockXSize; col <= (x + width - 1) / nBlockXSize;
             col++)
        {
            if (!Own()->m_canvas.Has(nBand - 1, col, row))
                continue;
            const double across = std::min(x + width, (col + 1) * nBlockXSize) -
                                  std::max(x, col * nBlockXSize);
            const double down = std::min(y + height, (row + 1) * nBlockYSize) -
                                std::max(y, row * nBlockYSize);
            covered += across * down;
        }
    const double all = static_cast<double>(width) * height;
    if (percent != nullptr)
        *percent = 100 * covered / all;
    return (covered > 0 ? GDAL_DATA_COVERAGE_STATUS_DATA : 0) |
           (covered < all ? GDAL_DATA_COVERAGE_STATUS_EMPTY : 0);
}

GDALRasterBand *CogxNewBand::GetMaskBand()
{
    GDALRasterBand *const mask = Own()->m_mask.get();
    return mask != nullptr ? mask : GDALPamRasterBand::GetMaskBand();
}

int CogxNewBand::GetMaskFlags()
{
    return Own()->m_mask != nullptr ? GMF_PER_DATASET
                                    : GDALPamRasterBand::GetMaskFlags();
}

CPLErr CogxNewBand::CreateMaskBand(int flags)
{
    return Own()->CreateMaskBand(flags);
}

CogxNewMaskBand::CogxNewMaskBand(CogxNewDataset *dataset) : m_dataset(dataset)
{
    poDS = dataset;
    nBand = 0;
    eAccess = GA_Update;
    nRasterXSize = dataset->nRasterXSize;
    nRasterYSize = dataset->nRasterYSize;
    nBlockXSize = dataset->m_blockWidth;
    nBlockYSize = dataset->m_blockHeight;
    eDataType = GDT_Byte;
}

bool CogxNewMaskBand::Init()
{
    return m_canvas.Init(nBlockXSize, nBlockYSize, 1, 1,
                         m_dataset->m_path + ".mask");
}

bool CogxNewMaskBand::IsMaskBand() const
{
    return true;
}

CPLErr CogxNewMaskBand::IReadBlock(int blockX, int blockY, void *data)
{
    return m_canvas.Read(0, blockX, blockY, data, {0});
}

CPLErr CogxNewMaskBand::IWriteBlock(int blockX, int blockY, void *data)
{
    return m_canvas.Write(0, blockX, blockY, data, {0});
}

// ---- Dataset ----

CogxNewDataset::CogxNewDataset(int width, int height, GDALDataType type)
    : ClosingDataset(width, height), m_type(type), m_mask(nullptr)
{
}

CogxNewDataset::~CogxNewDataset()
{
    CogxNewDataset::FlushCache(true);
    // The destructor of the base would save what bands have changed since.
    nPamFlags &= ~GPF_DIRTY;
}

GDALDataset *CogxNewDataset::Create(const char *filename, int width, int height,
                                    int bands, GDALDataType type,
                                    GDALCompatOptions options)
{
    if (bands < 1 || bands > MAX_BANDS)
    {
        Fail(PYR_UNSUPPORTED,
             CPLSPrintf("%d bands, expected 1 to %d", bands, MAX_BANDS));
        return nullptr;
    }
    std::unique_ptr<CogxNewDataset> dataset(
        new CogxNewDataset(width, height, type));
    if (dataset->Prepare(filename, bands, options))
        return dataset.release();
    dataset->GiveUp();
    return nullptr;
}

bool CogxNewDataset::Prepare(const char *filename, int bands,
                             CSLConstList options)
{
    // What is set is kept whatever this option says: nothing of it is saved as
    // PAM does.
    const CPLConfigOptionSetter enabled("GDAL_PAM_ENABLED", "YES", false);
    if (!m_options.Parse(options))
        return false;
    m_path = CogxPathOf(filename);
    const int side =
        std::min(m_options.blockSize > 0 ? m_options.blockSize : DEFAULT_SIDE,
                 CogxCanvas::MAX_SIDE);
    m_blockWidth = BlockSize(side, nRasterXSize);
    m_blockHeight = BlockSize(side, nRasterYSize);
    if (!m_canvas.Init(m_blockWidth, m_blockHeight, bands,
                       static_cast<size_t>(GDALGetDataTypeSizeBytes(m_type)),
                       m_path))
        return false;
    PamInitialize();
    for (int i = 1; i <= bands; i++)
        SetBand(i, new CogxNewBand(this, i));
    // Not one that PAM keeps.
    GDALDataset::SetMetadataItem("INTERLEAVE", bands > 1 ? "PIXEL" : "BAND",
                                 "IMAGE_STRUCTURE");
    SetDescription(filename);
    SetPhysicalFilename(m_path.c_str());
    return true;
}

CPLErr CogxNewDataset::CreateMaskBand(int flags)
{
    if (m_mask != nullptr)
        return CE_None;
    if (flags != GMF_PER_DATASET)
    {
        Fail(PYR_UNSUPPORTED, "a file has one mask for all bands: expected "
                              "flags GMF_PER_DATASET");
        return CE_Failure;
    }
    auto mask = std::make_unique<CogxNewMaskBand>(this);
    if (!mask->Init())
        return CE_Failure;
    m_mask = std::move(mask);
    return CE_None;
}

// Of pixels that nothing was written to, by band: the nodata value, or 0.
std::vector<uint8_t> CogxNewDataset::FillSamples() const
{
    const size_t nbytes = static_cast<size_t>(GDALGetDataTypeSizeBytes(m_type));
    std::vector<uint8_t> samples(nbytes * static_cast<size_t>(nBands));
    for (int i = 0; i < nBands; i++)
    {
        int has = FALSE;
        uint8_t *const sample = &samples[nbytes * static_cast<size_t>(i)];
        GDALRasterBand *const band = papoBands[i];
        if (m_type == GDT_Int64 || m_type == GDT_UInt64)
        {
            const int64_t signedValue =
                m_type == GDT_Int64 ? band->GetNoDataValueAsInt64(&has) : 0;
            const uint64_t value = m_type == GDT_Int64
                                       ? static_cast<uint64_t>(signedValue)
                                       : band->GetNoDataValueAsUInt64(&has);
            if (has)
                GDALCopyWords(&value, m_type, 0, sample, m_type, 0, 1);
            continue;
        }
        const double value = band->GetNoDataValue(&has);
        if (has)
            GDALCopyWords(&value, GDT_Float64, 0, sample, m_type, 0, 1);
    }
    return samples;
}

CPLErr CogxNewDataset::Publish()
{
    if (m_canvas.HasFailed() ||
        (m_mask != nullptr && m_mask->Canvas().HasFailed()))
    {
        Fail(PYR_IO, m_path + " is not made: some of the pixels that were "
                              "written could not be kept");
        return CE_Failure;
    }
    return CogxWrite(m_path, this, m_options, nullptr, nullptr) ? CE_None
                                                                : CE_Failure;
}

GDALRasterBand *CogxNewDataset::OwnMask()
{
    return m_mask.get();
}

void CogxNewDataset::Drop()
{
    m_canvas.Clear();
    if (m_mask != nullptr)
        m_mask->Canvas().Clear();
}

// What was set stands in the file.
CPLErr CogxNewDataset::TrySaveXML()
{
    nPamFlags &= ~GPF_DIRTY;
    return CE_None;
}
