// SPDX-License-Identifier: MIT
// The tile matrix set that a new pyramid is made on.
#ifndef ROK4_GRID_H
#define ROK4_GRID_H

#include "pyr_grid.h"
#include "pyr_io.h"

#include <string>

// A tile matrix set, read and parsed.
class Rok4Grid final
{
  public:
    Rok4Grid() = default;
    ~Rok4Grid();
    Rok4Grid(const Rok4Grid &) = delete;
    Rok4Grid &operator=(const Rok4Grid &) = delete;

    // scheme: a name, looked for as for a descriptor at path, or the path of a
    // JSON file. False, with an error.
    bool Load(const struct pyr_io &io, const std::string &scheme,
              const std::string &directory, const std::string &path);

    const struct pyr_grid *Get() const
    {
        return m_grid;
    }
    const std::string &Name() const
    {
        return m_name;
    }
    const std::string &Text() const
    {
        return m_text;
    }

  private:
    struct pyr_grid *m_grid = nullptr;
    std::string m_name{};
    std::string m_text{};
};

// Whether option TILING_SCHEME means the set of that name and text.
bool Rok4IsScheme(const struct pyr_io &io, const std::string &scheme,
                  const std::string &name, const std::string &text);

// What a pyramid finds by the name of its set, without being told where.
enum class Rok4GridFinding
{
    Same,    // levels that are equal
    Nothing, // or a set built in, before which the one beside the pyramid comes
    Other    // readers would take another grid
};

// text: of the set; *place: where another one was found, "" for one built in.
Rok4GridFinding Rok4FindGrid(const struct pyr_io &io, const std::string &name,
                             const std::string &text, const std::string &path,
                             std::string *place);

#endif
