// SPDX-License-Identifier: MIT
// Pixels that are being written, in any order and bounded memory.
#ifndef COGX_CANVAS_H
#define COGX_CANVAS_H

#include "pyr_store.h"

#include "cpl_error.h"

#include <string>
#include <vector>

// Blocks of one band each, of any type. One thread at a time. Errors are
// raised.
class CogxCanvas final
{
  public:
    CogxCanvas() = default;
    ~CogxCanvas();
    CogxCanvas(const CogxCanvas &) = delete;
    CogxCanvas &operator=(const CogxCanvas &) = delete;

    // Largest side that Init takes.
    static constexpr int MAX_SIDE = 512;

    // width, height: of a block in pixels, multiples of 16; path: of the file
    // to be, beside which goes what memory cannot hold. False, with an error.
    bool Init(int width, int height, int bands, size_t sampleBytes,
              const std::string &path);

    // band: 0 for the first. fill: by band, the sample of pixels of blocks that
    // are not there yet, tightly packed.
    CPLErr Write(int band, int col, int row, const void *block,
                 const std::vector<uint8_t> &fill);
    CPLErr Read(int band, int col, int row, void *block,
                const std::vector<uint8_t> &fill);

    // Whether something was written to a block, of this band or of another.
    bool Has(int band, int col, int row) const;

    // Something that was written could not be kept.
    bool HasFailed() const
    {
        return m_failed;
    }

    // Forgets everything.
    void Clear();

  private:
    // Bands that share tiles of one store, each a plane of them.
    struct Lane
    {
        int first;
        int bands;
        struct pyr_store *store;
    };

    CPLErr Report(enum pyr_result result, const struct pyr_error &err);
    size_t LaneOf(int band) const
    {
        return static_cast<size_t>(band / m_laneBands);
    }
    // The plane of a band in a tile of its lane.
    uint8_t *PlaneOf(uint8_t *tile, int band) const
    {
        return tile + m_planeBytes * static_cast<size_t>(band % m_laneBands);
    }
    void Fill(const Lane &lane, uint8_t *tile,
              const std::vector<uint8_t> &fill) const;

    int m_laneBands = 1;
    size_t m_sampleBytes = 1;
    size_t m_planeBytes = 0;
    size_t m_memoryBytes = 0; // of each lane
    std::string m_spool{};
    struct pyr_out m_out = {};
    std::vector<Lane> m_lanes{};
    bool m_failed = false;
};

#endif
