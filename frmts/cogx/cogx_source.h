// SPDX-License-Identifier: MIT
// The dataset that becomes a file: as it is, or morphed as the options say.
#ifndef COGX_SOURCE_H
#define COGX_SOURCE_H

#include "cogx_pixels.h"
#include "cogx_warp.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

// The dataset is borrowed. One thread at a time.
class CogxSource final
{
  public:
    // nullptr, with an error.
    static std::unique_ptr<CogxSource> Make(GDALDataset *source,
                                            const CogxOptions &options);
    ~CogxSource();
    CogxSource(const CogxSource &) = delete;
    CogxSource &operator=(const CogxSource &) = delete;

    GDALDataset *Given() const
    {
        return m_given;
    }
    // What is to be written, with its metadata.
    GDALDataset *Shown() const
    {
        return m_shown;
    }
    // Pixels of the dataset given are not those of what is written.
    bool Warped() const
    {
        return m_warped != nullptr;
    }
    // Statistics of the dataset given are not those of what is written.
    bool Morphed() const
    {
        return m_warped != nullptr || m_masked != nullptr;
    }
    uint32_t Bands() const
    {
        return static_cast<uint32_t>(m_shown->GetRasterCount());
    }
    GDALDataType GdalType() const
    {
        return m_shown->GetRasterBand(1)->GetRasterDataType();
    }
    enum pyr_type Type() const
    {
        return m_type;
    }
    bool HasMask() const
    {
        return m_levels[0]->HasMask();
    }
    // How GDAL resamples that mask.
    enum pyr_mask_rule MaskRule() const
    {
        return m_maskRule;
    }
    // Whether the nodata values of the source are told by the mask instead.
    bool NodataIsMask() const
    {
        return m_nodataIsMask;
    }
    // Whether the last band tells which pixels count.
    bool HasAlpha() const
    {
        return m_alpha;
    }
    // By band, NaN for a band without; empty where no band has one.
    const std::vector<double> &Nodata() const
    {
        return m_nodata;
    }
    // Whether they tell which pixels count.
    bool CountsByNodata() const
    {
        return !m_nodata.empty() && !HasMask() && !m_alpha;
    }
    // Red, green, blue, alpha of each index, where means are taken of colours;
    // else empty.
    const std::vector<std::array<uint8_t, 4>> &Palette() const
    {
        return m_palette;
    }
    int BlockSize() const
    {
        return m_blockSize;
    }
    // Upper case.
    const std::string &OverviewResampling() const
    {
        return m_resampling;
    }

    // nullptr without a tiling scheme.
    const CogxTiling *Tiling() const
    {
        return m_hasTiling ? &m_tiling : nullptr;
    }
    const CogxPlace &Place() const
    {
        return m_place;
    }

    // The image, and the overviews that the source has and that are used.
    const std::vector<std::unique_ptr<CogxPixels>> &Levels() const
    {
        return m_levels;
    }
    // The image and all its overviews: those of the source, or those to be
    // made.
    const std::vector<struct pyr_rows_size> &Sizes() const
    {
        return m_sizes;
    }

  private:
    CogxSource() = default;

    bool Morph(GDALDataset *source, const CogxOptions &options);
    bool AlphaToMask();
    void FindValidity(const CogxOptions &options);
    void FindNodata();
    void FindPalette();
    void AddLevel(int overview);
    void FindOverviews(const CogxOptions &options);
    void PlanOverviews(const CogxOptions &options);

    bool m_hasTiling = false;
    CogxTiling m_tiling{};
    CogxPlace m_place{};
    GDALDataset *m_given = nullptr;
    GDALDatasetUniquePtr m_warped{};
    GDALDatasetUniquePtr m_masked{}; // of m_warped, or of the dataset given
    GDALDataset *m_shown = nullptr;
    enum pyr_type m_type = PYR_TYPE_UINT8;
    bool m_mask = false;
    enum pyr_mask_rule m_maskRule = PYR_MASK_HALF;
    bool m_nodataIsMask = false;
    bool m_alpha = false;
    std::vector<double> m_nodata{};
    std::vector<std::array<uint8_t, 4>> m_palette{};
    int m_blockSize = 512;
    std::string m_resampling{};
    std::vector<std::unique_ptr<CogxPixels>> m_levels{};
    std::vector<struct pyr_rows_size> m_sizes{};
};

// The type of samples that a band has; false for none that TIFF holds.
bool CogxTypeOf(GDALRasterBand *band, enum pyr_type *type);

#endif
