// SPDX-License-Identifier: MIT
// How the tiles of a raster that is being written will stand in the file.
#include "cogx_draft_format.h"

#include "cogx_template.h"
#include "message_trap.h"

void CogxDraftFormat::Set(const CogxSource &source,
                          const struct pyr_tile_format &image,
                          const struct pyr_tile_format &mask)
{
    m_format = {};
    m_format.image = image;
    m_format.mask = mask;
    if (!pyr_tile_format_is_lossy(&image))
        return;
    if (source.NodataIsMask())
    {
        m_format.mask_of = COGX_DRAFT_VALUES;
        m_masked = CogxPixelOf(source.Nodata(), source.GdalType());
    }
    else if (source.Morphed())
        m_format.mask_of = COGX_DRAFT_ALPHA;
}

void CogxDraftFormat::Set(const struct pyr_tile_format &tiles)
{
    m_format = {};
    m_format.image = tiles;
}

struct cogx_draft_format CogxDraftFormat::Get() const
{
    struct cogx_draft_format format = m_format;
    format.masked = m_masked.data();
    return format;
}

namespace
{

// Whether what may still be set would make masks of pixels, which lossy tiles
// do not tell: nodata values, or which band is alpha.
bool MayBecomeMask(GDALDataset *dataset, const CogxSource &source,
                   const CogxOptions &options)
{
    const int bands = dataset->GetRasterCount();
    const bool mayHaveAlpha =
        options.image.codec == PYR_TIFF_JPEG && (bands == 2 || bands == 4) &&
        dataset->GetRasterBand(bands)->GetColorInterpretation() ==
            GCI_Undefined;
    return mayHaveAlpha || (options.nodataToMask && !source.HasMask());
}

bool CanEncode(const struct pyr_tile_format &format)
{
    struct pyr_tile_encoder *encoder = nullptr;
    const bool can = pyr_tile_encoder_new(&format, &encoder, nullptr) == PYR_OK;
    pyr_tile_encoder_free(encoder);
    return can;
}

} // namespace

// What cannot be is told at the end. The dataset is asked for its metadata
// only: one of its blocks may be on its way, for which its bands would wait.
bool CogxFindDraftFormats(GDALDataset *dataset, const CogxOptions &options,
                          const std::string &path, CogxDraftFormats *formats)
{
    const CPLErrorStateBackuper state;
    const MessageTrap quiet;
    CogxSampleOptions same;
    same.mask = dataset->GetRasterBand(1)->GetMaskFlags() == GMF_PER_DATASET;
    const GDALDatasetUniquePtr sample = CogxMakeSample(dataset, same);
    if (options.Warps() || sample == nullptr)
        return false;
    const std::unique_ptr<CogxSource> source =
        CogxSource::Make(sample.get(), options);
    if (source == nullptr)
        return false;
    CogxSampleOptions shown;
    shown.mask = source->HasMask();
    shown.nodata = !source->NodataIsMask();
    const std::unique_ptr<CogxTemplate> tags =
        CogxMakeTemplate(*source, options, shown, path, true);
    if (tags == nullptr)
        return false;
    const struct pyr_tile_format image =
        CogxFormatOf(tags->image, options.image, *source);
    struct pyr_tile_format mask = {};
    if (pyr_tile_format_is_lossy(&image) &&
        MayBecomeMask(dataset, *source, options))
        return false;
    if (source->HasMask())
        mask = CogxMaskFormatOf(tags->mask, options.image, *source);
    formats->image.Set(*source, image, mask);
    formats->mask.Set(mask);
    return CanEncode(image) && (!source->HasMask() || CanEncode(mask));
}
