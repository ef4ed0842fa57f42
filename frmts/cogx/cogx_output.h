// SPDX-License-Identifier: MIT
// A file that is being written: its tiles come from the engine, or as they are.
#ifndef COGX_OUTPUT_H
#define COGX_OUTPUT_H

#include "cogx_canvas.h"
#include "cogx_encoded.h"
#include "cogx_template.h"
#include "pyr_runtime.h"

#include <memory>
#include <string>
#include <vector>

class JobContext;

struct CogxOutputOptions
{
    std::string path{};
    const CogxSource *source = nullptr;   // borrowed
    const CogxOptions *options = nullptr; // borrowed
    // Levels that are copied; borrowed, nullptr for none.
    CogxEncoded *encoded = nullptr;
    // Of a source that was written; borrowed, nullptr for others.
    const CogxWritten *written = nullptr;
    GDALProgressFunc progress = nullptr; // may be nullptr
    void *progressData = nullptr;
};

// One thread at a time. Each step returns false after it has told why.
class CogxOutput final
{
  public:
    explicit CogxOutput(const CogxOutputOptions &options);
    // Without Finish, nothing is left.
    ~CogxOutput();
    CogxOutput(const CogxOutput &) = delete;
    CogxOutput &operator=(const CogxOutput &) = delete;

    // Finds tags, formats and layout.
    bool Begin();

    // Makes all tiles of the source and of its overviews.
    bool Build();

    // Instead of Build, takes encoded tiles, which are of the formats below.
    const struct pyr_sink *Sink() const
    {
        return cogx_writer_sink(m_writer);
    }
    const struct pyr_tile_format &ImageFormat() const
    {
        return m_formats[IMAGE];
    }
    const struct pyr_tile_format &OverviewFormat() const
    {
        return m_formats[OVERVIEW];
    }

    // Puts the file in its place.
    bool Finish();

    // Whether a step failed since encoded tiles cannot be copied, which was
    // not told unless they must be.
    bool Refused() const
    {
        return m_refused;
    }

  private:
    // Images of the file by their tags.
    enum Kind
    {
        IMAGE,
        OVERVIEW,
        MASK,
        KINDS
    };

    // Share of the progress after which the file is only put together.
    static constexpr double BUILT = 0.9;

    bool Report(enum pyr_result result, const struct pyr_error &err) const;
    bool ReportCopied(enum pyr_result result, const struct pyr_error &err);
    bool HasOverviews() const;
    bool WantsStatistics() const;
    CogxSampleOptions SampleOptions() const;
    bool MakeTemplate(bool again);
    bool CheckEncoder(const CogxCompression &compression) const;
    bool MakeEncoder(Kind kind);
    bool MakeEmptyTile(Kind kind, struct pyr_tile_encoder *encoder);
    bool TakeTables();
    void MakeImages();
    bool MakeWriter();
    bool BuildLevels(size_t level, size_t nlevels);
    bool BuildMissing(size_t level);
    bool RunRows(struct pyr_rows_options *options, size_t level);
    bool IsSparse(Kind kind) const;
    bool IsCopied(size_t level) const;
    std::vector<double> Fill() const;
    bool ReadsAsFill() const;
    bool TakeEncodedTags();
    void UseEncodedTags(size_t level);
    bool CopyLevel(size_t level);
    bool PutMasks(size_t level);
    bool PutMaskRow(size_t level, uint32_t row, GDALRasterBand *mask,
                    struct pyr_tile_encoder *encoder);
    bool BuildAroundCopied();
    bool FitsWritten();
    bool BuildAroundWritten();
    bool FinishWritten();
    bool PromiseWritten(enum pyr_plane plane);
    CogxCanvas *WrittenTiles(enum pyr_plane plane) const;
    size_t WrittenBytes(enum pyr_plane plane, uint32_t col, uint32_t row) const;
    bool Write();
    bool WriteSidecars();
    bool CommitSidecars();
    bool ReportSidecar(const CogxSidecar &sidecar, enum pyr_result result,
                       const struct pyr_error &err) const;
    void FindOldFiles();
    void RemoveOldFiles() const;

    static enum pyr_result Fetch(void *user, const struct cogx_promised *tiles,
                                 size_t ntiles, struct pyr_error *err);
    static enum pyr_result FetchWritten(void *user,
                                        const struct cogx_promised *tiles,
                                        size_t ntiles, struct pyr_error *err);
    static bool Wants(void *user, enum pyr_plane plane, uint32_t level,
                      uint32_t col, uint32_t row);
    static bool Progress(void *user, double fraction);
    static void EnterThread(void *user, unsigned worker);
    static void LeaveThread(void *user, unsigned worker);

    const CogxOutputOptions m_file;
    const CogxSource &m_source;
    const CogxOptions &m_options;
    std::string m_name{};      // of the file, without its directory
    std::string m_spoolPath{}; // may not be beside it
    struct pyr_out m_out = {};
    struct pyr_out m_scratch = {};
    std::shared_ptr<PyrRuntime> m_runtime{};
    std::unique_ptr<CogxTemplate> m_template{};
    struct pyr_tile_format m_formats[KINDS] = {};
    std::vector<uint8_t> m_tables[KINDS]{};
    std::vector<uint8_t> m_emptyTiles[KINDS]{};
    // Of levels that are copied: whose tags are their own.
    std::vector<std::unique_ptr<CogxTags>> m_levelTags{};
    std::vector<uint8_t> m_wholeEmptyTile{};
    bool m_refused = false;
    std::vector<struct cogx_image> m_images{};
    std::vector<struct cogx_image> m_masks{};
    std::vector<struct pyr_rows_statistics> m_statistics{};
    // Of tiles that were written: how they are encoded, and by plane which of
    // them hold something.
    bool m_usesWritten = false;
    CogxDraftFormat m_writtenFormat{};
    std::vector<uint8_t> m_holds[2]{};
    std::vector<std::string> m_oldFiles{};
    // As those of the template, written, but not in their places yet.
    std::vector<struct pyr_out_file *> m_sidecars{};
    struct cogx_writer *m_writer = nullptr;
    JobContext *m_job = nullptr;
    double m_done = 0;  // share of the progress that is over
    double m_share = 0; // of what is under way
};

#endif
