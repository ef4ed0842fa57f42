/* SPDX-License-Identifier: MIT */
/* Where everything stands in a Cloud Optimized GeoTIFF. */
#include "cogx_layout.h"

#include "cogx_codes.h"
#include "pyr_alloc.h"
#include "pyr_arith.h"
#include "pyr_buf.h"
#include "pyr_tiff.h"

#include <stdio.h>
#include <string.h>

#define MAX_HEAD_BYTES ((uint64_t)1 << 30)

/* GDAL's names: readers that know them read tiles without their directory's
 * arrays. The blank leaves room for YES. */
static const char structure[] = "LAYOUT=IFDS_BEFORE_DATA\n"
                                "BLOCK_ORDER=ROW_MAJOR\n"
                                "BLOCK_LEADER=SIZE_AS_UINT4\n"
                                "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
                                "KNOWN_INCOMPATIBLE_EDITION=NO\n ";
static const char structure_masks[] = "MASK_INTERLEAVED_WITH_IMAGERY=YES\n";

#define STRUCTURE_BYTES 512

static const uint16_t own_tags[] = {
    COGX_TAG_SUBFILE_TYPE,    COGX_TAG_WIDTH,       COGX_TAG_HEIGHT,
    COGX_TAG_TILE_WIDTH,      COGX_TAG_TILE_HEIGHT, COGX_TAG_TILE_OFFSETS,
    COGX_TAG_TILE_BYTE_COUNTS};
#define NOWN_TAGS (sizeof(own_tags) / sizeof(own_tags[0]))

uint32_t cogx_tiles_wide(const struct cogx_image *image)
{
    return (image->width_px - 1) / image->tile_width_px + 1;
}

uint32_t cogx_tiles_high(const struct cogx_image *image)
{
    return (image->height_px - 1) / image->tile_height_px + 1;
}

static size_t header_bytes(const struct cogx_layout *layout)
{
    return layout->big ? 16 : 8;
}

static size_t entry_bytes(const struct cogx_layout *layout)
{
    return layout->big ? 20 : 12;
}

/* Bytes of values that stand in their entry. */
static size_t inside_bytes(const struct cogx_layout *layout)
{
    return layout->big ? 8 : 4;
}

static size_t ntags_of(const struct cogx_dir *dir)
{
    return dir->image->ntags + NOWN_TAGS - (dir->subfile_type == 0);
}

static size_t dir_bytes(const struct cogx_layout *layout,
                        const struct cogx_dir *dir)
{
    return (layout->big ? 8 + 8 : 2 + 4) + ntags_of(dir) * entry_bytes(layout);
}

size_t cogx_layout_offset_bytes(const struct cogx_layout *layout)
{
    return layout->big ? 8 : 4;
}

bool cogx_layout_offsets_inside(const struct cogx_layout *layout,
                                const struct cogx_dir *dir)
{
    return dir->ntiles * cogx_layout_offset_bytes(layout) <=
           inside_bytes(layout);
}

bool cogx_layout_counts_inside(const struct cogx_layout *layout,
                               const struct cogx_dir *dir)
{
    return dir->ntiles * 4 <= inside_bytes(layout);
}

/* TIFF wants values at even offsets. */
static uint64_t even(uint64_t offset)
{
    return offset + (offset & 1);
}

/* The text in front of the directories; returns its size. */
static size_t write_structure(const struct cogx_layout *layout,
                              char text[STRUCTURE_BYTES])
{
    const char *masks = layout->masks ? structure_masks : "";
    const int nbytes =
        snprintf(text, STRUCTURE_BYTES,
                 "GDAL_STRUCTURAL_METADATA_SIZE=%06zu bytes\n%s%s",
                 strlen(structure) + strlen(masks), structure, masks);
    return (size_t)nbytes;
}

static enum pyr_result check_tag(const struct cogx_layout *layout,
                                 const struct cogx_image *image, size_t number,
                                 struct pyr_error *err)
{
    const struct cogx_tag *tag = &image->tags[number];
    const size_t nbytes = pyr_tiff_type_bytes(tag->type);

    for (size_t i = 0; i < number; i++)
        if (tag->code == image->tags[i].code)
            return pyr_fail(err, PYR_USAGE, "tag %u is there twice",
                            (unsigned)tag->code);

    for (size_t i = 0; i < NOWN_TAGS; i++)
        if (tag->code == own_tags[i])
            return pyr_fail(err, PYR_USAGE, "tag %u is the writer's own",
                            (unsigned)tag->code);
    if (nbytes == 0 || (!layout->big && tag->type > COGX_TYPE_LAST_CLASSIC))
        return pyr_fail(err, PYR_USAGE, "tag %u cannot have type %u",
                        (unsigned)tag->code, (unsigned)tag->type);
    if (tag->count == 0)
        return pyr_fail(err, PYR_USAGE, "tag %u has no value",
                        (unsigned)tag->code);
    if (tag->count > MAX_HEAD_BYTES / nbytes)
        return pyr_fail(err, PYR_LIMIT, "tag %u has too many values",
                        (unsigned)tag->code);
    return PYR_OK;
}

static uint64_t value_bytes(const struct cogx_tag *tag)
{
    return tag->count * pyr_tiff_type_bytes(tag->type);
}

/* Places a directory and its values; *offset is moved behind them. */
static enum pyr_result place_dir(const struct cogx_layout *layout,
                                 struct cogx_dir *dir, uint64_t *offset,
                                 struct pyr_error *err)
{
    dir->ifd_bytes = *offset;
    *offset += dir_bytes(layout, dir);
    for (size_t i = 0; i < dir->image->ntags; i++)
    {
        const struct cogx_tag *tag = &dir->image->tags[i];
        const enum pyr_result result = check_tag(layout, dir->image, i, err);
        if (result != PYR_OK)
            return result;
        if (value_bytes(tag) > inside_bytes(layout))
            *offset = even(*offset) + value_bytes(tag);
        if (*offset > MAX_HEAD_BYTES)
            return pyr_fail(err, PYR_LIMIT, "tags exceed %llu bytes",
                            (unsigned long long)MAX_HEAD_BYTES);
    }
    *offset = even(*offset);
    return PYR_OK;
}

static enum pyr_result place(struct cogx_layout *layout, struct pyr_error *err)
{
    char text[STRUCTURE_BYTES];
    uint64_t offset =
        even(header_bytes(layout) + write_structure(layout, text));

    for (size_t i = 0; i < layout->ndirs; i++)
    {
        const enum pyr_result result =
            place_dir(layout, &layout->dirs[i], &offset, err);
        if (result != PYR_OK)
            return result;
    }
    layout->head_bytes = offset;
    for (size_t i = 0; i < layout->ndirs; i++)
    {
        struct cogx_dir *dir = &layout->dirs[i];
        dir->offsets_bytes = offset;
        if (!cogx_layout_offsets_inside(layout, dir))
            offset += dir->ntiles * cogx_layout_offset_bytes(layout);
        dir->counts_bytes = offset;
        if (!cogx_layout_counts_inside(layout, dir))
            offset += dir->ntiles * 4;
    }
    layout->data_bytes = offset;
    if (!layout->big && offset > UINT32_MAX)
        return pyr_fail(err, PYR_LIMIT,
                        "classic TIFF cannot index so many tiles");
    return PYR_OK;
}

enum pyr_result cogx_layout_init(struct cogx_layout *layout,
                                 const struct cogx_image *images,
                                 const struct cogx_image *masks,
                                 uint32_t nlevels, bool big,
                                 struct pyr_error *err)
{
    const size_t nplanes = masks ? 2 : 1;
    struct cogx_layout made = {.big = big, .masks = masks != NULL};

    made.ndirs = nplanes * nlevels;
    made.dirs = pyr_calloc(made.ndirs, sizeof(*made.dirs));
    if (!made.dirs)
        return pyr_fail(err, PYR_NOMEM, "no memory for directories");
    for (size_t i = 0; i < made.ndirs; i++)
    {
        struct cogx_dir *dir = &made.dirs[i];
        const size_t level = i / nplanes;
        const bool is_mask = i % nplanes == 1;
        dir->image = is_mask ? &masks[level] : &images[level];
        dir->subfile_type = (level > 0 ? COGX_SUBFILE_REDUCED : 0) |
                            (is_mask ? COGX_SUBFILE_MASK : 0);
        dir->ntiles =
            (uint64_t)cogx_tiles_wide(dir->image) * cogx_tiles_high(dir->image);
    }
    const enum pyr_result result = place(&made, err);
    if (result != PYR_OK)
    {
        cogx_layout_clear(&made);
        return result;
    }
    *layout = made;
    return PYR_OK;
}

void cogx_layout_clear(struct cogx_layout *layout)
{
    pyr_free(layout->dirs);
    layout->dirs = NULL;
    layout->ndirs = 0;
}

struct cogx_dir *cogx_layout_image(const struct cogx_layout *layout,
                                   uint32_t level)
{
    return &layout->dirs[layout->masks ? 2 * (size_t)level : level];
}

struct cogx_dir *cogx_layout_mask(const struct cogx_layout *layout,
                                  uint32_t level)
{
    return &layout->dirs[2 * (size_t)level + 1];
}

static void put_le64(uint8_t *bytes, uint64_t value)
{
    pyr_put_le32(bytes, (uint32_t)value);
    pyr_put_le32(bytes + 4, (uint32_t)(value >> 32));
}

/* An offset or a number of values. */
static void put_word(const struct cogx_layout *layout, uint8_t *bytes,
                     uint64_t value)
{
    if (layout->big)
        put_le64(bytes, value);
    else
        pyr_put_le32(bytes, (uint32_t)value);
}

static bool is_big_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* Values in native byte order to those of the file. */
static void put_values(uint8_t *out, const struct cogx_tag *tag)
{
    const bool pairs =
        tag->type == COGX_TYPE_RATIONAL || tag->type == COGX_TYPE_SRATIONAL;
    const size_t nbytes = pyr_tiff_type_bytes(tag->type) / (pairs ? 2 : 1);
    const size_t total = (size_t)value_bytes(tag);

    memcpy(out, tag->values, total);
    if (!is_big_endian())
        return;
    for (size_t at = 0; at < total; at += nbytes)
        for (size_t i = 0; i < nbytes / 2; i++)
        {
            const uint8_t kept = out[at + i];
            out[at + i] = out[at + nbytes - 1 - i];
            out[at + nbytes - 1 - i] = kept;
        }
}

/* Where entries and values of a directory are written to. */
struct dir_writer
{
    const struct cogx_layout *layout;
    uint8_t *head;
    uint64_t entry;  /* offset of the next entry */
    uint64_t values; /* offset of the next values */
};

/* Begins an entry; returns where its value, or the offset of it, stands. */
static uint8_t *put_entry(struct dir_writer *writer, uint16_t code,
                          uint16_t type, uint64_t count)
{
    uint8_t *entry = writer->head + writer->entry;

    pyr_put_le16(entry, code);
    pyr_put_le16(entry + 2, type);
    put_word(writer->layout, entry + 4, count);
    writer->entry += entry_bytes(writer->layout);
    return entry + 4 + inside_bytes(writer->layout);
}

static void put_tag(struct dir_writer *writer, const struct cogx_tag *tag)
{
    uint8_t *value = put_entry(writer, tag->code, tag->type, tag->count);

    if (value_bytes(tag) <= inside_bytes(writer->layout))
    {
        put_values(value, tag);
        return;
    }
    writer->values = even(writer->values);
    put_word(writer->layout, value, writer->values);
    put_values(writer->head + writer->values, tag);
    writer->values += value_bytes(tag);
}

static void put_number(struct dir_writer *writer, uint16_t code, uint32_t value)
{
    const uint16_t type = value <= UINT16_MAX && code != COGX_TAG_SUBFILE_TYPE
                              ? COGX_TYPE_SHORT
                              : COGX_TYPE_LONG;
    pyr_put_le32(put_entry(writer, code, type, 1), value);
}

static void put_offsets(struct dir_writer *writer, const struct cogx_dir *dir)
{
    const struct cogx_layout *layout = writer->layout;
    uint8_t *value =
        put_entry(writer, COGX_TAG_TILE_OFFSETS,
                  layout->big ? COGX_TYPE_LONG8 : COGX_TYPE_LONG, dir->ntiles);
    put_word(layout, value,
             cogx_layout_offsets_inside(layout, dir) ? dir->first_offsets[0]
                                                     : dir->offsets_bytes);
}

static void put_counts(struct dir_writer *writer, const struct cogx_dir *dir)
{
    const struct cogx_layout *layout = writer->layout;
    uint8_t *value = put_entry(writer, COGX_TAG_TILE_BYTE_COUNTS,
                               COGX_TYPE_LONG, dir->ntiles);
    if (!cogx_layout_counts_inside(layout, dir))
        put_word(layout, value, dir->counts_bytes);
    else
        for (size_t i = 0; i < dir->ntiles; i++)
            pyr_put_le32(value + 4 * i, dir->first_counts[i]);
}

/* One of own_tags. */
static void put_own(struct dir_writer *writer, const struct cogx_dir *dir,
                    uint16_t code)
{
    const struct cogx_image *image = dir->image;

    if (code == COGX_TAG_SUBFILE_TYPE && dir->subfile_type != 0)
        put_number(writer, code, dir->subfile_type);
    else if (code == COGX_TAG_WIDTH)
        put_number(writer, code, image->width_px);
    else if (code == COGX_TAG_HEIGHT)
        put_number(writer, code, image->height_px);
    else if (code == COGX_TAG_TILE_WIDTH)
        put_number(writer, code, image->tile_width_px);
    else if (code == COGX_TAG_TILE_HEIGHT)
        put_number(writer, code, image->tile_height_px);
    else if (code == COGX_TAG_TILE_OFFSETS)
        put_offsets(writer, dir);
    else if (code == COGX_TAG_TILE_BYTE_COUNTS)
        put_counts(writer, dir);
}

/* The tag with the lowest code from first_code on, or NULL. */
static const struct cogx_tag *next_tag(const struct cogx_image *image,
                                       uint32_t first_code)
{
    const struct cogx_tag *next = NULL;

    for (size_t i = 0; i < image->ntags; i++)
        if (image->tags[i].code >= first_code &&
            (!next || image->tags[i].code < next->code))
            next = &image->tags[i];
    return next;
}

static void put_dir(const struct cogx_layout *layout, size_t number,
                    uint8_t *head)
{
    const struct cogx_dir *dir = &layout->dirs[number];
    const bool last = number + 1 == layout->ndirs;
    struct dir_writer writer = {layout, head,
                                dir->ifd_bytes + (layout->big ? 8 : 2),
                                dir->ifd_bytes + dir_bytes(layout, dir)};
    uint8_t *ifd = head + dir->ifd_bytes;
    uint32_t code = 0; /* all before it are written */

    if (layout->big)
        put_le64(ifd, ntags_of(dir));
    else
        pyr_put_le16(ifd, (uint32_t)ntags_of(dir));
    for (size_t own = 0; own <= NOWN_TAGS; own++)
    {
        const uint32_t end = own < NOWN_TAGS ? own_tags[own] : UINT16_MAX + 1u;
        const struct cogx_tag *tag = next_tag(dir->image, code);
        for (; tag && tag->code < end; tag = next_tag(dir->image, code))
        {
            put_tag(&writer, tag);
            code = tag->code + 1u;
        }
        if (own < NOWN_TAGS)
            put_own(&writer, dir, own_tags[own]);
    }
    put_word(layout, head + writer.entry,
             last ? 0 : layout->dirs[number + 1].ifd_bytes);
}

enum pyr_result cogx_layout_head(const struct cogx_layout *layout,
                                 uint8_t **out_bytes, struct pyr_error *err)
{
    char text[STRUCTURE_BYTES];
    uint8_t *head = pyr_calloc((size_t)layout->head_bytes, 1);
    if (!head)
        return pyr_fail(err, PYR_NOMEM, "no memory for directories");

    head[0] = 'I';
    head[1] = 'I';
    pyr_put_le16(head + 2, layout->big ? 43 : 42);
    if (layout->big)
        pyr_put_le16(head + 4, 8);
    put_word(layout, head + (layout->big ? 8 : 4), layout->dirs[0].ifd_bytes);
    const size_t ntext = write_structure(layout, text);
    memcpy(head + header_bytes(layout), text, ntext);
    for (size_t i = 0; i < layout->ndirs; i++)
        put_dir(layout, i, head);
    *out_bytes = head;
    return PYR_OK;
}
