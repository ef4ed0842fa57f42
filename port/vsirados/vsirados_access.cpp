// SPDX-License-Identifier: MIT
// How a path of /vsirados/ is reached, and how failures are told to GDAL.
#include "vsirados_access.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_string.h"
#include "cpl_vsi.h"
#include "cpl_vsi_error.h"

#include <cerrno>
#include <cmath>

namespace
{

constexpr unsigned DEFAULT_TIMEOUT_S = 30;
constexpr double MAX_TIMEOUT_S = 86400;

const char *Option(const char *path, const char *key, const char *otherwise)
{
    const char *const value = VSIGetPathSpecificOption(path, key, nullptr);
    return value != nullptr && value[0] != '\0' ? value : otherwise;
}

// Whole seconds: librados counts in them.
unsigned Timeout(const char *path)
{
    const char *const text =
        Option(path, "GDAL_HTTP_TIMEOUT",
               Option(path, "ROK4_NETWORK_TIMEOUT", nullptr));
    const double seconds = text != nullptr ? CPLAtof(text) : 0;
    return seconds > 0 && seconds <= MAX_TIMEOUT_S
               ? static_cast<unsigned>(std::ceil(seconds))
               : DEFAULT_TIMEOUT_S;
}

void Debug(const char *text)
{
    CPLDebug("VSIRADOS", "%s", text);
}

// Ends the connections with the plugin, before librados itself ends. GDAL may
// close files still later.
class Clusters final
{
  public:
    explicit Clusters(struct vsirados_clusters **clusters)
        : m_clusters(clusters)
    {
        if (vsirados_clusters_new(Debug, m_clusters) != PYR_OK)
            *m_clusters = nullptr;
    }
    ~Clusters()
    {
        vsirados_clusters_free(*m_clusters);
        *m_clusters = nullptr;
    }
    Clusters(const Clusters &) = delete;
    Clusters &operator=(const Clusters &) = delete;

  private:
    struct vsirados_clusters **m_clusters;
};

int CodeOf(const VsiRadosFailure &failure)
{
    if (failure.result == PYR_NOT_FOUND)
        return failure.noPool ? VSIE_AWSBucketNotFound : VSIE_AWSObjectNotFound;
    const int code = failure.error.code;
    return code == EACCES || code == EPERM ? VSIE_AWSAccessDenied
                                           : VSIE_AWSError;
}

} // namespace

struct vsirados_clusters *VsiRadosClusters()
{
    static struct vsirados_clusters *clusters = nullptr;
    static const Clusters owner(&clusters);
    return clusters;
}

bool VsiRadosPlace::Parse(const char *path)
{
    struct vsirados_path parts = {};
    if (!vsirados_path_parse(path, &parts))
        return false;
    m_path = path;
    m_pool.assign(parts.pool, parts.pool_nbytes);
    m_object = parts.object;
    m_confFile = Option(path, "ROK4_CEPH_CONFFILE",
                        Option(path, "CEPH_CONF", "/etc/ceph/ceph.conf"));
    m_user = Option(path, "ROK4_CEPH_USERNAME", "client.admin");
    // As reference programs have it, and as Ceph's own call it.
    if (m_user.find('.') == std::string::npos)
        m_user = "client." + m_user;
    m_cluster = Option(path, "ROK4_CEPH_CLUSTERNAME", "ceph");
    m_timeout_s = Timeout(path);
    return true;
}

std::string VsiRadosPlace::Prefix() const
{
    return m_object.empty() || m_object.back() == '/' ? m_object
                                                      : m_object + '/';
}

bool VsiRadosPlace::HasPoolOf(const VsiRadosPlace &other) const
{
    return m_pool == other.m_pool && m_confFile == other.m_confFile &&
           m_user == other.m_user && m_cluster == other.m_cluster &&
           m_timeout_s == other.m_timeout_s;
}

struct vsirados_settings VsiRadosPlace::Settings() const
{
    return {m_confFile.c_str(), m_user.c_str(), m_cluster.c_str(), m_timeout_s};
}

VsiRadosPool VsiRadosOpenPool(const VsiRadosPlace &place,
                              VsiRadosFailure *failure)
{
    struct vsirados_pool *pool = nullptr;
    struct vsirados_clusters *const clusters = VsiRadosClusters();
    const struct vsirados_settings settings = place.Settings();
    if (clusters == nullptr)
    {
        failure->error.code = ESHUTDOWN;
        failure->result =
            pyr_fail(&failure->error.text, PYR_IO, "there are no connections");
        return nullptr;
    }
    failure->result =
        vsirados_pool_open(clusters, &settings, place.Pool().c_str(),
                           place.Pool().size(), &pool, &failure->error);
    failure->noPool = failure->result == PYR_NOT_FOUND;
    return VsiRadosPool(pool);
}

void VsiRadosSetError(const VsiRadosPlace &place,
                      const VsiRadosFailure &failure)
{
    VSIError(CodeOf(failure), "%s: %s", place.Path().c_str(),
             failure.error.text.text);
    errno = failure.error.code;
}

void VsiRadosRaise(const VsiRadosPlace &place, const VsiRadosFailure &failure)
{
    VsiRadosSetError(place, failure);
    CPLError(CE_Failure,
             failure.result == PYR_NOMEM ? CPLE_OutOfMemory : CPLE_FileIO,
             "%s: %s", place.Path().c_str(), failure.error.text.text);
    errno = failure.error.code;
}

void VsiRadosRefuse(const char *path, int code, const char *reason)
{
    VSIError(VSIE_FileError, "%s: %s", path, reason);
    CPLError(CE_Failure, CPLE_FileIO, "%s: %s", path, reason);
    errno = code;
}
