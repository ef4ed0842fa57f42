// SPDX-License-Identifier: MIT
// One write to a pyramid: levels built from rasters, staged and published.
#ifndef ROK4_WRITING_H
#define ROK4_WRITING_H

#include "rok4_dataset.h"
#include "rok4_link.h"

#include "pyr_build.h"
#include "pyr_tree.h"
#include "rok4_copy.h"
#include "rok4_overlay.h"
#include "rok4_stage.h"
#include "rok4_writer.h"

#include <memory>
#include <string>
#include <vector>

// How tiles are encoded and levels reduced.
struct Rok4Recipe
{
    int quality = 75;   // JPEG; from the format
    int zlevel = 6;     // DEFLATE and PNG
    std::string warp{}; // GDAL's name of the method that made the bottom level
    std::string overview{"AVERAGE"}; // and the coarser ones, upper case
};

// A pyramid that nobody else writes to for as long as this lives, or what was
// begun with it.
class Rok4Lock final
{
  public:
    // Finishes, too, what an interrupted write had begun to publish. nullptr,
    // with an error, where the pyramid is being written.
    static std::shared_ptr<Rok4Lock> Take(const std::string &path);
    ~Rok4Lock();
    Rok4Lock(const Rok4Lock &) = delete;
    Rok4Lock &operator=(const Rok4Lock &) = delete;

    // For rok4_stage_start, once. What is begun borrows from the lock.
    struct rok4_stage *Give();

  private:
    Rok4Lock();

    struct pyr_tree m_tree;
    struct rok4_stage *m_stage = nullptr;
};

// A directory of that name beside a descriptor, spelled as readers of the
// pyramid spell it: a path may hold "//" and more.
std::string Rok4Beside(const std::string &path, const std::string &name);

// The first directory of slabs that is not where the name of a descriptor says,
// NAME/DATA/<level> or NAME/MASK/<level> beside it; "" for none.
std::string Rok4ForeignDirectory(const std::string &path,
                                 const struct rok4_descriptor &descriptor);

struct Rok4WritingOptions
{
    std::string path{};    // of the descriptor
    std::string pyramid{}; // NAME of NAME.json
    enum rok4_stage_mode mode = ROK4_STAGE_NEW;
    std::string identity{}; // source and options, for RESUME and recovery
    bool resume = false;
    bool list = true;
    bool md5 = false;
    bool sparse = false;
    bool masks = false;
    unsigned nthreads = 1;
    Rok4Recipe recipe{};
    // The pyramid that is updated or was the ancestor; nullptr for none.
    std::shared_ptr<Rok4Pyramid> old{};
    // Taken before old was opened; nullptr: taken to begin.
    std::shared_ptr<Rok4Lock> lock{};
    // UPDATE_MODE of an ancestor: SLINK, HLINK or COPY; empty in place.
    std::string link{};
    std::string baseText{}; // descriptor whose unknown members are kept; old's
    std::string tmsText{};  // of the tile matrix set
    GDALProgressFunc progress = nullptr;
    void *progressData = nullptr;
};

// Levels are those of the target descriptor, finest first.
class Rok4Writing final
{
  public:
    // Takes target, which is bound to grid; grid is borrowed.
    Rok4Writing(const Rok4WritingOptions &options,
                struct rok4_descriptor *target, const struct pyr_grid *grid);
    // Removes what was not published; with the option resume, keeps it.
    ~Rok4Writing();
    Rok4Writing(const Rok4Writing &) = delete;
    Rok4Writing &operator=(const Rok4Writing &) = delete;

    // Locks and begins. *finished: an interrupted equal run has just been
    // finished, nothing is left to do.
    CPLErr Begin(bool *finished);

    // Builds levels bottom .. top (indexes of the target, finest first) from a
    // raster of the bottom one that has pixels within limits (its tiles).
    // skipBottom: the bottom level itself is not written, only read.
    CPLErr Build(const struct pyr_raster &raster, size_t bottom, size_t top,
                 const struct pyr_grid_limits &limits, bool skipBottom);

    // Copies all levels of the target from a pyramid of the same grid and
    // format, slabs as they are where they have the same shape, else tiles.
    CPLErr Copy(const std::shared_ptr<Rok4Pyramid> &source);

    // When publishing, statistics of pixels that are no more are dropped.
    CPLErr DropStatistics();

    // When publishing, a file of that name and text is put beside the
    // descriptor.
    CPLErr PutBeside(const std::string &name, const std::string &text);

    CPLErr Publish();

  private:
    // Slabs of one format on their way: the pyramid's own, or those of lossless
    // levels that others are made of.
    struct Output
    {
        enum rok4_format format = ROK4_ZIP_UINT8;
        struct pyr_encoding encoding = {};
        std::string staged{};              // directory that holds DATA and MASK
        std::vector<std::string> places{}; // rok4_place.h
        std::vector<struct rok4_writer_level> levels{};
        struct rok4_writer *writer = nullptr;
    };

    enum pyr_result Compose(char **text, struct pyr_error *err) const;
    CPLErr Report(enum pyr_result result, const struct pyr_error &err) const;
    CPLErr PutWithoutStatistics();
    enum pyr_result CheckNames(struct pyr_error *err) const;
    CPLErr MakeOutput(Output *output, enum rok4_format format,
                      const std::string &staged, const struct pyr_out &out,
                      bool withOld);
    bool OnObjects() const
    {
        return m_target->levels[0].storage != ROK4_STORAGE_FILE;
    }
    std::string WorkDirectory() const;
    CPLErr LinkOld();
    CPLErr LinkOldObjects(enum rok4_link_mode mode);
    bool CanResume() const;
    bool CanCascade(size_t fine) const;
    size_t SourceLevel(size_t level, size_t bottom) const;
    CPLErr LevelLimits(size_t bottom, size_t level,
                       const struct pyr_grid_limits &limits,
                       struct pyr_grid_limits *out) const;
    void GrowLimits(size_t bottom, size_t level,
                    struct pyr_grid_limits *limits) const;
    CPLErr BuildLevels(Output *output, const struct pyr_raster &raster,
                       size_t bottom, size_t top,
                       const struct pyr_grid_limits &limits, bool skipBottom);
    CPLErr BuildRun(Output *output, const struct pyr_raster &raster,
                    size_t first, size_t count,
                    const struct pyr_grid_limits &limits, bool skipFirst,
                    bool keepEqual);
    std::vector<struct rok4_copy_target>
    CopyTargets(const struct rok4_pyramid &source,
                const std::vector<int> &from);
    // from: by level, that of the source; -1 for none.
    CPLErr CopySlabs(const std::shared_ptr<Rok4Pyramid> &source,
                     const std::vector<int> &from);
    CPLErr CopyTiles(const std::shared_ptr<Rok4Pyramid> &source, size_t from,
                     size_t level);
    CPLErr Transcode(Output *work, size_t bottom, size_t top,
                     const struct pyr_grid_limits &limits);
    std::shared_ptr<Rok4Pyramid> OpenStaged(const Output &output,
                                            struct rok4_overlay *overlay);
    struct pyr_reduce_rule Rule() const;

    // Share of the progress after which only publishing is left.
    static constexpr double BUILT = 0.95;

    static bool Progress(void *user, double fraction);
    static bool HasPut(const void *stage, const char *path)
    {
        return rok4_stage_has_put(static_cast<const struct rok4_stage *>(stage),
                                  path);
    }
    static enum pyr_result Keep(const void *stage, const char *path,
                                struct pyr_error *err)
    {
        return rok4_stage_keep(static_cast<const struct rok4_stage *>(stage),
                               path, err);
    }
    static void EnterThread(void *user, unsigned worker);
    static void LeaveThread(void *user, unsigned worker);

    Rok4WritingOptions m_options;
    struct rok4_descriptor *m_target;
    const struct pyr_grid *m_grid;
    std::string m_published; // ROOT/NAME
    struct pyr_io m_io = {};
    struct rok4_objects m_objects = {}; // which m_io follows links by
    struct pyr_out m_out = {};
    struct pyr_out m_scratch = {}; // on an object storage, for local files:
    std::string m_scratchPath{};   // called so
    struct pyr_tree m_tree = {};
    std::shared_ptr<PyrRuntime> m_runtime{};
    struct rok4_stage *m_stage = nullptr;
    Output m_output{};
    std::vector<int> m_oldLevels{}; // of m_options.old, by level; -1 for none
    double m_done = 0;              // share of the progress that is over
    double m_share = 0;             // of the run under way
    double m_slabs = 1;             // to be copied, at most
    JobContext *m_job = nullptr;
};

#endif
