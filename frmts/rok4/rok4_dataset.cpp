// SPDX-License-Identifier: MIT
// The ROK4 dataset: how a pyramid becomes bands and overviews.
#include "rok4_dataset.h"

#include "rok4_sidecar.h"
#include "rok4_update.h"
#include "storage_path.h"
#include "vsi_io.h"

#include <algorithm>
#include <cstring>

namespace
{

const char *Option(GDALOpenInfo *openInfo, const char *name,
                   const char *fallback)
{
    return CSLFetchNameValueDef(openInfo->papszOpenOptions, name, fallback);
}

bool HasAlpha(const struct rok4_descriptor &descriptor)
{
    return descriptor.channels == 2 || descriptor.channels == 4;
}

// Open options NODATA and MASK. False, with an error, for an unknown value.
bool ReadValidity(GDALOpenInfo *openInfo, const struct rok4_pyramid &pyramid,
                  Rok4Validity *validity)
{
    const struct rok4_descriptor &descriptor = *pyramid.descriptor;
    const char *const nodata = Option(openInfo, "NODATA", "AUTO");
    const char *const mask = Option(openInfo, "MASK", nullptr);
    if (EQUAL(nodata, "AUTO"))
        validity->bandNodata = descriptor.channels == 1;
    else if (EQUAL(nodata, "BAND"))
        validity->bandNodata = true;
    else if (EQUAL(nodata, "PIXEL"))
        validity->pixelNodata = true;
    else if (!EQUAL(nodata, "NONE"))
    {
        Rok4Report(CE_Failure, PYR_USAGE,
                   CPLSPrintf("NODATA=%s, expected AUTO, BAND, PIXEL or NONE",
                              nodata));
        return false;
    }
    // Without a wish, masks give way to nodata values and to alpha.
    validity->masks =
        pyramid.has_masks &&
        (mask != nullptr ? CPLTestBool(mask)
                         : !validity->bandNodata && !validity->pixelNodata &&
                               !HasAlpha(descriptor));
    // The reference averages nodata pixels into the upper levels of quadtrees
    // when there are no masks (spec section 10).
    validity->sampleFinest =
        validity->bandNodata && !pyramid.has_masks &&
        pyr_grid_kind_of(pyramid.grid) == PYR_GRID_QUADTREE;
    return true;
}

// Statistics of one way to see the pyramid are not those of another: each way
// has its part of the PAM file.
std::string PamName(GDALOpenInfo *openInfo, const char *tileMatrix)
{
    std::string name = tileMatrix != nullptr ? tileMatrix : "";
    for (const char *option : {"EXTENT_METHOD", "NODATA", "MASK"})
    {
        const char *const value = Option(openInfo, option, nullptr);
        if (value != nullptr)
            name += std::string(" ") + option + "=" + value;
    }
    return name;
}

enum rok4_extent ExtentMethod(const char *method)
{
    if (EQUAL(method, "LIMITS"))
        return ROK4_EXTENT_LIMITS;
    return EQUAL(method, "MATRIX") ? ROK4_EXTENT_MATRIX : ROK4_EXTENT_LEVEL;
}

} // namespace

Rok4Dataset::Rok4Dataset(std::shared_ptr<Rok4Pyramid> pyramid,
                         const struct rok4_view &view,
                         const Rok4Validity &validity)
    : m_pyramid(std::move(pyramid)), m_view(view), m_validity(validity)
{
    nRasterXSize = view.width_px;
    nRasterYSize = view.height_px;
    eAccess = GA_ReadOnly;
    m_bounds = rok4_view_bounds(m_pyramid->Get(), &m_view);
    const int channels =
        static_cast<int>(m_pyramid->Get()->descriptor->channels);
    for (int i = 1; i <= channels; i++)
        SetBand(i, new Rok4RasterBand(this, i));
    if (m_validity.masks)
        m_mask = std::make_unique<Rok4MaskBand>(this);
}

Rok4Dataset::~Rok4Dataset()
{
    Rok4Dataset::FlushCache(true);
}

std::unique_ptr<Rok4Dataset>
Rok4Dataset::Make(GDALOpenInfo *openInfo, std::shared_ptr<Rok4Pyramid> pyramid,
                  const char *level)
{
    const char *const wish = Option(openInfo, "TILEMATRIX", level);
    const char *const method = Option(openInfo, "EXTENT_METHOD", "LIMITS");
    Rok4Validity validity;
    if (!ReadValidity(openInfo, *pyramid->Get(), &validity))
        return nullptr;
    if (level != nullptr && strcmp(level, wish) != 0)
    {
        Rok4Report(CE_Failure, PYR_USAGE,
                   CPLSPrintf("TILEMATRIX=%s, but the name asks for level %s",
                              wish, level));
        return nullptr;
    }

    auto layout = std::make_unique<struct rok4_layout>();
    struct pyr_error err = {""};
    const enum pyr_result result = rok4_layout_make(
        pyramid->Get(), wish, ExtentMethod(method), method, layout.get(), &err);
    if (result != PYR_OK)
    {
        pyr_error_prefix(&err, "%s", pyramid->Get()->path);
        Rok4Report(CE_Failure, result, err.text);
        return nullptr;
    }
    if (layout->wider_view != 0 &&
        Option(openInfo, "EXTENT_METHOD", nullptr) == nullptr)
        CPLError(CE_Warning, CPLE_AppDefined,
                 "ROK4: %s: data of level %s extends beyond the dataset, whose "
                 "extent is that of level %s; EXTENT_METHOD chooses another",
                 pyramid->Get()->path,
                 pyramid->Level(layout->views[layout->wider_view].level).id,
                 pyramid->Level(layout->views[0].level).id);

    const char *const path = pyramid->Get()->path;
    std::unique_ptr<Rok4Dataset> dataset(
        new Rok4Dataset(pyramid, layout->views[0], validity));
    dataset->AddOverviews(*layout);
    dataset->SetDescription(openInfo->pszFilename);
    dataset->SetPhysicalFilename(StoragePath::Plain(path).c_str());
    dataset->SetSubdatasetName(PamName(openInfo, wish).c_str());
    if (openInfo->eAccess == GA_Update && !dataset->AllowUpdate(openInfo))
        return nullptr;
    return dataset;
}

bool Rok4Dataset::AllowUpdate(GDALOpenInfo *openInfo)
{
    Rok4UpdateOptions options;
    options.path = m_pyramid->Get()->path;
    options.tmsDirectory = Option(openInfo, "TMS_DIRECTORY", "");
    options.storageRoot = Option(openInfo, "STORAGE_ROOT", nullptr) != nullptr;
    options.nthreads = Rok4ThreadCount(openInfo->papszOpenOptions);
    options.remote = m_pyramid->Remote();
    m_update = Rok4Update::Make(options, *m_pyramid->Get(), m_view.level);
    if (m_update == nullptr)
        return false;
    eAccess = GA_Update;
    for (int i = 0; i < nBands; i++)
        static_cast<Rok4RasterBand *>(papoBands[i])->AllowUpdate();
    if (m_mask != nullptr)
        m_mask->AllowUpdate();
    return true;
}

bool Rok4Dataset::HasUnpublished() const
{
    return m_update != nullptr && !m_update->Canvas().IsEmpty();
}

// Reads from another reader of the pyramid from now on.
void Rok4Dataset::UsePyramid(const std::shared_ptr<Rok4Pyramid> &pyramid)
{
    m_pyramid = pyramid;
    for (CPLStringList *list : {&m_default, &m_merged, &m_rok4, &m_json})
        list->Clear();
    for (const std::unique_ptr<Rok4Dataset> &overview : m_overviews)
    {
        overview->FlushCache(false); // blocks of pixels that are no more
        if (overview->m_mask != nullptr)
            overview->m_mask->FlushCache(false);
        overview->UsePyramid(pyramid);
    }
}

CPLErr Rok4Dataset::FlushUpdate()
{
    const bool changes = !m_update->Canvas().IsEmpty();
    CPLErr result = m_update->Flush();
    if (result != CE_None || !changes)
        return result;
    ForgetStatistics();
    const std::shared_ptr<Rok4Pyramid> pyramid = m_update->Open();
    if (pyramid == nullptr)
        return CE_Failure;
    UsePyramid(pyramid);
    return CE_None;
}

GDALCompatFlush Rok4Dataset::FlushCache(bool atClosing)
{
    CPLErr result = CE_None;
    if (m_update != nullptr && m_mask != nullptr)
        result = m_mask->FlushCache(atClosing);
    result = std::max(result, GDALCompatFlushPam(this, atClosing));
    if (m_update != nullptr)
        result = std::max(result, FlushUpdate());
    if (atClosing)
        m_update = nullptr; // what has failed is not tried again, nor hidden
    return GDALCompatFlushed(result);
}

#if GDAL_COMPAT_HAS_CLOSE
CPLErr Rok4Dataset::GDAL_COMPAT_CLOSE(progress, progressData)
{
    CPLErr result = CE_None;
    if (nOpenFlags != OPEN_FLAGS_CLOSED)
    {
        result = Rok4Dataset::FlushCache(true);
        result = std::max(result, GDALPamDataset::GDAL_COMPAT_CLOSE_CALL(
                                      progress, progressData));
    }
    return result;
}
#endif

void Rok4Dataset::AddOverviews(const struct rok4_layout &layout)
{
    for (size_t i = 1; i < layout.nviews; i++)
    {
        std::unique_ptr<Rok4Dataset> overview(
            new Rok4Dataset(m_pyramid, layout.views[i], m_validity));
        overview->m_pamLoaded = true;
        overview->nPamFlags |= GPF_NOSAVE;
        m_overviews.push_back(std::move(overview));
    }
}

const OGRSpatialReference *Rok4Dataset::GetSpatialRef() const
{
    if (!m_srsKnown)
    {
        m_srsKnown = true;
        const char *const crs = m_pyramid->Get()->grid->crs;
        m_srs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
        if (m_srs.SetFromUserInput(
                crs,
                OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get()) !=
            OGRERR_NONE)
        {
            m_srs.Clear();
            CPLError(CE_Warning, CPLE_AppDefined,
                     "ROK4: %s: CRS %.80s of the tile matrix set is not known "
                     "here",
                     m_pyramid->Get()->path, crs);
        }
    }
    return m_srs.IsEmpty() ? nullptr : &m_srs;
}

CPLErr Rok4Dataset::GDAL_COMPAT_GET_GEOTRANSFORM(transform)
{
    const double cell =
        rok4_pyramid_grid_level(m_pyramid->Get(), m_view.level)->cell_size;
    transform[0] = m_bounds.min_x;
    transform[1] = cell;
    transform[2] = 0;
    transform[3] = m_bounds.max_y;
    transform[4] = 0;
    transform[5] = -cell;
    return CE_None;
}

char **Rok4Dataset::GetFileList()
{
    // Only what is this pyramid's alone: GDAL deletes what it finds here. Slabs
    // are too many to list.
    CPLStringList files;
    const char *const path = m_pyramid->Get()->path;
    const std::string list = CPLResetExtension(path, "list");
    const bool remote = vsi_io_is_remote(path);
    if (remote || vsi_io_exists(path))
        files.AddString(path);
    if (vsi_io_exists(list.c_str()))
        files.AddString(list.c_str());
    if (remote)
    {
        const char *const pam = BuildPamFilename();
        const std::string sidecar = Rok4SidecarOf(path);
        const std::string name = pam == nullptr ? ""
                                 : StoragePath::Plain(sidecar.c_str()) == pam
                                     ? sidecar
                                     : pam;
        if (!name.empty() && vsi_io_exists(name.c_str()))
            files.AddString(name.c_str());
        return files.StealList();
    }
    LoadPam();
    const CPLStringList pam(GDALPamDataset::GetFileList());
    for (int i = 0; i < pam.size(); i++)
        if (files.FindString(pam[i]) < 0)
            files.AddString(pam[i]);
    return files.StealList();
}

struct pyr_window Rok4Dataset::Window(int x, int y, int width, int height) const
{
    struct pyr_window window = {};
    window.level = static_cast<uint32_t>(m_view.level);
    window.px_x = m_view.px_x + x;
    window.px_y = m_view.px_y + y;
    window.width_px = static_cast<uint32_t>(width);
    window.height_px = static_cast<uint32_t>(height);
    return window;
}
