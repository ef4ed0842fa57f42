/* SPDX-License-Identifier: MIT */
/* Compressed tiles in a temporary file. */
#ifndef PYR_SLOTS_H
#define PYR_SLOTS_H

#include "pyr_space.h"
#include "pyr_tile.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Where a tile stands in the file; all zeros: nowhere. */
struct pyr_slot
{
    uint64_t offset_bytes;
    uint32_t pixels_nbytes;
    uint32_t marks_nbytes; /* 0: all marks are `mark` */
    uint8_t mark;
};

struct pyr_slots;

/* Tiles are pixels[height_px][width_px][bands] of the shape, with one byte for
 * each pixel in marks. space, where others may have ranges of theirs, is
 * borrowed until pyr_slots_free. PYR_NOMEM, and as of pyr_encoder_new. One
 * thread at a time. */
enum pyr_result pyr_slots_new(const struct pyr_tile_shape *shape,
                              struct pyr_space *space,
                              struct pyr_slots **out_slots,
                              struct pyr_error *err) PYR_MUST_CHECK;
/* Tiles keep their space. NULL is fine. */
void pyr_slots_free(struct pyr_slots *slots);

/* Puts a tile into the file and says where, in the place of what slot says. On
 * failure both are as they were. */
enum pyr_result pyr_slots_store(struct pyr_slots *slots, struct pyr_slot *slot,
                                const uint8_t *pixels, const uint8_t *marks,
                                struct pyr_error *err) PYR_MUST_CHECK;

/* Reads a tile back. */
enum pyr_result pyr_slots_load(struct pyr_slots *slots,
                               const struct pyr_slot *slot, uint8_t *pixels,
                               uint8_t *marks,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* Gives the space of a tile back; slot is zeros then, which are fine here. */
void pyr_slots_give(struct pyr_slots *slots, struct pyr_slot *slot);

#ifdef __cplusplus
}
#endif

#endif
