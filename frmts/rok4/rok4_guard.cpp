// SPDX-License-Identifier: MIT
// Notices that a pyramid is replaced while it is read.
#include "rok4_guard.h"

#include "pyr_alloc.h"
#include "vsi_io.h"

#include <algorithm>
#include <cstring>

namespace
{

// Descriptors may come faster than they can be read.
constexpr int MAX_TRIES = 100;

bool AreEqual(const char *left, const char *right)
{
    return left == nullptr || right == nullptr ? left == right
                                               : strcmp(left, right) == 0;
}

// Whether slabs of the level are found and read as before.
bool AreAlike(const struct rok4_level &left, const struct rok4_level &right)
{
    return left.tiles_per_width == right.tiles_per_width &&
           left.tiles_per_height == right.tiles_per_height &&
           left.storage == right.storage &&
           left.path_depth == right.path_depth &&
           AreEqual(left.image_place, right.image_place) &&
           AreEqual(left.mask_place, right.mask_place) &&
           AreEqual(left.tray, right.tray);
}

// The same for their tiles.
bool AreAlike(const struct rok4_descriptor &left,
              const struct rok4_descriptor &right)
{
    return strcmp(left.tms_name, right.tms_name) == 0 &&
           left.format == right.format && left.channels == right.channels &&
           std::equal(left.nodata, left.nodata + left.channels, right.nodata);
}

} // namespace

void Rok4Guard::Init(const struct rok4_pyramid *pyramid,
                     const struct pyr_io &io, uint64_t stamp)
{
    m_pyramid = pyramid;
    m_io = io;
    m_stamp = stamp;
}

struct pyr_io Rok4Guard::Io()
{
    struct pyr_io io = m_io;
    io.user = this;
    io.open = Open;
    io.load = Load;
    return io;
}

enum pyr_result Rok4Guard::Load(void *user, const char *path, size_t max_bytes,
                                char **text, size_t *nbytes,
                                struct pyr_error *err)
{
    const struct pyr_io &io = static_cast<const Rok4Guard *>(user)->m_io;
    return io.load(io.user, path, max_bytes, text, nbytes, err);
}

// Whether readers of the old descriptor can go on with that of now.
enum pyr_result Rok4Guard::Compare(const struct rok4_descriptor &now,
                                   struct pyr_error *err)
{
    const struct rok4_descriptor &before = *m_pyramid->descriptor;
    std::vector<std::string> gone;
    bool alike = AreAlike(before, now);
    for (size_t i = 0; i < before.nlevels && alike; i++)
    {
        const struct rok4_level &level = before.levels[i];
        const struct rok4_level *const end = now.levels + now.nlevels;
        const struct rok4_level *const found =
            std::find_if(now.levels + 0, now.levels + now.nlevels,
                         [&level](const struct rok4_level &other) {
                             return strcmp(level.id, other.id) == 0;
                         });
        if (found != end)
            alike = AreAlike(level, *found);
        else
            for (const struct rok4_tiles &plane : m_pyramid->planes)
                if (plane.places[i] != nullptr)
                    gone.push_back(std::string(plane.places[i]) + "/");
    }
    if (!alike)
        return pyr_fail(err, PYR_IO,
                        "another pyramid has taken the place of the one that "
                        "was opened");
    m_gone.swap(gone);
    return PYR_OK;
}

// Takes notice of another descriptor.
enum pyr_result Rok4Guard::Renew(uint64_t stamp, struct pyr_error *err)
{
    std::lock_guard<std::mutex> guard(m_lock);
    struct rok4_descriptor *now = nullptr;
    char *text = nullptr;
    size_t nbytes = 0;
    if (m_stamp == stamp)
        return PYR_OK;
    enum pyr_result result = m_io.load(m_io.user, m_pyramid->path,
                                       PYR_MAX_JSON_BYTES, &text, &nbytes, err);
    if (result == PYR_OK)
        result = rok4_descriptor_parse(text, nbytes, &now, err);
    if (result == PYR_OK)
        result = Compare(*now, err);
    // What was loaded may be later still; then it is looked at once more.
    if (result == PYR_OK)
        m_stamp = stamp;
    rok4_descriptor_free(now);
    pyr_free(text);
    return result == PYR_NOT_FOUND ? PYR_OK : result;
}

bool Rok4Guard::IsGone(const char *path)
{
    std::lock_guard<std::mutex> guard(m_lock);
    return std::any_of(m_gone.begin(), m_gone.end(),
                       [path](const std::string &directory) {
                           return directory.compare(0, std::string::npos, path,
                                                    directory.size()) == 0;
                       });
}

enum pyr_result Rok4Guard::Open(void *user, const char *path,
                                struct pyr_file **file, struct pyr_error *err)
{
    Rok4Guard &self = *static_cast<Rok4Guard *>(user);
    const char *const descriptor = self.m_pyramid->path;
    for (int i = 0; i < MAX_TRIES; i++)
    {
        struct pyr_file *opened = nullptr;
        enum pyr_result result =
            self.m_io.open(self.m_io.user, path, &opened, err);
        // Looked at behind that: a pyramid loses its descriptor first.
        const uint64_t stamp = vsi_io_stamp(descriptor);
        if (stamp != 0 && stamp == self.m_stamp)
        {
            if (result == PYR_NOT_FOUND && self.IsGone(path))
                return pyr_fail(err, PYR_IO, "its level has been removed");
            if (result == PYR_OK)
                *file = opened;
            return result;
        }
        if (result == PYR_OK)
            self.m_io.close(opened);
        result = stamp != 0 ? self.Renew(stamp, err)
                            : pyr_fail(err, PYR_IO,
                                       "%s is gone: the pyramid is being "
                                       "replaced or removed",
                                       descriptor);
        if (result != PYR_OK)
            return result;
    }
    return pyr_fail(err, PYR_IO, "%s keeps changing", descriptor);
}
