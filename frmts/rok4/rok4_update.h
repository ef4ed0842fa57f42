// SPDX-License-Identifier: MIT
// Update access: pixels that are written to a pyramid, until it has them.
#ifndef ROK4_UPDATE_H
#define ROK4_UPDATE_H

#include "rok4_canvas.h"
#include "rok4_writing.h"

#include <memory>
#include <string>

// How the pyramid was opened.
struct Rok4UpdateOptions
{
    std::string path{}; // of the descriptor
    std::string tmsDirectory{};
    bool storageRoot = false; // its slabs were looked for elsewhere
    unsigned nthreads = 1;
    Rok4Remote remote{};
};

// What was written to the finest level of a pyramid with data.
class Rok4Update final
{
  public:
    // nullptr, with an error, where the pyramid or that level of it cannot be
    // written to.
    static std::unique_ptr<Rok4Update> Make(const Rok4UpdateOptions &options,
                                            const struct rok4_pyramid &pyramid,
                                            size_t level);

    // Pixels of the level.
    Rok4Canvas &Canvas()
    {
        return *m_canvas;
    }

    // Whether the level's matrix holds the window; with an error, when not.
    bool Holds(const struct pyr_window &window) const;

    // Makes this the pyramid's writer, before the first pixel is written.
    // False, with an error, where there is another one, or was one since this
    // began.
    bool Claim();

    // Begins anew, when nothing is written, on the pyramid as it is now. False,
    // with an error.
    bool Begin();

    // Writes the slabs that were touched and those above them, and publishes
    // them. Without anything written it does nothing. On failure the pyramid is
    // as it was, and so is what was written.
    CPLErr Flush();

    // The pyramid as it is now, for a reader of its own.
    std::shared_ptr<Rok4Pyramid> Open() const;

  private:
    Rok4Update() = default;

    CPLErr Write();

    Rok4UpdateOptions m_options{};
    std::string m_version{};            // of the descriptor, when this began
    std::shared_ptr<Rok4Lock> m_lock{}; // once it is claimed
    size_t m_gridLevel = 0;
    int64_t m_width = 0; // pixels of the level's matrix
    int64_t m_height = 0;
    std::unique_ptr<Rok4Canvas> m_canvas{};
};

#endif
