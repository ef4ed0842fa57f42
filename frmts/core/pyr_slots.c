/* SPDX-License-Identifier: MIT */
/* Compressed tiles in a temporary file. */
#include "pyr_slots.h"

#include "pyr_alloc.h"
#include "pyr_encode.h"

#include <string.h>

/* Fast: the file lives only as long as the tiles are being written. */
#define SPOOL_LEVEL 1

struct pyr_slots
{
    struct pyr_tile_shape shape;
    struct pyr_tile_shape marks_shape;
    struct pyr_space *space;
    struct pyr_encoder *pixels_encoder;
    struct pyr_encoder *marks_encoder;
    struct pyr_decoder *decoder;
    uint8_t *buffer; /* buffer[room], for encoded bytes that are read */
    size_t room;
};

enum pyr_result pyr_slots_new(const struct pyr_tile_shape *shape,
                              struct pyr_space *space,
                              struct pyr_slots **out_slots,
                              struct pyr_error *err)
{
    const struct pyr_encoding encoding = {.codec = PYR_CODEC_DEFLATE,
                                          .level = SPOOL_LEVEL};
    struct pyr_slots *const slots = pyr_calloc(1, sizeof(*slots));
    if (slots == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    slots->shape = *shape;
    slots->marks_shape = *shape;
    slots->marks_shape.bands = 1;
    slots->marks_shape.sample = PYR_SAMPLE_UINT8;
    slots->space = space;
    enum pyr_result result =
        pyr_encoder_new(&encoding, &slots->pixels_encoder, err);
    if (result == PYR_OK)
        result = pyr_encoder_new(&encoding, &slots->marks_encoder, err);
    if (result == PYR_OK && pyr_decoder_new(&slots->decoder) != PYR_OK)
        result = pyr_fail(err, PYR_NOMEM, "out of memory");
    if (result == PYR_OK)
        *out_slots = slots;
    else
        pyr_slots_free(slots);
    return result;
}

void pyr_slots_free(struct pyr_slots *slots)
{
    if (slots == NULL)
        return;
    pyr_encoder_free(slots->pixels_encoder);
    pyr_encoder_free(slots->marks_encoder);
    pyr_decoder_free(slots->decoder);
    pyr_free(slots->buffer);
    pyr_free(slots);
}

static uint64_t stored_bytes(const struct pyr_slot *slot)
{
    return (uint64_t)slot->pixels_nbytes + slot->marks_nbytes;
}

void pyr_slots_give(struct pyr_slots *slots, struct pyr_slot *slot)
{
    pyr_space_give(slots->space, slot->offset_bytes, stored_bytes(slot));
    memset(slot, 0, sizeof(*slot));
}

/* ---- Tiles ---- */

static size_t marks_count(const struct pyr_slots *slots)
{
    return (size_t)slots->shape.width_px * slots->shape.height_px;
}

static bool all_alike(const uint8_t *bytes, size_t nbytes)
{
    return nbytes == 1 || memcmp(bytes, bytes + 1, nbytes - 1) == 0;
}

static enum pyr_result write_both(struct pyr_slots *slots,
                                  const struct pyr_slot *slot,
                                  const uint8_t *pixels, const uint8_t *marks,
                                  struct pyr_error *err)
{
    enum pyr_result result = pyr_space_write(slots->space, slot->offset_bytes,
                                             pixels, slot->pixels_nbytes, err);
    if (result == PYR_OK && slot->marks_nbytes > 0)
        result = pyr_space_write(slots->space,
                                 slot->offset_bytes + slot->pixels_nbytes,
                                 marks, slot->marks_nbytes, err);
    return result;
}

enum pyr_result pyr_slots_store(struct pyr_slots *slots, struct pyr_slot *slot,
                                const uint8_t *pixels, const uint8_t *marks,
                                struct pyr_error *err)
{
    const uint8_t *pixels_bytes = NULL;
    const uint8_t *marks_bytes = NULL;
    size_t pixels_nbytes = 0;
    size_t marks_nbytes = 0;
    enum pyr_result result = pyr_encode(
        slots->pixels_encoder, &slots->shape, pixels,
        pyr_tile_row_bytes(&slots->shape), &pixels_bytes, &pixels_nbytes, err);
    if (result == PYR_OK && !all_alike(marks, marks_count(slots)))
        result =
            pyr_encode(slots->marks_encoder, &slots->marks_shape, marks,
                       slots->shape.width_px, &marks_bytes, &marks_nbytes, err);
    if (result != PYR_OK)
        return result;
    /* What is there stays whole until the new one is: the disk may be full. */
    struct pyr_slot fresh = {.pixels_nbytes = (uint32_t)pixels_nbytes,
                             .marks_nbytes = (uint32_t)marks_nbytes,
                             .mark = marks[0]};
    fresh.offset_bytes = pyr_space_take(slots->space, stored_bytes(&fresh));
    result = write_both(slots, &fresh, pixels_bytes, marks_bytes, err);
    pyr_slots_give(slots, result == PYR_OK ? slot : &fresh);
    if (result == PYR_OK)
        *slot = fresh;
    return result;
}

enum pyr_result pyr_slots_load(struct pyr_slots *slots,
                               const struct pyr_slot *slot, uint8_t *pixels,
                               uint8_t *marks, struct pyr_error *err)
{
    const size_t nbytes = (size_t)stored_bytes(slot);
    enum pyr_result result = PYR_OK;
    if (nbytes > slots->room)
    {
        uint8_t *const buffer = pyr_realloc(slots->buffer, nbytes);
        if (buffer == NULL)
            return pyr_fail(err, PYR_NOMEM, "out of memory");
        slots->buffer = buffer;
        slots->room = nbytes;
    }
    result = pyr_space_read(slots->space, slot->offset_bytes, slots->buffer,
                            nbytes, err);
    if (result != PYR_OK)
        return result;
    result = pyr_decode(slots->decoder, PYR_CODEC_DEFLATE, &slots->shape,
                        slots->buffer, slot->pixels_nbytes, pixels, err);
    if (result == PYR_OK && slot->marks_nbytes > 0)
        result =
            pyr_decode(slots->decoder, PYR_CODEC_DEFLATE, &slots->marks_shape,
                       slots->buffer + slot->pixels_nbytes, slot->marks_nbytes,
                       marks, err);
    if (result == PYR_OK && slot->marks_nbytes == 0)
        memset(marks, slot->mark, marks_count(slots));
    if (result != PYR_OK)
        pyr_error_prefix(err, "temporary file");
    return result;
}
