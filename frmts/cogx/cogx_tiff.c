/* SPDX-License-Identifier: MIT */
/* The images of a GeoTIFF as GDAL's GTiff driver sees them: which directories
 * are levels, which are masks, and where their tiles stand. */
#include "cogx_tiff.h"

#include "cogx_codes.h"
#include "pyr_alloc.h"

#include <string.h>

#define MAX_SUB_IFDS 64u

#define STRUCTURE_START "GDAL_STRUCTURAL_METADATA_SIZE="
#define STRUCTURE_LINE_BYTES 43u /* the start, six digits, " bytes\n" */

/* One number of a directory that fits into max. */
static enum pyr_result get_number(const struct cogx_tiff *file,
                                  const struct pyr_tiff_dir *dir, uint16_t code,
                                  uint32_t fallback, uint32_t max,
                                  uint32_t *out_value, struct pyr_error *err)
{
    const struct pyr_tiff_tag *const tag = pyr_tiff_find(dir, code);
    uint64_t value = 0;
    if (tag != NULL && tag->count != 1 && code != COGX_TAG_BITS &&
        code != COGX_TAG_SAMPLE_FORMAT)
        return pyr_fail(err, PYR_CORRUPT, "tag %u has %llu values, expected 1",
                        code, (unsigned long long)tag->count);
    const enum pyr_result result = pyr_tiff_uint(&file->reader, file->tiff, dir,
                                                 code, fallback, &value, err);
    if (result != PYR_OK)
        return result;
    if (value > max)
        return pyr_fail(err, PYR_CORRUPT, "tag %u is %llu, expected at most %u",
                        code, (unsigned long long)value, max);
    *out_value = (uint32_t)value;
    return PYR_OK;
}

static enum pyr_result get_short(const struct cogx_tiff *file,
                                 const struct pyr_tiff_dir *dir, uint16_t code,
                                 uint16_t fallback, uint16_t *out_value,
                                 struct pyr_error *err)
{
    uint32_t value = 0;
    const enum pyr_result result =
        get_number(file, dir, code, fallback, UINT16_MAX, &value, err);
    if (result == PYR_OK)
        *out_value = (uint16_t)value;
    return result;
}

/* A number that libtiff, and so GTiff, does without where it is corrupt. */
static enum pyr_result get_hint(const struct cogx_tiff *file,
                                const struct pyr_tiff_dir *dir, uint16_t code,
                                uint16_t *out_value, struct pyr_error *err)
{
    const enum pyr_result result =
        get_short(file, dir, code, 1, out_value, err);
    if (result != PYR_CORRUPT)
        return result;
    *out_value = 1;
    return PYR_OK;
}

/* Sizes of the image and of its tiles. */
static enum pyr_result get_sizes(const struct cogx_tiff *file,
                                 const struct pyr_tiff_dir *dir,
                                 struct cogx_raster *raster,
                                 struct pyr_error *err)
{
    enum pyr_result result = get_number(file, dir, COGX_TAG_WIDTH, 0, INT32_MAX,
                                        &raster->width_px, err);
    if (result == PYR_OK)
        result = get_number(file, dir, COGX_TAG_HEIGHT, 0, INT32_MAX,
                            &raster->height_px, err);
    raster->tiled = pyr_tiff_find(dir, COGX_TAG_TILE_WIDTH) != NULL ||
                    pyr_tiff_find(dir, COGX_TAG_TILE_HEIGHT) != NULL;
    if (result == PYR_OK && raster->tiled)
    {
        result = get_number(file, dir, COGX_TAG_TILE_WIDTH, 0, INT32_MAX,
                            &raster->tile_width_px, err);
        if (result == PYR_OK)
            result = get_number(file, dir, COGX_TAG_TILE_HEIGHT, 0, INT32_MAX,
                                &raster->tile_height_px, err);
    }
    else if (result == PYR_OK)
    {
        result =
            get_number(file, dir, COGX_TAG_ROWS_PER_STRIP, raster->height_px,
                       UINT32_MAX, &raster->tile_height_px, err);
        if (raster->tile_height_px > raster->height_px)
            raster->tile_height_px = raster->height_px;
        raster->tile_width_px = raster->width_px;
    }
    if (result != PYR_OK)
        return result;
    if (raster->width_px == 0 || raster->height_px == 0 ||
        raster->tile_width_px == 0 || raster->tile_height_px == 0)
        return pyr_fail(err, PYR_CORRUPT,
                        "is no image: %u x %u pixels, tiles of %u x %u",
                        raster->width_px, raster->height_px,
                        raster->tile_width_px, raster->tile_height_px);
    return PYR_OK;
}

/* GTiff lets libtiff make RGB of some colour spaces. */
static uint16_t count_bands(const struct cogx_raster *raster, uint16_t nsamples)
{
    enum
    {
        SEPARATED = 5,
        YCBCR = 6,
        CIELAB = 8,
        LOGL = 32844,
        LOGLUV = 32845,
        JPEG = 7
    };
    if (raster->bits_per_sample > 8 ||
        (raster->bits_per_sample == 1 && nsamples == 1))
        return nsamples;
    switch (raster->photometric)
    {
        case SEPARATED:
        case CIELAB:
        case LOGL:
        case LOGLUV:
            return 4;
        case YCBCR:
            return raster->compression == JPEG ? nsamples : 3;
        default: /* a number from a file */
            return nsamples;
    }
}

/* Whether the last of two or four bands is alpha. */
static enum pyr_result get_alpha(const struct cogx_tiff *file,
                                 const struct pyr_tiff_dir *dir,
                                 struct cogx_raster *raster,
                                 struct pyr_error *err)
{
    const struct pyr_tiff_tag *const tag =
        pyr_tiff_find(dir, COGX_TAG_EXTRA_SAMPLES);
    uint64_t kind = 0;
    raster->has_nodata = pyr_tiff_find(dir, COGX_TAG_NODATA) != NULL;
    if (tag == NULL || tag->count == 0 ||
        (raster->nbands != 2 && raster->nbands != 4))
        return PYR_OK;
    const enum pyr_result result = pyr_tiff_uints(
        &file->reader, file->tiff, tag, tag->count - 1, 1, &kind, err);
    raster->has_alpha = kind == 1 || kind == 2; /* premultiplied or not */
    return result;
}

static enum pyr_result get_pixels(const struct cogx_tiff *file,
                                  const struct pyr_tiff_dir *dir,
                                  struct cogx_raster *raster,
                                  struct pyr_error *err)
{
    uint16_t nsamples = 1;
    uint16_t planar = 1;
    enum pyr_result result =
        get_short(file, dir, COGX_TAG_SAMPLES, 1, &nsamples, err);
    if (result == PYR_OK)
        result = get_short(file, dir, COGX_TAG_BITS, 1,
                           &raster->bits_per_sample, err);
    if (result == PYR_OK)
        result = get_short(file, dir, COGX_TAG_SAMPLE_FORMAT, 1,
                           &raster->sample_format, err);
    if (result == PYR_OK)
        result = get_short(file, dir, COGX_TAG_COMPRESSION, 1,
                           &raster->compression, err);
    if (result == PYR_OK)
        result = get_hint(file, dir, COGX_TAG_PHOTOMETRIC, &raster->photometric,
                          err);
    if (result == PYR_OK)
        result =
            get_hint(file, dir, COGX_TAG_PREDICTOR, &raster->predictor, err);
    if (result == PYR_OK)
        result = get_short(file, dir, COGX_TAG_PLANAR, 1, &planar, err);
    if (result != PYR_OK)
        return result;
    if (nsamples == 0 || planar < 1 || planar > 2 ||
        raster->sample_format < 1 || raster->sample_format > 6)
        return pyr_fail(err, PYR_CORRUPT,
                        "has %u samples in configuration %u, of format %u",
                        nsamples, planar, raster->sample_format);
    raster->nbands = count_bands(raster, nsamples);
    raster->nplanes = planar == 2 ? nsamples : 1;
    return get_alpha(file, dir, raster, err);
}

/* Tables of tiles; strips' tags may stand for tiles', and the other way. */
static enum pyr_result get_tables(const struct pyr_tiff_dir *dir,
                                  struct cogx_raster *raster,
                                  struct pyr_error *err)
{
    const uint64_t ncols =
        ((uint64_t)raster->width_px + raster->tile_width_px - 1) /
        raster->tile_width_px;
    const uint64_t nrows =
        ((uint64_t)raster->height_px + raster->tile_height_px - 1) /
        raster->tile_height_px;
    if (ncols * nrows > INT32_MAX / raster->nplanes)
        return pyr_fail(err, PYR_LIMIT, "has too many tiles: %llu x %llu x %u",
                        (unsigned long long)ncols, (unsigned long long)nrows,
                        raster->nplanes);
    raster->ncols = (uint32_t)ncols;
    raster->nrows = (uint32_t)nrows;
    raster->offsets = pyr_tiff_find(dir, COGX_TAG_TILE_OFFSETS);
    if (raster->offsets == NULL)
        raster->offsets = pyr_tiff_find(dir, COGX_TAG_STRIP_OFFSETS);
    raster->byte_counts = pyr_tiff_find(dir, COGX_TAG_TILE_BYTE_COUNTS);
    if (raster->byte_counts == NULL)
        raster->byte_counts = pyr_tiff_find(dir, COGX_TAG_STRIP_BYTE_COUNTS);
    if (raster->offsets == NULL || raster->byte_counts == NULL)
        return pyr_fail(err, PYR_CORRUPT, "does not say where its tiles are");
    return PYR_OK;
}

static enum pyr_result get_raster(const struct cogx_tiff *file, size_t index,
                                  struct cogx_raster *raster,
                                  struct pyr_error *err)
{
    const struct pyr_tiff_dir *const dir = &file->tiff->dirs[index];
    memset(raster, 0, sizeof(*raster));
    raster->dir = index;
    enum pyr_result result = get_sizes(file, dir, raster, err);
    if (result == PYR_OK)
        result = get_pixels(file, dir, raster, err);
    if (result == PYR_OK)
        result = get_tables(dir, raster, err);
    return result;
}

/* A mask must be of bytes or bits. */
static bool is_mask_of(const struct cogx_raster *mask,
                       const struct cogx_raster *image, uint16_t nbands)
{
    return mask->bits_per_sample <= 8 && mask->width_px == image->width_px &&
           mask->height_px == image->height_px &&
           (mask->nbands == 1 || mask->nbands == nbands);
}

/* Gives the directory its place; one that fits nowhere is passed over. */
static void place_raster(struct cogx_tiff *file,
                         const struct cogx_raster *raster, uint32_t subtype)
{
    const uint16_t nbands = file->levels[0].image.nbands;
    if ((subtype & COGX_SUBFILE_MASK) == 0)
    {
        if (file->nlevels < COGX_MAX_LEVELS && raster->nbands == nbands)
            file->levels[file->nlevels++].image = *raster;
        return;
    }
    const bool reduced = (subtype & COGX_SUBFILE_REDUCED) != 0;
    const uint32_t first = reduced ? 1 : 0;
    const uint32_t end = reduced ? file->nlevels : 1;
    for (uint32_t i = first; i < end; i++)
    {
        struct cogx_level *const level = &file->levels[i];
        if (level->has_mask || !is_mask_of(raster, &level->image, nbands))
            continue;
        level->mask = *raster;
        level->has_mask = true;
        return;
    }
}

/* Sub-directories of the first directory, which come before the chain's. */
static enum pyr_result add_sub_dirs(struct cogx_tiff *file, size_t *out_nsub,
                                    struct pyr_error *err)
{
    const struct pyr_tiff_tag *const tag =
        pyr_tiff_find(&file->tiff->dirs[0], COGX_TAG_SUB_IFDS);
    uint64_t positions[MAX_SUB_IFDS];
    size_t nsub = 0;
    enum pyr_result result = PYR_OK;
    if (tag != NULL && tag->count <= MAX_SUB_IFDS)
    {
        nsub = (size_t)tag->count;
        result = pyr_tiff_uints(&file->reader, file->tiff, tag, 0, nsub,
                                positions, err);
    }
    *out_nsub = 0;
    for (size_t i = 0; i < nsub && result == PYR_OK; i++)
    {
        result = pyr_tiff_add_dir(&file->reader, file->tiff, positions[i], err);
        *out_nsub += result == PYR_OK;
    }
    return result == PYR_CORRUPT ? PYR_OK : result;
}

/* libtiff, and so GTiff, reads no further where a directory is no image at all;
 * *out_end tells. Images that are of no use are passed over. */
static enum pyr_result scan_dir(struct cogx_tiff *file, size_t index,
                                bool *out_end, struct pyr_error *err)
{
    struct cogx_raster raster;
    uint32_t subtype = 0;
    enum pyr_result result =
        get_number(file, &file->tiff->dirs[index], COGX_TAG_SUBFILE_TYPE, 0,
                   UINT32_MAX, &subtype, err);
    if (result == PYR_CORRUPT)
        subtype = 0;
    if (result == PYR_OK || result == PYR_CORRUPT)
        result = get_raster(file, index, &raster, err);
    *out_end = result == PYR_CORRUPT;
    if (result == PYR_OK &&
        (subtype & (COGX_SUBFILE_REDUCED | COGX_SUBFILE_MASK)) != 0)
        place_raster(file, &raster, subtype);
    return result == PYR_CORRUPT || result == PYR_LIMIT ? PYR_OK : result;
}

static enum pyr_result scan_dirs(struct cogx_tiff *file, struct pyr_error *err)
{
    size_t nsub = 0;
    enum pyr_result result = add_sub_dirs(file, &nsub, err);
    if (result != PYR_OK)
        return result;
    result = get_raster(file, 0, &file->levels[0].image, err);
    if (result != PYR_OK)
    {
        pyr_error_prefix(err, "directory 0");
        return result;
    }
    file->nlevels = 1;
    const size_t nchain = file->tiff->ndirs - nsub;
    bool end = false;
    for (size_t i = 0; i < nsub && result == PYR_OK && !end; i++)
        result = scan_dir(file, nchain + i, &end, err);
    end = false;
    for (size_t i = 1; i < nchain && result == PYR_OK && !end; i++)
        result = scan_dir(file, i, &end, err);
    return result;
}

/* The six digits of the size; false where they are none. */
static bool get_digits(const char *text, size_t *out_value)
{
    size_t value = 0;
    for (int i = 0; i < 6; i++)
    {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = 10 * value + (size_t)(text[i] - '0');
    }
    *out_value = value;
    return true;
}

static bool has_entry(const struct cogx_structure *structure, const char *entry)
{
    return structure->text != NULL && strstr(structure->text, entry) != NULL;
}

static enum pyr_result load_structure_text(struct cogx_tiff *file,
                                           uint64_t at_bytes, size_t nbytes,
                                           struct pyr_error *err)
{
    struct cogx_structure *const structure = &file->structure;
    structure->text = pyr_malloc(nbytes + 1);
    if (structure->text == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    const enum pyr_result result = file->reader.read(
        file->reader.user, at_bytes, structure->text, nbytes, err);
    if (result != PYR_OK)
        return result;
    structure->nbytes = nbytes;
    /* For strstr: a NUL ends no entry. */
    for (size_t i = 0; i < nbytes; i++)
        if (structure->text[i] == '\0')
            structure->text[i] = ' ';
    structure->text[nbytes] = '\0';
    structure->row_major = has_entry(structure, "BLOCK_ORDER=ROW_MAJOR");
    structure->leader = has_entry(structure, "BLOCK_LEADER=SIZE_AS_UINT4");
    structure->trailer =
        has_entry(structure, "BLOCK_TRAILER=LAST_4_BYTES_REPEATED");
    structure->masks_interleaved =
        has_entry(structure, "MASK_INTERLEAVED_WITH_IMAGERY=YES");
    structure->edited = has_entry(structure, "KNOWN_INCOMPATIBLE_EDITION=YES");
    return PYR_OK;
}

static enum pyr_result load_structure(struct cogx_tiff *file,
                                      struct pyr_error *err)
{
    struct cogx_structure *const structure = &file->structure;
    const uint64_t at_bytes = file->tiff->big ? 16 : 8;
    char line[STRUCTURE_LINE_BYTES];
    size_t nbytes = 0;
    if (file->tiff->first_bytes <= at_bytes)
        return PYR_OK;
    enum pyr_result result =
        file->reader.read(file->reader.user, at_bytes, line, sizeof(line), err);
    if (result == PYR_OK &&
        memcmp(line, STRUCTURE_START, strlen(STRUCTURE_START)) == 0)
    {
        structure->present = true;
        structure->damaged = true;
        if (!get_digits(line + strlen(STRUCTURE_START), &nbytes))
            return PYR_OK;
        result =
            load_structure_text(file, at_bytes + sizeof(line), nbytes, err);
        structure->damaged = result != PYR_OK;
        if (structure->damaged)
        {
            pyr_free(structure->text);
            structure->text = NULL;
        }
        else
            structure->end_bytes = at_bytes + sizeof(line) + nbytes;
    }
    return result == PYR_CORRUPT ? PYR_OK : result;
}

enum pyr_result cogx_tiff_open(const struct pyr_tiff_reader *reader,
                               struct cogx_tiff **out_file,
                               struct pyr_error *err)
{
    struct cogx_tiff *const file = pyr_calloc(1, sizeof(*file));
    if (file == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    file->reader = *reader;
    enum pyr_result end = PYR_OK;
    enum pyr_result result =
        pyr_tiff_parse_start(reader, &file->tiff, &end, &file->broken, err);
    if (result == PYR_OK)
        result = load_structure(file, err);
    if (result == PYR_OK)
        result = scan_dirs(file, err);
    if (result != PYR_OK)
    {
        cogx_tiff_free(file);
        return result;
    }
    *out_file = file;
    return PYR_OK;
}

void cogx_tiff_free(struct cogx_tiff *file)
{
    if (file == NULL)
        return;
    pyr_tiff_free(file->tiff);
    pyr_free(file->structure.text);
    pyr_free(file);
}

const struct cogx_raster *cogx_tiff_raster(const struct cogx_tiff *file,
                                           size_t dir, uint32_t *out_level,
                                           bool *out_is_mask)
{
    for (uint32_t i = 0; i < file->nlevels; i++)
    {
        const struct cogx_level *const level = &file->levels[i];
        const bool is_mask = level->has_mask && level->mask.dir == dir;
        if (!is_mask && level->image.dir != dir)
            continue;
        *out_level = i;
        *out_is_mask = is_mask;
        return is_mask ? &level->mask : &level->image;
    }
    return NULL;
}
