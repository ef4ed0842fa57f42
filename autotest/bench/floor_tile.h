/* SPDX-License-Identifier: MIT */
/* What the floor of the write benchmark does with a tile. */
#ifndef FLOOR_TILE_H
#define FLOOR_TILE_H

#include "floor.h"

/* For one thread at a time. compression: libdeflate's level, 1 .. 12. JPEG has
 * quality 75, 4:2:0. Whatever fails ends the program. */
struct floor_encoder;
struct floor_encoder *floor_encoder_open(enum floor_codec codec,
                                         int compression, int bands,
                                         int sample_bytes);
void floor_encoder_close(struct floor_encoder *encoder);

/* Encodes pixels[TILE_SIDE_PX][TILE_SIDE_PX][bands]; returns the bytes, valid
 * until the next call. */
const uint8_t *floor_encode(struct floor_encoder *encoder,
                            const uint8_t *pixels, size_t *out_nbytes);

/* The 2 x 2 mean of a tile (bytes rounded halves up, floats summed in double
 * precision) into a quadrant of its parent, whose rows are a tile's. */
void floor_reduce(int bands, int sample_bytes, const uint8_t *pixels,
                  uint8_t *quadrant);

#endif
