// SPDX-License-Identifier: MIT
// The tags that GDAL's GTiff driver gives a file like the one to be.
#ifndef COGX_TEMPLATE_H
#define COGX_TEMPLATE_H

#include "cogx_sample.h"
#include "cogx_source.h"
#include "cogx_writer.h"

#include <memory>
#include <string>
#include <vector>

// Tags of one directory, without those of sizes and tiles. Owns the values.
class CogxTags final
{
  public:
    CogxTags() = default;
    ~CogxTags();
    CogxTags(const CogxTags &) = delete;
    CogxTags &operator=(const CogxTags &) = delete;

    // Takes values, which pyr_free frees.
    void Add(uint16_t code, uint16_t type, uint64_t count, void *values);
    // Copies of all tags of others; false when out of memory.
    bool AddAll(const CogxTags &others);
    void Remove(uint16_t code);
    // A copy of bytes, as a tag of type UNDEFINED; replaces one of that code.
    bool SetBytes(uint16_t code, const uint8_t *bytes, size_t nbytes);
    // The nth value of a tag of type SHORT, or the fallback.
    unsigned Short(uint16_t code, size_t nth, unsigned fallback) const;
    uint64_t Count(uint16_t code) const;
    bool Empty() const
    {
        return m_tags.empty();
    }

    const std::vector<struct cogx_tag> &Get() const
    {
        return m_tags;
    }

  private:
    const struct cogx_tag *Find(uint16_t code) const;
    std::vector<struct cogx_tag> m_tags{};
};

// A file that stands beside the image, as NAME.aux.xml.
struct CogxSidecar
{
    std::string name{};
    std::string text{};
};

struct CogxTemplate
{
    CogxTags image{};
    CogxTags overview{}; // empty without overviews
    CogxTags mask{};     // of the image, and of overviews; empty without masks
    std::vector<CogxSidecar> sidecars{};
};

// target: path of the file to be. The second time for one file, warnings are
// not repeated. nullptr, with an error.
std::unique_ptr<CogxTemplate>
CogxMakeTemplate(const CogxSource &source, const CogxOptions &options,
                 const CogxSampleOptions &sampleOptions,
                 const std::string &target, bool again);

// How tiles of an image with these tags are encoded.
struct pyr_tile_format CogxFormatOf(const CogxTags &tags,
                                    const CogxCompression &compression,
                                    const CogxSource &source);
struct pyr_tile_format CogxMaskFormatOf(const CogxTags &tags,
                                        const CogxCompression &compression,
                                        const CogxSource &source);

#endif
