// SPDX-License-Identifier: MIT
// What a dataset that reads a COG shares with its overviews and masks: the
// file, where its tiles are, and what was advised.
#ifndef COGX_READER_H
#define COGX_READER_H

#include "cogx_tiff.h"
#include "message_trap.h"
#include "vsi_cached.h"

#include "gdal_priv.h"

#include <memory>
#include <string>
#include <vector>

// Pixels of one level that will be read.
struct CogxWindow
{
    int overview = -1; // that the level is, of the band that is read
    int width = 0;
    int height = 0;
    int x = 0;
    int y = 0;
    int xSize = 0;
    int ySize = 0;
    // As many pixels are wanted of it, evenly spread, when it is sampled.
    bool sampled = false;
    int bufWidth = 0;
    int bufHeight = 0;
    bool image = true;
    bool mask = false;
    std::vector<int> bands{}; // from 1; empty: all
    // Bands as GDAL decodes them, whose cached blocks need no bytes; borrowed.
    std::vector<GDALRasterBand *> cached{};
};

enum class CogxPlan
{
    Made,
    None,  // the file is an odd one: GDAL must look at each block
    Failed // an error was raised
};

// One thread at a time.
class CogxReader final
{
  public:
    // path: as users name the file. nullptr, with an error, on failure.
    static std::shared_ptr<CogxReader> Open(const std::string &path,
                                            const VsiCachedOptions &options);
    ~CogxReader();
    CogxReader(const CogxReader &) = delete;
    CogxReader &operator=(const CogxReader &) = delete;

    // The file as users name it, without secrets, for messages.
    const std::string &Shown() const
    {
        return m_shown;
    }
    const std::string &Path() const
    {
        return m_path;
    }
    const std::shared_ptr<VsiCachedFile> &File() const
    {
        return m_file;
    }
    bool IsRemote() const;

    // The directories, read at the first call; nullptr where they cannot be,
    // and then *result says why, with err filled but not raised.
    const struct cogx_tiff *Tiff(enum pyr_result *result,
                                 struct pyr_error *err);

    // Remembers a window to be fetched with the next read.
    void Advise(const CogxWindow &window);

    // Before GDAL reads a window: fetches its tiles and all advised ones, as
    // many as are fetched at once; the file fetches others when one is read.
    // With rows, which is the height of the window, that is the end of the
    // plan, and *rows tells how many rows of pixels those tiles are.
    CogxPlan Plan(const CogxWindow &window, int *rows = nullptr);
    // Before GDAL reads one block: the same, but for its own tile.
    CogxPlan PlanBlock(const CogxWindow &block);
    // After it has read: forgets the plan. False when the tiles do not look
    // like what they were when the file was opened.
    bool Finish();

    // Raises an error of the core.
    void Report(enum pyr_result result, const struct pyr_error &err) const;

  private:
    CogxReader() = default;

    enum pyr_result ReadTiff(uint64_t offset, void *bytes, size_t nbytes,
                             struct pyr_error *err);
    enum pyr_result PlanOwn(const struct cogx_tiff &tiff, CogxWindow window,
                            int *rows, struct pyr_error *err);
    bool HasLeaders();
    enum pyr_result PlanAdvised(const struct cogx_tiff &tiff,
                                struct pyr_error *err);
    enum pyr_result FetchTables(const struct cogx_tiff &tiff,
                                const CogxWindow &window,
                                struct pyr_error *err);
    CogxPlan PlanAll(const CogxWindow &window, bool own, int *rows);
    CogxPlan TryPlan(const CogxWindow &window, bool own, int *rows);

    std::string m_path{};
    std::string m_shown{};
    std::shared_ptr<VsiCachedFile> m_file{};
    struct cogx_tiff *m_tiff = nullptr;
    enum pyr_result m_tiffResult = PYR_OK;
    struct pyr_error m_tiffError = {""};
    bool m_tiffTried = false;
    bool m_tiffExtended = false; // the first read was followed by another
    bool m_oddLeaders = false;   // the file is as it was nonetheless
    std::vector<CogxWindow> m_advised{};
    std::vector<struct pyr_extent> m_planned{}; // tiles of the last plan
};

// Collects what GDAL raises on this thread while it reads for us.
class CogxMessages final
{
  public:
    explicit CogxMessages(const CogxReader &reader);
    CogxMessages(const CogxMessages &) = delete;
    CogxMessages &operator=(const CogxMessages &) = delete;

    // Raises what was collected: after a failure of the file, that alone, and
    // else what GDAL said. Returns the result, or a failure where the file has
    // changed, which a server is asked about only when it is likely: after a
    // failure, or when the caller suspects so.
    CPLErr Tell(CPLErr result, bool suspect = false);

  private:
    const CogxReader &m_reader;
    MessageTrap m_trap{};
};

#endif
