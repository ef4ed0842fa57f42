// SPDX-License-Identifier: MIT
// The dataset that becomes a file: as it is, or morphed as the options say.
#include "cogx_source.h"

#include "cogx_report.h"
#include "cogx_sample.h"
#include "gdal_compat.h"

#include "cpl_conv.h"
#include "gdal_utils.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace
{

constexpr int DEFAULT_BLOCK_SIZE = 512;

// Some types exist in some versions of GDAL only: names tell.
constexpr struct
{
    const char *name;
    enum pyr_type type;
} TYPES[] = {{"Byte", PYR_TYPE_UINT8},
             {"UInt8", PYR_TYPE_UINT8},
             {"Int8", PYR_TYPE_INT8},
             {"UInt16", PYR_TYPE_UINT16},
             {"Int16", PYR_TYPE_INT16},
             {"UInt32", PYR_TYPE_UINT32},
             {"Int32", PYR_TYPE_INT32},
             {"UInt64", PYR_TYPE_UINT64},
             {"Int64", PYR_TYPE_INT64},
             {"Float16", PYR_TYPE_FLOAT16},
             {"Float32", PYR_TYPE_FLOAT32},
             {"Float64", PYR_TYPE_FLOAT64},
             {"CInt16", PYR_TYPE_COMPLEX_INT16},
             {"CInt32", PYR_TYPE_COMPLEX_INT32},
             {"CFloat16", PYR_TYPE_COMPLEX_FLOAT16},
             {"CFloat32", PYR_TYPE_COMPLEX_FLOAT32},
             {"CFloat64", PYR_TYPE_COMPLEX_FLOAT64}};

bool IsAlpha(GDALDataset *dataset, int number)
{
    return dataset->GetRasterBand(number)->GetColorInterpretation() ==
           GCI_AlphaBand;
}

// A nodata value as samples of the type hold it; NaN where none does.
double Held(double value, GDALDataType type)
{
    int clamped = FALSE;
    int rounded = FALSE;
    const double held =
        GDALAdjustValueToDataType(type, value, &clamped, &rounded);
    return clamped || rounded ? std::nan("") : held;
}

double NodataOf(GDALRasterBand *band, int *has)
{
    if (band->GetRasterDataType() == GDT_Int64)
        return static_cast<double>(band->GetNoDataValueAsInt64(has));
    if (band->GetRasterDataType() == GDT_UInt64)
        return static_cast<double>(band->GetNoDataValueAsUInt64(has));
    return band->GetNoDataValue(has);
}

uint32_t Reduce(uint32_t size, double ratio, double rounding)
{
    return std::max(1u, static_cast<uint32_t>(size / ratio + rounding));
}

} // namespace

bool CogxTypeOf(GDALRasterBand *band, enum pyr_type *type)
{
    const char *const name = GDALGetDataTypeName(band->GetRasterDataType());
    const char *const kind = CogxPixelType(band);
    for (const auto &known : TYPES)
        if (EQUAL(name, known.name))
        {
            // Before GDAL 3.7, this was how it had signed bytes.
            const bool isSigned = known.type == PYR_TYPE_UINT8 &&
                                  kind != nullptr && EQUAL(kind, "SIGNEDBYTE");
            *type = isSigned ? PYR_TYPE_INT8 : known.type;
            return true;
        }
    CogxReport(CE_Failure, PYR_UNSUPPORTED,
               CPLSPrintf("samples of type %s, expected a type of TIFF", name));
    return false;
}

CogxSource::~CogxSource()
{
    // They refer to each other.
    m_levels.clear();
    m_masked.reset();
    m_warped.reset();
}

// JPEG has no alpha: it becomes a mask.
bool CogxSource::AlphaToMask()
{
    const int bands = m_shown->GetRasterCount();
    CPLStringList arguments;
    for (const char *word : {"-of", "VRT", "-mask"})
        arguments.AddString(word);
    arguments.AddString(CPLSPrintf("%d", bands));
    for (int i = 1; i < bands; i++)
    {
        arguments.AddString("-b");
        arguments.AddString(CPLSPrintf("%d", i));
    }
    GDALTranslateOptions *const options =
        GDALTranslateOptionsNew(arguments.List(), nullptr);
    const GDALDatasetH made =
        GDALTranslate("", GDALDataset::ToHandle(m_shown), options, nullptr);
    GDALTranslateOptionsFree(options);
    m_masked.reset(GDALDataset::FromHandle(made));
    m_shown = m_masked.get();
    return m_shown != nullptr;
}

bool CogxSource::Morph(GDALDataset *source, const CogxOptions &options)
{
    m_given = source;
    m_shown = source;
    if (!options.tilingScheme.empty())
    {
        m_hasTiling = true;
        if (!m_tiling.Load(options.tilingScheme))
            return false;
    }
    m_blockSize = options.blockSize > 0 ? options.blockSize
                  : m_hasTiling         ? m_tiling.tileSize
                                        : DEFAULT_BLOCK_SIZE;
    if (options.Warps())
    {
        if (!CogxFindPlace(source, options, Tiling(), &m_place))
            return false;
        if (!CogxIsInPlace(source, m_place))
        {
            m_warped = CogxWarp(source, options, m_place);
            if (m_warped == nullptr)
                return false;
            m_shown = m_warped.get();
        }
    }
    const int bands = m_shown->GetRasterCount();
    if (options.image.codec == PYR_TIFF_JPEG && (bands == 2 || bands == 4) &&
        IsAlpha(m_shown, bands))
        return AlphaToMask();
    return true;
}

void CogxSource::FindNodata()
{
    const int bands = m_shown->GetRasterCount();
    const CPLStringList values(
        CSLTokenizeString2(m_shown->GetMetadataItem("NODATA_VALUES") != nullptr
                               ? m_shown->GetMetadataItem("NODATA_VALUES")
                               : "",
                           " ", 0));
    bool any = false;
    for (int i = 0; i < bands; i++)
    {
        GDALRasterBand *const band = m_shown->GetRasterBand(i + 1);
        int has = FALSE;
        double value = NodataOf(band, &has);
        if (!has && values.size() == bands)
        {
            value = CPLAtof(values[i]);
            has = TRUE;
        }
        if (has)
            value = Held(value, band->GetRasterDataType());
        // NaN is a value of floats, and none of integers.
        any =
            any || (has && (!std::isnan(value) ||
                            GDALDataTypeIsFloating(band->GetRasterDataType())));
        m_nodata.push_back(has ? value : std::nan(""));
    }
    if (!any)
        m_nodata.clear();
}

// Which pixels count: what the mask of the first band says, as in GDAL.
void CogxSource::FindValidity(const CogxOptions &options)
{
    const int flags = m_shown->GetRasterBand(1)->GetMaskFlags();
    m_mask = flags == GMF_PER_DATASET;
    if (m_mask)
    {
        const char *const bits =
            m_shown->GetRasterBand(1)->GetMaskBand()->GetMetadataItem(
                "NBITS", "IMAGE_STRUCTURE");
        m_maskRule =
            bits != nullptr && EQUAL(bits, "1") ? PYR_MASK_HALF : PYR_MASK_GREY;
    }
    m_alpha =
        (flags & GMF_ALPHA) != 0 && IsAlpha(m_shown, m_shown->GetRasterCount());
    FindNodata();
    m_nodataIsMask =
        options.nodataToMask && (flags & GMF_NODATA) != 0 && !m_nodata.empty();
}

// A palette of greys that are their own indexes gives way to plain numbers.
void CogxSource::FindPalette()
{
    GDALRasterBand *const band = m_shown->GetRasterBand(1);
    const GDALColorTable *const table = band->GetColorTable();
    if (m_shown->GetRasterCount() != 1 || table == nullptr ||
        band->GetColorInterpretation() != GCI_PaletteIndex ||
        table->GetPaletteInterpretation() != GPI_RGB || table->IsIdentity() ||
        (m_resampling != "AVERAGE" && m_resampling != "RMS"))
        return;
    const auto byte = [](short value) {
        return static_cast<uint8_t>(std::clamp<int>(value, 0, 255));
    };
    for (int i = 0; i < table->GetColorEntryCount(); i++)
    {
        const GDALColorEntry &entry = *table->GetColorEntry(i);
        m_palette.push_back(
            {byte(entry.c1), byte(entry.c2), byte(entry.c3), byte(entry.c4)});
    }
}

// The image, -1, or an overview of the source.
void CogxSource::AddLevel(int overview)
{
    CogxPixelsOptions options;
    options.name = m_given->GetDescription();
    if (options.name.empty())
        options.name = "source";
    for (int i = 1; i <= m_shown->GetRasterCount(); i++)
    {
        GDALRasterBand *const band = m_shown->GetRasterBand(i);
        options.bands.push_back(overview < 0 ? band
                                             : band->GetOverview(overview));
    }
    options.type = m_shown->GetRasterBand(1)->GetRasterDataType();
    if (m_mask)
    {
        options.mask = m_shown->GetRasterBand(1)->GetMaskBand();
        if (overview >= 0 && options.mask->GetOverviewCount() > overview)
            options.mask = options.mask->GetOverview(overview);
    }
    else if (m_nodataIsMask)
        options.maskedValues = m_nodata;
    else
        options.emptyValues = m_nodata;
    m_levels.push_back(std::make_unique<CogxPixels>(options));
}

// How many overviews of the source all bands have.
static int CountOverviews(GDALDataset *dataset)
{
    int count = dataset->GetRasterBand(1)->GetOverviewCount();
    for (int number = 2; number <= dataset->GetRasterCount(); number++)
        count =
            std::min(count, dataset->GetRasterBand(number)->GetOverviewCount());
    for (int i = 0; i < count; i++)
        for (int number = 1; number <= dataset->GetRasterCount(); number++)
            if (dataset->GetRasterBand(number)->GetOverview(i) == nullptr)
                return i;
    return count;
}

void CogxSource::FindOverviews(const CogxOptions &options)
{
    int count = options.overviews == CogxOverviews::None ||
                        options.overviews == CogxOverviews::IgnoreExisting
                    ? 0
                    : CountOverviews(m_shown);
    if (options.overviewCount >= 0)
        count = std::min(count, options.overviewCount);
    for (int i = 0; i < count; i++)
        AddLevel(i);
    for (const auto &level : m_levels)
        m_sizes.push_back({static_cast<uint32_t>(level->Width()),
                           static_cast<uint32_t>(level->Height())});
    const bool none = options.overviews == CogxOverviews::None ||
                      options.overviews == CogxOverviews::ForceUseExisting;
    if ((count == 0 || options.completeOverviews) && !none)
        PlanOverviews(options);
}

void CogxSource::PlanOverviews(const CogxOptions &options)
{
    const struct pyr_rows_size image = m_sizes[0];
    for (const double factor : options.overviewFactors)
        m_sizes.push_back({Reduce(image.width_px, factor, 0.5),
                           Reduce(image.height_px, factor, 0.5)});
    if (!options.overviewFactors.empty())
        return;
    const uint32_t small = static_cast<uint32_t>(m_blockSize);
    struct pyr_rows_size size = m_sizes.back();
    for (int zoom = m_place.zoom;; zoom--)
    {
        const bool done =
            options.overviewCount < 0
                ? size.width_px <= small && size.height_px <= small
                : static_cast<int>(m_sizes.size()) > options.overviewCount ||
                      (size.width_px == 1 && size.height_px == 1);
        if (done)
            return;
        const double ratio = m_hasTiling ? CogxTilingRatio(m_tiling, zoom) : 2;
        const double rounding = m_hasTiling ? 0.5 : 0;
        size.width_px = Reduce(size.width_px, ratio, rounding);
        size.height_px = Reduce(size.height_px, ratio, rounding);
        m_sizes.push_back(size);
    }
}

std::unique_ptr<CogxSource> CogxSource::Make(GDALDataset *source,
                                             const CogxOptions &options)
{
    if (source->GetRasterCount() == 0)
    {
        CogxReport(CE_Failure, PYR_UNSUPPORTED,
                   "a source without bands, expected at least one");
        return nullptr;
    }
    std::unique_ptr<CogxSource> made(new CogxSource());
    if (!made->Morph(source, options) ||
        !CogxTypeOf(made->m_shown->GetRasterBand(1), &made->m_type))
        return nullptr;
    GDALRasterBand *const first = source->GetRasterBand(1);
    made->m_resampling = options.overviewResampling;
    if (made->m_resampling.empty())
        made->m_resampling = first->GetColorTable() != nullptr ||
                                     pyr_type_is_complex(made->m_type)
                                 ? "NEAREST"
                                 : "CUBIC";
    made->FindPalette();
    made->FindValidity(options);
    made->AddLevel(-1);
    made->FindOverviews(options);
    return made;
}
