// SPDX-License-Identifier: MIT
// Pixels that are being written, in any order and bounded memory.
#ifndef COGX_CANVAS_H
#define COGX_CANVAS_H

#include "cogx_draft_format.h"
#include "pyr_runtime.h"

#include "cpl_error.h"

#include <memory>
#include <string>
#include <vector>

class JobContext;

// Whose pixels they are.
class CogxCanvasOwner
{
  public:
    virtual ~CogxCanvasOwner() = default;

    // How tiles will stand in the file; false: that is not known yet.
    virtual bool FindFormat(CogxDraftFormat *format) = 0;
    // Writes what waits in GDAL's cache for these pixels, as WriteBlocks does.
    virtual CPLErr FlushPixels(int x, int y, int width, int height) = 0;
    // A pixel that nothing was written to.
    virtual std::vector<uint8_t> FillPixel() const = 0;
};

struct CogxCanvasOptions
{
    CogxCanvasOwner *owner = nullptr; // borrowed
    int width = 0;
    int height = 0;
    int side = 0; // as TileSide has it
    int blockWidth = 0;
    int blockHeight = 0;
    int bands = 0;
    size_t sampleBytes = 0;
    std::string path{}; // of the file, beside which goes what exceeds memory
    unsigned nthreads = 1;
};

// Blocks of one band each, of any type, that become tiles of the file. One
// thread at a time. Errors are raised. Bands are from 0.
class CogxCanvas final
{
  public:
    CogxCanvas() = default;
    ~CogxCanvas();
    CogxCanvas(const CogxCanvas &) = delete;
    CogxCanvas &operator=(const CogxCanvas &) = delete;

    // Side of the tiles of a canvas for tiles of a file of that side: the same,
    // unless that cannot be had of blocks.
    static int TileSide(int side);
    // Side of a block for tiles of that side, of a raster of so many pixels.
    static int BlockSize(int side, int pixels);

    // Writes blocks that were changed in a band's cache, and leaves them there:
    // they may be in use.
    static CPLErr WriteBlocks(GDALRasterBand *band, int x, int y, int width,
                              int height);

    // False, with an error.
    bool Init(const CogxCanvasOptions &options);

    // Around the writing of a window: blocks that come meanwhile need not be
    // whole.
    void Begin(int band, const struct cogx_rect &pixels);
    void End(int band, const struct cogx_rect &pixels, CPLErr result);

    CPLErr Write(int band, int col, int row, const void *block);
    CPLErr Read(int band, int col, int row, void *block);

    // Whether something was written to a block, of this band or of another, or
    // to another block of its tile.
    bool Has(int col, int row) const;

    // Something that was written could not be kept.
    bool HasFailed() const
    {
        return m_failed;
    }

    // Whether tiles have been encoded in another way.
    bool Differs(const struct cogx_draft_format &format) const;

    // Encodes what is left; nothing is written after that. What follows is of
    // a canvas that is finished.
    CPLErr Finish(const CogxDraftFormat &format);

    // Of the first bands, interleaved by pixel; of the mask that the tiles
    // have.
    CPLErr ReadPixels(const struct cogx_rect &pixels, int bands, void *out,
                      size_t rowBytes);
    CPLErr ReadMask(const struct cogx_rect &pixels, void *out, size_t rowBytes);

    // Of an encoded tile; 0: there is none.
    size_t TileBytes(enum pyr_plane plane, uint32_t col, uint32_t row) const;
    enum pyr_result Fetch(const struct cogx_promised *tiles, size_t ntiles,
                          struct pyr_error *err);

    // Forgets everything.
    void Clear();

  private:
    CPLErr Report(enum pyr_result result, const struct pyr_error &err);
    template <class Action> enum pyr_result Run(Action action);

    static bool FindFormat(void *user, struct cogx_draft_format *format);
    static enum pyr_result Settle(void *user, const struct cogx_rect *pixels,
                                  struct pyr_error *err);
    static void EnterThread(void *user, unsigned worker);
    static void LeaveThread(void *user, unsigned worker);

    CogxCanvasOptions m_options{};
    std::string m_spool{};
    struct pyr_out m_out = {};
    std::shared_ptr<PyrRuntime> m_runtime{};
    CogxDraftFormat m_format{};
    struct cogx_draft *m_draft = nullptr;
    JobContext *m_job = nullptr;
    bool m_failed = false;
};

// Tiles of a source that was written, as they will stand in the file.
struct CogxWritten
{
    CogxCanvas *image = nullptr;
    CogxCanvas *mask = nullptr; // of a mask that the source has, or nullptr
    // Of an image that is finished; else nullptr.
    const CogxDraftFormat *finished = nullptr;
};

#endif
