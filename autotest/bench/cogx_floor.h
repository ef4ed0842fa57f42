/* SPDX-License-Identifier: MIT */
/* What the floor of the COGX benchmark does with a tile: the codec library
 * alone. */
#ifndef COGX_FLOOR_H
#define COGX_FLOOR_H

#include <stddef.h>
#include <stdint.h>

#define TILE_SIDE_PX 512

/* "jpeg" (quality 75, 4:2:0), "deflate", "lzw", "zstd", "webp" or "none"; level
 * as GDAL's options mean it; "deflate" 0: the core's fast encoder. */
struct floor_codec
{
    const char *name;
    int level;
    int predictor; /* 1, 2 or 3 */
    int bands;
    int sample_bytes;
};

/* For one thread at a time. Whatever fails ends the program. */
struct floor_encoder;
struct floor_encoder *floor_encoder_open(const struct floor_codec *codec);
void floor_encoder_close(struct floor_encoder *encoder);

/* How many bytes a tile takes, of which the rows stand row_bytes apart. */
size_t floor_encode(struct floor_encoder *encoder, const uint8_t *pixels,
                    size_t row_bytes);

#endif
