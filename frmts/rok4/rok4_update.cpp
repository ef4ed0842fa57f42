// SPDX-License-Identifier: MIT
// Update access: pixels that are written to a pyramid, until it has them.
#include "rok4_update.h"

#include "rok4_creation.h"
#include "vsi_io.h"
#include "vsi_objects.h"
#include "vsi_out.h"

#include "cpl_conv.h"
#include "cpl_vsi.h"

#include <atomic>
#include <cstring>
#include <ctime>

#include <unistd.h>

namespace
{

bool Refuse(const struct rok4_pyramid &pyramid, const char *why)
{
    Rok4Report(
        CE_Failure, PYR_UNSUPPORTED,
        CPLSPrintf("%s cannot be opened for update: %s", pyramid.path, why));
    return false;
}

// Whether slabs can be replaced where the pyramid is.
bool CheckPlace(const Rok4UpdateOptions &options,
                const struct rok4_pyramid &pyramid)
{
    if (!vsi_out_is_local(pyramid.path) &&
        !STARTS_WITH(pyramid.path, "/vsimem/") &&
        !vsi_objects_are_at(pyramid.path))
        return Refuse(pyramid, "files are replaced by renaming them, which "
                               "this storage has not");
    if (options.storageRoot)
        return Refuse(pyramid, "STORAGE_ROOT is for reading");
    return true;
}

// Whether the level is the finest one, and can be followed by all coarser ones.
bool CheckLevels(const struct rok4_pyramid &pyramid, size_t level)
{
    const struct rok4_descriptor &descriptor = *pyramid.descriptor;
    size_t finest = 0;
    while (finest < level && descriptor.levels[finest].empty)
        finest++;
    if (level != finest)
        return Refuse(
            pyramid,
            CPLSPrintf("level %s is made of level %s, which is the one to "
                       "write to",
                       descriptor.levels[level].id,
                       descriptor.levels[finest].id));
    const size_t coarsest =
        descriptor.levels[descriptor.nlevels - 1].grid_level;
    for (size_t i = descriptor.levels[level].grid_level; i < coarsest; i++)
    {
        size_t found = 0;
        if (rok4_plan_find(&descriptor, i, &found) != PYR_OK)
            return Refuse(pyramid,
                          CPLSPrintf("it lacks level %s, of which coarser ones "
                                     "would be made",
                                     pyramid.grid->levels[i].id));
    }
    return true;
}

// Options of a write in place, with the companions that are there.
CPLStringList CreationOptions(const Rok4UpdateOptions &options)
{
    const auto beside = [&options](const char *extension) {
        const std::string path =
            CPLResetExtension(options.path.c_str(), extension);
        return vsi_io_exists(path.c_str()) ? "YES" : "NO";
    };
    CPLStringList list;
    list.SetNameValue("UPDATE_MODE", "INPLACE");
    list.SetNameValue("NUM_THREADS", CPLSPrintf("%u", options.nthreads));
    list.SetNameValue("LIST", beside("list"));
    list.SetNameValue("MD5", beside("md5"));
    if (!options.tmsDirectory.empty())
        list.SetNameValue("TMS_DIRECTORY", options.tmsDirectory.c_str());
    return list;
}

// The pyramid as it was before anything was written.
class Ground final : public Rok4Ground
{
  public:
    Ground(std::shared_ptr<Rok4Pyramid> pyramid, size_t level)
        : m_pyramid(std::move(pyramid)), m_level(static_cast<uint32_t>(level))
    {
    }

    CPLErr Locate(uint32_t tileCol, uint32_t tileRow, bool *present) override
    {
        enum pyr_presence presence = PYR_OUTSIDE;
        struct pyr_extent extent = {};
        const CPLErr result =
            m_pyramid->Locate(m_level, tileCol, tileRow, &presence, &extent);
        *present = presence == PYR_PRESENT;
        return result;
    }

    CPLErr Read(uint32_t tileCol, uint32_t tileRow, GByte *pixels,
                GByte *mask) override;

  private:
    struct Target
    {
        GByte *pixels;
        size_t pixelBytes;
        size_t rowBytes;
    };

    static void Store(void *user, const uint8_t *pixels, size_t rowBytes,
                      uint32_t x, uint32_t y, uint32_t width, uint32_t height);

    std::shared_ptr<Rok4Pyramid> m_pyramid;
    uint32_t m_level;
};

void Ground::Store(void *user, const uint8_t *pixels, size_t rowBytes,
                   uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    const Target &target = *static_cast<const Target *>(user);
    for (uint32_t row = 0; row < height; row++)
    {
        GByte *const out =
            target.pixels + (y + row) * target.rowBytes + x * target.pixelBytes;
        if (pixels != nullptr)
            memcpy(out, pixels + row * rowBytes, width * target.pixelBytes);
        else
            memset(out, 0, width * target.pixelBytes);
    }
}

CPLErr Ground::Read(uint32_t tileCol, uint32_t tileRow, GByte *pixels,
                    GByte *mask)
{
    const struct pyr_tile_shape &shape = m_pyramid->Level(m_level).shape;
    struct pyr_window window = {};
    window.level = m_level;
    window.px_x = static_cast<int64_t>(tileCol) * shape.width_px;
    window.px_y = static_cast<int64_t>(tileRow) * shape.height_px;
    window.width_px = shape.width_px;
    window.height_px = shape.height_px;
    Target target = {pixels, pyr_pixel_bytes(&shape),
                     pyr_tile_row_bytes(&shape)};
    struct pyr_window_sink sink = {};
    sink.user = &target;
    sink.store = Store;
    if (m_pyramid->Read(window, sink) != CE_None)
        return CE_Failure;
    return mask != nullptr ? m_pyramid->ReadMask(window, mask) : CE_None;
}

} // namespace

std::string Rok4UniqueIdentity()
{
    static std::atomic<unsigned> count{0};
    return CPLSPrintf("process %d at %lld, %u", static_cast<int>(getpid()),
                      static_cast<long long>(time(nullptr)), count++);
}

std::unique_ptr<Rok4Update> Rok4Update::Make(const Rok4UpdateOptions &options,
                                             const struct rok4_pyramid &pyramid,
                                             size_t level)
{
    // Says, too, whether the slabs are the pyramid's own.
    Rok4Creation creation;
    if (!CheckPlace(options, pyramid) || !CheckLevels(pyramid, level) ||
        !creation.Prepare(options.path.c_str(),
                          CreationOptions(options).List()))
        return nullptr;
    std::unique_ptr<Rok4Update> update(new Rok4Update);
    const struct pyr_grid_level *const matrix =
        rok4_pyramid_grid_level(&pyramid, level);
    update->m_options = options;
    update->m_gridLevel = pyramid.descriptor->levels[level].grid_level;
    update->m_width =
        static_cast<int64_t>(matrix->matrix_width) * matrix->tile_width_px;
    update->m_height =
        static_cast<int64_t>(matrix->matrix_height) * matrix->tile_height_px;
    return update->Begin() ? std::move(update) : nullptr;
}

std::shared_ptr<Rok4Pyramid> Rok4Update::Open() const
{
    return Rok4OpenPyramid(m_options.path, m_options.tmsDirectory,
                           m_options.nthreads, m_options.remote);
}

bool Rok4Update::Claim()
{
    if (m_lock != nullptr)
        return true;
    m_lock = Rok4Lock::Take(m_options.path);
    if (m_lock == nullptr ||
        vsi_io_version(m_options.path.c_str()) == m_version)
        return m_lock != nullptr;
    m_lock = nullptr;
    Rok4Report(CE_Failure, PYR_USAGE,
               CPLSPrintf("%s has been written by others since it was opened "
                          "for update",
                          m_options.path.c_str()));
    return false;
}

bool Rok4Update::Begin()
{
    m_version = vsi_io_version(m_options.path.c_str());
    const std::shared_ptr<Rok4Pyramid> pyramid = Open();
    if (pyramid == nullptr)
        return false;
    const struct rok4_descriptor &descriptor = *pyramid->Get()->descriptor;
    size_t level = 0;
    double nodata[PYR_MAX_BANDS] = {};
    if (rok4_plan_find(&descriptor, m_gridLevel, &level) != PYR_OK)
        return Refuse(*pyramid->Get(), "its levels have changed");
    for (uint32_t i = 0; i < descriptor.channels; i++)
        nodata[i] = Rok4FillValue(descriptor, static_cast<int>(i) + 1);
    m_canvas = std::make_unique<Rok4Canvas>();
    return m_canvas->Init(pyramid->Level(level).shape, nodata,
                          pyramid->Get()->has_masks, m_options.path,
                          std::make_unique<Ground>(pyramid, level));
}

bool Rok4Update::Holds(const struct pyr_window &window) const
{
    if (window.px_x >= 0 && window.px_y >= 0 &&
        window.px_x + window.width_px <= m_width &&
        window.px_y + window.height_px <= m_height)
        return true;
    Rok4Report(CE_Failure, PYR_USAGE, "writing beyond the matrix of the level");
    return false;
}

CPLErr Rok4Update::Write()
{
    if (!Claim())
        return CE_Failure;
    Rok4Creation creation;
    creation.UseLock(m_lock);
    m_lock = nullptr;
    std::vector<double> nodata;
    // The descriptor is read again: limits may have grown meanwhile.
    if (!creation.Prepare(m_options.path.c_str(),
                          CreationOptions(m_options).List()) ||
        !creation.Nodata(&nodata) ||
        !creation.Describe(
            rok4_format_sample(creation.Old()->Get()->descriptor->format),
            nodata, creation.WarpResampling(), false) ||
        !creation.Plan(m_gridLevel, m_canvas->Limits()))
        return CE_Failure;
    const std::unique_ptr<Rok4Writing> writing =
        creation.Start(Rok4UniqueIdentity(), nullptr, nullptr);
    bool finished = false;
    if (writing->Begin(&finished) != CE_None ||
        writing->Build(m_canvas->Raster(0, 0), creation.TargetBottom(),
                       creation.TargetTop(), m_canvas->Limits(),
                       false) != CE_None ||
        writing->DropStatistics() != CE_None)
        return CE_Failure;
    return writing->Publish();
}

CPLErr Rok4Update::Flush()
{
    if (m_canvas->HasFailed())
    {
        Rok4Report(CE_Failure, PYR_IO,
                   CPLSPrintf("%s is not changed: some of the pixels that were "
                              "written could not be kept",
                              m_options.path.c_str()));
        return CE_Failure;
    }
    if (m_canvas->IsEmpty())
        return CE_None;
    if (Write() != CE_None)
        return CE_Failure;
    return Begin() ? CE_None : CE_Failure;
}
