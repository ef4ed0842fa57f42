// SPDX-License-Identifier: MIT
// Create: a raster on the grid that becomes a pyramid when it is closed.
#include "rok4_new_dataset.h"

#include "rok4_sidecar.h"
#include "storage_path.h"
#include "vsi_io.h"
#include "vsi_objects.h"

#include <algorithm>
#include <cstring>

namespace
{

bool Fail(enum pyr_result result, const std::string &text)
{
    Rok4Report(CE_Failure, result, text.c_str());
    return false;
}

// What a dataset made by Create cannot do.
bool CheckOptions(const Rok4CreationOptions &options)
{
    if (options.updateMode != Rok4UpdateMode::None)
        return Fail(PYR_USAGE,
                    "UPDATE_MODE and ANCESTOR are for copies of a dataset; "
                    "open an existing pyramid for update to write to it");
    if (options.resume)
        return Fail(PYR_USAGE, "RESUME=YES is for copies of a dataset");
    if (options.addAlpha)
        return Fail(PYR_USAGE, "ADD_ALPHA=YES is for copies of a dataset; "
                               "create 2 or 4 bands, the last one is alpha");
    return true;
}

bool SampleOf(GDALDataType type, enum pyr_sample *sample)
{
    *sample = type == GDT_Float32 ? PYR_SAMPLE_FLOAT32 : PYR_SAMPLE_UINT8;
    return type == GDT_Byte || type == GDT_Float32 ||
           Fail(PYR_UNSUPPORTED,
                CPLSPrintf("type %s, expected Byte or Float32: ROK4 has no "
                           "other types",
                           GDALGetDataTypeName(type)));
}

} // namespace

Rok4NewDataset::Rok4NewDataset(int width, int height, enum pyr_sample sample)
    : ClosingDataset(width, height), m_sample(sample)
{
}

Rok4NewDataset::~Rok4NewDataset()
{
    Rok4NewDataset::FlushCache(true);
}

GDALDataset *Rok4NewDataset::Create(const char *filename, int width, int height,
                                    int bands, GDALDataType type,
                                    GDALCompatOptions options)
{
    enum pyr_sample sample = PYR_SAMPLE_UINT8;
    if (!SampleOf(type, &sample))
        return nullptr;
    if (bands < 1 || bands > static_cast<int>(PYR_MAX_BANDS))
    {
        Fail(PYR_UNSUPPORTED,
             CPLSPrintf("%d bands, expected 1 to %u", bands, PYR_MAX_BANDS));
        return nullptr;
    }
    std::unique_ptr<Rok4NewDataset> dataset(
        new Rok4NewDataset(width, height, sample));
    if (dataset->Prepare(filename, bands, options))
        return dataset.release();
    dataset->GiveUp();
    return nullptr;
}

bool Rok4NewDataset::Prepare(const char *filename, int bands,
                             CSLConstList options)
{
    enum rok4_format format = ROK4_ZIP_UINT8;
    Rok4CreationOptions parsed;
    if (!parsed.Parse(options) || !CheckOptions(parsed) ||
        !m_creation.Prepare(filename, options) ||
        !Rok4ChooseFormat(parsed, m_sample, static_cast<unsigned>(bands),
                          &format) ||
        !ChooseNodata(bands))
        return false;
    const std::string &path = m_creation.Path();
    // Finishes what was interrupted; nothing is to stand there meanwhile.
    if (Rok4Lock::Take(path) == nullptr)
        return false;
    if (!parsed.overwrite && vsi_io_exists(path.c_str()))
        return Fail(PYR_USAGE, path + " exists; OVERWRITE=YES replaces it");
    const struct pyr_grid &grid = *m_creation.Grid();
    const struct pyr_grid_level &level =
        grid.levels[std::max(0, m_creation.BottomLevel())];
    m_srs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
    if (m_srs.SetFromUserInput(
            grid.crs,
            OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get()) !=
        OGRERR_NONE)
        m_srs.Clear();
    m_masks = parsed.mask == Rok4Choice::Yes;
    const int blockWidth = static_cast<int>(level.tile_width_px);
    const int blockHeight = static_cast<int>(level.tile_height_px);
    for (int i = 1; i <= bands; i++)
        SetBand(i, new Rok4NewBand(this, i, blockWidth, blockHeight));
    if (m_masks)
        m_mask =
            std::make_unique<Rok4NewMaskBand>(this, blockWidth, blockHeight);
    SetDescription(filename);
    SetPhysicalFilename(StoragePath::Plain(path.c_str()).c_str());
    return true;
}

// Option NODATA; an alpha band that gets no value has 0.
bool Rok4NewDataset::ChooseNodata(int bands)
{
    if (!m_creation.Nodata(&m_nodata))
        return false;
    if (static_cast<int>(m_nodata.size()) > bands)
        return Fail(PYR_USAGE,
                    CPLSPrintf("NODATA=%s, expected at most %d values",
                               m_creation.Options().nodata.c_str(), bands));
    if (m_nodata.empty())
        m_nodata.push_back(m_sample == PYR_SAMPLE_FLOAT32 ? -99999 : 255);
    while (static_cast<int>(m_nodata.size()) < bands)
    {
        const int band = static_cast<int>(m_nodata.size()) + 1;
        m_nodata.push_back(band == bands && bands % 2 == 0 ? 0
                                                           : m_nodata.back());
    }
    for (const double value : m_nodata)
        if (m_sample == PYR_SAMPLE_UINT8 && (value < 0 || value > 255))
            return Fail(PYR_USAGE,
                        CPLSPrintf("NODATA=%s, expected 0 to 255 for Byte",
                                   m_creation.Options().nodata.c_str()));
    return true;
}

// ---- Place ----

const OGRSpatialReference *Rok4NewDataset::GetSpatialRef() const
{
    return m_srs.IsEmpty() ? nullptr : &m_srs;
}

CPLErr Rok4NewDataset::SetSpatialRef(const OGRSpatialReference *srs)
{
    if (srs == nullptr || srs->IsEmpty())
        return CE_None; // the grid's stays
    m_srs = *srs;
    m_srsSet = true;
    m_placed = false;
    return !m_transformSet || FindPlace() ? CE_None : CE_Failure;
}

CPLErr Rok4NewDataset::GDAL_COMPAT_GET_GEOTRANSFORM(transform)
{
    for (int i = 0; i < 6; i++)
        transform[i] = m_transform[i];
    return m_transformSet ? CE_None : CE_Failure;
}

CPLErr Rok4NewDataset::GDAL_COMPAT_SET_GEOTRANSFORM(transform)
{
    for (int i = 0; i < 6; i++)
        m_transform[i] = transform[i];
    m_transformSet = true;
    m_placed = false;
    return !m_srsSet || FindPlace() ? CE_None : CE_Failure;
}

// The numbers for gdalwarp that make a raster like this one fit.
static std::string WindowText(const struct pyr_grid_level &level,
                              const Rok4Place &place)
{
    double transform[6];
    Rok4PlaceTransform(level, place, transform);
    return CPLSPrintf(
        "-te %.15g %.15g %.15g %.15g -tr %.15g %.15g (level %s, %d x %d "
        "pixels)",
        transform[0], transform[3] + place.height_px * transform[5],
        transform[0] + place.width_px * transform[1], transform[3],
        level.cell_size, level.cell_size, level.id, place.width_px,
        place.height_px);
}

bool Rok4NewDataset::FindPlace()
{
    if (m_placed)
        return true;
    const std::string &path = m_creation.Path();
    if (!m_transformSet)
        return Fail(PYR_USAGE,
                    path + ": no geotransform was set: the raster is nowhere");
    Rok4PlaceOptions options;
    options.grid = m_creation.Grid();
    options.level = m_creation.BottomLevel();
    Rok4Place place;
    if (!Rok4FindPlace(this, options, &place))
        return false;
    const struct pyr_grid_level &level = options.grid->levels[place.level];
    if (!place.sameCrs)
        return Fail(PYR_USAGE,
                    CPLSPrintf("%s: the CRS is not that of the tile matrix "
                               "set, %.80s",
                               path.c_str(), options.grid->crs));
    if (!place.onGrid)
        return Fail(PYR_USAGE,
                    CPLSPrintf("%s: the raster is not on the grid "
                               "of the tile matrix set; the nearest "
                               "window is %s",
                               path.c_str(), WindowText(level, place).c_str()));
    const int64_t matrixWidth =
        static_cast<int64_t>(level.matrix_width) * level.tile_width_px;
    const int64_t matrixHeight =
        static_cast<int64_t>(level.matrix_height) * level.tile_height_px;
    if (place.px_x < 0 || place.px_y < 0 ||
        place.px_x + place.width_px > matrixWidth ||
        place.px_y + place.height_px > matrixHeight)
    {
        Rok4Place inside = place;
        inside.px_x = std::max<int64_t>(place.px_x, 0);
        inside.px_y = std::max<int64_t>(place.px_y, 0);
        inside.width_px = static_cast<int>(
            std::min(place.px_x + place.width_px, matrixWidth) - inside.px_x);
        inside.height_px = static_cast<int>(
            std::min(place.px_y + place.height_px, matrixHeight) - inside.px_y);
        return Fail(PYR_USAGE,
                    CPLSPrintf("%s: the raster reaches beyond the matrix of "
                               "level %s; the nearest window is %s",
                               path.c_str(), level.id,
                               WindowText(level, inside).c_str()));
    }
    m_place = place;
    m_placed = true;
    return true;
}

// ---- The end ----

CPLErr Rok4NewDataset::Publish()
{
    const std::string &path = m_creation.Path();
    if (m_canvas.HasFailed())
    {
        Fail(PYR_IO, path + " is not made: some of the pixels that were "
                            "written could not be kept");
        return CE_Failure;
    }
    // As of a copy whose source lies on the grid.
    if (!FindPlace() ||
        !m_creation.Describe(m_sample, m_nodata, "CUBIC", false))
        return CE_Failure;
    const struct pyr_grid_level &level =
        m_creation.Grid()->levels[m_place.level];
    if (!m_creation.Plan(m_place.level, Rok4PlaceLimits(level, m_place)) ||
        !m_creation.KeepGrid(nullptr))
        return CE_Failure;
    const std::unique_ptr<Rok4Writing> writing =
        m_creation.Start(Rok4UniqueIdentity(), nullptr, nullptr);
    bool finished = false;
    if (writing->Begin(&finished) != CE_None)
        return CE_Failure;
    if (!m_canvas.IsEmpty() &&
        writing->Build(
            m_canvas.Raster(m_place.px_x - m_originX, m_place.px_y - m_originY),
            m_creation.TargetBottom(), m_creation.TargetTop(),
            m_creation.Limits(), false) != CE_None)
        return CE_Failure;
    return m_creation.KeepGrid(writing.get()) &&
                   writing->DropStatistics() == CE_None
               ? writing->Publish()
               : CE_Failure;
}

GDALRasterBand *Rok4NewDataset::OwnMask()
{
    return m_mask.get();
}

void Rok4NewDataset::Drop()
{
    m_canvas.Clear();
}

// What belongs to a pyramid that is not there would stay behind.
CPLErr Rok4NewDataset::TrySaveXML()
{
    if (HasEnded()) // else GDAL saves by its way what was not
        nPamFlags &= ~GPF_DIRTY;
    if (!IsPublished())
        return CE_None;
    const auto save = [this](const std::string &) {
        return GDALPamDataset::TrySaveXML();
    };
    const std::string &path = m_creation.Path();
    return vsi_objects_are_at(path.c_str()) && BuildPamFilename() != nullptr
               ? Rok4SaveSidecarObject(path, psPam, true, save)
               : save(path);
}

CPLErr Rok4NewDataset::CreateMaskBand(int)
{
    if (m_masks)
        return CE_None;
    Fail(PYR_USAGE, "masks are written with creation option MASK=YES");
    return CE_Failure;
}

// ---- Pixels ----

struct pyr_window Rok4NewDataset::Window(int x, int y, int width,
                                         int height) const
{
    struct pyr_window window = {};
    window.px_x = m_originX + x;
    window.px_y = m_originY + y;
    window.width_px = static_cast<uint32_t>(width);
    window.height_px = static_cast<uint32_t>(height);
    return window;
}

Rok4Buffer Rok4NewDataset::Buffer(void *data, GDALDataType type, int nBandCount,
                                  const int *bandMap, GSpacing pixelSpace,
                                  GSpacing lineSpace, GSpacing bandSpace) const
{
    Rok4Buffer buffer;
    buffer.data = static_cast<GByte *>(data);
    buffer.type = type;
    buffer.pixelSpace = pixelSpace;
    buffer.lineSpace = lineSpace;
    buffer.bandSpace = bandSpace;
    buffer.nBands = nBandCount;
    buffer.bandMap = bandMap;
    buffer.pixelType = m_sample == PYR_SAMPLE_FLOAT32 ? GDT_Float32 : GDT_Byte;
    buffer.pixelBands = nBands;
    std::copy(m_nodata.begin(), m_nodata.end(), buffer.fill);
    return buffer;
}

// The canvas, in tiles of the level where the place is known by now.
bool Rok4NewDataset::BeginWriting()
{
    if (m_canvas.IsReady())
        return true;
    if (m_transformSet && !FindPlace())
        return false;
    const size_t level =
        m_placed ? m_place.level
                 : static_cast<size_t>(std::max(0, m_creation.BottomLevel()));
    const struct pyr_grid_level &matrix = m_creation.Grid()->levels[level];
    struct pyr_tile_shape shape = {};
    shape.width_px = matrix.tile_width_px;
    shape.height_px = matrix.tile_height_px;
    shape.bands = static_cast<uint32_t>(nBands);
    shape.sample = m_sample;
    if (!pyr_tile_shape_valid(&shape))
        return Fail(PYR_LIMIT, CPLSPrintf("a tile takes more than %u bytes",
                                          PYR_MAX_TILE_BYTES));
    m_originX = m_placed ? m_place.px_x : 0;
    m_originY = m_placed ? m_place.px_y : 0;
    return m_canvas.Init(shape, m_nodata.data(), m_masks, m_creation.Path(),
                         nullptr);
}

CPLErr Rok4NewDataset::ReadWindow(int x, int y, int width, int height,
                                  const Rok4Buffer &buffer)
{
    const struct pyr_window window = Window(x, y, width, height);
    if (!Rok4CheckSpacing(buffer.pixelSpace))
        return CE_Failure;
    if (!m_canvas.Covers(window))
        for (int row = 0; row < height; row++)
            buffer.FillRow(0, static_cast<uint32_t>(row), window.width_px);
    return m_canvas.Read(window, buffer);
}

CPLErr Rok4NewDataset::WriteWindow(int x, int y, int width, int height,
                                   const Rok4Buffer &buffer, bool onlyChanged)
{
    if (!Rok4CheckSpacing(buffer.pixelSpace) || !BeginWriting())
        return CE_Failure;
    return m_canvas.Write(Window(x, y, width, height), buffer, onlyChanged);
}

// Before pixels are read or written past the cache of blocks.
CPLErr Rok4NewDataset::FlushBlocks(int x, int y, int width, int height)
{
    CPLErr result = CE_None;
    if (m_mask != nullptr)
        result = Rok4FlushBlocks(m_mask.get(), x, y, width, height);
    for (int i = 0; i < nBands; i++)
        result = std::max(result,
                          Rok4FlushBlocks(papoBands[i], x, y, width, height));
    return result;
}

CPLErr Rok4NewDataset::IRasterIO(GDALRWFlag flag, int x, int y, int width,
                                 int height, void *data, int bufWidth,
                                 int bufHeight, GDALDataType bufType,
                                 int nBandCount, int *bandMap,
                                 GSpacing pixelSpace, GSpacing lineSpace,
                                 GSpacing bandSpace,
                                 GDALRasterIOExtraArg *extra)
{
    if (!Rok4IsPlain(x, y, width, height, bufWidth, bufHeight, extra))
        return GDALPamDataset::IRasterIO(
            flag, x, y, width, height, data, bufWidth, bufHeight, bufType,
            nBandCount, bandMap, pixelSpace, lineSpace, bandSpace, extra);
    const Rok4Buffer buffer = Buffer(data, bufType, nBandCount, bandMap,
                                     pixelSpace, lineSpace, bandSpace);
    if (FlushBlocks(x, y, width, height) != CE_None)
        return CE_Failure;
    return flag == GF_Read ? ReadWindow(x, y, width, height, buffer)
                           : WriteWindow(x, y, width, height, buffer, false);
}
