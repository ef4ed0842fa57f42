// SPDX-License-Identifier: MIT
// The tags that GDAL's GTiff driver gives a file like the one to be.
#ifndef COGX_TEMPLATE_H
#define COGX_TEMPLATE_H

#include "cogx_sample.h"
#include "cogx_source.h"
#include "cogx_tags.h"

#include <memory>
#include <string>
#include <vector>

// Tags of one directory, without those of sizes and tiles. Owns the values.
class CogxTags final
{
  public:
    CogxTags() = default;
    ~CogxTags()
    {
        cogx_tags_clear(&tags);
    }
    CogxTags(const CogxTags &) = delete;
    CogxTags &operator=(const CogxTags &) = delete;

    struct cogx_tags tags = {};
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
