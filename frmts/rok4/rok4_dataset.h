// SPDX-License-Identifier: MIT
// The ROK4 raster dataset and its bands, over the C code of the format.
#ifndef ROK4_DATASET_H
#define ROK4_DATASET_H

#include "gdal_compat.h"
#include "ogr_spatialref.h"
#include "pyr_runtime.h"
#include "pyr_window.h"
#include "remote_files.h"
#include "rok4_buffer.h"
#include "rok4_guard.h"
#include "rok4_layout.h"
#include "rok4_objects.h"
#include "rok4_pyramid.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

class JobContext;
class Rok4MaskBand;
class Rok4RasterBand;
class Rok4Update;

// How nodata and validity are told (open options NODATA and MASK).
struct Rok4Validity
{
    bool bandNodata = false;   // each band has the descriptor's value
    bool pixelNodata = false;  // dataset item NODATA_VALUES
    bool masks = false;        // per-dataset mask bands from mask slabs
    bool sampleFinest = false; // approximations may not use upper levels
};

// How slabs are read that take requests over a network.
struct Rok4Remote
{
    unsigned requests = 16;             // at once
    size_t headBytes = SLAB_HEAD_BYTES; // with the opening
    uint64_t keepSeconds = 300;         // what was read is believed for so long
};

// An open pyramid, shared by a dataset and its overviews. One thread at a time.
class Rok4Pyramid final
{
  public:
    Rok4Pyramid() = default;
    ~Rok4Pyramid();
    Rok4Pyramid(const Rok4Pyramid &) = delete;
    Rok4Pyramid &operator=(const Rok4Pyramid &) = delete;

    // What to open its files with, where they may be remote. Before Init, which
    // takes it; borrowed.
    struct pyr_io NetworkIo(const Rok4Remote &remote);
    const Rok4Remote &Remote() const
    {
        return m_remote;
    }

    // Takes the pyramid over. False when out of memory.
    bool Init(struct rok4_pyramid *pyramid, const struct pyr_io &io,
              unsigned nthreads);

    // Before Init: the pyramid is guarded against being replaced while it is
    // read. Stamp of its descriptor from before that was loaded; 0 for none.
    void Guard(uint64_t stamp)
    {
        m_guarded = stamp;
    }

    const struct rok4_pyramid *Get() const
    {
        return m_pyramid;
    }

    const struct pyr_source_level &Level(size_t level) const
    {
        return m_data.levels[level];
    }

    // For builds: the readers, which Read and ReadMask use too. nullptr for
    // masks that the pyramid has not.
    struct pyr_reader *DataReader() const
    {
        return m_dataReader;
    }
    struct pyr_reader *MaskReader() const
    {
        return m_pyramid->has_masks ? m_maskReader : nullptr;
    }
    const struct pyr_source *Source() const
    {
        return &m_data;
    }
    // What slabs are opened with, at the paths that Source says. Borrowed.
    const struct pyr_io &Io() const
    {
        return m_io;
    }
    // The context for threads of reads through these; nullptr at the end.
    // Returns the one before.
    JobContext *SetJob(JobContext *job)
    {
        return std::exchange(m_job, job);
    }

    // Gives the pixels of a window to the sink; what was advised is fetched
    // with it. Raises the error on failure.
    CPLErr Read(const struct pyr_window &window,
                const struct pyr_window_sink &sink);

    // Validity of a window's pixels: mask[height][width].
    CPLErr ReadMask(const struct pyr_window &window, GByte *mask);

    // Queues a window to be fetched with the next read.
    void Advise(const struct pyr_window &window);

    // Fetches a window into the cache, if it fits. Failing is no error.
    void Prefetch(const struct pyr_window &window);

    CPLErr Locate(uint32_t level, uint32_t tile_col, uint32_t tile_row,
                  enum pyr_presence *presence, struct pyr_extent *extent);

    // Encoded bytes of a tile, freed with pyr_free; PYR_NOT_FOUND raises
    // nothing.
    enum pyr_result Encoded(uint32_t level, uint32_t tile_col,
                            uint32_t tile_row, uint8_t **bytes, size_t *nbytes);

  private:
    CPLErr Report(enum pyr_result result, const struct pyr_error &err);
    void FetchAdvised(size_t cache_bytes);
    void CheckDirectory(size_t level);

    static void EnterThread(void *user, unsigned worker);
    static void LeaveThread(void *user, unsigned worker);

    std::shared_ptr<PyrRuntime> m_runtime{};
    struct rok4_pyramid *m_pyramid = nullptr;
    Rok4Remote m_remote{};
    std::unique_ptr<RemoteFiles> m_files{};
    struct pyr_io m_io = {};
    struct rok4_objects m_objects = {};
    uint64_t m_guarded = 0;
    Rok4Guard m_guard{};
    struct pyr_source m_data = {};
    struct pyr_source m_masks = {};
    struct pyr_reader *m_dataReader = nullptr;
    struct pyr_reader *m_maskReader = nullptr;
    unsigned m_threads = 1;
    std::vector<bool> m_checked{}; // by level
    std::vector<struct pyr_window> m_advised{};
    JobContext *m_job = nullptr; // of the read that is under way
};

// Number of threads that option NUM_THREADS asks for; not given,
// GDAL_NUM_THREADS, else every processor. 0, with an error, when it is wrong; a
// wrong GDAL_NUM_THREADS means one thread, as elsewhere in GDAL.
unsigned Rok4ThreadCount(CSLConstList options);

// Bytes that the cache of all pyramids may take, so that with GDAL's own block
// cache it stays within GDAL_CACHEMAX, but for a floor.
size_t Rok4CacheBytes();

// Raises a core error as "ROK4: ...".
void Rok4Report(CPLErr kind, enum pyr_result result, const char *text);

// What absent pixels of a band (from 1) read as: the descriptor's nodata value
// as the sample type can hold it.
double Rok4FillValue(const struct rok4_descriptor &descriptor, int band);

// What a band (from 1) shows, by the number of bands.
GDALColorInterp Rok4ColorOf(int band, int bands);

class Rok4Dataset final : public GDALPamDataset
{
    friend class Rok4RasterBand;
    friend class Rok4MaskBand;

  public:
    static int Identify(GDALOpenInfo *openInfo);
    static GDALDataset *Open(GDALOpenInfo *openInfo);

    ~Rok4Dataset() override;

    const std::shared_ptr<Rok4Pyramid> &Pyramid() const
    {
        return m_pyramid;
    }
    // Level of the pyramid that the dataset's own pixels are.
    size_t Level() const
    {
        return m_view.level;
    }

    // Where the dataset's pixels are in that level.
    const struct rok4_view &View() const
    {
        return m_view;
    }

    // Publishes what was written, too.
    GDALCompatFlush FlushCache(bool atClosing = false) override;
#if GDAL_COMPAT_HAS_CLOSE
    CPLErr GDAL_COMPAT_CLOSE(progress, progressData) override;
#endif
    const OGRSpatialReference *GetSpatialRef() const override;
    CPLErr GDAL_COMPAT_GET_GEOTRANSFORM(transform) override;
    char **GetFileList() override;
    char **GetMetadataDomainList() override;
    GDALCompatMetadata GetMetadata(const char *domain = "") override;
    const char *GetMetadataItem(const char *name,
                                const char *domain = "") override;
    CPLErr SetMetadata(GDALCompatMetadata metadata,
                       const char *domain = "") override;
    CPLErr SetMetadataItem(const char *name, const char *value,
                           const char *domain = "") override;
    CPLErr AdviseRead(int x, int y, int width, int height, int bufWidth,
                      int bufHeight, GDALDataType type, int nBandCount,
                      int *bandMap, GDALCompatOptions options) override;
#if GDAL_COMPAT_HAS_COMPRESSED_DATA
    CPLStringList GetCompressionFormats(int x, int y, int width, int height,
                                        int nBandCount,
                                        const int *bandList) override;
    CPLErr ReadCompressedData(const char *format, int x, int y, int width,
                              int height, int nBandCount, const int *bandList,
                              void **buffer, size_t *bufferSize,
                              char **detailedFormat) override;
#endif

  protected:
    CPLErr IBuildOverviews(const char *resampling, int count,
                           const int *factors, int nListBands,
                           const int *bandList, GDALProgressFunc progress,
                           void *progressData, CSLConstList options) override;
    CPLErr TrySaveXML() override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, int nBandCount, int *bandMap,
                     GSpacing pixelSpace, GSpacing lineSpace,
                     GSpacing bandSpace, GDALRasterIOExtraArg *extra) override;

  private:
    Rok4Dataset(std::shared_ptr<Rok4Pyramid> pyramid,
                const struct rok4_view &view, const Rok4Validity &validity);

    static std::unique_ptr<Rok4Dataset>
    Make(GDALOpenInfo *openInfo, std::shared_ptr<Rok4Pyramid> pyramid,
         const char *level);
    void AddOverviews(const struct rok4_layout &layout);
    bool AllowUpdate(GDALOpenInfo *openInfo);
    bool HasUnpublished() const; // pixels that were written
    CPLErr FlushUpdate();
    void UsePyramid(const std::shared_ptr<Rok4Pyramid> &pyramid);
    CPLErr RenewOverviews();
    void LoadPam();
    void LoadRemotePam();
    CPLErr SavePamTo(const std::string &sidecar);
    void ForgetStatistics();
    const CPLStringList &OwnMetadata(const char *domain);
    CPLStringList MakeRok4Domain() const;

    struct pyr_window Window(int x, int y, int width, int height) const;
    bool IsOneTile(int x, int y, int width, int height, int nBandCount,
                   const int *bandList) const;
    Rok4Buffer Buffer(void *data, GDALDataType type, int nBandCount,
                      const int *bandMap, GSpacing pixelSpace,
                      GSpacing lineSpace, GSpacing bandSpace) const;
    CPLErr ReadWindow(int x, int y, int width, int height,
                      const Rok4Buffer &buffer, GDALRasterIOExtraArg *extra);
    CPLErr WriteWindow(int x, int y, int width, int height,
                       const Rok4Buffer &buffer, bool onlyChanged);
    CPLErr FlushBlocks(int x, int y, int width, int height);

    std::shared_ptr<Rok4Pyramid> m_pyramid;
    struct rok4_view m_view;
    Rok4Validity m_validity;
    struct pyr_grid_bounds m_bounds = {};
    mutable OGRSpatialReference m_srs{};
    mutable bool m_srsKnown = false;
    bool m_pamLoaded = false;
    bool m_pamUnknown = false; // reading it failed
    bool m_pamAssumed = false; // there is none, as GDAL says
    std::unique_ptr<Rok4MaskBand> m_mask;
    std::vector<std::unique_ptr<Rok4Dataset>> m_overviews{};
    std::vector<std::unique_ptr<Rok4Dataset>> m_formerOverviews{};
    std::unique_ptr<Rok4Update> m_update; // nullptr: read only
    // Filled at the first request of each.
    CPLStringList m_default{};
    CPLStringList m_merged{};
    CPLStringList m_imageStructure{};
    CPLStringList m_rok4{};
    CPLStringList m_json{};
};

class Rok4RasterBand final : public GDALPamRasterBand
{
  public:
    Rok4RasterBand(Rok4Dataset *dataset, int band);

    void AllowUpdate()
    {
        eAccess = GA_Update;
    }
    // In memory: those in the file are dropped apart.
    void ForgetStatistics();

    GDALColorInterp GetColorInterpretation() override;
    double GetNoDataValue(int *success = nullptr) override;
    int GetOverviewCount() override;
    GDALRasterBand *GetOverview(int index) override;
    GDALRasterBand *GetRasterSampleOverview(GUIntBig samples) override;
    CPLErr BuildOverviews(const char *resampling, int count, const int *factors,
                          GDALProgressFunc progress, void *progressData,
                          CSLConstList options) override;
    GDALRasterBand *GetMaskBand() override;
    int GetMaskFlags() override;
    char **GetMetadataDomainList() override;
    GDALCompatMetadata GetMetadata(const char *domain = "") override;
    const char *GetMetadataItem(const char *name,
                                const char *domain = "") override;
    CPLErr AdviseRead(int x, int y, int width, int height, int bufWidth,
                      int bufHeight, GDALDataType type,
                      GDALCompatOptions options) override;

    // What PAM holds: read before it is told or changed (rok4_pam.cpp).
    CPLErr SetMetadata(GDALCompatMetadata metadata,
                       const char *domain = "") override;
    CPLErr SetMetadataItem(const char *name, const char *value,
                           const char *domain = "") override;
    void SetDescription(const char *description) override;
    CPLErr SetNoDataValue(double value) override;
    CPLErr DeleteNoDataValue() override;
    CPLErr SetColorTable(GDALColorTable *table) override;
    CPLErr SetColorInterpretation(GDALColorInterp interpretation) override;
    const char *GetUnitType() override;
    CPLErr SetUnitType(const char *unit) override;
    char **GetCategoryNames() override;
    CPLErr SetCategoryNames(char **names) override;
    double GetOffset(int *success = nullptr) override;
    CPLErr SetOffset(double offset) override;
    double GetScale(int *success = nullptr) override;
    CPLErr SetScale(double scale) override;
    GDALRasterAttributeTable *GetDefaultRAT() override;
    CPLErr SetDefaultRAT(const GDALRasterAttributeTable *table) override;
    CPLErr SetDefaultHistogram(double min, double max, int buckets,
                               GUIntBig *histogram) override;
    CPLErr GetHistogram(double min, double max, int buckets,
                        GUIntBig *histogram, int includeOutOfRange,
                        int approxOk, GDALProgressFunc progress,
                        void *progressData) override;
    CPLErr GetDefaultHistogram(double *min, double *max, int *buckets,
                               GUIntBig **histogram, int force,
                               GDALProgressFunc progress,
                               void *progressData) override;

  protected:
    CPLErr IReadBlock(int blockX, int blockY, void *data) override;
    CPLErr IWriteBlock(int blockX, int blockY, void *data) override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, GSpacing pixelSpace,
                     GSpacing lineSpace, GDALRasterIOExtraArg *extra) override;
    int IGetDataCoverageStatus(int x, int y, int width, int height,
                               int maskFlagStop, double *percent) override;

  private:
    Rok4Dataset *Own() const;
    void FillOtherBands(int blockX, int blockY, const GByte *pixels);
    void LoadPamFor(const char *domain);
    bool LocationPixel(const char *name, int *x, int *y) const;
    const char *LocationInfo(const char *name);

    std::string m_location{};
};

// The validity of a dataset's pixels (GMF_PER_DATASET).
class Rok4MaskBand final : public GDALRasterBand
{
  public:
    explicit Rok4MaskBand(Rok4Dataset *dataset);

    void AllowUpdate()
    {
        eAccess = GA_Update;
    }
    int GetOverviewCount() override;
    GDALRasterBand *GetOverview(int index) override;
    bool IsMaskBand() const override;

  protected:
    CPLErr IReadBlock(int blockX, int blockY, void *data) override;
    CPLErr IWriteBlock(int blockX, int blockY, void *data) override;
    CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height,
                     void *data, int bufWidth, int bufHeight,
                     GDALDataType bufType, GSpacing pixelSpace,
                     GSpacing lineSpace, GDALRasterIOExtraArg *extra) override;

  private:
    CPLErr WriteWindow(int x, int y, int width, int height, const GByte *mask,
                       size_t lineSpace, bool onlyChanged);

    Rok4Dataset *const m_dataset;
};

#endif
