// SPDX-License-Identifier: MIT
// One write to a pyramid: levels built from rasters, staged and published.
#include "rok4_writing.h"

#include "job_context.h"
#include "pyr_alloc.h"
#include "rok4_compose.h"
#include "rok4_creation_options.h"
#include "rok4_link.h"
#include "rok4_link_objects.h"
#include "rok4_path.h"
#include "rok4_place.h"
#include "rok4_plan.h"
#include "rok4_sidecar.h"
#include "vsi_io.h"
#include "vsi_out.h"
#include "vsi_tree.h"

#include "cpl_conv.h"

#include <algorithm>

// Encoded tiles that wait in memory for their slabs; more go to files.
constexpr size_t WAITING_BYTES = 64 << 20;
// On an object storage most of the time is spent waiting for answers.
constexpr unsigned PUTTING_THREADS = 8;

Rok4Lock::Rok4Lock() : m_tree(vsi_tree_make())
{
}

Rok4Lock::~Rok4Lock()
{
    rok4_stage_free(m_stage);
}

std::shared_ptr<Rok4Lock> Rok4Lock::Take(const std::string &path)
{
    struct pyr_error err = {""};
    std::shared_ptr<Rok4Lock> lock(new Rok4Lock);
    bool recovered = false;
    const enum pyr_result result = rok4_stage_lock(
        &lock->m_tree, path.c_str(), &lock->m_stage, &recovered, &err);
    if (result == PYR_OK)
        return lock;
    Rok4Report(CE_Failure, result, err.text);
    return nullptr;
}

struct rok4_stage *Rok4Lock::Give()
{
    struct rok4_stage *const stage = m_stage;
    m_stage = nullptr;
    return stage;
}

std::string Rok4Beside(const std::string &path, const std::string &name)
{
    struct rok4_path_rules rules = {};
    rules.descriptor_path = path.c_str();
    rules.allow_outside = true;
    struct pyr_error err = {""};
    char *directory = nullptr;
    if (rok4_path_resolve(&rules, name.c_str(), &directory, &err) != PYR_OK)
        return name; // nor will readers find it
    const std::string text = directory;
    pyr_free(directory);
    return text;
}

// The prefix of a level's objects, where that is not what the path says.
static std::string ForeignPrefix(const std::string &path,
                                 const struct rok4_level &level)
{
    const std::string base = path.substr(0, path.rfind('.')) + "/";
    struct rok4_path_rules rules = {};
    rules.descriptor_path = path.c_str();
    rules.allow_outside = true;
    const char *const planes[] = {"DATA_", "MASK_"};
    const char *const written[] = {level.image_place, level.mask_place};
    for (size_t i = 0; i < 2 && written[i] != nullptr; i++)
    {
        struct pyr_error err = {""};
        char *place = nullptr;
        if (rok4_place_resolve(&rules, &level, written[i], &place, &err) !=
            PYR_OK)
            return written[i];
        const std::string found = place;
        pyr_free(place);
        if (found != base + planes[i] + level.id)
            return found;
    }
    return "";
}

std::string Rok4ForeignDirectory(const std::string &path,
                                 const struct rok4_descriptor &descriptor)
{
    const std::string name = CPLGetBasename(path.c_str());
    for (size_t i = 0; i < descriptor.nlevels; i++)
    {
        const struct rok4_level &level = descriptor.levels[i];
        if (level.storage != ROK4_STORAGE_FILE)
        {
            const std::string foreign = ForeignPrefix(path, level);
            if (!foreign.empty())
                return foreign;
            continue;
        }
        const std::string images = Rok4Beside(path, level.image_place);
        if (images != Rok4Beside(path, name + "/DATA/" + level.id))
            return images;
        if (level.mask_place == nullptr)
            continue;
        const std::string masks = Rok4Beside(path, level.mask_place);
        if (masks != Rok4Beside(path, name + "/MASK/" + level.id))
            return masks;
    }
    return "";
}

Rok4Writing::Rok4Writing(const Rok4WritingOptions &options,
                         struct rok4_descriptor *target,
                         const struct pyr_grid *grid)
    : m_options(options), m_target(target), m_grid(grid),
      m_published(Rok4Beside(options.path, options.pyramid)),
      m_io(vsi_io_make()), m_out(vsi_out_make()), m_tree(vsi_tree_make())
{
    if (!OnObjects())
        return;
    m_scratch = vsi_out_make_scratch();
    m_scratchPath = CPLGenerateTempFilename("rok4");
    m_objects.base = m_io;
    m_io = rok4_objects_io(&m_objects);
    m_options.nthreads = std::max(m_options.nthreads, PUTTING_THREADS);
}

Rok4Writing::~Rok4Writing()
{
    rok4_writer_free(m_output.writer);
    rok4_stage_cancel(m_stage, m_options.resume);
    rok4_descriptor_free(m_target);
}

CPLErr Rok4Writing::Report(enum pyr_result result,
                           const struct pyr_error &err) const
{
    if (result == PYR_OK)
        return CE_None;
    const std::string &path = m_options.path;
    const std::string text = err.text;
    Rok4Report(
        CE_Failure, result,
        (text.compare(0, path.size(), path) == 0 ? text : path + ": " + text)
            .c_str());
    return CE_Failure;
}

// Whether readers take the tray and the objects for ones.
enum pyr_result Rok4Writing::CheckNames(struct pyr_error *err) const
{
    const struct rok4_level &level = m_target->levels[0];
    struct rok4_path_rules rules = {};
    rules.descriptor_path = m_options.path.c_str();
    rules.allow_outside = true;
    char *place = nullptr;
    const enum pyr_result result =
        rok4_place_resolve(&rules, &level, level.image_place, &place, err);
    pyr_free(place);
    return result;
}

CPLErr Rok4Writing::Begin(bool *finished)
{
    struct pyr_error err = {""};
    m_runtime = PyrRuntime::Get();
    if (m_runtime == nullptr)
        return Report(pyr_fail(&err, PYR_NOMEM, "out of memory"), err);
    // What cannot be described, or found afterwards, is not begun.
    char *text = nullptr;
    enum pyr_result composed = Compose(&text, &err);
    pyr_free(text);
    if (composed == PYR_OK && OnObjects())
        composed = CheckNames(&err);
    if (composed != PYR_OK)
        return Report(composed, err);
    if (!Progress(this, 0.0))
        return Report(pyr_fail(&err, PYR_CANCELLED, "interrupted"), err);
    struct rok4_stage_options options = {};
    options.path = m_options.path.c_str();
    options.mode = m_options.mode;
    options.identity = m_options.identity.c_str();
    options.resume = m_options.resume;
    options.list = m_options.list;
    options.md5 = m_options.md5;
    const enum pyr_result result =
        m_options.lock != nullptr
            ? rok4_stage_start(m_options.lock->Give(), &options, &m_stage,
                               finished, &err)
            : rok4_stage_open(&m_tree, &options, &m_stage, finished, &err);
    if (result != PYR_OK || *finished)
        return Report(result, err);
    m_tree.out = rok4_stage_out(m_stage);

    m_oldLevels.assign(m_target->nlevels, -1);
    for (size_t i = 0; m_options.old != nullptr && i < m_target->nlevels; i++)
    {
        size_t found = 0;
        if (rok4_plan_find(m_options.old->Get()->descriptor,
                           m_target->levels[i].grid_level, &found) == PYR_OK)
            m_oldLevels[i] = static_cast<int>(found);
    }
    // Slabs of an object storage are in their place at once: statistics are not
    // to be those of others, however this ends.
    if (OnObjects() && PutWithoutStatistics() != CE_None)
        return CE_Failure;
    return MakeOutput(&m_output, m_target->format,
                      rok4_stage_directory(m_stage), *m_tree.out, true);
}

// The same on an object storage.
CPLErr Rok4Writing::LinkOldObjects(enum rok4_link_mode mode)
{
    const struct rok4_pyramid *const old = m_options.old->Get();
    struct pyr_error err = {""};
    if (mode == ROK4_LINK_COPY)
        return CopySlabs(m_options.old, m_oldLevels);
    JobContext job;
    m_job = &job;
    struct rok4_link_options options = {};
    options.tree = &m_tree;
    options.stage = m_stage;
    options.ancestor = old;
    options.pool = m_runtime->pool;
    options.nthreads = m_options.nthreads;
    options.thread_user = this;
    options.thread_enter = EnterThread;
    options.thread_leave = LeaveThread;
    const enum pyr_result linked = rok4_link_objects(&options, &err);
    job.Relay(linked == PYR_OK);
    m_job = nullptr;
    return Report(linked, err);
}

// Slabs of an ancestor, where none was built. A run that is resumed cannot tell
// them from those that were: they come when all are built.
CPLErr Rok4Writing::LinkOld()
{
    const enum rok4_link_mode mode = m_options.link == "COPY" ? ROK4_LINK_COPY
                                     : m_options.link == "HLINK"
                                         ? ROK4_LINK_HARD
                                         : ROK4_LINK_SYMBOLIC;
    struct pyr_error err = {""};
    if (m_options.link.empty())
        return CE_None;
    if (OnObjects())
        return LinkOldObjects(mode);
    return Report(rok4_link_pyramid(&m_tree, m_options.old->Get(), mode,
                                    rok4_stage_directory(m_stage),
                                    m_published.c_str(), &err),
                  err);
}

// Whether slabs that stand in the staging directory were built there.
bool Rok4Writing::CanResume() const
{
    bool cascades = true;
    for (size_t i = 0; i + 1 < m_target->nlevels; i++)
        cascades = cascades && CanCascade(i);
    // Links of an object storage look like the slabs that they lead to.
    return rok4_stage_resumed(m_stage) &&
           (m_options.link.empty() || (cascades && !OnObjects()));
}

// Writer of the slabs below a directory.
CPLErr Rok4Writing::MakeOutput(Output *output, enum rok4_format format,
                               const std::string &staged,
                               const struct pyr_out &out, bool withOld)
{
    struct pyr_error err = {""};
    const size_t nlevels = m_target->nlevels;
    output->format = format;
    output->encoding = Rok4EncodingOf(format, m_options.recipe.zlevel);
    output->staged = staged;
    output->places.resize(2 * nlevels);
    const enum rok4_storage storage = m_target->levels[0].storage;
    const std::string separator = storage == ROK4_STORAGE_FILE ? "/" : "_";
    output->levels.resize(nlevels);
    for (size_t i = 0; i < nlevels; i++)
    {
        const struct rok4_level &level = m_target->levels[i];
        output->places[2 * i] = staged + "/DATA" + separator + level.id;
        output->places[2 * i + 1] = staged + "/MASK" + separator + level.id;
        struct rok4_writer_level &to = output->levels[i];
        to.id = level.id;
        to.shape = rok4_descriptor_tile_shape(m_target, m_grid, i);
        to.tiles_per_width = level.tiles_per_width;
        to.tiles_per_height = level.tiles_per_height;
        to.path_depth = level.path_depth;
        to.storage = storage;
        to.image_place = output->places[2 * i].c_str();
        to.mask_place =
            m_options.masks ? output->places[2 * i + 1].c_str() : nullptr;
        to.background_level = withOld ? m_oldLevels[i] : -1;
    }
    struct rok4_writer_options options = {};
    options.out = &out;
    // Slabs that the engine has read stay open for the writer.
    options.io = withOld && m_options.old != nullptr &&
                         rok4_objects_needed(m_options.old->Get())
                     ? &m_options.old->Io()
                     : &m_io;
    options.levels = output->levels.data();
    options.nlevels = static_cast<uint32_t>(nlevels);
    options.format = format;
    options.encoding = output->encoding;
    options.mask_encoding =
        Rok4EncodingOf(ROK4_ZIP_UINT8, m_options.recipe.zlevel);
    for (uint32_t i = 0; i < m_target->channels; i++)
        options.nodata[i] = Rok4FillValue(*m_target, static_cast<int>(i) + 1);
    options.background =
        withOld && m_options.old != nullptr ? m_options.old->Get() : nullptr;
    options.sparse = m_options.sparse;
    options.resume = withOld && CanResume();
    options.keep = Keep;
    options.keep_user = m_stage;
    options.memory_bytes = WAITING_BYTES;
    if (OnObjects())
    {
        options.scratch = &m_scratch;
        options.scratch_path = m_scratchPath.c_str();
    }
    return Report(rok4_writer_new(&options, &output->writer, &err), err);
}

bool Rok4Writing::Progress(void *user, double fraction)
{
    const Rok4Writing &self = *static_cast<const Rok4Writing *>(user);
    return self.m_options.progress == nullptr ||
           self.m_options.progress(self.m_done + self.m_share * fraction, "",
                                   self.m_options.progressData) != FALSE;
}

void Rok4Writing::EnterThread(void *user, unsigned)
{
    static_cast<Rok4Writing *>(user)->m_job->Enter();
}

void Rok4Writing::LeaveThread(void *user, unsigned)
{
    static_cast<Rok4Writing *>(user)->m_job->Leave();
}

// Text of the descriptor that is to be published; freed with pyr_free.
enum pyr_result Rok4Writing::Compose(char **text, struct pyr_error *err) const
{
    struct rok4_recipe recipe = {};
    recipe.warp_resampling = m_options.recipe.warp.c_str();
    recipe.overview_resampling = m_options.recipe.overview.c_str();
    const char *const base =
        !m_options.baseText.empty() ? m_options.baseText.c_str()
        : m_options.old != nullptr  ? m_options.old->Get()->descriptor_text
                                    : nullptr;
    return rok4_compose(m_target, &recipe, base, text, err);
}

CPLErr Rok4Writing::PutBeside(const std::string &name, const std::string &text)
{
    struct pyr_error err = {""};
    return Report(rok4_stage_put_beside(m_stage, name.c_str(), text.c_str(),
                                        text.size(), &err),
                  err);
}

CPLErr Rok4Writing::DropStatistics()
{
    return OnObjects() ? CE_None : PutWithoutStatistics();
}

CPLErr Rok4Writing::PutWithoutStatistics()
{
    // A pyramid that is replaced takes them along.
    if (m_options.mode == ROK4_STAGE_OVERWRITE)
        return CE_None;
    const std::string sidecar = Rok4SidecarOf(m_options.path);
    std::string text;
    struct pyr_error err = {""};
    const enum pyr_result result =
        Rok4WithoutStatistics(m_options.path, &text, &err);
    if (result != PYR_OK)
    {
        pyr_error_prefix(&err, "%s", sidecar.c_str());
        Rok4Report(CE_Failure, result, err.text);
        return CE_Failure;
    }
    if (text.empty())
        return CE_None;
    return OnObjects()
               ? Report(Rok4PutSidecarObject(m_options.path, text, &err), err)
               : PutBeside(CPLGetFilename(sidecar.c_str()), text);
}

CPLErr Rok4Writing::Publish()
{
    struct pyr_error err = {""};
    char *text = nullptr;
    rok4_writer_free(m_output.writer);
    m_output.writer = nullptr;
    if (LinkOld() != CE_None)
        return CE_Failure;
    enum pyr_result result = Compose(&text, &err);
    if (result == PYR_OK)
    {
        err.text[0] = '\0';
        result = rok4_stage_publish(m_stage, text, &err);
        m_stage = nullptr;
    }
    pyr_free(text);
    if (result == PYR_OK && OnObjects() && err.text[0] != '\0')
        Rok4Report(CE_Warning, PYR_LIMIT,
                   CPLSPrintf("%s: it has no list: %s", m_options.path.c_str(),
                              err.text));
    if (result == PYR_OK && m_options.progress != nullptr)
        m_options.progress(1.0, "", m_options.progressData);
    return Report(result, err);
}
