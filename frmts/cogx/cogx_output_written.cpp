// SPDX-License-Identifier: MIT
// A file whose image was written tile by tile, and encoded meanwhile.
#include "cogx_output.h"

#include "cpl_conv.h"

// Whose encoded tiles are those of a plane; nullptr: they are made as ever.
CogxCanvas *CogxOutput::WrittenTiles(enum pyr_plane plane) const
{
    return plane == PYR_PLANE_DATA || m_writtenFormat.HasMask()
               ? m_file.written->image
               : m_file.written->mask;
}

// Of a tile that was written; a mask of its own is the image of its canvas.
size_t CogxOutput::WrittenBytes(enum pyr_plane plane, uint32_t col,
                                uint32_t row) const
{
    const CogxCanvas *const tiles = WrittenTiles(plane);
    if (tiles == nullptr)
        return 0;
    return tiles->TileBytes(
        tiles == m_file.written->image ? plane : PYR_PLANE_DATA, col, row);
}

// Whether the tiles of the file are those that were written.
bool CogxOutput::FitsWritten()
{
    const CogxWritten &written = *m_file.written;
    m_writtenFormat.Set(m_source, m_formats[IMAGE], m_formats[MASK]);
    if (written.finished != nullptr)
        m_writtenFormat = *written.finished;
    struct cogx_draft_format expected = m_writtenFormat.Get();
    expected.image = m_formats[IMAGE];
    expected.mask = m_formats[MASK];
    const char *why = nullptr;
    if (m_source.Warped() || m_source.Levels().size() > 1)
        why = "they are not the tiles of the file";
    else if (written.image->Differs(expected))
        why = "what has been set since they were written asks for others";
    CogxDraftFormat mask;
    mask.Set(m_formats[MASK]);
    if (why == nullptr && written.mask != nullptr &&
        written.mask->Differs(mask.Get()))
        why = "the mask is written in another way";
    if (why != nullptr)
        CPLDebug("COGX", "tiles are encoded anew: %s", why);
    return why == nullptr;
}

bool CogxOutput::FinishWritten()
{
    const CogxWritten &written = *m_file.written;
    CogxDraftFormat mask;
    mask.Set(m_formats[MASK]);
    return (written.finished != nullptr ||
            written.image->Finish(m_writtenFormat) == CE_None) &&
           (written.mask == nullptr || !m_source.HasMask() ||
            written.mask->Finish(mask) == CE_None);
}

// Which tiles hold nothing is found while overviews are made of them.
bool CogxOutput::BuildAroundWritten()
{
    m_usesWritten = true;
    if (!FinishWritten())
        return false;
    const struct pyr_rows_size &size = m_source.Sizes()[0];
    const size_t side = static_cast<size_t>(m_source.BlockSize());
    const size_t ntiles =
        ((size.width_px - 1) / side + 1) * ((size.height_px - 1) / side + 1);
    for (std::vector<uint8_t> &holds : m_holds)
        holds.assign(ntiles, 0);
    m_share = BUILT;
    if (!BuildLevels(0, m_source.Sizes().size()))
        return false;
    m_done = BUILT;
    return PromiseWritten(PYR_PLANE_DATA) &&
           (!m_source.HasMask() || PromiseWritten(PYR_PLANE_MASK));
}

bool CogxOutput::Wants(void *user, enum pyr_plane plane, uint32_t level,
                       uint32_t col, uint32_t row)
{
    CogxOutput &self = *static_cast<CogxOutput *>(user);
    const uint32_t side = static_cast<uint32_t>(self.m_source.BlockSize());
    const uint32_t ncols = (self.m_source.Sizes()[0].width_px - 1) / side + 1;
    if (level > 0 || self.WrittenBytes(plane, col, row) == 0)
        return true;
    // One byte for each: threads have their own.
    self.m_holds[plane][static_cast<size_t>(row) * ncols + col] = 1;
    return false;
}

bool CogxOutput::PromiseWritten(enum pyr_plane plane)
{
    const uint32_t side = static_cast<uint32_t>(m_source.BlockSize());
    const uint32_t ncols = (m_source.Sizes()[0].width_px - 1) / side + 1;
    const std::vector<uint8_t> &holds = m_holds[plane];
    for (size_t i = 0; i < holds.size(); i++)
    {
        struct pyr_error err = {""};
        const uint32_t col = static_cast<uint32_t>(i % ncols);
        const uint32_t row = static_cast<uint32_t>(i / ncols);
        if (holds[i] != 0 &&
            !Report(cogx_writer_promise(m_writer, plane, 0, col, row, 0,
                                        WrittenBytes(plane, col, row), &err),
                    err))
            return false;
    }
    return true;
}

// Tiles of both planes take turns in a file.
enum pyr_result CogxOutput::FetchWritten(void *user,
                                         const struct cogx_promised *tiles,
                                         size_t ntiles, struct pyr_error *err)
{
    const CogxOutput &self = *static_cast<CogxOutput *>(user);
    CogxCanvas *const image = self.WrittenTiles(PYR_PLANE_DATA);
    CogxCanvas *const mask = self.WrittenTiles(PYR_PLANE_MASK);
    if (mask == image || mask == nullptr)
        return image->Fetch(tiles, ntiles, err);
    std::vector<struct cogx_promised> parts[2];
    for (size_t i = 0; i < ntiles; i++)
        parts[tiles[i].plane].push_back(tiles[i]);
    // To that canvas, they are its image.
    for (struct cogx_promised &tile : parts[PYR_PLANE_MASK])
        tile.plane = PYR_PLANE_DATA;
    const enum pyr_result result = image->Fetch(
        parts[PYR_PLANE_DATA].data(), parts[PYR_PLANE_DATA].size(), err);
    return result == PYR_OK ? mask->Fetch(parts[PYR_PLANE_MASK].data(),
                                          parts[PYR_PLANE_MASK].size(), err)
                            : result;
}
