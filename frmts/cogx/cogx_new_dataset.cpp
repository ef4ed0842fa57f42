// SPDX-License-Identifier: MIT
// Create: a raster that becomes a Cloud Optimized GeoTIFF when it is closed.
#include "cogx_new_dataset.h"

#include "cogx_create_copy.h"
#include "cogx_report.h"
#include "rok4_buffer.h"

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

} // namespace

CogxNewDataset::CogxNewDataset(int width, int height, GDALDataType type)
    : ClosingDataset(width, height), m_type(type), m_mask(nullptr),
      m_nodataMask(nullptr)
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
        m_options.blockSize > 0 ? m_options.blockSize : DEFAULT_SIDE;
    m_blockWidth = CogxCanvas::BlockSize(side, nRasterXSize);
    m_blockHeight = CogxCanvas::BlockSize(side, nRasterYSize);
    if (!m_canvas.Init(CanvasOptions(this, bands, m_type)))
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

CogxCanvasOptions CogxNewDataset::CanvasOptions(CogxCanvasOwner *owner,
                                                int bands,
                                                GDALDataType type) const
{
    CogxCanvasOptions options;
    options.owner = owner;
    options.width = nRasterXSize;
    options.height = nRasterYSize;
    options.side = CogxCanvas::TileSide(
        m_options.blockSize > 0 ? m_options.blockSize : DEFAULT_SIDE);
    options.blockWidth = m_blockWidth;
    options.blockHeight = m_blockHeight;
    options.bands = bands;
    options.sampleBytes = static_cast<size_t>(GDALGetDataTypeSizeBytes(type));
    options.path = m_path;
    options.nthreads = m_options.nthreads;
    return options;
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
std::vector<uint8_t> CogxNewDataset::FillPixel() const
{
    const size_t nbytes = static_cast<size_t>(GDALGetDataTypeSizeBytes(m_type));
    std::vector<uint8_t> samples(nbytes * static_cast<size_t>(nBands));
    for (int i = 0; i < nBands; i++)
    {
        int has = FALSE;
        uint8_t *const sample = &samples[nbytes * static_cast<size_t>(i)];
        auto *const band = static_cast<GDALPamRasterBand *>(papoBands[i]);
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
        const double value = band->GDALPamRasterBand::GetNoDataValue(&has);
        if (has)
            GDALCopyWords(&value, GDT_Float64, 0, sample, m_type, 0, 1);
    }
    return samples;
}

bool CogxNewDataset::FindFormat(CogxDraftFormat *format)
{
    CogxDraftFormats formats;
    if (!CogxFindDraftFormats(this, m_options, m_path, &formats))
        return false;
    *format = formats.image;
    return true;
}

CPLErr CogxNewDataset::FlushPixels(int x, int y, int width, int height)
{
    CPLErr result = CE_None;
    for (int i = 0; i < nBands && result == CE_None; i++)
        result = CogxCanvas::WriteBlocks(papoBands[i], x, y, width, height);
    return result;
}

CPLErr CogxNewDataset::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                                 int height, void *data, int bufWidth,
                                 int bufHeight, GDALDataType bufType,
                                 int nBandCount, int *bandMap,
                                 GSpacing pixelSpace, GSpacing lineSpace,
                                 GSpacing bandSpace,
                                 GDALRasterIOExtraArg *extra)
{
    const struct cogx_rect rect = {
        static_cast<uint32_t>(x), static_cast<uint32_t>(y),
        static_cast<uint32_t>(x + width), static_cast<uint32_t>(y + height)};
    const int sampleBytes = GDALGetDataTypeSizeBytes(m_type);
    bool inOrder =
        m_closing && flag == GF_Read && bufType == m_type &&
        bandSpace == sampleBytes && lineSpace > 0 &&
        pixelSpace == static_cast<GSpacing>(sampleBytes) * nBandCount;
    for (int i = 0; i < nBandCount; i++)
    {
        inOrder = inOrder && bandMap[i] == i + 1;
        if (flag == GF_Write)
            m_canvas.Begin(bandMap[i] - 1, rect);
    }
    if (inOrder && Rok4IsPlain(x, y, width, height, bufWidth, bufHeight, extra))
        return m_canvas.ReadPixels(rect, nBandCount, data,
                                   static_cast<size_t>(lineSpace));
    const CPLErr result = ClosingDataset::IRasterIO(
        flag, x, y, width, height, data, bufWidth, bufHeight, bufType,
        nBandCount, bandMap, pixelSpace, lineSpace, bandSpace, extra);
    for (int i = 0; i < nBandCount && flag == GF_Write; i++)
        m_canvas.End(bandMap[i] - 1, rect, result);
    return result;
}

// Lossy tiles do not tell nodata values: what they were encoded with does.
CPLErr CogxNewDataset::ShowNodataMask()
{
    CogxDraftFormats formats;
    if (!m_options.nodataToMask ||
        !CogxFindDraftFormats(this, m_options, m_path, &formats) ||
        formats.image.Get().mask_of != COGX_DRAFT_VALUES ||
        m_canvas.Differs(formats.image.Get()))
        return CE_None;
    if (m_canvas.Finish(formats.image) != CE_None)
        return CE_Failure;
    m_nodataFormat = formats.image;
    m_nodataMask = std::make_unique<CogxNewNodataMask>(this);
    return CE_None;
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
    m_closing = true;
    if (ShowNodataMask() != CE_None)
        return CE_Failure;
    CogxWritten written;
    written.image = &m_canvas;
    written.mask = m_mask != nullptr ? &m_mask->Canvas() : nullptr;
    written.finished = m_nodataMask != nullptr ? &m_nodataFormat : nullptr;
    return CogxWrite(m_path, this, m_options, &written, nullptr, nullptr)
               ? CE_None
               : CE_Failure;
}

GDALRasterBand *CogxNewDataset::OwnMask()
{
    return m_mask.get();
}

void CogxNewDataset::Drop()
{
    m_nodataMask.reset();
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
