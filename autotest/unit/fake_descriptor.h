/* SPDX-License-Identifier: MIT */
/* Descriptors made for tests, and pyramids opened from files in memory. */
#ifndef FAKE_DESCRIPTOR_H
#define FAKE_DESCRIPTOR_H

#include "fake_files.h"
#include "rok4_pyramid.h"

#include <stdarg.h>

#define DESCRIPTOR_BYTES 8000

/* A descriptor in the making. */
struct descriptor
{
    char text[DESCRIPTOR_BYTES];
    unsigned nlevels;
};

static inline void descriptor_begin(struct descriptor *descriptor,
                                    const char *tms, const char *format,
                                    unsigned channels)
{
    descriptor->nlevels = 0;
    (void)snprintf(descriptor->text, sizeof descriptor->text,
                   "{\"tile_matrix_set\":\"%s\",\"format\":\"%s\","
                   "\"raster_specifications\":{\"channels\":%u,"
                   "\"nodata\":\"1,2,3,4\",\"photometric\":\"%s\"},"
                   "\"levels\":[",
                   tms, format, channels, channels < 3 ? "gray" : "rgb");
}

/* Adds a level of slabs of 2x2 tiles; storage is "" for DATA/ID, else the
 * members of the storage object. */
static inline void descriptor_add(struct descriptor *descriptor, const char *id,
                                  unsigned min_col, unsigned min_row,
                                  unsigned max_col, unsigned max_row,
                                  const char *storage)
{
    const size_t used = strlen(descriptor->text);
    char usual[200];
    (void)snprintf(usual, sizeof usual,
                   "\"type\":\"FILE\",\"path_depth\":2,"
                   "\"image_directory\":\"N/DATA/%s\"",
                   id);
    (void)snprintf(
        descriptor->text + used, sizeof descriptor->text - used,
        "%s{\"id\":\"%s\",\"tiles_per_width\":2,\"tiles_per_height\":2,"
        "\"tile_limits\":{\"min_col\":%u,\"min_row\":%u,\"max_col\":%u,"
        "\"max_row\":%u},\"storage\":{%s}}",
        descriptor->nlevels++ > 0 ? "," : "", id, min_col, min_row, max_col,
        max_row, storage[0] != '\0' ? storage : usual);
}

/* Opens it as /data/N.json. */
static inline enum pyr_result
descriptor_open(struct descriptor *descriptor,
                const struct rok4_open_options *options,
                struct rok4_pyramid **out_pyramid, struct pyr_error *err)
{
    const struct pyr_io io = files_io();
    char text[DESCRIPTOR_BYTES + 4];
    (void)snprintf(text, sizeof text, "%s]}", descriptor->text);
    err->text[0] = '\0';
    *out_pyramid = NULL;
    const enum pyr_result result = rok4_pyramid_open(
        &io, "/data/N.json", text, strlen(text), options, out_pyramid, err);
    CHECK((result == PYR_OK) == (*out_pyramid != NULL));
    CHECK((result == PYR_OK) == (err->text[0] == '\0'));
    memset(text, 'x', sizeof text);
    return result;
}

#endif
