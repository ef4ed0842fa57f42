// SPDX-License-Identifier: MIT
// How a path of /vsirados/ is reached, and how failures are told to GDAL.
#ifndef VSIRADOS_ACCESS_H
#define VSIRADOS_ACCESS_H

#include "vsirados_cluster.h"
#include "vsirados_object.h"
#include "vsirados_path.h"

#include <memory>
#include <string>

// The connections of the process. nullptr when out of memory, and when the
// process has come to its end.
struct vsirados_clusters *VsiRadosClusters();

// A path, and the cluster that this thread's configuration has for it.
class VsiRadosPlace final
{
  public:
    // Whether the path is one of ours. Asks nobody.
    bool Parse(const char *path);

    const std::string &Path() const
    {
        return m_path;
    }
    const std::string &Pool() const
    {
        return m_pool;
    }
    // Empty for the pool itself.
    const std::string &Object() const
    {
        return m_object;
    }
    // As the prefix of the names of what is in this directory.
    std::string Prefix() const;
    bool HasPoolOf(const VsiRadosPlace &other) const;
    struct vsirados_settings Settings() const;

  private:
    std::string m_path{};
    std::string m_pool{};
    std::string m_object{};
    std::string m_confFile{};
    std::string m_user{};
    std::string m_cluster{};
    unsigned m_timeout_s = 1;
};

// Why a call on a path failed.
struct VsiRadosFailure
{
    enum pyr_result result = PYR_OK;
    struct vsirados_error error = {};
    bool noPool = false; // PYR_NOT_FOUND is about the pool

    bool IsAbsence() const
    {
        return result == PYR_NOT_FOUND && !noPool;
    }
};

struct VsiRadosPoolCloser
{
    void operator()(struct vsirados_pool *pool) const
    {
        vsirados_pool_close(pool);
    }
};
using VsiRadosPool = std::unique_ptr<struct vsirados_pool, VsiRadosPoolCloser>;

// The pool of a place, for one call. nullptr with *failure.
VsiRadosPool VsiRadosOpenPool(const VsiRadosPlace &place,
                              VsiRadosFailure *failure);

// Sets errno, and GDAL's error of file systems, which whoever opened a file may
// ask for.
void VsiRadosSetError(const VsiRadosPlace &place,
                      const VsiRadosFailure &failure);
// The same, and raises it.
void VsiRadosRaise(const VsiRadosPlace &place, const VsiRadosFailure &failure);
// The same for what no cluster was asked.
void VsiRadosRefuse(const char *path, int code, const char *reason);

#endif
