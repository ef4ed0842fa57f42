// SPDX-License-Identifier: MIT
// A file that is being written: its tiles come from the engine, or as they are.
#include "cogx_output.h"

#include "cogx_create_copy.h"
#include "cogx_report.h"
#include "job_context.h"
#include "vsi_io.h"
#include "vsi_out.h"

#include "cpl_conv.h"
#include "cpl_vsi.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace
{

// Encoded tiles that wait in memory; more go to a file.
constexpr size_t WAITING_BYTES = 32 << 20;

} // namespace

CogxOutput::CogxOutput(const CogxOutputOptions &options)
    : m_file(options), m_source(*options.source), m_options(*options.options),
      m_name(CPLGetFilename(options.path.c_str())),
      m_scratch(vsi_out_make_scratch())
{
    m_out = vsi_out_is_random(m_file.path.c_str()) ? vsi_out_make_single()
                                                   : vsi_out_make_stream();
    m_spoolPath = CogxScratchPath(m_file.path) + ".tiles";
}

CogxOutput::~CogxOutput()
{
    cogx_writer_free(m_writer);
    for (struct pyr_out_file *const file : m_sidecars)
        m_out.discard(file);
}

bool CogxOutput::Report(enum pyr_result result,
                        const struct pyr_error &err) const
{
    if (result == PYR_OK)
        return true;
    CogxReport(CE_Failure, result,
               CPLSPrintf("%s: %s", m_file.path.c_str(), err.text));
    return false;
}

bool CogxOutput::HasOverviews() const
{
    return m_source.Sizes().size() > 1;
}

// Those of a source that is morphed are made anew.
bool CogxOutput::WantsStatistics() const
{
    if (m_options.statistics != CogxStatistics::Auto)
        return m_options.statistics == CogxStatistics::Yes;
    GDALRasterBand *const band = m_source.Given()->GetRasterBand(1);
    bool has = true;
    for (const char *item : {"STATISTICS_MINIMUM", "STATISTICS_MAXIMUM",
                             "STATISTICS_MEAN", "STATISTICS_STDDEV"})
        has = has && band->GetMetadataItem(item) != nullptr;
    return has && m_source.Morphed();
}

CogxSampleOptions CogxOutput::SampleOptions() const
{
    const struct pyr_rows_size &size = m_source.Sizes()[0];
    CogxSampleOptions options;
    options.mask = m_source.HasMask();
    options.overview = HasOverviews();
    options.nodata = !m_source.NodataIsMask();
    options.dropStatistics =
        m_options.statistics == CogxStatistics::No || WantsStatistics();
    options.statistics = m_statistics;
    options.pixels = static_cast<uint64_t>(size.width_px) * size.height_px;
    return options;
}

bool CogxOutput::MakeTemplate(bool again)
{
    m_template = CogxMakeTemplate(m_source, m_options, SampleOptions(),
                                  m_file.path, again);
    return m_template != nullptr;
}

// Tags that depend on the encoders.
bool CogxOutput::TakeTables()
{
    CogxTags *const tags[] = {&m_template->image, &m_template->overview};
    for (const Kind kind : {IMAGE, OVERVIEW})
    {
        struct pyr_error err = {""};
        if (!m_tables[kind].empty() &&
            !Report(cogx_tags_set_tables(&tags[kind]->tags,
                                         m_tables[kind].data(),
                                         m_tables[kind].size(), &err),
                    err))
            return false;
    }
    if (!TakeEncodedTags())
        return false;
    MakeImages();
    return true;
}

// The tile that stands for those without data.
bool CogxOutput::MakeEmptyTile(Kind kind, struct pyr_tile_encoder *encoder)
{
    const struct pyr_tile_format &format = m_formats[kind];
    const size_t sample = pyr_type_bytes(format.type);
    const size_t pixel = sample * format.bands;
    const size_t row = pixel * format.tile_width_px;
    const uint8_t *bytes = nullptr;
    size_t nbytes = 0;
    struct pyr_error err = {""};
    std::vector<uint8_t> pixels(row * format.tile_height_px);
    if (kind != MASK &&
        (m_source.CountsByNodata() || m_file.encoded != nullptr))
    {
        const std::vector<double> fill = Fill();
        for (size_t band = 0; band < format.bands; band++)
            GDALCopyWords(&fill[band], GDT_Float64, 0, &pixels[band * sample],
                          m_source.GdalType(), 0, 1);
        for (size_t at = pixel; at < pixels.size(); at += pixel)
            memcpy(&pixels[at], pixels.data(), pixel);
    }
    const enum pyr_result result =
        pyr_tile_encode(encoder, pixels.data(), row, &bytes, &nbytes, &err);
    if (result == PYR_OK)
        m_emptyTiles[kind].assign(bytes, bytes + nbytes);
    return Report(result, err);
}

// Whether the pixels of tiles that are left out read as they are. With a mask
// or alpha, those without data are 0, and readers take the nodata value.
static bool CanBeSparse(const CogxSource &source)
{
    if (source.CountsByNodata() || source.NodataIsMask())
        return true;
    return std::all_of(source.Nodata().begin(), source.Nodata().end(),
                       [](double value) { return value == 0; });
}

bool CogxOutput::IsSparse(Kind kind) const
{
    if (!m_options.sparse || kind == MASK)
        return m_options.sparse;
    return m_file.encoded != nullptr ? ReadsAsFill() : CanBeSparse(m_source);
}

bool CogxOutput::CheckEncoder(const CogxCompression &compression) const
{
    struct pyr_error err = {""};
    struct pyr_tile_encoder *encoder = nullptr;
    const struct pyr_tile_format format =
        CogxFormatOf(CogxTags(), compression, m_source);
    const enum pyr_result result =
        pyr_tile_encoder_new(&format, &encoder, &err);
    pyr_tile_encoder_free(encoder);
    return Report(result, err);
}

// Takes what files need of an encoder.
bool CogxOutput::MakeEncoder(Kind kind)
{
    struct pyr_error err = {""};
    struct pyr_tile_encoder *encoder = nullptr;
    const uint8_t *bytes = nullptr;
    size_t nbytes = 0;
    enum pyr_result result =
        pyr_tile_encoder_new(&m_formats[kind], &encoder, &err);
    if (result == PYR_OK)
        result = pyr_tile_encoder_tables(encoder, &bytes, &nbytes, &err);
    if (result == PYR_OK)
        m_tables[kind].assign(bytes, bytes + nbytes);
    bool done = Report(result, err);
    if (done && !IsSparse(kind))
        done = MakeEmptyTile(kind, encoder);
    pyr_tile_encoder_free(encoder);
    return done;
}

void CogxOutput::MakeImages()
{
    const uint32_t side = static_cast<uint32_t>(m_source.BlockSize());
    const size_t nlevels = m_source.Sizes().size();
    const CogxTags *const tags[KINDS] = {
        &m_template->image, &m_template->overview, &m_template->mask};
    m_images.resize(nlevels);
    m_masks.resize(m_source.HasMask() ? nlevels : 0);
    const auto fill = [&](struct cogx_image *image, size_t level, Kind kind) {
        image->width_px = m_source.Sizes()[level].width_px;
        image->height_px = m_source.Sizes()[level].height_px;
        image->tile_width_px = side;
        image->tile_height_px = side;
        image->tags = tags[kind]->tags.list;
        image->ntags = tags[kind]->tags.ntags;
        image->empty_tile =
            m_emptyTiles[kind].empty() ? nullptr : m_emptyTiles[kind].data();
        image->empty_nbytes = m_emptyTiles[kind].size();
    };
    for (size_t i = 0; i < nlevels; i++)
    {
        fill(&m_images[i], i, i == 0 ? IMAGE : OVERVIEW);
        if (i < m_levelTags.size() && m_levelTags[i] != nullptr)
            UseEncodedTags(i);
        if (i < m_masks.size())
            fill(&m_masks[i], i, MASK);
    }
}

bool CogxOutput::MakeWriter()
{
    struct pyr_error err = {""};
    struct cogx_writer_options options = {};
    options.images = m_images.data();
    options.masks = m_masks.empty() ? nullptr : m_masks.data();
    options.nlevels = static_cast<uint32_t>(m_images.size());
    options.bigtiff = m_options.bigtiff;
    options.memory_bytes = WAITING_BYTES;
    options.spool_path = m_spoolPath.c_str();
    options.scratch = &m_scratch;
    if (m_file.encoded != nullptr)
        options.fetch = Fetch;
    options.fetch_user = m_file.encoded;
    if (m_file.written != nullptr)
    {
        options.fetch = FetchWritten;
        options.fetch_user = this;
    }
    return Report(cogx_writer_new(&options, &m_writer, &err), err);
}

bool CogxOutput::Begin()
{
    struct pyr_error err = {""};
    m_runtime = PyrRuntime::Get();
    if (m_runtime == nullptr)
        return Report(PYR_NOMEM, {"out of memory"});
    if (!Progress(this, 0))
        return Report(pyr_fail(&err, PYR_CANCELLED, "interrupted"), err);
    // What cannot be encoded has clearer messages here than from GTiff.
    if (!CheckEncoder(m_options.image) ||
        (HasOverviews() && !CheckEncoder(m_options.overview)) ||
        !MakeTemplate(false))
        return false;
    FindOldFiles();
    m_formats[IMAGE] =
        CogxFormatOf(m_template->image, m_options.image, m_source);
    m_formats[OVERVIEW] =
        HasOverviews()
            ? CogxFormatOf(m_template->overview, m_options.overview, m_source)
            : m_formats[IMAGE];
    m_formats[MASK] =
        CogxMaskFormatOf(m_template->mask, m_options.image, m_source);
    if (!MakeEncoder(IMAGE) || (HasOverviews() && !MakeEncoder(OVERVIEW)) ||
        (m_source.HasMask() && !MakeEncoder(MASK)))
        return false;
    return TakeTables() && MakeWriter();
}

// Levels from one on, in one pass over its pixels.
bool CogxOutput::BuildLevels(size_t level, size_t nlevels)
{
    struct pyr_rows_options options = {};
    options.nlevels = static_cast<uint32_t>(nlevels);
    options.format = m_formats[level == 0 ? IMAGE : OVERVIEW];
    options.sink = Sink();
    if (level == 0 && WantsStatistics())
    {
        m_statistics.resize(m_source.Bands());
        options.statistics = m_statistics.data();
    }
    return RunRows(&options, level);
}

// Fills in what does not depend on the levels.
bool CogxOutput::RunRows(struct pyr_rows_options *given, size_t level)
{
    struct pyr_rows_options &options = *given;
    const struct pyr_rows_source pixels = m_source.Levels()[level]->Source();
    options.sizes = m_source.Sizes().data() + level;
    options.first_level = static_cast<uint32_t>(level);
    options.source = &pixels;
    options.method = CogxMethodOf(m_source.OverviewResampling());
    options.masks = m_source.HasMask();
    options.mask_rule = m_source.MaskRule();
    options.alpha = m_source.HasAlpha();
    options.nodata = m_source.CountsByNodata();
    options.nodata_values = m_source.Nodata().data();
    // Arrays of bytes both, without anything between them.
    options.palette =
        reinterpret_cast<const uint8_t(*)[4]>(m_source.Palette().data());
    options.npalette = static_cast<uint32_t>(m_source.Palette().size());
    options.overview_format = m_formats[OVERVIEW];
    options.mask_format = m_formats[MASK];
    options.wants = m_usesWritten ? Wants : nullptr;
    options.wants_user = this;
    options.pool = m_runtime->pool;
    options.nthreads = m_options.nthreads;
    JobContext context;
    m_job = &context;
    options.thread_user = this;
    options.thread_enter = EnterThread;
    options.thread_leave = LeaveThread;
    options.progress = Progress;
    options.progress_user = this;
    struct pyr_error err = {""};
    const enum pyr_result result = pyr_rows_build(&options, &err);
    m_job = nullptr;
    context.Relay(result == PYR_OK);
    return Report(result, err);
}

bool CogxOutput::Build()
{
    const size_t nsizes = m_source.Sizes().size();
    const size_t nlevels = m_source.Levels().size();
    if (m_file.encoded != nullptr)
        return BuildAroundCopied();
    if (m_file.written != nullptr && FitsWritten())
        return BuildAroundWritten();
    if (nlevels == 1)
    {
        m_share = BUILT;
        if (!BuildLevels(0, nsizes))
            return false;
        m_done = BUILT;
        return true;
    }
    // Each overview of the source is a pass of its own.
    double total = 0;
    const auto pixels = [this](size_t level) {
        return static_cast<double>(m_source.Sizes()[level].width_px) *
               m_source.Sizes()[level].height_px;
    };
    for (size_t i = 0; i < nlevels; i++)
        total += pixels(i);
    for (size_t i = 0; i < nlevels; i++)
    {
        m_share = BUILT * pixels(i) / total;
        if (!BuildLevels(i, 1))
            return false;
        m_done += m_share;
    }
    return true;
}

bool CogxOutput::Write()
{
    struct pyr_error err = {""};
    struct pyr_out_file *file = nullptr;
    enum pyr_result result =
        m_out.create(m_out.user, m_file.path.c_str(), &file, &err);
    if (result != PYR_OK)
        return Report(result, err);
    result = cogx_writer_finish(m_writer, &m_out, file, Progress, this, &err);
    if (result == PYR_OK)
        result = m_out.commit(file, false, &err);
    else
        m_out.discard(file);
    return ReportCopied(result, err);
}

bool CogxOutput::WriteSidecars()
{
    const std::string directory =
        m_file.path.substr(0, m_file.path.size() - m_name.size());
    for (const CogxSidecar &sidecar : m_template->sidecars)
    {
        struct pyr_error err = {""};
        struct pyr_out_file *file = nullptr;
        const std::string path = directory + sidecar.name;
        enum pyr_result result =
            m_out.create(m_out.user, path.c_str(), &file, &err);
        if (result == PYR_OK)
        {
            m_sidecars.push_back(file);
            result = m_out.write(file, 0, sidecar.text.data(),
                                 sidecar.text.size(), &err);
        }
        if (result != PYR_OK)
            return ReportSidecar(sidecar, result, err);
    }
    return true;
}

bool CogxOutput::CommitSidecars()
{
    for (size_t i = 0; i < m_sidecars.size(); i++)
    {
        struct pyr_error err = {""};
        const enum pyr_result result =
            m_out.commit(std::exchange(m_sidecars[i], nullptr), false, &err);
        if (result != PYR_OK)
            return ReportSidecar(m_template->sidecars[i], result, err);
    }
    return true;
}

bool CogxOutput::ReportSidecar(const CogxSidecar &sidecar,
                               enum pyr_result result,
                               const struct pyr_error &err) const
{
    CogxReport(CE_Failure, result,
               CPLSPrintf("%s, which belongs to %s: %s", sidecar.name.c_str(),
                          m_file.path.c_str(), err.text));
    return false;
}

// Files of what the file replaces, beside it: they would be taken for its own.
// Those with another name may be those of others, too, such as the metadata of
// a scene of which it is one band.
void CogxOutput::FindOldFiles()
{
    const std::string stem = m_name.substr(0, m_name.rfind('.'));
    if (!vsi_io_exists(m_file.path.c_str()))
        return;
    const CPLErrorHandlerPusher quiet(CPLQuietErrorHandler);
    const char *const drivers[] = {"GTiff", nullptr};
    const GDALDatasetUniquePtr old(GDALDataset::Open(
        m_file.path.c_str(), GDAL_OF_RASTER, drivers, nullptr, nullptr));
    if (old == nullptr)
        return;
    const CPLStringList files(old->GetFileList());
    for (int i = 0; i < files.size(); i++)
        if (m_file.path != files[i] &&
            STARTS_WITH(CPLGetFilename(files[i]), stem.c_str()))
            m_oldFiles.push_back(files[i]);
}

void CogxOutput::RemoveOldFiles() const
{
    const std::string directory =
        m_file.path.substr(0, m_file.path.size() - m_name.size());
    for (const std::string &old : m_oldFiles)
        if (std::none_of(m_template->sidecars.begin(),
                         m_template->sidecars.end(),
                         [&](const CogxSidecar &sidecar) {
                             return directory + sidecar.name == old;
                         }))
            VSIUnlink(old.c_str());
}

bool CogxOutput::Finish()
{
    // With the statistics that are known by now.
    if (!m_statistics.empty() && (!MakeTemplate(true) || !TakeTables()))
        return false;
    m_done = std::min(m_done, BUILT);
    m_share = 1 - m_done;
    // What can fail for want of space comes before the file has its name.
    if (!WriteSidecars() || !Write())
        return false;
    RemoveOldFiles();
    return CommitSidecars();
}

bool CogxOutput::Progress(void *user, double fraction)
{
    const CogxOutput &self = *static_cast<const CogxOutput *>(user);
    return self.m_file.progress == nullptr ||
           self.m_file.progress(self.m_done + self.m_share * fraction, "",
                                self.m_file.progressData) != FALSE;
}

void CogxOutput::EnterThread(void *user, unsigned)
{
    static_cast<CogxOutput *>(user)->m_job->Enter();
}

void CogxOutput::LeaveThread(void *user, unsigned)
{
    static_cast<CogxOutput *>(user)->m_job->Leave();
}
