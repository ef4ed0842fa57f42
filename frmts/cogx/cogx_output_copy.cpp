// SPDX-License-Identifier: MIT
// A file whose levels are, some or all of them, copied without decoding.
#include "cogx_output.h"

#include "cogx_jpeg.h"
#include "cogx_report.h"

#include "cpl_conv.h"

#include <algorithm>
#include <cmath>

namespace
{

// Share of the progress before the file is put together.
constexpr double MADE = 0.5;

// Sink for levels whose first one is there already.
struct RestSink
{
    const struct pyr_sink *sink;
    uint32_t level;
};

enum pyr_result PutRest(void *user, enum pyr_plane plane, uint32_t level,
                        uint32_t col, uint32_t row, const uint8_t *bytes,
                        size_t nbytes, struct pyr_error *err)
{
    const auto *const rest = static_cast<const RestSink *>(user);
    return level == rest->level
               ? PYR_OK
               : rest->sink->put(rest->sink->user, plane, level, col, row,
                                 bytes, nbytes, err);
}

} // namespace

enum pyr_result CogxOutput::Fetch(void *user, const struct cogx_promised *tiles,
                                  size_t ntiles, struct pyr_error *err)
{
    return static_cast<CogxEncoded *>(user)->Fetch(tiles, ntiles, err);
}

bool CogxOutput::IsCopied(size_t level) const
{
    return m_file.encoded != nullptr && level < m_source.Levels().size() &&
           m_file.encoded->Has(level);
}

// What can be done another way is not told as an error.
bool CogxOutput::ReportCopied(enum pyr_result result,
                              const struct pyr_error &err)
{
    if (result != PYR_UNSUPPORTED || m_file.encoded == nullptr ||
        m_options.losslessCopy == CogxLossless::Yes)
        return Report(result, err);
    CPLDebug("COGX", "tiles are encoded anew: %s", err.text);
    m_refused = true;
    return false;
}

// Pixels without data, by band.
std::vector<double> CogxOutput::Fill() const
{
    return m_file.encoded != nullptr ? m_file.encoded->Fill()
                                     : m_source.Nodata();
}

// Whether readers take the same for tiles that are left out.
bool CogxOutput::ReadsAsFill() const
{
    const std::vector<double> &nodata = m_source.Nodata();
    const double expected = nodata.empty() ? 0 : nodata[0];
    const std::vector<double> fill = m_file.encoded->Fill();
    return std::all_of(fill.begin(), fill.end(), [&](double value) {
        return value == expected || (std::isnan(value) && std::isnan(expected));
    });
}

bool CogxOutput::TakeEncodedTags()
{
    m_levelTags.clear();
    if (m_file.encoded == nullptr)
        return true;
    const std::vector<uint8_t> &tables = m_tables[IMAGE];
    const std::vector<uint8_t> &tile = m_emptyTiles[IMAGE];
    m_wholeEmptyTile = tile;
    if (m_file.encoded->WholeStreams() && !tables.empty() && !tile.empty())
    {
        m_wholeEmptyTile.resize(tables.size() + tile.size());
        m_wholeEmptyTile.resize(cogx_jpeg_join(tables.data(), tables.size(),
                                               tile.data(), tile.size(),
                                               m_wholeEmptyTile.data()));
    }
    for (size_t i = 0; i < m_source.Sizes().size(); i++)
    {
        struct pyr_error err = {""};
        m_levelTags.push_back(nullptr);
        if (!IsCopied(i))
            continue;
        m_levelTags[i] = std::make_unique<CogxTags>();
        struct cogx_tags *const tags = &m_levelTags[i]->tags;
        enum pyr_result result = cogx_tags_copy(
            tags, i == 0 ? &m_template->image.tags : &m_template->overview.tags,
            &err);
        if (result == PYR_OK)
            result = m_file.encoded->TakeTags(i, tags, &err);
        if (!Report(result, err))
            return false;
    }
    return true;
}

void CogxOutput::UseEncodedTags(size_t level)
{
    struct cogx_image &image = m_images[level];
    image.tags = m_levelTags[level]->tags.list;
    image.ntags = m_levelTags[level]->tags.ntags;
    if (image.empty_tile == nullptr)
        return;
    // Tiles encoded here need other tables than those of the source.
    const bool jpeg = m_file.encoded->Image().codec == PYR_TIFF_JPEG ||
                      m_file.encoded->Overview().codec == PYR_TIFF_JPEG;
    if (m_file.encoded->WholeStreams())
    {
        image.empty_tile = m_wholeEmptyTile.data();
        image.empty_nbytes = m_wholeEmptyTile.size();
    }
    else if (jpeg)
    {
        image.empty_tile = nullptr;
        image.empty_nbytes = 0;
    }
}

bool CogxOutput::PutMaskRow(size_t level, uint32_t row, GDALRasterBand *mask,
                            struct pyr_tile_encoder *encoder)
{
    const int side = m_source.BlockSize();
    const int top = static_cast<int>(row) * side;
    const int height = std::min(side, mask->GetYSize() - top);
    const size_t stride = static_cast<size_t>(side);
    std::vector<uint8_t> pixels(stride * stride);
    for (int left = 0; left < mask->GetXSize(); left += side)
    {
        const int width = std::min(side, mask->GetXSize() - left);
        const uint8_t *bytes = nullptr;
        size_t nbytes = 0;
        struct pyr_error err = {""};
        std::fill(pixels.begin(), pixels.end(), static_cast<uint8_t>(0));
        if (mask->RasterIO(GF_Read, left, top, width, height, pixels.data(),
                           width, height, GDT_Byte, 1, side,
                           nullptr) != CE_None)
            return false;
        if (std::all_of(pixels.begin(), pixels.end(),
                        [](uint8_t value) { return value == 0; }))
            continue;
        enum pyr_result result = pyr_tile_encode(encoder, pixels.data(), stride,
                                                 &bytes, &nbytes, &err);
        if (result == PYR_OK)
            result = Sink()->put(
                Sink()->user, PYR_PLANE_MASK, static_cast<uint32_t>(level),
                static_cast<uint32_t>(left / side), row, bytes, nbytes, &err);
        if (!Report(result, err))
            return false;
    }
    return true;
}

// The mask of a level that is copied.
bool CogxOutput::PutMasks(size_t level)
{
    GDALRasterBand *mask = m_source.Shown()->GetRasterBand(1)->GetMaskBand();
    struct pyr_error err = {""};
    struct pyr_tile_encoder *encoder = nullptr;
    const struct pyr_rows_size &size = m_source.Sizes()[level];
    if (level > 0)
        mask = mask->GetOverview(static_cast<int>(level) - 1);
    if (mask == nullptr ||
        mask->GetXSize() != static_cast<int>(size.width_px) ||
        mask->GetYSize() != static_cast<int>(size.height_px))
        return ReportCopied(PYR_UNSUPPORTED,
                            {"masks of the source have other sizes than its "
                             "overviews"});
    bool done =
        Report(pyr_tile_encoder_new(&m_formats[MASK], &encoder, &err), err);
    const uint32_t side = static_cast<uint32_t>(m_source.BlockSize());
    const uint32_t nrows = (size.height_px - 1) / side + 1;
    for (uint32_t row = 0; row < nrows && done; row++)
    {
        done = PutMaskRow(level, row, mask, encoder);
        if (done && !Progress(this, static_cast<double>(row + 1) / nrows))
            done = Report(pyr_fail(&err, PYR_CANCELLED, "interrupted"), err);
    }
    pyr_tile_encoder_free(encoder);
    return done;
}

bool CogxOutput::CopyLevel(size_t level)
{
    struct pyr_error err = {""};
    return ReportCopied(m_file.encoded->Promise(level, m_writer, &err), err) &&
           (!m_source.HasMask() || PutMasks(level));
}

// Overviews smaller than the source has, from its last one.
bool CogxOutput::BuildMissing(size_t level)
{
    RestSink rest = {Sink(), static_cast<uint32_t>(level)};
    struct pyr_sink sink = {};
    sink.user = &rest;
    sink.put = PutRest;
    struct pyr_rows_options options = {};
    options.nlevels = static_cast<uint32_t>(m_source.Sizes().size() - level);
    options.sink = &sink;
    // It is dropped: what takes no time will do.
    options.format = m_formats[OVERVIEW];
    options.format.compression = PYR_TIFF_NONE;
    options.format.predictor = 1;
    options.format.ycbcr = false;
    return RunRows(&options, level);
}

// Levels that do not fit are made of the source's pixels.
bool CogxOutput::BuildAroundCopied()
{
    const size_t nlevels = m_source.Levels().size();
    std::string others;
    for (size_t i = 0; i < nlevels; i++)
    {
        const double share = i == 0 ? 0.5 : 0.5 / std::pow(2, i);
        m_share = MADE * share;
        if (IsCopied(i) ? !CopyLevel(i) : !BuildLevels(i, 1))
            return false;
        m_done += m_share;
        if (!IsCopied(i))
            others += (others.empty() ? "" : ", ") + std::to_string(i);
    }
    if (!others.empty())
        CogxReport(CE_Warning, PYR_UNSUPPORTED,
                   ("overviews " + others +
                    " of the source do not fit, and are encoded anew; "
                    "ALIGNED_LEVELS avoids that where their tiles begin beside "
                    "the corner of the image")
                       .c_str());
    m_share = MADE - m_done > 0 ? MADE - m_done : 0;
    const bool done =
        m_source.Sizes().size() == nlevels || BuildMissing(nlevels - 1);
    m_done = MADE;
    return done;
}
