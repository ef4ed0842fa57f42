// SPDX-License-Identifier: MIT
// Deleting, renaming and copying pyramids as files (gdalmanage).
#include "rok4_manage.h"

#include "pyr_alloc.h"
#include "rok4_compose.h"
#include "rok4_creation.h"
#include "rok4_grid.h"
#include "rok4_move.h"
#include "rok4_remove.h"
#include "vsi_io.h"
#include "vsi_objects.h"
#include "vsi_tree.h"

#include "cpl_conv.h"

#include <cstring>

namespace
{

CPLErr Report(const char *name, enum pyr_result result,
              const struct pyr_error &err)
{
    if (result == PYR_OK)
        return CE_None;
    Rok4Report(CE_Failure, result, CPLSPrintf("%s: %s", name, err.text));
    return CE_Failure;
}

struct NewName
{
    const struct pyr_grid *grid;
    std::string from; // path of the descriptor
    std::string name;
};

// The descriptor of a pyramid under its new name.
enum pyr_result Rewrite(void *context, const char *text, size_t nbytes,
                        char **out_text, struct pyr_error *err)
{
    const NewName &to = *static_cast<const NewName *>(context);
    struct rok4_descriptor *old = nullptr;
    struct rok4_descriptor *target = nullptr;
    enum pyr_result result = rok4_descriptor_parse(text, nbytes, &old, err);
    if (result == PYR_OK)
        result = rok4_descriptor_bind(old, to.grid, err);
    const std::string foreign =
        result == PYR_OK ? Rok4ForeignDirectory(to.from, *old) : "";
    if (!foreign.empty())
        result = pyr_fail(
            err, PYR_UNSUPPORTED, "slabs are in %s, expected below %s",
            foreign.c_str(),
            Rok4Beside(to.from, CPLGetBasename(to.from.c_str())).c_str());
    if (result == PYR_OK)
    {
        struct rok4_plan plan = {};
        plan.tms_name = old->tms_name;
        plan.name = to.name.c_str();
        plan.interpolation =
            old->interpolation != nullptr ? old->interpolation : "bicubic";
        plan.masks = true;
        plan.as_old = true;
        plan.relocate = true;
        plan.bottom = old->levels[0].grid_level;
        plan.top = old->levels[old->nlevels - 1].grid_level;
        plan.limits = old->levels[0].limits;
        result = rok4_plan_descriptor(&plan, to.grid, old, &target, err);
    }
    if (result == PYR_OK)
    {
        char warp[ROK4_RECIPE_BYTES];
        char overview[ROK4_RECIPE_BYTES];
        rok4_recipe_read(text, nbytes, warp, overview);
        struct rok4_recipe recipe = {};
        recipe.warp_resampling = warp[0] != '\0' ? warp : nullptr;
        recipe.overview_resampling = overview[0] != '\0' ? overview : nullptr;
        result = rok4_compose(target, &recipe,
                              std::string(text, nbytes).c_str(), out_text, err);
    }
    rok4_descriptor_free(target);
    rok4_descriptor_free(old);
    return result;
}

using Move = enum pyr_result (*)(const struct pyr_tree *, const char *,
                                 const char *, rok4_move_rewrite, void *,
                                 struct pyr_error *);

// What has to be put beside a pyramid under its new name, so that its tile
// matrix set is found; "" for nothing.
enum pyr_result GridPlace(const struct rok4_pyramid &pyramid,
                          const std::string &to, std::string *place,
                          struct pyr_error *err)
{
    std::string other;
    const std::string name = pyramid.descriptor->tms_name;
    const Rok4GridFinding finding =
        Rok4FindGrid(vsi_io_make(), name, pyramid.tms_text, to, &other);
    if (finding == Rok4GridFinding::Same)
        return PYR_OK;
    const std::string directory = CPLGetPath(to.c_str());
    *place = (directory.empty() ? "" : directory + "/") + name + ".json";
    if (finding == Rok4GridFinding::Other || *place == to ||
        vsi_io_exists(place->c_str()))
        return pyr_fail(err, PYR_USAGE,
                        "%s would not find its tile matrix set %s there, but "
                        "another one",
                        to.c_str(), name.c_str());
    return PYR_OK;
}

CPLErr MoveTo(const char *newName, const char *oldName, Move move)
{
    struct pyr_error err = {""};
    std::string from;
    std::string to;
    enum pyr_result result = Rok4PathOf(oldName, &from, &err);
    if (result != PYR_OK)
        return Report(oldName, result, err);
    result = Rok4PathOf(newName, &to, &err);
    if (result == PYR_OK &&
        (vsi_io_is_remote(from.c_str()) || vsi_io_is_remote(to.c_str())))
        result = pyr_fail(&err, PYR_UNSUPPORTED,
                          "pyramids are renamed and copied as files only where "
                          "they are files (gdal_translate copies others)");
    if (result == PYR_OK && !EQUAL(CPLGetExtension(to.c_str()), "json"))
        result = pyr_fail(&err, PYR_USAGE,
                          "expected the path of a descriptor, "
                          "DIRECTORY/NAME.json");
    if (result != PYR_OK)
        return Report(newName, result, err);
    // A renaming that was interrupted has left nothing of the old name: it is
    // finished first.
    if (Rok4Lock::Take(to) == nullptr)
        return CE_Failure;
    const std::shared_ptr<Rok4Pyramid> pyramid = Rok4OpenPyramid(from, "", 1);
    if (pyramid == nullptr)
        return CE_Failure;
    NewName name = {pyramid->Get()->grid, from, CPLGetBasename(to.c_str())};
    const struct pyr_tree tree = vsi_tree_make();
    std::string place;
    result = GridPlace(*pyramid->Get(), to, &place, &err);
    // First the set: without it the pyramid would not open.
    const char *const text = pyramid->Get()->tms_text;
    if (result == PYR_OK && !place.empty())
        result = pyr_tree_store(&tree, place.c_str(), text, strlen(text), &err);
    if (result == PYR_OK)
        result = move(&tree, from.c_str(), to.c_str(), Rewrite, &name, &err);
    return Report(oldName, result, err);
}

} // namespace

CPLErr Rok4Delete(const char *name)
{
    struct pyr_error err = {""};
    std::string path;
    enum pyr_result result = Rok4PathOf(name, &path, &err);
    const bool allowed =
        CPLTestBool(CPLGetConfigOption("ROK4_ALLOW_DELETE", "NO"));
    // A name with a prefix is ours, whether something stands there or not. A
    // removal that was interrupted has left no descriptor: it is finished.
    const struct pyr_tree tree = vsi_tree_make();
    enum pyr_entry kind = PYR_ENTRY_ABSENT;
    if (result == PYR_OK && vsi_objects_are_at(path.c_str()))
    {
        result = pyr_tree_kind(&tree, path.c_str(), &kind, &err);
        if (result == PYR_OK && kind == PYR_ENTRY_ABSENT)
            return CE_None;
    }
    else if (result == PYR_OK && !vsi_io_exists(path.c_str()))
        return allowed &&
                       (vsi_io_exists((path + ".building").c_str()) ||
                        vsi_io_exists((path + ".lock").c_str())) &&
                       Rok4Lock::Take(path) == nullptr
                   ? CE_Failure
                   : CE_None;
    if (result == PYR_OK && !allowed)
    {
        Rok4Report(CE_Warning, PYR_UNSUPPORTED,
                   CPLSPrintf("%s stays: a pyramid is deleted only with the "
                              "configuration option ROK4_ALLOW_DELETE=YES",
                              path.c_str()));
        // What creates then, refuses to do so, or does as its options say.
        return GDALCompatRemovesUndeleted() ? CE_None : CE_Failure;
    }
    if (result == PYR_OK)
        result = rok4_remove(&tree, path.c_str(), &err);
    return Report(name, result, err);
}

CPLErr Rok4Rename(const char *newName, const char *oldName)
{
    return MoveTo(newName, oldName, rok4_move);
}

CPLErr Rok4CopyFiles(const char *newName, const char *oldName)
{
    return MoveTo(newName, oldName, rok4_copy);
}
