// SPDX-License-Identifier: MIT
// Pixels that are being written, in any order and bounded memory.
#include "cogx_canvas.h"

#include "cogx_create_copy.h"
#include "cogx_report.h"
#include "rok4_dataset.h"
#include "vsi_out.h"

#include "cpl_conv.h"

#include <algorithm>
#include <cstring>

namespace
{

// Of the bands that share a tile, for one pixel.
constexpr size_t LANE_BYTES = 32;
// What the shape of a stored tile counts as a pixel.
constexpr size_t SHAPE_BANDS = 4;
// Memory for blocks, where GDAL_CACHEMAX says less: a row of them must fit.
constexpr size_t LEAST_BYTES = 64 << 20;

void FillBlock(uint8_t *block, size_t nbytes, const uint8_t *sample,
               size_t sampleBytes)
{
    for (size_t at = 0; at < nbytes; at += sampleBytes)
        memcpy(block + at, sample, sampleBytes);
}

// A plane has the first bytes of all samples, then the second ones..., each as
// the difference to that of the sample before: that is compressed better.
void Split(const uint8_t *block, size_t samples, size_t sampleBytes,
           uint8_t *plane)
{
    for (size_t i = 0; i < sampleBytes; i++)
    {
        uint8_t before = 0;
        for (size_t j = 0; j < samples; j++)
        {
            const uint8_t byte = block[j * sampleBytes + i];
            *plane++ = static_cast<uint8_t>(byte - before);
            before = byte;
        }
    }
}

void Join(const uint8_t *plane, size_t samples, size_t sampleBytes,
          uint8_t *block)
{
    for (size_t i = 0; i < sampleBytes; i++)
    {
        uint8_t byte = 0;
        for (size_t j = 0; j < samples; j++)
        {
            byte = static_cast<uint8_t>(byte + *plane++);
            block[j * sampleBytes + i] = byte;
        }
    }
}

} // namespace

CogxCanvas::~CogxCanvas()
{
    Clear();
}

void CogxCanvas::Clear()
{
    for (const Lane &lane : m_lanes)
        pyr_store_free(lane.store);
    m_lanes.clear();
}

CPLErr CogxCanvas::Report(enum pyr_result result, const struct pyr_error &err)
{
    if (result == PYR_OK)
        return CE_None;
    m_failed = true;
    CogxReport(
        CE_Failure, result,
        CPLSPrintf("pixels that are written cannot be kept: %s", err.text));
    return CE_Failure;
}

bool CogxCanvas::Init(int width, int height, int bands, size_t sampleBytes,
                      const std::string &path)
{
    struct pyr_error err = {""};
    const size_t pixels = static_cast<size_t>(width) * height;
    m_sampleBytes = sampleBytes;
    m_planeBytes = pixels * sampleBytes;
    m_laneBands = static_cast<int>(std::clamp<size_t>(
        LANE_BYTES / sampleBytes, 1, static_cast<size_t>(bands)));
    m_out = vsi_out_make_scratch();
    m_spool = CogxScratchPath(path) + ".written";
    for (int first = 0; first < bands; first += m_laneBands)
    {
        Lane lane = {};
        lane.first = first;
        lane.bands = std::min(m_laneBands, bands - first);
        struct pyr_store_options options = {};
        options.shape.width_px = static_cast<uint32_t>(width);
        // Sides are multiples of that many pixels.
        options.shape.height_px = static_cast<uint32_t>(
            height * sampleBytes * static_cast<size_t>(lane.bands) /
            SHAPE_BANDS);
        options.shape.bands = SHAPE_BANDS;
        options.shape.sample = PYR_SAMPLE_UINT8;
        options.out = &m_out;
        options.path = m_spool.c_str();
        const enum pyr_result result =
            pyr_store_new(&options, &lane.store, &err);
        if (Report(result, err) != CE_None)
            return false;
        m_lanes.push_back(lane);
    }
    m_memoryBytes =
        std::max(LEAST_BYTES, Rok4CacheBytes() / 2) / m_lanes.size();
    return true;
}

void CogxCanvas::Fill(const Lane &lane, uint8_t *tile,
                      const std::vector<uint8_t> &fill) const
{
    std::vector<uint8_t> block(m_planeBytes);
    for (int i = 0; i < lane.bands; i++)
    {
        FillBlock(block.data(), m_planeBytes,
                  &fill[static_cast<size_t>(lane.first + i) * m_sampleBytes],
                  m_sampleBytes);
        Split(block.data(), m_planeBytes / m_sampleBytes, m_sampleBytes,
              tile + m_planeBytes * static_cast<size_t>(i));
    }
}

CPLErr CogxCanvas::Write(int band, int col, int row, const void *block,
                         const std::vector<uint8_t> &fill)
{
    const Lane &lane = m_lanes[LaneOf(band)];
    struct pyr_store_tile *tile = nullptr;
    struct pyr_error err = {""};
    const enum pyr_result result =
        pyr_store_edit(lane.store, static_cast<uint32_t>(col),
                       static_cast<uint32_t>(row), m_memoryBytes, &tile, &err);
    if (result != PYR_OK)
        return Report(result, err);
    if (tile->fresh)
        Fill(lane, tile->pixels, fill);
    Split(static_cast<const uint8_t *>(block), m_planeBytes / m_sampleBytes,
          m_sampleBytes, PlaneOf(tile->pixels, band));
    pyr_store_release(lane.store, tile);
    return CE_None;
}

CPLErr CogxCanvas::Read(int band, int col, int row, void *block,
                        const std::vector<uint8_t> &fill)
{
    const Lane &lane = m_lanes[LaneOf(band)];
    const struct pyr_store_tile *tile = nullptr;
    struct pyr_error err = {""};
    const enum pyr_result result =
        pyr_store_look(lane.store, static_cast<uint32_t>(col),
                       static_cast<uint32_t>(row), m_memoryBytes, &tile, &err);
    if (result == PYR_NOT_FOUND)
    {
        FillBlock(static_cast<uint8_t *>(block), m_planeBytes,
                  &fill[static_cast<size_t>(band) * m_sampleBytes],
                  m_sampleBytes);
        return CE_None;
    }
    if (result != PYR_OK)
        return Report(result, err);
    Join(PlaneOf(tile->pixels, band), m_planeBytes / m_sampleBytes,
         m_sampleBytes, static_cast<uint8_t *>(block));
    pyr_store_release(lane.store, tile);
    return CE_None;
}

bool CogxCanvas::Has(int band, int col, int row) const
{
    return pyr_store_has(m_lanes[LaneOf(band)].store,
                         static_cast<uint32_t>(col),
                         static_cast<uint32_t>(row));
}
