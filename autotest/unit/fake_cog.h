/* SPDX-License-Identifier: MIT */
/* Cloud Optimized GeoTIFFs in the making, for tests. */
#ifndef FAKE_COG_H
#define FAKE_COG_H

#include "cogx_tiff.h"
#include "fake_tiff.h"
#include "pyr_alloc.h"

#include <stdio.h>

#define COG_TILE_BYTES 32u
#define COG_MAX_IMAGES 4u

/* One directory, its tiles of 16 x 16 pixels. */
struct fake_image
{
    unsigned width_px;
    unsigned height_px;
    unsigned subtype;
    size_t dir_at;
    size_t offsets_at;
    size_t counts_at;
    size_t ntiles;
};

/* What the file shall be like; {0} is a valid one of two levels. */
struct fake_cog
{
    bool big;
    bool big_endian;
    bool masks;
    bool no_structure;
    const char *lerc; /* the main image claims LERC, followed by "1" or "2" */
    /* Filled by make_cog. */
    struct fake_image images[COG_MAX_IMAGES];
    size_t nimages;
};

static inline void cog_structure(bool masks)
{
    char head[64];
    char text[256];
    (void)snprintf(text, sizeof text,
                   "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\n"
                   "BLOCK_LEADER=SIZE_AS_UINT4\n"
                   "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
                   "KNOWN_INCOMPATIBLE_EDITION=NO\n %s",
                   masks ? "MASK_INTERLEAVED_WITH_IMAGERY=YES\n" : "");
    (void)snprintf(head, sizeof head,
                   "GDAL_STRUCTURAL_METADATA_SIZE=%06u bytes\n",
                   (unsigned)strlen(text));
    for (size_t i = 0; head[i] != '\0'; i++)
        add((uint8_t)head[i], 1);
    for (size_t i = 0; text[i] != '\0'; i++)
        add((uint8_t)text[i], 1);
    if (maker.nbytes % 2 != 0)
        add(0, 1);
}

/* A directory, its tables behind it; returns where its link stands. */
static inline size_t cog_dir(struct fake_image *image, size_t link,
                             const struct fake_cog *cog)
{
    const bool mask = (image->subtype & 4) != 0;
    const bool lerc = cog->lerc != NULL && image->subtype == 0;
    const size_t ntags = 11;
    const size_t dir_nbytes =
        (maker.big ? 8 : 2) + ntags * (maker.big ? 20 : 12) + width();
    image->ntiles =
        (size_t)((image->width_px + 15) / 16) * ((image->height_px + 15) / 16);
    image->offsets_at = maker.nbytes + dir_nbytes;
    image->counts_at = image->offsets_at + 8 * image->ntiles;
    image->dir_at = begin_dir(link, ntags);
    add_tag(254, 4, 1, image->subtype, 4);
    add_tag(256, 3, 1, image->width_px, 2);
    add_tag(257, 3, 1, image->height_px, 2);
    add_tag(258, 3, 1, mask ? 1 : 8, 2);
    add_tag(259, 3, 1, lerc ? 34887 : 1, 2);
    add_tag(262, 3, 1, mask ? 4 : 1, 2);
    add_tag(322, 3, 1, 16, 2);
    add_tag(323, 3, 1, 16, 2);
    add_tag(324, maker.big ? 16 : 4, image->ntiles, image->offsets_at, width());
    add_tag(325, maker.big ? 16 : 4, image->ntiles, image->counts_at, width());
    if (lerc)
        add_tag(50674, 3, 2,
                maker.big_endian ? (uint64_t)(cog->lerc[0] - '0')
                                 : (uint64_t)(cog->lerc[0] - '0') << 16,
                4);
    else
        add_tag(42113, 2, 2, '0', 1);
    const size_t next = maker.nbytes;
    add(0, width());
    maker.nbytes += 16 * image->ntiles;
    return next;
}

static inline void cog_tile(const struct fake_image *image, size_t index)
{
    const size_t size = maker.big ? 8 : 4;
    const bool structured = maker.bytes[maker.big ? 16 : 8] == 'G';
    if (structured)
        for (size_t i = 0; i < 4; i++) /* little-endian always */
            add(COG_TILE_BYTES >> (8 * i) & 0xFF, 1);
    put(image->offsets_at + size * index, maker.nbytes, size);
    put(image->counts_at + size * index, COG_TILE_BYTES, size);
    for (size_t i = 0; i < COG_TILE_BYTES; i++)
        add(i + index, 1);
    for (size_t i = COG_TILE_BYTES - 4; i < COG_TILE_BYTES && structured; i++)
        add(i + index, 1);
}

/* 64 x 48 pixels, and 32 x 24: 12 tiles and 4. */
static inline void make_cog(struct fake_cog *cog)
{
    static const struct fake_image all[COG_MAX_IMAGES] = {
        {64, 48, 0, 0, 0, 0, 0},
        {64, 48, 4, 0, 0, 0, 0},
        {32, 24, 1, 0, 0, 0, 0},
        {32, 24, 5, 0, 0, 0, 0}};
    size_t link = 0;
    begin(cog->big, cog->big_endian);
    link = first_link();
    if (!cog->no_structure)
        cog_structure(cog->masks);
    cog->nimages = 0;
    for (size_t i = 0; i < COG_MAX_IMAGES; i += cog->masks ? 1 : 2)
    {
        cog->images[cog->nimages] = all[i];
        link = cog_dir(&cog->images[cog->nimages++], link, cog);
    }
    const size_t step = cog->masks ? 2 : 1;
    for (size_t level = 2; level-- > 0;)
        for (size_t i = 0; i < cog->images[level * step].ntiles; i++)
            for (size_t k = 0; k < step; k++)
                cog_tile(&cog->images[level * step + k], i);
}

/* The file made last, open; its bytes must stay as they are. */
static struct pyr_tiff_memory cog_memory;

static inline enum pyr_result open_cog(struct cogx_tiff **out_file,
                                       struct pyr_error *err)
{
    cog_memory.bytes = maker.bytes;
    cog_memory.nbytes = maker.nbytes;
    const struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&cog_memory);
    *out_file = NULL;
    return cogx_tiff_open(&reader, out_file, err);
}

/* Reads of the same bytes, of which the nth fails. */
struct cog_reader
{
    unsigned ncalls;
    unsigned failing_call; /* 0: none */
};

static inline enum pyr_result cog_read(void *user, uint64_t offset_bytes,
                                       void *bytes, size_t nbytes,
                                       struct pyr_error *err)
{
    struct cog_reader *const reader = user;
    if (++reader->ncalls == reader->failing_call)
        return pyr_fail(err, PYR_IO, "no connection");
    if (offset_bytes > maker.nbytes || nbytes > maker.nbytes - offset_bytes)
        return pyr_fail(err, PYR_CORRUPT, "beyond the end");
    memcpy(bytes, maker.bytes + offset_bytes, nbytes);
    return PYR_OK;
}

#endif
