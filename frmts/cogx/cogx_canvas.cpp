// SPDX-License-Identifier: MIT
// Pixels that are being written, in any order and bounded memory.
#include "cogx_canvas.h"

#include "cogx_create_copy.h"
#include "cogx_report.h"
#include "job_context.h"
#include "rok4_dataset.h"
#include "vsi_out.h"

#include "cpl_conv.h"

#include <algorithm>
#include <utility>

namespace
{

// Largest side of a block.
constexpr int MAX_SIDE = 512;
// The least where a tile has several.
constexpr int LEAST_SIDE = 128;
// Memory for blocks, where GDAL_CACHEMAX says less: a row of them must fit.
constexpr size_t LEAST_BYTES = 64 << 20;

// The largest part of a side that divides it.
int PartOf(int side)
{
    int part = std::min(side, MAX_SIDE);
    while (side % part != 0 || part % 16 != 0)
        part--;
    return part;
}

} // namespace

CogxCanvas::~CogxCanvas()
{
    Clear();
}

void CogxCanvas::Clear()
{
    cogx_draft_free(m_draft);
    m_draft = nullptr;
}

CPLErr CogxCanvas::Report(enum pyr_result result, const struct pyr_error &err)
{
    if (result == PYR_OK)
        return CE_None;
    m_failed = true;
    // It was raised already where GDAL's cache could not be written.
    if (err.text[0] != '\0')
        CogxReport(
            CE_Failure, result,
            CPLSPrintf("pixels that are written cannot be kept: %s", err.text));
    return CE_Failure;
}

int CogxCanvas::TileSide(int side)
{
    return PartOf(side) < std::min(side, LEAST_SIDE) ? MAX_SIDE : side;
}

int CogxCanvas::BlockSize(int side, int pixels)
{
    const int block = PartOf(TileSide(side));
    return pixels >= block ? block : (pixels + 15) / 16 * 16;
}

CPLErr CogxCanvas::WriteBlocks(GDALRasterBand *band, int x, int y, int width,
                               int height)
{
    int blockWidth = 0;
    int blockHeight = 0;
    CPLErr result = CE_None;
    band->GetBlockSize(&blockWidth, &blockHeight);
    const int lastCol = (x + width - 1) / blockWidth;
    const int lastRow = (y + height - 1) / blockHeight;
    for (int row = y / blockHeight; row <= lastRow; row++)
        for (int col = x / blockWidth; col <= lastCol; col++)
        {
            GDALRasterBlock *const block = band->TryGetLockedBlockRef(col, row);
            if (block == nullptr)
                continue;
            if (block->GetDirty())
                result = std::max(result, block->Write());
            block->DropLock();
        }
    return result;
}

bool CogxCanvas::Init(const CogxCanvasOptions &options)
{
    struct pyr_error err = {""};
    m_options = options;
    m_out = vsi_out_make_scratch();
    m_spool = CogxScratchPath(options.path) + ".written";
    m_runtime = PyrRuntime::Get();
    if (m_runtime == nullptr)
        return Report(PYR_NOMEM, {"out of memory"}) == CE_None;
    struct cogx_draft_options draft = {};
    draft.width_px = static_cast<uint32_t>(options.width);
    draft.height_px = static_cast<uint32_t>(options.height);
    draft.side_px = static_cast<uint32_t>(options.side);
    draft.block_width_px = static_cast<uint32_t>(options.blockWidth);
    draft.block_height_px = static_cast<uint32_t>(options.blockHeight);
    draft.bands = static_cast<uint32_t>(options.bands);
    draft.sample_bytes = options.sampleBytes;
    draft.memory_bytes = std::max(LEAST_BYTES, Rok4CacheBytes() / 2);
    draft.scratch = &m_out;
    draft.path = m_spool.c_str();
    draft.pool = m_runtime->pool;
    draft.nthreads = options.nthreads;
    draft.user = this;
    draft.find_format = FindFormat;
    draft.settle = Settle;
    draft.enter = EnterThread;
    draft.leave = LeaveThread;
    return Report(cogx_draft_new(&draft, &m_draft, &err), err) == CE_None;
}

// What threads need of this one; within another action, of that.
template <class Action> enum pyr_result CogxCanvas::Run(Action action)
{
    JobContext context;
    JobContext *const before = std::exchange(m_job, &context);
    const enum pyr_result result = action();
    m_job = before;
    context.Relay(result == PYR_OK);
    return result;
}

void CogxCanvas::Begin(int band, const struct cogx_rect &pixels)
{
    cogx_draft_begin(m_draft, static_cast<uint32_t>(band), &pixels);
}

void CogxCanvas::End(int band, const struct cogx_rect &pixels, CPLErr result)
{
    cogx_draft_end(m_draft, static_cast<uint32_t>(band), &pixels,
                   result == CE_None);
}

CPLErr CogxCanvas::Write(int band, int col, int row, const void *block)
{
    struct pyr_error err = {""};
    const std::vector<uint8_t> fill = m_options.owner->FillPixel();
    const enum pyr_result result = Run([&] {
        return cogx_draft_write(
            m_draft, static_cast<uint32_t>(band), static_cast<uint32_t>(col),
            static_cast<uint32_t>(row), static_cast<const uint8_t *>(block),
            fill.data(), &err);
    });
    return Report(result, err);
}

CPLErr CogxCanvas::Read(int band, int col, int row, void *block)
{
    struct pyr_error err = {""};
    const std::vector<uint8_t> fill = m_options.owner->FillPixel();
    return Report(
        cogx_draft_read(m_draft, static_cast<uint32_t>(band),
                        static_cast<uint32_t>(col), static_cast<uint32_t>(row),
                        static_cast<uint8_t *>(block), fill.data(), &err),
        err);
}

bool CogxCanvas::Has(int col, int row) const
{
    return cogx_draft_has(m_draft, static_cast<uint32_t>(col),
                          static_cast<uint32_t>(row));
}

bool CogxCanvas::Differs(const struct cogx_draft_format &format) const
{
    return format.image.tile_width_px !=
               static_cast<uint32_t>(m_options.side) ||
           cogx_draft_differs(m_draft, &format);
}

CPLErr CogxCanvas::Finish(const CogxDraftFormat &format)
{
    struct pyr_error err = {""};
    const std::vector<uint8_t> fill = m_options.owner->FillPixel();
    m_format = format;
    const struct cogx_draft_format given = m_format.Get();
    const enum pyr_result result = Run(
        [&] { return cogx_draft_finish(m_draft, &given, fill.data(), &err); });
    return Report(result, err);
}

CPLErr CogxCanvas::ReadPixels(const struct cogx_rect &pixels, int bands,
                              void *out, size_t rowBytes)
{
    struct pyr_error err = {""};
    const std::vector<uint8_t> fill = m_options.owner->FillPixel();
    const enum pyr_result result = Run([&] {
        return cogx_draft_read_pixels(
            m_draft, &pixels, static_cast<uint32_t>(bands),
            static_cast<uint8_t *>(out), rowBytes, fill.data(), &err);
    });
    return Report(result, err);
}

CPLErr CogxCanvas::ReadMask(const struct cogx_rect &pixels, void *out,
                            size_t rowBytes)
{
    struct pyr_error err = {""};
    const std::vector<uint8_t> fill = m_options.owner->FillPixel();
    const enum pyr_result result = Run([&] {
        return cogx_draft_read_mask(m_draft, &pixels,
                                    static_cast<uint8_t *>(out), rowBytes,
                                    fill.data(), &err);
    });
    return Report(result, err);
}

size_t CogxCanvas::TileBytes(enum pyr_plane plane, uint32_t col,
                             uint32_t row) const
{
    return cogx_draft_tile_nbytes(m_draft, plane, col, row);
}

enum pyr_result CogxCanvas::Fetch(const struct cogx_promised *tiles,
                                  size_t ntiles, struct pyr_error *err)
{
    const std::vector<uint8_t> fill = m_options.owner->FillPixel();
    return Run([&] {
        return cogx_draft_fetch(m_draft, tiles, ntiles, fill.data(), err);
    });
}

// The draft has a format of its own, whose pixel this keeps.
bool CogxCanvas::FindFormat(void *user, struct cogx_draft_format *format)
{
    CogxCanvas &self = *static_cast<CogxCanvas *>(user);
    if (!self.m_options.owner->FindFormat(&self.m_format) ||
        self.Differs(self.m_format.Get()))
        return false;
    *format = self.m_format.Get();
    return true;
}

enum pyr_result CogxCanvas::Settle(void *user, const struct cogx_rect *pixels,
                                   struct pyr_error *err)
{
    CogxCanvas &self = *static_cast<CogxCanvas *>(user);
    err->text[0] = '\0';
    return self.m_options.owner->FlushPixels(
               static_cast<int>(pixels->px_x), static_cast<int>(pixels->px_y),
               static_cast<int>(pixels->end_x - pixels->px_x),
               static_cast<int>(pixels->end_y - pixels->px_y)) == CE_None
               ? PYR_OK
               : PYR_IO;
}

void CogxCanvas::EnterThread(void *user, unsigned)
{
    static_cast<CogxCanvas *>(user)->m_job->Enter();
}

void CogxCanvas::LeaveThread(void *user, unsigned)
{
    static_cast<CogxCanvas *>(user)->m_job->Leave();
}
