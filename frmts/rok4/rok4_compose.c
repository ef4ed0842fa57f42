/* SPDX-License-Identifier: MIT */
/* The pyramid descriptor: from its parts to JSON text. */
#include "rok4_compose.h"

#include "pyr_json_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RECIPE "gdal_rok4"
#define WARP "warp_resampling"
#define OVERVIEW "overview_resampling"

/* A descriptor whose unknown members are kept. */
struct base
{
    struct pyr_json *json; /* NULL: there is none */
    struct pyr_json_node root;
    struct pyr_json_node levels;
    size_t nlevels;
};

/* What some reader of the family refuses (spec section 2.3), and the caller can
 * change. */
static enum pyr_result check_levels(const struct rok4_descriptor *descriptor,
                                    struct pyr_error *err)
{
    if (descriptor->nlevels == 0)
        return pyr_fail(err, PYR_USAGE, "a pyramid without levels");
    const struct rok4_level *const first = &descriptor->levels[0];
    for (size_t i = 1; i < descriptor->nlevels; i++)
    {
        const struct rok4_level *const level = &descriptor->levels[i];
        if (level->storage != first->storage)
            return pyr_fail(err, PYR_USAGE,
                            "levels %s and %s have different types of storage",
                            first->id, level->id);
        if ((level->mask_place == NULL) != (first->mask_place == NULL))
            return pyr_fail(err, PYR_USAGE,
                            "level %s has masks and level %s has none",
                            level->mask_place != NULL ? level->id : first->id,
                            level->mask_place != NULL ? first->id : level->id);
        if (level->storage == ROK4_STORAGE_FILE &&
            level->path_depth != first->path_depth)
            return pyr_fail(
                err, PYR_USAGE,
                "levels %s and %s have path depths %" PRIu32 " and %" PRIu32,
                first->id, level->id, first->path_depth, level->path_depth);
    }
    return PYR_OK;
}

/* The object of that name; false when there is none. */
static bool find_object(const struct pyr_json_node *parent, const char *key,
                        struct pyr_json_node *out_node)
{
    return parent != NULL &&
           pyr_json_object(parent, key, out_node, NULL) == PYR_OK;
}

/* The base's level of that id. */
static bool find_level(const struct base *base, const char *id,
                       struct pyr_json_node *out_node)
{
    for (size_t i = 0; i < base->nlevels; i++)
    {
        const char *text = NULL;
        if (pyr_json_item_object(&base->levels, i, out_node, NULL) == PYR_OK &&
            pyr_json_string(out_node, "id", PYR_MAX_NAME_BYTES, &text, NULL) ==
                PYR_OK &&
            strcmp(text, id) == 0)
            return true;
    }
    return false;
}

/* The production tools know these; what is used besides stands in the recipe.
 */
static const char *interpolation_of(const struct rok4_descriptor *descriptor)
{
    static const char *const names[] = {"nn", "linear", "bicubic", "lanczos"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (descriptor->interpolation != NULL &&
            strcmp(descriptor->interpolation, names[i]) == 0)
            return names[i];
    return "bicubic";
}

static void add_specifications(struct pyr_json_text *json,
                               const struct rok4_descriptor *descriptor,
                               const struct pyr_json_node *root)
{
    static const char *const known[] = {"channels", "nodata", "photometric",
                                        "interpolation", NULL};
    struct pyr_json_node old;
    char nodata[PYR_MAX_BANDS * 12] = "";
    size_t nbytes = 0;
    for (uint32_t i = 0; i < descriptor->channels; i++)
        nbytes += (size_t)snprintf(nodata + nbytes, sizeof(nodata) - nbytes,
                                   "%s%" PRId32, i > 0 ? "," : "",
                                   descriptor->nodata[i]);
    pyr_json_begin_object(json, "raster_specifications");
    pyr_json_add_int(json, "channels", descriptor->channels);
    pyr_json_add_string(json, "nodata", nodata);
    pyr_json_add_string(json, "photometric",
                        rok4_photometric_name(descriptor->photometric));
    pyr_json_add_string(json, "interpolation", interpolation_of(descriptor));
    if (find_object(root, "raster_specifications", &old))
        pyr_json_add_others(json, &old, known);
    pyr_json_end_object(json);
}

static void add_limits(struct pyr_json_text *json,
                       const struct rok4_level *level)
{
    static const struct pyr_grid_limits none = {0, 0, 0, 0};
    const struct pyr_grid_limits *const limits =
        level->empty ? &none : &level->limits;
    pyr_json_begin_object(json, "tile_limits");
    pyr_json_add_int(json, "min_row", limits->min_row);
    pyr_json_add_int(json, "max_row", limits->max_row);
    pyr_json_add_int(json, "min_col", limits->min_col);
    pyr_json_add_int(json, "max_col", limits->max_col);
    pyr_json_end_object(json);
}

static void add_storage(struct pyr_json_text *json,
                        const struct rok4_level *level,
                        const struct pyr_json_node *old_level)
{
    static const char *const known[] = {
        "type",        "path_depth", "image_directory", "mask_directory",
        "bucket_name", "pool_name",  "container_name",  "image_prefix",
        "mask_prefix", NULL};
    const bool file = level->storage == ROK4_STORAGE_FILE;
    struct pyr_json_node old;
    pyr_json_begin_object(json, "storage");
    pyr_json_add_string(json, "type", rok4_storage_name(level->storage));
    if (file)
        pyr_json_add_int(json, "path_depth", level->path_depth);
    else if (level->tray != NULL)
        pyr_json_add_string(json, rok4_storage_tray(level->storage),
                            level->tray);
    pyr_json_add_string(json, file ? "image_directory" : "image_prefix",
                        level->image_place);
    if (level->mask_place != NULL)
        pyr_json_add_string(json, file ? "mask_directory" : "mask_prefix",
                            level->mask_place);
    if (find_object(old_level, "storage", &old))
        pyr_json_add_others(json, &old, known);
    pyr_json_end_object(json);
}

static void add_level(struct pyr_json_text *json,
                      const struct rok4_level *level, const struct base *base)
{
    static const char *const known[] = {
        "id",          "tiles_per_width", "tiles_per_height",
        "tile_limits", "storage",         NULL};
    struct pyr_json_node old;
    const bool is_old = find_level(base, level->id, &old);
    pyr_json_begin_object(json, NULL);
    pyr_json_add_string(json, "id", level->id);
    pyr_json_add_int(json, "tiles_per_width", level->tiles_per_width);
    pyr_json_add_int(json, "tiles_per_height", level->tiles_per_height);
    add_limits(json, level);
    add_storage(json, level, is_old ? &old : NULL);
    if (is_old)
        pyr_json_add_others(json, &old, known);
    pyr_json_end_object(json);
}

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* What was used now, or where that is not known, what the base says. */
static void add_used(struct pyr_json_text *json, const char *key,
                     const char *used, const struct pyr_json_node *old)
{
    const char *text = NULL;
    if (is_given(used))
        pyr_json_add_string(json, key, used);
    else if (old != NULL && pyr_json_string(old, key, PYR_MAX_NAME_BYTES, &text,
                                            NULL) == PYR_OK)
        pyr_json_add_string(json, key, text);
}

static void add_recipe(struct pyr_json_text *json,
                       const struct rok4_recipe *recipe,
                       const struct pyr_json_node *root)
{
    static const char *const known[] = {WARP, OVERVIEW, NULL};
    struct pyr_json_node node;
    const bool is_old = find_object(root, RECIPE, &node);
    const struct pyr_json_node *const old = is_old ? &node : NULL;
    if (!is_given(recipe->warp_resampling) &&
        !is_given(recipe->overview_resampling) && !is_old)
        return;
    pyr_json_begin_object(json, RECIPE);
    add_used(json, WARP, recipe->warp_resampling, old);
    add_used(json, OVERVIEW, recipe->overview_resampling, old);
    if (is_old)
        pyr_json_add_others(json, old, known);
    pyr_json_end_object(json);
}

static void add_all(struct pyr_json_text *json,
                    const struct rok4_descriptor *descriptor,
                    const struct rok4_recipe *recipe, const struct base *base)
{
    static const char *const known[] = {
        "tile_matrix_set", "format", "mask_format", "raster_specifications",
        "levels",          RECIPE,   NULL};
    const struct pyr_json_node *const root =
        base->json != NULL ? &base->root : NULL;
    pyr_json_begin_object(json, NULL);
    pyr_json_add_string(json, "tile_matrix_set", descriptor->tms_name);
    pyr_json_add_string(json, "format", rok4_format_name(descriptor->format));
    if (descriptor->levels[0].mask_place != NULL)
        pyr_json_add_string(json, "mask_format",
                            rok4_format_name(ROK4_ZIP_UINT8));
    add_specifications(json, descriptor, root);
    pyr_json_begin_array(json, "levels");
    for (size_t i = descriptor->nlevels; i-- > 0;)
        add_level(json, &descriptor->levels[i], base);
    pyr_json_end_array(json);
    add_recipe(json, recipe, root);
    if (root != NULL)
        pyr_json_add_others(json, root, known);
    pyr_json_end_object(json);
}

enum pyr_result rok4_compose(const struct rok4_descriptor *descriptor,
                             const struct rok4_recipe *recipe,
                             const char *base_text, char **out_text,
                             struct pyr_error *err)
{
    struct base base = {NULL, {NULL, ""}, {NULL, ""}, 0};
    struct pyr_json_text json = {0};
    enum pyr_result result = check_levels(descriptor, err);
    if (result == PYR_OK && base_text != NULL)
        result = pyr_json_parse(base_text, strlen(base_text), &base.json,
                                &base.root, err);
    if (result != PYR_OK)
        return result;
    if (base.json == NULL || pyr_json_array(&base.root, "levels", &base.levels,
                                            &base.nlevels, NULL) != PYR_OK)
        base.nlevels = 0;
    add_all(&json, descriptor, recipe, &base);
    pyr_json_free(base.json);
    return pyr_json_finish(&json, out_text, err);
}

static void read_used(const struct pyr_json_node *node, const char *key,
                      char out_text[ROK4_RECIPE_BYTES])
{
    const char *text = NULL;
    if (pyr_json_string(node, key, ROK4_RECIPE_BYTES - 1, &text, NULL) ==
        PYR_OK)
        memcpy(out_text, text, strlen(text) + 1);
}

void rok4_recipe_read(const char *text, size_t nbytes,
                      char out_warp[ROK4_RECIPE_BYTES],
                      char out_overview[ROK4_RECIPE_BYTES])
{
    struct pyr_json *json = NULL;
    struct pyr_json_node root;
    struct pyr_json_node node;
    out_warp[0] = '\0';
    out_overview[0] = '\0';
    if (pyr_json_parse(text, nbytes, &json, &root, NULL) != PYR_OK)
        return;
    if (find_object(&root, RECIPE, &node))
    {
        read_used(&node, WARP, out_warp);
        read_used(&node, OVERVIEW, out_overview);
    }
    pyr_json_free(json);
}
