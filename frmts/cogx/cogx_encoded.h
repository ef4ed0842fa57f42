// SPDX-License-Identifier: MIT
// Encoded tiles of a source, that become those of the file as they are.
#ifndef COGX_ENCODED_H
#define COGX_ENCODED_H

#include "cogx_options.h"
#include "cogx_template.h"

#include "gdal_priv.h"

#include <memory>
#include <string>
#include <vector>

// Levels are those of the dataset: its image, then its overviews.
class CogxEncoded
{
  public:
    virtual ~CogxEncoded() = default;
    CogxEncoded(const CogxEncoded &) = delete;
    CogxEncoded &operator=(const CogxEncoded &) = delete;

    // The dataset that is copied: the one given, or one that shows more of it.
    virtual GDALDataset *Source() const = 0;
    // Whether the tiles of a level are those of the dataset.
    virtual bool Has(size_t level) const = 0;
    // Promises all tiles of a level that are there.
    virtual enum pyr_result Promise(size_t level, struct cogx_writer *writer,
                                    struct pyr_error *err) = 0;
    // As struct cogx_writer_options has it.
    virtual enum pyr_result Fetch(const struct cogx_promised *tiles,
                                  size_t ntiles, struct pyr_error *err) = 0;
    // Gives the level's tags those that its tiles are decoded by.
    virtual enum pyr_result TakeTags(size_t level, struct cogx_tags *tags,
                                     struct pyr_error *err) const = 0;
    // Whether tiles of JPEG have their own tables.
    virtual bool WholeStreams() const = 0;
    // What pixels of tiles that are not there read as, by band.
    virtual std::vector<double> Fill() const = 0;

    // How many overviews are of use; -1: all.
    virtual int OverviewCount() const
    {
        return -1;
    }

    int Side() const
    {
        return m_side;
    }
    const CogxCompression &Image() const
    {
        return m_image;
    }
    const CogxCompression &Overview() const
    {
        return m_overview;
    }

  protected:
    CogxEncoded() = default;

    int m_side = 0;
    CogxCompression m_image{};
    CogxCompression m_overview{};
};

// Encoded tiles of a dataset as the options want them; nullptr, and why there
// are none.
std::unique_ptr<CogxEncoded> CogxFindEncoded(GDALDataset *source,
                                             const CogxOptions &options,
                                             std::string *why);
std::unique_ptr<CogxEncoded> CogxFindEncodedRok4(GDALDataset *source,
                                                 const CogxOptions &options,
                                                 std::string *why);
std::unique_ptr<CogxEncoded> CogxFindEncodedTiff(GDALDataset *source,
                                                 const CogxOptions &options,
                                                 std::string *why);

// Options for the levels of it that are made anew.
CogxOptions CogxOptionsOf(const CogxEncoded &encoded,
                          const CogxOptions &options);

#endif
