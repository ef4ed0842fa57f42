// SPDX-License-Identifier: MIT
// What a dataset that reads a COG shares with its overviews and masks: the
// file, where its tiles are, and what was advised.
#include "cogx_reader.h"

#include "cogx_places.h"
#include "cogx_report.h"
#include "redaction.h"
#include "pyr_buf.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

namespace
{

// Windows that may wait for the next read; more than a program that advises in
// good faith queues.
constexpr size_t MAX_ADVISED = 4096;
// Directories that begin within so many bytes are read together.
constexpr uint64_t MAX_HEADER_BYTES = 1 << 20;

#define CHANGED "has changed since it was opened"

} // namespace

std::shared_ptr<CogxReader> CogxReader::Open(const std::string &path,
                                             const VsiCachedOptions &options)
{
    std::shared_ptr<CogxReader> reader(new CogxReader);
    struct pyr_error err = {""};
    reader->m_path = path;
    reader->m_shown = Redacted(path);
    const enum pyr_result result =
        VsiCachedFile::Open(path.c_str(), options, &reader->m_file, &err);
    if (result == PYR_OK)
        return reader;
    reader->Report(result, err);
    return nullptr;
}

CogxReader::~CogxReader()
{
    cogx_tiff_free(m_tiff);
    if (m_file != nullptr)
        CPLDebug("COGX", "%s: %llu requests, %llu bytes", m_shown.c_str(),
                 static_cast<unsigned long long>(m_file->Requests()),
                 static_cast<unsigned long long>(m_file->Bytes()));
}

bool CogxReader::IsRemote() const
{
    return m_file->IsRemote();
}

void CogxReader::Report(enum pyr_result result,
                        const struct pyr_error &err) const
{
    struct pyr_error named = err;
    pyr_error_prefix(&named, "%s", m_shown.c_str());
    CogxReport(CE_Failure, result, named.text);
}

// Directories stand one after the other before all tiles, each with its tables.
// Where the second one begins says how much room they take: overviews have a
// third of the tables of the full resolution, a mask as many.
enum pyr_result CogxReader::ReadTiff(uint64_t offset, void *bytes,
                                     size_t nbytes, struct pyr_error *err)
{
    if (!m_tiffExtended && offset <= MAX_HEADER_BYTES &&
        !m_file->Holds(offset, nbytes))
    {
        m_tiffExtended = true;
        const uint64_t end = (offset + nbytes) * 8 / 3;
        const enum pyr_result result = m_file->Fetch({{0, end}}, err);
        if (result != PYR_OK)
            return result;
    }
    return m_file->Read(offset, bytes, nbytes, err);
}

const struct cogx_tiff *CogxReader::Tiff(enum pyr_result *result,
                                         struct pyr_error *err)
{
    if (!m_tiffTried)
    {
        m_tiffTried = true;
        struct pyr_tiff_reader reader = {};
        reader.user = this;
        reader.size_bytes = m_file->Size();
        reader.read = [](void *user, uint64_t offset, void *bytes,
                         size_t nbytes, struct pyr_error *why) {
            struct pyr_error unused = {""};
            return static_cast<CogxReader *>(user)->ReadTiff(
                offset, bytes, nbytes, why != nullptr ? why : &unused);
        };
        m_tiffResult = cogx_tiff_open(&reader, &m_tiff, &m_tiffError);
        // Another try may have more luck.
        m_tiffTried = m_tiffResult != PYR_IO;
        if (m_tiffResult != PYR_OK)
            CPLDebug("COGX", "%s: %s", m_shown.c_str(), m_tiffError.text);
    }
    *result = m_tiffResult;
    *err = m_tiffError;
    return m_tiff;
}

void CogxReader::Advise(const CogxWindow &window)
{
    if (m_advised.size() < MAX_ADVISED)
        m_advised.push_back(window);
}

// The tables of all tiles, in one go.
enum pyr_result CogxReader::FetchTables(const struct cogx_tiff &tiff,
                                        const CogxWindow &window,
                                        struct pyr_error *err)
{
    std::vector<struct pyr_extent> tables;
    for (const CogxTiles &tiles : CogxTilesOf(tiff, window))
        CogxAddTables(tiles, &tables);
    for (const CogxWindow &one : m_advised)
        for (const CogxTiles &tiles : CogxTilesOf(tiff, one))
            CogxAddTables(tiles, &tables);
    return m_file->Fetch(tables, err);
}

enum pyr_result CogxReader::PlanOwn(const struct cogx_tiff &tiff,
                                    CogxWindow window, int *rows,
                                    struct pyr_error *err)
{
    std::vector<CogxTiles> all = CogxTilesOf(tiff, window);
    enum pyr_result result = PYR_OK;
    if (rows != nullptr && m_file->IsRemote() && !all.empty())
    {
        const CogxTiles &tiles = all.front();
        size_t nrows = 0;
        result =
            CogxRowsWithin(tiff, tiles, m_file->MaxPlannedBytes(), &nrows, err);
        if (result == PYR_OK && nrows < tiles.rows.size())
        {
            const uint64_t end =
                (static_cast<uint64_t>(tiles.rows[nrows - 1]) + 1) *
                tiles.raster->tile_height_px;
            window.ySize = static_cast<int>(end - window.y);
            *rows = window.ySize;
            all = CogxTilesOf(tiff, window);
        }
    }
    m_planned.clear();
    for (size_t i = 0; i < all.size() && result == PYR_OK; i++)
        result = CogxAddPlaces(tiff, all[i], &m_planned, err);
    // Local files have nothing to win.
    if (result == PYR_OK && m_file->IsRemote())
        m_file->Plan(m_planned, false);
    return result;
}

// Whether each tile follows its size, where the file promises that.
bool CogxReader::HasLeaders()
{
    if (m_tiff == nullptr || !m_tiff->structure.leader ||
        m_tiff->structure.edited || m_oddLeaders)
        return true;
    const uint64_t around = m_tiff->structure.trailer ? 8 : 4;
    for (const struct pyr_extent &place : m_planned)
    {
        uint8_t leader[4];
        struct pyr_error err = {""};
        if (m_file->Holds(place.offset_bytes, sizeof(leader)) &&
            m_file->Read(place.offset_bytes, leader, sizeof(leader), &err) ==
                PYR_OK &&
            pyr_le32(leader) + around != place.nbytes)
            return false;
    }
    return true;
}

bool CogxReader::Finish()
{
    bool good = HasLeaders();
    m_file->ForgetPlan();
    m_planned.clear();
    // Some files never have what they promise.
    if (!good && m_file->Unchanged())
        m_oddLeaders = good = true;
    return good;
}

enum pyr_result CogxReader::PlanAdvised(const struct cogx_tiff &tiff,
                                        struct pyr_error *err)
{
    std::vector<CogxWindow> windows;
    windows.swap(m_advised);
    std::vector<struct pyr_extent> places;
    for (const CogxWindow &window : windows)
        for (const CogxTiles &tiles : CogxTilesOf(tiff, window))
        {
            const enum pyr_result result =
                CogxAddPlaces(tiff, tiles, &places, err);
            if (result != PYR_OK)
                return result;
        }
    if (m_file->IsRemote())
        m_file->Plan(places, true);
    return PYR_OK;
}

CogxPlan CogxReader::PlanAll(const CogxWindow &window, bool own, int *rows)
{
    struct pyr_error err = {""};
    enum pyr_result result = PYR_OK;
    const struct cogx_tiff *const tiff = Tiff(&result, &err);
    if (tiff != nullptr && window.width != 0)
    {
        result = FetchTables(*tiff, window, &err);
        if (result == PYR_OK)
            result = PlanOwn(*tiff, window, rows, &err);
        if (!own)
            m_file->ForgetPlan();
        struct pyr_error later = {""};
        if (result == PYR_OK && PlanAdvised(*tiff, &later) != PYR_OK)
            CPLDebug("COGX", "%s: advised: %s", m_shown.c_str(), later.text);
        if (result == PYR_OK && own && m_file->IsRemote() && !m_planned.empty())
            result = m_file->FetchPlanned(m_planned.front(), &err);
    }
    if (result == PYR_OK)
        return CogxPlan::Made;
    m_file->ForgetPlan();
    m_planned.clear();
    if (result != PYR_IO && result != PYR_NOMEM)
        return CogxPlan::None;
    if (result == PYR_IO && !m_file->Unchanged())
        (void)pyr_fail(&err, PYR_IO, CHANGED);
    Report(result, err);
    return CogxPlan::Failed;
}

CogxPlan CogxReader::TryPlan(const CogxWindow &window, bool own, int *rows)
{
    try
    {
        return PlanAll(window, own, rows);
    }
    catch (const std::bad_alloc &)
    {
        Report(PYR_NOMEM, {"out of memory"});
        return CogxPlan::Failed;
    }
}

CogxPlan CogxReader::Plan(const CogxWindow &window, int *rows)
{
    return TryPlan(window, true, rows);
}

CogxPlan CogxReader::PlanBlock(const CogxWindow &block)
{
    return TryPlan(block, false, nullptr);
}

CogxMessages::CogxMessages(const CogxReader &reader) : m_reader(reader)
{
}

CPLErr CogxMessages::Tell(CPLErr result, bool suspect)
{
    m_trap.Stop();
    struct pyr_error err = {""};
    VsiCachedFile &file = *m_reader.File();
    enum pyr_result failure = file.TakeFailure(&err);
    // GDAL's threads pass over failures to read tables.
    if (failure != PYR_OK)
        result = CE_Failure;
    if ((result != CE_None || suspect || !file.IsRemote()) && !file.Unchanged())
    {
        result = CE_Failure;
        failure = pyr_fail(&err, PYR_IO, CHANGED);
    }
    const bool own = result != CE_None && failure != PYR_OK;
    for (const MessageTrap::Message &message : m_trap.Messages())
    {
        const std::string text =
            CPLString(message.text).replaceAll(file.Name(), m_reader.Shown());
        if (own && message.kind >= CE_Failure)
            CPLDebug("COGX", "%s", text.c_str());
        else
            CPLError(message.kind, message.code, "%s", text.c_str());
    }
    if (own)
        m_reader.Report(failure, err);
    else if (result != CE_None && m_trap.Messages().empty())
        m_reader.Report(PYR_IO, {"cannot be read"});
    return result;
}
