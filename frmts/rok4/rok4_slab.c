/* SPDX-License-Identifier: MIT */
/* A slab's header and index: where its tiles are (spec section 5). */
#include "rok4_slab.h"

#include "pyr_arith.h"
#include "pyr_buf.h"

#include <string.h>

/* TIFF's types of values. */
#define SHORT 3u
#define LONG 4u

struct pyr_extent rok4_slab_index(uint32_t ntiles)
{
    const struct pyr_extent index = {ROK4_SLAB_HEADER_BYTES,
                                     8 * (uint64_t)ntiles};
    return index;
}

enum pyr_result rok4_slab_locate(const uint8_t *index, uint32_t ntiles,
                                 uint32_t tile, uint64_t slab_nbytes,
                                 uint64_t max_tile_nbytes,
                                 struct pyr_extent *out_extent,
                                 struct pyr_error *err)
{
    const uint32_t offset = pyr_le32(index + 4 * (size_t)tile);
    const uint32_t nbytes = pyr_le32(index + 4 * ((size_t)ntiles + tile));
    const struct pyr_extent none = {0, 0};
    const struct pyr_extent found = {offset, nbytes};
    const uint64_t first = ROK4_SLAB_HEADER_BYTES + 8 * (uint64_t)ntiles;
    if (nbytes == 0)
    {
        *out_extent = none;
        return PYR_OK;
    }
    if (offset < first)
        return pyr_fail(err, PYR_CORRUPT,
                        "starts at byte %u, where no tile can be before byte "
                        "%llu",
                        offset, (unsigned long long)first);
    if (!pyr_range_within(offset, nbytes, slab_nbytes))
        return pyr_fail(err, PYR_CORRUPT,
                        "ends at byte %llu, the file has %llu (truncated?)",
                        (unsigned long long)offset + nbytes,
                        (unsigned long long)slab_nbytes);
    if (nbytes > max_tile_nbytes)
        return pyr_fail(err, PYR_LIMIT, "takes %u bytes, expected at most %llu",
                        nbytes, (unsigned long long)max_tile_nbytes);
    *out_extent = found;
    return PYR_OK;
}

/* The next entry of the directory: tag, type, count, value. */
static uint8_t *add_entry(uint8_t *at, uint32_t tag, uint32_t type,
                          uint32_t count, uint32_t value)
{
    pyr_put_le16(at, tag);
    pyr_put_le16(at + 2, type);
    pyr_put_le32(at + 4, count);
    pyr_put_le32(at + 8, value);
    return at + 12;
}

/* PNG tiles stand in slabs that say "deflate". */
static uint32_t tiff_compression(enum pyr_codec codec)
{
    switch (codec)
    {
        case PYR_CODEC_RAW:
            return 1;
        case PYR_CODEC_LZW:
            return 5;
        case PYR_CODEC_JPEG:
            return 7;
        case PYR_CODEC_DEFLATE:
        case PYR_CODEC_PNG:
            return 8;
        case PYR_CODEC_PACKBITS:
            return 32773;
    }
    return 0;
}

void rok4_slab_header(const struct rok4_slab_shape *shape, uint32_t tile_nbytes,
                      uint8_t out_header[ROK4_SLAB_HEADER_BYTES])
{
    const struct pyr_tile_shape *const tile = &shape->tile;
    const uint32_t bands = tile->bands;
    const uint32_t bits = 8 * (uint32_t)pyr_sample_bytes(tile->sample);
    const uint32_t ntiles = shape->tiles_per_width * shape->tiles_per_height;
    const enum pyr_codec codec = rok4_format_codec(shape->format);
    const bool jpeg = codec == PYR_CODEC_JPEG;
    const bool extra = bands == 2 || bands == 4;
    const uint32_t color = bands < 3 ? 1 : 2; /* gray, RGB */
    const uint32_t bits_at = bands == 1   ? bits
                             : bands == 2 ? bits | bits << 16
                                          : 8;
    uint8_t *at = out_header + 18;
    memset(out_header, 0, ROK4_SLAB_HEADER_BYTES);
    memcpy(out_header, "II", 2);
    pyr_put_le16(out_header + 2, 42);
    pyr_put_le32(out_header + 4, 16);
    for (size_t i = 0; i < 4; i++)
        pyr_put_le16(out_header + 8 + 2 * i, bits);
    pyr_put_le16(out_header + 16, 11u + extra + jpeg);
    at = add_entry(at, 256, LONG, 1, shape->tiles_per_width * tile->width_px);
    at = add_entry(at, 257, LONG, 1, shape->tiles_per_height * tile->height_px);
    at = add_entry(at, 258, SHORT, bands, bits_at);
    at = add_entry(at, 259, SHORT, 1, tiff_compression(codec));
    at = add_entry(at, 262, SHORT, 1, jpeg ? 6 : color);
    at = add_entry(at, 277, SHORT, 1, bands);
    at = add_entry(at, 322, LONG, 1, tile->width_px);
    at = add_entry(at, 323, LONG, 1, tile->height_px);
    if (ntiles == 1)
    {
        at = add_entry(at, 324, LONG, 1, ROK4_SLAB_HEADER_BYTES + 8);
        at = add_entry(at, 325, LONG, 1, tile_nbytes);
    }
    else
    {
        at = add_entry(at, 324, LONG, ntiles, ROK4_SLAB_HEADER_BYTES);
        at = add_entry(at, 325, LONG, ntiles,
                       ROK4_SLAB_HEADER_BYTES + 4 * ntiles);
    }
    if (extra)
        at = add_entry(at, 338, SHORT, 1, 2); /* unassociated alpha */
    at = add_entry(at, 339, SHORT, 1,
                   tile->sample == PYR_SAMPLE_FLOAT32 ? 3 : 1);
    if (jpeg)
        (void)add_entry(at, 530, SHORT, 2, 2 | 2 << 16);
}

static uint64_t align(uint64_t offset)
{
    return (offset + ROK4_SLAB_ALIGNMENT - 1) / ROK4_SLAB_ALIGNMENT *
           ROK4_SLAB_ALIGNMENT;
}

static uint64_t first_offset(uint32_t ntiles)
{
    return ROK4_SLAB_HEADER_BYTES + 8 * (uint64_t)ntiles;
}

uint64_t rok4_slab_room_offset(uint32_t ntiles, uint32_t room_nbytes,
                               uint32_t tile)
{
    const uint64_t first = first_offset(ntiles);
    return tile == 0
               ? first
               : align(first + room_nbytes) + (tile - 1) * align(room_nbytes);
}

enum pyr_result rok4_slab_place(const uint32_t *nbytes, uint32_t ntiles,
                                uint32_t room_nbytes, uint8_t *out_index,
                                uint64_t *out_nbytes, struct pyr_error *err)
{
    const uint64_t first = first_offset(ntiles);
    uint64_t room_end = first; /* of the tiles so far */
    uint64_t end = first;      /* of those that are there */
    for (uint32_t i = 0; i < ntiles; i++)
    {
        const uint64_t offset = room_end == first ? first : align(room_end);
        const bool there = nbytes[i] != 0;
        pyr_put_le32(out_index + 4 * (size_t)i, there ? (uint32_t)offset : 0);
        pyr_put_le32(out_index + 4 * ((size_t)ntiles + i), nbytes[i]);
        if (there)
            end = offset + nbytes[i];
        if (there || room_nbytes != 0)
            room_end = offset + (there ? nbytes[i] : room_nbytes);
        if (end > ROK4_SLAB_MAX_BYTES)
            return pyr_fail(err, PYR_LIMIT,
                            "takes more than the %d bytes that readers of the "
                            "format can address",
                            ROK4_SLAB_MAX_BYTES);
    }
    *out_nbytes = end;
    return PYR_OK;
}
