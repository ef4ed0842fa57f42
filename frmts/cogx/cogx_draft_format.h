// SPDX-License-Identifier: MIT
// How the tiles of a raster that is being written will stand in the file.
#ifndef COGX_DRAFT_FORMAT_H
#define COGX_DRAFT_FORMAT_H

#include "cogx_draft.h"
#include "cogx_source.h"

#include <string>
#include <vector>

class CogxDraftFormat final
{
  public:
    // Of a source that is not warped, with the formats of its image and of its
    // mask. Which pixels count is told by the encoded tiles where it is to be
    // seen in the pixels, but not in what becomes of them.
    void Set(const CogxSource &source, const struct pyr_tile_format &image,
             const struct pyr_tile_format &mask);
    // Of tiles that have nothing beside.
    void Set(const struct pyr_tile_format &tiles);

    // Valid as long as this is.
    struct cogx_draft_format Get() const;

    bool HasMask() const
    {
        return m_format.mask_of != COGX_DRAFT_NO_MASK;
    }

  private:
    struct cogx_draft_format m_format = {};
    std::vector<uint8_t> m_masked{};
};

// The formats of the tiles of a dataset that becomes such a file, and of those
// of its mask; false where that is not known from the dataset as it is, or
// where the tiles are not those of the dataset.
struct CogxDraftFormats
{
    CogxDraftFormat image{};
    CogxDraftFormat mask{}; // of a mask that the dataset has
};
bool CogxFindDraftFormats(GDALDataset *dataset, const CogxOptions &options,
                          const std::string &path, CogxDraftFormats *formats);

#endif
