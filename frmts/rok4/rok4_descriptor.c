/* SPDX-License-Identifier: MIT */
/* The pyramid descriptor: parsing and what can be checked without the TMS. */
#include "rok4_descriptor.h"

#include "pyr_alloc.h"
#include "pyr_json.h"

#include <inttypes.h>
#include <string.h>

#define MAX_EXACT_INT ((int64_t)1 << 53) /* of a double */

static enum pyr_result copy_text(const char *text, size_t nbytes,
                                 char **out_text, struct pyr_error *err)
{
    char *copy = pyr_strndup(text, nbytes);
    if (!copy)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    *out_text = copy;
    return PYR_OK;
}

/* The production tools write the name without ".json"; the C++ and Perl readers
 * take it with (spec section 2). */
static enum pyr_result parse_tms_name(const struct pyr_json_node *root,
                                      char **out_name, struct pyr_error *err)
{
    static const char suffix[] = ".json";
    const size_t suffix_bytes = sizeof suffix - 1;
    const char *text = NULL;
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    size_t nbytes;
    enum pyr_result result = pyr_json_string(
        root, "tile_matrix_set", PYR_MAX_NAME_BYTES + suffix_bytes, &text, err);
    if (result != PYR_OK)
        return result;
    nbytes = strlen(text);
    if (nbytes >= suffix_bytes &&
        memcmp(text + nbytes - suffix_bytes, suffix, suffix_bytes) == 0)
        nbytes -= suffix_bytes;
    result = copy_text(text, nbytes, out_name, err);
    if (result != PYR_OK)
        return result;
    if (!pyr_grid_name_safe(*out_name))
        return pyr_fail(err, PYR_CORRUPT,
                        "tile_matrix_set is '%s', expected the name of a tile "
                        "matrix set",
                        pyr_json_excerpt(text, excerpt));
    return PYR_OK;
}

static enum pyr_result parse_format(const struct pyr_json_node *root,
                                    enum rok4_format *out_format,
                                    struct pyr_error *err)
{
    const char *text = NULL;
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    enum pyr_result result =
        pyr_json_string(root, "format", PYR_MAX_NAME_BYTES, &text, err);
    if (result != PYR_OK)
        return result;
    if (rok4_format_find(text, out_format) != PYR_OK)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "format is '%s', expected " ROK4_RASTER_FORMATS,
                        pyr_json_excerpt(text, excerpt));
    if (*out_format == ROK4_PBF_MVT)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "format is TIFF_PBF_MVT: this is a vector pyramid, "
                        "expected a raster one");
    return PYR_OK;
}

/* The number that text[nbytes] starts with, read as C's atoi does; saturates.
 * 0 when there is none. */
static int32_t leading_int32(const char *text, size_t nbytes)
{
    const int64_t largest = (int64_t)INT32_MAX + 1;
    int64_t value = 0;
    bool negative = false;
    size_t at = 0;
    while (at < nbytes &&
           (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r')))
        at++;
    if (at < nbytes && (text[at] == '-' || text[at] == '+'))
        negative = text[at++] == '-';
    for (; at < nbytes && text[at] >= '0' && text[at] <= '9'; at++)
    {
        value = value * 10 + (text[at] - '0');
        if (value > largest)
            value = largest;
    }
    if (negative)
        return (int32_t)-value;
    return value == largest ? INT32_MAX : (int32_t)value;
}

/* One integer per channel, commas between; surplus values are ignored and
 * malformed ones cut or 0, as the reference server does (spec section 2). */
static enum pyr_result parse_nodata(const struct pyr_json_node *specs,
                                    struct rok4_descriptor *descriptor,
                                    struct pyr_error *err)
{
    const char *text = NULL;
    uint32_t nvalues = 0;
    enum pyr_result result =
        pyr_json_string(specs, "nodata", PYR_MAX_PATH_BYTES, &text, err);
    if (result != PYR_OK)
        return result;
    while (nvalues < descriptor->channels)
    {
        const size_t nbytes = strcspn(text, ",");
        descriptor->nodata[nvalues++] = leading_int32(text, nbytes);
        if (text[nbytes] == '\0')
            break;
        text += nbytes + 1;
    }
    if (nvalues < descriptor->channels)
        return pyr_fail(err, PYR_CORRUPT,
                        "%s.nodata is for %" PRIu32 " of %" PRIu32
                        " channels, expected a value for each",
                        specs->path, nvalues, descriptor->channels);
    return PYR_OK;
}

static enum pyr_result parse_photometric(const struct pyr_json_node *specs,
                                         struct rok4_descriptor *descriptor,
                                         struct pyr_error *err)
{
    const char *text = NULL;
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    enum pyr_result result =
        pyr_json_string(specs, "photometric", PYR_MAX_NAME_BYTES, &text, err);
    if (result != PYR_OK)
        return result;
    if (rok4_photometric_find(text, &descriptor->photometric) != PYR_OK)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "%s.photometric is '%s', expected gray, rgb or mask",
                        specs->path, pyr_json_excerpt(text, excerpt));
    return PYR_OK;
}

static enum pyr_result
parse_raster_specifications(const struct pyr_json_node *root,
                            struct rok4_descriptor *descriptor,
                            struct pyr_error *err)
{
    struct pyr_json_node specs;
    int64_t channels = 0;
    const char *text = NULL;
    enum pyr_result result =
        pyr_json_object(root, "raster_specifications", &specs, err);
    if (result == PYR_OK)
        result =
            pyr_json_int(&specs, "channels", 1, PYR_MAX_BANDS, &channels, err);
    if (result != PYR_OK)
        return result;
    descriptor->channels = (uint32_t)channels;
    result = parse_photometric(&specs, descriptor, err);
    if (result == PYR_OK)
        result = parse_nodata(&specs, descriptor, err);
    /* No reader needs the interpolation: it is the producer's default. */
    if (result == PYR_OK &&
        pyr_json_string(&specs, "interpolation", PYR_MAX_NAME_BYTES, &text,
                        NULL) == PYR_OK)
        result = copy_text(text, strlen(text), &descriptor->interpolation, err);
    return result;
}

/* A directory, a prefix or a tray: the caller has checked that it is there. */
static enum pyr_result parse_place(const struct pyr_json_node *storage,
                                   const char *key, char **out_place,
                                   struct pyr_error *err)
{
    const char *text = NULL;
    size_t at;
    enum pyr_result result =
        pyr_json_string(storage, key, PYR_MAX_PATH_BYTES, &text, err);
    if (result != PYR_OK)
        return result;
    if (text[0] == '\0')
        return pyr_fail(err, PYR_CORRUPT, "%s.%s is empty", storage->path, key);
    for (at = 0; text[at] != '\0'; at++)
    {
        if ((unsigned char)text[at] < 0x20 || text[at] == 0x7F)
            return pyr_fail(err, PYR_CORRUPT,
                            "%s.%s has a control character at byte %zu",
                            storage->path, key, at);
    }
    return copy_text(text, at, out_place, err);
}

/* Like parse_place, but leaves *out_place alone when there is no such member.
 */
static enum pyr_result parse_optional_place(const struct pyr_json_node *storage,
                                            const char *key, char **out_place,
                                            struct pyr_error *err)
{
    if (!pyr_json_has(storage, key))
        return PYR_OK;
    return parse_place(storage, key, out_place, err);
}

static enum pyr_result parse_file_storage(const struct pyr_json_node *storage,
                                          struct rok4_level *level,
                                          struct pyr_error *err)
{
    int64_t path_depth = 0;
    enum pyr_result result = pyr_json_int(
        storage, "path_depth", 0, ROK4_MAX_PATH_DEPTH, &path_depth, err);
    if (result == PYR_OK)
        result =
            parse_place(storage, "image_directory", &level->image_place, err);
    if (result == PYR_OK)
        result = parse_optional_place(storage, "mask_directory",
                                      &level->mask_place, err);
    level->path_depth = (uint32_t)path_depth;
    return result;
}

static enum pyr_result parse_storage(const struct pyr_json_node *node,
                                     struct rok4_level *level,
                                     struct pyr_error *err)
{
    struct pyr_json_node storage;
    const char *type = NULL;
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    enum pyr_result result = pyr_json_object(node, "storage", &storage, err);
    if (result == PYR_OK)
        result =
            pyr_json_string(&storage, "type", PYR_MAX_NAME_BYTES, &type, err);
    if (result != PYR_OK)
        return result;
    if (rok4_storage_find(type, &level->storage) != PYR_OK)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "%s.type is '%s', expected FILE, S3, CEPH or SWIFT",
                        storage.path, pyr_json_excerpt(type, excerpt));
    if (level->storage == ROK4_STORAGE_FILE)
        return parse_file_storage(&storage, level, err);
    /* The path that the descriptor is opened with may say the tray. */
    result = parse_optional_place(&storage, rok4_storage_tray(level->storage),
                                  &level->tray, err);
    if (result == PYR_OK)
        result =
            parse_place(&storage, "image_prefix", &level->image_place, err);
    if (result == PYR_OK)
        result = parse_optional_place(&storage, "mask_prefix",
                                      &level->mask_place, err);
    return result;
}

static enum pyr_result parse_slab_size(const struct pyr_json_node *node,
                                       struct rok4_level *level,
                                       struct pyr_error *err)
{
    int64_t width = 0;
    int64_t height = 0;
    enum pyr_result result =
        pyr_json_int(node, "tiles_per_width", 1, INT32_MAX, &width, err);
    if (result == PYR_OK)
        result =
            pyr_json_int(node, "tiles_per_height", 1, INT32_MAX, &height, err);
    if (result != PYR_OK)
        return result;
    if (width * height > PYR_MAX_SLAB_TILES)
        return pyr_fail(err, PYR_LIMIT,
                        "%s has slabs of %" PRId64 "x%" PRId64
                        " tiles, expected at most %u in one",
                        node->path, width, height, PYR_MAX_SLAB_TILES);
    level->tiles_per_width = (uint32_t)width;
    level->tiles_per_height = (uint32_t)height;
    return PYR_OK;
}

static enum pyr_result parse_limits(const struct pyr_json_node *node,
                                    struct rok4_level *level,
                                    struct pyr_error *err)
{
    static const char *const keys[] = {"min_col", "min_row", "max_col",
                                       "max_row"};
    struct pyr_json_node limits;
    size_t at;
    enum pyr_result result = pyr_json_object(node, "tile_limits", &limits, err);
    for (at = 0; at < 4 && result == PYR_OK; at++)
        result = pyr_json_int(&limits, keys[at], -MAX_EXACT_INT, MAX_EXACT_INT,
                              &level->written_limits[at], err);
    return result;
}

/* What it allocates belongs to level even on failure. */
static enum pyr_result parse_level(const struct pyr_json_node *node,
                                   struct rok4_level *level,
                                   struct pyr_error *err)
{
    const char *id = NULL;
    enum pyr_result result =
        pyr_json_string(node, "id", PYR_MAX_NAME_BYTES, &id, err);
    if (result != PYR_OK)
        return result;
    if (id[0] == '\0')
        return pyr_fail(err, PYR_CORRUPT, "%s.id is empty", node->path);
    result = copy_text(id, strlen(id), &level->id, err);
    if (result == PYR_OK)
        result = parse_slab_size(node, level, err);
    if (result == PYR_OK)
        result = parse_limits(node, level, err);
    if (result == PYR_OK)
        result = parse_storage(node, level, err);
    return result;
}

static bool has_level_before(const struct rok4_descriptor *descriptor,
                             size_t end, const char *id)
{
    size_t at;
    for (at = 0; at < end; at++)
    {
        if (strcmp(descriptor->levels[at].id, id) == 0)
            return true;
    }
    return false;
}

static enum pyr_result parse_levels(const struct pyr_json_node *root,
                                    struct rok4_descriptor *descriptor,
                                    struct pyr_error *err)
{
    struct pyr_json_node array;
    struct pyr_json_node node;
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    size_t count = 0;
    size_t at;
    enum pyr_result result =
        pyr_json_array(root, "levels", &array, &count, err);
    if (result != PYR_OK)
        return result;
    if (count == 0)
        return pyr_fail(err, PYR_CORRUPT,
                        "levels is empty, expected at least one");
    if (count > PYR_MAX_LEVELS)
        return pyr_fail(err, PYR_LIMIT,
                        "levels has %zu items, expected at most %u", count,
                        PYR_MAX_LEVELS);
    descriptor->levels = pyr_calloc(count, sizeof *descriptor->levels);
    if (!descriptor->levels)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    descriptor->nlevels = count;
    for (at = 0; at < count; at++)
    {
        struct rok4_level *level = &descriptor->levels[at];
        result = pyr_json_item_object(&array, at, &node, err);
        if (result == PYR_OK)
            result = parse_level(&node, level, err);
        if (result != PYR_OK)
            return result;
        if (has_level_before(descriptor, at, level->id))
            return pyr_fail(err, PYR_CORRUPT,
                            "%s.id is '%s', which stands twice", node.path,
                            pyr_json_excerpt(level->id, excerpt));
    }
    return PYR_OK;
}

/* Only TIFF_ZIP_UINT8 exists; the reference server does not even read the
 * member, which matters only where there are masks. */
static enum pyr_result
check_mask_format(const struct pyr_json_node *root,
                  const struct rok4_descriptor *descriptor,
                  struct pyr_error *err)
{
    const char *text = NULL;
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    bool has_masks = false;
    size_t at;
    enum pyr_result result;
    for (at = 0; at < descriptor->nlevels; at++)
        has_masks = has_masks || descriptor->levels[at].mask_place != NULL;
    if (!has_masks || !pyr_json_has(root, "mask_format"))
        return PYR_OK;
    result =
        pyr_json_string(root, "mask_format", PYR_MAX_NAME_BYTES, &text, err);
    if (result == PYR_OK && strcmp(text, "TIFF_ZIP_UINT8") != 0)
        result = pyr_fail(err, PYR_UNSUPPORTED,
                          "mask_format is '%s', expected TIFF_ZIP_UINT8",
                          pyr_json_excerpt(text, excerpt));
    return result;
}

enum pyr_result rok4_descriptor_parse(const char *text, size_t nbytes,
                                      struct rok4_descriptor **out_descriptor,
                                      struct pyr_error *err)
{
    struct pyr_json *json = NULL;
    struct pyr_json_node root;
    struct rok4_descriptor *descriptor = NULL;
    enum pyr_result result = pyr_json_parse(text, nbytes, &json, &root, err);
    if (result != PYR_OK)
        return result;
    descriptor = pyr_calloc(1, sizeof *descriptor);
    if (!descriptor)
    {
        result = pyr_fail(err, PYR_NOMEM, "out of memory");
        goto done;
    }
    /* First the format: it says "vector pyramid" whatever the rest is like. */
    result = parse_format(&root, &descriptor->format, err);
    if (result == PYR_OK)
        result = parse_tms_name(&root, &descriptor->tms_name, err);
    if (result == PYR_OK)
        result = parse_raster_specifications(&root, descriptor, err);
    if (result == PYR_OK)
        result = parse_levels(&root, descriptor, err);
    if (result == PYR_OK)
        result = check_mask_format(&root, descriptor, err);
    if (result == PYR_NOT_FOUND)
        result = PYR_CORRUPT; /* a member is missing, not the descriptor */
    if (result != PYR_OK)
        goto done;
    *out_descriptor = descriptor;
    descriptor = NULL;

done:
    rok4_descriptor_free(descriptor);
    pyr_json_free(json);
    return result;
}

void rok4_descriptor_free(struct rok4_descriptor *descriptor)
{
    size_t at;
    if (!descriptor)
        return;
    for (at = 0; at < descriptor->nlevels; at++)
    {
        pyr_free(descriptor->levels[at].id);
        pyr_free(descriptor->levels[at].image_place);
        pyr_free(descriptor->levels[at].mask_place);
        pyr_free(descriptor->levels[at].tray);
    }
    pyr_free(descriptor->levels);
    pyr_free(descriptor->interpolation);
    pyr_free(descriptor->tms_name);
    pyr_free(descriptor);
}
