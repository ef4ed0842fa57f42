// SPDX-License-Identifier: MIT
// Samples of a dataset as they are.
#include "rok4_feed.h"

#include <string>

namespace
{

// Whether [from, from + count) of size pixels ends with blocks on both sides.
bool IsWholeBlocks(int from, int count, int block, int size)
{
    return from % block == 0 &&
           (from + count == size || (from + count) % block == 0);
}

struct Answer
{
    bool failed = false;
    std::vector<std::string> errors{};
};

void CPL_STDCALL KeepError(CPLErr kind, CPLErrorNum, const char *text)
{
    auto &answer = *static_cast<Answer *>(CPLGetErrorHandlerUserData());
    answer.failed = answer.failed || kind >= CE_Failure;
    answer.errors.push_back(text);
}

// Whether GDAL fails when it is asked something. Its errors become warnings,
// for a file that is not there may not be needed either.
template <typename Question> bool FailsWhenAsked(const Question &question)
{
    Answer answer;
    {
        const CPLErrorHandlerPusher pusher(KeepError, &answer);
        CPLSetCurrentErrorHandlerCatchDebug(FALSE);
        question();
    }
    if (answer.failed)
        CPLErrorReset();
    for (const std::string &text : answer.errors)
        CPLError(CE_Warning, CPLE_AppDefined, "%s", text.c_str());
    return answer.failed;
}

class DatasetFeed final : public Rok4Feed
{
  public:
    DatasetFeed(GDALDataset *source, const std::vector<int> &bands,
                GDALDataType type, GDALRasterBand *mask)
        : m_source(source), m_bands(bands), m_type(type), m_mask(mask)
    {
        GDALDriver *const driver = source->GetDriver();
        m_dropsBlocks = source->GetAccess() == GA_ReadOnly &&
                        driver != nullptr &&
                        !EQUAL(driver->GetDescription(), "VRT");
    }

    bool MayHold(int x, int y, int width, int height) override
    {
        return Rok4MayHoldData(m_source, m_bands, x, y, width, height);
    }

    bool HasGaps(int x, int y, int width, int height) override
    {
        return Rok4HasGaps(m_source, m_bands, x, y, width, height);
    }

    CPLErr Read(int x, int y, int width, int height,
                const Rok4Target &target) override
    {
        const CPLErr result = m_source->RasterIO(
            GF_Read, x, y, width, height, target.pixels, width, height, m_type,
            static_cast<int>(m_bands.size()), m_bands.data(),
            static_cast<GSpacing>(target.pixelBytes),
            static_cast<GSpacing>(target.rowBytes),
            GDALGetDataTypeSizeBytes(m_type), nullptr);
        DropBlocks(x, y, width, height);
        if (result != CE_None || m_mask == nullptr)
            return result;
        return m_mask->RasterIO(
            GF_Read, x, y, width, height, target.valid, width, height, GDT_Byte,
            1, static_cast<GSpacing>(target.validRowBytes), nullptr);
    }

  private:
    // Blocks that no other window needs leave GDAL's cache: to fill it takes
    // longer than to use its memory again. Those of a VRT are not its own.
    void DropBlocks(int x, int y, int width, int height)
    {
        int blockWidth = 0;
        int blockHeight = 0;
        m_source->GetRasterBand(m_bands[0])
            ->GetBlockSize(&blockWidth, &blockHeight);
        if (!m_dropsBlocks ||
            !IsWholeBlocks(x, width, blockWidth, m_source->GetRasterXSize()) ||
            !IsWholeBlocks(y, height, blockHeight, m_source->GetRasterYSize()))
            return;
        for (const int number : m_bands)
            GDALFlushRasterCache(
                GDALRasterBand::ToHandle(m_source->GetRasterBand(number)));
    }

    GDALDataset *const m_source;
    std::vector<int> m_bands;
    const GDALDataType m_type;
    GDALRasterBand *const m_mask;
    bool m_dropsBlocks = false;
};

} // namespace

bool Rok4MayHoldData(GDALDataset *dataset, const std::vector<int> &bands, int x,
                     int y, int width, int height)
{
    bool holds = false;
    const bool failed = FailsWhenAsked([&] {
        for (size_t i = 0; i < bands.size() && !holds; i++)
            holds = dataset->GetRasterBand(bands[i])->GetDataCoverageStatus(
                        x, y, width, height, GDAL_DATA_COVERAGE_STATUS_DATA,
                        nullptr) != GDAL_DATA_COVERAGE_STATUS_EMPTY;
    });
    return holds || failed;
}

bool Rok4HasGaps(GDALDataset *dataset, const std::vector<int> &bands, int x,
                 int y, int width, int height)
{
    bool gaps = true;
    (void)FailsWhenAsked([&] {
        for (size_t i = 0; i < bands.size() && gaps; i++)
        {
            double percent = 0;
            const int status =
                dataset->GetRasterBand(bands[i])->GetDataCoverageStatus(
                    x, y, width, height, 0, &percent);
            // A VRT does not know the share of gaps in several pieces.
            gaps = (status & GDAL_DATA_COVERAGE_STATUS_UNIMPLEMENTED) == 0 &&
                   percent < 100;
        }
    });
    return gaps;
}

std::unique_ptr<Rok4Feed> Rok4MakeDatasetFeed(GDALDataset *source,
                                              const std::vector<int> &bands,
                                              GDALDataType type,
                                              GDALRasterBand *mask)
{
    return std::make_unique<DatasetFeed>(source, bands, type, mask);
}
