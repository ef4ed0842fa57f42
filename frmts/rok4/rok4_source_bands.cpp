// SPDX-License-Identifier: MIT
// Which bands of a dataset become which bands of a pyramid.
#include "rok4_source_bands.h"

#include "cpl_string.h"
#include "gdal_utils.h"

#include <algorithm>
#include <cmath>

namespace
{

// What descriptors hold as integers.
constexpr double MOST_NODATA = 2147483647.0;

bool Fail(GDALDataset *source, enum pyr_result result, const char *text)
{
    Rok4Report(CE_Failure, result,
               CPLSPrintf("%s: %s", source->GetDescription(), text));
    return false;
}

bool IsSignedByte(GDALRasterBand *band)
{
    // From the list: newer versions of GDAL warn of a question for the item.
    const char *const type =
        CSLFetchNameValue(band->GetMetadata("IMAGE_STRUCTURE"), "PIXELTYPE");
    return type != nullptr && EQUAL(type, "SIGNEDBYTE");
}

bool ReadType(GDALDataset *source, enum pyr_sample *sample)
{
    const int count = source->GetRasterCount();
    if (count < 1 || count > static_cast<int>(PYR_MAX_BANDS))
        return Fail(source, PYR_UNSUPPORTED,
                    CPLSPrintf("%d bands, expected 1 to %u; gdal_translate -b "
                               "chooses bands",
                               count, PYR_MAX_BANDS));
    const GDALDataType first = source->GetRasterBand(1)->GetRasterDataType();
    for (int i = 1; i <= count; i++)
    {
        GDALRasterBand *const band = source->GetRasterBand(i);
        const GDALDataType type = band->GetRasterDataType();
        const bool isSigned = type == GDT_Byte && IsSignedByte(band);
        if ((type != GDT_Byte && type != GDT_Float32) || isSigned)
            return Fail(
                source, PYR_UNSUPPORTED,
                CPLSPrintf(
                    "band %d is %s, but pyramids hold Byte or Float32; "
                    "gdal_translate -ot Float32, or -ot Byte -scale, "
                    "makes one of them",
                    i, isSigned ? "signed Byte" : GDALGetDataTypeName(type)));
        if (type != first)
            return Fail(source, PYR_UNSUPPORTED,
                        CPLSPrintf("band %d is %s, and band 1 %s; "
                                   "gdal_translate -ot makes them equal",
                                   i, GDALGetDataTypeName(type),
                                   GDALGetDataTypeName(first)));
    }
    *sample = first == GDT_Byte ? PYR_SAMPLE_UINT8 : PYR_SAMPLE_FLOAT32;
    return true;
}

const GDALColorTable *PaletteOf(GDALDataset *source)
{
    GDALRasterBand *const band = source->GetRasterBand(1);
    if (source->GetRasterCount() != 1 ||
        band->GetRasterDataType() != GDT_Byte ||
        band->GetColorInterpretation() != GCI_PaletteIndex)
        return nullptr;
    return band->GetColorTable();
}

int NodataIndex(GDALDataset *source)
{
    int has = FALSE;
    GDALRasterBand *const band = source->GetRasterBand(1);
    const double value = band->GetNoDataValue(&has);
    const bool isIndex = has && band->GetMaskFlags() == GMF_NODATA &&
                         value >= 0 && value <= 255 &&
                         value == std::floor(value);
    return isIndex ? static_cast<int>(value) : -1;
}

void ReadPalette(GDALDataset *source, const GDALColorTable &table,
                 Rok4SourceBands *bands)
{
    const int nodata = NodataIndex(source);
    const int count = std::min(table.GetColorEntryCount(), 256);
    auto palette = std::make_shared<Rok4Palette>();
    palette->valid.fill(255);
    for (auto &colour : palette->colours)
        colour = {0, 0, 0, 255};
    for (int i = 0; i < count; i++)
    {
        GDALColorEntry entry = {0, 0, 0, 255};
        table.GetColorEntryAsRGB(i, &entry);
        palette->colours[i] = {
            static_cast<uint8_t>(entry.c1), static_cast<uint8_t>(entry.c2),
            static_cast<uint8_t>(entry.c3), static_cast<uint8_t>(entry.c4)};
        if (i != nodata && entry.c4 != 255)
            bands->transparent = true;
        if (entry.c4 == 0)
            palette->valid[i] = 0;
    }
    if (nodata >= 0)
    {
        palette->colours[nodata][3] = 0;
        palette->valid[nodata] = 0;
    }
    bands->recoding.palette = std::move(palette);
}

// What tells which pixels of the dataset count, by GDAL's own rules, but for
// bands that are all stored: then the alpha band does.
void ReadValidity(GDALDataset *source, Rok4SourceBands *bands)
{
    GDALRasterBand *const first = source->GetRasterBand(1);
    const int flags = first->GetMaskFlags();
    if (bands->alphaBand > 0)
    {
        if (!bands->keepAlpha)
            bands->mask = source->GetRasterBand(bands->alphaBand);
    }
    else if (flags == GMF_NODATA)
    {
        for (size_t i = 0; i < bands->bands.size(); i++)
        {
            int has = FALSE;
            bands->recoding.sourceNodata[i] =
                source->GetRasterBand(bands->bands[i])->GetNoDataValue(&has);
            bands->recoding.hasNodata[i] = has != FALSE;
        }
    }
    else if ((flags & GMF_PER_DATASET) != 0 || flags == 0)
        bands->mask = first->GetMaskBand();
    bands->recoding.validityGiven = bands->mask != nullptr;
}

bool ChooseBands(GDALDataset *source, const Rok4SourceOptions &options,
                 Rok4SourceBands *bands)
{
    Rok4Recoding &recoding = bands->recoding;
    const int count = source->GetRasterCount();
    const bool palette = recoding.palette != nullptr;
    if ((count == 2 || count == 4) &&
        source->GetRasterBand(count)->GetColorInterpretation() == GCI_AlphaBand)
        bands->alphaBand = count;
    const bool allowed = options.alphaAllowed && options.bands % 2 == 0;
    const bool hasAlpha = bands->alphaBand > 0 || bands->transparent;
    const uint32_t colours =
        palette ? 3
                : static_cast<uint32_t>(count - (bands->alphaBand > 0 ? 1 : 0));
    recoding.bands = colours + (hasAlpha && allowed ? 1 : 0);
    recoding.alphaMade =
        allowed && recoding.bands % 2 == 1 &&
        (options.addAlpha || options.bands == recoding.bands + 1);
    if (recoding.alphaMade)
        recoding.bands++;
    recoding.alphaGiven = !recoding.alphaMade && recoding.bands % 2 == 0;
    if (options.bands != 0 && recoding.bands != options.bands)
        return Fail(source, PYR_USAGE,
                    CPLSPrintf("gives %u bands, but the pyramid has %u",
                               recoding.bands, options.bands));
    bands->keepAlpha = bands->alphaBand > 0 && allowed;
    const int given = palette ? 1 : static_cast<int>(recoding.SourceBands());
    for (int i = 1; i <= given; i++)
        bands->bands.push_back(i);
    return true;
}

bool IsNodata(double value, enum pyr_sample sample)
{
    if (sample == PYR_SAMPLE_UINT8)
        return value >= 0 && value <= 255 && value == std::floor(value);
    return std::fabs(value) <= MOST_NODATA && value == std::floor(value);
}

bool ChooseNodata(GDALDataset *source, const Rok4SourceOptions &options,
                  Rok4Recoding *recoding)
{
    const bool alpha = recoding->alphaGiven || recoding->alphaMade;
    const double fallback =
        recoding->sample == PYR_SAMPLE_FLOAT32 ? -99999 : 255;
    for (uint32_t i = 0; i < recoding->bands; i++)
    {
        double value = fallback;
        if (i < options.nodata.size())
            value = options.nodata[i];
        else if (alpha && i + 1 == recoding->bands)
            value = 0;
        else if (!options.nodata.empty())
            value = options.nodata.back();
        else if (recoding->palette == nullptr && recoding->hasNodata[i] &&
                 IsNodata(recoding->sourceNodata[i], recoding->sample))
            value = recoding->sourceNodata[i];
        if (!IsNodata(value, recoding->sample))
            return Fail(source, PYR_USAGE,
                        CPLSPrintf("NODATA of band %u is %.17g, expected %s",
                                   i + 1, value,
                                   recoding->sample == PYR_SAMPLE_UINT8
                                       ? "0 to 255"
                                       : "an integer of 32 bits"));
        recoding->nodata[i] = value;
    }
    return true;
}

GDALDatasetUniquePtr Translate(GDALDataset *source, const char *expand)
{
    CPLStringList arguments;
    arguments.AddString("-of");
    arguments.AddString("VRT");
    if (expand != nullptr)
    {
        arguments.AddString("-expand");
        arguments.AddString(expand);
    }
    GDALTranslateOptions *const options =
        GDALTranslateOptionsNew(arguments.List(), nullptr);
    GDALDatasetUniquePtr translated(GDALDataset::FromHandle(
        GDALTranslate("", GDALDataset::ToHandle(source), options, nullptr)));
    GDALTranslateOptionsFree(options);
    return translated;
}

} // namespace

bool Rok4ReadSourceBands(GDALDataset *source, const Rok4SourceOptions &options,
                         Rok4SourceBands *bands)
{
    Rok4Recoding &recoding = bands->recoding;
    if (!ReadType(source, &recoding.sample))
        return false;
    const GDALColorTable *const table = PaletteOf(source);
    if (table != nullptr)
        ReadPalette(source, *table, bands);
    // Bytes can be stored as floats, as long as they are no colours.
    if (options.sample.has_value() && *options.sample != recoding.sample)
    {
        if (*options.sample != PYR_SAMPLE_FLOAT32 || table != nullptr)
            return Fail(
                source, PYR_USAGE,
                CPLSPrintf("holds %s, but the pyramid %s",
                           recoding.sample == PYR_SAMPLE_FLOAT32 ? "Float32"
                                                                 : "Byte",
                           *options.sample == PYR_SAMPLE_FLOAT32 ? "Float32"
                                                                 : "Byte"));
        recoding.sample = PYR_SAMPLE_FLOAT32;
    }
    if (!ChooseBands(source, options, bands))
        return false;
    if (table == nullptr ||
        source->GetRasterBand(1)->GetMaskFlags() != GMF_NODATA)
        ReadValidity(source, bands);
    return ChooseNodata(source, options, &recoding);
}

GDALDatasetUniquePtr Rok4ExpandPalette(GDALDataset *source,
                                       const Rok4SourceBands &bands)
{
    const int nodata = NodataIndex(source);
    if (!bands.transparent && nodata < 0)
        return Translate(source, "rgb");
    // The index for "no data" becomes a transparent colour.
    GDALDatasetUniquePtr copy = Translate(source, nullptr);
    if (copy == nullptr)
        return nullptr;
    GDALColorTable table;
    for (int i = 0; i < 256; i++)
    {
        const auto &colour = bands.recoding.palette->colours[i];
        const GDALColorEntry entry = {colour[0], colour[1], colour[2],
                                      colour[3]};
        table.SetColorEntry(i, &entry);
    }
    copy->GetRasterBand(1)->SetColorTable(&table);
    GDALDatasetUniquePtr expanded = Translate(copy.get(), "rgba");
    // The other VRT holds it from now on.
    copy.release()->ReleaseRef();
    return expanded;
}
