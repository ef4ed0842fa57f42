// SPDX-License-Identifier: MIT
// What CreateCopy and Create share: a pyramid to be, from options to target.
#ifndef ROK4_CREATION_H
#define ROK4_CREATION_H

#include "rok4_creation_options.h"
#include "rok4_grid.h"
#include "rok4_plan.h"
#include "rok4_writing.h"

#include <memory>
#include <string>

// A pyramid that is to be written at a path.
class Rok4Creation final
{
  public:
    Rok4Creation() = default;
    ~Rok4Creation();
    Rok4Creation(const Rok4Creation &) = delete;
    Rok4Creation &operator=(const Rok4Creation &) = delete;

    // Takes name, options and what stands there: path, grid, the pyramid that
    // is updated, which is locked from then on. False, with an error.
    bool Prepare(const char *filename, CSLConstList options);

    // Takes name, options and the pyramid of which levels from `level` on are
    // to be copied as they are. Instead of Prepare, Describe and Plan.
    bool PrepareCopy(const char *filename, CSLConstList options,
                     const std::shared_ptr<Rok4Pyramid> &source, size_t level);

    // Values of option NODATA, or those of the pyramid that is updated; empty
    // when neither tells. False, with an error, for what ROK4 cannot hold.
    bool Nodata(std::vector<double> *values) const;

    // Takes what the source gives: samples, bands, what pixels without data are
    // stored as, GDAL's name of the method that resamples it, as it was chosen
    // where no option tells, and whether its values are classes, which no mean
    // can be taken of. False, with an error.
    bool Describe(enum pyr_sample sample, const std::vector<double> &nodata,
                  const std::string &resampling, bool categorical);

    // Levels from bottom (of the grid) up to TOP_LEVEL, with data in limits.
    // False, with an error.
    bool Plan(size_t bottom, const struct pyr_grid_limits &limits);

    // The write, when all of the above is done, once; identity: of the source.
    std::unique_ptr<Rok4Writing> Start(const std::string &identity,
                                       GDALProgressFunc progress,
                                       void *progressData);

    // The lock, until Start; nullptr where Start takes it.
    const std::shared_ptr<Rok4Lock> &Lock() const
    {
        return m_lock;
    }
    // Before Prepare, one of the pyramid that is updated.
    void UseLock(const std::shared_ptr<Rok4Lock> &lock)
    {
        m_lock = lock;
    }

    // Puts the tile matrix set beside the descriptor, when that is published,
    // where the pyramid would not find it otherwise; without a writing, only
    // looks whether it can. False, with an error.
    bool KeepGrid(Rok4Writing *writing) const;

    const std::string &Path() const
    {
        return m_path;
    }
    const Rok4CreationOptions &Options() const
    {
        return m_options;
    }
    const struct pyr_grid *Grid() const
    {
        return m_old != nullptr ? m_old->Get()->grid : m_grid.Get();
    }
    const Rok4Pyramid *Old() const
    {
        return m_old.get();
    }
    // Index of BOTTOM_LEVEL in the grid; -1 when it is to be chosen.
    int BottomLevel() const
    {
        return m_bottom;
    }
    // Option WARP_RESAMPLING, or that of the pyramid that is updated; empty
    // when neither tells.
    std::string WarpResampling() const;
    // Levels of the target, from Plan on: the bottom one, and the coarsest that
    // is built.
    size_t TargetBottom() const
    {
        return m_targetBottom;
    }
    size_t TargetTop() const
    {
        return m_targetTop;
    }
    const struct pyr_grid_limits &Limits() const
    {
        return m_plan.limits;
    }

  private:
    bool PreparePath(const char *filename);
    bool PrepareAncestor();
    bool PrepareObject();
    bool PrepareOptions(const char *filename, CSLConstList options);
    bool CheckOverwritten() const;
    bool PrepareOld();
    bool PrepareLevels();
    bool CheckAncestor() const;
    bool CheckObjectAncestor() const;
    bool CheckOld() const;
    void UseOwnSlabs();
    bool AgreesWithOld(enum pyr_sample sample, unsigned bands);
    void ChooseResampling(const std::string &resampling, bool categorical);

    std::string m_path{};
    std::string m_name{};
    std::string m_key{};  // m_name, on an object storage with what is before
    std::string m_tray{}; // of an object storage
    std::string m_optionText{}; // for the identity
    Rok4CreationOptions m_options{};
    Rok4Grid m_grid{};
    std::shared_ptr<Rok4Lock> m_lock{};
    std::shared_ptr<Rok4Pyramid> m_old{};
    bool m_copies = false; // m_old is the source
    int m_bottom = -1;
    size_t m_top = 0;
    struct rok4_plan m_plan = {};
    std::string m_tmsName{};
    std::string m_interpolation{};
    Rok4Recipe m_recipe{};
    struct rok4_descriptor *m_target = nullptr; // until it is given away
    size_t m_targetBottom = 0;
    size_t m_targetTop = 0;
};

// Path of the descriptor that a dataset's name means; PYR_USAGE where it names
// a level.
enum pyr_result Rok4PathOf(const char *name, std::string *path,
                           struct pyr_error *err) PYR_MUST_CHECK;

// Opens a pyramid without a dataset; nullptr, with an error.
std::shared_ptr<Rok4Pyramid> Rok4OpenPyramid(const std::string &path,
                                             const std::string &tmsDirectory,
                                             unsigned nthreads,
                                             const Rok4Remote &remote = {});

// The recipe of an existing pyramid: what its descriptor says we used, else by
// its interpolation and the kind of its grid.
Rok4Recipe Rok4RecipeOf(const struct rok4_pyramid &pyramid);

#endif
